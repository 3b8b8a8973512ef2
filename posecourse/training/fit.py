"""Training: one loop, from labelled people to a run folder.

Read `train` from top to bottom; what it calls stands below it in the same
order. Every random number is derived from the seed and the number of the
step, never from what ran before. So a run that was killed and resumed ends
in exactly the weights of one that was not, and several processes
(``torchrun``) do together what one would do alone.
"""

from __future__ import annotations

import json
import math
import os
import signal
import threading
import time
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from torch import nn
from tqdm import tqdm

from .. import evaluation, losses, models
from ..datasets import open_crops
from ..device import choose_device
from ..files import atomic_path, write_json
from ..transforms import make_batch
from . import run_folder
from .settings import DEFAULT_LOSS, LOSSES, TrainConfig, TrainingError, config_for

__all__ = ["TrainConfig", "TrainingError", "TrainingStopped", "config_for", "train"]


class TrainingStopped(KeyboardInterrupt):
    """Stopped by Ctrl-C or a signal, after saving where it stood."""


def train(config: TrainConfig, stores=None, on_epoch=None) -> Path:
    """Train a network, and leave a run folder.

    Parameters
    ----------
    config:
        From `config_for`. With `config.resume` the settings are those of
        that run.
    stores:
        ``(training, validation)`` `CropDataset`s to use instead of
        opening `config.data`.
    on_epoch:
        A function that is called after each epoch, in the first process,
        with the new row of ``log.csv`` (a dict). Where it is given,
        nothing is printed and no bar is shown.

    Returns
    -------
    The run folder (`posecourse.runs` says what is in it).
    """
    workers = Workers.join(quiet=on_epoch is not None)
    config, folder, saved = _begin(config, workers)
    device = _set_up(config, workers)
    training, validation = stores or _open_stores(config, workers)
    if workers.first and not config.resume:
        write_json(folder / "config.json", asdict(config))
    data = Data(training, device)
    model = models.build(config.model, data.skeleton, **config.options)
    if config.ohkm_topk > len(data.skeleton):
        raise TrainingError(
            f"ohkm_topk {config.ohkm_topk}: these people have "
            f"{len(data.skeleton)} joints; take fewer, or 0 for all"
        )
    if config.init and not saved:
        models.start_from(model, config.init)
    model.to(device)
    if config.channels_last:
        model.to(memory_format=torch.channels_last)
    network = _wrapped(model, config, device, workers)
    average = deepcopy(model).eval()
    optimizer = make_optimizer(model, config)
    per_epoch = max(1, len(data) // config.batch_size)
    total = config.epochs * per_epoch
    mean_pose = evaluation.mean_pose_of(training, model.input_size)
    blind = _blind_answer(model, mean_pose, device)
    step, rows, sums = 0, [], torch.zeros(3, device=device)
    if saved:
        step, rows = saved["step"], json.loads(saved["rows"])
        model.load_state_dict(saved["model"])
        average.load_state_dict(saved["average"])
        optimizer.load_state_dict(saved["optimizer"])
        if workers.first:
            sums.copy_(saved["sums"])

    def save():
        _check_finite(sums, model, folder)
        if workers.first:
            _save(
                folder / "last.pt",
                {
                    "step": step,
                    "rows": json.dumps(rows),
                    "model": model.state_dict(),
                    "average": average.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "sums": sums,
                },
            )

    workers.say(_headline(config, model, data, validation, device, per_epoch, folder))
    started, count, written = time.monotonic(), 0, time.monotonic()
    with (
        _stop_signal() as stop,
        _memory_advice(config),
        tqdm(
            total=total,
            initial=step,
            unit="step",
            leave=False,
            disable=None if workers.loud else True,
        ) as bar,
    ):
        while step < total:
            lr = learning_rate(step, total, config)
            for group in optimizer.param_groups:
                group["lr"] = lr
            torch.manual_seed(config.seed + step)  # for dropout
            batch = data.batch(step, per_epoch, config, workers, model.input_size)
            optimizer.zero_grad(set_to_none=True)
            sums += backward(network, model.codec, batch, blind, config, workers)
            if config.clip:
                nn.utils.clip_grad_norm_(model.parameters(), config.clip)
            optimizer.step()
            step += 1
            count += len(batch.images) * workers.world
            follow(average, model, step, config.ema * total)
            bar.update()

            if device.type == "cpu" or step % 50 == 0:
                _check_finite(sums, None, folder)
            end_of_epoch = step % per_epoch == 0
            if end_of_epoch:
                seconds = time.monotonic() - started
                loss, trivial, joints = workers.sum(sums).tolist()
                sums.zero_()
                row = {
                    "epoch": step // per_epoch,
                    "step": step,
                    "lr": lr,
                    "train_loss": loss / joints,
                    "trivial_loss": trivial / joints,
                }
                if workers.first:
                    row |= evaluation.validation_metrics(
                        average, validation, mean_pose, amp=config.amp == "bf16"
                    )
                    row["images_per_second"] = count / seconds
                    rows.append(row)
                    workers.say(_progress(row, config, model, validation))
                    _report(folder, rows, validation)
                    _save_weights(folder, average, training, mean_pose, row)
                    if on_epoch is not None:
                        on_epoch(dict(row))
                started, count = time.monotonic(), 0
            stopping = workers.agree(bool(stop), step)
            due = time.monotonic() - written > 60 * config.checkpoint_minutes
            if end_of_epoch or stopping or due:
                save()
                written = time.monotonic()
            if stopping:
                raise TrainingStopped(
                    f"stopped after step {step} of {total}; go on with "
                    f"posecourse train --resume {folder}"
                )
    if workers.first:
        workers.say(_finish(folder, config, average, training, validation, mean_pose))
    workers.leave()
    return folder


# ------------------------------------------------------------ the beginning


class Workers:
    """The processes that train together; alone unless under torchrun.

    One of them speaks, unless `quiet`.
    """

    def __init__(
        self, rank: int = 0, world: int = 1, local: int = 0, quiet: bool = False
    ):
        self.rank, self.world, self.local = rank, world, local
        self.first = rank == 0
        self.loud = self.first and not quiet

    @classmethod
    def join(cls, quiet: bool = False) -> Workers:
        """Meet the others, if ``torchrun`` started this process."""
        if int(os.environ.get("WORLD_SIZE", 1)) == 1:
            return cls(quiet=quiet)
        if not dist.is_initialized():
            gpu = torch.cuda.is_available()
            if gpu:
                torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
            dist.init_process_group("nccl" if gpu else "gloo")
        return cls(
            dist.get_rank(), dist.get_world_size(), int(os.environ["LOCAL_RANK"]), quiet
        )

    def wait(self):
        """Until all have come so far."""
        if self.world > 1:
            dist.barrier()

    def leave(self):
        """Wait for the others, then part."""
        if self.world > 1:
            self.wait()
            dist.destroy_process_group()

    def say(self, text: str):
        """Print, once, above the bar if there is one."""
        if self.loud:
            with tqdm.external_write_mode():
                print(text, flush=True)

    def sum(self, values: torch.Tensor) -> torch.Tensor:
        """The sum over all processes."""
        if self.world > 1:
            values = values.clone()
            dist.all_reduce(values)
        return values

    def agree(self, wish: bool, step: int) -> bool:
        """Whether any process wishes to stop; several ask now and then."""
        if self.world == 1 or step % 10:
            return wish and self.world == 1
        device = f"cuda:{self.local}" if dist.get_backend() == "nccl" else "cpu"
        return bool(self.sum(torch.tensor(float(wish), device=device)))


def _begin(config: TrainConfig, workers: Workers):
    """The settings, the run folder, and what a resumed run had saved."""
    if config.resume is None:
        folder = None
        if workers.first:
            config = replace(config, amp=choose_amp(config))
            folder = run_folder.new_folder(config.out, config.model)
            config = replace(config, out=str(folder))
        if workers.world > 1:
            shared = [config]
            dist.broadcast_object_list(shared)
            config = shared[0]
        return config, Path(config.out), None
    folder = Path(config.resume)
    path = folder / "last.pt"
    if not (folder / "config.json").is_file():
        raise FileNotFoundError(f"{folder} is not a run folder: it has no config.json")
    try:
        old = json.loads((folder / "config.json").read_text("utf-8"))
        config = TrainConfig(
            **{
                **old,
                "device": config.device,
                "out": str(folder),
                "resume": str(folder),
            }
        )
    except (ValueError, TypeError) as error:
        raise TrainingError(
            f"{folder / 'config.json'} cannot be used: {error}"
        ) from None
    if not path.is_file():
        return config, folder, None  # killed before its first checkpoint
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        saved["step"], saved["rows"], saved["optimizer"]
    except Exception as error:  # torch raises many kinds here
        raise TrainingError(
            f"{path}: this is not a whole checkpoint "
            f"({str(error).splitlines()[0]}); delete it to start this run "
            "again from the beginning"
        ) from None
    return config, folder, saved


def _set_up(config: TrainConfig, workers: Workers) -> torch.device:
    device = choose_device(config.device)
    if device.type == "cuda":
        torch.set_float32_matmul_precision("high")
        torch.backends.cudnn.benchmark = not config.deterministic
        if workers.world > 1:
            device = torch.device("cuda", workers.local)
    if config.batch_size < workers.world:
        raise TrainingError(
            f"batch_size {config.batch_size} is that of all "
            f"{workers.world} processes together; each "
            "needs one picture at least"
        )
    if config.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)
    torch.manual_seed(config.seed)
    return device


def choose_amp(config: TrainConfig) -> str:
    """16 bits where the processor has instructions for them.

    A CPU without them emulates bf16, several times slower than 32 bits.
    """
    if config.amp != "auto":
        return config.amp
    kind = choose_device(config.device).type
    if kind == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        features = getattr(torch.cpu, "get_capabilities", dict)()
        fast = kind == "cpu" and (
            features.get("avx512_bf16") or features.get("amx_bf16")
        )
    return "bf16" if fast else "fp32"


def _open_stores(config: TrainConfig, workers: Workers):
    """The training and the validation store; the first process prepares."""
    size = config.input_size
    for turn in (workers.first, not workers.first):
        if turn:
            stores = [
                open_crops(
                    config.data, split, size, people, config.difficulty, config.margin
                )
                for split, people in (
                    ("train", config.train_people),
                    ("valid", config.valid_people),
                )
            ]
        workers.wait()
    return stores


class Data:
    """The training people, as batches on a device.

    On a GPU the crops lie in its memory if they take no more than half of
    what is free; else, and on a CPU, they stay mapped from the disk.
    """

    def __init__(self, store, device: torch.device):
        self.store, self.device = store, device
        self.skeleton = store.skeleton
        self.resident = _on_gpu(store.crops, device)
        self.keypoints, self.head_size = (
            torch.as_tensor(part, dtype=torch.float32).to(device)
            for part in (store.keypoints, store.head_size)
        )
        self.visible = torch.as_tensor(store.visible).to(device)
        self._order = (None, None)  # of the people, in which epoch

    def __len__(self) -> int:
        return len(self.store.crops)

    def batch(
        self,
        step: int,
        per_epoch: int,
        config: TrainConfig,
        workers: Workers,
        input_size,
    ):
        """This process's part of the batch of a step."""
        epoch, place = divmod(step, per_epoch)
        if self._order[0] != epoch:
            order = torch.randperm(
                len(self), generator=_generator(config.seed, 1, epoch)
            )
            self._order = (epoch, order)
        size = min(config.batch_size, len(self))
        chosen = self._order[1][place * size : (place + 1) * size]
        draws = config.augmentation.draw(size, _generator(config.seed, 2, step))
        part = slice(workers.rank, None, workers.world)
        return self.some(
            chosen[part], input_size, config.augmentation, draws.part(part)
        )

    def some(self, chosen, input_size, augmentation, draws):
        """A batch of some people, ``(N,)`` rows, with these numbers."""
        if not self.skeleton.can_flip:
            augmentation = replace(augmentation, flip=0.0)
        crops = self.crops(chosen)
        rows = chosen.to(self.device, non_blocking=True)
        return make_batch(
            crops,
            self.keypoints[rows],
            self.visible[rows],
            self.head_size[rows],
            self.store.window,
            input_size,
            self.skeleton,
            augmentation,
            draws=draws,
        )

    def crops(self, chosen) -> torch.Tensor:
        """Some crops, on the device."""
        if self.resident is not None:
            return self.resident[chosen.to(self.device, non_blocking=True)]
        crops = torch.from_numpy(self.store.read(chosen))
        if self.device.type == "cuda":
            crops = crops.pin_memory()
        return crops.to(self.device, non_blocking=True)


def _on_gpu(crops, device: torch.device):
    """All crops in the GPU's memory, or None."""
    if device.type != "cuda" or 2 * crops.nbytes > torch.cuda.mem_get_info(device)[0]:
        return None
    resident = torch.empty(crops.shape, dtype=torch.uint8, device=device)
    for start in range(0, len(crops), 4096):  # a piece of it at a time
        piece = np.ascontiguousarray(crops[start : start + 4096])
        resident[start : start + 4096] = torch.from_numpy(piece)
    return resident


def _generator(seed: int, purpose: int, index: int) -> torch.Generator:
    """A generator of its own for each purpose and place in the run."""
    return torch.Generator().manual_seed(
        (seed + purpose * 2_147_483_629 + index * 6_364_136_223) % 2**63
    )


def _wrapped(model, config: TrainConfig, device, workers: Workers):
    """The network as it is called in training."""
    network = model
    if workers.world > 1:
        if device.type == "cuda":
            # replaces the layers inside `model`, which keeps its name
            nn.SyncBatchNorm.convert_sync_batchnorm(model)
        network = nn.parallel.DistributedDataParallel(
            model,
            device_ids=[device] if device.type == "cuda" else None,
            # parts that only draw an early stage's maps have no gradient
            find_unused_parameters=config.supervise == "last",
        )
    if config.compile and device.type == "cuda":
        return torch.compile(network)
    return network


def make_optimizer(model, config: TrainConfig):
    """AdamW; biases and normalisation are not decayed."""
    matrices = [p for p in model.parameters() if p.ndim > 1]
    vectors = [p for p in model.parameters() if p.ndim <= 1]
    return torch.optim.AdamW(
        [
            {"params": matrices, "weight_decay": config.weight_decay},
            {"params": vectors, "weight_decay": 0.0},
        ],
        lr=config.lr,
        fused=True,
    )


# ------------------------------------------------------------------ a step


def learning_rate(step: int, total: int, config: TrainConfig) -> float:
    """The rate of a step: a linear rise, then the schedule's fall."""
    rise = max(1, round(config.warmup * total))
    if step < rise:
        return config.lr * (step + 1) / rise
    if config.schedule == "step":
        falls = sum(14 * step >= part * total for part in (9, 12))
        return config.lr * 0.1**falls
    done = (step - rise) / max(1, total - rise)
    return config.lr * (1 + math.cos(math.pi * done)) / 2


def backward(
    network, codec, batch, blind, config: TrainConfig, workers: Workers
) -> torch.Tensor:
    """Add the gradient of the loss; return what the loss was made of.

    The loss is the mean over all labelled joints of all processes, so
    each divides by the common count. DistributedDataParallel will take
    the mean of the gradients where their sum is meant, hence `world`.

    With `config.ohkm_topk` the last stage counts the worst joints of each
    person only; with `config.supervise` ``"last"`` no other stage counts.

    Returns
    -------
    ``(3,)``: the sum of the loss over this process's joints, the same for
    the answer `blind`, and the number of joints.
    """
    name = config.loss if config.loss != "auto" else DEFAULT_LOSS[codec.kind]
    target, weights = codec.encode(batch.keypoints, batch.visible)
    with torch.autocast(
        target.device.type, torch.bfloat16, enabled=config.amp == "bf16"
    ):
        stages = network(batch.images)
    if config.supervise == "last":
        stages = stages[-1:]
    top = config.ohkm_topk or weights.shape[1]
    count, kept = weights.sum(), weights.sum(1).clamp(max=top).sum()
    everybodys = workers.sum(torch.stack([count, kept])).clamp(min=1)
    # the mean over the joints that are kept counts as that over all would
    more = everybodys[0] / everybodys[1]

    def per_joint(stage):
        return LOSSES[name](stage, target, weights, reduction="none")

    def judged(parts):
        """The sum over the stages; of the last one, over the hardest."""
        *early, last = parts
        if config.ohkm_topk:
            worst = losses.hardest(last.detach(), top)
            last = last.gather(1, worst) * more
        return sum(part.sum() for part in [*early, last])

    loss = judged([per_joint(stage) for stage in stages])
    (loss * workers.world / everybodys[0]).backward()
    trivial = judged([per_joint(blind.expand_as(target))] * len(stages))
    return torch.stack([loss.detach(), trivial, count])


def _blind_answer(model, mean_pose, device) -> torch.Tensor:
    """What a network says that does not look: nothing, or the mean pose."""
    points = torch.as_tensor(mean_pose, dtype=torch.float32, device=device)
    target, _ = model.codec.encode(points[None], torch.ones_like(points[None, :, 0]))
    return target * 0 if model.codec.kind == "heatmap" else target


@torch.no_grad()
def follow(average, model, step: int, horizon: float):
    """Move the averaged weights toward the network's, by 1 / horizon.

    Early in a run the average is over the few steps there were.
    """
    part = max(1 / max(1.0, horizon), 9 / (10 + step))
    pairs = list(zip(average.state_dict().values(), model.state_dict().values()))
    # all at once: on a GPU a call for each tensor takes longer than the work
    means, values = zip(*(p for p in pairs if p[0].is_floating_point()))
    torch._foreach_lerp_(means, values, part)
    for mean, value in pairs:
        if not mean.is_floating_point():
            mean.copy_(value)


def _check_finite(sums, model, folder: Path):
    """Stop when the loss, or before saving a weight, is not a number."""
    fine = bool(sums.isfinite().all()) and (
        model is None or all(bool(p.isfinite().all()) for p in model.parameters())
    )
    if not fine:
        kept = folder / "last.pt"
        raise TrainingError(
            "the loss is no longer a finite number. Lower --lr (a tenth is "
            "a good first try), or use --amp fp32"
            + (f"; the last good weights are in {kept}" if kept.exists() else "")
        )


@contextmanager
def _stop_signal():
    """Ctrl-C and SIGTERM ask to stop after the step, instead of at once.

    Yields a list that is no longer empty when asked. A second Ctrl-C
    stops at once.
    """
    asked, before = [], {}

    def ask(number, frame):
        asked.append(number)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, ask)
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _memory_advice(config: TrainConfig):
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        text = str(error)
        if (
            isinstance(error, RuntimeError)
            and not isinstance(error, torch.OutOfMemoryError)
            and "not enough memory" not in text
        ):
            raise
        raise TrainingError(
            f"out of memory with batches of {config.batch_size}: use "
            f"--batch-size {max(1, config.batch_size // 2)} and lower --lr "
            f"by the same factor ({text.splitlines()[0][:80]})"
        ) from None


def _save(path: Path, content: dict):
    with atomic_path(path) as temporary:
        torch.save(content, temporary)


# ------------------------------------------------------------- the results


def _report(folder: Path, rows: list[dict], validation):
    """Add the last epoch to the run folder."""
    run_folder.write_log(folder / "log.csv", rows)
    run_folder.draw_curves(folder / "curves.png", rows, _metric(validation))
    run_folder.write_tensorboard(folder / "tensorboard", rows)


def _progress(row: dict, config: TrainConfig, model, validation) -> str:
    """How an epoch went, on a line."""
    metric = _metric(validation)
    blind = {"heatmap": "empty maps", "coordinate": "mean pose"}
    return (
        f"epoch {row['epoch']:3d}/{config.epochs}  "
        f"loss {row['train_loss']:.4g} ({blind[model.codec.kind]} "
        f"{row['trivial_loss']:.4g})  "
        f"{metric} {row['score']:4.1f} (mean pose {row['mean_pose']:.1f}, "
        f"center {row['center_pose']:.1f})  "
        f"spread {row['prediction_std']:.1f} of {row['label_std']:.1f} px  "
        f"{row['images_per_second']:.0f} pictures/s"
    )


def _metric(validation) -> str:
    _, _, name, threshold = evaluation.pck_normalizer(validation)
    return f"{name}@{threshold:g}"


def _headline(
    config: TrainConfig,
    model,
    data: Data,
    validation,
    device,
    per_epoch: int,
    folder: Path,
) -> str:
    parameters = sum(p.numel() for p in model.parameters())
    w, h = model.input_size
    return (
        f"{config.model}: {parameters / 1e6:.2f} million parameters, "
        f"pictures of {w} x {h}, {config.amp} on {device}\n"
        f"{len(data):,} people to train on, {len(validation.crops):,} to "
        f"validate; {config.epochs} epochs of {per_epoch} batches of "
        f"{min(config.batch_size, len(data))}\n"
        f"run folder: {folder}"
    )


def _save_weights(folder: Path, average, training, mean_pose, row: dict):
    """The averaged weights, with what else an evaluation needs."""
    models.save_weights(
        average,
        folder / "weights.safetensors",
        mean_pose=[
            [None if math.isnan(v) else v for v in point]
            for point in mean_pose.tolist()
        ],
        trained_on=training.source["dataset"],
        epochs=row["epoch"],
    )


def _finish(
    folder: Path, config: TrainConfig, average, training, validation, mean_pose
) -> str:
    """The evaluation, pictures and README of a run; what to say at its end."""
    result = evaluation.score(average, validation, mean_pose)
    write_json(folder / "evaluation.json", result.to_dict())
    run_folder.draw_predictions(folder / "predictions.png", validation, result.in_crops)
    run_folder.write_readme(
        folder, f"{config.model} trained on {training.source['dataset']}", str(result)
    )
    text = f"\n{result}\n\nEverything is in {folder}"
    if result.prediction_std < 0.25 * result.label_std:
        text += "\n" + _COLLAPSED
        text += _CURE if config.model == "posenet" else ""
    return text


_COLLAPSED = """
The predictions hardly differ between pictures: the network says the same
pose, whatever it is shown. A network that has learned nothing from the
pictures does best with the mean pose."""
_CURE = """ As the document's PoseNet is written,
next to nothing of the picture reaches its last layer. Try posecourse train
--model posenet_bn, which normalises after each convolution. (The
document's full size: --option width=1 --input-size 224.)"""
