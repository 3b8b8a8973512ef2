"""Figures that chapters 8 to 11 keep in the package: they show what they are given."""

import types

import matplotlib
import numpy as np
import pytest
import torch

from posecourse.codecs import HeatmapCodec
from posecourse.skeletons import MPII
from posecourse.visualization import architectures, figures, reading, scores, steps

matplotlib.use("agg")


@pytest.fixture
def shown(monkeypatch):
    """The figures that are displayed, kept open, and what is said of them."""
    kept = []

    def keep(made, alt, **options):
        made.canvas.draw()  # whatever cannot be drawn fails here
        kept.append((made, alt))

    monkeypatch.setattr(figures, "display_figure", keep)
    return kept


def lines(axis):
    return {line.get_label(): line for line in axis.get_lines()}


# --- steps --------------------------------------------------------------


def test_curves_pairs_and_levels_over_the_steps(shown):
    steps.show_steps(
        {
            "left": ({"each": np.arange(60.0), "pairs": [(5, 2.0), (9, 1.0)]}, {}),
            "right": ({"level": 7.0}, {"ylim": (0, 9), "ylabel": "loss"}),
        },
        "Two panels with curves.",
    )
    ((made, alt),) = shown
    left, right = made.axes
    assert alt == "Two panels with curves." and left.get_title() == "left"
    assert lines(left)["each"].get_ydata()[-1] == 59
    assert lines(left)["pairs"].get_xdata().tolist() == [5, 9]
    assert set(lines(right)["level"].get_ydata()) == {7}
    assert right.get_ylim() == (0, 9) and right.get_ylabel() == "loss"


def test_the_range_test_marks_its_band(shown):
    rates = np.geomspace(1e-5, 10, 20)
    steps.show_range_test(rates, np.linspace(7, 5, 20), 7.0, (1e-3, 1e-2), "A curve.")
    (axis,) = shown[0][0].axes
    assert axis.get_xscale() == axis.get_yscale() == "log"
    words = {text.get_text(): text.get_position()[0] for text in axis.texts}
    assert words["too small"] < 1e-3 < words["good"] < 1e-2 < words["diverges"]


# --- scores -------------------------------------------------------------


@pytest.fixture
def store():
    keypoints = np.full((2, 16, 2), 20.0)
    return types.SimpleNamespace(
        crops=np.zeros((2, 64, 64, 3), np.uint8), keypoints=keypoints
    )


def test_a_threshold_tells_right_from_wrong(store):
    predicted = store.keypoints + (3.2, 0)  # half a head size to the right
    predicted[1, :4] += (10, 0)
    distances = np.linalg.norm(predicted - store.keypoints, axis=2) / 6.4
    curves = {"network": np.linspace(0, 88, 51), "mean pose": np.zeros(51)}
    for person, threshold, right in ((0, 0.5, 16), (1, 0.5, 12), (1, 0.4, 0)):
        made = scores.draw_threshold(
            store, predicted, distances, curves, person, threshold
        )
        left, axis = made.axes
        assert left.get_title() == f"{right} right"
        assert {p.get_radius() for p in left.patches} == {threshold * 6.4}
        point = axis.get_lines()[1]
        assert point.get_ydata()[0] == pytest.approx(88 * threshold / 0.5)
        matplotlib.pyplot.close(made)


def test_intervals_on_the_same_people_and_not(shown):
    scores.show_intervals(
        {"a - b": (1.0, 0.5, 1.5, 2.0), "c - d": (0.2, -0.1, 0.5, 1.0)}, "Intervals."
    )
    (axis,) = shown[0][0].axes
    paired, apart = lines(axis)["on the same people"], lines(axis)["if independent"]
    assert list(paired.get_xdata()) == [0.5, 1.5]
    assert list(apart.get_xdata()) == [-1.0, 3.0]
    assert [t.get_text() for t in axis.get_yticklabels()] == ["a - b", "c - d"]


def test_arrows_lead_from_the_answer_to_the_label(shown, store):
    predicted = store.keypoints + (0, 9)
    scores.show_arrows(
        store, predicted, {"near": (0, 0), "far": (1, 10)}, "Two arrows."
    )
    left, right = shown[0][0].axes
    assert left.get_title() == f"near: {MPII.joints[0].replace('_', ' ')}"
    (arrow,) = right.texts
    assert tuple(arrow.xy) == (20, 20) and arrow.xyann == (20, 29)


# --- reading ------------------------------------------------------------


@pytest.fixture
def maps():
    """16 maps of 32 x 32 cells; the left wrist lies at (20.3, 9.6)."""
    codec = HeatmapCodec((64, 64), (32, 32), sigma=1.5)
    at = torch.full((1, 16, 2), 30.0)
    at[0, MPII.index("left_wrist")] = torch.tensor([(20.3 + 0.5) * 2 - 0.5] * 2)
    at[0, MPII.index("left_wrist"), 1] = (9.6 + 0.5) * 2 - 0.5
    return codec.encode(at, torch.full((1, 16), 2))[0][0]


def test_decoding_comes_closer_step_by_step(maps):
    found = []
    for step in range(4):
        made = reading.draw_decoding(maps, "left_wrist", step)
        (axis,) = made.axes
        if step:
            ((x, y),) = axis.get_lines()[0].get_xydata()
            found.append(np.hypot(x - 20.3, y - 9.6))
            assert f"({x:.2f}, {y:.2f})" in axis.get_title()
        assert axis.get_xlim() == (16.5, 23.5)
        matplotlib.pyplot.close(made)
    assert found[0] > found[1] > found[2] and found[2] < 0.01


def test_the_flip_test_ends_on_the_right_joint():
    own, mirror = torch.zeros(2, 16, 8, 8)
    left, right = MPII.indices(["left_wrist", "right_wrist"])
    own[left, 2, 1] = own[right, 2, 6] = 1  # the right wrist at x = 6
    mirror[left, 2, 1] = mirror[right, 2, 6] = 1  # in the mirror it is called left
    picture = np.zeros((8, 8, 3), np.uint8)
    brightest = []
    for step in range(6):
        made = reading.draw_flip_test(picture, own, mirror, "right_wrist", step)
        shown = made.axes[1].images[0].get_array()
        brightest.append(np.argwhere(shown == shown.max())[:, 1].tolist())
        matplotlib.pyplot.close(made)
    assert brightest == [[6], [6], [1], [6], [6], [1, 6]]


# --- architectures ------------------------------------------------------


@pytest.fixture
def study():
    def row(score, stages=1):
        return {
            "curve": [(8000, 0.5, score - 5), (16000, 0.4, score)],
            "milliseconds_of_training": 5.0,
            "milliseconds": 8.0,
            "parameters": 2_000_000,
            "multiply_adds": 90e6,
            "pckh": [{"0.5": (score, score - 1, score + 2)}] * stages,
        }

    return {
        "networks": {
            "CPM, seed 0": row(42.0, 6),
            "CPM, seed 1": row(40.0),
            "laptop, seed 0": row(66.0),
        },
        "mean_pose": {"0.5": [15.7]},
    }


def test_the_table_of_scores(study):
    found = architectures.table_of_scores(study, ["CPM", "laptop"])
    assert found.cells == [
        ("CPM", "42.0", "41.0 to 44.0", "40.0", "2.00"),
        ("laptop", "66.0", "65.0 to 68.0", "–", "2.00"),
        ("(mean pose)", "15.7", "", "–", "–"),
    ]


def test_curves_and_prices_of_networks(shown, study):
    rows, names = study["networks"], ["CPM", "laptop"]
    architectures.show_learning_curves(rows, names, "Curves.")
    architectures.show_prices(rows, names, "Prices.")
    architectures.show_stages(rows, names, "Stages.")
    curves, prices, stages = (made for made, _ in shown)
    assert lines(curves.axes[1])["CPM"].get_xdata().tolist() == [40, 80]  # seconds
    assert [axis.get_xlim()[1] > 1 for axis in prices.axes] == [True] * 3
    assert len(lines(stages.axes[0])["CPM"].get_xdata()) == 6


def test_effects_and_gains_have_a_row_each(shown):
    ideas = {"one": [(1.0, 0.5, 1.5), (0.8, 0.1, 1.2)], "two": [(0, -1, 1)] * 2}
    architectures.show_effects(ideas, "Effects.")
    architectures.show_joint_gains({"head": [-3.0, -4], "wrist": [4.0, 4]}, "Gains.")
    effects, gains = (made.axes[0] for made, _ in shown)
    assert [t.get_text() for t in effects.get_yticklabels()] == ["one", "two"]
    assert list(lines(gains)["seed 1"].get_xdata()) == [-4, 4]
    assert gains.yaxis_inverted()


def test_published_scores_stand_beside_their_cost(shown):
    networks = {"old": ("Hourglass", 85.1, 5.8), "new": ("HRNet", 90.3, 10.2)}
    architectures.show_published(networks, 0.6, "Published.")
    scored, cost = shown[0][0].axes
    assert [t.get_text() for t in scored.get_yticklabels()] == ["old", "new"]
    assert [bar.get_width() for bar in cost.patches] == [5.8, 10.2]
    # no name or number lies on an interval
    assert [t.get_text() for t in cost.texts] == ["5.8", "10.2"] and not scored.texts


def test_puzzles_ring_the_dot_that_is_meant(shown):
    maps = {"picture": np.zeros((3, 8, 8)), "fine": np.ones((3, 8, 8))}
    architectures.show_puzzles(maps, [(1, 2), (3, 4), (5, 6)], (0, 2), "Puzzles.")
    axes = shown[0][0].axes
    assert [a.get_title() for a in axes] == ["picture", "fine"] * 2
    assert axes[3].get_lines()[0].get_xydata().tolist() == [[5, 6]]
