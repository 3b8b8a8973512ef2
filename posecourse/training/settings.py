"""What a run is made of.

`FitSettings` is what the loop needs, whatever it trains; `TrainConfig` adds
the network, the people and the loss. `config_for` fills one in: from what
suits the network or from a recipe (`posecourse.training.recipes`), and then
with what was asked for.
"""

from __future__ import annotations

import json
import math
import os
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from .. import models
from ..device import choose_device, prefers_bf16
from ..files import read_json
from ..models.conventions import Conventions
from ..transforms import Augmentation
from .recipes import PRESETS, RECIPES

__all__ = [
    "FitSettings",
    "TrainConfig",
    "TrainingError",
    "config_for",
    "read_config",
]


class TrainingError(ValueError):
    """Training cannot start or go on; says why and what to do."""


def _check(name: str, value, fine: bool, wanted: str):
    if not fine:
        raise TrainingError(f"{name} {wanted}; got {value!r}")


@dataclass
class FitSettings:
    """What decides how a network is fitted, whatever it learns.

    Parameters
    ----------
    epochs:
        How often the task's data are gone through.
    lr, weight_decay:
        Of AdamW; the rate is the highest of the schedule.
    schedule:
        ``"cosine"`` falls to zero; ``"step"`` falls to a tenth after 9/14
        and again after 12/14 of the run: epochs 90 and 120 of 140.
    warmup:
        Fraction of the run in which the rate rises.
    freeze:
        Names of layers that stay as they are (``named_modules``), such as
        the first ones of a trunk that was trained elsewhere: they know edges
        and textures already, and their gradients cost most.
    clip:
        Largest norm of the gradient; 0 for no limit.
    ema:
        The weights that are validated and kept are an average over about
        this fraction of the run; 0 for the last weights themselves.
    amp:
        ``"bf16"`` computes convolutions with 16 bits, ``"fp32"`` with 32;
        ``"auto"`` takes 16 where the processor is faster at it.
    channels_last, compile:
        How the network is laid out in memory; whether it is compiled first,
        on a GPU (a CPU gains nothing).
    device:
        ``"auto"`` takes a GPU if there is one.
    seed:
        Of all random numbers.
    deterministic:
        The same numbers each time, also on a GPU; slower.
    checkpoint_minutes:
        ``last.pt`` is written after each epoch and this often.
    """

    epochs: int = 10
    lr: float = 1e-3
    weight_decay: float = 0.01
    schedule: str = "cosine"
    warmup: float = 0.05
    freeze: tuple[str, ...] = ()
    clip: float = 0.0
    ema: float = 0.02
    amp: str = "auto"
    channels_last: bool = True
    compile: bool = False
    device: str = "auto"
    seed: int = 0
    deterministic: bool = False
    checkpoint_minutes: float = 5.0

    def __post_init__(self):
        fine = not isinstance(self.freeze, str) and all(
            isinstance(name, str) for name in self.freeze
        )
        _check("freeze", self.freeze, fine, "is a list of layers' names")
        self.freeze = tuple(self.freeze)
        for name, allowed in self._choices().items():
            value = getattr(self, name)
            _check(name, value, value in allowed, f"is one of {', '.join(allowed)}")
        for name in self._counts():
            value = getattr(self, name)
            whole = isinstance(value, int) and not isinstance(value, bool)
            _check(name, value, whole and value > 0, "must be a whole number from 1")
        for name in ("lr", "checkpoint_minutes"):
            value = getattr(self, name)
            fine = _is_number(value) and 0 < value < math.inf
            _check(name, value, fine, "must be a positive, finite number")
        for name in ("weight_decay", "clip"):
            value = getattr(self, name)
            fine = _is_number(value) and 0 <= value < math.inf
            _check(name, value, fine, "must be a finite number from 0")
        for name in ("warmup", "ema"):
            value = getattr(self, name)
            fine = _is_number(value) and 0 <= value < 1
            _check(name, value, fine, "is a fraction of the run, from 0 and below 1")
        _check("seed", self.seed, isinstance(self.seed, int), "must be a whole number")

    def _choices(self) -> dict[str, tuple]:
        return {"schedule": ("cosine", "step"), "amp": ("auto", "bf16", "fp32")}

    def _counts(self) -> tuple[str, ...]:
        return ("epochs",)

    @property
    def precision(self) -> str:
        """``"bf16"`` or ``"fp32"``: what ``amp`` comes to on this device."""
        if self.amp != "auto":
            return self.amp
        return "bf16" if prefers_bf16(choose_device(self.device)) else "fp32"


def _is_number(value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


@dataclass
class TrainConfig(FitSettings):
    """Everything that decides how a run of the command line ends.

    Parameters
    ----------
    model, options:
        A network of `models.names()` and its options.
    data:
        ``"synthetic"``, or a folder with a data set or a prepared store;
        ``"own"`` where people were given from Python.
    train_people, valid_people:
        How many of them to use; None for all. Of synthetic people, how
        many to draw.
    difficulty:
        Of synthetic people.
    margin:
        How many standard windows a stored crop shows; what lies around
        the window comes into view when augmentation turns or shrinks it.
    batch_size:
        That of all processes together.
    validate_every:
        Steps that make an "epoch" of the log; 0 for a pass through the
        people.
    loss:
        ``"auto"`` (what suits the network), or a name in `models.LOSSES`;
        the name of your function where one was given from Python.
    intermediate_supervision:
        Whether all stages of the network have a loss, as Hourglass, CPM and
        CPN are published, or the last one only.
    ohkm_topk:
        The last stage is judged by so many joints of each person only,
        those with the greatest loss (CPN's online hard keypoint mining,
        there 8); 0 for all joints.
    init:
        Weights to start from: a file or a run folder, of the same network,
        or torchvision's ImageNet weights for the ResNet of a
        SimpleBaseline; ``"imagenet"`` for a network on EfficientNet-Lite.
    out, resume:
        The run folder to make, or to go on with.
    people:
        What the run was trained and validated on; written by the run.
    conventions:
        How the network is fed, where that is not this package's way
        (`models.checkpoints`); written by the run.

    Other parameters as in `FitSettings`.
    """

    model: str = "laptop"
    options: dict = field(default_factory=dict)
    data: str = "synthetic"
    train_people: int | None = None
    valid_people: int | None = None
    difficulty: str = "standard"
    margin: float = 1.25
    batch_size: int = 32
    validate_every: int = 0
    loss: str = "auto"
    intermediate_supervision: bool = True
    ohkm_topk: int = 0
    augmentation: Augmentation = field(default_factory=Augmentation)
    init: str | None = None
    out: str | None = None
    resume: str | None = None
    people: dict = field(default_factory=dict)
    conventions: Conventions | None = None

    def __post_init__(self):
        if isinstance(self.augmentation, dict):
            self.augmentation = Augmentation(**self.augmentation)
        if isinstance(self.conventions, dict):
            self.conventions = Conventions(**self.conventions)
        super().__post_init__()
        for name in ("train_people", "valid_people"):
            value = getattr(self, name)
            fine = value is None or (isinstance(value, int) and value > 0)
            _check(name, value, fine, "must be a whole number from 1, or None for all")
        for name in ("ohkm_topk", "validate_every"):
            value = getattr(self, name)
            fine = isinstance(value, int) and value >= 0
            _check(name, value, fine, "must be a whole number from 0")
        fine = _is_number(self.margin) and 0 < self.margin < math.inf
        _check("margin", self.margin, fine, "must be a positive, finite number")
        if self.out is not None and not str(self.out).strip():
            raise TrainingError("out is the name of a folder; got an empty one")
        if not self.resume:
            models.check_options(self.model, self.options)
        if self.loss == "ohkm" and not self.ohkm_topk:
            self.ohkm_topk = 8

    def _counts(self) -> tuple[str, ...]:
        return ("epochs", "batch_size")

    @property
    def input_size(self) -> tuple[int, int]:
        """``(width, height)`` of what the network sees, pixels."""
        size = {**models.options_of(self.model), **self.options}["input_size"]
        return (size, size) if isinstance(size, int) else tuple(size)

    def to_json(self) -> str:
        """What decides the result, as text: equal for equal runs."""
        content = asdict(self)
        for name in ("device", "out", "resume", "checkpoint_minutes"):
            content.pop(name)
        if not self.freeze:  # checkpoints from before it could be asked for
            content.pop("freeze")
        return json.dumps(content, sort_keys=True)


def config_for(
    model: str = "laptop",
    options: dict | None = None,
    preset: str | None = None,
    **changes,
) -> TrainConfig:
    """A network's preset, or a recipe, with some fields changed.

    Parameters
    ----------
    model, options:
        The network; `options` are added to those of the preset.
    preset:
        A name in `RECIPES` instead of the network's own preset. Its batch
        size is meant for each process: under ``torchrun`` it is multiplied
        by their number.
    changes:
        Fields of `TrainConfig`; those that are None keep their value.
    """
    models.options_of(model)  # says which networks there are
    if preset is None:
        chosen: dict[str, Any] = dict(PRESETS.get(model, {}))
    elif preset in RECIPES:
        chosen = dict(RECIPES[preset])
        chosen["batch_size"] *= int(os.environ.get("WORLD_SIZE", 1))
    else:
        raise TrainingError(
            f"there is no preset {preset!r}; choose one of "
            f"{', '.join(RECIPES)}, or none for what suits "
            "the network"
        )
    chosen["options"] = {**chosen.get("options", {}), **(options or {})}
    known = {f.name for f in fields(TrainConfig)}
    unknown = sorted(set(changes) - known)
    if unknown:
        raise TrainingError(
            f"training has no setting {unknown[0]!r}; it has {', '.join(sorted(known))}"
        )
    changes = {k: v for k, v in changes.items() if v is not None}
    return TrainConfig(model=model, **{**chosen, **changes})


# What fields of config.json were called before.
_RENAMED = {"hard_joints": "ohkm_topk"}
_AUGMENTATION_RENAMED = {
    "turn": "rotation_prob",
    "tint": "channel_gain",
    "erase": "erase_prob",
}


def read_config(folder, **changes) -> TrainConfig:
    """The settings of a run folder, also of one from an earlier version.

    Parameters
    ----------
    folder:
        The run folder.
    changes:
        Fields that are changed.

    Raises
    ------
    FileNotFoundError
        If it is no run folder.
    TrainingError
        If its ``config.json`` cannot be used.
    """
    path = Path(folder) / "config.json"
    if not path.is_file():
        raise FileNotFoundError(f"{folder} is not a run folder: it has no config.json")
    try:
        content = read_json(path)
        missing = {"model", "data", "epochs"} - set(content)
        if missing:
            raise ValueError(f"it says no {', '.join(sorted(missing))}")
        content = {_RENAMED.get(key, key): value for key, value in content.items()}
        if "supervise" in content:
            content["intermediate_supervision"] = content.pop("supervise") == "all"
        if isinstance(content.get("augmentation"), dict):
            content["augmentation"] = {
                _AUGMENTATION_RENAMED.get(key, key): value
                for key, value in content["augmentation"].items()
            }
        return TrainConfig(**{**content, **changes})
    except (ValueError, TypeError, AttributeError) as error:
        raise TrainingError(f"{path} cannot be used: {error}") from None
