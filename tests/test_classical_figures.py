"""The figures of chapter 2 show what they say."""

import numpy as np
import pytest

from posecourse.classical import Springs, pictorial
from posecourse.skeletons import MPII
from posecourse.visualization import classical as look


@pytest.fixture
def springs():
    """A body whose joints rest one cell below their parents."""
    rest = np.tile([0.0, 1.0], (16, 2, 1))
    return Springs(MPII.parent_indices, rest, np.ones((16, 2, 2)), np.zeros((16, 2, 2)))


@pytest.fixture
def messages(springs):
    scores = np.random.default_rng(0).normal(size=(1, 16, 2, 7, 7))
    return pictorial.pass_messages(scores, springs)


def test_a_stroke_runs_along_the_edge():
    """A gradient to the right is an upright edge."""
    cells = np.zeros((1, 2, 9))
    cells[0, 0, 0] = 1  # directions from 0 to 20 degrees
    picture = look.hog_picture(cells, side=24)
    assert picture.shape == (24, 48) and not picture[:, 24:].any()
    rows, columns = np.nonzero(picture[:, :24] > 128)
    assert np.ptp(rows) > 2 * np.ptp(columns)


def test_children_tell_before_their_parents(springs):
    steps = look.message_steps(springs, MPII)
    told = [part for what, group in steps if what == "tell" for part in group]
    follow = [part for what, group in steps if what == "follow" for part in group]
    root = MPII.index("pelvis")
    assert sorted([*told, root]) == sorted([*follow, root]) == list(range(16))
    assert ("choose", [root]) in steps
    for part in told:
        parent = springs.parents[part]
        if parent != root:
            assert told.index(part) < told.index(parent)
            assert follow.index(part) > follow.index(parent)


@pytest.mark.slow
def test_every_step_can_be_drawn(springs, messages):
    image = np.full((64, 64, 3), 90, np.uint8)
    titles = []
    for step in range(len(look.message_steps(springs, MPII))):
        drawn = look.show_messages(image, messages, springs, MPII, step)
        titles.append(drawn.axes[0].get_title())
    assert titles[:2] == ["where the wrists may be", "what the wrists tell the elbows"]
    assert "the pelvis chooses" in titles
    assert "hips and thorax follow" in titles
    assert titles[-1] == "wrists follow"


def test_light_lies_where_the_score_is(springs):
    """Place (4, 1) of 7 x 7 is where cells meet, 40 and 16 pixels in."""
    scores = np.full((7, 7), -9.0)
    scores[1, 4] = 0
    grey = np.full((64, 64, 3), 90, np.uint8)
    light = look.over_picture(grey, look.heat(scores)).astype(int)
    assert light.shape == (64, 64, 3)
    colour = np.ptp(light, axis=-1)
    y, x = np.nonzero(colour > colour.max() / 2)
    assert (x.mean(), y.mean()) == pytest.approx((39.5, 15.5), abs=0.6)
    assert look.heat(scores).max() == 1 and look.heat(scores).min() == 0
    assert look.heat(scores, top=3.0)[1, 4] == 0.5


@pytest.mark.parametrize(
    ("stiffness", "says"), [(1e-9, "+4.0"), (1.0, "+2.0")], ids=["loose", "stiff"]
)
def test_the_cross_is_on_the_best_compromise(stiffness, says):
    evidence = np.zeros((7, 7))
    evidence[3, 1], evidence[6, 6] = 2, 4
    image = np.full((64, 64, 3), 90, np.uint8)
    drawn = look.show_spring(image, evidence, (1, 2), (0, 1), [stiffness] * 2)
    assert says in drawn.axes[0].get_title()


def test_the_others_draw(springs):
    rng = np.random.default_rng(1)
    image = np.full((64, 64, 3), 90, np.uint8)
    patch = rng.integers(0, 255, (4, 4))
    magnitude, angle = np.ones((2, 4, 4))
    assert len(look.show_gradients(patch, magnitude, angle).axes) == 2
    maps = rng.normal(size=(3, 7, 7))
    assert len(look.show_maps([image] * 3, maps, maps[:, :1, :2].mean(1)).axes) == 3
    kernel = rng.normal(size=(3, 3, 2, 2, 9))
    assert look.show_windows(image, maps[0], kernel, [(1, 2), (3, 3)]).axes
    assert look.show_envelope([0, 0, 5, 0], 1.0).axes
    kinds = [np.arange(20) % 3]
    drawn = look.show_offsets([rng.normal(size=(20, 2))], ["a"], kinds)
    assert len(drawn.axes[0].patches) == 3


def test_every_score_has_its_dot_and_number():
    rows = {
        "mean pose": {"pck": [20.0, 18.0, 22.0]},
        "six types": {"pck": [87.4, 85.0, 89.0]},
        "laptop": {"pck": [96.0, 95.0, 97.0]},
        "six types, no mining": {"pck": [1.0, 0.0, 2.0]},  # for the page only
    }
    people = {
        "easy": {"metric": "PCKh@0.5", "rows": rows},
        "photographs": {"metric": "PCK@0.2", "rows": {"mean pose": {"pck": [4, 3, 5]}}},
    }
    easy, photographs = look.show_study(people).axes
    assert [text.get_text() for text in easy.texts] == ["20", "87", "96"]
    assert [text.get_text() for text in photographs.texts] == ["4"]
    assert photographs.get_xlabel() == "PCK@0.2, %"
    names = [label.get_text() for label in easy.get_yticklabels()]
    for name, line in zip(("mean pose", "six types", "laptop"), easy.lines[1::2]):
        (x,), (y,) = line.get_data()
        assert x == rows[name]["pck"][0] and names[y] == name
