"""Learning to lift: the task for `posecourse.training.fit`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from ..files import write_json
from ..skeletons import MPII, Skeleton
from ..training.tasks import LossTerms, random_generator
from .lifter import Lifter
from .mixing import mix_limbs
from .views import Disturbance, Views, random_views

__all__ = ["LiftingTask", "joint_distances"]

_MILLIMETRES = 1000.0


def joint_distances(predicted, target):
    """How far each joint is off, ``(..., K)``: the loss of a lifter, and MPJPE.

    ``(..., K, 3)`` tensors each. Where the two agree the gradient is 0.
    """
    return torch.linalg.vector_norm(predicted - target, dim=-1)


class LiftingTask:
    """Poses in space, seen by another camera in every step.

    Parameters
    ----------
    clips:
        ``(N, T, K, 3)`` metres in the world: people in motion, equally far
        apart in time. Windows of them are drawn.
    stills:
        ``(M, K, 3)``: people in one pose each; None for none. They are half of
        each batch.
    validation:
        ``(P, T, K, 3)`` clips of other people, of as many frames as the network
        looks at.
    frames:
        That the network looks at; 1 for a `LiftingNetwork`.
    strides:
        Distances between the frames of a window, of which one is drawn: with 1
        and 2, the same network works for 12 and for 24 frames a second.
    mixed:
        Share of the bodies whose arms, and of those whose legs, do what
        another's of the batch do (`mix_limbs`).
    """

    terms, metric, partial_gradients = 1, "MPJPE, mm", False

    def __init__(
        self,
        clips,
        stills,
        validation,
        frames: int = 1,
        size: int = 256,
        steps_per_epoch: int = 500,
        seed: int = 0,
        strides=(1, 2),
        mixed: float = 0.0,
        disturbance: Disturbance | None = None,
        skeleton: Skeleton = MPII,
    ):
        self.clips = torch.as_tensor(np.asarray(clips), dtype=torch.float32)
        self.stills = None
        if stills is not None:
            self.stills = torch.as_tensor(np.asarray(stills), dtype=torch.float32)
        self.frames, self.size, self.seed = frames, size, seed
        self.strides = strides if frames > 1 else (1,)
        self.mixed = mixed
        reach = (frames - 1) * max(self.strides) + 1
        if self.clips.ndim != 4 or self.clips.shape[1] < reach:
            raise ValueError(
                f"clips must be (N, T, K, 3) with at least {reach} frames, got "
                f"{tuple(self.clips.shape)}"
            )
        self.steps_per_epoch = steps_per_epoch
        self.disturbance = Disturbance() if disturbance is None else disturbance
        self.skeleton = skeleton
        held = torch.as_tensor(np.asarray(validation), dtype=torch.float32)
        self.validation = random_views(
            held, random_generator(seed, 3, 0), None, skeleton
        )
        some = torch.cat([self.batch(step).target for step in range(8)])
        self.mean_pose = some.mean(0)

    def batch(self, step: int) -> Views:
        """Windows of clips, and people who stand still, from random cameras."""
        generator = random_generator(self.seed, 1, step)

        def whole(high, count):
            return torch.randint(high, (count,), generator=generator)

        count = self.size if self.stills is None else self.size // 2
        stride = self.strides[int(whole(len(self.strides), 1))]
        rows = whole(len(self.clips), count)
        reach = (self.frames - 1) * stride
        first = whole(self.clips.shape[1] - reach, count)
        times = first[:, None] + stride * torch.arange(self.frames)
        chosen = self.clips[rows[:, None], times]
        if self.stills is not None:
            still = self.stills[whole(len(self.stills), self.size - count)]
            still = still[:, None].expand(-1, self.frames, -1, -1)
            chosen = torch.cat([chosen, still])
        if self.mixed:
            others = chosen[torch.randperm(len(chosen), generator=generator)]
            chosen = mix_limbs(chosen, others, self.mixed, generator, self.skeleton)
        return random_views(chosen, generator, self.disturbance, self.skeleton)

    def loss(self, network, batch: Views) -> LossTerms:
        """The mean distance of the joints, metres."""
        off = joint_distances(_answer(network, batch.inputs), batch.target)
        return self._terms(off)

    def baseline(self, network, batch: Views):
        """The same for the mean pose of the training people."""
        return self._terms(joint_distances(self.mean_pose, batch.target)).sums

    def _terms(self, off) -> LossTerms:
        # the root is 0 by definition, and no merit
        count = off.new_tensor(float(off.shape[0] * (off.shape[1] - 1)))
        return LossTerms(off.sum()[None], count[None])

    @torch.no_grad()
    def validate(self, network, row: dict) -> dict:
        """MPJPE from exact positions, millimetres, beside the mean pose's."""
        network.eval()
        answers = _answer(network, self.validation.inputs)
        others = len(self.skeleton) - 1
        score, mean = (
            _MILLIMETRES
            * float(joint_distances(a, self.validation.target).sum(1).mean())
            for a in (answers, self.mean_pose)
        )
        return {**row, "score": score / others, "mean_pose": mean / others}

    def describe(self, row: dict, epochs: int) -> str:
        """How an epoch went, on a line."""
        return (
            f"epoch {row['epoch']:3d}/{epochs}  loss {1000 * row['train_loss']:.1f} mm "
            f"(mean pose {1000 * row['trivial_loss']:.1f})  "
            f"MPJPE {row['score']:.1f} mm (mean pose {row['mean_pose']:.1f})"
        )

    def metadata(self) -> dict:
        """What is written beside the weights."""
        return {"trained_on": "drawn people"}

    def report(self, folder: Path, network) -> str:
        """Writes the weights and ``evaluation.json``; the score, as text."""
        lifter = Lifter(network, self.skeleton)
        lifter.save(Path(folder) / "weights.safetensors", **self.metadata())
        row = self.validate(network, {})
        write_json(Path(folder) / "evaluation.json", row)
        return f"MPJPE {row['score']:.1f} mm (mean pose {row['mean_pose']:.1f} mm)"


def _answer(network, inputs):
    """A network's answer for the middle frame, ``(N, K, 3)``."""
    if network.frames == 1:
        return network(inputs[:, inputs.shape[1] // 2])
    return network(inputs)[:, 0]
