"""JPEG files, whose decoders fill in grey what is missing and say nothing."""

from __future__ import annotations

import re

import numpy as np

from .headers import MAX_PIXELS, Header
from .pixels import to_rgb
from .reader import ImageError

__all__ = ["decode"]

_END = b"\xff\xd9"

# Cameras leave a few odd bytes after the picture data; more of them are data
# that found no place.
_ODD_BYTES = 16

# A progressive picture has about ten scans, each over all pixels; thousands
# are made to keep a decoder busy for hours.
_MAX_SCANS, _MAX_WORK = 200, 20 * MAX_PIXELS


def decode(data: bytes, header: Header, name, reduce: int = 1) -> np.ndarray:
    """The stored pixels, RGB uint8; `reduce` as in `decode_image`.

    Raises
    ------
    ImageError
        If anything of the picture is missing or damaged. The mark at its
        end may be missing.
    """
    scans = _scans(data, header.start) if header.start else 1
    if scans > _MAX_SCANS or scans * header.width * header.height > _MAX_WORK:
        raise ImageError(
            f"{name} is a JPEG of {scans:,} scans, which takes too long to decode"
        )
    image, said = _decode_strictly(data, header, reduce)
    if said == "Premature end of JPEG file":
        image, said = _decode_strictly(data + _END, header, reduce)
        if said:
            raise ImageError(
                f"{name} breaks off: this JPEG has no end; copy or download it again"
            )
    if image is not None:
        return image
    if not _is_harmless(said):
        raise ImageError(
            f"{name} is damaged, parts of the picture are lost ({said}); copy or "
            "download it again"
        )
    return _decode_with_opencv(data, name, reduce)


def _scans(data: bytes, start: int) -> int:
    # What follows the end, such as a film of the moment, is not looked at.
    end = data.find(_END, start)
    return 1 + data.count(b"\xff\xda", start, max(end, 0) or len(data))


def _decode_strictly(data: bytes, header: Header, reduce: int):
    """The picture and None, or None and the decoder's first complaint."""
    import simplejpeg

    options = {}
    if reduce > 1:  # the smallest that has at least so many pixels
        height, width = (-(-n // reduce) for n in (header.height, header.width))
        options = {"min_height": height, "min_width": width, "min_factor": reduce}
    try:
        return simplejpeg.decode_jpeg(data, "RGB", **options), None
    except ValueError as error:
        return None, str(error)


def _is_harmless(complaint: str) -> bool:
    extra = re.search(r"(\d+) extraneous bytes", complaint)
    if extra:
        return int(extra[1]) <= _ODD_BYTES
    return any(words in complaint for words in _HARMLESS)


# Complaints about headers; the first is about rare ways of sampling colours.
_HARMLESS = (
    "Could not determine subsampling level",
    "Invalid SOS parameters for sequential",
    "Adobe color transform",
    "unknown JFIF revision",
)


def _decode_with_opencv(data: bytes, name, reduce: int) -> np.ndarray:
    """A picture that the strict decoder has a harmless complaint about."""
    import cv2

    size = {
        1: cv2.IMREAD_COLOR,
        2: cv2.IMREAD_REDUCED_COLOR_2,
        4: cv2.IMREAD_REDUCED_COLOR_4,
        8: cv2.IMREAD_REDUCED_COLOR_8,
    }[reduce]
    image = cv2.imdecode(
        np.frombuffer(data, np.uint8), size | cv2.IMREAD_IGNORE_ORIENTATION
    )
    if image is None:
        raise ImageError(
            f"{name} is a JPEG that cannot be decoded: damaged, or of a rare kind; "
            "copy or download it again, or save it anew"
        )
    return to_rgb(image)
