"""A camera with a real lens: between points in space, rays and pixels."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..geometry import as_array

__all__ = ["PinholeCamera"]

_STEPS, _DONE = 50, 1e-12  # of Newton's method; in the plane at depth 1


@dataclass(frozen=True)
class PinholeCamera:
    """A pinhole with a lens: ``pixel = K distort((R X + t) / depth)``.

    The camera's axes are x right, y down, z into the picture; depth is z.
    The lens is Brown's model with OpenCV's five numbers.

    Attributes
    ----------
    intrinsics:
        ``(3, 3)``, K: focal lengths and principal point in pixels, the centre
        of the first pixel being (0, 0). No skew.
    rotation, translation:
        ``(3, 3)`` and ``(3,)``, world to camera. By default the world's axes
        are the camera's.
    distortion:
        ``k1, k2, p1, p2, k3``; 0 for a lens that keeps lines straight.
    """

    intrinsics: np.ndarray
    rotation: np.ndarray = field(default_factory=lambda: np.eye(3))
    translation: np.ndarray = field(default_factory=lambda: np.zeros(3))
    distortion: np.ndarray = field(default_factory=lambda: np.zeros(5))

    def __post_init__(self):
        shapes = {
            "intrinsics": (3, 3),
            "rotation": (3, 3),
            "translation": (3,),
            "distortion": (5,),
        }
        for name, shape in shapes.items():
            value = as_array(getattr(self, name))
            if value.shape != shape or not np.isfinite(value).all():
                raise ValueError(
                    f"{name} must be {shape} finite numbers, not {value.tolist()}"
                )
            object.__setattr__(self, name, value)
        (fx, skew, _), (low, fy, _), last = self.intrinsics
        if not (fx > 0 and fy > 0 and skew == low == 0 and last.tolist() == [0, 0, 1]):
            raise ValueError(
                "intrinsics must be [[fx, 0, cx], [0, fy, cy], [0, 0, 1]] with "
                f"positive fx and fy, not {self.intrinsics.tolist()}"
            )
        turned = self.rotation @ self.rotation.T
        if not np.allclose(turned, np.eye(3), atol=1e-6) or (
            np.linalg.det(self.rotation) < 0
        ):
            raise ValueError(
                f"rotation is no rotation: {self.rotation.tolist()}; its rows must "
                "be unit vectors at right angles, without mirroring"
            )

    @classmethod
    def of(cls, camera) -> PinholeCamera:
        """The same as a camera of the drawn people (`datasets.synthetic.Camera`)."""
        return cls(camera.intrinsics, camera.rotation, camera.translation)

    @classmethod
    def guess(cls, width: int, height: int, focal: float | None = None):
        """A camera for a picture of which nothing is known.

        The principal point is the middle, and `focal` (pixels) by default 1.2
        times the longer side, as of a lens of 43 mm on 35 mm film. That is a
        guess: telephones have 0.7 to 0.8, portraits 2 and more.
        """
        if not (width > 0 and height > 0):
            raise ValueError(f"a picture of {width} x {height} pixels has no camera")
        focal = 1.2 * max(width, height) if focal is None else float(focal)
        x, y = (width - 1) / 2, (height - 1) / 2
        return cls(np.array([[focal, 0, x], [0, focal, y], [0, 0, 1.0]]))

    @classmethod
    def looking(cls, intrinsics, position, target) -> PinholeCamera:
        """A camera at a place that looks at another, level.

        Both ``(3,)`` in a world whose y points down; not one above the other.
        """
        position, ahead = as_array(position), as_array(target) - as_array(position)
        right = np.array([ahead[2], 0, -ahead[0]])
        if not np.linalg.norm(right) > 0:
            raise ValueError(
                f"a level camera at {position.tolist()} cannot look straight up or down"
            )
        rows = np.stack([right, np.cross(ahead, right), ahead])
        rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return cls(intrinsics, rows, -rows @ position)

    @property
    def matrix(self) -> np.ndarray:
        """``[R | t]``, ``(3, 4)``: the world to the camera's axes."""
        return np.concatenate([self.rotation, self.translation[:, None]], axis=1)

    @property
    def position(self) -> np.ndarray:
        """Where the camera is in the world, ``(3,)``."""
        return -self.translation @ self.rotation

    def to_camera(self, points) -> np.ndarray:
        """Points ``(..., 3)`` of the world in the camera's axes."""
        return _last(points, 3) @ self.rotation.T + self.translation

    def to_world(self, points) -> np.ndarray:
        """Points ``(..., 3)`` in the camera's axes in the world's."""
        return (_last(points, 3) - self.translation) @ self.rotation

    def project(self, points) -> np.ndarray:
        """Pixels ``(..., 2)`` of points ``(..., 3)`` of the world.

        Points that are not before the camera have no pixel: NaN.
        """
        points = self.to_camera(points)
        depth = points[..., 2:]
        flat = points[..., :2] / np.where(depth > 0, depth, np.nan)
        return self.distort(flat) * self._focal + self.intrinsics[:2, 2]

    def normalize(self, pixels) -> np.ndarray:
        """Where the rays of pixels ``(..., 2)`` meet the plane at depth 1.

        ``(..., 2)``, with the lens taken out: ``x / z`` and ``y / z`` of every
        point that is seen there, in the camera's axes.
        """
        pixels = _last(pixels, 2)
        return self.undistort((pixels - self.intrinsics[:2, 2]) / self._focal)

    @property
    def _focal(self) -> np.ndarray:
        return self.intrinsics[[0, 1], [0, 1]]

    def distort(self, flat) -> np.ndarray:
        """What the lens makes of points ``(..., 2)`` of the plane at depth 1."""
        return _distorted(_last(flat, 2), self.distortion)[0]

    def undistort(self, flat) -> np.ndarray:
        """The inverse of `distort`, by Newton's method.

        A point that no ray reaches, beyond what the lens can bend, is NaN.
        """
        goal = _last(flat, 2)
        if not self.distortion.any():
            return goal.copy()
        found = goal.copy()
        for _ in range(_STEPS):
            now, slope = _distorted(found, self.distortion)
            off = now - goal
            if not (np.abs(off) > _DONE).any():
                break
            (a, b), (c, d) = np.moveaxis(slope, (-2, -1), (0, 1))
            with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
                step = (
                    np.stack(
                        [
                            d * off[..., 0] - b * off[..., 1],
                            a * off[..., 1] - c * off[..., 0],
                        ],
                        axis=-1,
                    )
                    / (a * d - b * c)[..., None]
                )
            found = found - step
        now, slope = _distorted(found, self.distortion)
        # past the fold of the lens the map turns over: no ray goes there
        area = slope[..., 0, 0] * slope[..., 1, 1] - slope[..., 0, 1] ** 2
        wrong = ~(np.abs(now - goal).max(-1) < 1e-9) | ~(area > 0)
        return np.where(wrong[..., None], np.nan, found)


def _distorted(flat, numbers):
    """Distorted points ``(..., 2)``, and how they move, ``(..., 2, 2)``."""
    k1, k2, p1, p2, k3 = numbers
    x, y = flat[..., 0], flat[..., 1]
    with np.errstate(invalid="ignore", over="ignore"):
        r = x * x + y * y
        radial = 1 + r * (k1 + r * (k2 + r * k3))
        rise = k1 + r * (2 * k2 + 3 * r * k3)  # d radial / d r
        moved = np.stack(
            [
                x * radial + 2 * p1 * x * y + p2 * (r + 2 * x * x),
                y * radial + p1 * (r + 2 * y * y) + 2 * p2 * x * y,
            ],
            axis=-1,
        )
        across = 2 * x * y * rise + 2 * p1 * x + 2 * p2 * y
        slope = np.stack(
            [
                radial + 2 * x * x * rise + 2 * p1 * y + 6 * p2 * x,
                across,
                across,
                radial + 2 * y * y * rise + 6 * p1 * y + 2 * p2 * x,
            ],
            axis=-1,
        )
    return moved, slope.reshape(*slope.shape[:-1], 2, 2)


def _last(points, size: int) -> np.ndarray:
    points = as_array(points)
    if points.ndim < 1 or points.shape[-1] != size:
        raise ValueError(f"points must be (..., {size}), got {points.shape}")
    return points
