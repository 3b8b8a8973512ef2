"""From signals to events: a hand is raised, a squat is done.

A signal is a number of the moment: how high a wrist is, how low the hips are.
It trembles, so one threshold is crossed many times on the way; two make a
switch that decides once (`Hysteresis`). And it is only as good as its joints:
where one of them is not sure, the signal is NaN, and nothing is decided.

Heights are in torso lengths (from between the hips to between the shoulders),
so that they hold for people of any size in the picture.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..geometry import as_array
from ..skeletons import MPII, Skeleton, get_skeleton

__all__ = [
    "EXERCISES",
    "Exercise",
    "ExerciseCounter",
    "HandRaised",
    "Hysteresis",
    "Repetition",
    "RepetitionCounter",
    "hand_height",
    "hands_above_head",
    "hip_height",
    "shoulder_height",
]


class Hysteresis:
    """A switch with two thresholds.

    It goes on where the value reaches `on`, and off again where it comes back
    to `off`; in between it stays as it is. (`on` may be the lower one: then
    it goes on where the value falls.)

    Parameters
    ----------
    hold:
        Seconds that the value must stay beyond a threshold before the switch
        follows. A single wild value then changes nothing.

    Attributes
    ----------
    state:
        Whether it is on; off at first.
    """

    def __init__(self, on: float, off: float, hold: float = 0.0):
        if not (math.isfinite(on) and math.isfinite(off)) or on == off:
            raise ValueError(f"two different thresholds are needed, got {on} and {off}")
        if not (hold >= 0 and math.isfinite(hold)):
            raise ValueError(f"hold is a number of seconds from 0; got {hold}")
        self.on, self.off, self.hold = float(on), float(off), float(hold)
        self.reset()

    def reset(self) -> None:
        """Off, and without a past."""
        self.state = False
        self._since: float | None = None
        self.time: float | None = None

    def __call__(self, value: float, time: float) -> bool:
        """The state after a value at a time in seconds.

        NaN changes nothing, but what is waiting for `hold` waits anew. Raises
        ValueError if the time goes backwards.
        """
        if not math.isfinite(time) or (self.time is not None and time < self.time):
            raise ValueError(
                f"times are seconds that do not go backwards; got {time} after "
                f"{self.time}"
            )
        self.time = time
        rising = self.on > self.off
        if self.state:
            beyond = value <= self.off if rising else value >= self.off
        else:
            beyond = value >= self.on if rising else value <= self.on
        if not beyond:  # NaN, too
            self._since = None
            return self.state
        if self._since is None:
            self._since = time
        if time - self._since >= self.hold - 1e-9:  # whatever the last digit says
            self.state, self._since = not self.state, None
        return self.state


@dataclass(frozen=True)
class Repetition:
    """One repetition: when it began and ended, and its extreme value.

    Attributes
    ----------
    start, end:
        Seconds at which the switch went on and off.
    extreme:
        The value farthest beyond the threshold `on`, such as the depth.
    """

    start: float
    end: float
    extreme: float


class RepetitionCounter:
    """Counts how often a signal goes out beyond `on` and comes back to `off`.

    Parameters
    ----------
    on, off, hold:
        As in `Hysteresis`.
    shortest, longest:
        Seconds that a repetition takes from on to off; others do not count.

    Attributes
    ----------
    repetitions:
        Those that are done, in order.
    """

    def __init__(
        self,
        on: float,
        off: float,
        hold: float = 0.0,
        shortest: float = 0.2,
        longest: float = 10.0,
    ):
        self.switch = Hysteresis(on, off, hold)
        self.shortest, self.longest = float(shortest), float(longest)
        self.reset()

    def reset(self) -> None:
        """Nothing done, nothing begun."""
        self.switch.reset()
        self.repetitions: list[Repetition] = []
        self._start, self._extreme = math.nan, math.nan

    @property
    def count(self) -> int:
        """How many are done."""
        return len(self.repetitions)

    def __call__(self, value: float, time: float) -> int:
        """How many are done after a value at a time in seconds; NaN changes
        nothing."""
        before = self.switch.state
        after = self.switch(value, time)
        farther = max if self.switch.on > self.switch.off else min
        if after and not before:
            self._start, self._extreme = time, value
        elif after and not math.isnan(value):
            self._extreme = farther(self._extreme, value)
        elif before and not after and self._lasts(time):
            self.repetitions.append(Repetition(self._start, time, self._extreme))
        return self.count

    def _lasts(self, end) -> bool:
        return self.shortest <= end - self._start <= self.longest


# ---------------------------------------------------------------- signals


class _Joints:
    """Joints of poses ``(..., K, 2)`` by name; NaN where they are not sure."""

    def __init__(self, keypoints, scores, skeleton, min_score):
        skeleton, keypoints = get_skeleton(skeleton), as_array(keypoints)
        if keypoints.ndim < 2 or keypoints.shape[-2:] != (len(skeleton), 2):
            raise ValueError(
                f"keypoints of {skeleton.name} are (..., {len(skeleton)}, 2), "
                f"not {keypoints.shape}"
            )
        if scores is not None:
            scores = as_array(scores)
            if scores.shape != keypoints.shape[:-1]:
                raise ValueError(
                    f"a score for each joint, {keypoints.shape[:-1]}; got "
                    f"{scores.shape}"
                )
            keypoints = np.where((scores >= min_score)[..., None], keypoints, np.nan)
        self._keypoints, self._skeleton = keypoints, skeleton

    def __getitem__(self, joint) -> np.ndarray:
        return self._keypoints[..., self._skeleton.index(joint), :]

    def middle(self, joint) -> np.ndarray:
        """Between the right and the left one."""
        return (self[f"right_{joint}"] + self[f"left_{joint}"]) / 2

    @property
    def torso(self) -> np.ndarray:
        """Its length, ``(...)``; NaN where there is none."""
        length = np.linalg.norm(self.middle("shoulder") - self.middle("hip"), axis=-1)
        return np.where(length > 0, length, np.nan)


def hand_height(
    keypoints, scores=None, skeleton=MPII, min_score: float = 0.3, side: str = "right"
) -> np.ndarray:
    """How far a wrist is above its shoulder, torso lengths; below: negative.

    Parameters
    ----------
    keypoints, scores:
        ``(..., K, 2)`` pixels and ``(..., K)``. Where a joint that is needed
        scores below `min_score`, the height is NaN.
    side:
        ``"right"`` or ``"left"``, the person's own.
    """
    at = _Joints(keypoints, scores, skeleton, min_score)
    return (at[f"{side}_shoulder"] - at[f"{side}_wrist"])[..., 1] / at.torso


def hands_above_head(
    keypoints, scores=None, skeleton=MPII, min_score: float = 0.3
) -> np.ndarray:
    """How far the lower wrist is above the shoulders' middle, torso lengths."""
    at = _Joints(keypoints, scores, skeleton, min_score)
    lower = np.maximum(at["right_wrist"][..., 1], at["left_wrist"][..., 1])
    return (at.middle("shoulder")[..., 1] - lower) / at.torso


def hip_height(
    keypoints, scores=None, skeleton=MPII, min_score: float = 0.3
) -> np.ndarray:
    """How far the hips are above the ankles, torso lengths."""
    at = _Joints(keypoints, scores, skeleton, min_score)
    return (at.middle("ankle") - at.middle("hip"))[..., 1] / at.torso


def shoulder_height(
    keypoints, scores=None, skeleton=MPII, min_score: float = 0.3
) -> np.ndarray:
    """How far the shoulders are above the wrists, torso lengths."""
    at = _Joints(keypoints, scores, skeleton, min_score)
    return (at.middle("wrist") - at.middle("shoulder"))[..., 1] / at.torso


# -------------------------------------------------------------- exercises


@dataclass(frozen=True)
class Exercise:
    """What a repetition of an exercise is.

    Attributes
    ----------
    signal:
        A function of ``(keypoints, scores, skeleton, min_score)``.
    on, off:
        The thresholds between which a repetition goes there and back.
    relative:
        Whether the signal is divided by how high it usually reaches (see
        `ExerciseCounter`): legs are longer beside the torso in some people,
        and from some sides.
    """

    signal: Callable[..., np.ndarray]
    on: float
    off: float
    relative: bool


EXERCISES = {
    "squat": Exercise(hip_height, 0.75, 0.86, True),
    "jumping_jack": Exercise(hands_above_head, 0.35, -0.3, False),
    "push_up": Exercise(shoulder_height, 0.65, 0.8, True),
}


class ExerciseCounter:
    """Counts the repetitions of an exercise, pose by pose.

    Parameters
    ----------
    exercise:
        A name of `EXERCISES`, or an `Exercise` of your own.
    skeleton:
        Of the poses.
    min_score:
        Joints with a lower score do not count as seen.
    memory:
        Seconds of the past that tell how high a relative signal usually
        reaches: its 90th percentile. So the person must also be seen at rest.

    Attributes
    ----------
    value:
        The signal of the last pose, as it was compared with the thresholds.
    """

    def __init__(
        self,
        exercise: str | Exercise,
        skeleton: Skeleton | str = MPII,
        min_score: float = 0.3,
        memory: float = 10.0,
    ):
        if isinstance(exercise, str):
            if exercise not in EXERCISES:
                raise ValueError(
                    f"unknown exercise {exercise!r}; known: {', '.join(EXERCISES)}"
                )
            exercise = EXERCISES[exercise]
        self.exercise, self.skeleton = exercise, get_skeleton(skeleton)
        self.min_score, self.memory = min_score, memory
        self.counter = RepetitionCounter(exercise.on, exercise.off)
        self.reset()

    def reset(self) -> None:
        """Nothing done, nobody known."""
        self.counter.reset()
        self.value = math.nan
        self._past: list[tuple[float, float]] = []

    @property
    def repetitions(self) -> list[Repetition]:
        """Those that are done, in order."""
        return self.counter.repetitions

    def __call__(self, keypoints, scores, time: float) -> int:
        """How many are done after a pose: ``(K, 2)`` pixels, ``(K,)`` scores,
        at a time in seconds."""
        value = float(
            self.exercise.signal(keypoints, scores, self.skeleton, self.min_score)
        )
        if self.exercise.relative and not math.isnan(value):
            self._past = [p for p in self._past if p[0] > time - self.memory]
            self._past.append((time, value))
            usual = np.quantile([v for _, v in self._past], 0.9)
            value = value / usual if usual > 0 else math.nan
        self.value = value
        return self.counter(value, time)


class HandRaised:
    """Says once that a hand was raised.

    A hand is up while its wrist is `on` torso lengths above the shoulder for
    `hold` seconds, and down again when it comes back to `off`.

    Parameters
    ----------
    side:
        ``"right"`` or ``"left"``, the person's own.
    """

    def __init__(
        self,
        side: str = "right",
        on: float = 0.25,
        off: float = 0.0,
        hold: float = 0.3,
        skeleton: Skeleton | str = MPII,
        min_score: float = 0.3,
    ):
        if side not in ("right", "left"):
            raise ValueError(f"side is right or left, not {side!r}")
        self.side, self.skeleton = side, get_skeleton(skeleton)
        self.min_score = min_score
        self.switch = Hysteresis(on, off, hold)

    def reset(self) -> None:
        """The hand is down."""
        self.switch.reset()

    def __call__(self, keypoints, scores, time: float) -> bool:
        """Whether the hand was raised with this pose: ``(K, 2)`` pixels,
        ``(K,)`` scores, at a time in seconds."""
        height = hand_height(
            keypoints, scores, self.skeleton, self.min_score, self.side
        )
        before = self.switch.state
        return self.switch(float(height), time) and not before
