"""From a PyTorch network to one ONNX file, and from 32 bits to 8."""

from __future__ import annotations

import copy
import tempfile
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ..files import atomic_path, format_bytes
from ..models.base import last_stage
from ..transforms import make_batch
from .extra import need
from .metadata import KEY, Metadata, read_metadata
from .runtimes import INPUT, OUTPUTS, load_exported

__all__ = ["ExportError", "Exported", "calibration_images", "export_onnx", "quantise"]

# Pictures on which an export is compared with its network.
_COMPARED = 4


class ExportError(ValueError):
    """A network that cannot be exported, or whose export answers otherwise."""


@dataclass(frozen=True)
class Exported:
    """A written file.

    Attributes
    ----------
    path, metadata:
        Where it is, and what it says about itself.
    difference:
        The largest difference of its output from that of the network it was
        made from, over noise (`export_onnx`) or people (`quantise`).
    """

    path: Path
    metadata: Metadata
    difference: float

    def __str__(self) -> str:
        size = format_bytes(self.path.stat().st_size)
        return (
            f"{self.path}: {self.metadata.model} in {self.metadata.precision}, "
            f"{size}, off by {self.difference:.1e} at most"
        )


class _Prediction(nn.Module):
    """A network without its earlier stages."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, images):
        return last_stage(self.network(images))


def export_onnx(network, path, tolerance: float = 1e-4) -> Exported:
    """Write a network as ONNX, in one file that needs no other.

    The file takes ``images``, normalised ``(N, 3, H, W)`` float32, any number
    of them, and gives the prediction alone, without earlier stages. How
    pictures become inputs and outputs become joints stands in it as
    `Metadata`. It is compared with the network on noise before it gets its
    name.

    Parameters
    ----------
    network:
        From `posecourse.models`.
    path:
        The file to write, ``.onnx``.
    tolerance:
        The largest difference, in units of the largest output (of 1, where
        that is smaller).

    Raises
    ------
    MissingPackageError
        Without the packages onnx, onnxscript and onnxruntime.
    ExportError
        If the network cannot be exported, or its export answers otherwise.
    """
    need("exporting a network", "onnx", "onnxscript", "onnxruntime")
    metadata, path = Metadata.of(network), Path(path)
    width, height = metadata.input_size
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(_COMPARED, 3, height, width, generator=generator)
    model = _Prediction(copy.deepcopy(network).cpu().float()).eval()
    program = _traced(model, images, OUTPUTS[metadata.kind], metadata.model)
    program.model.metadata_props[KEY] = metadata.to_json()
    with atomic_path(path) as temporary:
        program.save(temporary, external_data=False)
        # one picture fewer than it was traced with: any number must do
        difference, scale = _difference(load_exported(temporary), model, images[1:])
        if not difference <= tolerance * max(1.0, scale):
            raise ExportError(
                f"{metadata.model}: the exported network differs from the original "
                f"by {difference:.1e}, more than {tolerance:.0e}; nothing was written"
            )
    return Exported(path, metadata, difference)


def _traced(model, images, outputs, name: str):
    """The network as a graph of ONNX, with the batch left open."""
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # of its own future, not of this network
        try:
            return torch.onnx.export(
                model,
                (images,),
                dynamo=True,
                external_data=False,
                verbose=False,
                input_names=[INPUT],
                output_names=list(outputs),
                dynamic_shapes=({0: torch.export.Dim("people")},),
            )
        except Exception as error:  # each layer has its own reason
            reason = str(error).strip().partition("\n")[0]
            raise ExportError(f"{name} cannot be exported: {reason:.300}") from error


@torch.inference_mode()
def _difference(exported, network, images) -> tuple[float, float]:
    """The largest difference of two networks, and the second's largest output."""
    try:
        found = last_stage(exported(images))
    except Exception as error:  # onnxruntime's own kinds
        reason = " ".join(str(error).split())
        raise ExportError(f"the exported network does not run: {reason:.300}") from None
    pairs = list(zip(_parts(found), _parts(last_stage(network(images)))))
    return (
        max(float((a - b).abs().max()) for a, b in pairs),
        max(float(b.abs().max()) for _, b in pairs),
    )


def _parts(output) -> tuple:
    return output if isinstance(output, tuple) else (output,)


# ------------------------------------------------------------------ 8 bits


def calibration_images(store, input_size, count: int = 200) -> torch.Tensor:
    """Inputs of a network, cut out of a `CropDataset` as for a test.

    `count` people, evenly from all of it; ``(count, 3, H, W)``, normalised.
    """
    people = len(store)
    if not people:
        raise ValueError("nobody to calibrate on: the store is empty")
    chosen = np.unique(np.linspace(0, people - 1, min(count, people)).round())
    some = store.subset(chosen.astype(int))
    return make_batch(
        torch.from_numpy(np.array(some.crops)),
        some.keypoints,
        some.visible,
        some.head_size,
        some.window,
        input_size,
        some.skeleton,
    ).images


def quantise(
    path,
    images,
    out,
    people: int = 200,
    per_channel: bool = True,
    unsigned: bool = True,
) -> Exported:
    """Write an exported network again, with weights and activations in 8 bits.

    Static quantisation (Jacob et al. 2018): the network looks at `images`
    once; the smallest and the largest value of each layer's output become the
    ends of 256 steps. So the pictures must be of the kind that it will see.

    Parameters
    ----------
    path:
        A float32 file of `export_onnx`.
    images:
        A `CropDataset`, or normalised inputs ``(N, 3, H, W)``.
    out:
        The file to write.
    people:
        How many of the store's people are looked at. A hundred will do.
    per_channel:
        One step size for each channel of a layer's weights, instead of one
        for the layer.
    unsigned:
        Activations from 0 to 255, instead of -128 to 127. On processors of
        Intel and AMD this is several times as fast, and not less accurate.

    Raises
    ------
    MissingPackageError
        Without the packages onnx and onnxruntime.
    """
    onnx = need("quantising a network", "onnx", "onnxruntime")
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    metadata, out = read_metadata(path), Path(out)
    if metadata.precision != "float32":
        raise ExportError(f"{path} is in {metadata.precision} already; give the first")
    about = "given pictures"
    if hasattr(images, "crops"):
        about = str(images.source.get("dataset"))
        images = calibration_images(images, metadata.input_size, people)
    images = _checked(images, metadata.input_size)
    metadata = replace(
        metadata,
        precision="int8",
        calibration={"people": len(images), "of": about},
    )
    with atomic_path(out) as temporary, tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder, "prepared.onnx")
        # symbolic shapes fail where a map is enlarged, and are not needed
        quant_pre_process(path, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            temporary,
            _Reader(images),
            quant_format=QuantFormat.QDQ,
            per_channel=per_channel,
            weight_type=QuantType.QInt8,
            activation_type=QuantType.QUInt8 if unsigned else QuantType.QInt8,
        )
        model = onnx.load(temporary)
        onnx.helper.set_model_props(model, {KEY: metadata.to_json()})
        onnx.save(model, temporary)
        difference, _ = _difference(
            load_exported(temporary), load_exported(path), images[:32]
        )
    return Exported(out, metadata, difference)


def _checked(images, input_size) -> torch.Tensor:
    images = torch.as_tensor(images).float()
    width, height = input_size
    if images.ndim != 4 or images.shape[1:] != (3, height, width) or not len(images):
        raise ValueError(
            f"calibration needs normalised pictures (N, 3, {height}, {width}), got "
            f"{tuple(images.shape)}"
        )
    if not images.isfinite().all():
        raise ValueError("calibration pictures hold NaN or infinity")
    return images


class _Reader:
    """Hands out pictures a few at a time, as onnxruntime asks for them."""

    def __init__(self, images):
        self.parts = iter(images.numpy()[i : i + 16] for i in range(0, len(images), 16))

    def get_next(self):
        part = next(self.parts, None)
        return None if part is None else {INPUT: part}
