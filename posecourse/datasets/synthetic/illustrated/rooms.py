"""Places indoors: a studio, rooms, sports halls."""

from __future__ import annotations

import numpy as np

from .shadows import darken
from .skull import mix
from .stage import CIRCLE, Stage
from .things import COZY, WALL

__all__ = ["ROOMS", "paint_hall", "paint_room", "paint_studio"]

# Wall, its lower part, floor.
ROOMS = np.array(
    [
        [(236, 222, 200), (226, 208, 182), (190, 146, 106)],
        [(206, 218, 212), (188, 204, 196), (178, 146, 116)],
        [(240, 210, 190), (228, 192, 170), (170, 122, 96)],
        [(214, 216, 196), (196, 200, 176), (196, 160, 120)],
        [(196, 208, 222), (178, 192, 208), (184, 152, 124)],
        [(222, 210, 222), (206, 192, 208), (172, 140, 120)],
        [(246, 236, 214), (234, 222, 196), (160, 120, 92)],
        [(150, 170, 172), (132, 154, 158), (188, 152, 116)],
        [(184, 140, 124), (168, 122, 108), (206, 176, 142)],
    ],
    dtype=np.float64,
)


def paint_studio(stage: Stage, rng, picks, shadows):
    """Coloured paper, rounded where wall meets floor."""
    above, below, _ = ROOMS[int(picks[1] * len(ROOMS))]
    stage.gradient(
        [(-1.2, below * 0.95), (-0.35, below * 1.0), (-0.1, above), (0.5, above * 0.97)]
    )
    darken(stage.image, shadows)


def paint_room(stage: Stage, rng, picks, shadows):
    """A living room: boards, perhaps a rug, light from a window, a wall."""
    wall, low, floor = ROOMS[int(picks[1] * len(ROOMS))]
    deep = 2.0 + 1.2 * picks[2]
    stage.gradient([(-1.2, floor * 0.95), (-0.3, floor * 1.03), (0.0, floor * 1.06)])
    if stage.metre > 12:
        gap = 0.16
        boards = np.arange(-14, 15) * gap + gap * picks[3]
        stage.floor_lines(
            [[(x, stage.nearest), (x, deep)] for x in boards], floor * 0.93
        )
    if picks[4] < 0.6:  # a rug
        rug = COZY[int(picks[5] * len(COZY))] * 0.5 + 110
        w, d = 0.9 + 0.5 * picks[6], 0.45 + 0.3 * picks[7]
        if picks[8] < 0.5:
            stage.floor(CIRCLE * (w, d), rug)
            stage.floor(CIRCLE * (0.86 * w, 0.86 * d), rug * 1.06)
        else:
            corner = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
            stage.floor(corner * (w, d), rug)
            stage.floor(corner * (w - 0.08, d - 0.08), rug * 1.06)
    # light from the window on the floor
    x = 1.2 * (picks[9] - 0.5)
    lean = 0.5 if stage.left_lit else -0.5
    for k in (0, 1):
        pane = np.array(
            [
                (0, deep - 0.25),
                (0.42, deep - 0.25),
                (0.42 + lean, deep - 1.15),
                (lean, deep - 1.15),
            ]
        )
        stage.floor(pane + (x + 0.5 * k, 0), floor * 0.35 + np.array([164.0, 154, 126]))
    darken(stage.image, shadows)
    side = -1 if stage.left_lit else 1
    reach = 12.0
    stage.polygon(
        [(-reach, 0, deep), (reach, 0, deep), (reach, 6, deep), (-reach, 6, deep)], wall
    )
    if picks[10] < 0.55:  # panelled or painted lower half
        stage.polygon(
            [
                (-reach, 0, deep),
                (reach, 0, deep),
                (reach, 0.95, deep),
                (-reach, 0.95, deep),
            ],
            low,
        )
        stage.polygon(
            [
                (-reach, 0.95, deep),
                (reach, 0.95, deep),
                (reach, 1.0, deep),
                (-reach, 1.0, deep),
            ],
            wall * 1.04,
        )
    if picks[11] < 0.5:  # the corner of the room
        x = side * (1.0 + 1.3 * picks[6])
        near = stage.nearest + 0.2
        stage.polygon(
            [(x, 0, deep), (x, 6, deep), (x, 6, near), (x, 0, near)], wall * 0.92
        )
        stage.polygon(
            [(x, 0, deep), (x, 0.1, deep), (x, 0.1, near), (x, 0, near)], wall * 0.86
        )
    else:
        x = None
    stage.polygon(
        [(-reach, 0, deep), (reach, 0, deep), (reach, 0.10, deep), (-reach, 0.10, deep)]
        if x is None
        else [
            (-side * reach, 0, deep),
            (x, 0, deep),
            (x, 0.10, deep),
            (-side * reach, 0.10, deep),
        ],
        mix(wall, np.full(3, 250.0), 0.5),
    )
    half = 0.5 * stage.size / stage.view.focal * (stage.ground[2] + deep)
    numbers = rng.random((3, 10)).tolist()
    for k, (a, b, *more) in enumerate(numbers):
        place = (2 * (k + a) / 3 - 1) * half
        if x is not None and side * place > side * x - 0.6:
            continue
        thing, color = WALL[int(b * len(WALL))], COZY[int(more[1] * len(COZY))]
        stage.place(thing, place, deep, 1.0, color, more, 1.35 + 0.35 * more[0])


def paint_hall(stage: Stage, rng, picks, shadows):
    """A sports hall with lines on its floor."""
    floor = (
        np.array([216.0, 170, 120]),
        np.array([150.0, 176, 172]),
        np.array([196.0, 142, 112]),
    )[int(picks[1] * 3)]
    wall = ROOMS[int(picks[2] * len(ROOMS))][0] * 0.5 + 112
    deep = 2.6 + 2.4 * picks[3]
    stage.gradient([(-1.2, floor * 0.96), (-0.3, floor * 1.02), (0.0, floor * 1.05)])
    white, other = (
        np.array([246.0, 242, 232]),
        (np.array([96.0, 132, 168]), np.array([204.0, 104, 86]))[int(2 * picks[4])],
    )
    x0 = 1.6 * (picks[5] - 0.5)
    arc = np.concatenate([CIRCLE, CIRCLE[:1]]) * 1.4 + (x0, 0.4)
    if picks[6] < 0.5:
        stage.floor(arc, floor * 0.5 + other * 0.5)
    stage.floor_lines([arc], white, 0.05)
    stage.floor_lines(
        [[(x, stage.nearest), (x, deep - 0.5)] for x in (x0 - 2.4, x0, x0 + 2.4)],
        white,
        0.05,
    )
    stage.floor_lines(
        [[(-9, deep - 0.5), (9, deep - 0.5)], [(-9, -0.9), (9, -0.9)]], other, 0.05
    )
    darken(stage.image, shadows)
    r = 14.0
    stage.polygon([(-r, 0, deep), (r, 0, deep), (r, 9, deep), (-r, 9, deep)], wall)
    stage.polygon(
        [(-r, 0, deep), (r, 0, deep), (r, 1.6, deep), (-r, 1.6, deep)],
        other * 0.35 + wall * 0.6,
    )
    with stage.at(0, deep) as a:
        _hall_wall(a, r, wall, other, 3.0 * (picks[7] - 0.5), picks[8] < 0.6)


def _hall_wall(a, r, wall, other, x, bars):
    """Windows high up, and wall bars or a basket."""
    a.box(-r, 0, 2 * r, 0.12, wall * 0.8)
    a.boxes([(x, 2.5, 0.8, 0.9) for x in np.arange(-6, 7) * 1.05], (214, 230, 234))
    if bars:  # wall bars
        a.boxes([(x + w, 0.05, 0.06, 2.3) for w in (0, 0.8, 1.6)], (176, 126, 84))
        a.boxes([(x, 0.2 + 0.17 * k, 1.66, 0.045) for k in range(12)], (206, 158, 110))
    else:  # a basket
        a.box(x - 0.7, 2.0, 1.4, 0.95, (248, 246, 240))
        a.box(x - 0.24, 2.16, 0.48, 0.34, other)
        a.box(x - 0.20, 2.2, 0.40, 0.26, (248, 246, 240))
        a.oval(x, 2.14, 0.24, 0.05, (226, 112, 72))
        a.polygon(
            [(x - 0.22, 2.12), (x + 0.22, 2.12), (x + 0.14, 1.72), (x - 0.14, 1.72)],
            (236, 232, 222),
        )
