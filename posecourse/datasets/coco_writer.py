"""Drawn scenes written as COCO keeps its data: `coco` the other way round."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..files import atomic_path, refuse_existing, write_json
from ..skeletons import Skeleton
from .base import Person

if TYPE_CHECKING:
    from .synthetic import SyntheticScenes

__all__ = ["write_coco"]


def write_coco(folder, scenes: SyntheticScenes) -> Path:
    """Write pictures and an annotation file in COCO's keypoint form.

    ``images/000000.jpg`` and so on, and
    ``annotations/person_keypoints_SPLIT.json``. Its category, ``person``,
    names the joints of ``scenes.skeleton``; boxes and areas are of what is
    seen. People of whom nothing is seen are left out, as COCO does.

    Raises ValueError if one of the files is there already.

    Returns
    -------
    Path of the annotation file, which `COCOKeypoints` and COCO's own tools
    read.
    """
    import cv2

    folder = Path(folder)
    path = folder / "annotations" / f"person_keypoints_{scenes.split}.json"
    names = [f"{number:06d}.jpg" for number in range(scenes.pictures)]
    refuse_existing(path, *(folder / "images" / name for name in names))
    images: list[dict] = []
    annotations: list[dict] = []
    for number, name in enumerate(names):
        scene = scenes.scene(number)
        with atomic_path(folder / "images" / name) as temporary:
            _, data = cv2.imencode(
                ".jpg", scene.image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95]
            )
            temporary.write_bytes(data)
        height, width = scene.image.shape[:2]
        images.append(
            {"id": number, "file_name": name, "width": width, "height": height}
        )
        annotations += [
            _annotation(person, len(annotations) + i, number)
            for i, person in enumerate((p for p in scene.persons if p.area), 1)
        ]
    write_json(
        path,
        {
            "info": {"description": repr(scenes)},
            "images": images,
            "annotations": annotations,
            "categories": [_category(scenes.skeleton)],
        },
    )
    return path


def _annotation(person: Person, identity: int, image: int) -> dict:
    assert person.box is not None  # whoever is seen has one
    joints = np.column_stack([np.nan_to_num(person.keypoints), person.visible])
    return {
        "id": identity,
        "image_id": image,
        "category_id": 1,
        "keypoints": joints.ravel().tolist(),
        "num_keypoints": int(np.count_nonzero(person.visible)),
        "bbox": list(person.box),
        "area": person.area,
        "iscrowd": 0,
    }


def _category(skeleton: Skeleton) -> dict:
    return {
        "id": 1,
        "name": "person",
        "supercategory": "person",
        "keypoints": list(skeleton.joints),
        "skeleton": [
            [skeleton.index(a) + 1, skeleton.index(b) + 1] for a, b in skeleton.bones
        ],
    }
