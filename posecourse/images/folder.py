"""The pictures of a dataset, in a folder or in zip files beside it."""

from __future__ import annotations

import lzma
import os
import struct
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import numpy as np

from ..files import stays_inside
from .decode import decode_image, open_picture, read_all, size_said
from .headers import Header, read_header
from .reader import ImageError

__all__ = ["PictureFolder"]


class PictureFolder:
    """The pictures of a dataset, by name.

    Looks in a folder and in the zip files beside it whose names begin
    like the folder's: ``images/`` and ``images*.zip``, whose members are
    called ``images/NAME`` or ``NAME``. Members are read in place, nothing
    is unpacked.

    Parameters
    ----------
    folder:
        Path of the folder; it need not exist if there are zip files.

    Examples
    --------
    >>> pictures = PictureFolder("mpii/images")
    >>> pictures.read("005808361.jpg").shape       # doctest: +SKIP
    (720, 1280, 3)
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        self._opened = None  # process, members, unreadable archives

    def __reduce__(self):
        # Open zip files cannot travel to another process.
        return PictureFolder, (self.folder,)

    def __repr__(self):
        return f"PictureFolder({str(self.folder)!r})"

    @property
    def _members(self) -> dict:
        """Where each zipped picture is: ``name -> (archive, member)``."""
        # A forked process shares the position in an open file: open anew.
        if self._opened is None or self._opened[0] != os.getpid():
            self._opened = os.getpid(), *self._open_archives()
        return self._opened[1]

    def _open_archives(self) -> tuple[dict, list[str]]:
        members, unreadable = {}, []
        prefix = self.folder.name + "/"
        for path in sorted(self.folder.parent.glob(f"{self.folder.name}*.zip")):
            try:
                archive = zipfile.ZipFile(open_picture(path))
            except (*_DAMAGED, FileNotFoundError) as error:
                unreadable.append(
                    f"{path} is not a readable zip file ({error}); get it again"
                )
                continue
            for member in archive.infolist():
                if not member.is_dir():
                    name = member.filename.replace("\\", "/").removeprefix(prefix)
                    members[name] = archive, member
        return members, unreadable

    def _name(self, name: str) -> str:
        """The name in one spelling; ImageError if it leads elsewhere."""
        name = str(name)
        if not stays_inside(name):
            raise ImageError(
                f"picture name {name!r} points outside "
                f"{self.folder}; the annotation file is wrong"
            )
        return PurePosixPath(name.replace("\\", "/")).as_posix()

    def __contains__(self, name: str) -> bool:
        try:
            name = self._name(name)
        except ImageError:
            return False
        return os.path.isfile(self.folder / name) or self._member(name) is not None

    def _member(self, name: str):
        """Archive and member, or None; ImageError if that cannot be known."""
        if name not in self._members and self._opened[2]:
            raise ImageError(self._opened[2][0])
        return self._members.get(name)

    def exists(self) -> bool:
        """Whether there is a folder or a zip file at all."""
        return self.folder.is_dir() or bool(self._members)

    @contextmanager
    def _open(self, name: str):
        """The open file of a picture, its bytes, and what messages call it."""
        name = self._name(name)
        path = self.folder / name
        try:
            file = open_picture(path)
        except FileNotFoundError:
            file = None
        if file is not None:
            with file:
                yield file, os.fstat(file.fileno()).st_size, path
            return
        found = self._member(name)
        if found is None:
            raise FileNotFoundError(
                f"picture {name} is neither in {self.folder} nor in {self.folder}*.zip"
            )
        archive, member = found
        where = f"{name} in {archive.filename or archive.fp.name}"
        if member.flag_bits & 1:
            raise ImageError(f"{where} is protected by a password; unpack it yourself")
        try:
            with archive.open(member) as file:
                yield file, member.file_size, where
        except ImageError:
            raise
        except _DAMAGED as error:
            raise ImageError(f"{where} is damaged: {error}") from None

    def read_bytes(self, name: str) -> bytes:
        """The file's content, as it is stored."""
        with self._open(name) as opened:
            return read_all(*opened)

    def read(self, name: str, reduce: int = 1) -> np.ndarray:
        """The picture, RGB uint8 ``(H, W, 3)``, as it is stored.

        `reduce` as in `decode_image`.
        """
        return decode_image(
            self.read_bytes(name), self.folder / name, exif=False, reduce=reduce
        )

    def stamp(self, name: str) -> tuple[int, int] | None:
        """What tells a picture from one that took its place, without reading it.

        Its bytes and when it was changed (in a zip file its checksum); None
        where there is none.
        """
        try:
            found = os.stat(self.folder / self._name(name))
            return found.st_size, found.st_mtime_ns
        except (OSError, ValueError):
            pass
        try:
            member = self._member(self._name(name))
        except ImageError:
            return None
        return member and (member[1].file_size, member[1].CRC)

    def header(self, name: str) -> Header:
        """What the picture says about itself; nothing is decoded."""
        with self._open(name) as (file, _, where):
            return read_header(file, where)

    def size(self, name: str, exif: bool = False) -> tuple[int, int]:
        """Width and height as in `picture_size`, by default as stored."""
        return size_said(self.header(name), exif)


# What zipfile raises for what is damaged, or packed in a way it cannot read.
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
)
