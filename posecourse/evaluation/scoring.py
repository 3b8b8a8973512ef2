"""A dataset through a network to a table, beside what trivial answers get.

>>> from posecourse.evaluation import evaluate
>>> print(evaluate("runs/laptop-1"))                    # doctest: +SKIP
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from .. import metrics, models
from ..datasets import open_crops
from ..device import choose_device
from ..files import read_json
from ..geometry import Crop, affine_points
from ..transforms import make_batch, standard_crop

__all__ = [
    "Evaluation",
    "evaluate",
    "mean_pose_of",
    "pck_normalizer",
    "predict_crops",
    "prediction_std",
    "score",
    "validation_metrics",
]


@dataclass
class Evaluation:
    """How good a network is on some people. Prints itself.

    Attributes
    ----------
    title:
        Which network on which people.
    table:
        `metrics.PckhTable`: by body part, with the baselines as rows.
    breakdown:
        `metrics.ErrorBreakdown`: what kinds of errors there are.
    metric:
        The headline's name, for example ``"PCKh@0.5"``.
    people, people_scored:
        How many there are, and how many of them have the size that distances
        are divided by (and a labelled joint).
    prediction_std, label_std:
        How far predictions (labels) differ between pictures: standard
        deviation of a joint's place, input pixels, mean over joints. A
        constant prediction has a deviation of 0.
    keypoints, scores:
        ``(N, K, 2)`` pixels of the pictures, and ``(N, K)``.
    in_crops:
        ``(N, K, 2)`` the same, pixels of the store's crops.
    ids, images:
        N names of the people and of their pictures.
    """

    title: str
    table: metrics.PckhTable
    breakdown: metrics.ErrorBreakdown
    metric: str
    people: int
    people_scored: int
    prediction_std: float
    label_std: float
    keypoints: np.ndarray
    scores: np.ndarray
    in_crops: np.ndarray
    ids: list[str]
    images: list[str]

    @property
    def score(self) -> float:
        """The headline: percent of joints within the threshold."""
        return self.table.rows[0].means["weighted"]

    @property
    def baselines(self) -> dict[str, float]:
        """The headline of the trivial answers, percent."""
        first = self.table.rows[0].threshold
        return {
            row.name: row.means["weighted"]
            for row in self.table.rows
            if row.name != "predicted" and row.threshold == first
        }

    def __str__(self) -> str:
        kinds = ", ".join(
            f"{kind} {percent:.1f}" for kind, percent in self.breakdown.percent.items()
        )
        left_out = self.people - self.people_scored
        note = (
            f"{self.people_scored:,} of {self.people:,} people are scored: "
            f"{left_out:,} have no size to divide by.\n"
            if left_out
            else ""
        )
        return (
            f"{self.title}\n{self.table}\n{note}"
            f"Errors, percent of the joints with two sides: {kinds}.\n"
            f"Standard deviation between pictures: predictions "
            f"{self.prediction_std:.1f}, labels {self.label_std:.1f} input pixels."
        )

    def _repr_html_(self) -> str:
        return self.table._repr_html_()

    def to_dict(self, poses: bool = True) -> dict:
        """Everything, for JSON; `poses` adds the predictions."""
        content = {
            "title": self.title,
            "metric": self.metric,
            "unit": "percent",
            "score": self.score,
            "baselines": self.baselines,
            "interval": self.table.interval._asdict(),
            "people_given": self.people,
            "people_scored": self.people_scored,
            "prediction_std": self.prediction_std,
            "label_std": self.label_std,
            "errors": self.breakdown.percent,
            "table": self.table.to_dict(),
        }
        if poses:
            content["people"] = [
                {
                    "id": i,
                    "image": image,
                    "keypoints": np.round(points, 2).tolist(),
                    "scores": np.round(scores, 4).tolist(),
                }
                for i, image, points, scores in zip(
                    self.ids, self.images, self.keypoints, self.scores
                )
            ]
        return content


def evaluate(
    model,
    data=None,
    split: str = "valid",
    limit: int | None = None,
    flip_test: bool = False,
    decoder: str | None = None,
    device=None,
    batch_size: int = 64,
    difficulty: str | None = None,
) -> Evaluation:
    """Score a network on labelled people.

    Parameters
    ----------
    model:
        A run folder, a ``.safetensors`` file, or a network.
    data:
        A `CropDataset`, a dataset, or a folder with either; None takes
        what the run was trained on.
    split:
        Of the dataset.
    limit:
        Use only so many people.
    flip_test:
        Average with the prediction for the mirrored picture.
    decoder:
        How heatmaps are read, instead of the codec's own way.
    difficulty:
        Of drawn people, another one than the run was trained on.

    Returns
    -------
    `Evaluation`. The metric is PCKh@0.5 where head sizes are known, else
    PCK@0.2 of the torso. The mean pose is that of the training people,
    where the weights file has it, else that of the people scored.
    """
    run = model
    if isinstance(model, (str, Path)):
        model = models.load_model(models.find_weights(model))
    store = _store_for(run, model, data, split, limit, difficulty)
    if store.skeleton.canonical != model.skeleton.canonical:
        raise ValueError(
            f"the network predicts the joints of {model.skeleton.name}, "
            f"the data has those of {store.skeleton.name}"
        )
    mean_pose = json.loads(getattr(model, "metadata", {}).get("mean_pose", "null"))
    mean_pose = (
        mean_pose_of(store, model.input_size)
        if mean_pose is None
        else np.array(mean_pose, dtype=np.float64)
    )
    model = model.to(choose_device(device))
    return score(
        model,
        store,
        mean_pose,
        flip_test=flip_test,
        decoder=decoder,
        batch_size=batch_size,
    )


def _store_for(run, model, data, split: str, limit, difficulty):
    """The people to score on: those given, or those that a run validated on."""
    if data is None:
        config = Path(run, "config.json") if isinstance(run, (str, Path)) else Path()
        if not config.is_file():
            raise ValueError(
                "say on which data: only a run folder knows what it was trained on"
            )
        known = _settings_in(config)
        if known["data"] == "own":
            raise ValueError(
                f"{run} was trained on people that were given from Python; say on "
                "which data to score it"
            )
        return open_crops(
            known["data"],
            split,
            model.input_size,
            limit or known["valid_people"],
            difficulty or known["difficulty"],
            known["margin"],
        )
    if hasattr(data, "crops"):
        return data if limit is None else data.subset(range(min(limit, len(data))))
    return open_crops(data, split, model.input_size, limit, difficulty or "standard")


def _settings_in(config: Path) -> dict:
    """What a run's ``config.json`` says about its people."""
    known = read_json(config)
    wanted = {"data", "valid_people", "difficulty", "margin"}
    missing = wanted - set(known) if isinstance(known, dict) else wanted
    if missing:
        raise ValueError(
            f"{config} does not say which people the run was validated on (it has "
            f"no {', '.join(sorted(missing))}): say on which data to score it"
        )
    return known


def score(model, store, mean_pose, **options) -> Evaluation:
    """`evaluate` for what is loaded already; `mean_pose` in input pixels."""
    points, scores, in_input = predict_crops(model, store, **options)
    size, visible, name, threshold = pck_normalizer(store)
    table = metrics.pckh_table(
        points,
        store.keypoints,
        visible,
        size,
        store.skeleton,
        (threshold, min(0.1, threshold / 2)),
        _baselines(store, model.input_size, mean_pose),
        metric=name,
    )
    breakdown = metrics.error_breakdown(
        points,
        store.keypoints,
        visible,
        size,
        store.skeleton,
        threshold=threshold,
    )
    return Evaluation(
        title=f"{model.name} on {store.source['dataset']}",
        table=table,
        breakdown=breakdown,
        metric=f"{name}@{threshold:g}",
        people=len(store.crops),
        people_scored=int((visible > 0).any(1).sum()),
        prediction_std=prediction_std(in_input, visible),
        label_std=prediction_std(_labels(store, model.input_size), visible),
        keypoints=affine_points(points, np.asarray(store.to_image, np.float64)),
        scores=scores,
        in_crops=points,
        ids=[str(i) for i in store.ids],
        images=[str(i) for i in store.images],
    )


def validation_metrics(model, store, mean_pose, **options) -> dict:
    """The numbers that training prints after every epoch, in percent."""
    points, _, in_input = predict_crops(model, store, **options)
    size, visible, _, threshold = pck_normalizer(store)
    counted = metrics.pckh_columns(store.skeleton)

    def percent(predictions):
        rates = metrics.pck(predictions, store.keypoints, visible, size, threshold)
        return 100 * rates.pooled(counted)

    trivial = _baselines(store, model.input_size, mean_pose)
    return {
        "score": percent(points),
        **{
            name.replace(" ", "_"): percent(predictions)
            for name, predictions in trivial.items()
        },
        "prediction_std": prediction_std(in_input, visible),
        "label_std": prediction_std(_labels(store, model.input_size), visible),
    }


def _labels(store, input_size) -> np.ndarray:
    """The labels, in pixels of the network's input."""
    matrix = _crop_of(store, input_size).matrix
    return affine_points(np.asarray(store.keypoints, np.float64), matrix)


@torch.inference_mode()
def predict_crops(
    model,
    store,
    flip_test: bool = False,
    decoder: str | None = None,
    batch_size: int = 64,
    amp: bool = False,
):
    """Poses of everybody in a store.

    Returns
    -------
    keypoints, scores, in_input:
        ``(N, K, 2)`` pixels of the store's crops, ``(N, K)``, and
        ``(N, K, 2)`` pixels of the network's input; float64.
    """
    # an exported network has no parameters of torch
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    training = model.training
    model.eval()
    points, sureness = [], []
    for start in range(0, len(store.crops), batch_size):
        part = slice(start, start + batch_size)
        pictures = torch.from_numpy(np.array(store.crops[part]))
        batch = make_batch(
            pictures.to(device, non_blocking=True),
            store.keypoints[part],
            store.visible[part],
            store.head_size[part],
            store.window,
            model.input_size,
            store.skeleton,
        )
        with torch.autocast(device.type, torch.bfloat16, enabled=amp):
            found, sure = model.predict(batch.images, flip_test, decoder)
        points.append(found)
        sureness.append(sure)
    model.train(training)
    in_input = torch.cat(points).double().cpu().numpy()
    scores = torch.cat(sureness).double().cpu().numpy()
    crop = _crop_of(store, model.input_size)
    return crop.invert(in_input), scores, in_input


def _crop_of(store, input_size) -> Crop:
    return standard_crop(store.crops.shape[1], store.window, input_size)


def mean_pose_of(store, input_size) -> np.ndarray:
    """``(K, 2)`` input pixels; NaN for a joint that is never labelled."""
    mean = metrics.mean_pose(store.keypoints, store.visible)
    return _crop_of(store, input_size).apply(mean)


def pck_normalizer(store) -> metrics.PckNormalizer:
    """The first of head, torso and box that most people of a store have.

    See `metrics.pck_normalizer`; sizes are in pixels of the crops.
    """
    return metrics.pck_normalizer(
        store.keypoints,
        store.visible,
        store.skeleton,
        store.head_size,
        store.box_size,
    )


def prediction_std(points, visible) -> float:
    """Standard deviation of a joint's place, mean over joints.

    Parameters
    ----------
    points:
        ``(N, K, 2)``; where ``visible`` ``(N, K)`` is 0, left out.

    Returns
    -------
    NaN where no joint is there twice.
    """
    points = np.where(np.asarray(visible)[..., None] > 0, points, np.nan)
    seen = np.isfinite(points).all(-1).sum(0) > 1
    if not seen.any():
        return math.nan
    return float(np.nanstd(points[:, seen], axis=0).mean())


def _baselines(store, input_size, mean_pose) -> dict[str, np.ndarray]:
    """What trivial answers say, ``(N, K, 2)`` pixels of the crops."""
    crop = _crop_of(store, input_size)
    center = metrics.center_pose(store.skeleton, input_size)
    shape = np.shape(store.keypoints)
    return {
        "mean pose": np.broadcast_to(crop.invert(mean_pose), shape),
        "center pose": np.broadcast_to(crop.invert(center), shape),
    }
