"""Whether scores mean what they say: hits by score."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..geometry import as_array

__all__ = ["Reliability", "reliability"]


class Reliability(NamedTuple):
    """What scores are worth: see `reliability`.

    Attributes
    ----------
    scores:
        ``(B,)`` mean score of each group of joints, rising.
    rates:
        ``(B,)`` fraction of hits in the group.
    counts:
        ``(B,)`` how many joints.
    """

    scores: np.ndarray
    rates: np.ndarray
    counts: np.ndarray

    @property
    def error(self) -> float:
        """Expected calibration error: how far scores are from rates.

        The mean over all joints of the distance between the score and the
        rate of the group. 0 is calibrated; a constant score of the mean
        rate is calibrated too, and useless.
        """
        off = np.abs(self.scores - self.rates)
        return float((off * self.counts).sum() / self.counts.sum())

    def recalibrate(self, scores) -> np.ndarray:
        """Scores replaced by the rate of hits that joints like these had.

        Straight lines between the groups, constant outside, never falling:
        the order of the joints stays. Use it on other persons than those
        it was measured on.
        """
        rates = np.maximum.accumulate(self.rates)
        return np.interp(as_array(scores), self.scores, rates)


def reliability(scores, hit, bins: int = 10) -> Reliability:
    """Sort joints by score; in groups of equal size, count the hits.

    Scores are calibrated if, of the joints with score 0.8, 80 % are hits.
    The threshold decides what a hit is, and no score can be calibrated for
    two thresholds at once.

    Parameters
    ----------
    scores:
        ``(N, K)``, any range.
    hit:
        ``(N, K)`` from `pck_hits`: 1, 0, or NaN where not labelled.
    bins:
        How many groups.
    """
    scores, hit = as_array(scores), as_array(hit)
    if scores.shape != hit.shape:
        raise ValueError(f"scores {scores.shape} do not go with hits {hit.shape}")
    labelled = ~np.isnan(hit)
    if not 1 <= bins <= labelled.sum():
        raise ValueError(f"{labelled.sum()} labelled joints do not fill {bins} groups")
    if not np.isfinite(scores[labelled]).all():
        raise ValueError("scores of labelled joints must be finite")
    order = np.argsort(scores[labelled], kind="stable")
    groups = np.array_split(order, bins)
    return Reliability(
        np.array([scores[labelled][g].mean() for g in groups]),
        np.array([hit[labelled][g].mean() for g in groups]),
        np.array([len(g) for g in groups]),
    )
