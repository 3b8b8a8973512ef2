"""Exercises, project and quiz of chapter 16: outlook."""

from itertools import permutations

import numpy as np

from . import exercise
from .quiz import Choice, Question


@exercise(
    "16.1",
    hints=(
        "How many rows of patches are there, and how many columns?",
        "`image.reshape(rows, side, columns, side, channels)` cuts; which axes belong "
        "to one patch?",
        "Bring the two axes of patches to the front with `.transpose(0, 2, 1, 3, 4)`, "
        "then `.reshape(rows * columns, -1)`.",
    ),
)
def _(attempt):
    rng = np.random.default_rng(161)
    cases = [(np.arange(16).reshape(4, 4, 1), 2)]
    for rows, columns, side, channels in ((2, 3, 4, 3), (1, 4, 2, 3), (3, 2, 5, 1)):
        shape = rows * side, columns * side, channels
        cases.append((rng.integers(0, 256, shape), side))
    for image, side in cases:
        (height, width, channels), cut = image.shape, []
        for y in range(0, height, side):
            for x in range(0, width, side):
                cut.append(image[y : y + side, x : x + side].ravel())
        down = [
            image[y : y + side, x : x + side].ravel()
            for x in range(0, width, side)
            for y in range(0, height, side)
        ]
        attempt.gives(
            np.array(cut),
            image,
            side,
            mistakes={
                "the rows are cut up, not the patches: a plain reshape takes numbers "
                "in the order in which they lie": image.reshape(len(cut), -1),
                "patches are counted row by row, like words on a page": np.array(down),
            },
        )


def _pairs(found, people, visible):
    """The best assignment, by trying them all."""
    cost = np.full((len(found), len(people)), np.nan)
    for q, p in np.ndindex(cost.shape):
        seen = visible[p] > 0
        if seen.any():
            off = np.linalg.norm(found[q, seen] - people[p, seen], axis=-1)
            cost[q, p] = off.mean()
    known = [p for p in range(len(people)) if (visible[p] > 0).any()]
    best = min(
        permutations(range(len(found)), len(known)),
        key=lambda order: sum(cost[q, p] for q, p in zip(order, known)),
    )
    answer = np.full(len(people), -1)
    answer[known] = best
    return answer, cost, known


@exercise(
    "16.2",
    hints=(
        "First the table of costs: a row for each answer, a column for each person.",
        "The cost of a pair is the mean distance over the joints with "
        "`visible[person] > 0`; leave out people who have none.",
        "`rows, columns = linear_sum_assignment(cost)`; `rows[i]` belongs to the "
        "person in column `columns[i]`.",
    ),
)
def _(attempt):
    rng = np.random.default_rng(162)
    line = np.array([[0.0, 0], [1, 0], [3, 0]])
    cases = [
        (line[:, None], np.array([[[1.1, 0]], [[2.2, 0]]]), np.array([[2], [2]])),
        # the nearest answer of both is the same
        (line[1:, None], np.array([[[1.2, 0]], [[0, 0]]]), np.array([[2], [1]])),
    ]
    for _ in range(8):
        joints = int(rng.integers(2, 5))
        people = rng.uniform(0, 50, (int(rng.integers(2, 4)), joints, 2))
        found = np.concatenate([people, rng.uniform(0, 50, (2, joints, 2))])
        found = found[rng.permutation(len(found))] + rng.normal(0, 12, found.shape)
        visible = rng.integers(0, 3, people.shape[:2])
        visible[0] = 0 if rng.random() < 0.3 else visible[0]
        people[visible == 0] = np.nan
        cases.append((found, people, visible))
    for found, people, visible in cases:
        right, cost, known = _pairs(found, people, visible)
        nearest = np.full(len(people), -1)
        nearest[known] = cost[:, known].argmin(0)
        greedy = _greedy(cost, known)
        attempt.gives(
            right,
            found.copy(),
            people.copy(),
            visible,
            mistakes={
                "each person took the nearest answer; two people may not share "
                "one": nearest,
                "the closest pair was settled first, and what was left had to do: the "
                "sum of all distances is what counts": greedy,
            },
        )


def _greedy(cost, known):
    left, answer = cost.copy(), np.full(cost.shape[1], -1)
    for _ in known:
        q, p = np.unravel_index(np.nanargmin(left), left.shape)
        answer[p] = q
        left[q], left[:, p] = np.nan, np.nan
    return answer


@exercise(
    "16.3",
    hints=(
        "For each group: which rows are its people? `groups == name`.",
        "`hits[rows]` holds 1, 0 and NaN; the rate is the mean of what is not NaN, "
        "`np.nanmean`.",
        "Pass over groups of fewer than `least` people, then take the smallest rate.",
    ),
)
def _(attempt):
    rng = np.random.default_rng(163)
    shown = np.array([[1, 1], [1, 0], [0, np.nan], [0, 0.0]])
    cases = [(shown, np.array(["a", "a", "b", "c"]), 2)]
    cases.append((shown, np.array(["b", "b", "a", "a"]), 2))
    for _ in range(8):
        people = int(rng.integers(12, 40))
        hits = (rng.random((people, 5)) < 0.6).astype(float)
        hits[rng.random(hits.shape) < 0.3] = np.nan
        hits[:, 0] = rng.random(people) < 0.6
        groups = rng.choice(["child", "adult", "old"], people, p=[0.45, 0.45, 0.1])
        cases.append((hits, groups, 5))
    for hits, groups, least in cases:
        rates, plain, small = {}, {}, {}
        for name in np.unique(groups):
            rows = hits[groups == name]
            small[name] = float(np.nanmean(rows))
            if len(rows) >= least:
                rates[name] = small[name]
                plain[name] = float(np.nanmean(np.nanmean(rows, 1)))
        worst = min(rates, key=rates.get)
        answer = attempt(hits, groups, least)
        attempt.require(
            isinstance(answer, tuple) and len(answer) == 2,
            "return two things: the name of the group, and its rate",
        )
        name, rate = answer
        fewest = min(small, key=small.get)
        attempt.require(
            name in rates,
            f"{name!r} has fewer than {least} people; so few say nothing about a group"
            if name == fewest
            else f"{name!r} is no group of at least {least} people",
        )
        attempt.require(
            np.isfinite(rate), "the rate is NaN: joints without a label do not count"
        )
        attempt.require(
            name == worst and np.isclose(rate, rates[worst]),
            "joints are pooled, as in every table of this course: not each person's "
            "mean first"
            if name in plain and np.isclose(rate, plain[name])
            else f"the worst is {worst!r} with {rates[worst]:.4f}, not {name!r} with "
            f"{float(rate):.4f}",
        )


@exercise(
    "16.4",
    hints=(
        "A bone is `points[k] - points[parents[k]]`; its direction is the bone divided "
        "by its length.",
        "A joint's new place is its parent's *new* place plus direction times "
        "`lengths[k]`: parents come first, in whatever order the joints are.",
        "Go on until all are placed: `placed = {root}`; in each round place every "
        "joint whose parent is in `placed`.",
        "The root is its own parent and stays where it is. A bone of length 0 has no "
        "direction: its joint lies on its parent.",
    ),
)
def _(attempt):
    rng = np.random.default_rng(164)
    chain = np.array([[0.0, 0], [3, 0], [3, 4]])
    cases = [(chain, np.array([0, 0, 1]), np.array([0.0, 1, 1]))]
    for _ in range(6):
        count = int(rng.integers(4, 9))
        order = rng.permutation(count)
        parents = np.zeros(count, int)
        parents[order[0]] = order[0]
        for place in range(1, count):
            parents[order[place]] = order[rng.integers(place)]
        lengths = rng.uniform(0.5, 2, count)
        cases.append((rng.normal(0, 3, (count, 3)), parents, lengths))
    points = cases[-1][0].copy()
    leaf = next(k for k in range(len(points)) if k not in cases[-1][1])
    points[leaf] = points[cases[-1][1][leaf]]
    cases.append((points, *cases[-1][1:]))
    for points, parents, lengths in cases:
        right = _standard(points, parents, lengths, moved=True)
        attempt.gives(
            right,
            points.copy(),
            parents,
            lengths,
            mistakes={
                "a joint hangs on its parent's new place, not on the old one": (
                    _standard(points, parents, lengths, moved=False)
                ),
            },
        )


def _standard(points, parents, lengths, moved):
    """Bones of other lengths; hung on the moved parents, or on the old ones."""
    new = np.array(points, dtype=float)
    depth = np.zeros(len(points), int)
    for k in range(len(points)):
        j = k
        while parents[j] != j:
            j, depth[k] = parents[j], depth[k] + 1
    for k in np.argsort(depth, kind="stable"):
        if parents[k] != k:
            bone = points[k] - points[parents[k]]
            length = np.linalg.norm(bone)
            direction = bone / length if length else np.zeros_like(bone)
            new[k] = (new if moved else points)[parents[k]] + lengths[k] * direction
    return new


# ------------------------------------------------------------------ project

# Who a card is about: people that no network of the course has seen.
SHOWN = {"count": 400, "seed": 16, "split": "test"}
LEAST = 40
FIELDS = (
    "network",
    "made for",
    "not for",
    "trained on",
    "score",
    "groups",
    "by group",
    "limits",
)


def measured(network, groups):
    """PCKh@0.5 in percent of the card's people: all, and of each group."""
    from .. import metrics
    from ..datasets import SyntheticPeople, crop_in_memory
    from ..evaluation import predict_crops
    from ..models import load_model, pretrained
    from ..skeletons import MPII

    loaded = load_model(pretrained(network) / "weights.safetensors")
    side = max(loaded.input_size)
    store = crop_in_memory(SyntheticPeople(size=side, **SHOWN), side, 1.0, workers=1)
    points, *_ = predict_crops(loaded, store)
    hit = metrics.pck_hits(
        points, store.keypoints, store.visible, store.head_size, 0.5
    )[:, metrics.pckh_columns(MPII)]
    names = np.array(groups)
    rates = {
        str(name): 100 * float(np.nanmean(hit[names == name]))
        for name in np.unique(names)
    }
    return 100 * float(np.nanmean(hit)), rates


@exercise(
    "16.project",
    hints=(
        "Measure first: `SyntheticPeople(400, seed=16, size=64, split='test')`, "
        "`crop_in_memory(people, 64, margin=1.0)` of `posecourse.datasets`, "
        "`predict_crops` of `posecourse.evaluation`, `pck_hits` of "
        "`posecourse.metrics`, and of it the columns `pckh_columns(MPII)`.",
        "`people.stance(i).body` has `skin`, `build`, `height`, `hair_style`, `legs`, ...; "
        "`people[i].extra` has `pose` and `facing`. `groups` is a word for each of "
        "the 400.",
        "`by group` is `{word: PCKh@0.5 in percent}` for every word in `groups`; each "
        "must have at least 40 people.",
    ),
)
def _(attempt):
    card = attempt.answer
    attempt.require(
        isinstance(card, dict) and set(FIELDS) <= set(card),
        "A card is a dict with the fields " + ", ".join(FIELDS),
    )
    for field in ("made for", "not for", "trained on", "limits"):
        words = str(card[field]).split()
        attempt.require(
            len(words) >= 5,
            f"`{field}`: say it in a sentence, not in {len(words)} words",
        )
    groups = [str(name) for name in card["groups"]]
    attempt.require(
        len(groups) == SHOWN["count"],
        f"`groups` is a word for each of the {SHOWN['count']} people; there are "
        f"{len(groups)}",
    )
    counts = {name: groups.count(name) for name in groups}
    attempt.require(len(counts) >= 2, "one group is no comparison: two or more")
    for name, count in counts.items():
        attempt.require(
            count >= LEAST, f"{name!r} is {count} people; {LEAST} is the least"
        )
    try:
        score, rates = measured(card["network"], groups)
    except (ValueError, OSError) as error:
        attempt.require(False, f"the network cannot be measured: {error}")
    for name, rate in {"score": score, **rates}.items():
        said = _number(card if name == "score" else card["by group"], name)
        attempt.require(
            abs(said - rate) <= 0.3,
            f"{name!r} is {rate:.1f} when it is measured again; the card says "
            f"{said:.1f}",
        )
    worst = min(rates, key=rates.__getitem__)
    attempt.require(
        worst in str(card["limits"]),
        f"it is worst for {worst!r}: `limits` should say so",
    )
    print(
        f"measured again: {score:.1f} % of all, "
        + ", ".join(f"{name} {rate:.1f}" for name, rate in rates.items())
    )


def _number(where, name):
    try:
        return float(where[name])
    except (KeyError, TypeError, ValueError):
        return float("nan")


QUIZ = (
    Question(
        "A transformer cuts a picture of 64 x 64 pixels into patches of 8 x 8, then "
        "into patches of 4 x 4. By how much do its tables of attention grow?",
        (
            Choice(
                "By four: there are four times as many patches.",
                "The number of *tokens* grows by four. In the table every token looks "
                "at every token.",
            ),
            Choice(
                "By sixteen.",
                "64 tokens become 256, and 64 x 64 looks become 256 x 256. This is why "
                "patches are not pixels.",
                right=True,
            ),
            Choice(
                "Not at all: the width of a token is an option of its own.",
                "The width does not matter here: the table has a row and a column for "
                "each token.",
            ),
        ),
    ),
    Question(
        "A network has ten slots for people and is trained without matching: slot k is "
        "compared with person k of the list. What does it learn?",
        (
            Choice(
                "To sort people as the annotators did.",
                "The order of the list is no property of the picture. It cannot be "
                "seen, so it cannot be learned.",
            ),
            Choice(
                "To leave slots empty that it does not need.",
                "That needs a loss that lets it: one with matching.",
            ),
            Choice(
                "In each slot something like the average person.",
                "With a squared error the best answer to an unknown order is the mean, "
                "and nobody stands there: section 3 measured it.",
                right=True,
            ),
        ),
    ),
    Question(
        "Filling in hidden patches needs no labels. Why can it help to find joints?",
        (
            Choice(
                "Whoever continues a hidden arm must know how arms look.",
                "The trunk learns shapes from all pictures; the few labels then only "
                "have to give them names.",
                right=True,
            ),
            Choice(
                "The hidden patches contain the joints' positions.",
                "They contain pixels. Where a joint is, no pixel says.",
            ),
            Choice(
                "Its pictures are more than the labelled ones.",
                "So they are, but looking alone teaches nothing. It depends on what "
                "has to be predicted.",
            ),
        ),
    ),
    Question(
        "A network finds 84 % of the joints of all people together. What do you know "
        "about a group that makes up 5 % of them?",
        (
            Choice(
                "About 84 % of its joints are found, too.",
                "The others decide the mean. If they get 87 %, the group may be at 27.",
            ),
            Choice(
                "Next to nothing.",
                "Anything from 0 to 100 % of them moves the mean by 5 points at most. "
                "Measure the group.",
                right=True,
            ),
            Choice(
                "Its rate is lower, for small groups are always worse.",
                "Often, not always; and how much lower only a measurement tells.",
            ),
        ),
    ),
    Question(
        "A gym stores skeletons instead of videos, so that nobody can be recognised. "
        "Which of these hold?",
        (
            Choice(
                "Bone lengths may still tell who it is.",
                "Section 8 recognised people by them, from another motion than the one "
                "they were known from.",
                right=True,
            ),
            Choice(
                "Standard bones end it for good.",
                "They end recognition by *length*. How somebody moves is left, and "
                "what they did at which hour.",
            ),
            Choice(
                "Joint angles survive when all skeletons get the same bones.",
                "Directions stay, so angles do. A counter of squats needs no more.",
                right=True,
            ),
        ),
    ),
)
