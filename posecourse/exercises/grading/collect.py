"""From what a learning platform gives to a folder for each student."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from ...files import FileError, atomic_path, read_bytes, stays_inside
from .grader import safe_name

__all__ = ["Collected", "collect", "read_students"]

_LARGEST = 100 * 10**6
_MOST_FILES = 2000  # of a zip


@dataclass
class Collected:
    """What went where.

    Attributes
    ----------
    students:
        ``{student: notebooks}``, the newest first.
    unassigned:
        Files that are nobody's, or of more than one; and why.
    missing:
        Students of the list who handed in nothing.
    """

    students: dict[str, list[Path]] = field(default_factory=dict)
    unassigned: dict[Path, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)


def read_students(path) -> dict[str, list[str]]:
    """A list of students: a CSV with a line for each, the name first.

    What else stands in the line (a number, an address, the name of a file) is
    also looked for in the names of files.

    Returns
    -------
    ``{student: [what to look for, ...]}``
    """
    text = read_bytes(path, "list of students", 10**7).decode("utf-8-sig", "replace")
    head = text.partition("\n")[0]
    rows = csv.reader(io.StringIO(text), delimiter=";" if ";" in head else ",")
    cells = [[c.strip() for c in row if c.strip()] for row in rows]
    students = {row[0]: row for row in cells if row}
    for title in ("student", "name", "Student", "Name"):
        students.pop(title, None)
    if not students:
        raise FileError(f"{path} has no student; write one name on each line")
    return students


def collect(downloads, out, chapter: str, students=None) -> Collected:
    """Copy what was handed in into ``out/STUDENT/``.

    Parameters
    ----------
    downloads:
        A folder, as a platform gives it, or a zip of one. Its folders and
        files have the students' names somewhere in their own.
    out:
        Need not exist. Files of the same name in it are replaced.
    chapter:
        ``"03_heatmaps"``: what each student's newest notebook is called then.
    students:
        As `read_students` gives them; without it, each folder (or file) is a
        student of that name.
    """
    out, found = Path(out), Collected()
    sources: dict[str, list] = {}
    for name, when, read in _files(Path(downloads)):
        student = _whose(name, students)
        if student is None:
            found.unassigned[Path(name)] = "no student, or more than one, fits"
            continue
        sources.setdefault(student, []).append((when, name, read))
    for student, files in sources.items():
        _bring(student, files, out, chapter, found)
    found.missing = [s for s in students or () if s not in found.students]
    return found


def _bring(student, files, out, chapter, found) -> None:
    """Copy one student's files; the newest notebook takes the chapter's name."""
    files.sort(key=lambda f: (f[0], f[1]), reverse=True)
    folder, notebooks = out / safe_name(student), 0
    for _, name, read in files:
        parts = Path(name).parts
        inner = Path(*parts[1:]) if len(parts) > 1 else Path(name)
        if inner.suffix == ".ipynb":
            notebooks += 1
            older = Path("older", f"{notebooks - 1}-{inner.name}")
            inner = Path(f"{chapter}.ipynb") if notebooks == 1 else older
        try:
            content = read()
        except (OSError, ValueError) as error:
            found.unassigned[Path(name)] = str(error)
            continue
        with atomic_path(folder / inner) as temporary:
            Path(temporary).write_bytes(content)
        if inner.suffix == ".ipynb":
            found.students.setdefault(student, []).append(folder / inner)


def _files(downloads: Path):
    """``(name, time, function that reads it)`` of each file, also inside zips."""
    if downloads.is_file():
        yield from _zipped(downloads, "")
        return
    for path in sorted(downloads.rglob("*")):
        name = path.relative_to(downloads).as_posix()
        if any(part.startswith((".", "__MACOSX")) for part in Path(name).parts):
            continue
        if path.is_dir():
            continue
        if path.suffix.lower() == ".zip":
            yield from _zipped(path, f"{path.with_suffix('').relative_to(downloads)}/")
        else:
            when = path.lstat().st_mtime
            yield name, when, lambda path=path: read_bytes(path, "file", _LARGEST)


def _zipped(path: Path, before: str):
    try:
        with zipfile.ZipFile(io.BytesIO(read_bytes(path, "zip", 2**31))) as file:
            entries = [e for e in file.infolist() if not e.is_dir()][:_MOST_FILES]
            for entry in entries:
                name = before + entry.filename
                hidden = any(p.startswith((".", "__MACOSX")) for p in name.split("/"))
                if hidden or not stays_inside(entry.filename):
                    continue
                when = _seconds(entry)
                yield name, when, lambda e=entry: _unpack(path, e)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):

        def damaged():
            raise FileError(f"{path} is not a whole zip")

        yield f"{before.rstrip('/') or path.stem}/{path.name}", 0.0, damaged


def _seconds(entry: zipfile.ZipInfo) -> float:
    from datetime import datetime

    try:
        return datetime(*entry.date_time).timestamp()
    except (ValueError, OverflowError, OSError):
        return 0.0


def _unpack(path: Path, entry: zipfile.ZipInfo) -> bytes:
    with zipfile.ZipFile(path) as file, file.open(entry) as inner:
        content = inner.read(_LARGEST + 1)  # whatever the zip says of its size
    if len(content) > _LARGEST:
        raise FileError(f"{entry.filename} in {path} is larger than 100 MB")
    return content


def _whose(name: str, students) -> str | None:
    """The student whose name, or other sign, stands in the name of a file."""
    if students is None:
        first = Path(name).parts[0]
        return first.removesuffix(".ipynb")
    text = _words(name)
    joined = "".join(text)
    fits: dict[str, int] = {}
    for student, signs in students.items():
        for sign in signs:
            words = _words(sign)
            if words and (
                set(words) <= set(text)
                # "musteranna_123": some platforms run names together
                or (len("".join(words)) > 5 and _together(words, joined))
            ):
                fits[student] = max(fits.get(student, 0), len("".join(words)))
    best = [s for s, length in fits.items() if length == max(fits.values())]
    return best[0] if len(best) == 1 else None


def _together(words: list[str], text: str) -> bool:
    return "".join(words) in text or "".join(reversed(words)) in text


def _words(text: str) -> list[str]:
    """``"Müller, Anna"`` -> ``["muller", "anna"]``"""
    plain = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return re.findall(r"[^\W_]+", plain)
