"""The processes that train together: alone, or under ``torchrun``."""

from __future__ import annotations

import os

import torch
import torch.distributed as dist
from torch import nn
from tqdm import tqdm

__all__ = ["DistributedContext"]


class DistributedContext:
    """One process among those that train together.

    Attributes
    ----------
    rank, world, local:
        Which process this is, of how many, and which on its machine.
    first:
        Whether it is the one that writes files and speaks.
    """

    def __init__(
        self, rank: int = 0, world: int = 1, local: int = 0, quiet: bool = False
    ):
        self.rank, self.world, self.local = rank, world, local
        self.first = rank == 0
        self.loud = self.first and not quiet

    @classmethod
    def join(cls, quiet: bool = False) -> DistributedContext:
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

    def wait(self) -> None:
        """Until all have come so far."""
        if self.world > 1:
            dist.barrier()

    def close(self) -> None:
        """Wait for the others, then part."""
        if self.world > 1:
            self.wait()
            dist.destroy_process_group()

    def log(self, text: str) -> None:
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

    def any(self, wish: bool, step: int) -> bool:
        """Whether any process wishes so; several ask each other now and then."""
        if self.world == 1:
            return wish
        if step % 10:
            return False
        gpu = dist.get_backend() == "nccl"
        device = f"cuda:{self.local}" if gpu else "cpu"
        return bool(self.sum(torch.tensor(float(wish), device=device)))

    def broadcast(self, value):
        """What the first process has, in all of them."""
        if self.world == 1:
            return value
        shared = [value]
        dist.broadcast_object_list(shared)
        return shared[0]

    def in_turn(self, function):
        """Call a function in the first process, then in the others.

        For work of which all need the result and one must do the writing.
        """
        result = None
        for turn in (self.first, not self.first):
            if turn:
                result = function()
            self.wait()
        return result

    def device(self, device: torch.device) -> torch.device:
        """The one of several GPUs that is this process's."""
        if self.world > 1 and device.type == "cuda":
            return torch.device("cuda", self.local)
        return device

    def wrap(self, module: nn.Module, device: torch.device, partial: bool):
        """A module as it is called, so that gradients are shared.

        On GPUs BatchNorm then normalises over all processes. On CPUs it
        cannot: each process normalises its own part of the batch, and the
        result is not that of one process.

        Parameters
        ----------
        partial:
            Some weights may have no gradient, as where only the last of
            several stages is judged.
        """
        if self.world == 1:
            return module
        gpu = device.type == "cuda"
        if gpu:  # replaces the layers inside `module`, which keeps its name
            nn.SyncBatchNorm.convert_sync_batchnorm(module)
        elif any(
            isinstance(m, nn.modules.batchnorm._BatchNorm) for m in module.modules()
        ):
            self.log(
                "BatchNorm normalises each process's part of the batch by itself "
                "on CPUs: the result differs from that of one process"
            )
        return nn.parallel.DistributedDataParallel(
            module,
            device_ids=[device] if gpu else None,
            find_unused_parameters=partial,
        )
