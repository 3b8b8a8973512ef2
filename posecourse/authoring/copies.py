"""The learner's copies of the course: made, kept up to date, never overwritten.

A copy that is still as it was made follows the course. One that was changed
(running it is enough) stays as it is, whatever the course does: nothing that
was not written here is ever touched. What was written stands in a record in
the folder of the copies.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import posixpath
from pathlib import Path

from ..files import DiskFullError, atomic_path, write_json
from ..places import COPIES_RECORD
from .chapters import START, Chapter
from .notebooks import relink

__all__ = ["copy_course"]

# What is read beside the notebooks, where one of them links to it.
_PICTURES = {".svg", ".png", ".jpg", ".gif", ".webp"}
_DOCUMENTS = {".md"} | _PICTURES
# Of the capstone projects: what a learner begins with.
_STARTERS = {".ipynb", ".md"}


def copy_course(
    course: Path, work: Path, solutions: bool = False, only: Chapter | None = None
) -> list[str]:
    """Copy notebooks and all they show or link to, in the form for learners.

    Chapters come without outputs, so that no answer stands there before the
    question; the course's own notebooks keep theirs, and so does the first page.

    Parameters
    ----------
    course:
        The folder with ``chapters/`` and ``data/``.
    work:
        The folder of the copies, made if it is missing.
    solutions:
        Whether the solved notebooks come too.
    only:
        This chapter, or homework, alone, with the glossary and the pictures it shows.

    Returns
    -------
    Names of copies that were changed and of which the course has a newer
    edition.
    """
    if work.resolve().is_relative_to((course / "chapters").resolve()):
        raise ValueError(
            f"{work} is the course itself; copies go into a folder of their own"
        )
    places = _places(course, solutions, only)
    try:
        work.mkdir(parents=True, exist_ok=True)
        made = _read_record(work / COPIES_RECORD)
        outdated = []
        for original, name in places.items():
            content = _content(course, original, places)
            copied = _update(work / name, content, made.get(name))
            if copied:
                made[name] = _digest(content)
            elif copied is None:
                outdated.append(name)
        write_json(work / COPIES_RECORD, made)
    except DiskFullError:
        raise
    except OSError as error:
        raise OSError(
            f"the copies cannot be kept in {work} ({error.strerror or error}: "
            f"{error.filename}); name another folder with --work"
        ) from None
    return outdated


def _update(copy: Path, content: bytes, before: str | None) -> bool | None:
    """Bring one copy up to date.

    True if it is as it should be, None if it was changed by the learner and
    the course has moved on, False if it was changed and the course has not.
    """
    new = _digest(content)
    if copy.exists() or copy.is_symlink():
        found = _digest(copy.read_bytes()) if copy.is_file() else None
        if found == new:
            _sign(copy, content)  # Jupyter's notes may have been lost
            return True
        if found is None or found != before:
            return False if before == new else None
    with atomic_path(copy) as temporary:
        Path(temporary).write_bytes(content)
    _sign(copy, content)
    return True


def _places(course: Path, solutions: bool, only: Chapter | None) -> dict[str, str]:
    """``{path in the course: path among the copies}`` of all that is copied."""
    chapters = course / "chapters"
    shown = [*chapters.glob("*.ipynb"), *chapters.glob("*.md")]
    if only is not None:
        shown = [only.notebook(chapters), chapters / "glossary.md"]
    beside = [p for p in chapters.glob("figures/*") if p.suffix in _PICTURES]
    beside += [p for p in chapters.glob("capstones/*") if p.suffix in _STARTERS]
    if only is not None:
        page = only.notebook(chapters).relative_to(course).as_posix()
        linked = _links(course, page)
        beside = [p for p in beside if p.relative_to(course).as_posix() in linked]
    shown += beside
    if solutions:
        shown += chapters.glob("solutions/*.ipynb")
    places = {
        path.relative_to(course).as_posix(): path.relative_to(chapters).as_posix()
        for path in sorted(shown)
    }
    todo = list(places)
    while todo:  # what these link to, and what that links to
        for link in _links(course, todo.pop()):
            if (
                link not in places
                and posixpath.splitext(link)[1] in _DOCUMENTS
                and link.startswith(("chapters/", "data/"))
                and (course / link).is_file()
            ):
                places[link] = f"course/{link}"
                todo.append(link)
    return places


def _links(course: Path, path: str) -> list[str]:
    """The files in the course that one of its texts links to."""
    found = []

    def note(link):
        target = link.partition("#")[0]
        found.append(
            posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        )
        return link

    for text in _texts(course / path):
        relink(text, note)
    return found


def _texts(path: Path) -> list[str]:
    """The Markdown of a file of the course."""
    if path.suffix == ".md":
        return [path.read_text("utf-8")]
    if path.suffix == ".ipynb":
        cells = _read_notebook(path)["cells"]
        return ["".join(c["source"]) for c in cells if c["cell_type"] == "markdown"]
    return []


def _content(course: Path, original: str, places: dict[str, str]) -> bytes:
    """What a copy holds: links led to copies, chapters without outputs."""
    path, here = course / original, posixpath.dirname(places[original])

    def lead(link: str) -> str:
        target, mark, anchor = link.partition("#")
        whole = posixpath.join(posixpath.dirname(original), target)
        place = places.get(posixpath.normpath(whole))
        return link if place is None else posixpath.relpath(place, here) + mark + anchor

    if path.suffix == ".md":
        return relink(path.read_text("utf-8"), lead).encode()
    if path.suffix != ".ipynb":
        return path.read_bytes()
    notebook = _read_notebook(path)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            text = relink("".join(cell["source"]), lead)
            cell["source"] = text.splitlines(keepends=True)
        elif cell["cell_type"] == "code" and not _shows_outputs(path):
            cell["outputs"], cell["execution_count"] = [], None
    return (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode()


def _shows_outputs(path: Path) -> bool:
    """Whether a notebook asks nothing that its outputs would give away."""
    return path.parent.name == "solutions" or path.stem == START.name


def _read_notebook(path: Path) -> dict:
    try:
        notebook = json.loads(path.read_text("utf-8"))
        notebook["cells"]
    except (ValueError, TypeError, KeyError):
        raise ValueError(
            f"{path} is not a notebook: it is damaged or incomplete; install the "
            "course again"
        ) from None
    return notebook


def _read_record(path: Path) -> dict[str, str]:
    """What was copied; nothing where the record is lost or damaged: then only
    files that are exactly what would be written count as ours."""
    try:
        made = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, ValueError, RecursionError):
        return {}
    if not isinstance(made, dict):
        return {}
    return {name: digest for name, digest in made.items() if isinstance(digest, str)}


def _sign(copy: Path, content: bytes):
    """Tell Jupyter that a notebook is no stranger's."""
    if copy.suffix != ".ipynb":
        return
    import nbformat
    from nbformat.sign import NotebookNotary

    # Where there is no place for signatures, Jupyter only warns.
    with contextlib.suppress(Exception):
        NotebookNotary().sign(nbformat.reads(content.decode(), as_version=4))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
