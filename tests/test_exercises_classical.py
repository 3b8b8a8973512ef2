"""The checkers of chapter 2 know the mistakes that people make."""

import numpy as np
import pytest

from posecourse.exercises import check


def histogram(shift=0.5, circle=True, share=True, divide=True):
    """Exercise 02.1, right or with a mistake."""

    def answer(magnitude, angle, bins=9):
        votes = np.zeros(bins)
        for strength, degrees in zip(magnitude.flat, angle.flat):
            place = degrees * bins / 180 - shift
            low = int(np.floor(place)) if share else int(degrees * bins / 180)
            upper = place - low if share else 0
            for one, part in ((low, 1 - upper), (low + 1, upper)):
                if circle or 0 <= one < bins:
                    votes[one % bins] += part * strength
        return votes / (magnitude.size if divide else 1)

    return answer


def peaks(swap=False, suppress=True, strict=False, square=False, copy=True):
    """Exercise 02.2, right or with a mistake."""

    def answer(scores, radius, count):
        left = np.array(scores, float) if copy else scores
        found = []
        while len(found) < count and left.max() > -9e9:
            y, x = np.unravel_index(left.argmax(), left.shape)
            found.append((int(y), int(x)) if swap else (int(x), int(y)))
            for i, j in np.ndindex(left.shape):
                far = max(abs(i - y), abs(j - x)) if square else np.hypot(i - y, j - x)
                if suppress and (far < radius or (far == radius and not strict)):
                    left[i, j] = -9e9
            left[y, x] = -9e9
        return found

    return answer


def chain(sign=1, springs=True):
    """Exercise 02.3, right or with a mistake; by trying all pairs in turn."""

    def answer(scores, rest, stiffness):
        if not springs:
            return scores.argmax(1)
        n = scores.shape[1]
        total, back = list(scores[-1]), []
        for part in range(len(scores) - 1, 0, -1):
            told = [
                max(
                    (total[u] - stiffness[part] * (u - x - sign * rest[part]) ** 2, u)
                    for u in range(n)
                )
                for x in range(n)
            ]
            back.append([u for _, u in told])
            total = [scores[part - 1, x] + told[x][0] for x in range(n)]
        places = [int(np.argmax(total))]
        for where in back[::-1]:
            places.append(where[places[-1]])
        return places

    return answer


@pytest.mark.parametrize(
    ("id", "answer"), [("02.1", histogram()), ("02.2", peaks()), ("02.3", chain())]
)
def test_right_answers_in_other_words_pass(id, answer):
    assert repr(check(id, answer)).startswith(f"Exercise {id}: passed.")


@pytest.mark.parametrize(
    ("id", "answer", "says"),
    [
        ("02.1", histogram(share=False), "share it between the two nearest"),
        ("02.1", histogram(shift=0), "the centre of bin 0 is at half a bin"),
        ("02.1", histogram(circle=False), "directions go in a circle"),
        ("02.1", histogram(divide=False), "divide by the number of pixels"),
        ("02.2", peaks(swap=True), "x is the column, y the row"),
        ("02.2", peaks(suppress=False), "places near a taken one are out"),
        ("02.2", peaks(strict=True), "exactly `radius` is near"),
        ("02.2", peaks(square=True), "as the crow flies"),
        ("02.3", chain(springs=False), "without the springs"),
        ("02.3", chain(sign=-1), "there is one worth"),
        ("02.3", lambda s, r, k: [0], "one for each part"),
        ("02.3", lambda s, r, k: [0.5] * len(s), "whole numbers from 0 to"),
        ("02.3", lambda s, r, k: [99] * len(s), "whole numbers from 0 to"),
    ],
)
def test_a_mistake_is_told_in_words(id, answer, says):
    assert says in " ".join(repr(check(id, answer)).split())
