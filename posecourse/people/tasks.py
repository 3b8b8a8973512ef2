"""What networks for several people learn: tasks for `training.fit`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch

from ..drawing import draw_box, grid
from ..files import atomic_path, write_json
from ..metrics import keypoint_ap
from ..models.base import last_stage
from ..training import FitSettings, LossTerms, TrainingError
from ..training.tasks import random_generator
from .boxes import box_ap, match_boxes
from .detector import center_targets, decode_centers, focal_loss
from .grouping import BottomUp, filled, joint_heat, limb_fields, tree_bones
from .nms import box_nms
from .pictures import PeoplePictures, SceneAugmentation, make_people_batch

__all__ = ["FindCenters", "FindLimbs", "detector_scores"]


_USUAL = SceneAugmentation()


class ScenePasses:
    """Pictures of several people in a random order, pass after pass."""

    def __init__(
        self,
        training: PeoplePictures,
        input_size,
        settings: FitSettings,
        device,
        batch_size: int,
        augmentation: SceneAugmentation | None,
    ):
        if len(training) < batch_size:
            raise TrainingError(
                f"{len(training)} pictures are fewer than a batch of {batch_size}"
            )
        self.training, self.input_size = training, tuple(input_size)
        self.seed, self.device, self.size = settings.seed, device, batch_size
        self.augmentation = augmentation
        self.steps = len(training) // batch_size

    def batch(self, step: int):
        """The batch of a step: the same, whatever ran before."""
        turn, place = divmod(step, self.steps)
        order = torch.randperm(
            len(self.training), generator=random_generator(self.seed, 1, turn)
        )
        rows = order[place * self.size : (place + 1) * self.size].numpy()
        return make_people_batch(
            self.training,
            rows,
            self.input_size,
            self.augmentation,
            random_generator(self.seed, 2, step),
            self.device,
        )


class _SceneTask(ABC):
    """What both tasks share: passes through pictures of several people."""

    partial_gradients = False

    def __init__(
        self,
        training: PeoplePictures,
        validation: PeoplePictures,
        network,
        settings: FitSettings,
        device="cpu",
        batch_size: int = 16,
        augmentation: SceneAugmentation | None = _USUAL,
        about: str = "drawn scenes",
    ):
        self.passes = ScenePasses(
            training, network.input_size, settings, device, batch_size, augmentation
        )
        self.validation, self.about = validation, about
        self.steps_per_epoch = self.passes.steps
        self.prepare(training)

    def batch(self, step: int):
        """The batch of a step."""
        return self.passes.batch(step)

    @abstractmethod
    def prepare(self, training: PeoplePictures) -> None:
        """What is known of the training pictures before the first step."""

    def metadata(self) -> dict:
        """Of what, beside the weights."""
        return {"trained_on": self.about}


class FindCenters(_SceneTask):
    """Where people's middles are, and how large their boxes.

    Three terms, each over its own count: the heat over people, the offset and
    the logarithm of the size over the bumps' weights.

    Parameters
    ----------
    training, validation:
        Pictures with their people.
    network:
        From `build_detector`.
    """

    terms = 3
    metric = "box AP50"

    def prepare(self, training: PeoplePictures) -> None:
        """What is known of the training pictures before the first step."""
        sides = training.boxes[..., 2:].reshape(-1, 2)
        self._sides = torch.tensor(
            np.nanmean(np.log(np.where(sides > 0, sides, np.nan)), 0)
        )
        self._threshold = 0.3

    def loss(self, network, batch) -> LossTerms:
        """Focal loss of the heat, absolute errors of offset and size."""
        return self._terms(last_stage(network(batch.images)), batch)

    def _terms(self, maps, batch) -> LossTerms:
        maps = maps.float()
        size = maps.shape[:1:-1]
        stride = batch.images.shape[-1] / size[0]
        heat, geometry, weights = center_targets(batch.boxes, size, stride)
        asked = ~batch.ignored[..., None, None]
        # around somebody who is ignored, nothing is right and nothing wrong
        counted = ~((heat > 0.01) & ~asked).any(1)
        heat, weights = heat * asked, weights * asked
        people = (~batch.ignored & torch.isfinite(batch.boxes[..., 0])).sum()
        center = focal_loss(maps[:, 0], heat.amax(1), counted).sum()
        off = (maps[:, None, 1:] - geometry).abs() * weights[:, :, None]
        total = weights.sum()
        return LossTerms(
            torch.stack([center, off[:, :, :2].sum(), off[:, :, 2:].sum()]),
            torch.stack([people.to(total), total, total]),
        )

    @torch.no_grad()
    def baseline(self, network, batch) -> torch.Tensor:
        """Everywhere the same: heat as at the start, the mean size."""
        n, _, h, w = batch.images.shape
        stride = network.input_size[0] / network.codec.heatmap_size[0]
        constant = torch.cat(
            [torch.tensor([-4.6, 0.0, 0.0]), self._sides - np.log(stride)]
        ).to(batch.images)
        size = (round(h / stride), round(w / stride))
        return self._terms(
            constant[None, :, None, None].expand(n, -1, *size), batch
        ).sums

    def validate(self, network, row: dict) -> dict:
        """AP at an overlap of 0.5; the mean box, in every picture, beside it."""
        scores = detector_scores(network, self.validation)
        self._threshold = scores.pop("threshold")
        row = dict(row)
        speed = row.pop("steps_per_second") * self.passes.size
        return {
            **row,
            "score": 100 * scores["ap50"],
            "mean_box": 100 * _mean_box_ap(self.validation),
            "recall": 100 * scores["recall"],
            "false_alarms": scores["false_alarms"],
            "images_per_second": speed,
        }

    def describe(self, row: dict, epochs: int) -> str:
        """How an epoch went, on a line."""
        return (
            f"epoch {row['epoch']:3d}/{epochs}  loss {row['train_loss']:.3f} (constant "
            f"{row['trivial_loss']:.3f})  {self.metric} {row['score']:.1f} (mean box "
            f"{row['mean_box']:.1f})  recall {row['recall']:.1f} at "
            f"{row['false_alarms']:.2f} false alarms a picture  "
            f"{row['images_per_second']:.1f} pictures/s"
        )

    def report(self, folder: Path, network) -> str:
        """``evaluation.json`` and ``predictions.png``; a line."""
        scores = detector_scores(network, self.validation)
        write_json(folder / "evaluation.json", scores)
        _draw(folder / "predictions.png", network, self.validation, self._threshold)
        return (
            f"box AP50 {100 * scores['ap50']:.1f} on {len(self.validation)} pictures; "
            f"at the threshold {scores['threshold']:.2f} recall "
            f"{100 * scores['recall']:.1f} %, {scores['false_alarms']:.2f} false alarms "
            "a picture"
        )


class FindLimbs(_SceneTask):
    """Everybody's joints and bones as maps: `grouping.BottomUp`'s network.

    Two terms, mean squared errors of the joints' and of the bones' maps; a
    map's is summed over its cells.

    Parameters
    ----------
    training, validation:
        Pictures with their people.
    network:
        From `build_bottom_up`, for the pictures' skeleton.
    """

    terms = 2
    metric = "OKS-AP"

    def prepare(self, training: PeoplePictures) -> None:
        """What is known of the training pictures before the first step."""
        self.bones = tree_bones(training.skeleton)

    def _targets(self, batch, size):
        stride = batch.images.shape[-1] / size[0]
        return (
            joint_heat(batch.keypoints, size, stride),
            limb_fields(batch.keypoints, self.bones, size, stride),
        )

    def loss(self, network, batch) -> LossTerms:
        """Squared errors of the last stage."""
        maps = last_stage(network(batch.images)).float()
        heat, fields = self._targets(batch, maps.shape[:1:-1])
        joints = heat.shape[1]
        return _squares(maps[:, :joints] - heat, maps[:, joints:] - fields)

    @torch.no_grad()
    def baseline(self, network, batch) -> torch.Tensor:
        """Maps that are empty everywhere: most of a map is."""
        w, h = network.codec.heatmap_size
        return _squares(*self._targets(batch, (w, h))).sums

    def validate(self, network, row: dict) -> dict:
        """OKS-AP of the grouped people."""
        row = dict(row)
        speed = row.pop("steps_per_second") * self.passes.size
        found = BottomUp(network, self.validation.skeleton, max(network.input_size))
        ap = scene_ap(found, self.validation)["AP"]
        return {**row, "score": 100 * ap, "images_per_second": speed}

    def describe(self, row: dict, epochs: int) -> str:
        """How an epoch went, on a line."""
        return (
            f"epoch {row['epoch']:3d}/{epochs}  loss {row['train_loss']:.2f} (empty "
            f"maps {row['trivial_loss']:.2f})  {self.metric} {row['score']:.1f}  "
            f"{row['images_per_second']:.1f} pictures/s"
        )

    def report(self, folder: Path, network) -> str:
        """``evaluation.json``; a line."""
        found = BottomUp(network, self.validation.skeleton, max(network.input_size))
        scores = scene_ap(found, self.validation)
        write_json(folder / "evaluation.json", scores)
        return f"OKS-AP {100 * scores['AP']:.1f} on {len(self.validation)} pictures"


def _squares(heat, fields) -> LossTerms:
    sums = torch.stack([(heat**2).sum(), (fields**2).sum()])
    counts = [heat.shape[0] * heat.shape[1], fields.shape[0] * fields.shape[1]]
    return LossTerms(sums, torch.tensor(counts, device=sums.device))


def scene_ap(predict, pictures: PeoplePictures) -> dict[str, float]:
    """OKS-AP of a function from a picture to poses (`metrics.keypoint_ap`).

    Joints that a pose lacks are put on the nearest one that it has.
    """
    people, found = [], []
    for number, image in enumerate(pictures.images):
        people.append(
            [
                {
                    "keypoints": pictures.keypoints[number, who],
                    "visible": pictures.visible[number, who],
                    "area": pictures.area[number, who],
                    "box": pictures.boxes[number, who],
                    "crowd": pictures.ignored[number, who],
                }
                for who in pictures.people(number)
            ]
        )
        poses = predict(image)
        joints = (len(pictures.skeleton), 2)
        places = np.array([pose.keypoints for pose in poses]).reshape(-1, *joints)
        found.append(
            [
                {"keypoints": place, "score": pose.confidence}
                for place, pose in zip(filled(places, pictures.skeleton), poses)
            ]
        )
    return keypoint_ap(people, found, pictures.skeleton.sigmas)


@torch.no_grad()
def found_boxes(network, pictures: PeoplePictures, threshold: float = 0.05):
    """For each picture ``(boxes, scores)``, pixels of the pictures."""
    found = []
    w, h = network.input_size
    device = next(network.parameters()).device
    scale = min(w / pictures.size[0], h / pictures.size[1])
    for start in range(0, len(pictures), 16):
        rows = np.arange(start, min(start + 16, len(pictures)))
        batch = make_people_batch(pictures, rows, (w, h), device=device)
        maps = last_stage(network(batch.images)).cpu()
        for boxes, scores in decode_centers(
            maps, w / maps.shape[-1], threshold=threshold
        ):
            kept = box_nms(boxes, scores, 0.6)
            found.append((boxes[kept] / scale, scores[kept]))
    return found


def _truth(pictures: PeoplePictures):
    return [
        (pictures.boxes[i, who], pictures.ignored[i, who])
        for i in range(len(pictures))
        for who in [pictures.people(i)]
    ]


def detector_scores(network, pictures: PeoplePictures, overlap: float = 0.5) -> dict:
    """How good a detector is on some pictures.

    Returns
    -------
    ``ap50``; and at the threshold with the best F1 score: ``threshold``,
    ``recall`` and ``false_alarms`` (a picture).
    """
    found, people = found_boxes(network, pictures), _truth(pictures)
    scores = np.concatenate([s for _, s in found])
    person = np.concatenate(
        [
            match_boxes(guesses, scores, boxes, ignored, overlap)
            for (guesses, scores), (boxes, ignored) in zip(found, people)
        ]
    )
    total = sum(int((~ignored).sum()) for _, ignored in people)
    counted = person != -2
    order = np.argsort(-scores[counted], kind="stable")
    right = np.cumsum((person[counted] >= 0)[order])
    given = np.arange(1, len(right) + 1)
    best = int(np.argmax(2 * right / (given + total))) if len(right) else None
    return {
        "ap50": box_ap(found, people, overlap),
        "threshold": 0.3 if best is None else float(scores[counted][order][best]),
        "recall": 0.0 if best is None else float(right[best] / total),
        "false_alarms": 0.0
        if best is None
        else float((given[best] - right[best]) / len(pictures)),
    }


def _mean_box_ap(pictures: PeoplePictures) -> float:
    """The AP of answering every picture with the mean box."""
    mean = np.nanmean(pictures.boxes.reshape(-1, 4), 0)[None]
    found = [(mean, np.ones(1))] * len(pictures)
    return box_ap(found, _truth(pictures))


def _draw(path, network, pictures: PeoplePictures, threshold: float, count: int = 12):
    parts = ("images", "boxes", "ignored", "keypoints", "visible", "area")
    some = replace(
        pictures, **{name: getattr(pictures, name)[:count] for name in parts}
    )
    tiles = [
        draw_box(image, list(boxes)) if len(boxes) else image
        for image, (boxes, _) in zip(some.images, found_boxes(network, some, threshold))
    ]
    with atomic_path(path) as temporary:
        sheet = grid(tiles, columns=4)
        temporary.write_bytes(cv2.imencode(".png", sheet[..., ::-1])[1].tobytes())
