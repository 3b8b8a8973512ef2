"""Homework 1: what students see of its checks."""

import numpy as np

from . import exercise
from .attempt import as_numbers


@exercise(
    "H1.1",
    hints=(
        'get_skeleton("mpii") is a `Skeleton`; `TORSO` is one, too.',
        "`remap` of posecourse.skeletons brings keypoints from one skeleton's order "
        "into another's, by the names of the joints.",
    ),
)
def _(attempt):
    for source, count, rows in (
        ("mpii", 16, [13, 12, 3, 2]),
        ("coco", 17, [5, 6, 11, 12]),
    ):
        keypoints = np.arange(count * 2.0).reshape(1, count, 2)
        visible = 1 + np.arange(count)[None] % 2
        got = attempt(keypoints, visible, source)
        pair = isinstance(got, (tuple, list)) and len(got) == 2
        attempt.require(pair, "Two things are asked for, (keypoints, visible).")
        attempt.require(
            np.array_equal(as_numbers(got[0]), keypoints[:, rows]),
            f"From {source!r} the rows {rows} are asked for, in this order: the left "
            "shoulder first, the right hip last.",
        )
        attempt.require(
            np.array_equal(as_numbers(got[1]), visible[:, rows]),
            "`visible` has to follow the joints into the new order; 1 stays 1, 2 stays "
            "2.",
        )


@exercise(
    "H1.2",
    hints=(
        "Two arrows: from the right shoulder to the left one, and from the middle of "
        "the shoulders to the middle of the hips.",
        "Seen from the front, one turns from the first arrow to the second in one "
        "sense, seen from behind in the other. The cross product of two flat arrows, "
        "`a_x * b_y - a_y * b_x`, has a sign that says which.",
        "A comparison with NaN is False already.",
    ),
)
def _(attempt):
    torso = np.array([[[60, 20], [40, 20], [58, 60], [42, 60.0]]])
    attempt.gives([True], torso)
    attempt.gives([False], torso[:, [1, 0, 3, 2]])


@exercise(
    "H1.3",
    hints=(
        "First of all leave out who has a NaN: np.isfinite(torso).all((1, 2)).",
        "np.linalg.norm(torso[:, 0] - torso[:, 1], axis=1) is the distance of the "
        "shoulders; the length is that of two middles.",
        "The baseline knows one thing: truth.mean() >= 0.5, over all that are left.",
    ),
)
def _(attempt):
    front = np.array([[60, 20], [40, 20], [58, 60], [42, 60.0]])
    narrow = np.array([[52, 20], [50, 20], [52, 60], [50, 60.0]])
    torso = np.stack([front, front[[1, 0, 3, 2]], narrow])
    attempt.gives(
        ([1, 2, 0], [1, 1, np.nan], [1, 0.5, np.nan]),
        torso,
        np.array([True, False, True]),
        np.array([0, 0.2, 0.6, 1]),
    )
