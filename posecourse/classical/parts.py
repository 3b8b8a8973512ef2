"""Part detectors: what a wrist looks like, and where it looks like one.

A detector is a linear SVM on the HOG of a small window around a joint. Asked
at every place of a picture it gives a map of scores, which is a convolution:
the window is slid, the weights stay.
"""

from __future__ import annotations

import numpy as np

from ..geometry import resize_points
from .hog import hog
from .svm import train_svm

__all__ = [
    "feature_map",
    "hard_negatives",
    "is_elsewhere",
    "other_places",
    "part_types",
    "score_maps",
    "to_cells",
    "to_pixels",
    "train_detectors",
    "windows",
]

BLOCK = 2  # cells a block is wide and high
NEAR = 2.0  # cells; a window this close to the joint is no negative
_SEARCHED = 300  # pictures that are searched for false alarms


def feature_map(image, pixels_per_cell: int = 4) -> np.ndarray:
    """HOG of a picture as a map: ``(rows, columns, 36)`` float32.

    One place of the map is a block of 2 x 2 cells; neighbouring places are a
    cell apart.
    """
    blocks = hog(image, pixels_per_cell=pixels_per_cell, cells_per_block=BLOCK)
    return blocks.reshape(*blocks.shape[:2], -1).astype(np.float32)


def to_cells(points, pixels_per_cell: int = 4) -> np.ndarray:
    """Pixels to places of the feature map, both ``(..., 2)`` as ``(x, y)``.

    Place i is the centre of a block, where its cells meet.
    """
    return resize_points(points, 1 / pixels_per_cell) - (BLOCK - 1) / 2


def to_pixels(places, pixels_per_cell: int = 4) -> np.ndarray:
    """The inverse of `to_cells`."""
    return resize_points(np.asarray(places) + (BLOCK - 1) / 2, pixels_per_cell)


def windows(maps, pictures, places, side: int) -> np.ndarray:
    """Windows cut out of feature maps.

    Parameters
    ----------
    maps:
        ``(N, H, W, D)``; outside a map everything is 0.
    pictures, places:
        M indices of maps, and ``(M, 2)`` whole places ``(x, y)`` in them.
    side:
        Odd: places that a window is wide and high.

    Returns
    -------
    ``(M, side * side * D)``.
    """
    reach = side // 2
    x, y = np.asarray(places).T[..., None]
    steps = np.arange(-reach, reach + 1)
    rows, columns = (y + steps)[:, :, None], (x + steps)[:, None, :]
    height, width = maps.shape[1:3]
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    cut = maps[
        np.asarray(pictures)[:, None, None],
        rows.clip(0, height - 1),
        columns.clip(0, width - 1),
    ]
    return (cut * inside[..., None]).reshape(len(cut), -1)


def score_maps(maps, filters, biases) -> np.ndarray:
    """The score of every detector at every place.

    Parameters
    ----------
    maps:
        ``(N, H, W, D)``.
    filters, biases:
        ``(F, side, side, D)`` and ``(F,)``.

    Returns
    -------
    ``(N, F, H, W)`` float32: window times weights, plus bias. It is a
    convolution layer, so a convolution computes it.
    """
    import torch

    images = torch.from_numpy(np.ascontiguousarray(maps, np.float32))
    kernels = torch.from_numpy(np.ascontiguousarray(filters, np.float32))
    with torch.inference_mode():
        return torch.nn.functional.conv2d(
            images.permute(0, 3, 1, 2),
            kernels.permute(0, 3, 1, 2),
            torch.from_numpy(np.asarray(biases, np.float32)),
            padding=filters.shape[1] // 2,
        ).numpy()


def other_places(places, shape, count: int, rng):
    """Places for windows of anything but a certain joint.

    Every second one is beside some joint: that is what joints are mistaken
    for.

    Parameters
    ----------
    places:
        ``(N, P, 2)``, NaN where unlabelled.
    shape:
        Rows and columns of the maps.

    Returns
    -------
    pictures, places:
        `count` indices of pictures, and ``(count, 2)`` whole places.
    """
    size = np.array(shape[::-1])
    pictures = rng.integers(0, len(places), count)
    anywhere = rng.integers(0, size, (count, 2))
    joint = places[pictures, rng.integers(0, places.shape[1], count)]
    beside = np.rint(joint) + rng.integers(-2, 3, (count, 2))
    near = np.isfinite(beside).all(1) & (np.arange(count) % 2 == 0)
    chosen = np.where(near[:, None], beside, anywhere)
    return pictures, np.clip(chosen, 0, size - 1).astype(int)


def is_elsewhere(own, pictures, places):
    """Which of some places ``(M, 2)`` are not `NEAR` the part.

    `own` ``(N, 2)`` is where the part is; nothing is elsewhere in a picture
    where nobody knows.
    """
    return np.hypot(*(places - own[pictures]).T) > NEAR


def hard_negatives(scores, own, per_picture: int = 3):
    """Where a detector is wrong and sure of it.

    Parameters
    ----------
    scores:
        ``(N, H, W)``.
    own:
        ``(N, 2)`` where the part is; a picture with NaN is passed over.

    Returns
    -------
    pictures, places:
        ``(M,)`` and ``(M, 2)``: for each picture its highest places that are
        not `NEAR` the part, as far as they reach into the SVM's margin: a
        score above -1.
    """
    height, width = scores.shape[1:]
    x, y = np.asarray(own).T[..., None, None]
    far = np.hypot(np.arange(width) - x, np.arange(height)[:, None] - y) > NEAR
    wrong = np.where(far, scores, -np.inf).reshape(len(scores), -1)
    best = np.argpartition(-wrong, per_picture, 1)[:, :per_picture]
    pictures, rank = np.nonzero(np.take_along_axis(wrong, best, 1) > -1)
    rows, columns = np.divmod(best[pictures, rank], width)
    return pictures, np.stack([columns, rows], 1)


def train_detectors(maps, places, kinds, side, C, negatives, mining, rng):
    """A linear SVM for every type of every part.

    Parameters
    ----------
    maps, places:
        ``(N, H, W, D)``, and ``(N, P, 2)`` where the parts are in them, NaN
        where nobody knows.
    kinds:
        ``(N, P)`` from `part_types`.
    side:
        Odd: width and height of a window.
    C:
        Of the SVMs.
    negatives:
        How many windows of anything a part is told from.
    mining:
        How often to collect what the detectors mistake for their part, and
        to train them all again with it.

    Returns
    -------
    filters, biases:
        ``(P, K, side, side, D)`` float32, and ``(P, K)``.
    """
    shape = places.shape[1], kinds.max() + 1
    filters = np.zeros((*shape, side, side, maps.shape[3]), np.float32)
    biases = np.zeros(shape)
    others = other_places(places, maps.shape[1:3], negatives, rng)
    common = windows(maps, *others, side)
    mined = {each: [] for each in np.ndindex(shape)}
    for remaining in range(mining, -1, -1):
        for (part, kind), found in mined.items():
            own = places[:, part]
            chosen = np.flatnonzero(kinds[:, part] == kind)
            weights, biases[part, kind] = train_svm(
                windows(maps, chosen, np.rint(own[chosen]).astype(int), side),
                np.concatenate(
                    [common[is_elsewhere(own, *others)]]
                    + [windows(maps, *at, side) for at in found]
                ),
                C,
            )
            filters[part, kind] = weights.reshape(side, side, -1)
        if remaining:
            _mine(mined, maps[:_SEARCHED], places[:_SEARCHED], filters, biases)
    return filters, biases


def _mine(mined, maps, places, filters, biases):
    """Add each detector's false alarms to what was found before."""
    flat = filters.reshape(-1, *filters.shape[2:])
    scores = score_maps(maps, flat, biases.ravel())
    for each, ((part, _), found) in enumerate(mined.items()):
        found.append(hard_negatives(scores[:, each], places[:, part]))


def part_types(places, parents, types: int, seed: int = 0) -> np.ndarray:
    """Sort each part's examples into types, by where its neighbours are.

    Parameters
    ----------
    places:
        ``(N, P, 2)``, NaN where unlabelled.
    parents:
        P indices, the root its own.

    Returns
    -------
    ``(N, P)``: 0 to `types` - 1; -1 where the part or one of its neighbours,
    parent and children, is not labelled.
    """
    from sklearn.cluster import KMeans

    found = np.full(places.shape[:2], -1)
    for part, parent in enumerate(parents):
        near = [k for k, p in enumerate(parents) if p == part and k != part]
        near += [parent] if parent != part else []
        offsets = (places[:, near] - places[:, [part]]).reshape(len(places), -1)
        known = np.isfinite(offsets).all(1)
        if known.sum() < types:
            raise ValueError(
                f"part {part} and its neighbours are labelled together in "
                f"{known.sum()} pictures only, too few for {types} types; take "
                "fewer types or more people"
            )
        clusters = KMeans(types, n_init=4, random_state=seed)
        found[known, part] = clusters.fit_predict(offsets[known])
    return found
