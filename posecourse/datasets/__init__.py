"""Datasets: every one yields the same `Person` record."""

from .aichallenger import AIChallenger
from .base import DatasetError, Person, PoseDataset
from .build_crops import crop_in_memory, prepare
from .check import DatasetReport, check
from .coco import COCOKeypoints
from .crops import CropDataset, CropsError
from .download import fetch
from .lsp import LSP
from .mpii import MPII, MPIIGroundTruth
from .prepared import open_crops
from .registry import open_dataset

__all__ = [
    "AIChallenger",
    "COCOKeypoints",
    "DatasetError",
    "DatasetReport",
    "LSP",
    "MPII",
    "MPIIGroundTruth",
    "CropDataset",
    "Person",
    "PoseDataset",
    "CropsError",
    "SyntheticPeople",
    "check",
    "crop_in_memory",
    "fetch",
    "open_crops",
    "open_dataset",
    "prepare",
]


def __getattr__(name):
    # Drawing people needs OpenCV from the start; reading files does not.
    if name == "SyntheticPeople":
        from .synthetic import SyntheticPeople

        return SyntheticPeople
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
