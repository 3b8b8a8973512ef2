"""From heatmaps to positions: five ways, and several peaks."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from ._common import _as_maps, _blurred, _pick, _positive, _read, _sizes

__all__ = [
    "DECODERS",
    "argmax_decode",
    "dark_decode",
    "heatmap_peaks",
    "integral_decode",
    "quarter_decode",
    "soft_argmax_decode",
]


def argmax_decode(heatmaps):
    """The cell with the largest value, as the document says (4.3).

    Off by at most half a cell in x and in y.

    Parameters
    ----------
    heatmaps:
        ``(..., H, W)``. float16 and bfloat16 are read as float32.

    Returns
    -------
    cells, scores:
        ``(..., 2)`` positions (x, y) in cells; ``(...)`` the maxima. A map
        whose largest value is not finite, or that holds a NaN, predicts
        nothing: its cell is NaN and its score 0.
    """
    cells, scores = _largest(_as_maps(heatmaps))
    return _read(cells, scores)


def _largest(maps):
    """The largest cells as floats, and the maxima as they are."""
    scores, flat = maps.flatten(-2).max(-1)
    width = maps.shape[-1]
    cells = torch.stack([flat % width, flat // width], -1)
    return cells.to(maps.dtype), scores


def quarter_decode(heatmaps):
    """The largest cell, moved a quarter cell toward its larger neighbour.

    Where a bump is symmetric, its centre is on the side of the larger
    neighbour, so at most a quarter cell remains in x and in y. A cell on
    the border has one neighbour only and stays in that direction. (Newell
    et al., 2016.)

    Parameters and results as in `argmax_decode`.
    """
    maps = _as_maps(heatmaps)
    cells, scores = _largest(maps)
    size = _sizes(maps)
    column, row = cells.long().unbind(-1)
    step = []
    for axis, index in enumerate((column, row)):
        low, high = index - 1, index + 1
        inside = (low >= 0) & (high < size[axis])
        low, high = low.clamp(min=0), high.clamp(max=size[axis] - 1)
        if axis == 0:
            before, after = _pick(maps, low, row), _pick(maps, high, row)
        else:
            before, after = _pick(maps, column, low), _pick(maps, column, high)
        sign = (after > before).to(maps.dtype) - (before > after).to(maps.dtype)
        step.append(torch.where(inside, sign / 4, 0))
    return _read(cells + torch.stack(step, -1), scores)


def dark_decode(heatmaps, sigma: float = 2.0, blur: bool = False):
    """The top of the parabola through the log of the largest cells.

    The log of a Gaussian is a parabola, so one Newton step on the log of
    the 3 x 3 cells around the maximum lands on the centre: exact for a
    Gaussian of any width (to about 1e-6 of a cell in float32). On the
    border the 3 x 3 cells are taken one cell further in, where the same
    parabola is seen. (Zhang et al., 2020, "DARK".)

    The answer stays within half a cell of the largest one. Where the cells
    do not form a hilltop (the Hessian is not negative definite), the
    curvature of the training Gaussian, -1 / sigma^2, is taken instead; a
    map without a positive value, or narrower than 3 cells, keeps its
    largest cell.

    Parameters
    ----------
    heatmaps:
        ``(..., H, W)``, trained toward `gaussian_heatmaps`.
    sigma:
        Standard deviation of the training Gaussian, cells.
    blur:
        Smooth rough maps first with a Gaussian of the same sigma. A
        blurred Gaussian is a wider Gaussian around the same centre, so
        clean maps keep their answer; nearer than 4 sigma to the border
        the cut tail pulls inward, by up to 0.7 sigma.

    Returns
    -------
    cells, scores as in `argmax_decode`; scores are those of the maps as
    given, not blurred.
    """
    _positive(sigma, "sigma")
    maps = _as_maps(heatmaps)
    scores = maps.amax((-2, -1))
    if blur:
        maps = _blurred(maps, sigma)
    cells, _ = _largest(maps)
    width, height = _sizes(maps)
    if min(width, height) < 3:
        return _read(cells, scores)
    column = cells[..., 0].long().clamp(1, width - 2)
    row = cells[..., 1].long().clamp(1, height - 2)
    near = torch.stack(
        [
            torch.stack([_pick(maps, column + i, row + j) for i in (-1, 0, 1)], -1)
            for j in (-1, 0, 1)
        ],
        -2,
    )  # (..., 3 y, 3 x)
    top = near.amax((-2, -1))
    hill = top > 0
    near = near / torch.where(hill, top, 1)[..., None, None]
    log = near.clamp(min=1e-6).log()
    dx = (log[..., 1, 2] - log[..., 1, 0]) / 2
    dy = (log[..., 2, 1] - log[..., 0, 1]) / 2
    dxx = log[..., 1, 2] - 2 * log[..., 1, 1] + log[..., 1, 0]
    dyy = log[..., 2, 1] - 2 * log[..., 1, 1] + log[..., 0, 1]
    dxy = (log[..., 2, 2] - log[..., 2, 0] - log[..., 0, 2] + log[..., 0, 0]) / 4
    determinant = dxx * dyy - dxy**2
    peaked = (dxx < 0) & (determinant > 0)
    determinant = torch.where(peaked, determinant, 1)
    newton = torch.stack(
        [
            column + (dxy * dy - dyy * dx) / determinant,
            row + (dxy * dx - dxx * dy) / determinant,
        ],
        -1,
    )
    known = cells + sigma**2 * torch.stack([dx, dy], -1)
    refined = torch.where(peaked[..., None], newton, known)
    refined = torch.where(hill[..., None], refined, cells)
    return _read(torch.clamp(refined, cells - 0.5, cells + 0.5), scores)


# Half the side of the window of `soft_argmax_decode`, cells: five standard
# deviations of the sharpened bump, beyond which 1e-6 of it lies.
_REACH = 5


def soft_argmax_decode(heatmaps, sigma: float = 2.0):
    """The centre of mass around the largest cell.

    Which mass, exactly: negative values count as zero; the map is raised
    to the power sigma^2, which turns the training Gaussian into one with a
    standard deviation of one cell (a softmax of log(map) at temperature
    1 / sigma^2); and the mean is taken over the 11 x 11 cells around the
    maximum. So a second bump elsewhere does not pull, little of the tails
    is missing, and a Gaussian is read to 1e-5 of a cell when it is 5.5
    cells or more from the border. Nearer, the cut tail pulls inward, by up
    to 0.9 cells. A map without a positive value keeps its largest cell.

    For maps whose *softmax* was trained (`losses.dsnt`) use
    `integral_decode`.

    Parameters and results as in `dark_decode`.
    """
    _positive(sigma, "sigma")
    maps = _as_maps(heatmaps)
    cells, scores = _largest(maps)
    width, height = _sizes(maps)
    hill = scores > 0
    top = torch.where(hill, scores, 1)[..., None, None]
    power = (maps / top).clamp(min=0) ** sigma**2
    x = torch.arange(width, dtype=maps.dtype, device=maps.device)
    y = torch.arange(height, dtype=maps.dtype, device=maps.device)
    near_x = (x - cells[..., :1]).abs() <= _REACH
    near_y = (y - cells[..., 1:]).abs() <= _REACH
    mass = power * (near_y[..., :, None] & near_x[..., None, :])
    total = torch.where(hill, mass.sum((-2, -1)), 1)
    mean = (
        torch.stack([(mass.sum(-2) * x).sum(-1), (mass.sum(-1) * y).sum(-1)], -1)
        / total[..., None]
    )
    return _read(torch.where(hill[..., None], mean, cells), scores)


def integral_decode(logits, temperature: float = 1.0):
    """The mean position under the softmax of a map (integral, DSNT).

    Differentiable, so a coordinate loss can train through it
    (`losses.dsnt`). The mean is over the whole map: a map that is not
    sharp is pulled toward the middle. (Sun et al., 2018; Nibali et al.,
    2018.)

    Parameters
    ----------
    logits:
        ``(..., H, W)``, any real numbers; higher is likelier.
    temperature:
        Logits are divided by it; below 1 sharpens.

    Returns
    -------
    cells, scores:
        ``(..., 2)`` cells; ``(...)`` the largest probability.
    """
    _positive(temperature, "temperature")
    maps = _as_maps(logits)
    flat = torch.softmax(maps.flatten(-2) / temperature, -1)
    probability = flat.unflatten(-1, maps.shape[-2:])
    width, height = _sizes(maps)
    x = torch.arange(width, dtype=maps.dtype, device=maps.device)
    y = torch.arange(height, dtype=maps.dtype, device=maps.device)
    cells = torch.stack(
        [(probability.sum(-2) * x).sum(-1), (probability.sum(-1) * y).sum(-1)], -1
    )
    return _read(cells, flat.amax(-1))


def heatmap_peaks(heatmaps, threshold: float = 0.2, distance: int = 2, count: int = 10):
    """All peaks of a map: non-maximum suppression on cells.

    Where a map shows several persons, one joint has several bumps, and the
    largest cell is only one of them. This is the "NMS" with which the
    document reads heatmaps (section 3.2, step 5): a cell is a peak if it
    is above `threshold` and no cell within `distance` of it, in x and in
    y, is larger. Of equal cells the first counts, row by row, so a plateau
    is one peak. Two peaks are therefore more than `distance` cells apart
    in x or in y.

    Parameters
    ----------
    heatmaps:
        ``(..., H, W)``. float16 and bfloat16 are read as float32.
    threshold:
        A peak is higher than this.
    distance:
        Cells, 1 or more: 1 compares a cell with its 8 neighbours, 2 with
        the 5 x 5 cells around it.
    count:
        At most this many peaks per map, the highest ones.

    Returns
    -------
    cells, scores:
        ``(..., count, 2)`` positions (x, y) in cells and ``(..., count)``
        the maps' values there, highest first. A map with fewer peaks is
        filled up with NaN and score 0.

    Raises
    ------
    ValueError
        If a map holds NaN or infinity, or a parameter makes no sense.

    Examples
    --------
    >>> row = torch.tensor([[0.1, 0.9, 0.8, 0.1, 0.5, 0.3]])
    >>> cells, scores = heatmap_peaks(row, distance=1, count=3)
    >>> cells[:, 0], scores
    (tensor([1., 4., nan]), tensor([0.9000, 0.5000, 0.0000]))
    """
    maps = _as_maps(heatmaps)
    if not (maps < float("inf")).all():
        raise ValueError(
            "heatmaps hold NaN or infinity, which is neither a peak nor "
            "none; look for a loss that was NaN in training"
        )
    if not -float("inf") < threshold < float("inf"):
        raise ValueError(f"threshold must be a number, got {threshold}")
    for value, what in ((distance, "distance"), (count, "count")):
        if value != int(value) or value < 1:
            raise ValueError(f"{what} must be a whole number, 1 or more, got {value}")
    distance, count = int(distance), int(count)
    flat = maps.flatten(-2)
    width, total = maps.shape[-1], flat.shape[-1]
    # Cells by rank, 1 the lowest: no two are equal. A cell is a peak where
    # the largest rank of its window is its own.
    order = flat.sort(dim=-1, descending=True, stable=True).indices
    falling = torch.arange(
        total, 0, -1, dtype=torch.float32, device=maps.device
    ).expand_as(flat)
    rank = torch.zeros_like(falling).scatter(-1, order, falling)
    highest = F.max_pool2d(
        rank.reshape(-1, 1, *maps.shape[-2:]),
        2 * distance + 1,
        stride=1,
        padding=distance,
    )
    peak = (highest.reshape(rank.shape) == rank) & (flat > threshold)
    best = torch.where(peak, rank, 0).topk(min(count, total), -1)
    index, there = best.indices, best.values > 0
    cells = torch.stack([index % width, index // width], -1).to(maps.dtype)
    cells = torch.where(there[..., None], cells, torch.nan)
    scores = torch.where(there, flat.gather(-1, index), 0)
    missing = count - cells.shape[-2]
    return (
        F.pad(cells, (0, 0, 0, missing), value=torch.nan),
        F.pad(scores, (0, missing)),
    )


# What `HeatmapCodec` can decode with: (maps, sigma) -> (cells, scores).
DECODERS = {
    "argmax": lambda maps, sigma: argmax_decode(maps),
    "quarter": lambda maps, sigma: quarter_decode(maps),
    "dark": dark_decode,
    "soft_argmax": soft_argmax_decode,
    "integral": lambda maps, sigma: integral_decode(maps),
}


def _known_decoder(name: str) -> None:
    if name not in DECODERS:
        raise ValueError(f"unknown decoder {name!r}; known: {', '.join(DECODERS)}")
