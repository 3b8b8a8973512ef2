"""How people move: where pelvis, feet and hands are, and how arms swing.

A choreography says for any time where the parts are that touch the ground,
and the angles of those that hang free; `limbs.reach` finds the rest. So a
planted foot stays where it is, whatever the body above it does.

Directions are those of somebody who faces the camera: x to their left, y
down, z backwards, in metres; the ground is y = 0. Angles in degrees.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .body import Body
from .rotations import rotation

__all__ = ["OUT", "Mover", "Moves", "Rhythm", "Sole", "stack"]

OUT = np.array([-1.0, 1.0])  # the right side is at -x


@dataclass
class Moves:
    """What a choreography says of ``T`` moments.

    Attributes
    ----------
    progress:
        ``(T,)`` repetitions done so far, with fractions.
    pelvis:
        ``(T, 3)`` metres.
    ankles, feet, contacts:
        ``(T, 2, 3)`` metres; ``(T, 2, 2)`` yaw and pitch (toes down) of the
        feet; ``(T, 2, 2)`` bool, whether heel and toe rest on the ground.
        The right side first.
    arms:
        ``(T, 2, 4)`` as `Pose.arms`; not used where `wrists` are given.
    yaw, root, spine, neck:
        ``(T,)`` heading of the body, and ``(T, 2)``, ``(T, 3)``, ``(T, 3)``
        as in `Pose`.
    wrists, elbows:
        None, or ``(T, 2, 3)`` where the wrists are, and ``(2, 3)`` the
        directions in which the elbows point.
    """

    progress: np.ndarray
    pelvis: np.ndarray
    ankles: np.ndarray
    feet: np.ndarray
    contacts: np.ndarray
    arms: np.ndarray
    yaw: np.ndarray
    root: np.ndarray
    spine: np.ndarray
    neck: np.ndarray
    wrists: np.ndarray | None = None
    elbows: np.ndarray | None = None


class Sole:
    """The foot as something to stand on.

    `flat` is the pitch at which heel and toe both rest, `height` the
    ankle's above the ground then.
    """

    _RADII = np.array([0.043, 0.037])  # heel and toe of `figure`
    _LOW = 0.82 * _RADII  # they are flattened

    def __init__(self, body: Body):
        self.points = np.array([(0, 0.042, 0.028), (0, 0.056, -body.foot)])
        (_, y0, z0), (_, y1, z1) = self.points
        low = y1 + self._LOW[1] - y0 - self._LOW[0]
        self.flat = float(np.rad2deg(np.arctan2(-low, z0 - z1)))
        turn = rotation("x", self.flat)
        self.height = float((turn @ self.points[0])[1] + self._LOW[0])

    def stand(self, prints, yaw, pitch):
        """Feet on the ground that may roll over heel or toe.

        Parameters
        ----------
        prints:
            ``(..., 2)`` x and z of the ground below the ankle of the flat
            foot.
        yaw, pitch:
            ``(...)`` of the foot; lower than `flat` only the heel rests,
            higher only the toe.

        Returns
        -------
        ankles, contacts:
            ``(..., 3)``, and ``(..., 2)`` whether heel and toe rest.
        """
        prints = np.asarray(prints, dtype=np.float64)
        on_toe = (pitch > self.flat).astype(int)
        pivot = self.points[on_toe]
        flat = np.stack(
            [prints[..., 0], np.full(prints.shape[:-1], -self.height), prints[..., 1]],
            axis=-1,
        )
        rolled = rotation("x", np.full(np.shape(pitch), self.flat)) - rotation(
            "x", pitch
        )
        turned = rotation("y", yaw) @ rolled
        ankles = flat + (turned @ pivot[..., None])[..., 0]
        # seen from its end the shoe is not flat
        tilt = np.sin(np.deg2rad(pitch - self.flat)) ** 2
        ankles[..., 1] -= tilt * (self._RADII - self._LOW)[on_toe]
        near = np.abs(pitch - self.flat) < 1e-6
        contacts = np.stack([near | (on_toe == 0), near | (on_toe == 1)], axis=-1)
        return ankles, contacts


class Rhythm:
    """Repetitions of slightly unequal length that fill the time exactly.

    Where the time is too short for one, the first is cut off.
    """

    def __init__(self, rng, seconds, period, speed):
        period = period / speed * rng.uniform(0.92, 1.08)
        self.count = round(seconds / period)
        lengths = 1 + 0.06 * rng.uniform(-1, 1, max(self.count, 1))
        total = seconds if self.count else period
        bounds = np.concatenate([[0], np.cumsum(lengths)])
        self.bounds = bounds * total / bounds[-1]

    def __call__(self, t):
        """Repetitions done, and the phase of the present one, 0-1."""
        progress = np.interp(t, self.bounds, np.arange(len(self.bounds)))
        return progress, np.where(progress >= len(self.bounds) - 1, 1.0, progress % 1)


def stack(*parts) -> np.ndarray:
    """``(T, len(parts))`` of arrays ``(T,)`` and numbers."""
    return np.stack(np.broadcast_arrays(*parts), axis=-1).astype(np.float64)


class Mover:
    """What all styles share: a body, its soles, its habits."""

    period = 2.0  # seconds of a repetition at speed 1
    turned = (-75.0, 75.0)  # degrees away from the camera that people face
    straight = 0.995  # how far legs are stretched at most

    def __init__(self, rng, body: Body, seconds: float, speed: float):
        self.body, self.sole = body, Sole(body)
        self.seconds, self.speed = seconds, speed
        self.leg = body.thigh + body.shin
        # with straight legs; `sequence` lowers it as far as feet demand
        self.stand = self.sole.height + self.leg + 0.012
        self.lead = int(rng.random() < 0.5)  # 0 right, 1 left
        self.head = np.array([rng.normal(3, 3), rng.normal(0, 8), rng.normal(0, 3)])
        self.sway = rng.uniform(0.006, 0.014)
        self.setup(rng)

    def setup(self, rng):
        """Draw what makes this repetition of the style its own."""
        self.rhythm = Rhythm(rng, self.seconds, self.period, self.speed)

    @property
    def repetitions(self) -> int:
        """Whole ones within the time."""
        return self.rhythm.count

    @property
    def seat(self):
        """Where the pelvis is when they sit, ``(3,)``, or None."""
        return None

    def breath(self, t):
        """A slow to and fro between -1 and 1 that fits the time."""
        turns = max(1, round(self.seconds / 3.2))
        return np.sin(2 * np.pi * turns * t / self.seconds)

    def moves(self, t, progress, pelvis, ankles, contacts, feet, arms, **more) -> Moves:
        """`Moves` with what was not said at rest."""
        zero = np.zeros(len(t))
        given = {
            "yaw": zero,
            "root": np.zeros((len(t), 2)),
            "spine": np.zeros((len(t), 3)),
            "neck": np.zeros((len(t), 3)),
        } | more
        given["neck"] = given["neck"] + self.head
        return Moves(
            progress=progress,
            pelvis=pelvis,
            ankles=ankles,
            contacts=contacts,
            feet=feet,
            arms=arms,
            **given,
        )

    def planted(self, t, apart, toes_out):
        """Feet that stand still: ankles, contacts, feet.

        `apart` is half the distance of the ankles.
        """
        prints = np.stack([OUT * apart, np.full(2, 0.03)], axis=-1)
        yaw = -OUT * toes_out
        ankles, contacts = self.sole.stand(prints, yaw, np.full(2, self.sole.flat))
        feet = np.stack([yaw, np.full(2, self.sole.flat)], axis=-1)
        return tuple(
            np.repeat(x[None], len(t), axis=0) for x in (ankles, contacts, feet)
        )

    def two(self, lead, other):
        """Arms ``(..., 2, 4)`` of what the leading and the other one do."""
        both = np.broadcast_arrays(lead, other)
        return np.stack(both if self.lead == 0 else both[::-1], axis=-2)
