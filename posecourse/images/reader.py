"""Reading the parts of a file one by one, and never without end."""

from __future__ import annotations

import struct

from ..files import FileError

__all__ = ["ImageError", "Reader"]

# No header has more parts, and no part that is looked into is larger.
_MAX_PARTS, _MAX_PART = 100_000, 2**26


class ImageError(FileError):
    """A file that is not a whole, readable picture; the message names it."""


class Reader:
    """Takes parts of an open file; EOFError where it breaks off.

    A file that was made to keep a reader busy for hours, with millions of
    parts, ends in the same way.
    """

    def __init__(self, file):
        self.file = file
        self._left = _MAX_PARTS

    @property
    def position(self) -> int:
        return self.file.tell()

    def seek(self, position: int):
        """Go on from that byte; EOFError where no file can have it."""
        if not 0 <= position < 2**62:
            raise EOFError
        self.file.seek(position)

    def some(self, count: int) -> bytes:
        """The next bytes, at most `count`."""
        return self.file.read(count)

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        self._left -= 1
        if self._left < 0 or not 0 <= count <= _MAX_PART:
            raise EOFError
        data = self.file.read(count)
        if len(data) < count:
            raise EOFError
        return data

    def unpack(self, form: str) -> tuple:
        """The next numbers, as `struct.unpack` gives them."""
        return struct.unpack(form, self.take(struct.calcsize(form)))
