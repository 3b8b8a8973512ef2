"""A term of homework: solved sheets get all points, empty ones none, and typical
mistakes are named."""

import ast
import csv
import json
import re
import time

import pytest
from homework_mistakes import MISTAKES

from posecourse.authoring.chapters import folder
from posecourse.authoring.homework import SHEETS, generate_sheet, there
from posecourse.authoring.notebooks import in_step
from posecourse.authoring.release import release
from posecourse.cli import main
from posecourse.commands import lab
from posecourse.exercises import ExerciseError, examine, get_exercise, grading
from posecourse.exercises.grading.assignment import code_cells

WRITTEN = there(folder())


def cells_of(path):
    return code_cells(json.loads(path.read_text("utf-8")))


@pytest.fixture(scope="module", params=WRITTEN, ids=lambda sheet: sheet.name)
def sheet(request):
    return request.param


@pytest.fixture(scope="module")
def assignment(sheet):
    return grading.read_assignment(sheet.notebook(folder()))


@pytest.fixture(scope="module")
def answers(sheet, assignment):
    """``{exercise: its solution}``"""
    solved = {c["id"]: c["source"] for c in cells_of(sheet.solutions(folder()))}
    return {p.id: solved[p.cell_id] for p in assignment.problems}


@pytest.fixture(scope="module")
def notebook_of(assignment, answers):
    """Runs the setup and answers; gives the names. What is not given is solved."""
    setup: dict = {"__name__": "__main__"}
    for source in assignment.setup:
        exec(source, setup)

    def run(given):
        names = dict(setup)
        for text in (answers | given).values():
            exec(text, names)
        return names

    return run


def judged(assignment, names):
    return {
        p.id: examine(p.id, names[p.name], graded=True) for p in assignment.problems
    }


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Answers may write files."""
    monkeypatch.chdir(tmp_path)


def test_every_sheet_of_the_term_is_there():
    assert [s.name for s in WRITTEN] == [s.name for s in SHEETS]
    assert len(SHEETS) == 6


def test_a_sheet_is_what_its_source_says(sheet):
    pages = generate_sheet(sheet, folder())
    for page, path in zip(pages, (sheet.notebook(folder()), sheet.solutions(folder()))):
        assert in_step(page, path) == []
        assert path.stat().st_size < 10**6
    cells = json.loads(sheet.notebook(folder()).read_text("utf-8"))["cells"]
    assert not any(cell.get("outputs") for cell in cells)
    for cell in cells_of(sheet.notebook(folder())):
        lines = cell["source"].splitlines()
        assert len(lines) <= 25 and all(len(line) <= 79 for line in lines), lines[:2]


def test_a_sheet_has_ten_points_and_hints(assignment):
    assert len(assignment.problems) == 3 and assignment.points == 6
    assert sum(c.points for c in assignment.rubric) == 4
    for problem in assignment.problems:
        assert get_exercise(problem.id).hints and problem.title


def test_a_sheet_uses_public_names(sheet):
    for cell in cells_of(sheet.solutions(folder())):
        for node in ast.walk(ast.parse(cell["source"])):
            for name in (getattr(node, "attr", ""), getattr(node, "module", "") or ""):
                assert not re.search(r"(^|\.)_[^_]", name), (sheet.name, name)


@pytest.mark.slow
def test_the_solution_gets_all_points(assignment, notebook_of, here, one_thread):
    started = time.process_time()
    for id, result in judged(assignment, notebook_of({})).items():
        assert result.passed, (id, result.message)
    assert time.process_time() - started < 30


@pytest.mark.slow
def test_an_empty_sheet_gets_nothing(assignment, notebook_of, here):
    stubs = {p.id: p.stub for p in assignment.problems}
    for id, result in judged(assignment, notebook_of(stubs)).items():
        assert result.status == "not yet", (id, result.message)


@pytest.mark.slow
def test_an_empty_sheet_runs_to_its_end(sheet, here, one_thread, capsys):
    names: dict = {"__name__": "__main__"}
    for cell in cells_of(sheet.notebook(folder())):
        exec(cell["source"], names)
    assert "Solve the three tasks first" in capsys.readouterr().out


@pytest.mark.slow
def test_typical_mistakes_are_named(assignment, answers, notebook_of, here, one_thread):
    for problem in assignment.problems:
        mistakes = MISTAKES[problem.id]
        assert mistakes
        for old, new, words in mistakes:
            wrong = answers[problem.id].replace(old, new)
            assert wrong != answers[problem.id], (problem.id, old)
            names = notebook_of({problem.id: wrong})
            result = examine(problem.id, names[problem.name], graded=True)
            assert result.status == "not right yet", (problem.id, new)
            assert words in " ".join(result.message.split()), (new, result.message)


def test_lab_brings_a_sheet(root, tmp_path, monkeypatch):
    """Into an empty folder, and its exercises are listed from then on."""
    opened = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        lab, "start_server", lambda *given: opened.append(given[1]) or 0
    )
    work = tmp_path / "mine"
    assert main(["lab", "homework2", "--work", str(work), "--no-browser"]) == 0
    assert opened == [work / "homework" / "homework2.ipynb"]
    assert opened[0].is_file() and not (work / "homework" / "solutions").exists()


def test_students_without_hidden_tests_are_told(tmp_path, monkeypatch):
    monkeypatch.setattr("posecourse.exercises.hidden_module", lambda which: None)
    with pytest.raises(ExerciseError, match="made for students"):
        examine("H1.2", len, graded=True)
    assert examine("H1.2", len).status == "not right yet"


# -------------------------------------------------- from handout to gradebook


def answered(path, answers):
    content = json.loads(path.read_text("utf-8"))
    ids = {p.cell_id: p.id for p in grading.read_assignment(path).problems}
    for cell in content["cells"]:
        if ids.get(cell["id"]) in answers:
            cell["source"] = answers[ids[cell["id"]]]
    return json.dumps(content)


@pytest.mark.slow
def test_from_handout_to_gradebook(
    sheet, assignment, answers, root, tmp_path, monkeypatch, capsys
):
    """In processes of their own, shut in: as a teacher grades."""
    handout = release(sheet, root, tmp_path / "handout")
    path = sheet.notebook(handout)
    assert path.name in (handout / "README.md").read_text("utf-8")
    text = "".join(
        p.read_text("utf-8", errors="replace")
        for p in handout.rglob("*")
        if p.is_file()
    )
    given = path.read_text("utf-8")
    for answer in answers.values():
        lines = [line.strip() for line in answer.splitlines() if len(line) > 16]
        own = [line for line in lines if json.dumps(line)[1:-1] not in given]
        assert len(own) > 0 and not [li for li in own if json.dumps(li)[1:-1] in text]
    class_ = tmp_path / "in"
    class_.mkdir()
    (class_ / "anna.ipynb").write_text(answered(path, answers), "utf-8")
    (class_ / "ben.ipynb").write_text(given, "utf-8")
    monkeypatch.chdir(tmp_path)
    command = [
        "exercise",
        "grade",
        sheet.name,
        "in",
        "--out",
        "out",
        "--seconds",
        "500",
    ]
    assert main([*command, "--jobs", "1"]) == 0, capsys.readouterr().out
    said = capsys.readouterr().out
    assert "anna: 6 of 6 points" in said and "ben: 0 of 6 points" in said, said

    rows = list(
        csv.DictReader((tmp_path / "out/marks.csv").read_text("utf-8-sig").splitlines())
    )
    first, second = (f"{c.name} (of {c.points})" for c in assignment.rubric)
    assert [row["student"] for row in rows] == ["anna", "ben"]
    assert rows[0][first] == ""
    (tmp_path / "out" / "marks.csv").write_text(
        f"student;{first};{second};note\nanna;1,5;2;Well seen.\nzoe;1;;\n", "utf-8"
    )
    assert main(command) == 0
    assert "(graded before)" in capsys.readouterr().out
    book = list(
        csv.DictReader(
            (tmp_path / "out/gradebook.csv").read_text("utf-8-sig").splitlines()
        )
    )
    assert [row["total"] for row in book] == ["9.5", ""]
    assert "Together 9.5 of 10" in (tmp_path / "out/feedback/anna.html").read_text(
        "utf-8"
    )
    assert "Well seen." in (tmp_path / "out/feedback/anna.html").read_text("utf-8")
    kept = (tmp_path / "out/marks.csv").read_text("utf-8-sig").splitlines()
    assert kept[1:] == ["anna,1.5,2,Well seen.", "ben,,,", "zoe,1,,"]
