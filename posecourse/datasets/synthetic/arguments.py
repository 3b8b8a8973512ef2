"""What the datasets of drawn people are told: checked, and said again."""

from __future__ import annotations

import numpy as np

from .staging import DIFFICULTIES, Difficulty

__all__ = ["SPLITS", "checked_split", "frame_times", "level_name", "two", "whole"]

SPLITS = ("train", "valid", "test")


def whole(value, what: str, least: int = 0) -> int:
    """A whole number, at least so large; ValueError for anything else."""
    try:
        if value == int(value) >= least:
            return int(value)
    except (TypeError, ValueError, OverflowError):  # no number, NaN, infinity
        pass
    raise ValueError(f"{what} is {value!r}; it must be a whole number, {least} or more")


def two(value, what: str) -> tuple:
    """Least and most, or width and height: two numbers, or one twice."""
    pair = (value, value) if np.ndim(value) == 0 else tuple(value)
    if len(pair) != 2:
        raise ValueError(f"{what} is {value}; it must be a number or two")
    return pair


def checked_split(split: str) -> str:
    """One of `SPLITS`."""
    if split not in SPLITS:
        raise ValueError(f"unknown split {split!r}; known: {', '.join(SPLITS)}")
    return split


def frame_times(seconds: float, fps: float) -> np.ndarray:
    """When the frames of a video are, from 0: ``(T,)`` seconds.

    Raises ValueError unless both are above 0, and at most an hour and 1000.
    """
    for what, value, most in (("seconds", seconds, 3600), ("fps", fps, 1000)):
        if not 0 < value <= most:
            raise ValueError(
                f"{what} is {value}; it must be more than 0 and at most {most}"
            )
    return np.arange(max(1, int(np.ceil(seconds * fps - 1e-9)))) / fps


def level_name(difficulty: Difficulty) -> str:
    """A difficulty as it is written in a call, by name if it has one."""
    named = [name for name, level in DIFFICULTIES.items() if level == difficulty]
    return repr(named[0] if named else difficulty)
