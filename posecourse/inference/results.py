"""Poses on disk: JSON and CSV that are whole at every moment.

The JSON is that of ``posecourse predict``, with one picture a line::

    {"skeleton": "mpii", "coordinates": "...",
     "images": [
        {"image": "me.jpg", "width": 640, "height": 480,
         "poses": [{"box": [x, y, width, height], "score": 0.71,
                    "keypoints": {"right_ankle": [x, y, score], ...}}]},
        {"image": "walk.mp4", "frame": 0, "time": 0.0, "rate": 25.0, ...}],
     "failed": [{"image": "torn.jpg", "error": "..."}],
     "complete": true}

The CSV has one joint a line; its columns are `CSV_COLUMNS`. A pose's person is
its ``track``, where it has one, else its place in the picture's list.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from ..files import atomic_path, disk_errors, read_json
from .pose import (
    ImagePoses,
    Pose,
    skeleton_fields,
    skeleton_of,
    to_json,
)

__all__ = [
    "CSV_COLUMNS",
    "PoseFile",
    "PoseTable",
    "load_poses",
    "poses_to_csv",
    "save_poses",
]

CSV_COLUMNS = ("image", "frame", "time_s", "person", "joint", "x", "y", "score")

COORDINATES = (
    "x, y, score; pixels of the upright picture, the centre of the first one is 0"
)


class PoseFile:
    """Poses as JSON, written as they are found.

    After each picture the file is whole: a program that is ended, by
    whatever, has lost at most the picture it was at. (Its last line then is
    ``"complete": false``.) A file of that name is replaced when the first
    result comes.

    Parameters
    ----------
    path:
        The file to write.
    skeleton:
        Of all poses.
    about:
        What else to note at the file's head, e.g. ``weights="runs/long"``.
    """

    def __init__(self, path, skeleton, **about):
        head = {
            **about,
            "skeleton": skeleton_fields(skeleton),
            "coordinates": COORDINATES,
        }
        lines = [
            f"  {to_json(key)}: {to_json(value)},\n" for key, value in head.items()
        ]
        self.path, self.count, self.failed = Path(path), 0, []
        text = "{\n" + "".join(lines) + '  "images": ['
        self._file = _GrowingFile(path, text, self._tail())

    def _tail(self, complete: bool = False) -> str:
        failed = ",".join("\n    " + to_json(entry) for entry in self.failed)
        return (
            f'\n  ],\n  "failed": [{failed}{chr(10) + "  " if failed else ""}],\n'
            f'  "complete": {to_json(complete)}\n}}\n'
        )

    def append(self, result: ImagePoses):
        """Add the poses of a picture, or what went wrong with it."""
        if result.error is not None:
            return self.fail(result.image, result.error)
        comma = "," if self.count else ""
        text = f"{comma}\n    {to_json(result.to_dict())}"
        self._file.append(text, self._tail())
        self.count += 1

    def fail(self, image, error):
        """Note that something is wrong with a picture; written with the next
        poses at the latest."""
        self.failed.append({"image": image, "error": str(error)})
        if self.count:
            self._file.append("", self._tail())

    def close(self, complete: bool = True):
        """Write what is not written yet, and let go of the file.

        `complete` says that no picture is missing because of a stop.
        """
        self._file.append("", self._tail(complete))
        self._file.close()


class PoseTable:
    """Poses as CSV, written as they are found; see `PoseFile`.

    One line per joint, with the columns `CSV_COLUMNS`: pixels, 0-based, and
    seconds. What is not known is empty: a joint's place, a photo's frame.
    """

    def __init__(self, path):
        self.path = Path(path)
        self._file = _GrowingFile(path, _lines([CSV_COLUMNS]), "")

    def append(self, result: ImagePoses):
        """Add the joints of all persons of a picture."""
        self._file.append(_lines(_rows(result)))

    def close(self):
        """Write the head if there was nothing else, and let go of the file."""
        self._file.append("")
        self._file.close()


def _rows(result: ImagePoses):
    for place, pose in enumerate(result.poses):
        person = place if pose.track is None else pose.track
        for joint, (x, y), score in zip(
            pose.skeleton.joints, pose.keypoints, pose.scores
        ):
            yield (
                result.image,
                result.frame,
                None if result.time is None else round(result.time, 4),
                person,
                joint,
                *(round(float(v), 2) if np.isfinite(v) else None for v in (x, y)),
                round(float(score), 4) if np.isfinite(score) else None,
            )


def _lines(rows) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def save_poses(results: Iterable, path, **about) -> Path:
    """Write poses as JSON, as ``posecourse predict`` does.

    Parameters
    ----------
    results:
        `ImagePoses`, as `Predictor.predict_many` and `predict_video` give
        them, or the `Pose`\\ s of one picture. Pictures with an error are
        listed as failed.
    path:
        The file to write; replaced if it is there.
    about:
        What else to note at the file's head, e.g. ``weights="photos"``.
    """
    results = _per_picture(results)
    poses = [pose for result in results for pose in result]
    skeletons = {pose.skeleton for pose in poses}
    if len(skeletons) > 1:
        names = sorted(skeleton.name for skeleton in skeletons)
        raise ValueError(
            f"{path}: a file has poses of one skeleton, not of {', '.join(names)}; "
            "write several files"
        )
    with atomic_path(path) as temporary:
        file = PoseFile(temporary, *(skeletons or [Pose.skeleton]), **about)
        for result in results:
            file.append(result)
        file.close()
    return Path(path)


def poses_to_csv(results: Iterable, path) -> Path:
    """Write poses as a table, one joint a line.

    Columns: image, frame, time_s (seconds), person (from 0 in each picture),
    joint, x, y (pixels, 0-based), score. What is not known is empty.

    `results` as for `save_poses`; pictures with an error have no lines.
    """
    with atomic_path(path) as temporary:
        table = PoseTable(temporary)
        for result in _per_picture(results):
            table.append(result)
        table.close()
    return Path(path)


def _per_picture(results) -> list[ImagePoses]:
    results = [results] if isinstance(results, (Pose, ImagePoses)) else list(results)
    if all(isinstance(r, ImagePoses) for r in results):
        return results
    if all(isinstance(r, Pose) for r in results):
        return [ImagePoses(results)]
    kinds = sorted({type(r).__name__ for r in results})
    raise ValueError(
        "poses are expected, as predictor(...), predict_many and predict_video "
        f"give them, not {', '.join(kinds)}"
    )


def load_poses(path) -> list[ImagePoses]:
    """The poses of a JSON file of ``posecourse predict`` or `save_poses`.

    Pictures that failed are not among them.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is of another kind; names the picture and what is missing.
    """
    content = read_json(path)
    images = content.get("images") if isinstance(content, dict) else None
    if not isinstance(images, list):
        raise ValueError(
            f"{path} has no list of images, so it is not a file of posecourse predict"
        )
    skeleton = skeleton_of(content, path)
    return [
        _image_poses(r, skeleton, f"{path}, image {i}") for i, r in enumerate(images)
    ]


def _image_poses(record, skeleton, where: str) -> ImagePoses:
    fields = ("image", "width", "height", "frame", "time", "rate", "drawing")
    poses = record.get("poses") if isinstance(record, dict) else None
    if not isinstance(poses, list):
        raise ValueError(f"{where}: a record with a list of poses is expected")
    return ImagePoses(
        [
            Pose.from_dict(p, skeleton, f"{where}, pose {i}")
            for i, p in enumerate(poses)
        ],
        **{key: record.get(key) for key in fields},
    )


class _GrowingFile:
    """Text that grows in front of its last lines, complete at every moment.

    Each step is one write over the old last lines: a program that is killed
    leaves the file as before or as after. It appears, whole, with the first
    step; the steps after it do not rename it, which for a film of an hour
    would be writing the whole of it each time.
    """

    def __init__(self, path, head: str, tail: str):
        self._path = Path(path)
        self._head, self._tail, self._end = head, tail, 0
        self._file: Any = None

    def append(self, text: str, tail: str | None = None):
        """Add text before the last lines; and change these."""
        tail = self._tail if tail is None else tail
        if self._file is None:
            data = _bytes(self._head + text)
            with atomic_path(self._path) as temporary:
                temporary.write_bytes(data + _bytes(tail))
            self._file = io.FileIO(self._path, "r+b")
            self._end, self._tail = len(data), tail
            return
        data = _bytes(text)
        try:
            with disk_errors(self._path):
                self._write(data + _bytes(tail))
        except OSError:
            self._write(_bytes(self._tail))  # there was room for it before
            raise
        self._end, self._tail = self._end + len(data), tail

    def _write(self, data: bytes):
        self._file.seek(self._end)
        end = self._end + len(data)
        while data:
            data = data[self._file.write(data) :]
        self._file.truncate(end)

    def close(self):
        self._file.close()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")
