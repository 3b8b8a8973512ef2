"""A choreography performed: angles and points of a body at any time, and the
camera that films it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .articulation import articulate
from .body import SIDES, Body
from .camera import Camera
from .choreography import OUT, Moves
from .limbs import reach
from .pose import JOINT_LIMITS, Pose
from .rotations import rotation, turn_angles
from .staging import Stance, arms_aside
from .styles import STYLES

__all__ = ["Performance", "film", "perform", "with_ground"]


@dataclass
class Performance:
    """What somebody does, in the world's axes.

    Attributes
    ----------
    stances:
        One `Stance` per moment; the ground is y = 0.
    progress:
        ``(T,)`` repetitions done so far.
    contacts:
        Per moment the names of the points that rest on the ground.
    repetitions:
        How many are done at the end.
    """

    stances: list[Stance]
    progress: np.ndarray
    contacts: list[tuple[str, ...]]
    repetitions: int

    @property
    def joints(self) -> np.ndarray:
        """The MPII joints, ``(T, 16, 3)`` metres."""
        return np.array([stance.joints for stance in self.stances])


def perform(
    style: str,
    body: Body,
    rng,
    times,
    seconds: float,
    speed: float = 1.0,
    turn: float = 0.0,
    **habits,
) -> Performance:
    """Somebody performs a style.

    Parameters
    ----------
    times:
        ``(T,)`` seconds, within `seconds`.
    turn:
        Degrees by which all of it is turned about the upright.
    habits:
        Attributes of the style that are given instead of drawn.
    """
    # A skirt's cone is not made for long strides and lying people.
    legs = {"skirt": "shorts", "dress": "leggings"}.get(body.legs, body.legs)
    body = replace(body, legs=legs)
    mover = STYLES[style](rng, body, seconds, speed)
    for name, value in habits.items():
        setattr(mover, name, value)
    # What holds for all of it is found at times that do not depend on `times`.
    dense = mover(np.arange(0, seconds, 1 / 30))
    drop = _drop(body, dense, mover.straight)
    dense.pelvis[:, 1] += drop
    moves = mover(np.asarray(times, dtype=np.float64))
    moves.pelvis[:, 1] += drop
    if dense.wrists is None:
        poses = _poses(body, dense, style)
        aside = arms_aside(body, poses)[0].arms - poses[0].arms
        moves.arms = _give_way(moves.arms, dense.arms, aside)
    turned = rotation("y", turn)
    seat = None if mover.seat is None else turned @ mover.seat
    stances = []
    for pose, pelvis, yaw in zip(_poses(body, moves, style), moves.pelvis, moves.yaw):
        points, frames = articulate(body, pose, rotation("y", turn + yaw))
        at = turned @ pelvis
        stances.append(
            Stance(
                body,
                pose,
                {name: point + at for name, point in points.items()},
                frames,
                np.array([0.0, 1.0, 0.0]),
                at * (1, 0, 1),
                (turn + yaw + 180) % 360 - 180,
                0.0,
                0.0,
                seat,
            )
        )
    contacts = [_names(c) for c in moves.contacts]
    return Performance(stances, moves.progress, contacts, mover.repetitions)


def film(rng, stances: list[Stance], aim, size) -> tuple[Camera, float]:
    """A camera that sees all of some people's moments.

    Parameters
    ----------
    aim:
        Degrees by which it has gone round, looks down, and is tilted.
    size:
        ``(width, height)`` of the picture.

    Returns
    -------
    camera, distance:
        And how far away the middle of it all is, metres.
    """
    facing, pitch, roll = aim
    turned = rotation("zxy", roll, pitch, facing)
    around = np.array([list(s.points.values()) for s in stances]).reshape(-1, 3)
    around = np.concatenate([around, around + (0, 0.08, 0), around - (0, 0.08, 0)])
    low, high = around.min(0), around.max(0)
    distance = float(rng.uniform(4.0, 5.5) + (high - low)[[0, 2]].max() / 2)
    shift = np.array([0, 0, distance]) - turned @ ((low + high) / 2)
    flat = Camera(1.0, (0.0, 0.0), turned, shift).project(around)
    low, high = flat.min(0), flat.max(0)
    focal = float(0.9 * (np.array(size) / (high - low)).min())
    x, y = (np.array(size) - 1) / 2 - focal * (low + high) / 2
    return Camera(focal, (float(x), float(y)), turned, shift), distance


def with_ground(camera: Camera, stances: list[Stance]) -> list[Stance]:
    """The same, their ground known where it is farthest from the camera, so
    that it is painted as reaching there at all times."""
    feet = [s.points[f"{side}_ankle"] for s in stances for side in SIDES]
    places = np.array(feet) * (1, 0, 1)
    farthest = places[(places @ camera.rotation[2]).argmax()]
    return [replace(stance, ground=farthest) for stance in stances]


def _give_way(arms, usual, aside):
    """Arms ``(T, 2, 4)`` moved aside, the less the nearer to their limits.

    `usual` are the angles of the whole motion, which say how near they get.
    """
    low, high = JOINT_LIMITS["arms"]
    room = np.where(aside > 0, high - arms, arms - low)
    most = np.where(aside > 0, high - usual.min(0), usual.max(0) - low)
    return arms + aside * room / np.maximum(most, 1e-9)


def _names(contacts) -> tuple[str, ...]:
    """The points of the feet that rest on the ground."""
    return tuple(
        f"{side}_{end}"
        for side, ends in zip(SIDES, contacts)
        for end, rests in zip(("heel", "toe"), ends)
        if rests
    )


def _hips(body: Body, moves: Moves):
    """Frames of the pelvis ``(T, 3, 3)`` and the hips ``(T, 2, 3)``."""
    pelvis = rotation("yzx", moves.yaw, moves.root[:, 1], moves.root[:, 0])
    joints = np.stack([OUT * body.hip, [0.012] * 2, [0.0] * 2], axis=-1)
    return pelvis, moves.pelvis[:, None] + joints @ pelvis.swapaxes(1, 2)


def _drop(body: Body, moves: Moves, straight: float) -> float:
    """How much lower the pelvis must be for the feet to be in reach."""
    way = moves.ankles - _hips(body, moves)[1]
    leg = straight * (body.thigh + body.shin)
    across = (way[..., [0, 2]] ** 2).sum(-1)
    return float(
        np.max(way[..., 1] - np.sqrt(np.maximum(leg**2 - across, 0)), initial=0)
    )


def _poses(body: Body, moves: Moves, name: str) -> list[Pose]:
    """The angles of all moments, so that feet and hands are in their places."""
    pelvis, hips = _hips(body, moves)
    pelvis = pelvis[:, None]
    yaw, pitch = np.moveaxis(moves.feet, -1, 0)
    # knees point where the feet do
    apex = -rotation("yx", yaw, pitch / 2)[..., 2]
    thighs, knees = reach(hips, moves.ankles, body.thigh, body.shin, apex)
    shins = thighs @ rotation("x", knees)
    flex, apart, twist = np.moveaxis(
        turn_angles(pelvis.swapaxes(-1, -2) @ thighs), -1, 0
    )
    legs = np.stack([-flex, -OUT * apart, OUT * twist, knees], axis=-1)
    nod, roll, inwards = np.moveaxis(
        turn_angles(shins.swapaxes(-1, -2) @ rotation("yx", yaw, pitch)), -1, 0
    )
    feet = np.stack([OUT * roll, OUT * inwards], axis=-1)
    air = ~moves.contacts.any(-1)  # a foot in the air goes as far as ankles do
    nod = np.where(air, np.clip(nod, *JOINT_LIMITS["ankles"]), nod)
    feet = np.where(air[..., None], np.clip(feet, *JOINT_LIMITS["feet"]), feet)
    arms = moves.arms if moves.wrists is None else _reaching(body, moves, pelvis[:, 0])
    return [
        Pose(
            name,
            root=moves.root[i],
            spine=moves.spine[i],
            neck=moves.neck[i],
            arms=arms[i],
            legs=legs[i],
            ankles=nod[i],
            feet=feet[i],
        )
        for i in range(len(legs))
    ]


def _reaching(body: Body, moves: Moves, pelvis):
    """Arms ``(T, 2, 4)`` whose wrists are where they should be."""
    spine = moves.spine / 2
    half = rotation("yzx", spine[:, 1], spine[:, 2], spine[:, 0])
    middle = pelvis @ half
    chest = middle @ half
    up = body.trunk * (0.42 * pelvis + 0.22 * middle + 0.36 * chest)[..., 1]
    thorax = moves.pelvis - up
    arms = np.zeros((len(pelvis), 2, 4))
    for _ in range(4):  # raised arms lift the shoulders
        raised = np.clip(np.hypot(arms[..., 0], arms[..., 1]) - 40, 0, 110)
        raised = np.sin(np.deg2rad(raised) * 0.8)
        place = _stack_points(OUT * body.shoulder + 0 * raised, 0.022 - 0.05 * raised)
        shoulders = thorax[:, None] + place @ chest.swapaxes(1, 2)
        upper, elbows = reach(
            shoulders, moves.wrists, body.upper_arm, body.forearm, moves.elbows
        )
        upper = upper * (-1, 1, -1)  # elbows bend the other way than knees
        flex, apart, twist = np.moveaxis(
            turn_angles(chest[:, None].swapaxes(-1, -2) @ upper), -1, 0
        )
        arms = np.stack([-flex, -OUT * apart, OUT * twist, elbows], axis=-1)
    return arms


def _stack_points(x, y):
    return np.stack([x, y, np.zeros_like(x)], axis=-1)
