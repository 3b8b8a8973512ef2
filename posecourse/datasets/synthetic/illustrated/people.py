"""Who is drawn: ages, builds, hair, clothes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..body import HAIR, SKIN, Body, sample_body

__all__ = ["ACCENT", "Someone", "sample_someone"]

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
ACCENT = np.concatenate([TOPS, BOTTOMS])

SHORT = ("short", "short", "side", "crop", "quiff", "curls", "afro", "fringe")
LONG = ("bob", "long", "long", "ponytail", "bun", "waves", "braids", "afro", "fringe")


@dataclass
class Someone(Body):
    """A `Body` with what the second edition draws of it.

    Attributes
    ----------
    age:
        ``"child"``, ``"adult"`` or ``"old"``.
    cut:
        Of the hair: a key of `head.CUTS`, ``"hijab"`` or ``"bald"``.
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
    rng = rng.spawn(1)[0]
    picks = rng.random(28).tolist()

    def choose(table, i):
        return table[int(picks[i] * len(table))]

    age = "child" if picks[0] < 0.2 else "old" if picks[0] > 0.84 else "adult"
    values = vars(body).copy()
    if age == "child":
        _grow(values, 0.66 + 0.2 * picks[1])
    elif age == "old":
        values["waist"] *= 1.0 + 0.1 * picks[1]
    slender = (body.bust > 0) or picks[2] < 0.25  # who more often has long hair
    skin = choose(SKIN, 3) + 5 * (picks[4] - 0.5)
    dark = skin[0] < 190
    hair = HAIR[int(picks[5] ** 1.2 * (5 if dark else 8))]
    if age == "old":
        hair = np.array(
            [(206, 204, 200), (168, 166, 166), (226, 222, 214)][int(picks[5] * 3)],
            dtype=np.float64,
        )
    cut = choose(LONG if slender else SHORT, 6)
    if age == "old":
        cut = choose(
            ("bob", "bun", "curls", "waves")
            if slender
            else ("side", "receding", "bald", "short"),
            6,
        )
    elif not slender and age == "adult" and picks[7] < 0.1:
        cut = "bald"
    if slender and age != "child" and picks[7] > 0.86:
        cut = "hijab"
    top = choose(TOPS, 8)
    other = TOPS[(int(picks[8] * len(TOPS)) + 4 + int(picks[9] * 10)) % len(TOPS)]
    legs = values["legs"]
    if not slender and legs in ("skirt", "dress"):
        legs = "trousers"
    sleeve = values["sleeve"]
    coat = choose(("none", "none", "none", "jacket", "cardigan", "hoodie"), 10)
    if cut == "hijab":
        legs = "trousers" if legs in ("shorts", "leggings") else legs
        sleeve = 1.92
    if legs == "dress":
        coat = "cardigan" if coat == "jacket" else "none"
    light = picks[11] - 0.5
    values |= {
        "skin": skin,
        "hair": np.clip(hair + 14 * (picks[12] - 0.5), 20, 235),
        "top": np.clip(top + 16 * light, 20, 246),
        "top_print": other,
        "bottom": np.clip(
            (top if legs == "dress" else choose(BOTTOMS, 13)) + 12 * light, 20, 240
        ),
        "shoe": choose(SHOES, 14),
        "legs": legs,
        "sleeve": sleeve,
        "pattern": choose(("plain", "plain", "plain", "stripes", "block", "print"), 15),
    }
    adult_man = not slender and age != "child"
    return Someone(
        **values,
        age=age,
        cut=cut,
        coat=coat,
        coat_color=np.clip(other * 0.9, 20, 240),
        trouser=picks[16],
        beard=adult_man and picks[17] < 0.3,
        glasses=picks[18] < (0.5 if age == "old" else 0.2),
        freckles=age == "child" and not dark and picks[19] < 0.4,
        eyes=int(picks[20] * 3),
        mouth=int(picks[21] * 4),
        brows=int(picks[22] * 3),
        wheelchair=picks[23] < 0.4,
    )


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
