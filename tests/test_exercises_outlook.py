"""Exercises and project of chapter 16: what is right, what is wrong why."""

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from posecourse.datasets import SyntheticPeople
from posecourse.exercises import chapter_16, check

# --- 16.1: patches ------------------------------------------------------


def patches(image, side, order=(0, 2, 1, 3, 4)):
    h, w, c = image.shape
    cells = image.reshape(h // side, side, w // side, side, c)
    return cells.transpose(order).reshape(h * w // side**2, -1)


@pytest.mark.parametrize(
    "answer, why",
    [
        (patches, None),
        (lambda image, side: image.reshape(-1, side * side * image.shape[2]), "plain"),
        (lambda image, side: patches(image, side, (2, 0, 1, 3, 4)), "words on a page"),
    ],
)
def test_patches(answer, why):
    result = check("16.1", answer)
    assert result.passed if why is None else why in result.message


# --- 16.2: assignment ---------------------------------------------------


def costs(found, people, visible):
    off = np.linalg.norm(found[:, None] - people, axis=-1)
    with np.errstate(all="ignore"):
        return np.where(visible > 0, off, 0).sum(-1) / (visible > 0).sum(-1)


def assign(found, people, visible):
    slots, known = np.full(len(people), -1), (visible > 0).any(1)
    people = np.where(visible[..., None] > 0, people, 0)
    rows, columns = linear_sum_assignment(costs(found, people, visible)[:, known])
    slots[np.flatnonzero(known)[columns]] = rows
    return slots


def nearest(found, people, visible):
    known = (visible > 0).any(1)
    people = np.where(visible[..., None] > 0, people, 0)
    cost = np.nan_to_num(costs(found, people, visible), nan=0)
    return np.where(known, cost.argmin(0), -1)


def greedy(found, people, visible):
    known = np.flatnonzero((visible > 0).any(1))
    people = np.where(visible[..., None] > 0, people, 0)
    return chapter_16._greedy(costs(found, people, visible), known)


@pytest.mark.parametrize(
    "answer, why",
    [(assign, None), (nearest, "may not share"), (greedy, "the sum of all distances")],
)
def test_assignments(answer, why):
    result = check("16.2", answer)
    assert result.passed if why is None else why in result.message


# --- 16.3: the worst group ----------------------------------------------


def worst(hits, groups, least, rate=np.nanmean):
    rates = {
        name: rate(hits[groups == name])
        for name in np.unique(groups)
        if (groups == name).sum() >= least
    }
    name = min(rates, key=rates.get)
    return name, rates[name]


@pytest.mark.parametrize(
    "answer, why",
    [
        (worst, None),
        (lambda h, g, least: worst(h, g, 0), "say nothing about a group"),
        (lambda h, g, least: worst(h, g, least, np.mean), "without a label"),
        (
            lambda h, g, least: worst(
                h, g, least, lambda rows: np.nanmean(np.nanmean(rows, 1))
            ),
            "pooled",
        ),
        (lambda h, g, least: worst(h, g, least)[0], "return two things"),
    ],
)
def test_groups(answer, why):
    result = check("16.3", answer)
    assert result.passed if why is None else why in result.message


# --- 16.4: everybody's bones --------------------------------------------


def stretched(points, parents, lengths, moved=True, ordered=True):
    new, placed = np.array(points, float), set()
    todo = list(range(len(points)))
    while todo:
        k = next(
            k for k in todo if not ordered or parents[k] == k or parents[k] in placed
        )
        todo.remove(k)
        placed.add(k)
        if parents[k] != k:
            bone = points[k] - points[parents[k]]
            start = (new if moved else points)[parents[k]]
            new[k] = start + lengths[k] * bone / (np.linalg.norm(bone) or 1)
    return new


@pytest.mark.parametrize(
    "options, why",
    [
        ({}, None),
        ({"moved": False}, "not on the old one"),
        ({"ordered": False}, "expected"),
    ],
)
def test_bones(options, why):
    result = check("16.4", lambda *given: stretched(*given, **options))
    assert result.passed if why is None else why in result.message


# --- the project --------------------------------------------------------


@pytest.fixture
def card(monkeypatch):
    """A card of fewer people, and right."""
    monkeypatch.setitem(chapter_16.SHOWN, "count", 60)
    monkeypatch.setattr(chapter_16, "LEAST", 15)
    people = SyntheticPeople(size=64, **chapter_16.SHOWN)
    heights = np.array([people.stance(i).body.height for i in range(60)])
    groups = np.where(heights > np.median(heights), "tall", "small").tolist()
    score, rates = chapter_16.measured("laptop", groups)
    lowest = min(rates, key=rates.get)
    return {
        "network": "laptop",
        "made for": "learning with drawn people in this course",
        "not for": "photographs, or to judge anybody at all",
        "trained on": "16,000 drawn people of edition 1",
        "score": score,
        "groups": groups,
        "by group": rates,
        "limits": f"it is worst for {lowest} people here",
    }


@pytest.mark.slow
def test_a_card_that_was_measured_passes(card, capsys):
    assert check("16.project", card).passed
    assert "measured again" in capsys.readouterr().out


@pytest.mark.slow
def test_what_is_wrong_with_a_card_is_said(card):
    for change, why in [
        ({"score": card["score"] + 3}, "'score' is"),
        ({"by group": {**card["by group"], "tall": 1.0}}, "'tall' is"),
        ({"by group": {}}, "the card says nan"),
        ({"limits": "none that I would know of here"}, "it is worst for"),
        ({"network": "nobody"}, "cannot be measured"),
    ]:
        assert why in check("16.project", card | change).message


@pytest.mark.parametrize(
    "change, why",
    [
        ({"not for": "photos"}, "say it in a sentence"),
        ({"groups": ["tall"] * 400}, "no comparison"),
        ({"groups": ["tall"] * 399 + ["small"]}, "40 is the least"),
        ({"groups": ["tall"]}, "a word for each"),
    ],
)
def test_a_card_with_gaps_is_refused(change, why):
    words = dict.fromkeys(chapter_16.FIELDS, "five words or more here")
    assert why in check("16.project", words | change).message
    assert "A card is a dict" in check("16.project", {"network": "laptop"}).message
