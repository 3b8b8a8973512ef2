"""Check notebooks: ``python chapters/teaching/grade.py 3 handed_in/*.ipynb``.

Prints one line of CSV per notebook: file, exercises passed, and the state of
each exercise. Every notebook is run from top to bottom, so run this where you
would run your students' code, such as a container or an account of its own.
The checks are those of the course's own notebook, not of the one handed in.
"""

import csv
import re
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError

from posecourse.authoring import chapters

SECONDS = 120      # for a cell; one that takes longer is interrupted


def checks_of(notebook) -> dict[str, str]:
    """``{"03.1": "peak"}``: what the chapter's checks look at."""
    found = [re.match(r'check\("([\w.]+)", (.+)\)', cell.source)
             for cell in notebook.cells
             if "check" in cell.metadata.get("tags", [])]
    return {match[1]: match[2] for match in found}


def grade(path: Path, checks: dict[str, str]) -> list[str]:
    """The state of each exercise in a notebook that was handed in."""
    notebook = nbformat.read(path, as_version=4)
    for number, answer in checks.items():
        notebook.cells.append(nbformat.v4.new_code_cell(
            "from posecourse.exercises import check\n"
            f"print(check({number!r}, {answer}).status)"))
    with tempfile.TemporaryDirectory() as folder:
        try:
            NotebookClient(
                notebook, timeout=SECONDS, interrupt_on_timeout=True,
                allow_errors=True, kernel_name="python3",
                resources={"metadata": {"path": folder}}).execute()
        except DeadKernelError:
            return ["ended the kernel"] * len(checks)
    return [_said(cell) for cell in notebook.cells[-len(checks):]]


def _said(cell) -> str:
    text = "".join(o.get("text", "") for o in cell.outputs).strip()
    return text.splitlines()[-1] if text else "missing"


def main(which: str, paths: list[str]) -> None:
    chapter = chapters.get_chapter(which)
    checks = checks_of(nbformat.read(
        chapter.notebook(chapters.folder()), as_version=4))
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(["notebook", "passed", *checks])
    for path in sorted(paths):
        states = grade(Path(path), checks)
        table.writerow([path, states.count("passed"), *states])
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
