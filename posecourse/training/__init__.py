"""Training: one loop for every task, and the run folder that it leaves.

`fit` is the loop; `tasks` say what is learned; `train` does it all for one
person in a crop, which is what ``posecourse train`` calls.
"""

from .fit import TrainingStopped, fit, learning_rate, update_ema
from .recipes import PRESETS, RECIPES
from .run import train
from .run_folder import RunError, RunFolder
from .settings import FitSettings, TrainConfig, TrainingError, config_for, read_config
from .tasks import LossTerms, SinglePerson, Task

__all__ = [
    "PRESETS",
    "RECIPES",
    "FitSettings",
    "LossTerms",
    "RunError",
    "RunFolder",
    "SinglePerson",
    "Task",
    "TrainConfig",
    "TrainingError",
    "TrainingStopped",
    "config_for",
    "fit",
    "learning_rate",
    "read_config",
    "train",
    "update_ema",
]
