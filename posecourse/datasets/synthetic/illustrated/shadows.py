"""Shadows on the ground: the one that light throws, and the dark below feet."""

from __future__ import annotations

import cv2
import numpy as np

from ..scenery import LIMBS
from .stage import CIRCLE, Stage, cross

__all__ = ["cast_shadows", "darken"]

_NAMES = tuple(dict.fromkeys(n for *ends, _ in LIMBS for n in ends))
_ENDS = np.array([[_NAMES.index(a), _NAMES.index(b)] for a, b, _ in LIMBS])
_FEET = ("right_heel", "left_heel", "right_toe", "left_toe")


def _fixed(pixels):
    """Where pixels are on a map of half the size, in sixteenths."""
    pixels = np.minimum(np.maximum(8 * pixels - 4, -3e4), 3e4)
    return np.rint(pixels).astype(np.int32)


def cast_shadows(stage: Stage, stances, light, spots, strength):
    """Where light is kept off the ground: ``(size, size)`` uint8, 255 lit.

    Parameters
    ----------
    spots:
        ``x, away, radius`` of what stands about.
    """
    half = -(-stage.size // 2)
    mask = np.zeros((half, half), np.uint8)
    soft = int(0.62 * strength)
    if spots:
        x, away, r = np.array(spots).T[:, :, None]
        discs = np.zeros((len(spots), 12, 3))
        discs[..., 0] = x + CIRCLE[::2, 0] * r
        discs[..., 2] = away + CIRCLE[::2, 1] * 0.7 * r
        discs = _fixed(stage.pixels(discs.reshape(-1, 3))).reshape(-1, 12, 2)
        for disc in discs:
            cv2.fillConvexPoly(mask, disc, soft, cv2.LINE_AA, 4)
    for stance in stances:
        _cast(stage, mask, stance, light, soft)
    k = 2 * max(1, round(0.020 * stage.metre / 2)) + 1
    mask = cv2.blur(mask, (k, k))
    for stance in stances:
        _contact(stage, mask, stance, strength)
    k = 2 * max(1, round(0.012 * stage.metre / 2)) + 1
    mask = 255 - cv2.blur(mask, (k, k))
    size = (2 * half, 2 * half)
    mask = cv2.resize(mask, size, interpolation=cv2.INTER_LINEAR_EXACT)
    return mask[: stage.size, : stage.size]


def _cast(stage: Stage, mask, stance, light, strength: int):
    """The shadow that the light throws."""
    slope = float(light @ stance.down)
    if slope > -0.35:  # light along the ground
        return
    where = np.array([stance.points[n] for n in _NAMES])
    height = (stance.ground - where) @ stance.down
    where = where + (height / slope)[:, None] * light
    if where[:, 2].min() < 0.3:  # behind the camera
        return
    ends = _fixed(stage.view.project(where))[_ENDS]
    metre = 0.4 * stage.view.focal / stance.points["pelvis"][2]
    for line, (_, _, width) in zip(ends, LIMBS):
        thick = max(1, round(width * metre))
        cv2.polylines(mask, [line], False, strength, thick, cv2.LINE_AA, 4)


def _contact(stage: Stage, mask, stance, strength):
    """Dark spots where feet are on the ground, or close to it."""
    down = stance.down
    feet = np.array([stance.points[n] for n in _FEET])
    along = feet[2:] - feet[:2]
    along -= (along @ down)[:, None] * down
    middle = (feet[2:] + feet[:2]) / 2
    high = (stance.ground - middle) @ down
    middle += high[:, None] * down
    for i, height in enumerate(high.tolist()):
        dark = int(strength * max(0.0, 1 - max(height - 0.04, 0) / 0.22))
        if dark < 8 or middle[i, 2] < 0.3:
            continue
        across = cross(along[i], down)
        across *= 0.055 / (np.sqrt(across @ across) + 1e-9)
        disc = middle[i] + CIRCLE @ np.stack([0.66 * along[i], across])
        disc = _fixed(stage.view.project(disc))
        cv2.fillConvexPoly(mask, disc, dark, cv2.LINE_AA, 4)


def darken(image, mask):
    """Multiply a picture by a mask, 255 of which leaves it as it is."""
    cv2.multiply(
        image, cv2.cvtColor(mask, cv2.COLOR_GRAY2BGR), dst=image, scale=1 / 255
    )
