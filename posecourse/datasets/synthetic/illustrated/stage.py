"""A ground in perspective, and a brush for what stands on it."""

from __future__ import annotations

import cv2
import numpy as np

from ..solids import View
from ..staging import Stance

__all__ = ["CIRCLE", "Local", "Stage", "cross", "rounded"]

_FINE = 16  # OpenCV counts in sixteenths of a pixel here
_ROUND = np.arange(24) * (np.pi / 12)
CIRCLE = np.stack([np.cos(_ROUND), np.sin(_ROUND)], axis=1).round(12)


def cross(a, b) -> np.ndarray:
    """The cross product of two vectors; NumPy's takes ten times as long."""
    (a, b, c), (d, e, f) = a, b
    return np.array([b * f - c * e, c * d - a * f, a * e - b * d])


def rounded(x, y, w, h, r):
    """A rectangle ``(N, 2)`` from (x, y), its corners rounded by `r`."""
    r = min(r, w / 2, h / 2)
    corner = CIRCLE[:7] * r
    quarter = [corner, corner[::-1] * (-1, 1), -corner, corner[::-1] * (1, -1)]
    middles = [
        (x + w - r, y + h - r),
        (x + r, y + h - r),
        (x + r, y + r),
        (x + w - r, y + r),
    ]
    return np.concatenate([m + q for m, q in zip(middles, quarter)])


class Stage:
    """The ground on which somebody stands, as the camera sees it.

    Places on it are ``(x, up, away)`` in metres: to the picture's right, above
    the ground, and away from the camera, counted from below the person.

    Parameters
    ----------
    image:
        ``(size, size, 3)`` uint8 RGB, painted on.
    stance:
        Whose ground it is.
    light:
        Unit vector towards the light, in the camera's axes.
    mask:
        Optional ``(size, size)`` uint8 on which the same is painted white.
    """

    def __init__(self, image, stance: Stance, view: View, light, mask=None):
        self.image, self.mask, self.view = image, mask, view
        down = stance.down
        ahead = np.array([0.0, 0, 1]) - down[2] * down
        length = np.sqrt(ahead @ ahead)
        # A camera that looks straight down sees no horizon.
        ahead = ahead / length if length > 0.05 else cross((1.0, 0, 0), down)
        self.axes = np.array([cross(down, ahead), -down, ahead])
        self.ground = stance.ground
        self.size = len(image)
        self.left_lit = light @ self.axes[0] < 0
        # as near as the ground can be seen without being beside the camera
        depth = float(stance.ground[2])
        self.nearest = (0.4 - depth) / max(float(ahead[2]), 0.2)
        self.metre = float(view.focal / max(depth, 0.4))

    def pixels(self, places):
        """Pixels of ``(N, 3)`` places."""
        space = np.asarray(places, dtype=np.float64) @ self.axes + self.ground
        depth = np.maximum(space[:, 2:], 0.2)
        return space[:, :2] * (self.view.focal / depth) + self.view.center

    def polygon(self, places, color):
        """A filled polygon through places of the stage."""
        self._fill(self.pixels(places) * _FINE, color)

    def floor(self, flat, color):
        """A polygon on the ground: ``(N, 2)`` x and away."""
        self._fill(self.pixels(self._on_floor(flat)) * _FINE, color)

    def _on_floor(self, flat):
        flat = np.asarray(flat, dtype=np.float64)
        places = np.zeros((len(flat), 3))
        places[:, 0] = flat[:, 0]
        places[:, 2] = np.maximum(flat[:, 1], self.nearest)
        return places

    def floor_lines(self, lines, color, width=0.012):
        """Lines on the ground: ``(L, N, 2)`` x and away."""
        lines = np.asarray(lines, dtype=np.float64)
        pixels = self.pixels(self._on_floor(lines.reshape(-1, 2))) * _FINE
        pixels = np.rint(pixels).astype(np.int32).reshape(lines.shape)
        thick = max(1, round(width * self.metre))
        cv2.polylines(
            self.image, list(pixels), False, tuple(color), thick, cv2.LINE_AA, 4
        )

    def at(self, x, away, up=0.0) -> Local:
        """An upright sheet at a place, facing the camera."""
        sx, sy, sz = (np.array([x, up, away]) @ self.axes + self.ground).tolist()
        scale = self.view.focal / max(sz, 0.2)
        sx, sy = sx * scale, sy * scale
        # how the pixel moves with x and up, here
        (ax, ay, az), (bx, by, bz) = self.axes[:2].tolist()
        near = 1 / max(sz, 0.2)
        axes = np.array(
            [
                [ax * scale - sx * az * near, ay * scale - sy * az * near],
                [bx * scale - sx * bz * near, by * scale - sy * bz * near],
            ]
        )
        cx, cy = self.view.center
        return Local(self, np.array([sx + cx, sy + cy]), axes)

    def _fill(self, fixed, color):
        fixed = [np.rint(fixed).astype(np.int32)]
        cv2.fillPoly(self.image, fixed, tuple(color), cv2.LINE_AA, 4)
        if self.mask is not None:
            cv2.fillPoly(self.mask, fixed, 255, cv2.LINE_AA, 4)

    def place(self, thing, x, away, size, color, picks, up=0.0):
        """Paint one of `things` on an upright sheet at a place."""
        with self.at(x, away, up) as sheet:
            thing(sheet, size, color, picks)

    def gradient(self, stops):
        """Fill the picture with colours that change with the height over the
        horizon.

        `stops` are pairs of a tangent of the angle above the horizon, rising,
        and a colour.
        """
        n = 25
        where = (np.arange(n) + 0.5) * (self.size / n) - 0.5
        rays = np.empty((n, n, 3))
        rays[..., 0] = (where - self.view.center[0]) / self.view.focal
        rays[..., 1] = ((where - self.view.center[1]) / self.view.focal)[:, None]
        rays[..., 2] = 1
        side = rays @ self.axes.T
        slope = side[..., 1] / np.maximum(side[..., 2], 0.3)
        heights = [s for s, _ in stops]
        small = np.stack(
            [np.interp(slope, heights, [c[k] for _, c in stops]) for k in range(3)], -1
        )
        cv2.resize(
            np.rint(np.clip(small, 0, 255)).astype(np.uint8),
            (self.size, self.size),
            dst=self.image,
            interpolation=cv2.INTER_LINEAR_EXACT,
        )


class Local:
    """An upright sheet on the stage: x to the right, y up, metres.

    Used in a ``with`` statement, at whose end everything is painted at once.
    """

    def __init__(self, stage: Stage, base, axes):
        self.stage = stage
        self.base, self.axes = base * _FINE + 0.5, axes * _FINE
        self.metre = float(np.sqrt((axes[0] ** 2).sum()))
        self.lit = -1.0 if stage.left_lit else 1.0
        self._points: list = []
        self._shapes: list[tuple] = []  # corners of each outline, colour, width

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None and self._points:
            self._paint()

    def _paint(self):
        fixed = np.array(self._points) @ self.axes + self.base
        fixed = np.floor(fixed).astype(np.int32)
        images = [(self.stage.image, None)]
        if self.stage.mask is not None:
            images.append((self.stage.mask, 255))
        start = 0
        for counts, color, width in self._shapes:
            outlines = []
            for count in counts:
                outlines.append(fixed[start : start + count])
                start += count
            for image, white in images:
                ink = color if white is None else white
                if width is None:
                    cv2.fillPoly(image, outlines, ink, cv2.LINE_AA, 4)
                else:
                    cv2.polylines(image, outlines, False, ink, width, cv2.LINE_AA, 4)

    def _add(self, points, counts, color, width=None):
        self._points.extend(points)
        color = color.tolist() if isinstance(color, np.ndarray) else color
        self._shapes.append((counts, color, width))

    def polygon(self, points, color):
        """A filled polygon of ``(N, 2)`` points."""
        points = points.tolist() if isinstance(points, np.ndarray) else points
        self._add(points, (len(points),), color)

    def box(self, x, y, w, h, color, r=0.0):
        """A rectangle whose lower left corner is (x, y)."""
        if r * self.metre > 1.2:
            self.polygon(rounded(x, y, w, h, r), color)
        else:
            self.polygon([(x, y), (x + w, y), (x + w, y + h), (x, y + h)], color)

    def boxes(self, boxes, color):
        """Rectangles of one colour, apart from each other: x, y, w, h."""
        points = [
            p
            for x, y, w, h in boxes
            for p in ((x, y), (x + w, y), (x + w, y + h), (x, y + h))
        ]
        self._add(points, (4,) * len(boxes), color)

    def oval(self, x, y, rx, ry, color, turn=0.0):
        """A filled ellipse, turned by `turn` radians."""
        points = CIRCLE if max(rx, ry) * self.metre > 4 else CIRCLE[::2]
        points = points * (rx, ry)
        if turn:
            c, s = np.cos(turn), np.sin(turn)
            points = points @ np.array([[c, s], [-s, c]])
        self.polygon(points + (x, y), color)

    def line(self, points, width, color):
        """A line of `width` metres."""
        points = points.tolist() if isinstance(points, np.ndarray) else points
        width = max(1, round(width * self.metre))
        self._add(points, (len(points),), color, width)
