"""The trunk, and what is worn on it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ..body import SIDES
from .people import Someone
from .sketch import Sketch

__all__ = ["add_trunk"]


@lru_cache(maxsize=16)
def _smooth(count: int, more: bool) -> np.ndarray:
    """Weights of `count` rings that make those and, with `more`, one half way
    between each two of them (Catmull and Rom, 1974)."""
    if not more:
        return np.eye(count)
    padded = np.zeros((2 * count - 1, count + 2))
    padded[::2, 1:-1] = np.eye(count)
    for k in range(count - 1):
        padded[2 * k + 1, k : k + 4] = np.array([-1, 9, 9, -1]) / 16
    weights = padded[:, 1:-1].copy()  # beyond the ends it goes straight on
    weights[:, 0] += 2 * padded[:, 0]
    weights[:, 1] -= padded[:, 0]
    weights[:, -1] += 2 * padded[:, -1]
    weights[:, -2] -= padded[:, -1]
    return weights


class _Tube:
    """A tube of rings, from the lowest to the highest.

    `rows` are a bone's point and frame, height below it and distance behind
    it, half width and half depth. Places on the tube are counted in rows from
    the top, and in radians from the front.
    """

    def __init__(self, f: Sketch, rows, more: bool):
        rings = [
            f.ring(point, frame, (0, y, z), (w, 0, 0), (0, 0, d))
            for point, frame, y, z, w, d in rows
        ]
        self.f, self.step = f, 2 if more else 1
        self.numbers, self.rings = f.blended(rings, _smooth(len(rings), more))
        c, u, v = self.rings.transpose(1, 0, 2)
        across = -(c * u).sum(1) / (u**2).sum(1)
        ahead = (c * v).sum(1) / (v**2).sum(1)
        self.toward = np.arctan2(across, ahead)  # what faces the eye

    def rows_down(self) -> np.ndarray:
        """How far below the top the middle of each slice is."""
        return (np.arange(len(self.numbers) - 1)[::-1] + 0.5) / self.step

    def paint(self, axis: str, parts, colors):
        """Paint it slice by slice, the far end first, and tell its left half
        from its right.

        `axis` is the bone along which it runs.
        """
        f, rings = self.f, self.rings
        inverse = rings[:, 1:] / (rings[:, 1:] ** 2).sum(-1, keepdims=True)
        normal = f.circle[:, 1:] @ inverse
        centre = rings[:, 0] / np.sqrt((rings[:, 0] ** 2).sum(-1, keepdims=True))
        facing = (normal @ centre[:, :, None])[..., 0]
        # Of the left half: what is seen, and a little round the edge, so that
        # nothing there stays the right half's; not where the hidden one of
        # breast and back bone is.
        _, cosine, sine = f.circle.T
        steep = np.sqrt((normal**2).sum(-1))
        front = (rings[:, 2] * centre).sum(-1, keepdims=True) > 0
        near = (facing < 0.3 * steep) & (np.where(front, sine, -sine) < 0.5)
        half = cosine >= 0
        left = ((facing < 0) | near) & half
        lengthwise = float(f.axes(axis)[:, 1] @ centre[-1])
        if abs(lengthwise) > 0.5:  # it is seen from one of its ends
            left[:] = half
        steps = list(range(len(rings) - 1))
        if lengthwise < 0:  # the top faces away
            steps.reverse()
        for k in steps:
            pair = self.numbers[k : k + 2]
            f.hull(pair, f"right_{parts[k]}", colors[k])
            if left[k : k + 2].any():
                f.claim(pair, left[k : k + 2], f"left_{parts[k]}")
        if abs(lengthwise) > 0.15:
            end = [self.numbers[-1 if lengthwise > 0 else 0]]
            f.claim(end, half[None], f"left_{parts[steps[-1]]}")

    def patch(self, down, angle, color):
        """A polygon on it, as far as it is on the near side."""
        k = len(self.rings) - 1 - np.asarray(down) * self.step
        k = np.minimum(np.maximum(k, 0), len(self.rings) - 1.001)
        low = k.astype(int)
        share = (k - low)[:, None, None]
        rings = (1 - share) * self.rings[low] + share * self.rings[low + 1]
        toward = self.toward[low]
        off = (angle - toward + np.pi) % (2 * np.pi) - np.pi
        held = np.minimum(np.maximum(off, -1.5), 1.5)
        if np.count_nonzero(held == off) < 0.25 * len(off):
            return
        a = (held + toward)[:, None]
        corners = rings[:, 0] + rings[:, 1] * np.sin(a) - rings[:, 2] * np.cos(a)
        self.f.polygon(corners, None, color)


def add_trunk(f: Sketch, b: Someone):
    """Hips and chest, shirt or coat, hood, skirt."""
    f.piece("trunk")
    wide = b.build**0.8
    seat, deep = b.seat * wide, b.girth * wide
    _hips(f, b, seat, deep)
    tube, shade = _shirt(f, b, seat, deep)
    if b.coat in ("jacket", "cardigan"):
        _opening(tube, b)
    elif b.coat == "hoodie":
        _hood(f, tube, b, shade)
    elif b.pattern == "print" and f.metre > 30:
        turn = np.arange(12) * (np.pi / 6)
        tube.patch(2.3 - 0.5 * np.sin(turn), 0.42 * np.cos(turn), b.top_print)
    if b.legs in ("skirt", "dress"):
        _skirt(f, b, seat, deep)


def _belly(b: Someone, deep):
    return 0.094 * deep + 0.25 * max(0.0, b.waist - 0.133)


def _hips(f: Sketch, b: Someone, seat, deep):
    s = b.trunk / 0.475
    rows = [
        ("pelvis", "pelvis", 0.100 * s, 0.012, seat * 0.66, 0.080 * deep),
        ("pelvis", "pelvis", 0.010 * s, 0.014, seat * 1.10, 0.116 * deep),
        ("pelvis", "pelvis", -0.085 * s, 0.004, seat * 0.97, 0.106 * deep),
        ("waist", "waist", -0.01 * s, 0.0, b.waist * b.build**0.8, _belly(b, deep)),
    ]
    tube = _Tube(f, rows, f.fine)
    count = len(tube.numbers) - 1
    color = b.top if b.legs == "dress" else b.bottom
    tube.paint("pelvis", ["belly"] * count, [color] * count)


def _shirt(f: Sketch, b: Someone, seat, deep):
    """Shirt or coat; the tube, and the colour of its folds."""
    worn, g, s = b.coat != "none", b.girth, b.trunk / 0.475
    pad = (0.016 if worn else 0.006) * g
    color = b.coat_color if worn else b.top
    chest, bust = b.chest * b.build**0.4, 0.35 * b.bust
    front = 0.110 * deep + pad + bust
    rows = [
        ("waist", "waist", 0.0, 0.0, b.waist * b.build**0.8, _belly(b, deep)),
        ("thorax", "chest", 0.195 * s, -0.002, chest * 0.93, 0.102 * deep),
        ("thorax", "chest", 0.120 * s, -bust, chest, front - pad),
        ("thorax", "chest", 0.055 * s, 0.002, chest * 0.95, 0.100 * deep),
        ("thorax", "chest", 0.004 * s, 0.010, chest * 0.62, 0.076 * deep),
        ("thorax", "chest", -0.030 * s, 0.014, 0.068 * g - pad, 0.060 * g - pad),
    ]
    if b.legs in ("skirt", "dress") or (not worn and b.trouser > 0.62):  # tucked in
        hem = [("pelvis", "pelvis", -0.10 * s, 0.010, seat * 0.97, 0.104 * deep)]
    else:
        low, flare = (0.035 if worn else -0.015) * s, 0.010
        hem = [
            ("pelvis", "pelvis", low, 0.010, seat * 1.09 + flare, 0.116 * deep + flare),
            ("pelvis", "pelvis", -0.085 * s, 0.004, seat * 0.98, 0.107 * deep),
        ]
    rows = [(*row[:4], row[4] + pad, row[5] + pad) for row in hem + rows]
    pattern = "plain" if worn else b.pattern
    tube = _Tube(f, rows, f.fine or pattern == "stripes")
    down = tube.rows_down().tolist()
    if pattern == "stripes":
        colors = [b.top_print if k % 2 else color for k in range(len(down))]
    elif pattern == "block":
        colors = [b.top_print if d > 3 else color for d in down]
    else:
        colors = [color] * len(down)
    _shoulders(f, b, chest, color)
    tube.paint("chest", ["chest" if d < 4 else "belly" for d in down], colors)
    return tube, color * (0.86, 0.86, 0.9)


def _shoulders(f: Sketch, b: Someone, chest, color):
    """From the neck to the shoulders and down to the ribs."""
    g = b.girth
    thick = (0.049 * b.build**0.5 + (0.002 if b.coat == "none" else 0.005)) * g
    for side, out in zip(SIDES, (-1, 1)):
        neck = f.ball(
            "thorax", "chest", (out * 0.034 * g, -0.034 * g, 0.012), 0.036 * g
        )
        end = f.ball(f"{side}_shoulder", "chest", (-out * 0.008, 0.010, 0.0), thick)
        ribs = (out * chest * 0.80, 0.085 * b.trunk / 0.475, 0.004)
        f.hull(
            [neck, end, f.ball("thorax", "chest", ribs, 0.052 * g)],
            f"{side}_chest",
            color,
        )


_OPENING = {
    # half its width at these rows from the top, radians
    "jacket": ((0.0, 1.0, 3.5, 7.0), (0.7, 0.5, 0.20, 0.16)),
    "cardigan": ((0.0, 1.0, 3.5, 7.0), (0.8, 0.5, 0.36, 0.42)),
}


def _opening(tube: _Tube, b: Someone):
    """The shirt that shows between the halves of a coat."""
    down = np.linspace(0.25, 7.0, 9)
    half = np.interp(down, *_OPENING[b.coat])
    tube.patch(
        np.concatenate([down, down[::-1]]),
        np.concatenate([half, -half[::-1]]),
        b.top,
    )
    if b.coat == "jacket" and tube.f.metre > 40:
        for out in (-1, 1):  # lapels
            tube.patch(
                (0.3, 1.6, 2.75, 1.8),
                out * np.array([0.62, 0.86, 0.24, 0.38]),
                b.coat_color * (0.84, 0.84, 0.88),
            )


def _hood(f: Sketch, tube: _Tube, b: Someone, shade):
    """A pocket, and a hood that lies on the back."""
    g = b.girth
    if f.metre > 40:
        tube.patch(
            (4.8, 4.8, 6.1, 6.1),
            np.array([-0.5, 0.5, 0.75, -0.75]),
            shade,
        )
    f.piece("hood")
    low = f.egg(
        "thorax", "chest", (0, 0.005, 0.085 * g), (0.085 * g, 0.05 * g, 0.045 * g)
    )
    high = f.egg(
        "thorax", "chest", (0, -0.045, 0.045 * g), (0.088 * g, 0.03 * g, 0.05 * g)
    )
    f.hull([low, high], "neck", shade)


def _skirt(f: Sketch, b: Someone, seat, deep):
    """Cloth from the waist round both thighs."""
    f.piece("skirt", after="thigh")
    color = b.top if b.legs == "dress" else b.bottom
    long = b.legs == "dress" or b.trouser > 0.5
    reach, g = (0.88 if long else 0.66) * b.thigh, b.girth

    def ring(y, z, w, d):
        return f.ring("pelvis", "pelvis", (0, y, z), (w, 0, 0), (0, 0, d))

    def round_thigh(side, x, y, w, d):
        return f.ring(
            f"{side}_hip", f"{side}_thigh", (x, y, 0), (w * g, 0, 0), (0, 0, d * g)
        )

    waist = ring(-0.10 * g, 0.0, seat * 0.93, 0.10 * deep)
    hips = ring(0.01, 0.012, seat * 1.13, 0.125 * deep)
    sides = tuple(zip(SIDES, (-1, 1)))
    middle = [round_thigh(s, x * 0.006, 0.42 * reach, 0.096, 0.104) for s, x in sides]
    hem = [round_thigh(s, x * 0.012, reach, 0.108, 0.114) for s, x in sides]
    f.hull([waist, hips], "right_belly", color)
    f.hull([hips, *middle], "right_thigh", color)
    f.hull([*middle, *hem], "right_thigh", color)
    left = f.circle[:, 1] >= 0
    every = np.ones_like(left)
    f.claim([waist, hips], np.stack([left, left]), "left_belly")
    f.claim([hips, middle[1]], np.stack([left, every]), "left_thigh")
    f.claim([middle[1], hem[1]], np.stack([every, every]), "left_thigh")
