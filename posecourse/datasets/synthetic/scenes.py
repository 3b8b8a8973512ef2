"""`SyntheticScenes`: several drawn people in a picture."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from ...skeletons import MPII, Skeleton, get_skeleton
from ..base import Person
from .arguments import SPLITS, checked_split, level_name, two, whole
from .camera import Camera
from .crowd import box_ious, box_overlap, gather, seen_by
from .editions import edition_argument, get_edition
from .labels import box_of, exact_position, label
from .rotations import rotation
from .solids import View
from .staging import Difficulty, Stance, as_difficulty

__all__ = ["Scene", "SyntheticScenes", "grounded", "render_scene"]

_SEED = 4  # the kind of random numbers; `dataset` and `sequence` have 0 to 3
_APART = 62.0  # degrees between neighbouring cameras


@dataclass
class Scene:
    """A picture of several people.

    Attributes
    ----------
    image:
        ``(height, width, 3)`` uint8 RGB.
    persons:
        From left to right.
    parts, owners:
        ``(height, width)`` uint8: indices of `PARTS` as in `Rendering`; and
        whose part is seen, 1 the first person's, 0 nobody's.
    camera:
        Whose world the ``joints_world`` of all are in; None where everybody
        has a world of their own.
    """

    image: np.ndarray
    persons: list[Person]
    parts: np.ndarray = field(repr=False)
    owners: np.ndarray = field(repr=False)
    camera: Camera | None = None

    @property
    def overlap(self) -> float:
        """`crowd.box_overlap` of the people, drawn each without the others."""
        boxes = [p.extra.get("full_box", p.box) for p in self.persons]
        return box_overlap([b for b in boxes if b is not None])


class SyntheticScenes:
    """Pictures of one to eight drawn people, as a dataset of people.

    ``scenes[i]`` is a `Person`, picture after picture, in each from left to
    right as the first camera sees them; ``scenes.scene(k)`` is picture `k`
    with everything that is known about it. The same arguments give the same
    pictures on every machine.

    Parameters
    ----------
    pictures:
        How many.
    seed, difficulty, skeleton, split:
        As in `SyntheticPeople`.
    size:
        ``(width, height)`` in pixels, each at least 32.
    people:
        How many there are in a picture, or least and most, 1 to 8.
    overlap:
        How much people overlap, as `Scene.overlap` measures it, from 0 (none)
        to 0.6 (heavy), or least and most of it. People are moved together
        until they do, as far as bodies that do not touch allow.
    truncated:
        Share of the pictures whose border cuts people off. In the others,
        all joints are inside.
    camera:
        From where they are seen: 0 from the front, 1, 2, ... from further
        round. People, their numbers and the world are the same for all; the
        background is a painting of the same kind, not the same place.
    edition:
        As in `SyntheticPeople`.

    Notes
    -----
    `Person.extra` has, besides what `SyntheticPeople` gives, ``owner`` (the
    person's number in `Scene.owners`), ``occluded`` (share of the person's
    pixels that something or somebody hides), ``overlap`` (largest
    intersection over union of the box with another person's), and
    ``full_box`` and ``full_area``, the box and the pixels of the person
    alone, within the picture. `Person.box` and `Person.area` are of what is
    seen. From the first camera something is seen of everybody; somebody of
    whom another camera sees nothing has no box and the area 0.

    Examples
    --------
    >>> scenes = SyntheticScenes(4, size=(96, 72), people=(2, 4))
    >>> scene = scenes.scene(1)
    >>> scene.image.shape, len(scene.persons), len(scenes)
    ((72, 96, 3), 2, 11)
    """

    name = "scenes"

    def __init__(
        self,
        pictures: int,
        seed: int = 0,
        size: tuple[int, int] = (256, 192),
        people: int | tuple[int, int] = (1, 8),
        overlap: float | tuple[float, float] = (0.0, 0.4),
        truncated: float = 0.2,
        difficulty: str | Difficulty = "standard",
        skeleton: Skeleton | str = MPII,
        split: str = "train",
        camera: int = 0,
        edition: int = 1,
    ):
        self.pictures, self.seed = whole(pictures, "pictures"), whole(seed, "seed")
        self.camera, self.split = whole(camera, "camera"), checked_split(split)
        self.size = tuple(whole(n, "a side of size", 32) for n in two(size, "size"))
        low, high = (whole(n, "people", 1) for n in two(people, "people"))
        if not low <= high <= 8:
            raise ValueError(f"people is {people}; there are 1 to 8, least and most")
        least, most = two(overlap, "overlap")
        if not 0 <= least <= most <= 0.6:
            raise ValueError(
                f"overlap is {overlap}; it is from 0 to 0.6, least and most"
            )
        if not 0 <= truncated <= 1:
            raise ValueError(f"truncated is {truncated}; it is a share, 0 to 1")
        self.people, self.overlap = (low, high), (float(least), float(most))
        self.truncated, self.difficulty = float(truncated), as_difficulty(difficulty)
        self.skeleton = get_skeleton(skeleton)
        self.edition, self._edition = edition, get_edition(edition)
        self._last: tuple[int | None, Scene | None] = (None, None)

    def __len__(self) -> int:
        return int(self._ends[-1]) if self.pictures else 0

    def __repr__(self) -> str:
        return (
            f"SyntheticScenes({self.pictures}, seed={self.seed}, size={self.size}, "
            f"people={self.people}, overlap={self.overlap}, "
            f"truncated={self.truncated}, difficulty={level_name(self.difficulty)}, "
            f"skeleton={self.skeleton.name!r}, split={self.split!r}, "
            f"camera={self.camera}{edition_argument(self.edition)})"
        )

    @cached_property
    def _ends(self) -> np.ndarray:
        """How many people there are up to the end of each picture."""
        low, high = self.people
        counts = [
            int(self._rng(k, 0).integers(low, high + 1)) for k in range(self.pictures)
        ]
        return np.cumsum(counts)

    def __getitem__(self, index: int) -> Person:
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} of {len(self)} people")
        index = int(index) % len(self)
        picture = int(np.searchsorted(self._ends, index, side="right"))
        scene = self.scene(picture)
        return scene.persons[index - int(self._ends[picture])]

    def read_image(self, person: Person) -> np.ndarray:
        """The picture of one of these people, ``(height, width, 3)``."""
        prefix, _, number = person.image.rpartition("/")
        if prefix != self._prefix or not number.isdigit():
            raise ValueError(
                f"person {person.id!r} is not of these scenes, whose pictures are "
                f"{self._prefix}/0, ..."
            )
        return self.scene(int(number)).image.copy()

    def as_skeleton(self, skeleton: Skeleton | str) -> SyntheticScenes:
        """The same people in the joints of another skeleton, by name."""
        return SyntheticScenes(
            self.pictures,
            self.seed,
            self.size,
            self.people,
            self.overlap,
            self.truncated,
            self.difficulty,
            skeleton,
            self.split,
            self.camera,
            self.edition,
        )

    @property
    def _prefix(self) -> str:
        return f"scenes/{self.split}/{self.seed}/{self.camera}"

    def _rng(self, picture: int, *kind: int):
        key = (SPLITS.index(self.split), _SEED, *kind)
        seeds = np.random.SeedSequence([self.seed, picture], spawn_key=key)
        return np.random.Generator(np.random.PCG64(seeds))

    def scene(self, picture: int) -> Scene:
        """Picture number `picture` with its people."""
        if not -self.pictures <= picture < self.pictures:
            raise IndexError(f"picture {picture} of {self.pictures}")
        picture = int(picture) % self.pictures
        if self._last[0] != picture:
            self._last = (picture, self._draw(picture))
        return self._last[1]

    def _draw(self, picture: int) -> Scene:
        count = int(self._ends[picture] - (self._ends[picture - 1] if picture else 0))
        rng = self._rng(picture, 1)
        overlap = rng.uniform(*self.overlap)
        front = _aim(self._rng(picture, 2, 0), 0)
        for _ in range(8):  # until everybody is to be seen
            crowd = gather(
                rng,
                count,
                overlap,
                _far(front),
                self.difficulty,
                self._edition.sample_body,
            )
            if _all_seen(crowd, _far(front)):
                break
        aim = _aim(self._rng(picture, 2, self.camera), self.camera)
        rng = self._rng(picture, 3, self.camera)
        camera, distance = _frame(rng, aim, crowd, self.size, self.truncated)
        azimuth, pitch, roll = aim
        return render_scene(
            self._rng(picture, 4),  # a place of the same kind for all cameras
            [seen_by(camera, s, pitch, roll, azimuth) for s in crowd],
            camera,
            distance,
            self.size,
            grounded(self.difficulty),
            self.skeleton,
            f"{self._prefix}/{picture}",
            self._edition.draw,
        )


def render_scene(
    rng,
    stances: list[Stance],
    camera: Camera,
    distance: float,
    size: tuple[int, int],
    level: Difficulty,
    skeleton: Skeleton,
    name: str,
    draw,
    time: int = 0,
) -> Scene:
    """Draw people and say all that is known about them.

    Parameters
    ----------
    stances:
        As `camera` sees them.
    distance:
        Metres to the middle of them: what the size of things goes by.
    size:
        ``(width, height)`` of the picture, pixels.
    name:
        Of the picture; person `k` is called ``name/k``.
    draw:
        An `Edition`'s.
    time:
        Number of a video's frame, which changes the camera's noise only.
    """
    # Scenery is square: the picture is cut from its middle.
    side = max(size)
    left, top = ((side - length) // 2 for length in size)
    x, y = camera.center
    square = View(camera.focal, (x + left, y + top), distance)
    unit = 2.0 * camera.focal / distance
    drawn = draw(rng, stances, square, level, side, unit, time, merge=True)
    cut = np.s_[top : top + size[1], left : left + size[0]]
    image, parts, owners = (
        np.ascontiguousarray(a[cut]) for a in (drawn.image, drawn.parts, drawn.owners)
    )
    view = replace(square, center=camera.center)
    persons = []
    for k, (stance, alone) in enumerate(zip(stances, drawn.alone), 1):
        whole = alone[cut] > 1
        person = label(
            f"{name}/{k - 1}",
            name,
            stance,
            view,
            *exact_position(stance, view),
            parts,
            owners == k,
            skeleton,
            owners,
            k,
            camera,
        )
        full = int(np.count_nonzero(whole))
        person.extra |= {
            "owner": k,
            "occluded": 1 - person.area / full if full else 1.0,
            "full_box": box_of(whole),
            "full_area": float(full),
        }
        persons.append(person)
    _note_overlaps(persons)
    return Scene(image, persons, parts, owners, camera)


def grounded(level: Difficulty) -> Difficulty:
    """The difficulty, in places with a ground on which all can stand."""
    kinds = tuple(kind for kind in level.scenes if kind != "abstract")
    return replace(level, scenes=kinds or level.scenes)


def _note_overlaps(persons: list[Person]):
    boxes = [p.extra["full_box"] or (0, 0, 0, 0) for p in persons]
    ious = box_ious(boxes)
    np.fill_diagonal(ious, 0)
    for person, iou in zip(persons, ious.max(1)):
        person.extra["overlap"] = float(iou)


def _aim(rng, number: int):
    """Degrees by which a camera has gone round, looks down, is tilted."""
    return _APART * number, float(rng.uniform(0, 16)), float(rng.normal(0, 1.5))


def _far(aim) -> Camera:
    """A camera of unit focal length, six metres from the world's origin."""
    azimuth, pitch, roll = aim
    turned = rotation("zxy", roll, pitch, azimuth)
    return Camera(1.0, (0.0, 0.0), turned, np.array([0, 0.9, 6.0]))


def _all_seen(crowd: list[Stance], camera: Camera) -> bool:
    """Whether of everybody at least four joints are in nobody's shadow."""
    joints = np.array([camera.to_camera(s.joints) for s in crowd])
    flat = joints[..., :2] / joints[..., 2:]
    reach = 0.11 / joints[..., 2]
    for i, own in enumerate(flat):
        others = np.delete(np.arange(len(crowd)), i)
        gap = np.linalg.norm(own[:, None] - flat[others].reshape(-1, 2), axis=-1)
        nearer = joints[others, :, 2].ravel() < joints[i, :, 2][:, None]
        hidden = ((gap < reach[others].ravel()) & nearer).any(1)
        if np.count_nonzero(~hidden) < 4:
            return False
    return True


def _frame(rng, aim, crowd, size, truncated: float):
    """Point the camera at everybody, or nearer, so that some are cut off.

    Returns the `Camera` and how far away the middle of the people is.
    """
    azimuth, pitch, roll = aim
    turned = rotation("zxy", roll, pitch, azimuth)
    joints = np.array([s.joints for s in crowd]).reshape(-1, 3)
    middle = (joints.min(0) + joints.max(0)) / 2
    depth = ((joints - middle) @ turned[2]).min()
    distance = float(rng.uniform(3.2, 6.0) - depth)
    shift = np.array([0, 0, distance]) - turned @ middle
    camera = Camera(1.0, (0.0, 0.0), turned, shift)
    flat = camera.project(joints)
    # heads, hands and feet reach beyond their joints
    grow = 0.10 / distance
    low, high = flat.min(0) - grow, flat.max(0) + grow
    size = np.array(size, dtype=np.float64)
    focal = float((size / (high - low)).min() * rng.uniform(0.82, 0.98))
    slack = np.maximum(size / focal - (high - low), 0)
    centre = (low + high) / 2 + slack * rng.uniform(-0.4, 0.4, 2)
    closer, target = rng.uniform(1.25, 2.0), flat[rng.integers(len(flat))]
    wish = centre + 0.7 * (target - centre)
    if rng.random() < truncated:
        for _ in range(8):
            zoomed = (
                flat.reshape(len(crowd), -1, 2) - wish
            ) * focal * closer + size / 2
            inside = ((zoomed > 0) & (zoomed < size - 1)).all(-1).sum(1)
            if (inside >= 5).all():
                focal, centre = focal * closer, wish
                break
            closer, wish = 1 + 0.7 * (closer - 1), centre + 0.7 * (wish - centre)
    x, y = (size - 1) / 2 - focal * centre
    return Camera(focal, (float(x), float(y)), turned, shift), distance
