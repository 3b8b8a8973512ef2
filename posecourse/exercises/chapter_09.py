"""Exercises and quiz of chapter 9: evaluation."""

import numpy as np

from . import exercise
from .quiz import Choice, Question


def _people(rng, count, joints):
    """Truth with gaps and answers some of which lie on the threshold."""
    truth = rng.integers(0, 100, (count, joints, 2)).astype(float)
    steps = np.array([[0, 0], [3, 4], [6, 8], [8, 8], [9, 12], [0, 20]])
    answer = truth + steps[rng.integers(0, len(steps), (count, joints))]
    visible = rng.integers(0, 3, (count, joints))
    visible[0, :3] = 0, 1, 2
    truth[visible == 0] = np.nan
    return answer, truth, visible, rng.choice([10, 20, 30], count)


@exercise(
    "09.1",
    hints=(
        "np.linalg.norm(predicted - keypoints, axis=-1) is the distance of every "
        "joint, shape (N, K).",
        "threshold * size is what each person's joints are allowed; size[:, None] "
        "has a row per person, so that it can be compared with (N, K).",
        "right = distance <= ...; then right[visible > 0].mean(): only labelled "
        "joints. NaN <= 5 is False, which is what we want.",
    ),
)
def _(attempt):
    nan = float("nan")
    cases = [
        (
            np.array(
                [[[10, 12], [43, 54], [36, 98]], [[63, 24], [96, 88], [70, 70.0]]]
            ),
            np.array(
                [[[10, 10], [40, 50], [30, 90]], [[60, 20], [90, 80], [nan, nan]]]
            ),
            np.array([[2, 2, 1], [2, 2, 0]]),
            np.array([10, 20]),
            0.5,
        )
    ]
    rng = np.random.default_rng(91)
    for threshold in (0.5, 0.5, 0.25, 0.1):
        cases.append((*_people(rng, 4, 5), threshold))
    lost = (*_people(rng, 4, 5), 0.5)
    lost[0][0, 2] = nan  # an answer, and a label
    for answer, truth, visible, size, threshold in [*cases, lost]:
        off = np.linalg.norm(answer - truth, axis=-1)
        allowed = threshold * size[:, None]
        labelled, right = visible > 0, off <= allowed
        found = labelled & np.isfinite(off)
        apart = np.abs(answer - truth)  # in x and in y
        share = right[labelled].mean()
        by_person = [r[n].mean() for r, n in zip(right, labelled) if n.any()]
        attempt.gives(
            share,
            answer,
            truth,
            visible,
            size,
            threshold,
            mistakes={
                "an answer exactly on the threshold is right: <=, not <": (
                    off < allowed
                )[labelled].mean(),
                "joints without a label must not be in the denominator": right.mean(),
                "hidden joints (visible 1) are labelled too": right[visible == 2].mean()
                if (visible == 2).any()
                else -1,
                "the threshold is a share of each person's size, not pixels": (
                    off <= threshold
                )[labelled].mean(),
                "x and y belong together: the distance is the root of the sum "
                "of their squares": (apart.max(-1) <= allowed)[labelled].mean(),
                "that is the share of coordinates; a joint is right if its "
                "distance is small enough": (apart <= allowed[..., None])[
                    labelled
                ].mean(),
                "a share between 0 and 1 is asked for, not percent": 100 * share,
                "pool the joints of all people; do not average the people's "
                "shares": np.mean(by_person),
                "an answer that is NaN is wrong; it must not be left out": right[
                    found
                ].mean(),
            },
        )


def _four(hits, counts, skipped, columns):
    hits, counts = np.asarray(hits, float), np.asarray(counts, float)
    percent = np.where(counts > 0, 100 * hits / np.maximum(counts, 1), np.nan)
    kept = [k for k in range(len(hits)) if k not in skipped]
    with_label = [[percent[k] for k in c if counts[k]] for c in columns]
    means = [np.mean(c) for c in with_label if c]
    return (
        percent,
        kept,
        (
            100 * hits[kept].sum() / counts[kept].sum(),
            np.nanmean(percent[kept]),
            100 * hits.sum() / counts.sum(),
            np.mean(means),
        ),
    )


@exercise(
    "09.2",
    hints=(
        "Start with percent = 100 * hits / counts, and with the list of joints "
        "that are not skipped.",
        "Weighted: sum of hits over sum of counts, of those joints. All: the "
        "same over every joint. Unweighted: the mean of the percentages of those "
        "joints.",
        "Columns: first a mean inside each column, then the mean of the columns.",
        "Where counts is 0, the percentage is NaN: np.nanmean leaves it out. A "
        "column of such joints only is left out as a whole.",
    ),
)
def _(attempt):
    rng = np.random.default_rng(92)
    cases = [([4, 4, 2, 0, 4], [4, 4, 4, 2, 4], [4], [[0], [2], [3]])]
    for joints in (6, 8, 9):
        counts = rng.integers(1, 30, joints)
        cases.append(
            (
                rng.binomial(counts, 0.7).tolist(),
                counts.tolist(),
                [1, joints - 1],
                [[0, 2], [3], [4, 5]],
            )
        )
    never = ([3, 0, 9, 4, 0, 5], [4, 0, 10, 8, 0, 6], [5], [[0, 1], [2, 3], [4]])
    for hits, counts, skipped, columns in [*cases, never]:
        percent, kept, right = _four(hits, counts, skipped, columns)
        weighted, unweighted, all_of_them, by_column = right
        pooled = [
            100 * sum(hits[k] for k in c) / sum(counts[k] for k in c)
            for c in columns
            if any(counts[k] for k in c)
        ]
        inside = [k for c in columns for k in c]
        attempt.gives(
            right,
            hits,
            counts,
            skipped,
            columns,
            tolerance=1e-4,
            mistakes={
                "percent are asked for: times 100": tuple(v / 100 for v in right),
                "do not round": tuple(round(v, 2) for v in right),
                "weighted and unweighted leave out the skipped joints": (
                    all_of_them,
                    np.nanmean(percent),
                    all_of_them,
                    by_column,
                ),
                "a joint that is never labelled has no percentage (0 / 0 is "
                "NaN); leave it out of every mean": (
                    weighted,
                    np.mean(percent[kept]),
                    all_of_them,
                    np.mean([np.mean(percent[c]) for c in columns]),
                ),
                "columns: a column's percentage is the mean of its joints' "
                "percentages, not pooled": (
                    weighted,
                    unweighted,
                    all_of_them,
                    np.mean(pooled),
                ),
                "the unweighted mean leaves out the skipped joints too": (
                    weighted,
                    np.nanmean(percent),
                    all_of_them,
                    by_column,
                ),
                "the weighted mean leaves out the skipped joints": (
                    all_of_them,
                    unweighted,
                    all_of_them,
                    by_column,
                ),
                "all means pooled over all joints, the skipped ones too": (
                    weighted,
                    unweighted,
                    weighted,
                    by_column,
                ),
                "all is pooled (sum of hits over sum of counts), not a mean of "
                "percentages": (weighted, unweighted, np.nanmean(percent), by_column),
                "weighted and unweighted are exchanged": (
                    unweighted,
                    weighted,
                    all_of_them,
                    by_column,
                ),
                "columns: first the mean inside each column, then the mean of "
                "the columns": (
                    weighted,
                    unweighted,
                    all_of_them,
                    np.nanmean(percent[inside]),
                ),
                "a joint that is never labelled counts as 0 %; leave it out": (
                    weighted,
                    np.mean(np.nan_to_num(percent)[kept]),
                    all_of_them,
                    np.mean([np.mean(np.nan_to_num(percent)[c]) for c in columns]),
                ),
            },
        )


def _curve(scores, hits, persons, ordered=True):
    scores, hits = np.asarray(scores, float), np.asarray(hits, bool)
    order = np.argsort(-scores, kind="stable") if ordered else slice(None)
    found = np.cumsum(hits[order])
    return found / persons, found / np.arange(1, len(found) + 1)


def _read(recall, precision, best=True, places=101):
    """Mean precision at 101 recalls, from 0 to 1."""
    values = []
    for wanted in np.linspace(0, 1, places):
        there = precision[recall >= wanted]
        values.append(0.0 if not len(there) else there.max() if best else there[0])
    return float(np.mean(values))


@exercise(
    "09.3",
    hints=(
        "The distance of each joint, then its width: 2 * sigmas * "
        "np.sqrt(area), as in the cell above.",
        "np.exp(-distance ** 2 / (2 * width ** 2)) is what each joint adds. The "
        "unlabelled ones are NaN, and must not count.",
        "The mean of worth[visible > 0]: hidden joints are labelled, too.",
    ),
)
def _(attempt):
    nan = float("nan")
    cases = [
        ([[13.0, 14], [36, 48]], [[10.0, 10], [30, 40]], [2, 2], 900.0, [0.062, 0.107]),
        (
            [[13.0, 14], [50, 50], [30, 40]],
            [[10.0, 10], [nan, nan], [30, 45]],
            [1, 0, 2],
            400.0,
            [0.1, 0.1, 0.05],
        ),
    ]
    rng = np.random.default_rng(95)
    for joints in (1, 5, 16):
        keypoints = rng.uniform(0, 100, (joints, 2))
        answer = keypoints + rng.normal(size=(joints, 2)) * 6
        visible = rng.integers(0, 3, joints)
        visible[0] = 1
        keypoints[visible == 0] = nan
        cases.append(
            (
                answer,
                keypoints,
                visible,
                rng.uniform(500, 5000),
                rng.uniform(0.03, 0.11, joints),
            )
        )
    exact = np.arange(6.0).reshape(3, 2)
    cases.append((exact, exact, [2, 1, 2], 100.0, [0.1, 0.05, 0.025]))
    for case in cases:
        answer, keypoints, visible, area, sigmas = map(np.asarray, case)
        area, labelled = float(area), visible > 0
        distance = np.linalg.norm(answer - keypoints, axis=-1)
        square = (distance / (2 * sigmas)) ** 2 / area

        def worth(exponent, chosen=labelled):
            return np.exp(-exponent)[chosen].mean()

        mistakes = {
            "COCO doubles sigma: (2 sigma)^2, not sigma^2": worth(square * 2),
            "the exponent is divided by 2, as in a Gaussian; and (2 sigma)^2 "
            "is 4 sigma^2, not 2 sigma^2": worth(square),
            "A is an area already: d^2 / (2 A (2 sigma)^2) takes it once": worth(
                square / 2 / area
            ),
            "d is squared": worth(distance / (8 * area * sigmas**2)),
            "sigma is squared": worth(distance**2 / (4 * area * sigmas)),
            "d^2 is the sum of both squares, not their mean": worth(square / 4),
            "each joint has its own worth; the mean comes last": np.exp(
                -(square / 2)[labelled].mean()
            ),
            "a perfect answer has an OKS of 1; do not take 1 minus it": 1
            - worth(square / 2),
            "np.linalg.norm needs axis=-1, or it is one distance for all": worth(
                (distance**2).sum() / (8 * area * sigmas**2)
            ),
        }
        if not labelled.all():
            mistakes |= {
                "unlabelled joints are NaN, and so is every mean with them; "
                "take visible > 0": nan,
                "unlabelled joints do not count in the mean either": np.exp(
                    -square / 2
                )[labelled].sum()
                / len(visible),
            }
        if (visible > 1).any():
            mistakes["hidden joints (visible = 1) are labelled, they count"] = worth(
                square / 2, visible > 1
            )
        attempt.gives(
            worth(square / 2),
            answer,
            keypoints,
            visible,
            area,
            sigmas,
            mistakes=mistakes,
        )


@exercise(
    "09.4",
    hints=(
        "Sort by score, the largest first: order = np.argsort(-scores). "
        "np.cumsum(hits[order]) counts the hits among the first 1, 2, 3, ... "
        "answers.",
        "recall = count / persons, precision = count / np.arange(1, n + 1).",
        "For each of np.linspace(0, 1, 101): the largest precision among the "
        "places whose recall is at least that; 0 if there is none. Then the "
        "mean of the 101.",
    ),
)
def _(attempt):
    rng = np.random.default_rng(94)
    cases = [
        ([0.9, 0.8, 0.7, 0.4], [True, False, True, True], 3),
        ([0.4, 0.9, 0.7, 0.8], [True, True, True, False], 3),
    ]
    for persons in (7, 9, 11, 13):  # no k / persons is j / 100
        count = int(rng.integers(5, 18))
        hits = rng.random(count) < 0.6
        hits[np.cumsum(hits) > persons] = False
        cases.append((rng.permutation(count) / count, hits, persons))
    cases.append(([0.5, 0.6], [False, False], 3))
    for scores, hits, persons in cases:
        scores, hits = np.array(scores, float), np.array(hits)
        recall, precision = _curve(scores, hits, persons)
        sums = precision[np.diff(recall, prepend=0) > 0].sum()
        attempt.gives(
            _read(recall, precision),
            scores,
            hits,
            persons,
            mistakes={
                "the answers are not sorted: the surest comes first": _read(
                    *_curve(scores, hits, persons, ordered=False)
                ),
                "sorted the wrong way round: the surest comes first": _read(
                    *_curve(-scores, hits, persons)
                ),
                "at each recall take the best precision at this recall *or a "
                "larger one*": _read(recall, precision, best=False),
                "recall counts all persons, also those nobody found": _read(
                    *_curve(scores, hits, max(1, hits.sum()))
                ),
                "read the curve at the 101 recalls; the sum over the hits is "
                "another convention": sums / persons,
                "the recalls are 0, 0.01, ..., 1: 101 of them, not 100": _read(
                    recall, precision, places=100
                ),
                "the recalls are 0, 0.01, ..., 1: 101 of them, not 11": _read(
                    recall, precision, places=11
                ),
                "that is the mean precision after each answer": float(precision.mean()),
            },
        )
    nothing = attempt(np.array([]), np.array([], bool), 3)
    attempt.require(
        np.ndim(nothing) == 0 and float(nothing) == 0.0,
        "Without any answer (two empty arrays) nobody is found: "
        f"the average precision is 0. Your answer is {nothing}.",
    )


QUIZ = (
    Question(
        "Paper A reports `PCKh@0.5` = 89.3, paper B 89.0, both on MPII's 2,958 "
        "validation people. Which network is better?",
        (
            Choice("A.", "By 0.3, where each number alone is uncertain by 0.6."),
            Choice(
                "That cannot be told from these numbers.",
                "With the predictions of both, a paired interval might tell. Training "
                "both several times would tell more.",
                right=True,
            ),
            Choice(
                "They are equally good.",
                "We do not know that either. An interval that contains 0 is no proof "
                "that there is no difference.",
            ),
        ),
    ),
    Question(
        "A table gives `PCKh@0.1` as 37.7 for network A and as 33.4 for network B. "
        "What do you ask first?",
        (
            Choice(
                "Which code printed each number.",
                "37.7 may really be at 0.11. In this case both are HRNet-W32.",
                right=True,
            ),
            Choice(
                "How many parameters each network has.",
                "First make sure that both numbers mean the same thing.",
            ),
            Choice(
                "Whether the mean is weighted.",
                "That matters, but it moves a score by a point or so, not by four.",
            ),
        ),
    ),
    Question(
        "Your data has no head boxes, so you use the torso at 0.2. To which people "
        "is this metric unfair?",
        (
            Choice("Tall people.", "Their torso is longer, and so is their circle."),
            Choice(
                "People with a raised arm.",
                "That changes the box around them, not the torso.",
            ),
            Choice(
                "People whose torso looks short: bent forward, seen from above.",
                "They must be found more precisely than others. And where a shoulder "
                "or a hip has no label, there is no size at all, and the person drops "
                "out: again the hard ones.",
                right=True,
            ),
        ),
    ),
    Question(
        "A network gives every pose twice, with nearly equal scores. What happens to "
        "PCKh, and what to AP?",
        (
            Choice(
                "Both fall by half.",
                "PCKh takes one pose per person and does not notice.",
            ),
            Choice(
                "PCKh stays, and AP falls to about a half.",
                "For AP every second pose is a false alarm, so precision is halved.",
                right=True,
            ),
            Choice(
                "Both stay: every person is found.",
                "Recall stays, but AP also counts false alarms. A double is one.",
            ),
        ),
    ),
    Question(
        "Recalibration makes the calibration error smaller and leaves AP as it was. "
        "Why?",
        (
            Choice(
                "AP uses only the order of the scores.",
                "A rising curve keeps the order. (If a pose's score is the mean of its "
                "joints', bend the pose's score, not the joints'.)",
                right=True,
            ),
            Choice(
                "AP does not use scores.",
                "It does: the surest answer chooses first. Shuffling them cost ten "
                "points.",
            ),
            Choice(
                "The curve was measured on other people.",
                "True, and honest, but it is not the reason.",
            ),
        ),
    ),
    Question(
        'A colleague leaves out joints that were "not detected". The score rises '
        "from 75 to 83. What is 83?",
        (
            Choice(
                "The better PCKh: what was not detected cannot be wrong.",
                "Then a network that gives only one joint, the easiest, would be best.",
            ),
            Choice(
                "The answer to another question: how good are the joints that it gives?",
                "That is worth knowing, together with the share of joints given. As "
                "PCKh it is wrong: a missing joint counts as a wrong one.",
                right=True,
            ),
            Choice(
                "A typing error.",
                "No, it is measured correctly. It is only called by the wrong name.",
            ),
        ),
    ),
)
