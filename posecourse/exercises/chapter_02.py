"""Exercises and quiz of chapter 2: histograms, peaks, a chain of parts."""

import numpy as np

from ..classical.hog import cell_histograms, gradients
from . import exercise, pictures
from .quiz import Choice, Question

QUIZ = (
    Question(
        "Why does HOG divide each block by its length?",
        (
            Choice(
                "So that strong edges count more than weak ones.",
                "They did so before; within a block their ratio stays, and the cut "
                "at 0.2 even takes some of it away.",
            ),
            Choice(
                "So that light and shade change little.",
                "Half the light halves all gradients of a block, and the division "
                "takes the half out again.",
                right=True,
            ),
            Choice(
                "So that the person's place in the window no longer matters.",
                "That is what the cells are for: where in its cell an edge lies is "
                "forgotten.",
            ),
        ),
    ),
    Question(
        "You train an SVM again without the windows that lay beyond their margin. "
        "What changes?",
        (
            Choice(
                "Nothing.",
                "They cost nothing and pull at nothing, so the lowest point of $E$ "
                "stays where it is.",
                right=True,
            ),
            Choice(
                "The line moves towards the windows that are left.",
                "Only windows within the margin pull at the line, and they are all "
                "still there.",
            ),
            Choice(
                "The weights shrink, because $E$ has fewer terms.",
                "The terms that are gone were all 0.",
            ),
        ),
    ),
    Question(
        "A detector is wrong once in 1,000 windows. How many false alarms does it "
        "raise in a picture with 5,000 windows?",
        (
            Choice(
                "Hardly any: it is right in 99.9 % of all windows.",
                "0.1 % of 5,000 is five. Nearly all windows show no person, so a "
                "small share of them is many.",
            ),
            Choice(
                "One, where the person is.",
                "That one is no false alarm, and nothing keeps the others quiet.",
            ),
            Choice(
                "About five.",
                "In every picture. So detectors are judged by false alarms per "
                "picture, and hard negatives are worth the trouble.",
                right=True,
            ),
        ),
    ),
    Question(
        "What happens to the best pose if all springs become extremely stiff?",
        (
            Choice(
                "Every joint goes to its own best place.",
                "That is what happens with very loose springs: the joints alone, as "
                "in section 4.",
            ),
            Choice(
                "Its shape is always the same, and only its place is chosen.",
                "Every offset is forced to its rest. What is left to choose is where "
                "the whole lies.",
                right=True,
            ),
            Choice(
                "The search is no longer exact.",
                "It is exact for every tree, however stiff its springs are.",
            ),
        ),
    ),
    Question(
        "To keep the legs apart, somebody adds a spring between the two ankles. Why "
        "does the search of section 7 no longer give the exact answer?",
        (
            Choice(
                "Pelvis, hips, knees and ankles now form a circle.",
                "A leg can no longer say what it is worth on its own, because that "
                "depends on where the other leg is.",
                right=True,
            ),
            Choice(
                "A spring that pushes apart has no distance transform.",
                "The kind of the spring is not the point. The search would fail with "
                "an ordinary spring, too.",
            ),
            Choice(
                "One more spring takes too long.",
                "One more message costs next to nothing. There is just no order in "
                "which the messages could be told.",
            ),
        ),
    ),
)


def _shared(magnitude, angle, bins, shift=0.5, wrap=True):
    """Votes for the two nearest bins, with the mistakes people make."""
    place = angle.ravel() * bins / 180 - shift
    lower = np.floor(place).astype(int)
    share, votes = place - lower, magnitude.ravel()
    histogram = np.zeros(bins)
    for bin_, weight in ((lower, 1 - share), (lower + 1, share)):
        inside = (bin_ >= 0) & (bin_ < bins) | wrap
        np.add.at(histogram, bin_[inside] % bins, (weight * votes)[inside])
    return histogram / magnitude.size


@exercise(
    "02.1",
    hints=(
        "Measure an angle in bins: place = angle * bins / 180 - 0.5 is 0 at the "
        "centre of bin 0, 1 at that of bin 1.",
        "lower = floor(place) is the one bin, lower + 1 the other; place - lower "
        "is the share of the upper one.",
        "% bins turns -1 into the last bin and `bins` into bin 0; np.add.at adds "
        "all votes, also several for the same bin.",
    ),
)
def _(attempt):
    rng = np.random.default_rng(21)
    patch = np.array([[40] * 4, [40, 40, 200, 200], *[[40, 200, 200, 200]] * 2])
    cases = [(*gradients(patch), 9)]
    for bins, side in ((9, 8), (6, 4), (9, 5), (12, 6)):
        cases.append(
            (rng.uniform(0, 200, (side, side)), rng.uniform(0, 180, (side, side)), bins)
        )
    for magnitude, angle, bins in cases:
        right = _shared(magnitude, angle, bins)
        hard = cell_histograms(magnitude, angle, bins, magnitude.shape[0])[0, 0]
        attempt.gives(
            right,
            magnitude,
            angle,
            bins,
            mistakes={
                "that is one vote for one bin; share it between the two nearest": hard,
                "the centre of bin 0 is at half a bin, not at 0 degrees": _shared(
                    magnitude, angle, bins, shift=0
                ),
                "directions go in a circle: votes below the first bin belong to "
                "the last": _shared(magnitude, angle, bins, wrap=False),
                "divide by the number of pixels": right * magnitude.size,
                "the nearer bin gets the larger share, not the smaller one": _shared(
                    magnitude,
                    2 * np.floor(angle * bins / 180 - 0.5) * 180 / bins
                    + 2 * 180 / bins
                    - angle,
                    bins,
                ),
            },
        )


def _peaks(scores, radius, count, near=np.less_equal, distance=np.hypot):
    left = np.array(scores, dtype=float)
    rows, columns = np.indices(left.shape)
    found = []
    while len(found) < count and left.max() > -np.inf:
        y, x = np.unravel_index(left.argmax(), left.shape)
        found.append((int(x), int(y)))
        left[near(distance(columns - x, rows - y), radius)] = -np.inf
        left[y, x] = -np.inf
    return found


def _kept(scores, radius, count):
    """Too much was kept: which mistake leads to what."""
    every = _peaks(scores, -1, count)
    border = _peaks(scores, radius, count, near=np.less)
    if every == border:
        return {"places near a taken one are out, and exactly `radius` is near": every}
    return {
        "nothing was suppressed: places near a taken one are out": every,
        "exactly `radius` away is out, too": border,
    }


@exercise(
    "02.2",
    hints=(
        "np.unravel_index(left.argmax(), left.shape) gives the row and the "
        "column of the largest value: y first, then x.",
        "rows, columns = np.indices(left.shape) are the y and x of every place; "
        "np.hypot(columns - x, rows - y) how far each is from the one you took.",
        "Work on a copy of floats. Set what is near to -np.inf; stop when "
        "left.max() is -np.inf or you have enough.",
    ),
)
def _(attempt):
    rng = np.random.default_rng(22)
    cases = [(np.array([[1, 8, 7], [0, 2, 3], [6, 0, 5]]), 1, 3)]
    for height, width, radius, count in ((6, 9, 2, 4), (5, 5, 3, 9), (4, 7, 0, 3)):
        cases.append(
            (rng.permutation(height * width).reshape(height, width), radius, count)
        )
    cases.append((-1.0 - cases[1][0], 1.5, 5))  # all below 0
    for scores, radius, count in cases:
        right = _peaks(scores, radius, count)
        before = scores.copy()
        attempt.gives(
            right,
            scores,
            radius,
            count,
            picture=lambda right, mine, scores=scores: pictures.points(
                right, mine, image=scores
            ),
            mistakes={
                "x is the column, y the row": [(y, x) for x, y in right],
                **_kept(scores, radius, count),
                "radius is the distance as the crow flies, not the larger of x "
                "and y": _peaks(
                    scores,
                    radius,
                    count,
                    distance=lambda x, y: np.maximum(abs(x), abs(y)),
                ),
            },
        )
        attempt.require(
            np.array_equal(scores, before),
            "Your function changed the scores it was given; work on a copy.",
        )


def _messages(values, stiffness, rest):
    """All pairs: a row for each place x of the parent, a column for each u."""
    places = np.arange(len(values))
    return values - stiffness * (places - places[:, None] - rest) ** 2


def _worth(scores, rest, stiffness, places):
    """What a chain is worth at some places."""
    places = np.asarray(places)
    off = np.diff(places) - np.asarray(rest)[1:]
    return (
        scores[np.arange(len(places)), places].sum()
        - (np.asarray(stiffness)[1:] * off**2).sum()
    )


def _best_chain(scores, rest, stiffness):
    """The places of the best chain, by dynamic programming."""
    total, back = scores[-1], []
    for part in range(len(scores) - 1, 0, -1):
        table = _messages(total, stiffness[part], rest[part])
        back.append(table.argmax(1))
        total = scores[part - 1] + table.max(1)
    places = [int(total.argmax())]
    for where in reversed(back):
        places.append(int(where[places[-1]]))
    return places


@exercise(
    "02.3",
    hints=(
        "Begin with two parts: for each place x of the first, what is the best "
        "place u of the second? A table with a row for each x and a column for "
        "each u holds all the compromises.",
        "From the last part to the first: total = scores[-1]; then, part by part, "
        "the largest of each row of the table, added to the scores of the part "
        "before it. Keep the argmax of each row.",
        "The first part takes total.argmax(); the second is where[that], and so "
        "on. In the table, the offset is u - u[:, None] - rest[part].",
    ),
)
def _(attempt):
    rng = np.random.default_rng(23)
    first = np.array([[0, 4, 0, 0, 0, 0], [0, 0, 1, 0, 0, 2], [0, 0, 0, 0, 3, 0.0]])
    cases = [(first, [0, 1, 2], [0, 1.0, 1.0])]
    for parts, n in ((2, 5), (4, 8), (7, 60)):
        cases.append(
            (
                rng.normal(0, 2, (parts, n)).round(2),
                rng.uniform(-3, 3, parts).round(2),
                rng.uniform(0.1, 1, parts).round(2),
            )
        )
    for scores, rest, stiffness in cases:
        places = np.asarray(attempt(scores, rest, stiffness))
        parts, n = scores.shape
        given = f"{parts} parts on {n} places"
        attempt.require(
            places.shape == (parts,),
            f"For {given}, {parts} places are asked for, one for each part; your "
            f"answer has the shape {places.shape}.",
        )
        whole = places.dtype.kind in "iu" and ((places >= 0) & (places < n)).all()
        attempt.require(whole, f"Places are whole numbers from 0 to {n - 1}: {places}.")
        right = _best_chain(scores, rest, stiffness)
        own, best = (_worth(scores, rest, stiffness, p) for p in (places, right))
        alone = np.array_equal(places, scores.argmax(1))
        attempt.require(
            abs(own - best) < 1e-6,
            f"For {given} your chain is worth {own:.2f}; there is one worth "
            f"{best:.2f}."
            + (
                " You took each part's best place, without the springs."
                if alone
                else ""
            ),
            picture=lambda both=(right, places), scores=scores: pictures.points(
                *(list(zip(p, range(len(p)))) for p in both), image=scores
            ),
        )
