"""The homework of a term: one sheet for each part of the course.

``chapters/homework/source/homework1.py`` is edited by hand, like a chapter. A
sheet is handed out without outputs, its solved edition with them; what a grade
asks stands in ``posecourse/exercises/homework_1.py`` (what students see) and
``posecourse/exercises/hidden/homework_1.py`` (what they do not).
"""

from __future__ import annotations

import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from . import chapters
from .build import execute, keep_outputs
from .chapters import Chapter
from .notebooks import BuildError, in_step, read_source, split_editions, write

__all__ = [
    "SHEETS",
    "Sheet",
    "build_sheets",
    "find",
    "generate_sheet",
    "get_page",
    "there",
]


@dataclass(frozen=True)
class Sheet(Chapter):
    """A homework sheet; `sections` are the chapters that it follows."""

    @property
    def number(self) -> int:
        return int(self.name.removeprefix("homework"))

    @property
    def short(self) -> str:
        return self.name

    @property
    def heading(self) -> str:
        return f"Homework {self.number}: {self.title}"

    @property
    def exercises(self) -> str:
        return f"H{self.number}"

    def source(self, root: Path) -> Path:
        return root / "homework" / "source" / f"{self.name}.py"

    def notebook(self, root: Path) -> Path:
        return root / "homework" / f"{self.name}.ipynb"

    def solutions(self, root: Path) -> Path:
        return root / "homework" / "solutions" / f"{self.name}.ipynb"


SHEETS = (
    Sheet(
        "homework1",
        "Coming or going?",
        "Tell from the joints alone, on a skeleton of your own, whether somebody "
        "faces you.",
        "1, 2",
    ),
    Sheet(
        "homework2",
        "How blurred is best?",
        "Find out how wide the bump of a target should be, and for which decoder.",
        "3 to 5",
    ),
    Sheet(
        "homework3",
        "Knowing or remembering?",
        "Give the package a loss and a network of your own, and find out what it has "
        "learned.",
        "6 to 8",
    ),
    Sheet(
        "homework4",
        "Which tool would you buy?",
        "Read two tools' files of predictions and say which is better, and how "
        "sure that is.",
        "9 to 11",
    ),
    Sheet(
        "homework5",
        "Where to put the second phone",
        "Rebuild a jump in space from two phones, and find the best angle between "
        "them.",
        "12, 13",
    ),
    Sheet(
        "homework6",
        "The honest coach",
        "Count squats, measure how deep they are, and find out whom your coach treats "
        "unfairly.",
        "14, 15",
    ),
)


def get_page(which) -> Chapter:
    """A homework by name (``"homework1"``), or a chapter as `get_chapter` finds
    it."""
    text = str(which)
    if not text.startswith("homework"):
        return chapters.get_chapter(text)
    for sheet in SHEETS:
        if text == sheet.name:
            return sheet
    raise ValueError(f"no {text!r}; there are " + ", ".join(s.name for s in SHEETS))


def find(names=()) -> list[Sheet]:
    """The sheets of these names, or all that are written."""
    root = chapters.folder()
    if names:
        return [sheet for name in names if isinstance(sheet := get_page(name), Sheet)]
    return [sheet for sheet in SHEETS if sheet.source(root).exists()]


def there(root: Path) -> list[Sheet]:
    """The sheets that can be handed out, in a checkout or an installed course."""
    return [sheet for sheet in SHEETS if sheet.notebook(root).is_file()]


def generate_sheet(sheet: Sheet, root: Path):
    """The sheet and its solved edition, not executed.

    Raises
    ------
    BuildError
        If its heading and promise are not those of `SHEETS`.
    """
    source = read_source(sheet.source(root))
    head = source.cells[0].source
    bold = re.search(r"\*\*(.+?)\*\*", head, re.S)
    promise = " ".join(bold[1].split()) if bold else ""
    if not head.startswith(f"# {sheet.heading}\n") or promise != sheet.promise:
        raise BuildError(
            f"{sheet.name} must begin with '# {sheet.heading}' and, in bold, "
            f"'{sheet.promise}'"
        )
    return split_editions(source, sheet.name)


def build_sheets(sheets: list[Sheet], root: Path, unchanged_too=False) -> int:
    """Write sheets without outputs, and run their solved editions; returns an exit
    status."""
    status = 0
    for sheet in sheets:
        try:
            handed_out, solved = generate_sheet(sheet, root)
            if in_step(handed_out, sheet.notebook(root)):
                write(handed_out, sheet.notebook(root))
            path = sheet.solutions(root)
            if not unchanged_too and not in_step(solved, path):
                print(f"{sheet.name}: unchanged")
                continue
            if unchanged_too or not keep_outputs(solved, path):
                started = time.perf_counter()
                path.parent.mkdir(parents=True, exist_ok=True)
                execute(solved, path.parent)
                print(f"{sheet.name}: {time.perf_counter() - started:.0f} s")
            write(solved, path)
        except BuildError as error:
            print(f"{sheet.name}: {error}", file=sys.stderr)
            status = 1
    return status
