"""Figures of chapter 12."""

import numpy as np
import pytest

from posecourse.inference import Pose
from posecourse.visualization import people as plots


def poses():
    points = np.random.default_rng(0).uniform(10, 50, (16, 2))
    return [
        Pose(points + 40 * i, np.ones(16), (0, 0, 1, 1), track=7 * i) for i in (0, 1)
    ]


def test_people_are_drawn_with_boxes_and_numbers():
    picture = np.full((96, 128, 3), 200, np.uint8)
    drawn = plots.draw_people(picture, poses(), width=256)
    assert drawn.shape == (192, 256, 3) and (picture == 200).all()
    bare = plots.draw_people(picture, poses(), width=256, boxes=False)
    assert (drawn != bare).any()
    # 7 numbers later the colours begin again
    assert plots.person_color(0) == plots.person_color(7) != plots.person_color(1)
    assert (drawn == plots.person_color(0)).all(-1).sum() > 100
    assert (plots.draw_people(picture, [], width=128) == picture).all()


def test_boxes_and_fields_are_figures():
    picture = np.zeros((48, 64, 3), np.uint8)
    boxes = [[1, 2, 20, 30], [5, 5, 30, 30]]
    made = plots.show_boxes(picture, boxes, ["a", "b"], heat=np.ones((12, 16)))
    assert len(made.axes[0].patches) == 4  # each with a white edge
    assert [t.get_text() for t in made.axes[0].texts] == ["a", "b"]
    plane = plots.show_boxes((160, 90), boxes, ["a", "b"])
    heights = [t.get_position()[1] for t in plane.axes[0].texts]
    assert heights[1] - heights[0] == pytest.approx(12)  # labels do not cover another
    field = np.zeros((2, 9, 9))
    field[0, 4] = 1
    made = plots.show_field(field, {"S": (0, 4), "E": (8, 4)}, [("S", "E", True)])
    assert len(made.axes[0].lines) == 3
    sheet = plots.show_scenes([picture] * 2, ["one", "two"], columns=2)
    assert [axes.get_title() for axes in sheet.axes] == ["one", "two"]
