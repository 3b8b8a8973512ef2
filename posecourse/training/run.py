"""From settings to a run folder: what ``posecourse train`` does."""

from __future__ import annotations

import os
import warnings
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import torch

from .. import models
from ..datasets import open_crops
from ..device import choose_device, is_out_of_memory
from ..files import write_json
from ..models.conventions import adopt
from .distributed import DistributedContext
from .fit import fit, freeze
from .run_folder import RunFolder
from .settings import TrainConfig, TrainingError, read_config
from .tasks import SinglePerson

__all__ = ["train"]


def train(
    config: TrainConfig, crops=None, on_epoch=None, network=None, loss=None
) -> Path:
    """Train a network on people in crops, and leave a run folder.

    Parameters
    ----------
    config:
        From `config_for`. With `config.resume` the settings are those of
        that run.
    crops:
        ``(training, validation)`` `CropDataset`\\ s to use instead of
        opening `config.data`. The run remembers that they were given, and
        asks for the same ones when it is resumed.
    on_epoch:
        A function that is called after each epoch, in the first process,
        with the new row of ``log.csv`` (a dict). Where it is given,
        nothing is printed and no bar is shown.
    network:
        A `PoseNetwork` of your own instead of building `config.model`. Its
        class is registered (`models.register`).
    loss:
        A loss of your own: a function ``(output, target, weights)`` that
        gives ``(N, K)``, see `PoseNetwork.set_loss`.

    Returns
    -------
    The run folder (`posecourse.training.run_folder` says what is in it).

    Raises
    ------
    TrainingError, RunError, FileNotFoundError, ValueError
        Before a folder is made, if something cannot be.
    """
    context = DistributedContext.join(quiet=on_epoch is not None)
    if config.resume:
        config = read_config(
            config.resume,
            resume=config.resume,
            out=config.resume,
            device=config.device,
        )
    if network is not None:
        models.describe(network)
        if config.resume and network.name != config.model:
            raise TrainingError(
                f"{config.resume} trains a {config.model}; the network given is a "
                f"{network.name}"
            )
        config = replace(config, model=network.name, options=network.options)
    device = context.device(choose_device(config.device))
    set_up(config, device)
    training, validation = crops or open_people(config, context)
    config = remember_people(config, training, validation, given=crops is not None)
    network, config = make_network(config, network, loss, training.skeleton, context)
    task = SinglePerson(config, training, validation, network, device, context)
    config = replace(config, amp=config.precision)
    folder = open_folder(config, context)
    try:
        if context.first and not (folder.path / "config.json").exists():
            write_json(folder.path / "config.json", asdict(config))
        context.log(headline(config, network, task, device, folder.path))
        with memory_advice(config):
            average = fit(network, task, config, folder, context, on_epoch)
        if context.first:
            result = task.report(folder.path, average)
            title = f"{config.model} trained on {training.source['dataset']}"
            folder.write_readme(title, result)
            context.log(f"\n{result}\n\nEverything is in {folder.path}")
    finally:
        if context.first:
            folder.close()
    context.close()
    return folder.path


def set_up(config: TrainConfig, device: torch.device) -> None:
    """What torch is told once, before a network is built."""
    if device.type == "cuda":
        torch.set_float32_matmul_precision("high")
        torch.backends.cudnn.benchmark = not config.deterministic
    if config.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)
    torch.manual_seed(config.seed)


def open_people(config: TrainConfig, context: DistributedContext):
    """The training and the validation crops; the first process prepares."""
    if config.data == "own":
        raise TrainingError(
            "this run was trained on people that were given from Python "
            f"({config.people['train']['dataset']}): give the same ones, "
            "train(config, crops=(training, validation))"
        )

    def prepare():
        return [
            open_crops(
                config.data,
                split,
                config.input_size,
                people,
                config.difficulty,
                config.margin,
            )
            for split, people in (
                ("train", config.train_people),
                ("valid", config.valid_people),
            )
        ]

    return context.in_turn(prepare)


def remember_people(config: TrainConfig, training, validation, given: bool):
    """The settings with what the run is trained on; the same, if resumed."""
    people = {
        "train": _description(training),
        "valid": _description(validation),
    }
    before = config.people
    if config.resume and before and not _same_people(before["train"], people["train"]):
        raise TrainingError(
            f"{config.resume} was trained on {_text(before['train'])}; these are "
            f"{_text(people['train'])}, or their pictures or labels were changed. "
            "Start a new run for them"
        )
    shared = set(map(str, training.images)) & set(map(str, validation.images))
    if shared and not given:
        warnings.warn(
            f"{len(shared):,} pictures are trained and validated on, the first "
            f"{min(shared)}: the validation flatters this run",
            stacklevel=2,
        )
    data = "own" if given and not config.resume else config.data
    return replace(config, data=data, people=people)


def _description(crops) -> dict:
    source = crops.source
    return {
        "dataset": source.get("dataset", "people"),
        "people": len(crops.crops),
        "fingerprint": source.get("fingerprint", ""),
        **({"split": source["split"]} if source.get("split") else {}),
    }


def _same_people(before: dict, now: dict) -> bool:
    names = ("dataset", "people", "fingerprint")
    return all(before.get(name) == now.get(name) for name in names)


def _text(people: dict) -> str:
    return f"{people['people']:,} people of {people['dataset']}"


def make_network(
    config: TrainConfig, network, loss, skeleton, context: DistributedContext
):
    """The network, its loss, and the settings that say both."""
    if network is None:
        network = models.build(config.model, skeleton, **config.options)
    else:
        models.describe(network, skeleton)
    if loss is not None:
        name = getattr(loss, "__name__", type(loss).__name__)
        network.set_loss(loss)
        config = replace(config, loss=name)
    elif config.loss != "auto":
        if config.loss not in models.LOSSES:
            raise TrainingError(
                f"there is no loss {config.loss!r}; choose one of auto, "
                f"{', '.join(models.LOSSES)}. If it is a function of yours, give "
                f"it: train(config, loss={config.loss})"
            )
        network.set_loss(config.loss)
    if config.conventions:  # a resumed run's: a checkpoint has the weights only
        adopt(network, config.conventions)
    if config.init and not _has_checkpoint(config):
        models.start_from(network, config.init, say=context.log)
    freeze(network, config.freeze)  # now, while no folder is made
    return network, replace(config, conventions=getattr(network, "conventions", None))


def _has_checkpoint(config: TrainConfig) -> bool:
    return config.resume is not None and any(
        Path(config.resume, name).is_file() for name in ("last.pt", "previous.pt")
    )


def open_folder(config: TrainConfig, context: DistributedContext) -> RunFolder:
    """The run's folder: a new one, or that of a resumed run, unchanged."""
    folder = None
    if context.first:
        if config.resume:
            folder = RunFolder(config.resume)
        else:
            folder = RunFolder.create(config.out, config.model)
    path = context.broadcast(folder and folder.path)
    folder = folder or RunFolder(path, lock=False)
    folder.settings = config.to_json()
    return folder


def headline(config: TrainConfig, network, task, device, folder: Path) -> str:
    """What a run is, before it begins."""
    parameters = sum(p.numel() for p in network.parameters())
    w, h = network.input_size
    return (
        f"{config.model}: {parameters / 1e6:.2f} million parameters, pictures of "
        f"{w} x {h}, {config.amp} on {device}\n"
        f"{len(task.people):,} people to train on, "
        f"{len(task.validation.crops):,} to validate; {config.epochs} epochs of "
        f"{task.steps_per_epoch} batches of {task.size}\n"
        f"run folder: {folder}"
    )


@contextmanager
def memory_advice(config: TrainConfig):
    """Say what to do when memory runs out, on a GPU or on a CPU."""
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        reason = str(error).partition("\n")[0][:80] or "no details"
        raise TrainingError(
            f"out of memory with batches of {config.batch_size}: use "
            f"--batch-size {max(1, config.batch_size // 2)} and lower --lr "
            f"by the same factor ({reason})"
        ) from None
