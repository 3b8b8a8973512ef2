"""From a chapter's source to its two notebooks, executed.

``chapters/source/NN_name.py`` (jupytext's percent format) is edited by hand;
the learner's notebook and the solved one are generated from it. Everything
that could differ between two builds of the same chapter is taken out: random
cell ids, times, versions, widget state.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import io
import os
import re
import sys
import time
from collections import Counter
from pathlib import Path

from ..files import atomic_path
from .chapters import Chapter

__all__ = [
    "BuildError",
    "build",
    "execute",
    "generate",
    "in_step",
    "read_source",
    "relink",
]

CELL_TIMEOUT = 300  # seconds; a cell that takes longer is stuck
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
# What every build runs under, so that two machines store the same numbers.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "2",
    "MKL_NUM_THREADS": "2",
    "OPENBLAS_NUM_THREADS": "2",
    "PYTHONHASHSEED": "0",
    "CUDA_VISIBLE_DEVICES": "",
    "PYTHONWARNINGS": "default",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
}


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
    seen = Counter()
    for cell in notebook.cells:
        text = f"{chapter}\n{cell.cell_type}\n{cell.source}"
        seen[text] += 1
        cell.id = hashlib.sha256(f"{text}\n{seen[text]}".encode()).hexdigest()[:12]


def generate(chapter: Chapter, root: Path):
    """The learner's and the solved notebook, not executed.

    In the learner's, cells tagged ``solution`` are cut out. In the solved
    one they take the place of the ``exercise`` cell before them, and
    relative links lead one folder up.
    """
    source = read_source(chapter.source(root))
    student, solved = copy.deepcopy(source), copy.deepcopy(source)
    student.cells = [c for c in student.cells if "solution" not in tags(c)]

    cells = []
    for cell in solved.cells:
        if "solution" in tags(cell):
            if not cells or "exercise" not in tags(cells[-1]):
                raise BuildError(
                    f"{chapter.name}: a solution must come right after its "
                    f"exercise; this one does not:\n{cell.source}"
                )
            cell.id = cells.pop().id
        elif cell.cell_type == "markdown":
            cell.source = relink(cell.source, lambda to: "../" + to)
        cells.append(cell)
    if cells and cells[0].source.startswith("# "):
        title, *rest = cells[0].source.split("\n")
        cells[0].source = "\n".join([title + " (solutions)", *rest])
    solved.cells = cells
    return student, solved


# ](target) of Markdown and src="target", href="target" of HTML, where the
# target is a relative path
_LINK = re.compile(r"""(\]\(|(?:src|href)=["'])(?![a-z]+:|#|/)([^)\s"']+)""")


def relink(markdown: str, change) -> str:
    """Markdown whose relative links start from another folder.

    ``change(target)`` gives the new target of each.
    """
    return _LINK.sub(lambda m: m[1] + change(m[2]), markdown)


def execute(notebook, folder: Path, progress=None):
    """Run a notebook's cells in order in a fresh kernel; tidy the outputs.

    Parameters
    ----------
    notebook:
        Changed in place: outputs and execution counts are filled in.
    folder:
        The kernel's working directory.
    progress:
        Called with ``(cell index, seconds)`` after each code cell.

    Raises
    ------
    BuildError
        If a cell raises and is not tagged ``raises-exception``.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import (
        CellExecutionError,
        CellTimeoutError,
        DeadKernelError,
    )

    started = {}

    def start(cell, cell_index):
        started[cell_index] = time.perf_counter()

    def done(cell, cell_index, execute_reply):
        if progress and cell_index in started:
            progress(cell_index, time.perf_counter() - started[cell_index])

    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        kernel_name="python3",
        record_timing=False,
        store_widget_state=False,
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(folder)}},
        on_cell_execute=start,
        on_cell_executed=done,
    )
    try:
        client.execute(env={**os.environ, **ENVIRONMENT})
    except CellExecutionError as error:
        raise BuildError(_plain(str(error))) from None
    except (CellTimeoutError, DeadKernelError) as error:
        raise BuildError(str(error)) from None
    tidy(notebook)
    return notebook


def tidy(notebook) -> None:
    """Take out of the outputs what differs from build to build."""
    notebook.metadata = copy.deepcopy(NOTEBOOK_METADATA)
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        # A widget without its kernel shows an error; its picture stays.
        cell.outputs = [
            o
            for o in cell.outputs
            if "application/vnd.jupyter.widget-view+json" not in o.get("data", {})
        ]
        for output in cell.outputs:
            output.get("transient", {}).clear()
            if output.output_type == "execute_result":
                output.execution_count = cell.execution_count
            if output.output_type == "error":
                output.traceback = _notebook_frames(output)
            data = output.get("data", {})
            if "image/png" in data:
                data["image/png"] = _pack_png(data["image/png"])
                if data.get("text/plain", "").startswith("<Figure"):
                    del data["text/plain"]


def _plain(text: str) -> str:
    """Text without terminal colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def _notebook_frames(output) -> list[str]:
    """An error's traceback, only the lines of the notebook itself.

    What happens inside a library names folders of this machine and lines
    of one version.
    """
    inside = [_plain(f) for f in output.traceback]
    frames = [f for f in inside if f.lstrip().startswith("Cell In[")]
    return [*frames, f"{output.ename}: {_plain(output.evalue)}"]


def _pack_png(text: str) -> str:
    """A PNG (base64) as small as it gets, without its maker's version."""
    from PIL import Image

    image = Image.open(io.BytesIO(base64.b64decode(text)))
    image.load()
    packed = io.BytesIO()
    if image.mode == "RGBA" and image.getextrema()[3] == (255, 255):
        image = image.convert("RGB")
    image.info = {}
    image.save(packed, "PNG", optimize=True)
    return base64.b64encode(packed.getvalue()).decode() + "\n"


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


def build(chapters, root: Path, draft=False, unchanged_too=False) -> int:
    """Generate, run, check and store chapters; returns an exit status.

    A notebook that runs but breaks a rule is stored all the same, so that
    its author can look at it; the rule is printed and the status is 1.
    """
    from .rules import problems, source_problems

    status = 0
    for chapter in chapters:
        student, solved = generate(chapter, root)
        pairs = [(student, chapter.notebook(root), root)]
        if not draft:
            path = chapter.solutions(root)
            path.parent.mkdir(exist_ok=True)
            pairs.append((solved, path, path.parent))
        wrong = source_problems(chapter, root)
        for notebook, path, folder in pairs:
            if not unchanged_too and not in_step(notebook, path):
                print(f"{path.name}: unchanged")
                continue
            try:
                _run_one(notebook, path, folder)
            except BuildError as error:
                print(f"{path.parent.name}/{path.name}: {error}", file=sys.stderr)
                status = 1
                continue
            write(notebook, path)
            wrong += problems(notebook, chapter, root)
        for line in dict.fromkeys(wrong):
            print(f"  {line}", file=sys.stderr)
            status = 1
    return status


def _run_one(notebook, path: Path, folder: Path) -> None:
    """Run one notebook and say how long it and its slowest cells took."""
    times = {}
    start = time.perf_counter()
    execute(notebook, folder, times.__setitem__)
    total = time.perf_counter() - start
    slow = sorted(times, key=times.get, reverse=True)[:3]
    cells = "; ".join(
        f"{times[i]:.1f} s {notebook.cells[i].source.splitlines()[0][:40]!r}"
        for i in slow
        if times[i] >= 1
    )
    print(
        f"{path.parent.name}/{path.name}: {total:.0f} s, "
        f"{len(notebook.cells)} cells" + (f" ({cells})" if cells else "")
    )
