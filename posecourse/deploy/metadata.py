"""What stands in an exported file besides the network: all that a program
needs to go from a picture to joints with nothing but this file.

ONNX keeps notes as pairs of texts (``metadata_props``). One of them, called
``posecourse``, holds the JSON of `Metadata`. It is read here without the
package onnx, so that OpenCV alone can run an exported file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ..codecs import CoordinateCodec, HeatmapCodec, SimCCCodec
from ..files import FileError, plain, read_bytes
from ..inference.predictor import BOX_PADDING
from ..models.outputs import KINDS
from ..skeletons import Skeleton
from ..transforms import MEAN, STD

__all__ = ["KEY", "ExportedFileError", "Metadata", "read_metadata"]

# The name of our note in the file.
KEY = "posecourse"

_CODECS = {codec.kind: codec for codec in (HeatmapCodec, CoordinateCodec, SimCCCodec)}
_CROP = (
    "The window around the box x, y, width, height has the input's aspect ratio, "
    "contains the box grown by the padding, and has its middle; a whole picture has "
    "padding 1. Coordinates count from the centre of the first pixel; outside is black."
)


class ExportedFileError(FileError):
    """A file that is no network exported by this course, or a damaged one."""


@dataclass(frozen=True)
class Metadata:
    """How an exported network is fed and read.

    Attributes
    ----------
    model:
        The network's name.
    precision:
        ``"float32"`` or ``"int8"``.
    input_size:
        ``(width, height)``, pixels.
    mean, std:
        The input is ``(colour / 255 - mean) / std``, of R, G and B, laid out
        as ``(N, 3, height, width)``.
    kind:
        What the output is, a key of `models.outputs.KINDS`.
    codec:
        The kind of the codec that reads it, and its options.
    skeleton:
        The joints: names, bones, colours, flip pairs, sigmas.
    box_padding, crop:
        How a person's box becomes the window that the network sees.
    mean_pose:
        ``(K, 2)`` of the training people, input pixels, None for a joint that
        was never labelled; or None.
    calibration:
        Of an int8 file: what its ranges were measured on.
    """

    model: str
    precision: str
    input_size: tuple[int, int]
    kind: str
    codec: dict
    skeleton: dict
    mean: tuple[float, float, float] = MEAN
    std: tuple[float, float, float] = STD
    box_padding: float = BOX_PADDING
    crop: str = _CROP
    mean_pose: list | None = None
    calibration: dict = field(default_factory=dict)
    version: int = 1

    def __post_init__(self):
        for name in ("input_size", "mean", "std"):  # JSON knows no tuples
            object.__setattr__(self, name, tuple(getattr(self, name)))

    @classmethod
    def of(cls, network) -> Metadata:
        """That of a network of `posecourse.models`.

        Raises ValueError for one whose output nobody else could read.
        """
        codec, kind = network.codec, network.representation.kind
        if type(codec) not in _CODECS.values() or kind not in KINDS:
            raise ValueError(
                f"{network.name} reads its output with {type(codec).__name__}, which "
                "an exported file cannot describe; use a codec of posecourse.codecs"
            )
        mean_pose = getattr(network, "metadata", {}).get("mean_pose", "null")
        return cls(
            model=network.name or type(network).__name__,
            precision="float32",
            input_size=tuple(network.input_size),
            kind=kind,
            codec=plain({"kind": codec.kind, **asdict(codec)}),
            skeleton=network.skeleton.to_dict(),
            mean_pose=json.loads(mean_pose),
        )

    def to_json(self) -> str:
        """As it stands in the file."""
        return json.dumps(plain(asdict(self)), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str, path) -> Metadata:
        """Reads `to_json`, checked; `path` is for the message of an error."""
        try:
            values = json.loads(text)
            known = cls(**values)
            if known.version != 1 or known.kind not in KINDS:
                raise ValueError(f"version {known.version}, output {known.kind}")
            known.joints(), known.build_codec()
        except Exception as error:  # whatever may stand in a file
            raise ExportedFileError(
                f"{path}: what it says about its network cannot be used "
                f"({error!s:.200}); it was changed, or comes from another version of "
                "posecourse: export it again"
            ) from None
        return known

    def build_codec(self):
        """The codec that reads the output."""
        options = {k: v for k, v in self.codec.items() if k != "kind"}
        return _CODECS[self.codec["kind"]](**options)

    def joints(self) -> Skeleton:
        """The skeleton."""
        return Skeleton.from_dict(self.skeleton)


def read_metadata(path) -> Metadata:
    """What an exported file says about itself.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ExportedFileError
        If it is no network that this course exported.
    """
    content = read_bytes(path, "exported network")
    try:
        notes = dict(_notes(memoryview(content)))
    except (ValueError, LookupError):
        raise ExportedFileError(
            f"{path} is no ONNX file, or it was cut; make one with posecourse export"
        ) from None
    if KEY not in notes:
        raise ExportedFileError(
            f"{path} does not say how its network is fed and read: it was not "
            "exported by posecourse (posecourse export RUN)"
        )
    return Metadata.from_json(notes[KEY], Path(path))


# ------------------------------------------------------- ONNX without onnx
#
# An ONNX file is a protocol buffer: fields one after the other, each a number
# and a kind, then its value. Field 14 of the model are the notes, and each of
# these has a key, field 1, and a value, field 2. All others are skipped.

_NOTES, _VARINT, _FIXED = 14, 0, {1: 8, 5: 4}


def _notes(model: memoryview) -> Iterator[tuple[str, str]]:
    for number, value in _fields(model):
        if number == _NOTES:
            pair = dict(_fields(value))
            yield str(pair[1], "utf-8"), str(pair.get(2, b""), "utf-8")


def _fields(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Number and bytes of each field that has a length; of others the number."""
    place = 0
    while place < len(data):
        tag, place = _varint(data, place)
        size, kind = 0, tag & 7
        if kind == _VARINT:
            _, place = _varint(data, place)
        elif kind == 2:
            size, place = _varint(data, place)
        elif kind in _FIXED:
            place += _FIXED[kind]
        else:
            raise ValueError(f"kind {kind}")
        if tag < 8 or place + size > len(data):
            raise ValueError("a field reaches beyond the end")
        yield tag >> 3, data[place : place + size]
        place += size


def _varint(data: memoryview, place: int) -> tuple[int, int]:
    """A whole number in groups of 7 bits, the lowest first; and what follows."""
    value = shift = 0
    while True:
        byte = data[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place
        if shift > 63:
            raise ValueError("a number of more than 64 bits")
