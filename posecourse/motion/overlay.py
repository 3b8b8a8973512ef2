"""Pictures that are worn: a hat that follows a head.

A `Sticker` is a picture with transparent parts in which some joints have their
places. Where these joints are in a photograph tells how to move, turn and
enlarge it: a *similarity* from two joints on, an *affine* map, which also
shears, from three. Calm the joints first (`smoothing`), or the hat trembles.

What passes in front of it has to be known from elsewhere: `limb_mask` says
where in the picture a limb is, `nearer` which limbs are nearer than a joint.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from ..drawing import as_rgb
from ..geometry import as_array
from ..skeletons import MPII, Skeleton, get_skeleton

__all__ = ["Sticker", "fit_affine", "fit_similarity", "hat", "limb_mask", "nearer"]


def _pairs(source, target, weights, least: int):
    source, target = as_array(source), as_array(target)
    if source.ndim != 2 or source.shape[1] != 2 or source.shape != target.shape:
        raise ValueError(
            f"points (N, 2) and as many others, got {source.shape}, {target.shape}"
        )
    weights = np.ones(len(source)) if weights is None else as_array(weights)
    if weights.shape != source.shape[:1] or not (weights >= 0).all():
        raise ValueError(
            f"a weight from 0 for each point, ({len(source)},); got {weights.shape}"
        )
    known = np.isfinite(source).all(1) & np.isfinite(target).all(1) & (weights > 0)
    if known.sum() < least:
        raise ValueError(f"{least} known points are needed, there are {known.sum()}")
    return source[known], target[known], weights[known]


def fit_similarity(source, target, weights=None) -> np.ndarray:
    """The map without shear and mirror that takes points nearest to others.

    Least squares over move, turn and scale, in closed form: seen as complex
    numbers, points are multiplied by one number, and another is added.

    Parameters
    ----------
    source, target:
        ``(N, 2)``; at least two that differ. NaN pairs do not count.
    weights:
        ``(N,)`` of the squared distances.

    Returns
    -------
    ``(2, 3)``, as in `geometry.affine_points`.
    """
    source, target, weights = _pairs(source, target, weights, 2)
    share = weights / weights.sum()
    s, t = source @ (1, 1j), target @ (1, 1j)
    from_middle, to_middle = share @ s, share @ t
    s, t = s - from_middle, t - to_middle
    size = share @ np.abs(s) ** 2
    if size == 0:
        raise ValueError("all points are in one place: there is no such map")
    turn = share @ (s.conj() * t) / size
    move = to_middle - turn * from_middle
    return np.array(
        [[turn.real, -turn.imag, move.real], [turn.imag, turn.real, move.imag]]
    )


def fit_affine(source, target, weights=None) -> np.ndarray:
    """The affine map that takes points nearest to others (least squares).

    At least three points that are not on a line; otherwise as
    `fit_similarity`.
    """
    source, target, weights = _pairs(source, target, weights, 3)
    root = np.sqrt(weights)[:, None]
    ones = np.concatenate([source, np.ones((len(source), 1))], 1)
    solution, _, rank, _ = np.linalg.lstsq(root * ones, root * target, rcond=None)
    if rank < 3:
        raise ValueError("all points are on a line: there is no one affine map")
    return solution.T


_FITS = {"similarity": (fit_similarity, 2), "affine": (fit_affine, 3)}


@dataclass(frozen=True)
class Sticker:
    """A picture to be worn.

    Attributes
    ----------
    picture:
        RGBA uint8 ``(H, W, 4)``.
    anchors:
        Joint name -> its ``(x, y)`` in the picture; may lie outside.
    fit:
        ``"similarity"`` or ``"affine"``.
    """

    picture: np.ndarray
    anchors: Mapping[str, tuple[float, float]]
    fit: str = "similarity"

    def __post_init__(self):
        shape, kind = np.shape(self.picture), np.asarray(self.picture).dtype
        if len(shape) != 3 or shape[2] != 4 or kind != np.uint8:
            raise ValueError(
                f"a sticker is RGBA uint8 (H, W, 4), got {kind} {shape}; the fourth "
                "channel says where it is solid"
            )
        if self.fit not in _FITS:
            raise ValueError(f"fit is {' or '.join(_FITS)}, not {self.fit!r}")
        least = _FITS[self.fit][1]
        if len(self.anchors) < least:
            raise ValueError(f"{self.fit} needs {least} anchors at least")

    def place(
        self, keypoints, scores=None, skeleton: Skeleton | str = MPII
    ) -> np.ndarray | None:
        """The ``(2, 3)`` map from the sticker to a picture with this pose.

        `keypoints` ``(K, 2)`` pixels, `scores` ``(K,)`` as weights. None where
        too few of the anchors are known.
        """
        skeleton, keypoints = get_skeleton(skeleton), as_array(keypoints)
        columns = skeleton.indices(self.anchors)
        source, target = np.array(list(self.anchors.values())), keypoints[columns]
        weights = None if scores is None else as_array(scores)[columns]
        fit, least = _FITS[self.fit]
        known = np.isfinite(target).all(1)
        if weights is not None:
            known &= weights > 0
        if known.sum() < least:
            return None
        return fit(source, target, weights)

    def draw(self, image, matrix, behind=None) -> np.ndarray:
        """The picture with the sticker on it; a new one, RGB uint8.

        Parameters
        ----------
        image:
            RGB ``(H, W, 3)``.
        matrix:
            From `place`; None draws nothing.
        behind:
            ``(H, W)`` bool: pixels of the picture that are in front of the
            sticker and stay as they are.
        """
        image = as_rgb(image)
        if matrix is None:
            return image
        height, width = image.shape[:2]
        alpha = self.picture[..., 3:].astype(np.float32) / 255
        colour = self.picture[..., :3] * alpha  # so that edges mix no hidden colour
        worn = cv2.warpAffine(
            np.concatenate([colour, alpha], -1),
            as_array(matrix),
            (width, height),
            flags=cv2.INTER_LINEAR,
        )
        if behind is not None:
            if np.shape(behind) != (height, width):
                raise ValueError(
                    f"behind is {(height, width)} like the picture, not "
                    f"{np.shape(behind)}"
                )
            worn[np.asarray(behind, bool)] = 0
        mixed = image * (1 - worn[..., 3:]) + worn[..., :3]
        return np.round(mixed).clip(0, 255).astype(np.uint8)


# ------------------------------------------------------- what is in front


def nearer(depths, joint: str, skeleton: Skeleton | str = MPII, margin: float = 0.0):
    """The bones that are nearer to the camera than a joint.

    Parameters
    ----------
    depths:
        ``(K,)`` distances from the camera; a single picture does not tell
        them.
    margin:
        By how much the middle of a bone must be nearer, in their unit.

    Returns
    -------
    Pairs of joint names.
    """
    skeleton, depths = get_skeleton(skeleton), as_array(depths)
    if depths.shape != (len(skeleton),):
        raise ValueError(
            f"a depth for each joint of {skeleton.name}, ({len(skeleton)},); got "
            f"{depths.shape}"
        )
    limit = depths[skeleton.index(joint)] - margin
    return [
        bone for bone in skeleton.bones if depths[skeleton.indices(bone)].mean() < limit
    ]


def limb_mask(
    keypoints, bones, width: float, shape, skeleton: Skeleton | str = MPII
) -> np.ndarray:
    """Where bones are in a picture, taken as strokes with round ends.

    Parameters
    ----------
    keypoints:
        ``(K, 2)`` pixels.
    bones:
        Pairs of joint names. Those with an unknown end are left out.
    width:
        Of a stroke, pixels, at least 1.
    shape:
        ``(H, W)`` of the picture.

    Returns
    -------
    ``(H, W)`` bool.
    """
    skeleton, keypoints = get_skeleton(skeleton), as_array(keypoints)
    mask = np.zeros(shape[:2], np.uint8)
    for bone in bones:
        ends = keypoints[skeleton.indices(bone)]
        if np.isfinite(ends).all():
            first, last = (tuple(map(int, np.round(end))) for end in ends)
            cv2.line(mask, first, last, 1, max(1, round(width)))
    return mask.astype(bool)


def hat(color=(170, 40, 50)) -> Sticker:
    """A top hat that sits on `head_top` and stands upright on the neck."""
    scale, width, height = 4, 200, 150
    big = np.zeros((scale * height, scale * width, 4), np.uint8)

    def shape(paint, points):
        corners = np.round(scale * np.array(points)).astype(np.int32)
        cv2.fillConvexPoly(big, corners, (*paint, 255))

    def oval(paint, middle, axes):
        middle, axes = (tuple(scale * v for v in pair) for pair in (middle, axes))
        cv2.ellipse(big, middle, axes, 0, 0, 360, (*paint, 255), -1)

    dark = tuple(v // 2 for v in color)
    oval(dark, (100, 120), (95, 20))  # the brim
    shape(color, [(50, 18), (150, 18), (142, 118), (58, 118)])
    oval(color, (100, 118), (42, 10))
    shape((240, 230, 200), [(55, 88), (145, 88), (143, 106), (57, 106)])
    oval(dark, (100, 18), (50, 10))  # the top
    small = cv2.resize(big, (width, height), interpolation=cv2.INTER_AREA)
    anchors = {"head_top": (100.0, 112.0), "upper_neck": (100.0, 262.0)}
    return Sticker(small, anchors)
