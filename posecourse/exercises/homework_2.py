"""Homework 2: what students see of its checks."""

import numpy as np

from . import exercise


@exercise(
    "H2.1",
    hints=(
        "`codec.encode(torch.tensor(keypoints), torch.tensor(visible))` gives maps "
        "and weights; `codec.decode(maps, decoder)` gives keypoints and scores.",
        "np.linalg.norm(found - keypoints, axis=-1) is the distance of each joint; "
        "those with `visible > 0` count.",
    ),
)
def _(attempt):
    keypoints = np.array([[[41.5, 61.5], [64.0, 64.0], [np.nan, np.nan]]])
    visible = np.array([[2, 1, 0]])
    none = np.zeros((1, 3, 32, 32))
    attempt.gives(
        1.5 * 2**0.5 / 2, keypoints, visible, 2.0, "argmax", none, tolerance=1e-4
    )


@exercise(
    "H2.2",
    hints=(
        "Two loops: over the sigmas, and in it over the draws; np.mean over the draws.",
        "np.argmin gives the first of equals; are the sigmas sorted?",
    ),
)
def _(attempt):
    keypoints, visible = np.array([[[41.5, 61.5]]]), np.array([[2]])
    none = np.zeros((1, 1, 1, 32, 32))
    attempt.gives(
        (1.0, [0.0, 0.0]),
        keypoints,
        visible,
        [2.0, 1.0],
        "argmax",
        none,
        tolerance=1e-4,
    )


@exercise(
    "H2.3",
    hints=(
        "np.unravel_index(one.argmax(), one.shape) is (row, column).",
        "`rows, columns = np.mgrid[:CELLS, :CELLS]` has each cell's place; the centre "
        "of mass in x is (columns * mass).sum() / mass.sum().",
        "From cells to pixels: (cells + 0.5) * stride - 0.5.",
    ),
)
def _(attempt):
    maps = np.zeros((1, 1, 32, 32))
    maps[0, 0, 5, 10:12] = 2, 1
    attempt.gives([[[42.8333, 21.5]]], maps, 2, tolerance=1e-3)
