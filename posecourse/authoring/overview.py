"""The way through the course: its chapters, what is solved, what is next."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from pathlib import Path

from .. import places
from ..exercises import names
from ..exercises.progress import solved
from .chapters import CHAPTERS, Chapter, folder

__all__ = ["CourseMap", "Task", "course_map", "tasks"]


@dataclass(frozen=True)
class Task:
    """One exercise as its chapter announces it.

    Attributes
    ----------
    id, stars, title:
        ``"03.1"``, ``"★☆☆"``, ``"From the map to the picture"``.
    when:
        When it passed first (ISO 8601), "" if it has not.
    """

    id: str
    stars: str
    title: str
    when: str


def there(root: Path) -> list[Chapter]:
    """The chapters that are written, in a checkout or an installed course."""
    return [
        c for c in CHAPTERS if c.notebook(root).is_file() or c.source(root).is_file()
    ]


def tasks(chapter: Chapter, root: Path, done: dict[str, str]) -> list[Task]:
    """The exercises of a chapter or a homework, in order.

    Parameters
    ----------
    done:
        What was solved, as `posecourse.exercises.progress.solved` gives it.
    """
    headings = _headings(chapter.notebook(root))
    return [
        Task(id, *headings.get(id, ("", _plain_title(id))), done.get(id, ""))
        for id in names(chapter.exercises)
    ]


def _plain_title(id: str) -> str:
    return "Project" if id.endswith("project") else ""


def _headings(notebook: Path) -> dict[str, tuple[str, str]]:
    """``{exercise: (stars, title)}`` from a notebook's headings."""
    try:
        cells = json.loads(notebook.read_text("utf-8"))["cells"]
    except (OSError, ValueError, KeyError):
        return {}
    text = "\n".join("".join(c["source"]) for c in cells)
    return {
        id: (stars, title.strip())
        for id, stars, title in re.findall(
            r"^### Exercise (\S+) ([★☆]+) (.+)$", text, re.M
        )
    }


def course_map() -> CourseMap:
    """The chapters with links, how much of each is solved, and what is next.

    Show it as the last value of a cell.
    """
    work = places.copies_folder()
    return CourseMap(folder(), solved(work) if work else {})


class CourseMap:
    """What `course_map` shows.

    Attributes
    ----------
    chapters:
        ``(chapter, number solved, number of exercises)`` of what is written.
    next:
        The chapter and id of the first exercise that is not solved, or None.
    """

    def __init__(self, root: Path, done: dict[str, str]):
        found = [(c, names(c.number)) for c in there(root)]
        self.chapters = [
            (c, sum(id in done for id in ids), len(ids)) for c, ids in found
        ]
        self.next = next(
            ((c, id) for c, ids in found for id in ids if id not in done), None
        )

    def _advice(self, link) -> str:
        """The sentence below the table."""
        if self.next is None:
            return "Everything is solved."
        chapter, id = self.next
        if not any(count for _, count, _ in self.chapters):
            return f"Begin with {link(chapter)}."
        return f"Next: exercise {id} in {link(chapter)}."

    def __repr__(self) -> str:
        width = max(len(c.title) for c, _, _ in self.chapters)
        lines = [
            f"{c.number:2d}. {c.title:{width}s}  {_count(count, total)}"
            for c, count, total in self.chapters
        ]
        return "\n".join([*lines, self._advice(lambda c: f"{c.number}. {c.title}")])

    def _repr_html_(self) -> str:
        rows = "\n".join(
            f'<tr><td style="text-align: left; white-space: nowrap">{_link(c)}</td>'
            f'<td style="text-align: left">{html.escape(c.promise)}</td>'
            f'<td style="text-align: left; white-space: nowrap">'
            f"{_count(count, total)}</td></tr>"
            for c, count, total in self.chapters
        )
        return (
            '<table><thead><tr><th style="text-align: left">chapter</th>'
            '<th style="text-align: left">what you do</th>'
            '<th style="text-align: left">exercises</th></tr></thead>\n'
            f"<tbody>\n{rows}\n</tbody></table>\n<p><b>{self._advice(_link)}</b></p>"
        )


def _count(count: int, total: int) -> str:
    mark = "✓" if count == total else "◐" if count else "○"
    return f"{mark} {count} of {total}"


def _link(chapter: Chapter) -> str:
    title = html.escape(f"{chapter.number}. {chapter.title}")
    return f'<a href="{chapter.name}.ipynb">{title}</a>'
