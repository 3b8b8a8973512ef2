"""COCO person keypoints."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from .. import skeletons
from ..images import PictureFolder
from .base import DatasetError, Person
from .parsing import AnnotatedDataset, check_keypoints, load_json, position_from_box

__all__ = ["COCOKeypoints"]


class COCOKeypoints(AnnotatedDataset):
    """People of a ``person_keypoints_*.json`` who have labelled joints.

    Parameters
    ----------
    annotations:
        The JSON file.
    images:
        Folder of the pictures; by default ``<name>/`` or ``images/`` near
        the file, where ``<name>`` is what follows ``person_keypoints_``.

    Notes
    -----
    Left out: crowds, and people without a labelled joint (the evaluation
    ignores both as well); `skipped` counts them.

    Keypoints are 0-based as they stand. Boxes are measured from the
    picture's outer edge and used as `Crop.from_box` takes them. Centre and
    scale are chosen so that the standard window has the box in its middle
    and is 1.25 times its longer side wide. `area` is that of the
    segmentation, which OKS uses. There are no head boxes.

    `extra` has ``annotation_id``, ``image_id`` and ``image_size`` (width,
    height).
    """

    def __init__(self, annotations, images=None):
        path = Path(annotations)
        content = load_json(path)
        if not isinstance(content, dict) or "annotations" not in content:
            raise DatasetError(
                f"{path} is not a COCO file: no 'annotations' at its top"
            )
        _check_categories(content, path)
        pictures = {image["id"]: image for image in content["images"]}
        people = []
        for i, record in enumerate(content["annotations"]):
            if record.get("iscrowd") or not any(record.get("keypoints", ())):
                continue
            people.append(
                _person(record, pictures, f"{path}, annotation {record.get('id', i)}")
            )
        if not people:
            raise DatasetError(f"{path} has no person with keypoints")
        self.skipped = len(content["annotations"]) - len(people)
        self.annotations = path
        folder = Path(images) if images else self.find_images(path)
        super().__init__(
            path.stem.replace("person_keypoints", "coco"),
            skeletons.COCO,
            people,
            PictureFolder(folder),
        )

    @classmethod
    def find(cls, root, split: str = "valid") -> Path | None:
        """The annotation file of a split under `root`, if it is there."""
        name = {"valid": "val"}.get(split, split)
        for folder in (Path(root) / "annotations", Path(root)):
            found = [
                *sorted(folder.glob(f"person_keypoints_{name}*.json")),
                folder / "person_keypoints.json",
            ]
            for path in found:
                if path.is_file():
                    return path
        return None

    @staticmethod
    def places(split: str) -> list[str]:
        """Where annotations are looked for, below the root."""
        name = {"valid": "val"}.get(split, split)
        return [f"annotations/person_keypoints_{name}*.json", "person_keypoints.json"]

    @staticmethod
    def find_images(path: Path) -> Path:
        """The folder of the pictures that belong to an annotation file."""
        name = path.stem.removeprefix("person_keypoints").strip("_")
        root = path.parent
        if root.name == "annotations":
            root = root.parent
        places = [
            root / "images",
            *([root / name, root / "images" / name] if name else []),
        ]
        return next((p for p in reversed(places) if p.is_dir()), places[0])


def _check_categories(content, path):
    for category in content.get("categories", ()):
        names = tuple(category.get("keypoints", ()))
        if names and names != skeletons.COCO.joints:
            raise DatasetError(
                f"{path}: category {category.get('name')!r} has the joints "
                f"{', '.join(names)}; this reader knows COCO's 17"
            )


def _person(record, pictures, where) -> Person:
    try:
        image = pictures[record["image_id"]]
        box = tuple(map(float, record["bbox"]))
        joints = np.asarray(record["keypoints"], dtype=np.float64)
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(f"{where}: unusable: {error!r}") from None
    if joints.size % 3 or len(box) != 4 or not (box[2] > 0 and box[3] > 0):
        raise DatasetError(
            f"{where}: expected x, y, v for each joint and a "
            f"box with a width and a height, got {box}"
        )
    joints = joints.reshape(-1, 3)
    keypoints, visible = check_keypoints(
        joints[:, :2], joints[:, 2], skeletons.COCO, where
    )
    center, scale = position_from_box(box)
    return Person(
        image["file_name"],
        keypoints,
        visible,
        center,
        scale,
        box=box,
        area=float(record.get("area", math.nan)),
        id=f"coco/{record.get('id')}",
        extra={
            "annotation_id": record.get("id"),
            "image_id": image["id"],
            "image_size": (image.get("width"), image.get("height")),
        },
    )
