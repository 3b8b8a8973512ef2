"""A pictorial model learned from labelled people, and what it says of others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..datasets.crops import CropDataset
from ..files import atomic_path
from ..skeletons import Skeleton, get_skeleton
from .parts import (
    feature_map,
    is_elsewhere,
    other_places,
    part_types,
    score_maps,
    to_cells,
    to_pixels,
    train_detectors,
    windows,
)
from .pictorial import Springs, best_pose

__all__ = ["PictorialModel"]

# A joint in the middle of a pair, for people of whom only the pair is labelled.
_MIDDLES = {
    "pelvis": ("right_hip", "left_hip"),
    "thorax": ("right_shoulder", "left_shoulder"),
}
_SLACK = 0.5  # cells; no spring is stiffer than the grid is fine


@dataclass
class PictorialModel:
    """Part detectors and springs for the people of one kind of crop.

    Everything is in one currency, logarithms of odds: a detector says how
    much more likely its window is on the part than elsewhere, a spring how
    likely the displacement is. So they may be added.

    Attributes
    ----------
    filters, biases:
        ``(P, K, side, side, 36)`` float32 and ``(P, K)``: the detectors, K
        types for each of P joints.
    springs:
        `Springs` between them, cells.
    skeleton:
        What the joints are; its parents are the tree.
    size:
        Side of the crops it was trained on and can look at, pixels.
    pixels_per_cell:
        Side of a HOG cell.
    """

    filters: np.ndarray
    biases: np.ndarray
    springs: Springs
    skeleton: Skeleton
    size: int
    pixels_per_cell: int

    @classmethod
    def fit(
        cls,
        people: CropDataset,
        types: int = 6,
        side: int = 5,
        pixels_per_cell: int = 4,
        C: float = 0.01,
        negatives: int = 3000,
        mining: int = 1,
        seed: int = 0,
    ) -> PictorialModel:
        """Learn detectors and springs from labelled people.

        Parameters
        ----------
        people:
            Their crops. A joint that is not labelled teaches nothing; pelvis
            and thorax are taken from hips and shoulders where they are not.
        types:
            Of each joint.
        side:
            Odd: width and height of a detector's window, blocks.
        C:
            Of the SVMs.
        negatives:
            How many windows each joint is told from, before mining.
        mining:
            Rounds of hard negatives.
        """
        skeleton = people.skeleton
        rng = np.random.default_rng(seed)
        maps = np.stack([feature_map(crop, pixels_per_cell) for crop in people.crops])
        places = _places(people, maps.shape[1:3], pixels_per_cell)
        kinds = part_types(places, skeleton.parent_indices, types, seed)
        filters, biases = train_detectors(
            maps, places, kinds, side, C, negatives, mining, rng
        )
        _calibrate(filters, biases, maps, places, kinds, rng)
        return cls(
            filters,
            biases,
            _learn_springs(places, kinds, skeleton.parent_indices, types),
            skeleton,
            people.size,
            pixels_per_cell,
        )

    def scores(self, crops) -> np.ndarray:
        """``(N, S, S, 3)`` pictures -> ``(N, P, K, H, W)`` log-odds."""
        crops = np.asarray(crops)
        if crops.ndim != 4 or crops.shape[1:3] != (self.size, self.size):
            raise ValueError(
                f"crops of shape {crops.shape} do not fit: this model looks at "
                f"(N, {self.size}, {self.size}, 3)"
            )
        maps = np.stack([feature_map(crop, self.pixels_per_cell) for crop in crops])
        flat = self.filters.reshape(-1, *self.filters.shape[2:])
        found = score_maps(maps, flat, self.biases.ravel())
        return found.reshape(len(crops), *self.biases.shape, *maps.shape[1:3])

    def predict(self, crops, batch_size: int = 16):
        """The best pose in each picture.

        Parameters
        ----------
        crops:
            ``(N, S, S, 3)`` uint8.

        Returns
        -------
        keypoints, scores:
            ``(N, P, 2)`` pixels of the crops; and ``(N, P)`` from 0 to 1, how
            much the window at each joint looks like it.
        """
        keypoints, sure = [np.zeros((0, len(self.skeleton), 2))], []
        for start in range(0, len(crops), batch_size):
            scores = self.scores(crops[start : start + batch_size])
            points, types, _ = best_pose(scores, self.springs)
            n, p = np.ogrid[: len(scores), : len(self.skeleton)]
            odds = scores[n, p, types, points[..., 1], points[..., 0]]
            keypoints.append(to_pixels(points, self.pixels_per_cell))
            sure.append(1 / (1 + np.exp(-odds.astype(np.float64))))
        empty = np.zeros((0, len(self.skeleton)))
        return np.concatenate(keypoints), np.concatenate([empty, *sure])

    def save(self, path) -> Path:
        """Write the model as one safetensors file, the detectors in 16 bits."""
        from safetensors.numpy import save_file

        tensors = {
            "filters": self.filters.astype(np.float16),
            "biases": self.biases.astype(np.float32),
            **{
                name: getattr(self.springs, name).astype(np.float32)
                for name in ("rest", "stiffness", "bias")
            },
        }
        about = {
            "model": "pictorial",
            "skeleton": self.skeleton.name,
            "size": str(self.size),
            "pixels_per_cell": str(self.pixels_per_cell),
        }
        with atomic_path(path) as temporary:
            save_file(tensors, temporary, about)
            temporary.chmod(0o644)  # safetensors keeps others from reading
        return Path(path)

    @classmethod
    def load(cls, path) -> PictorialModel:
        """A model that `save` has written."""
        from safetensors import SafetensorError, safe_open

        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"{path}: there is no such file")
        try:
            with safe_open(path, framework="numpy") as file:
                about = file.metadata() or {}
                names = file.keys()
                tensors = {name: file.get_tensor(name) for name in names}
        except SafetensorError as error:
            raise ValueError(
                f"{path}: this is not a whole safetensors file ({error}); copy "
                "or make it again"
            ) from None
        if about.get("model") != "pictorial":
            raise ValueError(
                f"{path}: this file holds no pictorial model; "
                "posecourse.models.load_model reads networks"
            )
        skeleton = get_skeleton(about["skeleton"])
        return cls(
            tensors["filters"].astype(np.float32),
            tensors["biases"].astype(np.float64),
            Springs(
                skeleton.parent_indices,
                *(tensors[n].astype(float) for n in ("rest", "stiffness", "bias")),
            ),
            skeleton,
            int(about["size"]),
            int(about["pixels_per_cell"]),
        )


def _places(people, shape, pixels_per_cell):
    """Where each joint is on the feature maps, ``(N, P, 2)``; else NaN."""
    keypoints = np.where(
        people.visible[..., None] > 0, people.keypoints, np.nan
    ).astype(np.float64)
    skeleton = people.skeleton
    for joint, pair in _MIDDLES.items():
        if joint in skeleton.joints:
            own = skeleton.index(joint)
            middle = keypoints[:, skeleton.indices(pair)].mean(1)
            known = np.isfinite(keypoints[:, [own]])
            keypoints[:, own] = np.where(known[:, 0], keypoints[:, own], middle)
    places = to_cells(keypoints, pixels_per_cell)
    with np.errstate(invalid="ignore"):
        inside = (places > -0.5) & (places < np.array(shape[::-1]) - 0.5)
    places[~inside.all(-1)] = np.nan
    return places


def _calibrate(filters, biases, maps, places, kinds, rng):
    """Turn scores of SVMs into log-odds, in place (Platt's scaling).

    Examples and others weigh the same, so the odds are for even chances; how
    likely a place is at all is for the springs to say.
    """
    from sklearn.linear_model import LogisticRegression

    side = filters.shape[2]
    others = other_places(places, maps.shape[1:3], 2000, rng)
    common = windows(maps, *others, side)
    for part, kind in np.ndindex(biases.shape):
        own, chosen = places[:, part], np.flatnonzero(kinds[:, part] == kind)
        examples = windows(maps, chosen, np.rint(own[chosen]).astype(int), side)
        far = common[is_elsewhere(own, *others)]
        scores = np.concatenate([examples, far]) @ filters[part, kind].ravel()
        labels = np.repeat([1, 0], [len(examples), len(far)])
        line = LogisticRegression(class_weight="balanced", solver="newton-cholesky")
        line.fit(scores[:, None] + biases[part, kind], labels)
        slope = line.coef_[0, 0]
        filters[part, kind] *= slope
        biases[part, kind] = slope * biases[part, kind] + line.intercept_[0]


def _learn_springs(places, kinds, parents, types):
    """Gaussians: a type's mean offset from the parent, and how it varies.

    The logarithm of a Gaussian is a spring, ``-(u - rest)^2 / (2 sd^2)``,
    less the logarithm of sd; how often a type comes with one of the parent's
    types makes the rest of the bias.
    """
    count = len(parents)
    rest, deviation = np.zeros((2, count, types, 2))
    together = np.ones((count, types, types))  # as if each pair was seen once
    for part, parent in enumerate(parents):
        offsets = places[:, part] - places[:, parent]
        for kind in range(types):
            some = offsets[kinds[:, part] == kind]
            rest[part, kind], deviation[part, kind] = some.mean(0), some.std(0)
        both = (kinds[:, [part, parent]] >= 0).all(1)
        np.add.at(together[part], (kinds[both, part], kinds[both, parent]), 1)
    deviation = np.maximum(deviation, _SLACK)
    chance = together / together.sum(1, keepdims=True)  # of a type, given the parent's
    bias = np.log(chance) - np.log(deviation).sum(-1)[..., None]
    return Springs(parents, rest, 1 / (2 * deviation**2), bias)
