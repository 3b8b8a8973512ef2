"""The head's own directions, and the surfaces that face and hair lie on."""

from __future__ import annotations

import numpy as np

from .people import Someone
from .sketch import Sketch

__all__ = ["Head", "mix"]


def mix(a, b, share):
    """Of two colours, `share` of the second."""
    return (1 - share) * a + share * b


class Head:
    """A head in a sketch.

    Places are counted in head heights from its middle: to its left, down, and
    back. `eye` is the direction in which the camera is, `pixels` the height of
    the head in the picture.
    """

    def __init__(self, f: Sketch, b: Someone):
        self.f, self.b, self.unit = f, b, b.head
        self.axes = f.axes("head")
        self.middle = f.points["upper_neck"] + self.axes @ self._offset(0, 0, 0)
        eye = -self.middle @ self.axes
        self.eye = eye / np.sqrt(eye @ eye)
        self.pixels = f.metre * b.head

    def _offset(self, x, y, z):
        u = self.unit
        return x * u, (y - 0.575) * u, (z - 0.02) * u

    def ball(self, x, y, z, radius) -> int:
        """A ball in the sketch."""
        return self.f.ball(
            "upper_neck", "head", self._offset(x, y, z), radius * self.unit
        )

    def egg(self, x, y, z, radii) -> int:
        """An ellipsoid along the head's directions."""
        radii = [r * self.unit for r in radii]
        return self.f.egg("upper_neck", "head", self._offset(x, y, z), radii)

    def below(self, x, y, z, radius) -> int:
        """A ball that hangs on the neck: counted from there."""
        place = x * self.unit, y * self.unit, z * self.unit
        return self.f.ball("upper_neck", "neck", place, radius * self.unit)

    def space(self, places) -> np.ndarray:
        """Places ``(N, 3)`` of the head in the camera's axes."""
        return self.middle + (self.unit * places) @ self.axes.T

    def polygon(self, places, part: str | None, color):
        """A polygon through ``(N, 3)`` places, as `Sketch.polygon`."""
        self.f.polygon(self.space(places), part, color)

    def line(self, places, color, width):
        """A line through ``(N, 3)`` places, `width` in head heights."""
        self.f.line(self.space(places), "head", color, width * self.unit)

    def surface(self, angle, y, radii, center):
        """Places of an ellipsoid at an `angle` from the front, towards the
        left: ``(N, 3)``; and whether the eye sees each. Those that it does not
        see are moved to the edge of what it sees."""
        a, b, c = radii
        high = (y - center[1]) / b
        high = np.minimum(np.maximum(high, -0.98), 0.98)
        g = np.sqrt(1 - high * high)
        ex, ey, ez = self.eye.tolist()
        across, ahead = ex / a, -ez / c
        reach = (across * across + ahead * ahead) ** 0.5 + 1e-9
        half = -ey / (b * reach) * high / g
        half = np.arccos(np.minimum(np.maximum(half, -1), 1))
        toward = np.arctan2(across, ahead)
        off = (angle - toward + np.pi) % (2 * np.pi) - np.pi
        seen = np.abs(off) <= half
        angle = np.minimum(np.maximum(off, -half), half) + toward
        places = np.empty((len(angle), 3))
        places[:, 0] = a * g * np.sin(angle)
        places[:, 1] = high * b
        places[:, 2] = -c * g * np.cos(angle)
        return places + center, seen
