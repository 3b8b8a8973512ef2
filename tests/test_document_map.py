"""Every part of the source document has a place in the course."""

import re

import pytest

from posecourse.authoring import chapters, document
from posecourse.authoring.notebooks import generate
from posecourse.authoring.rules import source_problems


@pytest.fixture(scope="module")
def found():
    return document.places()


def test_the_map_is_in_step(root):
    path = root / "chapters" / "teaching" / "document_map.md"
    assert path.read_text("utf-8") == document.document_map(), (
        "run: posecourse chapters table"
    )


def test_every_part_has_a_place(found):
    lines = document.document_map().splitlines()
    rows = [[c.strip() for c in line.split("|")[1:-1]] for line in lines if "|" in line]
    nowhere = [row for row in rows[2:] if not row[2]]
    assert [row[0] for row in nowhere] == ["**1**", "**3**", "**4**", "**5**"]
    assert len(rows) - 2 - len(nowhere) == len(document.PARTS)
    # a chapter that is to follow a section speaks of it, or of a part of it
    for chapter in chapters.CHAPTERS:
        for key in chapter.sections.split(", "):
            places = [p for name in found if name.startswith(key) for p in found[name]]
            assert not places or chapter in [c for c, _ in places], (chapter.name, key)


def test_its_sections_are_those_of_the_document(shared_data):
    try:
        (path,) = (shared_data.parent / "seed").glob("*.txt")
    except ValueError:
        pytest.skip("the document is not here")
    text = path.read_text("utf-8")
    written = re.findall(r"^#{2,3} (\d(?:\.\d)?)", text, re.M)
    announced = re.findall(r"第(\d)节", text)  # "section 6", in its 1.4
    assert list(document.OUTLINE) == sorted({*written, *announced})


@pytest.fixture
def small(tmp_path):
    """A function from a chapter's text to the folder that has it."""
    (tmp_path / "source").mkdir()

    def put(text):
        (tmp_path / "source" / "03_heatmaps.py").write_text(text, "utf-8")
        return tmp_path

    return put


TEXT = """\
# %% [markdown]
# # 3. Heatmaps
#
# The document (3.2,
# step 5) says one thing, and in its section 4.4 the document asks another.
# The document's sections 6 and 7 do not.
#
# It is section 4.1 of something else, with 5.1 and (5.2) of a pixel.

# %% [markdown] document="4.3 peak; 3.4 AR"
# ## 1. One
#
# The *document* (section 2).
#
# ## Quiz
"""


def test_places_by_hand(small):
    found = document.places(small(TEXT))
    places = {name: [s for _, s in places] for name, places in found.items() if places}
    assert places == {
        "3.2": [""],
        "3.2 step 5": [""],
        "4.4": [""],
        "6": [""],
        "7": [""],
        "2": ["One"],
        "4.3 peak": ["One"],
        "3.4 AR": ["One"],
    }
    rows = document.document_map(small(TEXT)).splitlines()
    assert "| | reading the peak | [3. Heatmaps](../03_heatmaps.ipynb): One |" in rows
    assert "(planned)" in next(row for row in rows if "**8**" in row)


def test_a_marker_stays_in_the_source(small):
    root, chapter = small(TEXT), chapters.get_chapter(3)
    for notebook in generate(chapter, root):
        assert not any("document" in cell.metadata for cell in notebook.cells)
    assert not [p for p in source_problems(chapter, root) if "metadata" in p]


def test_an_unknown_part_is_named(small):
    with pytest.raises(ValueError, match="'9.9', which is no part"):
        document.places(small(TEXT.replace("4.3 peak", "9.9")))
