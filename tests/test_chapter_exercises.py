"""Checkers of single chapters: each mistake that they know gets its words."""

import numpy as np
import pytest
import torch

from posecourse.exercises import chapter_01, chapter_04, check
from posecourse.exercises.network_maps import network_maps

# --- 01.3: a test that finds the bug ------------------------------------


def twice_is_the_start(flip):
    keypoints, visible = np.array([[10.0, 5.0], [30.0, 9.0]]), np.array([2, 1])
    back = flip(*flip(keypoints.copy(), visible.copy(), 64, [(0, 1)]), 64, [(0, 1)])
    return np.allclose(back[0], keypoints) and np.array_equal(back[1], visible)


def positions_alone(flip):
    keypoints = np.array([[10.0, 5.0], [20.0, 8.0], [30.0, 9.0]])
    points, _ = flip(keypoints, np.array([2, 2, 2]), 64, [(0, 2)])
    return np.allclose(points, [[33, 9], [43, 8], [53, 5]])


@pytest.mark.parametrize(
    "test, found",
    [
        (twice_is_the_start, "keep their names"),
        (positions_alone, "the visibility does not change sides"),
        (lambda flip: True, "keep their names"),
        (lambda flip: False, "says False to a function that is right"),
        (lambda flip: 1.0, "True or False is asked for"),
    ],
)
def test_a_weak_test_is_shown_what_it_lets_through(test, found):
    assert found in check("01.3", test).message


def test_every_flip_with_a_bug_differs_from_the_right_one():
    keypoints = np.array([[10.0, 5.0], [20.0, 8.0], [30.0, 9.0], [np.nan] * 2])
    visible, pairs = np.array([2, 2, 1, 0]), [(0, 2), (1, 3)]
    expected = [[33, 9], [np.nan, np.nan], [53, 5], [43, 8]]
    for right, flip, what in chapter_01._FLIPS:
        given = keypoints.copy(), visible.copy()
        points, seen = flip(*given, 64, pairs)
        same = (
            np.allclose(points, expected, equal_nan=True)
            and np.array_equal(seen, [1, 0, 2, 2])
            and np.array_equal(given[0], keypoints, equal_nan=True)
        )
        assert same == right, what


# --- 03.2: what three numbers tell --------------------------------------


def read_bump(left, middle, right, change=lambda *found: found):
    low, mid, high = np.log([left, middle, right])
    d, c = (high - low) / 2, high - 2 * mid + low
    if c >= 0:
        return 0.0, middle, np.inf
    return change(-d / c, np.exp(mid - d**2 / (2 * c)), np.sqrt(-1 / c))


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda at, high, wide: (-at, high, wide), "the sign of the offset"),
        (lambda at, high, wide: (at, np.log(high), wide), "the logarithm"),
        (lambda at, high, wide: (at, high, wide**2), "sigma squared"),
        (lambda at, high, wide: (at, high, wide**-2), "c is -1 / sigma"),
        (lambda at, high, wide: (at, wide, high), "the order is offset"),
    ],
)
def test_a_bump_misread_is_explained(change, words):
    # The text's own case is a bump with height and sigma 1, where some of these
    # mistakes do not show: then the next case has to show them.
    result = check("03.2", lambda *values: read_bump(*values, change=change))
    assert words in result.message


def test_a_bump_without_a_top_has_its_own_answer():
    result = check("03.2", lambda *v: read_bump(*v) if v[0] != v[1] else (0, 0, 0))
    assert "no top" in result.message


# --- 04.2: the hardest joints -------------------------------------------


def hard_mse(predicted, target, labelled, top, mask=-1.0, late=False):
    difference = predicted - target
    if not late:
        difference = torch.where(labelled[:, :, None, None], difference, 0)
    loss = difference.square().sum((-2, -1))
    loss = torch.where(labelled, loss, 0)
    rank = torch.where(labelled, loss, mask)
    where = rank.topk(min(top, rank.shape[1]), dim=1).indices
    counted = labelled.gather(1, where)
    return (loss.gather(1, where) * counted).sum() / counted.sum().clamp(min=1)


def test_the_hardest_joints():
    assert check("04.2", hard_mse).passed
    late = check("04.2", lambda *a: hard_mse(*a, late=True))
    assert "gradient is NaN" in late.message

    def everything(predicted, target, labelled, top):
        return hard_mse(predicted, target, labelled, 99)

    assert "not only the hardest" in check("04.2", everything).message
    plain = check("04.2", lambda *a: hard_mse(*a).item())
    assert "no gradient can flow" in plain.message


# --- the project of part one ---------------------------------------------


def argmax(maps):
    flat = maps.reshape(*maps.shape[:2], -1)
    row, column = np.divmod(flat.argmax(-1), maps.shape[-1])
    return np.stack([column, row], -1), flat.max(-1)


def five_by_five(maps):
    """The cubed values of 5 x 5 cells around the largest."""
    (peaks, scores), cells = argmax(maps), np.arange(maps.shape[-1])
    near = np.abs(cells - peaks[..., None]) <= 2  # (N, K, 2, W)
    mass = np.clip(maps, 0, None) ** 3
    mass = mass * near[:, :, 1, :, None] * near[:, :, 0, None, :]
    total = mass.sum((-2, -1))
    x, y = ((mass.sum(a) * cells).sum(-1) / total for a in (-2, -1))
    return np.stack([x, y], -1), scores


@pytest.mark.slow
def test_the_project_asks_for_more_than_argmax():
    assert check("04.project", five_by_five).passed
    coarse = check("04.project", argmax)
    assert "Within 0.1 head sizes" in coarse.message and coarse.draw is not None
    unsure = check("04.project", lambda m: (five_by_five(m)[0], -argmax(m)[1]))
    assert "positions are fine" in unsure.message
    swapped = check(
        "04.project", lambda m: (five_by_five(m)[0][..., ::-1], m[..., 0, 0])
    )
    assert "x and y may be exchanged" in swapped.message
    assert "shape (100, 16, 2)" in check("04.project", lambda m: (m, m)).message


def test_pairs_in_the_right_order_by_hand():
    # of 2 x 2 pairs: 0.9 > 0.5, 0.9 > 0.1, 0.5 = 0.5 counts half, 0.5 > 0.1
    scores, right = np.array([0.9, 0.5, 0.5, 0.1]), np.array([1, 1, 0, 0], bool)
    assert chapter_04._ordered(scores, right) == 3.5 / 4


def test_network_maps_are_what_the_network_drew():
    got = network_maps(3, seed=2)
    assert got.images.shape == (3, 64, 64, 3) and got.maps.shape == (3, 16, 32, 32)
    assert got.cells.shape == (3, 16, 2) and got.head_cells.shape == (3,)
    found, _ = argmax(got.maps)
    off = np.linalg.norm(found - got.cells, axis=-1) / got.head_cells[:, None]
    assert np.nanmedian(off) < 0.4
    assert np.array_equal(network_maps(3, seed=2).maps, got.maps)
