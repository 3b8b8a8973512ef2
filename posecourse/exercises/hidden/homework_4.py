"""Homework 4: what its grade asks."""

import json
import warnings

import numpy as np

from ... import metrics
from .. import hidden_test
from ..attempt import as_numbers, short


@hidden_test("H4.1")
def _(attempt):
    rng = np.random.default_rng(41)
    for count in (3, 8):
        raw = np.round(rng.uniform(1, 300, (count, 17, 3)), 2)
        raw[..., 2] = rng.random((count, 17))
        raw[rng.random((count, 17)) < 0.2] = 0
        order = [int(n) for n in rng.permutation(count)[:-1]]  # one was not found
        text = json.dumps(
            [{"person": n, "keypoints": raw[n].ravel().tolist()} for n in order]
        )
        right = np.full((count, 17, 2), np.nan)
        right[order] = np.where(raw[order, :, 2:] > 0, raw[order, :, :2] - 1, np.nan)
        in_file = np.full_like(right, np.nan)
        in_file[: len(order)] = right[order]
        zero = np.where(
            np.isnan(right) & np.isin(np.arange(count), order)[:, None, None], -1, right
        )
        attempt.gives(
            right,
            text,
            count,
            tolerance=1e-6,
            mistakes={
                "the tools count pixels from 1, we count from 0": right + 1,
                "a joint that was not found (score 0) is NaN, not a place": zero,
                "a joint that was not found (score 0) is NaN, and pixels count from 0": zero
                + 1,
                "`person` says which row; the list is in any order": in_file,
                "x comes first, then y": right[..., ::-1],
            },
        )


def _tools(seed, count):
    """Labels, head sizes and two tools; some people are hard for both."""
    rng = np.random.default_rng(seed)
    keypoints = rng.uniform(0, 300, (count, 17, 2))
    visible = rng.integers(0, 3, (count, 17))
    head = rng.uniform(20, 50, count)
    hard = rng.gamma(1.0, 0.3, (count, 1, 1))
    a, b = (
        keypoints
        + width * hard * head[:, None, None] * rng.normal(size=keypoints.shape)
        for width in (1.0, 1.3)
    )
    a[rng.random((count, 17)) < 0.1] = np.nan
    b[rng.random((count, 17)) < 0.05] = np.nan
    return np.where(visible[..., None] > 0, keypoints, np.nan), visible, head, a, b


def _percent(interval):
    return np.array([100 * v for v in (interval.value, interval.low, interval.high)])


def _quietly(function, *args):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is not found is not finite
        return function(*args)


def _hits(found, keypoints, visible, head, threshold=0.5):
    return _quietly(metrics.pck_hits, found, keypoints, visible, head, threshold)


def _near(attempt, got, right, given, mistakes):
    """The value is exact; the ends may differ by the luck of other draws."""
    numbers = as_numbers(got)
    attempt.require(
        numbers is not None and numbers.shape == (3,),
        f"Three numbers are asked for, (value, low, high); you give {short(got)}.",
    )

    def alike(values):
        return (
            abs(numbers[0] - values[0]) < 1e-3 and np.abs(numbers - values).max() < 0.6
        )

    why = next((f"\n  look at:      {w}" for w, v in mistakes.items() if alike(v)), "")
    attempt.require(
        alike(right),
        f"The three numbers differ.\n  given:        {given}\n"
        f"  expected:     {short(right)}, the ends within 0.6\n"
        f"  your answer:  {short(numbers)}{why}",
    )


@hidden_test("H4.2")
def _(attempt):
    for seed, count in ((1, 40), (2, 90)):
        keypoints, visible, head, found, _ = _tools(seed, count)
        hit = _hits(found, keypoints, visible, head)
        right = _percent(metrics.bootstrap_interval(hit))
        lost = np.isnan(found).any(-1)
        lenient = np.where(lost, np.nan, hit)
        seen = np.where(visible == 2, hit, np.nan)
        got = _quietly(attempt, found, keypoints, visible, head)
        _near(
            attempt,
            got,
            right,
            f"{count} people, {int((lost & (visible > 0)).sum())} labelled joints not found",
            {
                "percent are asked for, not fractions": right / 100,
                "what was not found is wrong; it must not be left out": _percent(
                    metrics.bootstrap_interval(lenient)
                ),
                "hidden joints (visible 1) are labelled, too": _percent(
                    metrics.bootstrap_interval(seen)
                ),
                "persons are drawn, not joints: those of one person fail together": _percent(
                    metrics.bootstrap_interval(hit.reshape(-1, 1))
                ),
                "half a head size is a threshold of 0.5": _percent(
                    metrics.bootstrap_interval(
                        _hits(found, keypoints, visible, head, 1.0)
                    )
                ),
            },
        )


@hidden_test("H4.3")
def _(attempt):
    for seed, count in ((3, 60), (4, 120)):
        keypoints, visible, head, a, b = _tools(seed, count)
        first, second = (_hits(found, keypoints, visible, head) for found in (a, b))
        right = _percent(metrics.paired_interval(first, second))
        one, two = (_percent(metrics.bootstrap_interval(h)) for h in (first, second))
        apart = np.array([one[0] - two[0], one[1] - two[2], one[2] - two[1]])
        got = _quietly(attempt, a, b, keypoints, visible, head)
        _near(
            attempt,
            got,
            right,
            f"{count} people",
            {
                "a minus b, not b minus a": np.array([-right[0], -right[2], -right[1]]),
                "two intervals apart are too wide: draw the same persons for both": apart,
                "points of percent are asked for": right / 100,
                "persons are drawn, not joints: those of one person fail together": _percent(
                    metrics.paired_interval(first.reshape(-1, 1), second.reshape(-1, 1))
                ),
                "the ends of a difference are not the differences of the ends": one
                - two,
            },
        )
