"""Poses: the angles of all joints, and the kinds of poses people take."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["ACTIONS", "ARMS", "JOINT_LIMITS", "LEGS", "Pose", "sample_pose"]

# A leg: hip flexion (forwards), abduction (outwards), twist (toes inwards),
# knee. An arm: shoulder flexion, abduction, twist (inwards), elbow. Degrees.
LEGS = {
    "stand": ((1, 4, -8, 2), (1, 4, -8, 2)),
    "rest": ((14, 8, -18, 24), (-2, 2, -5, 0)),
    "wide": ((3, 20, -14, 4), (3, 20, -14, 4)),
    "walk": ((27, 2, -3, 10), (-17, 2, -4, 22)),
    "run": ((68, 2, 0, 88), (-16, 2, 0, 48)),
    "lunge": ((78, 5, -4, 80), (-18, 4, -4, 32)),
    "squat": ((98, 18, -16, 108), (98, 18, -16, 108)),
    "sit": ((88, 8, -6, 86), (86, 8, -6, 88)),
    "kick": ((72, 6, 0, 18), (-4, 3, -6, 8)),
    "kneel": ((86, 8, -4, 92), (2, 4, 0, 96)),
    "jump": ((34, 14, -6, 62), (14, 14, -6, 74)),
    "star": ((4, 32, -12, 8), (4, 32, -12, 8)),
    "tree": ((52, 44, -30, 128), (-1, 1, -4, 0)),
    "step": ((62, 5, -4, 68), (0, 3, -6, 4)),
    "bend": ((6, 6, -8, 10), (6, 6, -8, 10)),
}
ARMS = {
    "hang": (3, 9, 8, 12),
    "relax": (12, 14, 24, 30),
    "hip": (-22, 42, 58, 102),
    "wave": (24, 98, -78, 96),
    "up": (168, 8, 0, 14),
    "up_wide": (150, 34, -10, 16),
    "forward": (84, 8, 10, 14),
    "side": (8, 88, -20, 8),
    "chest": (34, 16, 58, 112),
    "face": (52, 16, 18, 136),
    "head": (40, 112, -66, 128),
    "back": (-34, 14, 50, 42),
    "carry": (18, 10, 10, 84),
    "flex": (14, 88, -84, 112),
    "run_front": (42, 10, 20, 92),
    "run_back": (-46, 12, 8, 88),
    "swing_front": (26, 7, 10, 26),
    "swing_back": (-22, 8, 8, 10),
    "knee": (34, 10, 12, 34),
    "cross": (62, 4, 52, 84),
}
_CALM = ("hang", "hang", "relax", "relax", "hip", "chest", "back", "carry", "face")
_LIVELY = (
    "up",
    "up_wide",
    "forward",
    "side",
    "wave",
    "hip",
    "head",
    "flex",
    "chest",
    "relax",
    "cross",
)


@dataclass(frozen=True)
class Action:
    """A family of poses.

    `legs` are keys of `LEGS`; `lead` and `other` keys of `ARMS` for the
    arm on the side of the leading leg and the other one; `lean` degrees of
    bending forwards (hips, spine); `loose` scales the noise; `lift` metres
    above the ground.
    """

    weight: float
    legs: tuple[str, ...]
    lead: tuple[str, ...]
    other: tuple[str, ...]
    lean: tuple[float, float] = (0.0, 3.0)
    loose: float = 1.0
    lift: float = 0.0
    seated: bool = False


ACTIONS = {
    "standing": Action(0.17, ("stand", "stand", "rest", "wide"), _CALM, _CALM),
    "posing": Action(0.07, ("rest", "wide"), _LIVELY, _CALM, loose=1.2),
    "walking": Action(0.13, ("walk",), ("swing_back",), ("swing_front",), (2, 4)),
    "running": Action(0.09, ("run",), ("run_back",), ("run_front",), (6, 10)),
    "waving": Action(0.07, ("stand", "rest"), ("wave",), ("hang", "hip", "relax")),
    "arms_up": Action(
        0.06, ("stand", "wide"), ("up", "up_wide"), ("up", "up_wide"), (-2, -4)
    ),
    "reaching": Action(
        0.07,
        ("stand", "rest", "step"),
        ("forward", "up", "side"),
        ("hang", "relax", "forward"),
        (4, 10),
    ),
    "sitting": Action(
        0.08,
        ("sit",),
        ("knee", "chest", "carry", "face"),
        ("knee", "knee", "carry"),
        (0, 6),
        seated=True,
    ),
    "squatting": Action(
        0.04,
        ("squat",),
        ("forward", "chest", "knee"),
        ("forward", "chest", "knee"),
        (26, 12),
    ),
    "lunging": Action(
        0.05,
        ("lunge",),
        ("hip", "side", "chest", "up"),
        ("hip", "side", "forward"),
        (2, 4),
    ),
    "bending": Action(
        0.03,
        ("bend", "wide"),
        ("forward", "knee", "hang"),
        ("forward", "knee", "hang"),
        (38, 30),
        1.2,
    ),
    "kicking": Action(
        0.04, ("kick",), ("back", "side"), ("forward", "side"), (-8, 6), 1.2
    ),
    "jumping": Action(
        0.04,
        ("jump", "star"),
        ("up_wide", "side", "up"),
        ("up_wide", "side", "up"),
        (4, 4),
        1.3,
        0.22,
    ),
    "dancing": Action(
        0.06, ("rest", "step", "wide", "walk"), _LIVELY, _LIVELY, (0, 4), 1.7
    ),
    "balancing": Action(
        0.02, ("tree",), ("side", "up", "chest"), ("side", "up", "chest")
    ),
    "kneeling": Action(
        0.03, ("kneel",), ("knee", "chest", "forward"), ("hip", "relax", "hang"), (6, 6)
    ),
}
_NAMES = tuple(ACTIONS)
_WEIGHTS = np.cumsum([a.weight for a in ACTIONS.values()])

# Degrees: spread of the noise and joint limits, rows hip / shoulder ...
_LEG_NOISE, _ARM_NOISE = np.array([7, 4, 7, 8.0]), np.array([10, 7, 14, 12.0])
_LEG_LIMITS = np.array([(-30, 125), (-15, 60), (-45, 30), (0, 145)]).T
_ARM_LIMITS = np.array([(-60, 178), (3, 140), (-90, 90), (2, 148)]).T
# Least and most of each of `Pose`'s angles that moving people reach.
JOINT_LIMITS = {
    "legs": _LEG_LIMITS,
    "arms": _ARM_LIMITS,
    "ankles": np.array([-45, 50]),
    "feet": np.array([(-32, 32), (-32, 32)]).T,
}


@dataclass
class Pose:
    """Angles in degrees, sides in the order right, left.

    `root` holds pitch and roll of the pelvis, `spine` and `neck` pitch,
    yaw, roll relative to what is below; `arms` and `legs` are
    ``(2, 4)`` as in `ARMS` and `LEGS`; `ankles` is how far toes point down.
    `feet`, ``(2, 2)``, turns the feet further: soles inwards, toes inwards;
    None where ankles only nod. Limits are in `JOINT_LIMITS`.
    """

    name: str
    root: np.ndarray
    spine: np.ndarray
    neck: np.ndarray
    arms: np.ndarray
    legs: np.ndarray
    ankles: np.ndarray
    lift: float = 0.0
    seated: bool = False
    feet: np.ndarray | None = None


def sample_pose(rng: np.random.Generator, loose: float = 1.0) -> Pose:
    """A pose of one of the `ACTIONS`; `loose` scales its variety."""
    pick = rng.random(6)
    noise = rng.normal(size=(2, 10))
    trunk = rng.normal(size=6)
    index = np.searchsorted(_WEIGHTS, pick[0] * _WEIGHTS[-1])
    name = _NAMES[min(index, len(_NAMES) - 1)]
    action = ACTIONS[name]
    loose = loose * action.loose

    def choose(options, i):
        return options[int(pick[i] * len(options))]

    arms = np.array(
        [ARMS[choose(action.lead, 1)], ARMS[choose(action.other, 2)]], dtype=np.float64
    )
    legs = np.array(LEGS[choose(action.legs, 3)], dtype=np.float64)
    if pick[4] < 0.5:  # lead with the other side
        arms, legs = arms[::-1].copy(), legs[::-1].copy()
    arms = np.clip(arms + noise[:, :4] * _ARM_NOISE * loose, *_ARM_LIMITS)
    legs = np.clip(legs + noise[:, 4:8] * _LEG_NOISE * loose, *_LEG_LIMITS)
    hips, spine = action.lean
    amount = 0.7 + 0.6 * pick[5]
    return Pose(
        name=name,
        root=np.array([hips * amount, trunk[0] * 2 * loose]),
        spine=np.array(
            [
                spine * amount + trunk[1] * 4 * loose,
                trunk[2] * 9 * loose,
                trunk[3] * 4 * loose,
            ]
        ),
        neck=np.clip(
            [4 + trunk[4] * 9, trunk[5] * 20, noise[0, 8] * 7],
            (-28, -55, -20),
            (35, 55, 20),
        ),
        arms=arms,
        legs=legs,
        # feet flat on the ground, as far as ankles go
        ankles=np.clip(
            legs[:, 0] - legs[:, 3] - hips * amount + noise[:, 9] * 5, -25, 38
        ),
        lift=action.lift * amount,
        seated=action.seated,
    )
