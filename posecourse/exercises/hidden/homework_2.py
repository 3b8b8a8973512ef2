"""Homework 2: what its grade asks."""

import numpy as np
import torch

from ...codecs import HeatmapCodec
from .. import hidden_test


def _off(keypoints, visible, sigma, decoder, noise):
    """What lies between a joint and what was found, ``(N, K, 2)`` pixels."""
    codec = HeatmapCodec(128, 32, sigma=sigma)
    maps, _ = codec.encode(torch.tensor(keypoints), torch.tensor(visible))
    return codec.decode(maps + torch.tensor(noise), decoder)[0].numpy() - keypoints


def _cases(seed, people=3, joints=4, strength=0.1, draws=None):
    rng = np.random.default_rng(seed)
    keypoints = rng.uniform(4, 124, (people, joints, 2))
    visible = rng.integers(0, 3, (people, joints))
    visible[0, :3] = 0, 1, 2
    keypoints[visible == 0] = np.nan
    shape = (
        (people, joints, 32, 32) if draws is None else (draws, people, joints, 32, 32)
    )
    return keypoints, visible, strength * rng.normal(size=shape)


@hidden_test("H2.1")
def _(attempt):
    for seed, (sigma, decoder) in enumerate(
        [(1.0, "argmax"), (2.0, "quarter"), (1.5, "dark"), (3.0, "soft_argmax")]
    ):
        keypoints, visible, noise = _cases(seed)
        off = _off(keypoints, visible, sigma, decoder, noise)
        distance, labelled = np.linalg.norm(off, axis=-1), visible > 0
        clean = np.linalg.norm(
            _off(keypoints, visible, sigma, decoder, 0 * noise), axis=-1
        )
        other = _off(keypoints, visible, 2.0, decoder, noise)
        attempt.gives(
            distance[labelled].mean(),
            keypoints,
            visible,
            sigma,
            decoder,
            noise,
            tolerance=1e-4,
            mistakes={
                "a joint without a label is NaN and must not count": np.nan,
                "a hidden joint (visible 1) is labelled, too": distance[
                    visible == 2
                ].mean(),
                "the noise is missing": clean[labelled].mean(),
                "sigma is not used": np.linalg.norm(other, axis=-1)[labelled].mean(),
                "a distance has x and y in it: np.linalg.norm over the last axis": np.abs(
                    off
                )[labelled].mean(),
                "that is the root of the mean square, not the mean distance": (
                    distance[labelled] ** 2
                ).mean()
                ** 0.5,
                "pixels are asked for, not cells": distance[labelled].mean() / 4,
            },
        )


@hidden_test("H2.2")
def _(attempt):
    sigmas = [3.0, 2.0, 1.0, 1.5]
    for seed, decoder, strength in (
        (5, "argmax", 0.1),
        (6, "dark", 0.1),
        (7, "quarter", 0.25),
    ):
        keypoints, visible, noises = _cases(seed, strength=strength, draws=3)
        each = np.array(
            [
                [
                    np.linalg.norm(
                        _off(keypoints, visible, sigma, decoder, noise), axis=-1
                    )[visible > 0].mean()
                    for noise in noises
                ]
                for sigma in sigmas
            ]
        )
        errors = each.mean(1)
        best = _best(sigmas, errors)
        attempt.gives(
            (best, errors),
            keypoints,
            visible,
            sigmas,
            decoder,
            noises,
            tolerance=1e-4,
            mistakes={
                "only the first draw of the noise was used": (
                    _best(sigmas, each[:, 0]),
                    each[:, 0],
                ),
                "the sigma is asked for, not its place in the list": (
                    int(errors.argmin()),
                    errors,
                ),
                "that is the sigma with the largest error": (
                    sigmas[int(errors.argmax())],
                    errors,
                ),
                "the errors belong in the order of the sigmas": (best, np.sort(errors)),
                "every sigma meets the same draws; one draw for each sigma lets luck choose": (
                    _best(sigmas, _diagonal(each)),
                    _diagonal(each),
                ),
            },
        )


def _best(sigmas, errors):
    return sigmas[int(np.lexsort((sigmas, errors))[0])]


def _diagonal(each):
    return np.array([row[i % len(row)] for i, row in enumerate(each)])


def _mass(maps, radius, clip=True):
    rows, columns = np.mgrid[:32, :32]
    peak = maps.reshape(*maps.shape[:2], -1).argmax(-1)
    row, column = (place[..., None, None] for place in np.divmod(peak, 32))
    near = np.maximum(abs(rows - row), abs(columns - column)) <= radius
    mass = np.where(near, maps.clip(0) if clip else maps, 0)
    total = mass.sum((-2, -1))
    return np.stack([(c * mass).sum((-2, -1)) / total for c in (columns, rows)], -1)


@hidden_test("H2.3")
def _(attempt):
    rng = np.random.default_rng(23)
    codec = HeatmapCodec(128, 32, sigma=2.0)
    for radius in (1, 2, 3):
        points = rng.uniform(0, 127, (3, 4, 2))
        points[0, :2] = (1, 126), (127, 0)
        maps = codec.encode(torch.tensor(points), torch.ones(3, 4))[0].numpy()
        maps = maps + 0.1 * rng.normal(size=maps.shape)
        cells = _mass(maps, radius)
        attempt.gives(
            cells * 4 + 1.5,
            maps,
            radius,
            tolerance=1e-4,
            mistakes={
                "x is the column, y the row": cells[..., ::-1] * 4 + 1.5,
                "the half pixels are missing: (cells + 0.5) * stride - 0.5": cells * 4,
                "pixels of the input are asked for, these are cells": cells,
                "what is below 0 in the window counts as 0": _mass(maps, radius, False)
                * 4
                + 1.5,
                "the window goes `radius` cells to each side": _mass(maps, radius - 1)
                * 4
                + 1.5,
                "only cells in the window have a say": _mass(maps, 99) * 4 + 1.5,
            },
        )
