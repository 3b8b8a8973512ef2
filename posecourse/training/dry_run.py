"""What a training run would do, found out before it does it.

>>> from posecourse.training import config_for
>>> from posecourse.training.dry_run import plan
>>> print(plan(config_for("simple_baseline_50", data="data/mpii",
...                       preset="mpii")))                # doctest: +SKIP
"""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import torch

from .. import models
from ..datasets import CropDataset, crop_in_memory
from ..datasets.check import check
from ..datasets.prepared import find_crops, plan_crops
from ..device import choose_device
from ..files import format_bytes
from ..images import ImageError
from .fit import Precise, Step, freeze, make_optimizer
from .settings import TrainConfig
from .tasks import SinglePerson

__all__ = ["DataPlan", "Plan", "plan"]

_TIMED_STEPS = 3
# A CPU is timed with a few pictures: its time grows with their number. A
# GPU needs the whole batch to be busy.
_CPU_BATCH = 4


@dataclass
class DataPlan:
    """What is known of the training or the validation people.

    Attributes
    ----------
    name, people, pictures:
        The data, how many people and pictures it has.
    missing:
        Pictures that are not there.
    store, store_bytes, prepared:
        Where the crops go, how much that is, and whether they are there.
    used:
        How many of the people the run would use.
    crops_per_second:
        How fast crops are made here; None if that was not tried.
    """

    name: str
    people: int
    pictures: int
    missing: int
    store: Path
    store_bytes: int
    prepared: bool
    used: int
    crops_per_second: float | None = None

    @property
    def seconds(self) -> float:
        """Until the store is prepared."""
        if self.prepared or not self.crops_per_second:
            return 0.0
        return self.people / self.crops_per_second

    def __str__(self) -> str:
        pictures = f" in {self.pictures:,} pictures" if self.pictures else ""
        here = ""
        if self.missing:
            here = f"; {self.missing:,} of the pictures are MISSING: the run would stop"
        elif self.pictures:
            here = ", all of them here"
        only = "" if self.used == self.people else f"; {self.used:,} people are used"
        return f"{self.name}: {self.people:,} people{pictures}{here}{only}"


@dataclass
class Plan:
    """What `plan` found; prints itself.

    Attributes
    ----------
    config:
        What was asked for.
    device, processes, amp:
        Where it would run; how many processes; with how many bits.
    parameters:
        Of the network.
    training, validation:
        `DataPlan`s.
    steps_per_epoch:
        Batches in an epoch.
    state_bytes:
        Weights, gradients, the optimiser's two averages, averaged weights.
    batch_bytes:
        What one process keeps of a batch between the way forward and the
        way back, measured.
    seconds_per_step:
        Measured, for the whole batch of one process.
    timed:
        How that was measured.
    """

    config: TrainConfig
    device: str
    processes: int
    amp: str
    parameters: int
    training: DataPlan
    validation: DataPlan
    steps_per_epoch: int
    state_bytes: int
    batch_bytes: int
    seconds_per_step: float
    timed: str

    @property
    def steps(self) -> int:
        """Of the whole run."""
        return self.config.epochs * self.steps_per_epoch

    @property
    def training_seconds(self) -> float:
        """Of all steps, without the validation after each epoch."""
        return self.steps * self.seconds_per_step

    @property
    def preparation_seconds(self) -> float:
        """Until the crops are on the disk."""
        return self.training.seconds + self.validation.seconds

    def __str__(self) -> str:
        c = self.config
        w, h = c.input_size
        a = c.augmentation
        batch = min(c.batch_size, self.training.used)
        many = f" on each of {self.processes} processes" if self.processes > 1 else ""
        rate = {
            "step": "a tenth of it from epoch "
            f"{9 * c.epochs // 14} and of that from epoch "
            f"{12 * c.epochs // 14}",
            "cosine": "falling to 0 along a cosine",
        }[c.schedule]
        optimiser = f"AdamW, decay {c.weight_decay:g}" if c.weight_decay else "Adam"
        stores = self.training, self.validation
        free = shutil.disk_usage(_existing(self.training.store)).free
        new = sum(s.store_bytes for s in stores if not s.prepared)
        disk = (
            f"{format_bytes(new)} of crops would be written to "
            f"{_short(self.training.store.parent)}, where "
            f"{format_bytes(free)} are free"
            if new
            else f"the crops are prepared in {_short(self.training.store.parent)}"
        )
        if new > free:
            disk += ": NOT ENOUGH"
        prepare = (
            f", after {_duration(self.preparation_seconds)} of cutting out people"
            if self.preparation_seconds
            else ""
        )
        images = self.processes * self._images / self.seconds_per_step
        return "\n".join(
            [
                f"network     {c.model}, {self.parameters / 1e6:.2f} million "
                f"parameters, pictures of {w} x {h}; starts from "
                + (c.init or "random weights")
                + (f"; frozen: {', '.join(c.freeze)}" if c.freeze else ""),
                f"train       {self.training}",
                f"validate    {self.validation}",
                f"steps       {self.steps:,}: {c.epochs} epochs of "
                f"{self.steps_per_epoch:,}, with {batch} people each",
                f"optimiser   {optimiser}, rate {c.lr:g}, {rate}",
                f"changes     size {a.scale:g}, turn {a.rotation:g} degrees in "
                f"{100 * a.rotation_prob:.0f} % ({a.distribution}), mirror "
                f"{100 * a.flip:.0f} %, colours {a.brightness:g}",
                f"disk        {disk}",
                f"memory      {format_bytes(self.state_bytes)} for the weights "
                f"and what is kept of each, {format_bytes(self.batch_bytes)} "
                f"for a batch{many}",
                f"time        about {_duration(self.training_seconds)}"
                f"{prepare}: {self.seconds_per_step:.3g} s a step, "
                f"{images:,.0f} pictures/s, {self.amp} on {self.device}",
                f"            ({self.timed})",
            ]
        )

    @property
    def _images(self) -> float:
        return max(1, min(self.config.batch_size, self.training.used) // self.processes)


def plan(config: TrainConfig) -> Plan:
    """Look at the data and time a few steps; nothing is written.

    Raises
    ------
    FileNotFoundError
        If the data set, or one of its two splits, is not there.
    """
    processes = int(os.environ.get("WORLD_SIZE", 1))
    device = choose_device(config.device)
    amp = config.precision
    data, sample = _look(config, "train", config.train_people)
    validation, _ = _look(config, "valid", config.valid_people)
    model = models.build(config.model, sample.skeleton, **config.options)
    if config.init:
        models.start_from(model, config.init)
    if config.loss != "auto":
        model.set_loss(config.loss)
    model.to(device)
    if config.channels_last:
        model.to(memory_format=torch.channels_last)
    freeze(model, config.freeze)
    parameters = sum(p.numel() for p in model.parameters())
    learned = sum(p.numel() for p in model.parameters() if p.requires_grad)
    whole = max(1, min(config.batch_size, data.used) // processes)
    count = min(whole, _CPU_BATCH) if device.type == "cpu" else whole
    seconds, kept = _timed_steps(config, model, sample, count, device)
    timed = f"{_TIMED_STEPS} steps of {count} pictures were timed"
    if count < whole:
        timed += f" and scaled to {whole}"
    if processes > 1:
        timed += "; what the processes say to each other is not in it"
    return Plan(
        config,
        str(device),
        processes,
        amp,
        parameters,
        data,
        validation,
        max(1, data.used // config.batch_size),
        4 * (2 * parameters + 3 * learned),
        kept * whole // count,
        seconds * whole / count,
        timed,
    )


def _look(config: TrainConfig, split: str, people: int | None):
    """What is there of a split, and a store of a few of its people."""
    folder = None if config.data == "synthetic" else find_crops(config.data, split)
    if folder is not None:
        store = CropDataset.open(folder)
        used = min(people or len(store), len(store))
        return DataPlan(
            store.source["dataset"],
            len(store),
            0,
            0,
            folder,
            store.crops.nbytes,
            True,
            used,
        ), store
    dataset, folder, size = plan_crops(
        config.data, split, config.input_size, people, config.difficulty, config.margin
    )
    pictures, missing = 0, 0
    if config.data != "synthetic":
        report = check(dataset)
        pictures, missing = report.pictures, len(report.missing_pictures)
    found = DataPlan(
        dataset.name,
        len(dataset),
        pictures,
        missing,
        folder,
        3 * size * size * len(dataset),
        (folder / "store.json").is_file(),
        min(people or len(dataset), len(dataset)),
    )
    sample = _Few(dataset)
    started = time.perf_counter()
    store = crop_in_memory(sample, size, config.margin)
    if len(sample):
        found.crops_per_second = len(sample) / (time.perf_counter() - started)
    return found, store


class _Few:
    """The first people of a dataset whose picture can be read."""

    def __init__(self, dataset, count: int = 32):
        self.name, self.skeleton = dataset.name, dataset.skeleton
        self._dataset = dataset
        self._places: list[int] = []
        for i in range(min(len(dataset), 4 * count)):
            if len(self._places) == count:
                break
            try:
                dataset.read_image(dataset[i])
            except (FileNotFoundError, ImageError):
                continue
            self._places.append(i)

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: int):
        return self._dataset[self._places[index]]

    def read_image(self, person):
        return self._dataset.read_image(person)


def _timed_steps(config, model, store, count: int, device):
    """Seconds of a training step, and bytes it keeps for the way back."""
    people = _noise(store, count)
    if len(store):
        people = store.subset(np.arange(count) % len(store))
    settings = replace(config, batch_size=count, lr=1e-30, validate_every=0)
    task = SinglePerson(settings, people, people, model, device)
    judge = Step(model, task, Precise(model, replace(settings, compile=False), device))
    freeze(model.train(), settings.freeze)
    optimizer = make_optimizer(model, settings)
    kept: dict[int, int] = {}

    def step(watched: bool):
        batch = task.batch(0)
        optimizer.zero_grad(set_to_none=True)
        hooks = torch.autograd.graph.saved_tensors_hooks(
            _remember(kept, model) if watched else _as_is, _as_is
        )
        with hooks:
            terms = judge(batch)
        (terms.sums / terms.counts.clamp(min=1)).sum().backward()
        optimizer.step()
        if device.type == "cuda":
            torch.cuda.synchronize()

    step(watched=True)
    step(watched=False)
    started = time.perf_counter()
    for _ in range(_TIMED_STEPS):
        step(watched=False)
    seconds = (time.perf_counter() - started) / _TIMED_STEPS
    return seconds, sum(kept.values())


def _noise(store, count: int) -> CropDataset:
    """People made of noise: where no picture is here, they take as long."""
    rng = np.random.default_rng(0)
    side, joints = store.size, len(store.skeleton)
    rows = {
        field.name: np.zeros((count, *getattr(store, field.name).shape[1:]))
        for field in fields(store)
        if isinstance(getattr(store, field.name), np.ndarray)
    }
    rows |= {
        "crops": rng.integers(0, 256, (count, side, side, 3), np.uint8),
        "keypoints": rng.uniform(0, side, (count, joints, 2)).astype(np.float32),
        "visible": np.full((count, joints), 2, np.uint8),
        "head_size": np.full(count, side / 10, np.float32),
    }
    return replace(store, **rows)


def _as_is(tensor):
    return tensor


def _remember(kept: dict, model):
    """A hook that notes each memory block kept for the way back, once."""
    own = {p.untyped_storage().data_ptr() for p in model.parameters()}

    def note(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    return note


def _existing(path: Path) -> Path:
    path = path.absolute()
    while not path.exists():
        path = path.parent
    return path


def _short(path: Path) -> str:
    """A path as people write it: their own folder is ~."""
    path = path.absolute()
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)


def _duration(seconds: float) -> str:
    """``"3 h 20 min"``, for people."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    if seconds < 48 * 3600:
        hours, minutes = divmod(round(seconds / 60), 60)
        return f"{hours} h {minutes} min"
    return f"{seconds / 86400:.1f} days"
