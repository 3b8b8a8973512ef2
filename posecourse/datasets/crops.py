"""People cut out once, ready to be read as fast as the disk can.

Decoding pictures is most of the work of a training step on pose data. So
each picture is decoded once, each person's window is cut out with a margin
for augmentation, and all windows lie in one file that is mapped into
memory:

=============== =======================================================
``crops.npy``   ``(N, S, S, 3)`` uint8, RGB
``labels.npz``  keypoints and the rest, arrays of N rows
``store.json``  what it was made from; written last: a store without it
                is not finished
=============== =======================================================

A build that is killed goes on where it was. Each chunk of people is on the
disk before the file with its labels is, and that file says "done".
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ..files import sha256
from ..skeletons import Skeleton, get_skeleton, remap
from .base import DatasetError, require_common_joints
from .parsing import load_json

__all__ = ["MAX_SIZE", "CropDataset", "CropsError"]

# The largest side of a crop, pixels.
MAX_SIZE = 8192

# Version 1 had no sizes of boxes and knew nothing about its pictures.
_VERSION = 2

# A .npy header of fixed length, so that the number of rows can be filled
# in at the end.
_HEADER = 128

# What to do with a store that cannot be used.
_AGAIN = "delete the store and prepare it again (rebuild=True, --rebuild)"


class CropsError(DatasetError):
    """A prepared store that is unfinished, damaged or of something else."""


@dataclass
class CropDataset:
    """Windows around people, with their labels.

    A window shows `margin` times the standard window (`Person.crop`), on
    `size` pixels. One that is enlarged is moved by at most half a pixel
    (`Crop.snapped`); `keypoints` and `to_image` know.

    Attributes
    ----------
    crops:
        ``(N, S, S, 3)`` uint8, RGB; mapped from the disk, or in memory.
    keypoints:
        ``(N, K, 2)`` float32, pixels of the crop, NaN where unlabelled.
    visible:
        ``(N, K)`` uint8: 0 not labelled, 1 hidden, 2 visible.
    head_size:
        ``(N,)`` float32, the unit of PCKh in pixels of the crop, or NaN.
    area:
        ``(N,)`` float32, the person's area in square crop pixels, or NaN.
    to_image:
        ``(N, 2, 3)`` float64, maps from the crop to the picture.
    center, scale:
        ``(N, 2)`` and ``(N,)`` float64, as in `Person`, picture pixels.
    images, ids:
        ``(N,)`` text: the picture's name and the person's id.
    skeleton, size, margin:
        What the columns of `keypoints` are, the crop's side in pixels, and
        how many standard windows it shows.
    source:
        What it was made from: the dataset's name, its split and how that was
        chosen, what was mended or assumed, the people left out, and two
        fingerprints, of the ``labels`` and, as ``fingerprint``, of both labels
        and pictures.
    box_size:
        ``(N,)`` float32, the longer side of the person's box in pixels of
        the crop; NaN where unknown.
    """

    crops: np.ndarray
    keypoints: np.ndarray
    visible: np.ndarray
    head_size: np.ndarray
    area: np.ndarray
    to_image: np.ndarray
    center: np.ndarray
    scale: np.ndarray
    images: np.ndarray
    ids: np.ndarray
    skeleton: Skeleton
    size: int
    margin: float
    source: dict = field(default_factory=dict)
    box_size: np.ndarray | None = None

    def __post_init__(self):
        if self.box_size is None:
            self.box_size = np.full(len(self.keypoints), np.nan, np.float32)

    def __len__(self) -> int:
        return len(self.crops)

    def __repr__(self):
        return (
            f"<CropDataset of {self.source.get('dataset')}: {len(self)} "
            f"people, {self.size} x {self.size} pixels, margin "
            f"{self.margin}>"
        )

    @property
    def window(self) -> float:
        """Side of the standard window, pixels of the crop."""
        return self.size / self.margin

    def read(self, indices) -> np.ndarray:
        """Some crops, ``(len(indices), S, S, 3)`` uint8, in memory.

        Reads in the order of the file, whatever the order of `indices`.
        """
        indices = np.asarray(indices)
        out = np.empty((len(indices), *self.crops.shape[1:]), np.uint8)
        for place in np.argsort(indices, kind="stable"):
            out[place] = self.crops[indices[place]]
        return out

    def subset(self, indices) -> CropDataset:
        """A store of some people, in the order given.

        A run of neighbours stays mapped from the disk; any other choice is
        copied into memory.
        """
        indices = np.asarray(indices)
        if indices.dtype == bool:
            indices = np.flatnonzero(indices)
        indices = np.arange(len(self))[indices]
        if len(indices) and (np.diff(indices) == 1).all():
            crops = self.crops[indices[0] : indices[-1] + 1]
        else:
            crops = self.read(indices)
        rows = {name: getattr(self, name)[indices] for name in _LABELS}
        return replace(self, crops=crops, **rows)

    def as_skeleton(self, skeleton: Skeleton | str) -> CropDataset:
        """The same crops with the joints of another skeleton.

        Joints are matched by name; those that these people lack are not
        labelled. Raises ValueError if there is no joint in common.
        """
        target = get_skeleton(skeleton)
        require_common_joints(self.skeleton, target)
        keypoints, visible = remap(self.keypoints, self.visible, self.skeleton, target)
        return replace(
            self,
            keypoints=keypoints.astype(np.float32),
            visible=visible,
            skeleton=target,
        )

    @classmethod
    def open(cls, path) -> CropDataset:
        """A finished store, checked.

        Raises
        ------
        FileNotFoundError
            If there is none.
        CropsError
            If it is unfinished, damaged, or of another version.
        """
        path = Path(path)
        if not (path / "store.json").is_file():
            if (path / "building.json").is_file():
                raise CropsError(
                    f"the store {path} is not finished "
                    f"({len(_parts(path))} chunks are); run the same "
                    "preparation again, it goes on where it was"
                )
            raise FileNotFoundError(
                f"no prepared store in {path}: it has no store.json"
            )
        about = _about(path / "store.json")
        labels = _read_labels(path / "labels.npz", about)
        return cls(
            crops=_map_crops(path / "crops.npy", about),
            **labels,
            skeleton=about["skeleton"],
            size=about["size"],
            margin=about["margin"],
            source=about["source"],
        )


def _about(path: Path) -> dict:
    """What ``store.json`` says, checked; its skeleton as one."""
    about = load_json(path)
    if not isinstance(about, dict):
        raise CropsError(f"{path} does not describe a store; {_AGAIN}")
    if about.get("version") not in (1, _VERSION):
        raise CropsError(
            f"{path.parent} is a store of version {about.get('version')}, this "
            f"program reads version {_VERSION}; {_AGAIN}"
        )
    wanted = {
        "people": lambda v: type(v) is int and v >= 0,
        "size": lambda v: type(v) is int and 0 < v <= MAX_SIZE,
        "margin": lambda v: isinstance(v, (int, float)) and 0 < v < 100,
        "labels_sha256": lambda v: isinstance(v, str),
        "source": lambda v: isinstance(v, dict) and "dataset" in v,
    }
    for name, is_good in wanted.items():
        if not is_good(about.get(name)):
            raise CropsError(
                f"{path} is damaged: its {name!r} is {about.get(name)!r:.60}; {_AGAIN}"
            )
    try:
        return about | {"skeleton": Skeleton.from_dict(about.get("skeleton"))}
    except ValueError as error:
        raise CropsError(f"{path} is damaged: {error}; {_AGAIN}") from None


def _parts(path: Path) -> list[Path]:
    """The labels of finished chunks, in order, without gaps."""
    parts: list[Path] = []
    while (part := path / "parts" / f"{len(parts):05d}.npz").exists():
        parts.append(part)
    return parts


_LABELS = {
    "keypoints": np.float32,
    "visible": np.uint8,
    "head_size": np.float32,
    "area": np.float32,
    "to_image": np.float64,
    "center": np.float64,
    "scale": np.float64,
    "images": np.str_,
    "ids": np.str_,
    "box_size": np.float32,
}


def _map_crops(path: Path, about: dict) -> np.ndarray:
    shape = (about["people"], about["size"], about["size"], 3)
    expected = _HEADER + int(np.prod(shape))
    actual = path.stat().st_size if path.is_file() else 0
    if actual != expected:
        raise CropsError(
            f"{path} has {actual:,} bytes instead of {expected:,}; {_AGAIN}"
        )
    try:
        crops = np.load(path, mmap_mode="r")
    except (OSError, ValueError) as error:
        raise CropsError(f"{path} is damaged: {error}; {_AGAIN}") from None
    if crops.shape != shape or crops.dtype != np.uint8:
        raise CropsError(
            f"{path} has the shape {crops.shape} instead of {shape}; {_AGAIN}"
        )
    return crops


def _read_labels(path: Path, about: dict) -> dict:
    if not path.is_file() or sha256(path) != about["labels_sha256"]:
        raise CropsError(f"{path} is missing or was changed; {_AGAIN}")
    missing = {"box_size"} if about["version"] == 1 else set()
    n, k = about["people"], len(about["skeleton"])
    shapes = {
        "keypoints": (n, k, 2),
        "visible": (n, k),
        "to_image": (n, 2, 3),
        "center": (n, 2),
    }
    try:
        with np.load(path) as arrays:
            labels = {name: arrays[name] for name in _LABELS if name not in missing}
    except (OSError, ValueError, KeyError) as error:
        raise CropsError(f"{path} is damaged: {error}; {_AGAIN}") from None
    for name, array in labels.items():
        if array.shape != shapes.get(name, (n,)):
            raise CropsError(
                f"{path} is damaged: {name} has the shape {array.shape}, for {n} "
                f"people with {k} joints; {_AGAIN}"
            )
    return labels
