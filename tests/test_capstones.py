"""The capstone projects' starters: in step, without outputs, and copied."""

import nbformat
import pytest
from sample import make_checkout

from posecourse.authoring.capstones import build_capstones, capstones
from posecourse.authoring.chapters import get_chapter
from posecourse.authoring.copies import copy_course
from posecourse.authoring.notebooks import in_step, read, read_source
from posecourse.authoring.rules import MAX_LINES

new = nbformat.v4


def test_stored_starters_are_what_their_sources_say(root):
    made = capstones(root / "chapters")
    assert len(made) == 4
    for source, notebook in made.items():
        assert in_step(read_source(source), notebook) == []
        assert all(not cell.get("outputs") for cell in read(notebook).cells)
    stored = set((root / "chapters" / "capstones").glob("*.ipynb"))
    assert stored == set(made.values())


def test_every_starter_says_what_to_hand_in(root):
    for source in capstones(root / "chapters"):
        text = source.read_text("utf-8")
        assert "**Hand in**" in text and ". Yours" in text
        code = [c for c in read_source(source).cells if c.cell_type == "code"]
        assert max(len(c.source.splitlines()) for c in code) <= MAX_LINES
        assert source.stem in (
            root / "chapters" / "source" / "16_outlook.py"
        ).read_text("utf-8")


@pytest.fixture
def course(tmp_path):
    """A course of two chapters, of which the last links to a starter."""
    chapters = make_checkout(tmp_path / "course")
    sources = chapters / "source" / "capstones"
    sources.mkdir(parents=True)
    (sources / "1_lamp.py").write_text("# %% [markdown]\n# # Lamp\n\n# %%\n1 + 1\n")
    for name, text in (
        ("01_concepts", "no link"),
        ("16_outlook", "[x](capstones/1_lamp.ipynb)"),
    ):
        cells = [new.new_markdown_cell(text, id="a")]
        nbformat.write(new.new_notebook(cells=cells), chapters / f"{name}.ipynb")
    (chapters / "glossary.md").write_text("# Glossary\n")
    build_capstones(chapters)
    (chapters / "capstones" / "card.md").write_text("# Card\n")
    return chapters.parent


def test_they_are_copied_with_the_course(course, tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    copy_course(course, tmp_path / "all")
    assert (tmp_path / "all" / "capstones" / "1_lamp.ipynb").is_file()
    assert (tmp_path / "all" / "capstones" / "card.md").is_file()
    copy_course(course, tmp_path / "last", only=get_chapter(16))
    assert (tmp_path / "last" / "capstones" / "1_lamp.ipynb").is_file()
    copy_course(course, tmp_path / "first", only=get_chapter(1))
    assert not (tmp_path / "first" / "capstones").exists()
