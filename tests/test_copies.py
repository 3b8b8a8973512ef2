"""The learner's copies: made, kept up to date, and theirs once changed."""

import hashlib
import json
import os
import re
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.sign import NotebookNotary
from sample import make_checkout

from posecourse.authoring.copies import copy_course

new = nbformat.v4


def write_notebook(path, code="1 + 1", markdown=""):
    """A notebook that was run."""
    output = new.new_output("stream", text="the answer\n")
    cells = [
        new.new_code_cell(code, id="a", execution_count=1, outputs=[output]),
        new.new_markdown_cell(markdown, id="b"),
    ]
    path.parent.mkdir(exist_ok=True)
    nbformat.write(new.new_notebook(cells=cells), path)


@pytest.fixture(autouse=True)
def own_signatures(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))


@pytest.fixture
def course(tmp_path) -> Path:
    """A small course: two chapters, one solved, a figure."""
    chapters = make_checkout(tmp_path / "course")
    for name in ("01_concepts", "03_heatmaps", "solutions/01_concepts"):
        write_notebook(chapters / f"{name}.ipynb")
    write(chapters / "figures" / "a.svg", "<svg/>")
    return chapters.parent


@pytest.fixture
def work(tmp_path) -> Path:
    return tmp_path / "my work"


def write(path: Path, text: str):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def code_of(path):
    return nbformat.read(path, 4).cells[0].source


def names(folder):
    """All files but the record, as from `folder`."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".copied.json"
    )


# ------------------------------------------------------------ what is copied


def test_chapters_and_figures_but_no_solutions(course, work):
    before = {path: path.read_bytes() for path in course.rglob("*.*")}
    assert copy_course(course, work) == []
    plain = ["01_concepts.ipynb", "03_heatmaps.ipynb", "figures/a.svg"]
    assert names(work) == plain
    assert copy_course(course, work, solutions=True) == []
    assert names(work) == sorted([*plain, "solutions/01_concepts.ipynb"])
    assert {path: path.read_bytes() for path in course.rglob("*.*")} == before


def test_no_answer_stands_before_its_question(course, work):
    """Chapters come without outputs; a solved one may be read as it is."""
    copy_course(course, work, solutions=True)
    cell = nbformat.read(work / "01_concepts.ipynb", 4).cells[0]
    assert (cell.outputs, cell.execution_count, cell.source) == ([], None, "1 + 1")
    solved = nbformat.read(work / "solutions" / "01_concepts.ipynb", 4).cells[0]
    assert solved.outputs[0].text == "the answer\n"


def test_the_first_page_the_glossary_and_all_pictures_come_as_they_are(course, work):
    write_notebook(course / "chapters" / "START_HERE.ipynb")
    write(course / "chapters" / "glossary.md", "words")
    write(course / "chapters" / "figures" / "01_opening.gif", "loop")
    write(course / "chapters" / "figures" / "make_openings.py", "not for learners")
    copy_course(course, work)
    assert [n for n in names(work) if n.startswith("figures")] == [
        "figures/01_opening.gif",
        "figures/a.svg",
    ]
    cell = nbformat.read(work / "START_HERE.ipynb", 4).cells[0]
    assert cell.outputs[0].text == "the answer\n"  # it asks no questions
    assert (work / "glossary.md").read_text() == "words"


def test_jupyter_trusts_the_copies(course, work, tmp_path, monkeypatch):
    copy_course(course, work, solutions=True)
    notary = NotebookNotary(data_dir=str(tmp_path / "jupyter"))
    for name in ("01_concepts.ipynb", "solutions/01_concepts.ipynb"):
        assert notary.check_signature(nbformat.read(work / name, 4))
    # also after Jupyter's notes were lost
    other = tmp_path / "another"
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(other))
    copy_course(course, work)
    notary = NotebookNotary(data_dir=str(other))
    assert notary.check_signature(nbformat.read(work / "01_concepts.ipynb", 4))
    write_notebook(work / "01_concepts.ipynb", "a stranger's")
    assert not notary.check_signature(nbformat.read(work / "01_concepts.ipynb", 4))


def test_links_of_the_copies_lead_somewhere(course, work):
    """To copies, also of what is only linked to, and so on from there."""
    write(course / "data" / "README.md", "[card](weights/laptop/README.md)")
    write(course / "data" / "weights" / "laptop" / "README.md", "![f](failures.jpg)")
    write(course / "data" / "weights" / "laptop" / "failures.jpg", "picture")
    write(course / "data" / "weights" / "laptop" / "weights.safetensors", "large")
    write(course / "chapters" / "teaching" / "glossary.md", "[3](../03_heatmaps.ipynb)")
    links = (
        "03_heatmaps.ipynb#quiz",
        "figures/a.svg",
        "solutions/01_concepts.ipynb",
        "teaching/glossary.md#pose",
        "../data/README.md",
    )
    write_notebook(
        course / "chapters" / "01_concepts.ipynb",
        markdown="".join(f"[x]({link})" for link in links)
        + "[y](https://example.org) [z](#quiz)",
    )
    write_notebook(
        course / "chapters" / "solutions" / "01_concepts.ipynb",
        markdown="".join(f"[x](../{link})" for link in links),
    )
    copy_course(course, work, solutions=True)
    for name in ("01_concepts.ipynb", "solutions/01_concepts.ipynb"):
        text = nbformat.read(work / name, 4).cells[1].source
        found = re.findall(r"\[x\]\(([^)]+)\)", text)
        assert len(found) == len(links)
        for link in found:
            place = ((work / name).parent / link.partition("#")[0]).resolve()
            assert place.is_file() and work.resolve() in place.parents
    first = nbformat.read(work / "01_concepts.ipynb", 4).cells[1].source
    assert "](03_heatmaps.ipynb#quiz)" in first and "/glossary.md#pose)" in first
    assert "(https://example.org) [z](#quiz)" in first
    copied = "course/chapters/teaching/glossary.md"
    assert (work / copied).read_text("utf-8") == "[3](../../../03_heatmaps.ipynb)"
    assert [n for n in names(work) if n.startswith("course/data")] == [
        "course/data/README.md",
        "course/data/weights/laptop/README.md",
        "course/data/weights/laptop/failures.jpg",
    ]


def test_all_links_of_the_real_chapters_are_copied(root, work):
    copy_course(root, work)
    for path in work.glob("*.ipynb"):
        for cell in nbformat.read(path, 4).cells:
            if cell.cell_type == "markdown":
                text = re.sub(r"`[^`]*`|\$[^$]*\$", "", cell.source)
                for link in re.findall(r"\]\((?![a-z]+:|#)([^)\s]+)\)", text):
                    assert (work / link.partition("#")[0]).exists(), (path, link)


# ----------------------------------------------------------- what is changed


def test_changed_copies_are_kept_and_others_follow(course, work):
    copy_course(course, work)
    write_notebook(work / "01_concepts.ipynb", "my own")
    assert copy_course(course, work) == []
    assert code_of(work / "01_concepts.ipynb") == "my own"

    for name in ("01_concepts", "03_heatmaps"):
        write_notebook(course / "chapters" / f"{name}.ipynb", "new edition")
    for _ in range(2):  # said each time, done once
        assert copy_course(course, work) == ["01_concepts.ipynb"]
        assert code_of(work / "01_concepts.ipynb") == "my own"
        assert code_of(work / "03_heatmaps.ipynb") == "new edition"

    (work / "01_concepts.ipynb").unlink()
    assert copy_course(course, work) == []
    assert code_of(work / "01_concepts.ipynb") == "new edition"


def test_nothing_is_written_where_nothing_changed(course, work):
    copy_course(course, work)
    before = {name: (work / name).stat().st_mtime_ns for name in names(work)}
    copy_course(course, work)
    assert {n: (work / n).stat().st_mtime_ns for n in names(work)} == before


def test_what_was_not_copied_is_not_touched(course, work):
    """A figure, a folder or a link of the learner's where a copy would go."""
    write(work / "figures" / "a.svg", "my drawing")
    (work / "01_concepts.ipynb").mkdir(parents=True)
    (work / "01_concepts.ipynb" / "notes.txt").write_text("mine")
    if sys.platform != "win32":
        os.symlink(work / "nowhere", work / "03_heatmaps.ipynb")
    for _ in range(2):
        outdated = copy_course(course, work)
        assert {"01_concepts.ipynb", "figures/a.svg"} <= set(outdated)
        assert (work / "figures" / "a.svg").read_text() == "my drawing"
        assert (work / "01_concepts.ipynb" / "notes.txt").read_text() == "mine"
        if sys.platform != "win32":
            assert os.readlink(work / "03_heatmaps.ipynb") == str(work / "nowhere")


def test_a_changed_figure_is_kept(course, work):
    copy_course(course, work)
    write(work / "figures" / "a.svg", "<svg>my arrow</svg>")
    write(course / "chapters" / "figures" / "a.svg", "<svg>new</svg>")
    assert copy_course(course, work) == ["figures/a.svg"]
    assert (work / "figures" / "a.svg").read_text() == "<svg>my arrow</svg>"


@pytest.mark.parametrize(
    "record",
    ["{", "", "[]", '"text"', "null", '{"01_concepts.ipynb": [1]}', "[" * 9999],
)
def test_a_damaged_record_loses_no_work(course, work, record):
    copy_course(course, work)
    write_notebook(work / "01_concepts.ipynb", "my own")
    (work / ".copied.json").write_text(record)
    write_notebook(course / "chapters" / "01_concepts.ipynb", "new edition")
    assert copy_course(course, work) == ["01_concepts.ipynb"]
    assert code_of(work / "01_concepts.ipynb") == "my own"
    # from here on it is known again
    assert "03_heatmaps.ipynb" in json.loads((work / ".copied.json").read_text())


def test_copies_of_an_earlier_edition_follow(course, work):
    """They had outputs, and figures that stood in no record."""
    old = (course / "chapters" / "01_concepts.ipynb").read_bytes()
    work.mkdir()
    (work / "01_concepts.ipynb").write_bytes(old)
    write(work / "figures" / "a.svg", "<svg/>")
    record = {"01_concepts.ipynb": hashlib.sha256(old).hexdigest()}
    (work / ".copied.json").write_text(json.dumps(record))
    assert copy_course(course, work) == []
    assert nbformat.read(work / "01_concepts.ipynb", 4).cells[0].outputs == []


# ------------------------------------------------------------- what is wrong


def test_where_no_copies_can_be_kept(course, tmp_path):
    (tmp_path / "file").touch()
    for place in (tmp_path / "file", tmp_path / "file" / "work"):
        with pytest.raises(OSError, match="name another folder with --work"):
            copy_course(course, place)
    with pytest.raises(ValueError, match="is the course itself"):
        copy_course(course, course / "chapters")


def test_a_damaged_chapter_is_named(course, work):
    path = course / "chapters" / "03_heatmaps.ipynb"
    for content in ("{", "[]", "{}"):
        path.write_text(content)
        with pytest.raises(ValueError, match="03_heatmaps.ipynb is not a notebook"):
            copy_course(course, work)
