"""What a training run is made of, and recipes that are known to work.

A run is described by a `TrainConfig`. `config_for` fills one in: from what
suits the network (`PRESETS`), or from a recipe for a data set (`RECIPES`),
and then with what was asked for.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields

from .. import losses, models
from ..transforms import Augmentation

__all__ = [
    "DEFAULT_LOSS",
    "LOSSES",
    "PRESETS",
    "RECIPES",
    "TrainConfig",
    "TrainingError",
    "config_for",
]


class TrainingError(ValueError):
    """Training cannot start or go on; says why and what to do."""


@dataclass
class TrainConfig:
    """Everything that decides how a run ends.

    Parameters
    ----------
    model, options:
        A network of `models.names()` and its options.
    data:
        ``"synthetic"``, or a folder with a data set or a prepared store.
    train_people, valid_people:
        How many of them to use; None for all. Of synthetic people, how
        many to draw.
    difficulty:
        Of synthetic people.
    margin:
        How many standard windows a stored crop shows; what lies around
        the window comes into view when augmentation turns or shrinks it.
    epochs, batch_size:
        The batch is that of all processes together.
    lr, weight_decay:
        Of AdamW; the rate is the highest of the schedule.
    schedule:
        ``"cosine"`` falls to zero; ``"step"`` falls to a tenth after 9/14
        and again after 12/14 of the run: epochs 90 and 120 of 140.
    warmup:
        Fraction of the run in which the rate rises.
    clip:
        Largest norm of the gradient; 0 for no limit.
    ema:
        The weights that are validated and kept are an average over about
        this fraction of the run; 0 for the last weights themselves.
    loss:
        ``"auto"`` (squared error of what the network gives), or a name in
        `LOSSES`.
    supervise:
        Which stages of the network have a loss: ``"all"`` (intermediate
        supervision, as Hourglass, CPM and CPN are published) or
        ``"last"``.
    ohkm_topk:
        The last stage is judged by so many joints of each person only,
        those with the greatest loss (CPN's online hard keypoint mining,
        there 8); 0 for all joints.
    amp:
        ``"bf16"`` computes convolutions with 16 bits, ``"fp32"`` with 32;
        ``"auto"`` takes 16 where the processor is faster at it.
    compile:
        Compile the network first, on a GPU; a CPU gains nothing.
    init:
        A weights file to start from: of the same network, or torchvision's
        ImageNet weights for the ResNet of a SimpleBaseline.
    checkpoint_minutes:
        ``last.pt`` is written after each epoch and this often.
    """

    model: str = "laptop"
    options: dict = field(default_factory=dict)
    data: str = "synthetic"
    train_people: int | None = None
    valid_people: int | None = None
    difficulty: str = "standard"
    margin: float = 1.25
    epochs: int = 10
    batch_size: int = 32
    lr: float = 1e-3
    weight_decay: float = 0.01
    schedule: str = "cosine"
    warmup: float = 0.05
    clip: float = 0.0
    ema: float = 0.02
    loss: str = "auto"
    supervise: str = "all"
    ohkm_topk: int = 0
    augmentation: Augmentation = field(default_factory=Augmentation)
    amp: str = "auto"
    channels_last: bool = True
    compile: bool = False
    device: str = "auto"
    seed: int = 0
    deterministic: bool = False
    checkpoint_minutes: float = 5.0
    init: str | None = None
    out: str | None = None
    resume: str | None = None

    @property
    def input_size(self) -> tuple[int, int]:
        """``(width, height)`` of what the network sees, pixels."""
        size = {**models.options_of(self.model), **self.options}["input_size"]
        return (size, size) if isinstance(size, int) else tuple(size)

    def __post_init__(self):
        if isinstance(self.augmentation, dict):
            self.augmentation = Augmentation(**self.augmentation)
        choices = {
            "schedule": ("cosine", "step"),
            "amp": ("auto", "bf16", "fp32"),
            "loss": ("auto", *LOSSES),
            "supervise": ("all", "last"),
        }
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise TrainingError(
                    f"{name} is one of {', '.join(allowed)}; got "
                    f"{getattr(self, name)!r}"
                )
        for name in ("epochs", "batch_size", "lr"):
            if not getattr(self, name) > 0:
                raise TrainingError(
                    f"{name} must be positive, got {getattr(self, name)}"
                )
        if self.ohkm_topk < 0:
            raise TrainingError(
                f"ohkm_topk is a number of joints, 0 for all; got {self.ohkm_topk}"
            )
        for name in ("warmup", "ema"):
            if not 0 <= getattr(self, name) < 1:
                raise TrainingError(
                    f"{name} is a fraction of the run, got {getattr(self, name)}"
                )


LOSSES = {
    "heatmap_mse": losses.heatmap_mse,
    "coordinate_l1": losses.coordinate_l1,
    "coordinate_l2": losses.coordinate_l2,
}
DEFAULT_LOSS = {"heatmap": "heatmap_mse", "coordinate": "coordinate_l2"}

# People stand upright in most pictures, and a run of minutes sees each of
# them a few times only: little augmentation is enough.
_MILD = Augmentation(
    scale=0.15,
    rotation=15,
    shift=0.02,
    brightness=0.2,
    contrast=0.2,
    saturation=0.2,
    channel_gain=0.1,
)

# What suits each network where nothing else is asked for. These run on two
# CPU cores in minutes.
PRESETS = {
    "laptop": dict(
        options={"input_size": 64},
        epochs=6,
        batch_size=16,
        lr=4e-3,
        weight_decay=0.05,
        warmup=0.1,
        ema=0.05,
        augmentation=_MILD,
    ),
    # a quarter of the document's width on small pictures: enough to see
    # the network say the mean pose, and BatchNorm cure it
    **{
        name: dict(
            options={"input_size": 64, "width": 0.25},
            epochs=3,
            batch_size=32,
            lr=1e-3,
            augmentation=_MILD,
        )
        for name in ("posenet", "posenet_bn")
    },
}


# For photographs in MPII's layout, whatever the network. `batch_size` is
# that of each process.
RECIPES = {
    # SimpleBaseline's published one (Xiao et al. 2018; the file
    # 256x256_d256x3_adam_lr1e-3.yaml of its repository). AdamW without
    # decay is Adam.
    "mpii": dict(
        options={"input_size": 256},
        epochs=140,
        batch_size=32,
        lr=1e-3,
        weight_decay=0.0,
        schedule="step",
        warmup=0.0,
        ema=0.0,
        margin=1.75,
        augmentation=Augmentation(
            scale=0.25,
            rotation=30,
            flip=0.5,
            shift=0,
            brightness=0,
            contrast=0,
            saturation=0,
            channel_gain=0,
            distribution="normal",
            rotation_prob=0.6,
        ),
    ),
    # Ours: larger batches, a rate that never stands still, averaged
    # weights, colours.
    "mpii-fast": dict(
        options={"input_size": 256},
        epochs=80,
        batch_size=256,
        lr=2e-3,
        weight_decay=0.05,
        schedule="cosine",
        warmup=0.05,
        ema=0.01,
        compile=True,
        margin=1.75,
        augmentation=Augmentation(
            scale=0.3, rotation=40, flip=0.5, shift=0.04, erase_prob=0.2
        ),
    ),
    # Photographs on two CPU cores, in half an hour: give it ``--init``
    # weights of drawn people to start from.
    "photos": dict(
        options={"input_size": 64},
        epochs=30,
        batch_size=32,
        lr=2e-3,
        weight_decay=0.05,
        schedule="cosine",
        warmup=0.05,
        ema=0.02,
        margin=1.75,
        augmentation=Augmentation(scale=0.25, rotation=40, flip=0.5, shift=0.04),
    ),
}


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
    models.options_of(model)
    if preset is None:
        chosen = dict(PRESETS.get(model, {}))
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
