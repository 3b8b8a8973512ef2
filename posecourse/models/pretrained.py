"""Weights to begin with: those that come with the course, and others'.

The networks that come with the course are run folders in ``data/weights``,
each with a card that says what it was trained on and what it gets wrong.
"""

from __future__ import annotations

from pathlib import Path

from ..places import course_folder
from .weights import _fill, _read

__all__ = ["find_weights", "pretrained", "start_from"]


def pretrained(name: str = "laptop") -> Path:
    """The run folder of a network that comes with the course.

    Raises
    ------
    FileNotFoundError
        If the course has no such network, or the package was installed
        without the course.
    """
    folder = course_folder() / "data" / "weights"
    if (folder / name / "weights.safetensors").is_file():
        return folder / name
    known = sorted(path.parent.name for path in folder.glob("*/weights.safetensors"))
    raise FileNotFoundError(
        f"no network {name!r} comes with the course; these do: {', '.join(known)}"
        if known
        else f"the course's networks are not in {folder}; posecourse doctor says "
        "what to do, or train one with posecourse train"
    )


def find_weights(run) -> Path:
    """The weights file of a run's folder, or the weights file itself."""
    run = Path(run)
    if run.is_file():
        return run
    weights = run / "weights.safetensors"
    if not run.is_dir():
        raise FileNotFoundError(
            f"{run}: there is no such run; runs lie in the folder runs/, one "
            "folder each"
        )
    if not weights.is_file():
        raise FileNotFoundError(
            f"{run} has no weights.safetensors: either it is not a run, or "
            f"it is not finished; go on with posecourse train --resume {run}"
        )
    return weights


def start_from(model, path):
    """Fill a network with weights that were learned for something else.

    Either of the same network with the same joints, all of them; or those
    that torchvision publishes for the ResNet of a SimpleBaseline, whose
    classifier is left out while the rest of the network stays as it is.
    Returns the network.
    """
    tensors, own = _read(Path(path))[0], model.state_dict()
    classifier = {"fc.weight", "fc.bias"}
    trunk = set(tensors) - classifier
    if classifier <= set(tensors) and "layer1.0.conv1.weight" in trunk:
        head = {
            key: value
            for key, value in own.items()
            if key.startswith(("deconv_layers.", "final_layer."))
        }
        tensors = {**{key: tensors[key] for key in trunk}, **head}
    _fill(model, tensors, path)
    return model
