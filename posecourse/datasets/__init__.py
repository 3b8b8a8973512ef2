"""Datasets: every one yields the same `Person` record."""

from .aichallenger import AIChallenger
from .annotated import AnnotatedDataset
from .base import DatasetError, DatasetWarning, Person, PoseDataset, Skipped
from .build_crops import crop_in_memory, prepare
from .check import DatasetReport, check
from .coco import COCOKeypoints
from .coco_file import COCOFile, read_coco
from .crops import CropDataset, CropsError
from .download import fetch
from .lsp import LSP
from .mpii import MPII, MPIIGroundTruth
from .prepared import open_crops
from .registry import open_dataset
from .space import CameraSequence, MuCoPicture, read_mpi_inf_3dhp, read_muco

__all__ = [
    "LSP",
    "MPII",
    "AIChallenger",
    "AnnotatedDataset",
    "COCOFile",
    "COCOKeypoints",
    "CameraSequence",
    "CropDataset",
    "CropsError",
    "DatasetError",
    "DatasetReport",
    "DatasetWarning",
    "MPIIGroundTruth",
    "MuCoPicture",
    "Person",
    "PoseDataset",
    "Skipped",
    "SyntheticCrossing",
    "SyntheticMotion",
    "SyntheticPeople",
    "SyntheticScenes",
    "check",
    "crop_in_memory",
    "fetch",
    "open_crops",
    "open_dataset",
    "prepare",
    "read_coco",
    "read_mpi_inf_3dhp",
    "read_muco",
]


def __getattr__(name):
    # Drawing people needs OpenCV from the start; reading files does not.
    if name.startswith("Synthetic") and name in __all__:
        from . import synthetic

        return getattr(synthetic, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return __all__
