"""A dataset that is known from one annotation file."""

from __future__ import annotations

import copy
import hashlib
import io
import warnings
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from ..files import FileError
from ..images import PictureFolder, decode_image
from ..images.headers import Header, read_header
from ..skeletons import Skeleton, get_skeleton
from .base import DatasetError, DatasetWarning, Person, Skipped, require_common_joints
from .pictures import is_turned

__all__ = ["AnnotatedDataset"]


class AnnotatedDataset:
    """A dataset whose people are all known from one annotation file.

    Parameters
    ----------
    name:
        What reports call it, e.g. ``"mpii-valid"``.
    people:
        One `Person` per labelled person, in the file's order.
    pictures:
        Where the pictures are.
    skipped:
        Records that could not be used.
    notes:
        What was mended or assumed.
    split:
        Which part of the data this is; None where it has no parts.

    Attributes
    ----------
    split_note:
        How the part was chosen, where not by the dataset's makers; or "".

    Notes
    -----
    What is in `skipped` and `notes` is said once, as a `DatasetWarning`.
    """

    def __init__(
        self,
        name: str,
        skeleton: Skeleton,
        people: list[Person],
        pictures: PictureFolder,
        skipped: Sequence[Skipped] = (),
        notes: Sequence[str] = (),
        split: str | None = None,
    ):
        self.name = name
        self.skeleton = skeleton
        self.people = people
        self.pictures = pictures
        self.skipped = list(skipped)
        self.notes: list[str] = []
        self.split = split
        self.split_note = ""
        # Of all pictures, whatever part of the people is taken later.
        self._sizes = {
            person.image: person.extra["image_size"]
            for person in people
            if person.extra.get("image_size")
        }
        for person in people:
            person.skeleton = skeleton
        if skipped:
            warnings.warn(
                f"{name}: {len(skipped)} of {len(skipped) + len(people)} records "
                f"cannot be used and are left out; {skipped[0]}. To refuse such a "
                "file instead: strict=True, or --strict",
                DatasetWarning,
                stacklevel=3,
            )
        if skeleton.defaults:
            filled = "; ".join(f"{k}: {v}" for k, v in skeleton.defaults.items())
            notes = [*notes, f"the skeleton {skeleton.name} was filled in. {filled}"]
        for note in notes:
            self._note(note)

    def _note(self, note: str):
        self.notes.append(note)
        warnings.warn(f"{self.name}: {note}", DatasetWarning, stacklevel=4)

    def __len__(self) -> int:
        return len(self.people)

    def __getitem__(self, index: int) -> Person:
        return self.people[index]

    def __repr__(self):
        return (
            f"<{type(self).__name__} {self.name}: {len(self)} people, "
            f"pictures in {self.pictures.folder}>"
        )

    def read_image(self, person: Person) -> np.ndarray:
        """The person's picture, RGB uint8 ``(H, W, 3)``, as it was labelled.

        That is as it is stored, or turned upright where its EXIF part asks
        for it and the annotation's width and height show that the turned
        picture was labelled.

        Raises `ImageError` if the picture has another size than the
        annotation says: its labels would lie elsewhere.
        """
        return self.read_reduced(person, 1)[0]

    def read_reduced(self, person: Person, reduce: int):
        """The same, decoded smaller where that is possible.

        Returns
        -------
        image, reduce:
            As `decode_image` gives it, and by what factor it is smaller.
        """
        data = self.pictures.read_bytes(person.image)
        where = self.pictures.folder / person.image
        if person.image in self._sizes:
            header = read_header(io.BytesIO(data), where)
            if self.is_turned(header, person.image):
                # At full size: turned, the last row of a smaller one is not whole.
                return decode_image(data, where), 1
        return decode_image(data, where, exif=False, reduce=reduce), reduce

    def is_turned(self, header: Header, name: str) -> bool:
        """Whether a picture is turned upright, because it was labelled so.

        Where its own width and height do not tell, those of the others do.
        Raises `ImageError` if it has another size than its annotation says.
        """
        if name not in self._sizes:
            return False
        turned = is_turned(header, self._sizes[name], self.pictures.folder / name)
        return self._labelled_upright if turned is None else turned

    def knows_size(self, name: str) -> bool:
        """Whether the annotations say how wide and high a picture is."""
        return name in self._sizes

    @cached_property
    def _labelled_upright(self) -> bool:
        """Whether the first picture whose size tells was labelled upright."""
        for name, size in self._sizes.items():
            try:
                header = self.pictures.header(name)
                if header.orientation == 1:
                    continue
                turned = is_turned(header, size, name)
            except (FileError, OSError):
                continue
            if turned is not None:
                return turned
        return False

    def first(self, count: int) -> AnnotatedDataset:
        """The same with only the first `count` people."""
        fewer = copy.copy(self)
        fewer.people = self.people[:count]
        return fewer

    def as_skeleton(self, skeleton: Skeleton | str) -> AnnotatedDataset:
        """The same people in the joints of another skeleton.

        Joints are matched by name; those that this dataset lacks are not
        labelled. Raises ValueError if there is no joint in common.
        """
        target = get_skeleton(skeleton)
        if target == self.skeleton:
            return self
        require_common_joints(self.skeleton, target)
        other = copy.copy(self)
        other.name, other.skeleton = f"{self.name}-{target.name}", target
        other.people = [person.as_skeleton(target) for person in self.people]
        other.notes = list(self.notes)
        for note in gaps_between(self.skeleton, target):
            other._note(note)
        return other

    def split_by_picture(
        self, split: str, valid_share: float = 0.1, seed: int = 0
    ) -> AnnotatedDataset:
        """A part of a dataset that has no parts of its own.

        All people of a picture are in the same part. Which pictures are for
        validation follows from their names and the seed alone, so it is the
        same on every machine, whatever the order of the records.

        Parameters
        ----------
        split:
            ``"train"``, ``"valid"``, or ``"all"``, which is everybody.
        valid_share:
            Share of the pictures that are for validation.
        """
        if split not in ("train", "valid", "all"):
            raise ValueError(
                f"{self.name} has no splits of its own; there are train, valid (a "
                f"tenth of its pictures) and all, not {split!r}"
            )
        if not 0 < valid_share < 1:
            raise ValueError(f"valid_share is {valid_share}; it must be within 0 and 1")
        part = copy.copy(self)
        part.split, part.notes = split, list(self.notes)
        if split == "all":
            return part
        valid = _drawn({p.image for p in self.people}, valid_share, seed, self.name)
        part.name = f"{self.name}-{split}"
        part.people = [
            p for p in self.people if (p.image in valid) == (split == "valid")
        ]
        pictures = len({p.image for p in self.people})
        taken = len(valid) if split == "valid" else pictures - len(valid)
        part.split_note = (
            f"{taken} of {pictures} pictures, drawn with seed {seed}, because the "
            "data has no splits of its own; no picture is in both train and valid"
        )
        part._note(f"{split} is {part.split_note}")
        return part


def gaps_between(source: Skeleton, target: Skeleton) -> list[str]:
    """A note on the joints that are wanted and not there, if there are any."""
    gaps = [
        joint
        for joint, name in zip(target.joints, target.canonical)
        if name not in source.canonical
    ]
    return [f"{source.name} has no {', '.join(gaps)}: not labelled"] if gaps else []


def _drawn(names: set[str], share: float, seed: int, where: str) -> set[str]:
    """Some of the pictures: those whose names hash to the smallest numbers."""
    if len(names) < 2:
        raise DatasetError(
            f"{where} has people in one picture only, which cannot be both trained "
            "on and held back; take the split 'all', or another dataset for "
            "validation"
        )
    order = sorted(
        names, key=lambda name: hashlib.sha256(f"{seed}/{name}".encode()).digest()
    )
    return set(order[: min(max(1, round(share * len(names))), len(names) - 1)])
