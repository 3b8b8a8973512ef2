"""Leeds Sports Pose and its extended training set.

Both come as ``joints.mat`` and ``images/``, and differ in two ways that
are easy to miss:

- LSP: ``joints`` is ``(3, 14, N)`` and the third number is 1 where the
  joint is **hidden**. All joints are labelled.
- LSP extended: ``joints`` is ``(14, 3, N)`` and the third number is 1
  where the joint is **visible**; the others were not labelled, their
  coordinates mean nothing.

Coordinates are taken to count from 1, as everything that is drawn in
MATLAB; neither readme says so.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .. import skeletons
from ..images import PictureFolder
from .base import DatasetError, Person
from .parsing import (
    AnnotatedDataset,
    check_keypoints,
    keypoint_box,
    load_mat,
    position_from_box,
)

__all__ = ["LSP"]


class LSP(AnnotatedDataset):
    """People of LSP or of LSP extended, one per picture.

    Parameters
    ----------
    root:
        Folder with ``joints.mat`` and ``images/``.
    split:
        ``"train"``, ``"valid"`` or ``"trainval"``. Of LSP the first half
        is for training, the second for testing (here: valid). All of LSP
        extended is for training.

    Notes
    -----
    There are no head boxes: `head_size` is NaN; measure PCK relative to
    the torso. Position and scale come from the joints' box. A person of
    whom nothing is labelled is left out.
    """

    def __init__(self, root, split: str = "train"):
        root = Path(root)
        path = root / "joints.mat"
        if split not in ("train", "valid", "trainval"):
            raise ValueError(
                f"LSP has the splits train, valid, trainval, not {split!r}"
            )
        joints = load_mat(path).get("joints")
        if (
            joints is None
            or joints.ndim != 3
            or not (joints.shape[:2] in ((3, 14), (14, 3)))
        ):
            shape = None if joints is None else joints.shape
            raise DatasetError(
                f"{path}: expected 'joints' of 3 x 14 x N "
                f"(LSP) or 14 x 3 x N (extended), got {shape}"
            )
        extended = joints.shape[:2] == (14, 3)
        joints = joints.transpose((2, 0, 1) if extended else (2, 1, 0))
        flag = joints[..., 2] > 0
        if extended:
            visible, digits = np.where(flag, 2, 0), 5
        else:
            visible, digits = np.where(flag, 1, 2), 4
        self.split = split
        people = []
        for i in self._chosen(len(joints), split, extended):
            person = _person(
                f"im{i + 1:0{digits}d}.jpg",
                joints[i, :, :2],
                visible[i],
                f"{path}, person {i + 1}",
            )
            if person is not None:
                person.id = f"{split}/{i}"
                people.append(person)
        if not people:
            raise DatasetError(f"{path} has no labelled people in the split {split!r}")
        name = "lsp-extended" if extended else "lsp"
        super().__init__(
            f"{name}-{split}", skeletons.LSP, people, PictureFolder(root / "images")
        )

    @staticmethod
    def _chosen(count: int, split: str, extended: bool) -> range:
        half = count if extended else count // 2
        return {
            "train": range(half),
            "valid": range(half, count),
            "trainval": range(count),
        }[split]


def _person(image, xy, visible, where) -> Person | None:
    keypoints, visible = check_keypoints(xy - 1, visible, skeletons.LSP, where)
    box = keypoint_box(keypoints)
    if box is None:
        return None
    # The joints' box ends at wrists and ankles; hands and feet need room.
    center, scale = position_from_box(box, padding=1.1)
    return Person(image, keypoints, visible, center, scale, box=box)
