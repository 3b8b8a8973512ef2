"""From people in front of a camera, and what was drawn of them, to labels."""

from __future__ import annotations

import numpy as np

from ...skeletons import MPII, Skeleton, remap
from ..base import Person
from .camera import Camera
from .solids import View
from .staging import Stance, visibility

__all__ = ["label"]


def label(
    name: str,
    image: str,
    stance: Stance,
    view: View,
    center,
    scale: float,
    head_size: float,
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
    center, scale, head_size, head_box:
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
        head_size=head_size,
        box=_box(drawn),
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


def _box(mask):
    """The box around the True of ``(H, W)``, or None."""
    ys, xs = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    if not len(xs):
        return None
    return (
        float(xs[0]),
        float(ys[0]),
        float(xs[-1] - xs[0] + 1),
        float(ys[-1] - ys[0] + 1),
    )
