"""From a body and the angles of its pose to points in space.

The body's own directions are x to the person's left, y down (towards the
feet) and z backwards, in metres. Somebody who stands upright and faces the
camera therefore has the camera's directions.
"""

from __future__ import annotations

import numpy as np

from .body import SIDES, Body
from .pose import Pose
from .rotations import turns

__all__ = ["articulate"]

_MIRROR = np.array([-1.0, 1.0])  # right arm: left's mirror


def articulate(body: Body, pose: Pose, root=None):
    """Points and frames of a body in a pose.

    Parameters
    ----------
    root:
        ``(3, 3)`` turn of the whole body from its own directions to those
        wanted, e.g. the camera's. The pelvis is at 0.

    Returns
    -------
    points:
        ``{name: (3,)}`` metres: the MPII joints and what drawing needs.
    frames:
        ``{name: (3, 3)}``, columns are left, down, back of a part.
    """
    arms, legs, out = pose.arms, pose.legs, _MIRROR
    spine, nod = pose.spine, pose.neck
    single = turns(
        "zxyzxyxyzx",
        [
            pose.root[1],
            pose.root[0],
            spine[1] / 2,
            spine[2] / 2,
            spine[0] / 2,
            nod[1] * 0.4,
            nod[0] * 0.5 - spine[0] * 0.15,
            nod[1] * 0.6,
            nod[2],
            nod[0] * 0.5,
        ],
    )
    both = turns(
        "xxzzyyxxxxzzyyxxxx",
        np.concatenate(
            [
                -arms[:, 0],
                -out * arms[:, 1],
                out * arms[:, 2],
                -arms[:, 3],
                -legs[:, 0],
                -out * legs[:, 1],
                out * legs[:, 2],
                legs[:, 3],
                pose.ankles,
            ]
        ),
    ).reshape(9, 2, 3, 3)
    pelvis = single[0] @ single[1]
    if root is not None:
        pelvis = root @ pelvis
    half = single[2] @ single[3] @ single[4]
    middle = pelvis @ half
    chest = middle @ half
    neck = chest @ single[5] @ single[6]
    head = neck @ single[7] @ single[8] @ single[9]
    upper = chest @ both[0] @ both[1] @ both[2]
    fore = upper @ both[3]
    thighs = pelvis @ both[4] @ both[5] @ both[6]
    shins = thighs @ both[7]
    feet = shins @ both[8]
    if pose.feet is not None:
        inwards = turns(
            "zzyy", np.concatenate([out * pose.feet.T[0], out * pose.feet.T[1]])
        )
        feet = feet @ inwards[:2] @ inwards[2:]

    points, frames = (
        {},
        {"pelvis": pelvis, "waist": middle, "chest": chest, "neck": neck, "head": head},
    )
    points["pelvis"] = np.zeros(3)
    waist = points["waist"] = pelvis @ (0, -0.42 * body.trunk, 0)
    thorax = points["thorax"] = (
        waist + middle @ (0, -0.22 * body.trunk, 0) + chest @ (0, -0.36 * body.trunk, 0)
    )
    points["upper_neck"] = thorax + neck @ (0, -body.neck, -0.012)
    points["head_top"] = points["upper_neck"] + head @ (0, -body.head, -0.01)

    # Raised arms lift the shoulders.
    raised = np.sin(
        np.deg2rad(np.clip(np.hypot(arms[:, 0], arms[:, 1]) - 40, 0, 110)) * 0.8
    )
    for i, side in enumerate(SIDES):
        shoulder = thorax + chest @ (
            out[i] * body.shoulder,
            0.022 - 0.05 * raised[i],
            0.0,
        )
        elbow = shoulder + body.upper_arm * upper[i, :, 1]
        wrist = elbow + body.forearm * fore[i, :, 1]
        hip = pelvis @ (out[i] * body.hip, 0.012, 0)
        knee = hip + body.thigh * thighs[i, :, 1]
        ankle = knee + body.shin * shins[i, :, 1]
        points[side + "_shoulder"], points[side + "_elbow"] = shoulder, elbow
        points[side + "_wrist"] = wrist
        points[side + "_hand"] = wrist + body.hand * fore[i, :, 1]
        points[side + "_hip"], points[side + "_knee"] = hip, knee
        points[side + "_ankle"] = ankle
        points[side + "_heel"] = ankle + feet[i] @ (0, 0.042, 0.028)
        points[side + "_toe"] = ankle + feet[i] @ (0, 0.056, -body.foot)
        for name, frame in (
            ("upper_arm", upper),
            ("forearm", fore),
            ("thigh", thighs),
            ("shin", shins),
            ("foot", feet),
        ):
            frames[f"{side}_{name}"] = frame[i]
    return points, frames
