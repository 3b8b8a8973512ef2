"""Bodies that turn, and the other figures of chapter 13."""

import numpy as np
import pytest

from posecourse.lifting import random_poses
from posecourse.visualization import lifting as plots
from posecourse.visualization.pictures import draw_pixels


@pytest.fixture(scope="module")
def body():
    pose = random_poses(1)[0]
    return pose - pose[6]


def test_a_quarter_turn_shows_the_depth(body):
    """What was away is at the right; what was up stays up."""
    side = plots.turned(body, 90)
    np.testing.assert_allclose(side, body[:, [2, 1, 0]] * (1, 1, -1), atol=1e-12)
    np.testing.assert_allclose(plots.turned(body, 360), body, atol=1e-12)
    above = plots.turned(body, 0, 90)  # from above, what is away is up
    np.testing.assert_allclose(above[:, 1], -body[:, 2], atol=1e-12)


def test_every_panel_has_its_body(body):
    made = plots.show_bodies(
        [body] * 3, ["a", "b", "c"], turn=[0, 90, 180], others=[0.9 * body] * 3
    )
    lines = [axes.lines for axes in made.axes]
    assert len(made.axes) == 3 and all(len(own) > 60 for own in lines)
    first, second = (own[-1].get_xdata() for own in lines[:2])
    assert not np.allclose(first, second)
    one, other = (
        draw_pixels(plots.show_bodies([body], turn=turn, reach=1.1), 50)
        for turn in (0, 90)
    )
    assert one.shape == other.shape and (one != other).any()


def test_the_other_figures_can_be_drawn(body):
    row = {"single": [40, 38, 42], "temporal": [30, 29, 31]}
    made = [
        plots.show_rays([[0.4, 0, 4], [0.8, 0, 8]], [0.1, 0.1], ["a", "b"]),
        plots.show_bone([0, 0, 4.0], [0.0, 0.02], [3.8, 4.2], 0.3),
        plots.show_loss_of({"noise": {"0": row, "2": row}, "missing": {"0": row}}),
        plots.show_spread([body, 2 * body], np.zeros(3), ["a", "b"]),
    ]
    for figure in made:
        assert draw_pixels(figure, 40).std() > 0


def test_a_film_without_frames_is_refused():
    with pytest.raises(ValueError, match="at least one frame"):
        plots.turning_gif([])
