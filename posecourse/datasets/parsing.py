"""What the dataset readers share: opening files, checking records."""

from __future__ import annotations

import difflib
import io
import json
import re
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from .. import files
from ..metrics import keypoint_boxes
from ..skeletons import Skeleton
from .base import DatasetError, Skipped

__all__ = [
    "Records",
    "as_numbers",
    "check_box",
    "check_keypoints",
    "check_position",
    "get_field",
    "keypoint_box",
    "kind_of",
    "load_json",
    "load_mat",
    "mat_names",
    "named_split",
    "position_from_box",
    "split_name",
]

# No picture is a million pixels wide: a coordinate beyond is a slip.
_FARTHEST = 1e6


def load_json(path):
    """The content of an annotation file in JSON, in any Unicode.

    Raises FileNotFoundError, or `DatasetError` for a file that cannot be
    read, is empty or is not JSON.
    """
    return _checked(files.read_json, path)


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
    data = _checked(files.read_bytes, path)
    if not data.strip():
        raise DatasetError(f"{path} is empty; get it again")
    try:
        return getattr(scipy.io, function)(io.BytesIO(data), **options)
    except NotImplementedError:
        raise DatasetError(
            f"{path} is a MATLAB 7.3 file; save it again with -v7"
        ) from None
    except Exception as error:  # scipy fails in many ways
        raise DatasetError(
            f"{path} is not a MATLAB file that can be read: {error}"
        ) from None


def _checked(read, path):
    try:
        return read(path, "annotation file")
    except files.FileError as error:
        raise DatasetError(str(error)) from None


# Beginnings of annotation files: what tells one form from another.
_KINDS = {
    "aic": ('"keypoint_annotations"', '"human_annotations"'),
    "mpii-all": ('"joint_self"',),
    "coco": ('"images"', '"annotations"'),
    "mpii": ('"joints"', '"center"', '"image"'),
}
_SPLIT_WORDS = {
    "train": "train",
    "training": "train",
    "val": "valid",
    "valid": "valid",
    "validation": "valid",
    "test": "test",
    "testing": "test",
    "trainval": "trainval",
}


def kind_of(path) -> str | None:
    """Which form of annotations a JSON file has, by its beginning.

    ``"coco"``, ``"aic"`` (AI Challenger), ``"mpii-all"`` (MPII, one file for
    all splits), ``"mpii"`` (one for each), or None.
    """
    try:
        with files.open_file(path) as file:
            data = file.read(2**16)
    except (OSError, ValueError):
        return None
    text = data.decode(json.detect_encoding(data), "ignore")
    for kind, words in _KINDS.items():
        if any(f"{word}:" in text.replace(" ", "") for word in words):
            return kind
    return None


def split_name(word: str) -> str:
    """A split as this package calls it: "val" is "valid"; others as they are."""
    return _SPLIT_WORDS.get(word, word)


def named_split(path) -> str | None:
    """The split that an annotation file is by its name, or None.

    ``person_keypoints_val2017.json`` is valid; Roboflow names the folder,
    ``train/_annotations.coco.json``.
    """
    path = Path(path)
    name = path.parent.name if path.name.startswith("_annotations") else path.stem
    words = re.findall("[a-z]+", name.lower())
    splits = {_SPLIT_WORDS[word] for word in words if word in _SPLIT_WORDS}
    return splits.pop() if len(splits) == 1 else None


# --- records --------------------------------------------------------------


class Records:
    """Reads the records of a file; those that cannot be used are left out.

    Parameters
    ----------
    path:
        The file, for messages.
    strict:
        Raise the first error instead.

    Examples
    --------
    >>> records = Records("a.json")
    >>> for i, value in enumerate(["1", "one"]):
    ...     with records.one(f"record {i}") as where:
    ...         number = as_numbers(value, where, "'x'")
    >>> str(records.skipped[0])
    "record 1: 'x' must be numbers, not 'one'"
    """

    def __init__(self, path, strict: bool = False):
        self.path, self.strict = path, strict
        self.skipped: list[Skipped] = []

    @contextmanager
    def one(self, record: str):
        """A block that reads a record; gives what messages begin with."""
        where = f"{self.path}, {record}"
        try:
            yield where
        except DatasetError as error:
            self._skip(record, str(error).removeprefix(f"{where}: "), error)
        except (
            LookupError,
            TypeError,
            ValueError,
            ArithmeticError,
            AttributeError,
        ) as error:
            # What no check foresaw is the record's fault all the same.
            self._skip(record, f"unusable: {type(error).__name__}: {error}", error)

    def _skip(self, record: str, reason: str, error):
        if self.strict:
            raise DatasetError(f"{self.path}, {record}: {reason}") from error
        self.skipped.append(Skipped(record, reason))

    def require(self, people: list, what: str):
        """Raise `DatasetError` if nobody is left: ``no person with joints``."""
        if people:
            return
        why = ""
        if self.skipped:
            why = f": {len(self.skipped)} records cannot be used; {self.skipped[0]}"
        raise DatasetError(f"{self.path} has no {what}{why}")


def get_field(record, name: str, where: str):
    """What a record says about something, or a clear error."""
    if not isinstance(record, dict):
        raise DatasetError(
            f"{where}: expected an object with {name!r}, got {_short(record)}"
        )
    if record.get(name) is not None:
        return record[name]
    if name in record:
        raise DatasetError(f"{where}: {name!r} is null")
    near = difflib.get_close_matches(name, map(str, record), 1, 0.75)
    raise DatasetError(
        f"{where}: no {name!r}"
        + (
            f", but {near[0]!r}; rename it to {name!r}"
            if near
            else f"; it has {_short(sorted(map(str, record)))}"
        )
    )


def as_numbers(value, where: str, what: str) -> np.ndarray:
    """A float64 array of what a record says, or a clear error."""
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise DatasetError(
            f"{where}: {what} must be numbers, not {_short(value)}"
        ) from None


def _short(value) -> str:
    text = repr(value)
    return text if len(text) < 60 else text[:57] + "..."


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
    except (TypeError, ValueError, OverflowError):
        raise DatasetError(
            f"{where}: the joints are not numbers, or not equally many for each joint"
        ) from None
    k = len(skeleton)
    if xy.shape != (k, 2) or visible.shape != (k,):
        raise DatasetError(
            f"{where}: {visible.size} joints of shape "
            f"{xy.shape}, but the skeleton {skeleton.name} has {k} joints "
            "with two coordinates each"
        )
    if not ((visible == 0) | (visible == 1) | (visible == 2)).all():
        raise DatasetError(
            f"{where}: visibility must be 0, 1 or 2, not {_short(visible.tolist())}"
        )
    labelled = visible > 0
    bad = labelled & ~(np.abs(xy) <= _FARTHEST).all(1)
    if bad.any():
        first = int(np.argmax(bad))
        raise DatasetError(
            f"{where}: joint {skeleton.joints[first]} is marked as labelled, but its "
            f"coordinates {tuple(xy[first].tolist())} are not finite numbers, or "
            "farther out than any picture reaches"
        )
    keypoints = np.where(labelled[:, None], xy, np.nan)
    return keypoints, visible.astype(np.uint8)


def check_position(center, scale, where: str):
    """Centre and scale as floats, or a clear error."""
    try:
        x, y = map(float, center)
        scale = float(scale)
    except (TypeError, ValueError, OverflowError):
        raise DatasetError(
            f"{where}: centre {_short(center)} and scale {_short(scale)} must be "
            "numbers"
        ) from None
    if not (abs(x) <= _FARTHEST and abs(y) <= _FARTHEST and 0 < scale <= _FARTHEST):
        raise DatasetError(
            f"{where}: centre ({x}, {y}) and scale {scale} "
            "must be finite and within reach, the scale positive"
        )
    if scale < 1 / 200:
        raise DatasetError(f"{where}: by its scale {scale} less than a pixel large")
    return (x, y), scale


def check_box(box, where: str) -> tuple[float, float, float, float]:
    """A box ``(x, y, width, height)`` as floats, or a clear error."""
    numbers = as_numbers(box, where, "the box")
    if numbers.shape != (4,):
        raise DatasetError(
            f"{where}: a box has x, y, width and height, not {_short(box)}"
        )
    x, y, width, height = numbers.tolist()
    if not (np.abs(numbers) <= _FARTHEST).all():
        raise DatasetError(
            f"{where}: the box {_short(box)} is not finite, or larger than any picture"
        )
    if not (width > 0 and height > 0 and max(width, height) >= 1):
        raise DatasetError(
            f"{where}: the box is empty, with a width of {width:g} and a height of "
            f"{height:g}"
        )
    return x, y, width, height


def keypoint_box(keypoints):
    """`metrics.keypoint_boxes` of one person's joints ``(K, 2)``.

    Numbers ``(x, y, width, height)``; None without a labelled joint.
    """
    box = keypoint_boxes(keypoints)
    return None if np.isnan(box).any() else tuple(box.tolist())


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
