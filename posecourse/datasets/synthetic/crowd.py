"""Where several people stand, so that none is inside another and they hide
one another as much as wanted."""

from __future__ import annotations

import numpy as np

from .body import sample_body
from .camera import Camera
from .pose import sample_pose
from .scenery import LIMBS
from .staging import Difficulty, Stance, place, sample_view

__all__ = ["box_ious", "box_overlap", "gather", "moved", "seen_by"]

_BALLS = np.linspace(0, 1, 5)  # a limb as a row of balls
_NAMES = tuple(dict.fromkeys(n for *ends, _ in LIMBS for n in ends))
_ENDS = np.array([[_NAMES.index(a), _NAMES.index(b)] for a, b, _ in LIMBS])
_RADII = np.repeat([0.46 * width for *_, width in LIMBS], len(_BALLS))


def _balls(points: dict) -> np.ndarray:
    """A body as ``(N, 3)`` middles of balls with the radii `_RADII`."""
    ends = np.array([points[n] for n in _NAMES])[_ENDS]
    rows = ends[:, :1] + _BALLS[:, None] * (ends[:, 1:] - ends[:, :1])
    return rows.reshape(-1, 3)


_TOUCH = (_RADII[:, None] + _RADII + 0.02) ** 2


def _touch(one, other) -> bool:
    """Whether two bodies of balls meet."""
    apart = np.maximum(one.min(0) - other.max(0), other.min(0) - one.max(0))
    if apart.max() > 0.4:  # no ball is as thick
        return False
    squares = (one**2).sum(1)[:, None] + (other**2).sum(1)
    return bool((squares - 2 * one @ other.T < _TOUCH).any())


def gather(
    rng,
    count: int,
    overlap: float,
    camera: Camera,
    level: Difficulty,
    sample_body=sample_body,
) -> list[Stance]:
    """People on one ground, from left to right, in the world's axes.

    Parameters
    ----------
    overlap:
        Wanted `box_overlap` as `camera` sees them, 0 to about 0.6.
    sample_body:
        Makes somebody from random numbers.
    """
    people = []
    for _ in range(count):
        body, pose = sample_body(rng), sample_pose(rng, level.loose)
        facing = sample_view(rng, level)[0]
        people.append(place(body, pose, facing, 0.0, 0.0, ground=np.zeros(3)))
    # The tall ones of a group do not all stand in front.
    across = np.arange(count) - (count - 1) / 2 + rng.uniform(-0.2, 0.2, count)
    away = rng.permutation(count) - (count - 1) / 2
    away = away * min(0.55, 2.6 / count) + rng.uniform(-0.15, 0.15, count)

    def arranged(spacing):
        places = _apart(people, across * spacing, away)
        joints = np.array([s.joints + at for s, at in zip(people, places)])
        return places, box_overlap(_boxes(camera, joints))

    low, high = 0.05, 2.4
    best, found = arranged(high)
    for _ in range(9 if count > 1 else 0):
        middle = (low + high) / 2
        places, measured = arranged(middle)
        if abs(measured - overlap) < abs(found - overlap):
            best, found = places, measured
        low, high = (middle, high) if measured > overlap else (low, middle)
    order = np.argsort(best[:, 0], kind="stable")
    return [moved(people[i], best[i]) for i in order]


def _apart(people, across, away) -> np.ndarray:
    """Places on the ground ``(N, 3)``; whoever would stand in somebody else
    goes back until there is room."""
    places = np.stack([across, np.zeros(len(people)), away], axis=-1)
    bodies = [_balls(s.points) for s in people]
    standing: list[np.ndarray] = []
    for i in np.argsort(away, kind="stable"):
        while any(_touch(bodies[i] + places[i], other) for other in standing):
            places[i, 2] += 0.1
        standing.append(bodies[i] + places[i])
    return places


def moved(stance: Stance, by) -> Stance:
    """The same person `by` ``(3,)`` metres elsewhere in the world."""
    return Stance(
        stance.body,
        stance.pose,
        {k: v + by for k, v in stance.points.items()},
        stance.frames,
        stance.down,
        stance.ground + by,
        stance.facing,
        stance.pitch,
        stance.roll,
        None if stance.seat is None else stance.seat + by,
    )


def seen_by(
    camera: Camera, stance: Stance, pitch: float, roll: float, turn=0.0
) -> Stance:
    """A person of the world in the axes of a camera.

    `pitch`, `roll` and `turn` (how far it goes round) are the camera's, in
    degrees.
    """
    turned = camera.rotation
    return Stance(
        stance.body,
        stance.pose,
        {k: camera.to_camera(v) for k, v in stance.points.items()},
        {k: turned @ v for k, v in stance.frames.items()},
        turned[:, 1],
        camera.to_camera(stance.ground),
        (stance.facing + turn + 180) % 360 - 180,
        pitch,
        roll,
        None if stance.seat is None else camera.to_camera(stance.seat),
    )


def _boxes(camera: Camera, joints) -> np.ndarray:
    """Boxes ``(N, 4)`` around people's joints, with a little for the flesh."""
    flat = camera.project(joints)
    low, high = flat.min(1), flat.max(1)
    grow = 0.04 * (high - low).max(1, keepdims=True)
    return np.concatenate([low - grow, high - low + 2 * grow], axis=1)


def box_ious(boxes) -> np.ndarray:
    """Intersection over union of boxes ``(N, 4)`` with each other: ``(N, N)``."""
    boxes = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    low, high = boxes[:, :2], boxes[:, :2] + boxes[:, 2:]
    sides = np.minimum(high[:, None], high) - np.maximum(low[:, None], low)
    common = np.clip(sides, 0, None).prod(-1)
    areas = boxes[:, 2:].prod(-1)
    return common / np.maximum(areas[:, None] + areas - common, 1e-12)


def box_overlap(boxes) -> float:
    """How much people overlap: for each the largest intersection over union
    of their box ``(x, y, width, height)`` with another's, averaged.

    0 for one person. (Zhang et al., Pose2Seg, 2019, call it MaxIoU.)
    """
    if len(boxes) < 2:
        return 0.0
    ious = box_ious(boxes)
    np.fill_diagonal(ious, 0)
    return float(ious.max(1).mean())
