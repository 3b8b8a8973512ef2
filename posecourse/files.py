"""Writing files so that nothing half-written is ever found.

Everything the package writes goes to a temporary name in the same folder
and takes its real name in one step at the end. A run that is killed, or a
disk that fills up, leaves the old file or none.
"""

from __future__ import annotations

import errno
import json
import math
import os
import secrets
import shutil
import stat
from contextlib import contextmanager
from pathlib import Path

import numpy as np

__all__ = [
    "DiskFullError",
    "FileError",
    "atomic_path",
    "disk_errors",
    "format_bytes",
    "plain",
    "read_bytes",
    "read_json",
    "require_space",
    "sync_file",
    "write_json",
]

# No space, over quota, or larger than the file system allows.
_FULL = {errno.ENOSPC, errno.EFBIG} | {
    getattr(errno, name) for name in ("EDQUOT",) if hasattr(errno, name)
}


class FileError(ValueError):
    """A file that is not what it should be; says which, why, what to do."""


class DiskFullError(OSError):
    """There is not enough room on the disk; the message says where."""


def format_bytes(count: float) -> str:
    """A number of bytes as people say it: ``"12.9 GB"``."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            break
        count /= 1000
    else:
        unit = "TB"
    return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"


class LockedError(OSError):
    """Another process holds the lock."""


@contextmanager
def locked(path):
    """Hold a lock file; the lock goes with the process, however it ends."""
    with open(path, "w") as handle:
        try:
            if os.name == "nt":
                import msvcrt

                msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise LockedError(f"another process holds {path}") from None
        try:
            yield
        finally:
            remove(path)


def disk_error(error: Exception, path) -> OSError:
    """What a library said about a write that failed, as an OSError."""
    return DiskFullError(
        errno.ENOSPC,
        f"{path} could not be written ({str(error).splitlines()[0]}); is the disk "
        "full? Make room, or choose a folder on another disk, and run the same again",
    )


@contextmanager
def disk_errors(path):
    """Turn "no space left" inside the block into a `DiskFullError`."""
    try:
        yield
    except OSError as error:
        if isinstance(error, DiskFullError) or error.errno not in _FULL:
            raise
        raise DiskFullError(
            error.errno,
            f"the disk is full ({error.strerror}) while writing {path}; "
            "make room, or choose a folder on another disk, and run the "
            "same again",
        ) from error


def sync_file(path):
    """Wait until what was written to a file is on the disk."""
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def atomic_path(path):
    """A temporary path that becomes `path` if the block ends well.

    Write a file (or make a folder) at the path that is given. After the
    block it is renamed to `path`, replacing a file of that name. After an
    error it is removed, and whatever was at `path` is as before.

    Examples
    --------
    >>> with atomic_path("weights.npz") as temporary:  # doctest: +SKIP
    ...     np.savez(temporary, weights=weights)
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # The suffix stays: np.savez and cv2.imwrite choose the format by it.
    temporary = path.with_name(f".{path.stem}.{secrets.token_hex(4)}.part{path.suffix}")
    try:
        with disk_errors(path):
            yield temporary
            if temporary.is_file():
                sync_file(temporary)
            os.replace(temporary, path)
    except BaseException:
        remove(temporary)
        raise


def remove(path):
    """Delete a file or a folder with all that is in it, if it exists."""
    path = Path(path)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def write_json(path, value):
    """Write a value as readable JSON.

    NumPy numbers and arrays become numbers and lists, paths text, and NaN
    and infinity ``null``: JSON has no word for them.
    """
    text = json.dumps(plain(value), indent=2, ensure_ascii=False)
    with atomic_path(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def read_bytes(path, what: str = "file", limit: int = 2**32) -> bytes:
    """The content of an ordinary file.

    Raises FileNotFoundError if there is none, and `FileError` if it is a
    folder, a pipe or a device, cannot be read, or has more than `limit` bytes.
    """
    with open_file(path, what) as file:
        size = os.fstat(file.fileno()).st_size
        if size > limit:
            raise FileError(f"{path} has {size:,} bytes, more than {limit:,}")
        return file.read()


def open_file(path, what: str = "file"):
    """Open an ordinary file for reading bytes; never wait for one."""
    try:
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode):
            kind = "folder" if stat.S_ISDIR(found.st_mode) else "pipe or a device"
            raise FileError(f"{path} is a {kind}, not a {what}")
        return open(path, "rb")
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(f"no {what} {path}") from None
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"{str(path)!r} cannot be a file's name") from None


def read_json(path, what: str = "JSON file"):
    """The value in a JSON file: UTF-8, UTF-16 or UTF-32, BOM or none.

    A whole number beyond the range of a float is read as infinite. Raises
    FileNotFoundError, or `FileError` if it is empty or something else.
    """
    data = read_bytes(path, what)
    if not data.strip():
        raise FileError(f"{path} is empty; get it again")
    try:
        return json.loads(data, parse_int=_whole_number)
    except (ValueError, RecursionError) as error:
        raise FileError(
            f"{path} is not JSON: {error}; it may be incomplete, get it again"
        ) from None


def _whole_number(digits: str):
    return int(digits) if len(digits) < 300 else float(digits)


def plain(value):
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return plain(value.tolist())
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def require_space(folder, needed: int):
    """Raise `DiskFullError` if fewer than `needed` bytes are free.

    `folder` need not exist yet.
    """
    folder = Path(folder).absolute()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DiskFullError(
            errno.ENOSPC,
            f"{format_bytes(needed)} are needed in {folder}, "
            f"{format_bytes(free)} are free; make room or choose a folder "
            "on another disk",
        )
