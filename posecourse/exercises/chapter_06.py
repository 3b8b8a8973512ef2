"""Exercises of chapter 6: from MPII to tensors."""

from dataclasses import replace

import numpy as np

from ..geometry import Crop
from ..skeletons import MPII
from . import exercise
from .attempt import same
from .quiz import Choice, Question

_SAID = {1: (0, "0", np.uint8(0)), 2: (1, "1", "", None, np.zeros((0, 0)), np.uint8(1))}


def _truthy(said) -> bool:
    """What `bool` makes of a value; an empty array has no answer."""
    return bool(said) if np.size(said) else False


@exercise(
    "06.1",
    hints=(
        "Start from 16 zeros, and go by the id, not by the place in the list.",
        'Hidden is said in only two ways, `0` and `"0"`. Everything else is visible.',
        '`bool("0")` is True, `int("")` is an error, and an empty array '
        "compared with 0 is an empty array. `str(...)` works for all of them.",
    ),
)
def _(attempt):
    rng = np.random.default_rng(61)
    cases = [[(9, ""), (0, "0"), (5, 1)]]
    cases += [
        [(k, said)]
        for k, said in enumerate(
            [value for values in _SAID.values() for value in values]
        )
    ]
    for _ in range(10):
        ids = rng.permutation(16)[: rng.integers(2, 17)]
        cases.append(
            [
                (int(k), ways[rng.integers(len(ways))])
                for k in ids
                for ways in [_SAID[int(rng.integers(1, 3))]]
            ]
        )
    cases.append([])

    def fill(points, value):
        visible = np.zeros(16, int)
        for joint, said in points:
            visible[joint] = value(said)
        return visible

    for points in cases:
        right = fill(points, lambda said: 1 if str(said) == "0" else 2)
        in_order = np.zeros(16, int)
        in_order[: len(points)] = [right[joint] for joint, _ in points]
        attempt.gives(
            right,
            points,
            mistakes={
                "nothing said, empty or None, means visible": fill(
                    points, lambda said: 2 if str(said) == "1" else 1
                ),
                'bool("0") is True and bool("") is False; it should be the '
                "other way round": fill(points, lambda said: 1 + _truthy(said)),
                '"0" means hidden as well as 0': fill(
                    points,
                    lambda said: (
                        1 if str(said) == "0" and not isinstance(said, str) else 2
                    ),
                ),
                "a NumPy 0, too, means hidden, and isinstance(..., int) is False "
                "for it": fill(
                    points,
                    lambda said: (
                        1 if isinstance(said, (int, str)) and str(said) == "0" else 2
                    ),
                ),
                "go by the id; the order in the list means nothing": in_order,
                "hidden is 1 and visible 2; 0 is kept for joints that are not "
                "labelled": np.maximum(right - 1, 0),
            },
        )


@exercise(
    "06.2",
    hints=(
        "Two things happen: x becomes `width - 1 - x`, and some rows change "
        "places, in `keypoints` and in `visible`.",
        "Make a list of rows, `order` = 0, 1, 2, ..., swap the two numbers of "
        "each pair in it, and take `keypoints[order]`.",
        "`keypoints[order]` is a new array: changing its x leaves the "
        "argument alone. y stays as it is.",
    ),
)
def _(attempt):
    rng = np.random.default_rng(62)
    small = (
        np.array([[1.0, 5.0], [2.0, 6.0], [4.0, 7.0]]),
        np.array([2, 1, 0]),
        10,
        [(0, 2)],
    )
    cases = [small]
    pairs = [tuple(pair) for pair in MPII.flip_pairs]
    for width in (256, 200, 33):
        keypoints = rng.uniform(-5, width + 5, (16, 2)).round(1)
        visible = rng.integers(0, 3, 16)
        visible[[0, 5]] = 1, 2
        keypoints[visible == 0] = np.nan
        cases.append((keypoints, visible, width, pairs))
    for keypoints, visible, width, pairs in cases:
        order = np.arange(len(keypoints))
        once = order.copy()  # rows assigned to each other in turn
        for a, b in pairs:
            order[a], order[b] = b, a
            once[a] = b
        moved = keypoints.copy()
        moved[:, 0] = width - 1 - moved[:, 0]
        wide, below = moved + [1, 0], keypoints.copy()
        below[:, 1] = width - 1 - below[:, 1]
        swapped, still = visible[order], "the names must change, too: the "
        attempt.gives(
            (moved[order], swapped),
            keypoints,
            visible,
            width,
            pairs,
            mistakes={
                still + "mirrored right wrist is a left wrist": (moved, visible),
                "visible belongs to the joints: its entries change places, too": (
                    moved[order],
                    visible,
                ),
                "the names have changed in visible, not in keypoints": (moved, swapped),
                "width - x is one pixel too far: pixel 0 goes to pixel width - 1": (
                    wide[order],
                    swapped,
                ),
                "width - x is one pixel too far, and " + still + "mirrored "
                "right wrist is a left wrist": (wide, visible),
                "the joints have changed places, but x has not been mirrored": (
                    keypoints[order],
                    swapped,
                ),
                "a mirror changes x, the first column, not y": (below[order], swapped),
                "a, b = b, a does not exchange rows of an array: they are views "
                "of the same numbers. Use keypoints[[a, b]] = keypoints[[b, a]], "
                "or an order of rows": (moved[once], swapped),
            },
        )
    keypoints, visible, width, pairs = cases[-1]
    before = keypoints.copy(), visible.copy()
    attempt.answer(keypoints, visible, width, pairs)
    attempt.require(
        not same((keypoints, visible), before),
        "Your function changes its arguments. Work on copies: keypoints[order] is one.",
    )


@exercise(
    "06.3",
    hints=(
        "Three steps: the part that turns and scales, 2 x 2; the shift that "
        "takes the centre to the middle; and then the mirror.",
        "`linear = output / side * np.array([[cos, -sin], [sin, cos]])`; "
        "`np.deg2rad` turns degrees into radians.",
        "`shift = (output - 1) / 2 - linear @ center`, because the centre has "
        "to go to the middle of the pixels.",
        "The mirror comes last, `x' -> output - 1 - x'`: the first row "
        "changes its sign, and then `output - 1` is added to its last number.",
    ),
)
def _(attempt):
    rng = np.random.default_rng(63)
    cases = [
        ((10, 20), 8, 4, 90, False),
        ((10, 20), 8, 4, 0, False),
        ((10, 20), 8, 4, 0, True),
    ]
    for mirrored in (False, True, True):
        cases.append(
            (
                tuple(rng.uniform(50, 500, 2).round(1)),
                round(rng.uniform(100, 600), 1),
                int(rng.integers(32, 300)),
                round(rng.uniform(-90, 90), 1),
                mirrored,
            )
        )
    for given in cases:
        center, side, output, degrees, mirrored = given
        crop = Crop(*given)
        right = crop.matrix
        linear = right[:, :2] * ([[-1], [1]] if mirrored else 1)
        half, wide, corner = right.copy(), right.copy(), right.copy()
        half[:, 2] += (-0.5 if mirrored else 0.5), 0.5
        wide[0, 2] += mirrored
        # the shift of a window that is not turned
        corner[:, 2] += linear @ center - output / side * np.array(center)
        attempt.gives(
            right,
            *given,
            tolerance=1e-3,
            mistakes={
                "cos and sin want radians: np.deg2rad(degrees)": replace(
                    crop, rotation=np.rad2deg(degrees)
                ).matrix,
                "it turns the other way: with y pointing down, "
                "[[cos, -sin], [sin, cos]] is clockwise (and the mirror comes "
                "after the turn)": replace(crop, rotation=-degrees).matrix,
                "it is not mirrored": replace(crop, flip=False).matrix,
                "the mirror is output - 1 - x: pixel 0 goes to the last pixel": wide,
                "the middle of the pixels is (output - 1) / 2": half,
                "the shift must take the turned centre to the middle: "
                "linear @ center": corner,
                "the scale is output / side: new pixels per old pixel": replace(
                    crop, size=output**2 / side
                ).matrix,
                "that is the way back, from the crop to the picture": crop.inverse,
            },
        )


QUIZ = (
    Question(
        "Somebody's head box in MPII has a diagonal of 100 pixels. How wide is their "
        "window?",
        (
            Choice(
                "250 pixels.",
                r"That is $250 \cdot \text{scale}$ for a `scale` of 1. Here the head size "
                r"is 60 pixels, so `scale` is $60 / 25 = 2.4$.",
            ),
            Choice(
                "600 pixels.",
                r"The head size is $0.6 \cdot 100 = 60$ pixels, and the window is ten head "
                "sizes wide.",
                right=True,
            ),
            Choice(
                "1000 pixels.",
                "The window is ten *head sizes* wide, and the head size is 0.6 times the "
                "diagonal.",
            ),
        ),
    ),
    Question(
        "For people who are cut off below the knees, a network that predicts "
        "coordinates puts the ankles somewhere up on the left. What happened?",
        (
            Choice(
                "Ankles without a label came as $(-1, -1)$ or $(0, 0)$ and were learned.",
                "That is the upper left corner of the picture, which lies up and to the "
                "left of nearly everybody.",
                right=True,
            ),
            Choice(
                "The pictures were mirrored without changing the names.",
                "Then left and right ankles would be mixed up, but they would be ankles.",
            ),
            Choice(
                "x and y were swapped.",
                "Then *all* joints would be wrong, also of people who are not cut off.",
            ),
        ),
    ),
    Question(
        "Somebody is seen from behind. Must the names change in the mirrored picture?",
        (
            Choice(
                "No: from behind, left is already on the left.",
                "Left is the person's own left, from every side. In the mirror it becomes "
                "the right arm of another person.",
            ),
            Choice(
                "Yes.",
                "Left and right are the person's own, from every side. A mirrored person "
                "has the left arm where the right one was.",
                right=True,
            ),
        ),
    ),
    Question(
        "You train on windows that come from MPII's `scale`, and then use the boxes of "
        "a person detector. `PCKh` drops. Why?",
        (
            Choice(
                "The window no longer has ten head sizes.",
                "People are larger or smaller in it than they were in training.",
                right=True,
            ),
            Choice(
                "The middle of the window is elsewhere.",
                "A box reaches from the outermost pixel to the outermost pixel, raised "
                "arms included; `objpos` does not.",
                right=True,
            ),
            Choice(
                "`PCKh` needs MPII's head boxes.",
                "The labels did not change, so the head sizes are still there. The "
                "answers got worse, not the measure.",
            ),
        ),
    ),
    Question(
        r"A window is turned by 30 degrees and made $1 / 0.75$ times as wide. How many "
        "windows wide must a store's upright crop be, so that no corner is black?",
        (
            Choice(
                "1.33",
                "Enough for the size alone, but a turned square sticks out of an upright "
                "one.",
            ),
            Choice(
                "1.75",
                "That is what our store keeps. At the extreme of both it leaves a little "
                "black in the corners.",
            ),
            Choice(
                "1.82",
                r"A turned square needs an upright one $\cos 30° + \sin 30° = 1.37$ times "
                r"as wide, and $1.37 / 0.75 = 1.82$. A shift comes on top.",
                right=True,
            ),
        ),
    ),
    Question(
        "Why is it a leak if one picture has people in *train* and in *valid*?",
        (
            Choice(
                "The same person is in both.",
                "Two people of one picture are two people. Their windows overlap, though.",
            ),
            Choice(
                "Their windows overlap.",
                "The network would be tested on pixels that it was trained on, and on a "
                "scene with its light and its clothes.",
                right=True,
            ),
            Choice(
                "The two windows have the same size.",
                "Each window is as large as its own person's `scale` says. That is no leak.",
            ),
        ),
    ),
)
