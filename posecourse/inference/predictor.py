"""Pictures, many pictures or a video through a network, to poses.

>>> from posecourse.inference import Predictor
>>> predictor = Predictor.load("photos")                # doctest: +SKIP
>>> poses = predictor("photo.jpg")                      # doctest: +SKIP
>>> poses[0].keypoints                                  # doctest: +SKIP

The networks look at one person at a time (top-down), so somebody has to
say where the persons are: give their boxes. Without boxes the whole
picture is taken to show one person: ``refine=True`` looks a second time,
closer, at where the first look saw somebody, and ``search=True`` looks for
somebody who is small in it. A box is better.
"""

from __future__ import annotations

import itertools
import json
import math
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
import torch

from ..device import choose_device
from ..drawing import picture_array
from ..geometry import Crop, as_array
from ..images import read_image
from ..models.pretrained import find_weights, pretrained
from ..transforms import normalise
from .pose import ImagePoses, Pose
from .video import Video

__all__ = [
    "BOX_PADDING",
    "PredictionError",
    "PredictionWarning",
    "Predictor",
    "weights_of",
]


# The networks are trained on windows that are 1.25 times the person's
# height (`Crop.from_mpii`). Joints span less than the person: for MPII's 2,958
# validation people the window is 1.59 times their longer side (median; 1.43
# where all 16 joints are labelled).
BOX_PADDING = 1.25
# Where a person is searched for: squares of these shares of the picture's
# longer side, half over each other. The best few are looked at again, closer.
_SHARES = (0.67, 0.45)
_CANDIDATES = 3
# A pose that a small window shows must be so much surer than that of the whole
# picture: small windows see people in trees, and parts for wholes. (With the
# network `photos`, PCK@0.2 on 100 photographs of one athlete, and on the same
# ones in pictures 1.5 to 3 times as large: 56.6 and 8.6 without a search;
# 59.0 and 55.3 with it and 1.0; 60.0 and 54.7 with 1.1; 59.4 and 52.5 with 1.25.)
_SURER = 1.1
# Of a video without anybody, each of so many pictures is searched.
_EVERY = 10
# Below this mean score, the pose of one frame does not tell where to look
# for the person in the next.
_LOST = 0.2
# Pixels of pictures that wait to be looked at together (200 MB).
_MOST_PIXELS = 2**26


class PredictionError(ValueError):
    """A network whose answer is no pose: numbers that are not finite."""


class PredictionWarning(UserWarning):
    """Some of many pictures have no poses; says which and why."""


class Predictor:
    """A trained network that turns pictures into poses.

    Parameters
    ----------
    model:
        A network from `posecourse.models`.
    device:
        ``"cpu"``, ``"cuda"``, ...; default: a GPU if there is one.
    batch_size:
        Persons that go through the network at a time.
    """

    def __init__(self, model, device=None, batch_size: int = 32):
        if not hasattr(model, "predict") or not hasattr(model, "input_size"):
            raise ValueError(
                f"{type(model).__name__} is not a network that predicts keypoints; "
                "make its class a posecourse.models.PoseNetwork"
            )
        self.device = choose_device(device)
        self.model = model.to(self.device).eval()
        self.skeleton = model.skeleton
        self.batch_size = batch_size
        # without a label there was nothing to learn: the map is noise
        self._never_labelled = _never_labelled(model)

    @classmethod
    def load(cls, source, device=None) -> Predictor:
        """A predictor from whatever holds a trained network.

        Parameters
        ----------
        source:
            The name of a network that comes with the course (``"photos"``,
            ``"laptop"``, ...), the folder of a run (``"runs/laptop-1"``), or
            a weights file. A folder here that is called like a network of
            the course is meant by ``"./photos"``.
        device:
            ``"cpu"``, ``"cuda"``, ...; default: a GPU if there is one.

        Raises
        ------
        FileNotFoundError
            If there is none of these.
        WeightsError
            If the weights cannot be used.
        """
        from ..models import load_model

        return cls(load_model(weights_of(source)), device)

    def __call__(
        self,
        image,
        boxes=None,
        flip_test: bool = False,
        refine: bool = False,
        search: bool = False,
    ) -> list[Pose]:
        """The poses of the persons in a picture.

        Parameters
        ----------
        image:
            RGB uint8 ``(H, W, 3)`` as NumPy array or torch tensor (or a
            tensor ``(3, H, W)``), or the path of a picture.
        boxes:
            The persons, each ``(x, y, width, height)`` in pixels: a list, or
            an array or tensor ``(N, 4)``. They may reach out of the picture,
            where nothing is seen (black), but not lie outside. Default: one
            box, the whole picture.
        flip_test:
            Look at the mirrored picture too, and average. Twice the time,
            a little more accurate.
        refine:
            Look twice: the second time at the box around the joints that
            the first look found. Of the two, the pose with the higher
            score is kept. (Networks without scores keep the first.)
        search:
            Where no box is given, look for one person who may be small in
            the picture: at all of it, then at some twenty windows of it, and
            closer at the best. Thirty times the time of one look. (Networks
            without scores keep the first, here too.)

        Returns
        -------
        One `Pose` per box, in their order.

        Raises
        ------
        ValueError
            For what is no picture or no box of it; `ImageError` for a file
            that is no picture, `PredictionError` if the network answers with
            numbers that are not finite.
        FileNotFoundError, PermissionError
            If the picture's file cannot be opened.
        """
        picture = _picture(image)
        works = [(picture, *_windows(boxes, picture))]
        searching = search and boxes is None
        (poses,) = self._look(works, flip_test, refine or searching)
        if searching:
            poses = [self._search(picture, poses[0], flip_test)]
        return poses

    def predict_many(
        self,
        images: Iterable,
        boxes: Iterable | None = None,
        flip_test: bool = False,
        refine: bool = False,
    ) -> Iterator[ImagePoses]:
        """The poses in many pictures, one after the other.

        The persons of several pictures go through the network together. A
        picture that cannot be read does not stop the others: its result has
        no poses and an `error`, and a `PredictionWarning` at the end lists
        all of these.

        Parameters
        ----------
        images:
            Pictures or paths, as for one picture; a list, a generator, an
            array ``(N, H, W, 3)``.
        boxes:
            For each picture its boxes, or None for the whole picture.
        flip_test, refine:
            As for one picture.

        Yields
        ------
        One `ImagePoses` per picture, in their order. Its ``image`` is the
        path as given, or the number of a picture that came as an array.
        """
        _check_many(images, boxes)
        failed = []
        for group in self._groups(images, boxes):
            self._look_at_group(group, flip_test, refine)
            for result, _ in group:
                if result.error is not None:
                    failed.append(result.error)
                yield result
        if failed:
            shown = "\n".join(f"- {error}" for error in failed[:10])
            more = f"\n- and {len(failed) - 10} more" if len(failed) > 10 else ""
            warnings.warn(
                f"{len(failed)} pictures have no poses:\n{shown}{more}",
                PredictionWarning,
                stacklevel=2,
            )

    def _groups(self, images, boxes):
        """Lists of ``(result, work)`` that are looked at together."""
        group, people, pixels = [], 0, 0
        if boxes is None:
            pairs = ((image, None) for image in images)
        else:
            pairs = zip(images, boxes, strict=True)
        for number, (image, some) in enumerate(pairs):
            named = isinstance(image, (str, Path))
            result = ImagePoses(image=str(image) if named else str(number))
            work = None
            try:
                picture = _picture(image)
                result.height, result.width = picture.shape[:2]
                work = (picture, *_windows(some, picture))
                people, pixels = people + len(work[1]), pixels + picture.size // 3
            except _OF_ONE_PICTURE as error:
                result.error = _naming(error, result.image, named)
            group.append((result, work))
            if people >= self.batch_size or pixels >= _MOST_PIXELS:
                yield group
                group, people, pixels = [], 0, 0
        yield group

    def _look_at_group(self, group, flip_test, refine):
        """Fill in the results; who spoils a batch is found one by one."""
        there = [(result, work) for result, work in group if work is not None]
        try:
            found = self._look([work for _, work in there], flip_test, refine)
            for (result, _), poses in zip(there, found):
                result.poses = poses
        except _OF_ONE_PICTURE:
            for result, work in there:
                try:
                    (result.poses,) = self._look([work], flip_test, refine)
                except _OF_ONE_PICTURE as error:
                    result.error = _naming(error, result.image, False)

    def predict_video(
        self, video, flip_test: bool = False
    ) -> Iterator[tuple[np.ndarray, ImagePoses]]:
        """One person through a video: where the pose of a picture is, the
        person is looked for in the next.

        Parameters
        ----------
        video:
            A `Video` (a camera, too), or the path of one.
        flip_test:
            As for one picture.

        Yields
        ------
        image, result:
            Each picture, RGB uint8 ``(H, W, 3)``, and its `ImagePoses` with
            ``frame``, ``time`` and ``rate``. Of a video that is damaged or
            cut, those that can be read; then a `VideoWarning`.
        """
        if not isinstance(video, Video):
            with Video(video) as opened:
                yield from self.predict_video(opened, flip_test)
            return
        pose = None
        for image in video:
            near = _near(pose, image)
            # in a room without anybody, not all of every picture
            everywhere = video.frame % _EVERY == 0
            (pose,) = self(image, near and [near], flip_test, near is None, everywhere)
            height, width = image.shape[:2]
            yield (
                image,
                ImagePoses(
                    [pose],
                    str(video.source),
                    width,
                    height,
                    frame=video.frame,
                    time=video.time,
                    rate=video.rate,
                ),
            )

    def _look(self, works, flip_test: bool, refine: bool) -> list[list[Pose]]:
        """The poses of several pictures, each ``(picture, boxes, padding)``."""
        poses = self._in_boxes(
            [(image, box, pad) for image, boxes, pad in works for box in boxes],
            flip_test,
        )
        pictures = [image for image, boxes, _ in works for _ in boxes]
        if refine:
            around = [
                (image, pose.keypoint_box(), BOX_PADDING)
                for image, pose in zip(pictures, poses)
            ]
            closer = self._in_boxes(around, flip_test)
            # a poor first look leads the second astray: keep the surer
            poses = [
                max(pair, key=lambda pose: pose.score) for pair in zip(poses, closer)
            ]
        rest = iter(poses)
        return [list(itertools.islice(rest, len(boxes))) for _, boxes, _ in works]

    def _search(self, image, pose: Pose, flip_test) -> Pose:
        """The pose of the whole picture, or one that a part of it shows better."""
        windows = [(image, box, 1.0) for box in _search_boxes(*image.shape[1::-1])]
        found = sorted(self._in_boxes(windows, False), key=lambda pose: -pose.score)
        for _ in range(2):
            found = found[:_CANDIDATES]
            around = [(image, there.keypoint_box(), BOX_PADDING) for there in found]
            closer = self._in_boxes(around, flip_test)
            found = [
                max(pair, key=lambda pose: pose.score) for pair in zip(found, closer)
            ]
        best = max(found, key=lambda pose: pose.score)
        return best if best.score > _SURER * pose.score else pose

    def _in_boxes(self, targets, flip_test) -> list[Pose]:
        """A pose for each ``(picture, box, padding)``."""
        size = self.model.input_size
        windows = [
            (image, Crop.from_box(box, size, pad)) for image, box, pad in targets
        ]
        return [
            Pose(points, scores, tuple(box), self.skeleton)
            for points, scores, (_, box, _) in zip(
                *self._in_windows(windows, flip_test), targets
            )
        ]

    def in_crops(
        self, image: np.ndarray, crops, flip_test: bool = False
    ) -> tuple[np.ndarray, np.ndarray]:
        """Joints within windows of a picture.

        Parameters
        ----------
        image:
            RGB uint8 ``(H, W, 3)``.
        crops:
            N `Crop`\\ s, whose output has the network's input size.

        Returns
        -------
        keypoints, scores:
            ``(N, K, 2)``, pixels of the picture, and ``(N, K)``.
        """
        return self._in_windows([(image, crop) for crop in crops], flip_test)

    def _in_windows(self, windows, flip_test):
        """Joints in each ``(picture, crop)``, in pixels of the picture."""
        joints = len(self.skeleton)
        keypoints = np.empty((len(windows), joints, 2))
        scores = np.empty((len(windows), joints))
        for start in range(0, len(windows), self.batch_size):
            part = windows[start : start + self.batch_size]
            pictures = np.stack([crop.warp(image) for image, crop in part])
            points, sure = self._ask(pictures, flip_test)
            for i, (_, crop) in enumerate(part):
                keypoints[start + i] = crop.invert(points[i])
            scores[start : start + len(part)] = sure
        return keypoints, scores

    @torch.inference_mode()
    def _ask(self, pictures: np.ndarray, flip_test: bool):
        """Joints of ``(N, H, W, 3)`` uint8 inputs, in their pixels."""
        images = torch.from_numpy(pictures).permute(0, 3, 1, 2)
        images = normalise(images.to(self.device))
        keypoints, scores = self.model.predict(images, flip_test)
        keypoints = keypoints.double().cpu().numpy()
        scores = scores.double().cpu().numpy()
        keypoints[:, self._never_labelled] = np.nan
        scores[:, self._never_labelled] = 0
        self._require_finite(keypoints, scores)
        return keypoints, scores

    def _require_finite(self, keypoints, scores):
        bad = ~(np.isfinite(keypoints).all(-1) & np.isfinite(scores)).all(0)
        bad[self._never_labelled] = False
        if bad.any():
            joints = [self.skeleton.joints[i] for i in np.flatnonzero(bad)]
            more = f" and {len(joints) - 3} more" if len(joints) > 3 else ""
            name = getattr(self.model, "name", type(self.model).__name__)
            raise PredictionError(
                f"the network {name} answers with numbers that are not finite "
                f"({', '.join(joints[:3])}{more}): its weights are damaged, or its "
                "training went astray. Use other weights, or train again with a "
                "lower learning rate"
            )


# What can be wrong with one picture while the next is right. Memory: a
# picture that is too large. OpenCV and torch raise RuntimeErrors.
_OF_ONE_PICTURE = (ValueError, OSError, MemoryError, RuntimeError, cv2.error)


def _naming(error: Exception, image: str, named: bool) -> Exception:
    """The error with the picture's name or number in its text."""
    if isinstance(error, OSError) and error.strerror and error.filename:
        return error  # Python names the file
    if image in str(error) and named:
        return error
    text = str(error) or type(error).__name__
    kind = type(error) if isinstance(error, ValueError) else ValueError
    where = image if named else f"picture {image}"
    try:
        return kind(f"{where}: {text}")
    except TypeError:  # a class that wants other arguments
        return ValueError(f"{where}: {text}")


def weights_of(source) -> Path:
    """The weights file of a network's name, a run's folder, or itself."""
    if not str(source).strip():
        raise ValueError(
            "name a network of the course, a run's folder or a weights file; the "
            "name is empty"
        )
    if isinstance(source, str) and source == Path(source).name:
        try:
            return find_weights(pretrained(source))
        except FileNotFoundError:
            if not Path(source).exists():
                raise
    return find_weights(source)


def _never_labelled(model) -> list[int]:
    """Joints without a label where the network was trained."""
    text = getattr(model, "metadata", {}).get("mean_pose", "null")
    try:
        mean_pose = json.loads(text) or []
        gone = [i for i, point in enumerate(mean_pose) if None in point]
        if len(mean_pose) not in (0, len(model.skeleton)):
            raise ValueError(f"it has {len(mean_pose)} joints")
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"the weights note a mean pose that is none ({error}): the file was "
            "changed; get it or train it again"
        ) from None
    return gone


def _picture(image) -> np.ndarray:
    """A picture as RGB uint8 ``(H, W, 3)``, or an error that says what it is."""
    if isinstance(image, (str, Path)):
        image = read_image(image)
    image = picture_array(image)
    if (
        image.ndim != 3
        or image.shape[2] != 3
        or not image.size
        or image.dtype != np.uint8
    ):
        raise ValueError(
            f"a picture must be RGB uint8 (H, W, 3), got {image.dtype} {image.shape}"
        )
    return image


def _windows(boxes, image) -> tuple[np.ndarray | list, float]:
    """The boxes to look at and how much to grow them."""
    if boxes is None:
        return [(0.0, 0.0, float(image.shape[1]), float(image.shape[0]))], 1.0
    return _checked(boxes, image), BOX_PADDING


def _search_boxes(width: int, height: int) -> list[tuple[float, ...]]:
    """Squares in which a person may be found who is small in a picture."""
    boxes: list[tuple[float, ...]] = []
    for share in _SHARES:
        side = share * max(width, height)
        across, down = (
            np.linspace(0, n - side, 1 + math.ceil(2 * (n - side) / side))
            if n > side
            else [(n - side) / 2]
            for n in (width, height)
        )
        boxes += [(x, y, side, side) for x in across for y in down]
    return boxes


def _checked(boxes, image) -> list[tuple[float, ...]]:
    """Boxes that show something of the picture, or a clear error."""
    boxes = list(boxes)
    if boxes and np.ndim(boxes[0]) == 0:
        raise ValueError(
            "boxes is a list of boxes, also for one person: "
            f"[({', '.join(f'{b}' for b in boxes)})]"
        )
    return [_checked_box(box, *image.shape[1::-1]) for box in boxes]


def _checked_box(box, width: int, height: int) -> tuple[float, ...]:
    try:
        x, y, w, h = numbers = tuple(as_array(box).tolist())
    except (TypeError, ValueError):
        raise ValueError(
            f"box {box} must have four numbers: x, y, width and height"
        ) from None
    text = f"box ({x:g}, {y:g}, {w:g}, {h:g})"
    if not np.isfinite(numbers).all() or w <= 0 or h <= 0:
        raise ValueError(
            f"{text}: width and height must be positive, all four numbers finite"
        )
    if x >= width or y >= height or x + w <= 0 or y + h <= 0:
        raise ValueError(
            f"{text} lies outside the picture of {width} x {height} pixels; a box "
            "is x, y of its top left corner, width, height"
        )
    if min(w, h) < 1:
        raise ValueError(f"{text} is smaller than a pixel; boxes are counted in pixels")
    if max(w, h) > 100 * max(width, height):
        raise ValueError(
            f"{text} is more than 100 times as large as the picture of {width} x "
            f"{height} pixels; boxes are counted in pixels"
        )
    return numbers


def _check_many(images, boxes):
    """Complain about one picture where many are expected."""
    one = isinstance(images, (str, Path)) or getattr(images, "ndim", 4) == 3
    if one or not isinstance(images, Iterable):
        raise ValueError(
            "predict_many takes several pictures, such as a list of paths or "
            "sorted(Path(folder).glob('*.jpg')); for one, call predictor(image)"
        )
    counted = hasattr(images, "__len__") and hasattr(boxes, "__len__")
    if counted and len(images) != len(boxes):
        raise ValueError(
            f"boxes are given for {len(boxes)} pictures, but there are "
            f"{len(images)}; None stands for a whole picture"
        )


def _near(pose, image):
    """Where to look in the next picture; None for everywhere."""
    if pose is None or pose.score < _LOST:
        return None
    x, y, w, h = box = pose.keypoint_box()
    height, width = image.shape[:2]
    if min(x + w, y + h, width - x, height - y) <= 0:
        return None  # gone out of the picture
    return box
