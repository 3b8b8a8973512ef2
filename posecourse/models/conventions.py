"""What published networks were trained with, and how to make them keep ours."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from ..transforms import normalise

__all__ = ["CONVENTIONS", "Conventions", "adopt"]

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
        colours = (*self.mean, *self.std)
        if (
            self.order not in ("RGB", "BGR")
            or len(self.mean) != 3
            or len(self.std) != 3
            or not all(math.isfinite(value) for value in colours)
            or min(self.std) <= 0
            or not 0 <= self.shift <= 1
        ):
            raise ValueError(
                "order is RGB or BGR, mean and std are three finite numbers (std "
                f"above 0), shift is from 0 to 1; got {self}"
            )


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


def adopt(model, conventions: Conventions):
    """Make a network that was trained by other conventions keep ours.

    From now on the network takes pictures from `transforms.normalise`
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
