"""What the codecs share: checks and small tensor helpers."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from ..geometry import as_float, split_hint


def _as_float(values, device=None):
    """A tensor of float32, or of float64 if it was, from a tensor (which
    stays on its device) or an array."""
    if not isinstance(values, torch.Tensor):
        values = torch.as_tensor(values, device=device)
    return as_float(values)


def _as_output(values, what: str):
    """What a network gave, as a tensor; not the list of all its stages."""
    if isinstance(values, (list, tuple)) and any(map(_holds_arrays, values)):
        raise ValueError(
            f"{what} is a list of {len(values)}, as a network gives with one "
            "output per stage; take one of them, usually the last: outputs[-1]"
        )
    return _as_float(values)


def _as_pair(values, what: str):
    """The two outputs of SimCC, along x and along y."""
    if isinstance(values, (list, tuple)) and any(
        isinstance(v, (list, tuple)) and any(map(_holds_arrays, v)) for v in values
    ):
        raise ValueError(
            f"{what} is a list of {len(values)} pairs, as a network gives with one "
            "output per stage; take one of them, usually the last: outputs[-1]"
        )
    if len(values) != 2:
        raise ValueError(
            f"{what} must be a pair (along_x, along_y), got {len(values)} parts"
        )
    return [_as_float(part) for part in values]


def _holds_arrays(value) -> bool:
    if isinstance(value, (list, tuple)):
        return any(map(_holds_arrays, value))
    return getattr(value, "ndim", 0) > 1


def _as_maps(heatmaps):
    maps = _as_output(heatmaps, "heatmaps")
    if maps.ndim < 2 or 0 in maps.shape[-2:]:
        raise ValueError(
            f"heatmaps must be (..., H, W) and have cells, got {tuple(maps.shape)}"
        )
    return maps


def _read(found, scores):
    """What was read from maps, NaN and score 0 where a map was not finite.

    A map with a NaN has no largest cell. (Its maximum is NaN, so nothing
    but the scores has to be looked at.)
    """
    broken = ~scores.isfinite()
    return (
        torch.where(broken[..., None], torch.nan, found),
        torch.where(broken, 0, scores),
    )


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
        raise ValueError(
            f"keypoints must be (N, K, 2), got {tuple(keypoints.shape)}"
            f"{split_hint(keypoints.shape[-1] if keypoints.ndim == 3 else 0)}"
        )
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


def _leaves_a_mark(places, labelled, counts, sigma: float):
    """Which joints have a bump on the grid: labelled, and at most 3 sigma
    outside. `places` ``(N, K, 2)`` cells of a grid of `counts` (x, y)."""
    reach = 3 * sigma + 0.5
    for place, count in zip(places.unbind(-1), counts):
        labelled = labelled & (place >= -reach) & (place <= count - 1 + reach)
    return labelled


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
