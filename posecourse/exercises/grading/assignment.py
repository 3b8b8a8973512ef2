"""What a chapter or a homework asks for, read from the course's own notebook."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ...files import FileError, read_json

__all__ = ["Assignment", "Criterion", "Problem", "code_cells", "read_assignment"]

# Points of an open project; an exercise has one for each of its stars.
PROJECT_POINTS = 5


@dataclass(frozen=True)
class Problem:
    """One exercise of an assignment.

    Attributes
    ----------
    id, stars, title:
        ``"03.1"``, ``"★☆☆"``, ``"From the map to the picture"``.
    name:
        What the answer is called: a function or a value.
    cell_id, stub:
        The cell for the answer, as it is handed out.
    """

    id: str
    stars: str
    title: str
    name: str
    cell_id: str
    stub: str

    @property
    def points(self) -> int:
        return self.stars.count("★") or PROJECT_POINTS


@dataclass(frozen=True)
class Criterion:
    """What a teacher reads and gives points for: ``"figure"``, 2, and for what."""

    name: str
    points: int
    text: str


@dataclass(frozen=True)
class Assignment:
    """The exercises of a chapter and what they need.

    Attributes
    ----------
    chapter:
        ``"03_heatmaps"``.
    setup:
        The cells that run before any answer.
    problems:
        In the order of the notebook.
    cells:
        The source of every code cell that is handed out.
    rubric:
        What no checker can read; a homework has some.
    """

    chapter: str
    setup: tuple[str, ...]
    problems: tuple[Problem, ...]
    cells: frozenset[str]
    rubric: tuple[Criterion, ...] = ()

    @property
    def points(self) -> int:
        """Of the exercises, which are checked."""
        return sum(problem.points for problem in self.problems)


def read_assignment(path) -> Assignment:
    """The assignment that a chapter's notebook hands out.

    Raises
    ------
    FileError
        If it is no notebook, or has no exercise.
    """
    path = Path(path)
    notebook = read_json(path, "notebook")
    try:
        setup = [c for c in code_cells(notebook) if "setup" in c["tags"]]
        problems = tuple(_problems(notebook))
    except (KeyError, TypeError, AttributeError):
        raise FileError(
            f"{path} is not a notebook of the course; install the course again"
        ) from None
    if not problems:
        raise FileError(f"{path} has no exercise")
    sources = frozenset(c["source"] for c in code_cells(notebook))
    return Assignment(
        path.stem,
        tuple(c["source"] for c in setup),
        problems,
        sources,
        tuple(_rubric(notebook)),
    )


def code_cells(notebook) -> list[dict]:
    """``{"id", "source", "tags", "number"}`` of each code cell, in order.

    ``number`` counts all cells from 1, as a reader does. KeyError, TypeError or
    AttributeError where it is not a notebook.
    """
    found = []
    for number, cell in enumerate(notebook["cells"], 1):
        if cell["cell_type"] == "code":
            source = cell["source"]
            metadata = cell.get("metadata") or {}
            found.append(
                {
                    "id": str(cell.get("id", "")),
                    "source": source if isinstance(source, str) else "".join(source),
                    "tags": list(metadata.get("tags") or ()),
                    "number": number,
                }
            )
    return found


def _problems(notebook):
    text = "\n".join("".join(c["source"]) for c in notebook["cells"])
    headings = {
        id: (stars, title.strip())
        for id, stars, title in re.findall(
            r"^### Exercise (\S+) ([★☆]+) (.+)$", text, re.M
        )
    }
    cell = None
    for each in code_cells(notebook):
        if {"exercise", "project"} & set(each["tags"]):
            cell = each
        elif "check" in each["tags"] and cell is not None:
            match = re.match(r'check\("([\w.]+)", (\w+)\)', each["source"])
            if match:
                stars, title = headings.get(match[1], ("", "Project"))
                yield Problem(
                    match[1], stars, title, match[2], cell["id"], cell["source"]
                )


def _rubric(notebook):
    """The rows of the rubric's table: ``| **figure** | 2 | what for |``."""
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown" and "## Rubric\n" in text:
            rows = re.findall(r"^\| \*\*(.+?)\*\* \| (\d+) \| (.+?) \|$", text, re.M)
            for name, points, what in rows:
                yield Criterion(name, int(points), what)
