"""Bodies: proportions, clothes and hair."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["CLOTH", "SIDES", "SKIN", "TROUSERS", "Body", "sample_body"]

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
