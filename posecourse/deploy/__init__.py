"""Networks outside PyTorch: one ONNX file, in 8 bits, and what runs it.

>>> from posecourse import deploy
>>> deploy.export_onnx(network, "me.onnx")              # doctest: +SKIP
>>> deploy.quantise("me.onnx", store, "me-int8.onnx")   # doctest: +SKIP
>>> fast = deploy.load_exported("me-int8.onnx")         # doctest: +SKIP
>>> Predictor(fast)("photo.jpg")                        # doctest: +SKIP

Exporting needs the extra ``deploy`` (onnx, onnxscript, onnxruntime). Running
an exported file needs onnxruntime alone, or nothing but OpenCV.
"""

from .corruptions import CORRUPTIONS, corrupt
from .export import ExportError, calibration_images, export_onnx, quantise
from .extra import MissingPackageError, need
from .metadata import ExportedFileError, Metadata, read_metadata
from .page import build_page
from .runtimes import RUNTIMES, load_exported
from .timing import relative_times

__all__ = [
    "CORRUPTIONS",
    "RUNTIMES",
    "ExportError",
    "ExportedFileError",
    "Metadata",
    "MissingPackageError",
    "build_page",
    "calibration_images",
    "corrupt",
    "export_onnx",
    "load_exported",
    "need",
    "quantise",
    "read_metadata",
    "relative_times",
]
