"""New bodies from old ones: arms and legs that move as somebody else's."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from ..skeletons import MPII, Skeleton

__all__ = ["mix_limbs"]

_LIMBS = {"shoulder": ("elbow", "wrist"), "hip": ("knee", "ankle")}


def mix_limbs(
    bodies,
    others,
    share: float,
    generator: torch.Generator,
    skeleton: Skeleton = MPII,
):
    """Bodies, some of which have taken over what others do with arms or legs.

    Who has only seen people squat with their hands on their knees cannot know
    that arms go their own ways. Here they do: both arms are held to the trunk
    as the other's, or both legs, and keep their own length (after Li et al.,
    "Cascaded Deep Monocular 3D Human Pose Estimation with Evolutionary
    Training Data", 2020).

    Parameters
    ----------
    bodies, others:
        ``(N, T, K, 3)`` tensors, clips of T moments each, in the same order.
    share:
        Of the clips whose arms are changed, and, drawn anew, of those whose
        legs are.

    Returns
    -------
    A new ``(N, T, K, 3)`` tensor.

    Raises
    ------
    ValueError
        If the skeleton lacks shoulders, elbows, wrists, hips, knees or ankles.
    """
    result = bodies.clone()
    for base, limb in _LIMBS.items():
        chosen = torch.rand(len(bodies), generator=generator) < share
        own, theirs = (_trunk(p, base, skeleton) for p in (bodies, others))
        turn = own @ theirs.transpose(-1, -2)
        for side in ("right", "left"):
            last = skeleton.index(f"{side}_{base}")
            place = bodies[..., last, :]
            for name in limb:
                joint = skeleton.index(f"{side}_{name}")
                bone = bodies[..., joint, :] - bodies[..., last, :]
                length = torch.linalg.vector_norm(bone, dim=-1, keepdim=True)
                bone = F.normalize(others[..., joint, :] - others[..., last, :], dim=-1)
                place = place + length * (turn @ bone[..., None])[..., 0]
                result[..., joint, :] = torch.where(
                    chosen[:, None, None], place, bodies[..., joint, :]
                )
                last = joint
    return result


def _trunk(points, base, skeleton):
    """Axes of the trunk ``(..., 3, 3)``, as columns: left, down, and across
    both; left is from shoulder to shoulder, or from hip to hip."""

    def pair(name):
        return (
            points[..., skeleton.index(f"{s}_{name}"), :] for s in ("right", "left")
        )

    right, left = pair(base)
    across = F.normalize(left - right, dim=-1)
    down = sum(pair("hip")) - sum(pair("shoulder"))
    down = down - (down * across).sum(-1, keepdim=True) * across
    down = F.normalize(down, dim=-1)
    return torch.stack([across, down, torch.linalg.cross(across, down)], -1)
