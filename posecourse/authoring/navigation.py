"""Links between the notebooks, written by the builder from the chapter list.

They stand on top and at the end of each chapter and lead only to what is
written. Chapter sources hold none of them.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from .chapters import CHAPTERS, START, Chapter

__all__ = ["NAVIGATION", "add_navigation"]

# The tag of the cells that are made here.
NAVIGATION = "navigation"

_PROGRESS = """# The exercises that you have solved
from posecourse.exercises import show_progress

show_progress("{number:02d}")"""


def add_navigation(notebook, chapter: Chapter, root: Path) -> None:
    """Put the links into a chapter's notebook, and the line of its progress."""
    if chapter not in CHAPTERS:
        return
    before, after = _neighbours(chapter, root)
    home = [f"[Start here]({START.name}.ipynb)"] if START.source(root).exists() else []
    if (root / "glossary.md").exists():
        home.append("[Glossary](glossary.md)")
    back = [_link(before, "← {}")] if before else []
    on = [_link(after, "{} →")] if after else []
    cells = notebook.cells
    setup = next((i for i, c in enumerate(cells) if c.cell_type == "code"), None)
    if setup is not None:
        cells.insert(setup + 1, _cell("code", _PROGRESS.format(number=chapter.number)))
    cells.insert(0, _cell("markdown", " · ".join([*back, *home, *on])))
    cells.append(_cell("markdown", _end(after, " · ".join([*back, *home]))))
    for place, cell in enumerate(c for c in cells if _is_made(c)):
        text = f"{chapter.name}\n{NAVIGATION}\n{place}"
        cell.id = hashlib.sha256(text.encode()).hexdigest()[:12]


def _neighbours(chapter: Chapter, root: Path):
    """The written chapters before and after one, or None."""
    written = [c for c in CHAPTERS if c == chapter or c.source(root).exists()]
    place = written.index(chapter)
    return (
        written[place - 1] if place else None,
        written[place + 1] if place + 1 < len(written) else None,
    )


def _link(chapter: Chapter, text: str = "{}") -> str:
    name = text.format(f"{chapter.number}. {chapter.title}")
    return f"[{name}]({chapter.name}.ipynb)"


def _end(after: Chapter | None, links: str) -> str:
    if after is None:
        return f"## Next\n\nThis was the last chapter. Next comes something of your own.\n\n{links}"
    return f"## Next\n\n**{_link(after)}.** {after.promise}\n\n{links}"


def _cell(kind: str, text: str):
    from nbformat import v4

    if kind == "markdown":
        return v4.new_markdown_cell(text, metadata={"tags": [NAVIGATION]})
    folded = {"tags": [NAVIGATION], "jupyter": {"source_hidden": True}}
    return v4.new_code_cell(text, metadata=folded)


def _is_made(cell) -> bool:
    return NAVIGATION in cell.metadata.get("tags", [])
