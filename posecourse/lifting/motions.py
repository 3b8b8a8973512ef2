"""Poses in space to learn lifting from: drawn people's, without a drawing."""

from __future__ import annotations

import numpy as np

from ..datasets.synthetic import STYLES, SyntheticMotion, SyntheticPeople

__all__ = ["HELD_OUT", "LEARNED", "motion_clips", "random_poses"]

# Motions that a lifter of the course never learns from, and those it does.
HELD_OUT = ("squat", "jumping_jack", "throw")
LEARNED = tuple(style for style in STYLES if style not in HELD_OUT)


def motion_clips(
    styles=LEARNED,
    people: int = 8,
    seconds: float = 3.0,
    fps: float = 24,
    seed: int = 0,
) -> np.ndarray:
    """Joints of people in motion, in the world.

    Parameters
    ----------
    styles:
        Of `SyntheticMotion`.
    people:
        Of each style; all are different.
    seed:
        Of the first; the others have the seeds after it.

    Returns
    -------
    ``(len(styles) * people, T, 16, 3)`` metres, MPII's joints; the people of
    the first style first. The ground is y = 0, and down is positive.
    """
    return np.stack(
        [
            SyntheticMotion(style, seconds, fps, 16, seed + person).joints
            for style in styles
            for person in range(people)
        ]
    )


def random_poses(count: int, split: str = "train", seed: int = 0) -> np.ndarray:
    """Joints of the people of `SyntheticPeople`, each in one pose.

    ``(count, 16, 3)`` metres in the world, as of `motion_clips`.
    """
    people = SyntheticPeople(count, seed, split=split)
    return np.stack([people.joints_world(i) for i in range(count)])
