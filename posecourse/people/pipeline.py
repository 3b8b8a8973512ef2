"""From a picture or a video to everybody's pose: a detector, then a network
of one person for each box (top-down)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..drawing import picture_array
from ..images import read_image
from ..inference import ImagePoses, Pose, Predictor, Video
from .detector import CenterDetector
from .nms import oks_nms
from .tracking import Tracker

__all__ = ["PosePipeline"]

# Between detections a person is looked for where the last pose was.
_EVERY = 5


class PosePipeline:
    """Everybody in a picture: detect, cut out, predict, and drop doubles.

    Parameters
    ----------
    detector:
        A `CenterDetector`, or any function that turns a picture into boxes
        ``(D, 4)`` and scores ``(D,)``.
    predictor:
        An `inference.Predictor`.
    similarity:
        Of two poses that are more similar (OKS), the less sure is dropped.
    flip_test:
        As in `Predictor`.

    Attributes
    ----------
    seconds:
        What the last picture took: ``{"detector": ..., "poses": ...}``.

    Examples
    --------
    >>> pipeline = PosePipeline.load()                         # doctest: +SKIP
    >>> poses = pipeline("street.jpg")                         # doctest: +SKIP
    >>> for image, people in pipeline.video("dance.mp4"):      # doctest: +SKIP
    ...     print([pose.track for pose in people])
    """

    def __init__(
        self,
        detector,
        predictor: Predictor,
        similarity: float = 0.5,
        flip_test: bool = False,
    ):
        self.detector, self.predictor = detector, predictor
        self.similarity, self.flip_test = similarity, flip_test
        self.skeleton = predictor.skeleton
        self.seconds: dict[str, float] = {}

    @classmethod
    def load(
        cls, pose="photos", detector="detector", device=None, **options
    ) -> PosePipeline:
        """A pipeline of networks by name, run folder or weights file.

        Parameters
        ----------
        pose:
            As in `Predictor.load`: ``"photos"`` for photographs, ``"laptop"``
            for drawn people.
        detector:
            As in `CenterDetector.load`.
        """
        return cls(
            CenterDetector.load(detector, device),
            Predictor.load(pose, device),
            **options,
        )

    def __call__(self, image) -> list[Pose]:
        """Everybody's pose, the surest first; empty where there is nobody.

        Parameters
        ----------
        image:
            RGB uint8 ``(H, W, 3)``, or the path of a picture.
        """
        image = _picture(image)
        start = time.perf_counter()
        boxes, scores = self.detector(image)
        self.seconds = {"detector": time.perf_counter() - start}
        return self._poses(image, boxes, scores)

    def video(self, video, every: int = _EVERY) -> Iterator:
        """Everybody through a video, with numbers that stay (`Pose.track`).

        The detector looks at each `every`-th picture. In between, everybody
        is looked for where the last pose was; who comes in has to wait for
        the detector.

        Parameters
        ----------
        video:
            An `inference.Video`, a path, or pictures (RGB arrays).

        Yields
        ------
        image, result:
            RGB uint8, and an `ImagePoses`.
        """
        if every != int(every) or every < 1:
            raise ValueError(f"every is a whole number from 1, got {every}")
        if isinstance(video, (str, Path)):
            with Video(video) as opened:
                yield from self.video(opened, every)
            return
        tracker = Tracker(self.predictor.skeleton.sigmas)
        last: dict[int, Pose] = {}
        for number, image in enumerate(video):
            if number % every == 0:
                poses = self(image)
            else:
                self.seconds = {"detector": 0.0}
                poses = self._poses(image, *_expected(tracker, last, image))
            start = time.perf_counter()
            numbers = tracker.update(np.array([pose.keypoints for pose in poses]))
            for pose, track in zip(poses, numbers):
                pose.track = int(track)
                last[pose.track] = pose
            self.seconds["tracking"] = time.perf_counter() - start
            height, width = image.shape[:2]
            result = ImagePoses(poses, None, width, height, frame=number)
            if isinstance(video, Video):
                result.image, result.frame = str(video.source), video.frame
                result.time, result.rate = video.time, video.rate
            yield image, result

    def _poses(self, image, boxes, scores) -> list[Pose]:
        """The poses in some boxes, without doubles, the surest first."""
        start = time.perf_counter()
        poses = self.predictor(image, list(boxes), self.flip_test)
        for pose, score in zip(poses, scores):
            pose.box_score = float(score)
        keypoints = np.array([pose.keypoints for pose in poses])
        sure = [pose.confidence for pose in poses]
        kept = oks_nms(keypoints, sure, self.predictor.skeleton.sigmas, self.similarity)
        self.seconds["poses"] = time.perf_counter() - start
        return [poses[i] for i in kept]


def _picture(image) -> np.ndarray:
    if isinstance(image, (str, Path)):
        image = read_image(image)
    return picture_array(image)


def _expected(tracker: Tracker, last: dict[int, Pose], image):
    """Boxes around where everybody should be who was seen in the last picture."""
    height, width = image.shape[:2]
    boxes = []
    for track in tracker.tracks:
        if track.missed:
            continue
        x, y, w, h = last[track.number].keypoint_box()
        x, y = x + float(track.velocity[0]), y + float(track.velocity[1])
        if min(x + w, y + h, width - x, height - y) > 1:
            boxes.append((x, y, w, h))
    return boxes, np.ones(len(boxes))
