"""What teachers use: slides, and a glossary that can be looked things up in."""

import re
import runpy

import nbformat
import pytest
from sample import make_checkout

from posecourse.authoring.chapters import CHAPTERS


@pytest.fixture
def slides(root):
    return runpy.run_path(str(root / "chapters" / "teaching" / "slides.py"))


def make_chapter(folder):
    make_checkout(folder)
    new = nbformat.v4
    cells = [
        new.new_markdown_cell("# 1. Title"),
        new.new_code_cell("print(1)"),
        new.new_markdown_cell("Before.\n\n## 1. Section"),
        new.new_markdown_cell("### Exercise 01.1"),
        new.new_code_cell("check('01.1', f)", metadata={"tags": ["check"]}),
        new.new_markdown_cell("## Next", metadata={"tags": ["navigation"]}),
    ]
    nbformat.write(
        new.new_notebook(cells=cells), CHAPTERS[0].notebook(folder / "chapters")
    )
    return new.new_notebook(cells=cells)


def test_where_slides_start(slides, tmp_path):
    notebook = make_chapter(tmp_path)
    slides["mark"](notebook)
    assert [c.metadata["slideshow"]["slide_type"] for c in notebook.cells] == [
        "slide",
        "subslide",
        "slide",
        "subslide",
        "skip",
        "skip",
    ]


def test_slides_without_a_network(slides, tmp_path, monkeypatch, capsys):
    make_chapter(tmp_path)
    monkeypatch.chdir(tmp_path)
    slides["main"]("1")
    assert capsys.readouterr().out.count("will ask the network") == 4
    for place in slides["LOCAL"].values():
        path = tmp_path / "work" / "slides" / place.partition("?")[0]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    slides["main"]("1")
    said = capsys.readouterr().out
    assert "will ask" not in said
    page = (tmp_path / "work" / "slides" / "01_concepts.html").read_text("utf-8")
    assert not re.search(
        r"""<(script|link)\b[^>]*\b(src|href)=["'](https?:)?//""", page
    )
    assert "check(" not in page and "Section" in page


def test_the_glossary_is_in_order_and_one_line_each(root):
    text = (root / "chapters" / "glossary.md").read_text("utf-8")
    terms = re.findall(r"^- \*\*(.+?)\*\*", text, re.M)
    entries = re.findall(r"^- ", text, re.M)
    assert len(terms) == len(entries) >= 40
    assert terms == sorted(terms, key=lambda term: term.strip("`").casefold())
    assert len(set(terms)) == len(terms)


def hand_in(path, *cells):
    nbformat.write(
        nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell) for cell in cells]
        ),
        path,
    )
    return str(path)


@pytest.mark.slow
def test_grading_runs_what_was_handed_in(root, tmp_path, monkeypatch, capsys):
    """A print of "passed", an edited check, an error elsewhere: no matter."""
    grade = runpy.run_path(str(root / "chapters" / "teaching" / "grade.py"))
    make_chapter(tmp_path)
    course = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell(
                f'check("04.{i}", {name})', metadata={"tags": ["check"]}
            )
            for i, name in ((1, "mine"), (2, "mask"))
        ]
    )
    nbformat.write(course, CHAPTERS[3].notebook(tmp_path / "chapters"))
    monkeypatch.chdir(tmp_path)
    grade["main"](
        "4",
        [
            hand_in(
                tmp_path / "a.ipynb",
                "1 / 0",
                "def mine(p, t):\n    return (p - t).abs().sum(-1).mean()",
                "def mask(p, t, labelled, top):\n    pass",
            ),
            hand_in(
                tmp_path / "b.ipynb",
                "print('passed')",
                "def mine(p, t):\n    return (p - t).abs().mean()",
                "check = lambda *answer: 'passed'",
            ),
        ],
    )
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "notebook,passed,04.1,04.2"
    assert said[1].endswith("a.ipynb,1,passed,not yet")
    assert said[2].endswith("b.ipynb,0,not right yet,missing")
