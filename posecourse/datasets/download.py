"""Getting a dataset from where its makers keep it.

`fetch` goes on with a download that broke off, checks what it got, and
unpacks without trusting the archive. Nothing is fetched before its terms
have been accepted.
"""

from __future__ import annotations

import gzip
import hashlib
import http.client
import json
import os
import re
import stat
import tarfile
import time
import urllib.error
import urllib.request
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..files import (
    disk_errors,
    format_bytes,
    remove,
    require_space,
    sync_file,
    write_json,
)
from .base import DatasetError

__all__ = [
    "SOURCES",
    "DownloadError",
    "RemoteFile",
    "Source",
    "download",
    "fetch",
    "unpack",
]


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
        About how many bytes, for the check of the disk.
    sha256:
        Its checksum, or None where the makers publish none: then the one
        of the first download is kept in ``downloads.json`` and every
        later one must equal it.
    """

    url: str
    size: int
    sha256: str | None = None

    @property
    def name(self) -> str:
        """The file's name: the last part of the address."""
        return self.url.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class Source:
    """A dataset, or a part of one, that can be fetched by name."""

    title: str
    files: tuple[RemoteFile, ...]
    terms: str


_MPII_HOST = "https://datasets.d2.mpi-inf.mpg.de/andriluka14cvpr/"
_MPII_TERMS = """\
MPII Human Pose dataset, version 1.0, Copyright 2015 Max Planck Institute
for Informatics. The annotations are under the Simplified BSD License and
offered for research. The pictures come from YouTube videos; the makers of
the dataset do not own them and do not allow commercial use. Do not pass
the pictures on. Networks trained on them are for research. Cite
Andriluka, Pishchulin, Gehler and Schiele, CVPR 2014."""
_COCO_TERMS = """\
COCO: the annotations are under CC BY 4.0 (COCO Consortium). The pictures
come from Flickr under various licences, noted for each picture in the
annotation file; using them is subject to Flickr's terms. Cite Lin et al.,
Microsoft COCO: Common Objects in Context, ECCV 2014."""
_LSP_TERMS = """\
Leeds Sports Pose: no licence is stated; the makers ask to be cited
(Johnson and Everingham, BMVC 2010; for the extended set CVPR 2011). The
pictures come from Flickr and belong to their photographers: research use,
do not pass them on."""

SOURCES = {
    "mpii-annotations": Source(
        "MPII Human Pose, annotations",
        (RemoteFile(_MPII_HOST + "mpii_human_pose_v1_u12_2.zip", 12_500_000),),
        _MPII_TERMS,
    ),
    "mpii-images": Source(
        "MPII Human Pose, 25,000 pictures",
        (RemoteFile(_MPII_HOST + "mpii_human_pose_v1.tar.gz", 12_900_000_000),),
        _MPII_TERMS,
    ),
    "coco-annotations": Source(
        "COCO 2017, annotations",
        (
            RemoteFile(
                "http://images.cocodataset.org/annotations/"
                "annotations_trainval2017.zip",
                253_000_000,
            ),
        ),
        _COCO_TERMS,
    ),
    "coco-valid": Source(
        "COCO 2017, 5,000 validation pictures",
        (RemoteFile("http://images.cocodataset.org/zips/val2017.zip", 816_000_000),),
        _COCO_TERMS,
    ),
    "coco-train": Source(
        "COCO 2017, 118,000 training pictures",
        (
            RemoteFile(
                "http://images.cocodataset.org/zips/train2017.zip", 19_300_000_000
            ),
        ),
        _COCO_TERMS,
    ),
    "lsp": Source(
        "Leeds Sports Pose, 2,000 pictures",
        (RemoteFile("http://sam.johnson.io/research/lsp_dataset.zip", 35_000_000),),
        _LSP_TERMS,
    ),
    "lsp-extended": Source(
        "Leeds Sports Pose Extended, 10,000 pictures",
        (RemoteFile("http://sam.johnson.io/research/lspet_dataset.zip", 101_000_000),),
        _LSP_TERMS,
    ),
}


def fetch(name: str, root, accept_licence: bool = False, progress: bool = True) -> Path:
    """Download and unpack a dataset into a folder.

    Parameters
    ----------
    name:
        One of `SOURCES`.
    root:
        Folder to fill. What is there already and whole is not fetched
        again; what broke off is continued.
    accept_licence:
        Say that you accept the terms; without it they are shown and
        nothing is fetched.

    Returns
    -------
    `root` as a path.

    Raises
    ------
    DownloadError
        If the terms are not accepted, the server cannot be reached, or
        the file is not the right one.
    DiskFullError
        If there is no room.
    """
    if name not in SOURCES:
        raise ValueError(f"unknown dataset {name!r}; known: {', '.join(SOURCES)}")
    source, root = SOURCES[name], Path(root)
    size = format_bytes(sum(file.size for file in source.files))
    print(f"{source.title} ({size})\n\n{source.terms}\n")
    if not accept_licence:
        raise DownloadError(
            f"{name} was not fetched: read the terms above and, if you "
            "accept them, run the same again with --accept-licence "
            "(in Python: accept_licence=True)"
        )
    for file in source.files:
        if _record(root).get(file.name, {}).get("unpacked"):
            continue
        archive = download(file, root, progress)
        unpack(archive, root)
        _record(root, file.name, unpacked=True)
        remove(archive)
    return root


def _record(root: Path, name: str | None = None, **values) -> dict:
    """Read ``downloads.json``, after adding to a file's entry."""
    path = root / "downloads.json"
    record = json.loads(path.read_text()) if path.is_file() else {}
    if name is not None:
        record[name] = {**record.get(name, {}), **values}
        write_json(path, record)
    return record


# --- downloading ---------------------------------------------------------

_RETRIES = 5
_TIMEOUT = 30  # seconds without a byte


def download(file: RemoteFile, root, progress: bool = True) -> Path:
    """Fetch one file into a folder; go on where a download broke off.

    The bytes gather in ``NAME.part``. When all are there and their
    checksum is right, it is renamed.
    """
    root = Path(root)
    root.mkdir(parents=True, exist_ok=True)
    path, part = root / file.name, root / (file.name + ".part")
    expected = file.sha256 or _record(root).get(file.name, {}).get("sha256")
    if path.is_file():
        _verify(path, file, expected)
        return path
    present = part.stat().st_size if part.exists() else 0
    require_space(root, max(0, file.size - present))
    for attempt in range(_RETRIES + 1):
        try:
            _continue(file, part, progress)
            break
        except urllib.error.HTTPError as error:
            if error.code < 500 or attempt == _RETRIES:
                raise DownloadError(
                    f"{file.url}: the server answers {error.code} "
                    f"{error.reason}; the file may have moved, see the "
                    "dataset's page"
                ) from None
        except (
            urllib.error.URLError,
            http.client.HTTPException,
            ConnectionError,
            TimeoutError,
            EOFError,
        ) as error:
            if attempt == _RETRIES:
                reason = getattr(error, "reason", error)
                raise DownloadError(
                    f"{file.url}: the connection failed ({reason}). What "
                    "has come is kept; run the same again to go on"
                ) from None
        time.sleep(min(2**attempt / 10, 5))
    digest = _verify(part, file, expected)
    sync_file(part)
    os.replace(part, path)
    remove(_tag_file(part))
    _record(root, file.name, sha256=digest, bytes=path.stat().st_size, url=file.url)
    return path


def _tag_file(part: Path) -> Path:
    return part.with_name(part.name + ".tag")


def _continue(file: RemoteFile, part: Path, progress: bool):
    """Fetch what is missing of a file, in one request."""
    have = part.stat().st_size if part.exists() else 0
    tag_file = _tag_file(part)
    tag = tag_file.read_text() if have and tag_file.exists() else ""
    request = urllib.request.Request(file.url)
    if have and tag:
        # The rest, but only of the very file that was begun.
        request.add_header("Range", f"bytes={have}-")
        request.add_header("If-Range", tag)
    else:
        have = 0
    try:
        response = urllib.request.urlopen(request, timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code != 416:
            raise
        # Nothing comes after what we have. Is that all of it?
        if error.headers.get("Content-Range") == f"bytes */{have}":
            return
        remove(part)
        raise EOFError("more was there than the server has") from None
    with response, disk_errors(part):
        if response.status == 206:
            start = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
            if not start or int(start[1]) != have:
                remove(part)
                raise EOFError("the server sent another part than asked")
        else:
            have = 0
        tag_file.write_text(
            response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
        )
        length = int(response.headers.get("Content-Length") or 0)
        require_space(part.parent, length)
        with (
            open(part, "r+b" if have else "wb") as out,
            _bar(progress, file.name, have, have + length) as bar,
        ):
            out.seek(have)
            out.truncate()
            received = 0
            while block := response.read(1 << 20):
                out.write(block)
                received += len(block)
                bar.update(len(block))
    if length and received < length:
        raise EOFError(f"it ended after {received:,} of {length:,} bytes")


def _bar(show: bool, name: str, initial: int, total: int):
    from tqdm import tqdm

    return tqdm(
        desc=name,
        initial=initial,
        total=total or None,
        unit="B",
        unit_scale=True,
        disable=not show,
    )


def _verify(path: Path, file: RemoteFile, expected: str | None) -> str:
    """The file's SHA-256; an error, and the file removed, if wrong."""
    with open(path, "rb") as data:
        digest = hashlib.file_digest(data, "sha256").hexdigest()
    if expected is not None and digest != expected:
        remove(path)
        remove(_tag_file(path))
        raise DownloadError(
            f"{file.url}: the file has the SHA-256 {digest}, expected was "
            f"{expected}. It was deleted. Run the same again; if it stays "
            "wrong, the file on the server has changed"
        )
    return digest


# --- unpacking -----------------------------------------------------------

# An archive may not unpack to more than this many times its own size
# (JPEGs hardly shrink, annotation files about tenfold) plus some room.
_MAX_RATIO, _MAX_EXTRA = 50, 100_000_000
_MAX_MEMBERS = 1_000_000


def unpack(archive, root) -> Path:
    """Unpack a .zip or .tar archive into a folder, trusting nothing.

    Everything is unpacked beside its place first, then moved; an archive
    with a single bad member leaves nothing behind.

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
            stage.mkdir(parents=True)
            _unpack(archive, stage, limit)
            _move_into(stage, root)
    except _DAMAGED as error:
        raise DownloadError(
            f"{archive} is damaged ({error}); delete it and fetch it again"
        ) from None
    finally:
        remove(stage)
    return root


# What zipfile and tarfile raise for broken archives.
_DAMAGED = (
    tarfile.TarError,
    zipfile.BadZipFile,
    EOFError,
    zlib.error,
    gzip.BadGzipFile,
    NotImplementedError,
    RuntimeError,
)


def _move_into(stage: Path, root: Path):
    for path in sorted(stage.rglob("*")):
        if path.is_file():
            target = root / path.relative_to(stage)
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(path, target)


def _unpack(archive: Path, folder: Path, limit: int):
    left, count = limit, 0
    for name, is_file, data in _members(archive):
        count += 1
        target = _safe_target(archive, folder, name)
        if not is_file:
            target.mkdir(parents=True, exist_ok=True)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        with data, open(target, "xb") as out:
            while block := data.read(1 << 20):
                left -= len(block)
                if left < 0 or count > _MAX_MEMBERS:
                    raise DownloadError(
                        f"{archive} unpacks to more than "
                        f"{format_bytes(limit)} or {_MAX_MEMBERS:,} files; "
                        "stopped"
                    )
                out.write(block)


def _members(archive: Path):
    """Each member as ``(name, whether it is a file, open stream)``."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as content:
            for member in content.infolist():
                kind = stat.S_IFMT(member.external_attr >> 16)
                if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                    _refuse(archive, member.filename, "is a link or device")
                yield (
                    member.filename,
                    not member.is_dir(),
                    None if member.is_dir() else content.open(member),
                )
        return
    with tarfile.open(archive) as content:
        for member in content:
            if not (member.isreg() or member.isdir()):
                _refuse(archive, member.name, "is a link or device")
            yield (
                member.name,
                member.isreg(),
                content.extractfile(member) if member.isreg() else None,
            )


def _safe_target(archive: Path, folder: Path, name: str) -> Path:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in name or ("\0" in name):
        _refuse(archive, name, "points outside the folder")
    return folder / path


def _refuse(archive: Path, name: str, why: str):
    raise DownloadError(
        f"{archive}: member {name!r} {why}; nothing was "
        "unpacked. Do not use this archive"
    )
