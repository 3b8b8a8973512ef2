"""What happens from layer to layer, as pictures (chapter 7)."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from matplotlib.patches import Rectangle

from posecourse.visualization import layers

PICTURE = np.arange(20.0).reshape(4, 5) % 7
KERNEL = np.array([[-1, 0, 1], [2, 0, -2], [0, 1, 0]], float)


def _numbers(axis):
    return [float(text.get_text().replace("−", "-")) for text in axis.texts]


def _squares(axis):
    return [p for p in axis.patches if isinstance(p, Rectangle)]


@pytest.mark.parametrize("step", [0, 7, 19])
def test_a_convolution_is_pytorchs_up_to_its_step(step):
    made = layers.convolution_step(PICTURE, KERNEL, step)
    expected = F.conv2d(
        torch.tensor(PICTURE)[None, None], torch.tensor(KERNEL)[None, None], padding=1
    ).flatten()
    shown = _numbers(made.axes[2])
    assert shown == expected[: step + 1].tolist()


def test_the_nine_products_add_up_to_the_number_that_is_written():
    made = layers.convolution_step(PICTURE, KERNEL, 7)
    products = [
        float(a) * float(b)
        for a, b in (
            text.get_text().replace("−", "-").split(" · ")
            for text in made.axes[1].texts
        )
    ]
    assert len(products) == 9
    assert sum(products) == _numbers(made.axes[2])[7]


def test_the_kernels_frame_lies_over_its_pixels():
    made = layers.convolution_step(PICTURE, KERNEL, 7)  # row 1, column 2
    frames = [p for p in _squares(made.axes[0]) if p.get_width() == 3]
    # zeros around the picture: its pixel (x, y) is drawn at (x + 1, y + 1)
    assert [(f.get_x() + 1.5, f.get_y() + 1.5) for f in frames] == [(3, 2)]


def test_each_square_of_a_receptive_field_has_its_label():
    sees = {"conv2": 5, "conv4": 14, "last": 40}
    made = layers.show_receptive_fields(
        np.zeros((64, 64, 3), np.uint8), sees, np.ones((64, 64))
    )
    left = made.axes[0]
    assert [t.get_text() for t in left.texts] == ["conv2: 5", "conv4: 14", "last: 40"]
    assert {p.get_width() for p in _squares(left)} == {5, 14, 40}
    for square in _squares(left):  # around the middle, between pixels 31 and 32
        assert square.get_x() + square.get_width() / 2 == pytest.approx(31.5)


def test_bars_of_costs_are_in_millions_and_billions():
    made = layers.show_costs({"a": (2e6, 3e9), "b": (5e5, 0)})
    lengths = [[bar.get_width() for bar in axis.patches] for axis in made.axes]
    assert lengths == [[2, 0.5], [3, 0]]


def test_fewer_values_than_layers_belong_to_the_last():
    made = layers.show_over_layers(
        ["a", "b", "c"], {"t": {"all": [1, 2, 3], "two": [4, 5]}}
    )
    first, second = made.axes[0].lines
    assert list(first.get_xdata()) == ["a", "b", "c"]
    assert list(second.get_xdata()) == ["b", "c"]
    assert made.axes[0].get_yscale() == "log"
