"""Homework 1: what its grade asks."""

import itertools

import numpy as np

from ...skeletons import Skeleton, get_skeleton, remap
from .. import hidden_test

_TORSO = Skeleton("torso", ("left_shoulder", "right_shoulder", "left_hip", "right_hip"))


@hidden_test("H1.1")
def _(attempt):
    rng = np.random.default_rng(11)
    for name in ("coco", "lsp", "h36m", "ai_challenger", "mpii"):
        skeleton = get_skeleton(name)
        keypoints = rng.uniform(0, 99, (5, len(skeleton.joints), 2))
        visible = rng.integers(0, 3, keypoints.shape[:2])
        keypoints[visible == 0] = np.nan
        right, seen = remap(keypoints, visible, skeleton, _TORSO)
        attempt.gives(
            (right, seen),
            keypoints,
            visible,
            name,
            mistakes={
                "those are MPII's columns; other skeletons have others": (
                    keypoints[:, [13, 12, 3, 2]],
                    visible[:, [13, 12, 3, 2]],
                ),
                "left and right are exchanged": (
                    right[:, [1, 0, 3, 2]],
                    seen[:, [1, 0, 3, 2]],
                ),
                "the order of TORSO: shoulders first": (
                    right[:, [2, 3, 0, 1]],
                    seen[:, [2, 3, 0, 1]],
                ),
                "visible has three values, 1 is labelled but hidden": (right, seen > 0),
            },
        )


def _cross(torso):
    across = torso[:, 0] - torso[:, 1]
    down = torso[:, 2:].mean(1) - torso[:, :2].mean(1)
    return across[:, 0] * down[:, 1] - across[:, 1] * down[:, 0]


def _people(rng, count):
    """Torsos in every direction in the picture, some seen from behind."""
    torso = np.array([[-10, -20], [10, -20], [-8, 20], [8, 20.0]])
    torso = torso + rng.normal(0, 2, (count, 4, 2))
    torso[..., 0] *= rng.choice([-1, 1], (count, 1)) * rng.uniform(0.2, 1, (count, 1))
    turn = rng.uniform(0, 2 * np.pi, count)
    cos, sin = np.cos(turn), np.sin(turn)
    matrix = np.array([[cos, -sin], [sin, cos]]).transpose(2, 0, 1)
    return torso @ matrix + rng.uniform(20, 100, (count, 1, 2))


@hidden_test("H1.2")
def _(attempt):
    rng = np.random.default_rng(12)
    upright = np.array([[[60, 20], [40, 22], [58, 60], [42, 61.0]]])
    for torso in (upright, _people(rng, 200), 100 - upright, upright[..., ::-1]):
        right = _cross(torso) > 0
        attempt.gives(
            right,
            torso,
            mistakes={
                "the other way round: from the front, the left shoulder is on the "
                "right of the picture": ~right,
                "comparing x alone is wrong for a handstand or somebody who lies; "
                "use the direction down the body, too": torso[:, 0, 0] > torso[:, 1, 0],
                "comparing x alone is wrong for a handstand, and the left shoulder "
                "is on the right of the picture": torso[:, 0, 0] < torso[:, 1, 0],
            },
        )
    torso = _people(rng, 6)
    torso[2, 3], torso[4, 0, 1] = np.nan, np.nan
    attempt.gives(
        _cross(torso) > 0,
        torso,
        mistakes={"where a joint is NaN the answer is False": ~(_cross(torso) <= 0)},
    )


@hidden_test("H1.3")
def _(attempt):
    rng = np.random.default_rng(13)
    for count in (60, 9, 200):
        torso = _people(rng, count)
        torso[rng.random(count) < 0.15, 1] = np.nan
        truth = (_cross(torso) > 0) ^ (rng.random(count) < 0.3)
        truth[: count // 2] = count == 9
        edges = np.array([0.0, 0.1, 0.3, 0.5, 5.0])
        right = _scores(torso, truth, edges)
        attempt.gives(
            right, torso, truth, edges, mistakes=_misjudged(torso, truth, edges)
        )


def _scores(torso, truth, edges, drop=True, own=False, length="torso"):
    known = np.isfinite(torso).all((1, 2)) if drop else np.ones(len(torso), bool)
    torso, truth = torso[known], truth[known]
    middle = torso[:, :2].mean(1) - torso[:, 2:].mean(1)
    if length == "side":
        middle = torso[:, 0] - torso[:, 2]
    width = np.linalg.norm(torso[:, 0] - torso[:, 1], axis=1)
    width = width / np.linalg.norm(middle, axis=1)
    right, most = (_cross(torso) > 0) == truth, truth.mean() >= 0.5
    shares: list = []
    for low, high in itertools.pairwise(edges):
        here = (low <= width) & (width < high)
        said = truth[here].mean() >= 0.5 if own and here.any() else most
        each = (
            (right[here].mean(), (truth[here] == said).mean())
            if here.any()
            else (np.nan,) * 2
        )
        shares.append((here.sum(), *each))
    return tuple(np.array(column, float) for column in zip(*shares))


def _misjudged(torso, truth, edges):
    count, right, baseline = _scores(torso, truth, edges)
    # what a wrong faces_us does here is no mistake of this task
    alone = torso[:, 0, 0] > torso[:, 1, 0]
    signed = np.where(alone == truth, _cross(torso) > 0, _cross(torso) <= 0)
    passed_on = (count, _scores(torso, signed, edges)[1], baseline)
    return {
        "this uses your faces_us of H1.2, which is not right yet": passed_on,
        "the baseline says one thing for everybody, not one for each bin": _scores(
            torso, truth, edges, own=True
        ),
        "the length goes from the middle of the shoulders to the middle of the "
        "hips": _scores(torso, truth, edges, length="side"),
        "shares are between 0 and 1, not percent": (count, 100 * right, 100 * baseline),
        "the baseline says what is true of most people; not always True": (
            count,
            right,
            _always(torso, truth, edges, True),
        ),
    }


def _always(torso, truth, edges, what):
    agree = _scores(
        torso, np.where(truth == what, _cross(torso) > 0, _cross(torso) <= 0), edges
    )
    return agree[1]
