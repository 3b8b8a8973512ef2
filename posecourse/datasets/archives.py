"""Unpacking archives from elsewhere, trusting nothing."""

from __future__ import annotations

import bz2
import errno
import filecmp
import gzip
import lzma
import os
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

from ..files import (
    WriteError,
    disk_errors,
    format_bytes,
    remove,
    require_space,
    stays_inside,
)
from .transfer import DownloadError

__all__ = ["Unpacked", "unpack"]

# An archive may not unpack to more than this many times its own size
# (JPEGs hardly shrink, annotation files about tenfold) plus some room.
_MAX_RATIO, _MAX_EXTRA = 20, 20_000_000
_MAX_MEMBERS = 1_000_000


class Unpacked(NamedTuple):
    """What `unpack` did.

    Attributes
    ----------
    files:
        ``{name: bytes}`` of the archive's files that are in the folder now.
    kept:
        Names of files that were in the folder before, with another content:
        they stay, and the archive's are left out.
    """

    files: dict[str, int]
    kept: list[str]


def unpack(archive, root, reserved=()) -> Unpacked:
    """Unpack a .zip or .tar archive into a folder.

    Everything is unpacked beside its place and checked to the archive's last
    byte, then moved; an archive with a single bad member leaves nothing
    behind. No file that is in the folder is replaced.

    Parameters
    ----------
    reserved:
        Names in the folder that no member may take.

    Raises
    ------
    DownloadError
        If the archive is damaged, or has a member that is a link or a
        device, points outside the folder, or unpacks to far too much.
    """
    archive, root = Path(archive), Path(root)
    limit = _MAX_RATIO * archive.stat().st_size + _MAX_EXTRA
    stage = root / f".{archive.name}.unpacking"
    remove(stage)  # of a run that was killed
    try:
        with disk_errors(root):
            require_space(root, archive.stat().st_size)
            stage.mkdir(parents=True)
            _unpack(archive, stage, limit)
            return _move_into(archive, stage, root, reserved)
    except (DownloadError, WriteError):
        raise
    except (*_DAMAGED, OSError) as error:
        # zipfile goes to places in the file that cannot be
        if isinstance(error, OSError) and error.errno != errno.EINVAL:
            raise
        raise DownloadError(
            f"{archive} is damaged ({error}); nothing was unpacked, fetch it again"
        ) from None
    finally:
        remove(stage)


# What zipfile, tarfile and the decompressors raise for broken archives.
_DAMAGED = (
    tarfile.TarError,
    zipfile.BadZipFile,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    RuntimeError,
    ValueError,
)


def _move_into(archive: Path, stage: Path, root: Path, reserved) -> Unpacked:
    files, kept, moves = {}, [], []
    taken = {name.casefold() for name in reserved}
    found = [path.relative_to(stage) for path in sorted(stage.rglob("*"))]
    names = [name for name in found if (stage / name).is_file()]
    folders = {name.parent for name in names}
    for folder in folders:
        _check_way(archive, root, folder)
    for name in names:
        path, target = stage / name, root / name
        if name.as_posix().casefold() in taken:
            kept.append(name.as_posix())
        elif not os.path.lexists(target):
            moves.append((path, target))
            files[name.as_posix()] = path.stat().st_size
        elif target.is_file() and filecmp.cmp(path, target, shallow=False):
            files[name.as_posix()] = path.stat().st_size
        else:
            kept.append(name.as_posix())
    for folder in folders:
        (root / folder).mkdir(parents=True, exist_ok=True)
    for path, target in moves:
        os.replace(path, target)
    return Unpacked(files, kept)


def _check_way(archive: Path, root: Path, folder: Path):
    for part in (folder, *folder.parents):
        if os.path.lexists(root / part) and not (root / part).is_dir():
            raise DownloadError(
                f"{archive} has a folder {part}, but {root / part} is a file; "
                "move it away and run the same again"
            )


def _unpack(archive: Path, folder: Path, limit: int):
    budget = _Budget(archive, limit)
    for name, is_file, data in _members(archive, budget):
        target = _safe_target(archive, folder, name)
        budget.take(members=1)
        try:
            if not is_file:
                target.mkdir(parents=True, exist_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            with open(target, "xb") as out:
                shutil.copyfileobj(data, out, 1 << 20)
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            _refuse(
                archive,
                name,
                "is in it twice, or in two spellings that this disk takes for one",
            )
        except OSError as error:
            if error.errno not in _BAD_NAMES:
                raise
            _refuse(archive, name, f"has a name that this disk refuses ({error})")


_BAD_NAMES = {errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ}


class _Budget:
    """How much an archive may still unpack to."""

    def __init__(self, archive: Path, limit: int):
        self.archive, self.limit = archive, limit
        self.left, self.members = limit, _MAX_MEMBERS

    def take(self, count: int = 0, members: int = 0):
        self.left -= count
        self.members -= members
        if self.left < 0 or self.members < 0:
            raise DownloadError(
                f"{self.archive} unpacks to more than {format_bytes(self.limit)} or "
                f"{_MAX_MEMBERS:,} files; nothing was unpacked. Do not use this archive"
            )


class _Counted:
    """A stream whose bytes are taken from the budget as they are read."""

    def __init__(self, stream, budget: _Budget):
        self.stream, self.budget = stream, budget

    def read(self, count: int) -> bytes:
        try:
            block = self.stream.read(count)
        except OSError as error:
            if error.errno is not None:  # of the disk, not of the packing
                raise
            raise EOFError(error) from None
        self.budget.take(len(block))
        return block


def _members(archive: Path, budget: _Budget):
    """Each member as ``(name, whether it is a file, open stream)``."""
    with open(archive, "rb") as file:
        start = file.read(6)
        file.seek(0)
        if start.startswith(b"PK"):
            yield from _zip_members(archive, file, budget)
        else:
            opener = next((o for b, o in _PACKED.items() if start.startswith(b)), None)
            with opener(file) if opener else file as stream:
                yield from _tar_members(archive, _Counted(stream, budget))


_PACKED = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
}


def _zip_members(archive: Path, file, budget: _Budget):
    with zipfile.ZipFile(file) as content:
        if _count_said(file) not in (len(content.infolist()) % 2**16, _MANY):
            raise zipfile.BadZipFile("its list of members is damaged")
        for member in content.infolist():
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                _refuse(archive, member.filename, "is a link or device")
            if member.is_dir():
                yield member.filename, False, None
            else:
                with content.open(member) as data:
                    yield member.filename, True, _Counted(data, budget)


_MANY = 0xFFFF  # the number stands in another place


def _count_said(file) -> int:
    """How many members a zip says it has, of which zipfile takes no notice."""
    file.seek(-min(file.seek(0, os.SEEK_END), 2**16 + 22), os.SEEK_END)
    end = file.read()
    return struct.unpack_from("<H", end, end.rindex(b"PK\5\6") + 10)[0]


def _tar_members(archive: Path, stream):
    with tarfile.open(fileobj=stream, mode="r|") as content:
        for member in content:
            if not (member.isreg() or member.isdir()):
                _refuse(archive, member.name, "is a link or device")
            file = content.extractfile(member) if member.isreg() else None
            yield member.name, member.isreg(), file
        # A damaged header ends the list without a word, as a cut file does;
        # behind the last member are zeros, and at least one block of them.
        end, rest = content.offset, content.fileobj
        while block := rest.read(1 << 16):
            if block.strip(b"\0"):
                raise tarfile.ReadError(f"byte {end:,} is no header")
        if rest.tell() < end + tarfile.BLOCKSIZE:
            raise tarfile.ReadError("it has no end")
    while stream.read(1 << 16):  # to the checksum of what is packed
        pass


def _safe_target(archive: Path, folder: Path, name: str) -> Path:
    if not stays_inside(name) or "\0" in name:
        _refuse(archive, name, "points outside the folder")
    return folder / name.replace("\\", "/")


def _refuse(archive: Path, name: str, why: str):
    raise DownloadError(
        f"{archive}: member {name!r} {why}; nothing was "
        "unpacked. Do not use this archive"
    )
