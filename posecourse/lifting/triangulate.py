"""One point in space from several pictures of it."""

from __future__ import annotations

import numpy as np

from ..geometry import as_array

__all__ = ["reprojection_errors", "triangulate"]


def triangulate(keypoints, cameras, scores=None) -> np.ndarray:
    """Points in the world from where several cameras see them.

    The direct linear transform (Hartley and Zisserman, 2004, chapter 12.2): a
    view says ``x (r3 X) = r1 X`` and ``y (r3 X) = r2 X``, with the rows r of
    ``[R | t]`` and the pixel as `PinholeCamera.normalize` gives it. All views
    together are solved by least squares.

    Parameters
    ----------
    keypoints:
        ``(V, ..., 2)`` pixels of V views. NaN: not seen there.
    cameras:
        V `PinholeCamera`\\ s.
    scores:
        ``(V, ...)``, 0 or more: how much a view's equations weigh. 0 leaves it
        out. Default: all alike.

    Returns
    -------
    ``(..., 3)`` in the world's unit; NaN where fewer than two views are left,
    or their rays are parallel.

    Raises
    ------
    ValueError
        If shapes do not agree, there are fewer than two cameras, or a score is
        negative or not a number where the point is seen.
    """
    keypoints = as_array(keypoints)
    if len(cameras) < 2:
        raise ValueError(f"{len(cameras)} camera: depth needs two at least")
    if keypoints.ndim < 2 or keypoints.shape[-1] != 2:
        raise ValueError(f"keypoints must be (V, ..., 2), got {keypoints.shape}")
    if len(keypoints) != len(cameras):
        raise ValueError(f"keypoints of {len(keypoints)} views, {len(cameras)} cameras")
    flat = np.stack([c.normalize(p) for c, p in zip(cameras, keypoints)])
    seen = np.isfinite(flat).all(-1)
    weights = _weights(scores, seen)
    matrices = np.stack([c.matrix for c in cameras])
    matrices = matrices.reshape(len(cameras), *[1] * (flat.ndim - 2), 3, 4)
    flat = np.where(seen[..., None], flat, 0.0)
    rows = flat[..., None] * matrices[..., 2:, :] - matrices[..., :2, :]
    rows = np.moveaxis(rows * weights[..., None, None], 0, -3)  # (..., V, 2, 4)
    rows = rows.reshape(*rows.shape[:-3], -1, 4)
    _, size, solutions = np.linalg.svd(rows)
    point = solutions[..., -1, :]
    # a third singular value of 0: the equations leave a line of answers
    known = ((weights > 0).sum(0) >= 2) & (size[..., 2] > 1e-12 * size[..., 0])
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(known[..., None], point[..., :3] / point[..., 3:], np.nan)


def _weights(scores, seen) -> np.ndarray:
    if scores is None:
        return seen.astype(float)
    scores = as_array(scores)
    if scores.shape != seen.shape:
        raise ValueError(f"scores {scores.shape} do not go with points {seen.shape}")
    if (~(scores >= 0) & seen).any() or np.isinf(scores).any():
        raise ValueError("scores must be finite and 0 or more")
    return np.where(seen, scores, 0.0)


def reprojection_errors(points, cameras, keypoints) -> np.ndarray:
    """How far points in the world fall from where each camera saw them.

    ``(..., 3)`` and ``(V, ..., 2)`` pixels to ``(V, ...)`` pixels; NaN where
    either is not known.
    """
    keypoints = as_array(keypoints)
    if len(keypoints) != len(cameras):
        raise ValueError(f"keypoints of {len(keypoints)} views, {len(cameras)} cameras")
    again = np.stack([camera.project(points) for camera in cameras])
    return np.linalg.norm(again - keypoints, axis=-1)
