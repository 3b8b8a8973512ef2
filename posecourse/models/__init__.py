"""Networks by name.

Every network takes normalised pictures ``(N, 3, H, W)`` and returns a
list of stage outputs, of which the last is the prediction. It carries
``input_size`` (width, height), ``codec`` (how its output is read) and,
when made by `build`, ``name``, ``options`` and ``skeleton``.

>>> network = build("laptop")
>>> network.input_size, network.codec.kind
((64, 64), 'heatmap')
"""

from __future__ import annotations

import inspect
from importlib import import_module

from ..skeletons import MPII, Skeleton
from .pretrained import find_weights, pretrained, start_from
from .weights import WeightsError, load_model, load_weights, save_weights

__all__ = [
    "find_weights",
    "pretrained",
    "WeightsError",
    "build",
    "load_model",
    "load_weights",
    "names",
    "save_weights",
    "start_from",
]

# name: (module, class, fixed options)
_NETWORKS = {
    "laptop": ("laptop", "LaptopNet", {}),
    "posenet": ("posenet", "PoseNet", {"batch_norm": False}),
    "posenet_bn": ("posenet", "PoseNet", {"batch_norm": True}),
    **{
        f"simple_baseline_{depth}": (
            "simple_baseline",
            "SimpleBaseline",
            {"depth": depth},
        )
        for depth in (18, 34, 50, 101, 152)
    },
    **{
        f"hourglass_{stacks}": ("hourglass", "StackedHourglass", {"stacks": stacks})
        for stacks in (1, 2, 8)
    },
    "cpm": ("cpm", "ConvolutionalPoseMachine", {}),
    **{
        f"cpn_{depth}": ("cpn", "CascadedPyramidNetwork", {"depth": depth})
        for depth in (18, 50)
    },
    **{
        f"hrnet_w{width}": ("hrnet", "HRNet", {"width": width}) for width in (8, 32, 48)
    },
}


def names() -> list[str]:
    """The networks that `build` knows."""
    return list(_NETWORKS)


def options_of(name: str) -> dict:
    """The options of a network and their defaults."""
    if name not in _NETWORKS:
        raise ValueError(
            f"there is no network {name!r}; choose one of {', '.join(_NETWORKS)}"
        )
    module, cls, fixed = _NETWORKS[name]
    cls = getattr(import_module(f".{module}", __name__), cls)
    return {
        key: p.default
        for key, p in inspect.signature(cls).parameters.items()
        if key not in fixed and key != "joints"
    }


def build(name: str, skeleton: Skeleton = MPII, **options):
    """A network with fresh weights.

    Parameters
    ----------
    name:
        One of `names()`.
    skeleton:
        Its joints; the network gets one output per joint.
    options:
        As in the class of the network, for example ``input_size=128``.
    """
    known = options_of(name)
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise ValueError(
            f"network {name!r} has no option "
            f"{', '.join(unknown)}; it has "
            f"{', '.join(known)}"
        )
    module, cls, fixed = _NETWORKS[name]
    cls = getattr(import_module(f".{module}", __name__), cls)
    network = cls(joints=len(skeleton), **fixed, **options)
    network.name, network.skeleton = name, skeleton
    network.options = {**known, **options, "input_size": list(network.input_size)}
    return network
