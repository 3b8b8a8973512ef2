"""What running the notebooks cannot show: form, links, alt text, in step."""

import re
from html.parser import HTMLParser

import pytest

from posecourse.authoring.capstones import capstones
from posecourse.authoring.chapters import (
    CHAPTERS,
    START,
    folder,
    pages,
    put_table,
    table,
)
from posecourse.authoring.homework import SHEETS
from posecourse.authoring.rules import drawing_problems, problems_of_files


@pytest.fixture(scope="session")
def chapters_folder(root):
    return root / "chapters"


@pytest.mark.parametrize("chapter", pages(folder()), ids=lambda c: c.name)
def test_chapter_keeps_the_rules(chapter, chapters_folder):
    """Also that the stored notebooks are what the source generates."""
    assert problems_of_files(chapter, chapters_folder) == []


def test_every_notebook_has_its_source(chapters_folder):
    written = pages(chapters_folder)
    known = {c.notebook(chapters_folder) for c in written}
    known |= {c.solutions(chapters_folder) for c in written if c != START}
    known |= set(capstones(chapters_folder).values())
    for sheet in SHEETS:
        known |= {sheet.notebook(chapters_folder), sheet.solutions(chapters_folder)}
    found = {
        p
        for p in chapters_folder.rglob("*.ipynb")
        if ".ipynb_checkpoints" not in p.parts
    }
    assert found == known
    sources = set((chapters_folder / "source").glob("*.py"))
    assert sources <= {c.source(chapters_folder) for c in (START, *CHAPTERS)}


def test_the_readme_lists_the_chapters(root, chapters_folder):
    text = (root / "README.md").read_text("utf-8")
    assert put_table(text, chapters_folder) == text, "run: posecourse chapters table"


def test_the_table_links_to_what_exists(root, chapters_folder):
    for target in re.findall(r"\]\(([^)]+)\)", table(chapters_folder)):
        assert (root / target).exists(), target


def _figures(root):
    return sorted((root / "chapters" / "figures").glob("*.svg"))


def test_drawings_keep_the_rules(root):
    """Small, self-contained, described; also those in no chapter yet."""
    assert [p for path in _figures(root) for p in drawing_problems(path)] == []


DRAWING = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"
     role="img"><title>A square of nine cells</title>
  <defs><path id="a" d="M0 0h9v9z"/></defs>
  <use href="#a" fill="url(#b)" style="stroke: #000"/>
</svg>"""


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("", "", None),
        ("</svg>", "", "not XML"),
        (' xmlns="http://www.w3.org/2000/svg"', "", "vocabulary"),
        ('viewBox="0 0 9 9"', 'width="9"', "viewBox"),
        ('role="img"', "", "role"),
        ("<title>A square of nine cells</title>", "", "<title>"),
        ("A square of nine cells", "", "<title>"),
        ("<defs>", " " * 200_000 + "<defs>", "larger"),
        ('href="#a"', 'href="other.svg"', "outside"),
        ('href="#a"', 'href="https://example.org/a.svg"', "outside"),
        ("url(#b)", "url(b.svg)", "outside"),
        ("stroke: #000", "fill: url('//example.org/b.svg')", "outside"),
        ("<defs>", "<style>@import 'a.css';</style><defs>", "outside"),
        ("<defs>", "<script>1</script><defs>", "active"),
        ("<use ", '<use onclick="go()" ', "active"),
    ],
)
def test_a_rule_for_drawings(tmp_path, old, new, complaint):
    path = tmp_path / "a.svg"
    path.write_text(DRAWING.replace(old, new, 1) if old else DRAWING)
    found = drawing_problems(path)
    assert not found if complaint is None else any(complaint in p for p in found), found


def test_figures_are_used(root):
    folder = root / "chapters"
    texts = "".join(
        p.read_text("utf-8")
        for pattern in ("source/*.py", "teaching/*.md")
        for p in folder.glob(pattern)
    )
    texts += (root / "README.md").read_text("utf-8")
    for path in _figures(root):
        assert f"figures/{path.name}" in texts, f"{path.name} is not used"


class _Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found += [v for k, v in attrs if k in ("src", "href") and v]


def _documents(root):
    return sorted(
        {
            *root.glob("*.md"),
            *root.glob("data/*.md"),
            *root.glob("data/weights/**/*.md"),
            *root.glob("chapters/**/*.md"),
        }
    )


def test_links_of_the_documents_lead_somewhere(root):
    for path in _documents(root):
        text = re.sub(r"```.*?```|`[^`]*`", "", path.read_text("utf-8"), flags=re.S)
        html = _Links()
        html.feed(text)
        for target in html.found + re.findall(r"\]\(([^)\s]+)\)", text):
            target = target.partition("#")[0]
            if target and not re.match(r"[a-z]+:", target):
                assert (path.parent / target).exists(), f"{path}: {target}"
