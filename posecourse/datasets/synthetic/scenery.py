"""Backgrounds, things in front of people, shadows, and what a camera adds.

Lengths are in `unit`, the side of the standard crop in pixels, so that a
picture looks the same at every size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from .body import CLOTH, SKIN, TROUSERS

__all__ = [
    "LIMBS",
    "Brush",
    "Setting",
    "background",
    "camera_effects",
    "occluder",
    "person_shadow",
]

# Wall above, wall below, floor.
ROOMS = np.array(
    [
        [(222, 214, 200), (206, 196, 180), (150, 116, 86)],
        [(196, 210, 214), (180, 196, 202), (176, 160, 140)],
        [(230, 204, 190), (214, 186, 172), (120, 96, 84)],
        [(186, 198, 178), (170, 184, 164), (164, 138, 108)],
        [(214, 206, 220), (196, 188, 206), (140, 132, 140)],
        [(150, 170, 186), (134, 154, 172), (196, 182, 160)],
        [(240, 230, 208), (226, 212, 188), (186, 150, 112)],
        [(112, 128, 140), (98, 114, 126), (150, 140, 128)],
        [(204, 222, 216), (186, 206, 200), (128, 124, 122)],
    ],
    dtype=np.float64,
)
# Sky above, sky at the horizon, hills, ground.
OUTSIDE = np.array(
    [
        [(128, 178, 222), (214, 230, 238), (112, 146, 120), (132, 168, 96)],
        [(150, 190, 220), (240, 226, 206), (126, 140, 130), (168, 170, 120)],
        [(112, 150, 200), (236, 200, 170), (110, 110, 130), (150, 140, 110)],
        [(176, 196, 206), (222, 226, 226), (140, 152, 150), (190, 178, 150)],
        [(96, 164, 214), (206, 232, 240), (90, 134, 110), (214, 196, 154)],
        [(190, 204, 214), (228, 230, 230), (150, 160, 170), (160, 162, 164)],
    ],
    dtype=np.float64,
)
LEAVES = np.array(
    [
        (84, 134, 78),
        (110, 156, 84),
        (66, 112, 82),
        (150, 166, 86),
        (176, 120, 66),
        (98, 140, 110),
    ],
    dtype=np.float64,
)
THINGS = np.concatenate([CLOTH, TROUSERS])


class Brush:
    """Smooth shapes on a picture, and on a map of parts beside it.

    Parameters
    ----------
    image:
        ``(H, W, 3)`` uint8 RGB, drawn on.
    roll:
        Degrees clockwise by which everything is turned about the picture's
        middle.
    mask:
        Optional ``(H, W)`` uint8, on which the same shapes are drawn white.
    """

    def __init__(self, image, roll=0.0, mask=None):
        self.image, self.roll, self.mask = image, roll, mask
        angle = np.deg2rad(roll)
        cos, sin = float(np.cos(angle)), float(np.sin(angle))
        height, width = image.shape[:2]
        x, y = (width - 1) / 2, (height - 1) / 2
        # Rows of the map from upright points to the picture.
        self.map = (
            (cos, -sin, x - cos * x + sin * y),
            (sin, cos, y - sin * x - cos * y),
        )
        self._fixed = 16 * np.array(self.map).T

    def to_picture(self, x, y):
        """Where the turned camera sees an upright point."""
        (a, b, c), (d, e, f) = self.map
        return a * x + b * y + c, d * x + e * y + f

    def to_upright(self, x, y):
        """The inverse of `to_picture`."""
        (a, b, c), (d, e, f) = self.map
        x, y = x - c, y - f
        return a * x + d * y, b * x + e * y

    def fixed(self, points):
        """Points ``(..., 2)`` in sixteenths of the picture's pixels."""
        points = np.asarray(points) @ self._fixed[:2] + self._fixed[2]
        return np.rint(points).astype(np.int32)

    def polygon(self, points, color):
        """A filled polygon of ``(N, 2)`` pixels."""
        points = [self.fixed(points)]
        cv2.fillPoly(self.image, points, tuple(color), cv2.LINE_AA, 4)
        if self.mask is not None:
            cv2.fillPoly(self.mask, points, 255, cv2.LINE_AA, 4)

    def ellipse(self, x, y, width, height, color, angle=0.0):
        """A filled ellipse; `width` and `height` are half lengths."""
        x, y = self.to_picture(x, y)
        center, axes = (
            (round(16 * x), round(16 * y)),
            (round(16 * width), round(16 * height)),
        )
        angle += self.roll
        cv2.ellipse(
            self.image, center, axes, angle, 0, 360, tuple(color), -1, cv2.LINE_AA, 4
        )
        if self.mask is not None:
            cv2.ellipse(self.mask, center, axes, angle, 0, 360, 255, -1, cv2.LINE_AA, 4)

    def lines(self, lines, width, color):
        """Lines ``(L, N, 2)`` with round ends."""
        lines = list(self.fixed(lines))
        width = max(1, round(width))
        cv2.polylines(self.image, lines, False, tuple(color), width, cv2.LINE_AA, 4)
        if self.mask is not None:
            cv2.polylines(self.mask, lines, False, 255, width, cv2.LINE_AA, 4)


@lru_cache(maxsize=8)
def _grain(size: int) -> np.ndarray:
    """Camera noise to cut pieces from: sd 32, ``(size, size, 3)`` int16."""
    rng = np.random.Generator(np.random.PCG64(7))
    noise = rng.normal(0, 32, (size, size, 3))
    return np.round(noise).astype(np.int16)


def _soft_noise(rng, size, amount, tint):
    """Slow random variation around 128, ``(size, size, 3)`` uint8.

    `amount` grey levels of light and dark, `tint` of colour.
    """
    small = rng.integers(128 - amount, 129 + amount, (6, 6, 1))
    small = small + rng.integers(-tint, tint + 1, (6, 6, 3))
    return cv2.resize(
        np.clip(small, 0, 255).astype(np.uint8),
        (size, size),
        interpolation=cv2.INTER_LINEAR_EXACT,
    )


def _bands(brush, size, stops):
    """Fill the picture with horizontal bands of colour.

    `stops` are pairs of a row and a colour, from top to bottom; between
    them colours go over smoothly.
    """
    rows = np.arange(-size, 2 * size)
    where = [r for r, _ in stops]
    table = np.full((len(rows), 4), 255, np.uint8)
    for channel in range(3):
        values = np.interp(rows, where, [c[channel] for _, c in stops])
        table[:, channel] = np.clip(values, 0, 255)
    i = np.arange(size) - (size - 1) / 2
    sine, cosine, _ = brush.map[1]
    down, across = i * cosine, i * -sine
    index = (down[:, None] + across + (size - 1) / 2 + size).astype(int)
    packed = np.take(table.view(np.uint32)[:, 0], index)
    cv2.cvtColor(
        packed.view(np.uint8).reshape(size, size, 4),
        cv2.COLOR_RGBA2RGB,
        dst=brush.image,
    )


@dataclass(frozen=True)
class Setting:
    """Where a scene is set up: lengths in pixels.

    `unit` is the side of the standard crop; the ground ends at row
    `horizon`, and the person stands on row `ground` of the upright picture;
    `roll` is in degrees.
    """

    size: int
    unit: float
    horizon: float
    ground: float
    roll: float


def background(rng, place: Setting, clutter, kinds, shadow=None):
    """A picture without people, ``(size, size, 3)`` uint8 RGB.

    Parameters
    ----------
    clutter:
        Number of things standing about.
    kinds:
        Scenes to choose from: "studio", "room", "outside", "abstract".
    shadow:
        Mask of `person_shadow`, to which things add their own.
    """
    size, unit, horizon = place.size, place.unit, place.horizon
    image = np.empty((size, size, 3), np.uint8)
    brush = Brush(image, place.roll)
    kind = kinds[rng.integers(len(kinds))]
    picks = rng.random(8).tolist()
    low = horizon + 1.1 * unit
    if kind == "studio":
        above, below, _ = ROOMS[int(picks[0] * len(ROOMS))]
        _bands(
            brush,
            size,
            [
                (0, above * 1.06),
                (horizon, above * 0.98),
                (horizon + 0.12 * unit, below * 1.02),
                (low, below * 0.94),
            ],
        )
        noise = 4, 2
    elif kind == "room":
        above, below, floor = ROOMS[int(picks[0] * len(ROOMS))]
        _bands(
            brush,
            size,
            [
                (horizon - 0.9 * unit, above),
                (horizon, below),
                (horizon + 0.01, floor * 0.86),
                (low, floor * 1.12),
            ],
        )
        _room_lines(brush, place, below, floor, picks)
        noise = 10, 4
    elif kind == "outside":
        sky, haze, hills, soil = OUTSIDE[int(picks[0] * len(OUTSIDE))]
        _bands(
            brush,
            size,
            [
                (horizon - 0.9 * unit, sky),
                (horizon, haze),
                (horizon + 0.01, soil * 0.86),
                (low, soil * 1.10),
            ],
        )
        _hills(brush, rng, place, hills, haze)
        noise = 10, 5
    else:
        a, b, c = 0.5 * THINGS[rng.integers(len(THINGS), size=3)] + 80
        _bands(brush, size, [(0, a), (size / 2, b), (size, c)])
        noise = 30, 34
    noise = _soft_noise(rng, size, *noise)
    cv2.addWeighted(image, 1, noise, 1, -128, dst=image)
    things = sorted(
        (_plan(rng, kind, place) for _ in range(clutter)), key=lambda thing: thing[2]
    )
    if shadow is not None and kind != "abstract":
        _apply_shadow(brush, place, shadow, things)
    for draw, x, base, s, color, numbers in things:
        draw(brush, x, base, s, color, numbers)
    return image


def _room_lines(brush, place, wall, floor, picks):
    """Skirting board, floor boards, perhaps a window."""
    size, unit, horizon = place.size, place.unit, place.horizon
    middle = size * (0.2 + 0.6 * picks[1])
    if picks[2] < 0.7:  # boards run to one point
        brush.lines(
            [
                [
                    (middle + k * 0.13 * unit, horizon),
                    (middle + k * 0.55 * unit, horizon + 0.8 * unit),
                ]
                for k in range(-7, 8)
            ],
            0.006 * unit,
            floor * 0.78,
        )
    board = 0.028 * unit
    brush.polygon(
        [
            (-size, horizon - board),
            (2 * size, horizon - board),
            (2 * size, horizon),
            (-size, horizon),
        ],
        wall * 1.10,
    )
    if picks[3] < 0.45:
        x, y = size * picks[4], horizon - (0.45 + 0.3 * picks[5]) * unit
        w, h = 0.16 * unit, 0.2 * unit
        _pane(brush, x, y, w * 1.12, h * 1.1, wall * 1.14)
        _pane(brush, x, y, w, h, (206, 226, 238))
        _pane(brush, x, y - 0.5 * h, w, 0.45 * h, (222, 236, 244))
        brush.lines(
            [[(x, y - h), (x, y + h)], [(x - w, y), (x + w, y)]],
            0.012 * unit,
            wall * 1.14,
        )


def _pane(brush, x, y, w, h, color):
    brush.polygon(
        [(x - w, y - h), (x + w, y - h), (x + w, y + h), (x - w, y + h)], color
    )


def _hills(brush, rng, place, hills, haze):
    """Two rows of hills, the far one paler."""
    size, unit, horizon = place.size, place.unit, place.horizon
    heights = rng.random((2, 9))
    x = np.linspace(-0.3, 1.3, 9) * size
    fine = np.linspace(x[0], x[-1], 33)
    for row, pale, tall in ((0, 0.55, 0.20), (1, 0.15, 0.11)):
        y = horizon - unit * tall * np.interp(fine, x, heights[row])
        y -= unit * 0.02 * np.sin(fine / unit * 9 + row)
        brush.polygon(
            np.concatenate(
                [np.stack([fine, y], 1), [(x[-1], horizon + 1), (x[0], horizon + 1)]]
            ),
            pale * haze + (1 - pale) * hills,
        )


# ---------------------------------------------------------------- things
# A thing is drawn by a function of the brush, the middle `x` of its foot,
# the row `y` on which it stands, a length `s`, a colour and random numbers.
def _box(brush, x, y, s, color, picks):
    """A crate: front, side and lid."""
    w, h = s * (0.6 + picks[0]), s * (1.2 + 2.0 * picks[1])
    d = s * 0.35 * (1 if picks[2] < 0.5 else -1)
    e = abs(d) * 0.6
    front = np.array([(x - w, y - h), (x + w, y - h), (x + w, y), (x - w, y)])
    edge = front[1:3] if d > 0 else front[[0, 3]]
    brush.polygon(
        [edge[0], edge[0] + (d, -e), edge[1] + (d, -e), edge[1]], color * 0.66
    )
    brush.polygon(
        [front[0], front[0] + (d, -e), front[1] + (d, -e), front[1]], color * 1.14
    )
    brush.polygon(front, color * 0.92)
    if picks[3] < 0.6:
        band = front * (1, 0.25) + (0, 0.75 * y - 0.3 * h)
        brush.polygon(band, color * 0.8)


def _ball(brush, x, y, s, color, picks):
    """A ball, lit from above left."""
    steps = int(min(max(s / 3, 4), 16))
    s = 0.8 * s
    for k in range(steps):
        t = k / (steps - 1)
        r = s * (1 - 0.72 * t)
        brush.ellipse(
            x - 0.3 * s * t, y - s - 0.34 * s * t, r, r, color * (0.66 + 0.48 * t)
        )


def _balloon(brush, x, y, s, color, picks):
    """A balloon on a string."""
    brush.lines(
        [[(x, y - 0.8 * s), (x - 0.1 * s, y + s), (x + 0.05 * s, y + 3 * s)]],
        0.03 * s,
        color * 0.5,
    )
    bright = CLOTH[int(picks[1] * 10)]
    _ball(brush, x, y, s * (0.9 + 0.3 * picks[0]), bright, picks)


def _picture(brush, x, y, s, color, picks):
    """A framed picture or poster."""
    w, h = s * (0.7 + 0.6 * picks[0]), s * (0.7 + 0.6 * picks[1])
    frame = color * 0.55 if picks[2] < 0.5 else 0.2 * color + 196
    other = THINGS[int(picks[3] * len(THINGS))]
    _pane(brush, x, y, w, h, frame)
    _pane(brush, x, y, w - 0.12 * s, h - 0.12 * s, 0.4 * color + 130)
    brush.ellipse(
        x + (picks[4] - 0.5) * w * 0.6, y, 0.34 * s, 0.26 * s, other, 40 * picks[0]
    )


def _cloud(brush, x, y, s, color, picks):
    """A cloud."""
    for k in range(4):
        brush.ellipse(
            x + (k - 1.5) * 0.8 * s,
            y - 0.3 * s * picks[k],
            0.9 * s,
            (0.34 + 0.2 * picks[k]) * s,
            (240, 243, 246),
        )


def _shelf(brush, x, y, s, color, picks):
    """A board with books."""
    w = s * 1.4
    books = np.linspace(x - w, x + w, 9)
    for k in range(8):
        top = y - s * (0.55 + 0.35 * ((k * 5 + int(9 * picks[0])) % 7) / 6)
        brush.polygon(
            [
                (books[k], top),
                (books[k + 1] - 0.04 * s, top),
                (books[k + 1] - 0.04 * s, y),
                (books[k], y),
            ],
            THINGS[(k * 7 + int(20 * picks[1])) % len(THINGS)],
        )
    _pane(brush, x, y + 0.06 * s, w * 1.1, 0.06 * s, color * 0.5 + 50)


def _plant(brush, x, y, s, color, picks):
    """Leaves in a pot."""
    green = LEAVES[int(picks[0] * len(LEAVES))]
    rim = y - 0.8 * s
    brush.polygon(
        [
            (x - 0.36 * s, rim),
            (x + 0.36 * s, rim),
            (x + 0.26 * s, y),
            (x - 0.26 * s, y),
        ],
        color * 0.9,
    )
    for k in range(8):
        angle = math.pi * (0.1 + 0.8 * ((k * 5) % 8) / 7)
        reach = s * (1.0 + 0.6 * picks[1 + k % 4])
        across, up = -s * math.cos(angle), -reach * math.sin(angle)
        brush.ellipse(
            x + across / 2,
            rim + up / 2,
            0.56 * s,
            0.15 * s,
            green * (0.8 + 0.35 * ((k * 3) % 8) / 7),
            math.degrees(math.atan2(up, across)),
        )


def _bush(brush, x, y, s, color, picks):
    """Leaves from the ground up."""
    green = LEAVES[int(picks[0] * len(LEAVES))]
    for k in range(7):
        side = ((k * 3) % 7 - 3) / 3
        tall = 0.45 + 0.75 * (1 - abs(side)) * (0.6 + 0.4 * picks[1 + k % 4])
        brush.ellipse(
            x + side * 0.95 * s,
            y - tall * s,
            0.6 * s,
            0.56 * s,
            green * (0.80 + 0.34 * ((k * 5) % 7) / 6),
        )


def _tree(brush, x, y, s, color, picks):
    """A tree."""
    green = LEAVES[int(picks[0] * len(LEAVES))]
    s = 1.25 * s
    crown = y - s * (2.2 + 0.8 * picks[1])
    bark = np.array([112.0, 88, 68])
    brush.polygon(
        [
            (x - 0.12 * s, crown),
            (x + 0.12 * s, crown),
            (x + 0.17 * s, y),
            (x - 0.17 * s, y),
        ],
        bark * 0.8,
    )
    brush.polygon(
        [
            (x - 0.10 * s, crown),
            (x + 0.02 * s, crown),
            (x + 0.04 * s, y),
            (x - 0.14 * s, y),
        ],
        bark,
    )
    for k in range(8):
        angle = 2.4 * k + 6 * picks[2]
        r = 0.62 * s * (0.4 if k > 5 else 1)
        brush.ellipse(
            x + r * math.cos(angle) - 0.015 * k * s,
            crown - 0.4 * s + 0.8 * r * math.sin(angle),
            0.66 * s,
            0.58 * s,
            green * (0.78 + 0.05 * k),
        )


def _post(brush, x, y, s, color, picks):
    """A post, or a lamp on one."""
    width, high = s * (0.25 + 0.3 * picks[0]), y - s * (3.5 + 2.5 * picks[1])
    for t, gain in ((1.0, 0.66), (0.66, 0.9), (0.3, 1.1)):
        shift = -0.14 * width * (1 - t)
        _pane(
            brush,
            x + shift,
            (y + high) / 2,
            t * width / 2,
            (y - high) / 2,
            color * gain,
        )
    if picks[2] < 0.5:
        _ball(brush, x, high + 0.4 * s, 0.7 * s, 0.3 * color + 170, picks)


def _table(brush, x, y, s, color, picks):
    """A table."""
    w, h = s * (1.1 + 0.6 * picks[0]), s * (1.3 + 0.4 * picks[1])
    brush.lines(
        [[(x + out * w, y - h), (x + out * w, y)] for out in (-0.88, 0.88)],
        0.14 * s,
        color * 0.62,
    )
    _pane(brush, x, y - h, w, 0.10 * s, color * 0.8)
    brush.polygon(
        [
            (x - w, y - h - 0.10 * s),
            (x + w, y - h - 0.10 * s),
            (x + 0.86 * w, y - h - 0.34 * s),
            (x - 0.86 * w, y - h - 0.34 * s),
        ],
        color * 1.1,
    )
    if picks[2] < 0.6:
        _ball(
            brush,
            x + w * (picks[3] - 0.5),
            y - h - 0.16 * s,
            0.32 * s,
            THINGS[int(picks[4] * len(THINGS))],
            picks,
        )


def _fence(brush, x, y, s, color, picks):
    """A piece of fence."""
    h, n = s * (1.2 + 0.8 * picks[0]), 5 + int(3 * picks[1])
    color = 0.5 * color + 60
    w = 0.28 * s * n
    for t in (0.3, 0.75):
        _pane(brush, x, y - t * h, w + 0.1 * s, 0.07 * s, color * 0.72)
    for k in range(n):
        left = x - w + (k + 0.5) * 2 * w / n
        brush.polygon(
            [
                (left - 0.13 * s, y),
                (left - 0.13 * s, y - h),
                (left, y - h - 0.13 * s),
                (left + 0.13 * s, y - h),
                (left + 0.13 * s, y),
            ],
            color * (0.92 + 0.12 * (k % 2)),
        )


def _limb(brush, x, y, s, color, picks):
    """Something that could be an arm or a leg, but is nobody's."""
    skin = SKIN[int(picks[0] * len(SKIN))]
    bend = np.array([x, y - s])
    start, end = (
        bend + 1.45 * s * np.array([math.cos(a), math.sin(a)])
        for a in (6.28 * picks[1], 6.28 * picks[2])
    )
    width = s * (0.36 + 0.3 * picks[3])
    for first, last, tint, thick in (
        (bend, end, skin, 0.85),
        (start, bend, color, 1.0),
    ):
        for t, gain in ((1.0, 0.7), (0.72, 0.9), (0.35, 1.06)):
            shift = np.array([-0.14, -0.16]) * width * (1 - t)
            brush.lines(
                [np.array([first, last]) + shift], t * thick * width, tint * gain
            )


def _branch(brush, x, y, s, color, picks):
    """A twig that reaches into the picture from above."""
    green = LEAVES[int(picks[0] * len(LEAVES))]
    lean = (picks[1] - 0.5) * 3 * s
    brush.lines(
        [[(x + lean, y - 6 * s), (x + 0.3 * lean, y - 2 * s), (x, y)]],
        0.09 * s,
        (104, 82, 64),
    )
    for k in range(9):
        t = k / 8
        side = 1 if k % 2 else -1
        brush.ellipse(
            x + 0.3 * lean * t + side * 0.34 * s,
            y - 1.8 * s * t,
            0.42 * s,
            0.17 * s,
            green * (0.82 + 0.32 * ((k * 4) % 9) / 8),
            side * (25 + 30 * picks[2]),
        )


_STANDING = {
    "room": (_box, _ball, _plant, _table, _post, _box, _limb),
    "outside": (_tree, _tree, _bush, _fence, _post, _box, _ball, _limb),
}
_HUNG = {
    "room": (_picture, _picture, _shelf, _balloon),
    "outside": (_cloud, _cloud, _balloon),
}
_FRONT_LOW = (_box, _bush, _plant, _fence, _table, _ball)
_FRONT_HIGH = (_balloon, _branch, _post, _branch)


def _plan(rng, kind, place: Setting):
    """A random thing: how to draw it, where, how large, how coloured."""
    picks = rng.random(11).tolist()
    x = place.size * picks[0]
    color = THINGS[int(picks[1] * len(THINGS))]
    near = picks[2] ** 1.5
    if kind in _STANDING and picks[3] < 0.7:
        options = _STANDING[kind]
        y = place.horizon + near * (place.ground - place.horizon)
        s = place.unit * (0.05 + 0.05 * near + 0.06 * picks[4])
    elif kind in _HUNG:
        options = _HUNG[kind]
        y = place.horizon - place.unit * (0.35 + 0.5 * picks[2])
        s = place.unit * (0.05 + 0.06 * picks[4])
        # behind whatever stands
        return (options[int(picks[5] * len(options))], x, y, s, color, picks[6:])
    else:
        options = (_box, _ball, _picture, _plant, _tree, _post, _limb, _limb, _fence)
        y = place.size * (0.1 + picks[2])
        s = place.unit * (0.04 + 0.1 * picks[4])
    return options[int(picks[5] * len(options))], x, y, s, color, picks[6:]


def occluder(brush: Brush, rng, place: Setting, joints):
    """A thing in front of the person that is likely to hide a joint.

    `joints` are pixels ``(K, 2)`` of the picture.
    """
    picks = rng.random(11).tolist()
    x, y = brush.to_upright(*joints[int(picks[0] * len(joints))].tolist())
    color = THINGS[int(picks[1] * len(THINGS))]
    x += (picks[2] - 0.5) * 0.16 * place.unit
    foot = place.ground + place.unit * (0.03 + 0.10 * picks[3])
    if foot - y < 0.5 * place.unit:
        kind = _FRONT_LOW[int(picks[4] * len(_FRONT_LOW))]
        s = (foot - y) * (0.42 + 0.2 * picks[5])
        s = min(max(s, 0.06 * place.unit), 0.17 * place.unit)
        kind(brush, x, foot, s, color, picks[6:])
    else:
        kind = _FRONT_HIGH[int(picks[4] * len(_FRONT_HIGH))]
        s = place.unit * (0.06 + 0.04 * picks[5])
        kind(brush, x, foot if kind is _post else y + 0.6 * s, s, color, picks[6:])


# -------------------------------------------------------------- shadows
# A body in few lines: pairs of points and a width in metres.
LIMBS = (
    ("pelvis", "thorax", 0.27),
    ("upper_neck", "head_top", 0.17),
    *(
        (f"{s}_{a}", f"{s}_{b}", w)
        for s in ("right", "left")
        for a, b, w in (
            ("shoulder", "elbow", 0.10),
            ("elbow", "hand", 0.08),
            ("hip", "knee", 0.16),
            ("knee", "ankle", 0.11),
            ("heel", "toe", 0.09),
        )
    ),
)
_SHADOW_POINTS = tuple(dict.fromkeys(n for *ends, _ in LIMBS for n in ends))


def person_shadow(size, stances, view, light, strength):
    """Where people keep the light off the ground.

    Parameters
    ----------
    size:
        Of the picture, pixels.
    stances:
        People as `staging.Stance`.
    light:
        Unit vector towards the light.
    strength:
        0 no shadow ... 255 black.

    Returns
    -------
    A mask of half the size, uint8, not yet blurred.
    """
    half = -(-size // 2)
    mask = np.zeros((half, half), np.uint8)
    for stance in stances:
        where = np.array([stance.points[n] for n in _SHADOW_POINTS])
        slope = light @ stance.down
        if slope > -0.35:  # light along the ground
            continue
        height = (where - stance.ground) @ stance.down
        where = where - (height / slope)[:, None] * light
        if where[:, 2].min() < 0.5:  # behind the camera
            continue
        pixel = 8 * view.project(where) - 4  # half size, in sixteenths
        pixel = dict(zip(_SHADOW_POINTS, np.rint(pixel).astype(int).tolist()))
        metre = view.focal / stance.points["pelvis"][2] / 2
        for a, b, width in LIMBS:
            cv2.line(
                mask,
                pixel[a],
                pixel[b],
                int(strength),
                max(1, round(width * metre * 0.8)),
                cv2.LINE_AA,
                4,
            )
    return mask


def _apply_shadow(brush: Brush, place: Setting, mask, things):
    """Add a dark spot below each thing, blur, and darken the picture."""
    for _draw, x, y, s, _, _ in things:
        if y > place.horizon:
            x, y = brush.to_picture(x, y)
            cv2.ellipse(
                mask,
                (round(8 * x - 4), round(8 * y - 4)),
                (round(8 * s), round(2 * s)),
                brush.roll,
                0,
                360,
                80,
                -1,
                cv2.LINE_AA,
                4,
            )
    k = 2 * max(1, round(0.009 * place.unit)) + 1
    mask = cv2.blur(cv2.blur(mask, (k, k)), (k, k))
    size, half = place.size, len(mask)
    mask = cv2.resize(
        255 - mask, (2 * half, 2 * half), interpolation=cv2.INTER_LINEAR_EXACT
    )[:size, :size]
    cv2.multiply(
        brush.image,
        cv2.cvtColor(mask, cv2.COLOR_GRAY2BGR),
        dst=brush.image,
        scale=1 / 255,
    )


# --------------------------------------------------------------- camera
def camera_effects(image, rng, unit, gain, contrast, noise, blur, time=0):
    """Exposure, colour cast, contrast, focus and noise of a camera.

    Parameters
    ----------
    gain:
        Largest change of exposure, as a share.
    contrast:
        Lowest contrast; 1 leaves it alone.
    noise:
        Largest standard deviation of the noise, grey levels.
    blur:
        Largest sigma of the blur, in hundredths of `unit`.
    time:
        Another number, other noise.
    """
    picks = rng.random(8)
    size = len(image)
    sigma = picks[0] ** 2 * blur * unit / 100
    if sigma > 0.3:
        image = cv2.GaussianBlur(image, (0, 0), sigma)
    if gain or contrast < 1:
        exposure = 1 + gain * (2 * picks[1] - 1)
        cast = 1 + 0.3 * gain * (2 * picks[3:6] - 1)
        slope = contrast + (1.12 - contrast) * picks[2]
        table = (np.arange(256.0)[:, None] - 124) * slope + 124
        table = np.clip(np.round(table * exposure * cast), 0, 255)
        image = cv2.LUT(image, table.astype(np.uint8).reshape(1, 256, 3))
    if noise:
        side = 1 << (size + 63).bit_length()
        x, y = (picks[6:8] * (side - size) + 37 * time).astype(int) % (side - size)
        grain = _grain(side)[y : y + size, x : x + size]
        level = np.int16(round(1 + picks[0] * (noise - 1)))
        image = cv2.add(image, (grain * level) >> 5, dtype=cv2.CV_8U)
    return image
