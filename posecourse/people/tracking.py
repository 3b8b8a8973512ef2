"""Who is who from picture to picture: poses get numbers that stay.

A track says where its person should be next: the last pose, moved on as fast
as it moved before. New poses go to the tracks they are most similar to (OKS),
all at once, so that the similarities add up to the most (Hungarian
algorithm). Somebody who is not seen for a while walks on unseen, less and
less surely.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from ..geometry import as_array
from ..metrics import oks
from .nms import pose_areas

__all__ = ["Track", "Tracker", "identity_switches"]


@dataclass
class Track:
    """Somebody who is followed.

    Attributes
    ----------
    number:
        The id, from 0; never used again.
    keypoints:
        ``(K, 2)`` pixels, of the last picture in which the person was seen.
    velocity:
        ``(2,)`` pixels per picture.
    area:
        Square pixels, for OKS.
    missed:
        For how many pictures nobody was found.
    seen:
        In how many pictures somebody was.
    """

    number: int
    keypoints: np.ndarray
    velocity: np.ndarray
    area: float
    missed: int = 0
    seen: int = 1

    def expected(self) -> np.ndarray:
        """Where the joints should be in the next picture, ``(K, 2)``."""
        return self.keypoints + self.velocity * (self.missed + 1)


class Tracker:
    """Numbers for poses, picture after picture.

    Parameters
    ----------
    sigmas:
        ``(K,)``, e.g. `Skeleton.sigmas`.
    threshold:
        The least similarity with what was expected, 0...1. Low: legs change
        from picture to picture.
    patience:
        Somebody who was not found in so many pictures is given up.
    smoothing:
        How much of the old velocity is kept, 0...1.

    Examples
    --------
    >>> import numpy as np
    >>> from posecourse.skeletons import MPII
    >>> tracker = Tracker(MPII.sigmas)
    >>> left = np.random.default_rng(0).uniform(0, 90, (16, 2))
    >>> tracker.update(np.stack([left, left + 200])).tolist()
    [0, 1]
    >>> tracker.update(np.stack([left + 205, left + 5])).tolist()
    [1, 0]
    """

    def __init__(
        self,
        sigmas,
        threshold: float = 0.1,
        patience: int = 12,
        smoothing: float = 0.7,
    ):
        if not 0 < threshold < 1:
            raise ValueError(f"threshold is between 0 and 1, got {threshold}")
        if not 0 <= smoothing < 1:
            raise ValueError(f"smoothing is from 0 and below 1, got {smoothing}")
        self.sigmas = as_array(sigmas)
        self.threshold, self.patience = threshold, int(patience)
        self.smoothing = smoothing
        self.tracks: list[Track] = []
        self._next = 0

    def update(self, keypoints) -> np.ndarray:
        """Numbers ``(P,)`` for the poses ``(P, K, 2)`` of the next picture.

        A joint that is NaN says nothing. Poses are best given the surest
        first and without doubles (`oks_nms`).
        """
        keypoints = as_array(keypoints)
        if keypoints.size == 0:
            keypoints = np.zeros((0, len(self.sigmas), 2))
        if keypoints.ndim != 3 or keypoints.shape[1:] != (len(self.sigmas), 2):
            raise ValueError(
                f"poses must be (P, {len(self.sigmas)}, 2), got {keypoints.shape}"
            )
        numbers = np.full(len(keypoints), -1)
        tracks, self.tracks = self.tracks, []
        similar = self.similarity(tracks, keypoints)
        for t, p in zip(*linear_sum_assignment(-similar)):
            if similar[t, p] >= self.threshold:
                self._follow(tracks[t], keypoints[p])
                numbers[p] = tracks[t].number
                self.tracks.append(tracks[t])
        for track in tracks:
            if track.number not in numbers:
                track.missed += 1
                if track.missed <= self.patience:
                    self.tracks.append(track)
        for p in np.flatnonzero(numbers < 0):
            numbers[p] = self._next
            self._next += 1
            area = float(pose_areas(keypoints[p][None])[0])
            self.tracks.append(Track(int(numbers[p]), keypoints[p], np.zeros(2), area))
        return numbers

    def similarity(self, tracks, keypoints) -> np.ndarray:
        """OKS of each track's expected pose with each pose, ``(T, P)``.

        A found pose is less exact than a label, and the longer somebody was not
        seen, the further off they may be: the area grows.
        """
        if not tracks or not len(keypoints):
            return np.zeros((len(tracks), len(keypoints)))
        expected = np.stack([track.expected() for track in tracks])
        areas = [track.area * (2 + track.missed) ** 2 for track in tracks]
        known = np.isfinite(expected).all(-1)
        # where a joint was not found, it says nothing against a person
        poses = np.where(np.isfinite(keypoints), keypoints, 1e9)
        return oks(poses, expected, known, areas, self.sigmas).T

    def _follow(self, track: Track, keypoints) -> None:
        """The track goes on with a new pose."""
        steps = track.missed + 1
        with np.errstate(invalid="ignore"):
            moved = (keypoints - track.keypoints) / steps
        both = np.isfinite(moved).all(-1)
        if both.any():
            step = np.median(moved[both], axis=0)
            keep = self.smoothing if track.seen > 1 else 0.0
            track.velocity = keep * track.velocity + (1 - keep) * step
        kept = np.where(
            np.isfinite(keypoints), keypoints, track.keypoints + steps * track.velocity
        )
        track.keypoints, track.missed, track.seen = kept, 0, track.seen + 1
        area = float(pose_areas(keypoints[None])[0])
        track.area = 0.9 * track.area + 0.1 * area


def identity_switches(numbers, people) -> int:
    """How often somebody's number changes.

    Parameters
    ----------
    numbers, people:
        For each picture the tracker's number of each pose and the true person
        it shows; -1 for a pose that shows nobody.

    Returns
    -------
    The changes of a person's number from one sighting to the next, added up
    (as in MOTA).
    """
    last: dict[int, int] = {}
    switches = 0
    for given, true in zip(numbers, people):
        for number, person in zip(given, true):
            if person < 0:
                continue
            switches += last.get(person, number) != number
            last[person] = number
    return int(switches)
