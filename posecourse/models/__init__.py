"""Networks by name.

Every network takes normalised pictures ``(N, 3, H, W)``. It carries
``input_size`` (width, height) and, when made by `build`, ``name``,
``options`` and ``skeleton``; it judges and reads its own output, see
`PoseNetwork`.

>>> network = build("laptop")
>>> network.input_size, network.codec.kind
((64, 64), 'heatmap')

A class of your own becomes one of them:

>>> from posecourse.codecs import CoordinateCodec
>>> class Mine(PoseNetwork):
...     def __init__(self, joints, input_size=64):
...         super().__init__(CoordinateCodec(input_size))
>>> register("mine", Mine)
>>> build("mine").options
{'input_size': [64, 64]}
"""

from __future__ import annotations

import inspect
from importlib import import_module

from ..skeletons import MPII, Skeleton, get_skeleton
from .base import JointLoss, PoseNetwork
from .outputs import LOSSES
from .pretrained import find_weights, pretrained, start_from
from .weights import WeightsError, load_model, load_weights, save_weights

__all__ = [
    "LOSSES",
    "JointLoss",
    "PoseNetwork",
    "WeightsError",
    "build",
    "describe",
    "find_weights",
    "load_model",
    "load_weights",
    "names",
    "options_of",
    "pretrained",
    "register",
    "save_weights",
    "start_from",
]

# name: (module of this package, or None; class or its name; fixed options)
_NETWORKS: dict[str, tuple] = {
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
    **{
        f"efficientnet_lite{size}": (
            "efficientnet_lite",
            "EfficientNetPose",
            {"size": size},
        )
        for size in (0, 2)
    },
    "cpm": ("cpm", "ConvolutionalPoseMachine", {}),
    **{
        f"cpn_{depth}": ("cpn", "CascadedPyramidNetwork", {"depth": depth})
        for depth in (18, 50)
    },
    **{
        f"hrnet_w{width}": ("hrnet", "HRNet", {"width": width}) for width in (8, 32, 48)
    },
    "vitpose_tiny": ("vitpose", "ViTPose", {}),
    "vitpose_b": (
        "vitpose",
        "ViTPose",
        {"patch": 16, "width": 768, "depth": 12, "heads": 12},
    ),
    **{
        f"head_{head}": ("heads", "HeadNet", {"head": head})
        for head in ("heatmap", "soft_argmax", "simcc", "regression", "fc", "rle")
    },
}


def names() -> list[str]:
    """The networks that `build` knows."""
    return list(_NETWORKS)


def register(name: str, cls, **fixed) -> None:
    """Make a class of your own known by a name.

    From then on it is built, trained, saved, loaded, resumed and evaluated
    like the others. A program that loads its weights must register it, too:
    a weights file never brings code.

    Parameters
    ----------
    name:
        A new one.
    cls:
        A `PoseNetwork`, whose arguments are ``joints`` (the number K) and
        options with defaults, of which ``input_size`` is one. Options must
        be what JSON can hold.
    fixed:
        Options that this name settles.

    Raises
    ------
    ValueError
        If the class cannot be built from that, or the name is taken by
        another one.
    """
    if not (inspect.isclass(cls) and issubclass(cls, PoseNetwork)):
        raise ValueError(
            f"{name}: register a class that inherits "
            "posecourse.models.PoseNetwork (it brings loss and predict)"
        )
    known = _NETWORKS.get(name)
    if known and (known[0] or known[1].__qualname__ != cls.__qualname__):
        raise ValueError(f"there is a network {name!r} already; take another name")
    parameters = inspect.signature(cls).parameters
    if "joints" not in parameters or "input_size" not in parameters:
        raise ValueError(
            f"{name}: {cls.__name__} needs the arguments joints and input_size, "
            f"it has {', '.join(parameters) or 'none'}"
        )
    for key, parameter in parameters.items():
        if (
            key != "joints"
            and key not in fixed
            and parameter.default is inspect.Parameter.empty
        ):
            raise ValueError(f"{name}: the option {key} needs a default")
    _NETWORKS[name] = (None, cls, fixed)


def _class_of(name: str):
    """The class of a network, and its fixed options."""
    if name not in _NETWORKS:
        raise ValueError(
            f"there is no network {name!r}; choose one of "
            f"{', '.join(_NETWORKS)}, or register your own with "
            "posecourse.models.register"
        )
    module, cls, fixed = _NETWORKS[name]
    if module is not None:
        cls = getattr(import_module(f".{module}", __name__), cls)
    return cls, fixed


def options_of(name: str) -> dict:
    """The options of a network and their defaults."""
    cls, fixed = _class_of(name)
    return {
        key: parameter.default
        for key, parameter in inspect.signature(cls).parameters.items()
        if key not in fixed and key != "joints"
    }


def check_options(name: str, options: dict) -> dict:
    """All options of a network: the defaults, and those given.

    Raises ValueError for one that the network does not have.
    """
    known = options_of(name)
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise ValueError(
            f"network {name!r} has no option {', '.join(unknown)}; it has "
            f"{', '.join(known)}"
        )
    return {**known, **options}


def build(name: str, skeleton: Skeleton | str = MPII, **options) -> PoseNetwork:
    """A network with fresh weights.

    Parameters
    ----------
    name:
        One of `names()`.
    skeleton:
        Its joints, or the name of a known skeleton; the network gets one
        output per joint.
    options:
        As in the class of the network, for example ``input_size=128``.
    """
    if isinstance(skeleton, str):
        skeleton = get_skeleton(skeleton)
    elif not isinstance(skeleton, Skeleton):
        raise ValueError(f"skeleton is a Skeleton or the name of one, got {skeleton!r}")
    cls, fixed = _class_of(name)
    everything = check_options(name, options)
    size = options.get("input_size")
    if isinstance(size, (list, tuple)) and len(set(size)) == 1:
        options["input_size"] = size[0]  # as somebody's own class may want it
    try:
        network = cls(joints=len(skeleton), **fixed, **options)
        if not all(parameter.numel() for parameter in network.parameters()):
            raise ValueError("a layer has no weights")
    except Exception as error:  # torch has many kinds for a wrong size
        given = ", ".join(f"{k}={v!r:.60}" for k, v in options.items())
        reason = str(error).partition("\n")[0]
        raise ValueError(
            f"network {name!r} cannot be built with {given or 'its defaults'}: {reason}"
        ) from error
    network.name, network.skeleton = name, skeleton
    network.options = {**everything, "input_size": list(network.input_size)}
    return network


def describe(network, skeleton: Skeleton | None = None) -> PoseNetwork:
    """Give a network of your own what `build` gives: name, options, skeleton.

    Registers its class under the class's name, where it is not yet known.
    Options are read from attributes of the same name, else their defaults.

    Raises
    ------
    ValueError
        If it is no `PoseNetwork`, or of another skeleton.
    """
    if not isinstance(network, PoseNetwork):
        raise ValueError(
            f"{type(network).__name__} is not a PoseNetwork: let it inherit "
            "posecourse.models.PoseNetwork, which brings loss and predict"
        )
    if network.name is None:
        cls = type(network)
        known = [name for name, (_, c, _) in _NETWORKS.items() if c is cls]
        name = known[0] if known else cls.__name__
        if not known:
            register(name, cls)
        options = {k: getattr(network, k, v) for k, v in options_of(name).items()}
        network.options = {**options, "input_size": list(network.input_size)}
        network.name, network.skeleton = name, skeleton
    if network.skeleton is None:
        network.skeleton = skeleton
    if skeleton is not None and network.skeleton != skeleton:
        raise ValueError(
            f"the network {network.name} has the joints of "
            f"{network.skeleton.name}, the people have those of {skeleton.name}"
        )
    return network
