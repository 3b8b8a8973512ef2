"""What a video file says about itself, where OpenCV does not pass it on.

An MP4 or MOV is a tree of boxes (ISO/IEC 14496-12): length, four letters,
content. A phone that shortens a video often leaves all pictures in the file
and writes an *edit list* of the part to show. AVI (RIFF), WebM or Matroska
(EBML) and WMV (ASF) begin with their own length, and MPEG transport streams
have packets of one length, which tells a file that was cut.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass

__all__ = ["FileFacts", "file_facts"]

# The table of contents of a film of many hours is smaller, and no file has so
# many boxes beside each other: what has is made to keep us busy.
_LARGEST_MOOV, _MOST_BOXES = 2**25, 2**13

# EXIF orientations by the signs and places of a display matrix a b / c d
# whose determinant is negative: mirrored. OpenCV knows turns only.
_MIRRORED = {(-1, 0, 0, 1): 2, (1, 0, 0, -1): 4, (0, 1, 1, 0): 5, (0, -1, -1, 0): 7}


# How an ASF file and the part with its properties begin.
_ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")


@dataclass(frozen=True)
class FileFacts:
    """What `file_facts` found.

    Attributes
    ----------
    exact:
        Whether the file lists every picture, so that their declared number
        is not an estimate.
    shown:
        Seconds that are shown, where an edit list hides some pictures.
    orientation:
        As EXIF counts (see `images.turn_upright`), where it is a mirrored
        one; else 1.
    cut:
        Whether the file is shorter than it says.
    """

    exact: bool = False
    shown: float | None = None
    orientation: int = 1
    cut: bool = False


def file_facts(path) -> FileFacts:
    """What the first bytes and the table of contents of a video say.

    For other formats, and where the file is damaged, the defaults.
    """
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            head = file.read(2**14)
            if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
                return _mp4(file, size)
            if head[:4] == b"RIFF":
                (length,) = struct.unpack("<I", head[4:8])
                return FileFacts(cut=8 + length > size)
            if head[:4] == b"\x1a\x45\xdf\xa3":
                return FileFacts(cut=_matroska_end(head) > size)
            if head[:4] == _ASF[:4]:
                return FileFacts(cut=_asf_length(head) > size)
            for packet, at in ((188, 0), (192, 4)):  # plain, or with time stamps
                if head[at : at + 3 * packet : packet] == b"GGG":
                    return FileFacts(cut=size % packet != 0)
    except (struct.error, IndexError, OverflowError, ZeroDivisionError, KeyError):
        pass
    return FileFacts()


def _mp4(file, size: int) -> FileFacts:
    contents, end = None, 0
    for _ in range(_MOST_BOXES):
        if end + 8 > size:
            break
        file.seek(end)
        length, kind, header = _box_head(file.read(16), size - end)
        if kind == b"moov" and length <= _LARGEST_MOOV:
            file.seek(end + header)
            contents = file.read(length - header)
        end += length
    if contents is None:
        return FileFacts(cut=end > size)
    movie = _boxes(contents)
    for track in movie[b"trak"]:
        parts = _boxes(track)
        media = _boxes(parts[b"mdia"][0])
        if media[b"hdlr"][0][8:12] == b"vide":
            return FileFacts(
                exact=b"mvex" not in movie,  # fragments list theirs elsewhere
                shown=_shown(parts, media, movie),
                orientation=_orientation(parts[b"tkhd"][0]),
                cut=end > size,
            )
    return FileFacts(cut=end > size)


def _box_head(data: bytes, rest: int) -> tuple[int, bytes, int]:
    """A box's length with its head, its kind, the length of its head."""
    length, kind = struct.unpack(">I4s", data[:8])
    header = 8
    if length == 1:
        header, (length,) = 16, struct.unpack(">Q", data[8:16])
    if length == 0:  # up to the end
        length = rest
    if length < header:
        raise struct.error("a box that is shorter than its head")
    return length, kind, header


def _boxes(content: bytes) -> dict[bytes, list[bytes]]:
    found: dict[bytes, list[bytes]] = {}
    at = 0
    for _ in range(_MOST_BOXES):
        if at + 8 > len(content):
            break
        length, kind, header = _box_head(content[at : at + 16], len(content) - at)
        found.setdefault(kind, []).append(content[at + header : at + length])
        at += length
    return found


def _clock(header: bytes) -> tuple[int, int]:
    """Ticks per second and duration in ticks of an mvhd or mdhd box."""
    if header[0] == 1:
        return struct.unpack(">IQ", header[20:32])
    return struct.unpack(">II", header[12:20])


def _shown(track: dict, media: dict, movie: dict) -> float | None:
    """Seconds shown, if the track's edit list hides a part of it."""
    if b"edts" not in track:
        return None
    edits = _boxes(track[b"edts"][0])[b"elst"][0]
    (count,) = struct.unpack(">I", edits[4:8])
    entry = ">Qqhh" if edits[0] == 1 else ">Iihh"
    step = struct.calcsize(entry)
    parts = [
        struct.unpack(entry, edits[8 + i * step : 8 + (i + 1) * step])
        for i in range(min(count, len(edits) // step))
    ]
    ticks, _ = _clock(movie[b"mvhd"][0])
    seconds = sum(length for length, start, *_ in parts if start >= 0) / ticks
    ticks, whole = _clock(media[b"mdhd"][0])
    hides = 0 < seconds < whole / ticks - 0.02
    return seconds if hides else None


def _orientation(header: bytes) -> int:
    at = 52 if header[0] == 1 else 40
    a, b, _, c, d = struct.unpack(">5i", header[at : at + 20])
    signs = tuple((value > 0) - (value < 0) for value in (a, b, c, d))
    return _MIRRORED.get(signs, 1)


def _matroska_end(head: bytes) -> int:
    """Where a Matroska file ends, as it says itself; 0 if it does not."""
    _, header, at = _ebml_number(head, 4)
    unknown, length, at = _ebml_number(head, at + header + 4)  # after "Segment"
    return 0 if unknown else at + length


def _asf_length(head: bytes) -> int:
    """What an ASF file says of its length; 0 if it does not."""
    at = head.find(_ASF_PROPERTIES)
    return 0 if at < 0 else struct.unpack("<Q", head[at + 40 : at + 48])[0]


def _ebml_number(data: bytes, at: int) -> tuple[bool, int, int]:
    """Whether it is "unknown", the number, and the place after it."""
    width = 9 - data[at].bit_length()
    value = int.from_bytes(data[at : at + width], "big") & (2 ** (7 * width) - 1)
    return value == 2 ** (7 * width) - 1, value, at + width
