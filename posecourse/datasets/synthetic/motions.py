"""Smooth motions: poses as functions of time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .pose import ARMS, LEGS, Pose

__all__ = ["MOTIONS", "pose_at"]

# A motion is a cycle of key poses, equally spaced in time: (legs right,
# legs left, arms right, arms left, lean, lift). Legs and arms are keys of
# `LEGS` (with the side of the pair: 0 leads, 1 follows) and `ARMS`, or
# angles like theirs; lean in degrees; lift in metres.
_REST, _HANG = ("stand", 0), "hang"
_DOWN = ((92, 14, -12, 104), (92, 14, -12, 104))
MOTIONS = {
    "walk": (
        1.1,
        (
            (("walk", 0), ("walk", 1), "swing_back", "swing_front", 4, 0),
            ((4, 2, -3, 4), (22, 2, -3, 52), _HANG, _HANG, 3, 0),
            (("walk", 1), ("walk", 0), "swing_front", "swing_back", 4, 0),
            ((22, 2, -3, 52), (4, 2, -3, 4), _HANG, _HANG, 3, 0),
        ),
    ),
    "run": (
        0.72,
        (
            (("run", 0), ("run", 1), "run_back", "run_front", 12, 0.05),
            ((24, 2, 0, 30), (28, 2, 0, 96), "relax", "relax", 12, 0),
            (("run", 1), ("run", 0), "run_front", "run_back", 12, 0.05),
            ((28, 2, 0, 96), (24, 2, 0, 30), "relax", "relax", 12, 0),
        ),
    ),
    "wave": (
        1.0,
        (
            (_REST, _REST, (24, 104, -80, 70), _HANG, 0, 0),
            (_REST, _REST, (24, 112, -80, 118), _HANG, 0, 0),
        ),
    ),
    "squat": (
        2.4,
        (
            (_REST, _REST, _HANG, _HANG, 0, 0),
            (*_DOWN, (118, 8, 10, 10), (118, 8, 10, 10), 30, 0),
        ),
    ),
    "jumping_jack": (
        1.1,
        (
            (_REST, _REST, _HANG, _HANG, 0, 0),
            (("star", 0), ("star", 0), "up", "up", 0, 0.10),
        ),
    ),
    "still": (1.0, ((_REST, _REST, _HANG, _HANG, 0, 0),)),
}


def _angles(table, key):
    if isinstance(key, str):
        return table[key]
    if isinstance(key[0], str):
        return table[key[0]][key[1]]
    return key


def _key_numbers(key):
    """A key pose as one vector: legs, arms (right, left), lean, lift."""
    right_leg, left_leg, right_arm, left_arm, lean, lift = key
    return np.concatenate(
        [
            _angles(LEGS, right_leg),
            _angles(LEGS, left_leg),
            _angles(ARMS, right_arm),
            _angles(ARMS, left_arm),
            [lean, lift],
        ]
    ).astype(np.float64)


def pose_at(name: str, seconds: float, style: Pose) -> Pose:
    """The pose of a motion at a time.

    Between key poses angles follow a smooth curve (a cosine), so nothing
    jerks. `style`, any pose, lends its habits: how the head is held.
    """
    if name not in MOTIONS:
        raise ValueError(f"unknown motion {name!r}; known: {', '.join(MOTIONS)}")
    period, keys = MOTIONS[name]
    numbers = np.array([_key_numbers(k) for k in keys])
    place = (seconds / period) % 1 * len(keys)
    i = int(place) % len(keys)
    ease = 0.5 - 0.5 * np.cos(np.pi * (place - int(place)))
    now = (1 - ease) * numbers[i] + ease * numbers[(i + 1) % len(keys)]
    legs, arms = now[:8].reshape(2, 4), now[8:16].reshape(2, 4)
    lean, lift = now[16:]
    return replace(
        style,
        name=name,
        root=np.array([lean * 0.6, 0.0]),
        spine=np.array([lean * 0.6, 0.0, 0.0]),
        neck=style.neck * 0.5,
        arms=arms,
        legs=legs,
        ankles=np.clip(legs[:, 0] - legs[:, 3] - lean * 0.6, -25, 38),
        lift=lift,
        seated=False,
    )
