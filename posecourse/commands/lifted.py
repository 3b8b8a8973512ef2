"""What ``posecourse predict --lift`` writes of a picture or a video.

``NAME-3d.json``::

    {"lifter": "single", "unit": "m", "root": "pelvis",
     "axes": "x right, y down, z away from the camera",
     "camera": {"focal": 768.0, "guessed": true, "width": 640, "height": 480},
     "skeleton": "mpii",
     "poses": [{"image": "me.jpg", "person": 0,
                "joints": {"right_ankle": [0.11, 0.84, -0.02], ...}}]}

A pose of a video also has its ``frame`` and ``time``. Joints of which the
network is not sure (a score below `KNOWN`) are not believed: the lifter guesses
them, too, and they stand in ``guessed``.
"""

from __future__ import annotations

import json

import numpy as np

__all__ = ["KNOWN", "write_lifted"]

KNOWN = 0.2  # the lowest score of a joint that the lifter is shown
_FEWEST = 3
_TURNS, _MOST = 36, 48  # frames of a GIF: of a picture; of a video


def write_lifted(results, written, json_name, gif_name, focal, note):
    """Lift the poses of one source and write both files.

    Parameters
    ----------
    results:
        `ImagePoses` of a picture, or of a video's frames in order.
    written:
        `files.Written` of the output folder.
    focal:
        Pixels; None for a guess.
    note:
        Called with a line about what was left out.
    """
    from ..files import plain
    from ..lifting import Lifter, PinholeCamera

    video = results[0].frame is not None
    lifter = Lifter.load("temporal" if video else "single")
    width, height = results[0].width, results[0].height
    camera = PinholeCamera.guess(width, height, focal)
    found = [
        (result, person, *_shown(pose, lifter.skeleton))
        for result in results
        for person, pose in enumerate(result.poses)
    ]
    usable = [row for row in found if row[3].sum() >= _FEWEST]
    if len(usable) < len(found):
        note(
            f"{results[0].image}: {len(found) - len(usable)} of {len(found)} poses have "
            f"fewer than {_FEWEST} joints with a score of {KNOWN}; they are not lifted"
        )
    if not usable:
        return
    points = lifter(
        np.stack([row[2] for row in usable]),
        camera,
        np.stack([row[3] for row in usable]),
    )
    content = {
        "lifter": "temporal" if video else "single",
        "unit": "m",
        "root": lifter.skeleton.joints[lifter.network.root],
        "axes": "x right, y down, z away from the camera",
        "camera": {
            "focal": float(camera.intrinsics[0, 0]),
            "guessed": focal is None,
            "width": width,
            "height": height,
        },
        "skeleton": lifter.skeleton.name,
        "poses": [
            _record(result, person, known, body, lifter.skeleton)
            for (result, person, _, known), body in zip(usable, points)
        ],
    }
    with written.path(json_name) as path:
        path.write_text(json.dumps(plain(content), indent=1) + "\n", "utf-8")
    with written.path(gif_name) as path:
        path.write_bytes(_turning(points, video))


def _shown(pose, skeleton):
    """A pose in the lifter's joints, and which of them it may believe."""
    from ..skeletons import remap

    seen = np.isfinite(pose.keypoints).all(1) & (pose.scores >= KNOWN)
    points, visible = remap(pose.keypoints, 2 * seen, pose.skeleton, skeleton)
    return points, visible > 0


def _record(result, person, known, body, skeleton) -> dict:
    where = {"image": result.image, "frame": result.frame, "time": result.time}
    return {
        **{key: value for key, value in where.items() if value is not None},
        "person": person,
        "joints": {
            joint: [round(float(v), 4) for v in point]
            for joint, point in zip(skeleton.joints, body)
        },
        "guessed": [joint for joint, there in zip(skeleton.joints, known) if not there],
    }


def _turning(points, video) -> bytes:
    """All people of a picture, or one through a video, as a turning GIF."""
    from ..visualization.lifting import turning_gif

    if not video:
        return turning_gif([points[:4]] * _TURNS)
    chosen = (
        np.linspace(0, len(points) - 1, min(len(points), _MOST)).round().astype(int)
    )
    frames = [points[[t]] for t in chosen]
    return turning_gif(frames * -(-_TURNS // len(frames)))
