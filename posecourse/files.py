"""Files: read only what is one, written whole or not at all, shared safely.

- **Reading.** `read_bytes` and `read_json` open ordinary files only (a pipe
  would never end) and say in one sentence what is wrong with another.
- **Writing.** `atomic_path` gives a temporary name in the same folder, which
  becomes the real one in one step at the end. A run that is killed, or a
  disk that fills up, leaves the old file or none.
- **Sharing.** `locked` keeps a second process out of a folder, `new_folder`
  makes one that nobody else has, and `Written` knows which files of a folder
  are ours, so that nobody's own are replaced.
"""

from __future__ import annotations

import csv
import errno
import hashlib
import json
import math
import os
import secrets
import shutil
import stat
import sys
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np

__all__ = [
    "DiskFullError",
    "FileError",
    "InUseError",
    "WriteError",
    "Written",
    "atomic_path",
    "disk_errors",
    "format_bytes",
    "locked",
    "new_folder",
    "open_file",
    "plain",
    "read_bytes",
    "read_json",
    "refuse_existing",
    "remove",
    "require_space",
    "sha256",
    "stays_inside",
    "sync_file",
    "write_csv",
    "write_json",
]


class FileError(ValueError):
    """A file that is not what it should be; says which, why, what to do."""


class InUseError(FileError):
    """Another process is working in the same folder."""


class WriteError(OSError):
    """A file or folder that cannot be written; says where and what to do."""

    def __str__(self):  # without "[Errno 13]" in front
        return self.strerror or super().__str__()


class DiskFullError(WriteError):
    """There is not enough room on the disk; the message says where."""


def format_bytes(count: float) -> str:
    """A number of bytes as people say it: ``"12.9 GB"``."""
    units = iter(("bytes", "kB", "MB", "GB", "TB"))
    unit = next(units)
    while count >= 1000 and unit != "TB":
        count, unit = count / 1000, next(units)
    return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"


# --- reading --------------------------------------------------------------


def open_file(path, what: str = "file"):
    """Open an ordinary file for reading bytes; never wait for one.

    Parameters
    ----------
    what:
        What messages call it: ``"picture"``, ``"annotation file"``.

    Raises
    ------
    FileNotFoundError
        If there is none: ``no picture a.jpg``.
    FileError
        If it is a folder, a pipe or a device, or cannot be read.
    """
    try:
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode):
            raise FileError(f"{path} is {_kind(mode)}, not a {what}")
        # NONBLOCK, should a pipe have taken the file's place meanwhile.
        flags = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        return open(path, "rb", opener=lambda p, f: os.open(p, f | flags))
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(_absent(path, what)) from None
    except PermissionError:
        raise FileError(
            f"{path} cannot be read: you have no permission; ask its owner, "
            "or take a copy that is yours"
        ) from None
    except OSError as error:
        reason = _REASONS.get(error.errno, error.strerror or str(error))
        raise FileError(f"{path} cannot be read: {reason}") from None
    except ValueError as error:
        if isinstance(error, FileError):
            raise
        # a NUL, or a letter that this system has no bytes for
        raise FileError(f"{str(path)!r} cannot be a file's name") from None


_REASONS: dict[int | None, str] = {
    errno.ELOOP: "it is a link that leads in a circle",
    errno.ENAMETOOLONG: "the name is longer than this disk allows",
    errno.EIO: "the disk reports an error (a bad sector, a lost connection)",
}


def _kind(mode: int) -> str:
    return {
        stat.S_IFDIR: "a folder",
        stat.S_IFIFO: "a pipe",
        stat.S_IFSOCK: "a socket",
    }.get(stat.S_IFMT(mode), "a device")


def _absent(path, what: str) -> str:
    if os.path.islink(path):
        return f"no {what} {path}: it is a link to {os.readlink(path)}, which is absent"
    return f"no {what} {path}"


def read_bytes(path, what: str = "file", limit: int = 2**32) -> bytes:
    """The content of an ordinary file, as `open_file` opens it.

    FileError too if it has more than `limit` bytes.
    """
    with open_file(path, what) as file:
        size = os.fstat(file.fileno()).st_size
        try:
            # One more than allowed: files in /proc say that they are empty.
            data = file.read(limit + 1) if size <= limit else b""
        except OSError as error:
            reason = _REASONS.get(error.errno, error.strerror or str(error))
            raise FileError(f"{path} cannot be read: {reason}") from None
    if max(size, len(data)) > limit:
        raise FileError(
            f"{path} has {max(size, len(data)):,} bytes, more than the {limit:,} "
            f"that are read as a {what}"
        )
    return data


def stays_inside(name: str) -> bool:
    """Whether a name that comes from elsewhere stays below its folder.

    On every system alike, whatever it was written on: no ``/a``, no ``..``,
    no ``C:\\a``; on Windows no colon, which names a hidden stream of a file.
    """
    path = PurePosixPath(name.replace("\\", "/"))
    drive = PureWindowsPath(name).drive or (os.name == "nt" and ":" in name)
    return not (path.is_absolute() or ".." in path.parts or drive)


def sha256(path) -> str:
    """The SHA-256 of a file's content, as hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_json(path, what: str = "JSON file"):
    """The value in a JSON file: UTF-8, UTF-16 or UTF-32, BOM or none.

    A whole number beyond the range of a float is read as infinite, as
    ``1e999`` is: one absurd number is for the check of its record to find
    and does not spoil the file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    FileError
        If it is empty, breaks off, or is something else; with line and
        column.
    """
    data = read_bytes(path, what)
    if not data.strip(b"\0 \t\r\n"):
        raise FileError(f"{path} is empty; get it again")
    try:
        text = data.decode(json.detect_encoding(data))
    except UnicodeDecodeError as error:
        raise FileError(
            f"{path} is not JSON: {_other(data)}"
            if _other(data)
            else f"{path}: byte {error.start:,} is not text in {error.encoding}; "
            "save it as UTF-8"
        ) from None
    try:
        return json.loads(text.removeprefix("\ufeff"), parse_int=_whole_number)
    except json.JSONDecodeError as error:
        raise FileError(f"{path} is not JSON: {_spoiled(data, text, error)}") from None
    except RecursionError:
        raise FileError(
            f"{path} is nested too deeply, in more than a thousand brackets; "
            f"it is not a {what}"
        ) from None


def _whole_number(digits: str):
    return int(digits) if len(digits) < 300 else float(digits)


def _spoiled(data: bytes, text: str, error: json.JSONDecodeError) -> str:
    """What is wrong with text that should be JSON, and where."""
    if other := _other(data):
        return other
    rest = text[error.pos :].strip(" \t\r\n\0")
    if not rest or error.msg.startswith("Unterminated string"):
        return f"it breaks off in line {error.lineno}; get it again"
    near = text[max(0, error.pos - 20) : error.pos + 20]
    return (
        f"line {error.lineno}, column {error.colno}: {error.msg} "
        f"(near {near.strip()!r})"
    )


# What other kinds of file begin with.
_BEGINNINGS = {
    b"PK\x03\x04": "a zip archive; unpack it first",
    b"\x1f\x8b": "compressed with gzip; unpack it first",
    b"BZh": "compressed with bzip2; unpack it first",
    b"\xfd7zXZ": "compressed with xz; unpack it first",
    b"\x89HDF": "an HDF5 file",
    b"MATLAB 5": "a MATLAB file",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"%PDF": "a PDF document",
}


def _other(data: bytes) -> str | None:
    """What else a file is that is not JSON, where its beginning says so."""
    for beginning, kind in _BEGINNINGS.items():
        if data.startswith(beginning):
            return f"it is {kind}"
    if data[:256].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return "it is a web page or XML; was a page saved instead of the file?"
    return None


# --- writing --------------------------------------------------------------

# No space, over quota, or larger than the file system allows.
_FULL = {errno.ENOSPC, errno.EFBIG} | {
    getattr(errno, name) for name in ("EDQUOT",) if hasattr(errno, name)
}


@contextmanager
def disk_errors(path):
    """Turn errors of writing `path` inside the block into a `WriteError`.

    A full disk becomes a `DiskFullError`, also where a library reports it
    in words of its own. Errors about other files stay what they are.
    """
    try:
        yield
    except WriteError:
        raise
    except OSError as error:
        if error.errno in _FULL or (error.errno is None and _is_full(path)):
            raise _disk_full(path, error.strerror or error) from error
        if not _is_about(error, Path(path)):
            raise
        raise WriteError(error.errno, _why_not(error, Path(path))) from error
    except Exception as error:
        # PyTorch and safetensors raise errors of their own.
        if "os error 28" in str(error) or _is_full(path):
            raise _disk_full(path, error) from error
        raise


def _disk_full(path, reason) -> DiskFullError:
    return DiskFullError(
        errno.ENOSPC,
        f"the disk is full ({reason}) while writing {path}; make room, or "
        "choose a folder on another disk, and run the same again",
    )


def _is_full(path) -> bool:
    """Whether not even a few bytes can be written beside `path`."""
    probe = _existing(path) / f".{secrets.token_hex(4)}.part"
    try:
        with open(probe, "xb") as file:
            file.write(bytes(2**16))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error.errno in _FULL
    finally:
        _remove_quietly(probe)
    return False


def _existing(path, there=os.path.isdir) -> Path:
    """The nearest folder at or above `path` that exists."""
    path = Path(path).absolute()
    while not there(path) and path != path.parent:
        path = path.parent
    return path


def _is_about(error: OSError, path: Path) -> bool:
    """Whether the error names `path`, a folder above, or what is in or beside it."""
    named, path = _named(error), path.absolute()
    return error.errno == errno.EROFS or (
        named is not None
        and (
            named == path
            or named.parent == path.parent
            or named in path.parents
            or path in named.parents
        )
    )


def _named(error: OSError) -> Path | None:
    if not isinstance(error.filename, (str, bytes)):
        return None
    return Path(os.fsdecode(error.filename)).absolute()


def _why_not(error: OSError, path: Path) -> str:
    named = _named(error)
    if named is not None and path.absolute() in named.parents:
        path = named  # a file of the folder that is written
    folder, code = _existing(path.parent), error.errno
    if code == errno.EROFS:
        why, todo = f"{folder} is on a read-only disk", "choose another folder"
    elif code in (errno.EACCES, errno.EPERM):
        effective = os.access in os.supports_effective_ids
        if os.access(folder, os.W_OK, effective_ids=effective):
            why = "it is protected, or open in another program"
            todo = "change that, or choose another name"
        else:
            why = f"you have no permission to write in {folder}"
            todo = "choose another folder"
    elif code == errno.ENAMETOOLONG:
        why, todo = "the name is longer than this disk allows", "shorten it"
    elif code in (errno.ENOTDIR, errno.EEXIST):
        in_the_way = _existing(path, os.path.lexists)
        why = f"{in_the_way} is a file, not a folder"
        todo = "choose another name"
    elif code in (errno.EISDIR, errno.ENOTEMPTY):
        why, todo = "a folder of that name is there", "choose another name"
    else:
        why = _REASONS.get(code, error.strerror or str(error))
        todo = "choose another folder"
    return f"{path} cannot be written: {why}; {todo}"


def sync_file(path):
    """Wait until what was written to a file is on the disk."""
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def atomic_path(path):
    """A temporary path that becomes `path` if the block ends well.

    Write a file (or make a folder) at the path that is given. After the
    block it is renamed to `path`, replacing a file of that name; where
    `path` is a link, what it leads to is replaced. After an error it is
    removed, and whatever was at `path` is as before.

    Raises
    ------
    WriteError
        If it cannot be written; `DiskFullError` if there is no room.

    Examples
    --------
    >>> with atomic_path("weights.npz") as temporary:  # doctest: +SKIP
    ...     np.savez(temporary, weights=weights)
    """
    path = Path(path)
    real = Path(os.path.realpath(path)) if os.path.islink(path) else path
    temporary = real.with_name(_temporary_name(real))
    try:
        with disk_errors(path):
            if os.path.exists(real) and not (real.is_file() or real.is_dir()):
                # Replacing /dev/null would break the machine.
                raise WriteError(
                    errno.EINVAL,
                    f"{path} is {_kind(real.stat().st_mode)}, not a file that can "
                    "be replaced; choose another name",
                )
            real.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            if temporary.is_file():
                sync_file(temporary)
            os.replace(temporary, real)
    except BaseException:
        _remove_quietly(temporary)
        raise


def _temporary_name(path: Path) -> str:
    """A hidden name, at most as long as names may be.

    The suffix stays: np.savez and cv2.imwrite choose the format by it.
    """
    return f".{path.stem[:40]}.{secrets.token_hex(4)}.part{path.suffix[:20]}"


def remove(path):
    """Delete a file or a folder with all that is in it, if it exists."""
    path = Path(path)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _remove_quietly(path):
    """`remove` on the way out of an error, which must not be hidden."""
    with suppress(OSError):
        remove(path)


# A file's name that is not UTF-8 has letters that UTF-8 has not; as \udcff
# they are valid JSON and are read back as they were.
_NOT_UTF8 = "backslashreplace"


def refuse_existing(*paths):
    """Raise ValueError if one of the paths that are to be written is there."""
    for path in paths:
        if Path(path).exists():
            raise ValueError(f"{path} exists already; choose another folder")


def write_json(path, value):
    """Write a value as readable JSON.

    NumPy numbers and arrays become numbers and lists, paths text, and NaN
    and infinity ``null``: JSON has no word for them.
    """
    text = json.dumps(plain(value), indent=2, ensure_ascii=False)
    with atomic_path(path) as temporary:
        temporary.write_bytes((text + "\n").encode("utf-8", _NOT_UTF8))


def write_csv(path, head, rows) -> Path:
    """Write a table as CSV: UTF-8, one line for `head`, one for each row.

    NumPy numbers become numbers; what is not known (None, NaN) is empty.
    Names that are not UTF-8 are written as `write_json` writes them.
    """
    path = Path(path)
    with (
        atomic_path(path) as temporary,
        open(temporary, "w", newline="", encoding="utf-8", errors=_NOT_UTF8) as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(plain(list(row)) for row in rows)
    return path


def plain(value):
    """A value in the types that JSON has; see `write_json`."""
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
    folder = _existing(folder)
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DiskFullError(
            errno.ENOSPC,
            f"{format_bytes(needed)} are needed in {folder}, "
            f"{format_bytes(free)} are free; make room or choose a folder "
            "on another disk",
        )


# --- sharing --------------------------------------------------------------

_LOCK = ".lock"


@contextmanager
def locked(folder):
    """Keep other processes out of a folder while the block runs.

    The lock is on a file ``.lock`` in the folder and goes with the process
    that holds it, however that ends: a file left behind keeps nobody out.
    Where a disk knows no locks (some network drives), there is none.

    Raises
    ------
    InUseError
        If another process (or thread) holds the folder; names it.
    WriteError
        If the folder cannot be written.
    """
    path = Path(folder) / _LOCK
    with disk_errors(path):
        handle = _take(path)
    try:
        yield
    finally:
        # Removed before it is let go, so that nobody waits for a file that
        # is gone; Windows cannot remove what is open.
        _remove_quietly(path)
        os.close(handle)
        if os.name == "nt":
            _remove_quietly(path)


def _take(path: Path) -> int:
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if not _lock(handle):
                owner = os.read(handle, 20).decode("ascii", "replace").strip()
                raise InUseError(
                    f"another process{f' ({owner})' if owner else ''} is working "
                    f"in {path.parent}; wait until it is done, or choose "
                    "another folder"
                )
            if _is_same(handle, path):
                os.ftruncate(handle, 0)
                os.write(handle, f"{os.getpid()}\n".encode())
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)  # its owner removed it just now: once more


def _lock(handle: int) -> bool:
    """Whether the lock could be had, or there is none on this disk."""
    try:
        if sys.platform == "win32":
            import msvcrt

            # Far behind the text, which others may read.
            os.lseek(handle, 2**30, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
            os.lseek(handle, 0, os.SEEK_SET)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.lseek(handle, 0, os.SEEK_SET)
        return error.errno not in (errno.EAGAIN, errno.EACCES, errno.EDEADLK)
    return True


def _is_same(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False


def new_folder(path, numbered: bool = False) -> Path:
    """Make a folder for something new; never one that holds something.

    Parameters
    ----------
    path:
        The folder. One that is there and empty will do: hold `locked` to
        be alone in it.
    numbered:
        Make the first of ``path-1``, ``path-2``, ... that is not there.
        Two processes at once get two.

    Raises
    ------
    FileError
        If there is something in it.
    WriteError
        If it cannot be made.
    """
    path, number = Path(path), 0
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        while numbered:
            number += 1
            try:
                folder = path.with_name(f"{path.name}-{number}")
                folder.mkdir()
                return folder
            except FileExistsError:
                pass
        if not path.is_dir():
            path.mkdir()
        inside = sorted(entry.name for entry in path.iterdir())
    if inside:
        raise FileError(
            f"{path} is not empty (it has {', '.join(inside[:3])}"
            f"{', ...' if len(inside) > 3 else ''}); choose another folder"
        )
    return path


class Written:
    """Which files of a folder are ours, so that nobody's own are replaced.

    A list in the folder, ``.written``, keeps the SHA-256 of every file that
    was written through `path`. A file that is not in it, or has changed
    since, is somebody's own.

    Parameters
    ----------
    folder:
        Need not exist yet.

    Examples
    --------
    >>> written = Written("work/poses")
    >>> with written.path("poses.json") as temporary:  # doctest: +SKIP
    ...     temporary.write_text("{}")
    >>> written.may_write("poses.json")  # ours: it may be replaced
    True
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        self._list = self.folder / ".written"
        self._digests: dict[str, set[str]] = {}
        try:
            lines = read_bytes(self._list).splitlines()
        except (FileNotFoundError, FileError):
            return
        for line in lines:
            try:
                name, digest = json.loads(line)
                self._digests.setdefault(name, set()).add(digest)
            except (ValueError, TypeError):  # cut by a kill
                continue

    def may_write(self, name: str) -> bool:
        """Whether no file would be lost: absent, or as we wrote it."""
        path = self.folder / name
        if not os.path.lexists(path):
            return True
        return path.is_file() and sha256(path) in self._digests.get(name, ())

    @contextmanager
    def path(self, name: str):
        """As `atomic_path`, for a file of this folder.

        FileError if somebody's own file has that name.
        """
        if not self.may_write(name):
            raise FileError(
                f"{self.folder / name} is not replaced: it was not written by "
                "posecourse, or it was changed since; move it, or choose "
                "another folder"
            )
        with atomic_path(self.folder / name) as temporary:
            yield temporary
            self._add(name, sha256(temporary))

    def note(self, name: str):
        """A file of this folder is ours as it is now: it grew in place."""
        self._add(name, sha256(self.folder / name))

    def _add(self, name: str, digest: str):
        # Before the file takes its name: a kill between the two leaves the
        # old one, whose digest is still in the list.
        line = json.dumps([name, digest]) + "\n"
        with disk_errors(self._list), open(self._list, "ab") as file:
            file.write(line.encode())
        self._digests.setdefault(name, set()).add(digest)
