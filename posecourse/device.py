"""Where to compute: a GPU if there is one."""

from __future__ import annotations

import torch

__all__ = ["choose_device", "prefers_bf16"]


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
        (torch.ones(1, device=device) + 1).item()  # "meta" can hold, not compute
    except (RuntimeError, AssertionError, TypeError) as error:
        raise ValueError(
            f"device {str(name)!r} cannot be used here: {str(error).splitlines()[0]}"
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
