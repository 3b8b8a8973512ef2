"""Actions told from sequences of poses."""

import numpy as np
import pytest
import torch

from posecourse.models import WeightsError, load_model, pretrained
from posecourse.motion.actions import (
    ActionNetwork,
    ActionRecognizer,
    ActionTask,
    NearestNeighbor,
    body_centred,
    dtw_distances,
    resample,
)
from posecourse.skeletons import COCO, MPII
from posecourse.training import FitSettings, RunFolder, fit

NAN = float("nan")


@pytest.fixture
def rng():
    return np.random.default_rng(0)


# -------------------------------------------------- to comparable sequences


def test_resample_by_hand():
    one = np.array([[[0, 0]], [[NAN, 4]], [[4, NAN]], [[NAN, NAN]]])
    out = resample(one, [0, 1, 2, 3], 7)
    assert out[:, 0, 0].tolist() == [0, 1, 2, 3, 4, 4, 4]
    assert out[:, 0, 1].tolist() == [0, 2, 4, 4, 4, 4, 4]
    # uneven steps are times, not counts
    out = resample([[[0.0, 0]], [[1, 0]], [[5, 0]]], [0, 1, 5], 6)
    assert out[:, 0, 0].tolist() == [0, 1, 2, 3, 4, 5]
    assert resample([[[3, 7]]], [2.0], 3).tolist() == [[[3, 7]]] * 3
    assert (resample(np.full((3, 2, 2), NAN), [0, 1, 2], 4) == 0).all()


@pytest.mark.parametrize(
    ("points", "times", "count", "message"),
    [
        (np.zeros((0, 16, 2)), [], 4, "T at least 1"),
        (np.zeros((3, 16)), [0, 1, 2], 4, "T, K, 2"),
        (np.zeros((3, 16, 2)), [0, 1], 4, "times"),
        (np.zeros((3, 16, 2)), [0, 1, 1], 4, "increase"),
        (np.zeros((3, 16, 2)), [0, 1, NAN], 4, "increase"),
        (np.zeros((3, 16, 2)), [0, 1, 2], 0, "from 1"),
    ],
)
def test_what_is_no_sequence(points, times, count, message):
    with pytest.raises(ValueError, match=message):
        resample(points, times, count)


def test_body_centred_takes_out_place_and_size(rng):
    points = rng.normal(size=(5, 9, 16, 2))
    plain = body_centred(points)
    np.testing.assert_allclose(body_centred(7 * points + (3, -2)), plain)
    hips = plain[..., MPII.indices(["right_hip", "left_hip"]), :].mean(-2)
    np.testing.assert_allclose(hips.mean(1), 0, atol=1e-12)
    shoulders = plain[..., MPII.indices(["right_shoulder", "left_shoulder"]), :]
    torso = np.linalg.norm(shoulders.mean(-2) - hips, axis=-1)
    np.testing.assert_allclose(np.median(torso, axis=-1), 1)
    np.testing.assert_allclose(body_centred(points, move=False, scale=False), points)
    moved = body_centred(points + 5, scale=False)
    np.testing.assert_allclose(moved, body_centred(points, scale=False))
    # the movement of the whole body stays
    falling = points[0] + np.arange(9)[:, None, None] * (0, 1)
    hips = body_centred(falling, scale=False)[:, MPII.index("right_hip"), 1]
    assert hips[-1] - hips[0] > 4
    assert np.isfinite(body_centred(np.zeros((3, 16, 2)))).all()  # no torso
    with pytest.raises(ValueError, match=r"\(\.\.\., T, 17, 2\)"):
        body_centred(points, COCO)


# ----------------------------------------------------- nearest neighbours


def warped(one, other, reach):
    """The definition, by all walks: brute force."""

    def walk(i, j):
        if abs(i * (len(other) - 1) / max(len(one) - 1, 1) - j) > reach:
            return np.inf
        cost = np.linalg.norm(one[i] - other[j])
        if i == j == 0:
            return cost
        steps = [(i - 1, j), (i, j - 1), (i - 1, j - 1)]
        return cost + min(walk(a, b) for a, b in steps if a >= 0 and b >= 0)

    return walk(len(one) - 1, len(other) - 1)


@pytest.mark.parametrize(("rows", "columns"), [(5, 5), (4, 6), (6, 3), (1, 4), (1, 1)])
def test_dtw_is_the_best_of_all_walks(rng, rows, columns):
    one, others = rng.normal(size=(rows, 3)), rng.normal(size=(4, columns, 3))
    found = dtw_distances(one, others, band=1.0) * max(rows, columns)
    np.testing.assert_allclose(found, [warped(one, o, 99) for o in others])


def test_dtw_within_its_band(rng):
    one, others = rng.normal(size=(7, 2)), rng.normal(size=(3, 7, 2))
    found = 7 * dtw_distances(one, others, band=0.3)
    np.testing.assert_allclose(found, [warped(one, o, 2) for o in others])


def test_dtw_forgives_another_speed(rng):
    curve = rng.normal(size=(12, 4)).cumsum(0)
    fast_then_slow = curve[[0, 2, 4, 6, 7, 8, 8, 9, 9, 10, 11, 11]]
    straight = np.linalg.norm(curve - fast_then_slow, axis=-1).mean()
    assert dtw_distances(curve, fast_then_slow[None])[0] < 0.5 * straight
    assert dtw_distances(curve, curve[None])[0] == pytest.approx(0, abs=1e-6)
    forth, back = (
        dtw_distances(a, b[None])[0]
        for a, b in ((curve, curve + 1), (curve + 1, curve))
    )
    assert forth == pytest.approx(back)


def test_the_nearest_neighbor(rng):
    known = rng.normal(size=(6, 8, 16, 2))
    labels = np.array([3, 3, 1, 1, 2, 2])
    for band in (0.2, None):
        model = NearestNeighbor(known, labels, band)
        assert model.predict(known + 0.01).tolist() == labels.tolist()
    off = [np.linalg.norm(known[0] - k, axis=(1, 2)).mean() for k in known[1:]]
    said = NearestNeighbor(known[1:], labels[1:], None).predict(known[:1])
    assert said == labels[1:][np.argmin(off)]
    with pytest.raises(ValueError, match="a label for each"):
        NearestNeighbor(known, labels[:3])
    with pytest.raises(ValueError, match="without a moment"):
        dtw_distances(known[0][:0], known)
    with pytest.raises(ValueError, match="are expected"):
        dtw_distances(known[0], known[0])


# -------------------------------------------------------- temporal network


def toy(rng, count=60, moments=12):
    """Three classes: the right wrist rises, falls, or swings from side to side."""
    labels = np.arange(count) % 3
    x = np.tile(np.linspace(-1, 1, 32).reshape(16, 2), (count, moments, 1, 1))
    t = np.linspace(0, 1, moments)
    ways = np.stack(
        [
            np.stack([0 * t, -2 * t], -1),
            np.stack([0 * t, 2 * t], -1),
            np.stack([np.sin(12 * t), 0 * t], -1),
        ]
    )
    x[:, :, MPII.index("right_wrist")] += ways[labels]
    return x + 0.02 * rng.normal(size=x.shape), labels


CLASSES = ("rise", "fall", "swing")


@pytest.fixture
def task(rng):
    return ActionTask(
        toy(rng), toy(rng, 30), CLASSES, batch_size=16, steps_per_epoch=40
    )


def test_a_batch_depends_on_its_step_alone(task):
    (x, labels), (again, same) = task.batch(3), task.batch(3)
    assert torch.equal(x, again) and torch.equal(labels, same)
    assert not torch.equal(x, task.batch(4)[0])
    assert x.shape == (16, 12, 16, 2) and labels.shape == (16,)
    assert x.isfinite().all()


def test_variation_keeps_the_body(rng):
    """Distances between the joints of a moment change by the scale alone."""
    sequences, labels = toy(rng, 9)
    task = ActionTask((sequences, labels), (sequences, labels), CLASSES, noise=0.0)
    still = torch.as_tensor(sequences[:, :1], dtype=torch.float32).repeat(40, 5, 1, 1)
    x = task._vary(still, torch.Generator().manual_seed(0))
    before, after = (torch.cdist(s, s).flatten(2) for s in (still, x))
    # as a set: a mirror and an exchange reorder the joints
    ratio = after.sort(-1)[0].sum(-1) / before.sort(-1)[0].sum(-1)
    assert ratio.min() > 0.84 and ratio.max() < 1.16
    spread = ratio.amax(1) - ratio.amin(1)
    assert spread.max() < 1e-4


def test_a_mirror_exchanges_left_and_right(rng):
    """The right hand of a mirrored person is on their right, as before."""
    sequences, labels = toy(rng, 3)
    task = ActionTask((sequences, labels), (sequences, labels), CLASSES, noise=0.0)
    pose = torch.as_tensor(rng.normal(size=(1, 1, 16, 2)), dtype=torch.float32)
    still = pose.repeat(300, 4, 1, 1)
    x = task._vary(still, torch.Generator().manual_seed(1))[:, 0]
    right, left = MPII.indices(["right_wrist", "left_wrist"])
    head, pelvis = MPII.indices(["head_top", "pelvis"])
    spine, across = x[:, head] - x[:, pelvis], x[:, right] - x[:, left]
    before = pose[0, 0, head] - pose[0, 0, pelvis]
    mirrored = spine[:, 0] * before[0] < 0
    assert 0.4 < mirrored.float().mean() < 0.6
    side = torch.sign(spine[:, 0] * across[:, 1] - spine[:, 1] * across[:, 0])
    usual = side.median()
    assert (side[mirrored] == usual).float().mean() > 0.6
    # a pose network that takes left for right does not mirror the person
    assert 0.05 < (side != usual).float().mean() < 0.4


def test_loss_and_baseline_by_hand(rng):
    sequences, _ = toy(rng, 8)
    labels = np.array([0, 0, 0, 0, 0, 0, 1, 2])
    task = ActionTask((sequences, labels), (sequences, labels), CLASSES)
    batch = torch.zeros(2, 12, 16, 2), torch.tensor([0, 2])

    def network(x):
        return torch.tensor([[0.0, 0.0, 0.0]]).expand(len(x), -1)

    loss = task.loss(network, batch)
    assert loss.sums.item() == pytest.approx(2 * np.log(3))
    assert loss.counts.item() == 2
    assert task.baseline(network, batch).item() == pytest.approx(
        -np.log(6 / 8) - np.log(1 / 8)
    )
    row = task.validate(network, {"epoch": 1})
    assert row["most_frequent"] == 75 and row["score"] == 75


@pytest.mark.slow
def test_it_learns_through_fit(task, rng, tmp_path):
    network = ActionNetwork(3, channels=16)
    settings = FitSettings(epochs=2, lr=0.01, device="cpu", amp="fp32")
    torch.manual_seed(0)
    with RunFolder(tmp_path) as folder:
        trained = fit(network, task, settings, folder)
        said = task.report(tmp_path, trained)
    row = task.validate(trained, {})
    assert row["score"] >= 90 > row["most_frequent"] + 40
    assert said.startswith("accuracy")
    assert (tmp_path / "log.csv").exists() and (tmp_path / "evaluation.json").exists()

    recognizer = ActionRecognizer.load(tmp_path / "weights.safetensors")
    assert recognizer.classes == CLASSES and recognizer.moments == 12
    sequences, labels = toy(rng, 30)
    chances = recognizer.probabilities(sequences)
    np.testing.assert_allclose(chances.sum(1), 1, rtol=1e-6)
    assert (chances.argmax(1) == labels).mean() >= 0.9
    # from pixels, in any place and size, at another rate, with a gap
    seen = 40 * sequences[0] + (90, 70)
    seen[4, MPII.index("left_knee")] = NAN
    found = recognizer(seen, np.arange(12) / 7)
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert sum(found.values()) == pytest.approx(1)
    again = recognizer(3 * seen + 11, 5 + np.arange(12) / 7)
    assert list(again.values()) == pytest.approx(list(found.values()), abs=1e-4)


def test_any_length_and_any_skeleton():
    network = ActionNetwork(4, joints=len(COCO), channels=8).eval()
    for moments in (2, 5, 40):
        assert network(torch.zeros(3, moments, len(COCO), 2)).shape == (3, 4)


@pytest.mark.parametrize(
    ("training", "message"),
    [
        ((np.zeros((2, 5, 16, 2)), [0]), "with a label each"),
        ((np.zeros((0, 5, 16, 2)), []), "at least 1"),
        ((np.zeros((2, 5, 15, 2)), [0, 1]), "16"),
        ((np.full((2, 5, 16, 2), NAN), [0, 1]), "bridge them"),
        ((np.zeros((2, 5, 16, 2)), [0, 3]), "below 3"),
    ],
)
def test_what_cannot_be_trained_on(training, message):
    with pytest.raises(ValueError, match=message):
        ActionTask(training, training, CLASSES)


def test_other_files_are_refused(tmp_path):
    weights = pretrained("laptop") / "weights.safetensors"
    with pytest.raises(WeightsError, match="no recognizer of actions"):
        ActionRecognizer.load(weights)
    with pytest.raises(FileNotFoundError):
        ActionRecognizer.load(tmp_path / "none.safetensors")
    path = ActionRecognizer(ActionNetwork(3), CLASSES, 8).save(
        tmp_path / "a.safetensors"
    )
    with pytest.raises(WeightsError):
        load_model(path)
