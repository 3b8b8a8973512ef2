"""What can be learned: a task says what a step looks at and what it costs.

`Task` is the contract with `posecourse.training.fit`. `SinglePerson` is the
task of most chapters: one person in a crop, and where its joints are. A task
of another kind (a detector, a lifter) needs these few methods and nothing
else of training.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import torch

from .. import evaluation, losses
from ..files import write_json
from ..models.base import JointLoss
from ..transforms import make_batch
from .distributed import DistributedContext
from .run_folder import draw_predictions
from .settings import TrainConfig, TrainingError

__all__ = ["CropBatches", "LossTerms", "SinglePerson", "Task", "random_generator"]


class LossTerms(NamedTuple):
    """A loss as sums and counts, so that several processes agree on it.

    The loss is ``(sums / counts).sum()``, with both over all processes.

    Attributes
    ----------
    sums, counts:
        ``(T,)`` for T terms: what this process's part of the batch adds.
    """

    sums: torch.Tensor
    counts: torch.Tensor


class Task(Protocol):
    """What `fit` asks of a task.

    Attributes
    ----------
    steps_per_epoch:
        Steps between two rows of the log.
    terms:
        The number T of terms of the loss.
    metric:
        What the column ``score`` of the log is, for the curves' axis.
    partial_gradients:
        Whether some of the network's weights may have no part in the loss.
    """

    steps_per_epoch: int
    terms: int
    metric: str
    partial_gradients: bool

    def batch(self, step: int):
        """This process's part of a step's batch, on the device.

        The same for the same step, whatever ran before.
        """

    def loss(self, network, batch) -> LossTerms:
        """How wrong the network is on a batch."""

    def baseline(self, network, batch) -> torch.Tensor | None:
        """``(T,)``: what `loss` would sum for a constant prediction."""

    def validate(self, network, row: dict) -> dict:
        """The epoch's row with ``score`` and its baselines added."""

    def describe(self, row: dict, epochs: int) -> str:
        """A row as a line to print."""

    def metadata(self) -> dict:
        """What is written beside the weights."""

    def report(self, folder: Path, network) -> str:
        """Files of the finished run, and what to say about it."""


def random_generator(seed: int, purpose: int, index: int) -> torch.Generator:
    """A generator of its own for each purpose and place in the run."""
    return torch.Generator().manual_seed(
        (seed + purpose * 2_147_483_629 + index * 6_364_136_223) % 2**63
    )


class CropBatches:
    """Stored people, as batches on a device.

    On a GPU the crops lie in its memory if they take no more than half of
    what is free; else, and on a CPU, they stay mapped from the disk.
    """

    def __init__(self, crops, device: torch.device):
        self.store, self.device = crops, device
        self.skeleton = crops.skeleton
        self.resident = _on_gpu(crops.crops, device)
        self.keypoints, self.head_size = (
            torch.as_tensor(part, dtype=torch.float32).to(device)
            for part in (crops.keypoints, crops.head_size)
        )
        self.visible = torch.as_tensor(crops.visible).to(device)

    def __len__(self) -> int:
        return len(self.store.crops)

    def gather(self, chosen, input_size, augmentation, params):
        """A `transforms.Batch` of some people, ``(N,)`` rows."""
        if not self.skeleton.can_flip:
            augmentation = replace(augmentation, flip=0.0)
        crops = self.crops(chosen)
        rows = chosen.to(self.device, non_blocking=True)
        return make_batch(
            crops,
            self.keypoints[rows],
            self.visible[rows],
            self.head_size[rows],
            self.store.window,
            input_size,
            self.skeleton,
            augmentation,
            draws=params,
        )

    def crops(self, chosen) -> torch.Tensor:
        """Some crops, on the device."""
        if self.resident is not None:
            return self.resident[chosen.to(self.device, non_blocking=True)]
        crops = torch.from_numpy(self.store.read(chosen))
        if self.device.type == "cuda":
            crops = crops.pin_memory()
        return crops.to(self.device, non_blocking=True)


def _on_gpu(crops, device: torch.device):
    """All crops in the GPU's memory, or None."""
    if device.type != "cuda" or 2 * crops.nbytes > torch.cuda.mem_get_info(device)[0]:
        return None
    resident = torch.empty(crops.shape, dtype=torch.uint8, device=device)
    for start in range(0, len(crops), 4096):  # a piece of it at a time
        piece = np.ascontiguousarray(crops[start : start + 4096])
        resident[start : start + 4096] = torch.from_numpy(piece)
    return resident


class SinglePerson:
    """Where the joints of one person are: crops, a network, and its loss.

    Parameters
    ----------
    config:
        The settings; its seed decides order and augmentation.
    training, validation:
        `CropDataset`\\ s of one skeleton.
    network:
        That will be trained; it says how large its pictures are.

    Raises
    ------
    TrainingError
        If these people or settings cannot be trained or scored with.
    """

    def __init__(
        self,
        config: TrainConfig,
        training,
        validation,
        network,
        device: torch.device,
        context: DistributedContext | None = None,
    ):
        self.config, self.context = config, context or DistributedContext()
        self.input_size = network.input_size
        self.validation = validation
        self._check(training)
        self.people = CropBatches(training, device)
        self.size = min(config.batch_size, len(self.people))
        self.pass_steps = max(1, len(self.people) // config.batch_size)
        self.steps_per_epoch = config.validate_every or self.pass_steps
        # stages that share a divisor are one term; hard joints have their own
        self.terms = 2 if config.ohkm_topk else 1
        self.partial_gradients = not config.intermediate_supervision
        self.mean_pose = evaluation.mean_pose_of(training, self.input_size)
        mean_pose = torch.as_tensor(self.mean_pose, dtype=torch.float32)
        self._mean_pose = mean_pose.to(device)
        self._constant_name = network.representation.constant_name
        self._order: tuple = (None, None)  # of the people, in which pass
        self._stages = 1

    def _check(self, training):
        config, joints = self.config, len(training.skeleton)
        if config.ohkm_topk > joints:
            raise TrainingError(
                f"ohkm_topk {config.ohkm_topk}: these people have {joints} joints; "
                "take fewer, or 0 for all"
            )
        if self.validation.skeleton != training.skeleton:
            raise TrainingError(
                f"the training people have the joints of {training.skeleton.name}, "
                f"the validation people those of {self.validation.skeleton.name}"
            )
        if config.batch_size < self.context.world:
            raise TrainingError(
                f"batch_size {config.batch_size} is that of all "
                f"{self.context.world} processes together; each needs one picture "
                "at least"
            )
        for what, people in (("train", training), ("validate", self.validation)):
            if not (np.asarray(people.visible) > 0).any():
                raise TrainingError(
                    f"nobody to {what} on: {len(people.crops)} people, no labelled "
                    "joint"
                )
        normalizer = evaluation.pck_normalizer(self.validation)  # or it says why not
        self.metric = f"{normalizer.name}@{normalizer.threshold:g}"

    def batch(self, step: int):
        """This process's part of the batch of a step."""
        turn, place = divmod(step, self.pass_steps)
        seed, size = self.config.seed, self.size
        if self._order[0] != turn:
            order = torch.randperm(
                len(self.people), generator=random_generator(seed, 1, turn)
            )
            self._order = (turn, order)
        chosen = self._order[1][place * size : (place + 1) * size]
        augmentation = self.config.augmentation
        params = augmentation.draw(size, random_generator(seed, 2, step))
        part = slice(self.context.rank, None, self.context.world)
        return self.people.gather(
            chosen[part], self.input_size, augmentation, params.part(part)
        )

    def loss(self, network, batch) -> LossTerms:
        """The network's own loss, of the stages and joints that are asked for."""
        loss = network.loss(network(batch.images), batch)
        self._require_joint_loss(network, loss, batch)
        self._stages = len(loss.per_joint)
        return self._terms(loss)

    def _require_joint_loss(self, network, loss, batch):
        shape = (len(batch.keypoints), len(self.people.skeleton))
        if (
            isinstance(loss, JointLoss)
            and loss.per_joint.ndim == 3
            and loss.per_joint.shape[1:] == loss.weights.shape == shape
        ):
            return
        got = type(loss).__name__
        if isinstance(loss, JointLoss):
            got = f"{tuple(loss.per_joint.shape)} and {tuple(loss.weights.shape)}"
        raise TrainingError(
            f"{network.name}.loss(outputs, batch) must return "
            "JointLoss(per_joint, weights) of the shapes (stages, people, joints) "
            f"and (people, joints), here (stages, {shape[0]}, {shape[1]}) and "
            f"{shape}; it returned {got}"
        )

    @torch.no_grad()
    def baseline(self, network, batch):
        """The same loss of a constant prediction."""
        constant = network.constant_prediction(self._mean_pose)
        many = len(batch.keypoints)
        if isinstance(constant, tuple):
            output = tuple(part.expand(many, *part.shape[1:]) for part in constant)
        else:
            output = constant.expand(many, *constant.shape[1:])
        return self._terms(network.loss([output] * self._stages, batch)).sums

    def _terms(self, loss: JointLoss) -> LossTerms:
        *early, last = loss.per_joint
        if not self.config.intermediate_supervision:
            early = []
        early = sum((stage.sum() for stage in early), start=last.new_zeros(()))
        count, top = loss.weights.sum(), self.config.ohkm_topk
        if not top:
            return LossTerms((early + last.sum())[None], count[None])
        worst = losses.hardest(last.detach(), top)
        return LossTerms(
            torch.stack([early, last.gather(1, worst).sum()]),
            torch.stack([count, loss.weights.sum(1).clamp(max=top).sum()]),
        )

    def validate(self, network, row: dict) -> dict:
        """PCK of the averaged weights, of trivial answers, and the speed."""
        scores = evaluation.validation_metrics(
            network,
            self.validation,
            self.mean_pose,
            amp=self.config.precision == "bf16",
        )
        speed = row["steps_per_second"] * self.size
        return {
            **{key: row[key] for key in row if key != "steps_per_second"},
            **scores,
            "images_per_second": speed,
        }

    def describe(self, row: dict, epochs: int) -> str:
        """How an epoch went, on a line."""
        return (
            f"epoch {row['epoch']:3d}/{epochs}  "
            f"loss {row['train_loss']:.4g} ({self._constant_name} "
            f"{row['trivial_loss']:.4g})  "
            f"{self.metric} {row['score']:4.1f} (mean pose {row['mean_pose']:.1f}, "
            f"center {row['center_pose']:.1f})  "
            f"deviation {row['prediction_std']:.1f} of {row['label_std']:.1f} px  "
            f"{row['images_per_second']:.0f} pictures/s"
        )

    def metadata(self) -> dict:
        """The mean pose, in input pixels, and who was trained on."""
        return {
            "mean_pose": [
                [None if math.isnan(v) else v for v in point]
                for point in self.mean_pose.tolist()
            ],
            "trained_on": self.people.store.source["dataset"],
        }

    def report(self, folder: Path, network) -> str:
        """``evaluation.json`` and ``predictions.png``; the table, as text."""
        result = evaluation.score(network, self.validation, self.mean_pose)
        write_json(folder / "evaluation.json", result.to_dict())
        draw_predictions(folder / "predictions.png", self.validation, result.in_crops)
        text = str(result)
        if result.prediction_std < 0.25 * result.label_std:
            text += "\n" + _COLLAPSED
            text += _CURE if network.name == "posenet" else ""
        return text


_COLLAPSED = """
The predictions hardly differ between pictures: the network predicts the same
pose, whatever it is shown. A network that has learned nothing from the
pictures does best with the mean pose."""
_CURE = """ As the document's PoseNet is written,
next to nothing of the picture reaches its last layer. Try posecourse train
--model posenet_bn, which normalises after each convolution. (The
document's full size: --option width=1 --input-size 224.)"""
