"""From sketches of people to pixels, parts and soft shading."""

from __future__ import annotations

import cv2
import numpy as np

from .sketch import Sketch, fill, painted_order

__all__ = ["paint_people"]

_BODY = 156  # height of people over the background, in grey levels
_RELIEF = 170.0  # grey levels per metre between a person's pieces


def paint_people(image, sketches: list[Sketch], light):
    """Paint people over a picture, the nearest surface in front.

    Parameters
    ----------
    image:
        ``(H, W, 3)`` uint8 RGB, painted on.
    light:
        Unit vector towards the light, in the camera's axes.

    Returns
    -------
    parts, owners, alone:
        ``(H, W)`` uint8: indices of `PARTS`, and whose they are, from 1, 0
        nobody's; and for each person the parts there would be without the
        others.
    """
    height, width = image.shape[:2]
    pieces, places, owner, drawn = [], [], [], []
    for number, sketch in enumerate(sketches, 1):
        rings, corners, where = sketch.project()
        for piece in sketch.pieces:
            if piece.shapes:
                pieces.append(piece)
                places.append(where[piece.first : piece.last])
                owner.append(number)
                drawn.append((rings, corners, sketch.metre))
    slot_of = _number_parts(pieces)
    kind = np.uint8 if len(slot_of) < 256 else np.uint16
    layer = np.zeros((height, width, 4), np.uint8)
    slots = np.zeros((height, width), kind)
    maps = [slots] * len(sketches)
    if len(sketches) > 1:
        maps = [np.zeros_like(slots) for _ in sketches]
    order, depth = painted_order(pieces, places, owner)
    for i in order:
        rings, corners, metre = drawn[i]
        own = maps[owner[i] - 1]
        for shape in pieces[i].shapes:
            slot = slot_of.get((i, shape[2]), 0)
            fill(layer, slots, rings, corners, shape, slot, metre)
            if own is not slots:
                fill(None, own, rings, corners, shape, slot, metre)
    tall = _heights(depth, np.array(owner))
    rows = [(0, 0, 0)] + [
        (part, owner[i] if part > 1 else 0, tall[i]) for i, part in slot_of
    ]
    lookup = np.zeros((3, 256 if kind is np.uint8 else len(rows)), np.uint8)
    lookup[:, : len(rows)] = np.array(rows, np.uint8).T
    parts, owners, relief = (_look_up(slots, row) for row in lookup)
    _lay(image, layer, relief, light, float(np.mean([s.metre for s in sketches])))
    if len(sketches) == 1:
        return parts, owners, [parts]
    return parts, owners, [_look_up(own, lookup[0]) for own in maps]


def _heights(depth, owner) -> list[int]:
    """How far each piece rises in the relief: by its depth among those of the
    same person, and a little less for people who are farther away."""
    near = np.array([depth[owner == k].min() for k in range(1, owner.max() + 1)])
    base = _BODY - 12 * np.argsort(np.argsort(near, kind="stable"))
    tall = base[owner - 1] + _RELIEF * (near[owner - 1] - depth)
    return np.clip(tall, 40, 220).astype(int).tolist()


def _number_parts(pieces) -> dict:
    """A number from 1 for each part of each piece, by the piece's number and
    the part's."""
    keys = ((i, shape[2]) for i, p in enumerate(pieces) for shape in p.shapes)
    known = dict.fromkeys(key for key in keys if key[1])
    return {key: number for number, key in enumerate(known, 1)}


def _look_up(slots, row):
    return cv2.LUT(slots, row) if slots.dtype == np.uint8 else row[slots]


# What the slope of the relief, -128 to 127, does to red, green and blue: warm
# light, cool shade.
_SLOPE = np.arange(-128.0, 128)[:, None] / 128
_GAIN = np.where(
    _SLOPE > 0,
    1 + _SLOPE * np.array([0.34, 0.30, 0.20]),
    1 + _SLOPE * np.array([0.62, 0.60, 0.50]),
)
_GAIN = np.clip(np.round(_GAIN * 128), 0, 255).astype(np.uint8)[None]


def _lay(image, layer, relief, light, metre):
    """Lay a painted layer, softly lit from one side, on a picture.

    Parts are lit by the slope of a blurred relief of their depths, like an
    embossed card: bright on the side of the light, dark on the other, where
    they also throw a little shade on what lies behind them.

    Parameters
    ----------
    layer:
        ``(H, W, 4)`` uint8: colours already weighted by their cover, and the
        cover.
    relief:
        ``(H, W)`` uint8; 0 where nobody is.
    """
    xs = np.flatnonzero(relief.any(0))
    if not len(xs):
        return
    ys = np.flatnonzero(relief.any(1))
    k = max(1, round(0.028 * metre))
    step = max(1, round(0.020 * metre))
    pad = k + step + 1
    top, bottom = max(int(ys[0]) - pad, 0), int(ys[-1]) + pad + 1
    first, last = max(int(xs[0]) - pad, 0), int(xs[-1]) + pad + 1
    window = np.s_[top:bottom, first:last]
    size = (2 * k + 1, 2 * k + 1)
    soft = cv2.blur(cv2.blur(relief[window], size), size)
    length = float(np.hypot(light[0], light[1])) or 1.0
    dx, dy = (round(step * float(light[i]) / length) for i in (0, 1))
    h, w = soft.shape
    wide = cv2.copyMakeBorder(soft, *[step + 1] * 4, cv2.BORDER_REPLICATE)
    lit, dim = (wide[step + 1 + s * dy :, step + 1 + s * dx :][:h, :w] for s in (-1, 1))
    slope = cv2.addWeighted(lit, 1.5, dim, -1.5, 128)
    gain = cv2.LUT(cv2.cvtColor(slope, cv2.COLOR_GRAY2BGR), _GAIN)
    color = cv2.cvtColor(layer[window], cv2.COLOR_RGBA2RGB)
    color = cv2.multiply(color, gain, scale=1 / 128)
    behind = cv2.cvtColor(255 - layer[window][..., 3], cv2.COLOR_GRAY2BGR)
    place = image[window]
    place[...] = cv2.add(color, cv2.multiply(place, behind, scale=1 / 255))
