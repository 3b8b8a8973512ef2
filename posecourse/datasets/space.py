"""People in three dimensions: MPI-INF-3DHP and MuCo-3DHP as they are published.

Both are read strictly: a file that is not as described here is refused, and
nothing is guessed. What could be checked and what could not:

- Shapes, joint counts and which joints are used are those of public readers
  (mmpose's ``preprocess_mpi_inf_3dhp.py``, SPIN, 3DMPPE). **No original file
  was at hand**: the tests write their own.
- Positions in space are millimetres in the camera's axes in the files, and
  metres here: to find them in a picture, project with the intrinsics alone.
- Whether pixels count from 0 or 1 is not documented; they are left as they are.
  A pixel more or less is a millimetre or two of a person.
- The test set of MPI-INF-3DHP (MATLAB 7.3) is not read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..skeletons import MPI_INF_3DHP, MUCO, Skeleton
from .base import DatasetError
from .parsing import as_numbers, get_field, load_json, load_mat

__all__ = ["CameraSequence", "MuCoPicture", "read_mpi_inf_3dhp", "read_muco"]

# Of the 28 joints of the files, those that are used, in the skeleton's order.
_USED = [7, 5, 14, 15, 16, 9, 10, 11, 23, 24, 25, 18, 19, 20, 4, 3, 6]
_JOINTS, _CAMERAS = 28, 14
_METRES = 0.001
# Somebody in a studio: nearer or farther is a slip, or another unit.
_NEAREST, _FARTHEST = 0.3, 20.0


class CameraSequence(NamedTuple):
    """One person before one camera, frame by frame.

    Attributes
    ----------
    camera:
        Its number in the files, from 0.
    keypoints, joints:
        ``(T, 17, 2)`` pixels; ``(T, 17, 3)`` metres in the camera's axes.
    skeleton:
        `MPI_INF_3DHP`; its root is the pelvis.
    """

    camera: int
    keypoints: np.ndarray
    joints: np.ndarray
    skeleton: Skeleton = MPI_INF_3DHP


def read_mpi_inf_3dhp(path, universal: bool = False) -> list[CameraSequence]:
    """The cameras of one sequence of MPI-INF-3DHP's training set.

    Parameters
    ----------
    path:
        ``S1/Seq1/annot.mat``, or its folder.
    universal:
        Joints of the body scaled to one size for all actors (``univ_annot3``),
        instead of as they were measured (``annot3``).

    Raises
    ------
    FileNotFoundError, DatasetError
        If there is no such file, or it is not as it should be.
    """
    path = Path(path)
    path = path / "annot.mat" if path.is_dir() else path
    content = load_mat(path)
    name = "univ_annot3" if universal else "annot3"
    missing = [key for key in ("annot2", name) if key not in content]
    if missing:
        raise DatasetError(
            f"{path} has no {' and no '.join(missing)}: it is not an annot.mat of "
            "MPI-INF-3DHP"
        )
    flat, space = (_cells(content[key], path, key) for key in ("annot2", name))
    if len(flat) != len(space) or not 1 <= len(flat) <= _CAMERAS:
        raise DatasetError(
            f"{path}: {len(flat)} cameras in annot2 and {len(space)} in {name}; "
            f"the same number is needed, at most {_CAMERAS}"
        )
    found = []
    for camera, (two, three) in enumerate(zip(flat, space)):
        where = f"{path}, camera {camera}"
        keypoints = _table(two, 2, f"{where}, annot2")
        joints = _METRES * _table(three, 3, f"{where}, {name}")
        if len(keypoints) != len(joints):
            raise DatasetError(
                f"{where}: {len(keypoints)} frames in annot2, {len(joints)} in {name}"
            )
        _require_depth(joints, where)
        found.append(CameraSequence(camera, keypoints[:, _USED], joints[:, _USED]))
    return found


def _cells(value, path, name) -> list:
    """A MATLAB cell array, one entry for each camera."""
    kind = getattr(getattr(value, "dtype", None), "kind", "?")
    if kind in "fiu" and value.ndim == 2:  # a cell of one camera comes as its content
        return [value]
    if kind != "O":
        raise DatasetError(f"{path}: {name} must be a cell for each camera")
    return list(value.ravel())


def _table(value, axes: int, where: str) -> np.ndarray:
    """``(T, 28 * axes)`` of a cell as ``(T, 28, axes)``."""
    values = as_numbers(value, where, "positions")
    if values.ndim != 2 or values.shape[1] != _JOINTS * axes:
        raise DatasetError(
            f"{where}: expected (frames, {_JOINTS * axes}) numbers, {_JOINTS} joints, "
            f"got {values.shape}"
        )
    if not np.isfinite(values).all():
        frame, column = np.argwhere(~np.isfinite(values))[0]
        raise DatasetError(
            f"{where}: frame {frame}, joint {column // axes} is not a finite number"
        )
    return values.reshape(-1, _JOINTS, axes)


def _require_depth(joints, where: str):
    """Refuse joints that no camera could have seen from where they are."""
    depth = joints[..., 2]
    wrong = ~((depth > _NEAREST) & (depth < _FARTHEST))
    if wrong.any():
        index = tuple(np.argwhere(wrong)[0])
        raise DatasetError(
            f"{where}: a depth of {depth[index]:.3g} m (frame, joint {index}) is not "
            f"that of somebody before a camera, {_NEAREST} to {_FARTHEST} m; are the "
            "joints in millimetres and in the camera's axes?"
        )


class MuCoPicture(NamedTuple):
    """One composed picture with the people in it.

    Attributes
    ----------
    image:
        The file's name.
    size:
        ``(width, height)`` pixels.
    intrinsics:
        ``(3, 3)``, the same camera for everybody.
    keypoints, joints, visible:
        ``(P, 21, 2)`` pixels, ``(P, 21, 3)`` metres in the camera's axes,
        ``(P, 21)``: 2 visible, 1 hidden.
    boxes:
        ``(P, 4)`` x, y, width, height.
    """

    image: str
    size: tuple[int, int]
    intrinsics: np.ndarray
    keypoints: np.ndarray
    joints: np.ndarray
    visible: np.ndarray
    boxes: np.ndarray
    skeleton: Skeleton = MUCO


def read_muco(path) -> list[MuCoPicture]:
    """The pictures of ``MuCo-3DHP.json``, the composed set of 3DMPPE.

    Raises
    ------
    FileNotFoundError, DatasetError
        If there is no such file, or a record is not as it should be; pictures
        without people are left out.
    """
    path = Path(path)
    content = load_json(path)
    for name in ("images", "annotations"):
        if not isinstance(content, dict) or not isinstance(content.get(name), list):
            raise DatasetError(f"{path} has no list {name!r}: it is not MuCo-3DHP.json")
    people: dict = {}
    for number, record in enumerate(content["annotations"]):
        where = f"{path}, annotation {number}"
        people.setdefault(get_field(record, "image_id", where), []).append(
            _muco_person(record, where)
        )
    pictures = []
    for number, record in enumerate(content["images"]):
        where = f"{path}, image {number}"
        own = people.pop(get_field(record, "id", where), [])
        if own:
            pictures.append(_muco_picture(record, own, where))
    if people:
        raise DatasetError(
            f"{path}: people of the picture {next(iter(people))!r}, which is not there"
        )
    return pictures


def _muco_person(record, where: str):
    def numbers(name, shape):
        values = as_numbers(get_field(record, name, where), where, name)
        if values.shape != shape or not np.isfinite(values).all():
            raise DatasetError(
                f"{where}: {name} must be {shape} finite numbers, got {values.shape}"
            )
        return values

    joints = _METRES * numbers("keypoints_cam", (len(MUCO), 3))
    _require_depth(joints[None], where)
    visible = np.where(numbers("keypoints_vis", (len(MUCO),)) > 0, 2, 1)
    box = numbers("bbox", (4,))
    return numbers("keypoints_img", (len(MUCO), 2)), joints, visible, box


def _muco_picture(record, people, where: str) -> MuCoPicture:
    (fx, fy), (cx, cy) = (
        _pair(get_field(record, name, where), name, where) for name in ("f", "c")
    )
    width, height = (int(get_field(record, n, where)) for n in ("width", "height"))
    if not (fx > 0 and fy > 0 and width > 0 and height > 0):
        raise DatasetError(f"{where}: focal length and size must be positive")
    parts: Any = (np.stack(part) for part in zip(*people))
    return MuCoPicture(
        str(get_field(record, "file_name", where)),
        (width, height),
        np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]]),
        *parts,
    )


def _pair(value, name: str, where: str):
    values = as_numbers(value, where, name)
    if values.shape != (2,) or not np.isfinite(values).all():
        raise DatasetError(f"{where}: {name} must be two finite numbers")
    return values
