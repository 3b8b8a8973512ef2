"""How far a score would move with other people of the same kind."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ._common import _array, _ratio

__all__ = ["Interval", "bootstrap_interval", "paired_interval"]


class Interval(NamedTuple):
    """A value with its bootstrap interval and standard deviation."""

    value: float
    low: float
    high: float
    sd: float


def bootstrap_interval(
    hit, joints=None, level: float = 0.95, resamples: int = 1000, seed: int = 0
) -> Interval:
    """How far a pooled rate would move with other persons of the same kind.

    Persons, not joints, are drawn with replacement: the joints of one
    person fail together. (2,958 persons of MPII's validation split give
    PCKh@0.5 a standard deviation of 0.3 points: smaller differences are
    not results.)

    Parameters
    ----------
    hit:
        ``(N, K)`` from `pck_hits`: 1, 0, or NaN where not labelled.
    joints:
        Columns to pool; None takes all.
    level:
        Share of the resamples inside the interval.

    Returns
    -------
    `Interval` of the fraction of hits, between 0 and 1.
    """
    return _bootstrap([hit], joints, level, resamples, seed)


def paired_interval(
    first,
    second,
    joints=None,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> Interval:
    """The interval of a difference, `first` minus `second`.

    Both predictors answered for the same persons, so the same persons are
    drawn for both: what is hard for both cancels, and the interval is much
    narrower than two separate ones suggest. If it excludes 0, the
    difference is not chance alone.

    `first` and `second` are ``(N, K)`` from `pck_hits`, labelled alike;
    other parameters as in `bootstrap_interval`.
    """
    return _bootstrap([first, second], joints, level, resamples, seed)


def _bootstrap(hits, joints, level, resamples, seed) -> Interval:
    columns = slice(None) if joints is None else list(joints)
    hits = [_array(h)[:, columns] for h in hits]
    if any(
        h.shape != hits[0].shape or (np.isnan(h) != np.isnan(hits[0])).any()
        for h in hits
    ):
        raise ValueError(
            "the two predictors must be scored on the same "
            "labelled joints of the same persons"
        )
    counts = (~np.isnan(hits[0])).sum(1)
    if not counts.sum():
        raise ValueError("no labelled joint to score")
    sums = np.nansum(hits[0], 1)
    if len(hits) == 2:
        sums = sums - np.nansum(hits[1], 1)
    rng = np.random.default_rng(seed)
    drawn = np.empty(resamples)
    for i in range(resamples):
        persons = rng.integers(0, len(counts), len(counts))
        drawn[i] = _ratio(sums[persons].sum(), counts[persons].sum())
    tail = (1 - level) / 2
    low, high = np.nanquantile(drawn, [tail, 1 - tail])
    return Interval(
        float(sums.sum() / counts.sum()),
        float(low),
        float(high),
        float(np.nanstd(drawn)),
    )
