"""From a chapter's source to its two notebooks, executed.

``chapters/source/NN_name.py`` (jupytext's percent format) is edited by hand;
the learner's notebook and the solved one are generated from it. Everything
that could differ between two builds of the same chapter is taken out: random
cell ids, times, versions, widget state.
"""

from __future__ import annotations

import copy
import os
import re
import sys
import time
from pathlib import Path

from .notebooks import (
    NOTEBOOK_METADATA,
    BuildError,
    generate,
    in_step,
    read,
    write,
)

__all__ = ["CELL_TIMEOUT", "ENVIRONMENT", "build", "execute", "tidy"]


CELL_TIMEOUT = 300  # seconds; a cell that takes longer is stuck


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
        coalesce_streams=True,
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


def build(chapters, root: Path, draft=False, unchanged_too=False) -> int:
    """Generate, run, check and store chapters; returns an exit status.

    One whose text alone was edited keeps its outputs. A notebook that runs but
    breaks a rule is stored all the same, so that
    its author can look at it; the rule is printed and the status is 1.
    """
    from .rules import problems, source_problems

    status = 0
    for chapter in chapters:
        student, solved = generate(chapter, root)
        pairs = [(student, chapter.notebook(root), root)]
        if solved is not None and not draft:
            path = chapter.solutions(root)
            path.parent.mkdir(exist_ok=True)
            pairs.append((solved, path, path.parent))
        wrong = source_problems(chapter, root)
        for notebook, path, folder in pairs:
            if not unchanged_too and not in_step(notebook, path):
                print(f"{path.name}: unchanged")
                continue
            try:
                if unchanged_too or not keep_outputs(notebook, path):
                    _run_one(notebook, path, folder)
                else:
                    print(f"{path.parent.name}/{path.name}: only text changed")
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


def keep_outputs(notebook, path: Path) -> bool:
    """Take what a stored notebook's cells gave, if all of the code is the same.

    Then only text was edited, and nothing has to be run.
    """
    if not path.exists():
        return False
    old, new = (
        [cell for cell in some.cells if cell.cell_type == "code"]
        for some in (read(path), notebook)
    )
    if [cell.source for cell in old] != [cell.source for cell in new]:
        return False
    for before, cell in zip(old, new):
        cell.outputs, cell.execution_count = before.outputs, before.execution_count
    notebook.metadata = copy.deepcopy(NOTEBOOK_METADATA)
    return True


def _run_one(notebook, path: Path, folder: Path) -> None:
    """Run one notebook and say how long it and its slowest cells took."""
    times: dict[int, float] = {}
    start = time.perf_counter()
    execute(notebook, folder, times.__setitem__)
    total = time.perf_counter() - start
    slow = sorted(times, key=times.__getitem__, reverse=True)[:3]
    cells = "; ".join(
        f"{times[i]:.1f} s {notebook.cells[i].source.splitlines()[0][:40]!r}"
        for i in slow
        if times[i] >= 1
    )
    print(
        f"{path.parent.name}/{path.name}: {total:.0f} s, "
        f"{len(notebook.cells)} cells" + (f" ({cells})" if cells else "")
    )
