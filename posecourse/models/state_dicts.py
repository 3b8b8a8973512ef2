"""State dicts: out of the files of other tools, under a network's names.

Who saves a network has often wrapped it: in a dictionary with the
optimiser, in `torch.compile`, in one process per GPU, in a class of a
training framework. None of this changes the weights, so it is taken off.
What is left must fit to the last tensor.
"""

from __future__ import annotations

import codecs
import json
from pathlib import Path

import numpy as np
import torch

__all__ = ["WeightsError", "fill", "match_names", "read_state_dict", "some"]


class WeightsError(ValueError):
    """A weights file that cannot be used; says why and what to do."""


# ------------------------------------------------------------------- files

# How files begin that are taken for weights, and what they are.
_OTHER_FILES = (
    (b"<", "a web page: the download was answered with one"),
    (b"version https://git-lfs", "a Git LFS pointer: git lfs pull gets the file"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x1f\x8b", "packed with gzip: unpack it first"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"%PDF", "a PDF"),
)


def read_state_dict(path) -> tuple[dict, dict]:
    """The tensors of a weights file, and what is written beside them.

    Reads safetensors, and what `torch.save` wrote, whatever it ends in:
    tensors only, a file that would run code when opened is refused.

    Returns
    -------
    tensors, metadata:
        ``{name: tensor}`` on the CPU, and ``{key: text}`` (of safetensors).

    Raises
    ------
    FileNotFoundError, WeightsError
        Where there is no such file, or none of this kind.
    """
    path = Path(path)
    if path.is_dir():
        raise WeightsError(f"{path} is a folder; name the weights file in it")
    if not path.exists():
        raise FileNotFoundError(f"{path}: there is no such weights file")
    if not path.is_file():
        raise WeightsError(f"{path} is no ordinary file")
    with open(path, "rb") as file:
        head = file.read(64)
    for begin, what in _OTHER_FILES:
        if head.startswith(begin):
            raise WeightsError(f"{path} holds no weights: it is {what}")
    if path.suffix == ".safetensors" or head[8:9] == b"{":
        return _read_safetensors(path)
    return _read_torch(path), {}


def _read_safetensors(path: Path) -> tuple[dict, dict]:
    from safetensors import SafetensorError
    from safetensors.torch import load

    # not opened by name: that takes UTF-8 only
    data = path.read_bytes()
    try:
        tensors = load(data)
        end = 8 + int.from_bytes(data[:8], "little")
        metadata = json.loads(data[8:end]).get("__metadata__") or {}
    except (SafetensorError, KeyError) as error:
        raise WeightsError(
            f"{path}: this is not a whole safetensors file ({error}). It "
            "may be cut short (copy or download it again) or be of "
            "another kind; files of torch.save must end in .pt or "
            ".pth"
        ) from None
    return tensors, metadata


# Numbers of NumPy, which some training scripts store beside the weights
# (the best accuracy so far); torch takes them when told that it may.
_scalar = np.float64(0).__reduce__()[0]
_NUMBERS = [
    (_scalar, "numpy.core.multiarray.scalar"),
    (_scalar, "numpy._core.multiarray.scalar"),
    np.dtype,
    *(type(np.dtype(kind)) for kind in "?bBhHiIlLqQefd"),
    codecs.encode,
]


def _read_torch(path: Path) -> dict:
    with open(path, "rb") as file, torch.serialization.safe_globals(_NUMBERS):
        try:
            data = torch.load(file, map_location="cpu", weights_only=True)
        except Exception as error:  # torch raises many kinds here
            reason = str(error).splitlines()[:1] or [type(error).__name__]
            raise WeightsError(
                f"{path}: torch cannot read tensors from this file. Either it "
                "is cut short (copy or download it again), or it is of another "
                "kind, or it holds Python objects that would run code when "
                "opened, which is refused: save model.state_dict(), not the "
                f"model. torch says: {reason[0]:.200}"
            ) from None
    return _state_dict_in(data, path)


# What training scripts call the weights that they save with other things.
_WRAPPERS = (
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "net",
    "network",
    "module",
    "weights",
    "params",
)


def _state_dict_in(data, path: Path) -> dict:
    """The dictionary of tensors, however deep in others it lies."""
    for _ in range(8):  # a dictionary may hold itself
        tensors = _tensors_of(data)
        inside = _dictionaries_of(data)
        named = [inside[name] for name in _WRAPPERS if name in inside]
        if not named and not tensors:
            named = [inner for inner in inside.values() if _tensors_of(inner)]
            named = named if len(named) == 1 else []
        if not named:
            break
        data = named[0]
    if not tensors:
        has = (
            f"this one has {some(map(str, data))}"
            if isinstance(data, dict)
            else f"this is of type {type(data).__name__}"
        )
        raise WeightsError(
            f"{path}: a dictionary of tensors is expected, as "
            f"model.state_dict() gives; {has}"
        )
    return tensors


def _tensors_of(data) -> dict:
    if not isinstance(data, dict):
        return {}
    return {
        key: value
        for key, value in data.items()
        if isinstance(key, str) and isinstance(value, torch.Tensor)
    }


def _dictionaries_of(data) -> dict:
    if not isinstance(data, dict):
        return {}
    return {k: v for k, v in data.items() if isinstance(v, dict) and v}


def some(names, most: int = 6) -> str:
    """The first few names of many."""
    names = list(names)
    shown = ", ".join(f"{name:.60}" for name in names[:most]) or "nothing"
    return shown + (f", ... ({len(names)} in all)" if len(names) > most else "")


# ------------------------------------------------------------------- names


def match_names(tensors: dict, wanted, path) -> dict:
    """The tensors under the names that a network wants, as far as they can be.

    Taken off are what `torch.compile` (``_orig_mod.``) and several GPUs
    (``module.``) put anywhere into a name, and what stands before all names
    (``model.``, ``net.``, ... of training frameworks), or before a part of
    them that fills the network.

    Parameters
    ----------
    wanted:
        The names of the network's tensors.

    Raises
    ------
    WeightsError
        If two parts of the file fill the network (weights and their
        average, say).
    """
    wanted = set(wanted)
    needed = {name for name in wanted if not _is_counter(name)}
    extra = {"_orig_mod", "module"} - {p for name in wanted for p in name.split(".")}
    bare = {
        ".".join(part for part in name.split(".") if part not in extra): value
        for name, value in tensors.items()
    }
    if len(bare) == len(tensors):
        tensors = bare
    while tensors and not needed & set(tensors):
        parts: dict[str, dict] = {}
        for name, value in tensors.items():
            first, _, rest = name.partition(".")
            parts.setdefault(first, {})[rest] = value
        if len(parts) > 1:
            parts = {
                first: part
                for first, part in parts.items()
                if needed <= set(match_names(part, wanted, path))
            }
        if len(parts) > 1:
            raise WeightsError(
                f"{path}: {' and '.join(parts)} are both weights of this "
                "network; save the one that you mean as a state dict of its own"
            )
        if not parts or "" in next(iter(parts.values())):
            break
        (tensors,) = parts.values()
    return tensors


def _is_counter(name: str) -> bool:
    """PyTorch before 0.4.1 did not store how many batches a norm has seen."""
    return name.endswith("num_batches_tracked")


_ADVICE = (
    "Build the network that they were saved from (same name, skeleton, input "
    "size and options)"
)


def fill(model, tensors: dict, path, names=None, what=None, advice=_ADVICE):
    """Put tensors into a network: all of them, and into all of it.

    Parameters
    ----------
    tensors:
        From `read_state_dict`. Wrappers are taken off (`match_names`).
    names:
        For each tensor of the network its name in the file; by default the
        same.
    what, advice:
        What the message says where they do not fit.

    Raises
    ------
    WeightsError
        Where a tensor is missing, left over, of another shape or kind, or
        not finite; the network is then as before.
    """
    own = model.state_dict()
    names = names or {name: name for name in own}
    found = match_names(tensors, names.values(), path)
    state, problem = {}, ""
    for name, value in own.items():
        theirs = names[name]
        if theirs not in found and _is_counter(name):
            state[name] = value
            continue
        problem = problem or _misfit(theirs, found.get(theirs), value)
        state[name] = found.pop(theirs, value)
    if found:
        problem = problem or f"the network has nothing like {next(iter(found))}"
    if problem:
        what = what or f"not weights of this {_name_of(model)}"
        raise WeightsError(
            f"{path}: {what}: {problem}. {advice}. The file has {some(tensors)}"
        )
    for name, value in own.items():
        state[name] = state[name].to(value.dtype)
        if not bool(state[name].isfinite().all()):
            raise WeightsError(
                f"{path}: {names[name]} is not finite (NaN or infinity). What "
                "wrote it had gone wrong; train again with a lower --lr, or "
                "take weights from before"
            )
    model.load_state_dict(state)


def _misfit(name: str, found, wanted) -> str:
    """Why a tensor of a file is not the one that a network wants, or ""."""
    if found is None:
        return f"{name} is missing"
    if found.layout != torch.strided or found.is_quantized or found.is_meta:
        return f"{name} is no plain tensor, but sparse, quantised or without values"
    if found.shape != wanted.shape:
        return (
            f"{name} has shape {tuple(found.shape)}, the network wants "
            f"{tuple(wanted.shape)}"
        )
    if found.is_floating_point() != wanted.is_floating_point():
        return f"{name} is {found.dtype}, the network wants {wanted.dtype}"
    return ""


def _name_of(model) -> str:
    return getattr(model, "name", type(model).__name__)
