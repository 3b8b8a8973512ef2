"""Live pictures: the still one, the controls, and what a change does."""

import re

import cv2
import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

from posecourse.visualization import Point, explore
from posecourse.visualization.widgets import Explorer

WIDGET = "application/vnd.jupyter.widget-view+json"


def draw(power=1, label="a", grid=False):
    figure = Figure(figsize=(2, 1))
    axes = figure.subplots()
    axes.plot([0, 1, 2], [0, 1, 2**power])
    axes.set_title(label)
    axes.grid(grid)
    return figure


def draw_at(place):
    """Axes that fill the figure: data and picture are easily compared."""
    figure = Figure(figsize=(2, 1))
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, 200), ylim=(100, 0))
    axes.plot(*place, "ko")
    return figure


@pytest.fixture
def explorer(displayed):
    """A shown explorer of the power of a curve."""
    made = Explorer(draw, "A curve of power {power}", power=(1, 3, 2))
    made.show()
    return made


def pixels(picture):
    return cv2.imdecode(np.frombuffer(picture.picture, np.uint8), cv2.IMREAD_COLOR)


def test_the_still_picture_comes_first_and_has_alt_text(displayed):
    explore(draw, "A curve of power {power}", power=(1, 3, 2))
    still, live = displayed.outputs
    (image,) = re.findall("<img[^>]+>", still.data["text/html"])
    assert 'alt="A curve of power 2"' in image
    assert 'width="200" height="100"' in image  # nothing jumps while it loads
    assert still.data["text/plain"] == "A curve of power 2"
    assert "Run this cell" in still.data["text/html"]
    assert WIDGET in live.data
    # where no widgets are known, nothing is said twice
    assert list(live.data) == ["application/vnd.jupyter.widget-view+json"]


def test_what_is_live_can_be_told_from_what_is_dead(displayed):
    """By the style sheet that is stored with the still picture."""
    explore(draw, "A curve of power {power}", power=(1, 3, 2))
    still, live = displayed.outputs
    widget = ipywidgets.widget_serialization["from_json"](
        f"IPY_MODEL_{live.data[WIDGET]['model_id']}", None
    )
    assert "posecourse-live" in widget._dom_classes
    assert ".posecourse-live" in still.data["text/html"]


def test_outside_a_notebook_the_alt_text_is_printed(capsys):
    explore(draw, "A curve of power {power}", power=(1, 3, 2))
    assert capsys.readouterr().out == "[A curve of power 2]\n"


def test_a_control_redraws_the_picture_in_its_size(explorer):
    before = pixels(explorer._picture)
    explorer.controls["power"].value = 3
    after = pixels(explorer._picture)
    assert after.shape == before.shape == (200, 400, 3)
    assert (after != before).any()
    assert explorer._picture.alt == "A curve of power 3"
    assert list(explorer._picture.size) == [200, 100]


def test_a_screen_with_fewer_dots_gets_fewer(explorer):
    explorer._picture.density = 1.0
    assert pixels(explorer._picture).shape == (100, 200, 3)


@pytest.fixture
def dragged(displayed):
    """An explorer of a place, at (50, 25) of 200 x 100, y downwards."""
    made = Explorer(draw_at, "A dot at {place[0]:.0f}", place=Point(50, 25))
    made.show()
    return made


def test_a_handle_stands_where_its_point_is(dragged):
    (handle,) = dragged._picture.handles
    assert handle["name"] == "place" and handle["text"] == "50, 25"
    assert handle["place"] == pytest.approx([0.25, 0.25])
    assert dragged._picture.area == pytest.approx([0, 0, 1, 1])
    assert dragged.values == {"place": (50.0, 25.0)}


def wish(explorer, place, count=1):
    explorer._picture.wish = {"name": "place", "place": place, "count": count}


def test_a_moved_handle_moves_its_point(dragged):
    before = pixels(dragged._picture)
    wish(dragged, [0.75, 0.9])
    assert dragged.values["place"] == pytest.approx((150, 90), abs=0.01)
    assert dragged._picture.alt == "A dot at 150"
    assert dragged._picture.handles[0]["text"] == "150, 90"
    assert dragged._picture.answered == 1
    after = pixels(dragged._picture)
    dark = np.argwhere((after.sum(-1) < 100) & (before.sum(-1) > 700))
    assert dark.mean(0)[::-1] / 2 == pytest.approx((150, 90), abs=1)


def test_a_handle_stays_within_the_axes(dragged):
    wish(dragged, [3.0, -1.0])
    assert dragged.values["place"] == pytest.approx((200, 0), abs=0.01)


def test_a_handle_answers_even_where_the_drawing_fails(displayed):
    def fragile(place):
        if place[0] > 100:
            raise KeyError("<joint>")
        return draw_at(place)

    made = Explorer(fragile, "A dot", place=Point(50, 25))
    made.show()
    wish(made, [0.75, 0.5])
    assert made._picture.answered == 1 and "KeyError" in made._message.value
    wish(made, [0.25, 0.5], count=2)
    assert made._picture.answered == 2 and made._message.value == ""


def test_a_handle_in_axes_of_any_kind(displayed):
    """Logarithmic, and not first in the figure's space."""

    def logarithmic(place):
        figure = Figure(figsize=(4, 2))
        axes = figure.add_axes((0.5, 0.25, 0.25, 0.5), xlim=(1, 100), ylim=(0, 1))
        axes.set_xscale("log")
        return figure

    made = Explorer(logarithmic, "Nothing", place=Point(10, 0.5))
    made.show()
    assert made._picture.area == pytest.approx([0.5, 0.25, 0.75, 0.75])
    assert made._picture.handles[0]["place"] == pytest.approx([0.625, 0.5])
    wish(made, [0.6875, 0.625])
    assert made.values["place"] == pytest.approx((10**1.5, 0.25), abs=0.01)


def test_a_point_needs_axes(displayed):
    with pytest.raises(ValueError, match="needs a figure with axes"):
        explore(lambda place: Figure(), "x", place=Point(1, 1))


def test_each_kind_of_value_has_its_control():
    controls = Explorer(
        draw, "{power}", power=(0.5, 2.5, 1.0), label=["a", "b"], grid=True
    ).controls
    assert isinstance(controls["power"], ipywidgets.FloatSlider)
    assert isinstance(controls["label"], ipywidgets.Dropdown)
    assert isinstance(controls["grid"], ipywidgets.Checkbox)
    assert isinstance(
        Explorer(draw, "", power=(1, 3, 2)).controls["power"], ipywidgets.IntSlider
    )
    stepped = Explorer(draw, "", power=(0.0, 1.0, 0.5, 0.25))
    assert stepped.controls["power"].step == 0.25
    assert stepped.values == {"power": 0.5}


@pytest.mark.parametrize(
    ("choice", "step", "digits"),
    [
        ((0.5, 5.0, 2.0), 0.1, 1),
        ((0.0, 1.0, 0.5), 0.02, 2),
        ((0.0, 100.0, 33.0), 1, 0),
        ((0.001, 0.1, 0.01), 0.001, 3),
        ((0.0, 31.0, 16.3), 0.1, 1),  # 0.5 would miss the start
        ((0.0, 1.0, 0.5, 0.25), 0.25, 2),
        ((0.25, 2.25, 1.25, 0.5), 0.5, 2),
    ],
)
def test_sliders_have_round_steps_and_show_no_more_digits(choice, step, digits):
    slider = Explorer(draw, "", power=choice).controls["power"]
    assert slider.step == pytest.approx(step)
    assert slider.readout_format == f".{digits}f"
    # a browser lets a slider stand on its steps only
    steps = (slider.value - slider.min) / slider.step
    assert slider.value == choice[2] and steps == pytest.approx(round(steps))


@pytest.mark.parametrize(
    "choice",
    [
        (1, 2),
        (1, 2, 3),
        (3, 1, 2),
        (1, 1, 1),
        (0, 1, 0, -1),
        [],
        "a",
        3,
        (0.0, 1.0, 0.3, 0.25),
        (0.0, 1.0, 1 / 3),
    ],
)
def test_a_choice_that_makes_no_sense(choice):
    with pytest.raises(ValueError, match="power"):
        Explorer(draw, "", power=choice)


def test_there_must_be_a_parameter():
    with pytest.raises(ValueError, match="at least one parameter"):
        Explorer(draw, "")


def test_draw_must_return_its_figure(displayed):
    with pytest.raises(ValueError, match="must return the figure"):
        explore(lambda power: None, "", power=(1, 3, 2))


@pytest.mark.parametrize(
    "alt, says", [("{sigma}", "'sigma'.*there are power"), (None, "needs alt text")]
)
def test_an_alt_text_that_cannot_be_said(displayed, alt, says):
    with pytest.raises(ValueError, match=says):
        explore(draw, alt, power=(1, 3, 2))


def test_an_error_in_the_first_drawing_is_raised(displayed):
    with pytest.raises(ZeroDivisionError):
        explore(lambda power: 1 / 0, "", power=(1, 3, 2))


def test_a_later_error_is_shown_and_then_forgotten(displayed):
    def fragile(power):
        if power == 3:
            raise KeyError("<joint>")
        return draw(power)

    explorer = Explorer(fragile, "x", power=(1, 3, 2))
    explorer.show()
    explorer.controls["power"].value = 3
    assert "KeyError" in explorer._message.value
    assert "<joint>" not in explorer._message.value  # escaped
    explorer.controls["power"].value = 1
    assert explorer._message.value == ""


def test_no_figure_stays_open(displayed):
    def with_pyplot(power):
        figure, axes = plt.subplots()
        axes.plot([power])
        return figure

    before = plt.get_fignums()
    Explorer(with_pyplot, "x", power=(1, 3, 2)).render(100)
    assert plt.get_fignums() == before
