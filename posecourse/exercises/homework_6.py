"""Homework 6: what students see of its checks."""

import numpy as np

from . import exercise


@exercise(
    "H6.1",
    hints=(
        "joint_angle(hip, knee, ankle) is the angle at the knee; MPII.index('left_knee') "
        "is its row.",
        "(left + right) / 2 is NaN where one is; np.where(np.isfinite(left), left, right) "
        "is the one that is there.",
    ),
)
def _(attempt):
    pose = np.zeros((1, 16, 2))
    pose[0, [2, 1, 0]] = (0, 0), (0, 10), (0, 20)  # the right leg is straight
    pose[0, [3, 4, 5]] = (5, 0), (5, 10), (15, 10)  # the left one has a right angle
    attempt.gives([135.0], pose, tolerance=1e-4)


@exercise(
    "H6.2",
    hints=(
        "np.flatnonzero(np.isfinite(angle)) has the places with numbers; two "
        "neighbours in it with a gap between them are the ends of a line.",
        "np.linspace(first, last, missing + 2) has both ends and what lies between.",
    ),
)
def _(attempt):
    nan = np.nan
    given = np.array([nan, 170, nan, 150, nan, nan, nan, 110, nan])
    attempt.gives([nan, 170, 160, 150, nan, nan, nan, 110, nan], given, 10.0, 0.2)


@exercise(
    "H6.3",
    hints=(
        "Walk through the values and remember whether you are in a squat, and since "
        "when.",
        "NaN <= down is False, and so is NaN >= up.",
        "np.array(found).reshape(-1, 3) works for no squat, too.",
    ),
)
def _(attempt):
    angle = np.array([170, 120, 100, 90, 130, 155, 170.0])
    attempt.gives([[1.0, 2.5, 90.0]], angle, 2.0, 110.0, 150.0)
