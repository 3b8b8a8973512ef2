"""AI Challenger human keypoints: 14 joints, up to many people a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .. import skeletons
from ..images import PictureFolder
from .annotated import AnnotatedDataset
from .base import DatasetError, Person
from .parsing import (
    Records,
    as_numbers,
    check_box,
    check_keypoints,
    get_field,
    load_json,
    named_split,
    position_from_box,
)
from .pictures import find_pictures, picture_name, places_in

__all__ = ["AIChallenger"]

# The file's flags: 1 visible, 2 hidden, 3 not labelled. Ours: 2, 1, 0.
_VISIBLE = np.array([0, 2, 1, 0])


class AIChallenger(AnnotatedDataset):
    """People of a ``keypoint_*_annotations_*.json`` of AI Challenger.

    Parameters
    ----------
    annotations:
        The JSON file: a list of pictures, each with ``image_id``,
        ``human_annotations`` (boxes: left, top, right, bottom) and
        ``keypoint_annotations`` (x, y, flag for each joint).
    images:
        Folder of the pictures; by default the folder beside the file
        whose name has ``images`` instead of ``annotations``, or
        ``images/``.
    strict:
        Raise an error for a record that cannot be used, instead of leaving
        it out.

    Notes
    -----
    People without a labelled joint are left out. `area` is the box's, as
    in the contest's OKS. Centre and scale: the box in the middle of the
    standard window, which is 1.25 times its longer side wide. There are no
    head boxes.
    """

    def __init__(self, annotations, images=None, strict: bool = False):
        path = Path(annotations)
        pictures = load_json(path)
        if not isinstance(pictures, list) or not any(
            isinstance(p, dict) and "keypoint_annotations" in p for p in pictures
        ):
            raise DatasetError(
                f"{path} is not an AI Challenger file: "
                "expected a list of pictures with "
                "'keypoint_annotations'"
            )
        people, records = [], Records(path, strict)
        for i, picture in enumerate(pictures):
            with records.one(f"picture {i}") as where:
                people += _people_of(picture, records, where)
        records.require(people, "person with joints")
        self.annotations = path
        beside = path.parent / path.stem.replace("annotations", "images")
        folder, last = find_pictures(
            [person.image for person in people],
            places_in(images) if images else [beside, path.parent / "images"],
        )
        for person in people:
            person.image = picture_name(person.image, str(path), last)
        super().__init__(
            "ai-challenger",
            skeletons.AI_CHALLENGER,
            people,
            PictureFolder(folder),
            records.skipped,
            split=named_split(path),
        )

    @staticmethod
    def places(split: str) -> list[str]:
        """Where annotations are looked for, below the root."""
        name = {"valid": "validation"}.get(split, split)
        return [
            f"keypoint_{name}_annotations*.json",
            f"*/keypoint_{name}_annotations*.json",
        ]

    @classmethod
    def splits(cls, root) -> dict[str, Path]:
        """The annotation file of each split under `root`."""
        found = {}
        for split in ("train", "valid", "test"):
            for pattern in cls.places(split):
                for path in sorted(Path(root).glob(pattern), reverse=True):
                    found[split] = path
        return found


def _people_of(picture: dict, records: Records, where: str) -> list[Person]:
    name = f"{get_field(picture, 'image_id', where)}.jpg"
    humans = get_field(picture, "keypoint_annotations", where)
    boxes = get_field(picture, "human_annotations", where)
    if not isinstance(humans, dict) or not isinstance(boxes, dict):
        raise DatasetError(
            f"{where}: 'keypoint_annotations' and 'human_annotations' must be objects"
        )
    people = []
    for human, joints in humans.items():
        with records.one(f"{human} of {picture['image_id']}") as place:
            person = _person(name, joints, get_field(boxes, human, place), place)
            if person is not None:
                person.id = f"{picture['image_id']}/{human}"
                people.append(person)
    return people


def _person(image, joints, box, where) -> Person | None:
    joints = as_numbers(joints, where, "joints")
    if joints.size % 3:
        raise DatasetError(f"{where}: expected x, y and a flag for each joint")
    joints = joints.reshape(-1, 3)
    if not np.isin(joints[:, 2], (1, 2, 3)).all():
        raise DatasetError(
            f"{where}: flags must be 1 visible, 2 hidden or 3 not labelled"
        )
    keypoints, visible = check_keypoints(
        joints[:, :2],
        _VISIBLE[joints[:, 2].astype(int)],
        skeletons.AI_CHALLENGER,
        where,
    )
    if not visible.any():
        return None
    corners = as_numbers(box, where, "the box")
    if corners.shape != (4,):
        raise DatasetError(f"{where}: a box has left, top, right and bottom")
    left, top, right, bottom = corners.tolist()
    box = check_box((left, top, right - left, bottom - top), where)
    center, scale = position_from_box(box)
    return Person(
        picture_name(image, where),
        keypoints,
        visible,
        center,
        scale,
        box=box,
        area=box[2] * box[3],
    )
