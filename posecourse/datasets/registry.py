"""Finding out which dataset a path is."""

from __future__ import annotations

import os
from pathlib import Path

from ..skeletons import Skeleton
from .aichallenger import AIChallenger
from .base import DatasetError, PoseDataset
from .coco import COCOKeypoints
from .lsp import LSP
from .mpii import MPII
from .parsing import kind_of, load_json, mat_names, named_split, split_name

__all__ = ["open_dataset"]

# How many built-in people a split has; nobody is in two of them.
_SYNTHETIC = {"train": 8000, "valid": 1000, "test": 1000}


def open_dataset(
    spec,
    split: str | None = None,
    images=None,
    skeleton: Skeleton | str | None = None,
    category: str | None = None,
    strict: bool = False,
    valid_share: float = 0.1,
    split_seed: int = 0,
    **options,
) -> PoseDataset:
    """The dataset that a word or a path stands for.

    Parameters
    ----------
    spec:
        - ``"synthetic"``: the built-in people;
        - a folder with MPII, COCO keypoints, AI Challenger or Leeds Sports
          Pose in it, in the layout in which they are distributed, or with
          what Label Studio, CVAT or Roboflow export as COCO keypoints;
        - one of their annotation files.
    split:
        ``"train"``, ``"valid"`` and what else there is. Data without splits
        of its own, a single annotation file, has ``"train"``, ``"valid"``
        (whole pictures, drawn by lot) and ``"all"``. By default everything
        that a named file has, and ``"valid"`` of a folder with splits.
    images:
        Folder of the pictures, if it is not near the annotations.
    skeleton:
        The joints that are wanted, matched by name.
    category:
        Of a COCO file in which several have different joints.
    strict:
        Refuse a file with a record that cannot be used; otherwise such
        records are left out, and listed in the dataset's `skipped`.
    valid_share, split_seed:
        Of data without splits of its own: the share of the pictures that is
        for validation, and which they are.
    options:
        For ``"synthetic"`` only: `SyntheticPeople`'s arguments
        (``count=2000, size=128, ...``).

    Raises
    ------
    FileNotFoundError
        If nothing is found; the message says what was looked for.
    DatasetError
        If there is no such split; the message says which there are.
    """
    split = None if split is None else split_name(split)
    if isinstance(spec, str) and spec == "synthetic":
        if images is not None or strict:
            raise ValueError("the built-in people are drawn: no file is read")
        if skeleton is not None:
            options["skeleton"] = skeleton
        return _synthetic(split or "valid", options)
    if options:
        raise ValueError(
            f'{", ".join(options)}: only the built-in people ("synthetic") take options'
        )
    if not isinstance(spec, (str, os.PathLike)) or not str(spec).strip():
        raise ValueError(
            f'a dataset is named by a path, or by the word "synthetic", not {spec!r}'
        )
    path = Path(spec)
    if not path.is_file() and not path.is_dir():
        raise FileNotFoundError(
            f"no dataset {str(spec)!r}: neither a folder, nor a file, nor "
            'the word "synthetic"'
        )
    opener = _from_file if path.is_file() else _from_folder
    more = {"images": images, "strict": strict}
    dataset, whole = opener(
        path, split, more, {"skeleton": skeleton, "category": category}
    )
    if whole:
        dataset = dataset.split_by_picture(split or "all", valid_share, split_seed)
    return dataset if skeleton is None else dataset.as_skeleton(skeleton)


def _synthetic(split: str, options: dict) -> PoseDataset:
    from .synthetic import SyntheticPeople

    if split not in _SYNTHETIC:
        raise ValueError(
            f"the built-in people have the splits "
            f"{', '.join(_SYNTHETIC)}, not {split!r}"
        )
    return SyntheticPeople(**{"count": _SYNTHETIC[split], "split": split, **options})


def _from_folder(root: Path, split: str | None, more: dict, coco: dict):
    """The dataset, and whether it still has to be split."""
    for reader in (MPII, COCOKeypoints, AIChallenger, LSP):
        splits = reader.splits(root)
        if splits:
            break
    else:
        raise FileNotFoundError(_nothing_in(root, split or "valid"))
    if "" in splits:
        return COCOKeypoints(splits[""], **more, **coco), True
    if split is None:
        split = "valid" if "valid" in splits or len(splits) > 1 else next(iter(splits))
    if split not in splits:
        raise DatasetError(f"{root} has no split {split!r}; it has {', '.join(splits)}")
    if reader in (MPII, LSP):
        return reader(root, split, **more), False
    return reader(
        splits[split], **more, **(coco if reader is COCOKeypoints else {})
    ), False


def _nothing_in(root: Path, split: str) -> str:
    here = sorted(entry.name for entry in root.iterdir())
    if "store.json" in here:
        return (
            f"{root} is a prepared store, not a dataset; open it with CropDataset.open"
        )
    return (
        f"no dataset with a split {split!r} in {root}. Looked for\n"
        f"  MPII: {', '.join(MPII.places(split))}\n"
        f"  COCO: {', '.join(COCOKeypoints.places(split))}\n"
        f"  AI Challenger: {', '.join(AIChallenger.places(split))}\n"
        "  Leeds Sports Pose: joints.mat\n"
        f"The folder has {', '.join(here[:8]) or 'nothing in it'}"
        f"{', ...' if len(here) > 8 else ''}."
    )


def _from_file(path: Path, split: str | None, more: dict, coco: dict):
    """The dataset, and whether it still has to be split."""
    root = path.parent
    if root.name in ("annot", "annotations"):
        root = root.parent
    if path.suffix == ".mat":
        return _from_mat(path, root, split, more), False
    kind = kind_of(path)
    if kind == "mpii-all":
        return MPII(root, split or "valid", path, **more), False
    named = named_split(path)
    if named is not None and split not in (None, "all", named):
        raise DatasetError(
            f"{path} is by its name the split {named!r} and has no {split!r}; name the "
            "folder with the files of all splits, or give a file that is to be split "
            "another name"
        )
    if kind == "coco" or (kind is None and _is_object(path)):
        return COCOKeypoints(path, **more, **coco), named is None
    if kind == "aic":
        return AIChallenger(path, **more), named is None
    # MPII's reader also says what is wrong with any other file.
    dataset = MPII(root, named or "trainval", path, **more)
    if named is None:
        dataset.name = f"{root.resolve().name}-{path.stem}"
    return dataset, named is None


def _is_object(path: Path) -> bool:
    """Whether a JSON file is an object, as COCO's, and not jsonlab's of MPII."""
    content = load_json(path)
    return isinstance(content, dict) and "root" not in content


def _from_mat(path: Path, root: Path, split: str | None, more: dict) -> PoseDataset:
    names = mat_names(path)
    if "joints" in names:
        return LSP(path.parent, split or "valid", path, **more)
    if "pos_gt_src" in names:
        raise DatasetError(
            f"{path} is the ground truth for MPII's evaluation, not a dataset; the "
            "people are in valid.json beside it"
        )
    return MPII(root, split or "valid", path, **more)
