"""Where things lie: the course, the learner's copies, and what can be made again.

The course is a folder with ``chapters/`` and ``data/`` in it. In a checkout
that is the repository; an installed package carries the same two folders
inside itself. Nothing is ever written into the course by reading it.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

__all__ = [
    "cache_folder",
    "checkout",
    "copies_folder",
    "course_folder",
    "make_prepared_folder",
    "prepared_folder",
    "progress_file",
    "work_folder",
]

# The file in which `lab` notes what it copied; a folder that has it is the
# learner's.
COPIES_RECORD = ".copied.json"

# Moves everything that is kept between runs and can be made again.
CACHE_VARIABLE = "POSECOURSE_DATA"

_PACKAGE = Path(__file__).resolve().parent


def checkout() -> Path | None:
    """The checkout of the course at or above the current folder, else the one
    that this package lies in, else None."""
    here = Path.cwd()
    for folder in (here, *here.parents, _PACKAGE.parent):
        if _is_checkout(folder):
            return folder
    return None


def course_folder() -> Path:
    """The folder with ``chapters/`` and ``data/``: a checkout's, else the
    package's own.

    Raises
    ------
    FileNotFoundError
        If the package was installed without the course.
    """
    folder = checkout() or _PACKAGE / "course"
    if not (folder / "chapters").is_dir():
        raise FileNotFoundError(
            f"the course's chapters and networks are not here: {folder} does not "
            "exist. Install posecourse again from its wheel or its repository"
        )
    return folder


def work_folder() -> Path:
    """Where the learner's copies go unless something else is asked for.

    The folder of copies that the current folder is or lies in; ``work`` in a
    checkout that can be written to; else ``posecourse-work`` here.
    """
    copies = copies_folder()
    if copies is not None:
        return copies
    root = checkout()
    if root is not None:
        work = root / "work"
        if os.access(work if work.exists() else root, os.W_OK):
            return work
    return Path.cwd() / "posecourse-work"


def copies_folder() -> Path | None:
    """The folder of the learner's copies that the current folder is or lies in."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / COPIES_RECORD).is_file():
            return folder
    return None


def progress_file(work: Path) -> Path:
    """What was solved, beside the copies in which it was."""
    return work / ".progress.json"


def cache_folder() -> Path:
    """What is kept between runs and can be made again.

    The folder that the environment variable POSECOURSE_DATA names, else the
    user's cache folder. It need not exist yet.
    """
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named).expanduser().absolute()
    from platformdirs import user_cache_path

    return user_cache_path("posecourse", appauthor=False)


def prepared_folder() -> Path:
    """Where people that were cut out of a data set are kept.

    It need not exist yet: `make_prepared_folder`.
    """
    return cache_folder() / "prepared"


def make_prepared_folder() -> Path:
    """`prepared_folder`, made if it is missing.

    Raises
    ------
    OSError
        If it cannot be written to; the message says how to choose another.
    """
    folder = prepared_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        reason = "" if os.access(folder, os.W_OK) else "permission denied"
    except OSError as error:
        reason = error.strerror or str(error)
    if reason:
        raise OSError(
            f"prepared data cannot be kept in {folder} ({reason}); name another "
            f"folder with --data-dir or the environment variable {CACHE_VARIABLE}"
        )
    return folder


def _is_checkout(folder: Path) -> bool:
    """Whether a folder is the course's repository (and not just anything
    that has chapters)."""
    if not (folder / "chapters").is_dir():
        return False
    try:
        project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))
        return project["project"]["name"] == "posecourse"
    except (OSError, ValueError, KeyError, TypeError):
        return False
