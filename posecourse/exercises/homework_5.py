"""Homework 5: what students see of its checks."""

import numpy as np

from ..lifting import PinholeCamera
from . import exercise


def phone(degrees, distance=4.0):
    """As the sheet has it."""
    turn = np.deg2rad(degrees)
    place = [distance * np.sin(turn), -1.2, -distance * np.cos(turn)]
    lens = np.array([[900, 0, 640], [0, 900, 360], [0, 0, 1.0]])
    return PinholeCamera.looking(lens, np.array(place), np.array([0, -1.0, 0]))


@exercise(
    "H5.1",
    hints=(
        "camera.project(points) gives pixels, and NaN behind the camera.",
        "np.where(inside[..., None], flat, np.nan), with `inside` (T, K).",
    ),
)
def _(attempt):
    camera = PinholeCamera(np.array([[900, 0, 640], [0, 900, 360], [0, 0, 1.0]]))
    points = np.array([[[0, 0, 3], [1, 0, 3], [3, 0, 3], [0, 0, -3.0]]])
    nan = [np.nan, np.nan]
    attempt.gives(
        [[[641, 360], [941, 360], nan, nan]], camera, points, np.array([[[1.0, 0]] * 4])
    )


@exercise(
    "H5.2",
    hints=(
        "triangulate(films, cameras) first.",
        "reprojection_errors(points, cameras, films) is (V, T, K); (off > most).any(0) "
        "says which points are contradicted. NaN > 5 is False.",
    ),
)
def _(attempt):
    points = np.array([[[0.1, -1.0, 0.2], [0.5, -0.4, 0.0]]])
    cameras = [phone(0), phone(90)]
    films = np.stack([camera.project(points) for camera in cameras])
    films[1, 0, 1] += [0, 60]
    right = points.copy()
    right[0, 1] = np.nan
    attempt.gives(right, films, cameras, 10.0, tolerance=1e-5)


@exercise(
    "H5.3",
    hints=(
        "For each angle: cameras = [phone(0), phone(angle)], two films, rebuild.",
        "np.linalg.norm(rebuilt - points, axis=-1) in metres; only the finite ones.",
    ),
)
def _(attempt):
    points = np.array([[[0.1, -1.0, 0.2], [0.5, -0.4, 0.0]]])
    attempt.gives(
        [0.0, 0.0], points, np.array([40, 90]), np.zeros((2, 1, 2, 2)), tolerance=1e-4
    )
