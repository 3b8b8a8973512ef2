"""What people sit on: a stool, or a wheelchair of their own."""

from __future__ import annotations

import numpy as np

from ..staging import Stance
from .sketch import Sketch
from .stage import CIRCLE, cross

__all__ = ["add_seat"]

_WOOD = np.array([164.0, 124, 88])
_METAL = np.array([92.0, 98, 108])
_TYRE = np.array([62.0, 62, 68])
_CLOSED = np.concatenate([CIRCLE, CIRCLE[:1]])


def add_seat(f: Sketch, stance: Stance):
    """The seat of somebody who sits, on the ground below."""
    down = stance.down
    left = stance.frames["pelvis"][:, 0]
    left = left - (left @ down) * down
    left = left / np.sqrt(left @ left)
    axes = np.column_stack([left, down, cross(left, down)])
    low = float((stance.ground - stance.seat) @ down)
    if stance.body.wheelchair and stance.pose.name == "sitting":
        _wheelchair(f, axes, low, stance)
    else:
        _stool(f, axes, low, stance.seat)


class _Frame:
    """Places of the seat's own directions in the camera's axes."""

    def __init__(self, f: Sketch, axes, seat):
        self.f, self.axes, self.seat = f, axes, seat

    def space(self, *points):
        return self.seat + np.array(points, dtype=np.float64) @ self.axes.T

    def ring(self, middle, u, v):
        c, u, v = self.space(middle)[0], self.axes @ u, self.axes @ v
        return self.f.ring("pelvis", "eye", c - self.f.points["pelvis"], u, v)

    def rod(self, *points, color=_METAL, width=0.024):
        self.f.line(self.space(*points), "object", color, width)


def _stool(f: Sketch, axes, low, seat):
    s = _Frame(f, axes, seat)
    f.piece("stool", bias=-0.06)
    top = [s.ring((0, y, 0.0), (0.20, 0, 0), (0, 0, 0.18)) for y in (0.105, 0.15)]
    for x, z in ((-0.13, 0.11), (0.13, 0.11), (-0.13, -0.11), (0.13, -0.11)):
        s.rod((x, 0.15, z), (1.25 * x, low, 1.25 * z), color=_WOOD * 0.82, width=0.034)
    f.hull(top, "object", _WOOD * 0.9)
    f.hull(top[:1], "object", _WOOD * 1.08)


def _wheelchair(f: Sketch, axes, low, stance):
    s = _Frame(f, axes, stance.seat)
    cloth = stance.body.coat_color * 0.55 + 28
    r = min(0.31, 0.62 * low)
    f.piece("chair", bias=-0.08)
    seat = [s.ring((0, y, -0.03), (0.22, 0, 0), (0, 0, 0.22)) for y in (0.10, 0.15)]
    f.hull(seat, "object", cloth)
    for x in (-0.17, 0.17):
        s.rod(
            (x, 0.14, -0.2),
            (x, low - 0.10, -0.34),
            (0.7 * x, low - 0.03, -0.50),
            width=0.026,
        )
    plate = [s.ring((0, low - 0.015, -0.50), (0.17, 0, 0), (0, 0, 0.10))]
    f.hull(plate, "object", _METAL * 0.85)
    f.piece("back", bias=-0.02)
    back = [s.ring((0, y, 0.165), (0.20, 0, 0), (0, 0, 0.022)) for y in (-0.34, 0.10)]
    f.hull(back, "object", cloth * 1.08)
    for x in (-0.2, 0.2):
        s.rod((x, 0.12, 0.17), (x, -0.40, 0.17), (x, -0.40, 0.27))
    for out in (-1, 1):
        f.piece("wheel", bias=0.02)
        x, y = out * 0.265, low - r
        s.ring((x, y, 0.10), (0, 0.7 * r, 0), (0, 0, 0.7 * r))
        s.rod(
            (out * 0.22, 0.12, -0.2),
            (out * 0.22, -0.06, -0.16),
            (out * 0.22, -0.06, 0.16),
        )
        small = np.column_stack(
            [
                np.full(25, out * 0.2),
                low - 0.06 + 0.055 * _CLOSED[:, 1],
                -0.33 + 0.055 * _CLOSED[:, 0],
            ]
        )
        s.rod(*small, color=_TYRE, width=0.03)
        for k in range(4):
            c, d = np.cos(k * np.pi / 4), np.sin(k * np.pi / 4)
            s.rod(
                (x, y - r * c, 0.10 - r * d),
                (x, y + r * c, 0.10 + r * d),
                color=_METAL * 1.5,
                width=0.006,
            )
        wheel = np.column_stack(
            [np.full(25, x), y + r * _CLOSED[:, 1], 0.10 + r * _CLOSED[:, 0]]
        )
        s.rod(*wheel, color=_TYRE, width=0.032)
        wheel = np.column_stack(
            [
                np.full(25, out * 0.29),
                y + 0.86 * r * _CLOSED[:, 1],
                0.10 + 0.86 * r * _CLOSED[:, 0],
            ]
        )
        s.rod(*wheel, color=_METAL * 1.7, width=0.012)
