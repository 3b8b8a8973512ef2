"""Published checkpoints, read by the names that their authors gave.

- ``simple_baseline_*``: microsoft/human-pose-estimation.pytorch, and the
  ResNets of leoxiaobin/deep-high-resolution-net.pytorch;
- ``hrnet_w32``, ``hrnet_w48``: leoxiaobin/deep-high-resolution-net.pytorch;
- ``hourglass_*``: bearpaw/pytorch-pose.

Names are half of it. Authors also differ in the order of the colours, in
what they subtract, and in where a heatmap's cell lies. A network that is
fed the wrong way still answers, only worse, and nothing says so.
`CONVENTIONS` writes down what each family was trained with, and
`load_published` makes the network take this package's pictures and give
this package's heatmaps.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from ..augmentation import normalise
from .weights import WeightsError, _read

__all__ = ["CONVENTIONS", "Conventions", "adopt", "load_published", "published_names"]

_IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}


@dataclass(frozen=True)
class Conventions:
    """What a published network was trained with.

    Attributes
    ----------
    source:
        The repository whose code this was read from.
    order:
        ``"RGB"`` or ``"BGR"``: the order of the colours in the input.
    mean, std:
        Subtracted from, then divided into, colours in 0...1; in the order
        in which the channels stand in the input.
    shift:
        What the network draws at ``cell + shift`` belongs at ``cell`` by
        this package's convention, in cells, 0 to 1.
    """

    source: str
    order: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    shift: float

    def __post_init__(self):
        for name in ("mean", "std"):  # JSON knows no tuples
            object.__setattr__(self, name, tuple(getattr(self, name)))


# By the class of the network. In the first two families the target of a
# joint at input pixel x is drawn around cell x / 4, rounded; in this package
# that place is cell (x + 0.5) / 4 - 0.5, which is 0.375 less.
# The first was trained on pictures as OpenCV reads them, blue first, but
# with the mean and deviation of red first.
# The third cuts to whole pixels in several places; on average its cells
# lie where ours do, by its code. No picture has been through the published
# weights here to confirm it.
CONVENTIONS = {
    "SimpleBaseline": Conventions(
        "microsoft/human-pose-estimation.pytorch", "BGR", **_IMAGENET, shift=0.375
    ),
    "HRNet": Conventions(
        "leoxiaobin/deep-high-resolution-net.pytorch", "RGB", **_IMAGENET, shift=0.375
    ),
    "StackedHourglass": Conventions(
        "bearpaw/pytorch-pose",
        "RGB",
        mean=(0.4404, 0.4440, 0.4327),
        std=(1.0, 1.0, 1.0),
        shift=0.0,
    ),
}


def load_published(model, path):
    """Fill a network with a published checkpoint.

    Every tensor of the file must be used and every weight of the network
    filled, all of the right shape. Checkpoints saved together with an
    optimiser (``{"state_dict": ...}``) or from several GPUs
    (``module.``...) are unwrapped. Only tensors are read: a file that would
    run code when opened is refused.

    Afterwards the network follows this package's conventions (`adopt`);
    `save_weights` keeps that, so convert once and share the safetensors
    file. What was done is in ``model.conventions``.

    Parameters
    ----------
    model:
        A fresh network of `build`: ``simple_baseline_*``, ``hrnet_*`` or
        ``hourglass_*``, with the skeleton of the checkpoint.
    path:
        A ``.pth``, ``.pt`` or ``.pth.tar`` file.

    Returns
    -------
    The network, in evaluation mode.

    Raises
    ------
    FileNotFoundError, WeightsError
        Where the file is missing, broken, or of another network; the
        message names the first tensor that does not fit.
    """
    names = published_names(model)
    with torch.serialization.safe_globals(_NUMBERS):
        tensors = _read(Path(path))[0]
    state = {}
    for own, value in model.state_dict().items():
        theirs = names[own]
        found = tensors.pop(theirs, None)
        if found is None and own.endswith("num_batches_tracked"):
            found = value  # PyTorch before 0.4.1 did not store it
        if found is None:
            raise _mismatch(path, model, f"{theirs} is missing")
        if found.shape != value.shape:
            raise _mismatch(
                path,
                model,
                f"{theirs} is {_shape(found)}, the network has {_shape(value)}",
            )
        state[own] = found
    if tensors:
        raise _mismatch(
            path, model, f"the network has nothing like {next(iter(tensors))}"
        )
    model.load_state_dict(state)
    adopt(model, CONVENTIONS[type(model).__name__])
    return model.eval()


def _mismatch(path, model, problem):
    source = CONVENTIONS[type(model).__name__].source
    name = getattr(model, "name", type(model).__name__)
    return WeightsError(
        f"{path}: not a checkpoint of {source} for this {name}: {problem}. "
        "Build the network of the checkpoint's size (depth, width, stacks, "
        "blocks) and with its joints (16 for MPII, 17 for COCO)"
    )


def _shape(tensor) -> str:
    return " x ".join(map(str, tensor.shape)) or "a single number"


# Numbers of NumPy, which some training scripts store beside the weights
# (the best accuracy so far); torch takes them when told that it may.
_scalar = np.float64(0).__reduce__()[0]
_NUMBERS = [
    (_scalar, "numpy.core.multiarray.scalar"),
    (_scalar, "numpy._core.multiarray.scalar"),
    np.dtype,
    type(np.dtype(np.float32)),
    type(np.dtype(np.float64)),
    codecs.encode,
]


# ------------------------------------------------------------------- names


def published_names(model) -> dict[str, str]:
    """For each entry of the network's state dict its published name."""
    family = type(model).__name__
    if family not in CONVENTIONS:
        raise ValueError(
            f"no published checkpoints are known for {family}; they are for "
            f"{', '.join(CONVENTIONS)}"
        )
    rules = {"SimpleBaseline": (), "HRNet": _HRNET, "StackedHourglass": _HOURGLASS}[
        family
    ]
    names = {}
    for own in model.state_dict():
        theirs = own
        for pattern, replacement in rules:
            theirs = re.sub(pattern, replacement, theirs)
        names[own] = theirs
    if family == "StackedHourglass":  # levels are counted from the waist
        names = {
            own: re.sub(
                r"level(\d+)", lambda m: str(model.depth - 1 - int(m[1])), theirs
            )
            for own, theirs in names.items()
        }
    return names


def _layer(match) -> str:
    """Step j of a block, 0 convolution or 1 norm: conv1, bn1, conv2, ..."""
    step, norm = match.groups()
    return f"{('conv', 'bn')[int(norm)]}{int(step) + 1}"


# pattern in our name, what stands there in the published one; in this order
_HRNET = (
    (r"^stem\.(\d)\.(\d)", _layer),
    (r"body\.(\d)\.(\d)", _layer),
    (r"shortcut", "downsample"),
    (r"^first", "layer1"),
    (r"^start\.0", "transition1.0"),
    (r"^start\.1", "transition1.1.0"),
    (r"^start\.2", "transition2.2.0"),
    (r"^start\.3", "transition3.3.0"),
    (r"^stages\.(\d)", lambda m: f"stage{int(m[1]) + 2}"),
    (r"paths", "fuse_layers"),
    (r"^heatmaps", "final_layer"),
)


def _place(match) -> str:
    """Where in its hourglass a residual block stands."""
    stack, inner, place = match.groups()
    level = inner.count("inner.")
    if not place:  # the waist belongs to the innermost hourglass
        level, place = level - 1, "waist."
    number = ("skip.", "down.", "up.", "waist.").index(place)
    return f"hg.{stack}.hg.level{level}.{number}."


_HOURGLASS = (
    (r"^stem\.0", "conv1"),
    (r"^stem\.1", "bn1"),
    (r"^stem\.3", "layer1.0"),
    (r"^stem\.5", "layer2.0"),
    (r"^stem\.6", "layer3.0"),
    (r"norm(\d)", r"bn\1"),
    (r"shortcut", "downsample.0"),
    (r"^stacks\.(\d+)\.hourglass\.((?:inner\.)*)(skip\.|down\.|up\.|)", _place),
    (r"^stacks\.(\d+)\.residuals", r"res.\1"),
    (r"^stacks\.(\d+)\.features", r"fc.\1"),
    (r"^stacks\.(\d+)\.heatmaps", r"score.\1"),
    (r"^feedback\.(\d+)\.features", r"fc_.\1"),
    (r"^feedback\.(\d+)\.heatmaps", r"score_.\1"),
)


# ------------------------------------------------------------- conventions


def adopt(model, conventions: Conventions):
    """Make a network that was trained by other conventions keep ours.

    From now on the network takes pictures from `augmentation.normalise`
    and recolours them itself; and it moves its heatmaps by
    ``conventions.shift`` cells, mixing each cell with the next, which
    moves a bump by just that and widens it a little (for 0.375 cells and a
    sigma of 2 cells to 2.06).

    This sits in hooks of the network, so training, `torch.compile`, export
    and flip tests need not know. Returns the network.
    """
    if not hasattr(model, "conventions"):
        model.register_forward_pre_hook(_recolour)
        model.register_forward_hook(_move)
    model.conventions = conventions
    # what black and white are in our input, and what they should be
    black, white = (
        normalise(torch.full((1, 3, 1, 1), level)).flatten() for level in (0.0, 1.0)
    )
    order = ["RGB".index(colour) for colour in conventions.order]
    mean, std = torch.tensor(conventions.mean), torch.tensor(conventions.std)
    scale = 1 / (std * (white - black)[order])
    offset = -mean / std - black[order] * scale
    s = conventions.shift
    along = torch.tensor([0.0, 1 - s, s])
    # buffers go where the network goes, but are not weights
    for name, value in (
        ("_scale", scale[:, None, None]),
        ("_offset", offset[:, None, None]),
        ("_mix", along[:, None] * along),
    ):
        model.register_buffer(name, value, persistent=False)
    return model


def _recolour(model, args):
    images = args[0]
    if model.conventions.order == "BGR":
        images = images.flip(1)
    return (images * model._scale + model._offset, *args[1:])


def _move(model, args, stages):
    if not model.conventions.shift:
        return stages
    return [
        F.conv2d(
            maps,
            model._mix.expand(maps.shape[1], 1, 3, 3),
            padding=1,
            groups=maps.shape[1],
        )
        for maps in stages
    ]
