"""The prepared crops of a data set: opened, or made where there are none yet."""

from __future__ import annotations

import zlib
from pathlib import Path

from .build_crops import prepare
from .crops import CropDataset
from .annotated import AnnotatedDataset
from .registry import open_dataset

__all__ = ["open_crops", "plan_crops"]

# Where stores are kept between runs, below the current folder.
PREPARED = Path("data", "prepared")


def open_crops(
    data,
    split: str,
    input_size,
    people: int | None = None,
    difficulty: str = "standard",
    margin: float = 1.0,
):
    """The `CropDataset` of a dataset, prepared where it is not yet.

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
    """
    if isinstance(data, (str, Path)):
        for folder in (Path(data), Path(data) / split):
            if (folder / "store.json").is_file():
                return _first(CropDataset.open(folder), people)
    data, path, size = plan_crops(data, split, input_size, people, difficulty, margin)
    return _first(prepare(data, path, size, margin), people)


def plan_crops(
    data, split: str, input_size, people: int | None, difficulty: str, margin: float
):
    """The dataset, its store's folder and size in pixels, for `open_crops`."""
    size = round(margin * max(input_size))
    options = {}
    if isinstance(data, (str, Path)):
        if data == "synthetic":
            options = {"difficulty": difficulty, "size": size, "margin": margin}
            if people is not None:
                options["count"] = people
        data = open_dataset(data, split, **options)
    path = _folder(data, size, margin)
    if options:  # drawn people are told apart by how they are described
        path = Path(f"{path}-{zlib.crc32(repr(data).encode()):08x}")
    elif (
        people is not None
        and people < len(data)
        and isinstance(data, AnnotatedDataset)
        and not (path / "store.json").is_file()
    ):
        data = data.first(people)
        path = _folder(data, size, margin)
    return data, path, size


def _folder(data, size: int, margin: float) -> Path:
    return PREPARED / f"{data.name}-{len(data)}-{size}-{margin:g}"


def _first(store, people: int | None):
    if people is None or people >= len(store):
        return store
    return store.subset(range(people))
