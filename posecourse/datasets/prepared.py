"""The prepared crops of a data set: opened, or made where there are none yet."""

from __future__ import annotations

import hashlib
import re
import warnings
from pathlib import Path

from .. import places
from .annotated import AnnotatedDataset
from .base import DatasetWarning
from .build_crops import prepare
from .crops import CropDataset, CropsError
from .registry import open_dataset

__all__ = ["find_crops", "open_crops", "plan_crops"]


def open_crops(
    data,
    split: str,
    input_size,
    people: int | None = None,
    difficulty: str = "standard",
    margin: float = 1.0,
    **options,
):
    """The `CropDataset` of a dataset, prepared where it is not yet.

    One that was prepared before is made anew where labels or pictures were
    changed since.

    Parameters
    ----------
    data:
        ``"synthetic"``; a folder with a dataset; a folder with prepared
        stores (``train``, ``valid``) or one of these; or a dataset.
    people:
        How many; None for all. Only these are prepared, unless all are
        already.
    margin:
        How many standard windows a stored crop shows. The window itself
        gets as many pixels as the network's input, so that it is not
        resampled where nothing is augmented.
    options:
        Of `open_dataset`: ``images``, ``skeleton``, ``strict``, ...

    Raises
    ------
    DatasetError
        If there is no such split.
    """
    if isinstance(data, (str, Path)):
        folder = find_crops(data, split)
        if folder is not None:
            return _first(_of_split(folder, split), people)
    data, path, size = plan_crops(
        data, split, input_size, people, difficulty, margin, **options
    )
    if not (path / "store.json").is_file():
        places.make_prepared_folder()  # says what to do where it cannot be made
    store = prepare(data, path, size, margin, rebuild=True)
    if lost := store.source["skipped"]:
        warnings.warn(
            f"{store.source['dataset']}: {len(lost)} of {len(data)} people are left "
            f"out, because their pictures cannot be used; {lost[0]['reason']}",
            DatasetWarning,
            stacklevel=2,
        )
    return _first(store, people)


def find_crops(data, split: str) -> Path | None:
    """The prepared store that a path stands for, or None if it is no store's.

    Raises `CropsError` for a folder of stores without that split.
    """
    for folder in (Path(data), Path(data, split)):
        if (folder / "store.json").is_file():
            return folder
    stores = sorted(path.parent.name for path in Path(data).glob("*/store.json"))
    if stores:
        raise CropsError(
            f"{data} has no prepared store {split!r}; it has {', '.join(stores)}"
        )
    return None


def _of_split(folder: Path, split: str) -> CropDataset:
    """A store, if it is of that split."""
    store = CropDataset.open(folder)
    if folder.name == split:
        return store
    # Before version 2 the dataset's name said it.
    name = str(store.source["dataset"]).rpartition("-")[2]
    known = name if name in ("train", "valid", "test", "trainval") else None
    own = store.source.get("split") or known
    if own is None:
        warnings.warn(
            f"{folder} does not say which split it is; it is taken for {split!r}",
            DatasetWarning,
            stacklevel=3,
        )
    elif own != split:
        raise CropsError(
            f"{folder} is a prepared store of the split {own!r} and has no {split!r}; "
            "prepare one for each split, in the folders train and valid, and name the "
            "folder that has both"
        )
    return store


def plan_crops(
    data,
    split: str,
    input_size,
    people: int | None,
    difficulty: str,
    margin: float,
    **options,
):
    """The dataset, its store's folder and size in pixels, for `open_crops`."""
    size = round(margin * max(input_size))
    if isinstance(data, (str, Path)):
        if data == "synthetic":
            options |= {"difficulty": difficulty, "size": size, "margin": margin}
            if people is not None:
                options["count"] = people
        data = open_dataset(data, split, **options)
    path = _folder(data, size, margin)
    if (
        people is not None
        and people < len(data)
        and isinstance(data, AnnotatedDataset)
        and not (path / "store.json").is_file()
    ):
        data = data.first(people)
        path = _folder(data, size, margin)
    return data, path, size


def _folder(data, size: int, margin: float) -> Path:
    """Where the store of a dataset is: one place for each, whatever becomes of
    its labels and pictures."""
    # All projects share the cache: what has no words for itself is told apart
    # by the folder one works in.
    own_words = type(data).__repr__ is not object.__repr__
    which = repr(data) if own_words else str(Path.cwd())
    if isinstance(data, AnnotatedDataset):
        files = (
            Path(getattr(data, "annotations", "")).resolve(),
            data.pictures.folder.resolve(),
        )
        which = repr((*map(str, files), data.skeleton.joints, data.split_note))
    digest = hashlib.sha256(which.encode()).hexdigest()[:8]
    # A name may come from an annotation file: it must not lead elsewhere.
    name = re.sub(r"[^\w.-]+", "_", data.name)[:80]
    return places.prepared_folder() / f"{name}-{len(data)}-{size}-{margin:g}-{digest}"


def _first(store, people: int | None):
    if people is None or people >= len(store):
        return store
    return store.subset(range(people))
