"""Cutting everybody out of a data set: in memory, or to a folder that can be resumed."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import warnings
from collections import deque
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import cycle, groupby
from pathlib import Path

import numpy as np

from ..files import atomic_path, disk_errors, remove, require_space, write_json
from ..geometry import Crop, affine_points, invert_affine, resize_points
from ..images import ImageError
from .base import DatasetError, Person, PoseDataset
from .crops import _HEADER, _LABELS, _VERSION, CropDataset, CropsError, _parts, _sha256
from .annotated import AnnotatedDataset
from .parsing import load_json

__all__ = ["cores", "crop_in_memory", "prepare"]


# People whose picture cannot be read are left out, up to this share.
_TOLERATED = 0.01


# Chunks that are cut while another one is written.
_UNDER_WAY = 2


def prepare(
    dataset: PoseDataset,
    path,
    size: int = 224,
    margin: float = 1.75,
    workers: int | None = None,
    chunk: int = 256,
    progress: bool = True,
) -> CropDataset:
    """Cut out everybody in a dataset and write a `CropDataset`.

    If `path` already holds the finished store of the same people, size and
    margin, it is opened and nothing is done. If it holds an unfinished
    one, the work goes on; at most the chunks in hand are done again.

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

    Raises
    ------
    CropsError
        If `path` holds something else, another process is building there,
        or more than 1 % of the people have no readable picture.
    DiskFullError
        If the disk is or becomes full; what is done is kept.
    """
    path = Path(path)
    source = _source(dataset, size, margin)
    finished = path / "store.json"
    if not finished.is_file():
        path.mkdir(parents=True, exist_ok=True)
        with _only_one(path):
            if not finished.is_file():
                _build(dataset, path, source, size, margin, workers, chunk, progress)
    store = CropDataset.open(path)
    if store.source["fingerprint"] != source["fingerprint"]:
        raise CropsError(
            f"{path} is a store of something else ({store!r}, its people or "
            "their labels differ); delete it or choose another folder"
        )
    return store


def crop_in_memory(
    dataset: PoseDataset,
    size: int = 224,
    margin: float = 1.75,
    workers: int | None = None,
    progress: bool = False,
) -> CropDataset:
    """The same as `prepare`, without files, for small sets."""
    source = _source(dataset, size, margin)
    crops = np.empty((len(dataset), size, size, 3), np.uint8)
    labels, skipped, row = [], [], 0
    chunks = [range(i, min(i + 256, len(dataset))) for i in range(0, len(dataset), 256)]
    with _progress(progress, len(dataset), 0) as bar:
        for chunk, results in _cut_all(
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
        source={**source, "skipped": skipped},
    )


def _build(dataset, path, source, size, margin, workers, chunk, progress):
    count = len(dataset)
    plan = _plan(path, source, chunk)
    chunks = [
        range(i, min(i + plan["chunk"], count)) for i in range(0, count, plan["chunk"])
    ]
    parts = _parts(path)
    done = [_load_part(part) for part in parts]
    skipped = [person for _, more in done for person in more]
    row = sum(len(labels["ids"]) for labels, _ in done if labels)
    todo = chunks[len(parts) :]
    left = sum(map(len, todo))
    row_bytes = size * size * 3
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
            _cut_all(dataset, todo, size, margin, workers), len(parts)
        ):
            new = []
            kept = _keep(results, new, count, len(skipped))
            file.seek(_HEADER + row * row_bytes)
            for crop, _ in kept:
                file.write(crop)
            file.flush()
            os.fsync(file.fileno())
            _save_part(path, number, [label for _, label in kept], new)
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
    chunks = [_load_part(part)[0] for part in _parts(path)]
    labels = {
        name: np.concatenate([chunk[name] for chunk in chunks if chunk])
        for name in _LABELS
    }
    with atomic_path(path / "labels.npz") as temporary:
        np.savez(temporary, **labels)
    write_json(
        path / "store.json",
        {
            "version": _VERSION,
            "people": len(labels["ids"]),
            "size": size,
            "margin": margin,
            "skeleton": asdict(skeleton),
            "source": {**source, "skipped": skipped},
            "labels_sha256": _sha256(path / "labels.npz"),
        },
    )
    remove(path / "parts")
    remove(path / "building.json")


def _plan(path: Path, source: dict, chunk: int) -> dict:
    """What is being built in a folder: begun before, or begun now."""
    file = path / "building.json"
    if file.is_file():
        plan = load_json(file)
        if plan["source"] != source:
            raise CropsError(
                f"{path} holds the beginning of another store (of "
                f"{plan['source']['dataset']}, size, margin or labels "
                "differ); delete it or choose another folder"
            )
        return plan
    foreign = sorted(p.name for p in path.iterdir() if p.name != ".lock")
    if foreign:
        raise CropsError(
            f"{path} is not empty (it has {foreign[0]!r}); "
            "choose a new folder for the store"
        )
    plan = {"source": source, "chunk": chunk}
    write_json(file, plan)
    return plan


@contextmanager
def _only_one(path: Path):
    """Keep a second process from building in the same folder.

    The lock goes with the process that holds it, however it ends.
    """
    with open(path / ".lock", "w") as handle:
        try:
            if os.name == "nt":
                import msvcrt

                msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CropsError(
                f"another process is preparing {path}; wait until it is done"
            ) from None
        yield
    if (path / "store.json").exists():
        remove(path / ".lock")


def _save_part(path, number, labels, skipped):
    """Write a chunk's labels; once this file is there, it is done.

    A chunk of which nobody could be read has no labels.
    """
    arrays = _stack(labels) if labels else {}
    # People left out, as rows of text: id, picture, reason.
    lost = [[p["id"], p["image"], p["reason"]] for p in skipped]
    with atomic_path(path / "parts" / f"{number:05d}.npz") as temporary:
        np.savez(temporary, **arrays, skipped=np.array(lost, dtype=str).reshape(-1, 3))


def _load_part(part: Path):
    with np.load(part) as arrays:
        labels = {k: arrays[k] for k in arrays.files if k != "skipped"}
        skipped = [
            dict(zip(("id", "image", "reason"), row))
            for row in arrays["skipped"].tolist()
        ]
    return labels, skipped


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
            f"{lost} of {count} people have no readable picture, more than "
            f"1 %; the last: {skipped[-1]['reason']}. Get the missing "
            "pictures and run the same again"
        )
    return kept


def _stack(labels: list[tuple]) -> dict:
    """What is kept of people, ``(person, matrix, zoom)`` each, as one array
    for each kind."""
    people, matrices, zooms = zip(*labels)
    matrices, zooms = np.array(matrices), np.array(zooms)

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
    }
    return {name: kept[name].astype(kind) for name, kind in _LABELS.items()}


def _window(person: Person, size: int, margin: float) -> Crop:
    standard = person.crop(size)
    window = replace(standard, size=margin * standard.size[0])
    return window.snapped() if window.scale[0] > 1 else window


def _cut(dataset, indices, size, margin, room=None, start=0) -> list[tuple]:
    """Some people cut out: ``(index, (person, crop, matrix, zoom,
    reason))``; a person with a reason was not.

    The crop of person i is put into ``room[i - start]``, if there is room.
    """
    results = []
    for group in _by_picture(dataset, indices):
        people = [dataset[i] for i in group]
        windows = [_window(person, size, margin) for person in people]
        try:
            image, reduce = _read(dataset, people[0], windows)
        except (ImageError, FileNotFoundError) as error:
            results += [
                (i, (person, None, None, None, str(error)))
                for i, person in zip(group, people)
            ]
            continue
        for i, person, window in zip(group, people, windows):
            crop = _on_reduced(window, reduce).warp(
                image, out=None if room is None else room[i - start]
            )
            results.append((i, (person, crop, window.matrix, window.scale[0], None)))
    return results


def _by_picture(dataset, indices) -> list[list[int]]:
    """Neighbours in the same picture; it is decoded once for all."""
    if not isinstance(dataset, AnnotatedDataset):
        return [[i] for i in indices]
    return [list(group) for _, group in groupby(indices, lambda i: dataset[i].image)]


def _read(dataset, person, windows):
    """A picture, decoded no larger than its windows need, and by what
    factor it is smaller."""
    if not isinstance(dataset, AnnotatedDataset):
        return dataset.read_image(person), 1
    zoom = max(window.scale[0] for window in windows)
    reduce = next((r for r in (8, 4, 2) if r * zoom <= 1), 1)
    return dataset.pictures.read(person.image, reduce), reduce


def _on_reduced(window: Crop, factor: int) -> Crop:
    """The same window on a picture that was decoded smaller."""
    if factor == 1:
        return window
    return replace(
        window,
        center=resize_points(window.center, 1 / factor),
        size=tuple(side / factor for side in window.size),
    )


def _cut_all(dataset, chunks, size, margin, workers, room=None):
    """Cut chunk by chunk; yields ``(chunk, results)``, in order.

    The crops of a chunk are put into ``room(chunk)`` where they can be
    (another process cannot), by default where those of the third chunk
    before it were: use them before the next chunk is asked for.
    """
    left = deque(chunks)
    if room is None:
        room = _rooms(max(map(len, chunks), default=0), size)
    try:
        with _pool(dataset, sum(map(len, chunks)), workers) as pool:
            for done in _cut_in(pool, dataset, chunks, size, margin, room):
                left.popleft()
                yield done
    except BrokenProcessPool:
        warnings.warn(
            "the processes that draw pictures could not be started; going "
            "on with one. In a script, put what it does under `if __name__ "
            '== "__main__":`, so that it can be imported',
            stacklevel=4,
        )
        yield from _cut_in(_Here(), dataset, left, size, margin, room)


def _rooms(count, size):
    """Three places for chunks, taken in turns: new memory is slow."""
    places = cycle(
        [np.empty((count, size, size, 3), np.uint8) for _ in range(_UNDER_WAY + 1)]
    )
    return lambda chunk: next(places)


def _cut_in(pool, dataset, chunks, size, margin, room):
    """Cut in a pool; two chunks are under way while a third is written."""
    waiting = deque()
    for chunk in chunks:
        place = None if isinstance(pool, ProcessPoolExecutor) else room(chunk)
        waiting.append(
            (
                chunk,
                [
                    pool.submit(_cut, dataset, task, size, margin, place, chunk.start)
                    for task in _tasks(dataset, chunk)
                ],
            )
        )
        if len(waiting) > _UNDER_WAY:
            yield _gather(*waiting.popleft())
    while waiting:
        yield _gather(*waiting.popleft())


def _gather(chunk, futures):
    results = dict(pair for future in futures for pair in future.result())
    return chunk, [results[i] for i in chunk]


def _tasks(dataset, chunk):
    """Split a chunk; people of one picture stay together."""
    least = min(16, max(1, len(chunk) // 16))  # something for all threads
    if not isinstance(dataset, AnnotatedDataset):
        return [chunk[i : i + least] for i in range(0, len(chunk), least)]

    def picture(i):
        return dataset[i].image

    tasks = [[]]
    for _, group in groupby(sorted(chunk, key=picture), picture):
        if len(tasks[-1]) >= least:
            tasks.append([])
        tasks[-1] += group
    return tasks


class _Here:
    """A pool of none: does the work when it is asked for the result."""

    def submit(self, function, *arguments):
        return _Later(function, arguments)


@dataclass
class _Later:
    function: object
    arguments: tuple

    def result(self):
        return self.function(*self.arguments)


@contextmanager
def _pool(dataset, count: int, workers: int | None):
    """Threads for files (decoding releases Python's lock), processes for
    pictures that Python draws, neither where it does not pay."""
    wanted = workers or cores()
    if isinstance(dataset, AnnotatedDataset):
        if wanted == 1:
            yield _Here()
            return
        pool = ThreadPoolExecutor(wanted)
    else:
        # Starting a process costs about as much as 200 pictures. A class
        # defined in a notebook does not exist in another process.
        wanted = min(wanted, count // 200)
        if wanted <= 1 or type(dataset).__module__ == "__main__":
            yield _Here()
            return
        # Not fork: it copies threads' locks, and torch has threads.
        pool = ProcessPoolExecutor(
            wanted, multiprocessing.get_context("spawn"), initializer=_one_thread
        )
    import cv2

    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # the pool has one for each core
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
        cv2.setNumThreads(threads)


def cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _one_thread():
    import cv2

    cv2.setNumThreads(1)


def _progress(show: bool, total: int, initial: int):
    from tqdm import tqdm

    return tqdm(
        total=total, initial=initial, unit=" people", desc="preparing", disable=not show
    )


def _source(dataset, size, margin) -> dict:
    """What a store is made from; its fingerprint tells two apart."""
    if len(dataset) == 0:
        raise DatasetError(f"{dataset.name} has no people")
    if size < 1 or margin <= 0:
        raise ValueError(f"size {size} and margin {margin} must be positive")
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
            digest.update(
                repr((p.image, p.id, p.center, p.scale, p.head_size, p.area)).encode()
            )
            digest.update(p.keypoints.tobytes() + p.visible.tobytes())
    return {"dataset": dataset.name, "fingerprint": digest.hexdigest()}


def _npy_header(shape) -> bytes:
    """The first 128 bytes of a .npy file (format 1.0) of uint8."""
    text = repr({"descr": "|u1", "fortran_order": False, "shape": shape})
    start = b"\x93NUMPY\x01\x00" + (_HEADER - 10).to_bytes(2, "little")
    return start + text.encode().ljust(_HEADER - 11) + b"\n"
