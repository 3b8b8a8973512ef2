"""A small renderer: rounded cones with a depth buffer, in numpy.

Every piece of a person is a *rounded cone*: the hull of two balls, perhaps
flattened along one direction and with a bulge between its ends. That is
enough for limbs, torsos, heads and shoes. Each pixel sends one ray straight
into the picture; where it meets a cone has a closed form, so depth, shading
and the place along the cone come out exactly and at any resolution.

Cones are given in metres in the camera's directions: x right, y down, z
forward. A `View` turns them into pixels, in depth too. Cones of similar size
are computed together as one batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = ["DEPTHS", "SHADES", "Buffer", "Cone", "Rays", "Surface", "View"]

# One number per pixel holds everything, so that the nearest surface is a
# plain minimum: bit 30 "no hit", 15 bits depth, 8 bits slot, 7 bits shade.
SHADES = 128
_EMPTY = 1 << 30
_WASTE = 16000  # pixels that cost as much as one more batch
DEPTHS = 1 << 15


@dataclass
class Cone:
    """The hull of a ball at `a` and a ball at `b`.

    Attributes
    ----------
    a, b:
        Middles of the two balls, ``(3,)``.
    ra, rb:
        Their radii.
    slot:
        What is drawn, 0-255: a row of the caller's colour table.
    bulge:
        Added to the radius half way between the ends.
    flat, flatten:
        Unit vector along which the solid is squeezed, and by how much
        (1 not at all, 0.5 to half).
    cut, pad, slot_before:
        From `a` up to the share `cut` of the way to `b` the solid is `pad`
        thicker and drawn as `slot_before`: a sleeve, a sock.
    open_end:
        Leave away the ball at `b`: the hem of a skirt.
    paint:
        Called with the `Surface`, returns its slots, ``(H, W)`` int32: a
        face, a print. It may add to `Surface.missed`.
    """

    a: np.ndarray
    b: np.ndarray
    ra: float
    rb: float
    slot: int
    bulge: float = 0.0
    flat: tuple = (0.0, 0.0, 1.0)
    flatten: float = 1.0
    cut: float = -1.0
    pad: float = 0.0
    slot_before: int = 0
    open_end: bool = False
    paint: Callable | None = None


@dataclass(frozen=True)
class View:
    """A pinhole camera that looks along z.

    Parameters
    ----------
    focal:
        Pixels that one metre spans at a distance of one metre.
    center:
        ``(x, y)`` pixel where the optical axis meets the picture.
    distance:
        Metres along z to where depth is counted from.
    """

    focal: float
    center: tuple[float, float]
    distance: float

    def project(self, points) -> np.ndarray:
        """Pixels ``(..., 2)`` of points ``(..., 3)`` in metres."""
        points = np.asarray(points, dtype=np.float64)
        return points[..., :2] / points[..., 2:] * self.focal + self.center

    def solid(self, points):
        """Points ``(N, 3)`` in pixels, depth too, and pixels per metre.

        A rounded cone stays one to the eye: each end moves to its pixel
        and grows with its nearness.
        """
        scale = self.focal / points[:, 2]
        pixels = points * scale[:, None]
        pixels[:, :2] += self.center
        pixels[:, 2] = (points[:, 2] - self.distance) * (self.focal / self.distance)
        return pixels, scale

    def enlarged(self, factor: int) -> View:
        """The same view on a picture with `factor` times the pixels."""
        x, y = self.center
        shift = (factor - 1) / 2
        return View(
            self.focal * factor, (x * factor + shift, y * factor + shift), self.distance
        )


class Buffer:
    """What the rays have met so far: ``(height, width)`` pixels.

    Parameters
    ----------
    origin:
        ``(x, y)`` of the first pixel, so that a buffer can cover a part of
        a picture.
    near, far:
        Range of depths.
    """

    def __init__(self, width, height, origin, near, far):
        self.origin = origin
        self.near, self.unit = near, (DEPTHS - 2) / (far - near)
        self.keys = np.full((height, width), _EMPTY, np.int32)

    def encode(self, depth, slots, shade, missed) -> np.ndarray:
        """Numbers of which the smaller is the nearer surface, int32."""
        # Where a ray missed, the numbers mean nothing; masks keep them from
        # spilling into other bits.
        keys = (depth - np.float32(self.near)) * np.float32(self.unit)
        keys = keys.astype(np.int32)
        keys &= DEPTHS - 1
        keys <<= 8
        keys |= slots
        keys <<= 7
        shade = shade * np.float32(SHADES / 2 - 1)
        shade += np.float32(SHADES / 2)
        shade = shade.astype(np.int32)
        shade &= SHADES - 1
        keys |= shade
        keys |= missed.astype(np.int32) << 30
        return keys

    def put(self, keys, corner):
        """Keep the nearer of what is here and of `keys`, whose first pixel
        is `corner`."""
        height, width = self.keys.shape
        h, w = keys.shape
        x, y = corner
        if x < 0 or y < 0 or x + w > width or y + h > height:
            keys = keys[max(-y, 0) : max(height - y, 0), max(-x, 0) : max(width - x, 0)]
            x, y = max(x, 0), max(y, 0)
            h, w = keys.shape
        place = self.keys[y : y + h, x : x + w]
        np.minimum(place, keys, out=place)

    @property
    def index(self) -> np.ndarray:
        """``slot * SHADES + shade`` per pixel; 0 where nothing was met."""
        index = self.keys & 0x7FFF
        index *= self.keys < _EMPTY
        return index

    @property
    def depth(self) -> np.ndarray:
        """Depth per pixel from `near` (0) to `far` (`DEPTHS` - 1), uint16;
        the farthest where nothing was met."""
        return np.minimum(self.keys >> 15, DEPTHS - 1).astype(np.uint16)


@dataclass
class Surface:
    """Where rays meet one cone, each array ``(height, width)``.

    `corner` is the picture's pixel of the first element; `depth` is z in
    pixels; `missed` is True where there is no surface.
    """

    corner: tuple[int, int]
    depth: np.ndarray
    missed: np.ndarray

    def place(self, origin, axes):
        """Coordinates of the surface in another frame.

        Parameters
        ----------
        origin:
            ``(3,)`` in pixels.
        axes:
            ``(3, n)``, columns are the directions to measure along.

        Returns
        -------
        ``(n, height, width)`` float32, pixels.
        """
        h, w = self.depth.shape
        x = np.arange(w) + (self.corner[0] - origin[0])
        y = np.arange(h) + (self.corner[1] - origin[1])
        ax, ay, az = axes[:, :, None]
        row = (ax * x - origin[2] * az).astype(np.float32)
        column = (ay * y).astype(np.float32)
        result = self.depth * az.astype(np.float32)[:, :, None]
        result += row[:, None, :]
        result += column[:, :, None]
        return result


def _dot(a, b):
    return (a * b).sum(-1)


# Numbers that each cone has, one row of `Rays.numbers` each.
_NUMBERS = [
    "sign",
    "cut",
    "bend",
    "grow",
    "ra",
    "pad",
    "m2",
    "m0",
    "axis_light",
    "ray_light",
    "axis_flat",
    "ray_flat",
    "double",
    "per_length",
    "z",
    "end",
    "bx",
    "by",
    "bz",
    "lx",
    "ly",
    "lz",
]


class Rays:
    """Rays against some cones: what does not depend on the pixel.

    Parameters
    ----------
    light:
        Unit vector towards the light.
    """

    def __init__(self, cones: list[Cone], view: View, light):
        self.cones = cones
        n = len(cones)
        ends, scale = view.solid(np.array([c.a for c in cones] + [c.b for c in cones]))
        a, b = ends[:n], ends[n:]
        self.a = a
        g = np.array([c.flat for c in cones], dtype=np.float64)
        ra, rb, bulge, pad, flatten, cut, end = np.array(
            [
                (
                    c.ra,
                    c.rb,
                    c.bulge,
                    c.pad,
                    c.flatten,
                    c.cut,
                    1.0 if c.open_end else 2.0,
                )
                for c in cones
            ]
        ).T
        ra, bulge, pad = np.array([ra, bulge, pad]) * scale[:n]
        rb = rb * scale[n:]
        fat = (np.abs(bulge) + pad)[:, None]
        reach_a, reach_b = ra[:, None] + fat, rb[:, None] + fat
        low = np.minimum(a - reach_a, b - reach_b)[:, :2]
        high = np.maximum(a + reach_a, b + reach_b)[:, :2]
        self.corner = np.floor(low).astype(int)
        self.size = np.ceil(high).astype(int) - self.corner + 1

        # In stretched space, p + c * g * (g . p), the solid is round.
        c = 1 / flatten - 1

        def stretch(v):
            return v + (c * _dot(g, v))[..., None] * g

        axis = b - a
        axis[:, 0] += 1e-3  # a ball is a very short cone
        vectors = np.empty((3, n, 3))
        vectors[0], vectors[1], vectors[2] = axis, (0.0, 0, 1), light
        vectors = stretch(vectors)
        length = np.sqrt(_dot(vectors[1], vectors[1]))
        vectors[1] /= length[:, None]
        ba, ray, light = vectors
        # |p|^2 and p . v of p = stretch((x, y, 0)): polynomials in x and y.
        double = c * (2 + c)
        mxx, mxy, myy = (
            1 + double * g[:, 0] ** 2,
            double * g[:, 0] * g[:, 1],
            1 + double * g[:, 1] ** 2,
        )
        q, to_ray, to_light = stretch(vectors)[..., :2]
        # Where along the axis the ray meets the endless cone: linear in x
        # and y, less the square root of a quadratic.
        slope = ra - rb
        m0, m2 = _dot(ba, ba), _dot(ba, ray)
        steep = np.sqrt(np.maximum(m0 - m2 * m2, 1e-7))
        lean = np.clip(slope, -0.9 * steep, 0.9 * steep)
        d2 = m0 - lean * lean
        k2 = d2 - m2 * m2
        p = d2[:, None] * to_ray - m2[:, None] * q
        p0 = m2 * lean * ra
        ratio = m2 / (k2 * d2)
        scale = ratio**2
        self.flat = flatten < 1
        # Rows: coefficients of x^2, xy, y^2, x, y, 1.
        self.root = np.array(
            [
                scale * (p[:, 0] ** 2 - k2 * (d2 * mxx - q[:, 0] ** 2)),
                scale * 2 * (p[:, 0] * p[:, 1] - k2 * (d2 * mxy - q[:, 0] * q[:, 1])),
                scale * (p[:, 1] ** 2 - k2 * (d2 * myy - q[:, 1] ** 2)),
                *(scale * 2 * (p0 * p.T - k2 * lean * ra * q.T)),
                scale * (p0 * p0 + k2 * m0 * ra * ra),
            ]
        )
        self.square = np.array([mxx, 2 * mxy, myy])
        # Coefficients of x, y, 1, and of x, y.
        self.first = np.array([*(q.T / d2 - ratio * p.T), -ra * lean / d2 - ratio * p0])
        self.slopes = np.array([2 * q.T, to_ray.T, to_light.T, (1 + c) * g[:, :2].T])
        self.numbers = np.array(
            [
                np.sign(ratio),
                cut,
                -4 * bulge,
                4 * bulge - slope,
                ra,
                pad,
                m2,
                m0,
                _dot(ba, light),
                _dot(ray, light),
                _dot(ba, g),
                _dot(ray, g),
                double,
                1 / length,
                a[:, 2],
                end,
                *ba.T,
                *light.T,
            ]
        ).astype(np.float32)

    def draw(self, buffer: Buffer):
        """Draw all cones: round ones, then flattened ones, each as one
        batch, or as two where filling up low tiles would waste much."""
        width, height = self.size.T
        for kind in (~self.flat, self.flat):
            order = np.flatnonzero(kind)
            order = order[np.argsort(height[order], kind="stable")]
            low, high = np.split(order, [len(order) // 2])
            if not len(low):
                low, high = high, low
            waste = width[low].sum() * (
                height[order[-1:]].sum() - height[low[-1:]].sum()
            )
            if waste < _WASTE:
                low, high = order, high[:0]
            for chosen in (low, high):
                if len(chosen):
                    self._draw(buffer, chosen)

    def _draw(self, buffer: Buffer, chosen):
        """Cones side by side in one strip as high as the highest tile."""
        widths = self.size[chosen, 0]
        ends = np.cumsum(widths)
        starts = ends - widths
        which = np.repeat(chosen, widths)
        offset = self.corner[which] - self.a[which, :2]
        x = np.arange(len(which)) - np.repeat(starts, widths) + offset[:, 0]
        y = offset[:, 1]
        rows = np.arange(self.size[chosen, 1].max(), dtype=np.float32)[:, None]
        numbers = dict(zip(_NUMBERS, self.numbers[:, which]))
        along, before, radius = self._along(which, x, y, rows, numbers)
        meet = self._meet_flat if self.flat[chosen[0]] else self._meet_round
        depth, shade, missed = meet(which, x, y, rows, along, radius, numbers)
        if (numbers["end"] < 2).any():
            missed |= along >= numbers["end"]

        cones = [self.cones[i] for i in chosen]
        slots = np.repeat(
            np.array([(c.slot, c.slot_before) for c in cones], np.int32), widths, axis=0
        ).T
        if before is None:
            slots = np.broadcast_to(slots[0], depth.shape).copy()
        else:
            slots = before * (slots[1] - slots[0]) + slots[0]
        pieces = [
            np.s_[:high, i:j]
            for high, i, j in zip(
                self.size[chosen, 1].tolist(), starts.tolist(), ends.tolist()
            )
        ]
        for i, cone, piece in zip(chosen, cones, pieces):
            if cone.paint:
                slots[piece] = cone.paint(
                    Surface(self.corner[i], depth[piece], missed[piece])
                )
        keys = buffer.encode(depth, slots, shade, missed)
        corners = (self.corner[chosen] - buffer.origin).tolist()
        for piece, corner in zip(pieces, corners):
            buffer.put(keys[piece], corner)

    def _along(self, which, x, y, rows, v):
        """How far along its cone each ray meets it, and the radius there.

        Everything that depends on the pixel is a polynomial of the row
        number, with one set of coefficients per column.
        """
        cx, cy, c0 = self.first[:, which]
        along = rows * cy.astype(np.float32)
        along += (cx * x + cy * y + c0).astype(np.float32)
        cxx, cxy, cyy, cx, cy, c0 = self.root[:, which]
        root = rows * cyy.astype(np.float32)
        root += (cxy * x + 2 * cyy * y + cy).astype(np.float32)
        root *= rows
        root += ((cxx * x + cxy * y + cx) * x + (cyy * y + cy) * y + c0).astype(
            np.float32
        )
        np.clip(root, 0, np.inf, out=root)
        np.sqrt(root, out=root)
        root *= v["sign"]
        along -= root
        np.clip(along, 0, 1, out=along)
        radius = along * v["bend"]
        radius += v["grow"]
        radius *= along
        radius += v["ra"]
        before = None
        if (v["cut"] > 0).any():
            before = along < v["cut"]
            radius += before * v["pad"]
        return along, before, radius

    def _meet_round(self, which, x, y, rows, along, radius, v):
        """Ray against the ball at `along`: depth, shade, missed."""
        dx = along * -v["bx"]
        dx += x.astype(np.float32)
        dy = along * -v["by"]
        dy += rows
        dy += y.astype(np.float32)
        rest = radius * radius
        rest -= dx * dx
        rest -= dy * dy
        missed = rest < 0
        np.abs(rest, out=rest)
        np.sqrt(rest, out=rest)
        depth = along * v["bz"]
        depth -= rest
        depth += v["z"]
        dx *= v["lx"]
        dy *= v["ly"]
        rest *= v["lz"]
        dx += dy
        dx -= rest
        dx /= radius
        return depth, dx, missed

    def _meet_flat(self, which, x, y, rows, along, radius, v):
        """The same in the space in which a flattened ball is round."""
        cx, cy = self.slopes[:, :, which].swapaxes(0, 1)
        zeroth = (cx * x + cy * y).astype(np.float32)
        axis, half, shade, across = (
            rows * slope + start for slope, start in zip(cy.astype(np.float32), zeroth)
        )
        cxx, cxy, cyy = self.square[:, which]
        rest = rows * cyy.astype(np.float32)
        rest += (cxy * x + 2 * cyy * y).astype(np.float32)
        rest *= rows
        rest += ((cxx * x + cxy * y) * x + cyy * y * y).astype(np.float32)
        half -= along * v["m2"]
        length = along * v["m0"]
        length -= axis
        length *= along
        rest += length
        radius *= radius
        np.subtract(radius, rest, out=rest)
        rest += half * half
        missed = rest < 0
        np.abs(rest, out=rest)
        np.sqrt(rest, out=rest)
        half += rest
        depth = np.negative(half, out=half)
        # The normal, back in real space, no longer has the radius' length.
        shade -= along * v["axis_light"]
        shade += depth * v["ray_light"]
        across -= along * v["axis_flat"]
        across += depth * v["ray_flat"]
        across *= across
        across *= v["double"]
        across += radius
        np.sqrt(across, out=across)
        shade /= across
        depth *= v["per_length"]
        depth += v["z"]
        return depth, shade, missed
