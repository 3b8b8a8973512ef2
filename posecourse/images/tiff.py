"""TIFF files, and the EXIF parts of others, which are small TIFF files."""

from __future__ import annotations

import io
import struct

import numpy as np

from .pixels import blend
from .reader import ImageError, Reader

__all__ = ["Directory", "decode", "orientation"]

_TAGS = {
    256: "width",
    257: "height",
    258: "bits",
    262: "photometric",
    274: "orientation",
    277: "samples",
    278: "rows",
    284: "planes",
    322: "tile_width",
    323: "tile_height",
    338: "extra",
    339: "format",
}
# Types of whole numbers: BYTE, SHORT, LONG, LONG8, and those with a sign.
_NUMBERS = {1: "B", 3: "H", 4: "I", 16: "Q", 6: "b", 8: "h", 9: "i", 17: "q"}
# How many channels have colours, by "photometric".
_WHITE_IS_0 = 0
_COLOURS = {_WHITE_IS_0: 1, 1: 1, 2: 3, 3: 1, 5: 4, 6: 3, 8: 3}


class Directory:
    """The first directory of a TIFF file: what its first picture is.

    Parameters
    ----------
    file:
        The whole file, or an EXIF part from its "II" or "MM" on.
    """

    def __init__(self, file: Reader):
        file.seek(0)
        self.order = {b"II": "<", b"MM": ">"}.get(file.take(2))
        if self.order is None:
            raise EOFError
        (version,) = file.unpack(self.order + "H")
        big = version == 43
        if big:
            file.take(4)
        (start,) = file.unpack(self.order + ("Q" if big else "I"))
        file.seek(start)
        (count,) = file.unpack(self.order + ("Q" if big else "H"))
        entry = self.order + ("HHQ8s" if big else "HHI4s")
        self.values: dict[str, tuple[int, ...]] = {}
        self.places: dict[str, list[tuple[int, str]]] = {}
        for _ in range(count):
            try:
                tag, kind, length, content = file.unpack(entry)
            except EOFError:  # what was read before it counts
                break
            name, form = _TAGS.get(tag), _NUMBERS.get(kind)
            if name is None or form is None or not 1 <= length <= 64:
                continue
            after = file.position
            place = after - len(content)
            if struct.calcsize(form) * length > len(content):
                (place,) = struct.unpack(self.order + ("Q" if big else "I"), content)
            file.seek(place)
            numbers = file.unpack(f"{self.order}{length}{form}")
            file.seek(after)
            self.values.setdefault(name, numbers)
            self.places.setdefault(name, []).append((place, self.order + form))

    def get(self, name: str, default: int) -> int:
        """The first number of an entry."""
        return self.values.get(name, (default,))[0]

    @property
    def width(self) -> int:
        return self.get("width", 0)

    @property
    def height(self) -> int:
        return self.get("height", 0)

    @property
    def orientation(self) -> int:
        said = self.get("orientation", 1)
        return said if 1 <= said <= 8 else 1

    @property
    def depth(self) -> int:
        return max(self.values.get("bits", (1,)))

    @property
    def samples(self) -> int:
        return self.get("samples", 1)

    @property
    def alpha(self) -> str | None:
        """``"straight"``, ``"premultiplied"`` or None.

        A fourth channel that the file says nothing about, not even that it
        is unspecified, is taken for straight alpha: OpenCV writes it so.
        """
        colours = _COLOURS.get(self.get("photometric", 2), 3)
        if self.samples <= colours:
            return None
        extra = self.values.get("extra", (2,) if self.samples == 4 else (0,))
        return {1: "premultiplied", 2: "straight"}.get(extra[0])

    def memory(self) -> int:
        """About how many bytes decoding takes: pixels, their copy, one tile."""
        pixel = max(3, self.samples) * max(8, self.depth) // 8
        tile = self.get("tile_width", 0) * self.get("tile_height", 0)
        strip = self.width * min(self.height, self.get("rows", self.height))
        return pixel * (2 * self.width * self.height + 2 * (tile or strip))


def orientation(file: Reader) -> int:
    """The orientation in an EXIF part: 1 to 8, 1 where nothing is said."""
    try:
        return Directory(file).orientation
    except (EOFError, struct.error):
        return 1


def decode(data: bytes, name) -> np.ndarray | None:
    """The stored pixels as OpenCV gives them: grey or BGR, 8 or 16 bits.

    None if OpenCV cannot read it.

    Transparency is laid on white. libtiff turns a picture by itself,
    whatever it is asked, so it is told that it stands upright. It multiplies
    colours of 8 bits by their alpha. Those of 16 bits are asked for as they
    are: brought to 8 they are wrong at the edges of tiles.
    """
    import cv2

    about = Directory(Reader(io.BytesIO(data)))
    deep, separate = about.depth > 8, about.get("planes", 1) != 1
    colours = about.get("photometric", 2)
    if about.get("format", 1) != 1 or about.depth > 16:
        raise ImageError(
            f"{name} is a TIFF of {about.depth}-bit or fractional numbers; save it "
            "with 8 or 16 bits per channel"
        )
    rare = ImageError(
        f"{name} is a TIFF of a rare kind (colours or transparency) that is not read "
        "here; save it as PNG"
    )
    if deep and ((separate and "tile_width" in about.values) or colours > 2):
        raise rare
    if about.alpha and (about.samples != 4 or (deep and separate)):
        raise rare
    stored = bytearray(data)
    for place, form in about.places.get("orientation", ()):
        struct.pack_into(form, stored, place, 1)
    as_it_is = about.alpha or (deep and not separate)
    flags = cv2.IMREAD_UNCHANGED if as_it_is else cv2.IMREAD_COLOR
    image = cv2.imdecode(np.frombuffer(stored, np.uint8), flags)
    if image is None:
        return None
    if image.dtype == np.uint16 and colours == _WHITE_IS_0:
        image = np.invert(image)
    if not about.alpha:
        return image[..., :3] if image.ndim == 3 else image
    if image.shape[2:] != (4,):
        raise rare
    straight = (deep and about.alpha == "straight") or "extra" not in about.values
    return blend(image, premultiplied=not straight)
