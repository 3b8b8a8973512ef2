"""Where pixels are. The one place that knows the pixel convention.

Coordinates are ``(x, y)`` floats, x to the right, y down. **The centre of
pixel i is i**, so a picture of width W reaches from -0.5 to W - 0.5. From
this follow, and nothing else in the package may disagree:

- resizing by a factor s maps ``x -> (x + 0.5) * s - 0.5`` (`resize_points`);
- mirroring maps ``x -> W - 1 - x`` and swaps the flip pairs (`flip_points`);
- a crop of side S around centre c drawn on W pixels maps
  ``x -> (x - c) * W / S + (W - 1) / 2`` (`Crop`).

Most keypoint bugs are two of these half pixels disagreeing.

Maps are applied by plain products and sums, not by `@`: on a GPU, autocast
or TF32 would round a matrix product to a tenth of a pixel or worse.

**Numbers.** Positions are computed and given back as floats, whatever they
come in as: whole numbers would be cut off, and half precision has no room
for a place in a picture (from 256 on, bfloat16 has even numbers only). See
`as_float`.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, replace

import numpy as np

from .skeletons import Skeleton

__all__ = [
    "Crop",
    "affine_points",
    "as_array",
    "as_float",
    "compose",
    "flip_heatmaps",
    "flip_points",
    "invert_affine",
    "resize_points",
    "warp_batch",
]


# What OpenCV can resize and warp.
_DEPTHS = ("uint8", "uint16", "int16", "float32", "float64")


def _is_tensor(x) -> bool:
    torch = sys.modules.get("torch")  # without it there are no tensors
    return torch is not None and isinstance(x, torch.Tensor)


def as_float(values):
    """Numbers in a kind that positions can be computed in.

    A tensor stays a tensor on its device: float64 if it was, else float32
    (whole numbers and half precision too). Anything else becomes a float64
    array.
    """
    if not _is_tensor(values):
        return as_array(values)
    import torch

    return values if values.dtype == torch.float64 else values.float()


def as_array(values) -> np.ndarray:
    """A float64 array, from an array, a list or a tensor on any device."""
    if _is_tensor(values):
        values = values.detach().cpu().double().numpy()
    return np.asarray(values, dtype=np.float64)


def _like(values, reference):
    """`values` as an array, or as a tensor, as `reference` is one."""
    if not _is_tensor(reference):
        return as_array(values)
    import torch

    return torch.as_tensor(values, dtype=reference.dtype, device=reference.device)


def split_hint(columns: int) -> str:
    """What to do where a third number is taken for an axis."""
    return (
        "; the third number of (x, y, visibility) or (x, y, score) is not a "
        "place: split it off, points[..., :2] and points[..., 2]"
        if columns == 3
        else ""
    )


def _points(points):
    points = as_float(points)
    if points.ndim < 1 or points.shape[-1] != 2:
        shape = tuple(points.shape)
        raise ValueError(
            f"points must be (..., 2), got {shape}{split_hint(shape[-1] if shape else 0)}"
        )
    return points


def _maps(matrix, reference=None):
    """``(..., 2, 3)`` affine maps as floats, of the kind of `reference`."""
    matrix = as_float(matrix) if reference is None else _like(matrix, reference)
    if tuple(matrix.shape[-2:]) != (2, 3):
        raise ValueError(f"an affine map is (..., 2, 3), got {tuple(matrix.shape)}")
    return matrix


def affine_points(points, matrix):
    """Apply affine maps to points.

    Parameters
    ----------
    points:
        ``(..., 2)`` array or tensor, pixels. NaN stays NaN.
    matrix:
        ``(2, 3)``; or one map per person, ``(N, 2, 3)`` for points
        ``(N, P, 2)``.

    Returns
    -------
    The moved points: as many, as floats (`as_float`), a tensor for a
    tensor.
    """
    points = _points(points)
    matrix = _maps(matrix, points)
    if matrix.ndim > 2:
        matrix = matrix[..., None, :, :]  # one map for all P points
    return (points[..., None, :] * matrix[..., :2]).sum(-1) + matrix[..., 2]


def invert_affine(matrix):
    """The inverse of ``(..., 2, 3)`` affine maps.

    A map that squeezes the plane flat has none: ValueError for an array,
    infinite or NaN for a tensor (a check would wait for the device).
    """
    matrix = _maps(matrix)
    if _is_tensor(matrix):
        import torch

        (a, b, x), (c, d, y) = (row.unbind(-1) for row in matrix.unbind(-2))
        scale = 1 / (a * d - b * c)
        rows = [
            torch.stack([d, -b, b * y - d * x], -1),
            torch.stack([-c, a, c * x - a * y], -1),
        ]
        return torch.stack(rows, -2) * scale[..., None, None]
    try:
        inverse = np.linalg.inv(matrix[..., :2])
    except np.linalg.LinAlgError:
        raise ValueError(
            f"this affine map cannot be inverted: {matrix.tolist()}"
        ) from None
    return np.concatenate([inverse, -(inverse @ matrix[..., 2:])], -1)


def compose(second, first):
    """The ``(..., 2, 3)`` map that does `first`, then `second`.

    A tensor if one of them is.
    """
    kind = as_float(second if _is_tensor(second) else first)
    second, first = _maps(second, kind), _maps(first, kind)
    # the columns of `first`, each moved by the linear part of `second`
    columns = second[..., :, None, :2] * _swapped(first)[..., None, :, :]
    linear = columns.sum(-1)
    shift = linear[..., 2:] + second[..., 2:]
    if _is_tensor(linear):
        import torch

        return torch.cat([linear[..., :2], shift], -1)
    return np.concatenate([linear[..., :2], shift], -1)


def _swapped(matrix):
    return (
        matrix.transpose(-1, -2) if _is_tensor(matrix) else np.swapaxes(matrix, -1, -2)
    )


def resize_points(points, factor):
    """Points of a picture after resizing it: ``(p + 0.5) * factor - 0.5``.

    Parameters
    ----------
    points:
        ``(..., 2)`` pixels; with one `factor` also ``(P,)`` places along
        one axis.
    factor:
        A number, or ``(factor_x, factor_y)``.
    """
    points = as_float(points)
    if np.ndim(factor) or points.ndim > 1:
        points = _points(points)
    if not _is_tensor(points):
        return (points + 0.5) * as_array(factor) - 0.5
    if not np.ndim(factor):
        return (points + 0.5) * factor - 0.5
    import torch

    # axis by axis: plain numbers need no copy to the device
    return torch.stack(
        [(points[..., axis] + 0.5) * factor[axis] - 0.5 for axis in (0, 1)], -1
    )


def flip_points(points, width: int, skeleton: Skeleton, visible=None):
    """Points of a person after mirroring the picture left to right.

    The mirror maps ``x -> width - 1 - x`` and turns the right wrist into
    the left one, so the columns change places too.

    Parameters
    ----------
    points:
        ``(..., K, 2)`` array or tensor, pixels.
    width:
        Width of the picture, pixels.
    visible:
        Optional ``(..., K)``; if given, the pair is returned.
    """
    order = list(skeleton.flip_permutation)
    points = _points(points)
    if points.shape[-2:] != (len(order), 2):
        raise ValueError(
            f"points {tuple(points.shape)} do not have the "
            f"{len(order)} joints of {skeleton.name}"
        )
    points = points[..., order, :]
    points[..., 0] = width - 1 - points[..., 0]
    if visible is None:
        return points
    visible = visible if _is_tensor(visible) else np.asarray(visible)
    if visible.shape != points.shape[:-1]:
        raise ValueError(
            f"visible {tuple(visible.shape)} does not go with "
            f"points {tuple(points.shape)}"
        )
    return points, visible[..., order]


def flip_heatmaps(heatmaps, skeleton: Skeleton):
    """Heatmaps ``(..., K, H, W)`` mirrored, each under its twin's joint.

    Cell i becomes cell W - 1 - i. Because a cell is a square of pixels
    (`Crop` maps areas, not corners), this needs no extra shift.
    """
    order = list(skeleton.flip_permutation)
    heatmaps = heatmaps if _is_tensor(heatmaps) else np.asarray(heatmaps)
    if heatmaps.ndim < 3 or heatmaps.shape[-3] != len(order):
        raise ValueError(
            f"heatmaps {tuple(heatmaps.shape)} are not (..., {len(order)}, H, W), "
            f"one map for each joint of {skeleton.name}"
        )
    mirrored = heatmaps[..., order, :, :]
    if _is_tensor(mirrored):
        return mirrored.flip(-1)
    return np.ascontiguousarray(mirrored[..., ::-1])


@dataclass(frozen=True)
class Crop:
    """A window of a picture, drawn on a fixed number of pixels.

    Parameters
    ----------
    center:
        ``(x, y)`` of the window's middle in the picture, pixels.
    size:
        ``(width, height)`` of the window in the picture, pixels.
    output:
        ``(width, height)`` in pixels of what is cut out.
    rotation:
        Degrees by which the picture's content turns clockwise on screen.
    flip:
        Mirror what is cut out, left to right, after everything else.

    Examples
    --------
    >>> crop = Crop.from_mpii(center=(99.5, 84.5), scale=1.0, output=250)
    >>> crop.apply([[99.5, 99.5]]).tolist()
    [[124.5, 124.5]]
    """

    center: tuple[float, float]
    size: tuple[float, float]
    output: tuple[int, int]
    rotation: float = 0.0
    flip: bool = False

    def __post_init__(self):
        center, size, output = map(_two_numbers, (self.center, self.size, self.output))
        if not all(map(math.isfinite, center + size)):
            raise ValueError(
                f"crop with centre {self.center} and size "
                f"{self.size}: both must be finite numbers"
            )
        if min(size) <= 0 or not min(output) >= 1:
            raise ValueError(
                f"crop size {self.size} and output {self.output} must be positive"
            )
        if any(side % 1 for side in output):  # infinity leaves NaN
            raise ValueError(f"crop output {self.output}: whole pixels only")
        object.__setattr__(self, "center", center)
        object.__setattr__(self, "size", size)
        object.__setattr__(self, "output", tuple(map(int, output)))

    @classmethod
    def from_mpii(
        cls, center, scale: float, output=256, rotation=0.0, flip=False
    ) -> Crop:
        """The standard MPII crop: side 250 * scale, 15 * scale lower.

        MPII gives `scale` as person height / 200 px; the released code
        takes 1.25 times that height and moves the centre down, so that
        feet are not cut off. `center` is 0-based (the readers in
        `posecourse.datasets` have subtracted the 1 of the MATLAB file).
        With this crop the head size of PCKh, 25 * scale, is a tenth of
        the crop's side.
        """
        x, y = center
        side = 250.0 * scale
        return cls((x, y + 15.0 * scale), (side, side), output, rotation, flip)

    @classmethod
    def from_box(
        cls, box, output=256, padding: float = 1.25, rotation=0.0, flip=False
    ) -> Crop:
        """A crop around a box ``(x, y, width, height)``, not distorted.

        The box is grown to the output's aspect ratio, then by `padding`.
        A box from x to x + width covers pixel centres x ... x + width - 1.
        """
        numbers = as_array(box)
        if (
            numbers.shape != (4,)
            or not np.isfinite(numbers).all()
            or not (numbers[2:] > 0).all()
        ):
            raise ValueError(
                f"box {numbers.tolist()}: x, y, width and height, all four finite, "
                "width and height positive"
            )
        x, y, w, h = numbers.tolist()
        out = np.broadcast_to(np.asarray(output), 2)
        unit = max(w / out[0], h / out[1]) * padding
        center = (x + (w - 1) / 2, y + (h - 1) / 2)
        return cls(center, (unit * out[0], unit * out[1]), output, rotation, flip)

    @property
    def scale(self) -> tuple[float, float]:
        """Output pixels per picture pixel, ``(x, y)``."""
        return (self.output[0] / self.size[0], self.output[1] / self.size[1])

    @property
    def matrix(self) -> np.ndarray:
        """``(2, 3)`` map from the picture to the crop."""
        # in plain numbers: several times as fast as in small arrays
        angle = math.radians(self.rotation)
        cos, sin = math.cos(angle), math.sin(angle)
        (w, h), (x, y), (zoom_x, zoom_y) = (self.output, self.center, self.scale)
        a, b, c, d = zoom_x * cos, -zoom_x * sin, zoom_y * sin, zoom_y * cos
        first = [a, b, (w - 1) / 2 - (a * x + b * y)]
        if self.flip:
            first = [-a, -b, w - 1 - first[2]]
        return np.array([first, [c, d, (h - 1) / 2 - (c * x + d * y)]])

    @property
    def inverse(self) -> np.ndarray:
        """``(2, 3)`` map from the crop back to the picture."""
        return invert_affine(self.matrix)

    def apply(self, points):
        """Points ``(..., 2)`` of the picture, seen in the crop.

        Only moves points; after a flip, swap joints too (`flip_points`).
        """
        return affine_points(points, self.matrix)

    def invert(self, points):
        """Points ``(..., 2)`` of the crop, back in the picture."""
        return affine_points(points, self.inverse)

    def warp(self, image: np.ndarray, border=0, out=None) -> np.ndarray:
        """Cut the window out of a picture.

        A window that is shrunk is averaged first (area filter), because
        plain bilinear sampling skips pixels and shimmers. One that is
        enlarged and `snapped` is only resized.

        Parameters
        ----------
        image:
            ``(H, W)`` or ``(H, W, C)``: uint8, uint16, int16, float32 or
            float64.
        border:
            Value outside the picture, or ``"replicate"``.
        out:
            Array to write to, of the picture's kind and channels, with
            the pixels of a row side by side; a new one by default.
        """
        import cv2

        image = np.ascontiguousarray(image)
        if image.ndim not in (2, 3) or 0 in image.shape:
            raise ValueError(
                f"a picture must be (H, W) or (H, W, C) and "
                f"not empty, got {image.shape}"
            )
        if image.dtype.name not in _DEPTHS:
            raise ValueError(
                f"a picture of {image.dtype} cannot be resampled; convert it to "
                f"one of {', '.join(_DEPTHS)}"
            )
        shape = (*self.output[::-1], *image.shape[2:])
        if out is None:
            out = np.empty(shape, image.dtype)
        elif out.shape != shape or out.dtype != image.dtype:
            raise ValueError(
                f"out is {out.shape} {out.dtype}, the crop {shape} {image.dtype}"
            )
        if isinstance(border, str):
            if border != "replicate":
                raise ValueError(f'border {border!r}: a value or "replicate"')
            image, matrix = _shrink(image, self.matrix, self)
            _warp_into(out, image, matrix, mode=cv2.BORDER_REPLICATE)
            return out
        if begin := _common_edges(self):
            first, shown = begin
            _resize_into(out, image, self.scale[0], first, shown, border)
            return out
        image, matrix = _shrink(image, self.matrix, self)
        left, top, right, bottom = _seen(image, matrix, self.output)
        if (right - left) * (bottom - top) < 0.9 * math.prod(self.output):
            # Most of the window lies outside: only the rest is resampled.
            out[...] = border
            matrix[:, 2] -= left, top
        else:
            left, top, (right, bottom) = 0, 0, self.output
        if left < right and top < bottom:
            value = (border,) * 4 if np.isscalar(border) else border
            _warp_into(out[top:bottom, left:right], image, matrix, value)
        return out

    def snapped(self) -> Crop:
        """The window moved a little, so that pixels meet edge to edge.

        Where it begins inside the picture, it begins with a whole pixel of
        the picture; where it begins outside, the picture begins with a
        whole pixel of the crop. It moves by half a pixel at most. If the
        window is enlarged, `warp` then has nothing to do but resize, which
        is several times as fast as resampling at any place. Only for a
        window that is neither turned nor mirrored.
        """
        center = []
        for middle, side, zoom in zip(self.center, self.size, self.scale):
            start = middle - side / 2 + 0.5
            moved = round(start) if start > 0 else round(start * zoom) / zoom
            center.append(middle + moved - start)
        return replace(self, center=(center[0], center[1]))

    def resized(self, output) -> Crop:
        """The same window on another number of pixels."""
        return replace(self, output=output)


def _two_numbers(value) -> tuple[float, float]:
    """A number, or two of them, as two."""
    if isinstance(value, (int, float)):
        return float(value), float(value)
    if _is_tensor(value):
        value = as_array(value)
    try:
        first, second = value
    except (TypeError, ValueError):
        first, second = np.broadcast_to(np.asarray(value, np.float64), 2)
    return float(first), float(second)


def _common_edges(crop):
    """Where an enlarged crop and its picture meet edge to edge, as
    `Crop.snapped` leaves them: the first pixel of the picture that is
    seen, ``(x, y)``, and of the crop in which it is. None if they do
    not."""
    if (
        crop.rotation
        or crop.flip
        or min(crop.scale) < 1
        or not math.isclose(*crop.scale)
    ):
        return None
    first, shown = [], []
    for middle, side, zoom in zip(crop.center, crop.size, crop.scale):
        start = middle - side / 2 + 0.5
        for pixels, place in ((first, max(start, 0)), (shown, max(-start * zoom, 0))):
            pixels.append(round(place))
            if abs(place - pixels[-1]) > 1e-6:
                return None
    return first, shown


def _resize_into(out, image, zoom, first, shown, border):
    """Fill a crop by enlarging its picture, see `_common_edges`."""
    import cv2

    (left, top), sides = shown, out.shape[1::-1]
    # as many pixels of the picture as fill the crop, or as there are; one
    # more, which the last one that is seen is blended with
    ends = [
        math.ceil(low + max(side - at, 0) / zoom) + (zoom > 1)
        for low, at, side in zip(first, shown, sides)
    ]
    part = image[first[1] : ends[1], first[0] : ends[0]]
    height, width = (round(side * zoom) for side in part.shape[:2])
    seen = out[top : top + height, left : left + width]
    for outside in (
        out[:top],
        out[top + height :],
        out[top : top + height, :left],
        out[top : top + height, left + width :],
    ):
        outside[...] = border
    if seen.size == 0:
        return
    if zoom > 1:
        # By its factor: asked for a size, resize would round the factor.
        part = cv2.resize(part, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_LINEAR)
    seen[...] = part[: seen.shape[0], : seen.shape[1]].reshape(seen.shape)


def _warp_into(out, image, matrix, value=0, mode=0):
    import cv2

    cv2.warpAffine(
        image,
        matrix,
        out.shape[1::-1],
        dst=out,
        flags=cv2.INTER_LINEAR,
        borderMode=mode,
        borderValue=value,
    )


def _seen(image, matrix, output):
    """Where in a crop its picture can be seen: left, top, right, bottom.

    The last two are the first that do not. Up to a pixel beyond the edge,
    it is a blend with the border.
    """
    height, width = image.shape[:2]
    bounds = []
    for (a, b, shift), side in zip(matrix.tolist(), output):
        ends = sorted((0, a * (width + 1))), sorted((0, b * (height + 1)))
        low, high = (shift - a - b + x + y for x, y in zip(*ends))
        # within the output, before it becomes a whole number of any size
        bounds.append(
            (math.floor(min(max(low, 0), side)), math.ceil(min(max(high + 1, 0), side)))
        )
    (left, right), (top, bottom) = bounds
    return left, top, right, bottom


def _shrink(image, matrix, crop: Crop):
    """Average the picture down to the crop's resolution, where needed.

    Works on the part that the window covers; returns the smaller picture
    and the map from it to the crop.
    """
    import cv2

    factor = max(crop.scale)
    if factor >= 1:
        return image, matrix
    (left, top), (right, bottom) = _covered(image, crop)
    if left >= right or top >= bottom:
        return image, matrix
    part = image[top:bottom, left:right]
    sides = (right - left, bottom - top)
    small = tuple(max(1, round(side * factor)) for side in sides)
    part = cv2.resize(part, small, interpolation=cv2.INTER_AREA)
    # small pixel u shows picture pixel (u + 0.5) * ratio - 0.5 + low; then
    # `compose`, in plain numbers, which is several times as fast
    rx, ry = (side / less for side, less in zip(sides, small))
    x, y = 0.5 * rx - 0.5 + left, 0.5 * ry - 0.5 + top
    (a, b, u), (c, d, v) = matrix.tolist()
    return part, np.array(
        [[a * rx, b * ry, a * x + b * y + u], [c * rx, d * ry, c * x + d * y + v]]
    )


def _covered(image, crop):
    """The part of a picture that a crop shows and a few pixels more: the
    first pixel ``(x, y)``, and the first that is not in it."""
    low, high = [], []
    angle = math.radians(crop.rotation)
    cos, sin = abs(math.cos(angle)), abs(math.sin(angle))
    # half sides of the window and one pixel of the crop on each side
    half = [(0.5 + 0.5 / out) * side for side, out in zip(crop.size, crop.output)]
    reach = (half[0] * cos + half[1] * sin, half[0] * sin + half[1] * cos)
    for middle, away, side in zip(crop.center, reach, image.shape[1::-1]):
        # within the picture, before it becomes a whole number of any size
        low.append(math.floor(min(max(middle - away - 2, 0), side)))
        high.append(math.ceil(min(max(middle + away + 3, 0), side)))
    return low, high


def warp_batch(images, matrices, output, padding_mode="zeros"):
    """Warp a batch of pictures, each by its own affine map, on any device.

    The tensor twin of `Crop.warp` (bilinear, without the area filter).

    Parameters
    ----------
    images:
        ``(N, C, H, W)``. Half precision and whole numbers are sampled in
        float32, because they cannot hold a place like pixel 200.3.
    matrices:
        ``(N, 2, 3)`` maps from the picture to the result, pixels.
    output:
        ``(width, height)`` or one number, pixels.
    padding_mode:
        As in `torch.nn.functional.grid_sample`.

    Returns
    -------
    ``(N, C, height, width)``, in the float type of `images`; float32 for
    whole numbers.
    """
    import torch
    import torch.nn.functional as F

    images = torch.as_tensor(images)
    if images.ndim != 4:
        raise ValueError(f"pictures must be (N, C, H, W), got {tuple(images.shape)}")
    width, height = np.broadcast_to(output, 2).tolist()
    h_in, w_in = images.shape[-2:]
    sampled = as_float(images)
    kind = sampled.dtype
    back = invert_affine(_maps(matrices, sampled))[:, None, None]
    x = torch.arange(width, dtype=kind, device=images.device)
    y = torch.arange(height, dtype=kind, device=images.device)[:, None]
    from_x = back[..., 0, 0] * x + back[..., 0, 1] * y + back[..., 0, 2]
    from_y = back[..., 1, 0] * x + back[..., 1, 1] * y + back[..., 1, 2]
    # grid_sample counts from -1 to 1, the outer edges of the picture
    # (align_corners=False); ours counts pixels, centre of pixel i at i.
    grid = torch.stack([(2 * from_x + 1) / w_in - 1, (2 * from_y + 1) / h_in - 1], -1)
    warped = F.grid_sample(
        sampled,
        grid,
        mode="bilinear",
        padding_mode=padding_mode,
        align_corners=False,
    )
    return warped.to(images.dtype) if images.is_floating_point() else warped
