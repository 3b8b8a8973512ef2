"""From bones to shapes on the picture: hulls of rings, and their order.

A person is made of *pieces* (trunk, forearm, ...), a piece of convex *shapes*:
each is the hull of a few rings in space, as the eye sees them. A tapered limb
is the hull of two balls, a sleeve that of a ball and a ring, a skirt that of
three rings. Outlines are exact at any resolution, and OpenCV fills a convex
polygon in some microseconds. Pieces are painted from the farthest to the
nearest.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

import cv2
import numpy as np

from ..figure import PARTS
from ..solids import View

__all__ = ["SHIFT", "Piece", "Sketch", "painted_order"]

_PART = {name: i for i, name in enumerate(PARTS)}
SHIFT = 4  # binary places of a pixel, as OpenCV's drawing functions count
_FINE = 1 << SHIFT


@lru_cache(maxsize=4)
def _circle(corners: int) -> np.ndarray:
    """Rows (1, cos, sin) around a circle, exactly symmetric."""
    angle = np.arange(corners) * (2 * np.pi / corners)
    return np.stack([np.ones(corners), np.cos(angle), np.sin(angle)], axis=1).round(12)


@dataclass
class Piece:
    """Shapes that are painted one after the other.

    `first` and `last` are the range of the sketch's rings that say where the
    piece is; `bias` metres bring it nearer to the eye than it is, and pieces
    of the name `after` never cover it.
    """

    name: str
    bias: float = 0.0
    after: str = ""
    shapes: list = field(default_factory=list)
    first: int = 0
    last: int = 0


class Sketch:
    """What is drawn of one person.

    Parameters
    ----------
    points, frames:
        As from `articulation.articulate`, in the camera's axes.
    view:
        The camera.
    """

    def __init__(self, points: dict, frames: dict, view: View):
        self.points, self.view = points, view
        self._origin = {name: i for i, name in enumerate(points)}
        self._frame = {name: i for i, name in enumerate(frames)} | {"eye": len(frames)}
        self._origins = np.array(list(points.values()))
        self.frames = np.array([*frames.values(), np.eye(3)])
        self._lists = self.frames.tolist()
        self._rows: list[tuple] = []  # rings in terms of bones
        self._rings: list[np.ndarray] = []  # rings in the camera's axes
        self._count = 0
        self._corners: list[np.ndarray] = []  # of polygons, in the camera's axes
        self._corner_count = 0
        self.pieces: list[Piece] = []
        # One metre at the person, pixels: how fine drawing is worth while.
        self.metre = float(view.focal / points["pelvis"][2])
        self.fine = self.metre > 75  # whether details are to be seen
        self.corners = 16 if self.metre < 70 else 24 if self.metre < 180 else 32
        self.circle = _circle(self.corners)

    # ------------------------------------------------------------- rings
    def ring(self, origin, frame, offset, u, v, axes=None) -> int:
        """The ellipse ``offset + u cos t + v sin t`` of a bone.

        `origin` names a point, `frame` the axes in which `offset` is counted
        and, unless `axes` names others, `u` and `v` too.
        """
        axes = self._frame[axes or frame]
        self._rows.append(
            (
                self._count,
                self._origin[origin],
                self._frame[frame],
                *offset,
                axes,
                *u,
                *v,
            )
        )
        self._count += 1
        return self._count - 1

    def ball(self, origin, frame, offset, radius) -> int:
        """A ball: to the eye a circle."""
        return self.ring(
            origin, frame, offset, (radius, 0.0, 0.0), (0.0, radius, 0.0), "eye"
        )

    def egg(self, origin, frame, offset, radii) -> int:
        """An ellipsoid with half axes along those of `frame`."""
        (a, b, e), (c, d, f), _ = self._lists[self._frame[frame]]
        p, q, r = radii
        a, b, e, c, d, f = a * p, b * q, e * r, c * p, d * q, f * r
        xx, xy, yy = a * a + b * b + e * e, a * c + b * d + e * f, c * c + d * d + f * f
        side = xx**0.5
        tall = max(yy - xy * xy / xx, 1e-12) ** 0.5
        return self.ring(
            origin, frame, offset, (side, xy / side, 0.0), (0.0, tall, 0.0), "eye"
        )

    def blended(self, rings, weights):
        """Rings made from the last rings of bones, ``weights (new, old)`` of
        each: their numbers, and middle, u and v of each ``(new, 3, 3)``."""
        made = weights @ self._solve(np.array(self._rows[-len(rings) :])).reshape(-1, 9)
        start, self._count = self._count, self._count + len(made)
        numbers = np.arange(start, self._count)
        self._rings.append(np.column_stack([numbers, made]))
        return numbers.tolist(), made.reshape(-1, 3, 3)

    def _solve(self, rows) -> np.ndarray:
        origin, frame, axes = rows[:, [1, 2, 6]].astype(int).T
        result = np.empty((len(rows), 3, 3))
        frames = self.frames[frame]
        result[:, 0] = (frames @ rows[:, 3:6, None])[..., 0] + self._origins[origin]
        frames = self.frames[axes]
        result[:, 1] = (frames @ rows[:, 7:10, None])[..., 0]
        result[:, 2] = (frames @ rows[:, 10:13, None])[..., 0]
        return result

    # ------------------------------------------------------------ shapes
    def axes(self, frame: str) -> np.ndarray:
        """Left, down and back of a bone, columns in the camera's axes."""
        return self.frames[self._frame[frame]]

    def piece(self, name: str, bias: float = 0.0, after: str = ""):
        """Begin a new piece, to which all further shapes belong."""
        self.pieces.append(Piece(name, bias, after, [], self._count, self._count))

    def hull(self, rings, part: str, color):
        """The hull of some rings."""
        self._add("hull", rings, part, color)

    def chain(self, rings, part: str, color):
        """Hulls of each ring and the next: a tube."""
        for pair in pairwise(rings):
            self._add("hull", pair, part, color)

    def claim(self, rings, corners, part: str):
        """Give the hull of some corners of `rings` to another part, without
        painting."""
        self._add("claim", (rings, corners), part, None)

    def polygon(self, corners, part: str | None, color):
        """A polygon of ``(N, 3)`` points in the camera's axes; with the part
        None, colour on what is below."""
        self._add("polygon", self._keep(corners), part, color)

    def line(self, corners, part: str, color, width: float):
        """A line through ``(N, 3)`` points, `width` in metres."""
        self._add("line", (self._keep(corners), width), part, color)

    def _keep(self, corners) -> slice:
        self._corners.append(corners)
        start = self._corner_count
        self._corner_count += len(corners)
        return slice(start, self._corner_count)

    def _add(self, kind, what, part, color):
        piece = self.pieces[-1]
        piece.last = self._count
        if color is not None:
            color = (*color.tolist(), 255.0)
        piece.shapes.append((kind, what, _PART.get(part), color))

    # ----------------------------------------------------------- pixels
    def project(self):
        """Where everything is in the picture.

        Returns
        -------
        rings:
            ``(R, K, 2)`` int32, sixteenths of a pixel.
        corners:
            ``(N, 2)`` of the polygons.
        places:
            ``(R, 4)``: x, y (pixels), depth (metres) and radius (pixels).
        """
        rows = np.array(self._rows)
        solved = np.empty((self._count, 3, 3))
        solved[rows[:, 0].astype(int)] = self._solve(rows)
        for made in self._rings:
            solved[made[:, 0].astype(int)] = made[:, 1:].reshape(-1, 3, 3)
        focal = self.view.focal
        size = np.sqrt((solved[:, 1:] ** 2).sum(-1)).max(1) * focal / solved[:, 0, 2]
        # OpenCV's smooth edges lie half a pixel outside the polygon.
        solved[:, 1:] *= np.maximum(1 - 0.4 / np.maximum(size, 1e-6), 0.55)[
            :, None, None
        ]
        space = self.circle @ solved
        flat = self.view.project(space)
        places = np.column_stack(
            [self.view.project(solved[:, 0]), solved[:, 0, 2], size]
        )
        polygons = np.zeros((0, 2), np.int32)
        if self._corners:
            polygons = self._fixed(self.view.project(np.concatenate(self._corners)))
        return self._fixed(flat), polygons, places

    @staticmethod
    def _fixed(pixels):
        return np.rint(pixels * _FINE).astype(np.int32)


def painted_order(pieces: list[Piece], places, owners):
    """From the farthest piece to the nearest.

    Where two pieces overlap in the picture, the one that is nearer there is
    painted later; each pair of their rings that overlap has a vote, the more
    they overlap the heavier. Where that leads round in a circle, the weakest
    vote gives way.

    Parameters
    ----------
    places:
        Per piece ``(r, 4)``, as from `Sketch.project`.
    owners:
        Per piece, whose it is.

    Returns
    -------
    order, depth:
        Numbers of the pieces; and per piece how far away it is, metres.
    """
    count = len(pieces)
    owner = np.repeat(np.arange(count), [len(p) for p in places])
    all_places = np.concatenate(places)
    x, y, depth, radius = all_places.T
    depth = depth - np.array([p.bias for p in pieces])[owner]
    apart = np.sqrt((x[:, None] - x) ** 2 + (y[:, None] - y) ** 2)
    common = np.maximum(radius[:, None] + radius - apart, 0)
    ahead = depth - depth[:, None]
    votes = common * np.minimum(np.maximum(ahead, -0.3), 0.3)
    starts = np.cumsum([0] + [len(p) for p in places[:-1]])
    votes = np.add.reduceat(np.add.reduceat(votes, starts, axis=0), starts, axis=1)
    # votes[i, j] > 0: i is in front of j
    middle = np.add.reduceat(depth, starts) / [len(p) for p in places]
    wait = np.maximum(votes, 0)
    for i, piece in enumerate(pieces):
        for j, other in enumerate(pieces if piece.after else []):
            if other.name == piece.after and owners[i] == owners[j]:
                wait[i, j], wait[j, i] = 1e6, 0
    order, burden = [], wait.sum(1)
    for _ in range(count):
        free = burden <= burden.min() + 1e-6
        pick = int(np.where(free, middle, -np.inf).argmax())
        order.append(pick)
        burden -= wait[:, pick]
        burden[pick] = np.inf
    return order, middle


def fill(layer, slots, rings, corners, shape, slot: int, metre: float):
    """Paint one shape on a layer of colours, if there is one, and its slot on
    the map beside it."""
    kind, what, _, color = shape
    if kind == "hull":
        if len(what) > 1:
            outline = cv2.convexHull(rings[list(what)].reshape(-1, 2))
        else:
            outline = rings[what[0]]
        if layer is not None:
            cv2.fillConvexPoly(layer, outline, color, cv2.LINE_AA, SHIFT)
        cv2.fillConvexPoly(slots, outline, slot, cv2.LINE_8, SHIFT)
    elif kind == "polygon":
        outline = [corners[what]]
        if layer is not None:
            cv2.fillPoly(layer, outline, color, cv2.LINE_AA, SHIFT)
        if slot:
            cv2.fillPoly(slots, outline, slot, cv2.LINE_8, SHIFT)
    elif kind == "claim":
        which, chosen = what
        outline = cv2.convexHull(rings[list(which)][chosen])
        cv2.fillConvexPoly(slots, outline, slot, cv2.LINE_8, SHIFT)
    else:
        where, width = what
        outline, thick = [corners[where]], max(1, round(width * metre))
        if layer is not None:
            cv2.polylines(layer, outline, False, color, thick, cv2.LINE_AA, SHIFT)
        cv2.polylines(slots, outline, False, slot, thick, cv2.LINE_8, SHIFT)
