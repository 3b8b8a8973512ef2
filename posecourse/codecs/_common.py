"""What the codecs share: checks and small tensor helpers."""

from __future__ import annotations

import torch
import torch.nn.functional as F


def _as_float(values):
    """A tensor of float32, or of float64 if it was; bfloat16 is too coarse
    for positions: beyond 256 it has even numbers only."""
    values = torch.as_tensor(values)
    return values if values.dtype == torch.float64 else values.float()


def _as_maps(heatmaps):
    maps = _as_float(heatmaps)
    if maps.ndim < 2 or 0 in maps.shape[-2:]:
        raise ValueError(
            f"heatmaps must be (..., H, W) and have cells, got {tuple(maps.shape)}"
        )
    return maps


def _sizes(maps) -> tuple[int, int]:
    return maps.shape[-1], maps.shape[-2]


def _pick(maps, column, row):
    """``maps[..., row, column]``, one cell per map."""
    flat = row * maps.shape[-1] + column
    return maps.flatten(-2).gather(-1, flat[..., None])[..., 0]


def _bump(center, count: int, sigma: float):
    """``(..., 1)`` centres -> ``(..., count)`` values of a 1-D Gaussian."""
    cells = torch.arange(count, dtype=center.dtype, device=center.device)
    return torch.exp(-(((cells - center) / sigma) ** 2) / 2)


def _blurred(maps, sigma: float):
    """By plain sums: a convolution would be rounded under autocast."""
    radius = max(1, round(4 * sigma))
    center = torch.full((1,), float(radius), dtype=maps.dtype)
    kernel = _bump(center, 2 * radius + 1, sigma)
    kernel = (kernel / kernel.sum()).tolist()
    width, height = _sizes(maps)
    wide = F.pad(maps, (radius, radius))
    maps = sum(w * wide[..., i : i + width] for i, w in enumerate(kernel))
    tall = F.pad(maps, (0, 0, radius, radius))
    return sum(w * tall[..., i : i + height, :] for i, w in enumerate(kernel))


def _labelled(keypoints, visible):
    """Check a batch of labels; the keypoints, and where they can be used."""
    keypoints, visible = _as_float(keypoints), torch.as_tensor(visible)
    if keypoints.ndim != 3 or keypoints.shape[-1] != 2:
        raise ValueError(f"keypoints must be (N, K, 2), got {tuple(keypoints.shape)}")
    if visible.shape != keypoints.shape[:2]:
        raise ValueError(
            f"visible {tuple(visible.shape)} does not go with "
            f"keypoints {tuple(keypoints.shape)}"
        )
    if visible.device != keypoints.device:
        raise ValueError(
            f"keypoints are on {keypoints.device}, visible on "
            f"{visible.device}; move one of them"
        )
    return keypoints, (visible > 0) & keypoints.isfinite().all(-1)


def _pair(size, what: str) -> tuple[int, int]:
    try:
        width, height = size
    except TypeError:
        width = height = size
    if not (width == int(width) > 0 and height == int(height) > 0):
        raise ValueError(
            f"{what} {size}: whole positive numbers (width, height), or one for both"
        )
    return int(width), int(height)


def _set_size(codec, name: str) -> None:
    object.__setattr__(codec, name, _pair(getattr(codec, name), name))


def _positive(value: float, what: str) -> None:
    if not 0 < value < float("inf"):
        raise ValueError(f"{what} must be a positive number, got {value}")
