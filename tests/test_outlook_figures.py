"""The figures of chapter 16 show what they are given."""

import numpy as np
import pytest

from posecourse import models
from posecourse.datasets import SyntheticPeople
from posecourse.visualization import outlook as plots
from posecourse.visualization.pictures import draw_pixels


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)


def test_attention_is_that_of_the_patch_under_the_point(image):
    weights = np.full((16, 16), 0.01)
    weights[6, 9] = 0.8  # row 1, column 2 looks at row 2, column 1
    made = plots.draw_attention(image, weights, (20, 10), (4, 4))
    seen = made.axes[1].images[1].get_array()
    assert np.unravel_index(seen.argmax(), seen.shape) == (2, 1)
    assert "80 %" in made.axes[1].get_title()
    frame = made.axes[0].patches[0]
    assert frame.get_xy() == (15.5, 7.5) and frame.get_width() == 8
    # outside of the picture: the nearest patch
    corner = plots.draw_attention(image, weights, (99, -5), (4, 4))
    assert corner.axes[0].patches[0].get_xy() == (23.5, -0.5)


def test_slots_stand_over_the_place_that_is_theirs():
    where = np.array([[15.0, 4], [3, 20]])
    found = np.array([[5.0, 14], [19, 2]])  # each near its own place, in any order
    made = plots.draw_slots({"a": found, "b": found}, where, 7)
    first, second = made.axes[0].lines[:2]
    assert first.get_xdata().tolist() == [4, 20]
    assert second.get_xdata().tolist() == [15, 3]
    assert first.get_ydata().tolist() == [5, 19]


def test_hidden_patches_are_grey_and_filled(image, displayed):
    hidden = np.zeros((2, 32, 32), bool)
    hidden[:, :16] = True
    images = np.stack([image, image])
    plots.show_completed(images, hidden, 255 - images, "Two pictures completed.")
    assert "Two pictures" in displayed.outputs[0].data["text/html"]


def test_the_others_can_be_drawn(image, displayed):
    values = np.linspace(60, 40, 10)[:, None] + [[0, -2, 2]]
    plots.show_tones({"a": values, "b": values}, [7, 8, 9], "Two falling curves.")
    plots.show_identified([1, 2], {"own": [90, 50]}, 3, "A curve that falls.")
    row = {"sitting": [40, 35, 45], "others": [60, 58, 62]}
    plots.show_groups({"a": row, "b": row}, "Two groups, one behind the other.")
    plots.show_patches(image, 8, "A picture cut into sixteen patches.")
    hill = np.exp(-((np.arange(64) - 20) ** 2) / 8)
    plots.show_simcc(image, (10, 10), hill, hill, "A joint as two hills.")
    points = np.array([[0.0, 0], [1, 1], [2, 0]])
    plots.show_matches(
        points, points[:2], {"one": [(0, 0)], "two": [(1, 1)]}, "Lines of two ways."
    )
    texts = [output.data["text/html"] for output in displayed.outputs]
    assert len(texts) == 6 and all("alt=" in text for text in texts)
    arm = plots.draw_arm(points, points, points[:, 0] / 2, 90)
    assert draw_pixels(arm, 40).std() > 0
    assert arm.axes[1].lines[0].get_xydata()[2] == pytest.approx([1, 1])


def test_answers_stand_beside_the_label():
    people = SyntheticPeople(2, size=64, split="test")
    network = models.build("head_heatmap", input_size=64, width=4).eval()
    made = plots.draw_answers(people, 1, 10, {"one": network, "two": network})
    assert [axis.get_title() for axis in made.axes] == ["label", "one", "two"]
    first, second, third = (axis.images[0].get_array() for axis in made.axes)
    assert (second == third).all() and (first != second).any()
