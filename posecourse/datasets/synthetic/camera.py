"""Cameras whose place is known, and the way from the world to a picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...geometry import as_array
from .rotations import rotation
from .solids import View

__all__ = ["Camera"]


@dataclass(frozen=True)
class Camera:
    """A pinhole camera without distortion: ``x = K (R X + t)``.

    The world's axes are in metres: x and z along the ground, y down; the
    ground is ``y = 0`` and what is above it has a negative y. The camera's
    are x right, y down, z into the picture. Both are right-handed.

    Attributes
    ----------
    focal:
        Focal length, pixels; the same in both directions.
    center:
        ``(x, y)`` principal point, pixels, the centre of the first pixel
        being (0, 0).
    rotation, translation:
        ``(3, 3)`` and ``(3,)`` metres, world to camera.
    """

    focal: float
    center: tuple[float, float]
    rotation: np.ndarray
    translation: np.ndarray

    def __post_init__(self):
        for name, shape in (("rotation", (3, 3)), ("translation", (3,))):
            value = as_array(getattr(self, name))
            if value.shape != shape:
                raise ValueError(f"{name} has the shape {value.shape}, not {shape}")
            object.__setattr__(self, name, value)

    @property
    def intrinsics(self) -> np.ndarray:
        """The matrix K, ``(3, 3)``."""
        x, y = self.center
        return np.array([[self.focal, 0, x], [0, self.focal, y], [0, 0, 1.0]])

    @property
    def matrix(self) -> np.ndarray:
        """The projection matrix ``K [R | t]``, ``(3, 4)``."""
        pose = np.concatenate([self.rotation, self.translation[:, None]], axis=1)
        return self.intrinsics @ pose

    @property
    def position(self) -> np.ndarray:
        """Where the camera is in the world, ``(3,)`` metres."""
        return -self.translation @ self.rotation

    def to_camera(self, points) -> np.ndarray:
        """Points ``(..., 3)`` of the world in the camera's axes."""
        return as_array(points) @ self.rotation.T + self.translation

    def to_world(self, points) -> np.ndarray:
        """Points ``(..., 3)`` in the camera's axes in the world's."""
        return (as_array(points) - self.translation) @ self.rotation

    def project(self, points) -> np.ndarray:
        """Pixels ``(..., 2)`` of points ``(..., 3)`` of the world.

        Points behind the camera have no pixel: NaN.
        """
        points = self.to_camera(points)
        depth = points[..., 2:]
        depth = np.where(depth > 0, depth, np.nan)
        return points[..., :2] / depth * self.focal + np.array(self.center)

    def ray(self, pixels) -> np.ndarray:
        """Unit vectors ``(..., 3)`` of the world through pixels ``(..., 2)``."""
        flat = (as_array(pixels) - self.center) / self.focal
        flat = np.concatenate([flat, np.ones((*flat.shape[:-1], 1))], axis=-1)
        flat = flat / np.linalg.norm(flat, axis=-1, keepdims=True)
        return flat @ self.rotation

    @classmethod
    def behind(cls, view: View, ground, pitch: float, roll: float) -> Camera:
        """The camera of a `View`, in a world that begins where somebody
        stands.

        Parameters
        ----------
        ground:
            ``(3,)`` the world's origin in the camera's axes.
        pitch, roll:
            Degrees by which the camera looks down, and is tilted.
        """
        return cls(view.focal, view.center, rotation("zx", roll, pitch), ground)
