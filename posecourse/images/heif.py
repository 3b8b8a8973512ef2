"""The boxes of AVIF and HEIC files (ISO/IEC 23008-12).

Orientation is said by the properties ``irot`` and ``imir``. An EXIF part
may repeat it and then does not count; where there are none, it does.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np

from . import tiff
from .pixels import turn_upright
from .reader import Reader

__all__ = ["read"]


@dataclass
class _Picture:
    kind: str
    width: int
    height: int
    orientation: int
    transparent: bool
    depth: int


def read(file: Reader) -> _Picture:
    """Size, orientation, transparency and depth of the primary picture."""
    file.seek(0)
    top = _children(file, 0, 2**63)
    brand = _content(file, top[b"ftyp"][0])[:4]
    start, end = top[b"meta"][0]
    meta = _children(file, start + 4, end)
    primary = _primary(file, meta)
    start, end = meta[b"iprp"][0]
    properties = _children(file, start, end)
    container = list(_boxes(file, *properties[b"ipco"][0]))
    mine = [
        container[i - 1]
        for start, end in properties[b"ipma"]
        for i in _associated(file, start, primary)
        if 1 <= i <= len(container)
    ]
    width = height = 0
    turns, depth = [], 8
    for kind, start, _ in mine:
        file.seek(start)
        if kind == b"ispe":
            width, height = file.unpack(">4xII")
        elif kind in (b"irot", b"imir"):
            turns.append((kind, file.take(1)[0]))
        elif kind == b"av1C":
            depth = {0: 8, 2: 10, 3: 12}.get(file.unpack(">xxB")[0] >> 5 & 3, 8)
    transparent = any(
        kind == b"auxC" and b"alpha" in _content(file, (start, end))
        for kind, start, end in container
    )
    coded = {kind for kind, _, _ in mine}
    kind = "AVIF" if b"av1C" in coded or brand in (b"avif", b"avis") else "HEIC"
    orientation = _orientation(turns) if turns else _exif(file, meta)
    return _Picture(kind, width, height, orientation, transparent, depth)


def _boxes(file: Reader, start: int, end: int):
    """Each box as ``(kind, start, end)`` of its content."""
    at = start
    while at < end:
        file.seek(at)
        try:
            size, kind = file.unpack(">I4s")
            if size == 1:
                (size,) = file.unpack(">Q")
        except EOFError:
            if end < 2**63:
                raise
            return
        body = file.position
        stop = end if size == 0 else at + size  # 0: up to the end
        if stop < body:
            raise EOFError
        yield kind, body, min(stop, end)
        at = stop


def _children(file: Reader, start: int, end: int) -> dict:
    found: dict[bytes, list[tuple[int, int]]] = {}
    for kind, begin, stop in _boxes(file, start, end):
        found.setdefault(kind, []).append((begin, stop))
    return found


def _content(file: Reader, place) -> bytes:
    start, end = place
    file.seek(start)
    return file.take(end - start)


def _primary(file: Reader, meta) -> int:
    file.seek(meta[b"pitm"][0][0])
    (version,) = file.unpack(">B3x")
    return file.unpack(">I" if version else ">H")[0]


def _associated(file: Reader, start: int, item: int) -> list[int]:
    """The numbers of an item's properties, from 1, in their order."""
    file.seek(start)
    version, flags, count = file.unpack(">B2xBI")
    for _ in range(count):
        (number,) = file.unpack(">I" if version else ">H")
        (length,) = file.unpack(">B")
        form = ">H" if flags & 1 else ">B"
        mask = 0x7FFF if flags & 1 else 0x7F
        found = [file.unpack(form)[0] & mask for _ in range(length)]
        if number == item:
            return found
    return []


def _orientation(turns) -> int:
    """The one of the eight orientations that these turns come to."""
    stored = np.arange(6).reshape(2, 3)
    upright = stored
    for kind, value in turns:
        if kind == b"irot":
            upright = np.rot90(upright, value & 3)  # anticlockwise
        else:  # 0: top and bottom change places; 1: left and right
            upright = upright[:, ::-1] if value & 1 else upright[::-1]
    return next(
        o for o in range(1, 9) if np.array_equal(turn_upright(stored, o), upright)
    )


def _exif(file: Reader, meta) -> int:
    """The orientation in the EXIF item, 1 without one."""
    try:
        item = _exif_item(file, *meta[b"iinf"][0])
        place = _location(file, meta[b"iloc"][0][0], item)
        data = _content(file, place)
    except (KeyError, EOFError):
        return 1
    skip = int.from_bytes(data[:4], "big")
    return tiff.orientation(Reader(io.BytesIO(data[4 + skip :])))


def _exif_item(file: Reader, start: int, end: int) -> int:
    file.seek(start)
    (version,) = file.unpack(">B3x")
    first = file.position + (4 if version else 2)
    for kind, begin, _ in _boxes(file, first, end):
        file.seek(begin)
        if kind == b"infe":
            (version,) = file.unpack(">B3x")
            item, what = file.unpack(">I2x4s" if version == 3 else ">H2x4s")
            if version >= 2 and what == b"Exif":
                return item
    raise KeyError("Exif")


def _location(file: Reader, start: int, item: int) -> tuple[int, int]:
    """Where an item lies in the file; only one that lies in one piece."""
    file.seek(start)
    (version,) = file.unpack(">B3x")
    (sizes,) = file.unpack(">H")
    offset_size, length_size, base_size, index_size = (
        sizes >> shift & 15 for shift in (12, 8, 4, 0)
    )

    def number(size):
        return int.from_bytes(file.take(size), "big")

    for _ in range(number(4 if version == 2 else 2)):
        found = number(4 if version == 2 else 2)
        method = number(2) & 15 if version else 0
        number(2)
        base = number(base_size)
        extents = []
        for _ in range(number(2)):
            if version:
                number(index_size)
            extents.append((base + number(offset_size), number(length_size)))
        if found == item and method == 0 and len(extents) == 1:
            offset, length = extents[0]
            return offset, offset + length
    raise KeyError(item)
