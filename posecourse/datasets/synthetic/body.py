"""Bodies: proportions, clothes, hair and the angles a pose is made of.

The body's own directions are x to the person's left, y down (towards the
feet) and z backwards, in metres. Somebody who stands upright and faces the
camera therefore has the camera's directions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = [
    "ACTIONS",
    "JOINT_LIMITS",
    "Body",
    "Pose",
    "articulate",
    "sample_body",
    "sample_pose",
    "turn",
]

SIDES = ("right", "left")


@dataclass
class Body:
    """Sizes in metres of one adult, and how they are dressed.

    `build` widens limbs and trunk (1 is average). Colours are RGB, 0-255.
    """

    height: float
    head: float
    neck: float
    shoulder: float
    hip: float
    trunk: float
    upper_arm: float
    forearm: float
    hand: float
    thigh: float
    shin: float
    foot: float
    build: float
    chest: float
    waist: float
    seat: float
    bust: float
    skin: np.ndarray
    hair: np.ndarray
    top: np.ndarray
    top_print: np.ndarray
    bottom: np.ndarray
    shoe: np.ndarray
    hair_style: str
    sleeve: float
    legs: str
    pattern: str
    face: int


SKIN = np.array(
    [
        (250, 218, 196),
        (243, 201, 170),
        (234, 188, 154),
        (222, 172, 132),
        (203, 150, 108),
        (180, 124, 84),
        (152, 101, 68),
        (125, 80, 52),
        (98, 62, 42),
        (76, 49, 36),
    ],
    dtype=np.float64,
)
HAIR = np.array(
    [
        (34, 28, 28),
        (48, 36, 31),
        (72, 48, 34),
        (96, 62, 38),
        (128, 82, 44),
        (164, 116, 62),
        (206, 164, 98),
        (152, 70, 36),
        (150, 148, 150),
        (208, 206, 202),
    ],
    dtype=np.float64,
)
CLOTH = np.array(
    [
        (232, 93, 76),
        (242, 153, 74),
        (244, 200, 92),
        (120, 178, 112),
        (62, 142, 126),
        (70, 150, 196),
        (66, 104, 180),
        (108, 92, 168),
        (186, 96, 150),
        (238, 150, 160),
        (240, 236, 226),
        (205, 211, 218),
        (146, 160, 174),
        (84, 96, 112),
        (52, 58, 72),
        (178, 62, 70),
        (150, 196, 214),
        (250, 220, 120),
        (92, 52, 84),
        (104, 130, 88),
    ],
    dtype=np.float64,
)
TROUSERS = np.array(
    [
        (58, 78, 120),
        (44, 56, 86),
        (92, 118, 158),
        (52, 52, 58),
        (84, 84, 90),
        (176, 152, 116),
        (206, 192, 166),
        (96, 102, 78),
        (112, 64, 62),
        (70, 92, 96),
        (134, 138, 146),
        (60, 46, 56),
    ],
    dtype=np.float64,
)
SHOE = np.array(
    [
        (238, 236, 232),
        (48, 46, 50),
        (112, 74, 50),
        (214, 72, 64),
        (60, 96, 156),
        (236, 190, 84),
        (128, 134, 140),
    ],
    dtype=np.float64,
)
HAIR_STYLES = (
    "short",
    "short",
    "crop",
    "fringe",
    "bob",
    "long",
    "long",
    "ponytail",
    "bun",
    "afro",
    "bald",
)
PATTERNS = ("plain", "plain", "plain", "stripes", "block", "band")


def sample_body(rng: np.random.Generator) -> Body:
    """An adult, drawn at random."""
    # -1 broad shoulders and narrow hips ... 1 the reverse.
    shape = np.clip(rng.normal(0, 0.6), -1.2, 1.2)
    height = 1.72 - 0.05 * shape + np.clip(rng.normal(0, 0.07), -0.18, 0.18)
    build = np.exp(np.clip(rng.normal(0.0, 0.11), -0.2, 0.28))
    limbs = height / 1.72 * np.exp(np.clip(rng.normal(0, 0.04, 8), -0.1, 0.1))
    picks = rng.random(16)

    def choose(table, i):
        return table[int(picks[i] * len(table))]

    def varied(color, i, amount=14):
        return np.clip(color + (picks[i] - 0.5) * 2 * amount, 8, 252)

    skin = choose(SKIN, 0)
    # Hair of people with dark skin is seldom blond.
    light_hair = 10 if skin[0] > 190 else 4
    hair = HAIR[int(picks[1] * light_hair)]
    top = choose(CLOTH, 2)
    other = CLOTH[(int(picks[2] * len(CLOTH)) + 3 + int(picks[3] * 14)) % len(CLOTH)]
    legs = (
        "trousers",
        "trousers",
        "trousers",
        "shorts",
        "shorts",
        "leggings",
        "skirt" if shape > -0.2 else "shorts",
        "dress" if shape > 0 else "trousers",
    )[int(picks[5] * 8)]
    return Body(
        height=height,
        head=0.262 * (height / 1.72) ** 0.5 * limbs[7] ** 0.3,
        neck=0.075 * limbs[0],
        shoulder=(0.172 - 0.012 * shape) * limbs[1] * build**0.3,
        hip=(0.088 + 0.006 * shape) * limbs[1] ** 0.5,
        trunk=0.475 * limbs[2],
        upper_arm=0.292 * limbs[3],
        forearm=0.250 * limbs[3] ** 0.5 * limbs[4] ** 0.5,
        hand=0.088 * limbs[4] ** 0.5,
        thigh=0.425 * limbs[5],
        shin=0.405 * limbs[5] ** 0.5 * limbs[6] ** 0.5,
        foot=0.165 * limbs[6] ** 0.5,
        build=build,
        chest=0.158 - 0.010 * shape,
        waist=0.131 - 0.008 * shape + 0.05 * (build - 1),
        seat=0.150 + 0.008 * shape,
        bust=0.088 + 0.010 * shape if shape > 0.2 else 0.0,
        skin=varied(skin, 6, 6),
        hair=varied(hair, 7, 8),
        top=varied(top, 8),
        top_print=varied(other, 9),
        bottom=varied(top if legs == "dress" else choose(TROUSERS, 4), 8),
        shoe=choose(SHOE, 10),
        hair_style=_hair_style(picks[11], shape),
        # Share of the arm in cloth: 0 none, 1 to the elbow, 2 to the wrist.
        sleeve=(0.12, 0.5, 0.55, 0.6, 1.45, 1.9, 1.93)[int(picks[12] * 7)],
        legs=legs,
        pattern=choose(PATTERNS, 13),
        face=int(picks[14] * 64) if shape > -0.1 else int(picks[14] * 96),
    )


def _hair_style(pick, shape):
    """Any style for anybody; long ones more often with wider hips."""
    styles = (
        HAIR_STYLES
        if shape > 0
        else (
            "short",
            "short",
            "crop",
            "crop",
            "fringe",
            "short",
            "long",
            "bun",
            "afro",
            "bald",
        )
    )
    return styles[int(pick * len(styles))]


# ---------------------------------------------------------------- poses
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


# ----------------------------------------------------- angles to points
_PLANES = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}


def _turns(axes: str, degrees) -> np.ndarray:
    """Rotations about the named axes, one each: ``(N, 3, 3)``.

    About x takes y (down) towards z (back), y takes z towards x, z takes x
    towards y.
    """
    angle = np.deg2rad(degrees)
    n = np.arange(len(axes))
    i, j = np.array([_PLANES[a] for a in axes]).T
    result = np.zeros((len(axes), 3, 3))
    result[:, [0, 1, 2], [0, 1, 2]] = 1
    result[n, i, i] = result[n, j, j] = np.cos(angle)
    result[n, j, i] = np.sin(angle)
    result[n, i, j] = -result[n, j, i]
    return result


def turn(axes: str, *degrees) -> np.ndarray:
    """The product of rotations about axes, the last one done first."""
    first, *others = _turns(axes, degrees)
    for matrix in others:
        first = first @ matrix
    return first


_MIRROR = np.array([-1.0, 1.0])  # right arm: left's mirror


def articulate(body: Body, pose: Pose, root=None):
    """Points and frames of a body in a pose.

    Parameters
    ----------
    root:
        ``(3, 3)`` turn of the whole body from its own directions to those
        wanted, e.g. the camera's. The pelvis is at 0.

    Returns
    -------
    points:
        ``{name: (3,)}`` metres: the MPII joints and what drawing needs.
    frames:
        ``{name: (3, 3)}``, columns are left, down, back of a part.
    """
    arms, legs, out = pose.arms, pose.legs, _MIRROR
    spine, nod = pose.spine, pose.neck
    single = _turns(
        "zxyzxyxyzx",
        [
            pose.root[1],
            pose.root[0],
            spine[1] / 2,
            spine[2] / 2,
            spine[0] / 2,
            nod[1] * 0.4,
            nod[0] * 0.5 - spine[0] * 0.15,
            nod[1] * 0.6,
            nod[2],
            nod[0] * 0.5,
        ],
    )
    both = _turns(
        "xxzzyyxxxxzzyyxxxx",
        np.concatenate(
            [
                -arms[:, 0],
                -out * arms[:, 1],
                out * arms[:, 2],
                -arms[:, 3],
                -legs[:, 0],
                -out * legs[:, 1],
                out * legs[:, 2],
                legs[:, 3],
                pose.ankles,
            ]
        ),
    ).reshape(9, 2, 3, 3)
    pelvis = single[0] @ single[1]
    if root is not None:
        pelvis = root @ pelvis
    half = single[2] @ single[3] @ single[4]
    middle = pelvis @ half
    chest = middle @ half
    neck = chest @ single[5] @ single[6]
    head = neck @ single[7] @ single[8] @ single[9]
    upper = chest @ both[0] @ both[1] @ both[2]
    fore = upper @ both[3]
    thighs = pelvis @ both[4] @ both[5] @ both[6]
    shins = thighs @ both[7]
    feet = shins @ both[8]
    if pose.feet is not None:
        inwards = _turns(
            "zzyy", np.concatenate([out * pose.feet.T[0], out * pose.feet.T[1]])
        )
        feet = feet @ inwards[:2] @ inwards[2:]

    points, frames = (
        {},
        {"pelvis": pelvis, "waist": middle, "chest": chest, "neck": neck, "head": head},
    )
    points["pelvis"] = np.zeros(3)
    waist = points["waist"] = pelvis @ (0, -0.42 * body.trunk, 0)
    thorax = points["thorax"] = (
        waist + middle @ (0, -0.22 * body.trunk, 0) + chest @ (0, -0.36 * body.trunk, 0)
    )
    points["upper_neck"] = thorax + neck @ (0, -body.neck, -0.012)
    points["head_top"] = points["upper_neck"] + head @ (0, -body.head, -0.01)

    # Raised arms lift the shoulders.
    raised = np.sin(
        np.deg2rad(np.clip(np.hypot(arms[:, 0], arms[:, 1]) - 40, 0, 110)) * 0.8
    )
    for i, side in enumerate(SIDES):
        shoulder = thorax + chest @ (
            out[i] * body.shoulder,
            0.022 - 0.05 * raised[i],
            0.0,
        )
        elbow = shoulder + body.upper_arm * upper[i, :, 1]
        wrist = elbow + body.forearm * fore[i, :, 1]
        hip = pelvis @ (out[i] * body.hip, 0.012, 0)
        knee = hip + body.thigh * thighs[i, :, 1]
        ankle = knee + body.shin * shins[i, :, 1]
        points[side + "_shoulder"], points[side + "_elbow"] = shoulder, elbow
        points[side + "_wrist"] = wrist
        points[side + "_hand"] = wrist + body.hand * fore[i, :, 1]
        points[side + "_hip"], points[side + "_knee"] = hip, knee
        points[side + "_ankle"] = ankle
        points[side + "_heel"] = ankle + feet[i] @ (0, 0.042, 0.028)
        points[side + "_toe"] = ankle + feet[i] @ (0, 0.056, -body.foot)
        for name, frame in (
            ("upper_arm", upper),
            ("forearm", fore),
            ("thigh", thighs),
            ("shin", shins),
            ("foot", feet),
        ):
            frames[f"{side}_{name}"] = frame[i]
    return points, frames
