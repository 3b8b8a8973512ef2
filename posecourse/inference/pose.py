"""Poses: one person's, and those of all persons in one picture."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..drawing import draw_box, draw_pose
from ..files import plain, read_json, write_json
from ..geometry import as_array
from ..images import read_image
from ..skeletons import MPII, SKELETONS, Skeleton, get_skeleton

__all__ = ["ImagePoses", "Pose"]


_BEYOND_JOINTS = 1.12


@dataclass(eq=False)  # arrays have no one answer to ==
class Pose:
    """One person's pose in one picture.

    Attributes
    ----------
    keypoints:
        ``(K, 2)`` float64, pixels of the picture, 0-based; NaN for a joint
        that nobody had labelled where the network was trained.
    scores:
        ``(K,)`` float64, how sure the network is of each joint: the height
        of the heatmap's peak. Networks that give coordinates do not know; 1.
        A joint that is NaN has score 0.
    box:
        ``(x, y, width, height)`` that was looked at, pixels.
    skeleton:
        The joints' order and names.
    box_score:
        How sure a detector is of the box, 0...1; None where nobody detected.
    track:
        In a video of several people: who this is, a number that stays.
    """

    keypoints: np.ndarray
    scores: np.ndarray
    box: tuple[float, float, float, float]
    skeleton: Skeleton = MPII
    box_score: float | None = None
    track: int | None = None

    def __post_init__(self):
        joints = len(self.skeleton)
        self.keypoints = as_array(self.keypoints).copy()
        self.scores = as_array(self.scores).copy()
        self.box = tuple(map(float, as_array(self.box)))
        shapes = self.keypoints.shape, self.scores.shape, len(self.box)
        if shapes != ((joints, 2), (joints,), 4):
            raise ValueError(
                f"a pose of the skeleton {self.skeleton.name} has keypoints "
                f"({joints}, 2), scores ({joints},) and a box of 4 numbers, not "
                f"{shapes[0]}, {shapes[1]} and {shapes[2]}"
            )

    @property
    def score(self) -> float:
        """The mean of the joints' scores."""
        return float(np.mean(self.scores))

    @property
    def confidence(self) -> float:
        """`score`, times `box_score` where there is one: what AP sorts by."""
        return self.score * (1.0 if self.box_score is None else self.box_score)

    def keypoint_box(self, min_score: float = 0.2) -> tuple[float, float, float, float]:
        """The person's box ``(x, y, width, height)``, from the joints.

        A little larger than the joints span, in pixels. Leaves out joints
        below `min_score`, unless fewer than 4 are left, and those that are
        NaN. Raises ValueError if all are.
        """
        known = np.isfinite(self.keypoints).all(1)
        if not known.any():
            raise ValueError("a pose without a known joint has no box around it")
        sure = known & (self.scores >= min_score)
        points = self.keypoints[sure if sure.sum() >= 4 else known]
        low, high = points.min(0), points.max(0)
        size = (high - low + 1) * _BEYOND_JOINTS
        x, y = ((low + high + 1 - size) / 2).tolist()
        width, height = size.tolist()
        return x, y, width, height

    def draw(self, image, min_score: float = 0.0, box: bool = False) -> np.ndarray:
        """The picture with this pose drawn on; a new one, RGB uint8.

        Parameters
        ----------
        image:
            RGB ``(H, W, 3)``, or the path of a picture.
        min_score:
            Joints that are less sure are left out.
        box:
            Draw the box, too.
        """
        return _draw(image, [self], min_score, box)

    def to_dict(self) -> dict:
        """As in the JSON of ``posecourse predict``: joints by name.

        Pixels with 2 digits after the point, scores with 4; None for NaN.
        """
        more: dict = {"track": self.track, "box_score": self.box_score}
        if self.box_score is not None:
            more["box_score"] = round(self.box_score, 4)
        return plain(
            {
                **{key: value for key, value in more.items() if value is not None},
                "box": [round(v, 2) for v in self.box],
                "score": round(self.score, 4),
                "keypoints": {
                    joint: [round(float(x), 2), round(float(y), 2), round(float(s), 4)]
                    for joint, (x, y), s in zip(
                        self.skeleton.joints, self.keypoints, self.scores
                    )
                },
            }
        )

    @classmethod
    def from_dict(cls, record: dict, skeleton: Skeleton, where: str = "pose") -> Pose:
        """A pose as `to_dict` gives it.

        Raises ValueError with `where` (the file and the record) for a record
        that lacks something.
        """
        try:
            joints = record["keypoints"]
            rows = [
                [np.nan if v is None else v for v in joints[j]] for j in skeleton.joints
            ]
            table = np.array(rows, dtype=np.float64).reshape(-1, 3)
            more = {key: record.get(key) for key in ("box_score", "track")}
            return cls(table[:, :2], table[:, 2], record["box"], skeleton, **more)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            reason = f"{error} is missing" if isinstance(error, KeyError) else error
            raise ValueError(
                f"{where}: a pose has a box [x, y, width, height] and keypoints "
                f'{{"{skeleton.joints[0]}": [x, y, score], ...}} for each joint of '
                f"{skeleton.name}; {reason}"
            ) from None

    def save(self, path) -> Path:
        """Write the pose as JSON that `load` reads."""
        write_json(path, {"skeleton": skeleton_fields(self.skeleton), **self.to_dict()})
        return Path(path)

    @classmethod
    def load(cls, path) -> Pose:
        """The pose of a file that `save` wrote.

        Raises FileNotFoundError, or ValueError for a file of another kind.
        """
        record = read_json(path)
        if not isinstance(record, dict):
            raise ValueError(f"{path}: one pose is expected, as Pose.save writes it")
        return cls.from_dict(record, skeleton_of(record, path), str(path))


@dataclass
class ImagePoses:
    """The poses of the persons in one picture, or in one picture of a video.

    Goes through the poses: ``for pose in result``, ``len(result)``,
    ``result[0]``.

    Attributes
    ----------
    poses:
        One `Pose` per person.
    image:
        Path of the picture or video; None for a picture that came as an
        array.
    width, height:
        Pixels.
    frame, time, rate:
        In a video: the picture's number, from 0; when it is shown, in
        seconds; the file's pictures per second. Else None.
    drawing:
        Name of the file in which the poses are drawn, if one was written.
    error:
        What went wrong with this picture; then there are no poses.
    """

    poses: list[Pose] = field(default_factory=list)
    image: str | None = None
    width: int | None = None
    height: int | None = None
    frame: int | None = None
    time: float | None = None
    rate: float | None = None
    drawing: str | None = None
    error: Exception | None = None

    def __iter__(self) -> Iterator[Pose]:
        return iter(self.poses)

    def __len__(self) -> int:
        return len(self.poses)

    def __getitem__(self, index):
        return self.poses[index]

    def draw(self, image=None, min_score: float = 0.0, boxes: bool = False):
        """The picture with all poses drawn on; a new one, RGB uint8.

        Parameters
        ----------
        image:
            RGB ``(H, W, 3)``, or a path. Default: the file `image`, read
            again. A picture of a video must be given.
        min_score, boxes:
            As in `Pose.draw`.
        """
        if image is None and (self.image is None or self.frame is not None):
            raise ValueError(
                "the picture is not kept with its poses; give it: draw(image)"
            )
        image = self.image if image is None else image
        return _draw(image, self.poses, min_score, boxes)

    def to_dict(self) -> dict:
        """As in the JSON of ``posecourse predict``; what is None is left out."""
        record = {
            "image": self.image,
            "frame": self.frame,
            "time": None if self.time is None else round(self.time, 4),
            "rate": None if self.rate is None else round(self.rate, 4),
            "drawing": self.drawing,
            "width": self.width,
            "height": self.height,
        }
        record = {key: value for key, value in record.items() if value is not None}
        return {**record, "poses": [pose.to_dict() for pose in self.poses]}


def _draw(image, poses, min_score, boxes) -> np.ndarray:
    if isinstance(image, (str, Path)):
        image = read_image(image)
    if boxes and poses:
        image = draw_box(image, [pose.box for pose in poses])
    skeleton = poses[0].skeleton if poses else MPII
    return draw_pose(
        image,
        np.array([pose.keypoints for pose in poses]).reshape(-1, len(skeleton), 2),
        scores=np.array([pose.scores for pose in poses]),
        skeleton=skeleton,
        min_score=min_score,
    )


# ------------------------------------------------------------- as JSON


def skeleton_fields(skeleton: Skeleton):
    """A skeleton as JSON: its name if the course knows it, else all of it."""
    known = SKELETONS.get(skeleton.name) == skeleton
    return skeleton.name if known else skeleton.to_dict()


def skeleton_of(record: dict, path) -> Skeleton:
    """The skeleton of a file of poses, or an error that names the file."""
    fields = record.get("skeleton")
    try:
        if isinstance(fields, dict):
            return Skeleton.from_dict(fields)
        return get_skeleton(str(fields))
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"{path}: skeleton: {error}. Poses are read from the files that "
            "posecourse predict, save_poses and Pose.save write"
        ) from None


def to_json(value) -> str:
    """One line of JSON that UTF-8 can hold.

    A name that is not UTF-8 keeps its bytes as escapes, which Python's
    reader turns back.
    """
    text = json.dumps(plain(value), ensure_ascii=False)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(plain(value))
    return text
