"""Cutting everybody out of a data set: in memory, or to a folder that can be resumed."""

from __future__ import annotations

import hashlib
import numbers
import os
import warnings
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ..files import (
    InUseError,
    atomic_path,
    disk_errors,
    locked,
    remove,
    require_space,
    sha256,
    write_json,
)
from ..geometry import affine_points, invert_affine
from .annotated import AnnotatedDataset
from .base import DatasetError, DatasetWarning, Person, PoseDataset
from .crops import (
    _HEADER,
    _LABELS,
    _VERSION,
    MAX_SIZE,
    CropDataset,
    CropsError,
    _parts,
)
from .cutting import cut_all
from .parsing import load_json

__all__ = ["crop_in_memory", "prepare"]

# People whose picture cannot be read are left out, up to this share.
_TOLERATED = 0.01

# A chunk of large crops is made smaller: three of them are in memory.
_CHUNK_BYTES = 2**27

# Where a store is made that is to take the place of another, and what a
# store consists of, in the order in which it takes that place.
_NEW = "rebuild"
_FILES = ("crops.npy", "labels.npz", "store.json")


def prepare(
    dataset: PoseDataset,
    path,
    size: int = 224,
    margin: float = 1.75,
    workers: int | None = None,
    chunk: int = 256,
    progress: bool = True,
    rebuild: bool = False,
) -> CropDataset:
    """Cut out everybody in a dataset and write a `CropDataset`.

    If `path` already holds the finished store of the same people and
    pictures, of this size and margin, it is opened and nothing is done. If it
    holds an unfinished one, the work goes on; at most the chunks in hand are
    done again, and those whose pictures were changed since.

    Parameters
    ----------
    dataset:
        Any `PoseDataset`. People are stored in its order.
    path:
        Folder to write.
    size:
        Side of a crop in pixels.
    margin:
        How many standard windows a crop shows. 1.75 leaves room to turn
        the window by any angle and to widen it by a quarter.
    workers:
        Threads (or processes, for datasets that draw their pictures in
        Python); by default one per core.
    chunk:
        People per chunk: what a kill can lose.
    rebuild:
        Make the store anew where `path` holds a damaged one, or one of other
        labels, pictures, size or margin, instead of raising an error. It is
        kept until the new one is finished.

    Raises
    ------
    CropsError
        If `path` holds something else or cannot be written, another process
        is building there, or more than 1 % of the people have no readable
        picture.
    DiskFullError
        If the disk is or becomes full; what is done is kept.
    """
    path = Path(path)
    _check(size, margin, workers, chunk)
    source = _source(dataset, size, margin)
    store, problem = _finished(path, dataset, source)
    if store is not None:
        return store
    if problem and not rebuild:
        raise CropsError(problem)
    with _only_one(path):
        _take_place(path)  # of one that was finished and not yet moved
        store, problem = _finished(path, dataset, source)
        if store is not None:
            return store
        if problem:
            warnings.warn(f"{problem}. It is made anew", DatasetWarning, stacklevel=2)
        folder = path / _NEW if problem else path
        _build(dataset, folder, source, size, margin, workers, chunk, progress, rebuild)
        _take_place(path)
    return CropDataset.open(path)


def _check(size, margin, workers, chunk):
    if not _is_whole(size, 1) or size > MAX_SIZE:
        raise ValueError(
            f"size {size!r} must be a whole number of pixels from 1 to {MAX_SIZE}"
        )
    if not isinstance(margin, (int, float)) or not 0 < margin < 100:
        raise ValueError(
            f"margin {margin!r} must be a number of standard windows above 0, below 100"
        )
    for name, value in (("workers", workers), ("chunk", chunk)):
        if value is not None and not _is_whole(value, 1):
            raise ValueError(f"{name} {value!r} must be a whole number, 1 or more")


def _is_whole(value, least: int) -> bool:
    return isinstance(value, numbers.Integral) and value >= least


def _finished(path: Path, dataset, source: dict):
    """The store in a folder if it is that of the dataset, else None; and what
    is wrong with one that is not."""
    if not (path / "store.json").is_file():
        return None, ""
    anew = "make it anew with rebuild=True (--rebuild), or choose another folder"
    try:
        store = CropDataset.open(path)
    except CropsError as error:
        return None, str(error)
    if "labels" not in store.source:
        problem = "was made by an earlier version, which did not know its pictures"
    elif store.source["labels"] != source["labels"]:
        problem = (
            f"is a store of something else ({store!r}, its people or their labels "
            "differ)"
        )
    else:
        problem = _other_picture(path, dataset)
        if not problem:
            return store, ""
    return None, f"{path} {problem}; {anew}"


def _other_picture(path: Path, dataset) -> str:
    now = _stamps(dataset, range(len(dataset)))
    with np.load(path / "labels.npz") as arrays:
        before = arrays.get("pictures")
    if before is None or before.shape != now.shape:
        return "is damaged: it does not know its pictures"
    changed = _changed(dataset, now, before)
    return changed and f"has other pictures: {changed} was replaced or added since"


def _stamps(dataset, indices) -> np.ndarray:
    """``(n, 2)`` what the picture of each person is known by; -1 for none."""
    known: dict[str, tuple[int, int]] = {}
    pictures = dataset.pictures if isinstance(dataset, AnnotatedDataset) else None
    stamps = np.full((len(indices), 2), -1, np.int64)
    if pictures is not None:
        for row, i in enumerate(indices):
            name = dataset[i].image
            if name not in known:
                known[name] = pictures.stamp(name) or (-1, -1)
            stamps[row] = known[name]
    return stamps


def _changed(dataset, now: np.ndarray, before: np.ndarray, start=0) -> str:
    """The first picture that is there and not the one that it was, or "".

    Of the people from `start` on. A picture that was removed after it was cut
    out changes nothing.
    """
    rows = np.flatnonzero((before != now).any(1) & (now[:, 0] >= 0))
    return dataset[start + int(rows[0])].image if len(rows) else ""


def _take_place(path: Path):
    """Put a store that is finished in place of the one before.

    Killed in between, it goes on where it was: ``store.json`` is the last.
    """
    new = path / _NEW
    if not (new / "store.json").is_file():
        return
    try:
        (path / "store.json").unlink(missing_ok=True)
        for name in _FILES:
            if (new / name).exists():
                os.replace(new / name, path / name)
    except OSError as error:  # Windows keeps what somebody has open
        raise CropsError(
            f"{path} cannot be replaced ({error.strerror}); close what uses it and "
            "run the same again"
        ) from None
    remove(new)


def crop_in_memory(
    dataset: PoseDataset,
    size: int = 224,
    margin: float = 1.75,
    workers: int | None = None,
    progress: bool = False,
) -> CropDataset:
    """The same as `prepare`, without files, for small sets."""
    _check(size, margin, workers, None)
    source = _source(dataset, size, margin)
    stamps = _stamps(dataset, range(len(dataset)))
    crops = np.empty((len(dataset), size, size, 3), np.uint8)
    labels: list[tuple] = []
    skipped: list[dict] = []
    row = 0
    chunks = [range(i, min(i + 256, len(dataset))) for i in range(0, len(dataset), 256)]
    with _progress(progress, len(dataset), 0) as bar:
        for chunk, results in cut_all(
            dataset,
            chunks,
            size,
            margin,
            workers,
            room=lambda chunk: crops[chunk.start : chunk.stop],
        ):
            kept = _keep(results, skipped, len(dataset))
            for crop, _ in kept:
                if not np.may_share_memory(crop, crops[row]):
                    crops[row] = crop
                row += 1
            labels += [label for _, label in kept]
            bar.update(len(chunk))
    return CropDataset(
        crops=crops[:row],
        **_stack(labels),
        skeleton=dataset.skeleton,
        size=size,
        margin=margin,
        source=_with_pictures(source, stamps, skipped),
    )


def _build(
    dataset, path, source, size, margin, workers, chunk, progress, rebuild=False
):
    count, row_bytes = len(dataset), size * size * 3
    chunk = min(chunk, max(1, _CHUNK_BYTES // row_bytes))
    plan = _plan(path, source, chunk, rebuild)
    chunks = [
        range(i, min(i + plan["chunk"], count)) for i in range(0, count, plan["chunk"])
    ]
    # Looked at before reading: a picture that is replaced meanwhile counts as
    # changed the next time.
    stamps = _stamps(dataset, range(count))
    parts = _good_parts(path, dataset, chunks, stamps)
    done = [_load_part(part)[:2] for part in parts]
    skipped = [person for _, more in done for person in more]
    row = sum(len(labels["ids"]) for labels, _ in done if labels)
    todo = chunks[len(parts) :]
    left = sum(map(len, todo))
    require_space(path, left * (row_bytes + 1000))

    crops = path / "crops.npy"
    if parts and (
        not crops.is_file() or crops.stat().st_size < _HEADER + row * row_bytes
    ):
        raise CropsError(
            f"{crops} lacks people that were finished; delete "
            f"{path} and prepare it again"
        )
    # Plain writes, not the memory map: when the disk is full, a write is an
    # error, a write through a map kills the process.
    with (
        disk_errors(path),
        open(crops, "r+b" if parts else "w+b") as file,
        _progress(progress, count, count - left) as bar,
    ):
        for number, (people, results) in enumerate(
            cut_all(dataset, todo, size, margin, workers), len(parts)
        ):
            new = []
            kept = _keep(results, new, count, len(skipped))
            file.seek(_HEADER + row * row_bytes)
            file.writelines(crop for crop, _ in kept)
            file.flush()
            os.fsync(file.fileno())
            looks = stamps[people.start : people.stop]
            _save_part(path, number, [label for _, label in kept], new, looks)
            row += len(kept)
            skipped += new
            bar.update(len(people))
        file.seek(0)
        file.write(_npy_header((row, size, size, 3)))
        file.truncate(_HEADER + row * row_bytes)
        file.flush()
        os.fsync(file.fileno())
    _finish(path, dataset.skeleton, source, size, margin, skipped)


def _finish(path, skeleton, source, size, margin, skipped):
    """Gather the labels, then write the file that says "finished"."""
    chunks = [_load_part(part) for part in _parts(path)]
    labels = {
        name: np.concatenate([chunk[name] for chunk, *_ in chunks if chunk])
        for name in _LABELS
    }
    stamps = np.concatenate([stamps for *_, stamps in chunks])
    with atomic_path(path / "labels.npz") as temporary:
        np.savez(temporary, **labels, pictures=stamps)
    write_json(
        path / "store.json",
        {
            "version": _VERSION,
            "people": len(labels["ids"]),
            "size": size,
            "margin": margin,
            "skeleton": skeleton.to_dict(),
            "source": _with_pictures(source, stamps, skipped),
            "labels_sha256": sha256(path / "labels.npz"),
        },
    )
    remove(path / "parts")
    remove(path / "building.json")


def _with_pictures(source: dict, stamps: np.ndarray, skipped: list) -> dict:
    """The source with a fingerprint of labels and pictures, and who is missing.

    Of the pictures the sizes of their files: those stay when they are copied.
    """
    digest = hashlib.sha256(source["labels"].encode() + stamps[:, 0].tobytes())
    return {**source, "fingerprint": digest.hexdigest(), "skipped": skipped}


def _plan(path: Path, source: dict, chunk: int, rebuild: bool) -> dict:
    """What is being built in a folder: begun before, or begun now."""
    file = path / "building.json"
    if file.is_file():
        plan = load_json(file)
        known = isinstance(plan, dict) and isinstance(plan.get("source"), dict)
        before = plan["source"] if known else {}
        if before.get("labels") == source["labels"] and _is_whole(plan["chunk"], 1):
            return plan
        if not rebuild:
            what = before.get("dataset", "something else")
            raise CropsError(
                f"{path} holds the beginning of another store (of {what}, size, "
                "margin or labels differ); begin anew with rebuild=True (--rebuild), "
                "or choose another folder"
            )
        for name in ("building.json", "crops.npy", "parts"):
            remove(path / name)
    path.mkdir(parents=True, exist_ok=True)
    foreign = sorted(p.name for p in path.iterdir() if p.name not in (".lock", _NEW))
    if foreign:
        raise CropsError(
            f"{path} is not empty (it has {foreign[0]!r}); "
            "choose a new folder for the store"
        )
    plan = {"source": source, "chunk": chunk}
    write_json(file, plan)
    return plan


def _good_parts(path: Path, dataset, chunks, stamps) -> list[Path]:
    """The parts that are done; those from the first changed picture on are
    not, and are removed."""
    parts = _parts(path)
    for number, (part, chunk) in enumerate(zip(parts, chunks)):
        now, before = stamps[chunk.start : chunk.stop], _load_part(part)[2]
        if _changed(dataset, now, before, chunk.start):
            for stale in parts[number:]:
                remove(stale)
            return parts[:number]
    return parts


@contextmanager
def _only_one(path: Path):
    """Keep a second process from building in the same folder."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CropsError(
            f"the store {path} cannot be written: {error.strerror}; choose another "
            "folder"
        ) from None
    try:
        with locked(path):
            yield
    except InUseError:
        raise CropsError(
            f"another process is preparing {path}; wait until it is done"
        ) from None


def _save_part(path, number, labels, skipped, stamps):
    """Write a chunk's labels; once this file is there, it is done.

    A chunk of which nobody could be read has no labels.
    """
    arrays = _stack(labels) if labels else {}
    # People left out, as rows of text: id, picture, reason.
    lost = [[p["id"], p["image"], p["reason"]] for p in skipped]
    with atomic_path(path / "parts" / f"{number:05d}.npz") as temporary:
        np.savez(
            temporary,
            **arrays,
            skipped=np.array(lost, dtype=str).reshape(-1, 3),
            pictures=stamps,
        )


def _load_part(part: Path):
    """Labels, people left out, and what the pictures are known by."""
    with np.load(part) as arrays:
        labels = {k: arrays[k] for k in arrays.files if k in _LABELS}
        skipped = [
            dict(zip(("id", "image", "reason"), row))
            for row in arrays["skipped"].tolist()
        ]
        return labels, skipped, arrays["pictures"]


def _keep(results, skipped: list, count: int, before: int = 0) -> list:
    """The people who were cut out; the others are added to `skipped`.

    Raises `CropsError` when too many are lost.
    """
    kept = []
    for person, crop, matrix, zoom, reason in results:
        if reason is None:
            kept.append((crop, (person, matrix, zoom)))
        else:
            skipped.append({"id": person.id, "image": person.image, "reason": reason})
    lost = before + len(skipped)
    if skipped and lost > _TOLERATED * count:
        raise CropsError(
            f"{lost} of {count} people have no picture that can be used, more than "
            f"1 %; the last: {skipped[-1]['reason']}. Get the missing "
            "pictures and run the same again"
        )
    return kept


def _stack(labels: list[tuple]) -> dict:
    """What is kept of people, ``(person, matrix, zoom)`` each, as one array
    for each kind."""
    people = [person for person, _, _ in labels]
    matrices = np.array([matrix for _, matrix, _ in labels])
    zooms = np.array([zoom for *_, zoom in labels])

    def of_all(name):
        return np.array([getattr(person, name) for person in people])

    kept = {
        "keypoints": affine_points(of_all("keypoints"), matrices),
        "visible": of_all("visible"),
        "head_size": of_all("head_size") * zooms,
        "area": of_all("area") * zooms**2,
        "to_image": invert_affine(matrices),
        "center": of_all("center"),
        "scale": of_all("scale"),
        "images": of_all("image"),
        "ids": of_all("id"),
        "box_size": np.array([_box_size(person) for person in people]) * zooms,
    }
    return {name: kept[name].astype(kind) for name, kind in _LABELS.items()}


def _box_size(person: Person) -> float:
    """The longer side of a person's box; NaN where there is none."""
    size = float("nan") if person.box is None else float(max(person.box[2:]))
    return size if 0 < size < float("inf") else float("nan")


def _progress(show: bool, total: int, initial: int):
    from tqdm import tqdm

    return tqdm(
        total=total, initial=initial, unit=" people", desc="preparing", disable=not show
    )


def _source(dataset, size, margin) -> dict:
    """What a store is made from; the fingerprint of the labels tells two apart."""
    if len(dataset) == 0:
        raise DatasetError(f"{dataset.name} has no people")
    digest = hashlib.sha256(
        repr(
            (_VERSION, int(size), float(margin), len(dataset), dataset.skeleton.joints)
        ).encode()
    )
    if not isinstance(dataset, AnnotatedDataset) and (
        type(dataset).__repr__ is not object.__repr__
    ):
        # A set that is drawn: its description is enough.
        digest.update(repr(dataset).encode())
    else:
        for i in range(len(dataset)):
            p = dataset[i]
            position = p.center, p.scale, p.box, p.extra.get("image_size")
            digest.update(repr((p.image, p.id, position, p.head_size, p.area)).encode())
            digest.update(p.keypoints.tobytes() + p.visible.tobytes())
    source = {"dataset": dataset.name, "labels": digest.hexdigest()}
    if getattr(dataset, "split", None):
        source["split"] = dataset.split
    if isinstance(dataset, AnnotatedDataset):
        source["split_note"] = dataset.split_note
        source["notes"] = list(dataset.notes)
        if dataset.skipped:
            source["notes"].append(
                f"{len(dataset.skipped)} records cannot be used; {dataset.skipped[0]}"
            )
    return source


def _npy_header(shape) -> bytes:
    """The first 128 bytes of a .npy file (format 1.0) of uint8."""
    text = repr({"descr": "|u1", "fortran_order": False, "shape": shape})
    start = b"\x93NUMPY\x01\x00" + (_HEADER - 10).to_bytes(2, "little")
    return start + text.encode().ljust(_HEADER - 11) + b"\n"
