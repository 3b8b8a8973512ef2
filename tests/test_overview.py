"""The map of the course and the list of exercises."""

import json
import xml.etree.ElementTree as ElementTree

import pytest

from posecourse import places
from posecourse.authoring import chapters, overview
from posecourse.authoring.overview import course_map, tasks
from posecourse.cli import main
from posecourse.exercises import names


@pytest.fixture
def work(tmp_path, monkeypatch):
    """A learner's folder of copies; the course is the one of this checkout."""
    (tmp_path / places.COPIES_RECORD).write_text("{}")
    monkeypatch.setattr(
        places, "checkout", lambda: chapters.Path(places._PACKAGE).parent
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def solve(work, *ids):
    done = dict.fromkeys(ids, "2026-11-28T10:00:00+01:00")
    places.progress_file(work).write_text(json.dumps(done))


def parts(shown):
    return ElementTree.fromstring(f"<all>{shown._repr_html_()}</all>")


def test_the_map_leads_to_every_written_chapter(work, root):
    written = [c for c in chapters.CHAPTERS if c.source(root / "chapters").exists()]
    tree = parts(course_map())
    assert [a.get("href") for a in tree.findall(".//tbody//a")] == [
        f"{c.name}.ipynb" for c in written
    ]
    assert tree.findtext(".//p/b") == "Begin with "
    assert tree.find(".//p/b/a").get("href") == f"{written[0].name}.ipynb"


def test_the_map_counts_what_is_solved_and_says_what_is_next(work):
    first, third = names(1), names(3)
    solve(work, *first, third[1], "98.1")
    shown = course_map()
    counts = {c.number: (count, total) for c, count, total in shown.chapters}
    assert counts[1] == (len(first), len(first)) and counts[3] == (1, len(third))
    text = repr(shown)
    assert f"✓ {len(first)} of {len(first)}" in text
    assert f"◐ 1 of {len(third)}" in text and f"○ 0 of {len(names(4))}" in text
    following = overview.there(chapters.folder())[1]
    assert f"exercise {names(following.number)[0]} in {following.number}. " in text


def test_when_everything_is_solved(work):
    everything = [i for c in overview.there(chapters.folder()) for i in names(c.number)]
    solve(work, *everything)
    assert repr(course_map()).endswith("Everything is solved.")


def test_outside_of_the_copies_nothing_is_solved(tmp_path, monkeypatch, root):
    monkeypatch.chdir(root / "chapters")
    assert all(count == 0 for _, count, _ in course_map().chapters)


def test_exercises_have_the_titles_of_their_chapter(root):
    found = tasks(chapters.get_chapter(3), root / "chapters", {"03.2": "2026-01-02"})
    assert [(t.id, t.stars, t.when) for t in found][:2] == [
        ("03.1", "★☆☆", ""),
        ("03.2", "★★☆", "2026-01-02"),
    ]
    assert all(t.title for t in found)


def test_the_list_on_the_command_line(work, capsys):
    solve(work, "03.1")
    assert main(["exercise", "list", "3"]) == 0
    said = capsys.readouterr().out
    assert f"3. Heatmaps: 1 of {len(names(3))} solved" in said
    assert "✓ 03.1" in said and "(solved 2026-11-28)" in said and "○ 03.2" in said
    assert str(places.progress_file(work)) in said
    assert main(["exercise", "list", "--work", str(work / "elsewhere")]) == 0
    said = capsys.readouterr().out
    assert "✓" not in said and said.count("solved") > 5
    assert main(["exercise", "list", "START_HERE"]) == 2
    assert "there are chapters 1," in capsys.readouterr().err
