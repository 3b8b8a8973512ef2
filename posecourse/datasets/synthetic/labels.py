"""From people in front of a camera, and what was drawn of them, to labels."""

from __future__ import annotations

import numpy as np

from ...skeletons import MPII, Skeleton, remap
from ..base import Person
from ..mpii import HEAD_PER_DIAGONAL, HEAD_PER_SCALE
from .camera import Camera
from .solids import View
from .staging import Stance, head_box, visibility

__all__ = ["box_of", "exact_position", "label"]


def label(
    name: str,
    image: str,
    stance: Stance,
    view: View,
    center,
    scale: float,
    head_box,
    parts,
    drawn,
    skeleton: Skeleton,
    owners=None,
    number: int = 1,
    camera: Camera | None = None,
) -> Person:
    """The record of one person.

    Parameters
    ----------
    name, image:
        Of the person and of the picture.
    center, scale, head_box:
        As in `Person` and its `extra`.
    parts, owners, number:
        ``(H, W)`` as in `staging.visibility`.
    drawn:
        ``(H, W)`` bool, where the person is seen.
    camera:
        Whose world is known; None for a world that begins where they
        stand.
    """
    keypoints = view.project(stance.joints)
    visible, hidden_by = visibility(keypoints, parts, owners, number)
    keypoints[visible == 0] = np.nan
    if skeleton is not MPII:
        keypoints, visible = remap(keypoints, visible, MPII, skeleton)
    camera = camera or Camera.behind(view, stance.ground, stance.pitch, stance.roll)
    return Person(
        image=image,
        keypoints=keypoints,
        visible=visible,
        center=center,
        scale=scale,
        head_size=HEAD_PER_SCALE * scale,
        box=box_of(drawn),
        area=float(np.count_nonzero(drawn)),
        id=name,
        extra={
            "joints_3d": stance.joints,
            "joints_world": camera.to_world(stance.joints),
            "pose": stance.pose.name,
            "facing": stance.facing,
            "head_box": head_box,
            "hidden_by": {j: p for j, p in hidden_by.items() if j in skeleton.joints},
            "camera": {
                "focal": view.focal,
                "center": view.center,
                "pitch": stance.pitch,
                "roll": stance.roll,
                "rotation": camera.rotation,
                "translation": camera.translation,
            },
        },
        skeleton=skeleton,
    )


def exact_position(stance: Stance, view: View):
    """Centre, scale and head box of `Person`, without an annotator's slips."""
    box = head_box(stance, view)
    scale = HEAD_PER_DIAGONAL * float(np.hypot(*box[2:])) / HEAD_PER_SCALE
    flat = view.project(stance.joints)
    x, y = ((flat.min(0) + flat.max(0)) / 2).tolist()
    return (x, y - 15 * scale), scale, box  # the standard crop is 15 scales lower


def box_of(mask):
    """The box around the True of ``(H, W)``: x, y, width, height; or None."""
    ys, xs = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    if not len(xs):
        return None
    return (
        float(xs[0]),
        float(ys[0]),
        float(xs[-1] - xs[0] + 1),
        float(ys[-1] - ys[0] + 1),
    )
