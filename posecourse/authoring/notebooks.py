"""Chapter sources and notebooks: read, generated, compared, written."""

from __future__ import annotations

import copy
import hashlib
import re
from collections import Counter
from pathlib import Path

from ..files import atomic_path
from .chapters import START, Chapter
from .navigation import add_navigation

__all__ = [
    "MARKER",
    "NOTEBOOK_METADATA",
    "BuildError",
    "generate",
    "in_step",
    "read",
    "read_source",
    "relink",
    "split_editions",
    "tags",
    "write",
]


NOTEBOOK_METADATA = {
    "kernelspec": {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    },
    "language_info": {
        "name": "python",
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "pygments_lexer": "ipython3",
    },
}

# In a source, the metadata of a cell that say which part of the document it
# teaches (`document.places`).
MARKER = "document"


class BuildError(ValueError):
    """A chapter did not run, or breaks a rule."""


def tags(cell) -> list[str]:
    """A cell's tags."""
    return cell.metadata.get("tags", [])


def read_source(path: Path):
    """The source as a notebook without outputs, all cells in it."""
    import jupytext

    # comment_magics: a comment that happens to start with % stays a comment
    notebook = jupytext.reads(
        path.read_text("utf-8"),
        fmt={"extension": ".py", "format_name": "percent", "comment_magics": False},
    )
    notebook.metadata = copy.deepcopy(NOTEBOOK_METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for cell in notebook.cells:
        cell.metadata.pop("lines_to_next_cell", None)
    _name_cells(notebook, path.stem)
    return notebook


def _name_cells(notebook, chapter: str) -> None:
    """Ids that follow from a cell's own text.

    An edit changes the id of the edited cell only, wherever cells are
    inserted or moved; cells with the same text are counted.
    """
    seen: Counter[str] = Counter()
    for cell in notebook.cells:
        text = f"{chapter}\n{cell.cell_type}\n{cell.source}"
        seen[text] += 1
        cell.id = hashlib.sha256(f"{text}\n{seen[text]}".encode()).hexdigest()[:12]


def generate(chapter: Chapter, root: Path):
    """The learner's and the solved notebook, not executed.

    In the learner's, cells tagged ``solution`` are cut out. In the solved
    one they take the place of the ``exercise`` cell before them, and
    relative links lead one folder up. The first page has no solved edition:
    None.
    """
    source = read_source(chapter.source(root))
    for cell in source.cells:
        cell.metadata.pop(MARKER, None)
    add_navigation(source, chapter, root)
    student, solved = split_editions(source, chapter.name)
    return student, None if chapter == START else solved


def split_editions(source, name: str):
    """The learner's and the solved edition of a notebook that has both."""
    _fold(source)
    _space_answers(source)
    student, solved = copy.deepcopy(source), copy.deepcopy(source)
    student.cells = [c for c in student.cells if "solution" not in tags(c)]

    cells: list = []
    for cell in solved.cells:
        if "solution" in tags(cell):
            if not cells or "exercise" not in tags(cells[-1]):
                raise BuildError(
                    f"{name}: a solution must come right after its "
                    f"exercise; this one does not:\n{cell.source}"
                )
            cell.id = cells.pop().id
        elif cell.cell_type == "markdown":
            cell.source = relink(cell.source, lambda to: "../" + to)
        cells.append(cell)
    titled = next((c for c in cells if c.source.startswith("# ")), None)
    if titled is not None:
        title, *rest = titled.source.split("\n")
        titled.source = "\n".join([title + " (solutions)", *rest])
    solved.cells = cells
    return student, solved


def _fold(notebook) -> None:
    """Fold the code of the setup cell and of those tagged ``hide-input``."""
    code = [c for c in notebook.cells if c.cell_type == "code"]
    for cell in code:
        if cell is code[0] or "hide-input" in tags(cell):
            cell.metadata["jupyter"] = {"source_hidden": True}


def _space_answers(notebook) -> None:
    """Leave room below what is folded, as below a paragraph."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = cell.source.replace(
                "<details>", '<details style="margin-bottom: 1em">'
            )


# ](target) of Markdown and src="target", href="target" of HTML, where the
# target is a relative path
_LINK = re.compile(r"""(\]\(|(?:src|href)=["'])(?![a-z]+:|#|/)([^)\s"']+)""")


def relink(markdown: str, change) -> str:
    """Markdown whose relative links start from another folder.

    ``change(target)`` gives the new target of each.
    """
    return _LINK.sub(lambda m: m[1] + change(m[2]), markdown)


def write(notebook, path: Path) -> None:
    """Store a notebook: checked, one line per line, newline at the end."""
    import nbformat

    nbformat.validate(notebook)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary:
        Path(temporary).write_text(
            nbformat.writes(notebook).rstrip("\n") + "\n", "utf-8", newline="\n"
        )


def read(path: Path):
    """A stored notebook."""
    import nbformat

    return nbformat.read(path, as_version=4)


def in_step(generated, path: Path) -> list[str]:
    """How a stored notebook differs from what its source generates."""
    if not path.exists():
        return [f"{path.name} does not exist"]
    stored = read(path)

    def fingerprint(cell):
        return cell.id, cell.cell_type, cell.source, dict(cell.metadata)

    old = [fingerprint(c) for c in stored.cells]
    new = [fingerprint(c) for c in generated.cells]
    if old == new:
        return []
    changed = [
        source
        for _, _, source, _ in [f for f in new if f not in old]
        or [f for f in old if f not in new]
    ]
    where = (
        f"; the first: {changed[0].splitlines()[0]!r}" if changed and changed[0] else ""
    )
    return [
        f"{path.name} is out of step with its source "
        f"({len(changed) or 'the order of'} cells{where}); run: "
        f"posecourse chapters build {path.name[:2]}"
    ]
