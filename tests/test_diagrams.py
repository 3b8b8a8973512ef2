"""Figures that explain one thing: they show what they say."""

import numpy as np
import pytest
import torch

from posecourse.codecs import gaussian_heatmaps
from posecourse.losses import heatmap_mse
from posecourse.skeletons import MPII, UPPER_BODY
from posecourse.visualization import diagrams

GREY = np.full((128, 128, 3), 128, np.uint8)


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_pixel_values_stand_on_their_pixels():
    image = np.arange(64 * 64 * 3, dtype=np.uint32).reshape(64, 64, 3).astype(np.uint8)
    whole, enlarged = diagrams.pixel_values(image, 5, 7, 3, 2).axes
    shown = {t.get_position(): t.get_text() for t in enlarged.texts}
    assert shown[(6, 8)] == str(image[8, 6, 0]) and len(shown) == 6
    assert enlarged.get_xlim() == (4.5, 7.5)


def test_every_joint_has_its_name_once_on_its_side():
    points = np.random.default_rng(0).uniform(20, 108, (16, 2))
    (ax,) = diagrams.named_joints(GREY, points).axes
    assert sorted(texts(ax)) == sorted(MPII.joints)
    lines = {t.get_text(): (t.xy, t.get_position()) for t in ax.texts}
    for joint, (at, place) in lines.items():
        assert np.allclose(at, points[MPII.index(joint)])
        assert (place[0] < 0) == joint.startswith("right")


def test_exchanged_joints_have_arcs_that_do_not_lie_on_each_other():
    label = np.tile([64.0, 64.0], (16, 1)) + np.arange(16)[:, None]
    answer = label + 1
    left, right = MPII.index("left_wrist"), MPII.index("right_wrist")
    label[left], label[right] = (10, 50), (110, 50)
    answer[left], answer[right] = (110, 50), (10, 50)
    figure = diagrams.label_and_answer(GREY, label, answer)
    arrows = [text.arrow_patch for text in figure.axes[2].texts]
    assert len(arrows) == 16
    middles = []
    for k in (left, right):
        path = arrows[k].get_connectionstyle()(answer[k], label[k])
        middles.append(path.vertices[1])
    assert np.linalg.norm(middles[0] - middles[1]) > 20


def test_the_largest_cell_is_told_with_its_distance():
    heatmap = gaussian_heatmaps(torch.tensor([20.0, 12.0]), 32).numpy()
    heatmap[12, 24] = 1.1
    left, right = diagrams.map_and_row(heatmap, (20, 12), "sigma 2").axes
    assert right.get_title() == "largest cell 4.0 cells off"


@pytest.mark.parametrize("pixels, height", [(0, 1.0), (8, 1.0), (30, 0.4), (60, 0.0)])
def test_the_curve_of_the_heatmap_loss_is_the_loss(pixels, height):
    centers = torch.tensor([[30.0, 30.0], [30.0 + pixels / 4, 30.0]])
    label, bump = gaussian_heatmaps(centers.double(), 80, 2.0)
    loss = heatmap_mse(height * bump[None, None], label[None, None])
    assert diagrams._bump_mse(pixels, height) == pytest.approx(float(loss), abs=1e-3)


def test_the_dragged_wrist_is_judged():
    label = np.array([[60, 20], [60, 35], [50, 40], [40, 50], [30, 60]], float)
    answer = label.copy()
    answer[-1] += [3, -4]
    figure = diagrams.dragged_wrist(GREY, label, answer)
    assert len(label) == len(UPPER_BODY)
    assert figure.axes[0].get_title() == "wrist 5 px off"
    said = [text.get_text() for text in figure.axes[2].get_legend().get_texts()]
    assert said[:2] == ["L1 7.0", "L2 25.0"]
    diagrams.dragged_wrist(GREY, label, label)  # exactly on the label


def test_pulls_are_the_slopes_of_the_losses():
    errors = torch.linspace(-4, 4, 9, requires_grad=True)
    figure = diagrams.four_losses(errors, {"L2": errors**2, "L1": errors.abs()})
    left, right = figure.axes
    assert np.allclose(right.lines[0].get_ydata(), np.linspace(-8, 8, 9))
    assert np.allclose(right.lines[1].get_ydata()[:4], -1)


def test_maps_share_one_scale_of_colours():
    target, drawn = np.zeros((6, 6)), np.ones((6, 6))
    figure = diagrams.gradient_maps(target, drawn, drawn - target)
    assert {a.images[0].get_clim() for a in figure.axes[:3]} == {(-2, 2)}
    assert np.allclose(figure.axes[2].images[0].get_array(), -1)
    upper, lower = diagrams.two_descents(target, drawn, home=3).axes
    assert upper.images[0].get_clim() == lower.images[0].get_clim()
