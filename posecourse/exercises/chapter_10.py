"""Exercises and quiz of chapter 10: from a photo to a pose."""

import numpy as np

from ..skeletons import MPII
from . import exercise, pictures
from .attempt import short
from .quiz import Choice, Question


@exercise(
    "10.1",
    hints=(
        "Three repairs for the mirrored answer: `x` becomes `width - 1 - x`, the "
        "points are swapped, and so are their scores.",
        "`mirrored[swap]` has the points in the right order, "
        "`mirrored_scores[swap]` the scores.",
        "The weighted mean of two answers is `(s1 * p1 + s2 * p2) / (s1 + s2)`. The "
        "scores are `(K,)`, the points `(K, 2)`: write `scores[:, None]`.",
        "Where `s1 + s2` is 0, put 1 for both scores before you divide.",
    ),
)
def _(attempt):
    rng = np.random.default_rng(101)
    cases = [
        (
            np.array([[1.0, 5], [7, 5]]),
            np.array([1.0, 1]),
            np.array([[2.0, 5], [6, 5]]),
            np.array([2.0, 3]),
            10,
            [1, 0],
        )
    ]
    for order, width in (([2, 1, 0], 64), (list(MPII.flip_permutation), 48)):
        joints = len(order)
        points = rng.uniform(0, width, (2, joints, 2)).round(1)
        scores = rng.uniform(0.1, 1, (2, joints)).round(2)
        cases.append((points[0], scores[0], points[1], scores[1], width, order))
    one = np.array([[10.0, 3], [20, 9]]), np.array([[30.0, 5], [5, 8]])
    cases.append((one[0], np.array([0.0, 1]), one[1], np.array([0.5, 0.0]), 64, [1, 0]))
    cases.append((one[0], np.zeros(2), one[1], np.zeros(2), 64, [0, 1]))
    for points, scores, mirrored, others, width, order in cases:

        def average(back, others, scores=scores, points=points):
            """Of the picture's points and others, by their scores."""
            both = np.stack([scores, others])
            both = np.where(both.sum(0) > 0, both, 1) / np.where(
                both.sum(0) > 0, both.sum(0), 2
            )
            return both[0, :, None] * points + both[1, :, None] * back

        back = mirrored * (-1, 1) + (width - 1, 0)
        attempt.gives(
            average(back[order], others[order]),
            points,
            scores,
            mirrored,
            others,
            width,
            order,
            picture=lambda right, mine: pictures.points(right, mine),
            mistakes={
                "the joints are not swapped: the left wrist is still called right": (
                    average(back, others)
                ),
                "the points are swapped, their scores are not": average(
                    back[order], others
                ),
                "the points are not mirrored back": average(
                    mirrored[order], others[order]
                ),
                "the centre of the last pixel is width - 1, so x becomes width - 1 - "
                "x": average(back[order] + (1, 0), others[order]),
                "that is the plain mean; weigh by the scores": (points + back[order])
                / 2,
                "where both scores are 0 the plain mean is asked for, not 0 / 0": (
                    np.where(
                        (scores + others[order] > 0)[:, None],
                        average(back[order], others[order]),
                        np.nan,
                    )
                ),
                "y stays as it is: only x is mirrored": average(
                    (width - 1 - mirrored)[order], others[order]
                ),
            },
        )


def _suppressed(points, scores, distance, order=None, alive=True, norm=2):
    """Greedy NMS; alive=False lets removed points remove others too."""
    order = np.argsort(-scores) if order is None else order
    kept, done = [], []
    for i in order:
        gaps = [
            np.linalg.norm(points[i] - points[j], norm)
            for j in (kept if alive else done)
        ]
        if all(gap > distance for gap in gaps):
            kept.append(int(i))
        done.append(i)
    return kept


@exercise(
    "10.2",
    hints=(
        "np.argsort(-scores) gives the indices, the best first.",
        "Go through them, and keep a list of what has been kept so far.",
        "A point is kept if its distance to each *kept* point is greater than "
        "`distance`. Points that were removed do not count.",
        "np.linalg.norm(points[i] - points[j]) is the distance of two points.",
    ),
)
def _(attempt):
    rng = np.random.default_rng(102)
    first = (np.array([[0, 0], [3, 0], [6, 0]]), np.array([0.9, 0.8, 0.7]), 4)
    cases = [
        first,
        (np.array([[0.0, 0], [3, 4], [9, 4]]), np.array([0.2, 0.9, 0.4]), 5),
    ]
    for n in (1, 8, 12, 20, 30):
        cases.append(
            (rng.uniform(0, 40, (n, 2)).round(1), rng.permutation(n) / n + 0.05, 9.0)
        )
    cases.append((np.empty((0, 2)), np.empty(0), 3))
    for points, scores, distance in cases:
        right = _suppressed(points, scores, distance)
        got = attempt(points, scores, distance)
        indices = np.asarray(got)
        attempt.require(
            indices.ndim == 1 and (indices.dtype.kind in "iu" or not indices.size),
            "A list of indices is asked for, whole numbers; your answer is "
            f"{short(got, 80)}.",
        )
        got = indices.tolist()
        rising = np.argsort(scores)
        squares = _suppressed(points, scores, distance**0.5)
        wrong = {
            "the indices are right, their order is not: the best comes first": sorted(
                right
            )
            if sorted(right) != right
            else None,
            "points are looked at in the order in which they are given; "
            "the best must come first": _suppressed(
                points, scores, distance, range(len(points))
            ),
            "argsort sorts from the lowest to the highest score": _suppressed(
                points, scores, distance, rising
            ),
            "a point that was removed may not remove others (the example "
            "in the text)": _suppressed(points, scores, distance, alive=False),
            "the distance is the root of the sum of squares, not the larger "
            "of the two differences": _suppressed(
                points, scores, distance, norm=np.inf
            ),
            "a point exactly `distance` away (straight, the root of the sum "
            "of squares) is removed too": _suppressed(points, scores, distance - 1e-9),
            "nothing was removed; is the distance to each kept point "
            "compared, and is it the root of the sum of squares?": np.argsort(
                -scores
            ).tolist(),
            "that is the squared distance; take its root": squares,
        }
        why = next(
            (
                f"\n  look at:      {reason}"
                for reason, value in wrong.items()
                if got == value
            ),
            "",
        )
        attempt.require(
            got == right,
            "Other indices are expected.\n"
            f"  given:        points = {points.tolist()[:8]}"
            f"{' ...' if len(points) > 8 else ''}\n"
            f"                scores = {scores.round(2).tolist()[:8]}"
            f"{' ...' if len(points) > 8 else ''}\n"
            f"                distance = {distance:g}\n"
            f"  expected:     {right}\n  your answer:  {got}{why}",
        )


def _undone(points, steps, half=True, last=1, reverse=True, turn="clockwise"):
    """Points of the last picture in the first one; options make mistakes."""
    x, y = np.asarray(points, dtype=float).T
    for kind, *sizes in reversed(steps) if reverse else steps:
        if kind == "mirror":
            x = sizes[0] - last - x
        elif kind == "turn" and turn == "clockwise":
            x, y = y, sizes[1] - last - x
        elif kind == "turn":
            x, y = sizes[0] - last - y, x
        elif kind == "cut":
            x, y = x + sizes[0], y + sizes[1]
        elif half:
            x, y = (x + 0.5) / sizes[0] - 0.5, (y + 0.5) / sizes[0] - 0.5
        else:
            x, y = x / sizes[0], y / sizes[0]
    return np.stack([x, y], axis=1)


@exercise(
    "10.3",
    hints=(
        "Undo the last step first: `for kind, *sizes in reversed(steps)`.",
        "Take one pixel and do a step forwards on paper. Mirrored in a picture 8 "
        "wide, column 0 becomes column 7. Turned clockwise, the pixel (0, 0) of a "
        "picture 5 high becomes (4, 0).",
        "Resizing by a factor takes x to `(x + 0.5) * factor - 0.5`; undone, that is "
        "`(x + 0.5) / factor - 0.5`.",
        "A clockwise turn takes (x, y) to `(height - 1 - y, x)`. So from (x, y) after "
        "the turn, the old one is `(y, height - 1 - x)`.",
    ),
)
def _(attempt):
    rng = np.random.default_rng(103)
    cases = [
        (np.array([[3.5, 1.5]]), [("cut", 10, 20), ("resize", 4)]),
        (np.array([[1.0, 2], [6, 0]]), [("mirror", 8)]),
        (np.array([[4.0, 0], [0, 7]]), [("turn", 8, 5)]),
        (np.array([[0.0, 0], [7.5, 3]]), [("resize", 0.25)]),
    ]
    for kinds in (
        ("cut", "turn"),
        ("turn", "cut", "resize"),
        ("mirror", "turn", "turn", "resize", "cut"),
        ("resize", "mirror", "cut", "turn", "mirror"),
    ):
        width, height, steps = 640, 480, []
        for kind in kinds:
            if kind == "mirror":
                steps.append((kind, width))
            elif kind == "turn":
                steps.append((kind, width, height))
                width, height = height, width
            elif kind == "cut":
                left, top = (int(v) for v in rng.integers(1, 40, 2))
                steps.append((kind, left, top))
                width, height = width - left, height - top
            else:
                steps.append((kind, 0.5))
                width, height = width // 2, height // 2
        cases.append((rng.uniform(0, 100, (3, 2)).round(1), steps))
    for points, steps in cases:
        attempt.gives(
            _undone(points, steps),
            points,
            steps,
            tolerance=1e-4,
            picture=lambda right, mine: pictures.points(right, mine),
            mistakes={
                "the steps are undone in the order in which they were done; begin "
                "with the last": _undone(points, steps, reverse=False),
                "half a pixel is missing: a resize takes x to (x + 0.5) * factor - "
                "0.5": _undone(points, steps, half=False),
                "the last of `width` pixels is width - 1": _undone(
                    points, steps, last=0
                ),
                "a clockwise turn is undone by a turn the other way": _undone(
                    points, steps, turn="back"
                ),
                "x and y are exchanged": _undone(points, steps)[:, ::-1],
            },
        )


QUIZ = (
    Question(
        "A photo looks upright in every viewer, and lies on its side in your program. "
        "Why?",
        (
            Choice(
                "OpenCV exchanges rows and columns.",
                "An array is `(rows, columns)`, and OpenCV keeps to that.",
            ),
            Choice(
                "Its EXIF part says how to turn it; viewers do so, your reader does not.",
                "The pixels are stored as the chip read them, the orientation beside "
                "them.",
                right=True,
            ),
            Choice(
                "The file is damaged.",
                "A damaged file would not look right in a viewer.",
            ),
        ),
    ),
    Question(
        "A network was trained with a padding of 1.25 around boxes of people. Your "
        "detector gives boxes that are 20 % too large. What can you do without "
        "training anything?",
        (
            Choice(
                "Nothing: the network must be trained again.",
                "The network is fine. Only the squares that it gets are too large.",
            ),
            Choice(
                "Use a larger padding, 1.25 x 1.2.",
                "That makes the people in the squares even smaller.",
            ),
            Choice(
                "Use a smaller padding, 1.25 / 1.2.",
                "Then the squares are as large as in training.",
                right=True,
            ),
        ),
    ),
    Question(
        "You add a flip test and lose twenty points at 0.5. What is the most likely "
        "cause?",
        (
            Choice(
                "The joints were not swapped.",
                "Left and right are averaged, and many joints end up on the wrong side.",
                right=True,
            ),
            Choice(
                "The maps are shifted by a cell.",
                "At 0.5 nobody would notice. At 0.1 most would be gone.",
            ),
            Choice(
                "The network has not learned mirrored pictures.",
                "Then it would gain little. It would not lose twenty points.",
            ),
        ),
    ),
    Question(
        "Why does peak NMS need a threshold *and* a distance?",
        (
            Choice(
                "The threshold finds the peaks, the distance makes it faster.",
                "The distance decides what counts as one peak. Without it the result "
                "is another one.",
            ),
            Choice(
                "Without the threshold every ripple is a peak; without the distance "
                "one rough bump is several.",
                "Each keeps out what the other lets in.",
                right=True,
            ),
            Choice(
                "One is for single people, the other for several.",
                "Both matter in either case.",
            ),
        ),
    ),
    Question(
        "Joints drawn on photos are 20 pixels too far left and up, whoever is in the "
        "photo. In small pictures nothing is to be seen. Where do you look?",
        (
            Choice(
                "At the network: it is trained badly.",
                "Then the errors would point in all directions.",
            ),
            Choice(
                "At the half pixel on the way back.",
                "One input pixel shows $u$ photo pixels. Without the half pixel every "
                "joint moves by $(u - 1) / 2$ of them.",
                right=True,
            ),
            Choice(
                "At the corner of the square, which was forgotten.",
                "Then the joints would be off by hundreds of pixels, and differently "
                "for each person.",
            ),
        ),
    ),
    Question(
        "A joint has a score of 0.9. On your test set 97 % of such joints are right. "
        "When does that not help you?",
        (
            Choice(
                "When the picture is of another kind than those of the test set.",
                "Another domain, another framing, a bad box: the 97 % were measured on "
                "pictures like those in training.",
                right=True,
            ),
            Choice(
                "When the joint is a wrist.",
                "Wrists score lower more often, but a score of 0.9 means much the same.",
            ),
            Choice(
                "Never: 97 % is 97 %.",
                "It is 97 % *of the joints in these pictures*.",
            ),
        ),
    ),
)
