"""Errors in three dimensions, against other ways to compute them."""

import numpy as np
import pytest
from scipy.spatial import procrustes
from scipy.spatial.transform import Rotation

from posecourse.metrics import mpjpe, n_mpjpe, pa_mpjpe, pck3d


def people(count=5, joints=17, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.normal(0, 300, (count, joints, 3))
    return truth + rng.normal(0, 60, truth.shape), truth


def aligned(points, target):
    """The best similarity, by SciPy's rotation, without a reflection."""
    middle, goal = points.mean(0), target.mean(0)
    a, b = points - middle, target - goal
    turn, _ = Rotation.align_vectors(b, a)
    turned = turn.apply(a)
    return (turned * b).sum() / (a * a).sum() * turned + goal


def test_pa_mpjpe_agrees_with_scipy():
    """To 1e-8, for small errors and for poses that have nothing in common."""
    for predicted, truth in (people(), (people(seed=1)[0], people(seed=2)[1])):
        reference = np.mean(
            [
                np.linalg.norm(aligned(p, t) - t, axis=1)
                for p, t in zip(predicted, truth)
            ]
        )
        assert pa_mpjpe(predicted, truth) == pytest.approx(reference, rel=0, abs=1e-8)


def test_pa_mpjpe_excludes_reflections():
    """SciPy's `procrustes` mirrors, and finds no error; a body cannot."""
    _, truth = people(count=1)
    mirrored = truth * (-1, 1, 1)
    assert procrustes(truth[0], mirrored[0])[2] < 1e-12
    reference = np.linalg.norm(aligned(mirrored[0], truth[0]) - truth[0], axis=1).mean()
    assert pa_mpjpe(mirrored, truth) == pytest.approx(reference, abs=1e-8)
    assert reference > 50


def test_n_mpjpe_is_the_best_scale():
    predicted, truth = people(count=3)
    best = []
    for p, t in zip(predicted, truth):
        scales = np.linspace(0.5, 1.5, 2001)[:, None, None]
        square = ((scales * p - t) ** 2).sum((1, 2))
        s = scales[square.argmin()]
        best.append(np.linalg.norm(s * p - t, axis=1).mean())
    assert n_mpjpe(predicted, truth) == pytest.approx(np.mean(best), rel=1e-3)
    assert n_mpjpe(0.37 * truth, truth) == pytest.approx(0, abs=1e-9)
    # it does not shift and does not turn
    assert n_mpjpe(truth + (0, 0, 90), truth) > 30
    assert pa_mpjpe(truth + (0, 0, 90), truth) == pytest.approx(0, abs=1e-9)


def test_n_mpjpe_looks_at_labelled_joints_only():
    predicted, truth = people(count=2)
    visible = np.ones((2, 17))
    visible[0, 3] = 0
    spoiled = predicted.copy()
    spoiled[0, 3] = 1e6
    assert n_mpjpe(spoiled, truth, visible) == n_mpjpe(predicted, truth, visible)
    assert n_mpjpe(0 * truth, truth) == mpjpe(0 * truth, truth)


def test_pck3d_by_hand():
    """100, 150 and 200 mm off: two of three are within 150, <= it is."""
    truth = np.array([[[0, 0, 0], [400.0, 0, 0], [0, 900, 0]]])
    predicted = truth + [[[100, 0, 0], [0, 150, 0], [0, 0, 200]]]
    assert pck3d(predicted, truth, unit="mm") == pytest.approx(2 / 3)
    assert pck3d(predicted / 1000, truth / 1000, unit="m") == pytest.approx(2 / 3)
    assert pck3d(predicted, truth, [[2, 0, 1]], unit="mm") == 0.5
    assert pck3d(predicted, truth, unit="mm", threshold=200) == 1


@pytest.mark.parametrize("factor, unit", [(0.001, "mm"), (1.0, "m")])
def test_a_wrong_unit_is_noticed(factor, unit):
    predicted, truth = people()
    with pytest.raises(ValueError, match=f"in {unit}, these people are"):
        pck3d(factor * predicted, factor * truth, unit=unit)


def test_pck3d_says_what_is_wrong():
    predicted, truth = people()
    with pytest.raises(ValueError, match="'mm' or 'm'"):
        pck3d(predicted, truth, unit="cm")
    with pytest.raises(ValueError, match="positive"):
        pck3d(predicted, truth, unit="mm", threshold=0)
    with pytest.raises(ValueError, match=r"\(N, K, 3\)"):
        pck3d(predicted[..., :2], truth[..., :2], unit="mm")
    predicted[1, 4] = np.nan
    for metric in (mpjpe, n_mpjpe, pa_mpjpe):
        with pytest.raises(ValueError, match="person 1, joint 4"):
            metric(predicted, truth)
