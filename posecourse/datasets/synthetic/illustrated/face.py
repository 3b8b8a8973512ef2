"""Faces: drawn flat, laid on the head from the front."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from .skull import Head, mix

__all__ = ["add_face", "add_glasses"]

_RADII, _CENTER = np.array([0.322, 0.47, 0.385]), np.array([0.0, 0.03, -0.005])
_TURN = np.arange(12) * (np.pi / 6)
_OVAL = np.stack([np.cos(_TURN), np.sin(_TURN)], axis=1).round(12)
_DARK = np.array([48.0, 36, 36])
_ROSE = np.array([214.0, 96, 84])
_LIP = np.array([170.0, 60, 62])
_WHITE = np.array([252.0, 250, 246])


def add_face(h: Head):
    """Eyes, brows, mouth, cheeks, nose, and what grows there."""
    if h.eye[2] > 0.55 or h.pixels < 6:  # from behind, or from far away
        return
    b = h.b
    detail = 0 if h.pixels < 14 else 1 if h.pixels < 44 else 2
    beard = b.beard and h.eye[2] < 0.2
    shapes, corners = _drawing(
        b.age, b.eyes, b.mouth, b.brows, beard, b.freckles, detail
    )
    colors = _colors(h, detail)
    places, seen = h.surface(corners[:, 0] / _RADII[0], corners[:, 1], _RADII, _CENTER)
    places = h.space(places)
    for name, start, end in shapes:
        if np.count_nonzero(seen[start:end]) > 0.3 * (end - start):
            h.f.polygon(places[start:end], None, colors[name])
    if h.eye[2] < 0.35 and h.pixels > 9:
        _nose(h)


def _colors(h: Head, detail):
    b, skin = h.b, h.b.skin
    brow = b.hair * 0.8 if b.age == "old" else mix(b.hair * 0.72, _DARK, 0.25)
    brow = _DARK if b.cut == "hijab" else brow
    blush = 0.14 if b.age == "old" or skin[0] < 190 else 0.24
    lip = mix(skin * 0.72, _LIP, 0.5)
    colors = {
        "ink": mix(_DARK, skin, 0.08),
        "brow": brow if detail == 2 else mix(brow, skin, 0.35),
        "cheek": mix(skin, _ROSE, blush),
        "lip": lip,
        "mouth": lip * 0.82,
        "teeth": _WHITE,
    }
    if b.beard:
        colors["beard"] = mix(b.hair * 0.86, skin, 0.12)
    if detail == 2:
        colors["white"] = mix(_WHITE, skin, 0.12)
        colors["glint"] = _WHITE
        colors["freckle"] = mix(skin, np.array([150.0, 84, 50]), 0.45)
    return colors


def _stroke(corners, width):
    """A line as a narrow polygon, thickest in its middle."""
    step = np.gradient(corners, axis=0)
    side = np.stack([-step[:, 1], step[:, 0]], axis=1)
    side /= np.sqrt((side**2).sum(1, keepdims=True)) + 1e-9
    t = np.linspace(-1, 1, len(corners))[:, None]
    side *= width * (1 - 0.75 * t**2)
    return np.concatenate([corners + side, (corners - side)[::-1]])


@lru_cache(maxsize=1024)
def _drawing(age, eyes, mouth, brows, beard, freckles, detail):
    """A face seen from the front, in head heights from the middle.

    `detail` is 0 for a face of few pixels, 2 for a large one. Returns triples
    of a colour's name, first and last corner; and the corners ``(N, 2)``.
    """
    shapes = _whiskers() if beard else []
    low, big = (0.035, 1.22) if age == "child" else (0.0, 1.0)

    def oval(color, x, y, rx, ry):
        shapes.append((color, np.array([x, y]) + _OVAL * (rx, ry)))

    for out in (-1, 1):
        oval("cheek", out * 0.19, 0.205 + low, 0.068, 0.05)
    shapes += _mouth(mouth, 0.305 if age == "child" else 0.315, detail)
    x = np.linspace(-1, 1, 9)
    for out in (-1, 1):
        ex, ey = out * (0.14 if age == "child" else 0.132), 0.055 + low
        if detail == 2 and eyes != 1:
            oval("white", ex, ey, 0.050 * big, 0.043 * big)
            oval("ink", ex, ey + 0.001, 0.034 * big, 0.041 * big)
        else:
            oval("ink", ex, ey, 0.032 * big, 0.044 * big)
        if detail == 2:
            oval("glint", ex - 0.010, ey - 0.016, 0.010, 0.011)
            lift = 0.040 if eyes == 2 else 0.030
            lid = ey - lift * big - 0.016 * (1 - x**2) + 0.01 * x
            lid = np.stack([ex + 0.058 * big * x * out, lid], axis=1)
            shapes.append(("ink", _stroke(lid, 0.010)))
        rise = (0.0, 0.010, -0.006)[brows]
        brow = ey - 0.105 * big - 0.016 * (1 - x**2) + rise * x
        brow = np.stack([ex + 0.065 * x * out, brow], axis=1)
        shapes.append(("brow", _stroke(brow, 0.02 if age == "old" else 0.016)))
        if freckles and detail == 2:
            for dx, dy in ((0.02, 0.0), (0.055, 0.018), (0.035, 0.034)):
                oval("freckle", out * (0.10 + dx), 0.165 + dy, 0.008, 0.008)
    ends = np.cumsum([len(outline) for _, outline in shapes]).tolist()
    names = [name for name, _ in shapes]
    spans = tuple(zip(names, [0, *ends], ends))
    return spans, np.concatenate([outline for _, outline in shapes])


def _mouth(kind, y, detail):
    x = np.linspace(-1, 1, 9)
    bow = 1 - x**2
    if kind == 1 and detail:  # it laughs

        def between(wide, above, below):
            top = np.stack([wide * x, y + above[0] + above[1] * bow], axis=1)
            low = np.stack([wide * x, y + below[0] + below[1] * bow], axis=1)
            return np.concatenate([top, low[::-1]])

        return [
            ("mouth", between(0.105, (-0.02, 0.008), (-0.02, 0.072))),
            ("teeth", between(0.084, (-0.014, 0.006), (-0.010, 0.026))),
        ]
    bend = (0.042, 0.042, 0.030, 0.022)[kind]
    half = (0.095, 0.095, 0.08, 0.07)[kind]
    lean = 0.012 if kind == 3 else 0.0
    line = np.stack([half * x, y + bend * (0.35 - x**2) + lean * x], axis=1)
    return [("lip", _stroke(line, 0.017))]


def _curve(corners):
    """The same with more corners, the bends cut off (Chaikin, 1974)."""
    for _ in range(2):
        step = np.diff(corners, axis=0)
        cut = np.empty((2 * len(step), 2))
        cut[0::2], cut[1::2] = corners[:-1] + 0.25 * step, corners[:-1] + 0.75 * step
        corners = np.concatenate([corners[:1], cut, corners[-1:]])
    return corners


def _whiskers():
    """A beard from ear to ear, round the mouth."""
    outer = [(-0.44, 0.05), (-0.40, 0.25), (-0.28, 0.42), (-0.12, 0.485), (0.0, 0.495)]
    inner = [(0.38, 0.10), (0.30, 0.22), (0.17, 0.235), (0.05, 0.225), (0.0, 0.235)]
    outer, inner = _curve(np.array(outer)), _curve(np.array(inner))
    both = [outer, outer[-2::-1] * (-1, 1), inner, inner[-2::-1] * (-1, 1)]
    return [("beard", np.concatenate(both))]


def _nose(h: Head):
    child = h.b.age == "child"
    low, size = (0.02, 0.8) if child else (0.0, 1.0)
    bridge = h.ball(0, 0.075 + low, -0.375, 0.018)
    tip = h.ball(0, 0.175 + low, -0.35 - 0.055 * size, 0.045 * size)
    h.f.hull([bridge, tip], "head", h.b.skin * (0.93, 0.865, 0.85))


def add_glasses(h: Head):
    """Frames that sit on nose and ears."""
    if h.eye[2] > 0.3 or h.pixels < 9:
        return
    low = 0.035 if h.b.age == "child" else 0.0
    color = mix(np.array([58.0, 46, 48]), h.b.coat_color, 0.25)
    radii = _RADII * (1.07, 1.0, 1.07)
    around = np.arange(17) * (np.pi / 8)
    for out in (-1, 1):
        x = out * 0.135 + 0.088 * np.cos(around)
        y = 0.062 + low + 0.075 * np.sin(around)
        places, seen = h.surface(x / radii[0], y, radii, _CENTER)
        if np.count_nonzero(seen) > 6:
            h.line(places, color, 0.017)
        if out * h.eye[0] > 0.15:  # the arm to the ear
            angle = out * np.linspace(0.70, 1.5, 6)
            places, _ = h.surface(angle, np.full(6, 0.035 + low), radii, _CENTER)
            h.line(places, color, 0.015)
    x = np.array([-0.05, 0.0, 0.05])
    places, seen = h.surface(x / radii[0], np.full(3, 0.045 + low), radii, _CENTER)
    if seen.all():
        h.line(places, color, 0.015)
