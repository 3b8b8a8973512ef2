"""Homework 5: what its grade asks."""

import numpy as np

from ...lifting import reprojection_errors, triangulate
from .. import hidden_test
from ..homework_5 import phone

_HIGH = np.array([1279.5, 719.5])


def _film(camera, points, noise, low=-0.5, high=_HIGH, late=True):
    flat = camera.project(points)
    seen = flat + noise
    asked = seen if late else flat
    inside = ((asked >= low) & (asked <= high)).all(-1)
    return np.where(inside[..., None], seen, np.nan)


def _bodies(seed, frames=5, joints=6):
    rng = np.random.default_rng(seed)
    points = rng.uniform([-0.7, -1.9, -0.7], [0.7, 0, 0.7], (frames, joints, 3))
    return points, rng


@hidden_test("H5.1")
def _(attempt):
    for seed, degrees in enumerate((0, 30, 200)):
        points, rng = _bodies(seed)
        points = 3 * points - [0, -2, 0]  # some of it leaves the picture
        camera = phone(degrees)
        noise = rng.normal(0, 60, (*points.shape[:2], 2))
        attempt.gives(
            _film(camera, points, noise),
            camera,
            points,
            noise,
            tolerance=1e-4,
            mistakes={
                "a joint outside the picture is NaN": camera.project(points) + noise,
                "first the noise, then whether it lies inside": _film(
                    camera, points, noise, late=False
                ),
                "a picture is WIDTH wide and HEIGHT high: x goes with WIDTH": _film(
                    camera, points, noise, high=_HIGH[::-1]
                ),
                "the left and upper edge end the picture, too": _film(
                    camera, points, noise, low=-np.inf
                ),
                "the right and lower edge end the picture, too": _film(
                    camera, points, noise, high=np.inf
                ),
                "the noise is missing": _film(camera, points, 0 * noise),
            },
        )


def _rebuild(films, cameras, most, how=np.any):
    points = triangulate(films, cameras)
    off = reprojection_errors(points, cameras, films)
    points[how(off > most, axis=0)] = np.nan
    return points


@hidden_test("H5.2")
def _(attempt):
    for seed, angles in enumerate(((0, 70), (0, 100, 220), (20, 110))):
        points, rng = _bodies(10 + seed)
        cameras = [phone(a) for a in angles]
        films = np.stack(
            [_film(c, points, rng.normal(0, 2, (5, 6, 2))) for c in cameras]
        )
        films[1, 0, :3] += rng.normal(0, 80, (3, 2))
        films[0, 1, 2:4] = np.nan
        right = _rebuild(films, cameras, 12.0)
        attempt.gives(
            right,
            films,
            cameras,
            12.0,
            tolerance=1e-4,
            mistakes={
                "a point that a film contradicts is NaN": triangulate(films, cameras),
                "one film that contradicts is enough": _rebuild(
                    films, cameras, 12.0, np.all
                ),
                "`most` is in pixels; use the one that is given": _rebuild(
                    films, cameras, 30.0
                ),
            },
        )


def _errors(
    points, angles, noise, most=30.0, mean=np.mean, second=None, leave_out=True
):
    found = []
    for angle in angles:
        cameras = [phone(0), phone(angle)]
        noises = noise if second is None else (noise[0], noise[second])
        films = np.stack([_film(c, points, n) for c, n in zip(cameras, noises)])
        off = np.linalg.norm(_rebuild(films, cameras, most) - points, axis=-1)
        known = np.isfinite(off) | (not leave_out)
        found.append(1000 * mean(off[known]) if known.any() else np.nan)
    return np.array(found)


@hidden_test("H5.3")
def _(attempt):
    angles = np.array([10.0, 45.0, 90.0, 170.0])
    for seed in range(3):
        points, rng = _bodies(20 + seed)
        noise = rng.normal(0, 9, (2, 5, 6, 2))
        noise[1, 0, 0] += 90
        right = _errors(points, angles, noise)
        attempt.gives(
            right,
            points,
            angles,
            noise,
            tolerance=1e-3,
            mistakes={
                "millimetres are asked for": right / 1000,
                "points that were not rebuilt do not count": _errors(
                    points, angles, noise, leave_out=False
                ),
                "each phone has its own noise": _errors(
                    points, angles, noise, second=0
                ),
                "`most` is 30 pixels": _errors(points, angles, noise, most=1e9),
                "the mean, not the median": _errors(
                    points, angles, noise, mean=np.median
                ),
                "the mean distance, not the root of the mean square": _errors(
                    points, angles, noise, mean=lambda off: (off**2).mean() ** 0.5
                ),
            },
        )
