"""Live pictures: the still one, the controls, and what a change does."""

import base64

import ipywidgets
import matplotlib.pyplot as plt
import pytest
from matplotlib.figure import Figure

from posecourse.visualization.widgets import Explorer, explore


def draw(power=1, label="a", grid=False):
    figure = Figure(figsize=(2, 1))
    axes = figure.subplots()
    axes.plot([0, 1, 2], [0, 1, 2**power])
    axes.set_title(label)
    axes.grid(grid)
    return figure


class Handle:
    """Stands for the picture in the notebook."""

    def __init__(self):
        self.updates = []

    def update(self, data, raw, metadata):
        self.updates.append((data, metadata))


@pytest.fixture
def shown(monkeypatch):
    """What `explore` displays: (object, options), and the handle."""
    import IPython.display

    displayed, handle = [], Handle()

    def display(thing, **options):
        displayed.append((thing, options))
        return handle if options.get("display_id") else None

    monkeypatch.setattr(IPython.display, "display", display)
    return displayed, handle


def test_the_picture_comes_first_and_has_alt_text(shown):
    displayed, _ = shown
    explore(draw, "A curve of power {power}", power=(1, 3, 2))
    (picture, options), (controls, _) = displayed
    png = base64.b64decode(picture["image/png"])
    assert png.startswith(b"\x89PNG")
    alt = options["metadata"]["image/png"]["alt"]
    assert alt == picture["text/plain"] == "A curve of power 2"
    assert isinstance(controls, ipywidgets.VBox)


def test_a_control_redraws_the_same_picture(shown):
    displayed, handle = shown
    explorer = Explorer(draw, "A curve of power {power}", power=(1, 3, 2))
    explorer.show()
    explorer.controls["power"].value = 3
    ((data, metadata),) = handle.updates
    assert data["image/png"] != displayed[0][0]["image/png"]
    assert metadata["image/png"]["alt"] == "A curve of power 3"


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


def test_the_picture_tells_its_size(shown):
    """So that nothing below it moves while the next one is loaded."""
    displayed, _ = shown
    explore(draw, "x", power=(1, 3, 2))
    metadata = displayed[0][1]["metadata"]["image/png"]
    assert (metadata["width"], metadata["height"]) == (200, 100)


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


def test_draw_must_return_its_figure(shown):
    with pytest.raises(ValueError, match="must return the figure"):
        explore(lambda power: None, "", power=(1, 3, 2))


def test_an_error_in_the_first_drawing_is_raised(shown):
    with pytest.raises(ZeroDivisionError):
        explore(lambda power: 1 / 0, "", power=(1, 3, 2))


def test_a_later_error_is_shown_and_then_forgotten(shown):
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


def test_no_figure_stays_open(shown):
    def with_pyplot(power):
        figure, axes = plt.subplots()
        axes.plot([power])
        return figure

    before = plt.get_fignums()
    Explorer(with_pyplot, "x", power=(1, 3, 2)).render()
    assert plt.get_fignums() == before
