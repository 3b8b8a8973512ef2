"""One person's pose in one picture: joints, scores, and what to do with them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..skeletons import MPII, Skeleton

__all__ = ["Pose"]


_BEYOND_JOINTS = 1.12


@dataclass
class Pose:
    """One person's pose in one picture.

    Attributes
    ----------
    keypoints:
        ``(K, 2)`` float64, pixels of the picture, 0-based; NaN for a joint
        that nobody had labelled where the network was trained.
    scores:
        ``(K,)``, how sure the network is of each joint: the height of the
        heatmap's peak. Networks that give coordinates do not know; 1. A
        joint that is NaN has score 0.
    box:
        ``(x, y, width, height)`` that was looked at, pixels.
    skeleton:
        The joints' order and names.
    """

    keypoints: np.ndarray
    scores: np.ndarray
    box: tuple[float, float, float, float]
    skeleton: Skeleton = MPII

    @property
    def score(self) -> float:
        """The mean of the joints' scores."""
        return float(np.mean(self.scores))

    def around(self, min_score: float = 0.2):
        """The person's box ``(x, y, width, height)``, from the joints.

        A little larger than the joints span. Leaves out joints below
        `min_score`, unless fewer than 4 are left.
        """
        sure = self.scores >= min_score
        points = self.keypoints[sure if sure.sum() >= 4 else slice(None)]
        low, high = np.nanmin(points, 0), np.nanmax(points, 0)
        size = (high - low + 1) * _BEYOND_JOINTS
        corner = (low + high + 1 - size) / 2
        return (*map(float, corner), *map(float, size))

    def to_dict(self) -> dict:
        """As in the JSON of ``posecourse predict``: joints by name."""
        return {
            "box": [round(v, 2) for v in self.box],
            "score": round(self.score, 4),
            "keypoints": {
                joint: [round(float(x), 2), round(float(y), 2), round(float(s), 4)]
                for joint, (x, y), s in zip(
                    self.skeleton.joints, self.keypoints, self.scores
                )
            },
        }
