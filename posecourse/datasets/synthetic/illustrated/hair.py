"""Hair: caps that end at a hairline, locks, tails and curls."""

from __future__ import annotations

import numpy as np

from .skull import Head

__all__ = ["COVERED", "CUTS", "add_cap", "add_fall", "add_wreath"]

# Where hair ends at these degrees from the front, in head heights below the
# middle of the head (negative: above it).
_DEGREES = np.deg2rad([0, 25, 50, 68, 82, 95, 120, 150, 180])
_NEAT = (-0.215, -0.215, -0.19, -0.13, 0.07, 0.0, 0.13, 0.24, 0.28)
_TIED = (-0.20, -0.19, -0.16, -0.11, 0.02, 0.0, 0.16, 0.24, 0.25)
# How thick it is, where it ends, and what belongs to it.
CUTS = {
    "short": (0.045, _NEAT, ""),
    "side": (0.05, (-0.20, -0.20, -0.18, *_NEAT[3:]), ""),
    "crop": (0.022, (-0.19, -0.19, -0.17, -0.13, 0.06, 0.0, 0.12, 0.23, 0.26), ""),
    "quiff": (0.04, _NEAT, "quiff"),
    "curls": (
        0.07,
        (-0.15, -0.15, -0.14, -0.10, 0.06, 0.0, 0.22, 0.31, 0.33),
        "curls",
    ),
    "afro": (0.19, (-0.15, -0.15, -0.12, -0.04, 0.16, 0.24, 0.30, 0.34, 0.36), "afro"),
    "fringe": (0.06, (-0.07, -0.07, -0.06, 0.02, 0.12, 0.06, 0.17, 0.26, 0.30), ""),
    "receding": (0.02, (-0.33, -0.31, -0.20, -0.12, 0.06, 0.0, 0.13, 0.24, 0.27), ""),
    "bob": (0.06, (-0.19, -0.17, -0.09, 0.04, 0.26, 0.34, 0.40, 0.42, 0.42), "bob"),
    "long": (0.055, (-0.21, -0.19, -0.10, 0.04, 0.26, 0.34, 0.40, 0.42, 0.42), "long"),
    "waves": (
        0.075,
        (-0.17, -0.16, -0.09, 0.06, 0.28, 0.36, 0.40, 0.42, 0.42),
        "waves",
    ),
    "ponytail": (0.04, _TIED, "tail"),
    "bun": (0.04, _TIED, "bun"),
    "braids": (
        0.04,
        (-0.20, -0.19, -0.15, -0.08, 0.10, 0.12, 0.26, 0.30, 0.31),
        "braids",
    ),
}
COVERED = ("bob", "long", "waves", "afro")  # cuts that cover the ears
_PARTED = ("side", "bob", "long", "waves")

_SKULL, _CENTER = np.array([0.335, 0.375, 0.39]), np.array([0, -0.03, 0.035])
_ROUND = np.linspace(-np.pi, np.pi, 48, endpoint=False)
_RING = np.stack([np.cos(_ROUND), np.sin(_ROUND)], axis=1).round(12)
_BAND = np.linspace(-1, 1, 7)


def _run(mask, places):
    """The longest run of True of a closed row."""
    mask = mask.tolist()
    if all(mask):
        return places
    count, start = len(mask), mask.index(False)
    longest, length = (0, 0), 0
    for k in range(start + 1, start + count + 1):
        if mask[k % count]:
            length += 1
        else:
            longest, length = max(longest, (length, k - length)), 0
    length, first = longest
    return places[np.arange(first, first + length) % count]


def _region(h: Head, radii, line):
    """The part of an ellipsoid above ``line(angle)`` that the eye sees: its
    outline ``(N, 3)``.

    It consists of some of the ellipsoid's own outline and some of the line.
    """
    wx, wy, wz = (h.eye / radii).tolist()
    length = (wx * wx + wy * wy + wz * wz) ** 0.5
    wx, wy, wz = wx / length, wy / length, wz / length
    # two directions across the eye's, on the ball that the ellipsoid was
    if abs(wz) < 0.8:
        e1 = np.array([wy, -wx, 0.0])
    else:
        e1 = np.array([0.0, wz, -wy])
    e1 /= np.sqrt(e1 @ e1)
    ax, ay, az = e1.tolist()
    e2 = np.array([wy * az - wz * ay, wz * ax - wx * az, wx * ay - wy * ax])
    edge = _RING @ np.stack([e1, e2])
    above = edge[:, 1] * radii[1] + _CENTER[1] < line(
        np.arctan2(edge[:, 0], -edge[:, 2])
    )
    rim = _run(above, edge * radii + _CENTER)
    hem, seen = h.surface(_ROUND, line(_ROUND), radii, _CENTER)
    hem = _run(seen, hem)
    if not len(rim) or not len(hem) or len(rim) == len(edge):
        return rim if len(rim) else hem
    # the end of the line that is nearer to the end of the outline comes first
    across = hem[[0, -1]] - rim[-1]
    across -= (across @ h.eye)[:, None] * h.eye
    gap = (across**2).sum(1)
    return np.concatenate([rim, hem if gap[0] < gap[1] else hem[::-1]])


def add_cap(h: Head):
    """What lies on the head."""
    b = h.b
    thick, ends, kind = CUTS[b.cut]
    radii = _SKULL + (thick * 0.8, thick, thick)
    part = -0.5 if b.brows == 2 else 0.5

    def line(angle):
        y = np.interp(np.abs(angle), _DEGREES, ends)
        if b.cut in _PARTED:
            y -= 0.07 * np.exp(-(((angle - part) / 0.35) ** 2))
            y += 0.03 * np.exp(-(((angle + part) / 0.5) ** 2))
        return y

    outline = _region(h, radii, line)
    if len(outline) > 2:
        h.polygon(outline, "hair", b.hair)
    if kind == "quiff":
        balls = (
            (-0.12, -0.33, -0.20, 0.13),
            (0.10, -0.36, -0.22, 0.14),
            (0.0, -0.36, 0.05, 0.10),
        )
        h.f.hull([h.ball(*ball) for ball in balls], "hair", b.hair)
    if h.pixels > 20:
        _sheen(h, radii)
    if kind in ("bob", "long", "waves"):
        _locks(h, kind)


def _sheen(h: Head, radii):
    """A lighter band where hair turns to the light."""
    toward = np.arctan2(h.eye[0] / radii[0], -h.eye[2] / radii[2])
    angle = toward - 0.30 + 0.65 * _BAND
    up = np.concatenate([-0.27 + 0.05 * _BAND**2, (-0.225 + 0.02 * _BAND**2)[::-1]])
    places, _ = h.surface(np.concatenate([angle, angle[::-1]]), up, radii, _CENTER)
    h.polygon(places, None, h.b.hair * 1.10 + 12)


def _locks(h: Head, kind):
    """Hair that hangs down beside the face."""
    swell = 0.03 if kind == "waves" else 0.0
    for out in (-1, 1):
        if out * h.eye[0] < -0.5:
            continue
        if kind == "bob":
            balls = ((0.31, -0.06, 0.02, 0.10), (0.335, 0.20, 0.0, 0.105))
            balls = (*balls, (0.30, 0.40, -0.02, 0.08))
        else:
            balls = (
                (0.31, -0.06, 0.03, 0.095),
                (0.345 + swell, 0.25, 0.03, 0.10),
                (0.35 - swell, 0.52, 0.03, 0.10 + swell),
                (0.33 + swell, 0.80, 0.02, 0.065),
            )
        h.f.chain([h.ball(out * x, y, z, r) for x, y, z, r in balls], "hair", h.b.hair)


def add_wreath(h: Head):
    """Curls all round the outline, behind the head."""
    thick, _, kind = CUTS[h.b.cut]
    if kind not in ("curls", "afro"):
        return
    count, r = (11, 0.13) if kind == "curls" else (13, 0.17)
    ex, ey, ez = h.eye.tolist()
    side = np.array([ez, 0.0, -ex]) / (np.hypot(ex, ez) + 1e-9)
    sx, _, sz = side.tolist()
    up = np.array([-sz * ey, sz * ex - sx * ez, sx * ey])
    reach = 0.375 + thick - 0.7 * r
    for k in range(count):
        a = (k + 0.5) / count * 2 * np.pi
        x, y, z = (reach * (np.sin(a) * side - np.cos(a) * up)).tolist()
        y, z = y - 0.03, z + 0.04
        # neither under the chin nor before the face
        if y < 0.16 + 0.5 * z and (z > -0.22 or y < -0.26):
            h.f.hull([h.ball(0.92 * x, y, z, r)], "hair", h.b.hair * 0.95)


def add_fall(h: Head):
    """Hair behind head and neck, or before them for who looks from behind."""
    f, b, kind = h.f, h.b, CUTS[h.b.cut][2]
    if kind not in _FALLS:
        return
    f.piece("fall", bias=0.10 if h.eye[2] > 0 else -0.06)
    _FALLS[kind](h, b.hair, b.hair * 0.86)


def _bob(h: Head, color, shade):
    rings = [
        h.egg(0, -0.03, 0.10, (0.37, 0.38, 0.33)),
        h.egg(0, 0.30, 0.12, (0.36, 0.16, 0.26)),
    ]
    h.f.hull(rings, "hair", shade)


def _long(h: Head, color, shade):
    wide, g = (0.40 if h.b.cut == "waves" else 0.35), h.b.girth
    rings = [
        h.egg(0, 0.0, 0.10, (0.37, 0.36, 0.33)),
        h.egg(0, 0.45, 0.16, (wide, 0.2, 0.20)),
        h.f.ring(
            "thorax",
            "chest",
            (0, 0.10 * g, 0.11 * g),
            (0.30 * h.unit, 0, 0),
            (0, 0.03, 0.05),
        ),
    ]
    h.f.chain(rings, "hair", shade)


def _tail(h: Head, color, shade):
    rings = [
        h.ball(0, -0.10, 0.46, 0.10),
        h.below(0, -0.35, 0.58, 0.12),
        h.below(0, 0.10, 0.55, 0.10),
        h.below(0, 0.38, 0.47, 0.035),
    ]
    h.f.chain(rings, "hair", color)
    h.f.hull([h.ball(0, -0.10, 0.45, 0.075)], "hair", h.b.coat_color)


def _bun(h: Head, color, shade):
    h.f.hull([h.ball(0, -0.38, 0.22, 0.165)], "hair", color)


def _braids(h: Head, color, shade):
    for out in (-1, 1):
        rings = [h.ball(out * 0.30, 0.16, 0.14, 0.09)]
        for k in range(5):
            x = out * (0.36 + 0.02 * (k % 2))
            rings.append(h.below(x, -0.28 + 0.15 * k, 0.10, 0.085))
        h.f.chain(rings, "hair", color * 0.97)
        h.f.hull([h.below(out * 0.37, 0.42, 0.10, 0.06)], "hair", h.b.coat_color)


_FALLS = {
    "bob": _bob,
    "long": _long,
    "waves": _long,
    "tail": _tail,
    "bun": _bun,
    "braids": _braids,
}
