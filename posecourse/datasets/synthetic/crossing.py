"""`SyntheticCrossing`: people who walk past one another, frame by frame."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...skeletons import MPII, Skeleton, get_skeleton
from ..base import Person
from .arguments import frame_times, level_name, two, whole
from .crowd import moved, seen_by
from .editions import edition_argument, get_edition
from .performance import Performance, film, perform, with_ground
from .scenes import Scene, grounded, render_scene
from .staging import Difficulty, as_difficulty

__all__ = ["SyntheticCrossing"]

_SEED = 5  # the kind of random numbers; others have 0 to 4
_LANE = 0.72  # metres between the paths of two people


class SyntheticCrossing:
    """People who walk past one another before a camera that stands still.

    Half of them come from the left, half from the right; all are near the
    middle at half time, where they hide one another. ``crossing.scene(t)`` is
    frame `t`; as a dataset, ``crossing[i]`` is a `Person`, frame after frame,
    in each the same people in the same order. Who somebody is stands in
    ``extra["track"]``, 0, 1, ...: what a tracker should find.

    Parameters
    ----------
    people:
        How many, 2 to 6.
    seconds, fps:
        Length, and frames per second.
    size:
        ``(width, height)`` in pixels, each at least 32.
    seed:
        Another seed, other people on other ways.
    difficulty, skeleton, edition:
        As in `SyntheticMotion`.

    Attributes
    ----------
    times:
        ``(T,)`` seconds, from 0.
    joints:
        ``(people, T, 16, 3)`` the MPII joints in the world, metres, the
        ground being y = 0; ``camera.project(joints)`` are pixels.

    Notes
    -----
    `Person.extra` has what `SyntheticScenes` and `SyntheticMotion` say,
    ``occluded`` and ``time`` among others. Somebody who is hidden for a while
    has no box and the area 0 then.

    Examples
    --------
    >>> crossing = SyntheticCrossing(seconds=1, size=(64, 48))
    >>> len(crossing), len(crossing.scene(6).persons), crossing[13].extra["track"]
    (24, 2, 1)
    """

    name = "crossing"

    def __init__(
        self,
        people: int = 2,
        seconds: float = 4.0,
        fps: float = 12,
        size: tuple[int, int] = (256, 192),
        seed: int = 0,
        difficulty: str | Difficulty = "standard",
        skeleton: Skeleton | str = MPII,
        edition: int = 1,
    ):
        self.people, self.seed = whole(people, "people"), whole(seed, "seed")
        if not 2 <= self.people <= 6:
            raise ValueError(f"people is {people}; there are 2 to 6")
        self.size = tuple(whole(n, "a side of size", 32) for n in two(size, "size"))
        self.times = frame_times(seconds, fps)
        self.seconds, self.fps = float(seconds), float(fps)
        self.difficulty = as_difficulty(difficulty)
        self.skeleton = get_skeleton(skeleton)
        self.edition, self._edition = edition, get_edition(edition)
        self._last: tuple[int | None, Scene | None] = (None, None)
        self._stage()

    def _stage(self):
        """Let all of them walk, and put a camera before them."""
        rng = self._rng(0)
        acted = [self._walk(rng, k, lane) for k, lane in enumerate(self._lanes(rng))]
        self.joints = np.array([a.joints for a in acted])
        self._contacts = [a.contacts for a in acted]
        rng = self._rng(1)
        aim = 0.0, float(rng.uniform(2, 12)), float(rng.normal(0, 1.0))
        stances = [stance for a in acted for stance in a.stances]
        self.camera, self._distance = film(rng, stances, aim, self.size)
        seen = [
            seen_by(self.camera, stance, *aim[1:])
            for stance in with_ground(self.camera, stances)
        ]
        frames = len(self.times)
        self._stances = [seen[k::frames] for k in range(frames)]

    def _lanes(self, rng):
        """How far from the camera each one's way is, nobody's in another's."""
        lanes = rng.permutation(self.people) - (self.people - 1) / 2
        return (lanes + rng.uniform(-0.06, 0.06, self.people)) * _LANE

    def _walk(self, rng, number: int, lane: float) -> Performance:
        """Somebody walks straight on and is near the middle at half time."""
        body = self._edition.sample_body(rng)
        aside = 0.12 * self.people * rng.uniform(-1, 1)
        acted = perform(
            "walk",
            body,
            self._rng(2, number),
            self.times,
            self.seconds,
            # who is turned by 90 degrees walks to the picture's left
            turn=90.0 if number % 2 else -90.0,
            radius=1e6,  # as good as straight
        )
        across = [stance.points["pelvis"][0] for stance in acted.stances]
        middle = np.interp(self.seconds / 2, self.times, across)
        place = np.array([aside - middle, 0.0, lane])
        return replace(acted, stances=[moved(s, place) for s in acted.stances])

    def __len__(self) -> int:
        return len(self.times) * self.people

    def __repr__(self) -> str:
        return (
            f"SyntheticCrossing({self.people}, seconds={self.seconds:g}, "
            f"fps={self.fps:g}, size={self.size}, seed={self.seed}, "
            f"difficulty={level_name(self.difficulty)}, skeleton={self.skeleton.name!r}"
            f"{edition_argument(self.edition)})"
        )

    def __getitem__(self, index: int) -> Person:
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} of {len(self)} people")
        frame, track = divmod(int(index) % len(self), self.people)
        return self.scene(frame).persons[track]

    def scene(self, frame: int) -> Scene:
        """Frame number `frame`: the picture at ``times[frame]``."""
        if not -len(self.times) <= frame < len(self.times):
            raise IndexError(f"frame {frame} of {len(self.times)}")
        frame = int(frame) % len(self.times)
        if self._last[0] != frame:
            scene = render_scene(
                self._rng(3),  # the same each time: the same place
                self._stances[frame],
                self.camera,
                self._distance,
                self.size,
                replace(grounded(self.difficulty), occluders=()),
                self.skeleton,
                f"{self._prefix}/{frame}",
                self._edition.draw,
                frame,
            )
            for track, person in enumerate(scene.persons):
                person.extra |= {
                    "track": track,
                    "time": float(self.times[frame]),
                    "contacts": self._contacts[track][frame],
                }
            self._last = (frame, scene)
        return self._last[1]

    def read_image(self, person: Person) -> np.ndarray:
        """The picture of one of these people, ``(height, width, 3)``."""
        prefix, _, frame = person.image.rpartition("/")
        if prefix != self._prefix or not frame.isdigit():
            raise ValueError(
                f"person {person.id!r} is not of this crossing, whose pictures are "
                f"{self._prefix}/0, ..."
            )
        return self.scene(int(frame)).image.copy()

    @property
    def _prefix(self) -> str:
        return f"crossing/{self.people}/{self.seed}"

    def _rng(self, *kind: int):
        seeds = np.random.SeedSequence([self.seed], spawn_key=(_SEED, *kind))
        return np.random.Generator(np.random.PCG64(seeds))
