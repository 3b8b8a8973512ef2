"""Exported networks on other engines, with the contract of every network.

A network that was loaded here predicts, is evaluated and put into a
`Predictor` like one of PyTorch; only ``forward`` is somebody else's work.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch

from ..files import read_bytes
from ..models.base import PoseNetwork, check_images
from .extra import need
from .metadata import ExportedFileError, Metadata, read_metadata

__all__ = ["INPUT", "OUTPUTS", "RUNTIMES", "ExportedNetwork", "load_exported"]

# What goes into an exported network, and what comes out, by kind.
INPUT = "images"
OUTPUTS = {
    "heatmap": ("heatmaps",),
    "logits": ("logits",),
    "coordinate": ("coordinates",),
    "rle": ("residuals",),
    "simcc": ("along_x", "along_y"),
}


class ExportedNetwork(PoseNetwork):
    """A network whose layers run outside PyTorch.

    Parameters
    ----------
    metadata:
        What its file says.
    run:
        A function from normalised float32 pictures ``(N, 3, H, W)`` to the
        list of its outputs, NumPy arrays.

    Attributes
    ----------
    metadata:
        As with every loaded network: the mean pose, as text.
    exported:
        The file's `Metadata`.
    """

    def __init__(self, metadata: Metadata, run: Callable):
        super().__init__(metadata.build_codec(), metadata.kind)
        self.name, self.options = metadata.model, {}
        self.skeleton = metadata.joints()
        self.exported, self._run = metadata, run
        self.metadata = {"mean_pose": json.dumps(metadata.mean_pose)}
        self.eval()

    def forward(self, images: torch.Tensor):
        """Normalised ``(N, 3, H, W)`` to the prediction, alone in a list."""
        check_images(images, self.input_size, exact=True)
        array = np.ascontiguousarray(images.detach().cpu().numpy(), np.float32)
        parts = [torch.from_numpy(a).to(images.device) for a in self._run(array)]
        return [parts[0] if len(parts) == 1 else tuple(parts)]


def _onnxruntime(path, metadata: Metadata, threads: int) -> Callable:
    ort = need("the runtime onnx", "onnxruntime")
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    content = read_bytes(path, "exported network")
    try:
        session = ort.InferenceSession(
            content, options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # its own kinds, all of them bare Exceptions
        raise _unusable(path, "onnxruntime", error) from None
    names = list(OUTPUTS[metadata.kind])
    return lambda images: session.run(names, {INPUT: images})


def _opencv(path, metadata: Metadata, threads: int) -> Callable:
    content = np.frombuffer(read_bytes(path, "exported network"), np.uint8)
    try:
        network = cv2.dnn.readNetFromONNX(content)
    except cv2.error as error:
        raise _unusable(path, f"OpenCV {cv2.__version__}", error) from None
    names = list(OUTPUTS[metadata.kind])

    def run(images):
        network.setInput(images, INPUT)
        # what it gives is overwritten by the next picture
        return [np.array(part) for part in network.forward(names)]

    return run


def _unusable(path, engine: str, error: Exception) -> ExportedFileError:
    reason = " ".join(str(error).split())
    return ExportedFileError(
        f"{path} cannot be run by {engine}: {reason:.300}. Export it again, or take "
        "another runtime"
    )


# Engines by the name that the command line has for them.
RUNTIMES = {"onnx": _onnxruntime, "opencv": _opencv}


def load_exported(path, runtime: str = "onnx", threads: int | None = None):
    """A network that `export_onnx` or `quantise` wrote, ready to predict.

    Parameters
    ----------
    path:
        The ``.onnx`` file; nothing else is needed.
    runtime:
        ``"onnx"`` for onnxruntime (the package must be installed), or
        ``"opencv"``.
    threads:
        Of onnxruntime; default: as many as PyTorch uses. OpenCV has one
        number for everything, `cv2.setNumThreads`.

    Returns
    -------
    An `ExportedNetwork`.

    Raises
    ------
    FileNotFoundError, ExportedFileError
        If there is no such file, or it is none of this course.
    MissingPackageError
        For ``"onnx"`` without onnxruntime.
    """
    if runtime not in RUNTIMES:
        raise ValueError(
            f"there is no runtime {runtime!r}; choose one of {', '.join(RUNTIMES)}"
        )
    path = Path(path)
    metadata = read_metadata(path)
    run = RUNTIMES[runtime](path, metadata, threads or torch.get_num_threads())
    return ExportedNetwork(metadata, run)
