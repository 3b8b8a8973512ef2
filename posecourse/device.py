"""Where to compute: a GPU if there is one."""

from __future__ import annotations

import torch

__all__ = ["choose_device"]


def choose_device(name: str | None = None) -> torch.device:
    """``"cpu"``, ``"cuda"``, ...; default: a GPU if there is one."""
    if name in (None, "auto"):
        if torch.cuda.is_available():
            return torch.device("cuda")
        if torch.backends.mps.is_available():
            return torch.device("mps")
        return torch.device("cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(
            f"device {name!r} cannot be used here: {str(error).splitlines()[0]}"
        ) from None
    return device
