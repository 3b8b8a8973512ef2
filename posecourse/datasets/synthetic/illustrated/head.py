"""Neck and head, and what is worn there."""

from __future__ import annotations

import numpy as np

from .face import add_face, add_glasses
from .hair import COVERED, CUTS, add_cap, add_fall, add_wreath
from .people import Someone
from .sketch import Sketch
from .skull import Head

__all__ = ["add_head"]

_TURN = np.arange(24) * (np.pi / 12)
# The face that a headscarf leaves free: from the front, in head heights.
_OPEN = np.stack([0.265 * np.sin(_TURN), 0.10 - 0.345 * np.cos(_TURN)], axis=1)


def add_head(f: Sketch, b: Someone):
    """Neck, head, face, hair, glasses, a scarf."""
    h = Head(f, b)
    if b.cut in CUTS:
        add_fall(h)
    f.piece("head", bias=0.02)
    _neck(h)
    if b.cut == "hijab":
        _scarf(h)
    else:
        if b.cut in CUTS:
            add_wreath(h)
        _skull(h)
        if b.cut not in COVERED:
            _ears(h, near=False)
        add_face(h)
        if b.cut in CUTS:
            add_cap(h)
        if b.cut not in COVERED:
            _ears(h, near=True)
    if b.glasses:
        add_glasses(h)


def _neck(h: Head):
    f, b, g = h.f, h.b, h.b.girth

    def ring(y, z, w, d):
        return f.ring("thorax", "chest", (0, y, z), (w * g, 0, 0), (0, 0, d * g))

    rings = [
        ring(0.0, 0.012, 0.060, 0.056),
        f.ball("thorax", "chest", (0, -0.035, 0.010), 0.050 * g),
        h.ball(0, 0.28, 0.06, 0.185),
    ]
    f.chain(rings, "neck", b.skin * (0.88, 0.85, 0.85))
    collar = b.coat_color if b.coat == "hoodie" else b.top
    rings = [ring(0.004, 0.010, 0.072, 0.068), ring(-0.026, 0.014, 0.060, 0.058)]
    f.hull(rings, "neck", collar * (0.92, 0.92, 0.94))


def _skull(h: Head):
    drop, wide = (0.155, 0.262) if h.b.age == "child" else (0.185, 0.25)
    rings = [
        h.egg(0, -0.03, 0.02, (0.335, 0.375, 0.39)),
        h.egg(0, drop, -0.105, (wide, 0.30, 0.265)),
    ]
    h.f.hull(rings, "head", h.b.skin)


def _ears(h: Head, near: bool):
    """The ear on the eye's side, which lies on the head; or the other."""
    for out in (-1, 1):
        if (out * h.eye[0] > 0.12) != near:
            continue
        rings = [
            h.egg(out * 0.325, 0.03, 0.05, (0.035, 0.085, 0.06)),
            h.egg(out * 0.315, 0.12, 0.03, (0.03, 0.045, 0.035)),
        ]
        h.f.hull(rings, "head", h.b.skin)
        if near and h.pixels > 20:
            inner = h.egg(out * 0.35, 0.05, 0.045, (0.012, 0.045, 0.03))
            h.f.hull([inner], "head", h.b.skin * (0.86, 0.80, 0.80))


def _scarf(h: Head):
    """A headscarf, round the neck and over all but the face."""
    f, b, g = h.f, h.b, h.b.girth
    end = f.ring("thorax", "chest", (0, 0.035, 0), (0.125 * g, 0, 0), (0, 0, 0.105 * g))
    f.hull([h.ball(0, 0.34, 0.0, 0.27), end], "neck", b.coat_color * (0.92, 0.92, 0.94))
    rings = [
        h.egg(0, -0.03, 0.03, (0.375, 0.42, 0.425)),
        h.egg(0, 0.26, -0.02, (0.31, 0.28, 0.31)),
    ]
    f.hull(rings, "hair", b.coat_color)
    radii, center = np.array([0.335, 0.48, 0.404]), np.array([0, 0.03, -0.01])
    places, seen = h.surface(_OPEN[:, 0] / 0.322, _OPEN[:, 1], radii, center)
    if h.eye[2] < 0.5 and np.count_nonzero(seen) > 3:
        h.polygon(places, "head", b.skin)
        add_face(h)
