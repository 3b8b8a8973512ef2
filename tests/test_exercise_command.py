"""``posecourse exercise``: a learner's own, and the handout of a class."""

import json
import os
import re
import subprocess
import sys
import zipfile

import pytest
from submissions import answered, notebook, small_assignment, solutions

from posecourse import places
from posecourse.authoring.chapters import get_chapter
from posecourse.authoring.copies import copy_course
from posecourse.authoring.release import release, write_wheel
from posecourse.cli import main
from posecourse.exercises.grading import read_assignment
from posecourse.exercises.grading.assignment import code_cells
from posecourse.exercises.grading.collect import collect, read_students
from posecourse.exercises.progress import solved

CHAPTER = get_chapter(3)


@pytest.fixture
def work(root, tmp_path, monkeypatch):
    """A learner's folder with chapter 3, and the current folder in it."""
    folder = tmp_path / "work"
    copy_course(root, folder, only=CHAPTER)
    monkeypatch.chdir(folder)
    return folder


def write_answers(work, answers):
    path = CHAPTER.notebook(work)
    content = json.loads(path.read_text("utf-8"))
    for problem in read_assignment(path).problems:
        for cell in content["cells"]:
            if cell["id"] == problem.cell_id and problem.id in answers:
                cell["source"] = answers[problem.id]
    path.write_text(json.dumps(content), "utf-8")


@pytest.mark.slow
def test_check_says_what_the_notebook_would(root, work, capsys):
    write_answers(
        work, {"03.1": solutions(root)["03.1"], "03.2": "def read_bump(*x): 1"}
    )
    assert main(["exercise", "check", "03.1"]) == 0
    assert "03.1: passed" in capsys.readouterr().out
    assert list(solved(work)) == ["03.1"]
    assert main(["exercise", "check", "3"]) == 1
    said = capsys.readouterr().out
    assert "03.2: empty" in said and "1 of 3 passed" in said


def test_reset_keeps_what_was_there(root, work, capsys):
    path, handed_out = CHAPTER.notebook(work), CHAPTER.notebook(work).read_bytes()
    answers = solutions(root)
    write_answers(work, answers)
    mine = path.read_bytes()
    assert main(["exercise", "reset", "03.2"]) == 0
    kept = work / "03_heatmaps-before-1.ipynb"
    assert "before-1" in capsys.readouterr().out and kept.read_bytes() == mine
    cells = {c["id"]: c["source"] for c in code_cells(json.loads(path.read_bytes()))}
    for problem in read_assignment(CHAPTER.notebook(root / "chapters")).problems:
        expected = problem.stub if problem.id == "03.2" else answers[problem.id]
        assert cells[problem.cell_id] == expected
    assert main(["exercise", "reset", "3"]) == 0
    assert path.read_bytes() == handed_out
    assert (work / "03_heatmaps-before-2.ipynb").is_file()


def test_reset_of_a_cell_that_is_gone(work, capsys):
    path = CHAPTER.notebook(work)
    path.write_bytes(notebook("1"))
    assert main(["exercise", "reset", "03.1"]) == 2
    assert "brings the whole chapter back" in capsys.readouterr().err
    assert [p.name for p in work.glob("*.ipynb")] == ["03_heatmaps.ipynb"]


def test_hints_one_by_one(capsys):
    assert main(["exercise", "hint", "03.1"]) == 0
    said = capsys.readouterr().out
    assert "Hint 1 of" in said and "posecourse exercise hint 03.1 2" in said
    assert main(["exercise", "hint", "03.1", "99"]) == 2
    assert main(["exercise", "hint", "03.9"]) == 2


def test_what_is_not_there_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for arguments, words in (
        (["check", "3", "--work", "none"], "posecourse lab 3 makes it"),
        (["check", "99"], "no chapter '99'"),
        (["grade", "3", "none", "--out", "out"], "no notebook"),
        (["collect", "3", "none", "--out", "out"], "no file or folder"),
        (["grade", "3"], "required"),
    ):
        status = main(["exercise", *arguments])
        said = capsys.readouterr()
        assert words in said.err or words in said.out, said
        assert status in (0, 2)


@pytest.mark.slow
def test_a_gradebook_from_the_command(root, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assignment = small_assignment(root)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "anna.ipynb").write_bytes(answered(assignment, solutions(root)))
    (tmp_path / "in" / "ben.ipynb").write_bytes(b"{")
    assert (
        main(["exercise", "grade", "3", "in", "--out", "out", "--seconds", "200"]) == 1
    )
    said = capsys.readouterr().out
    assert f"anna: {assignment.points} of {assignment.points} points" in said
    assert "ben: 0 of" in said and "unreadable file" in said
    assert (tmp_path / "out" / "gradebook.html").is_file()
    assert (tmp_path / "out" / "feedback" / "ben.html").is_file()
    rows = (tmp_path / "out" / "gradebook.csv").read_text("utf-8-sig").splitlines()
    assert rows[1].startswith("anna,6,6,3,passed,passed,passed")


# --------------------------------------------------------------- the handout


def solution_lines(root, chapter):
    """Every line that stands in a solution and not in what is handed out."""
    handed_out = CHAPTER.notebook(root / "chapters").read_text("utf-8")
    lines = {
        line.strip()
        for text in solutions(root, chapter).values()
        for line in text.splitlines()
    }
    return {
        line
        for line in lines
        if len(line) > 12 and json.dumps(line)[1:-1] not in handed_out
    }


def test_a_handout_has_no_solution(root, tmp_path):
    folder = release(CHAPTER, root, tmp_path / "handout")
    there = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.*"))
    assert "03_heatmaps.ipynb" in there and "README.md" in there
    assert not [p for p in there if re.search(r"source|solution|\.git|\.py", p)]
    lines = solution_lines(root, 3)
    assert len(lines) > 10
    text = "".join(
        p.read_text("utf-8", errors="replace") for p in folder.rglob("*") if p.is_file()
    )
    assert not [line for line in lines if json.dumps(line)[1:-1] in text]
    cells = json.loads((folder / "03_heatmaps.ipynb").read_text("utf-8"))["cells"]
    assert not any(cell.get("outputs") for cell in cells)
    shown = re.findall(r"\]\((figures/[^)]+)\)", json.dumps(cells))
    assert shown and all((folder / picture).is_file() for picture in shown)
    assert (folder / places.COPIES_RECORD).is_file()
    with pytest.raises(ValueError, match="not empty"):
        release(CHAPTER, root, folder)


def test_a_handout_as_a_zip(root, tmp_path):
    path = release(CHAPTER, root, tmp_path / "handout.zip")
    with zipfile.ZipFile(path) as file:
        names = file.namelist()
        assert file.testzip() is None
    assert "handout/03_heatmaps.ipynb" in names and "handout/README.md" in names
    with pytest.raises(ValueError, match="exists already"):
        release(CHAPTER, root, path)


def test_a_notebook_for_those_left_behind(root, tmp_path):
    """Before the section all is solved and has outputs, below it nothing."""
    folder = release(CHAPTER, root, tmp_path / "catch up", section=4)
    cells = json.loads((folder / "03_heatmaps.ipynb").read_text("utf-8"))["cells"]
    (start,) = [
        i for i, c in enumerate(cells) if "You start here" in "".join(c["source"])
    ]
    assert "## 4. " in "".join(cells[start + 1]["source"])
    code = [(i, c) for i, c in enumerate(cells) if c["cell_type"] == "code"]
    assert all(not c["outputs"] for i, c in code if i > start)
    assert sum(bool(c["outputs"]) for i, c in code if i < start) > 5
    answers = solutions(root)
    for problem in small_assignment(root).problems:
        (at,) = [i for i, c in code if c["id"] == problem.cell_id]
        expected = answers[problem.id] if at < start else problem.stub
        assert "".join(cells[at]["source"]) == expected
    with pytest.raises(ValueError, match="no section 99"):
        release(CHAPTER, root, tmp_path / "none", section=99)
    assert not (tmp_path / "none").exists()


@pytest.mark.slow
def test_a_package_without_solutions(root, tmp_path):
    """It can be imported from anywhere, and its checks work in a handout."""
    path = write_wheel(root, tmp_path)
    with zipfile.ZipFile(path) as file:
        names = set(file.namelist())
        file.extractall(tmp_path / "installed")
    assert not [
        n
        for n in names
        if re.search(r"chapters/(solutions|source|teaching)/|/(solutions|hidden)/", n)
    ]
    assert "posecourse/course/chapters/03_heatmaps.ipynb" in names
    assert "posecourse/course/data/weights/laptop/weights.safetensors" in names
    handout = release(CHAPTER, root, tmp_path / "handout")
    write_answers(handout, solutions(root))
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys; sys.path.insert(0, {str(tmp_path / 'installed')!r})\n"
            "import posecourse\nfrom posecourse.cli import main\n"
            "print(posecourse.__file__)\n"
            "sys.exit(main(['exercise', 'check', '3', '--seconds', '200']))",
        ],
        cwd=handout,
        capture_output=True,
        text=True,
        env={"PATH": "", "HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert str(tmp_path / "installed") in done.stdout
    assert "3 of 3 passed" in done.stdout


# -------------------------------------------------------------- collecting


def fill(folder, names):
    for i, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(notebook(f"n = {i}"))
        os.utime(folder / name, (1e9 + i, 1e9 + i))


def test_collecting_what_platforms_give(tmp_path):
    downloads = tmp_path / "downloads"
    fill(
        downloads,
        [
            "Anna Müller_123_assignsubmission_file_/03_heatmaps.ipynb",
            "Anna Müller_124_assignsubmission_file_/again.ipynb",
            "musterben_77_03_heatmaps.ipynb",
            "s4711.ipynb",
            "somebody.ipynb",
            "Muster, Ben/runs/laptop/config.json",
        ],
    )
    with zipfile.ZipFile(downloads / "eva_klein.zip", "w") as file:
        file.writestr("03_heatmaps.ipynb", "{}")
        file.writestr("../../evil.ipynb", "{}")
        file.writestr("__MACOSX/._03.ipynb", "x")
    (downloads / "Finn Gross.zip").write_bytes(b"PK no zip")
    listed = tmp_path / "students.csv"
    listed.write_text(
        "name,number\nMüller Anna\nBen Muster,\nCleo Stone,s4711\nEva Klein\n"
        "Finn Gross\nGita Rao\n",
        "utf-8",
    )
    students = read_students(listed)
    out = tmp_path / "collected"
    found = collect(downloads, out, "03_heatmaps", students)
    there = {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()}
    assert there == {
        "Müller Anna/03_heatmaps.ipynb",
        "Müller Anna/older/1-03_heatmaps.ipynb",
        "Ben Muster/03_heatmaps.ipynb",
        "Ben Muster/runs/laptop/config.json",
        "Cleo Stone/03_heatmaps.ipynb",
        "Eva Klein/03_heatmaps.ipynb",
    }
    newest = (out / "Müller Anna" / "03_heatmaps.ipynb").read_text("utf-8")
    assert "n = 1" in newest
    assert {p.name for p in found.unassigned} == {"somebody.ipynb", "Finn Gross.zip"}
    assert found.missing == ["Finn Gross", "Gita Rao"]
    assert not list(tmp_path.rglob("evil*"))
    # without a list: each folder or file is a student
    found = collect(downloads, tmp_path / "all", "03_heatmaps")
    assert "somebody" in found.students and "eva_klein" in found.students


def test_two_students_of_one_name_are_nobody(tmp_path):
    fill(tmp_path / "in", ["ann lee 2.ipynb"])
    students = {"Ann Lee": ["Ann Lee"], "Lee Ann": ["Lee Ann"]}
    found = collect(tmp_path / "in", tmp_path / "out", "03_heatmaps", students)
    assert not found.students and len(found.unassigned) == 1
    assert found.missing == ["Ann Lee", "Lee Ann"]
