"""Joints as pictures of where they are (document, sections 4.1 and 4.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from ..geometry import resize_points, split_hint
from ._common import (
    _as_float,
    _as_maps,
    _bump,
    _labelled,
    _leaves_a_mark,
    _pair,
    _positive,
    _set_size,
    _sizes,
)
from .decoders import DECODERS, _known_decoder

__all__ = ["HeatmapCodec", "gaussian_heatmaps"]


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
        raise ValueError(
            f"centers must be (..., 2), got {tuple(centers.shape)}"
            f"{split_hint(centers.shape[-1] if centers.ndim else 0)}"
        )
    present = centers.isfinite().all(-1, keepdim=True)
    centers = torch.where(present, centers, 0)
    along_x = _bump(centers[..., :1], width, sigma)
    along_y = _bump(centers[..., 1:], height, sigma) * present
    return along_y[..., :, None] * along_x[..., None, :]


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
        labelled = _leaves_a_mark(cells, labelled, self.heatmap_size, self.sigma)
        cells = torch.where(labelled[..., None], cells, torch.nan)
        heatmaps = gaussian_heatmaps(cells, self.heatmap_size, self.sigma)
        return heatmaps, labelled.to(heatmaps.dtype)

    def decode(self, heatmaps, decoder: str | None = None):
        """Maps to keypoints.

        Parameters
        ----------
        heatmaps:
            ``(N, K, H, W)``, any type: one output, not the list of all
            stages.
        decoder:
            Another one than the codec's own, a key of `DECODERS`.

        Returns
        -------
        keypoints, scores:
            ``(N, K, 2)`` input pixels; ``(N, K)`` the maxima of the maps
            (for ``"integral"`` the largest probability). A map that holds a
            NaN gives NaN and score 0.
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
