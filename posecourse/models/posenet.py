"""The source document's PoseNet: ten convolutions, then coordinates."""

from __future__ import annotations

import torch
from torch import nn

from ..codecs import CoordinateCodec
from .base import PoseNetwork, check_images, pair

__all__ = ["PoseNet"]

# Channels of conv1 ... conv10. A pooling after every second convolution
# halves the picture five times: 224, 112, 56, 28, 14, 7.
_CHANNELS = (64, 64, 128, 128, 256, 256, 256, 512, 512, 512)


class PoseNet(PoseNetwork):
    """A picture in, K coordinates out (document, section 5.2).

    The document's listing breaks off at ``self.fc3``; what follows is its
    plain continuation: fc3 gives ``K * 2`` numbers, and the picture runs
    through the layers in the order in which they are defined, with ReLU
    after each but the last. With the default options the layers, their
    names and their initial values are the document's, and the network
    then learns to say the mean pose, whatever it is shown: PyTorch's
    initial weights shrink the differences between pictures layer by layer
    until next to nothing is left. `batch_norm` is a cure, and so is
    ``init="he"`` (chapter 7 measures both).

    Parameters
    ----------
    joints:
        Number of keypoints K.
    input_size:
        ``(width, height)`` or one number, pixels, divisible by 32.
    width:
        Factor on the number of channels and of hidden units; 1 is the
        document's network of 127 million parameters.
    batch_norm:
        Normalise after every convolution (Ioffe and Szegedy 2015).
    init:
        What the weights are before training. ``"torch"``: what PyTorch
        gives them. ``"he"``: a variance that suits ReLU (He et al. 2015),
        biases of zero, and a first guess near the middle of the picture.
        None: ``"he"`` with `batch_norm`, else ``"torch"``.
    """

    def __init__(
        self,
        joints: int = 16,
        input_size=224,
        width: float = 1.0,
        batch_norm: bool = False,
        init: str | None = None,
    ):
        if init is None:
            init = "he" if batch_norm else "torch"
        if init not in ("he", "torch"):
            raise ValueError(f"init is 'he', 'torch' or None, got {init!r}")
        input_size = pair(input_size, 32, "PoseNet")
        super().__init__(CoordinateCodec(input_size))
        self.joints = joints
        channels = [max(1, round(c * width)) for c in _CHANNELS]
        hidden = max(1, round(4096 * width))
        before = 3
        for i, after in enumerate(channels, 1):
            conv = nn.Conv2d(before, after, kernel_size=3, padding=1)
            setattr(self, f"conv{i}", conv)
            norm = nn.BatchNorm2d(after) if batch_norm else nn.Identity()
            setattr(self, f"bn{i}", norm)
            before = after
        self.pool = nn.MaxPool2d(kernel_size=2, stride=2)
        w, h = self.input_size
        self.fc1 = nn.Linear(before * (w // 32) * (h // 32), hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.fc3 = nn.Linear(hidden, joints * 2)
        if init == "he":
            self._start_as_he()

    def _start_as_he(self):
        for layer in self.modules():
            if isinstance(layer, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)
        # the first guess of an untrained network: near the middle
        nn.init.normal_(self.fc3.weight, std=0.001)
        nn.init.constant_(self.fc3.bias, 0.5)

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Normalised ``(N, 3, H, W)`` to ``[(N, K, 2)]``, in 0...1."""
        check_images(images, self.input_size, exact=True)
        x = images
        for i in range(1, 11):
            conv, norm = getattr(self, f"conv{i}"), getattr(self, f"bn{i}")
            x = torch.relu(norm(conv(x)))
            if i % 2 == 0:
                x = self.pool(x)
        x = torch.relu(self.fc1(x.flatten(1)))
        x = torch.relu(self.fc2(x))
        return [self.fc3(x).unflatten(1, (self.joints, 2))]
