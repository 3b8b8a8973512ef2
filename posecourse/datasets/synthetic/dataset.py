"""`SyntheticPeople`: drawn people as a dataset."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ...skeletons import MPII, Skeleton, get_skeleton
from ..base import Person
from ..mpii import HEAD_PER_DIAGONAL, HEAD_PER_SCALE
from .arguments import SPLITS, checked_split, level_name, whole
from .body import Body
from .editions import edition_argument, get_edition
from .labels import label
from .motions import pose_at
from .pose import sample_pose
from .rotations import rotation
from .scenes import Scene
from .solids import View
from .staging import (
    Difficulty,
    Stance,
    arms_aside,
    as_difficulty,
    frame,
    head_box,
    place,
    sample_stance,
    sample_view,
)

__all__ = ["Rendering", "SyntheticPeople"]

# What a picture is of; part of its random seed.
_PERSON, _SCENE, _MOTION = range(3)


@dataclass
class Rendering:
    """One picture with everything that is known about it.

    Attributes
    ----------
    image:
        ``(size, size, 3)`` uint8 RGB.
    person:
        The label record.
    parts:
        ``(size, size)`` uint8: what is seen at each pixel, an index of
        `PARTS`; 0 background, 1 an object in front of the person or one
        they sit on.
    """

    image: np.ndarray
    person: Person
    parts: np.ndarray = field(repr=False)


class SyntheticPeople:
    """Drawn people with the 16 MPII joints; nothing to download.

    Picture `i` of a seed is always the same, on every machine. The same
    index at another difficulty shows the same body, dressed the same.

    Besides the pictures of one person each, which are the dataset, there
    are `scene` (several people) and `motion` (frames of a video).

    Parameters
    ----------
    count:
        How many pictures.
    seed:
        Another seed, other people.
    size:
        Width and height of the pictures, at least 16 pixels.
    difficulty:
        ``"easy"``, ``"standard"``, ``"hard"``, ``"stick"`` (stick
        figures), or a `Difficulty` of your own.
    margin:
        A picture shows the standard MPII crop times this: 1 exactly the
        crop; with 1.75 the crop is the middle 1 / 1.75 of the picture, and
        the scene goes on around it.
    skeleton:
        Which joints to give, by name as in `skeletons.remap`.
    split:
        ``"train"``, ``"valid"`` or ``"test"``: nobody is in two of them.
    edition:
        How people look: 1, as shipped weights and stored numbers have seen
        them, or 2, illustrations that are better to look at, for new work; see
        `editions`.

    Examples
    --------
    >>> people = SyntheticPeople(100, size=64)
    >>> person = people[7]
    >>> people.read_image(person).shape, person.keypoints.shape
    ((64, 64, 3), (16, 2))
    """

    name = "synthetic"

    def __init__(
        self,
        count: int,
        seed: int = 0,
        size: int = 128,
        difficulty: str | Difficulty = "standard",
        margin: float = 1.0,
        skeleton: Skeleton | str = MPII,
        split: str = "train",
        edition: int = 1,
    ):
        self.count, self.seed = whole(count, "count"), whole(seed, "seed")
        self.size = whole(size, "size", 16)
        if not 1 <= margin <= 4:
            raise ValueError(
                f"margin is {margin}; it must be from 1 (the standard crop) to 4"
            )
        self.difficulty, self.margin = as_difficulty(difficulty), float(margin)
        self.skeleton, self.split = get_skeleton(skeleton), checked_split(split)
        self.edition, self._edition = edition, get_edition(edition)
        self._last = (None, None)

    def __len__(self) -> int:
        return self.count

    def __repr__(self) -> str:
        # every argument: a store is known by what it was made from
        return (
            f"SyntheticPeople({self.count}, seed={self.seed}, "
            f"size={self.size}, difficulty={level_name(self.difficulty)}, "
            f"margin={self.margin}, skeleton={self.skeleton.name!r}, "
            f"split={self.split!r}{edition_argument(self.edition)})"
        )

    def __getitem__(self, index: int) -> Person:
        return self.render(index).person

    def as_skeleton(self, skeleton: Skeleton | str) -> SyntheticPeople:
        """The same people in the joints of another skeleton, by name."""
        return SyntheticPeople(
            self.count,
            self.seed,
            self.size,
            self.difficulty,
            self.margin,
            skeleton,
            self.split,
            self.edition,
        )

    def read_image(self, person: Person) -> np.ndarray:
        """The picture of one of this dataset's people."""
        prefix, _, index = person.id.rpartition("/")
        if prefix != self._prefix or not index.isdigit():
            raise ValueError(
                f"person {person.id!r} is not of this dataset, "
                f"whose people are {self._prefix}/0, ..."
            )
        index = int(index)
        if self._last[0] != index:
            self.render(index)
        return self._last[1].copy()

    @property
    def _prefix(self) -> str:
        split = "" if self.split == "train" else f"/{self.split}"
        return f"synthetic/{self.seed}{split}"

    def _rng(self, kind: int, index: int, *more: int):
        key = (SPLITS.index(self.split), kind, *more)
        seeds = np.random.SeedSequence([self.seed, index], spawn_key=key)
        return np.random.Generator(np.random.PCG64(seeds))

    def render(self, index: int, body: Body | None = None) -> Rendering:
        """Draw picture `index`: image, labels and the map of parts.

        With a `body`, somebody else in their place: the same pose, the same
        camera, the same things around them. What changes in a network's answer
        when nothing but the skin does?

        Examples
        --------
        >>> from dataclasses import replace
        >>> people = SyntheticPeople(10, size=64)
        >>> darker = replace(people.stance(3).body, skin=np.array([76.0, 49, 36]))
        >>> changed = people.render(3, darker)
        >>> np.array_equal(changed.person.keypoints, people[3].keypoints)
        True
        """
        rng, index = self._random(index), int(index) % self.count

        def somebody(rng):
            own = self._edition.sample_body(rng)  # takes its numbers in any case
            return own if body is None else body

        stance = sample_stance(rng, self.difficulty, somebody)
        view, head = frame(rng, [stance], self.size, self.margin)
        image, parts, *_ = self._edition.draw(
            rng, [stance], view, self.difficulty, self.size, self.size / self.margin
        )
        person = self._label(f"{self._prefix}/{index}", stance, view, head, parts)
        if body is None:
            self._last = (index, image)
        return Rendering(image, person, parts)

    def stance(self, index: int) -> Stance:
        """Who is in picture `index` and how they stand, without drawing them.

        A millisecond. `Stance` has the body (sizes, clothes, the colour of the
        skin), the pose, and where they face: what a score can be split by.
        """
        return sample_stance(
            self._random(index), self.difficulty, self._edition.sample_body
        )

    def _random(self, index: int):
        """The generator that person `index` comes from."""
        if not -self.count <= index < self.count:
            raise IndexError(f"index {index} of {self.count} people")
        return self._rng(_PERSON, int(index) % self.count)

    def joints_world(self, index: int) -> np.ndarray:
        """The joints of person `index`, without drawing them: a millisecond.

        ``(16, 3)`` metres in the world, as `Person.extra` has them.
        """
        stance = self.stance(index)
        turned = rotation("zx", stance.roll, stance.pitch)
        return (stance.joints - stance.ground) @ turned

    def motion(
        self, name: str, frames: int = 48, index: int = 0, fps: float = 24.0
    ) -> list[Rendering]:
        """Frames of somebody who moves, before a camera that does not.

        Parameters
        ----------
        name:
            A key of `MOTIONS`: walk (on the spot), wave, squat, ...
        frames, fps:
            How many, and how many per second.
        index:
            Another number, another person in another place.
        """
        if frames < 1 or fps <= 0:
            raise ValueError(
                f"{frames} frames at {fps} per second: both must be more than 0"
            )
        rng = self._rng(_MOTION, index)
        body, style = self._edition.sample_body(rng), sample_pose(rng, 0.5)
        facing, pitch = rng.normal(0, 22), rng.uniform(2, 12)
        start, tempo = rng.uniform(0, 1), rng.uniform(0.9, 1.1)
        ground = np.array([0.0, 1.0, rng.uniform(3.8, 5.5)])
        poses = [pose_at(name, start + tempo * t / fps, style) for t in range(frames)]
        stances = [
            place(body, pose, facing, pitch, 0.0, ground=ground)
            for pose in arms_aside(body, poses)
        ]
        view, head = frame(rng, stances, self.size, self.margin)
        level = replace(self.difficulty, occluders=())
        result = []
        for t, stance in enumerate(stances):
            # The same random numbers each time: the same place.
            image, parts, *_ = self._edition.draw(
                self._rng(_MOTION, index, 1),
                [stance],
                view,
                level,
                self.size,
                self.size / self.margin,
                time=t,
            )
            person = self._label(
                f"{self._prefix}/{name}/{index}/{t}", stance, view, head, parts
            )
            result.append(Rendering(image, person, parts))
        return result

    def scene(self, index: int, people: int = 3, room: float = 1.0) -> Scene:
        """Several people in one picture, who may hide one another.

        Everybody has a box and MPII's scale and position; `margin` plays
        no part. With `room` 1 the people nearly fill the picture, with 2
        half of its width or height.
        """
        if people < 1:
            raise ValueError(f"people is {people}; it must be 1 or more")
        if not room >= 1:
            raise ValueError(f"room is {room}; it must be 1 or more")
        rng = self._rng(_SCENE, index)
        stances = _crowd(rng, people, self.difficulty, self._edition.sample_body)
        joints = np.concatenate([s.joints for s in stances])
        distance = float(joints[:, 2].mean())
        flat = View(1.0, (0.0, 0.0), distance).project(joints)
        low, high = flat.min(0), flat.max(0)
        focal = float(self.size * rng.uniform(0.80, 0.9) / (high - low).max() / room)
        center = (self.size - 1) / 2 - focal * (low + high) / 2
        view = View(focal, tuple(center.tolist()), distance)
        image, parts, owners, _ = self._edition.draw(
            rng, stances, view, self.difficulty, self.size, 2.0 * focal / distance
        )
        persons = [
            self._label(
                f"{self._prefix}/scene/{index}/{i}",
                stance,
                view,
                head_box(stance, view, rng),
                parts,
                owners,
                i + 1,
                rng,
            )
            for i, stance in enumerate(stances)
        ]
        return Scene(image, persons, parts, owners)

    def _label(
        self,
        name,
        stance: Stance,
        view: View,
        head,
        parts,
        owners=None,
        number=1,
        rng=None,
    ) -> Person:
        """The record of one person.

        Where the picture is not their standard crop, `rng` is given: it
        makes the position as inexact as an annotator's.
        """
        if rng is None:
            scale = self.size / self.margin / 250
            middle = (self.size - 1) / 2
            center = (middle, middle - 15 * scale)
        else:
            scale = float(
                HEAD_PER_DIAGONAL * np.hypot(head[2], head[3]) / HEAD_PER_SCALE
            )
            keypoints = view.project(stance.joints)
            middle = (keypoints.min(0) + keypoints.max(0)) / 2
            middle += 250 * scale * rng.normal(0, 0.03, 2)
            center = (float(middle[0]), float(middle[1]) - 10 * scale)
        return label(
            name,
            name if owners is None else name.rpartition("/")[0],
            stance,
            view,
            center,
            scale,
            head,
            parts,
            parts > 1 if owners is None else owners == number,
            self.skeleton,
            owners,
            number,
        )


def _crowd(rng, people, level: Difficulty, sample_body) -> list[Stance]:
    """People on one piece of ground, from left to right."""
    pitch = float(rng.uniform(max(0.0, level.pitch[0]), level.pitch[1]))
    roll = float(level.tilt * 0.5 * rng.normal())
    places = np.sort(rng.uniform(-0.25, 0.25, people)) * people
    places += (np.arange(people) - (people - 1) / 2) * 0.45
    # different distances, so that nobody stands in somebody else
    depths = 4 + 2.4 * (rng.permutation(people) + 0.5) / people
    world = rotation("zx", roll, pitch)
    result = []
    for across, away in zip(places, depths):
        body, pose = sample_body(rng), sample_pose(rng, level.loose)
        facing = sample_view(rng, level)[0]
        ground = world @ np.array([across, 0.9 + 0.05 * pitch, away])
        result.append(place(body, pose, facing, pitch, roll, ground=ground))
    return result
