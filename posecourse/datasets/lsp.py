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
from .annotated import AnnotatedDataset
from .base import DatasetError, Person
from .parsing import (
    Records,
    check_keypoints,
    keypoint_box,
    load_mat,
    position_from_box,
)
from .pictures import find_pictures, places_in

__all__ = ["LSP"]

_SPLITS = ("train", "valid", "trainval")


class LSP(AnnotatedDataset):
    """People of LSP or of LSP extended, one per picture.

    Parameters
    ----------
    root:
        Folder with ``joints.mat`` and ``images/``.
    annotations, images:
        The file and the folder, where they are elsewhere or called otherwise.
    strict:
        Raise an error for a person who cannot be used, instead of leaving
        them out.
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

    def __init__(
        self,
        root,
        split: str = "train",
        annotations=None,
        images=None,
        strict: bool = False,
    ):
        root = Path(root)
        path = root / "joints.mat" if annotations is None else Path(annotations)
        if split not in _SPLITS:
            raise ValueError(f"LSP has the splits {', '.join(_SPLITS)}, not {split!r}")
        joints, extended = _read(path)
        if extended:
            visible, digits = np.where(joints[..., 2] > 0, 2, 0), 5
        else:
            visible, digits = np.where(joints[..., 2] > 0, 1, 2), 4
        people, records = [], Records(path, strict)
        for i in self._chosen(len(joints), split, extended):
            with records.one(f"person {i + 1}") as where:
                person = _person(
                    f"im{i + 1:0{digits}d}.jpg", joints[i], visible[i], where
                )
                if person is not None:
                    person.id = f"{split}/{i}"
                    people.append(person)
        records.require(people, f"labelled people in the split {split!r}")
        self.annotations = path
        folder, _ = find_pictures(
            [person.image for person in people],
            places_in(images) if images else [root / "images"],
        )
        name = "lsp-extended" if extended else "lsp"
        super().__init__(
            f"{name}-{split}",
            skeletons.LSP,
            people,
            PictureFolder(folder),
            records.skipped,
            split=split,
        )

    @classmethod
    def splits(cls, root) -> dict[str, Path]:
        """The annotation file of each split under `root`."""
        path = Path(root) / "joints.mat"
        return dict.fromkeys(_SPLITS, path) if path.is_file() else {}

    @staticmethod
    def _chosen(count: int, split: str, extended: bool) -> range:
        half = count if extended else count // 2
        return {
            "train": range(half),
            "valid": range(half, count),
            "trainval": range(count),
        }[split]


def _read(path: Path):
    """Joints ``(N, 14, 3)``, and whether the set is the extended one."""
    joints = load_mat(path).get("joints")
    shape = getattr(joints, "shape", None)
    if (
        joints is None
        or shape is None
        or len(shape) != 3
        or shape[:2] not in ((3, 14), (14, 3))
        or joints.dtype.kind not in "fiub"
    ):
        raise DatasetError(
            f"{path}: expected numbers 'joints' of 3 x 14 x N "
            f"(LSP) or 14 x 3 x N (extended), got {shape}"
        )
    extended = shape[:2] == (14, 3)
    joints = joints.transpose((2, 0, 1) if extended else (2, 1, 0))
    return joints.astype(np.float64), extended


def _person(image, joints, visible, where) -> Person | None:
    if not np.isfinite(joints[:, 2]).all():
        raise DatasetError(f"{where}: a joint's third number must be 0 or 1")
    keypoints, visible = check_keypoints(
        joints[:, :2] - 1, visible, skeletons.LSP, where
    )
    box = keypoint_box(keypoints)
    if box is None:
        return None
    # The joints' box ends at wrists and ankles; hands and feet need room.
    center, scale = position_from_box(box, padding=1.1)
    return Person(image, keypoints, visible, center, scale, box=box)
