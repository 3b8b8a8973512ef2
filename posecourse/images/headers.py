"""What a picture file says about itself, before a pixel is decoded."""

from __future__ import annotations

import io
import re
import struct
from dataclasses import dataclass

from ..files import format_bytes
from . import heif, tiff
from .reader import ImageError, Reader

__all__ = [
    "IS_HEIC",
    "MAX_BYTES",
    "MAX_MEMORY",
    "MAX_PIXELS",
    "Header",
    "check_size",
    "read_header",
]

# A file of a few kilobytes can claim billions of pixels and bring a machine
# to its knees. The largest telephone cameras have 200 million.
MAX_PIXELS = 200_000_000

# What decoding may take, bytes.
MAX_MEMORY = 2**31

# The longest side that OpenCV takes.
_MAX_SIDE = 2**20

# The largest file that is read as a picture.
MAX_BYTES = 2**29

IS_HEIC = (
    "is a HEIC picture, as iPhones take them; OpenCV cannot read those. Export it "
    "as JPEG (on the phone: Settings, Camera, Formats, Most Compatible)"
)


@dataclass(frozen=True)
class Header:
    """What a picture is, by its own account.

    Attributes
    ----------
    kind:
        ``"JPEG"``, ``"PNG"``, ...
    width, height:
        As stored, pixels.
    orientation:
        How to turn it, as `turn_upright` takes it: 1 (upright) to 8.
    memory:
        About how many bytes decoding it takes.
    transparent:
        Whether there may be an alpha channel.
    depth:
        Bits per channel.
    start:
        Where the picture data of a JPEG of several scans begin in the file;
        0 if it has one scan.
    clear:
        The one grey that stands for transparent in a grey PNG.
    """

    kind: str
    width: int
    height: int
    orientation: int = 1
    memory: int = 0
    transparent: bool = False
    depth: int = 8
    start: int = 0
    clear: int | None = None


def read_header(file, name) -> Header:
    """Read the header of an open picture file.

    Parameters
    ----------
    file:
        Binary and seekable; left anywhere.
    name:
        What error messages call it.

    Raises
    ------
    ImageError
        If it is no picture, of a format that is not read here, or breaks
        off in its header.
    """
    file.seek(0)
    start = file.read(64)
    if not start:
        raise ImageError(f"{name} is empty")
    known = (r for begins, r in _FORMATS if re.match(begins, start, re.DOTALL))
    read = next(known, None)
    if read is None:
        raise ImageError(f"{name} {_what_else(start)}")
    try:
        header = read(Reader(file))
    except (EOFError, struct.error, IndexError, KeyError, ValueError):
        if re.match(rb"....ftyp(he|mif|msf)", start, re.DOTALL):
            raise ImageError(f"{name} {IS_HEIC}") from None
        raise ImageError(
            f"{name} is a damaged picture: its header breaks off or makes no sense; "
            "copy or download it again"
        ) from None
    if header.width < 1 or header.height < 1:
        raise ImageError(
            f"{name} is damaged: it says it has {header.width} x {header.height} pixels"
        )
    return header


def check_size(header: Header, name):
    """Raise ImageError if a picture is too large to be decoded."""
    size = f"{name} says it has {header.width} x {header.height} pixels"
    if header.width * header.height > MAX_PIXELS:
        raise ImageError(
            f"{size}, more than the {MAX_PIXELS:,} that are read; make it smaller first"
        )
    if max(header.width, header.height) > _MAX_SIDE:
        raise ImageError(f"{size}, more than {_MAX_SIDE:,} in one direction")
    if header.memory > MAX_MEMORY:
        raise ImageError(
            f"{size}; to decode it takes {format_bytes(header.memory)} of memory, "
            f"more than the {format_bytes(MAX_MEMORY)} that are allowed; make it "
            "smaller, or save it as JPEG or PNG with 8 bits"
        )


# --- one format after the other -------------------------------------------
# `memory` is what OpenCV 5 was measured to take, bytes per pixel: it copies
# the picture once, and AVIF's decoder keeps several planes and frames.


def _jpeg(file: Reader) -> Header:
    file.seek(2)
    orientation, frame, several = None, None, True
    while True:
        while file.take(1) != b"\xff":  # decoders pass over what is between
            pass
        kind = 0xFF
        while kind == 0xFF:  # may repeat
            kind = file.take(1)[0]
        if kind in _WITHOUT_LENGTH:
            continue
        if kind == _END_OF_IMAGE:
            raise EOFError
        (length,) = file.unpack(">H")
        body = file.position
        if kind in _FRAMES:
            if frame is None:
                frame, several = file.unpack(">BHHB"), kind > 0xC1
        elif kind == _START_OF_SCAN:
            break
        elif kind == _EXIF and orientation is None and file.take(6) == b"Exif\0\0":
            exif = file.take(length - 8)
            orientation = tiff.orientation(Reader(io.BytesIO(exif)))
        file.seek(body + length - 2)
    if frame is None:
        raise EOFError
    _, height, width, channels = frame
    several |= file.take(1)[0] < channels  # in the first scan
    memory = (3 + 2 * channels) * width * height
    return Header("JPEG", width, height, orientation or 1, memory, start=several * body)


_START_OF_SCAN, _END_OF_IMAGE, _EXIF = 0xDA, 0xD9, 0xE1
# Start of frame: C0 to CF without the tables C4, C8, CC (ITU-T T.81).
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = frozenset({0x00, 0x01, *range(0xD0, 0xD9)})


def _png(file: Reader) -> Header:
    file.seek(8)
    width, height, depth, colour = file.unpack(">8xIIBB7x")
    orientation, transparent, clear = 1, colour in (4, 6), None
    while True:  # parts: length, name, content, checksum
        try:
            length, kind = file.unpack(">I4s")
        except EOFError:  # no end: that is for the decoder to say
            break
        body = file.position
        if kind == b"tRNS":
            transparent = True
            clear = file.unpack(">H")[0] if colour == 0 else None
        elif kind == b"eXIf":
            orientation = tiff.orientation(Reader(io.BytesIO(file.take(length))))
        elif kind == b"IEND":
            break
        file.seek(body + length + 4)
    memory = width * height * (8 if transparent else 6) * (2 if depth == 16 else 1)
    return Header(
        "PNG", width, height, orientation, memory, transparent, depth, clear=clear
    )


def _webp(file: Reader) -> Header:
    file.seek(12)
    orientation, size, transparent = 1, None, False
    while True:  # parts: name, length, content, even
        try:
            kind, length = file.unpack("<4sI")
        except EOFError:
            break
        body = file.position
        if kind == b"VP8X":
            flags = file.unpack("<B3x")[0]
            transparent = bool(flags & 0x10)
            size = [1 + int.from_bytes(file.take(3), "little") for _ in range(2)]
        elif kind == b"VP8L" and size is None:
            transparent = True  # may be
            (bits,) = file.unpack("<xI")
            size = [1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)]
        elif kind == b"VP8 " and size is None:
            size = [n & 0x3FFF for n in file.unpack("<6xHH")]
        elif kind == b"EXIF":
            exif = file.take(length).removeprefix(b"Exif\0\0")
            orientation = tiff.orientation(Reader(io.BytesIO(exif)))
        file.seek(body + length + length % 2)
    if size is None:
        raise EOFError
    width, height = size
    return Header("WebP", width, height, orientation, 12 * width * height, transparent)


def _gif(file: Reader) -> Header:
    file.seek(6)
    width, height = file.unpack("<HH")
    return Header("GIF", width, height, 1, 12 * width * height, True)


def _bmp(file: Reader) -> Header:
    file.seek(14)
    (size,) = file.unpack("<I")
    width, height = file.unpack("<HH" if size == 12 else "<ii")
    transparent = False
    if size >= 56:
        file.seek(28)
        (bits,) = file.unpack("<H")
        file.seek(66)
        (alpha_mask,) = file.unpack("<I")
        transparent = bits == 32 and alpha_mask != 0
    height = abs(height)  # negative: from the top down
    return Header("BMP", width, height, 1, 8 * width * height, transparent)


def _netpbm(file: Reader) -> Header:
    file.seek(0)
    text = re.sub(rb"#[^\n]*\n?", b" ", file.some(4096))
    width, height = map(int, text[2:].split()[:2])
    return Header("Netpbm picture", width, height, 1, 12 * width * height)


def _tiff(file: Reader) -> Header:
    about = tiff.Directory(file)
    return Header(
        "TIFF",
        about.width,
        about.height,
        about.orientation,
        about.memory(),
        about.alpha is not None,
        about.depth,
    )


def _heif(file: Reader) -> Header:
    about = heif.read(file)
    memory = about.width * about.height * (35 if about.transparent else 17)
    return Header(**vars(about), memory=memory)


_FORMATS = (
    (rb"\xff\xd8\xff", _jpeg),
    (rb"\x89PNG\r\n\x1a\n", _png),
    (rb"RIFF....WEBP", _webp),
    (rb"GIF8[79]a", _gif),
    (rb"BM.{16}", _bmp),
    (rb"P[1-6]\s", _netpbm),
    (rb"II[*+]\0|MM\0[*+]", _tiff),
    (rb"....ftyp(avif|avis|hei[cxms]|hev[cx]|mif1|msf1)", _heif),
)


def _what_else(start: bytes) -> str:
    """What a file is that is not read as a picture, and what to do."""
    if start[4:8] == b"ftyp":
        return "is a video, not a picture"
    for begins, kind in _OTHERS.items():
        if start.startswith(begins):
            return f"is {kind}; export it as JPEG or PNG"
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return (
            "is a web page or a drawing (HTML, SVG), not a picture; was "
            "the page saved instead of the photo?"
        )
    return "is not a picture, or it is damaged"


_OTHERS = {
    b"%PDF": "a PDF document, not a picture",
    b"GIF8": "a damaged GIF",
    b"\0\0\0\x0cjP  ": "a JPEG 2000 picture, which is not read here",
    b"\xff\x4f\xff\x51": "a JPEG 2000 picture, which is not read here",
    b"\0\0\0\x0cJXL ": "a JPEG XL picture, which is not read here",
    b"\xff\x0a": "a JPEG XL picture, which is not read here",
    b"#?RADIANCE": "an HDR picture, which is not read here",
    b"\x76\x2f\x31\x01": "an OpenEXR picture, which is not read here",
    b"8BPS": "a Photoshop file",
}
