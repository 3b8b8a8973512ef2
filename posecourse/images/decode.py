"""From the bytes of a picture file to pixels."""

from __future__ import annotations

import io
import os
import struct
import zlib

import numpy as np

from ..files import FileError, open_file
from . import jpeg, tiff
from .headers import IS_HEIC, MAX_BYTES, Header, check_size, read_header
from .pixels import average, to_rgb, turn_upright
from .reader import ImageError

__all__ = ["decode_image", "exif_orientation", "picture_size", "read_image"]


def read_image(path, exif: bool = True) -> np.ndarray:
    """A picture file as RGB uint8 ``(H, W, 3)``.

    Parameters
    ----------
    path:
        JPEG, PNG, WebP, BMP, TIFF, GIF, AVIF or Netpbm, as far as this
        OpenCV knows them; of an animation the first picture. Names in any
        script.
    exif:
        Turn the picture as its orientation says. Switch it off where
        coordinates belong to the stored pixels (nearly all datasets).

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ImageError
        If it is not a whole picture, or too large to be one.
    """
    with open_picture(path) as file:
        check_size(read_header(file, path), path)
        # Not cv2.imread: on Windows it cannot open names such as "人.jpg".
        data = read_all(file, os.fstat(file.fileno()).st_size, path)
    return decode_image(data, path, exif)


def read_all(file, size: int, name) -> bytes:
    """The bytes of an open picture file that has `size` of them."""
    if size > MAX_BYTES:
        raise ImageError(
            f"{name} has {size:,} bytes, more than the {MAX_BYTES:,} that are read "
            "as a picture"
        )
    file.seek(0)
    try:
        return file.read(MAX_BYTES)
    except OSError as error:
        raise ImageError(f"{name} cannot be read: {error}") from None


def open_picture(path):
    """An open picture file; errors as in `read_image`."""
    try:
        return open_file(path, "picture")
    except FileError as error:
        raise ImageError(str(error)) from None


def picture_size(path, exif: bool = True) -> tuple[int, int]:
    """Width and height of a picture file in pixels; nothing is decoded.

    Reads the headers of JPEG, PNG, WebP, BMP, TIFF, GIF, AVIF, HEIC and
    Netpbm files.

    Parameters
    ----------
    exif:
        Of the upright picture, as `read_image` gives it; otherwise of the
        stored one. Errors are those of `read_image`.
    """
    with open_picture(path) as file:
        return size_said(read_header(file, path), exif)


def size_said(header: Header, exif: bool) -> tuple[int, int]:
    """Width and height, upright (`exif`) or as stored."""
    size = header.width, header.height
    return size[::-1] if exif and header.orientation > 4 else size


def decode_image(
    data: bytes, name="picture", exif: bool = True, reduce: int = 1
) -> np.ndarray:
    """The bytes of a picture file as RGB uint8 ``(H, W, 3)``.

    Parameters
    ----------
    name:
        What error messages call it.
    exif:
        As in `read_image`, and so are the errors.
    reduce:
        1, 2, 4 or 8: pixel u of the result is the mean of this many pixels
        from ``reduce * u`` on, in both directions. A JPEG is decoded at
        that size, which is several times faster.
    """
    header = read_header(io.BytesIO(data), name)
    check_size(header, name)
    if header.kind == "JPEG":
        image = jpeg.decode(data, header, name, reduce)
    else:
        image = _decode(data, header, name)
        image = image if reduce == 1 else average(image, reduce)
    return turn_upright(image, header.orientation if exif else 1)


def _decode(data: bytes, header: Header, name) -> np.ndarray:
    """What is no JPEG, by OpenCV: RGB uint8, as stored."""
    import cv2

    if header.kind == "PNG":
        _check_png(data, name)
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    if header.transparent:
        flags = cv2.IMREAD_UNCHANGED
    image: np.ndarray | None
    try:
        if header.kind == "TIFF":
            image = tiff.decode(data, name)
        else:
            image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise ImageError(f"{name} cannot be decoded: {error.err}") from None
    if image is None:
        if header.kind == "HEIC":
            raise ImageError(f"{name} {IS_HEIC}")
        raise ImageError(
            f"{name} ({header.kind}) cannot be decoded: it is damaged, or of a kind "
            "that this OpenCV does not read; copy or download it again, or export it "
            "as JPEG or PNG"
        )
    if image.shape[:2] != (header.height, header.width):
        raise ImageError(
            f"{name} is damaged: its parts have different sizes, "
            f"{header.width} x {header.height} and {image.shape[1]} x {image.shape[0]}"
        )
    if header.clear is not None and image.ndim == 2:  # OpenCV forgets it
        top = np.iinfo(image.dtype).max
        clear = header.clear * top // (2**header.depth - 1)
        image = np.where(image == clear, image.dtype.type(top), image)
    # AVIF uses 10 or 12 of 16 bits; the others all of them.
    return to_rgb(image, header.depth if header.kind == "AVIF" else 16)


def _check_png(data: bytes, name):
    """Follow a PNG's parts to its end, and check the sums of those that count.

    OpenCV reserves as much memory as a part says it has.
    """
    at, kind = 8, b""
    while kind != b"IEND":
        length, kind = struct.unpack(">I4s", data[at : at + 8].ljust(8, b"\xff"))
        end = at + 8 + length
        if end + 4 > len(data):
            raise ImageError(
                f"{name} breaks off: this PNG has no end; copy or download it again"
            )
        needed = kind[:1].isupper()
        if needed and data[end : end + 4] != _checksum(data[at + 4 : end]):
            raise ImageError(
                f"{name} is damaged at byte {at}: the checksum of its part "
                f"{kind.decode('latin-1')} is wrong; copy or download it again"
            )
        at = end + 4


def _checksum(part: bytes) -> bytes:
    return struct.pack(">I", zlib.crc32(part))


def exif_orientation(data: bytes) -> int:
    """How the bytes of a picture file say that the picture lies.

    Returns
    -------
    1 (upright) to 8, as `turn_upright` takes it; 1 where nothing is said,
    or where the file is no picture.
    """
    try:
        return read_header(io.BytesIO(data), "picture").orientation
    except ImageError:
        return 1
