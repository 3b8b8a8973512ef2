"""The loop: a network, a task, and some settings.

`fit` knows steps, rates, precision, averaged weights, several processes,
checkpoints and curves. It knows no people and no pictures: what is learned
is a *task* (`posecourse.training.tasks`).

Every random number is derived from the seed and the number of the step,
never from what ran before. So a run that was killed and resumed ends in
exactly the weights of one that was not, and several processes
(``torchrun``) do together what one would do alone. (The exception is
BatchNorm on several CPUs, see `DistributedContext.wrap`.)
"""

from __future__ import annotations

import math
import signal
import threading
import time
from contextlib import contextmanager
from copy import deepcopy

import torch
from torch import nn
from tqdm import tqdm

from ..device import choose_device
from .distributed import DistributedContext
from .run_folder import RunFolder
from .settings import FitSettings, TrainingError
from .tasks import Task

__all__ = [
    "TrainingStopped",
    "fit",
    "freeze",
    "learning_rate",
    "make_optimizer",
    "update_ema",
]


class TrainingStopped(KeyboardInterrupt):
    """Stopped by Ctrl-C or a signal, after saving where it stood."""


def fit(
    network: nn.Module,
    task: Task,
    settings: FitSettings,
    folder: RunFolder,
    context: DistributedContext | None = None,
    on_epoch=None,
):
    """Train a network, from where the folder's checkpoint stands.

    Parameters
    ----------
    network:
        Any network that the task can ask. It is moved to the device.
    task:
        What is learned.
    settings:
        How.
    folder:
        Where to write; a checkpoint in it is gone on with.
    on_epoch:
        Called after each epoch, in the first process, with the new row of
        ``log.csv``.

    Returns
    -------
    The network with the averaged weights, in evaluation mode.
    """
    context = context or DistributedContext()
    device = context.device(choose_device(settings.device))
    state = TrainState(network, task, settings, device, context)
    precise = Precise(network, settings, device)
    loss = context.wrap(Step(network, task, precise), device, task.partial_gradients)
    state.load(folder.read_checkpoint())
    per_epoch, total = task.steps_per_epoch, settings.epochs * task.steps_per_epoch
    clock = Clock(60 * settings.checkpoint_minutes)
    with stop_signals() as stop, progress_bar(total, state.step, context) as bar:
        while state.step < total:
            rate = learning_rate(state.step, total, settings)
            for group in state.optimizer.param_groups:
                group["lr"] = rate
            torch.manual_seed(settings.seed + state.step)  # for dropout
            batch = task.batch(state.step)
            state.optimizer.zero_grad(set_to_none=True)
            terms = loss(batch)
            global_counts = context.sum(terms.counts).clamp(min=1)
            # DistributedDataParallel will take the mean of the gradients
            # where their sum is meant, hence `world`
            (context.world * (terms.sums / global_counts).sum()).backward()
            if settings.clip:
                nn.utils.clip_grad_norm_(network.parameters(), settings.clip)
            state.optimizer.step()
            state.step += 1
            update_ema(state.average, network, state.step, settings.ema * total)
            state.add(terms, task.baseline(precise, batch))
            bar.update()
            clock.tick()

            end_of_epoch = state.step % per_epoch == 0
            stopping = context.any(bool(stop), state.step)
            saving = end_of_epoch or stopping or context.any(clock.due(), state.step)
            if saving or device.type == "cpu" or state.step % 50 == 0:
                state.check_finite(folder, weights=saving)
            if end_of_epoch:
                row = state.end_epoch(per_epoch, rate) | clock.end_epoch()
                if context.first:
                    row = task.validate(state.average, row)
                    state.rows.append(row)
                    context.log(task.describe(row, settings.epochs))
                    last = state.step == total
                    folder.write_epoch(state.rows, state.average, task, last)
                    if on_epoch is not None:
                        on_epoch(dict(row))
                clock.start_epoch()
            if saving:
                state.save(folder)
                clock.saved()
            if stopping:
                raise TrainingStopped(
                    f"stopped after step {state.step} of {total}; go on with "
                    f"posecourse train --resume {folder.path}"
                )
    return state.average


# ------------------------------------------------------------ what is kept


class TrainState:
    """All that changes in a run: weights, their average, the optimizer, sums."""

    def __init__(self, network, task: Task, settings: FitSettings, device, context):
        network.to(device)
        if settings.channels_last:
            network.to(memory_format=torch.channels_last)
        self.network, self.context = network.train(), context
        freeze(network, settings.freeze)
        self.average = deepcopy(network).eval()
        self.optimizer = make_optimizer(network, settings)
        self.step = 0
        self.rows: list[dict] = []
        # of each term of the loss: its sum, that of the baseline, the count
        exact = torch.float32 if device.type == "mps" else torch.float64
        self.sums = torch.zeros(3, task.terms, dtype=exact, device=device)

    def add(self, terms, baseline) -> None:
        """Add a step to the epoch's sums."""
        loss = terms.sums.detach()
        trivial = torch.full_like(loss, torch.nan) if baseline is None else baseline
        self.sums += torch.stack([loss, trivial, terms.counts]).to(self.sums)

    def end_epoch(self, per_epoch: int, rate: float) -> dict:
        """The beginning of a row of ``log.csv``; the sums start again."""
        loss, trivial, counts = self.context.sum(self.sums).clone()
        counts = counts.clamp(min=1)
        self.sums.zero_()
        return {
            "epoch": self.step // per_epoch,
            "step": self.step,
            "lr": rate,
            "train_loss": (loss / counts).sum().item(),
            "trivial_loss": (trivial / counts).sum().item(),
        }

    def check_finite(self, folder: RunFolder, weights: bool) -> None:
        """Stop when the loss is not a number; before saving, a weight."""
        fine = bool(self.sums[::2].isfinite().all())
        if weights:
            fine = fine and all(
                bool(value.isfinite().all())
                for model in (self.network, self.average)
                for value in model.state_dict().values()
            )
        if not fine:
            kept = folder.path / "last.pt"
            raise TrainingError(
                "the loss is no longer a finite number. Lower --lr (a tenth is "
                "a good first try), or use --amp fp32"
                + (f"; the last good weights are in {kept}" if kept.exists() else "")
            )

    def save(self, folder: RunFolder) -> None:
        """Write a checkpoint, from the first process, with everybody's sums."""
        sums = self.context.sum(self.sums)
        if not self.context.first:
            return
        folder.write_checkpoint(
            {
                "step": self.step,
                "rows": self.rows,
                "model": self.network.state_dict(),
                "average": self.average.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "sums": sums,
            }
        )

    def load(self, saved: dict | None) -> None:
        """Go on from a checkpoint, if there is one."""
        if saved is None:
            return
        self.step, self.rows = saved["step"], saved["rows"]
        self.network.load_state_dict(saved["model"])
        self.average.load_state_dict(saved["average"])
        self.optimizer.load_state_dict(saved["optimizer"])
        if self.context.first:
            sums = saved["sums"].reshape(3, -1)  # older ones knew one term
            self.sums[:, : sums.shape[1]] = sums.to(self.sums)


class Precise:
    """A network as a task calls it: in the precision that was asked for.

    Its other attributes are the network's own.
    """

    def __init__(self, network, settings: FitSettings, device: torch.device):
        self._network, self._device = network, device
        self._half = settings.precision == "bf16"
        compiles = settings.compile and device.type == "cuda"
        self._call = torch.compile(network) if compiles else network

    def __call__(self, *inputs):
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._half):
            return self._call(*inputs)

    def __getattr__(self, name):
        return getattr(self._network, name)


class Step(nn.Module):
    """A step's loss as one module: whatever it uses shares its gradients."""

    def __init__(self, network, task: Task, precise: Precise):
        super().__init__()
        self.network = network
        self.task, self.precise = task, precise

    def forward(self, batch):
        return self.task.loss(self.precise, batch)


def freeze(network: nn.Module, layers) -> None:
    """Leave some layers as they are: no gradient, no new BatchNorm statistics.

    Raises TrainingError for a name the network has not.
    """
    known = dict(network.named_modules())
    for name in layers:
        if not name or name not in known:
            some = ", ".join(n for n, _ in network.named_children())
            raise TrainingError(
                f"there is no layer {name!r} to freeze; the network's parts are "
                f"{some}, and theirs have names such as {list(known)[2]}"
            )
        known[name].eval().requires_grad_(False)


def make_optimizer(network, settings: FitSettings):
    """AdamW; biases and normalisation are not decayed."""
    learned = [p for p in network.parameters() if p.requires_grad]
    matrices = [p for p in learned if p.ndim > 1]
    vectors = [p for p in learned if p.ndim <= 1]
    return torch.optim.AdamW(
        [
            {"params": matrices, "weight_decay": settings.weight_decay},
            {"params": vectors, "weight_decay": 0.0},
        ],
        lr=settings.lr,
        fused=True,
    )


# ------------------------------------------------------------------ a step


def learning_rate(step: int, total: int, settings: FitSettings) -> float:
    """The rate of a step: a linear rise, then the schedule's fall."""
    rise = max(1, round(settings.warmup * total))
    if step < rise:
        return settings.lr * (step + 1) / rise
    if settings.schedule == "step":
        falls = sum(14 * step >= part * total for part in (9, 12))
        return settings.lr * 0.1**falls
    done = (step - rise) / max(1, total - rise)
    return settings.lr * (1 + math.cos(math.pi * done)) / 2


@torch.no_grad()
def update_ema(average, network, step: int, horizon: float) -> None:
    """Move the averaged weights toward the network's, by 1 / horizon.

    Early in a run the average is over the few steps there were.
    """
    part = max(1 / max(1.0, horizon), 9 / (10 + step))
    pairs = list(
        zip(average.state_dict().values(), network.state_dict().values(), strict=True)
    )
    # all at once: on a GPU a call for each tensor takes longer than the work
    means, values = zip(*(p for p in pairs if p[0].is_floating_point()), strict=True)
    torch._foreach_lerp_(means, values, part)
    for mean, value in pairs:
        if not mean.is_floating_point():
            mean.copy_(value)


# -------------------------------------------------------- time and signals


class Clock:
    """When a checkpoint is due, and how fast an epoch was."""

    def __init__(self, seconds: float):
        self.seconds, self.written = seconds, time.monotonic()
        self.start_epoch()

    def due(self) -> bool:
        return time.monotonic() - self.written > self.seconds

    def saved(self) -> None:
        self.written = time.monotonic()

    def start_epoch(self) -> None:
        self.started, self.steps = time.monotonic(), 0

    def tick(self) -> None:
        self.steps += 1

    def end_epoch(self) -> dict:
        """Steps a second, of those that were done since the start or a resume."""
        return {"steps_per_second": self.steps / (time.monotonic() - self.started)}


def progress_bar(total: int, step: int, context: DistributedContext):
    """A bar, if this process speaks and somebody looks."""
    return tqdm(
        total=total,
        initial=step,
        unit="step",
        leave=False,
        disable=None if context.loud else True,
    )


@contextmanager
def stop_signals():
    """Ctrl-C, SIGTERM and SIGHUP ask to stop after the step, not at once.

    Yields a list that is no longer empty when asked. A second Ctrl-C
    stops at once.
    """
    asked, before = [], {}

    def ask(number, frame):
        asked.append(number)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    if threading.current_thread() is threading.main_thread():
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            if hasattr(signal, name):  # Windows has no SIGHUP
                number = getattr(signal, name)
                before[number] = signal.signal(number, ask)
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
