"""Exercises of chapters 8 and 10: what is right in other words, what is wrong why."""

import numpy as np
import pytest

from posecourse.exercises import check

# --- 08.3: a factor for each GPU ----------------------------------------


def share(counts):
    total = max(1, sum(counts))
    return [n * len(counts) / total for n in counts]


@pytest.mark.parametrize(
    "answer",
    [
        share,
        lambda counts: np.array(share(counts)),
        # of a GPU without a joint any finite factor will do
        lambda counts: [s if n else 7.0 for s, n in zip(share(counts), counts)],
    ],
)
def test_fair_shares_pass(answer):
    assert check("08.3", answer).passed


@pytest.mark.parametrize(
    "answer, why",
    [
        (lambda counts: [1.0] * len(counts), "what PyTorch does anyway"),
        (lambda counts: [n / max(1, sum(counts)) for n in counts], "multiply by it"),
        (lambda counts: list(counts), "divide by the number of all joints"),
        (lambda counts: [0.5], "One factor for each"),
        (
            lambda counts: np.array(counts) * len(counts) / np.float64(sum(counts)),
            "not finite",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_unfair_shares_are_explained(answer, why):
    assert why in check("08.3", answer).message


# --- 10.1: a flip test without maps -------------------------------------


def flip(points, scores, mirrored, others, width, swap, order=True, sure=True, last=1):
    back = mirrored * (-1, 1) + (width - last, 0)
    if order:
        back = back[swap]
    s = np.stack([scores, others[swap] if sure else others])
    s = np.where(s.sum(0) > 0, s, 1)
    return (s[0, :, None] * points + s[1, :, None] * back) / s.sum(0)[:, None]


@pytest.mark.parametrize(
    "options, why",
    [
        ({}, None),
        ({"order": False, "sure": False}, "the joints are not swapped"),
        ({"sure": False}, "their scores are not"),
        ({"last": 0}, "width - 1"),
    ],
)
def test_flip_averages(options, why):
    result = check("10.1", lambda *given: flip(*given, **options))
    assert result.passed if why is None else why in result.message


def test_a_plain_mean_and_a_division_by_zero_are_explained():
    def plain(points, scores, mirrored, others, width, swap):
        return (points + (mirrored * (-1, 1) + (width - 1, 0))[swap]) / 2

    assert "plain mean" in check("10.1", plain).message

    def divided(points, scores, mirrored, others, width, swap):
        back = (mirrored * (-1, 1) + (width - 1, 0))[swap]
        a, b = scores[:, None], others[swap][:, None]
        with np.errstate(invalid="ignore"):
            return (a * points + b * back) / (a + b)

    assert "not 0 / 0" in check("10.1", divided).message


# --- 10.3: the whole way back -------------------------------------------


def undo(points, steps, reverse=True, half=0.5, last=1, swapped=False):
    x, y = np.asarray(points, float).T
    for kind, *sizes in reversed(steps) if reverse else steps:
        if kind == "mirror":
            x = sizes[0] - last - x
        elif kind == "turn":
            x, y = y, sizes[1] - last - x
        elif kind == "cut":
            x, y = x + sizes[0], y + sizes[1]
        else:
            x, y = ((c + half) / sizes[0] - half for c in (x, y))
    return np.stack([y, x] if swapped else [x, y], 1)


@pytest.mark.parametrize(
    "options, why",
    [
        ({}, None),
        ({"reverse": False}, "begin with the last"),
        ({"half": 0}, "half a pixel is missing"),
        ({"last": 0}, "width - 1"),
        ({"swapped": True}, "x and y are exchanged"),
    ],
)
def test_ways_back(options, why):
    result = check("10.3", lambda *given: undo(*given, **options))
    assert result.passed if why is None else why in result.message


def test_a_turn_the_wrong_way_is_explained():
    def answer(points, steps):
        if steps[0][0] == "turn":
            x, y = np.asarray(points, float).T
            return np.stack([steps[0][1] - 1 - y, x], 1)
        return undo(points, steps)

    assert "a turn the other way" in check("10.3", answer).message


def test_a_quarter_turn_and_a_resize_by_hand():
    """On arrays: the pixel that lies at a place after the steps is the old one."""
    old = np.arange(40).reshape(5, 8)
    new = np.rot90(old, -1)  # clockwise
    (place,) = undo([[1, 3]], [("turn", 8, 5)]).astype(int)
    assert old[place[1], place[0]] == new[3, 1]
    # four pixels become one: its centre is the middle of the four
    assert undo([[0, 0]], [("resize", 0.25)]).tolist() == [[1.5, 1.5]]
