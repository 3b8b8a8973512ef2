"""The panel that shows a checked answer: what, why, where, and the hints."""

import base64
import html
import io
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from PIL import Image

from posecourse import exercises
from posecourse.exercises import check, exercise, pictures
from posecourse.exercises.markup import to_html


@pytest.fixture
def double():
    """An exercise that exists for one test: two times an array."""

    @exercise("99.8", hints=("Add `x` to *itself*.", "$2x$ <b>"))
    def checker(attempt):
        for size in (2, 6):
            x = np.arange(size * size, dtype=float).reshape(size, size)
            attempt.gives(2 * x, x)

    yield "99.8"
    del exercises._EXERCISES["99.8"]


def elements(result):
    """The panel as a tree; it must be well formed."""
    text = result._repr_html_()
    text = re.sub(r"<(img\b[^>]*)>", r"<\1/>", text)  # HTML's, not XML's
    return ElementTree.fromstring(f"<all>{text}</all>")


def text_of(result):
    return " ".join("".join(elements(result).itertext()).split())


def picture_of(result):
    """The picture in a panel as an array, or None."""
    image = elements(result).find(".//img")
    if image is None:
        return None
    assert len(image.get("alt").split()) >= 4
    head, _, data = image.get("src").partition(",")
    assert head == "data:image/webp;base64"
    picture = Image.open(io.BytesIO(base64.b64decode(data)))
    assert picture.width == 2 * int(image.get("width"))  # crisp on dense screens
    return np.asarray(picture.convert("RGB"))


def test_an_answer_that_passes_is_green_and_has_a_tick(double):
    result = check(double, lambda x: 2 * x)
    (panel,) = elements(result).findall("div")
    assert panel.get("class") == "pc-panel right"
    said = text_of(result)
    assert "✓ passed" in said and "2 cases right." in said
    assert "Hint" not in said and picture_of(result) is None


def test_the_first_wrong_map_is_drawn_beside_the_right_one(double):
    result = check(double, lambda x: 2 * x if len(x) == 2 else x + x.max())
    said = text_of(result)
    assert "✗ not right yet" in said and "numbers differ" in said
    picture = picture_of(result)
    # both panels have content, and not the same
    left, right = np.split(picture[:, : picture.shape[1] // 2 * 2], 2, axis=1)
    assert left.std() > 5 and right.std() > 5 and (left != right).mean() > 0.05


def test_small_numbers_are_read_and_not_drawn(double):
    result = check(double, lambda x: x)  # 2 x 2
    assert "expected:" in text_of(result) and picture_of(result) is None


def test_an_empty_cell_has_a_panel(double):
    said = text_of(check(double, None))
    assert "○ not yet" in said and "Write your code" in said and "Hint (1 of 2)" in said


def test_hints_open_one_after_the_other(double):
    tree = elements(check(double, lambda x: 3 * x))
    first = tree.find("div/details")
    assert first.findtext("summary") == "Hint (1 of 2)"
    assert "".join(first.find("p").itertext()) == "Add x to itself."
    second = first.find("details")  # inside the first: closed with it
    assert "".join(second.find("p").itertext()) == "$2x$ <b>"
    assert second.find("details") is None


def test_what_an_answer_says_is_text_and_never_html(double):
    def answer(x):
        raise ValueError("<img src=x onerror=alert(1)> & </div>")

    result = check(double, answer)
    assert "onerror" in text_of(result)
    assert "<img" not in result._repr_html_()


class Odd(np.ndarray):
    def __array__(self, *args, **kwargs):
        raise SystemExit


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "answer",
    [
        lambda x: x * np.nan,
        lambda x: x * np.inf,
        lambda x: x.astype(complex),
        lambda x: x.astype(object),
        lambda x: x.view(Odd),
        lambda x: x[:0],
        lambda x: x.tolist(),
        lambda x: "text",
        lambda x: np.broadcast_to(x[0, 0], (10**6, 10**6)),
    ],
)
def test_a_picture_that_cannot_be_drawn_leaves_the_text(double, answer):
    result = check(double, answer)
    assert "not right yet" in text_of(result)
    picture_of(result)


def test_a_checker_may_bring_its_own_picture(double):
    def draw(expected, given):
        return pictures.points(expected, given, np.zeros((9, 9)))

    @exercise("99.8")
    def checker(attempt):
        attempt.gives((2, 1), 0, picture=draw)
        attempt.require(False, "no", picture=lambda: draw((1, 1), (5, 5)))

    assert picture_of(check(double, lambda x: (1, 2))) is not None
    result = check(double, lambda x: (2, 1))
    assert "no" in text_of(result) and picture_of(result) is not None

    @exercise("99.8")
    def broken(attempt):
        attempt.gives((2, 1), 0, picture=lambda *_: 1 / 0)

    result = check(double, lambda x: (1, 2))
    assert picture_of(result) is None and "expected:" in text_of(result)


def test_a_point_is_drawn_where_it_is():
    figure, alt = pictures.points((5, 2), (1, 6), np.zeros((8, 8)))
    (axis,) = figure.axes
    right, mine = (c.get_offsets().tolist() for c in axis.collections)
    assert (right, mine) == ([[5, 2]], [[1, 6]])
    assert "expected" in alt and "your answer" in alt


def test_of_many_maps_the_first_wrong_one_is_drawn():
    right = np.zeros((2, 3, 5, 5))
    mine = right.copy()
    mine[1, 0, 4, 4] = 1
    figure, _ = pictures.compare(right, mine)
    shown = [axis.images[0].get_array() for axis in figure.axes[:2]]
    assert shown[0].max() == 0 and shown[1][4, 4] == 1
    assert pictures.compare(right, mine[:, :2]) is None  # another shape


def test_a_panel_can_be_made_for_every_chapter():
    """Also without a display, where plain text is what counts."""
    result = check("03.1", lambda heatmap, stride: (0, 0))
    assert picture_of(result) is not None
    assert repr(result).endswith('Stuck? hint("03.1")')
    assert "Stuck?" not in html.unescape(result._repr_html_())


@pytest.mark.parametrize(
    "text, wanted",
    [
        ("a < b & c", "a &lt; b &amp; c"),
        ("**bold** and *not*", "<b>bold</b> and <i>not</i>"),
        ("`x * y * z`", "<code>x * y * z</code>"),
        ("2 * x, (3 * y ** 2), z ** 2", "2 * x, (3 * y ** 2), z ** 2"),
        ("$a_1 * b * c < d$", "$a_1 * b * c &lt; d$"),
        ("[there](a.ipynb)", '<a href="a.ipynb">there</a>'),
        ("`<b>` **$x$**", "<code>&lt;b&gt;</code> **$x$**"),
        ("", ""),
    ],
)
def test_short_markdown(text, wanted):
    assert to_html(text) == wanted
