"""What was solved is kept beside the learner's copies, and only there."""

import json
import sys

import pytest

from posecourse import exercises, places
from posecourse.exercises import check, exercise, progress, show_progress


@pytest.fixture
def work(tmp_path, monkeypatch):
    """A folder of copies, with the current folder in it."""
    folder = tmp_path / "my work"
    (folder / "solutions").mkdir(parents=True)
    (folder / places.COPIES_RECORD).write_text("{}")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def ready(monkeypatch):
    """Two exercises that exist for one test."""
    monkeypatch.setattr(exercises, "_EXERCISES", {})
    for id in ("98.1", "98.project"):
        exercise(id, hints=("a", "b"))(lambda attempt: attempt.equals(1))
    return 98


def test_what_passes_is_kept(work, ready):
    assert progress.solved(work) == {}
    assert not check("98.1", 2) and not check("98.project", None)
    assert not places.progress_file(work).exists()
    assert check("98.1", 1)
    first = progress.solved(work)
    assert list(first) == ["98.1"]
    assert check("98.1", 1) and not check("98.1", 2)
    assert progress.solved(work) == first  # when it passed first
    assert check("98.project", 1)
    assert list(progress.solved(work)) == ["98.1", "98.project"]
    assert sorted(p.name for p in work.iterdir()) == [
        ".copied.json",
        ".progress.json",
        "solutions",
    ]


def test_nothing_is_kept_elsewhere(work, ready, tmp_path, monkeypatch):
    """In the course, where answers are graded, in the solved notebooks."""
    for folder in (tmp_path, work / "solutions"):
        monkeypatch.chdir(folder)
        assert check("98.1", 1)
    assert not [p for p in tmp_path.rglob("*") if "progress" in p.name]


@pytest.mark.parametrize(
    "damage",
    ["", "{", "[]", "null", '{"98.1": 3}', '{"x": "y"}', "[" * 9999, b"\xff\xfe"],
)
def test_a_damaged_file_stops_nobody(work, ready, damage):
    path = places.progress_file(work)
    path.write_bytes(damage if isinstance(damage, bytes) else damage.encode())
    assert progress.solved(work) == {}
    assert check("98.1", 1)
    assert list(progress.solved(work)) == ["98.1"]
    assert list(json.loads(path.read_text("utf-8"))) == ["98.1"]


def test_what_else_was_solved_stays_beside_a_damaged_line(work, ready):
    places.progress_file(work).write_text('{"03.1": "2026-01-01", "03.2": [1]}')
    assert check("98.1", 1)
    assert list(progress.solved(work)) == ["03.1", "98.1"]


def test_it_passes_where_nothing_can_be_written(work, ready, monkeypatch):
    def full(*args):
        raise OSError("no room")

    monkeypatch.setattr(progress, "write_json", full)
    assert check("98.1", 1)
    places.progress_file(work).mkdir()
    assert progress.solved(work) == {}


def test_a_line_says_what_is_solved(work, ready, capsys, monkeypatch):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    monkeypatch.setattr(exercises, "names", lambda chapter: ["98.1", "98.project"])
    check("98.1", 1)
    show_progress("98")
    assert capsys.readouterr().out == "Solved: 1 of 2   98.1 ✓   98.project ○\n"
    line = progress.Line(["98.1", "98.2"], {"98.2": ""})
    assert "1 of 2" in line._repr_html_() and "98.2 ✓" in line._repr_html_()
    monkeypatch.chdir(work.parent)
    show_progress("98")
    assert capsys.readouterr().out == ""
