"""Geometry: the pixel convention, said once and checked from every side."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from posecourse.geometry import (
    Crop,
    affine_points,
    compose,
    flip_heatmaps,
    flip_points,
    invert_affine,
    resize_points,
    warp_batch,
)
from posecourse.skeletons import MPII, UPPER_BODY


def maps(count=6, seed=0):
    """Random affine maps, none of them nearly flat."""
    rng = np.random.default_rng(seed)
    linear = rng.normal(size=(count, 2, 2)) + 3 * np.eye(2)
    return np.concatenate([linear, rng.normal(size=(count, 2, 1)) * 50], -1)


def blob(width, height, x, y, sigma=3.0):
    """A picture of one soft spot at (x, y)."""
    u = np.exp(-(((np.arange(width) - x) / sigma) ** 2) / 2)
    v = np.exp(-(((np.arange(height) - y) / sigma) ** 2) / 2)
    return (v[:, None] * u * 255).astype(np.float32)


def centroid(image):
    """Where the spot is, by centre of mass."""
    image = np.asarray(image, dtype=np.float64)
    y, x = np.indices(image.shape)
    return np.array([(image * x).sum(), (image * y).sum()]) / image.sum()


CROPS = {
    "plain": Crop((60.0, 45.0), (80, 60), (80, 60)),
    "shrunk": Crop((61.3, 47.8), (100, 80), (25, 20)),
    "grown": Crop((60.2, 44.6), (40, 40), (128, 128)),
    "turned": Crop((60.5, 46.1), (80, 80), (64, 64), rotation=33),
    "turned and shrunk": Crop((60, 45), (110, 110), (40, 40), rotation=-50),
    "mirrored": Crop((62.0, 45.0), (80, 60), (80, 60), flip=True),
    "all at once": Crop((58.7, 46.4), (90, 70), (60, 50), 20, True),
}
every_crop = pytest.mark.parametrize("crop", CROPS.values(), ids=CROPS)


# ------------------------------------------------------------------- points


def test_affine_points_by_hand():
    matrix = np.array([[2.0, 0, 1], [0, 3, -1]])
    assert affine_points([[1, 1], [0, 2]], matrix).tolist() == [[3, 2], [1, 5]]
    assert affine_points([1, 1], matrix).tolist() == [3, 2]


def test_affine_points_one_map_per_person():
    many = maps()
    points = np.random.default_rng(1).normal(size=(6, 5, 2))
    together = affine_points(points, many)
    for i in range(6):
        np.testing.assert_allclose(together[i], affine_points(points[i], many[i]))
    tensor = affine_points(torch.tensor(points), torch.tensor(many))
    np.testing.assert_allclose(tensor.numpy(), together)


def test_nan_stays_with_its_point():
    points = np.array([[1.0, 2.0], [np.nan, 3.0]])
    for kind in (np.asarray, torch.tensor):
        moved = np.asarray(affine_points(kind(points), maps()[0]))
        assert np.isfinite(moved[0]).all() and np.isnan(moved[1]).any()


def test_inverse_and_composition():
    first, second = maps(seed=0), maps(seed=1)
    points = np.random.default_rng(2).normal(size=(6, 5, 2))
    back = affine_points(affine_points(points, first), invert_affine(first))
    np.testing.assert_allclose(back, points)
    np.testing.assert_allclose(
        affine_points(points, compose(second, first)),
        affine_points(affine_points(points, first), second),
    )
    one, two = torch.tensor(first), torch.tensor(second)
    np.testing.assert_allclose(compose(two, one), compose(second, first))
    np.testing.assert_allclose(invert_affine(one), invert_affine(first))
    with pytest.raises(ValueError, match="cannot be inverted"):
        invert_affine(np.zeros((2, 3)))
    assert not invert_affine(torch.zeros(2, 3)).isfinite().all()


def test_autocast_does_not_round_points():
    """A matrix product would run in bfloat16 here: whole pixels off."""
    points, matrix = (
        torch.tensor([[[201.3, 77.7]]]),
        torch.tensor(maps(1), dtype=torch.float32),
    )
    expected = affine_points(points, matrix)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(affine_points(points, matrix), expected)
        assert compose(matrix, matrix).dtype == torch.float32
        image = torch.rand(1, 1, 20, 20)
        identity = torch.tensor([[[1.0, 0, 0], [0, 1, 0]]])
        torch.testing.assert_close(warp_batch(image, identity, 20), image)


def test_resize_points_by_hand():
    """The outer edges -0.5 and W - 0.5 map to each other."""
    edges = np.array([[-0.5, -0.5], [7.5, 3.5]])
    assert resize_points(edges, 2).tolist() == [[-0.5, -0.5], [15.5, 7.5]]
    assert resize_points([[0.0, 0.0]], 0.25).tolist() == [[-0.375] * 2]
    assert resize_points([[1.5, 1.5]], (2, 1)).tolist() == [[3.5, 1.5]]


@pytest.mark.parametrize("factor", [4, 0.25, (0.5, 3.0)])
def test_resize_points_there_and_back(factor):
    points = np.random.default_rng(0).normal(size=(3, 16, 2)) * 100
    inverse = tuple(1 / f for f in np.broadcast_to(factor, 2))
    back = resize_points(resize_points(points, factor), inverse)
    np.testing.assert_allclose(back, points)
    tensor = resize_points(torch.tensor(points), factor)
    np.testing.assert_allclose(tensor, resize_points(points, factor))


def test_resize_points_is_what_resizing_does():
    """A spot in the picture goes where the formula says."""
    image = blob(120, 90, 47.3, 38.9, sigma=6)
    small = cv2.resize(image, (30, 45), interpolation=cv2.INTER_AREA)
    np.testing.assert_allclose(
        centroid(small), resize_points([47.3, 38.9], (1 / 4, 1 / 2)), atol=0.01
    )


# -------------------------------------------------------------------- flips


def test_flip_points_by_hand():
    """Pixel 0 becomes pixel W - 1, and right becomes left."""
    points = np.zeros((16, 2))
    points[MPII.index("right_wrist")] = [0, 5]
    flipped = flip_points(points, 10, MPII)
    assert flipped[MPII.index("left_wrist")].tolist() == [9, 5]
    assert points[MPII.index("right_wrist")].tolist() == [0, 5]


@pytest.mark.parametrize("kind", [np.asarray, torch.tensor])
def test_flip_points_twice(kind):
    rng = np.random.default_rng(0)
    points = kind(rng.random((3, 16, 2)) * 100)
    visible = kind(rng.integers(0, 3, (3, 16)))
    once, seen = flip_points(points, 101, MPII, visible)
    twice, again = flip_points(once, 101, MPII, seen)
    np.testing.assert_allclose(twice, points)
    np.testing.assert_array_equal(again, visible)
    assert not np.array_equal(seen, visible)


def test_flip_says_what_is_wrong():
    with pytest.raises(ValueError, match="16 joints of mpii"):
        flip_points(np.zeros((14, 2)), 10, MPII)
    with pytest.raises(ValueError, match="switch flips off"):
        flip_points(np.zeros((5, 2)), 10, UPPER_BODY)


def test_flip_heatmaps_moves_the_peak_as_the_points():
    heatmaps = np.zeros((1, 16, 8, 10))
    heatmaps[0, MPII.index("right_wrist"), 3, 2] = 1
    flipped = flip_heatmaps(heatmaps, MPII)
    assert flipped[0, MPII.index("left_wrist"), 3, 7] == 1
    assert flipped.sum() == 1
    tensor = flip_heatmaps(torch.tensor(heatmaps), MPII)
    np.testing.assert_array_equal(tensor, flipped)


def test_flip_commutes_with_the_stride():
    """Mirror then stride is stride then mirror: no shift of a cell."""
    points = np.random.default_rng(0).random((16, 2)) * 256
    cells = resize_points(flip_points(points, 256, MPII), 1 / 4)
    other = flip_points(resize_points(points, 1 / 4), 64, MPII)
    np.testing.assert_allclose(cells, other)


# --------------------------------------------------------------------- crop


@every_crop
def test_crop_points_there_and_back(crop):
    points = np.random.default_rng(0).normal(size=(4, 16, 2)) * 100
    np.testing.assert_allclose(crop.invert(crop.apply(points)), points)
    tensor = crop.apply(torch.tensor(points))
    np.testing.assert_allclose(tensor, crop.apply(points))


@every_crop
def test_crop_centre_is_the_middle_of_the_output(crop):
    width, height = crop.output
    np.testing.assert_allclose(
        crop.apply(crop.center), [(width - 1) / 2, (height - 1) / 2]
    )


@every_crop
@pytest.mark.parametrize("spot", [(61.0, 46.0), (52.4, 51.7), (70.2, 40.1)])
def test_pictures_and_points_move_alike(crop, spot):
    """The test that finds every half pixel, swap and wrong turn."""
    found = centroid(crop.warp(blob(121, 91, *spot)))
    # OpenCV 4 rounds positions to 1/32 pixel
    np.testing.assert_allclose(found, crop.apply(spot), atol=0.06)


@pytest.mark.parametrize("name", [n for n, c in CROPS.items() if max(c.scale) >= 1])
def test_warp_batch_agrees_with_crop_warp(name):
    """Where nothing is shrunk: `Crop.warp` would average first."""
    crop = CROPS[name]
    image = np.random.default_rng(0).random((91, 121, 3)).astype(np.float32)
    expected = crop.warp(image)
    tensor = torch.tensor(image).permute(2, 0, 1)[None]
    found = warp_batch(tensor, torch.tensor(crop.matrix)[None], crop.output)
    difference = np.abs(found[0].permute(1, 2, 0).numpy() - expected)
    assert difference.mean() < 0.01  # OpenCV 4 rounds to 1/32 pixel


@every_crop
def test_warp_batch_and_points_move_alike(crop):
    spot = (58.3, 47.7)
    image = torch.tensor(blob(121, 91, *spot, sigma=5))[None, None]
    found = warp_batch(image, torch.tensor(crop.matrix)[None], crop.output)
    np.testing.assert_allclose(centroid(found[0, 0]), crop.apply(spot), atol=0.05)


def test_warp_batch_each_by_its_own_map():
    images = torch.rand(2, 3, 20, 30, generator=torch.Generator().manual_seed(0))
    one = Crop((14, 9), (20, 10), (24, 12)).matrix
    two = Crop((10, 10), (8, 8), (24, 12), 40, True).matrix
    both = torch.tensor(np.stack([one, two]))
    together = warp_batch(images, both, (24, 12))
    assert together.shape == (2, 3, 12, 24)
    for i in range(2):
        torch.testing.assert_close(
            together[i : i + 1],
            warp_batch(images[i : i + 1], both[i : i + 1], (24, 12)),
        )
    half = warp_batch(images.bfloat16(), both, (24, 12))
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), together, atol=0.02, rtol=0)
    square = warp_batch(images, both, 16)
    assert square.shape == (2, 3, 16, 16)


def test_plain_crop_copies_pixels():
    image = np.random.default_rng(0).integers(0, 255, (60, 80, 3)).astype(np.uint8)
    crop = Crop.from_box((10, 20, 32, 24), (32, 24), padding=1)
    np.testing.assert_array_equal(crop.warp(image), image[20:44, 10:42])
    mirrored = Crop.from_box((10, 20, 32, 24), (32, 24), padding=1, flip=True).warp(
        image
    )
    np.testing.assert_array_equal(mirrored, image[20:44, 10:42][:, ::-1])


def test_shrinking_averages():
    """A fine checkerboard becomes grey, not stripes; the mean stays."""
    image = (np.indices((240, 320)).sum(0) % 2 * 255).astype(np.uint8)
    crop = Crop((159.5, 119.5), (320, 240), (40, 30))
    small = crop.warp(image)
    assert small.shape == (30, 40)
    assert abs(int(small.min()) - 127) <= 2
    assert abs(int(small.max()) - 127) <= 2


def test_shrinking_keeps_what_lies_near_the_window():
    """Neighbours outside the window are looked at, not the border value."""
    image = np.full((200, 200), 200, dtype=np.uint8)
    for rotation in (0, 30):
        crop = Crop((100, 100), (90, 90), (9, 9), rotation)
        assert (crop.warp(image) == 200).all()


def test_border():
    image = np.full((10, 10, 3), 50, dtype=np.uint8)
    crop = Crop((0, 0), (40, 40), (40, 40))
    assert crop.warp(image)[0, 0].tolist() == [0, 0, 0]
    assert crop.warp(image, border=7)[0, 0].tolist() == [7, 7, 7]
    assert crop.warp(image, border=(1, 2, 3))[0, 0].tolist() == [1, 2, 3]
    assert (crop.warp(image, border="replicate") == 50).all()
    away = Crop((500, 500), (40, 40), (10, 10))
    assert (away.warp(image) == 0).all()
    with pytest.raises(ValueError, match="replicate"):
        crop.warp(image, border="reflect")


def test_views_can_be_warped():
    """BGR turned to RGB by slicing is a view with a negative stride."""
    image = np.random.default_rng(0).integers(0, 255, (30, 30, 3)).astype(np.uint8)
    crop = Crop((15, 15), (20, 20), (20, 20))
    np.testing.assert_array_equal(
        crop.warp(image[..., ::-1]), crop.warp(image)[..., ::-1]
    )


# ------------------------------------------------------------ snapped windows

WINDOWS = {  # in a picture of 121 x 91 pixels
    "enlarged, around the picture": Crop((58.3, 47.7), 170, 300),
    "enlarged, inside": Crop((58.3, 47.7), 31.7, 64),
    "enlarged, over a corner": Crop((10.3, 80.9), 50.9, 101),
    "as large": Crop((58.3, 47.7), 40, 40),
    "much enlarged": Crop((90.8, 30.4), 30.1, 192),
    "not square": Crop((58.3, 47.7), (60, 40), (96, 64)),
}
every_window = pytest.mark.parametrize("window", WINDOWS.values(), ids=list(WINDOWS))


def turned(crop):
    """So little that nothing moves, but `warp` has to resample."""
    return replace(crop, rotation=1e-9)


@every_window
def test_snapped_windows_move_little(window):
    moved = window.snapped()
    away = np.abs(np.subtract(moved.center, window.center))
    assert (away <= 0.5 + 1e-9).all() and away.any()
    assert (moved.size, moved.output) == (window.size, window.output)
    np.testing.assert_allclose(moved.snapped().center, moved.center)
    # where the window's first pixel begins in the picture, or the
    # picture's first in the window
    first = moved.invert([-0.5, -0.5]) + 0.5
    shown = moved.apply([-0.5, -0.5]) + 0.5
    for pixel, place in zip(first, shown):
        whole = pixel if pixel > 1e-9 else place
        assert whole == pytest.approx(round(whole), abs=1e-6)


@every_window
@pytest.mark.parametrize("offset", [(3.2, 1.1), (-2.6, -4.3)])
def test_what_is_resized_moves_like_points(window, offset):
    spot, snapped = np.add(window.center, offset), window.snapped()
    found = centroid(snapped.warp(blob(121, 91, *spot, sigma=2)))
    np.testing.assert_allclose(found, snapped.apply(spot), atol=0.03)


@every_window
def test_resizing_and_resampling_agree(window):
    """Away from edges, where resampling looks beyond, and on a picture
    without fine detail."""
    snapped = window.snapped()
    x, y = np.meshgrid(np.arange(121), np.arange(91))
    waves = [np.sin(x / 7 + k) + np.cos(y / 9 - k * x / 20) for k in range(3)]
    image = np.uint8(128 + 60 * np.stack(waves, -1))
    resized, resampled = snapped.warp(image), turned(snapped).warp(image)
    assert resized.shape == resampled.shape == (*snapped.output[::-1], 3)
    inside = turned(snapped).warp(np.pad(np.full((87, 117), 255, np.uint8), 2)) == 255
    edge = round(snapped.scale[0])
    inside[:edge] = inside[-edge:] = False
    inside[:, :edge] = inside[:, -edge:] = False
    difference = np.abs(resized.astype(int) - resampled)
    assert inside.sum() > 300 and difference[inside].max() <= 4
    # outside, both show the border
    outside = turned(snapped).warp(np.full((91, 121), 255, np.uint8)) == 0
    assert (resized[outside] == 0).all()
    bright = snapped.warp(image, border=(7, 8, 9))
    assert (bright[outside] == (7, 8, 9)).all()
    np.testing.assert_array_equal(bright[inside], resized[inside])


def test_enlarging_by_hand():
    """Twice as large: a quarter and three quarters between neighbours."""
    image = np.zeros((4, 6), np.uint8)
    image[1, 2] = 160
    crop = Crop((2.4, 1.6), (6, 4), (12, 8)).snapped()
    assert crop.center == (2.5, 1.5)
    weights = np.array([0.25, 0.75, 0.75, 0.25])
    expected = np.zeros((8, 12))
    expected[1:5, 3:7] = 160 * np.outer(weights, weights)
    np.testing.assert_array_equal(crop.warp(image), expected)


def test_snapped_windows_that_see_little_or_nothing():
    image = np.full((9, 12, 3), 50, np.uint8)
    for center in ((500, 5), (-500, 5), (5, 1e9), (11.9, 8.9), (-20, -20)):
        for size in (0.5, 3, 17, 39.9):
            crop = Crop(center, size, 40).snapped()
            found, expected = (c.warp(image, border=7) for c in (crop, turned(crop)))
            assert set(np.unique(found)) <= {7, 50}
            assert abs((found == 50).mean() - (expected > 28).mean()) < 0.06, (
                center,
                size,
            )


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
@pytest.mark.parametrize("channels", [(), (1,), (4,)])
def test_crops_can_be_put_into_an_array(kind, channels):
    image = np.random.default_rng(0).integers(0, 256, (30, 40, *channels)).astype(kind)
    for crop in (
        Crop((14, 9), 60, 24),
        Crop((14, 9), 60, 24).snapped(),
        Crop((14, 9), 60, 24, rotation=20),
        Crop((20, 15), 8, 24).snapped(),
    ):
        many = np.full((3, 24, 24, *channels), 9, kind)
        found = crop.warp(image, out=many[1])
        assert np.shares_memory(found, many)
        np.testing.assert_array_equal(many[1], crop.warp(image))
        assert (many[[0, 2]] == 9).all()
    with pytest.raises(ValueError, match=r"out is \(24, 20.*the crop"):
        crop.warp(image, out=np.empty((24, 20, *channels), kind))
    with pytest.raises(ValueError, match="float64"):
        crop.warp(image, out=np.empty((24, 24, *channels)))


# ------------------------------------------------------------ named windows


def test_mpii_window_by_hand():
    """Side 250 * scale, 15 * scale lower; head size is a tenth of it."""
    crop = Crop.from_mpii((100, 80), scale=2.0, output=256)
    assert crop.center == (100, 110)
    assert crop.size == (500, 500)
    assert 25 * 2.0 * crop.scale[0] == pytest.approx(0.1 * 256)
    same = crop.resized(64)
    np.testing.assert_allclose(
        same.apply([[33.0, 71.0]]), resize_points(crop.apply([[33.0, 71.0]]), 1 / 4)
    )


def test_mpii_window_holds_its_person(shared_data):
    """0.4 % of the labelled joints of the validation split lie outside;
    without the step down it would be 0.7 %."""
    path = shared_data / "mpii" / "annot" / "valid.json"
    records = json.loads(path.read_text())

    def outside(step):
        lost = total = 0
        for record in records:
            scale, (x, y) = record["scale"], record["center"]
            crop = Crop.from_mpii((x - 1, y - 1 + step * scale), scale)
            labelled = np.array(record["joints_vis"]) > 0
            points = crop.apply(np.array(record["joints"])[labelled] - 1)
            lost += (~((points >= -0.5) & (points < 255.5)).all(-1)).sum()
            total += labelled.sum()
        assert total == 44240
        return lost / total

    assert 0.003 < outside(0) < 0.005
    assert 0.006 < outside(-15) < 0.008


def test_box_window():
    """Grown to the output's shape, then padded; the middle stays."""
    crop = Crop.from_box((10, 20, 30, 80), (192, 256), padding=1.25)
    assert crop.size == pytest.approx((75, 100))
    assert crop.center == (24.5, 59.5)
    assert crop.scale[0] == pytest.approx(crop.scale[1])
    wide = Crop.from_box((0, 0, 90, 10), (192, 256), padding=1)
    assert wide.size == pytest.approx((90, 120))


def test_rotation_turns_clockwise():
    """What is right of the centre goes down on screen."""
    crop = Crop((50, 50), (101, 101), (101, 101), rotation=90)
    np.testing.assert_allclose(crop.apply([[60, 50]]), [[50, 60]], atol=1e-9)


def test_crop_says_what_is_wrong():
    good = dict(center=(5, 5), size=(4, 4), output=(8, 8))
    for change, message in (
        ({"center": (np.nan, 1)}, "finite"),
        ({"size": (0, 4)}, "positive"),
        ({"size": (-1, 4)}, "positive"),
        ({"output": 0}, "positive"),
        ({"output": 7.5}, "whole"),
    ):
        with pytest.raises(ValueError, match=message):
            Crop(**{**good, **change})
    with pytest.raises(ValueError, match="positive"):
        Crop.from_box((0, 0, 0, 5))
    with pytest.raises(ValueError, match="positive"):
        Crop.from_mpii((5, 5), scale=-1.0)
    with pytest.raises(ValueError, match="H, W"):
        Crop(**good).warp(np.zeros((0, 5)))
    assert Crop((5, 5), 4, 8) == Crop((5.0, 5.0), (4.0, 4.0), (8, 8))


# --------------------------------------------------- points, and nothing else


@pytest.mark.parametrize("third", [np.array, torch.tensor])
def test_a_third_number_is_no_place(third):
    """(x, y, visibility) was scaled, moved or cut off without a word."""
    points = third(np.zeros((2, 16, 3)))
    crop = Crop((5, 5), 10, 20)
    for call in (
        lambda: affine_points(points, crop.matrix),
        lambda: resize_points(points, 2),
        lambda: resize_points(points, (2, 3)),
        lambda: flip_points(points, 10, MPII),
        lambda: crop.apply(points),
        lambda: crop.invert(points),
    ):
        with pytest.raises(ValueError, match=r"\(2, 16, 3\).*visibility"):
            call()


def test_what_does_not_fit_says_so():
    with pytest.raises(ValueError, match=r"\(3, 3\)"):
        affine_points([[1, 2]], np.eye(3))
    with pytest.raises(ValueError, match="16"):
        flip_heatmaps(torch.zeros(1, 17, 4, 4), MPII)
    with pytest.raises(ValueError, match="visible"):
        flip_points(np.zeros((16, 2)), 9, MPII, np.zeros(15))
    with pytest.raises(ValueError, match="four"):
        Crop.from_box((1, 2, 3))
    with pytest.raises(ValueError, match="N, C, H, W"):
        warp_batch(torch.zeros(3, 4, 4), torch.zeros(1, 2, 3), 4)


def test_maps_of_both_kinds_compose():
    first, second = Crop((5, 5), 10, 20).matrix, Crop((3, 9), 8, 4, 30).matrix
    expected = compose(second, first)
    for a, b in ((torch.tensor(second), first), (second, torch.tensor(first))):
        found = compose(a, b)
        assert isinstance(found, torch.Tensor)
        np.testing.assert_allclose(found.numpy(), expected)


def test_whole_pictures_are_warped_in_floats():
    """Between 0 and 9 lies 4.5; bytes would say 4."""
    images = torch.tensor([[[[0, 9], [0, 9]]]], dtype=torch.uint8)
    matrix = np.array([[[2.0, 0, 0.5], [0, 2, 0.5]]])
    warped = warp_batch(images, matrix, 4)
    assert warped.dtype == torch.float32
    assert warped[0, 0, 1].tolist() == pytest.approx([0, 2.25, 6.75, 6.75])
    assert torch.equal(warped, warp_batch(images.float(), matrix, 4))
