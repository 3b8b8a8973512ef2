"""One person through the pictures of a film, and poses that are calmed.

A *tracker* takes a picture and gives the poses in it by number, ``{0: Pose}``;
the same number is the same person in every picture. `SinglePersonTracker`
knows one person. `PoseSmoother` takes what any tracker gives.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..inference import Pose
from .smoothing import Filter, OneEuroFilter

__all__ = ["PoseSmoother", "SinglePersonTracker"]


class SinglePersonTracker:
    """Looks for one person where they were in the picture before.

    The first picture is looked at as a whole and then closer; so is one after
    the person was lost: if the mean score fell below `lost`, or the person
    left the picture.

    Parameters
    ----------
    predictor:
        An `inference.Predictor`, which grows the box around the last pose by
        a quarter.
    """

    def __init__(self, predictor, lost: float = 0.2):
        self.predictor, self.lost = predictor, lost
        self.reset()

    def reset(self) -> None:
        """Begin a new film."""
        self._last: Pose | None = None

    def __call__(self, image) -> dict[int, Pose]:
        """The pose in an RGB picture ``(H, W, 3)``: ``{0: pose}``, or nothing
        while the person is lost."""
        box = None
        if self._last is not None:
            box = _inside(self._last.keypoint_box(), image.shape)
        (pose,) = self.predictor(image, box and [box], refine=box is None)
        if pose.score < self.lost:
            self._last = None
            return {}
        self._last = pose
        return {0: pose}


def _inside(box, shape):
    """The box, if some of it is in the picture."""
    x, y, width, height = box
    seen = x < shape[1] and y < shape[0] and x + width > 0 and y + height > 0
    return box if seen else None


class PoseSmoother:
    """The joints of each person through a filter of their own.

    Positions are filtered in *body sizes*: the longer side of the person's
    box when first seen. So the filter's parameters hold for large and small
    people. (A person who comes much nearer keeps the size of the beginning.)

    Parameters
    ----------
    make:
        Makes the filter of a new person.
    min_score:
        Joints with a lower score count as not seen: their last place is held,
        or NaN after the filter's `max_gap`.
    """

    def __init__(
        self,
        make: Callable[[], Filter] = lambda: OneEuroFilter(1.0, 4.0),
        min_score: float = 0.2,
    ):
        self.make, self.min_score = make, min_score
        self.reset()

    def reset(self) -> None:
        """Begin a new film."""
        self._people: dict[int, tuple[Filter, float]] = {}

    def __call__(self, poses: dict[int, Pose], time: float) -> dict[int, Pose]:
        """The poses of a moment, calmed; new ones, with the scores and boxes
        of the old.

        Parameters
        ----------
        poses:
            By the person's number. Who is missing is not seen, and is not
            among the results.
        time:
            Seconds; not before that of the last call.
        """
        calm = {}
        for number, pose in poses.items():
            if number not in self._people:
                size = max(pose.keypoint_box()[2:])
                self._people[number] = self.make(), size
            smoother, size = self._people[number]
            seen = (pose.scores >= self.min_score)[:, None]
            points = np.where(seen, pose.keypoints / size, np.nan)
            calm[number] = replace(pose, keypoints=smoother(points, time) * size)
        return calm
