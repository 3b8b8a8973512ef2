"""AI Challenger human keypoints: 14 joints, up to many people a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .. import skeletons
from ..images import PictureFolder
from .base import DatasetError, Person
from .parsing import AnnotatedDataset, check_keypoints, load_json, position_from_box

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

    Notes
    -----
    People without a labelled joint are left out. `area` is the box's, as
    in the contest's OKS. Centre and scale: the box in the middle of the
    standard window, which is 1.25 times its longer side wide. There are no
    head boxes.
    """

    def __init__(self, annotations, images=None):
        path = Path(annotations)
        pictures = load_json(path)
        if (
            not isinstance(pictures, list)
            or not pictures
            or not (
                isinstance(pictures[0], dict) and "keypoint_annotations" in pictures[0]
            )
        ):
            raise DatasetError(
                f"{path} is not an AI Challenger file: "
                "expected a list of pictures with "
                "'keypoint_annotations'"
            )
        people = []
        for picture in pictures:
            people += _people_of(picture, path)
        if not people:
            raise DatasetError(f"{path} has no person with joints")
        self.annotations = path
        folder = Path(images) if images else self.find_images(path)
        super().__init__(
            "ai-challenger", skeletons.AI_CHALLENGER, people, PictureFolder(folder)
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
    def find(cls, root, split: str = "valid") -> Path | None:
        """The annotation file of a split under `root`, if it is there."""
        for pattern in cls.places(split):
            for path in sorted(Path(root).glob(pattern)):
                return path
        return None

    @staticmethod
    def find_images(path: Path) -> Path:
        """The folder of the pictures that belong to an annotation file."""
        twin = path.parent / path.stem.replace("annotations", "images")
        return twin if twin.is_dir() else path.parent / "images"


def _people_of(picture: dict, path) -> list[Person]:
    name = picture.get("image_id")
    people = []
    for human, joints in picture.get("keypoint_annotations", {}).items():
        where = f"{path}, {human} of {name}"
        try:
            joints = np.asarray(joints, dtype=np.float64).reshape(-1, 3)
            box = picture["human_annotations"][human]
            left, top, right, bottom = map(float, box)
        except (KeyError, TypeError, ValueError) as error:
            raise DatasetError(f"{where}: unusable: {error!r}") from None
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
            continue
        if right <= left or bottom <= top:
            raise DatasetError(f"{where}: empty box {box}")
        box = (left, top, right - left, bottom - top)
        center, scale = position_from_box(box)
        people.append(
            Person(
                f"{name}.jpg",
                keypoints,
                visible,
                center,
                scale,
                box=box,
                area=box[2] * box[3],
                id=f"{name}/{human}",
            )
        )
    return people
