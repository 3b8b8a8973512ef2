"""Tables of results, in HTML and as text."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from posecourse.visualization.tables import table

ROWS = [
    ("laptop", np.float32(86.46), 1000),
    ("mean <pose>", None, np.int64(12)),
    ("nothing", float("nan"), 3),
]
COLUMNS = ("network", "PCKh@0.5", "people")


def test_text_is_aligned():
    assert repr(table(ROWS, COLUMNS, caption="Found")).splitlines() == [
        "Found",
        "network      PCKh@0.5  people",
        "laptop           86.5    1000",
        "mean <pose>         –      12",
        "nothing             –       3",
    ]


def test_html_has_the_same_cells():
    made = table(ROWS, COLUMNS, caption="A & B")
    tree = ElementTree.fromstring(made._repr_html_())
    assert [c.text for c in tree.iter("th")] == list(COLUMNS)
    cells = [tuple(c.text for c in row) for row in tree.find("tbody")]
    assert cells == made.cells
    assert cells[1] == ("mean <pose>", "–", "12")
    assert tree.findtext("caption") == "A & B"
    sides = [c.get("style") for c in tree.find("tbody/tr")]
    assert sides == ["text-align: left", "text-align: right", "text-align: right"]


def test_digits():
    numbers = [(1.2345, 1.2345, 2)]
    columns = ("a", "b", "c")
    assert table(numbers, columns, digits=2).cells == [("1.23", "1.23", "2")]
    assert table(numbers, columns, digits={"b": 3}).cells == [("1.2", "1.234", "2")]
    torch = pytest.importorskip("torch")
    row = [(torch.tensor(0.25), np.array(0.25), True)]
    made = table(row, columns, digits=2)
    assert made.cells == [("0.25", "0.25", "True")]
    assert repr(table([], columns)) == "a  b  c"


def test_tables_that_cannot_be():
    with pytest.raises(ValueError, match="row 2 has 1 cells, but there are 3"):
        table([(1, 2, 3), (1,)], COLUMNS)
    with pytest.raises(ValueError, match="digits are given for PCK;"):
        table(ROWS, COLUMNS, digits={"PCK": 2})
