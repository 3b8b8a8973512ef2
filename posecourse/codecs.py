"""Keypoints to network targets and back: one encode/decode pair each.

A network does not have to say "the wrist is at (131.2, 77.9)". It can draw
a bump on a grid (`HeatmapCodec`, section 4.1 of the document), say the two
numbers (`CoordinateCodec`, section 4.2), or classify column and row
(`SimCCCodec`). A codec turns keypoints in *input pixels* into what the
network should say, and what it said back into input pixels.

Each codec has ``encode(keypoints, visible) -> (target, weights)`` and
``decode(output) -> (keypoints, scores)``; ``decode(encode(x))`` is x within
the bound that its docstring states. Everything is batched, runs on the
device of its input, and never asks the device for a value, so it costs a
training step no wait. (`heatmap_peaks`, which reads all peaks of a map and
not only the largest, does ask: it refuses NaN.)

Unlabelled keypoints (NaN, visibility 0) give zero targets with weight 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F

from .geometry import resize_points

__all__ = [
    "CoordinateCodec",
    "DECODERS",
    "HeatmapCodec",
    "SimCCCodec",
    "argmax_decode",
    "dark_decode",
    "gaussian_heatmaps",
    "heatmap_peaks",
    "integral_decode",
    "quarter_decode",
    "soft_argmax_decode",
]


# ---------------------------------------------------------------- heatmaps


def gaussian_heatmaps(centers, size, sigma: float = 2.0):
    """Draw one Gaussian bump per centre: ``exp(-d^2 / (2 sigma^2))``.

    The centre may lie between cells: nothing is rounded and nothing is cut
    off, so the position can be read back exactly. A Gaussian in the plane
    is a Gaussian in x times one in y, so the map is an outer product of two
    vectors: no loop over cells, joints or persons.

    Parameters
    ----------
    centers:
        ``(..., 2)`` positions (x, y) in heatmap cells. Where one is not
        finite, the map is zero.
    size:
        ``(width, height)`` of the maps or one number for both, cells.
    sigma:
        Standard deviation, cells.

    Returns
    -------
    ``(..., height, width)``, 1 at the centre; float64 for float64 centres,
    float32 for all others.
    """
    width, height = _pair(size, "size")
    _positive(sigma, "sigma")
    centers = _as_float(centers)
    if centers.ndim < 1 or centers.shape[-1] != 2:
        raise ValueError(f"centers must be (..., 2), got {tuple(centers.shape)}")
    present = centers.isfinite().all(-1, keepdim=True)
    centers = torch.where(present, centers, 0)
    along_x = _bump(centers[..., :1], width, sigma)
    along_y = _bump(centers[..., 1:], height, sigma) * present
    return along_y[..., :, None] * along_x[..., None, :]


def _bump(center, count: int, sigma: float):
    """``(..., 1)`` centres -> ``(..., count)`` values of a 1-D Gaussian."""
    cells = torch.arange(count, dtype=center.dtype, device=center.device)
    return torch.exp(-(((cells - center) / sigma) ** 2) / 2)


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
        ``(..., 2)`` positions (x, y) in cells; ``(...)`` the maxima.
    """
    maps = _as_maps(heatmaps)
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
    cells, scores = argmax_decode(maps)
    size = _sizes(maps)
    column, row = cells.long().unbind(-1)
    step = []
    for axis, index in enumerate((column, row)):
        low, high = index - 1, index + 1
        inside = (low >= 0) & (high < size[axis])
        low, high = low.clamp(min=0), high.clamp(max=size[axis] - 1)
        if axis == 0:
            slope = _pick(maps, high, row) - _pick(maps, low, row)
        else:
            slope = _pick(maps, column, high) - _pick(maps, column, low)
        step.append(torch.where(inside, slope.sign() / 4, 0))
    return cells + torch.stack(step, -1), scores


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
    cells, _ = argmax_decode(maps)
    width, height = _sizes(maps)
    if min(width, height) < 3:
        return cells, scores
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
    return torch.clamp(refined, cells - 0.5, cells + 0.5), scores


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
    cells, scores = argmax_decode(maps)
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
    return torch.where(hill[..., None], mean, cells), scores


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
    return cells, flat.amax(-1)


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
        If a map holds NaN, or a parameter makes no sense.

    Examples
    --------
    >>> row = torch.tensor([[0.1, 0.9, 0.8, 0.1, 0.5, 0.3]])
    >>> cells, scores = heatmap_peaks(row, distance=1, count=3)
    >>> cells[:, 0], scores
    (tensor([1., 4., nan]), tensor([0.9000, 0.5000, 0.0000]))
    """
    maps = _as_maps(heatmaps)
    if maps.isnan().any():
        raise ValueError(
            "heatmaps hold NaN, which is neither a peak nor "
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


@dataclass(frozen=True)
class HeatmapCodec:
    """A joint is a Gaussian bump on a grid (sections 4.1 and 4.3).

    Parameters
    ----------
    input_size:
        ``(width, height)`` of the network's input or one number, pixels.
    heatmap_size:
        ``(width, height)`` of the maps or one number, cells.
    sigma:
        Standard deviation of the Gaussian, cells.
    decoder:
        How `decode` reads a map, a key of `DECODERS`. Largest error in x
        and in y on the maps that `encode` makes, for a joint inside the
        picture (s is the stride, input pixels per cell): ``"argmax"``
        s / 2; ``"quarter"`` s / 4, s / 2 in border cells; ``"dark"``
        1e-3 pixels; ``"soft_argmax"`` 1e-3 pixels away from the border.
        ``"integral"`` is for maps trained with `losses.dsnt`, not for the
        Gaussians of `encode`.

    Examples
    --------
    >>> codec = HeatmapCodec(input_size=256, heatmap_size=64)
    >>> points = torch.tensor([[[100.0, 37.5]]])
    >>> maps, weights = codec.encode(points, torch.tensor([[2]]))
    >>> maps.shape
    torch.Size([1, 1, 64, 64])
    >>> codec.decode(maps, "argmax")[0]
    tensor([[[101.5000,  37.5000]]])
    """

    input_size: tuple[int, int]
    heatmap_size: tuple[int, int]
    sigma: float = 2.0
    decoder: str = "dark"

    kind: ClassVar[str] = "heatmap"

    def __post_init__(self):
        _set_size(self, "input_size")
        _set_size(self, "heatmap_size")
        _positive(self.sigma, "sigma")
        _known_decoder(self.decoder)

    @property
    def stride(self) -> tuple[float, float]:
        """Input pixels per cell, ``(x, y)``."""
        return (
            self.input_size[0] / self.heatmap_size[0],
            self.input_size[1] / self.heatmap_size[1],
        )

    def to_cells(self, keypoints):
        """Input pixels ``(..., 2)`` -> heatmap cells."""
        sx, sy = self.stride
        return resize_points(keypoints, (1 / sx, 1 / sy))

    def to_pixels(self, cells):
        """Heatmap cells ``(..., 2)`` -> input pixels."""
        return resize_points(cells, self.stride)

    def encode(self, keypoints, visible):
        """Keypoints to target maps.

        Parameters
        ----------
        keypoints:
            ``(N, K, 2)`` input pixels, NaN where not labelled.
        visible:
            ``(N, K)``; 0 means not labelled.

        Returns
        -------
        heatmaps, weights:
            ``(N, K, H, W)`` and ``(N, K)``. A joint that is not labelled,
            or lies more than 3 sigma outside the picture, has a zero map
            and weight 0, all others weight 1.
        """
        keypoints, labelled = _labelled(keypoints, visible)
        cells = self.to_cells(keypoints)
        reach = 3 * self.sigma + 0.5
        for axis, count in enumerate(self.heatmap_size):
            place = cells[..., axis]
            labelled = labelled & (place >= -reach) & (place <= count - 1 + reach)
        cells = torch.where(labelled[..., None], cells, torch.nan)
        heatmaps = gaussian_heatmaps(cells, self.heatmap_size, self.sigma)
        return heatmaps, labelled.to(heatmaps.dtype)

    def decode(self, heatmaps, decoder: str | None = None):
        """Maps to keypoints.

        Parameters
        ----------
        heatmaps:
            ``(N, K, H, W)``, any float type.
        decoder:
            Another one than the codec's own, a key of `DECODERS`.

        Returns
        -------
        keypoints, scores:
            ``(N, K, 2)`` input pixels; ``(N, K)`` the maxima of the maps
            (for ``"integral"`` the largest probability).
        """
        decoder = self.decoder if decoder is None else decoder
        _known_decoder(decoder)
        maps = _as_maps(heatmaps)
        if maps.ndim != 4 or _sizes(maps) != self.heatmap_size:
            width, height = self.heatmap_size
            raise ValueError(
                "this codec decodes heatmaps (N, K, "
                f"{height}, {width}), got {tuple(maps.shape)}"
            )
        cells, scores = DECODERS[decoder](maps, self.sigma)
        return self.to_pixels(cells), scores


# ------------------------------------------------------------- coordinates


@dataclass(frozen=True)
class CoordinateCodec:
    """A joint is two numbers (section 4.2's coordinate regression).

    The numbers are the place in the picture's extent: 0 is its left (top)
    edge, 1 its right (bottom) edge, so pixel x of W is ``(x + 0.5) / W``.
    ``decode(encode(x))`` is x to float precision, also outside the picture.

    Parameters
    ----------
    input_size:
        ``(width, height)`` of the network's input or one number, pixels.
    """

    input_size: tuple[int, int]

    kind: ClassVar[str] = "coordinate"

    def __post_init__(self):
        _set_size(self, "input_size")

    def encode(self, keypoints, visible):
        """Keypoints to two numbers each.

        Takes ``(N, K, 2)`` input pixels and ``(N, K)`` visibility; gives
        ``(N, K, 2)`` numbers and ``(N, K)`` weights. A joint that is not
        labelled has (0, 0) and weight 0, all others weight 1.
        """
        keypoints, labelled = _labelled(keypoints, visible)
        width, height = self.input_size
        unit = resize_points(keypoints, (1 / width, 1 / height)) + 0.5
        return (torch.where(labelled[..., None], unit, 0), labelled.to(unit.dtype))

    def decode(self, coordinates):
        """Numbers ``(N, K, 2)`` to input pixels and scores ``(N, K)``.

        Two numbers carry no confidence: all scores are 1.
        """
        coordinates = _as_float(coordinates)
        if coordinates.ndim != 3 or coordinates.shape[-1] != 2:
            raise ValueError(
                f"coordinates must be (N, K, 2), got {tuple(coordinates.shape)}"
            )
        keypoints = resize_points(coordinates - 0.5, self.input_size)
        return keypoints, torch.ones_like(keypoints[..., 0])


# ------------------------------------------------------------------- SimCC


@dataclass(frozen=True)
class SimCCCodec:
    """A joint is a column and a row, each one class of many (SimCC).

    Each axis is cut into bins finer than pixels, and the network
    classifies the bin; the target is a Gaussian over the bins that sums to
    1. ``decode(encode(x))`` is x within half a bin, ``1 / (2 *
    split_ratio)`` pixels, for joints inside the picture. (Li et al., 2022.)

    Parameters
    ----------
    input_size:
        ``(width, height)`` of the network's input or one number, pixels.
    split_ratio:
        Bins per pixel.
    sigma:
        Standard deviation of the target, bins.
    """

    input_size: tuple[int, int]
    split_ratio: float = 2
    sigma: float = 6.0

    kind: ClassVar[str] = "simcc"

    def __post_init__(self):
        _set_size(self, "input_size")
        _positive(self.split_ratio, "split_ratio")
        _positive(self.sigma, "sigma")
        for side in self.input_size:
            if side * self.split_ratio != int(side * self.split_ratio):
                raise ValueError(
                    f"split_ratio {self.split_ratio} does not cut "
                    f"{side} pixels into a whole number of bins"
                )

    @property
    def bins(self) -> tuple[int, int]:
        """Bins along ``(x, y)``."""
        width, height = self.input_size
        return int(width * self.split_ratio), int(height * self.split_ratio)

    def encode(self, keypoints, visible):
        """Keypoints to a pair of distributions.

        Parameters
        ----------
        keypoints:
            ``(N, K, 2)`` input pixels, NaN where not labelled.
        visible:
            ``(N, K)``; 0 means not labelled.

        Returns
        -------
        (along_x, along_y), weights:
            ``(N, K, bins in x)``, ``(N, K, bins in y)``, each summing to 1
            per joint, and ``(N, K)``. A joint that is not labelled, or lies
            more than 3 sigma outside the picture, has zeros and weight 0.
        """
        keypoints, labelled = _labelled(keypoints, visible)
        place = resize_points(keypoints, self.split_ratio)
        reach = 3 * self.sigma + 0.5
        for axis, count in enumerate(self.bins):
            labelled = (
                labelled
                & (place[..., axis] >= -reach)
                & (place[..., axis] <= count - 1 + reach)
            )
        place = torch.where(labelled[..., None], place, 0)
        target = []
        for axis, count in enumerate(self.bins):
            bump = _bump(place[..., axis : axis + 1], count, self.sigma)
            bump = bump / bump.sum(-1, keepdim=True)
            target.append(bump * labelled[..., None])
        return tuple(target), labelled.to(place.dtype)

    def decode(self, logits):
        """A pair of logits to keypoints.

        Parameters
        ----------
        logits:
            ``(N, K, bins in x)`` and ``(N, K, bins in y)``.

        Returns
        -------
        keypoints, scores:
            ``(N, K, 2)`` input pixels, the middle of the likeliest bins;
            ``(N, K)`` the smaller of the two axes' largest probability,
            divided by that of a perfect target and cut at 1.
        """
        if len(logits) != 2:
            raise ValueError(
                f"SimCC decodes a pair (along_x, along_y), got {len(logits)} parts"
            )
        best, peaks = [], []
        for values, count, axis in zip(logits, self.bins, "xy"):
            values = _as_float(values)
            if values.ndim != 3 or values.shape[-1] != count:
                raise ValueError(
                    f"logits along {axis} must be (N, K, {count}), got "
                    f"{tuple(values.shape)}"
                )
            peak, index = torch.softmax(values, -1).max(-1)
            best.append(index.to(peak.dtype))
            peaks.append(peak)
        if best[0].shape != best[1].shape:
            raise ValueError(
                f"logits along x for {tuple(best[0].shape)} persons and "
                f"joints, along y for {tuple(best[1].shape)}"
            )
        perfect = 1 / (self.sigma * (2 * torch.pi) ** 0.5)
        scores = (torch.minimum(*peaks) / perfect).clamp(max=1)
        keypoints = resize_points(torch.stack(best, -1), 1 / self.split_ratio)
        return keypoints, scores


# ----------------------------------------------------------------- helpers


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


def _known_decoder(name: str) -> None:
    if name not in DECODERS:
        raise ValueError(f"unknown decoder {name!r}; known: {', '.join(DECODERS)}")
