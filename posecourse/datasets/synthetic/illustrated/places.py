"""Where people are: rooms, halls, streets, parks, the shore."""

from __future__ import annotations

import cv2
import numpy as np

from .outside import paint_park, paint_shore, paint_street
from .rooms import paint_hall, paint_room, paint_studio, room_edge
from .shadows import cast_shadows
from .stage import Stage
from .things import COZY, FRONT_HIGH, FRONT_LOW, HALL, PARK, ROOM, SHORE, STREET

__all__ = ["background", "occluder"]

_VEIL = (248, 240, 228)


def background(rng, stage: Stage, kind: str, clutter: int, stances, light, strength):
    """Paint a place without people, their shadows included.

    Parameters
    ----------
    kind:
        ``"studio"``, ``"room"``, ``"outside"`` or ``"abstract"``.
    clutter:
        Number of things that stand about.
    strength:
        Of the shadows, 0 none to 255 black.
    """
    picks = rng.random(12).tolist()
    if kind == "abstract":
        _abstract(rng, stage, picks)
        return
    if kind == "room":
        paint, things = (paint_hall, HALL) if picks[0] < 0.28 else (paint_room, ROOM)
    elif kind == "outside":
        paint, things = (
            (paint_street, STREET)
            if picks[0] < 0.35
            else (paint_shore, SHORE)
            if picks[0] < 0.5
            else (paint_park, PARK)
        )
    else:
        paint, things = paint_studio, ()
    plan = _plan(rng, stage, things, clutter if things else 0, paint is paint_room)
    if paint is paint_room:
        edge = room_edge(stage, picks)
        plan = [p for p in plan if p[1] * np.sign(edge) < abs(edge) - 0.5]
    spots = [(x, away, 0.32 * s) for _, x, away, s, *_ in plan]
    shadows = cast_shadows(stage, stances, light, spots, strength)
    paint(stage, rng, picks, shadows)
    for draw, x, away, s, color, numbers in plan:
        stage.place(draw, x, away, s, color, numbers)
    # A little haze, so that people stand out.
    veil = np.empty_like(stage.image)
    veil[:] = _VEIL
    cv2.addWeighted(stage.image, 0.90, veil, 0.10, 0, dst=stage.image)


def _plan(rng, stage: Stage, things, count, indoors):
    """What stands where: from the far ones to the near ones."""
    plan = []
    numbers = rng.random((count, 10)).tolist()
    for k, (a, b, c, d, e, *more) in enumerate(numbers):
        # Spread from side to side, a gap where the person is.
        away = 0.75 + (1.1 if indoors else 3.2) * b**1.3
        half = 0.5 * stage.size / stage.view.focal * (stage.ground[2] + away)
        x = (2 * (k + a) / count - 1) * half * 1.05
        if abs(x) < 0.35:
            x = 0.35 if x > 0 else -0.35
        kind = things[int(c * len(things))]
        plan.append(
            (kind, x, away, 0.8 + 0.35 * d, COZY[int(e * len(COZY))], [*more, a, b])
        )
    return sorted(plan, key=lambda t: -t[2])


def _abstract(rng, stage: Stage, picks):
    """Large calm shapes, as on a poster."""
    size, image = stage.size, stage.image
    tones = COZY[rng.permutation(len(COZY))[:4]] * 0.45 + 132
    image[:] = np.rint(tones[0]).astype(np.uint8)
    for k, (x, y, r, turn) in enumerate(rng.random((4, 4)).tolist()):
        middle = size * np.array([x, y])
        r = size * (0.16 + 0.30 * r)
        tone = tuple(tones[1 + k % 3])
        c, s = np.cos(6.28 * turn), np.sin(6.28 * turn)
        if k == 3:
            shape = (
                np.array([(-2, -0.25), (2, -0.25), (2, 0.25), (-2, 0.25)]) * size * 0.5
            )
            shape = shape @ np.array([[c, s], [-s, c]]) + middle
        else:
            t = np.arange(48) * (np.pi / 24)
            wobble = 1 + 0.18 * np.sin(2 * t + 6 * turn) + 0.10 * np.sin(3 * t)
            shape = middle + (r * wobble)[:, None] * np.column_stack(
                [np.cos(t), np.sin(t)]
            )
        cv2.fillPoly(
            image, [np.rint(shape * 16).astype(np.int32)], tone, cv2.LINE_AA, 4
        )


def occluder(rng, stage: Stage, joints):
    """A thing before the person that is likely to hide a joint.

    Parameters
    ----------
    joints:
        ``(K, 3)`` in the camera's axes.
    """
    picks = rng.random(13).tolist()
    joint = (joints[int(picks[0] * len(joints))] - stage.ground) @ stage.axes.T
    # on the ray to the joint
    away = max(-0.45 - 0.35 * picks[1], stage.nearest + 0.35)
    eye = -stage.ground @ stage.axes.T
    share = (away - eye[2]) / max(joint[2] - eye[2], 0.3)
    x, up, _ = eye + share * (joint - eye)
    x += 0.3 * (picks[2] - 0.5)
    color = COZY[int(picks[3] * len(COZY))]
    if up < 0.8:
        kind = FRONT_LOW[int(picks[4] * len(FRONT_LOW))]
        s = float(np.clip(up * (0.95 + 0.4 * picks[5]), 0.34, 0.85))
        stage.place(kind, x, away, s, color, picks[6:])
    else:
        kind = FRONT_HIGH[int(picks[4] * len(FRONT_HIGH))]
        high = 0.0 if kind.__name__ == "pillar" else up
        stage.place(kind, x, away, 0.8, color, picks[6:], high)
