"""From a person's solids to pixels, parts and depths."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .body import SIDES
from .figure import PARTS, Figure
from .solids import DEPTHS, SHADES, Buffer, Rays, View

__all__ = ["Layer", "Light", "draw_person", "draw_stick", "person_layer"]


@dataclass(frozen=True)
class Light:
    """Where light comes from and its colours.

    `direction` is a unit vector towards it; `ambient` and `key` are RGB
    factors of what is in shade, and added where the light falls.
    """

    direction: np.ndarray
    ambient: np.ndarray
    key: np.ndarray

    def table(self, colors) -> np.ndarray:
        """Packed RGBA of all shades, ``(colours, SHADES)`` uint32.

        Row 0, nothing, is transparent.
        """
        cosine = np.linspace(-1, 1, SHADES)
        # Softer than Lambert's law: light also comes round the edge.
        lit = (0.5 + 0.5 * cosine) ** 1.6
        gain = self.ambient + lit[:, None] * self.key
        result = np.empty((len(colors), SHADES, 4), np.uint8)
        rgb = np.asarray(colors)[:, None, :] * gain
        rgb += 22 * (lit**6)[:, None]
        result[..., :3] = np.minimum(rgb, 255)
        result[..., 3] = 255
        result[0] = 0
        return result.view(np.uint32)[..., 0]


_SUPER = 2  # subpixels per pixel and axis
_REACH = 1.5  # metres before and behind
# Depth units per grey level of darkening: 30 cm are worth 160 levels.
_CREVICE = int(0.30 / (2 * _REACH) * DEPTHS / 160)


@dataclass
class Layer:
    """A person as a transparency to lay on a picture.

    Attributes
    ----------
    corner:
        ``(x, y)`` of its first pixel in the picture.
    color, alpha:
        ``(h, w, 3)`` uint8 RGB, already weighted by ``(h, w)`` uint8 how much
        of each pixel is covered, 0-255.
    parts:
        ``(h, w)`` uint8 indices of `PARTS`, by each pixel's first subpixel;
        0 where that is empty.
    """

    corner: tuple[int, int]
    color: np.ndarray
    alpha: np.ndarray
    parts: np.ndarray
    _depth: np.ndarray
    _distance: float

    @property
    def place(self):
        """The pixels of a picture that it covers, to index arrays with."""
        (x, y), (h, w) = self.corner, self.alpha.shape
        return np.s_[y : y + h, x : x + w]

    def depths(self):
        """Metres from the camera along z, ``(2, h, w)`` float32: to the first
        subpixel and to the nearest; infinite where there is nothing."""
        first, *others = (
            self._depth[i::_SUPER, j::_SUPER]
            for i in range(_SUPER)
            for j in range(_SUPER)
        )
        nearest = first
        for other in others:
            nearest = np.minimum(nearest, other)
        steps = np.stack([first, nearest])
        metres = steps * np.float32(2 * _REACH / (DEPTHS - 2)) + np.float32(
            self._distance - _REACH
        )
        return np.where(steps == DEPTHS - 1, np.float32(np.inf), metres)


def draw_person(image, parts, figure: Figure, view: View, light: Light):
    """Draw a person over a picture.

    Parameters
    ----------
    image:
        ``(H, W, 3)`` uint8 RGB, drawn on.
    parts:
        ``(H, W)`` uint8 part numbers (`PARTS`), drawn on.
    """
    layer = person_layer(image.shape, figure, view, light)
    if layer is None:
        return
    place = image[layer.place]
    behind = cv2.cvtColor(255 - layer.alpha, cv2.COLOR_GRAY2BGR)
    place[...] = cv2.add(layer.color, cv2.multiply(place, behind, scale=1 / 255))
    cv2.copyTo(layer.parts, layer.parts, parts[layer.place])


def person_layer(shape, figure: Figure, view: View, light: Light) -> Layer | None:
    """A person before nothing.

    Parameters
    ----------
    shape:
        ``(H, W, ...)`` of the picture; None is returned for a person who is
        not on it.
    """
    fine = view.enlarged(_SUPER)
    figure.paint(fine)
    rays = Rays(figure.cones, fine, light.direction)
    height, width = shape[:2]
    low = np.maximum(rays.corner.min(0) // _SUPER, 0)
    high = np.minimum((rays.corner + rays.size).max(0) // _SUPER + 1, (width, height))
    (x, y), (w, h) = low.tolist(), (high - low).tolist()
    if w < 1 or h < 1:
        return None
    reach = _REACH * fine.focal / fine.distance
    buffer = Buffer(w * _SUPER, h * _SUPER, low * _SUPER, -reach, reach)
    rays.draw(buffer)
    index = buffer.index
    table = light.table(figure.colors)[figure.rows].ravel()
    pixels = np.take(table, index).view(np.uint8).reshape(*index.shape, 4)
    pixels = cv2.resize(pixels, (w, h), interpolation=cv2.INTER_AREA)
    depth = buffer.depth
    shading = _crevices(depth[::_SUPER, ::_SUPER], view)
    return Layer(
        (x, y),
        cv2.multiply(pixels[..., :3], shading, scale=1 / 255, dtype=cv2.CV_8U),
        pixels[..., 3].copy(),
        np.array(figure.parts, np.uint8)[index[::_SUPER, ::_SUPER] >> 7],
        depth,
        view.distance,
    )


# Lines of a stick figure: points, and the part they stand for.
_STICKS = (
    ("pelvis thorax", "right_chest"),
    ("thorax upper_neck", "neck"),
    *(
        (line.replace("@", side), part.replace("@", side))
        for side in SIDES
        for line, part in (
            ("thorax @_shoulder", "@_chest"),
            ("@_shoulder @_elbow", "@_upper_arm"),
            ("@_elbow @_wrist", "@_forearm"),
            ("pelvis @_hip", "@_belly"),
            ("@_hip @_knee", "@_thigh"),
            ("@_knee @_ankle", "@_shin"),
            ("@_ankle @_toe", "@_foot"),
        )
    ),
)


def draw_stick(image, parts, points, view: View):
    """A stick figure: lines, a round head and, from the front, a nose."""
    names = list(points)
    pixel = dict(zip(names, view.project(np.array(list(points.values())))))
    width = max(1, round(0.03 * view.focal / view.distance))
    ink = (52, 56, 66)

    def fixed(p):
        return np.round(p * 16).astype(int).tolist()

    for line, part in _STICKS:
        a, b = (fixed(pixel[n]) for n in line.split())
        cv2.line(image, a, b, ink, width, cv2.LINE_AA, 4)
        mask = np.zeros_like(parts)
        cv2.line(mask, a, b, 255, width, cv2.LINE_AA, 4)
        parts[mask > 127] = PARTS.index(part)
    neck, top = pixel["upper_neck"], pixel["head_top"]
    center = fixed((neck + top) / 2)
    radius = int(8 * np.sqrt(((top - neck) ** 2).sum()))
    cv2.circle(image, center, radius + 8 * width, ink, -1, cv2.LINE_AA, 4)
    if radius > 8 * width:  # else, seen from above, the head is a dot
        cv2.circle(
            image, center, radius - 8 * width, (246, 244, 240), -1, cv2.LINE_AA, 4
        )
    mask = np.zeros_like(parts)
    cv2.circle(mask, center, radius + 8 * width, 255, -1, cv2.LINE_AA, 4)
    parts[mask > 127] = PARTS.index("head")


def _crevices(depth, view: View):
    """Darken what lies behind something near it: ``(h, w, 3)`` uint8.

    The difference between depth and its neighbourhood's (Luft, Colditz and
    Deussen, 2006); it sets an arm apart from the chest behind it.
    """
    k = 2 * max(1, round(0.03 * view.focal / view.distance)) + 1
    near = depth
    for _ in range(2):
        # whole numbers all the way: the same on every machine
        near = cv2.boxFilter(near, cv2.CV_32S, (k, k), normalize=False)
        near = (near // (k * k)).astype(np.uint16)
    behind = cv2.subtract(depth, near)  # 0 where it is in front
    shade = 255 - np.minimum(behind // _CREVICE, 100).astype(np.uint8)
    return cv2.cvtColor(shade, cv2.COLOR_GRAY2BGR)
