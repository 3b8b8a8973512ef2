"""People in space seen by cameras that are drawn at random."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch

from ..skeletons import MPII, Skeleton
from .lifter import lifter_inputs

__all__ = ["Disturbance", "Views", "random_views"]


class Views(NamedTuple):
    """What a lifter is shown, and what it should say.

    Attributes
    ----------
    inputs:
        ``(N, T, K, 3)`` of `lifter_inputs`.
    target:
        ``(N, K, 3)`` metres from the root, of the middle frame, in the axes of
        a camera turned to look at the joints.
    """

    inputs: torch.Tensor
    target: torch.Tensor


@dataclass(frozen=True)
class Disturbance:
    """How positions in the picture are spoiled, so that a lifter expects it.

    Attributes
    ----------
    noise:
        Largest standard deviation, in root mean square distances of the joints
        from their middle (about half a metre): each view has its own, most of
        them little.
    missing:
        Largest share of joints that are not known.
    """

    noise: float = 0.15
    missing: float = 0.4


def random_views(
    clips,
    generator: torch.Generator,
    disturbance: Disturbance | None = None,
    skeleton: Skeleton = MPII,
) -> Views:
    """Clips seen by a camera each: around it, from 3 to 7 metres, level or from
    above, hardly tilted; half of them mirrored.

    Parameters
    ----------
    clips:
        ``(N, T, K, 3)`` float32 tensor, metres in the world (y down), T odd.
    disturbance:
        None leaves the positions exact.
    """
    n, frames = clips.shape[:2]

    def uniform(low, high, *shape):
        return low + (high - low) * torch.rand(n, *shape, generator=generator)

    yaw, pitch = uniform(-math.pi, math.pi), uniform(-0.09, 0.45)
    roll = 0.05 * torch.randn(n, generator=generator).clamp(-2.5, 2.5)
    distance, mirrored = uniform(3, 7), uniform(0, 1) < 0.5
    middle = clips.flatten(1, 2).mean(1)[:, None, None]
    points = (clips - middle) @ _rotations(yaw, pitch, roll)[:, None].transpose(-1, -2)
    points = (
        points + torch.stack([0 * distance, 0 * distance, distance], -1)[:, None, None]
    )
    twins = points[..., list(skeleton.flip_permutation), :] * torch.tensor([-1.0, 1, 1])
    points = torch.where(mirrored[:, None, None, None], twins, points)

    flat = points[..., :2] / points[..., 2:]
    known = torch.ones(flat.shape[:-1], dtype=torch.bool)
    if disturbance is not None:
        spread = (flat - flat.mean(-2, keepdim=True)).square().sum(-1).mean(-1).sqrt()
        # most views a little, some of them much
        noise = disturbance.noise * uniform(0, 1, 1) ** 3 * spread
        shape = flat.shape
        flat = flat + noise[..., None, None] * torch.randn(shape, generator=generator)
        share = disturbance.missing * uniform(0, 1, 1, 1) ** 3
        known = torch.rand(shape[:-1], generator=generator) >= share
        known = known | (known.sum(-1, keepdim=True) < 3)
    inputs, turn = lifter_inputs(flat, known)
    root = _root(skeleton)
    now = points[:, frames // 2]
    target = (now - now[:, root : root + 1]) @ turn[:, frames // 2].transpose(-1, -2)
    return Views(inputs, target)


def _root(skeleton: Skeleton) -> int:
    """The column of the joint that hangs on itself."""
    return next(k for k, p in enumerate(skeleton.parent_indices) if k == p)


def _rotations(yaw, pitch, roll):
    """``(N, 3, 3)``: about the upright, then looking down, then tilted."""

    def about(axis, angle):
        c, s, o, e = angle.cos(), angle.sin(), 0 * angle, 0 * angle + 1
        rows = {
            "x": (e, o, o, o, c, -s, o, s, c),
            "y": (c, o, s, o, e, o, -s, o, c),
            "z": (c, -s, o, s, c, o, o, o, e),
        }[axis]
        return torch.stack(rows, -1).unflatten(-1, (3, 3))

    return about("z", roll) @ about("x", pitch) @ about("y", yaw)
