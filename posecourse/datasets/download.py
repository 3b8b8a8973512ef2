"""Getting a dataset from where its makers keep it.

`fetch` goes on with a download that broke off, checks what it got, and
unpacks without trusting the archive. Nothing is fetched before its terms
have been accepted. Single pictures stay as they are, with their credits
beside them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ..files import (
    FileError,
    atomic_path,
    disk_errors,
    format_bytes,
    locked,
    read_json,
    remove,
    require_space,
    sha256,
    sync_file,
    write_json,
)
from .archives import unpack
from .transfer import DownloadError, RemoteFile, tag_file, transfer

__all__ = [
    "SOURCES",
    "DownloadError",
    "RemoteFile",
    "Source",
    "download",
    "fetch",
]


@dataclass(frozen=True)
class Source:
    """A dataset, or a part of one, that can be fetched by name.

    Parts of one dataset share a `folder` (below ``data/``). Its files are
    archives; or, where `credits` says who made them, pictures.
    """

    title: str
    folder: str
    files: tuple[RemoteFile, ...]
    terms: str
    credits: str = ""


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
_PHOTOS_HOST = "https://raw.githubusercontent.com/openpifpaf/openpifpaf/main/guide/"
_PHOTOS_TERMS = """\
The pictures are under Creative Commons licences that let you copy and change
them if you name their makers, as CREDITS.txt beside them does. The people in
them were not asked: use them to learn, not to say anything about them."""
_PHOTOS_CREDITS = """\
000000081988.jpg
    "Learning to surf" by fotologic, CC BY 2.0
    https://www.flickr.com/photos/fotologic/6038911779/
    https://creativecommons.org/licenses/by/2.0/
soccer.jpeg
    "Kamil Vacek 20200627" by Lokomotive74, CC BY 4.0
    https://de.wikipedia.org/wiki/Kamil_Vacek#/media/Datei:Kamil_Vacek_20200627.jpg
    https://creativecommons.org/licenses/by/4.0/
"""

SOURCES = {
    "photos": Source(
        "two photographs of people, to try a network on",
        "photos",
        (
            RemoteFile(
                _PHOTOS_HOST + "coco/000000081988.jpg",
                112_043,
                "d0504a1ed78d6d875de3b0af307cc3349cafb4ff51f0bc9f4237f0a7a2cf36ac",
            ),
            RemoteFile(
                _PHOTOS_HOST + "wholebody/soccer.jpeg",
                673_267,
                "e47a6864ff24f343c5a4527d7b8e0c32a36be99d19578a5641f219d0abb97c78",
            ),
        ),
        _PHOTOS_TERMS,
        _PHOTOS_CREDITS,
    ),
    "mpii-annotations": Source(
        "MPII Human Pose, annotations",
        "mpii",
        (RemoteFile(_MPII_HOST + "mpii_human_pose_v1_u12_2.zip", 12_500_000),),
        _MPII_TERMS,
    ),
    "mpii-images": Source(
        "MPII Human Pose, 25,000 pictures",
        "mpii",
        (RemoteFile(_MPII_HOST + "mpii_human_pose_v1.tar.gz", 12_900_000_000),),
        _MPII_TERMS,
    ),
    "coco-annotations": Source(
        "COCO 2017, annotations",
        "coco",
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
        "coco",
        (RemoteFile("http://images.cocodataset.org/zips/val2017.zip", 816_000_000),),
        _COCO_TERMS,
    ),
    "coco-train": Source(
        "COCO 2017, 118,000 training pictures",
        "coco",
        (
            RemoteFile(
                "http://images.cocodataset.org/zips/train2017.zip", 19_300_000_000
            ),
        ),
        _COCO_TERMS,
    ),
    "lsp": Source(
        "Leeds Sports Pose, 2,000 pictures",
        "lsp",
        (RemoteFile("http://sam.johnson.io/research/lsp_dataset.zip", 35_000_000),),
        _LSP_TERMS,
    ),
    "lsp-extended": Source(
        "Leeds Sports Pose Extended, 10,000 pictures",
        "lsp-extended",
        (RemoteFile("http://sam.johnson.io/research/lspet_dataset.zip", 101_000_000),),
        _LSP_TERMS,
    ),
}


def fetch(name: str, root, accept_licence: bool = False, progress: bool = True) -> Path:
    """Download and unpack a dataset into a folder.

    Files that are in the folder are never replaced: where the archive has
    another of the same name, yours stays, and that is said.

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
    InUseError
        If another process is fetching into the same folder.
    WriteError
        If the folder cannot be written; `DiskFullError` without room.
    """
    if name not in SOURCES:
        raise ValueError(f"unknown dataset {name!r}; known: {', '.join(SOURCES)}")
    source, root = SOURCES[name], Path(root)
    size = format_bytes(sum(file.size for file in source.files))
    terms = "\n\n".join(filter(None, (source.terms, source.credits.rstrip())))
    print(f"{source.title} ({size})\n\n{terms}\n")
    if not accept_licence:
        raise DownloadError(
            f"{name} was not fetched: read the terms above and, if you "
            "accept them, run the same again with --accept-licence "
            "(in Python: accept_licence=True)"
        )
    with disk_errors(root):
        root.mkdir(parents=True, exist_ok=True)
    with locked(root):
        record = _Record(root)
        for file in source.files:
            if source.credits:
                _download(file, root, record, progress)
            elif not _is_here(file, root, record):
                _fetch_one(file, root, record, progress)
        if source.credits:
            with atomic_path(root / "CREDITS.txt") as temporary:
                temporary.write_text(source.credits, encoding="utf-8")
    return root


def download(file: RemoteFile, root, progress: bool = True) -> Path:
    """Fetch one file into a folder; go on where a download broke off.

    The bytes gather in ``NAME.part``. When all are there and their
    checksum is right, it is renamed. Errors are those of `fetch`.
    """
    root = Path(root)
    with disk_errors(root):
        root.mkdir(parents=True, exist_ok=True)
    with locked(root):
        return _download(file, root, _Record(root), progress)


def _is_here(file: RemoteFile, root: Path, record: _Record) -> bool:
    """Whether everything that was unpacked from a file is still there."""
    members = record.members(file.name)
    if members is None:
        return False
    missing = [name for name, size in members.items() if _size(root / name) != size]
    if not missing:
        print(f"{file.name} was fetched before; its files are in {root}")
    else:
        print(
            f"{len(missing):,} of {len(members):,} files of {file.name} are not in "
            f"{root} any more, or changed ({missing[0]}); it is fetched again"
        )
    return not missing


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _fetch_one(file: RemoteFile, root: Path, record: _Record, progress: bool):
    was_there = (root / file.name).is_file()
    archive = _download(file, root, record, progress)
    try:
        unpacked = unpack(archive, root, reserved=(_RECORD, ".lock", file.name))
    except DownloadError as error:
        if was_there:
            raise DownloadError(f"{error}. It was there before: move it away") from None
        remove(archive)  # so that the next run fetches it anew
        raise
    # Only now: the first answer may have been cut, or a page of the network.
    record.add(file.name, url=file.url, sha256=sha256(archive), members=unpacked.files)
    remove(archive)
    if unpacked.kept:
        print(
            f"Kept as they are in {root}: {', '.join(unpacked.kept[:5])}"
            f"{', ...' if len(unpacked.kept) > 5 else ''}. The archive has other "
            "files of these names, which were left out; to have them, move yours "
            "away and fetch again"
        )


def _download(file: RemoteFile, root: Path, record: _Record, progress: bool) -> Path:
    path, part = root / file.name, root / (file.name + ".part")
    expected = file.sha256 or record.sha256(file.name)
    if path.is_file():
        _verify(path, file, expected, f"{path} is not the file: ", "Move it away")
        return path
    require_space(root, max(0, file.size - (_size(part) or 0)))
    transfer(file, part, progress)
    try:
        _verify(part, file, expected, f"{file.url}: ", "It was deleted")
    except DownloadError:
        remove(part)
        remove(tag_file(part))
        raise
    with disk_errors(path):
        sync_file(part)
        os.replace(part, path)
    remove(tag_file(part))
    return path


def _verify(path: Path, file: RemoteFile, expected: str | None, what: str, done: str):
    """Raise DownloadError if a file has the wrong size or checksum."""
    if expected is None:
        file.check_size(path.stat().st_size)
        return
    found = sha256(path)
    if found != expected:
        source = "is expected" if file.sha256 else "it had when it was first fetched"
        raise DownloadError(
            f"{what}it has the SHA-256 {found}, {expected} {source}. {done}; run the "
            "same again. If it stays wrong, the file on the server has changed"
            + ("" if file.sha256 else f": if you trust it, delete {_RECORD}")
        )


# --- what was fetched -----------------------------------------------------

_RECORD = "downloads.json"


class _Record:
    """The file ``downloads.json``: what was fetched into a folder.

    For each archive its address, its checksum, and the name and size of
    every file that came from it.
    """

    def __init__(self, root: Path):
        self.path = root / _RECORD
        self.entries = {}
        if os.path.lexists(self.path):
            self.entries = self._read()

    def _read(self) -> dict:
        try:
            entries = read_json(self.path)
            for entry in entries.values():
                str(entry["url"] + entry["sha256"])
                sum(entry["members"].values())
        except (FileError, FileNotFoundError) as error:
            why = str(error)
        except (AttributeError, KeyError, TypeError):
            why = f"{self.path} is something else than a record of downloads"
        else:
            return entries
        raise DownloadError(f"{why}; move it away, or choose another folder")

    def sha256(self, name: str) -> str | None:
        """The checksum that a file had when it was first fetched."""
        return self.entries.get(name, {}).get("sha256")

    def members(self, name: str) -> dict[str, int] | None:
        """What was unpacked from it; None if it has not been fetched."""
        return self.entries.get(name, {}).get("members")

    def add(self, name: str, **values):
        """Note a file that was unpacked."""
        self.entries[name] = values
        write_json(self.path, self.entries)
