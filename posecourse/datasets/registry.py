"""Finding out which dataset a path is."""

from __future__ import annotations

from pathlib import Path

from .aichallenger import AIChallenger
from .base import DatasetError, PoseDataset
from .coco import COCOKeypoints
from .lsp import LSP
from .mpii import MPII
from .parsing import load_json, mat_names

__all__ = ["open_dataset"]

# How many built-in people a split has; nobody is in two of them.
_SYNTHETIC = {"train": 8000, "valid": 1000, "test": 1000}


def open_dataset(spec, split: str = "valid", **options) -> PoseDataset:
    """The dataset that a word or a path stands for.

    Parameters
    ----------
    spec:
        - ``"synthetic"``: the built-in people;
        - a folder with MPII, COCO keypoints, AI Challenger or Leeds Sports
          Pose in it, in the layout in which they are distributed;
        - one of their annotation files; MPII's and LSP's pictures are then
          looked for in ``images/`` beside it or beside its folder.
    split:
        ``"train"``, ``"valid"``, for MPII also ``"trainval"`` and
        ``"test"``.
    options:
        For ``"synthetic"`` only: `SyntheticPeople`'s arguments
        (``count=2000, size=128, ...``).

    Raises
    ------
    FileNotFoundError
        If nothing is found; the message says what was looked for.
    """
    if spec == "synthetic":
        from .synthetic import SyntheticPeople

        if split not in _SYNTHETIC:
            raise ValueError(
                f"the built-in people have the splits "
                f"{', '.join(_SYNTHETIC)}, not {split!r}"
            )
        return SyntheticPeople(
            **{"count": _SYNTHETIC[split], "split": split, **options}
        )
    if options:
        raise ValueError(
            f'{", ".join(options)}: only the built-in people ("synthetic") take options'
        )
    path = Path(spec)
    if path.is_file():
        return _from_file(path, split)
    if not path.is_dir():
        raise FileNotFoundError(
            f"no dataset {str(spec)!r}: neither a folder, nor a file, nor "
            'the word "synthetic"'
        )
    return _from_folder(path, split)


def _from_folder(root: Path, split: str) -> PoseDataset:
    if MPII.find(root, split):
        return MPII(root, split)
    for reader in (COCOKeypoints, AIChallenger):
        annotations = reader.find(root, split)
        if annotations:
            return reader(annotations)
    if (root / "joints.mat").is_file():
        return LSP(root, split)
    if (root / "store.json").is_file():
        raise DatasetError(
            f"{root} is a prepared store, not a dataset; open it with CropDataset.open"
        )
    here = sorted(entry.name for entry in root.iterdir())
    raise FileNotFoundError(
        f"no dataset with a split {split!r} in {root}. Looked for\n"
        f"  MPII: {', '.join(MPII.places(split))}\n"
        f"  COCO: {', '.join(COCOKeypoints.places(split))}\n"
        f"  AI Challenger: {', '.join(AIChallenger.places(split))}\n"
        "  Leeds Sports Pose: joints.mat\n"
        f"The folder has {', '.join(here[:8]) or 'nothing in it'}"
        f"{', ...' if len(here) > 8 else ''}."
    )


def _from_file(path: Path, split: str) -> PoseDataset:
    root = path.parent
    if root.name in ("annot", "annotations"):
        root = root.parent
    if path.suffix == ".mat":
        if "joints" in mat_names(path):
            return LSP(path.parent, split)
        return MPII(root, split, annotations=path)
    content = load_json(path)
    if isinstance(content, dict) and "annotations" in content:
        return COCOKeypoints(path)
    first = content[0] if isinstance(content, list) and content else {}
    if "keypoint_annotations" in first:
        return AIChallenger(path)
    return MPII(root, split, annotations=path)
