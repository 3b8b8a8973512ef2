"""Who is drawn: ages, builds, hair, clothes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..body import HAIR, SKIN, Body, sample_body

__all__ = ["Someone", "sample_someone"]

# Colours that go with one another and with the scenery: warm, a little grey.
TOPS = np.array(
    [
        (214, 106, 82),
        (228, 164, 82),
        (236, 200, 128),
        (134, 164, 120),
        (72, 130, 122),
        (98, 144, 176),
        (62, 92, 140),
        (122, 88, 132),
        (222, 146, 146),
        (240, 232, 216),
        (82, 88, 102),
        (166, 66, 66),
        (112, 120, 82),
        (170, 196, 204),
        (244, 240, 232),
        (190, 120, 90),
        (60, 66, 84),
        (200, 90, 110),
    ],
    dtype=np.float64,
)
BOTTOMS = np.array(
    [
        (66, 84, 122),
        (50, 58, 82),
        (104, 128, 160),
        (62, 62, 70),
        (96, 92, 92),
        (186, 160, 126),
        (208, 194, 168),
        (106, 108, 84),
        (122, 78, 68),
        (82, 100, 102),
        (140, 140, 146),
    ],
    dtype=np.float64,
)
SHOES = np.array(
    [
        (240, 236, 228),
        (64, 58, 62),
        (128, 86, 60),
        (200, 92, 74),
        (78, 106, 150),
        (222, 182, 96),
        (104, 112, 104),
    ],
    dtype=np.float64,
)
GRAY = np.array([(206, 204, 200), (168, 166, 166), (226, 222, 214)], dtype=np.float64)

SHORT = ("short", "short", "side", "crop", "quiff", "curls", "afro", "fringe")
LONG = ("bob", "long", "long", "ponytail", "bun", "waves", "braids", "afro", "fringe")
OLD_SHORT = ("side", "receding", "bald", "short")
OLD_LONG = ("bob", "bun", "curls", "waves")
COATS = ("none", "none", "none", "jacket", "cardigan", "hoodie")
PATTERNS = ("plain", "plain", "plain", "stripes", "block", "print")


@dataclass
class Someone(Body):
    """A `Body` with what the second edition draws of it.

    Attributes
    ----------
    age:
        ``"child"``, ``"adult"`` or ``"old"``.
    cut:
        Of the hair: a key of `hair.CUTS`, ``"hijab"`` or ``"bald"``.
    coat:
        ``"none"``, ``"jacket"``, ``"cardigan"`` or ``"hoodie"``, worn over
        the top in the colour `coat_color`.
    trouser:
        Width of the trousers' legs, 0 narrow to 1 wide.
    eyes, mouth, brows:
        Kinds of each, whole numbers.
    wheelchair:
        Whether they sit in one, when they sit.
    """

    age: str = "adult"
    cut: str = "short"
    coat: str = "none"
    coat_color: np.ndarray = None
    trouser: float = 0.3
    beard: bool = False
    glasses: bool = False
    freckles: bool = False
    eyes: int = 0
    mouth: int = 0
    brows: int = 0
    wheelchair: bool = False

    @property
    def girth(self) -> float:
        """How thick limbs are, as a share of an average adult's."""
        length = self.trunk + self.thigh + self.shin + self.upper_arm
        return (length / 1.597) ** 0.85


def sample_someone(rng: np.random.Generator) -> Someone:
    """Anybody, from school children to grandparents.

    The first numbers drawn from `rng` are those of `sample_body`, whose
    proportions adults have, and no others: poses and cameras that are drawn
    later are the same in both editions.
    """
    body = sample_body(rng)
    picks = rng.spawn(1)[0].random(24).tolist()
    age = "child" if picks[0] < 0.2 else "old" if picks[0] > 0.84 else "adult"
    values = vars(body).copy()
    if age == "child":
        _grow(values, 0.66 + 0.2 * picks[1])
    elif age == "old":
        values["waist"] *= 1.0 + 0.1 * picks[1]
    slender = body.bust > 0 or picks[2] < 0.25
    skin = _choose(SKIN, picks[3]) + 5 * (picks[4] - 0.5)
    dark = bool(skin[0] < 190)
    cut, hair = _hair(age, slender, dark, picks)
    values |= {"skin": skin, "hair": hair}
    values |= _clothes(body, cut, slender, picks)
    return Someone(
        **values,
        age=age,
        cut=cut,
        trouser=picks[16],
        beard=not slender and age != "child" and picks[17] < 0.3,
        glasses=picks[18] < (0.5 if age == "old" else 0.2),
        freckles=age == "child" and not dark and picks[19] < 0.4,
        eyes=int(picks[20] * 3),
        mouth=int(picks[21] * 4),
        brows=int(picks[22] * 3),
        wheelchair=picks[23] < 0.4,
    )


def _choose(table, pick):
    return table[int(pick * len(table))]


def _hair(age, slender, dark, picks):
    """How it is cut and its colour; `slender` people more often have it long."""
    color = HAIR[int(picks[5] ** 1.2 * (5 if dark else 8))]
    if age == "old":
        cut = _choose(OLD_LONG if slender else OLD_SHORT, picks[6])
        color = _choose(GRAY, picks[5])
    else:
        cut = _choose(LONG if slender else SHORT, picks[6])
    if age == "adult" and not slender and picks[7] < 0.1:
        cut = "bald"
    if age != "child" and slender and picks[7] > 0.86:
        cut = "hijab"
    return cut, np.clip(color + 14 * (picks[12] - 0.5), 20, 235)


def _clothes(body: Body, cut, slender, picks) -> dict:
    top = _choose(TOPS, picks[8])
    other = TOPS[(int(picks[8] * len(TOPS)) + 4 + int(picks[9] * 10)) % len(TOPS)]
    legs, sleeve = body.legs, body.sleeve
    if cut == "hijab":
        legs, sleeve = "trousers", 1.92
    elif not slender and legs in ("skirt", "dress"):
        legs = "trousers"
    coat = _choose(COATS, picks[10])
    if legs == "dress":
        coat = "cardigan" if coat == "jacket" else "none"
    light = picks[11] - 0.5
    top = np.clip(top + 16 * light, 20, 246)
    bottom = np.clip(_choose(BOTTOMS, picks[13]) + 12 * light, 20, 240)
    return {
        "top": top,
        "top_print": other,
        "bottom": top if legs == "dress" else bottom,
        "shoe": _choose(SHOES, picks[14]),
        "legs": legs,
        "sleeve": sleeve,
        "pattern": _choose(PATTERNS, picks[15]),
        "coat": coat,
        "coat_color": other * 0.9,
    }


def _grow(values: dict, share: float):
    """Make an adult's sizes those of a child `share` as tall."""
    for name in ("height", "trunk", "upper_arm", "forearm", "thigh", "shin", "hand"):
        values[name] *= share
    for name in ("shoulder", "hip", "chest", "waist", "seat"):
        values[name] *= share**0.85
    values["foot"] *= share**0.8
    values["neck"] *= share**0.7
    values["head"] *= share**0.28
    values["build"] *= share**0.3
    values["bust"] = 0.0
