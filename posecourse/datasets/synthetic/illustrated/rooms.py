"""Places indoors: a studio, rooms, sports halls."""

from __future__ import annotations

import numpy as np

from .shadows import darken
from .skull import mix
from .stage import CIRCLE, Stage
from .things import COZY, WALL

__all__ = ["paint_hall", "paint_room", "paint_studio", "room_edge"]

_FAR = 12.0
_SQUARE = np.array([(-1.0, -1), (1, -1), (1, 1), (-1, 1)])

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


def room_edge(stage: Stage, picks) -> float:
    """Where the wall behind ends, metres: at a corner on the side away from
    the light, or too far off to be seen."""
    side = -1.0 if stage.left_lit else 1.0
    if picks[11] > 0.5:
        return side * _FAR
    # outside the picture where people are, inside it farther back
    half = 0.5 * stage.size / stage.view.focal * float(stage.ground[2])
    return side * half * (1.05 + 0.35 * picks[6])


def paint_room(stage: Stage, rng, picks, shadows):
    """A living room: boards, perhaps a rug, light from a window, a wall."""
    wall, low, floor = ROOMS[int(picks[1] * len(ROOMS))]
    deep = 2.0 + 1.2 * picks[2]
    _boards(stage, picks, floor, deep)
    darken(stage.image, shadows)
    edge = room_edge(stage, picks)

    def panel(bottom, top, color):
        ends = (-_FAR if edge > 0 else _FAR), edge
        corners = [(0, bottom), (1, bottom), (1, top), (0, top)]
        stage.polygon([(ends[k], up, deep) for k, up in corners], color)

    def beside(top, color):
        near = stage.nearest + 0.2
        corners = [(0, deep), (top, deep), (top, near), (0, near)]
        stage.polygon([(edge, up, away) for up, away in corners], color)

    panel(0, 6, wall)
    if picks[10] < 0.55:  # its lower half is painted
        panel(0, 0.95, low)
        panel(0.95, 1.0, wall * 1.04)
    panel(0, 0.10, mix(wall, np.full(3, 250.0), 0.5))
    if abs(edge) < _FAR:
        beside(6, wall * 0.92)
        beside(0.1, wall * 0.86)
    half = 0.5 * stage.size / stage.view.focal * (stage.ground[2] + deep)
    for k, (a, b, *more) in enumerate(rng.random((3, 10)).tolist()):
        x = (2 * (k + a) / 3 - 1) * half
        if x * np.sign(edge) < abs(edge) - 0.6:
            thing, color = WALL[int(b * len(WALL))], COZY[int(more[1] * len(COZY))]
            stage.place(thing, x, deep, 1.0, color, more, 1.35 + 0.35 * more[0])


def _boards(stage: Stage, picks, floor, deep):
    """The floor, a rug, and light from a window."""
    stage.gradient([(-1.2, floor * 0.95), (-0.3, floor * 1.03), (0.0, floor * 1.06)])
    if stage.metre > 12:
        boards = (np.arange(-14, 15) + picks[3]) * 0.16
        lines = [[(x, stage.nearest), (x, deep)] for x in boards.tolist()]
        stage.floor_lines(lines, floor * 0.93)
    if picks[4] < 0.6:
        rug = COZY[int(picks[5] * len(COZY))] * 0.5 + 110
        size = np.array([0.9 + 0.5 * picks[6], 0.45 + 0.3 * picks[7]])
        shape = CIRCLE if picks[8] < 0.5 else _SQUARE
        stage.floor(shape * size, rug)
        stage.floor(shape * (size - 0.08), rug * 1.06)
    x, lean = 1.2 * (picks[9] - 0.5), 0.5 if stage.left_lit else -0.5
    far, near = deep - 0.25, deep - 1.15
    for a, b in ((x, x + 0.42), (x + 0.5, x + 0.92)):
        pane = [(a, far), (b, far), (b + lean, near), (a + lean, near)]
        stage.floor(pane, floor * 0.35 + np.array([164.0, 154, 126]))


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
