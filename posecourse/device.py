"""Where to compute: a GPU if there is one."""

from __future__ import annotations

import re

import torch

__all__ = ["choose_device", "is_out_of_memory", "prefers_bf16"]


def choose_device(name=None) -> torch.device:
    """``"cpu"``, ``"cuda"``, ...; default: a GPU if there is one.

    Raises ValueError for a device that cannot compute here.
    """
    if name in (None, "auto"):
        if torch.cuda.is_available():
            return torch.device("cuda")
        if torch.backends.mps.is_available():
            return torch.device("mps")
        return torch.device("cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device).item()  # "meta" has shapes, no numbers
    except Exception as error:  # each device has its own way to be missing
        reason = str(error).partition("\n")[0].partition(". ")[0]
        raise ValueError(
            f"device {str(name)!r:.60} cannot be used here: {reason}"
        ) from None
    return device


def prefers_bf16(device: torch.device) -> bool:
    """Whether 16 bits are faster than 32 on this device.

    A CPU without instructions for them emulates bf16, several times slower
    than 32 bits.
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return False
    features: dict = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(features.get("avx512_bf16") or features.get("amx_bf16"))


# torch on Linux, and on Windows; CUDA's libraries; OpenCV
_NO_MEMORY = re.compile(
    "allocate memory|not enough memory|out of memory|ALLOC_FAILED|insufficient memory",
    re.IGNORECASE,
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on a GPU or in the machine.

    torch raises `torch.OutOfMemoryError` for a GPU only; for the memory of
    the machine it is a RuntimeError that has to be read, as OpenCV's is.
    """
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    library = isinstance(error, RuntimeError) or type(error).__module__ == "cv2"
    return library and bool(_NO_MEMORY.search(str(error)))
