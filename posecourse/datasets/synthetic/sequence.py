"""`SyntheticMotion`: somebody who moves, frame by frame."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...skeletons import MPII, Skeleton, get_skeleton
from ..base import Person
from .arguments import frame_times, level_name, whole
from .crowd import seen_by
from .editions import edition_argument, get_edition
from .labels import exact_position, label
from .performance import film, perform, with_ground
from .solids import View
from .staging import Difficulty, as_difficulty
from .styles import STYLES

__all__ = ["SyntheticMotion"]

_SEED = 3  # the kind of random numbers; `dataset` has 0 to 2
_APART = 72.0  # degrees between neighbouring cameras


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
        2, ... from around it. The world is the same for all; the background
        is a painting of the same kind, not the same place.
    edition:
        How people look, as in `SyntheticPeople`.

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
        edition: int = 1,
    ):
        if style not in STYLES:
            raise ValueError(f"unknown style {style!r}; known: {', '.join(STYLES)}")
        self.times = frame_times(seconds, fps)
        if not 0.5 <= speed <= 1.5:
            raise ValueError(f"speed is {speed}; it must be from 0.5 to 1.5")
        self.label, self.size = style, whole(size, "size", 16)
        self.seed, self._number = whole(seed, "seed"), whole(camera, "camera")
        self.seconds, self.fps, self.speed = float(seconds), float(fps), float(speed)
        self.difficulty = as_difficulty(difficulty)
        self.skeleton = get_skeleton(skeleton)
        self.edition, self._edition = edition, get_edition(edition)
        self._last = (None, None)
        self._stage()

    def __len__(self) -> int:
        return len(self.times)

    def __repr__(self) -> str:
        return (
            f"SyntheticMotion({self.label!r}, seconds={self.seconds:g}, "
            f"fps={self.fps:g}, size={self.size}, seed={self.seed}, "
            f"speed={self.speed:g}, difficulty={level_name(self.difficulty)}, "
            f"skeleton={self.skeleton.name!r}, camera={self._number}"
            f"{edition_argument(self.edition)})"
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
        image, parts, *_ = self._edition.draw(
            self._rng(2, 0),  # the same each time: the same place
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
        """Have it performed, and put a camera before it."""
        number = tuple(STYLES).index(self.label)
        acted = perform(
            self.label,
            self._edition.sample_body(self._rng(0)),
            self._rng(1, number),
            self.times,
            self.seconds,
            self.speed,
        )
        self.joints, self.progress = acted.joints, acted.progress
        self.contacts, self.repetitions = acted.contacts, acted.repetitions

        low, high = STYLES[self.label].turned
        rng = self._rng(1, number, 1)
        facing = rng.uniform(low, high) * (1 if rng.random() < 0.5 else -1)
        facing += _APART * self._number
        rng = self._rng(2, self._number, 0)
        pitch, roll = rng.uniform(2, 14), rng.normal(0, 1.0)
        self.camera, distance = film(
            rng, acted.stances, (facing, pitch, roll), (self.size, self.size)
        )
        self._view = View(self.camera.focal, self.camera.center, distance)
        self.stances = [
            seen_by(self.camera, stance, pitch, roll, facing)
            for stance in with_ground(self.camera, acted.stances)
        ]
