"""Exercises of chapter 1: keypoints, skeletons, poses."""

import numpy as np

from ..skeletons import COCO, LSP, MPII
from . import exercise
from .attempt import short
from .quiz import Choice, Question


@exercise(
    "01.1",
    hints=(
        "zip(skeleton.joints, visible) gives each name with its value.",
        "Hidden is the value 1. What do 0 and 2 mean?",
        "[joint for joint, v in zip(skeleton.joints, visible) if ...]",
    ),
)
def _(attempt):
    rng = np.random.default_rng(11)
    box = np.full(len(MPII), 2, np.uint8)
    box[
        MPII.indices(
            ["right_ankle", "right_knee", "right_hip", "pelvis", "right_wrist"]
        )
    ] = 1
    cases = [(MPII, box)]
    for skeleton in (MPII, COCO, LSP):
        for _ in range(4):
            visible = rng.integers(0, 3, len(skeleton)).astype(np.uint8)
            cases.append((skeleton, visible))
    cases.append((COCO, np.full(len(COCO), 2, np.uint8)))
    for skeleton, visible in cases:

        def named(values, skeleton=skeleton, visible=visible):
            return [j for j, v in zip(skeleton.joints, visible) if v in values]

        got = attempt(visible, skeleton)
        attempt.require(
            isinstance(got, (list, tuple))
            and all(isinstance(name, str) for name in got),
            f"Please return a list of names, not {short(got)}.",
        )
        right, got = named([1]), list(got)
        given = (
            f"\n  given:        {skeleton.name}, visible = "
            f"{visible.tolist()}\n  expected:     {right}"
            f"\n  your answer:  {got}"
        )
        attempt.require(
            got == right or got != named([0, 1]),
            "Joints with 0 are not labelled: nobody knows whether they are "
            "hidden." + given,
        )
        attempt.require(
            got == right or got != named([1, 2]), "Joints with 2 are visible." + given
        )
        attempt.require(
            got == right or sorted(got) != sorted(right),
            "These are the right joints, but not in the skeleton's order." + given,
        )
        attempt.require(got == right, "The names differ." + given)


@exercise(
    "01.2",
    hints=(
        "Only y matters: keypoints[:, 1]. It grows downwards.",
        "Higher in the picture means a smaller y. A comparison with NaN is "
        "False, which is what an unknown wrist needs.",
        "y[wrist] < y[head], for the left wrist or the right one; bool(...) "
        "makes a plain True or False of it.",
    ),
)
def _(attempt):
    rng = np.random.default_rng(12)
    right, left, head = MPII.indices(["right_wrist", "left_wrist", "head_top"])
    standing = rng.uniform(100, 200, (len(MPII), 2))
    standing[head] = (128, 40)
    standing[[right, left], 1] = 66, 45
    cases = [standing]
    for ys in (
        (20, 150),
        (150, 20),
        (20, 10),
        (np.nan, 150),
        (150, np.nan),
        (np.nan, np.nan),
        (np.nan, 20),
        (20, np.nan),
    ):
        person = standing.copy()
        person[[right, left], 1] = ys
        person[np.isnan(person[:, 1])] = np.nan
        cases.append(person)
    for _ in range(10):
        cases.append(rng.uniform(0, 100, (len(MPII), 2)))
    no_head = standing.copy()
    no_head[[right, left], 1] = 10
    no_head[head] = np.nan
    cases.append(no_head)
    for person in cases:
        a, b, top = person[[right, left, head], 1]
        answer = bool(a < top or b < top)
        got = attempt(person)
        attempt.require(
            isinstance(got, (bool, np.bool_)),
            f"True or False is asked for; you return {short(got)}.",
        )
        given = (
            f"\n  given:        right wrist y = {a:.0f}, left wrist y = "
            f"{b:.0f}, head top y = {top:.0f}"
            f"\n  expected:     {answer}\n  your answer:  {bool(got)}"
        )
        why = "One wrist above the head is enough, the right or the left."
        if np.isnan([a, b, top]).any():
            why = (
                "What is not known is NaN, and NaN is not above "
                "anything. (`not y > head` is True for NaN.)"
            )
        elif bool(got) == bool(a > top or b > top):
            why = "y grows downwards: higher means a smaller y."
        attempt.require(bool(got) == answer, why + given)


@exercise(
    "01.3",
    hints=(
        "Flipping twice gives the start again even if the names are not "
        "exchanged, or if every joint is one pixel off. You need a case whose "
        "answer you know: the one for width 64 and x = 10 is 64 - 1 - 10.",
        "Take three or four joints with different places and different "
        "visibility, and one pair, (0, 2). Write down what has to come out, and "
        "compare keypoints and visibility with it. Let one joint be NaN: "
        "np.allclose(a, b, equal_nan=True).",
        "Two pairs tell more than one. And keep copies of what you hand over: "
        "afterwards np.array_equal(given, copy, equal_nan=True) says whether "
        "it was changed.",
    ),
)
def _(attempt):
    for right, flip, what in _FLIPS:
        got = attempt(flip)
        attempt.require(
            isinstance(got, (bool, np.bool_)),
            f"True or False is asked for; you return {short(got)}.",
        )
        attempt.require(
            bool(got) == right,
            f"Your test says True to a function with a bug: {what}."
            if got
            else f"Your test says False to a function that is right: {what}.",
        )


def _moved(keypoints, width):
    return np.asarray(keypoints) * [-1, 1] + [width - 1, 0]


def _order(count, pairs):
    order = np.arange(count)
    for a, b in pairs:
        order[[a, b]] = order[[b, a]]
    return order


def _by_order(keypoints, visible, width, pairs):
    order = _order(len(keypoints), pairs)
    return _moved(keypoints, width)[order], np.asarray(visible)[order]


def _by_pairs(keypoints, visible, width, pairs):
    keypoints, visible = np.array(keypoints, float), np.array(visible)
    keypoints[:, 0] = width - 1 - keypoints[:, 0]
    for a, b in pairs:
        keypoints[[a, b]] = keypoints[[b, a]]
        visible[[a, b]] = visible[[b, a]]
    return keypoints, visible


def _moved_only(keypoints, visible, width, pairs):
    return _moved(keypoints, width), visible.copy()


def _one_off(keypoints, visible, width, pairs):
    return _by_pairs(keypoints, visible, width + 1, pairs)


def _renamed_only(keypoints, visible, width, pairs):
    points, seen = _by_pairs(keypoints, visible, width, pairs)
    return _moved(points, width), seen


def _visible_stays(keypoints, visible, width, pairs):
    return _by_pairs(keypoints, visible, width, pairs)[0], visible.copy()


def _upside_down(keypoints, visible, width, pairs):
    keypoints = np.asarray(keypoints) * [1, -1] + [0, width - 1]
    order = _order(len(keypoints), pairs)
    return keypoints[order], visible[order]


def _overwritten(keypoints, visible, width, pairs):
    """What ``p[a], p[b] = p[b], p[a]`` does to rows of an array."""
    points, seen = _by_order(keypoints, visible, width, pairs)
    points = _moved(keypoints, width)
    for a, b in pairs:
        points[a], points[b] = points[b], points[a]
    return points, seen


def _first_pair(keypoints, visible, width, pairs):
    return _by_pairs(keypoints, visible, width, pairs[:1])


def _in_place(keypoints, visible, width, pairs):
    keypoints[:], visible[:] = _by_pairs(keypoints, visible, width, pairs)
    return keypoints, visible


def _zero_for_nan(keypoints, visible, width, pairs):
    return _by_pairs(np.nan_to_num(keypoints), visible, width, pairs)


_FLIPS = (
    (True, _by_order, "it moves the joints and puts the rows in their new order"),
    (
        False,
        _moved_only,
        "it moves the joints, but left and right keep their names",
    ),
    (False, _renamed_only, "it exchanges the names, but moves no joint"),
    (False, _one_off, "x becomes width - x, one pixel too far"),
    (True, _by_pairs, "it exchanges the rows of one pair after the other"),
    (False, _visible_stays, "the visibility does not change sides"),
    (
        False,
        _overwritten,
        "one row of each pair is overwritten before it is copied",
    ),
    (False, _upside_down, "it mirrors y and not x"),
    (False, _first_pair, "it exchanges the first pair only"),
    (False, _zero_for_nan, "a joint that is NaN comes back with numbers"),
    (False, _in_place, "it changes the arrays that it was given"),
)


QUIZ = (
    Question(
        "A picture has shape (480, 640, 3). Where is the pixel $x = 500$, $y = 100$?",
        (
            Choice(
                "`image[500, 100]`",
                "An array is indexed `[row, column]`, and there are only 480 rows: "
                "this is an IndexError.",
            ),
            Choice(
                "`image[100, 500]`",
                "The row is $y$, the column is $x$.",
                right=True,
            ),
            Choice(
                "`image[500.0, 100.0]`",
                "Positions have decimals, indices are whole numbers. And the row "
                "comes first.",
            ),
        ),
    ),
    Question(
        "You see somebody from behind. On which side of the picture is the right "
        "shoulder?",
        (
            Choice(
                "On the right, mostly.",
                "Left and right are the person's own, and from behind they agree "
                "with yours. (Mostly: a person can be twisted or upside down.)",
                right=True,
            ),
            Choice(
                "On the left.",
                "That is so for somebody who faces you. From behind, their sides "
                "agree with yours.",
            ),
        ),
    ),
    Question(
        "A knee behind a table has visibility 1 and a position. Should it count in "
        "training?",
        (
            Choice(
                "No, nobody can see it.",
                "But its place is known, and a network that learns from such joints "
                "learns to infer what is hidden.",
            ),
            Choice(
                "Usually yes.",
                "Its position is known. Only a joint with visibility 0 has nothing "
                "to learn from.",
                right=True,
            ),
        ),
    ),
    Question(
        "A picture 64 pixels wide is mirrored. Where does a joint at $x = 0$ go?",
        (
            Choice(
                "To 64.",
                "That is one pixel too far: the picture ends at $64 - 0.5$. With "
                "$W - x$ everything is one pixel off.",
            ),
            Choice(
                "To 0, only the names change.",
                "Names *and* places change. A joint at the left edge goes to the "
                "right edge.",
            ),
            Choice(
                "To 63.",
                "$64 - 1 - 0$: the centre of the first pixel goes to the centre of "
                "the last. The middle, 31.5, stays where it is.",
                right=True,
            ),
        ),
    ),
    Question(
        "Somebody reports an error of 5 pixels. Is that good?",
        (
            Choice(
                "Yes, 5 pixels are little.",
                "In a picture of 4000 pixels they are. In one of 64 they are almost "
                "a whole head.",
            ),
            Choice(
                "One cannot tell.",
                "It depends on how large the person is in the picture. In head sizes "
                "it would mean something, and beside a trivial baseline even more.",
                right=True,
            ),
        ),
    ),
    Question(
        "Why can one picture not tell a forearm that points towards the camera from "
        "one that points away?",
        (
            Choice(
                "The line of sight meets the sphere of possible wrists twice.",
                "All wrists at a forearm's length from the elbow form a sphere. A "
                "line through it meets it in two points (or touches it in one), and "
                "both look the same.",
                right=True,
            ),
            Choice(
                "The picture is too blurred.",
                "No number of pixels helps: both wrists are at the *same* pixel.",
            ),
        ),
    ),
)
