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

import re

from .conventions import CONVENTIONS, Conventions, adopt
from .state_dicts import fill, read_state_dict

__all__ = ["CONVENTIONS", "Conventions", "adopt", "load_published", "published_names"]


def load_published(model, path):
    """Fill a network with a published checkpoint.

    Every tensor of the file must be used and every weight of the network
    filled, all of the right shape. Checkpoints saved together with an
    optimiser (``{"state_dict": ...}``), compiled (``_orig_mod.``) or from
    several GPUs (``module.``) are unwrapped. Only tensors are read: a file
    that would run code when opened is refused.

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
    conventions = CONVENTIONS.get(type(model).__name__)
    names = published_names(model)
    fill(
        model,
        read_state_dict(path)[0],
        path,
        names,
        f"not a checkpoint of {conventions.source} for this "
        f"{getattr(model, 'name', type(model).__name__)}",
        "Build the network of the checkpoint's size (depth, width, stacks, "
        "blocks) and with its joints (16 for MPII, 17 for COCO)",
    )
    adopt(model, conventions)
    return model.eval()


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
