"""``posecourse lab``: the course in JupyterLab."""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from pathlib import Path

from . import make_parser, whole


def main(argv) -> int:
    """Run the command; returns the exit status."""
    args = _parser().parse_args(argv)

    from .. import places

    course = places.course_folder()
    chapter = _chapter(args.chapter, course / "chapters")
    if args.source:
        folder = _sources(course)
    else:
        folder = (args.work or places.work_folder()).expanduser().absolute()
        _bring_copies(course, folder, args.solutions, chapter)
    if args.copies_only:
        return 0
    browser = not args.no_browser and has_display()
    return start_server(folder.parent, chapter.notebook(folder), args.port, browser)


def _parser() -> argparse.ArgumentParser:
    parser = make_parser(
        "lab",
        "Open the course in JupyterLab, at its first page or at a chapter. You read and edit "
        "copies, made when they are missing and never overwritten once you have "
        "changed them, so that updates of the course and your own work keep "
        "out of each other's way. The server listens on this machine only and "
        "asks for a token.",
        "posecourse lab 3",
    )
    parser.add_argument(
        "chapter",
        nargs="?",
        help="number or name, or homework1 (default: the first page, which shows "
        "the way)",
    )
    parser.add_argument(
        "--work",
        type=Path,
        metavar="FOLDER",
        help="where your copies lie (default: work in a checkout of the course, "
        "else posecourse-work in the current folder)",
    )
    parser.add_argument(
        "--solutions",
        action="store_true",
        help="bring the solved notebooks too, into solutions/ beside your copies",
    )
    parser.add_argument(
        "--source",
        action="store_true",
        help="for authors: open the originals in chapters/, not copies",
    )
    parser.add_argument(
        "--copies-only",
        action="store_true",
        help="bring your copies up to date and start nothing, as on a JupyterHub",
    )
    parser.add_argument(
        "--port",
        type=whole(1, 65535),
        default=8888,
        help="the first port to try (default: %(default)s)",
    )
    parser.add_argument(
        "--no-browser", action="store_true", help="print the address, open nothing"
    )
    return parser


def _chapter(which: str | None, folder: Path):
    """The page to open; what there is, is said if it is not there."""
    from ..authoring import chapters, homework

    pages = [chapters.START, *chapters.CHAPTERS, *homework.SHEETS]
    there = [c for c in pages if c.notebook(folder).is_file()]
    if which is None and there:
        return there[0]
    chapter = chapters.CHAPTERS[0] if which is None else homework.get_page(which)
    if chapter in there:
        return chapter
    numbers = [c.short for c in there if c.number]
    raise FileNotFoundError(
        f"chapter {chapter.short} ({chapter.name}) is not in {folder}; "
        + (
            f"there are {', '.join(numbers)}"
            if numbers
            else "there is none (authors: posecourse chapters build)"
        )
    )


def _sources(course: Path) -> Path:
    if not (course / "chapters" / "source").is_dir():
        raise FileNotFoundError(
            "--source is for authors, in a checkout of the course's repository; "
            f"the chapters in {course} belong to the installed package"
        )
    return course / "chapters"


def _bring_copies(course: Path, folder: Path, solutions: bool, page):
    from ..authoring.copies import copy_course
    from ..authoring.homework import Sheet

    outdated = copy_course(course, folder, solutions)
    if isinstance(page, Sheet):  # the others stay where they are
        outdated += copy_course(course, folder, only=page)
    print(f"Your copies of the chapters are in {folder}", flush=True)
    if outdated:
        print(
            "There are newer versions of "
            + ", ".join(outdated)
            + ". Your own, changed copies are kept; rename one to get the new "
            "version beside it.",
            file=sys.stderr,
        )


def has_display() -> bool:
    """Whether a browser opened here would be seen by anybody."""
    if os.environ.get("SSH_CONNECTION"):
        return False
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def start_server(root: Path, notebook: Path, port: int, browser: bool) -> int:
    """Run JupyterLab until it is stopped."""
    for module in ("jupyterlab", "ipykernel"):
        try:
            import_module(module)
        except ImportError as error:
            raise ImportError(
                f"{module} is missing or broken ({error}); install it with "
                f"python -m pip install {module}"
            ) from None
    from .lab_server import run

    return run(root, notebook, port, browser)
