"""Furniture, trees and what else stands about.

Each thing is a function of a `Local` sheet, on which it stands at (0, 0), a
size (1 is usual), a colour and random numbers from 0 to 1.
"""

from __future__ import annotations

import numpy as np

from .stage import CIRCLE, Local

__all__ = ["FRONT_HIGH", "FRONT_LOW", "HALL", "PARK", "ROOM", "SHORE", "STREET", "WALL"]

LEAVES = np.array(
    [
        (96, 142, 92),
        (122, 160, 96),
        (82, 126, 98),
        (150, 166, 98),
        (196, 146, 84),
        (110, 148, 120),
    ],
    dtype=np.float64,
)
WOOD = np.array(
    [(168, 124, 86), (142, 102, 74), (192, 152, 110), (120, 92, 74)], dtype=np.float64
)
COZY = np.array(
    [
        (198, 120, 92),
        (220, 170, 100),
        (128, 152, 124),
        (92, 128, 136),
        (120, 140, 168),
        (152, 116, 140),
        (222, 196, 168),
        (106, 110, 124),
        (186, 96, 88),
        (236, 226, 206),
    ],
    dtype=np.float64,
)


def _pick(table, value):
    return table[int(value * len(table))]


# ----------------------------------------------------------------- rooms
def plant(a: Local, s, color, picks):
    """Leaves in a pot."""
    green = _pick(LEAVES[:4], picks[0])
    h = s * (0.30 + 0.12 * picks[1])
    w = 0.17 * s
    for k in range(7):
        lean = (k - 3) / 3 + 0.15 * (picks[2 + k % 3] - 0.5)
        long = s * (0.46 + 0.30 * picks[2 + (k * 2) % 4] - 0.10 * abs(lean))
        tip = np.array([0.62 * lean * long, h + long * (1 - 0.25 * lean**2)])
        root = np.array([0.25 * w * lean, h])
        across = np.array([-(tip - root)[1], (tip - root)[0]]) * 0.13
        middle = root + 0.55 * (tip - root)
        tone = green * (0.86 + 0.09 * (k % 3) + (0.08 if lean * a.lit > 0 else 0))
        a.polygon([root, middle + across, tip, middle - across], tone)
    pot = color
    a.polygon([(-w, h), (w, h), (0.74 * w, 0), (-0.74 * w, 0)], pot)
    x = -a.lit
    a.polygon(
        [(x * w, h), (x * 0.3 * w, h), (x * 0.25 * w, 0), (x * 0.74 * w, 0)],
        pot * 0.87,
    )
    a.box(-1.1 * w, h - 0.05 * s, 2.2 * w, 0.055 * s, pot * 1.07)


def lamp(a: Local, s, color, picks):
    """A floor lamp."""
    h = s * (1.45 + 0.25 * picks[0])
    metal = np.array([92.0, 84, 82])
    a.oval(0, 0.02, 0.16 * s, 0.03 * s, metal)
    a.box(-0.014 * s, 0, 0.028 * s, h, metal)
    shade = 0.35 * color + 150
    a.polygon(
        [
            (-0.13 * s, h + 0.16 * s),
            (0.13 * s, h + 0.16 * s),
            (0.23 * s, h - 0.14 * s),
            (-0.23 * s, h - 0.14 * s),
        ],
        shade,
    )
    a.polygon(
        [
            (-0.02 * s, h + 0.16 * s),
            (0.06 * s, h + 0.16 * s),
            (0.08 * s, h - 0.14 * s),
            (-0.06 * s, h - 0.14 * s),
        ],
        np.minimum(shade * 1.07, 252),
    )


def sofa(a: Local, s, color, picks):
    """A sofa with cushions."""
    w, d = s * (0.85 + 0.25 * picks[0]), 0.42 * s
    a.box(-w + 0.08, 0, 0.05, 0.14 * s, WOOD[3])
    a.box(w - 0.13, 0, 0.05, 0.14 * s, WOOD[3])
    a.box(-w, 0.30 * s, 2 * w, 0.52 * s, color * 0.88, 0.10)
    a.box(-w, 0.10 * s, 2 * w, 0.28 * s, color * 0.80, 0.05)
    for k in (0, 1):
        a.box(
            -w + 0.12 * s + k * (w - 0.11 * s),
            0.30 * s,
            w - 0.13 * s,
            0.16 * s,
            color * 1.03,
            0.05,
        )
    for x in (-w - 0.03, w - 0.15 * s + 0.03):
        a.box(x, 0.10 * s, 0.15 * s, 0.46 * s, color, 0.06)
    other = _pick(COZY, picks[1])
    a.polygon(
        np.array([(0, 0), (0.30, 0.03), (0.28, 0.32), (-0.02, 0.29)]) * s
        + (-w * 0.72, 0.45 * s),
        other,
    )
    del d


def shelf(a: Local, s, color, picks):
    """A bookcase."""
    w, h = s * (0.42 + 0.25 * picks[0]), s * (1.0 + 0.8 * picks[1])
    wood = _pick(WOOD, picks[2])
    a.box(-w, 0, 2 * w, h, wood)
    rows = 2 + int(3 * picks[1])
    tall = (h - 0.04) / rows
    for r in range(rows):
        y = 0.04 + r * tall
        a.box(-w + 0.04, y, 2 * w - 0.08, tall - 0.04, wood * 0.66)
        x, k = -w + 0.06, r
        while x < w - 0.16:
            k += 1
            wide = 0.035 + 0.022 * ((k * 7 + int(20 * picks[3])) % 5)
            up = (tall - 0.07) * (0.66 + 0.07 * ((k * 5) % 5))
            if (k * 3 + r + int(9 * picks[4])) % 7:
                a.box(
                    x,
                    y,
                    wide,
                    up,
                    COZY[(k * 3 + r * 2 + int(10 * picks[3])) % len(COZY)],
                )
            x += wide + 0.008


def cabinet(a: Local, s, color, picks):
    """A sideboard with a vase."""
    w, h = s * (0.5 + 0.35 * picks[0]), s * (0.55 + 0.25 * picks[1])
    wood = 0.5 * _pick(WOOD, picks[2]) + 0.5 * color
    for x in (-0.85, 0.85):
        a.box(x * w - 0.02, 0, 0.04, 0.16 * s, WOOD[3])
    a.box(-w, 0.13 * s, 2 * w, h - 0.13 * s, wood, 0.02)
    a.box(-w, h - 0.035, 2 * w, 0.035, wood * 1.12)
    n = 2 + int(2 * picks[3])
    for k in range(n):
        x = -w + 0.04 + k * (2 * w - 0.04) / n
        a.box(x, 0.17 * s, (2 * w - 0.04) / n - 0.04, h - 0.26 * s, wood * 0.92)
    x = w * (picks[4] - 0.5)
    other = _pick(COZY, picks[3])
    a.oval(x, h + 0.10 * s, 0.07 * s, 0.10 * s, other)
    for k in (-1, 0, 1):
        a.line([(x, h + 0.18 * s), (x + 0.09 * k * s, h + 0.36 * s)], 0.012, LEAVES[2])
        a.oval(
            x + 0.09 * k * s, h + 0.37 * s, 0.045 * s, 0.045 * s, COZY[(k + 3) * 2 % 9]
        )


def table(a: Local, s, color, picks):
    """A table."""
    w, h = s * (0.5 + 0.3 * picks[0]), 0.72 * s
    wood = _pick(WOOD, picks[2])
    for x in (-0.86, 0.86):
        a.polygon(
            [
                (x * w - 0.03, h),
                (x * w + 0.03, h),
                (x * w * 1.04 + 0.02, 0),
                (x * w * 1.04 - 0.02, 0),
            ],
            wood * 0.8,
        )
    a.polygon(
        [(-w, h), (w, h), (0.90 * w, h + 0.14 * s), (-0.90 * w, h + 0.14 * s)],
        wood * 1.08,
    )
    a.box(-w, h - 0.05 * s, 2 * w, 0.05 * s, wood * 0.9)
    x = w * (picks[3] - 0.5)
    other = _pick(COZY, picks[4])
    a.box(x, h + 0.05 * s, 0.09 * s, 0.11 * s, other, 0.02)
    a.oval(x + 0.3 * s, h + 0.12 * s, 0.07 * s, 0.06 * s, COZY[0])


def chair(a: Local, s, color, picks):
    """A chair, seen from the front."""
    w, h = 0.21 * s, 0.45 * s
    wood = _pick(WOOD, picks[2])
    for x in (-w, w - 0.035 * s):
        a.box(x, 0, 0.035 * s, 0.92 * s, wood)
    a.box(-w, 0.68 * s, 2 * w, 0.2 * s, color, 0.03)
    a.polygon(
        [
            (-w * 1.1, h),
            (w * 1.1, h),
            (w * 0.95, h + 0.1 * s),
            (-w * 0.95, h + 0.1 * s),
        ],
        color * 1.05,
    )
    a.box(-w * 1.1, h - 0.05 * s, 2.2 * w, 0.05 * s, color * 0.85)
    for x in (-w * 1.06, w * 1.06 - 0.035 * s):
        a.box(x, 0, 0.035 * s, h - 0.04 * s, wood * 0.85)


def crate(a: Local, s, color, picks):
    """A cardboard box: front, side and lid."""
    w, h = s * (0.24 + 0.2 * picks[0]), s * (0.32 + 0.35 * picks[1])
    paper = 0.7 * np.array([196.0, 158, 116]) + 0.3 * color
    d = 0.14 * s * (1 if picks[2] < 0.5 else -1)
    x = w if d > 0 else -w
    a.polygon([(x, 0), (x + d, 0.09 * s), (x + d, h + 0.09 * s), (x, h)], paper * 0.78)
    a.polygon(
        [(-w, h), (w, h), (w + d, h + 0.09 * s), (-w + d, h + 0.09 * s)],
        paper * 1.12,
    )
    a.box(-w, 0, 2 * w, h, paper)
    a.box(-0.12 * w, 0, 0.24 * w, h, paper * 0.93)


def ball(a: Local, s, color, picks):
    """A ball."""
    r = 0.16 * s
    bright = _pick(COZY[:6], picks[0])
    a.oval(0, r, r, r, bright * 0.84)
    a.oval(a.lit * 0.12 * r, r * 1.12, 0.84 * r, 0.84 * r, bright)
    a.oval(
        a.lit * 0.36 * r,
        r * 1.42,
        0.26 * r,
        0.20 * r,
        np.minimum(bright * 1.2 + 18, 250),
    )


def stool(a: Local, s, color, picks):
    """A pouffe."""
    w, h = 0.28 * s, 0.36 * s
    a.box(-w, 0, 2 * w, h, color * 0.86, 0.08 * s)
    a.oval(0, h, w * 0.98, 0.09 * s, color * 1.06)


# -------------------------------------------------------- on the wall
def picture(a: Local, s, color, picks):
    """A framed picture; the sheet begins at its middle."""
    w, h = s * (0.18 + 0.16 * picks[0]), s * (0.2 + 0.16 * picks[1])
    frame = _pick(WOOD, picks[2]) if picks[3] < 0.6 else np.array([244.0, 240, 232])
    a.box(-w, -h, 2 * w, 2 * h, frame)
    a.box(-w + 0.03, -h + 0.03, 2 * w - 0.06, 2 * h - 0.06, (244, 238, 226))
    one, other = _pick(COZY, picks[4]), _pick(COZY, picks[1])
    a.box(-w + 0.07, -h + 0.07, 2 * w - 0.14, 2 * h - 0.14, 0.5 * one + 118)
    a.polygon(
        [
            (-w + 0.07, -h + 0.07),
            (w - 0.07, -h + 0.07),
            (w - 0.07, -0.1 * h),
            (0.2 * w, 0.3 * h),
            (-w + 0.07, -0.35 * h),
        ],
        other,
    )
    a.oval(0.4 * w, 0.45 * h, 0.2 * w, 0.2 * w, 0.4 * one + 140)


def window(a: Local, s, color, picks):
    """A window with a view and curtains."""
    w, h = s * (0.42 + 0.2 * picks[0]), s * (0.5 + 0.2 * picks[1])
    white = np.array([246.0, 242, 234])
    a.box(-w - 0.07, -h - 0.07, 2 * w + 0.14, 2 * h + 0.14, white)
    a.box(-w, -h, 2 * w, 2 * h, (190, 218, 232))
    a.box(-w, -h, 2 * w, h, (212, 230, 236))
    a.polygon(
        [
            (-w, -h),
            (w, -h),
            (w, -0.5 * h),
            (0.3 * w, -0.2 * h),
            (-0.4 * w, -0.55 * h),
            (-w, -0.3 * h),
        ],
        (158, 186, 150),
    )
    a.box(-0.02, -h, 0.04, 2 * h, white)
    a.box(-w, 0.02, 2 * w, 0.04, white)
    a.box(-w - 0.12, -h - 0.12, 2 * w + 0.24, 0.06, white * 0.95)
    if picks[2] < 0.6:
        cloth = 0.5 * color + 110
        for x in (-1, 1):
            a.polygon(
                [
                    (x * (w + 0.16), h + 0.12),
                    (x * (w - 0.30 * w), h + 0.12),
                    (x * (w - 0.12 * w), 0),
                    (x * (w + 0.02), -h - 0.16),
                    (x * (w + 0.20), -h - 0.16),
                ],
                cloth,
            )
            a.polygon(
                [
                    (x * (w + 0.16), h + 0.12),
                    (x * (w + 0.02), h + 0.12),
                    (x * (w + 0.09), -h - 0.16),
                    (x * (w + 0.20), -h - 0.16),
                ],
                cloth * 0.92,
            )
        a.box(-w - 0.24, h + 0.11, 2 * w + 0.48, 0.035, WOOD[3])


def hanging_shelf(a: Local, s, color, picks):
    """A board with books and a small plant."""
    w = 0.42 * s
    for k in range(7):
        up = 0.16 + 0.03 * ((k * 5 + int(9 * picks[0])) % 4)
        a.box(
            -w + 0.04 + 0.085 * k * s,
            0,
            0.06 * s,
            up * s,
            COZY[(k * 3 + int(10 * picks[1])) % 10],
        )
    x = w - 0.14 * s
    for lean in (-0.6, 0.0, 0.6):
        a.oval(
            x + 0.07 * lean * s, 0.19 * s, 0.04 * s, 0.09 * s, LEAVES[1], -0.6 * lean
        )
    a.box(x - 0.05 * s, 0, 0.1 * s, 0.10 * s, COZY[0])
    a.box(-w, -0.035, 2 * w, 0.035, _pick(WOOD, picks[2]))


# --------------------------------------------------------------- outside
def _crown(a: Local, blobs, green):
    """Leaves in three tones, lit from one side."""
    for x, y, r in blobs:
        a.oval(x, y, r, 0.95 * r, green * 0.82)
    for x, y, r in blobs:
        a.oval(x + a.lit * 0.14 * r, y + 0.14 * r, 0.86 * r, 0.80 * r, green)
    for x, y, r in blobs[::2]:
        a.oval(
            x + a.lit * 0.34 * r,
            y + 0.36 * r,
            0.48 * r,
            0.40 * r,
            np.minimum(green * 1.09 + 6, 245),
        )


def tree(a: Local, s, color, picks):
    """A tree with a round crown."""
    green = _pick(LEAVES, picks[0])
    h = s * (1.5 + 0.8 * picks[1])
    bark = np.array([126.0, 98, 78])
    t = 0.09 * s
    a.polygon([(-1.4 * t, 0), (1.4 * t, 0), (0.7 * t, h), (-0.7 * t, h)], bark)
    x = -a.lit
    a.polygon(
        [(x * 1.4 * t, 0), (x * 0.2 * t, 0), (x * 0.1 * t, h), (x * 0.7 * t, h)],
        bark * 0.84,
    )
    r = s * (0.55 + 0.2 * picks[2])
    turn = 6.28 * picks[3]
    blobs = [
        (
            0.72 * r * np.cos(turn + 1.2566 * k),
            h + 0.55 * r + 0.6 * r * np.sin(turn + 1.2566 * k),
            0.72 * r,
        )
        for k in range(5)
    ]
    _crown(a, [*blobs, (0, h + 0.6 * r, 0.9 * r)], green)


def cypress(a: Local, s, color, picks):
    """A slender tree."""
    green = _pick(LEAVES[[0, 2, 5]], picks[0]) * 0.94
    h, w = s * (2.0 + 1.0 * picks[1]), s * (0.34 + 0.12 * picks[2])
    a.box(-0.05 * s, 0, 0.1 * s, 0.4 * s, (118, 92, 74))
    y = np.linspace(0.25 * s, h, 12)
    t = np.linspace(0, 1, 12)
    side = w * np.sin(np.pi * (0.12 + 0.88 * t) ** 0.75)
    a.polygon(
        np.concatenate([np.column_stack([side, y]), np.column_stack([-side, y])[::-1]]),
        green * 0.86,
    )
    x = a.lit
    a.polygon(
        np.concatenate(
            [
                np.column_stack([x * 0.88 * side, y + 0.02]),
                np.column_stack([-x * 0.12 * side, y])[::-1],
            ]
        ),
        green,
    )


def pine(a: Local, s, color, picks):
    """A fir tree."""
    green = np.array([84.0, 124, 104]) * (0.9 + 0.25 * picks[0])
    a.box(-0.06 * s, 0, 0.12 * s, 0.4 * s, (112, 86, 70))
    for k in range(3):
        y, w = s * (0.28 + 0.5 * k), s * (0.68 - 0.16 * k)
        top = y + s * 0.9
        a.polygon([(-w, y), (w, y), (0, top)], green * (0.86 + 0.05 * k))
        a.polygon(
            [(a.lit * w, y), (-a.lit * 0.05 * w, y), (0, top)], green * (1 + 0.04 * k)
        )


def bush(a: Local, s, color, picks):
    """A round bush, perhaps in flower."""
    green = _pick(LEAVES, picks[0])
    blobs = [
        (-0.32 * s, 0.20 * s, 0.26 * s),
        (0.34 * s, 0.18 * s, 0.24 * s),
        (0.0, 0.32 * s, 0.32 * s),
    ]
    a.polygon(
        [(-0.55 * s, 0), (0.55 * s, 0), (0.5 * s, 0.2 * s), (-0.5 * s, 0.2 * s)],
        green * 0.82,
    )
    _crown(a, blobs, green)
    if picks[1] < 0.4:
        bloom = _pick(
            np.array([(238.0, 190, 190), (244, 226, 170), (250, 246, 240)]), picks[2]
        )
        for k in range(7):
            a.oval(
                0.42 * s * np.cos(2.4 * k),
                0.30 * s + 0.2 * s * np.sin(2.4 * k),
                0.035 * s,
                0.035 * s,
                bloom,
            )


def bench(a: Local, s, color, picks):
    """A park bench."""
    w = 0.75 * s
    wood, iron = _pick(WOOD[:3], picks[2]), np.array([84.0, 86, 90])
    for x in (-0.8 * w, 0.8 * w):
        a.box(x - 0.025, 0, 0.05, 0.85 * s, iron)
    for y in (0.55, 0.70):
        a.box(-w, y * s, 2 * w, 0.11 * s, wood, 0.02)
    a.polygon(
        [(-w, 0.40 * s), (w, 0.40 * s), (0.97 * w, 0.49 * s), (-0.97 * w, 0.49 * s)],
        wood * 1.1,
    )
    a.box(-w, 0.36 * s, 2 * w, 0.05 * s, wood * 0.84)
    for x in (-0.86 * w, 0.86 * w):
        a.box(x - 0.025, 0, 0.05, 0.36 * s, iron * 0.9)


def lantern(a: Local, s, color, picks):
    """A street lamp."""
    h = s * (2.3 + 0.6 * picks[0])
    iron = np.array([78.0, 86, 92])
    a.box(-0.09 * s, 0, 0.18 * s, 0.16 * s, iron, 0.03)
    a.box(-0.03 * s, 0, 0.06 * s, h, iron)
    a.polygon(
        [
            (-0.15 * s, h + 0.28 * s),
            (0.15 * s, h + 0.28 * s),
            (0.10 * s, h),
            (-0.10 * s, h),
        ],
        (250, 238, 204),
    )
    a.polygon(
        [(-0.18 * s, h + 0.28 * s), (0.18 * s, h + 0.28 * s), (0, h + 0.42 * s)], iron
    )


def fence(a: Local, s, color, picks):
    """Some picket fence."""
    n, h = 7 + int(4 * picks[0]), s * (0.62 + 0.2 * picks[1])
    paint = 0.35 * color + 150
    w = 0.085 * n * s
    for t in (0.3, 0.72):
        a.box(-w, t * h, 2 * w, 0.06 * s, paint * 0.86)
    for k in range(n):
        x = -w + (k + 0.5) * 2 * w / n
        d = 0.055 * s
        a.polygon(
            [(x - d, 0), (x + d, 0), (x + d, h), (x, h + 0.08 * s), (x - d, h)],
            paint * (1.0 if k % 2 else 0.965),
        )


def bicycle(a: Local, s, color, picks):
    """A parked bicycle."""
    r, d = 0.31 * s, 0.52 * s
    tyre = np.array([70.0, 66, 70])
    out = 1 if picks[0] < 0.5 else -1
    around = np.concatenate([CIRCLE, CIRCLE[:1]])
    for x in (-d, d):
        a.line(around * r + (x, r), 0.035 * s, tyre)
    points = {
        "rear": (-d, r),
        "front": (d, r),
        "crank": (-0.08 * s, 0.30 * s),
        "seat": (-0.22 * s, 0.78 * s),
        "head": (0.36 * s, 0.80 * s),
    }
    p = {k: (out * x, y) for k, (x, y) in points.items()}
    frame = _pick(COZY[:6], picks[1])
    for line in ("rear crank head seat crank", "rear seat", "head front"):
        a.line([p[k] for k in line.split()], 0.04 * s, frame)
    a.oval(out * -0.24 * s, 0.85 * s, 0.13 * s, 0.035 * s, tyre)
    a.line(
        [p["head"], (out * 0.32 * s, 0.96 * s), (out * 0.46 * s, 0.99 * s)],
        0.03 * s,
        tyre,
    )


def stand(a: Local, s, color, picks):
    """A market stall with an awning."""
    w = 0.85 * s
    a.box(-w, 0, 0.05, 1.5 * s, WOOD[3])
    a.box(w - 0.05, 0, 0.05, 1.5 * s, WOOD[3])
    a.box(-w, 0, 2 * w, 0.72 * s, _pick(WOOD, picks[0]))
    for k in range(8):
        a.oval(
            -w + (k + 0.5) * w / 4, 0.74 * s, 0.10 * s, 0.08 * s, COZY[(k // 2) * 2 % 9]
        )
    n = 8
    for k in range(n):
        x = -1.1 * w + k * 2.2 * w / n
        tone = color if k % 2 else np.array([246.0, 238, 224])
        a.polygon(
            [
                (x, 1.34 * s),
                (x + 2.2 * w / n, 1.34 * s),
                (x * 0.9 + 1.98 * w / n, 1.72 * s),
                (x * 0.9, 1.72 * s),
            ],
            tone,
        )


# ------------------------------------------------------------------ hall
def vault(a: Local, s, color, picks):
    """A vaulting box."""
    wood = WOOD[2]
    for k in range(4):
        w = s * (0.52 - 0.045 * k)
        y = 0.2 * s * k
        a.polygon(
            [
                (-w, y),
                (w, y),
                (w - 0.045 * s, y + 0.19 * s),
                (-w + 0.045 * s, y + 0.19 * s),
            ],
            wood * (0.92 + 0.04 * (k % 2)),
        )
    a.box(-0.38 * s, 0.79 * s, 0.76 * s, 0.12 * s, (124, 88, 72), 0.05)


def mat(a: Local, s, color, picks):
    """Rolled and stacked mats."""
    blue = 0.6 * np.array([88.0, 120, 160]) + 0.4 * color
    for k in range(3):
        a.box(
            -0.6 * s + 0.03 * k,
            0.13 * k * s,
            1.2 * s - 0.04 * k,
            0.12 * s,
            blue * (0.9 + 0.08 * (k % 2)),
            0.03,
        )


def cone(a: Local, s, color, picks):
    """A training cone."""
    orange = np.array([226.0, 128, 72])
    a.oval(0, 0.02, 0.15 * s, 0.035 * s, orange * 0.85)
    a.polygon(
        [
            (-0.11 * s, 0.02),
            (0.11 * s, 0.02),
            (0.02 * s, 0.36 * s),
            (-0.02 * s, 0.36 * s),
        ],
        orange,
    )
    a.polygon(
        [
            (-0.075 * s, 0.14 * s),
            (0.075 * s, 0.14 * s),
            (0.048 * s, 0.23 * s),
            (-0.048 * s, 0.23 * s),
        ],
        (246, 240, 230),
    )


def goal(a: Local, s, color, picks):
    """A small goal."""
    w, h = 0.9 * s, 1.0 * s
    net = (226, 228, 226)
    for k in range(1, 8):
        a.line([(-w + k * w / 4, 0), (-w + k * w / 4, h)], 0.006, net)
    for k in range(1, 5):
        a.line([(-w, k * h / 5), (w, k * h / 5)], 0.006, net)
    for line in ([(-w, 0), (-w, h), (w, h), (w, 0)],):
        a.line(line, 0.06 * s, (236, 108, 84))


def umbrella(a: Local, s, color, picks):
    """A sunshade."""
    h = 1.7 * s
    a.box(-0.02 * s, 0, 0.04 * s, h, (236, 228, 210))
    n = 6
    t = np.linspace(-1, 1, n + 1)
    for k in range(n):
        tone = color if k % 2 else np.array([248.0, 242, 230])
        a.polygon(
            [
                (t[k] * 0.95 * s, h - 0.12 * s),
                (t[k + 1] * 0.95 * s, h - 0.12 * s),
                (0.4 * t[k + 1] * s, h + 0.24 * s),
                (0.4 * t[k] * s, h + 0.24 * s),
            ],
            tone,
        )
    a.polygon(
        [(-0.4 * s, h + 0.24 * s), (0.4 * s, h + 0.24 * s), (0, h + 0.36 * s)],
        color * 0.95,
    )


def stone(a: Local, s, color, picks):
    """A stone."""
    gray = np.array([164.0, 156, 148]) * (0.9 + 0.15 * picks[0])
    shape = (
        np.array(
            [
                (-0.3, 0),
                (0.32, 0),
                (0.27, 0.14),
                (0.1, 0.24),
                (-0.14, 0.22),
                (-0.28, 0.1),
            ]
        )
        * s
    )
    a.polygon(shape, gray * 0.88)
    a.polygon(shape * (0.8, 0.9) + (a.lit * 0.05 * s, 0.02 * s), gray)


# ------------------------------------------------------------- in front
def balloon(a: Local, s, color, picks):
    """A balloon; the sheet begins at its middle."""
    bright = _pick(COZY[:6], picks[1])
    r = 0.20 * s
    a.line(
        [(0, -r), (-0.03 * s, -0.6 * s), (0.03 * s, -1.2 * s), (0.0, -2.2 * s)],
        0.008,
        (120, 110, 106),
    )
    a.oval(0, 0, 0.92 * r, r, bright * 0.88)
    a.oval(a.lit * 0.12 * r, 0.1 * r, 0.76 * r, 0.82 * r, bright)
    a.oval(
        a.lit * 0.36 * r,
        0.42 * r,
        0.2 * r,
        0.24 * r,
        np.minimum(bright * 1.2 + 25, 252),
    )


def branch(a: Local, s, color, picks):
    """A twig that reaches in from above; the sheet begins at its tip."""
    green = _pick(LEAVES, picks[0])
    lean = (picks[1] - 0.5) * 0.8
    top = np.array([lean * 4 * s, 3.2 * s])
    a.line([(0, 0), top * 0.4, top], 0.03 * s, (122, 96, 76))
    for k in range(11):
        t = 0.45 * k / 10
        side = 1 if k % 2 else -1
        x, y = top * t
        a.oval(
            x + side * 0.12 * s,
            y + 0.02 * s,
            0.15 * s,
            0.065 * s,
            green * (0.88 + 0.16 * ((k * 4) % 9) / 8),
            side * (0.5 + 0.5 * picks[2]),
        )


def pillar(a: Local, s, color, picks):
    """A pillar or a post from the ground to above the picture."""
    w = s * (0.06 + 0.05 * picks[0])
    paint = 0.5 * color + 96
    a.box(-w, 0, 2 * w, 4 * s, paint)
    a.box(-w if a.lit > 0 else 0.35 * w, 0, 0.65 * w, 4 * s, paint * 0.87)
    a.box(-1.25 * w, 0, 2.5 * w, 0.14 * s, paint * 0.94)


ROOM = (plant, plant, lamp, sofa, shelf, cabinet, table, chair, crate, ball, stool)
HALL = (vault, mat, cone, cone, ball, ball, goal, bench)
PARK = (tree, tree, tree, cypress, pine, bush, bush, bench, lantern, ball, stone, fence)
STREET = (tree, lantern, bicycle, bench, plant, crate, stand, bush, bicycle)
SHORE = (umbrella, umbrella, ball, stone, stone, crate, chair, bush)
WALL = (picture, picture, window, hanging_shelf)
FRONT_LOW = (plant, crate, bush, chair, ball, cabinet, fence, stool, table)
FRONT_HIGH = (balloon, branch, balloon, branch, branch, pillar)
