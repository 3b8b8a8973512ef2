"""People drawn with all that is around them, second edition."""

from __future__ import annotations

import numpy as np

from ..scenery import camera_effects
from ..solids import View
from ..staging import Difficulty, Drawing, Stance
from ..staging import draw as draw_solids
from .figure import sketch_person
from .painting import paint_people
from .places import background, occluder
from .stage import Stage

__all__ = ["draw"]


def draw(
    rng,
    stances: list[Stance],
    view: View,
    level: Difficulty,
    size: int,
    unit: float,
    time: int = 0,
    merge: bool = False,
) -> Drawing:
    """As `staging.draw`; people always hide one another pixel by
    pixel. Stick figures are those of the first edition."""
    if level.stick:
        return draw_solids(rng, stances, view, level, size, unit, time, merge)
    picks = rng.random(8)
    # Light from above and from one of the camera's sides.
    high, around = np.deg2rad([40 + 22 * picks[0], 25 + 40 * picks[1]])
    if picks[2] < 0.5:
        around = -around
    light = np.array(
        [np.sin(around) * np.cos(high), -np.sin(high), -np.cos(around) * np.cos(high)]
    )
    order = np.argsort([-s.points["pelvis"][2] for s in stances], kind="stable")
    least, most = level.clutter
    clutter = int(least + picks[5] * (most - least + 1))
    clutter = min(round(clutter * (1 + 0.4 * ((size / unit) ** 2 - 1))), 3 * most)
    image = np.empty((size, size, 3), np.uint8)
    kind = level.scenes[rng.integers(len(level.scenes))]
    stage = Stage(image, stances[order[0]], view, light)
    background(rng, stage, kind, clutter, stances, light, 74 + 34 * picks[6])
    sketches = []
    for stance in stances:
        sketches.append(sketch_person(stance, view))
    parts, owners, alone = paint_people(image, sketches, light)
    joints = np.concatenate([s.joints for s in stances])
    for chance in level.occluders:
        if rng.random() < chance:
            mask = np.zeros_like(parts)
            front = Stage(image, stances[order[-1]], view, light, mask)
            occluder(rng, front, joints)
            parts = np.where(mask > 127, np.uint8(1), parts)
            owners = np.where(mask > 127, np.uint8(0), owners)
    image = camera_effects(
        image, rng, unit, level.gain, level.contrast, level.noise, level.blur, time
    )
    return Drawing(image, parts, owners, alone)
