"""Cutting people out of their pictures, many at a time."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import warnings
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import cycle, groupby
from multiprocessing.connection import wait

import numpy as np

from ..files import FileError
from ..geometry import Crop, resize_points
from .annotated import AnnotatedDataset
from .base import Person

__all__ = ["cores", "cut_all"]

# Chunks that are cut while another one is written.
_UNDER_WAY = 2


def _window(person: Person, size: int, margin: float) -> Crop:
    standard = person.crop(size)
    side = margin * standard.size[0]
    window = replace(standard, size=(side, side))
    return window.snapped() if window.scale[0] > 1 else window


def _cut(dataset, indices, size, margin, room=None, start=0) -> list[tuple]:
    """Some people cut out: ``(index, (person, crop, matrix, zoom,
    reason))``; a person with a reason was not.

    The crop of person i is put into ``room[i - start]``, if there is room.
    """
    results: list[tuple] = []
    for group in _by_picture(dataset, indices):
        people = [dataset[i] for i in group]
        windows = [_window(person, size, margin) for person in people]
        try:
            image, reduce = _read(dataset, people[0], windows)
        except (FileError, OSError) as error:
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
    return dataset.read_reduced(person, reduce)


def _on_reduced(window: Crop, factor: int) -> Crop:
    """The same window on a picture that was decoded smaller."""
    if factor == 1:
        return window
    return replace(
        window,
        center=resize_points(window.center, 1 / factor),
        size=(window.size[0] / factor, window.size[1] / factor),
    )


def cut_all(dataset, chunks, size, margin, workers, room=None):
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
    function: Callable
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
        pool: Executor = ThreadPoolExecutor(wanted)
    else:
        # Starting a process costs about as much as 200 pictures. A class
        # defined in a notebook does not exist in another process.
        wanted = min(wanted, count // 200)
        if wanted <= 1 or type(dataset).__module__ == "__main__":
            yield _Here()
            return
        # Not fork: it copies threads' locks, and torch has threads.
        pool = ProcessPoolExecutor(
            wanted, multiprocessing.get_context("spawn"), initializer=_begin_worker
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


def _begin_worker():
    """One thread, and an end as soon as the parent has ended, however it did.

    A worker waits for tasks for ever, also when nobody is left to give any.
    """
    import cv2

    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent to say
    parent = multiprocessing.parent_process().sentinel
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent):
    wait([parent])
    os._exit(1)
