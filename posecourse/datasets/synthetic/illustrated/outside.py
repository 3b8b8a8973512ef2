"""Places outside: parks, streets, the shore."""

from __future__ import annotations

import numpy as np

from .shadows import darken
from .skull import mix
from .stage import CIRCLE, Stage
from .things import COZY

__all__ = ["paint_park", "paint_shore", "paint_street"]

# Sky above, sky low down, hills, grass, path or pavement.
SKIES = np.array(
    [
        [
            (140, 190, 220),
            (224, 236, 232),
            (150, 180, 164),
            (166, 190, 126),
            (222, 204, 168),
        ],
        [
            (166, 200, 220),
            (248, 230, 204),
            (168, 176, 160),
            (180, 190, 130),
            (214, 196, 170),
        ],
        [
            (150, 176, 206),
            (250, 214, 180),
            (164, 156, 158),
            (172, 172, 118),
            (206, 184, 158),
        ],
        [
            (186, 206, 212),
            (232, 232, 222),
            (166, 182, 174),
            (158, 182, 132),
            (214, 206, 190),
        ],
        [
            (128, 184, 208),
            (218, 238, 234),
            (132, 174, 160),
            (150, 186, 128),
            (226, 212, 182),
        ],
        [
            (196, 190, 210),
            (250, 220, 206),
            (168, 158, 176),
            (168, 176, 134),
            (208, 192, 180),
        ],
    ],
    dtype=np.float64,
)
FACADES = np.array(
    [
        (222, 178, 146),
        (198, 142, 118),
        (232, 214, 182),
        (186, 196, 184),
        (172, 182, 198),
        (214, 190, 170),
        (178, 128, 118),
        (238, 226, 206),
    ],
    dtype=np.float64,
)


def _sky(stage: Stage, picks, ground):
    colors = SKIES[int(picks[1] * len(SKIES))]
    sky, haze, _, grass, _ = colors
    if ground is None:
        ground = grass
    stage.gradient(
        [
            (-1.2, ground * 0.95),
            (-0.25, ground),
            (-0.04, mix(ground, haze, 0.15)),
            (-0.005, mix(ground, haze, 0.25)),
            (0.02, haze),
            (0.55, sky),
            (1.2, sky * 0.96),
        ]
    )
    return colors


def _cloud(a, s, color, picks):
    a.box(-1.1 * s, -0.18 * s, 2.2 * s, 0.36 * s, color, 0.18 * s)
    a.oval(-0.3 * s, 0.18 * s, 0.45 * s, 0.36 * s, color)
    a.oval(0.35 * s, 0.12 * s, 0.36 * s, 0.28 * s, color)


def _clouds(stage: Stage, rng, haze):
    half = 0.5 * stage.size / stage.view.focal * 60
    white = mix(haze, np.full(3, 255.0), 0.6)
    for x, y, s in rng.random((2, 3)).tolist():
        x, up = (2 * x - 1) * half, half * (0.25 + 0.7 * y)
        stage.place(_cloud, x, 55, half * (0.10 + 0.10 * s), white, (), up)


_SHARES = np.linspace(-1, 1, 33)


def _ridge(stage: Stage, rng, away, low, high, color, bumps=6):
    """A line of hills or tree tops along the horizon."""
    half = 0.6 * stage.size / stage.view.focal * (stage.ground[2] + away) + away * 0.2
    heights = low + (high - low) * rng.random(bumps + 3)
    at = np.linspace(-1, 1, bumps + 3)
    t = np.abs(_SHARES[:, None] - at) * ((bumps + 2) / 2)
    y = ((0.5 + 0.5 * np.cos(np.pi * np.minimum(t, 1))) @ heights).tolist()
    x = (half * _SHARES).tolist()
    with stage.at(0, away) as a:
        low = -0.05 * high
        a.polygon([*zip(x, y), (half, low), (-half, low)], color)


def _tuft(a, s, color, picks):
    a.polygon(_TUFT, color)


_TUFT = [(-0.05, 0), (-0.045, 0.07), (-0.015, 0.01), (0.0, 0.10)]
_TUFT += [(0.015, 0.01), (0.05, 0.075), (0.05, 0)]


def paint_park(stage: Stage, rng, picks, shadows):
    """Lawn, hills, trees, perhaps a path."""
    _, haze, hills, grass, path = _sky(stage, picks, None)
    _clouds(stage, rng, haze)
    _ridge(stage, rng, 60, 3, 11, mix(hills, haze, 0.55))
    _ridge(stage, rng, 40, 1.5, 5, mix(hills, haze, 0.2), 8)
    _ridge(stage, rng, 16, 0.5, 2.2, mix(grass * 0.82, hills, 0.35), 14)
    if picks[2] < 0.65:  # a path that winds away
        x, bend = 1.6 * (picks[3] - 0.5), 2.5 * (picks[4] - 0.5)
        away = np.array([stage.nearest, 0.5, 3, 7, 15.0])
        middle = x + bend * np.array([-0.2, 0.0, 0.5, 1.4, 2.2])
        wide = np.array([0.7, 0.65, 0.6, 0.6, 0.6])
        stage.floor(
            np.concatenate(
                [
                    np.column_stack([middle + wide, away]),
                    np.column_stack([middle - wide, away])[::-1],
                ]
            ),
            path,
        )
    else:
        for k in range(3):
            x, y = 4 * (picks[5 + k] - 0.5), 1.2 + 2 * k
            stage.floor(CIRCLE * (1.6, 0.5) + (x, y), grass * 1.05)
    if stage.metre > 25:
        tufts = rng.random((10, 2)) * (3.6, 3.0) - (1.8, 0.8)
        for x, away in tufts.tolist():
            if away > stage.nearest:
                stage.place(_tuft, x, away, 1.0, grass * 0.86, ())
    darken(stage.image, shadows)


def paint_street(stage: Stage, rng, picks, shadows):
    """Houses beyond a road, and the pavement on this side of it."""
    stone = np.array([214.0, 202, 186]) * (0.93 + 0.1 * picks[2])
    _, haze, *_ = _sky(stage, picks, stone)
    away = 3.2 + 3.0 * picks[3]
    # the road between, and the kerbs
    stage.floor(
        [(-30, 1.0), (30, 1.0), (30, away - 1.0), (-30, away - 1.0)], (156, 152, 152)
    )
    stage.floor([(-30, 0.9), (30, 0.9), (30, 1.02), (-30, 1.02)], stone * 0.9)
    middle = 0.5 * away
    for k in range(-4, 5):
        x = 1.5 * k + picks[4]
        stage.floor(
            [
                (x, middle - 0.05),
                (x + 0.7, middle - 0.05),
                (x + 0.7, middle + 0.05),
                (x, middle + 0.05),
            ],
            (240, 236, 224),
        )
    if stage.metre > 20:
        slabs = np.arange(-6, 7) * 0.6 + 0.6 * picks[5]
        stage.floor_lines([[(x, stage.nearest), (x, 0.9)] for x in slabs], stone * 0.93)
        stage.floor_lines([[(-5, y), (5, y)] for y in (-0.9, -0.3, 0.3)], stone * 0.93)
    darken(stage.image, shadows)
    half = 0.55 * stage.size / stage.view.focal * (stage.ground[2] + away) + 0.5
    x, k = -half - 1.2 * picks[6], 0
    numbers = rng.random((8, 5)).tolist()
    while x < half and k < 8:
        a, b, c, d, e = numbers[k]
        wide, tall = 1.7 + 1.2 * a, 3.2 + 2.6 * b
        with stage.at(x, away) as a:
            _house(a, wide, tall, FACADES[int(c * len(FACADES))], d, e, haze)
        x, k = x + wide, k + 1


def _house(a, w, h, color, pick, kind, haze):
    """A facade with windows and a door or a shop."""
    color = mix(color, haze, 0.12)
    roof = mix(np.array([150.0, 96, 82]), color, 0.3) if pick < 0.6 else color * 0.8
    a.box(0, 0, w, h, color)
    a.box(-0.04, h, w + 0.08, 0.14, color * 0.86)
    a.polygon(
        [(0, h + 0.14), (w, h + 0.14), (0.85 * w, h + 0.75), (0.15 * w, h + 0.75)], roof
    )
    n = 2 if w < 2.3 else 3
    cells = [
        (w * (k + 0.5) / n - 0.24, y, 0.48, 0.72)
        for k in range(n)
        for y in np.arange(1.55, h - 0.7, 1.15)
    ]
    a.boxes(
        [(x - 0.05, y - 0.05, ww + 0.1, hh + 0.1) for x, y, ww, hh in cells],
        mix(color, np.full(3, 252.0), 0.55),
    )
    a.boxes(cells, mix(np.array([120.0, 146, 164]), haze, 0.3))
    if kind < 0.5:  # a shop
        a.box(0.12 * w, 0, 0.76 * w, 0.95, (112, 132, 140))
        a.box(0.60 * w, 0, 0.2 * w, 0.95, color * 0.6)
        cloth = COZY[int(pick * len(COZY))]
        a.polygon(
            [(0.06 * w, 0.88), (0.94 * w, 0.88), (0.88 * w, 1.25), (0.12 * w, 1.25)],
            cloth,
        )
        a.polygon(
            [(0.06 * w, 0.88), (0.94 * w, 0.88), (0.94 * w, 0.8), (0.06 * w, 0.8)],
            cloth * 0.88,
        )
    else:
        x = (0.15 + 0.5 * pick) * w
        a.box(x, 0, 0.5, 1.08, mix(color, np.full(3, 250.0), 0.4))
        a.box(x + 0.05, 0, 0.4, 1.02, COZY[int(pick * 97) % len(COZY)] * 0.72)


def paint_shore(stage: Stage, rng, picks, shadows):
    """Sand and sea."""
    sand = np.array([236.0, 212, 170]) * (0.95 + 0.08 * picks[2])
    _, haze, hills, _, _ = _sky(stage, picks, sand)
    _clouds(stage, rng, haze)
    _ridge(stage, rng, 90, 0.5, 6, mix(hills, haze, 0.5))
    sea = np.array([112.0, 170, 184]) * (0.92 + 0.12 * picks[3])
    near = 2.2 + 2.5 * picks[4]
    stage.floor([(-90, near), (90, near), (200, 90), (-200, 90)], sea)
    x = np.linspace(-8, 8, 41)
    wave = near + 0.12 * np.sin(2.1 * x + 6 * picks[5]) + 0.1 * np.sin(0.9 * x)
    stage.floor(
        np.concatenate(
            [np.column_stack([x, wave - 0.18]), np.column_stack([x, wave + 0.16])[::-1]]
        ),
        (250, 248, 240),
    )
    stage.floor(
        np.concatenate(
            [np.column_stack([x, wave + 0.5]), np.column_stack([x, wave + 0.62])[::-1]]
        ),
        mix(sea, np.full(3, 250.0), 0.35),
    )
    stage.floor(
        np.concatenate(
            [np.column_stack([x, wave - 0.6]), np.column_stack([x, wave - 0.18])[::-1]]
        ),
        sand * 0.9,
    )
    darken(stage.image, shadows)
