"""Where people are: rooms, halls, streets, parks, the shore."""

from __future__ import annotations

import cv2
import numpy as np

from ..scenery import LIMBS
from .stage import CIRCLE, Stage
from .things import COZY, FRONT_HIGH, FRONT_LOW, HALL, PARK, ROOM, SHORE, STREET, WALL

__all__ = ["background", "occluder"]

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


def _mix(a, b, share):
    return (1 - share) * a + share * b


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
        paint, things = (_hall, HALL) if picks[0] < 0.28 else (_room, ROOM)
    elif kind == "outside":
        paint, things = (
            (_street, STREET)
            if picks[0] < 0.35
            else (_shore, SHORE)
            if picks[0] < 0.5
            else (_park, PARK)
        )
    else:
        paint, things = _studio, ()
    plan = _plan(rng, stage, things, clutter if things else 0, paint is _room)
    spots = [(x, away, 0.32 * s) for _, x, away, s, *_ in plan]
    shadows = _shadows(stage, stances, light, spots, strength)
    paint(stage, rng, picks, shadows)
    for draw, x, away, s, color, numbers in plan:
        draw(stage.at(x, away), s, color, numbers)


def _plan(rng, stage: Stage, things, count, indoors):
    """What stands where: from the far ones to the near ones."""
    plan = []
    numbers = rng.random((count, 10)).tolist()
    for k, (a, b, c, d, e, *more) in enumerate(numbers):
        # Spread from side to side, a gap where the person is.
        away = 0.45 + (1.1 if indoors else 2.6) * b**1.3
        half = 0.5 * stage.size / stage.view.focal * (stage.ground[2] + away)
        x = (2 * (k + a) / count - 1) * half * 1.05
        if abs(x) < 0.35:
            x = 0.35 if x > 0 else -0.35
        kind = things[int(c * len(things))]
        plan.append(
            (kind, x, away, 0.8 + 0.35 * d, COZY[int(e * len(COZY))], [*more, a, b])
        )
    return sorted(plan, key=lambda t: -t[2])


# --------------------------------------------------------------- shadows
def _shadows(stage: Stage, stances, light, spots, strength):
    """Where light is kept off the ground: ``(size, size)`` uint8, 255 lit."""
    half = -(-stage.size // 2)
    mask = np.zeros((half, half), np.uint8)
    fixed = lambda p: np.rint(np.clip(8 * p - 4, -3e4, 3e4)).astype(np.int32)  # noqa: E731
    for x, away, r in spots:
        disc = np.column_stack(
            [x + CIRCLE[:, 0] * r, np.zeros(24), away + CIRCLE[:, 1] * r * 0.7]
        )
        cv2.fillPoly(
            mask, [fixed(stage.pixels(disc))], int(0.62 * strength), cv2.LINE_AA, 4
        )
    for stance in stances:
        _cast(stage, mask, stance, light, 0.62 * strength, fixed)
    k = 2 * max(1, round(0.020 * stage.metre / 2)) + 1
    mask = cv2.blur(mask, (k, k))
    for stance in stances:
        _contact(stage, mask, stance, strength, fixed)
    k = 2 * max(1, round(0.012 * stage.metre / 2)) + 1
    mask = cv2.blur(mask, (k, k))
    return cv2.resize(
        255 - mask, (2 * half, 2 * half), interpolation=cv2.INTER_LINEAR_EXACT
    )[: stage.size, : stage.size]


_NAMES = tuple(dict.fromkeys(n for *ends, _ in LIMBS for n in ends))
_ENDS = np.array([[_NAMES.index(a), _NAMES.index(b)] for a, b, _ in LIMBS])


def _cast(stage: Stage, mask, stance, light, strength, fixed):
    """The shadow that the light throws."""
    slope = float(light @ stance.down)
    if slope > -0.35:  # light along the ground
        return
    where = np.array([stance.points[n] for n in _NAMES])
    height = (stance.ground - where) @ stance.down
    where = where + (height / slope)[:, None] * light
    if where[:, 2].min() < 0.3:  # behind the camera
        return
    ends = fixed(stage.view.project(where))[_ENDS]
    metre = stage.view.focal / stance.points["pelvis"][2] / 2
    for line, (_, _, width) in zip(ends, LIMBS):
        cv2.polylines(
            mask,
            [line],
            False,
            int(strength),
            max(1, round(0.8 * width * metre)),
            cv2.LINE_AA,
            4,
        )


def _contact(stage: Stage, mask, stance, strength, fixed):
    """Dark spots where feet, hands and the rest are close to the ground."""
    for side in ("right", "left"):
        heel, toe = (stance.points[f"{side}_{p}"] for p in ("heel", "toe"))
        along = toe - heel
        along = along - (along @ stance.down) * stance.down
        across = np.cross(along, stance.down)
        across = across / (np.sqrt(across @ across) + 1e-9)
        middle = (heel + toe) / 2
        high = float((stance.ground - middle) @ stance.down)
        dark = strength * max(0.0, 1 - max(high - 0.04, 0) / 0.22)
        if dark < 8 or middle[2] < 0.3:
            continue
        middle = middle + high * stance.down
        disc = middle + CIRCLE[:, :1] * 0.66 * along + CIRCLE[:, 1:] * 0.055 * across
        cv2.fillPoly(mask, [fixed(stage.view.project(disc))], int(dark), cv2.LINE_AA, 4)


def _darken(image, mask):
    cv2.multiply(
        image, cv2.cvtColor(mask, cv2.COLOR_GRAY2BGR), dst=image, scale=1 / 255
    )


# ---------------------------------------------------------------- places
def _studio(stage: Stage, rng, picks, shadows):
    """Coloured paper, rounded where wall meets floor."""
    above, below, _ = ROOMS[int(picks[1] * len(ROOMS))]
    stage.gradient(
        [(-1.2, below * 0.95), (-0.35, below * 1.0), (-0.1, above), (0.5, above * 0.97)]
    )
    _darken(stage.image, shadows)


def _room(stage: Stage, rng, picks, shadows):
    wall, low, floor = ROOMS[int(picks[1] * len(ROOMS))]
    deep = 1.3 + 1.2 * picks[2]
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
    _darken(stage.image, shadows)
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
        _mix(wall, np.full(3, 250.0), 0.5),
    )
    half = 0.5 * stage.size / stage.view.focal * (stage.ground[2] + deep)
    numbers = rng.random((3, 10)).tolist()
    for k, (a, b, *more) in enumerate(numbers):
        place = (2 * (k + a) / 3 - 1) * half
        if x is not None and side * place > side * x - 0.6:
            continue
        WALL[int(b * len(WALL))](
            stage.at(place, deep, 1.35 + 0.35 * more[0]),
            1.0,
            COZY[int(more[1] * len(COZY))],
            more,
        )


def _hall(stage: Stage, rng, picks, shadows):
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
    _darken(stage.image, shadows)
    r = 14.0
    stage.polygon([(-r, 0, deep), (r, 0, deep), (r, 9, deep), (-r, 9, deep)], wall)
    stage.polygon(
        [(-r, 0, deep), (r, 0, deep), (r, 1.6, deep), (-r, 1.6, deep)],
        other * 0.35 + wall * 0.6,
    )
    a = stage.at(0, deep)
    a.box(-r, 0, 2 * r, 0.12, wall * 0.8)
    a.boxes([(x, 2.5, 0.8, 0.9) for x in np.arange(-6, 7) * 1.05], (214, 230, 234))
    x = 3.0 * (picks[7] - 0.5)
    if picks[8] < 0.6:  # wall bars
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


def _sky(stage: Stage, picks, ground):
    colors = SKIES[int(picks[1] * len(SKIES))]
    sky, haze, _, grass, _ = colors
    if ground is None:
        ground = grass
    stage.gradient(
        [
            (-1.2, ground * 0.95),
            (-0.25, ground),
            (-0.04, _mix(ground, haze, 0.15)),
            (-0.005, _mix(ground, haze, 0.25)),
            (0.02, haze),
            (0.55, sky),
            (1.2, sky * 0.96),
        ]
    )
    return colors


def _clouds(stage: Stage, rng, haze):
    half = 0.5 * stage.size / stage.view.focal * 60
    for x, y, s in rng.random((2, 3)).tolist():
        a = stage.at((2 * x - 1) * half, 55, half * (0.25 + 0.7 * y))
        s = half * (0.10 + 0.10 * s)
        white = _mix(haze, np.full(3, 255.0), 0.6)
        a.box(-1.1 * s, -0.18 * s, 2.2 * s, 0.36 * s, white, 0.18 * s)
        a.oval(-0.3 * s, 0.18 * s, 0.45 * s, 0.36 * s, white)
        a.oval(0.35 * s, 0.12 * s, 0.36 * s, 0.28 * s, white)


def _ridge(stage: Stage, rng, away, low, high, color, bumps=6):
    """A line of hills or tree tops along the horizon."""
    half = 0.6 * stage.size / stage.view.focal * (stage.ground[2] + away) + away * 0.2
    heights = low + (high - low) * rng.random(bumps + 3)
    x = np.linspace(-half, half, 33)
    at = np.linspace(-half, half, bumps + 3)
    t = np.clip((x[:, None] - at) / (at[1] - at[0]), -1, 1)
    y = ((0.5 + 0.5 * np.cos(np.pi * t)) * heights).sum(1)
    a = stage.at(0, away)
    a.polygon(
        np.concatenate(
            [np.column_stack([x, y]), [(half, -0.05 * high), (-half, -0.05 * high)]]
        ),
        color,
    )


def _park(stage: Stage, rng, picks, shadows):
    _, haze, hills, grass, path = _sky(stage, picks, None)
    _clouds(stage, rng, haze)
    _ridge(stage, rng, 60, 3, 11, _mix(hills, haze, 0.55))
    _ridge(stage, rng, 40, 1.5, 5, _mix(hills, haze, 0.2), 8)
    _ridge(stage, rng, 16, 0.5, 2.2, _mix(grass * 0.82, hills, 0.35), 14)
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
                a = stage.at(x, away)
                a.polygon(
                    [
                        (-0.05, 0),
                        (-0.045, 0.07),
                        (-0.015, 0.01),
                        (0.0, 0.10),
                        (0.015, 0.01),
                        (0.05, 0.075),
                        (0.05, 0),
                    ],
                    grass * 0.86,
                )
    _darken(stage.image, shadows)


def _street(stage: Stage, rng, picks, shadows):
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
    _darken(stage.image, shadows)
    half = 0.55 * stage.size / stage.view.focal * (stage.ground[2] + away) + 0.5
    x, k = -half - 1.2 * picks[6], 0
    numbers = rng.random((8, 5)).tolist()
    while x < half and k < 8:
        a, b, c, d, e = numbers[k]
        wide, tall = 1.7 + 1.2 * a, 3.2 + 2.6 * b
        _house(
            stage.at(x, away), wide, tall, FACADES[int(c * len(FACADES))], d, e, haze
        )
        x, k = x + wide, k + 1


def _house(a, w, h, color, pick, kind, haze):
    """A facade with windows and a door or a shop."""
    color = _mix(color, haze, 0.12)
    roof = _mix(np.array([150.0, 96, 82]), color, 0.3) if pick < 0.6 else color * 0.8
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
        _mix(color, np.full(3, 252.0), 0.55),
    )
    a.boxes(cells, _mix(np.array([120.0, 146, 164]), haze, 0.3))
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
        a.box(x, 0, 0.5, 1.08, _mix(color, np.full(3, 250.0), 0.4))
        a.box(x + 0.05, 0, 0.4, 1.02, COZY[int(pick * 97) % len(COZY)] * 0.72)


def _shore(stage: Stage, rng, picks, shadows):
    sand = np.array([236.0, 212, 170]) * (0.95 + 0.08 * picks[2])
    _, haze, hills, _, _ = _sky(stage, picks, sand)
    _clouds(stage, rng, haze)
    _ridge(stage, rng, 90, 0.5, 6, _mix(hills, haze, 0.5))
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
        _mix(sea, np.full(3, 250.0), 0.35),
    )
    stage.floor(
        np.concatenate(
            [np.column_stack([x, wave - 0.6]), np.column_stack([x, wave - 0.18])[::-1]]
        ),
        sand * 0.9,
    )
    _darken(stage.image, shadows)


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
    x += 0.2 * (picks[2] - 0.5)
    color = COZY[int(picks[3] * len(COZY))]
    if up < 0.8:
        kind = FRONT_LOW[int(picks[4] * len(FRONT_LOW))]
        s = float(np.clip(up * (1.25 + 0.5 * picks[5]), 0.45, 1.15))
        kind(stage.at(x, away), s, color, picks[6:])
    else:
        kind = FRONT_HIGH[int(picks[4] * len(FRONT_HIGH))]
        high = 0.0 if kind.__name__ == "pillar" else up
        kind(stage.at(x, away, high), 1.0, color, picks[6:])
