"""One file over HTTP: goes on where it broke off, and never without end."""

from __future__ import annotations

import http.client
import re
import socket
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from urllib.parse import unquote

from ..files import (
    FileError,
    disk_errors,
    format_bytes,
    read_bytes,
    remove,
    require_space,
)
from .base import DatasetError

__all__ = ["DownloadError", "RemoteFile", "transfer"]


class DownloadError(DatasetError):
    """A download that failed, or a file that is not what was expected."""


@dataclass(frozen=True)
class RemoteFile:
    """One file to fetch.

    Parameters
    ----------
    url:
        Its address.
    size:
        About how many bytes. An answer of another size, by more than a
        quarter, is not the file.
    sha256:
        Its checksum, or None where the makers publish none: then the one
        of the first file that was unpacked is kept in ``downloads.json``
        and every later one must equal it.
    """

    url: str
    size: int
    sha256: str | None = None

    @property
    def name(self) -> str:
        """The file's name: the last part of the address."""
        return unquote(self.url).rsplit("/", 1)[-1]

    def check_size(self, size: int):
        """Raise DownloadError if the file cannot have so many bytes."""
        if not 0.75 * self.size <= size <= 1.25 * self.size:
            raise DownloadError(
                f"{self.url}: {format_bytes(size)} came or were announced, about "
                f"{format_bytes(self.size)} were expected. {_LOGIN}"
            )


_LOGIN = (
    "Does this network ask you to log in? Then do that in a browser and run the "
    "same again; if not, the file may have moved, see the dataset's page"
)

_RETRIES = 5  # in a row that bring nothing new
_TIMEOUT = 30  # seconds without a byte, or for all headers together
_MIN_SPEED = 1000  # bytes per second, over that time
_PROGRESS = 1_000_000  # bytes that make an attempt count as no failure

# Worth another attempt: a server that is busy or has a hiccup.
_PASSING = {408, 425, 429, *range(500, 600)}


class _Broken(Exception):
    """The connection or the server failed; another attempt may do."""


def transfer(file: RemoteFile, part: Path, progress: bool) -> None:
    """Fetch what is missing of a file into `part`, until all is there.

    Raises
    ------
    DownloadError
        If it cannot be had; says how much was kept.
    DiskFullError
        If the disk is or becomes full; what has come is kept.
    """
    furthest, failures = _bytes_in(part), 0
    while True:
        try:
            _one_request(file, part, progress)
            return
        except _Broken as error:
            reason = error
        reached = _bytes_in(part)
        failures = 0 if reached >= furthest + _PROGRESS else failures + 1
        furthest = max(furthest, reached)
        if failures > _RETRIES:
            raise DownloadError(f"{file.url}: {reason}. {_kept(part)}")
        time.sleep(min(2**failures / 10, 5))


def _bytes_in(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0


def _kept(part: Path) -> str:
    """What the next run can do with what has come."""
    size = _bytes_in(part)
    if not size:
        return "Nothing has come yet; run the same again later"
    if not read_tag(part):
        return (
            "This server cannot go on where it broke off: the next run starts from "
            "the beginning"
        )
    return (
        f"What has come, {format_bytes(size)}, is kept in {part}; run the same again "
        "to go on"
    )


def tag_file(part: Path) -> Path:
    """Where the server's mark of the version that was begun is kept."""
    return part.with_name(part.name + ".tag")


def read_tag(part: Path) -> str:
    """That mark; "" where there is none that can be used."""
    try:
        tag = read_bytes(tag_file(part), limit=1000).decode("ascii")
    except (FileNotFoundError, FileError, UnicodeDecodeError):
        return ""
    return tag if tag.isprintable() else ""


def _one_request(file: RemoteFile, part: Path, progress: bool):
    """Ask for what is missing, once."""
    have = _bytes_in(part)
    tag = read_tag(part) if have else ""
    request = urllib.request.Request(file.url)
    if tag:
        # The rest, but only of the very file that was begun.
        request.add_header("Range", f"bytes={have}-")
        request.add_header("If-Range", tag)
    else:
        have = 0
    with _answer(request, file, part, have) as response:
        if response is None:
            return  # nothing was missing
        have, total = _begins_at(response, file, part, have)
        blocks = _blocks(response)
        first = next(blocks, b"")
        if not first:
            raise _Broken("nothing came")
        if have == 0:
            _check_beginning(first, file)
        require_space(part.parent, (total or have) - have)
        with _opened(part, have, _tag_of(response)) as out:
            for block in _shown(first, blocks, file, have, total, progress):
                out.write(block)


@contextmanager
def _opened(part: Path, have: int, tag: str):
    """The file to write to, cut to what is had of this version."""
    with disk_errors(part), open(part, "r+b" if have else "wb") as out:
        out.seek(have)
        out.truncate()
        if have == 0:
            # After the old version is gone: its bytes and a new mark would
            # be continued as if they belonged together.
            tag_file(part).write_text(tag, "ascii", "ignore")
        yield out


@contextmanager
def _answer(request, file: RemoteFile, part: Path, have: int):
    """The server's answer; None if it says that nothing is missing."""
    try:
        response = _OPENER.open(request, timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        with error:
            all_there = error.headers.get("Content-Range") == f"bytes */{have}"
            if error.code == 416 and all_there:
                yield None
                return
            if error.code == 416:
                remove(part)
                raise _Broken("more was there than the server has") from None
            said = f"the server answers {error.code} {error.reason}"
            if error.code in _PASSING:
                raise _Broken(said) from None
            raise DownloadError(
                f"{file.url}: {said}; the file may have moved, see the dataset's page"
            ) from None
    except (OSError, http.client.HTTPException) as error:
        raise _Broken(_failed(error)) from None
    with response:
        yield response


def _begins_at(response, file: RemoteFile, part: Path, have: int):
    """From which byte on the answer goes, and how many there will be.

    Nothing that was kept is touched before this has been looked at.
    """
    kind = response.headers.get_content_type()
    if kind == "text/html" and not file.name.endswith((".html", ".htm")):
        raise DownloadError(
            f"{file.url}: a web page came instead of the file"
            + (f", from {response.url}" if response.url != file.url else "")
            + f". {_LOGIN}"
        )
    total = None
    if response.status == 206:
        said = response.headers.get("Content-Range", "")
        begin = re.match(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18}|\*)$", said)
        if not begin or int(begin[1]) != have:
            remove(part)
            raise _Broken("the server sent another part than asked")
        total = None if begin[2] == "*" else int(begin[2])
    else:
        have = 0
        length = response.headers.get("Content-Length", "")
        total = int(length) if re.fullmatch(r"\d{1,18}", length) else None
    if total is not None:
        file.check_size(total)
    return have, total


def _tag_of(response) -> str:
    """A mark of this version, for If-Range; only strong ones will do."""
    tag = response.headers.get("ETag") or ""
    if not tag or tag.startswith("W/"):
        tag = response.headers.get("Last-Modified") or ""
    return tag if len(tag) < 1000 else ""


# What the files begin with.
_BEGINNINGS = {
    ".zip": b"PK",
    ".gz": b"\x1f\x8b",
    ".tgz": b"\x1f\x8b",
    ".xz": b"\xfd7zXZ",
    ".bz2": b"BZh",
}


def _check_beginning(block: bytes, file: RemoteFile):
    expected = _BEGINNINGS.get(Path(file.name).suffix, b"")
    if block and not block.startswith(expected[: len(block)]):
        raise DownloadError(
            f"{file.url}: what came is not a {Path(file.name).suffix} file, it begins "
            f"with {block[:20]!r}. {_LOGIN}"
        )


def _failed(error: Exception) -> str:
    return f"the connection failed ({getattr(error, 'reason', error) or 'closed'})"


def _blocks(response):
    """What arrives, as it arrives; `_Broken` if it is next to nothing."""
    since, count = time.monotonic(), 0
    while True:
        try:
            block = response.read1(1 << 16)
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise _Broken(_failed(error)) from None
        if not block:
            return
        yield block
        count += len(block)
        passed = time.monotonic() - since
        if passed > _TIMEOUT:
            if count < _MIN_SPEED * passed:
                raise _Broken(f"{count / passed:.0f} bytes a second are too few")
            since, count = time.monotonic(), 0


def _shown(first: bytes, blocks, file, have: int, total, progress: bool):
    """The blocks once more, counted and drawn as a bar."""
    most = total or 1.25 * file.size
    with _bar(progress, file.name, have, total) as bar:
        for block in chain([first], blocks):
            yield block
            have += len(block)
            bar.update(len(block))
            if have > most:
                raise DownloadError(
                    f"{file.url}: more than {format_bytes(most)} came; this is not the "
                    "file"
                )
    if have < (total or 0.75 * file.size):
        of = f"{total:,}" if total else f"about {file.size:,}"
        raise _Broken(f"it ended after {have:,} of {of} bytes")


def _bar(show: bool, name: str, initial: int, total: int | None):
    from tqdm import tqdm

    return tqdm(
        desc=name,
        initial=initial,
        total=total,
        unit="B",
        unit_scale=True,
        disable=not show,
    )


# --- a connection that hangs up by itself ---------------------------------


class _Patient:
    """Ends if the headers are not there in time, however slowly they drip."""

    def getresponse(self):
        timer = threading.Timer(_TIMEOUT, self._hang_up)
        timer.daemon = True
        timer.start()
        try:
            return super().getresponse()
        finally:
            timer.cancel()

    def _hang_up(self):
        with suppress(OSError, AttributeError, TypeError):  # it has ended already
            # Not the method of an encrypted socket, which would go on talking.
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)


class _HTTP(_Patient, http.client.HTTPConnection):
    pass


class _HTTPS(_Patient, http.client.HTTPSConnection):
    pass


class _HTTPHandler(urllib.request.HTTPHandler):
    def http_open(self, request):
        return self.do_open(_HTTP, request)


class _HTTPSHandler(urllib.request.HTTPSHandler):
    def https_open(self, request):
        return self.do_open(_HTTPS, request)


_OPENER = urllib.request.build_opener(_HTTPHandler, _HTTPSHandler)
