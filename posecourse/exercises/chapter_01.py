"""Exercises of chapter 1: keypoints, skeletons, poses."""

import numpy as np

from ..skeletons import AI_CHALLENGER, COCO, LSP, MPII
from . import exercise
from .attempt import short


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
            f"A list of names is asked for; you return {short(got)}.",
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
        "First move: in column 0, x becomes width - 1 - x.",
        "Then rename: for each pair (a, b) the rows a and b change places, in "
        "keypoints and in visible.",
        "keypoints[[a, b]] = keypoints[[b, a]] exchanges two rows; a plain "
        "a, b = b, a of array rows would overwrite one of them.",
    ),
)
def _(attempt):
    small = np.array([[10.0, 5.0], [20.0, 8.0], [30.0, 9.0]])
    cases = [(small, np.array([2, 2, 1], np.uint8), 64, [(0, 2)], [2, 1, 0])]
    rng = np.random.default_rng(13)
    for skeleton in (MPII, COCO, LSP, AI_CHALLENGER):
        for width in (256, 63):
            points = rng.uniform(0, width - 1, (len(skeleton), 2)).round(1)
            visible = rng.integers(0, 3, len(skeleton)).astype(np.uint8)
            points[visible == 0] = np.nan
            cases.append(
                (
                    points,
                    visible,
                    width,
                    skeleton.flip_pairs,
                    list(skeleton.flip_permutation),
                )
            )
    for points, visible, width, pairs, order in cases:
        moved = points * [-1, 1] + [width - 1, 0]
        attempt.gives(
            (moved[order], visible[order]),
            points,
            visible,
            width,
            pairs,
            mistakes={
                "the joints are moved, but keep their names: exchange left and right": (
                    moved,
                    visible,
                ),
                "the visibility has to change sides too": (moved[order], visible),
                "x becomes width - 1 - x; this is one pixel off": (
                    moved[order] + [1, 0],
                    visible[order],
                ),
                "the rows are exchanged, but the joints not moved": (
                    points[order],
                    visible[order],
                ),
                "a row was overwritten before it was copied": (
                    _overwritten(moved, pairs),
                    visible[order],
                ),
            },
        )


def _overwritten(points, pairs):
    """What ``p[a], p[b] = p[b], p[a]`` does to rows of an array."""
    points = points.copy()
    for a, b in pairs:
        points[a], points[b] = points[b], points[a]
    return points
