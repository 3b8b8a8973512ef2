"""A chapter or a homework for other graders: nbgrader, Gradescope.

Both run a student's notebook or function beside the checks; `posecourse exercise
grade` does not, which is why it cannot be fooled.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

from ..exercises.grading.assignment import read_assignment
from ..files import FileError, atomic_path, new_folder, read_json
from .chapters import Chapter
from .copies import copy_course
from .release import write_wheel

__all__ = ["write_gradescope", "write_nbgrader"]

_CONFIG = """# A course for nbgrader: nbgrader generate_assignment {name}
c = get_config()
c.CourseDirectory.course_id = "posecourse"
c.ClearSolutions.code_stub = {{"python": "# YOUR CODE HERE"}}
c.ExecutePreprocessor.timeout = 600
"""
_HIDDEN = """
### BEGIN HIDDEN TESTS
from posecourse.exercises import require_passed

require_passed("{id}", {name})
### END HIDDEN TESTS"""


def write_nbgrader(chapter: Chapter, course: Path, out: Path) -> Path:
    """Write a folder for nbgrader: a course with one assignment in ``source/``.

    Exercises become autograded cells with the points of their stars, and what a
    teacher reads becomes one manually graded cell. nbgrader makes what students get
    (``nbgrader generate_assignment``), without solutions and hidden tests.

    Raises
    ------
    FileError
        If the folder has something in it already.
    """
    folder = new_folder(out)
    place = folder / "source" / chapter.name
    copy_course(course, place, only=chapter)
    (place / ".copied.json").unlink()
    path = chapter.notebook(place)
    notebook = _with_metadata(path, chapter.solutions(course / "chapters"))
    text = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
    Path(place, f"{chapter.name}.ipynb").write_text(text, "utf-8")
    if path.parent != place:  # nbgrader grades what lies at the top
        path.unlink()
        path.parent.rmdir()
    config = _CONFIG.format(name=chapter.name)
    Path(folder, "nbgrader_config.py").write_text(config, "utf-8")
    return folder


def _with_metadata(path: Path, solved: Path) -> dict:
    assignment = read_assignment(path)
    notebook = read_json(path, "notebook")
    answers = {
        cell["id"]: "".join(cell["source"])
        for cell in read_json(solved, "notebook")["cells"]
    }
    by_cell = {problem.cell_id: problem for problem in assignment.problems}
    by_check = {
        f'check("{problem.id}", {problem.name})': problem
        for problem in assignment.problems
    }
    by_hand = sum(criterion.points for criterion in assignment.rubric)
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        if cell["id"] in by_cell:
            answer = answers[cell["id"]]
            cell["source"] = (
                f"{text}\n\n\n### BEGIN SOLUTION\n{answer}\n### END SOLUTION"
            )
            _mark(cell, solution=True)
        elif text in by_check:
            problem = by_check[text]
            cell["source"] = text + _HIDDEN.format(id=problem.id, name=problem.name)
            _mark(cell, grade=True, locked=True, points=problem.points)
        elif text.strip() == "*(Write here.)*":
            _mark(cell, grade=True, solution=True, points=by_hand)
        elif "setup" in cell["metadata"].get("tags", ()):
            _mark(cell, locked=True)
    return notebook


def _mark(cell, grade=False, solution=False, locked=False, points=None) -> None:
    cell["metadata"]["nbgrader"] = {
        "schema_version": 3,
        "grade_id": f"cell-{cell['id']}",
        "grade": grade,
        "solution": solution,
        "locked": locked,
        "task": False,
    }
    if points is not None:
        cell["metadata"]["nbgrader"]["points"] = points


_SETUP = """#!/usr/bin/env bash
set -e
apt-get update && apt-get install -y python3 python3-pip python3-venv
python3 -m venv /autograder/venv
/autograder/venv/bin/pip install uv
/autograder/venv/bin/uv pip install --python /autograder/venv/bin/python \\
  --torch-backend cpu /autograder/source/{wheel}
"""
_RUN = """#!/usr/bin/env bash
cd "${{AUTOGRADER:-/autograder}}"
"${{POSECOURSE:-venv/bin/posecourse}}" exercise grade {name} submission \\
  --out graded --again --gradescope results/results.json
"""


def write_gradescope(chapter: Chapter, course: Path, out: Path) -> Path:
    """Write an autograder for Gradescope: a zip with the whole course in it.

    Raises
    ------
    FileError
        If the file exists, or does not end in ``.zip``.
    """
    import tempfile

    if out.exists() or out.suffix.lower() != ".zip":
        raise FileError(f"{out} must be a new file that ends in .zip")
    with (
        tempfile.TemporaryDirectory() as temporary,
        atomic_path(out) as part,
        zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as file,
    ):
        wheel = write_wheel(course, Path(temporary), whole=True)
        file.write(wheel, wheel.name, zipfile.ZIP_STORED)
        file.writestr("setup.sh", _SETUP.format(wheel=wheel.name))
        file.writestr("run_autograder", _RUN.format(name=chapter.name))
    return out
