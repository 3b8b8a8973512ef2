"""What the dataset readers share: opening files, checking records."""

from __future__ import annotations

import copy
import io
import json
import math
from pathlib import Path

import numpy as np

from ..images import PictureFolder
from ..skeletons import Skeleton
from .base import DatasetError, Person

__all__ = [
    "AnnotatedDataset",
    "check_keypoints",
    "check_position",
    "keypoint_box",
    "load_json",
    "load_mat",
    "mat_names",
    "position_from_box",
]


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
    """

    def __init__(
        self,
        name: str,
        skeleton: Skeleton,
        people: list[Person],
        pictures: PictureFolder,
    ):
        self.name = name
        self.skeleton = skeleton
        self.people = people
        self.pictures = pictures

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
        """The person's picture, RGB uint8 ``(H, W, 3)``."""
        return self.pictures.read(person.image)

    def first(self, count: int) -> AnnotatedDataset:
        """The same with only the first `count` people."""
        fewer = copy.copy(self)
        fewer.people = self.people[:count]
        return fewer


def load_json(path):
    """The content of a JSON file.

    Raises FileNotFoundError, or `DatasetError` for a file that is empty or
    not JSON.
    """
    data = _read(path)
    try:
        return json.loads(data)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DatasetError(
            f"{path} is not JSON: {error}; it may be incomplete, get it again"
        ) from None


def load_mat(path) -> dict:
    """The variables of a MATLAB file (not of the HDF5 kind, 7.3).

    Structs become objects with attributes; one-element arrays become their
    element, which is why readers must expect both.
    """
    return _from_mat(path, "loadmat", struct_as_record=False, squeeze_me=True)


def mat_names(path) -> list[str]:
    """The names of a MATLAB file's variables, without reading them."""
    return [name for name, *_ in _from_mat(path, "whosmat")]


def _from_mat(path, function: str, **options):
    try:
        import scipy.io
    except ImportError:
        raise DatasetError(
            f"{path}: MATLAB files need the package scipy (pip install scipy)"
        ) from None
    data = io.BytesIO(_read(path))
    try:
        return getattr(scipy.io, function)(data, **options)
    except NotImplementedError:
        raise DatasetError(
            f"{path} is a MATLAB 7.3 file; save it again with -v7"
        ) from None
    except Exception as error:  # scipy fails in many ways on foreign bytes
        raise DatasetError(
            f"{path} is not a MATLAB file that can be read: {error}"
        ) from None


def _read(path) -> bytes:
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no annotation file {path}")
    data = path.read_bytes()
    if not data.strip():
        raise DatasetError(f"{path} is empty; get it again")
    return data


def check_keypoints(xy, visible, skeleton: Skeleton, where: str):
    """Keypoints and visibility in the package's form, or a clear error.

    Parameters
    ----------
    xy:
        ``(K, 2)`` pixels, 0-based, anything where `visible` is 0.
    visible:
        ``(K,)`` 0, 1 or 2.
    where:
        File and record, for the message.

    Returns
    -------
    keypoints, visible:
        ``(K, 2)`` float64 with NaN where unlabelled, ``(K,)`` uint8.
    """
    try:
        xy = np.asarray(xy, dtype=np.float64)
        visible = np.asarray(visible, dtype=np.float64)
    except (TypeError, ValueError):
        raise DatasetError(
            f"{where}: the joints are not numbers, or not equally many for each joint"
        ) from None
    k = len(skeleton)
    if xy.shape != (k, 2) or visible.shape != (k,):
        raise DatasetError(
            f"{where}: {len(np.atleast_1d(visible))} joints of shape "
            f"{xy.shape}, but the skeleton {skeleton.name} has {k} joints "
            "with two coordinates each"
        )
    if not np.isin(visible, (0, 1, 2)).all():
        raise DatasetError(
            f"{where}: visibility must be 0, 1 or 2, not {visible.tolist()}"
        )
    labelled = visible > 0
    bad = labelled & ~np.isfinite(xy).all(1)
    if bad.any():
        joint = skeleton.joints[int(np.argmax(bad))]
        raise DatasetError(
            f"{where}: joint {joint} is marked as labelled "
            "but its coordinates are not finite numbers"
        )
    keypoints = np.where(labelled[:, None], xy, np.nan)
    return keypoints, visible.astype(np.uint8)


def check_position(center, scale, where: str):
    """Centre and scale as floats, or a clear error."""
    try:
        x, y = map(float, center)
        scale = float(scale)
    except (TypeError, ValueError):
        raise DatasetError(
            f"{where}: centre {center!r} and scale {scale!r} must be numbers"
        ) from None
    if not (
        math.isfinite(x) and math.isfinite(y) and math.isfinite(scale) and scale > 0
    ):
        raise DatasetError(
            f"{where}: centre ({x}, {y}) and scale {scale} "
            "must be finite, the scale positive"
        )
    return (x, y), scale


def keypoint_box(keypoints):
    """The box ``(x, y, width, height)`` around the labelled joints.

    In pixels, covering the pixels of the outermost joints, so that one
    joint alone has a box of 1 x 1. None without a labelled joint.
    """
    labelled = keypoints[np.isfinite(keypoints).all(1)]
    if len(labelled) == 0:
        return None
    low, high = labelled.min(0), labelled.max(0)
    return (*low.tolist(), *(high - low + 1).tolist())


def position_from_box(box, padding: float = 1.0):
    """MPII's centre and scale for a dataset that gives boxes.

    Chosen so that the standard window (`Person.crop`) has the box in its
    middle and is 1.25 * `padding` times as wide as the box's longer side.

    Returns
    -------
    center, scale
    """
    x, y, width, height = box
    scale = padding * max(width, height) / 200
    # The standard window lies 15 * scale below the centre.
    return (x + (width - 1) / 2, y + (height - 1) / 2 - 15 * scale), scale
