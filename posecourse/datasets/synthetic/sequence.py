"""`SyntheticMotion`: somebody who moves, frame by frame."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...skeletons import MPII, Skeleton, get_skeleton
from ..base import Person
from .articulation import articulate
from .body import SIDES, Body, sample_body
from .camera import Camera
from .choreography import OUT, Moves
from .labels import exact_position, label
from .limbs import reach
from .pose import JOINT_LIMITS, Pose
from .rotations import rotation, turn_angles
from .solids import View
from .staging import (
    DIFFICULTIES,
    Difficulty,
    Stance,
    arms_aside,
    as_difficulty,
    draw,
)
from .styles import STYLES

__all__ = ["SyntheticMotion"]

_SEED = 3  # the kind of random numbers; `dataset` has 0 to 2


class SyntheticMotion:
    """A drawn person in motion: a dataset of one picture per frame.

    One body, the same clothes, place and camera from the first frame to
    the last. Planted feet stay where they are, limbs keep their length and
    joints within `body.JOINT_LIMITS`. The same arguments give the same
    pictures on every machine; another `fps` gives the same motion at other
    times.

    Parameters
    ----------
    style:
        ``"walk"``, ``"run"``, ``"wave"``, ``"squat"``, ``"jumping_jack"``,
        ``"push_up"``, ``"sit_down"``, ``"stand_up"``, ``"fall"``,
        ``"throw"`` or ``"dance"``.
    seconds, fps:
        Length, and frames per second.
    size:
        Width and height of the pictures, at least 16 pixels.
    seed:
        Another seed: another person, who moves in their own way and is
        seen from elsewhere.
    speed:
        1 is usual; from 0.5 to 1.5.
    difficulty:
        Of the place, as in `SyntheticPeople`; nothing stands in front.
    skeleton:
        Which joints to give, by name as in `skeletons.remap`.
    camera:
        From where it is seen: 0 from in front of the picture's place, 1,
        2, ... from around it. The world is the same for all.

    Attributes
    ----------
    label:
        The style: what an action classifier should say.
    times:
        ``(T,)`` seconds, from 0.
    progress:
        ``(T,)`` repetitions done by then, with fractions: squats, strides,
        throws, bars of four beats; for what happens once, its share.
    repetitions:
        How many are done at the end. They fill the time exactly, except
        strides, which are counted from where the walk begins.
    contacts:
        Per frame the names of the points of `stances` that rest on the
        ground: ``"right_heel"``, ``"right_toe"``, ...
    stances:
        Per frame body, angles and points, as `staging.Stance`.
    camera:
        The `Camera` of all frames.
    joints:
        ``(T, 16, 3)`` the MPII joints in the world, metres, the ground
        being y = 0 (down is positive); ``camera.project(joints)`` are
        pixels.

    Examples
    --------
    >>> motion = SyntheticMotion("squat", seconds=3, seed=2, size=64)
    >>> len(motion), motion.label, motion.repetitions
    (36, 'squat', 1)
    >>> person = motion[10]
    >>> motion.read_image(person).shape, person.keypoints.shape
    ((64, 64, 3), (16, 2))
    """

    name = "motion"

    def __init__(
        self,
        style: str,
        seconds: float = 2.0,
        fps: float = 12,
        size: int = 128,
        seed: int = 0,
        speed: float = 1.0,
        difficulty: str | Difficulty = "standard",
        skeleton: Skeleton | str = MPII,
        camera: int = 0,
    ):
        if style not in STYLES:
            raise ValueError(f"unknown style {style!r}; known: {', '.join(STYLES)}")
        for what, value, most in (
            ("seconds", seconds, 3600),
            ("fps", fps, 1000),
        ):
            if not 0 < value <= most:
                raise ValueError(
                    f"{what} is {value}; it must be more than 0 and at most {most}"
                )
        if not 0.5 <= speed <= 1.5:
            raise ValueError(f"speed is {speed}; it must be from 0.5 to 1.5")
        if size != int(size) or size < 16:
            raise ValueError(
                f"size is {size}; pictures have a whole number of pixels, at least 16"
            )
        for what, value in (("seed", seed), ("camera", camera)):
            if value != int(value) or value < 0:
                raise ValueError(f"{what} is {value}; it must be 0 or more")
        self.label, self.size, self.seed = style, int(size), int(seed)
        self.seconds, self.fps, self.speed = float(seconds), float(fps), float(speed)
        self.difficulty, self.skeleton = (
            as_difficulty(difficulty),
            get_skeleton(skeleton),
        )
        self.times = np.arange(max(1, int(np.ceil(seconds * fps - 1e-9)))) / fps
        self._number = int(camera)
        self._last = (None, None)
        self._stage()

    def __len__(self) -> int:
        return len(self.times)

    def __repr__(self) -> str:
        named = [k for k, v in DIFFICULTIES.items() if v == self.difficulty]
        level = repr(named[0] if named else self.difficulty)
        return (
            f"SyntheticMotion({self.label!r}, seconds={self.seconds:g}, "
            f"fps={self.fps:g}, size={self.size}, seed={self.seed}, "
            f"speed={self.speed:g}, difficulty={level}, "
            f"skeleton={self.skeleton.name!r}, camera={self._number})"
        )

    def __getitem__(self, index: int) -> Person:
        """The person at `times[index]`.

        `Person.extra` holds ``time`` (seconds), ``label``, ``progress``,
        ``contacts`` (names of the points that rest on the ground), and what
        `SyntheticPeople` gives: ``joints_3d``, ``joints_world``, ``camera``.
        """
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} of {len(self)} frames")
        index = int(index) % len(self)
        stance, view = self.stances[index], self._view
        image, parts, *_ = draw(
            # the same random numbers each time: the same place
            self._rng(2, self._number),
            [stance],
            view,
            replace(self.difficulty, occluders=()),
            self.size,
            2.0 * view.focal / view.distance,
            time=index,
        )
        self._last = (index, image)
        person = label(
            f"{self._prefix}/{index}",
            f"{self._prefix}/{index}",
            stance,
            view,
            *exact_position(stance, view),
            parts,
            parts > 1,
            self.skeleton,
            camera=self.camera,
        )
        person.extra |= {
            "time": float(self.times[index]),
            "label": self.label,
            "progress": float(self.progress[index]),
            "contacts": self.contacts[index],
        }
        return person

    def read_image(self, person: Person) -> np.ndarray:
        """The picture of one of this motion's frames, ``(size, size, 3)``."""
        prefix, _, index = person.id.rpartition("/")
        if prefix != self._prefix or not index.isdigit():
            raise ValueError(
                f"person {person.id!r} is not of this motion, whose frames are "
                f"{self._prefix}/0, ..."
            )
        if self._last[0] != int(index):
            self[int(index)]
        return self._last[1].copy()

    @property
    def _prefix(self) -> str:
        return f"motion/{self.label}/{self.seed}/{self._number}"

    def _rng(self, *kind: int):
        seeds = np.random.SeedSequence([self.seed], spawn_key=(_SEED, *kind))
        return np.random.Generator(np.random.PCG64(seeds))

    def _stage(self):
        """Place body and camera, and find all poses."""
        body = sample_body(self._rng(0))
        # A skirt's cone is not made for long strides and lying people.
        legs = {"skirt": "shorts", "dress": "leggings"}.get(body.legs, body.legs)
        body = replace(body, legs=legs)
        rng = self._rng(1, tuple(STYLES).index(self.label))
        mover = STYLES[self.label](rng, body, self.seconds, self.speed)
        self.repetitions = mover.repetitions
        # What holds for the whole motion is found at times that do not
        # depend on the frames.
        dense = mover(np.arange(0, self.seconds, 1 / 30))
        drop = _drop(body, dense, mover.straight)
        dense.pelvis[:, 1] += drop
        poses = _poses(body, dense, self.label)
        moves = mover(self.times)
        moves.pelvis[:, 1] += drop
        if dense.wrists is None:
            aside = arms_aside(body, poses)[0].arms - poses[0].arms
            moves.arms = _give_way(moves.arms, dense.arms, aside)
        self.progress = moves.progress
        self.contacts = [_names(c) for c in moves.contacts]
        poses = _poses(body, moves, self.label)

        low, high = mover.turned
        rng = self._rng(1, tuple(STYLES).index(self.label), 1)
        facing = rng.uniform(low, high) * (1 if rng.random() < 0.5 else -1)
        rng = self._rng(2, self._number, 0)
        facing += 72.0 * self._number
        pitch, roll = rng.uniform(2, 14), rng.normal(0, 1.0)
        world = rotation("zxy", roll, pitch, facing)
        placed = [
            articulate(body, pose, rotation("y", yaw))
            for pose, yaw in zip(poses, moves.yaw)
        ]
        points = [
            {k: v + at for k, v in p.items()}
            for (p, _), at in zip(placed, moves.pelvis)
        ]
        self.joints = np.array([[p[j] for j in MPII.joints] for p in points])
        around = np.array([list(p.values()) for p in points]).reshape(-1, 3)
        around = np.concatenate([around, around + (0, 0.08, 0), around - (0, 0.08, 0)])
        middle = (around.min(0) + around.max(0)) / 2
        size = np.ptp(around[:, [0, 2]], axis=0).max() / 2
        distance = rng.uniform(4.0, 5.5) + size
        shift = np.array([0, 0, distance]) - world @ middle
        view = _fit(around @ world.T + shift, distance, self.size)
        self._view = view
        self.camera = Camera(view.focal, view.center, world, shift)
        feet = np.array([p[f"{s}_ankle"] for p in points for s in SIDES]) * (1, 0, 1)
        far = (feet @ world[2]).argmax()  # the ground begins behind them
        seat = mover.seat
        self.stances = [
            Stance(
                body,
                pose,
                {k: world @ v + shift for k, v in p.items()},
                {k: world @ v for k, v in frames.items()},
                world[:, 1],
                world @ feet[far] + shift,
                (facing + yaw + 180) % 360 - 180,
                pitch,
                roll,
                None if seat is None else world @ seat + shift,
            )
            for pose, p, (_, frames), yaw in zip(poses, points, placed, moves.yaw)
        ]


def _fit(points, distance: float, size: int) -> View:
    """The view whose picture holds the points, with a little around."""
    flat = View(1.0, (0.0, 0.0), distance).project(points)
    low, high = flat.min(0), flat.max(0)
    focal = float(0.9 * size / (high - low).max())
    x, y = (size - 1) / 2 - focal * (low + high) / 2
    return View(focal, (float(x), float(y)), distance)


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
