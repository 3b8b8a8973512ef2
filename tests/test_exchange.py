"""Homework in the hands of other graders: nbgrader and Gradescope."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from posecourse.authoring.homework import get_page
from posecourse.cli import main
from posecourse.exercises import require_passed
from posecourse.exercises.grading import read_assignment
from posecourse.exercises.grading.assignment import code_cells

SHEET = get_page("homework1")


@pytest.fixture
def answers(root):
    """``{exercise: its solution}``"""
    chapters = root / "chapters"
    solved = json.loads(SHEET.solutions(chapters).read_text("utf-8"))
    cells = {c["id"]: c["source"] for c in code_cells(solved)}
    return {
        p.id: cells[p.cell_id]
        for p in read_assignment(SHEET.notebook(chapters)).problems
    }


@pytest.fixture
def course(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = ["release", "homework1", "--for", "nbgrader", "--out", "course"]
    assert main(["exercise", *arguments]) == 0
    return tmp_path / "course"


def test_what_nbgrader_is_given(course, answers):
    path = course / "source" / "homework1" / "homework1.ipynb"
    cells = json.loads(path.read_text("utf-8"))["cells"]
    marks = [c["metadata"].get("nbgrader") for c in cells]
    graded = [m for m in marks if m and m["grade"]]
    assert [m["points"] for m in graded] == [1, 2, 3, 4]
    assert len({m["grade_id"] for m in marks if m}) == sum(m is not None for m in marks)
    text = "\n".join("".join(c["source"]) for c in cells)
    assert all(answer in text for answer in answers.values())
    assert text.count("### BEGIN HIDDEN TESTS") == 3
    assert not list(course.rglob(".copied.json"))
    assert main(["exercise", "release", "3", "--for", "nbgrader", "--out", "c3"]) == 0
    assert Path("c3/source/03_heatmaps/03_heatmaps.ipynb").is_file()


def nbgrader(course, *arguments):
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=course,
        capture_output=True,
        text=True,
        env=os.environ
        | {
            "HOME": str(course.parent),  # no settings of the teacher's own
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        },
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("nbgrader") is None,
    reason="nbgrader is not installed: pip install posecourse[nbgrader]",
)
def test_nbgrader_hands_out_and_grades(course, answers):
    """Anna has two answers right and one wrong, Ben has none."""
    nbgrader(course, "generate_assignment", "homework1")
    handed_out = (course / "release" / "homework1" / "homework1.ipynb").read_text(
        "utf-8"
    )
    assert "HIDDEN" not in handed_out and "require_passed" not in handed_out
    for answer in answers.values():
        lines = [line.strip() for line in answer.splitlines()[2:]]
        assert json.dumps(lines[-1])[1:-1] not in handed_out
    in_percent = answers["H1.3"].replace("*np.array(", "*(100 * np.array(") + ")"
    wrong = {"H1.3": in_percent}
    for student, given in (("anna", answers | wrong), ("ben", {})):
        place = course / "submitted" / student / "homework1"
        shutil.copytree(course / "release" / "homework1", place)
        notebook = json.loads(handed_out)
        for problem in read_assignment(place / "homework1.ipynb").problems:
            for cell in notebook["cells"]:
                if cell["id"] == problem.cell_id and problem.id in given:
                    cell["source"] = given[problem.id]
        # the last pictures are of no consequence for the points, and slow
        notebook["cells"] = [
            c
            for c in notebook["cells"]
            if "crowd" not in "".join(c["source"])
            and "table = [" not in "".join(c["source"])
        ]
        (place / "homework1.ipynb").write_text(json.dumps(notebook), "utf-8")
    nbgrader(course, "autograde", "homework1")
    nbgrader(course, "export")
    rows = (course / "grades.csv").read_text().splitlines()
    head = rows[0].split(",")
    scores = {
        row.split(",")[head.index("student_id")]: float(
            row.split(",")[head.index("raw_score")]
        )
        for row in rows[1:]
    }
    assert scores == {"anna": 3, "ben": 0}
    graded = (course / "autograded/anna/homework1/homework1.ipynb").read_text("utf-8")
    assert "shares are between 0 and 1, not percent" in graded


def test_what_hidden_tests_say():
    with pytest.raises(AssertionError, match="not right yet"):
        require_passed("H1.2", lambda torso: torso[:, 0, 0] > 0)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Gradescope runs on Linux")
def test_an_autograder_for_gradescope(root, tmp_path, answers, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = ["release", "homework1", "--for", "gradescope", "--out", "auto.zip"]
    assert main(["exercise", *arguments]) == 0
    with zipfile.ZipFile("auto.zip") as file:
        (wheel,) = [n for n in file.namelist() if n.endswith(".whl")]
        script = file.read("run_autograder").decode()
        assert wheel in file.read("setup.sh").decode()
        with zipfile.ZipFile(file.open(wheel)) as inner:
            assert "posecourse/exercises/hidden/homework_1.py" in inner.namelist()
    assert not re.search(r"[{}]{2}", script)
    sheet = SHEET.notebook(root / "chapters")
    notebook = json.loads(sheet.read_text("utf-8"))
    for problem in read_assignment(sheet).problems[:1]:
        for cell in notebook["cells"]:
            if cell["id"] == problem.cell_id:
                cell["source"] = answers[problem.id]
    for name in ("submission", "results"):
        (tmp_path / name).mkdir()
    (tmp_path / "submission" / "mine.ipynb").write_text(json.dumps(notebook), "utf-8")
    command = tmp_path / "posecourse"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m posecourse "$@"\n')
    command.chmod(0o755)
    environment = os.environ | {
        "AUTOGRADER": str(tmp_path),
        "POSECOURSE": str(command),
        "PYTHONPATH": str(root),
    }
    done = subprocess.run(
        ["bash", "-c", script], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    tests = json.loads((tmp_path / "results" / "results.json").read_text())["tests"]
    assert [(t["score"], t["max_score"], t["status"]) for t in tests] == [
        (1, 1, "passed"),
        (0, 2, "failed"),
        (0, 3, "failed"),
    ]
    assert tests[1]["output"].startswith("empty")
