"""Datasets: every one yields the same `Person` record."""

from .aichallenger import AIChallenger
from .base import DatasetError, Person, PoseDataset
from .check import DatasetReport, check
from .coco import COCOKeypoints
from .download import fetch
from .lsp import LSP
from .mpii import MPII, MPIIGroundTruth
from .opening import open_dataset
from .store import PeopleStore, StoreError, prepare

__all__ = [
    "AIChallenger",
    "COCOKeypoints",
    "DatasetError",
    "DatasetReport",
    "LSP",
    "MPII",
    "MPIIGroundTruth",
    "PeopleStore",
    "Person",
    "PoseDataset",
    "StoreError",
    "SyntheticPeople",
    "check",
    "fetch",
    "open_dataset",
    "prepare",
]


def __getattr__(name):
    # Drawing people needs OpenCV from the start; reading files does not.
    if name == "SyntheticPeople":
        from .synthetic import SyntheticPeople

        return SyntheticPeople
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
