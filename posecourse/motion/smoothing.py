"""Filters that calm a signal while it comes in, and what they cost.

A filter here is *causal*: it knows the past only, as in front of a camera. It
is called once per picture, with the values and their time in seconds, and
treats each number of an array on its own:

>>> smoother = OneEuroFilter(min_cutoff=1.0, beta=0.0)
>>> smoother([10.0, 20.0], time=0.0)
array([10., 20.])
>>> smoother([20.0, 20.0], time=1 / 30).round(2)
array([11.73, 20.  ])

**Units.** Cut-offs are in Hz, spans in seconds, the rest in the unit of the
values: parameters that suit pixels do not suit metres, nor those of a small
person a large one.

**Time stamps.** Steps may be uneven. A value at a time that was there before
is passed over; a time before the last one is an error.

**Gaps.** NaN says that a number was not seen. Its last estimate is held for at
most `max_gap` seconds (`KalmanFilter` moves it on); after that it is NaN, and
the next value begins anew. No filter draws a line across a longer gap.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import numpy as np

from ..geometry import as_array

__all__ = [
    "Filter",
    "KalmanFilter",
    "MovingAverage",
    "OneEuroFilter",
    "jitter",
    "lag",
    "smooth",
]


def _positive(**numbers: float) -> None:
    for name, number in numbers.items():
        if not (number > 0 and math.isfinite(number)):
            raise ValueError(f"{name} is a positive, finite number; got {number}")


class Filter(ABC):
    """What all filters share: the time, what was seen when, and gaps.

    A filter of your own defines `begin` and `update`; `between`, if it does
    more than hold what it has.

    Attributes
    ----------
    estimate:
        What the filter said last of what it saw; None before the first call.
    """

    def __init__(self, max_gap: float = 0.5):
        _positive(max_gap=max_gap)
        self.max_gap = float(max_gap)
        self.reset()

    def reset(self) -> None:
        """Forget everything: the next call is the first."""
        self.time: float | None = None
        self.estimate: np.ndarray | None = None

    def __call__(self, values, time: float) -> np.ndarray:
        """The calmed values.

        Parameters
        ----------
        values:
            An array of any shape, the same each time; NaN for what was not
            seen.
        time:
            Seconds; not before that of the last call.

        Returns
        -------
        A float64 array of that shape.

        Raises
        ------
        ValueError
            For another shape than before, a number that is infinite, or a
            time that goes backwards.
        """
        values = self._checked(values, time)
        if self.estimate is None:
            self.estimate = np.full(values.shape, np.nan)
            self._seen_at = np.full(values.shape, -np.inf)
        step = time - self._seen_at
        seen = np.isfinite(values)
        anew = seen & (step > self.max_gap)
        onwards = seen & ~anew & (step > 0)
        self.begin(values, anew, time)
        self.update(values, onwards, np.where(onwards, step, 1.0), time)
        self.time = time
        self._seen_at[seen] = time
        step = time - self._seen_at
        said = np.where(step > 0, self.between(np.minimum(step, 1e9)), self.estimate)
        return np.where(step > self.max_gap, np.nan, said)

    def _checked(self, values, time) -> np.ndarray:
        values = as_array(values)
        if not math.isfinite(time):
            raise ValueError(f"a time in seconds is expected, not {time}")
        if self.time is not None and time < self.time:
            raise ValueError(
                f"the time goes backwards, from {self.time:g} to {time:g} seconds; "
                "call reset() before another video"
            )
        if self.estimate is not None and values.shape != self.estimate.shape:
            raise ValueError(
                f"the filter was begun with values {self.estimate.shape}, these are "
                f"{values.shape}; take a new filter, or NaN for what was not seen"
            )
        if np.isinf(values).any():
            raise ValueError("a value is infinite; what was not seen is NaN")
        return values

    def begin(self, values, anew, time) -> None:
        """Take over the values `anew` says as first ones."""
        self.estimate[anew] = values[anew]

    @abstractmethod
    def update(self, values, onwards, step, time) -> None:
        """Move the estimate on where `onwards` says, `step` seconds each."""

    def between(self, step) -> np.ndarray:
        """What to say `step` seconds after a value was seen last."""
        assert self.estimate is not None  # there was a first call
        return self.estimate


class MovingAverage(Filter):
    """The mean of what was seen in the last `seconds`.

    Lags by about half of them, however fast the motion is.
    """

    def __init__(self, seconds: float, max_gap: float = 0.5):
        _positive(seconds=seconds)
        self.seconds = float(seconds)
        super().__init__(max_gap)

    def reset(self) -> None:
        """Forget everything: the next call is the first."""
        super().reset()
        self._past: list[tuple[float, np.ndarray]] = []

    def begin(self, values, anew, time) -> None:
        """Take over the values `anew` says as first ones."""
        for _, earlier in self._past:
            earlier[anew] = np.nan
        oldest = time - self.seconds + 1e-9  # whatever the last digit says
        self._past = [p for p in self._past if p[0] > oldest]
        self._past.append((time, np.where(anew, values, np.nan)))
        super().begin(values, anew, time)

    def update(self, values, onwards, step, time) -> None:
        """Average anew where `onwards` says."""
        self._past[-1][1][onwards] = values[onwards]
        past = np.array([earlier for _, earlier in self._past])
        known = np.isfinite(past)
        mean = np.where(known, past, 0).sum(0) / np.maximum(known.sum(0), 1)
        self.estimate[onwards] = mean[onwards]


class OneEuroFilter(Filter):
    """A low-pass filter that opens when the signal moves fast.

    Its cut-off frequency is ``min_cutoff + beta * |speed|``, the speed being
    calmed with ``d_cutoff`` itself: little jitter at rest, little lag in
    motion. Casiez, Roussel, Vogel: 1 Euro Filter (CHI 2012).

    Parameters
    ----------
    min_cutoff:
        Hz, at rest. Lower calms more.
    beta:
        Hz per unit of speed (unit of the values per second); 0 is an
        ordinary low-pass filter.
    d_cutoff:
        Hz, of the speed.
    """

    def __init__(
        self,
        min_cutoff: float = 1.0,
        beta: float = 0.0,
        d_cutoff: float = 1.0,
        max_gap: float = 0.5,
    ):
        _positive(min_cutoff=min_cutoff, d_cutoff=d_cutoff)
        if not (beta >= 0 and math.isfinite(beta)):
            raise ValueError(f"beta is a finite number from 0; got {beta}")
        self.min_cutoff, self.beta = float(min_cutoff), float(beta)
        self.d_cutoff = float(d_cutoff)
        super().__init__(max_gap)

    def begin(self, values, anew, time) -> None:
        """Take over the values `anew` says as first ones, at rest."""
        super().begin(values, anew, time)
        if self.time is None:
            self.speed = np.zeros(values.shape)
        self.speed[anew] = 0.0

    def update(self, values, onwards, step, time) -> None:
        """Move the estimate on where `onwards` says, `step` seconds each."""
        speed = (values - self.estimate) / step
        calm = self.speed + _alpha(self.d_cutoff, step) * (speed - self.speed)
        cutoff = self.min_cutoff + self.beta * np.abs(calm)
        moved = self.estimate + _alpha(cutoff, step) * (values - self.estimate)
        self.speed[onwards] = calm[onwards]
        self.estimate[onwards] = moved[onwards]


def _alpha(cutoff, step):
    """The weight of a new value `step` seconds after the last one."""
    return 1 / (1 + 1 / (2 * np.pi * cutoff * step))


class KalmanFilter(Filter):
    """A Kalman filter that expects a constant velocity.

    Accelerations are white noise, so that another frame rate needs no other
    parameters. Bar-Shalom, Li, Kirubarajan: Estimation with Applications to
    Tracking and Navigation (2001), section 6.2.2.

    Parameters
    ----------
    measurement_std:
        How far a value is off, standard deviation; its unit.
    acceleration_psd:
        How much the velocity changes: power spectral density of the
        acceleration, unit^2/s^3. (Within a second the velocity changes by
        its square root.)

    Attributes
    ----------
    velocity:
        Unit per second.
    std:
        Standard deviation of the estimate.
    """

    def __init__(
        self, measurement_std: float, acceleration_psd: float, max_gap: float = 0.5
    ):
        _positive(measurement_std=measurement_std, acceleration_psd=acceleration_psd)
        self.measurement_std = float(measurement_std)
        self.acceleration_psd = float(acceleration_psd)
        self._noise: np.ndarray | float = self.measurement_std**2
        super().__init__(max_gap)

    def __call__(self, values, time: float, std=None) -> np.ndarray:
        """The calmed values; see `Filter`.

        `std` says for these values how far each may be off, in place of
        `measurement_std`: an array of their shape, or one that broadcasts.
        """
        if std is not None:
            std = np.broadcast_to(as_array(std), np.shape(values))
            if not (std > 0)[np.isfinite(as_array(values))].all():
                raise ValueError("std is positive wherever there is a value")
        self._noise = (self.measurement_std if std is None else std) ** 2
        return super().__call__(values, time)

    def begin(self, values, anew, time) -> None:
        """Take over the values `anew` says as first ones, of any velocity."""
        super().begin(values, anew, time)
        if self.time is None:
            self.velocity, self._pp, self._pv, self._vv = (
                np.zeros(values.shape) for _ in range(4)
            )
        noise = np.broadcast_to(self._noise, values.shape)[anew]
        self.velocity[anew], self._pv[anew] = 0.0, 0.0
        self._pp[anew], self._vv[anew] = noise, _ANY_VELOCITY * noise

    def update(self, values, onwards, step, time) -> None:
        """Predict and correct where `onwards` says, `step` seconds each."""
        q = self.acceleration_psd
        place = self.estimate + step * self.velocity
        pp = self._pp + step * (2 * self._pv + step * self._vv) + q * step**3 / 3
        pv = self._pv + step * self._vv + q * step**2 / 2
        vv = self._vv + q * step
        total = pp + self._noise
        gain, gain_v, surprise = pp / total, pv / total, values - place
        for old, new in (
            (self.estimate, place + gain * surprise),
            (self.velocity, self.velocity + gain_v * surprise),
            (self._pp, (1 - gain) * pp),
            (self._vv, vv - gain_v * pv),
            (self._pv, (1 - gain) * pv),
        ):
            old[onwards] = new[onwards]

    def between(self, step) -> np.ndarray:
        """Where it would be by now, at the last velocity."""
        return self.estimate + step * self.velocity

    @property
    def std(self) -> np.ndarray:
        """Standard deviation of the estimate, where a value was seen last."""
        return np.sqrt(self._pp)


# Variance of the first velocity in units of the first place's: nothing is
# known of it, so the second value decides.
_ANY_VELOCITY = 1e6


def smooth(smoother: Filter, values, times) -> np.ndarray:
    """A whole recording through a filter, one moment after the other.

    `values` are ``(T, ...)``, `times` ``(T,)`` seconds; returns an array like
    `values`. The filter is reset first.
    """
    values, times = as_array(values), as_array(times)
    if values.ndim == 0 or times.shape != values.shape[:1]:
        raise ValueError(
            f"values (T, ...) need times (T,); got {values.shape} and {times.shape}"
        )
    smoother.reset()
    out = np.empty_like(values)
    for i, (value, time) in enumerate(zip(values, times)):
        out[i] = smoother(value, time)
    return out


# ------------------------------------------------------------ what it costs


def lag(signal, truth, times, longest: float = 0.5) -> float:
    """By how many seconds a signal trails the truth.

    The delay, to a millisecond, with which the truth fits the signal best
    (least squares); 0 to `longest`.

    Parameters
    ----------
    signal, truth:
        ``(T,)`` or ``(T, ...)``. Moments at which the signal is NaN do not
        count; the truth is known at all times.
    times:
        ``(T,)`` seconds, increasing, longer than `longest`.
    """
    signal, truth, times = as_array(signal), as_array(truth), as_array(times)
    if signal.shape != truth.shape or times.shape != signal.shape[:1]:
        raise ValueError(
            "signal and truth are (T, ...) alike and times (T,); got "
            f"{signal.shape}, {truth.shape} and {times.shape}"
        )
    if not (np.isfinite(truth).all() and (np.diff(times) > 0).all()):
        raise ValueError("the truth is known at all times, and these increase")
    late = times >= times[0] + longest if len(times) else np.zeros(0, bool)
    signal, truth = signal.reshape(len(times), -1), truth.reshape(len(times), -1)
    if not np.isfinite(signal[late]).any():
        raise ValueError(f"there is no signal after the first {longest:g} seconds")
    delays = np.arange(0, longest + 1e-9, 0.001)
    cost = np.zeros(len(delays))
    for column in range(signal.shape[1]):
        moved = np.interp(times[late] - delays[:, None], times, truth[:, column])
        cost += np.nansum((moved - signal[late, column]) ** 2, axis=1)
    return float(delays[cost.argmin()])


def jitter(signal, truth=None, where=None) -> float:
    """How much a signal trembles: RMS of its change from one moment to the
    next, in its unit.

    Parameters
    ----------
    signal, truth:
        ``(T,)`` or ``(T, ...)``. Only what the truth does not do counts, where
        it is given. Changes to or from NaN do not count.
    where:
        ``(T,)`` bool: moments that count, and changes between two of them.
        Take moments of rest: in motion, lag changes too.
    """
    error = as_array(signal)
    if truth is not None:
        error = error - as_array(truth)
    steps = np.diff(error, axis=0)
    if where is not None:
        where = np.asarray(where, bool)
        steps = steps[where[1:] & where[:-1]]
    if not np.isfinite(steps).any():
        raise ValueError("there are no two moments in a row with a value")
    return float(np.sqrt(np.nanmean(steps**2)))
