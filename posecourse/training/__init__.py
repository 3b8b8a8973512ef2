"""Training: one loop for every task, and the run folder that it leaves."""

from .fit import TrainingStopped, train
from .settings import PRESETS, RECIPES, TrainConfig, TrainingError, config_for

__all__ = [
    "PRESETS",
    "RECIPES",
    "TrainConfig",
    "TrainingError",
    "TrainingStopped",
    "config_for",
    "train",
]
