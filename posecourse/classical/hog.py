"""Histograms of oriented gradients, written to be read.

Where an edge is and which way it runs says more about a body than its
colours. HOG keeps that and forgets the rest: gradients, counted by their
direction in small cells, made comparable in overlapping blocks of cells.

Source: Dalal and Triggs, *Histograms of Oriented Gradients for Human
Detection* (2005). The numbers are those of ``skimage.feature.hog``: each
pixel votes for one bin, with no share for its neighbours, and there is no
Gaussian window over a block.
"""

from __future__ import annotations

import numbers

import numpy as np

__all__ = ["cell_histograms", "gradients", "hog", "normalize_blocks"]

_EPSILON = 1e-5  # keeps a block without any edge from being divided by 0
_CLIP = 0.2  # L2-Hys: no single edge may make up more than this


def hog(
    image,
    orientations: int = 9,
    pixels_per_cell: int = 8,
    cells_per_block: int = 2,
) -> np.ndarray:
    """HOG of a picture, block by block.

    Parameters
    ----------
    image:
        ``(H, W)`` or ``(H, W, 3)``; of colours the strongest edge counts.
        Rows and columns that do not fill a cell are left out.
    orientations:
        Bins between 0 and 180 degrees.
    pixels_per_cell, cells_per_block:
        Sides of a cell in pixels and of a block in cells; neighbouring
        blocks are one cell apart.

    Returns
    -------
    ``(rows, columns, cells_per_block, cells_per_block, orientations)``
    float64, as from ``skimage.feature.hog`` with `feature_vector` off.
    """
    for name, value in (
        ("orientations", orientations),
        ("pixels_per_cell", pixels_per_cell),
        ("cells_per_block", cells_per_block),
    ):
        if not isinstance(value, numbers.Integral) or value < 1:
            raise ValueError(f"{name} is {value!r}; it must be a whole number from 1")
    magnitude, angle = gradients(image)
    cells = cell_histograms(magnitude, angle, orientations, pixels_per_cell)
    return normalize_blocks(cells, cells_per_block)


def gradients(image) -> tuple[np.ndarray, np.ndarray]:
    """How strong the edge at each pixel is, and which way it rises.

    The gradient is right minus left neighbour, lower minus upper one; it is
    0 along the picture's border.

    Returns
    -------
    magnitude, angle:
        ``(H, W)`` float64 each; the angle in degrees, from 0 (brighter to
        one side) over 90 (brighter above or below) to 180: without a sign,
        so that bright on dark equals dark on bright.
    """
    image = np.asarray(image)
    if image.ndim not in (2, 3) or min(image.shape, default=0) == 0:
        raise ValueError(
            f"a picture is (H, W) or (H, W, colours), not of shape {image.shape}"
        )
    image = image.astype(np.float64)
    if image.ndim == 2:
        image = image[..., None]
    down, right = np.zeros((2, *image.shape))
    down[1:-1] = image[2:] - image[:-2]
    right[:, 1:-1] = image[:, 2:] - image[:, :-2]
    if image.shape[2] > 1:
        strongest = (down**2 + right**2).argmax(-1)[..., None]
        down = np.take_along_axis(down, strongest, -1)
        right = np.take_along_axis(right, strongest, -1)
    down, right = down[..., 0], right[..., 0]
    return np.hypot(down, right), np.rad2deg(np.arctan2(down, right)) % 180


def cell_histograms(
    magnitude, angle, orientations: int = 9, pixels_per_cell: int = 8
) -> np.ndarray:
    """Edges counted by direction, cell by cell.

    Every pixel votes with its magnitude for the bin of its angle; the cell's
    counts are divided by its number of pixels.

    Returns
    -------
    ``(rows, columns, orientations)``.
    """
    side = pixels_per_cell
    rows, columns = magnitude.shape[0] // side, magnitude.shape[1] // side
    inside = (slice(rows * side), slice(columns * side))
    bins = (angle[inside] * (orientations / 180)).astype(np.intp) % orientations
    cell = np.arange(rows * side)[:, None] // side * columns
    cell = cell + np.arange(columns * side) // side
    votes = np.bincount(
        (cell * orientations + bins).ravel(),
        magnitude[inside].ravel(),
        rows * columns * orientations,
    )
    return votes.reshape(rows, columns, orientations) / side**2


def normalize_blocks(cells, cells_per_block: int = 2) -> np.ndarray:
    """Blocks of cells, each made comparable (L2-Hys).

    A block is divided by its length, its values are cut at 0.2, and it is
    divided by its length again: so a shadow over half the picture changes
    little, and one very strong edge does not drown the others.

    Parameters
    ----------
    cells:
        ``(rows, columns, orientations)``.

    Returns
    -------
    ``(rows - b + 1, columns - b + 1, b, b, orientations)``, where b is
    `cells_per_block`.
    """
    b = cells_per_block
    if min(cells.shape[:2]) < b:
        raise ValueError(
            f"{cells.shape[0]} x {cells.shape[1]} cells are too few for a block "
            f"of {b} x {b}; take a larger picture or smaller cells"
        )
    rows, columns = cells.shape[0] - b + 1, cells.shape[1] - b + 1
    blocks = np.stack(
        [
            np.stack([cells[i : i + rows, j : j + columns] for j in range(b)], 2)
            for i in range(b)
        ],
        2,
    )
    blocks = np.minimum(blocks / _length(blocks), _CLIP)
    return blocks / _length(blocks)


def _length(blocks):
    """Each block's length, with the epsilon in it."""
    squares = np.einsum("...ijk,...ijk->...", blocks, blocks)
    return np.sqrt(squares + _EPSILON**2)[..., None, None, None]
