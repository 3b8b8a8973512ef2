"""What somebody does, told from a sequence of poses.

A sequence is ``(T, K, 2)`` keypoints at ``(T,)`` seconds; a picture is not
needed any more. Three steps make sequences comparable, and each can be left
out to see what it is worth:

- `resample`: gaps are bridged, and all have the same number of moments;
- `body_centred`: the place in the picture and the size of the person go;
- a distance (`NearestNeighbor` with `dtw_distances`) or a network
  (`ActionNetwork`, trained by `fit` with `ActionTask`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ..files import atomic_path, write_json
from ..geometry import as_array
from ..models.state_dicts import WeightsError, fill, read_state_dict
from ..places import course_folder
from ..skeletons import MPII, Skeleton, get_skeleton
from ..training.tasks import LossTerms, random_generator

__all__ = [
    "ActionNetwork",
    "ActionRecognizer",
    "ActionTask",
    "NearestNeighbor",
    "body_centred",
    "dtw_distances",
    "resample",
]


# -------------------------------------------------- to comparable sequences


def resample(keypoints, times, count: int) -> np.ndarray:
    """A sequence at `count` evenly spaced moments, its gaps bridged.

    Between two moments at which a coordinate is known it goes along a line;
    before the first and after the last it stays. A coordinate that is never
    known is 0.

    `keypoints` ``(T, K, 2)``, `times` ``(T,)`` seconds, increasing; returns
    ``(count, K, 2)`` from the first to the last moment.
    """
    keypoints, times = as_array(keypoints), as_array(times)
    if keypoints.ndim != 3 or times.shape != keypoints.shape[:1] or not len(times):
        raise ValueError(
            "a sequence is (T, K, 2) at times (T,), T at least 1; got "
            f"{keypoints.shape} and {times.shape}"
        )
    if not (np.diff(times) > 0).all() or not np.isfinite(times).all():
        raise ValueError("the times must increase from one moment to the next")
    if count < 1:
        raise ValueError(f"count is a number of moments from 1; got {count}")
    moments = np.linspace(times[0], times[-1], count)
    flat = keypoints.reshape(len(times), -1)
    out = np.zeros((count, flat.shape[1]))
    for column, known in enumerate(np.isfinite(flat).T):
        if known.any():
            out[:, column] = np.interp(moments, times[known], flat[known, column])
    return out.reshape(count, *keypoints.shape[1:])


def body_centred(
    keypoints, skeleton: Skeleton | str = MPII, move: bool = True, scale: bool = True
) -> np.ndarray:
    """Sequences whose place and size in the picture are taken out.

    The middle between the hips, averaged over the sequence, is the origin, and
    the median length of the torso is 1. Both are one for the whole sequence:
    who falls still comes down, and who runs still bobs.

    Parameters
    ----------
    keypoints:
        ``(..., T, K, 2)``, complete; see `resample`.
    move, scale:
        Whether to take out the place, and the size.
    """
    skeleton, points = get_skeleton(skeleton), as_array(keypoints)
    if points.ndim < 3 or points.shape[-2:] != (len(skeleton), 2):
        raise ValueError(
            f"sequences of {skeleton.name} are (..., T, {len(skeleton)}, 2), "
            f"not {points.shape}"
        )
    hips, shoulders = (
        (
            points[..., skeleton.index(f"right_{j}"), :]
            + points[..., skeleton.index(f"left_{j}"), :]
        )
        / 2
        for j in ("hip", "shoulder")
    )
    if move:
        points = points - hips.mean(-2)[..., None, None, :]
    if scale:
        torso = np.median(np.linalg.norm(shoulders - hips, axis=-1), axis=-1)
        points = points / np.where(torso > 0, torso, 1)[..., None, None, None]
    return points


# ----------------------------------------------------- nearest neighbours


def dtw_distances(sequence, others, band: float = 0.2) -> np.ndarray:
    """Distances after dynamic time warping.

    Both sequences are walked through from beginning to end; at each step one
    of them, or both, go on by a moment. The distance is the smallest sum of
    Euclidean distances on such a walk, divided by the number of moments.
    Sakoe, Chiba: Dynamic Programming Algorithm Optimization for Spoken Word
    Recognition (1978).

    Parameters
    ----------
    sequence, others:
        ``(T, ...)`` and ``(N, S, ...)``.
    band:
        How far one may run ahead of the other, as a share of its length.

    Returns
    -------
    ``(N,)``.
    """
    one, many = as_array(sequence), as_array(others)
    if one.ndim < 1 or many.ndim != one.ndim + 1 or one.shape[1:] != many.shape[2:]:
        raise ValueError(
            f"(T, ...) and (N, S, ...) are expected, got {one.shape}, {many.shape}"
        )
    if not len(one) or not many.shape[1]:
        raise ValueError("a sequence without a moment has no distance")
    one, many = one.reshape(len(one), -1), many.reshape(*many.shape[:2], -1)
    squares = (one**2).sum(-1)[:, None] + (many**2).sum(-1)[:, None]
    costs = np.sqrt(np.maximum(squares - 2 * one @ many.swapaxes(1, 2), 0))
    rows, columns = costs.shape[1:]
    reach = max(band * max(rows, columns), abs(rows - columns) / 2 + 1)
    best = np.full((rows + 1, columns + 1, len(many)), np.inf)
    best[0, 0] = 0
    for i in range(rows):
        along = i * (columns - 1) / max(rows - 1, 1)
        low, high = max(0, round(along - reach)), min(columns, round(along + reach) + 1)
        for j in range(low, high):
            before = np.minimum(best[i, j], np.minimum(best[i, j + 1], best[i + 1, j]))
            best[i + 1, j + 1] = costs[:, i, j] + before
    return best[rows, columns] / max(rows, columns)


class NearestNeighbor:
    """Says of a sequence what the most similar known one is.

    Parameters
    ----------
    sequences, labels:
        ``(N, S, ...)`` and ``(N,)``.
    band:
        As in `dtw_distances`; None compares moment by moment, without
        warping.
    """

    def __init__(self, sequences, labels, band: float | None = 0.2):
        self.sequences, self.labels = as_array(sequences), np.asarray(labels)
        self.band = band
        if not len(self.sequences) or self.labels.shape != self.sequences.shape[:1]:
            raise ValueError(
                "a label for each sequence, and one at least; got "
                f"{self.labels.shape} and {self.sequences.shape}"
            )

    def predict(self, sequences) -> np.ndarray:
        """Labels ``(M,)`` of sequences ``(M, S, ...)``."""
        return np.array([self.labels[self._distances(s).argmin()] for s in sequences])

    def _distances(self, sequence):
        if self.band is not None:
            return dtw_distances(sequence, self.sequences, self.band)
        off = self.sequences - as_array(sequence)
        return np.linalg.norm(off.reshape(*off.shape[:2], -1), axis=-1).mean(-1)


# -------------------------------------------------------- temporal network


class ActionNetwork(nn.Module):
    """Convolutions along time over places and velocities of the joints.

    Takes ``(N, T, K, 2)`` body-centred sequences of any length T from 2, and
    gives logits ``(N, classes)``: the maximum and the mean over time decide.
    """

    def __init__(
        self,
        classes: int,
        joints: int = 16,
        channels: int = 64,
        blocks: int = 2,
        dropout: float = 0.3,
    ):
        super().__init__()
        self.options = {
            "classes": classes,
            "joints": joints,
            "channels": channels,
            "blocks": blocks,
            "dropout": dropout,
        }
        self.first = nn.Sequential(
            nn.Conv1d(4 * joints, channels, 1), nn.BatchNorm1d(channels), nn.ReLU()
        )
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Conv1d(channels, channels, 5, padding=2 * 2**i, dilation=2**i),
                nn.BatchNorm1d(channels),
                nn.ReLU(),
                nn.Dropout(dropout),
            )
            for i in range(blocks)
        )
        self.last = nn.Linear(2 * channels, classes)

    def forward(self, sequences):
        x = sequences.flatten(2).transpose(1, 2)  # (N, 2 K, T)
        # velocities per moment, as large as places
        speed = 4 * F.pad(x[..., 1:] - x[..., :-1], (1, 0), mode="replicate")
        x = self.first(torch.cat([x, speed], 1))
        for block in self.blocks:
            x = x + block(x)
        return self.last(torch.cat([x.amax(-1), x.mean(-1)], 1))


class ActionTask:
    """Which action a sequence shows: the task for `posecourse.training.fit`.

    Training sequences are varied: mirrored, cut and stretched in time, turned
    and scaled a little, shaken, and with left and right exchanged for a while,
    as pose networks do.

    Parameters
    ----------
    training, validation:
        ``(sequences, labels)``: ``(N, T, K, 2)`` body-centred, ``(N,)``
        numbers of the classes.
    classes:
        Their names.
    noise:
        Standard deviation of the shaking, torso lengths.
    steps_per_epoch:
        Default: as many as show each sequence once, on average.
    """

    terms, metric, partial_gradients = 1, "accuracy, %", False

    def __init__(
        self,
        training,
        validation,
        classes: Sequence[str],
        skeleton: Skeleton | str = MPII,
        batch_size: int = 64,
        seed: int = 0,
        noise: float = 0.03,
        steps_per_epoch: int | None = None,
    ):
        self.classes, self.skeleton = tuple(classes), get_skeleton(skeleton)
        self.training, self.validation = map(self._checked, (training, validation))
        self.size, self.seed, self.noise = batch_size, seed, noise
        count = len(self.training[1])
        self.steps_per_epoch = steps_per_epoch or max(1, count // batch_size)
        counts = torch.bincount(self.training[1], minlength=len(self.classes))
        self.shares = counts / count

    def _checked(self, data):
        sequences, labels = data
        sequences = torch.as_tensor(np.asarray(sequences), dtype=torch.float32)
        labels = torch.as_tensor(np.asarray(labels), dtype=torch.int64)
        if (
            sequences.ndim != 4
            or sequences.shape[2:] != (len(self.skeleton), 2)
            or labels.shape != sequences.shape[:1]
            or not len(labels)
        ):
            raise ValueError(
                f"sequences are (N, T, {len(self.skeleton)}, 2) with a label each, N "
                f"at least 1; got {tuple(sequences.shape)}, {tuple(labels.shape)}"
            )
        if not bool(sequences.isfinite().all()):
            raise ValueError("a sequence has gaps (NaN): bridge them with resample")
        if not 0 <= int(labels.min()) <= int(labels.max()) < len(self.classes):
            raise ValueError(f"labels are numbers below {len(self.classes)}")
        return sequences, labels

    def batch(self, step: int):
        """``(sequences, labels)`` of a step, varied."""
        sequences, labels = self.training
        generator = random_generator(self.seed, 1, step)
        chosen = torch.randint(len(labels), (self.size,), generator=generator)
        return self._vary(sequences[chosen], generator), labels[chosen]

    def _vary(self, x, generator):
        count, moments = x.shape[:2]

        def uniform(low, high, *shape):
            return low + (high - low) * torch.rand(count, *shape, generator=generator)

        # cut and stretched: a part of 70 to 100 % of it
        part = uniform(0.7, 1)
        place = (uniform(0, 1) * (1 - part))[:, None] * (moments - 1)
        place = place + part[:, None] * torch.arange(moments)
        low = place.floor().clamp(max=moments - 2).long()
        rest = (place - low)[..., None, None]
        rows = torch.arange(count)[:, None]
        x = (1 - rest) * x[rows, low] + rest * x[rows, low + 1]

        pairs = torch.as_tensor(self.skeleton.flip_permutation)
        mirrored = uniform(0, 1) < 0.5
        x = torch.where(
            mirrored[:, None, None, None], x[:, :, pairs] * torch.tensor([-1.0, 1]), x
        )
        when = torch.arange(moments) / moments
        start, length = uniform(-0.3, 1, 1), uniform(0, 0.3, 1)
        exchanged = (when >= start) & (when < start + length)
        x = torch.where(exchanged[..., None, None], x[:, :, pairs], x)

        turn, size = uniform(-0.15, 0.15), uniform(0.85, 1.15)
        cos, sin = (
            (size * turn.cos())[:, None, None],
            (size * turn.sin())[:, None, None],
        )
        x = torch.stack(
            [cos * x[..., 0] - sin * x[..., 1], sin * x[..., 0] + cos * x[..., 1]], -1
        )
        return x + self.noise * torch.randn(x.shape, generator=generator)

    def loss(self, network, batch) -> LossTerms:
        """The cross-entropy."""
        sequences, labels = batch
        value = F.cross_entropy(network(sequences), labels, reduction="sum")
        return LossTerms(value[None], torch.tensor([float(len(labels))]))

    def baseline(self, network, batch):
        """The same for an answer that knows only how frequent each class is."""
        return -self.shares.clamp(min=1e-9).log()[batch[1]].sum()[None]

    @torch.no_grad()
    def validate(self, network, row: dict) -> dict:
        """Accuracy in percent, beside that of the most frequent class."""
        sequences, labels = self.validation
        right = network(sequences).argmax(1) == labels
        most = (labels == self.shares.argmax()).float().mean()
        return {
            **row,
            "score": 100 * float(right.float().mean()),
            "most_frequent": 100 * float(most),
        }

    def describe(self, row: dict, epochs: int) -> str:
        """How an epoch went, on a line."""
        return (
            f"epoch {row['epoch']:3d}/{epochs}  loss {row['train_loss']:.3f} (shares of "
            f"the classes {row['trivial_loss']:.3f})  accuracy {row['score']:.1f} % "
            f"(most frequent {row['most_frequent']:.1f} %)"
        )

    def metadata(self) -> dict:
        """The names of the classes."""
        return {"classes": list(self.classes)}

    def report(self, folder: Path, network) -> str:
        """``weights.safetensors`` and ``evaluation.json``; the score, as text."""
        recognizer = ActionRecognizer(
            network, self.classes, self.validation[0].shape[1], self.skeleton
        )
        recognizer.save(Path(folder) / "weights.safetensors")
        row = self.validate(network, {})
        write_json(Path(folder) / "evaluation.json", row)
        return f"accuracy {row['score']:.1f} % (most frequent {row['most_frequent']:.1f} %)"


class ActionRecognizer:
    """A trained network with all that is done before it.

    Parameters
    ----------
    network:
        An `ActionNetwork`.
    classes:
        Their names.
    moments:
        How many each sequence is brought to.
    """

    def __init__(self, network, classes, moments: int, skeleton: Skeleton | str = MPII):
        self.network, self.classes = network.eval(), tuple(classes)
        self.moments, self.skeleton = moments, get_skeleton(skeleton)

    @torch.no_grad()
    def __call__(self, keypoints, times) -> dict[str, float]:
        """The probability of each class, the most probable first.

        `keypoints` ``(T, K, 2)`` pixels, NaN where they are not known, at
        `times` ``(T,)`` seconds: about as many seconds as the network was
        trained on.
        """
        sequence = resample(keypoints, times, self.moments)
        (chances,) = self.probabilities(body_centred(sequence, self.skeleton)[None])
        order = np.argsort(-chances)
        return {self.classes[i]: float(chances[i]) for i in order}

    @torch.no_grad()
    def probabilities(self, sequences) -> np.ndarray:
        """``(N, classes)`` of body-centred sequences ``(N, T, K, 2)``."""
        x = torch.as_tensor(np.asarray(sequences), dtype=torch.float32)
        return self.network(x).softmax(1).double().numpy()

    def save(self, path) -> Path:
        """Write one safetensors file, with all that `load` needs."""
        from safetensors.torch import save

        about = {
            "model": "actions",
            "options": json.dumps(self.network.options),
            "classes": json.dumps(self.classes),
            "moments": str(self.moments),
            "skeleton": self.skeleton.name,
        }
        tensors = {
            key: value.detach().cpu().contiguous().clone()
            for key, value in self.network.state_dict().items()
        }
        with atomic_path(path) as temporary:
            temporary.write_bytes(save(tensors, about))
        return Path(path)

    @classmethod
    def load(cls, path=None) -> ActionRecognizer:
        """What `save` has written; without a path, the one of the course.

        Raises
        ------
        FileNotFoundError, WeightsError
            If there is no such file, or it holds something else.
        """
        if path is None:
            path = course_folder() / "data" / "studies" / "actions.safetensors"
        tensors, about = read_state_dict(path)
        if about.get("model") != "actions":
            raise WeightsError(
                f"{path} holds no recognizer of actions; posecourse.models.load_model "
                "reads networks that look at pictures"
            )
        try:
            network = ActionNetwork(**json.loads(about["options"]))
            classes, moments = json.loads(about["classes"]), int(about["moments"])
            skeleton = get_skeleton(about["skeleton"])
        except (KeyError, ValueError, TypeError) as error:
            raise WeightsError(
                f"{path}: what the file says about its network is broken: {error}"
            ) from None
        fill(network, tensors, path)
        return cls(network, classes, moments, skeleton)
