"""From a body in a pose to the shapes of a clothed person."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ..body import SIDES
from ..solids import View
from ..staging import Stance
from .chair import add_seat
from .head import add_head
from .people import Someone
from .sketch import Sketch

__all__ = ["sketch_person"]

SOCK = np.array([240.0, 236, 228])


def sketch_person(stance: Stance, view: View) -> Sketch:
    """What is drawn of a person, and of what they sit on."""
    sketch, body = Sketch(stance.points, stance.frames, view), stance.body
    if stance.seat is not None:
        add_seat(sketch, stance)
    for side in (0, 1):
        _arm(sketch, body, side)
        _leg(sketch, body, side)
    _trunk(sketch, body)
    add_head(sketch, body)
    return sketch


def _dark(color, by=0.82):
    """A colour in the shade: darker and a little cooler."""
    return color * (by, by, min(1.0, by + 0.04))


@lru_cache(maxsize=8)
def _smooth(count: int) -> np.ndarray:
    """Weights that put a ring half way between each two of `count` (Catmull
    and Rom, 1974): ``(2 count - 1, count)``."""
    padded = np.zeros((2 * count - 1, count + 2))
    for k in range(count):
        padded[2 * k, k + 1] = 1
    for k in range(count - 1):
        padded[2 * k + 1, k : k + 4] = np.array([-1, 9, 9, -1]) / 16
    weights = padded[:, 1:-1].copy()
    weights[:, 0] += 2 * padded[:, 0]
    weights[:, 1] -= padded[:, 0]
    weights[:, -1] += 2 * padded[:, -1]
    weights[:, -2] -= padded[:, -1]
    return weights


# ---------------------------------------------------------------- trunk
def _trunk(f: Sketch, b: Someone):
    bottom = b.top if b.legs == "dress" else b.bottom
    wide, g, s = b.build**0.8, b.girth, b.trunk / 0.475
    deep = g * wide
    f.piece("trunk")

    def tube(rows):
        rings = [
            f.ring(origin, frame, (0, y * s, z), (w, 0, 0), (0, 0, d))
            for origin, frame, y, z, w, d in rows
        ]
        return f.between(rings, _smooth(len(rings)))

    seat, waist, chest = b.seat * wide, b.waist * wide, b.chest * b.build**0.4
    belly = 0.094 * deep + 0.25 * max(0.0, b.waist - 0.133)
    skirt = b.legs in ("skirt", "dress")
    lower = tube(
        [
            ("pelvis", "pelvis", 0.100, 0.012, seat * 0.66, 0.080 * deep),
            ("pelvis", "pelvis", 0.010, 0.014, seat * 1.10, 0.116 * deep),
            ("pelvis", "pelvis", -0.085, 0.004, seat * 0.97, 0.106 * deep),
            ("waist", "waist", -0.01, 0.0, waist, belly),
        ]
    )
    _slices(f, "pelvis", lower, "belly", [bottom] * 6)
    worn = b.coat != "none"
    pad = 0.016 * g if worn else 0.006 * g
    color = b.coat_color if worn else b.top
    tucked = skirt or (not worn and b.trouser > 0.62)
    hem = -0.10 if tucked else (0.035 if worn else -0.015)
    bust = 0.35 * b.bust
    rows = [
        ("waist", "waist", 0.0, 0.0, waist + pad, belly + pad),
        ("thorax", "chest", 0.195, -0.002, chest * 0.93 + pad, 0.102 * deep + pad),
        ("thorax", "chest", 0.120, -bust, chest * 1.0 + pad, 0.110 * deep + pad + bust),
        ("thorax", "chest", 0.055, 0.002, chest * 0.95 + pad, 0.100 * deep + pad),
        ("thorax", "chest", 0.004, 0.010, chest * 0.62 + pad, 0.076 * deep + pad),
        ("thorax", "chest", -0.030, 0.014, 0.068 * g, 0.060 * g),
    ]
    flare = pad + (0.0 if tucked else 0.010)
    rows = [
        (
            "pelvis",
            "pelvis",
            hem,
            0.010,
            seat * (0.97 if tucked else 1.09) + flare,
            (0.104 if tucked else 0.116) * deep + flare,
        ),
        *(
            (
                (
                    "pelvis",
                    "pelvis",
                    -0.085,
                    0.004,
                    seat * 0.98 + pad,
                    0.107 * deep + pad,
                ),
            )
            if not tucked
            else ()
        ),
        *rows,
    ]
    upper = tube(rows)
    pattern = b.pattern if not worn else "plain"
    colors = []
    for k in range(len(upper) - 1):
        printed = (pattern == "stripes" and k % 2) or (
            pattern == "block" and k < len(upper) - 7
        )
        colors.append(b.top_print if printed else color)
    for i, side in enumerate(SIDES):
        out = 2 * i - 1
        f.hull(
            [
                f.ball(
                    "thorax", "chest", (out * 0.034 * g, -0.034 * g, 0.012), 0.036 * g
                ),
                f.ball(
                    f"{side}_shoulder",
                    "chest",
                    (-out * 0.008, 0.010, 0.0),
                    (0.049 * b.build**0.5 + (0.005 if worn else 0.002)) * g,
                ),
                f.ball(
                    "thorax", "chest", (out * chest * 0.80, 0.085 * s, 0.004), 0.052 * g
                ),
            ],
            f"{side}_chest",
            color,
        )
    # the upper half of the rings is the chest's
    _slices(f, "chest", upper, ["belly"] * (len(upper) - 8) + ["chest"] * 7, colors)
    tube = Tube(f, upper)
    if b.coat in ("jacket", "cardigan"):
        _opening(f, tube, b, len(upper))
    elif pattern == "print" and f.metre > 30:
        angle = np.arange(12) * (np.pi / 6)
        tube.patch(
            f,
            len(upper) - 5.6 + 1.0 * np.sin(angle),
            0.42 * np.cos(angle),
            "right_chest",
            b.top_print,
        )
    if b.coat == "hoodie":
        shade = _dark(color, 0.86)
        if f.metre > 30:
            k = len(upper)
            tube.patch(
                f,
                np.array([k - 10.6, k - 10.6, k - 13.2, k - 13.2]),
                np.array([-0.5, 0.5, 0.75, -0.75]),
                "right_belly",
                shade,
            )
        f.piece("hood")
        f.hull(
            [
                f.egg(
                    "thorax",
                    "chest",
                    (0, 0.005, 0.085 * g),
                    (0.085 * g, 0.05 * g, 0.045 * g),
                ),
                f.egg(
                    "thorax",
                    "chest",
                    (0, -0.045, 0.045 * g),
                    (0.088 * g, 0.03 * g, 0.05 * g),
                ),
            ],
            "neck",
            shade,
        )
    if skirt:
        _skirt(f, b, bottom, seat, deep)


def _slices(f: Sketch, axis: str, rings, half, colors):
    """Paint a tube ring by ring, the far end first; right half, left half."""
    parts = [half] * (len(rings) - 1) if isinstance(half, str) else half
    frame = f.frames[f._frame[axis]]
    middle = f.points["thorax"]
    upwards = (frame[:, 1] @ middle) > 0  # the top faces the eye
    solved = _solved(f, rings)
    flat = solved[:, 1:] / (solved[:, 1:] ** 2).sum(-1, keepdims=True)
    normal = f.circle[:, 1:] @ flat  # (rings, corners, 3)
    centre = solved[:, 0] / np.sqrt((solved[:, 0] ** 2).sum(-1, keepdims=True))
    seen = (normal * centre[:, None]).sum(-1) < 0.3 * np.sqrt((normal**2).sum(-1))
    left = seen & (f.circle[:, 1] >= 0)
    steps = range(len(rings) - 1)
    for k in steps if upwards else reversed(steps):
        pair = rings[k : k + 2]
        f.hull(pair, f"right_{parts[k]}", colors[k])
        chosen = left[k : k + 2]
        if chosen.any():
            f.claim(pair, chosen, f"left_{parts[k]}")


def _solved(f: Sketch, rings) -> np.ndarray:
    made = f._rings[-1]
    return made[np.array(rings) - int(made[0, 0]), 1:].reshape(-1, 3, 3)


class Tube:
    """The surface of a tube of rings, to lay patches on."""

    def __init__(self, f: Sketch, rings):
        self.rings = _solved(f, rings)
        c, u, v = self.rings.transpose(1, 0, 2)
        across = -(c * u).sum(1) / (u**2).sum(1)
        ahead = (c * v).sum(1) / (v**2).sum(1)
        # the direction, counted from the front, that faces the eye
        self.toward = np.arctan2(across, ahead)

    def patch(self, f: Sketch, along, angle, part, color, least=0.25):
        """A polygon with corners at rings `along` and `angle` from the front,
        as far as it is on the near side."""
        k = np.clip(along, 0, len(self.rings) - 1.001)
        low = k.astype(int)
        share = (k - low)[:, None, None]
        c, u, v = (
            (1 - share) * self.rings[low] + share * self.rings[low + 1]
        ).transpose(1, 0, 2)
        toward = self.toward[low]
        off = (angle - toward + np.pi) % (2 * np.pi) - np.pi
        held = np.clip(off, -1.5, 1.5)
        if np.mean(held == off) < least:
            return
        a = (held + toward)[:, None]
        f.polygon(c + u * np.sin(a) - v * np.cos(a), part, color)


def _opening(f: Sketch, tube: Tube, b: Someone, count: int):
    """The shirt that shows between the halves of a jacket."""
    k = np.linspace(0, count - 1.5, 9)
    width = np.interp(k, [0, count - 8, count - 3, count - 1], [0.16, 0.20, 0.50, 0.7])
    if b.coat == "cardigan":
        width = np.interp(
            k, [0, count - 8, count - 3, count - 1], [0.42, 0.36, 0.5, 0.8]
        )
    tube.patch(
        f,
        np.concatenate([k, k[::-1]]),
        np.concatenate([width, -width[::-1]]),
        "right_chest",
        b.top,
    )
    if b.coat == "jacket" and f.metre > 30:  # lapels
        for out in (-1, 1):
            tube.patch(
                f,
                count + np.array([-1.6, -4.2, -6.5, -4.6]),
                out * np.array([0.62, 0.86, 0.24, 0.38]),
                "right_chest" if out < 0 else "left_chest",
                _dark(b.coat_color, 0.84),
            )


def _skirt(f: Sketch, b: Someone, color, seat, deep):
    """Cloth from the waist round both thighs."""
    f.piece("skirt", after="thigh")
    long = b.legs == "dress" or b.trouser > 0.5
    reach = (0.88 if long else 0.66) * b.thigh
    g = b.girth
    waist = f.ring(
        "pelvis",
        "pelvis",
        (0, -0.10 * g, 0.0),
        (seat * 0.93, 0, 0),
        (0, 0, 0.10 * deep),
    )
    hips = f.ring(
        "pelvis", "pelvis", (0, 0.01, 0.012), (seat * 1.13, 0, 0), (0, 0, 0.125 * deep)
    )
    round_ = 0.108 * g
    hems, mids = [], []
    for i, side in enumerate(SIDES):
        out = 2 * i - 1
        mids.append(
            f.ring(
                f"{side}_hip",
                f"{side}_thigh",
                (out * 0.006, 0.42 * reach, 0.0),
                (0.096 * g, 0, 0),
                (0, 0, 0.104 * g),
            )
        )
        hems.append(
            f.ring(
                f"{side}_hip",
                f"{side}_thigh",
                (out * 0.012, reach, 0.0),
                (round_, 0, 0),
                (0, 0, round_ * 1.06),
            )
        )
    f.hull([waist, hips], "right_belly", color)
    f.hull([hips, *mids], "right_thigh", color)
    f.hull([*mids, *hems], "right_thigh", color)
    left = f.circle[:, 1] >= 0
    every = np.ones_like(left)
    f.claim([waist, hips], np.stack([left, left]), "left_belly")
    f.claim([hips, mids[1]], np.stack([left, every]), "left_thigh")
    f.claim([mids[1], hems[1]], np.stack([every, every]), "left_thigh")


# ----------------------------------------------------------------- arms
def _arm(f: Sketch, b: Someone, i: int):
    side, out = SIDES[i], 2 * i - 1
    g = b.girth
    t = g * b.build**0.6
    worn = b.coat != "none"
    sleeve = 1.94 if worn else b.sleeve
    cloth = b.coat_color if worn else b.top
    loose = (0.012 if worn else 0.006) * g
    upper, fore = f"{side}_upper_arm", f"{side}_forearm"

    f.piece("upper_arm", bias=0.025)
    L, joint, bone = b.upper_arm, f"{side}_shoulder", upper

    def ball(y, r):
        return f.ball(joint, bone, (0.0, y * L, 0.0), r)

    if sleeve < 1:
        f.chain(
            [ball(max(0.0, sleeve - 0.2), 0.046 * t), ball(1, 0.038 * t)], upper, b.skin
        )
        if sleeve < 0.2:
            f.chain([ball(0.02, 0.050 * t), ball(0.35, 0.046 * t)], upper, b.skin)
        else:
            hem = f.ring(
                joint,
                upper,
                (0, sleeve * L, 0),
                (0.054 * t + loose, 0, 0),
                (0, 0, 0.056 * t + loose),
            )
            f.chain([ball(0.04, 0.052 * t + 0.3 * loose), hem], upper, cloth)
    else:
        f.chain(
            [
                ball(0.04, 0.051 * t + 0.3 * loose),
                ball(0.4, 0.047 * t + loose),
                ball(1, 0.040 * t + loose),
            ],
            upper,
            cloth,
        )

    f.piece("forearm", bias=0.03)
    L, joint, bone = b.forearm, f"{side}_elbow", fore
    parts = []
    bare = [ball(0, 0.038 * t), ball(0.28, 0.041 * t), ball(0.97, 0.026 * t)]
    if sleeve <= 1:
        parts.append((bare, b.skin))
    else:
        cut = min(sleeve - 1, 0.95)
        if cut < 0.8:
            parts.append((bare, b.skin))
        hem = f.ring(
            joint,
            fore,
            (0, cut * L, 0),
            (0.032 * t + loose, 0, 0),
            (0, 0, 0.033 * t + loose),
        )
        parts.append(
            ([ball(0, 0.040 * t + loose), ball(0.28, 0.042 * t + loose), hem], cloth)
        )
    palm = _hand(f, b, i, out)
    towards = f.points[f"{side}_hand"][2] < f.points[f"{side}_wrist"][2] - 0.045
    if not towards:
        palm()
    for rings, color in parts:
        f.chain(rings, fore, color)
    if towards:
        palm()


def _hand(f: Sketch, b: Someone, i: int, out: int):
    """A palm, fingers side by side and a thumb; painted when called."""
    side = SIDES[i]
    fore, hand, wrist = f"{side}_forearm", f"{side}_hand", f"{side}_wrist"
    h = b.hand / 0.088

    def ball(x, y, z, r):
        return f.ball(wrist, fore, (-out * x * h, y * h, z * h), r * h)

    def paint():
        heel = [
            ball(0, -0.004, 0, 0.025),
            ball(0, 0.030, -0.014, 0.022),
            ball(0, 0.030, 0.014, 0.022),
        ]
        knuckles = [
            ball(0.003, 0.066, -0.022, 0.0145),
            ball(0.003, 0.062, 0.022, 0.0135),
        ]
        f.hull([*heel, *knuckles], hand, b.skin)
        f.hull(
            [
                ball(0.003, 0.064, -0.004, 0.013),
                knuckles[1],
                ball(0.020, 0.116, -0.006, 0.0095),
                ball(0.022, 0.100, 0.022, 0.0085),
            ],
            hand,
            b.skin,
        )
        f.hull([knuckles[0], ball(0.014, 0.118, -0.027, 0.009)], hand, b.skin)
        thumb = [
            ball(0.002, 0.022, -0.018, 0.016),
            ball(0.006, 0.050, -0.041, 0.0115),
            ball(0.008, 0.078, -0.046, 0.009),
        ]
        f.chain(thumb, hand, b.skin)

    return paint


# ----------------------------------------------------------------- legs
def _leg(f: Sketch, b: Someone, i: int):
    side, out = SIDES[i], 2 * i - 1
    g = b.girth
    t = g * b.build**0.7
    bottom = b.top if b.legs == "dress" else b.bottom
    trousers, leggings = b.legs == "trousers", b.legs == "leggings"
    loose = (
        (0.006 + 0.012 * b.trouser) if trousers else 0.003 if leggings else 0.0
    ) * g
    thigh, shin = f"{side}_thigh", f"{side}_shin"

    f.piece("thigh", bias=-0.10)
    L, joint, frame = b.thigh, f"{side}_hip", thigh

    def ball(y, r, x=0.0, z=0.0):
        return f.ball(joint, frame, (out * x, y * L, z), r)

    def cuff(y, r):
        return f.ring(joint, frame, (0, y * L, 0), (r, 0, 0), (0, 0, r))

    covered = trousers or leggings
    start = 0.086 * t
    rings = [
        ball(0.04, start, -0.002, 0.006),
        ball(0.35, 0.079 * t + loose),
        ball(0.7, 0.064 * t + loose),
        ball(1, 0.053 * t + loose),
    ]
    f.chain(rings, thigh, bottom if covered else b.skin)
    if b.legs == "shorts":
        f.chain([rings[0], ball(0.25, 0.088 * t), cuff(0.66, 0.088 * t)], thigh, bottom)

    f.piece("shin", bias=0.01)
    L, joint, frame = b.shin, f"{side}_knee", shin
    parts = []
    if trousers:
        hem = cuff(0.96, (0.044 + 0.034 * b.trouser) * g)
        parts.append(
            (
                [
                    ball(0, 0.053 * t + loose),
                    ball(0.3, 0.054 * t + loose, 0, 0.006),
                    hem,
                ],
                bottom,
            )
        )
    else:
        leg = [
            ball(0, 0.052 * t),
            ball(0.28, 0.053 * t, 0, 0.010),
            ball(0.62, 0.043 * t, 0, 0.006),
            ball(0.98, 0.034 * t),
        ]
        parts.append((leg, bottom if leggings else b.skin))
        if not leggings:
            parts.append(([cuff(0.84, 0.041 * t), ball(1, 0.036 * t)], SOCK))
    shoe = _shoe(f, b, side, g)
    kicked = f.points[f"{side}_ankle"][2] < f.points[f"{side}_knee"][2] - 0.16
    if not kicked:
        shoe()
    for rings, color in parts:
        f.chain(rings, shin, color)
    if kicked:
        shoe()


def _shoe(f: Sketch, b: Someone, side: str, g: float):
    frame, part, n = f"{side}_foot", f"{side}_foot", b.foot
    ankle = f"{side}_ankle"
    k = g**0.5
    pale = np.clip(b.shoe * 0.3 + 178, 0, 250) if b.shoe[0] < 225 else b.shoe * 0.8

    def egg(y, z, a, h, c):
        return f.egg(ankle, frame, (0, y, z), (a * k, h, c * k))

    def flat(y, z, a, c):
        return f.ring(ankle, frame, (0, y, z), (a * k, 0, 0), (0, 0, c * k))

    def paint():
        heel, ball, toe = (
            egg(0.044, 0.022, 0.034, 0.030, 0.038),
            egg(0.062, -0.62 * n, 0.041, 0.026, 0.048),
            egg(0.072, -n, 0.035, 0.018, 0.034),
        )
        collar = f.ball(ankle, frame, (0, 0.010, 0.006), 0.037 * k)
        sole = [
            flat(0.078, 0.022, 0.037, 0.041),
            flat(0.086, -0.62 * n, 0.044, 0.048),
            flat(0.092, -n, 0.037, 0.036),
            flat(0.064, 0.022, 0.037, 0.041),
            flat(0.080, -n, 0.037, 0.036),
        ]
        below = f.frames[f._frame[frame]][2, 1] < -0.35  # the sole is seen
        if not below:
            f.hull(sole, part, pale)
        f.hull([heel, ball, toe], part, b.shoe)
        f.hull([collar, heel, ball], part, b.shoe)
        if below:
            f.hull(sole[:3], part, pale)

    return paint
