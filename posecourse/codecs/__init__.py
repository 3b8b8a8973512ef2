"""Keypoints to network targets and back: one encode/decode pair each.

A network need not predict the coordinates (131.2, 77.9) of a wrist. It can
draw a bump on a grid (`HeatmapCodec`, section 4.1 of the document), predict
the two coordinates (`CoordinateCodec`, section 4.2), or classify column and
row (`SimCCCodec`). A codec turns keypoints in *input pixels* into the
network's target, and its output back into input pixels.

Each codec has ``encode(keypoints, visible) -> (target, weights)`` and
``decode(output) -> (keypoints, scores)``; ``decode(encode(x))`` is x within
the bound that its docstring states. Everything is batched, runs on the
device of its input, and never asks the device for a value, so it costs a
training step no wait. (`heatmap_peaks`, which reads all peaks of a map and
not only the largest, does ask: it refuses NaN.) Arrays are taken as well as
tensors, in any type of number; the result is a tensor. An output that is not
finite is decoded to NaN with score 0: nothing was predicted.

Unlabelled keypoints (NaN, visibility 0) give zero targets with weight 0.
"""

from .coordinate import CoordinateCodec
from .decoders import (
    DECODERS,
    argmax_decode,
    dark_decode,
    heatmap_peaks,
    integral_decode,
    quarter_decode,
    soft_argmax_decode,
)
from .heatmap import HeatmapCodec, gaussian_heatmaps
from .simcc import SimCCCodec

__all__ = [
    "DECODERS",
    "CoordinateCodec",
    "HeatmapCodec",
    "SimCCCodec",
    "argmax_decode",
    "dark_decode",
    "gaussian_heatmaps",
    "heatmap_peaks",
    "integral_decode",
    "quarter_decode",
    "soft_argmax_decode",
]
