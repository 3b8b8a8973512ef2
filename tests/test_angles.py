"""Angles at joints: by hand, in any place and size, and how sure they are."""

import numpy as np
import pytest
import torch

from posecourse.datasets import SyntheticMotion
from posecourse.motion.angles import (
    BODY_ANGLES,
    ScoreToStd,
    angle_std,
    body_angles,
    joint_angle,
    velocities,
)
from posecourse.skeletons import COCO, MPII, UPPER_BODY

NAN = float("nan")


@pytest.mark.parametrize(
    ("a", "c", "degrees"),
    [
        ((1, 0), (0, 5), 90),
        ((1, 0), (-3, 0), 180),
        ((2, 0), (7, 0), 0),
        ((1, 0), (1, 1), 45),
        ((1, 0), (-1, -np.sqrt(3)), 120),
        ((0, 0, 1), (0, 2, 0), 90),
        ((1, 1, 0), (0, 1, 1), 60),
    ],
)
def test_by_hand(a, c, degrees):
    origin = np.zeros(len(a))
    assert joint_angle(a, origin, c) == pytest.approx(degrees)
    assert joint_angle(c, origin, a) == pytest.approx(degrees)


@pytest.mark.parametrize("dimension", [2, 3])
def test_against_the_arc_cosine(dimension):
    rng = np.random.default_rng(0)
    a, b, c = rng.normal(size=(3, 200, dimension))
    one, other = a - b, c - b
    cosine = (one * other).sum(-1) / np.linalg.norm(one, axis=-1)
    expected = np.rad2deg(np.arccos(cosine / np.linalg.norm(other, axis=-1)))
    np.testing.assert_allclose(joint_angle(a, b, c), expected, atol=1e-5)


def test_turned_moved_enlarged_mirrored():
    rng = np.random.default_rng(1)
    three = rng.normal(size=(3, 50, 2))
    t = 0.7
    turn = np.array([[np.cos(t), -np.sin(t)], [np.sin(t), np.cos(t)]])
    for other in (three @ turn.T, three + 9, 40 * three, three * [-1, 1]):
        np.testing.assert_allclose(joint_angle(*other), joint_angle(*three), atol=1e-6)


def test_nearly_straight_is_exact():
    bend = 1e-6  # radians; an arc cosine would say 0
    angle = joint_angle([-1, 0], [0, 0], [np.cos(bend), np.sin(bend)])
    assert 180 - angle == pytest.approx(np.rad2deg(bend), rel=1e-6)


def test_unknown_and_empty():
    assert np.isnan(joint_angle([NAN, 0], [0, 0], [1, 0]))
    assert np.isnan(joint_angle([0, 0], [0, 0], [1, 0]))
    assert joint_angle(np.zeros((0, 2)), np.zeros(2), np.ones(2)).shape == (0,)
    whole = joint_angle(np.array([0, 0]), np.array([0, 9]), torch.tensor([9, 9]))
    assert whole == pytest.approx(90)
    with pytest.raises(ValueError, match=r"\(\.\.\., 2\) or"):
        joint_angle([1, 2, 3, 4], [0, 0, 0, 0], [1, 1, 1, 1])
    with pytest.raises(ValueError, match="of a picture"):
        angle_std([1, 2, 3], [0, 0, 0], [1, 1, 1], 1)
    with pytest.raises(ValueError, match="not negative"):
        angle_std([1, 2], [0, 0], [1, 1], -1)


def test_uncertainty_is_what_many_tries_show():
    rng = np.random.default_rng(2)
    a, b, c = np.array([[40.0, 5], [0, 0], [-10, 50]])
    std = np.array([0.5, 1.0, 0.3])
    noise = rng.normal(size=(40_000, 3, 2)) * std[:, None]
    tries = joint_angle(a + noise[:, 0], b + noise[:, 1], c + noise[:, 2])
    assert angle_std(a, b, c, std) == pytest.approx(tries.std(), rel=0.02)
    assert np.isinf(angle_std(a, a, c, std))


def test_uncertainty_by_hand():
    """Limbs of 10 at right angles; the joint itself turns both."""
    a, b, c = [10, 0], [0, 0], [0, 10]
    one = np.rad2deg(0.1)
    assert angle_std(a, b, c, [1, 0, 0]) == pytest.approx(one)
    assert angle_std(a, b, c, [0, 0, 1]) == pytest.approx(one)
    assert angle_std(a, b, c, [0, 1, 0]) == pytest.approx(one * np.sqrt(2))
    assert angle_std(a, b, c, 1) == pytest.approx(2 * one)


def test_body_angles_of_a_skeleton():
    motion = SyntheticMotion("squat", seconds=2.6, fps=10, size=64, seed=2)
    angles = body_angles(motion.joints)
    assert set(angles) == set(BODY_ANGLES)
    at = dict(zip(MPII.joints, motion.joints.swapaxes(0, 1)))
    expected = joint_angle(at["left_hip"], at["left_knee"], at["left_ankle"])
    np.testing.assert_array_equal(angles["left_knee"], expected)
    assert angles["left_knee"].max() > 165 and angles["left_knee"].min() < 110
    # COCO has these joints in another order; the upper body has no legs
    order = [COCO.index(joint) for joint in BODY_ANGLES["left_elbow"]]
    points = np.random.default_rng(3).normal(size=(len(COCO), 2))
    expected = joint_angle(*points[order])
    assert body_angles(points, "coco")["left_elbow"] == pytest.approx(expected)
    upper = body_angles(np.zeros((len(UPPER_BODY), 2)), UPPER_BODY)
    assert not [name for name in upper if "knee" in name]
    with pytest.raises(ValueError, match=r"mpii are \(\.\.\., 16, 2\)"):
        body_angles(np.zeros((17, 2)))


def test_velocities_are_exact_for_parabolas():
    rng = np.random.default_rng(4)
    times = np.cumsum(rng.uniform(0.01, 0.2, 20))
    values = np.stack([3 * times**2 - times + 2, 5 * times], -1)
    expected = np.stack([6 * times - 1, np.full(20, 5.0)], -1)
    np.testing.assert_allclose(velocities(values, times), expected, rtol=1e-8)
    np.testing.assert_allclose(velocities([1, 4], [0, 2]), 1.5)
    values[7] = NAN
    lost = np.isnan(velocities(values, times)[:, 0])
    assert lost[[6, 8]].all() and not lost[[4, 10]].any()
    for wrong in (([1.0], [0.0]), ([1.0, 2], [0.0, 1, 2])):
        with pytest.raises(ValueError, match="two times"):
            velocities(*wrong)
    with pytest.raises(ValueError, match="increase"):
        velocities([1.0, 2], [1.0, 1])


def test_scores_tell_how_far_off():
    rng = np.random.default_rng(5)
    scores = rng.uniform(0, 1, 20_000)
    errors = np.linalg.norm(rng.normal(size=(20_000, 2)), axis=1) * (3 - 2 * scores)
    errors[::50] = 80  # gross ones, a few
    fitted = ScoreToStd.fit(scores, errors)
    for score in (0.1, 0.5, 0.9):
        assert fitted(score) == pytest.approx(3 - 2 * score, rel=0.08)
    assert (np.diff(fitted.std) <= 0).all()
    assert fitted(np.array([[0.0, 2.0]])).shape == (1, 2)
    errors[0] = NAN
    assert np.isfinite(ScoreToStd.fit(scores, errors).std).all()
    with pytest.raises(ValueError, match="a score for each error"):
        ScoreToStd.fit([1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="at least 20"):
        ScoreToStd.fit([1.0, 2], [1.0, 2])
