"""Weights on disk: safetensors that say which network they belong to."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import torch

from ..files import atomic_path
from ..skeletons import SKELETONS, Skeleton, get_skeleton

__all__ = ["WeightsError", "load_model", "load_weights", "save_weights"]


class WeightsError(ValueError):
    """A weights file that cannot be used; says why and what to do."""


def save_weights(model, path, **metadata) -> Path:
    """Write the weights of a network made by `build`, whole or not at all.

    The file also says how to build the network, so `load_model` needs
    nothing else. `metadata` (anything JSON can hold) goes with it.
    """
    from safetensors.torch import save_file

    model = getattr(model, "module", model)
    skeleton = model.skeleton
    known = SKELETONS.get(skeleton.name) == skeleton
    description = {
        **metadata,
        "model": model.name,
        "options": model.options,
        "skeleton": skeleton.name if known else skeleton.to_dict(),
        "input_size": list(model.input_size),
    }
    if hasattr(model, "conventions"):  # see checkpoints.adopt
        description["conventions"] = asdict(model.conventions)
    tensors = {
        key: value.detach().cpu().contiguous()
        for key, value in model.state_dict().items()
    }
    path = Path(path)
    with atomic_path(path) as temporary:
        save_file(
            tensors,
            temporary,
            {
                key: value if isinstance(value, str) else json.dumps(value)
                for key, value in description.items()
            },
        )
        temporary.chmod(0o644)  # safetensors keeps others from reading
    return path


def load_model(path):
    """The network of a weights file, ready for inference.

    Returns
    -------
    The network in evaluation mode, on the CPU; what was stored beside
    the weights is in its attribute ``metadata``.
    """
    from . import build

    path = Path(path)
    tensors, metadata = _read(path)
    if not {"model", "options", "skeleton"} <= set(metadata):
        raise WeightsError(
            f"{path}: the file does not say which network it belongs to. "
            "Build the network yourself, then load into it: "
            "load_weights(build('simple_baseline_50'), path)"
        )
    text = metadata["skeleton"]
    try:
        options = json.loads(metadata["options"])
        described = text.startswith("{")
        skeleton = (
            Skeleton.from_dict(json.loads(text)) if described else get_skeleton(text)
        )
        model = build(metadata["model"], skeleton, **options)
    except (ValueError, TypeError) as error:
        raise WeightsError(
            f"{path}: the network that the file describes cannot be "
            f"built: {error}. It may come from another version of "
            "posecourse"
        ) from None
    _fill(model, tensors, path)
    if "conventions" in metadata:
        from .conventions import Conventions, adopt

        adopt(model, Conventions(**json.loads(metadata["conventions"])))
    model.metadata = metadata
    return model.eval()


def load_weights(model, path):
    """Fill a network with the weights of a file.

    Reads ``.safetensors``, and the ``.pt`` and ``.pth`` files of
    `torch.save` (tensors only: a file that would run code when opened is
    refused). Returns the network. For checkpoints that others published
    see `checkpoints.load_published`.
    """
    _fill(model, _read(Path(path))[0], path)
    return model


def _read(path: Path):
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such weights file")
    if path.suffix in (".pt", ".pth", ".tar"):
        return _read_torch(path), {}
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return (
                {key: file.get_tensor(key) for key in file.keys()},  # noqa: SIM118
                file.metadata() or {},
            )
    except SafetensorError as error:
        raise WeightsError(
            f"{path}: this is not a whole safetensors file ({error}). It "
            "may be cut short (copy or download it again) or be of "
            "another kind; files of torch.save must end in .pt or "
            ".pth"
        ) from None


def _read_torch(path: Path):
    try:
        data = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds here
        reason = str(error).splitlines()[:1] or [type(error).__name__]
        raise WeightsError(
            f"{path}: torch cannot read tensors from this file. Either it "
            "is cut short (copy or download it again), or it holds Python "
            "objects that would run code when opened, which is refused. "
            f"torch says: {reason[0]}"
        ) from None
    for key in ("model", "state_dict"):
        if isinstance(data, dict) and isinstance(data.get(key), dict):
            data = data[key]
    if (
        not isinstance(data, dict)
        or not data
        or not all(isinstance(value, torch.Tensor) for value in data.values())
    ):
        raise WeightsError(
            f"{path}: a dictionary of tensors is expected, as model.state_dict() gives"
        )
    # checkpoints saved from several GPUs have "module." before each name
    return {key.removeprefix("module."): value for key, value in data.items()}


def _fill(model, tensors: dict, path):
    name = getattr(model, "name", type(model).__name__)
    for key, value in model.state_dict().items():
        if key.endswith("num_batches_tracked") and key not in tensors:
            tensors[key] = value  # files from before torch 0.4.1
        if key not in tensors:
            problem = f"{key} is missing"
        elif tensors[key].shape != value.shape:
            problem = (
                f"{key} has shape {tuple(tensors[key].shape)}, the "
                f"network wants {tuple(value.shape)}"
            )
        else:
            continue
        raise WeightsError(
            f"{path}: these are not weights of this {name}: {problem}. "
            "Build the network that they were saved from (same name, "
            "skeleton, input size and options)"
        )
    extra = sorted(set(tensors) - set(model.state_dict()))
    if extra:
        raise WeightsError(
            f"{path}: these are not weights of this {name}: the network "
            f"has no {extra[0]}. Build the network that they were saved "
            "from (same name, skeleton, input size and options)"
        )
    model.load_state_dict(tensors)
