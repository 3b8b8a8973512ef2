"""Head, face and hair."""

from __future__ import annotations

import numpy as np

from .people import Someone
from .sketch import Sketch

__all__ = ["CUTS", "add_head"]

# Where the hair ends, by degrees from the front, in head heights below the
# middle of the head (negative: above it).
_DEGREES = np.deg2rad([0, 25, 50, 68, 82, 95, 120, 150, 180])
_NEAT = (-0.215, -0.215, -0.19, -0.13, 0.08, 0.0, 0.20, 0.29, 0.30)
# How thick the hair is, where it ends, how far it falls.
CUTS = {
    "short": (0.045, _NEAT, ""),
    "side": (0.05, (-0.20, -0.20, -0.18, -0.13, 0.08, 0.0, 0.20, 0.29, 0.30), ""),
    "crop": (0.022, (-0.19, -0.19, -0.17, -0.13, 0.06, 0.0, 0.18, 0.27, 0.28), ""),
    "quiff": (0.04, _NEAT, "quiff"),
    "curls": (0.07, (-0.15, -0.15, -0.14, -0.10, 0.06, 0.0, 0.22, 0.31, 0.33), "curls"),
    "afro": (0.19, (-0.15, -0.15, -0.12, -0.04, 0.16, 0.24, 0.30, 0.34, 0.36), "afro"),
    "fringe": (0.06, (-0.07, -0.07, -0.06, 0.02, 0.12, 0.06, 0.26, 0.33, 0.34), ""),
    "receding": (0.02, (-0.33, -0.31, -0.20, -0.12, 0.06, 0.0, 0.20, 0.28, 0.29), ""),
    "bob": (0.06, (-0.19, -0.17, -0.09, 0.04, 0.26, 0.34, 0.40, 0.42, 0.42), "bob"),
    "long": (0.055, (-0.21, -0.19, -0.10, 0.04, 0.26, 0.34, 0.40, 0.42, 0.42), "long"),
    "waves": (
        0.075,
        (-0.17, -0.16, -0.09, 0.06, 0.28, 0.36, 0.40, 0.42, 0.42),
        "waves",
    ),
    "ponytail": (
        0.04,
        (-0.20, -0.19, -0.16, -0.11, 0.02, 0.0, 0.16, 0.24, 0.25),
        "tail",
    ),
    "bun": (0.04, (-0.20, -0.19, -0.16, -0.11, 0.02, 0.0, 0.16, 0.24, 0.25), "bun"),
    "braids": (
        0.04,
        (-0.20, -0.19, -0.15, -0.08, 0.10, 0.12, 0.26, 0.30, 0.31),
        "braids",
    ),
}
_COVERED = ("bob", "long", "waves")  # no ears to be seen

_ROUND = np.linspace(-np.pi, np.pi, 64, endpoint=False)
_RING = np.stack([np.cos(_ROUND), np.sin(_ROUND)], axis=1)
_SKULL = np.array([0.335, 0.375, 0.39])
_FACE = np.array([0.322, 0.47, 0.385])  # half axes of the surface features lie on


def _mix(a, b, share):
    return (1 - share) * a + share * b


class _Head:
    """The head's own directions, and what of an ellipsoid faces the eye."""

    def __init__(self, f: Sketch, b: Someone):
        self.f, self.b = f, b
        self.unit = b.head
        self.axes = f.axes("head")
        self.middle = f.points["upper_neck"] + self.unit * (
            self.axes @ np.array([0, -0.575, -0.02])
        )
        eye = -self.middle @ self.axes
        self.eye = eye / np.sqrt(eye @ eye)

    def offset(self, x, y, z):
        u = self.unit
        return x * u, (y - 0.575) * u, (z - 0.02) * u

    def ball(self, x, y, z, r):
        return self.f.ball("upper_neck", "head", self.offset(x, y, z), r * self.unit)

    def egg(self, x, y, z, radii):
        return self.f.egg(
            "upper_neck", "head", self.offset(x, y, z), [r * self.unit for r in radii]
        )

    def space(self, points):
        """Points in head heights from the middle, in the camera's axes."""
        return self.middle + (self.unit * points) @ self.axes.T

    def surface(self, angle, y, radii, center):
        """Points of an ellipsoid at `angle` from the front; ``(N, 3)``, and
        whether each is on the near side. Those that are not are moved to the
        edge."""
        a, b, c = radii
        high = np.clip((y - center[1]) / b, -0.98, 0.98)
        g = np.sqrt(1 - high**2)
        across, ahead = self.eye[0] / a, -self.eye[2] / c
        reach = np.hypot(across, ahead) + 1e-9
        half = np.arccos(np.clip(-self.eye[1] * high / (b * g * reach), -1, 1))
        toward = np.arctan2(across, ahead)
        off = (angle - toward + np.pi) % (2 * np.pi) - np.pi
        seen = np.abs(off) <= half
        angle = np.clip(off, -half, half) + toward
        x, z = a * g * np.sin(angle), -c * g * np.cos(angle)
        return np.stack([x, high * b, z], axis=1) + center, seen


def add_head(f: Sketch, b: Someone):
    """Neck, head, face, hair, glasses, a scarf."""
    h = _Head(f, b)
    scarf = b.cut == "hijab"
    cut = CUTS.get(b.cut)
    if cut:
        _fall(h, cut[2])
    g = b.girth
    f.piece("head", bias=0.02)
    shade = b.skin * (0.88, 0.85, 0.85)
    collar = b.coat_color if b.coat == "hoodie" else b.top
    neck = [
        f.ring(
            "thorax", "chest", (0, 0.000, 0.012), (0.060 * g, 0, 0), (0, 0, 0.056 * g)
        ),
        f.ball("thorax", "chest", (0, -0.035, 0.010), 0.050 * g),
        h.ball(0, 0.28, 0.06, 0.185),
    ]
    f.chain(neck, "neck", shade)
    f.hull(
        [
            f.ring(
                "thorax",
                "chest",
                (0, 0.004, 0.010),
                (0.072 * g, 0, 0),
                (0, 0, 0.068 * g),
            ),
            f.ring(
                "thorax",
                "chest",
                (0, -0.026, 0.014),
                (0.060 * g, 0, 0),
                (0, 0, 0.058 * g),
            ),
        ],
        "neck",
        collar * (0.92, 0.92, 0.94),
    )
    if scarf:
        _scarf_below(h)
    if cut and cut[2] in ("curls", "afro"):
        _wreath(h, cut[2])
    _skull(h)
    if scarf:
        _scarf(h)
    else:
        if b.cut not in _COVERED:
            _ears(h, near=False)
        _face(h)
        if cut:
            _cap(h, *cut)
        if b.cut not in _COVERED and b.cut != "afro":
            _ears(h, near=True)
    if b.glasses:
        _glasses(h)


def _skull(h: _Head):
    b = h.b
    jaw = (0.262, 0.30, 0.27) if b.age == "child" else (0.25, 0.30, 0.265)
    drop = 0.155 if b.age == "child" else 0.185
    rings = [h.egg(0, -0.03, 0.02, _SKULL), h.egg(0, drop, -0.105, jaw)]
    h.f.hull(rings, "head", b.skin)


def _ears(h: _Head, near: bool):
    """An ear on each side: behind the head, or on it."""
    for out in (-1, 1):
        if (out * h.eye[0] > 0.12) != near:
            continue
        rings = [
            h.egg(out * 0.325, 0.03, 0.05, (0.035, 0.085, 0.06)),
            h.egg(out * 0.315, 0.12, 0.03, (0.03, 0.045, 0.035)),
        ]
        h.f.hull(rings, "head", h.b.skin)
        if near and h.f.metre * h.unit > 16:
            inner = [h.egg(out * 0.35, 0.05, 0.045, (0.012, 0.045, 0.03))]
            h.f.hull(inner, "head", h.b.skin * (0.86, 0.80, 0.80))


# ----------------------------------------------------------------- face
_OVAL = np.stack(
    [np.cos(np.arange(12) * np.pi / 6), np.sin(np.arange(12) * np.pi / 6)], 1
)


def _face(h: _Head):
    b, f = h.b, h.f
    if h.eye[2] > 0.55:  # seen from behind
        return
    dark = np.array([48.0, 36, 36])
    skin, rose = b.skin, np.array([214.0, 96, 84])
    ink = _mix(dark, skin, 0.08)
    child, old = b.age == "child", b.age == "old"
    low = 0.035 if child else 0.0
    big = 1.22 if child else 1.0
    fine = f.metre * h.unit  # pixels of the head
    shapes = []

    def oval(color, x, y, rx, ry):
        shapes.append((color, np.array([x, y]) + _OVAL * (rx, ry)))

    def stroke(color, corners, width):
        """A line as a narrow polygon, thicker in its middle."""
        corners = np.array(corners)
        step = np.gradient(corners, axis=0)
        side = np.stack([-step[:, 1], step[:, 0]], 1)
        side /= np.sqrt((side**2).sum(1, keepdims=True)) + 1e-9
        t = np.linspace(-1, 1, len(corners))[:, None]
        side *= width * (1 - 0.75 * t**2)
        shapes.append((color, np.concatenate([corners + side, (corners - side)[::-1]])))

    if b.beard and h.eye[2] < 0.2:
        _beard(h, shapes)
    if fine > 9:
        for out in (-1, 1):
            oval(
                _mix(skin, rose, 0.14 if old or skin[0] < 190 else 0.24),
                out * 0.19,
                0.205 + low,
                0.068,
                0.05,
            )
    # A nose shows where the face points, and a mouth smiles.
    red = _mix(skin * 0.72, np.array([170.0, 60, 62]), 0.5)
    mouth = 0.315 if not child else 0.305
    x = np.linspace(-1, 1, 9)
    if b.mouth == 1 and fine > 14:
        wide = 0.105
        corners = np.concatenate(
            [
                np.stack([wide * x, mouth - 0.02 + 0.008 * (1 - x**2)], 1),
                np.stack([wide * x[::-1], mouth - 0.02 + 0.072 * (1 - x**2)], 1),
            ]
        )
        shapes.append((red * 0.82, corners))
        teeth = np.concatenate(
            [
                np.stack([0.8 * wide * x, mouth - 0.014 + 0.006 * (1 - x**2)], 1),
                np.stack([0.8 * wide * x[::-1], mouth - 0.010 + 0.026 * (1 - x**2)], 1),
            ]
        )
        shapes.append((np.array([250.0, 246, 240]), teeth))
    else:
        bend = (0.042, 0.042, 0.030, 0.022)[b.mouth]
        half = (0.095, 0.095, 0.08, 0.07)[b.mouth]
        lean = 0.012 if b.mouth == 3 else 0.0
        stroke(
            red, np.stack([half * x, mouth + bend * (0.35 - x**2) + lean * x], 1), 0.017
        )
    soft = 0.0 if fine > 44 else 0.35
    brow = _mix(b.hair * 0.72, dark, 0.25) if not old else b.hair * 0.8
    if b.cut == "hijab":
        brow = dark
    brow = _mix(brow, skin, soft)
    for out in (-1, 1):
        ex, ey = out * (0.132 if not child else 0.14), 0.055 + low
        if fine > 44 and b.eyes != 1:
            oval(
                _mix(np.array([252.0, 250, 246]), skin, 0.12),
                ex,
                ey,
                0.050 * big,
                0.043 * big,
            )
            oval(ink, ex, ey + 0.001, 0.034 * big, 0.041 * big)
        else:
            oval(ink, ex, ey, 0.032 * big, 0.044 * big)
        if fine > 40:
            oval(np.array([255.0, 255, 255]), ex - 0.010, ey - 0.016, 0.010, 0.011)
            arch = 0.010 if b.eyes == 2 else 0.0
            lid = np.stack(
                [
                    ex + 0.058 * big * x * out,
                    ey - 0.030 * big - 0.016 * (1 - x**2) + 0.01 * x,
                ],
                1,
            )
            stroke(ink, lid + (0, -arch), 0.010)
        rise = (0.0, 0.010, -0.006)[b.brows]
        top = ey - 0.105 * big
        x3 = np.linspace(-1, 1, 5)
        stroke(
            brow,
            np.stack([ex + 0.065 * x3 * out, top - 0.016 * (1 - x3**2) + rise * x3], 1),
            0.016 if b.age != "old" else 0.02,
        )
        if b.freckles and fine > 30:
            for dx, dy in ((0.02, 0.0), (0.055, 0.018), (0.035, 0.034)):
                oval(
                    _mix(skin, np.array([150.0, 84, 50]), 0.45),
                    out * (0.10 + dx),
                    0.165 + dy,
                    0.008,
                    0.008,
                )
    corners = np.concatenate([c for _, c in shapes])
    place, seen = h.surface(
        corners[:, 0] / _FACE[0], corners[:, 1], _FACE, np.array([0, 0.03, -0.005])
    )
    place = h.space(place)
    start = 0
    for color, outline in shapes:
        end = start + len(outline)
        if seen[start:end].mean() > 0.3:
            f.polygon(place[start:end], "head", color)
        start = end
    if h.eye[2] < 0.35 and fine > 9:
        _nose(h)


def _nose(h: _Head):
    b = h.b
    small = 0.8 if b.age == "child" else 1.0
    out = 0.395 + 0.055 * small
    tint = b.skin * (0.93, 0.865, 0.85)
    low = 0.02 if b.age == "child" else 0
    bridge = h.ball(0, 0.075 + low, -0.375, 0.018)
    tip = h.ball(0, 0.175 + low, -out + 0.045, 0.045 * small)
    h.f.hull([bridge, tip], "head", tint)


def _curve(corners):
    """Corners with more of them between, the bends cut off."""
    for _ in range(2):
        between = np.diff(corners, axis=0)
        cut = np.empty((2 * len(between), 2))
        cut[0::2], cut[1::2] = (
            corners[:-1] + 0.25 * between,
            corners[:-1] + 0.75 * between,
        )
        corners = np.concatenate([corners[:1], cut, corners[-1:]])
    return corners


def _beard(h: _Head, shapes):
    """Whiskers from ear to ear, round the mouth."""
    color = _mix(h.b.hair * 0.86, h.b.skin, 0.12)
    outer = np.array(
        [(-0.44, 0.05), (-0.40, 0.25), (-0.28, 0.42), (-0.12, 0.485), (0.0, 0.495)]
    )
    inner = np.array(
        [(0.38, 0.10), (0.30, 0.22), (0.17, 0.235), (0.05, 0.225), (0.0, 0.235)]
    )
    outer = _curve(outer)
    inner = _curve(inner)
    outer = np.concatenate([outer, outer[-2::-1] * (-1, 1)])
    inner = np.concatenate([inner, inner[-2::-1] * (-1, 1)])
    shapes.append((color, np.concatenate([outer, inner])))


def _glasses(h: _Head):
    f, b = h.f, h.b
    if h.eye[2] > 0.3:
        return
    low = 0.035 if b.age == "child" else 0.0
    color = _mix(np.array([58.0, 46, 48]), b.coat_color, 0.25)
    radii, center = _FACE * (1.07, 1.0, 1.07), np.array([0, 0.03, -0.005])
    around = np.arange(17) * (np.pi / 8)
    for out in (-1, 1):
        x = out * 0.135 + 0.088 * np.cos(around)
        y = 0.062 + low + 0.075 * np.sin(around)
        place, seen = h.surface(x / radii[0], y, radii, center)
        if seen.mean() > 0.35:
            f.line(h.space(place), "head", color, 0.017 * h.unit)
        if out * h.eye[0] > 0.15:  # the arm to the ear
            angle = out * np.linspace(0.70, 1.5, 6)
            place, _ = h.surface(angle, np.full(6, 0.035 + low), radii, center)
            f.line(h.space(place), "head", color, 0.015 * h.unit)
    x = np.linspace(-0.05, 0.05, 3)
    place, seen = h.surface(x / radii[0], np.full(3, 0.045 + low), radii, center)
    if seen.all():
        f.line(h.space(place), "head", color, 0.015 * h.unit)


# ----------------------------------------------------------------- hair
def _near(mask, points):
    """The longest run of True of a closed row."""
    if mask.all():
        return points
    start = int(np.flatnonzero(~mask)[0])
    mask, points = np.roll(mask, -start), np.roll(points, -start, axis=0)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    runs = edges.reshape(-1, 2)
    if not len(runs):
        return points[:0]
    first, last = runs[np.argmax(runs[:, 1] - runs[:, 0])]
    return points[first:last]


def _region(h: _Head, radii, center, line):
    """The part of an ellipsoid above ``line(angle)`` that the eye sees: its
    outline ``(N, 3)``, in head heights."""
    w = h.eye / radii
    w = w / np.sqrt(w @ w)
    other = np.array([0.0, 0, 1]) if abs(w[2]) < 0.8 else np.array([1.0, 0, 0])
    e1 = np.cross(w, other)
    e1 /= np.sqrt(e1 @ e1)
    edge = (_RING @ np.stack([e1, np.cross(w, e1)])) * radii
    angle = np.arctan2(edge[:, 0] / radii[0], -edge[:, 2] / radii[2])
    rim = _near(edge[:, 1] + center[1] < line(angle), edge + center)
    hem, seen = h.surface(_ROUND, line(_ROUND), radii, center)
    hem = _near(seen, hem)
    if not len(rim) or not len(hem) or len(rim) == len(edge):
        return rim if len(rim) else hem
    flat = [h.space(p)[:, :2] / h.space(p)[:, 2:] for p in (rim, hem)]
    gap = ((flat[0][-1] - flat[1][[0, -1]]) ** 2).sum(1)
    return np.concatenate([rim, hem if gap[0] < gap[1] else hem[::-1]])


def _cap(h: _Head, thick, ends, kind):
    f, b = h.f, h.b
    radii = _SKULL + (thick * 0.8, thick, thick)
    center = np.array([0, -0.03, 0.035])
    ends = np.array(ends)
    part = -0.5 if b.brows == 2 else 0.5

    def line(angle):
        y = np.interp(np.abs(angle), _DEGREES, ends)
        if b.cut in ("side", "bob", "long", "waves"):  # parted at one side
            y = (
                y
                - 0.07 * np.exp(-(((angle - part) / 0.35) ** 2))
                + 0.03 * np.exp(-(((angle + part) / 0.5) ** 2))
            )
        return y

    outline = _region(h, radii, center, line)
    if len(outline) > 2:
        f.polygon(h.space(outline), "hair", b.hair)
    if kind == "quiff":
        f.hull(
            [
                h.ball(-0.12, -0.33, -0.20, 0.13),
                h.ball(0.10, -0.36, -0.22, 0.14),
                h.ball(0.0, -0.36, 0.05, 0.10),
            ],
            "hair",
            b.hair,
        )
    if f.metre * h.unit > 14:
        _sheen(h, radii, center)
    if kind in ("bob", "long", "waves"):
        _locks(h, kind)


def _wreath(h: _Head, kind):
    """Curls all round the outline, behind the head."""
    f, b = h.f, h.b
    thick = CUTS[b.cut][0]
    count, r = (11, 0.13) if kind == "curls" else (13, 0.17)
    side = np.cross(h.eye, (0.0, -1.0, 0.0))
    side = side / (np.sqrt(side @ side) + 1e-9)
    up = np.cross(side, h.eye)
    reach = 0.375 + thick - 0.7 * r
    for k in range(count):
        a = (k + 0.5) / count * 2 * np.pi
        x, y, z = reach * (np.sin(a) * side + np.cos(a) * up) + (0, -0.03, 0.04)
        if y < 0.16 + 0.5 * z and (z > -0.22 or y < -0.26):
            f.hull([h.ball(0.92 * x, y, z, r)], "hair", b.hair * 0.95)


def _sheen(h: _Head, radii, center):
    """A lighter band where hair turns to the light."""
    b = h.b
    light = b.hair * 1.10 + 12
    toward = np.arctan2(h.eye[0] / radii[0], -h.eye[2] / radii[2])
    angle = toward + np.linspace(-0.95, 0.35, 9)
    up = np.concatenate(
        [
            -0.27 + 0.05 * (np.linspace(-1, 1, 9)) ** 2,
            (-0.225 + 0.02 * np.linspace(-1, 1, 9) ** 2)[::-1],
        ]
    )
    place, _ = h.surface(np.concatenate([angle, angle[::-1]]), up, radii, center)
    h.f.polygon(h.space(place), "hair", light)


def _locks(h: _Head, kind):
    """Hair that hangs down beside the face."""
    f, b = h.f, h.b
    for out in (-1, 1):
        if kind == "bob":
            rings = [
                h.ball(out * 0.31, -0.06, 0.02, 0.10),
                h.ball(out * 0.335, 0.20, 0.0, 0.105),
                h.ball(out * 0.30, 0.40, -0.02, 0.08),
            ]
        else:
            swell = 0.03 if kind == "waves" else 0.0
            rings = [
                h.ball(out * 0.31, -0.06, 0.03, 0.095),
                h.ball(out * (0.345 + swell), 0.25, 0.03, 0.10),
                h.ball(out * (0.35 - swell), 0.52, 0.03, 0.10 + swell),
                h.ball(out * (0.33 + swell), 0.80, 0.02, 0.065),
            ]
        if out * h.eye[0] > -0.5:
            f.chain(rings, "hair", b.hair)


def _fall(h: _Head, kind):
    """Hair behind the head: its own piece, before or behind the neck."""
    f, b = h.f, h.b
    shade = b.hair * 0.86
    if kind in ("", "quiff", "curls", "afro"):
        return
    # nearer than the neck for whoever looks from behind, else farther
    f.piece("fall", bias=0.10 if h.eye[2] > 0 else -0.06)
    chest = "chest"
    if kind == "bob":
        f.hull(
            [
                h.egg(0, -0.03, 0.10, (0.37, 0.38, 0.33)),
                h.egg(0, 0.30, 0.12, (0.36, 0.16, 0.26)),
            ],
            "hair",
            shade,
        )
    elif kind in ("long", "waves"):
        wide = 0.40 if kind == "waves" else 0.35
        top = h.egg(0, 0.0, 0.10, (0.37, 0.36, 0.33))
        middle = h.egg(0, 0.45, 0.16, (wide, 0.2, 0.20))
        end = f.ring(
            "thorax",
            chest,
            (0, 0.10 * b.girth, 0.11 * b.girth),
            (0.30 * h.unit, 0, 0),
            (0, 0.03, 0.05),
        )
        f.chain([top, middle, end], "hair", shade)
    elif kind == "tail":
        root = h.ball(0, -0.10, 0.46, 0.10)
        s = h.unit
        tail = [
            root,
            f.ball("upper_neck", "neck", (0, -0.35 * s, 0.58 * s), 0.12 * s),
            f.ball("upper_neck", "neck", (0, 0.10 * s, 0.55 * s), 0.10 * s),
            f.ball("upper_neck", "neck", (0, 0.38 * s, 0.47 * s), 0.035 * s),
        ]
        f.chain(tail, "hair", b.hair)
        f.hull([h.ball(0, -0.10, 0.45, 0.075)], "hair", b.coat_color)
    elif kind == "bun":
        f.hull([h.ball(0, -0.38, 0.22, 0.165)], "hair", b.hair)
    elif kind == "braids":
        s = h.unit
        for out in (-1, 1):
            rings = [h.ball(out * 0.30, 0.16, 0.14, 0.09)] + [
                f.ball(
                    "upper_neck",
                    "neck",
                    (
                        out * (0.36 + 0.02 * (k % 2)) * s,
                        (-0.28 + 0.15 * k) * s,
                        0.10 * s,
                    ),
                    0.085 * s,
                )
                for k in range(5)
            ]
            for ring in rings:
                f.hull([ring], "hair", b.hair)
            f.chain(rings, "hair", b.hair * 0.97)
            f.hull(
                [
                    f.ball(
                        "upper_neck",
                        "neck",
                        (out * 0.37 * s, 0.42 * s, 0.10 * s),
                        0.06 * s,
                    )
                ],
                "hair",
                b.coat_color,
            )


# ---------------------------------------------------------------- scarf
def _scarf_below(h: _Head):
    """The part of a headscarf that lies round the neck."""
    f, b = h.f, h.b
    g = b.girth
    color = b.coat_color * (0.92, 0.92, 0.94)
    f.hull(
        [
            h.ball(0, 0.34, 0.0, 0.27),
            f.ring(
                "thorax", "chest", (0, 0.035, 0.0), (0.125 * g, 0, 0), (0, 0, 0.105 * g)
            ),
        ],
        "neck",
        color,
    )


def _scarf(h: _Head):
    """A headscarf: all but the face."""
    f, b = h.f, h.b
    color = b.coat_color
    rings = [
        h.egg(0, -0.03, 0.03, (0.375, 0.42, 0.425)),
        h.egg(0, 0.26, -0.02, (0.31, 0.28, 0.31)),
    ]
    f.hull(rings, "hair", color)
    if h.eye[2] > 0.5:
        return
    t = np.arange(24) * (np.pi / 12)
    x, y = 0.265 * np.sin(t), 0.10 - 0.345 * np.cos(t)
    place, seen = h.surface(
        x / _FACE[0], y, _FACE * (1.04, 1.02, 1.05), np.array([0, 0.03, -0.01])
    )
    if seen.mean() > 0.15:
        f.polygon(h.space(place), "head", b.skin)
        _face(h)
