"""MP4 files changed as phones and accidents change them."""

import struct
from pathlib import Path


def change(path, *edits) -> Path:
    """Rewrite boxes of an MP4 whose contents come last, as OpenCV writes it.

    Each edit is ``(places, new)``: the names of the boxes on the way down and
    a function from a box's content to its new content.
    """
    path = Path(path)
    data = path.read_bytes()
    for places, new in edits:
        data = _changed(data, [place.encode() for place in places], new)
    path.write_bytes(data)
    return path


def _changed(data: bytes, places, new) -> bytes:
    parts, at = [], 0
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        content = data[at + 8 : at + length]
        if places and kind == places[0]:
            rest = places[1:]
            content = _changed(content, rest, new) if rest else new(content)
        parts.append(struct.pack(">I4s", 8 + len(content), kind) + content)
        at += length
    return b"".join(parts)


def with_matrix(path, a, b, c, d) -> Path:
    """Set how players turn, mirror or stretch the pictures."""
    matrix = struct.pack(
        ">9i", *(int(v * 2**16) for v in (a, b, 0, c, d, 0, 0, 0)), 2**30
    )
    return change(path, (("moov", "trak", "tkhd"), lambda c: c[:40] + matrix + c[76:]))


def with_durations(path, seconds) -> Path:
    """Set how long each picture is shown."""
    ticks = []

    def length(content):
        (clock,) = struct.unpack(">I", content[12:16])
        ticks[:] = [round(s * clock) for s in seconds]
        return content[:16] + struct.pack(">I", sum(ticks)) + content[20:]

    def steps(content):
        rows = b"".join(struct.pack(">II", 1, n) for n in ticks)
        return struct.pack(">II", 0, len(ticks)) + rows

    table = ("moov", "trak", "mdia", "minf", "stbl", "stts")
    change(path, (("moov", "trak", "mdia", "mdhd"), length), (table, steps))
    return with_edit_list(path, 0, sum(seconds))


def with_edit_list(path, start: float, length: float) -> Path:
    """Show only a part, as a phone does that shortens a video."""
    clocks = {}

    def movie(content):
        (clocks["movie"],) = struct.unpack(">I", content[12:16])
        return content

    def media(content):
        (clocks["media"],) = struct.unpack(">I", content[12:16])
        return content

    def edits(content):
        ticks = round(length * clocks["movie"]), round(start * clocks["media"])
        rows = struct.pack(">IIIiHH", 0, 1, *ticks, 1, 0)
        return struct.pack(">I4s", 8 + len(rows), b"elst") + rows

    return change(
        path,
        (("moov", "mvhd"), movie),
        (("moov", "trak", "mdia", "mdhd"), media),
        (("moov", "trak", "edts"), edits),
    )
