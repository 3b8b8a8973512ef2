"""Poses drawn on pictures: numpy and OpenCV, no plotting library.

Side is told twice, by colour and by form, so that a drawing can be read
without seeing colours:

========  ======  =======================================  ============
side      colour  bones                                    joints
========  ======  =======================================  ============
right     orange  solid                                    round
left      blue    with a white line down the middle        diamond
middle    green   solid                                    square
========  ======  =======================================  ============

A joint that is labelled but hidden is hollow. Pictures are RGB uint8; a
function here gives back a new picture and leaves the given one alone.
Pictures, positions and scores may be NumPy arrays, lists or torch tensors on
any device, of any precision.
"""

from __future__ import annotations

import cv2
import numpy as np

from .geometry import as_array
from .skeletons import MPII, Skeleton

__all__ = ["SIDE_COLORS", "as_rgb", "draw_box", "draw_pose", "grid"]

# RGB per side, as the skeletons have them
SIDE_COLORS = {
    MPII.side(joint): tuple(bytes.fromhex(color[1:]))
    for joint, color in zip(MPII.joints, MPII.colors)
}
_WHITE, _DARK = (255, 255, 255), (25, 25, 25)
_SHIFT = 4  # OpenCV draws in 1/16 pixel
_FAR = 1e5  # pixels; keeps the integers above in range


def picture_array(image) -> np.ndarray:
    """A picture as an array ``(H, W)`` or ``(H, W, C)``, its numbers as given.

    A tensor ``(C, H, W)``, as torchvision has it, is put in this order.
    """
    if not hasattr(image, "detach"):
        return np.asarray(image)
    image = image.detach().cpu()
    first, last = (image.shape[0], image.shape[2]) if image.ndim == 3 else (0, 0)
    if first in (1, 3, 4) and last not in (1, 3, 4):
        image = image.permute(1, 2, 0)
    return (image.float() if image.is_floating_point() else image).numpy()


def as_rgb(image) -> np.ndarray:
    """A copy of a picture as RGB uint8 ``(H, W, 3)``.

    Grey ``(H, W)`` and RGBA pictures are converted, tensors ``(C, H, W)``
    put in order. Float pictures are taken to reach from 0 to 1, whole
    numbers from 0 to 255.
    """
    image = picture_array(image)
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[..., 0]
    if image.ndim == 2:
        image = np.repeat(image[..., None], 3, axis=2)
    if image.ndim != 3 or image.shape[2] not in (3, 4) or 0 in image.shape:
        raise ValueError(
            f"a picture must be (H, W), (H, W, 3) or (H, W, 4), got "
            f"{image.shape}; a tensor (3, H, W) needs .permute(1, 2, 0)"
        )
    if image.dtype != np.uint8:
        image = _to_bytes(image)
    return np.ascontiguousarray(image[..., :3], dtype=np.uint8).copy()


def _to_bytes(image) -> np.ndarray:
    kind = image.dtype.kind
    if kind not in "fbiu":
        raise ValueError(f"a picture must be uint8, got {image.dtype}")
    if kind in "iu":
        low, high = image.min(), image.max()
        if low < 0 or high > 255:
            raise ValueError(
                f"a picture of whole numbers must reach from 0 to 255, this one "
                f"reaches from {low} to {high}"
            )
        return image.astype(np.uint8)
    image = np.nan_to_num(image.astype(np.float64))
    if image.max() > 1.5 or image.min() < -0.5:
        raise ValueError(
            f"a float picture must reach from 0 to 1, this one reaches from "
            f"{image.min():g} to {image.max():g}; bring it there, or convert it "
            "with .astype(np.uint8) if it counts to 255"
        )
    return np.rint(image * 255).clip(0, 255)


def draw_pose(
    image,
    keypoints,
    visible=None,
    scores=None,
    skeleton: Skeleton = MPII,
    min_score: float = 0.0,
    thickness: float | None = None,
) -> np.ndarray:
    """Draw one pose, or several, on a picture.

    Parameters
    ----------
    image:
        Picture, RGB uint8 ``(H, W, 3)`` (grey works too).
    keypoints:
        ``(K, 2)`` or ``(N, K, 2)``, pixels of the picture. A joint that
        is NaN is left out, and so are its bones.
    visible:
        ``(K,)`` or ``(N, K)``: 0 is left out, 1 (hidden) is drawn hollow,
        2 is drawn full; or bool: drawn full or left out. Default: all
        visible.
    scores:
        ``(K,)`` or ``(N, K)``; joints below `min_score` are left out.
    thickness:
        Width of a bone in pixels. By default it follows the size of the
        person in the picture, of whom the skeleton may show only a part.

    Returns
    -------
    A new RGB uint8 picture.
    """
    image = as_rgb(image)
    points = as_array(keypoints)
    shape, k = points.shape, len(skeleton)
    if points.ndim == 2:
        points = points[None]
    if not points.size and points.ndim < 3:
        points = points.reshape(0, k, 2)  # an empty list of people
    n = points.shape[0]
    if points.ndim != 3 or points.shape[1:] != (k, 2):
        raise ValueError(
            f"keypoints {shape} do not fit skeleton "
            f"{skeleton.name}: expected ({k}, 2) or (N, {k}, 2)"
        )
    shown = np.full((n, k), 2)
    if visible is not None:
        shown = _states(visible, (n, k))
    if scores is not None:
        low = ~(_per_joint(scores, (n, k), "scores") >= min_score)
        shown = np.where(low, 0, shown)
    shown = np.where(np.isfinite(points).all(-1), shown, 0)
    points = np.clip(np.nan_to_num(points), -_FAR, _FAR)
    for person, state in zip(points, shown):
        if (state > 0).any():
            _draw_person(image, person, state, skeleton, thickness)
    return image


def _states(visible, shape) -> np.ndarray:
    """Visibility as 0, 1 or 2."""
    states = _per_joint(visible, shape, "visible")
    kind = visible.dtype if hasattr(visible, "dtype") else np.asarray(visible).dtype
    if str(kind).endswith("bool"):
        return np.where(states > 0, 2, 0)
    states = np.nan_to_num(states, nan=0.0)
    if not np.isin(states, (0, 1, 2)).all():
        wrong = states[~np.isin(states, (0, 1, 2))][0]
        raise ValueError(
            f"visible must be 0 (not labelled), 1 (hidden) or 2 (visible), or bool, "
            f"not {wrong:g}; how sure a network is goes into scores"
        )
    return states.astype(int)


def _per_joint(values, shape, name):
    values = as_array(values)
    if values.size != shape[0] * shape[1]:
        raise ValueError(
            f"{name} {values.shape} does not go with "
            f"{shape[0]} poses of {shape[1]} joints"
        )
    return values.reshape(shape)


def _draw_person(image, points, state, skeleton, thickness):
    bones = [(a, b) for a, b in skeleton.bone_indices if state[a] > 0 and state[b] > 0]
    if thickness is None:
        thickness = _thickness(points, state, bones, max(image.shape[:2]))
    width = max(1.0, float(thickness))
    halo = max(1.0, 0.4 * width)
    for a, b in bones:  # a dark rim under everything
        _line(image, points[a], points[b], _DARK, width + halo)
    for a, b in bones:
        side = skeleton.bone_side((a, b))
        _line(image, points[a], points[b], SIDE_COLORS[side], width)
        if side == "left" and width >= 2:
            _line(image, points[a], points[b], _WHITE, width * 0.3)
    for j in np.flatnonzero(state > 0):
        side = skeleton.side(skeleton.joints[j])
        radius = max(1.5, 1.05 * width)
        _marker(image, points[j], side, radius + halo / 2, _DARK)
        _marker(image, points[j], side, radius, SIDE_COLORS[side])
        if state[j] == 1:
            _marker(image, points[j], side, radius * 0.6, _WHITE)


def _thickness(points, state, bones, longest) -> float:
    """A bone's width that goes with the size of the person.

    A whole body is 55 times as large, and a bone nine times as long: an arm
    alone is drawn as thick as the body it belongs to.
    """
    there = points[state > 0]
    extent = np.ptp(there, axis=0).max() if len(there) > 1 else 0
    lengths = [np.linalg.norm(points[a] - points[b]) for a, b in bones]
    bone = np.median(lengths) if lengths else 0
    return float(np.clip(max(extent / 55, bone / 9), longest / 200, longest / 60))


def _fixed(points):
    """Points as OpenCV draws them: whole numbers of 1/16 pixel."""
    return np.rint(np.asarray(points) * 2**_SHIFT).astype(np.int32)


def _line(image, start, end, color, width):
    cv2.line(
        image,
        _fixed(start).tolist(),
        _fixed(end).tolist(),
        color,
        max(1, round(width)),
        cv2.LINE_AA,
        _SHIFT,
    )


def _marker(image, point, side, radius, color):
    if side == "right":
        cv2.circle(
            image,
            _fixed(point).tolist(),
            int(_fixed(radius)),
            color,
            -1,
            cv2.LINE_AA,
            _SHIFT,
        )
        return
    if side == "left":
        corners = np.array([[0, -1], [1, 0], [0, 1], [-1, 0]]) * 1.25
    else:
        corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * 0.85
    cv2.fillPoly(image, [_fixed(point + corners * radius)], color, cv2.LINE_AA, _SHIFT)


def draw_box(
    image,
    box,
    label: str | None = None,
    color=(204, 121, 167),
    thickness: float | None = None,
) -> np.ndarray:
    """Draw a box, or several, and a label.

    Parameters
    ----------
    box:
        ``(4,)`` or ``(N, 4)``: x, y, width, height in pixels. A box with a
        NaN is left out.

    Returns
    -------
    A new RGB uint8 picture.
    """
    image = as_rgb(image)
    boxes = as_array(box)
    if boxes.ndim > 2 or (boxes.size and boxes.shape[-1] != 4):
        raise ValueError(f"boxes are (4,) or (N, 4), not {boxes.shape}")
    for one in boxes.reshape(-1, 4):
        if np.isfinite(one).all():
            _draw_box(image, one, label, color, thickness)
    return image


def _draw_box(image, box, label, color, thickness):
    x, y, w, h = box
    width = thickness or max(1.0, max(image.shape[:2]) / 300)
    corners = np.clip(
        [[x, y], [x + w - 1, y], [x + w - 1, y + h - 1], [x, y + h - 1]], -_FAR, _FAR
    )
    for tint, extra in ((_DARK, max(1.0, 0.4 * width)), (color, 0)):
        cv2.polylines(
            image,
            [_fixed(corners)],
            True,
            tint,
            max(1, round(width + extra)),
            cv2.LINE_AA,
            _SHIFT,
        )
    if label:
        _label(image, label, corners[0], color)


def _label(image, text, corner, color):
    size = max(0.35, max(image.shape[:2]) / 1200)
    bold = max(1, round(size * 1.6))
    (w, h), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size, bold)
    x = int(np.clip(corner[0], 0, max(0, image.shape[1] - w - 4)))
    y = int(max(corner[1], h + below + 4))
    cv2.rectangle(image, (x, y - h - below - 2), (x + w + 4, y), color, -1)
    cv2.putText(
        image,
        text,
        (x + 2, y - below),
        cv2.FONT_HERSHEY_SIMPLEX,
        size,
        _DARK,
        bold,
        cv2.LINE_AA,
    )


def grid(
    images, columns: int | None = None, pad: int = 4, background=255
) -> np.ndarray:
    """Pictures side by side in rows, as one RGB uint8 picture.

    Smaller pictures are centred in cells of the largest one's size.

    Parameters
    ----------
    images:
        Sequence of pictures, or one ``(N, H, W, 3)`` array.
    columns:
        Pictures per row; default: as square as it goes.
    pad:
        Pixels between the pictures and around them.
    background:
        Grey value or RGB colour of the empty cells and the padding.
    """
    images = [as_rgb(image) for image in images]
    if not images:
        raise ValueError("a grid needs at least one picture")
    columns = columns or int(np.ceil(np.sqrt(len(images))))
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    height = max(i.shape[0] for i in images)
    width = max(i.shape[1] for i in images)
    sheet = np.empty(
        (rows * (height + pad) + pad, columns * (width + pad) + pad, 3), np.uint8
    )
    sheet[:] = background
    for i, image in enumerate(images):
        row, column = divmod(i, columns)
        h, w = image.shape[:2]
        top = pad + row * (height + pad) + (height - h) // 2
        left = pad + column * (width + pad) + (width - w) // 2
        sheet[top : top + h, left : left + w] = image
    return sheet
