"""Pixels and keypoints must move together, whatever is done to them."""

import numpy as np
import pytest
import torch

from posecourse import transforms
from posecourse.skeletons import MPII, UPPER_BODY
from posecourse.transforms import Augmentation, make_batch, normalise

STILL = Augmentation(
    scale=0,
    rotation=0,
    shift=0,
    flip=0,
    brightness=0,
    contrast=0,
    saturation=0,
    channel_gain=0,
)
MOVED = Augmentation(brightness=0, contrast=0, saturation=0, channel_gain=0, shift=0.05)


def random_crops(n=3, side=64, seed=0):
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.integers(0, 256, (n, side, side, 3), dtype=np.uint8))


def labels(n, side, seed=1):
    rng = np.random.default_rng(seed)
    points = rng.uniform(side * 0.3, side * 0.7, (n, 16, 2))
    return (
        torch.from_numpy(points).float(),
        torch.full((n, 16), 2, dtype=torch.uint8),
        torch.full((n,), 8.0),
    )


def colours(batch):
    """The pixels in 0...1 again."""
    mean, std = normalise(torch.zeros(1, 3, 1, 1)), normalise(torch.ones(1, 3, 1, 1))
    return (batch.images - mean) / (std - mean)


def test_normalise_is_that_of_imagenet():
    bytes_ = torch.zeros(1, 3, 2, 2, dtype=torch.uint8)
    black = normalise(bytes_)[0, :, 0, 0]
    assert black.tolist() == pytest.approx([-2.1179, -2.0357, -1.8044], abs=1e-4)
    assert torch.allclose(
        normalise(bytes_ + 51), normalise(torch.full((1, 3, 2, 2), 0.2))
    )
    with pytest.raises(ValueError, match="N, 3, H, W"):
        normalise(torch.zeros(1, 4, 4, 3))


@pytest.mark.parametrize("layout", ["last", "first"])
def test_without_augmentation_it_is_the_centre_crop(layout):
    crops = random_crops()
    given = crops if layout == "last" else crops.permute(0, 3, 1, 2)
    batch = make_batch(given, *labels(3, 64), window=32, input_size=32)
    expected = crops[:, 16:48, 16:48].permute(0, 3, 1, 2)
    assert torch.allclose(batch.images, normalise(expected), atol=1e-4)
    assert torch.allclose(batch.keypoints, labels(3, 64)[0] - 16, atol=1e-4)
    assert batch.head_size.tolist() == pytest.approx([8.0] * 3)
    # drawing numbers that may not change anything changes nothing
    again = make_batch(
        given,
        *labels(3, 64),
        window=32,
        input_size=32,
        augmentation=STILL,
        generator=torch.Generator().manual_seed(0),
    )
    assert torch.allclose(again.images, batch.images, atol=1e-4)


def test_shrinking_averages_first():
    stripes = torch.zeros(1, 96, 96, 3, dtype=torch.uint8)
    stripes[:, :, ::3] = 255
    points, visible, head = labels(1, 96)
    batch = make_batch(stripes, points, visible, head, 96, 32)
    assert torch.allclose(colours(batch), torch.tensor(1 / 3), atol=1e-3)
    # cell j covers pixels 3j, 3j + 1, 3j + 2
    assert torch.allclose(batch.keypoints, (points + 0.5) / 3 - 0.5, atol=1e-4)
    assert batch.head_size.item() == pytest.approx(8 / 3)


@pytest.mark.parametrize("window, size", [(64, 64), (64, 32), (100, 64)])
def test_pixels_and_keypoints_move_together(window, size):
    """A soft dot painted at each joint is found where the label says."""
    n, side = 24, 128
    y, x = np.mgrid[:side, :side]
    rng = np.random.default_rng(4)
    points = rng.uniform(side * 0.4, side * 0.6, (n, 16, 2))
    visible = np.zeros((n, 16), np.uint8)
    joints = rng.integers(0, 16, n)
    visible[np.arange(n), joints] = 2
    points[visible == 0] = np.nan
    dots = []
    for i, j in enumerate(joints):
        px, py = points[i, j]
        dots.append(200 * np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * 5.0**2)))
    crops = np.repeat(np.round(dots)[..., None], 3, -1).astype(np.uint8)
    batch = make_batch(
        torch.from_numpy(crops),
        points,
        visible,
        np.ones(n),
        window,
        size,
        augmentation=MOVED,
        generator=torch.Generator().manual_seed(3),
    )
    mass = colours(batch).mean(1)
    v, u = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    total = mass.sum((1, 2))
    found = (
        torch.stack([(mass * u).sum((1, 2)), (mass * v).sum((1, 2))], -1)
        / total[:, None]
    )
    order = torch.tensor(MPII.flip_permutation)
    mirrored = torch.linalg.det(batch.matrix[:, :, :2]) < 0
    assert 4 < mirrored.sum() < 20
    checked = 0
    for i, j in enumerate(joints):
        j = order[j] if mirrored[i] else j
        assert batch.visible[i].sum() in (0, 2)
        label = batch.keypoints[i, j]
        scale = batch.head_size[i].item()
        # the whole dot must be in the picture for its middle to count
        if (label > 18 * scale).all() and (label < size - 1 - 18 * scale).all():
            assert (found[i] - label).abs().max() < 0.1
            checked += 1
    assert checked >= 6


def test_a_mirror_swaps_the_sides():
    crops = random_crops(1)
    points, visible, head = labels(1, 64)
    visible[0, 3] = 1  # the left hip is hidden
    mirror = Augmentation(**{**vars(STILL), "flip": 1.0})
    plain = make_batch(crops, points, visible, head, 64, 64)
    flipped = make_batch(
        crops,
        points,
        visible,
        head,
        64,
        64,
        augmentation=mirror,
        generator=torch.Generator().manual_seed(0),
    )
    assert torch.allclose(flipped.images, plain.images.flip(-1), atol=1e-3)
    left, right = MPII.index("left_wrist"), MPII.index("right_wrist")
    x, y = points[0, left].tolist()
    assert flipped.keypoints[0, right].tolist() == pytest.approx([63 - x, y], abs=1e-3)
    assert flipped.visible[0, 2] == 1 and flipped.visible[0, 3] == 2


def test_what_leaves_the_picture_is_not_labelled():
    points, visible, head = labels(1, 64)
    points[0, 0] = torch.tensor([5.0, 30.0])
    points[0, 1] = torch.tensor([float("nan")] * 2)
    visible[0, 1] = 0
    batch = make_batch(random_crops(1), points, visible, head, 32, 32)
    assert batch.visible[0, :3].tolist() == [0, 0, 2]
    assert batch.keypoints[0, :2].isnan().all()
    assert not batch.keypoints[0, 2:].isnan().any()


def test_the_same_generator_gives_the_same_batch():
    strong = Augmentation(erase_prob=0.5, noise=0.1)
    full = [
        make_batch(
            random_crops(6),
            *labels(6, 64),
            48,
            32,
            augmentation=strong,
            generator=torch.Generator().manual_seed(s),
        )
        for s in (5, 5, 6)
    ]
    assert torch.equal(full[0].images, full[1].images)
    assert not torch.equal(full[0].images, full[2].images)
    assert full[0].images.isfinite().all()
    # and two processes that share the draws make the two halves of it
    draws = strong.draw(6, torch.Generator().manual_seed(5))
    half = slice(3, 6)
    points, visible, head = labels(6, 64)
    part = make_batch(
        random_crops(6)[half],
        points[half],
        visible[half],
        head[half],
        48,
        32,
        augmentation=strong,
        draws=draws.part(half),
    )
    assert torch.allclose(part.images, full[0].images[half], atol=1e-5)


def test_colours_change_and_stay_colours():
    batch = make_batch(
        random_crops(8),
        *labels(8, 64),
        64,
        64,
        augmentation=Augmentation(scale=0, rotation=0, shift=0, flip=0),
        generator=torch.Generator().manual_seed(1),
    )
    plain = make_batch(random_crops(8), *labels(8, 64), 64, 64)
    assert torch.equal(batch.matrix, plain.matrix)
    change = (colours(batch) - colours(plain)).abs().mean((1, 2, 3))
    assert (change > 0.01).all()
    assert colours(batch).min() > -1e-4 and colours(batch).max() < 1 + 1e-4


@pytest.mark.parametrize("window, size", [(48, 64), (64, 64), (72, (32, 48)), (80, 32)])
@pytest.mark.parametrize(
    "change", [None, MOVED, Augmentation(), Augmentation(noise=0.1, erase_prob=1.0)]
)
def test_a_cpu_makes_what_a_gpu_makes(window, size, change, monkeypatch):
    """Two ways to resample; on a CPU the pixels between are bytes."""
    coarse = random_crops(5, 14).permute(0, 3, 1, 2).float()
    crops = (
        torch.nn.functional.interpolate(coarse, (97, 97), mode="bicubic")
        .clamp(0, 255)
        .byte()
    )

    def made():
        return make_batch(
            crops,
            *labels(5, 97),
            window,
            size,
            augmentation=change,
            generator=torch.Generator().manual_seed(4),
        )

    on_cpu = made()
    monkeypatch.setattr(transforms, "_resample_on_cpu", transforms._resample)
    as_on_gpu = made()
    off = (colours(on_cpu) - colours(as_on_gpu)).abs() * 255
    # rounding to bytes, and the border, where one pixel is 32 steps wide
    assert off.mean() < 0.6 and off.quantile(0.995) < 5
    assert torch.equal(on_cpu.keypoints.nan_to_num(), as_on_gpu.keypoints.nan_to_num())


def test_threads_change_nothing(monkeypatch):
    def made():
        return make_batch(
            random_crops(6),
            *labels(6, 64),
            48,
            40,
            augmentation=Augmentation(),
            generator=torch.Generator().manual_seed(2),
        ).images

    alone = made()
    monkeypatch.setattr(transforms, "_WORTH_THREADS", 0)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    assert torch.equal(made(), alone)


def test_what_cannot_be_is_said():
    crops = random_crops(1, 32)
    points, visible, head = labels(1, 32)
    with pytest.raises(ValueError, match=r"keypoints \(1, 5, 2\)"):
        make_batch(crops, points, visible, head, 32, 32, UPPER_BODY)
    with pytest.raises(ValueError, match="switch flips off"):
        make_batch(
            crops,
            points[:, :5],
            visible[:, :5],
            head,
            32,
            32,
            UPPER_BODY,
            Augmentation(),
        )
    with pytest.raises(ValueError, match="uint8"):
        make_batch(crops.float(), points, visible, head, 32, 32)
    with pytest.raises(ValueError, match="probability"):
        Augmentation(flip=2)
    with pytest.raises(ValueError, match="scale"):
        Augmentation(scale=1.0)
