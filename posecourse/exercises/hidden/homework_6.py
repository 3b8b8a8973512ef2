"""Homework 6: what its grade asks."""

import itertools

import numpy as np

from ...motion import joint_angle
from .. import hidden_test


def _knees(pose):
    """The angle of the right and of the left knee."""
    return [joint_angle(*(pose[:, i] for i in rows)) for rows in ((2, 1, 0), (3, 4, 5))]


@hidden_test("H6.1")
def _(attempt):
    rng = np.random.default_rng(61)
    for missing in (0, 0.1):
        pose = rng.uniform(0, 100, (12, 16, 2))
        pose[rng.random((12, 16)) < missing] = np.nan
        if missing:
            pose[0, 1], pose[1, [1, 4]] = np.nan, np.nan
        right, left = _knees(pose)
        one = np.where(np.isfinite(left), left, right)
        both = (left + right) / 2
        answer = np.where(np.isfinite(both), both, one)
        mixed = joint_angle(pose[:, 2], pose[:, 1], pose[:, 5])
        attempt.gives(
            answer,
            pose,
            tolerance=1e-4,
            mistakes={
                "degrees are asked for": np.radians(answer),
                "a straight knee has 180 degrees, not 0": 180 - answer,
                "where one knee is NaN, take the other": both,
                "that is one knee; the mean of both is asked for": left,
                "that is the right knee; the mean of both is asked for": right,
                "hip, knee and ankle of one side belong together": mixed,
                "that is the angle at the hip's end of the thigh": joint_angle(
                    pose[:, 1], pose[:, 2], pose[:, 0]
                ),
            },
        )


def _fill(angle, most, ends=False):
    angle = np.array(angle, float)
    known = np.flatnonzero(np.isfinite(angle))
    for before, after in itertools.pairwise(known):
        if 1 < after - before <= most + 1:
            inner = np.arange(before, after + 1)
            angle[inner] = np.interp(inner, [before, after], angle[[before, after]])
    if ends and len(known):
        angle[: known[0]], angle[known[-1] :] = angle[known[0]], angle[known[-1]]
    return angle


@hidden_test("H6.2")
def _(attempt):
    rng = np.random.default_rng(62)
    cases = [
        (rng.uniform(60, 180, 30), rate, longest)
        for rate, longest in ((10, 0.3), (24, 0.125), (8, 0.5))
    ]
    for angle, rate, longest in cases:
        most = round(rate * longest)
        for start, length in ((0, 1), (3, most), (10, most + 1), (20, 1), (29, 1)):
            angle[start : start + length] = np.nan
        kept = angle.copy()
        attempt.gives(
            _fill(angle, most),
            angle,
            rate,
            longest,
            mistakes={
                "longer gaps stay: compare their length with `longest`": _fill(
                    angle, 99
                ),
                "NaN at the ends stays": _fill(angle, most, ends=True),
                "all is filled, also long gaps and the ends": _fill(
                    angle, 99, ends=True
                ),
                "a gap that lasts just `longest` is filled, too": _fill(
                    angle, most - 1
                ),
                "a gap lasts as long as its missing values, not as the way around it": _fill(
                    angle, most - 2
                ),
                "nothing was filled": angle,
            },
        )
        attempt.answer(angle, rate, longest)
        attempt.require(
            np.array_equal(kept, angle, equal_nan=True),
            "The array that was passed in has been changed. Work on a copy: "
            "np.array(angle, float).",
        )


def _squats(angle, rate, down, up, shortest=0.3, strict="", half=False):
    found, begin = [], None
    for i, value in enumerate(angle):
        below = value < down if "down" in strict else value <= down
        above = value > up if "up" in strict else value >= up
        if begin is None and below:
            begin = i
        elif begin is not None and above:
            if (i - begin) / rate >= shortest:
                found.append((begin / rate, i / rate, np.nanmin(angle[begin : i + 1])))
            begin = None
    if half and begin is not None:
        end = len(angle) - 1
        found.append((begin / rate, end / rate, np.nanmin(angle[begin:])))
    return np.array(found, float).reshape(-1, 3)


@hidden_test("H6.3")
def _(attempt):
    rng = np.random.default_rng(63)
    times = np.arange(0, 9.4, 1 / 12)
    waves = [
        np.round(
            125 + 50 * np.cos(2 * np.pi * times / 3) + rng.normal(0, 6, len(times))
        )
        for _ in range(3)
    ]
    waves[0][30:33] = np.nan
    waves[1][[2, 60]] = 60, 110  # one value is no squat
    waves[2] = np.tile([170, 110, 100, 110, 130, 150, 160, 140.0], 9)
    for rate, angle in zip((12, 12, 8), waves):
        angle[-3:] = 70  # the last one does not end
        args = (angle, rate, 110.0, 150.0)
        right = _squats(*args)
        attempt.gives(
            right,
            *args,
            mistakes={
                "a squat that does not end does not count": _squats(*args, half=True),
                "less than 0.3 s is no squat": _squats(*args, shortest=0.0),
                "at or below `down` begins a squat: <=, not <": _squats(
                    *args, strict="down"
                ),
                "at or above `up` ends it: >=, not >": _squats(*args, strict="up"),
                "at or below `down`, at or above `up`: <= and >=": _squats(
                    *args, strict="down, up"
                ),
                "one threshold is not enough: noise around it counts again and again": _squats(
                    angle, rate, 110.0, 110.0
                ),
                "seconds are asked for, value i is at i / rate": right
                * [rate, rate, 1],
                "it ends at `up`, not where it leaves `down`": _squats(
                    angle, rate, 110.0, 110.5
                ),
                "the depth is the smallest angle of the squat": np.c_[
                    right[:, :2], [angle[round(b * rate)] for b in right[:, 0]]
                ],
            },
        )
    attempt.gives(np.zeros((0, 3)), np.full(20, 170.0), 10, 110.0, 150.0)
