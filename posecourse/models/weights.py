"""Weights on disk: safetensors that say which network they belong to."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from torch import nn

from ..files import atomic_path
from ..skeletons import SKELETONS, Skeleton, get_skeleton
from .state_dicts import WeightsError, fill, read_state_dict

__all__ = ["WeightsError", "load_model", "load_weights", "save_weights"]


def save_weights(model, path, **metadata) -> Path:
    """Write the weights of a network made by `build`, whole or not at all.

    The file also says how to build the network, so `load_model` needs
    nothing else. `metadata` (anything JSON can hold) goes with it.

    Raises
    ------
    WeightsError
        If a weight is not finite, or `build` did not make the network.
    """
    from safetensors.torch import save

    model = _unwrapped(model)
    said = {n: getattr(model, n, None) for n in ("name", "skeleton", "options")}
    if None in said.values():
        lacks = " and no ".join(n for n, value in said.items() if value is None)
        raise WeightsError(
            f"{path}: a {type(model).__name__} does not say how to build it again "
            f"(it has no {lacks}). Give your class a name with models.register, and "
            "make the network with models.build"
        )
    skeleton = model.skeleton
    known = SKELETONS.get(skeleton.name) == skeleton
    description = {
        **metadata,
        "model": model.name,
        "options": model.options,
        "skeleton": skeleton.name if known else asdict(skeleton),
        "input_size": list(model.input_size),
    }
    if hasattr(model, "conventions"):  # see checkpoints.adopt
        description["conventions"] = asdict(model.conventions)
    tensors = {
        # a copy: tensors that share their memory cannot be written
        key: value.detach().cpu().contiguous().clone()
        for key, value in model.state_dict().items()
    }
    for key, value in tensors.items():
        if not bool(value.isfinite().all()):
            raise WeightsError(
                f"{path} was not written: {key} is not finite (NaN or infinity)"
            )
    # bytes, not a file of theirs: so a full disk is an OSError like any other
    content = save(
        tensors,
        {
            key: value if isinstance(value, str) else json.dumps(value)
            for key, value in description.items()
        },
    )
    path = Path(path)
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)
    return path


def _unwrapped(model):
    """The network inside `torch.compile` and several GPUs."""
    while True:
        if isinstance(model, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
            model = model.module
        elif hasattr(model, "_orig_mod"):
            model = model._orig_mod
        else:
            return model


def load_model(path):
    """The network of a weights file, ready for inference.

    Returns
    -------
    The network in evaluation mode, on the CPU; what was stored beside
    the weights is in its attribute ``metadata``.

    Raises
    ------
    FileNotFoundError, WeightsError
        Where the file is missing, broken, does not say which network it
        belongs to, or its weights are not finite.
    """
    path = Path(path)
    tensors, metadata = read_state_dict(path)
    model = _described(metadata, path)
    fill(model, tensors, path)
    adopt_stored(model, metadata, path)
    model.metadata = metadata
    return model.eval()


def load_weights(model, path):
    """Fill a network with the weights of a file.

    Reads ``.safetensors``, and the files of `torch.save` (tensors only: a
    file that would run code when opened is refused), also where the
    network was wrapped when it was saved (`state_dicts.match_names`).
    Returns the network. For checkpoints that others published see
    `checkpoints.load_published`.
    """
    tensors, metadata = read_state_dict(path)
    fill(_unwrapped(model), tensors, path)
    adopt_stored(_unwrapped(model), metadata, path)
    return model


# --------------------------------------------- what stands beside the weights


def _described(metadata: dict, path: Path):
    """A network as the file says that it was built."""
    from . import build, names

    if not {"model", "options", "skeleton"} <= set(metadata):
        raise WeightsError(
            f"{path}: the file does not say which network it belongs to. "
            "Build the network yourself, then load into it: "
            "load_weights(build('simple_baseline_50'), path)"
        )
    name = metadata["model"]
    if name not in names():
        raise WeightsError(
            f"{path}: these are weights of a network {name!r:.60}, which is not "
            "known here. If it is yours, import the file with your class and "
            f"call models.register({name!r:.60}, YourClass) first; else it comes "
            "from another version of posecourse"
        )
    skeleton = stored_skeleton(metadata["skeleton"], path)
    try:
        model = build(name, skeleton, **_parsed(metadata["options"]))
        _check_mean_pose(metadata.get("mean_pose", "null"), len(skeleton))
    except Exception as error:  # whatever may stand in a file
        raise WeightsError(
            f"{path}: the network that the file describes cannot be "
            f"built: {error!s:.300}. It may come from another version of "
            "posecourse"
        ) from None
    return model


def stored_skeleton(text: str, path) -> Skeleton:
    """The skeleton that a weights file names, or spells out as JSON."""
    try:
        if text.startswith("{"):
            return Skeleton(**_tuples(_parsed(text)))
        return get_skeleton(text)
    except Exception as error:  # whatever may stand in a file
        raise WeightsError(
            f"{path}: its skeleton cannot be used: {error!s:.300}"
        ) from None


def _parsed(text: str):
    """JSON without numbers that no part of a network is large enough for."""

    def whole(digits: str) -> int:
        if len(digits) > 6:
            raise ValueError(f"{digits:.12} is no size of a part of a network")
        return int(digits)

    return json.loads(text, parse_int=whole)


def _tuples(value):
    """JSON knows no tuples."""
    if isinstance(value, list):
        return tuple(map(_tuples, value))
    if isinstance(value, dict):
        return {key: _tuples(each) for key, each in value.items()}
    return value


def _check_mean_pose(text: str, joints: int):
    """What an evaluation and the predictor will take from the file."""
    pose = json.loads(text)
    fine = pose is None or (
        len(pose) == joints
        and all(
            len(point) == 2 and all(v is None or type(v) in (int, float) for v in point)
            for point in pose
        )
    )
    if not fine:
        raise ValueError(f"mean_pose is not an x and a y for each of {joints} joints")


def adopt_stored(model, metadata: dict, path):
    """Feed the network as it was trained, where the file says how."""
    if "conventions" not in metadata:
        return
    from .conventions import Conventions, adopt

    try:
        adopt(model, Conventions(**json.loads(metadata["conventions"])))
    except Exception as error:  # whatever may stand in a file
        raise WeightsError(
            f"{path}: its conventions cannot be used: {error!s:.300}"
        ) from None
