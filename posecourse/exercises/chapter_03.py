"""Exercises of chapter 3: heatmaps."""

import numpy as np
import torch

from ..codecs import gaussian_heatmaps
from ..geometry import resize_points
from . import exercise, pictures
from .attempt import same, short
from .quiz import Choice, Question


def _bump(x, y, width, height, sigma):
    center = torch.tensor([x, y], dtype=torch.float64)
    return gaussian_heatmaps(center, (width, height), sigma).numpy()


def _expect(attempt, what, got, right, given, mistakes):
    """Maps are too large to print: say what differs, and for which case."""
    wrong = same(got, right, 1e-5)
    why = next(
        (
            f"\n  look at: {reason}"
            for reason, value in mistakes.items()
            if not same(got, value, 1e-5)
        ),
        "",
    )
    attempt.require(
        not wrong,
        f"The {what}: {wrong}\n  given: {given}{why}",
        picture=lambda: pictures.compare(right, got),
    )


@exercise(
    "03.1",
    hints=(
        "heatmap.argmax() counts cells row by row; np.unravel_index(count, "
        "heatmap.shape) turns the count into a row and a column.",
        "The row is y, the column is x.",
        "A cell covers `stride` pixels and its centre is their middle: "
        "x = (column + 0.5) * stride - 0.5.",
    ),
)
def _(attempt):
    rng = np.random.default_rng(31)
    cases = [(_bump(5, 2, 8, 8, 1), 4)]
    cases += [
        (rng.random((height, width)), stride)
        for height, width in ((6, 6), (5, 7), (9, 4))
        for stride in (4, 8, 1)
    ]
    for heatmap, stride in cases:
        cell = np.array(np.unravel_index(heatmap.argmax(), heatmap.shape))
        pixel = resize_points(cell[::-1], stride)
        attempt.gives(
            pixel,
            heatmap,
            stride,
            picture=lambda right, mine, heatmap=heatmap, stride=stride: pictures.points(
                *(
                    resize_points(np.asarray(at, float), 1 / stride)
                    for at in (right, mine)
                ),
                image=heatmap,
            ),
            mistakes={
                "x is the column, y is the row": pixel[::-1],
                "the half pixels are missing: the centre of a cell is the "
                "middle of its pixels, not its first one": cell[::-1] * stride,
                "the half pixels are missing, and x is the column": cell * stride,
                "that is the position in cells; pixels are asked for": cell[::-1],
                "a row has as many cells as the map is wide, heatmap.shape[1]": resize_points(
                    np.array(divmod(int(heatmap.argmax()), heatmap.shape[0]))[::-1],
                    stride,
                ),
                "(column + 0.5) * stride is half a pixel too far: the centre "
                "of the first pixel is 0, not 0.5": pixel + 0.5,
            },
        )


@exercise(
    "03.2",
    hints=(
        "Take the logarithm of all three. Slope $d$ and curvature $c$ are in the "
        "text, and the offset is $-d / c$.",
        "The parabola is $l_0 + d\\,t + c\\,t^2 / 2$, $t$ cells from the middle. Its "
        "top is at $t = -d / c$: put that in, and take `np.exp` of the result.",
        "The second derivative of $-(j - x)^2 / (2 \\sigma^2)$ is $-1 / \\sigma^2$, "
        "and that is $c$.",
        "`height = np.exp(mid - d ** 2 / (2 * c))` and `sigma = np.sqrt(-1 / c)`; "
        "before you divide, return `(0.0, middle, np.inf)` if `c >= 0`.",
    ),
)
def _(attempt):
    rng = np.random.default_rng(32)
    cells = np.array([-1, 0, 1])
    cases = [np.round(np.exp(-((cells - 0.3) ** 2) / 2), 4)]
    for _ in range(20):
        offset, sigma = rng.uniform(-0.5, 0.5), rng.uniform(0.6, 4)
        height = rng.uniform(0.2, 1)
        cases.append(height * np.exp(-(((cells - offset) / sigma) ** 2) / 2))
    for values in cases:
        low, mid, high = np.log(values)
        slope, curvature = (high - low) / 2, high - 2 * mid + low
        top, sigma = -slope / curvature, np.sqrt(-1 / curvature)
        height = np.exp(mid - slope**2 / (2 * curvature))
        attempt.gives(
            (top, height, sigma),
            *map(float, values),
            mistakes=_misread_bump(values, top, height, sigma),
        )
    for values in ((0.5, 0.5, 0.5), (0.2, 0.2, 0.2)):
        got = attempt(*values)
        attempt.require(
            not same(got, (0.0, values[1], np.inf)),
            f"For three equal values, {values}, there is no top; return "
            f"(0.0, {values[1]}, np.inf). Your answer is {short(got)}.",
        )


def _misread_bump(values, top, height, sigma):
    """What a learner may have computed instead of ``(top, height, sigma)``."""
    left, middle, right = map(float, values)
    return {
        "the sign of the offset: the joint lies on the side of the larger neighbour": (
            -top,
            height,
            sigma,
        ),
        "that is the height of the middle cell; between the cells the bump is higher": (
            top,
            middle,
            sigma,
        ),
        "that is the logarithm of the height": (top, np.log(height), sigma),
        "that is sigma squared": (top, height, sigma**2),
        "c is -1 / sigma^2; this is 1 / sigma^2": (top, height, sigma**-2),
        "the slope is half the difference of the two neighbours": (
            2 * top,
            np.exp(np.log(middle) + 2 * top**2 / sigma**2),
            sigma,
        ),
        "the order is offset, height, sigma": (top, sigma, height),
        "without the logarithm the curve is no parabola": (
            (left - right) / 2 / (right - 2 * middle + left),
            height,
            sigma,
        ),
    }


@exercise(
    "03.3",
    hints=(
        "First the cells: (keypoints + 0.5) / stride - 0.5. Then a row and a "
        "column per joint, as in gaussian_maps of section 1, with `...` in "
        "front of the last places.",
        "labelled = visible > 0: a hidden joint (1) is labelled too.",
        "0 * NaN is NaN. Replace the centres that are not labelled before the "
        "exponential: np.where(labelled[..., None], centers, 0).",
        "Then heatmaps * labelled[..., None, None], and labelled.astype(float) "
        "as the weights.",
    ),
)
def _(attempt):
    rng = np.random.default_rng(33)
    first = (np.array([[[21.5, 9.5], [3.0, 30.0]]]), np.array([[2, 2]]), 8, 4, 1.0)
    cases = [first]
    for size, stride, sigma in ((8, 4, 1.0), (6, 2, 1.5), (10, 8, 2.0)):
        keypoints = rng.uniform(-4, size * stride + 4, (3, 4, 2))
        visible = rng.integers(0, 3, (3, 4))
        visible[0, :3] = 0, 1, 2
        keypoints[visible == 0] = np.nan
        cases.append((keypoints, visible, size, stride, sigma))
    for keypoints, visible, size, stride, sigma in cases:
        labelled = visible > 0

        def maps(cells, shown=labelled, size=size, sigma=sigma):
            cells = np.where(shown[..., None], cells, np.nan)
            return gaussian_heatmaps(torch.tensor(cells), size, sigma).numpy()

        got = attempt(keypoints, visible, size, stride, sigma)
        attempt.require(
            isinstance(got, (tuple, list)) and len(got) == 2,
            "Two things are asked for, (heatmaps, weights); your answer is "
            f"a {type(got).__name__}.",
        )
        cells = resize_points(keypoints, 1 / stride)
        given = (
            f"keypoints {keypoints.shape}, visible {visible.tolist()}, "
            f"size {size}, stride {stride}, sigma {sigma:g}"
        )
        right = maps(cells)
        _expect(
            attempt,
            "heatmaps",
            got[0],
            right,
            given,
            {
                "x and y are swapped: rows are y": right.swapaxes(-1, -2),
                "the half pixels are missing on the way to cells": maps(
                    keypoints / stride
                ),
                "the centre is rounded to a cell; it may lie between": maps(
                    np.round(cells)
                ),
                "0 * NaN is NaN: replace the NaN before the exponential": np.where(
                    labelled[..., None, None], right, np.nan
                ),
                "a hidden joint (visible 1) is labelled too": maps(cells, visible == 2),
            },
        )
        _expect(
            attempt,
            "weights",
            got[1],
            labelled.astype(float),
            given,
            {
                "visible has three values; a weight is 0 or 1": visible.astype(float),
                "a joint that is not labelled has weight 0": np.ones(visible.shape),
            },
        )


QUIZ = (
    Question(
        "Sigma is 2 and the peak of a map is 0.95. Is the network unsure?",
        (
            Choice(
                "Yes: a sure peak is 1.",
                "Only where a cell sits exactly on the joint. Between cells, even a "
                "perfect map stays below 1.",
            ),
            Choice(
                "Not necessarily.",
                r"At the corner of four cells the largest value of a perfect map is "
                r"$\exp(-0.5 / 8) = 0.94$. `read_bump` of exercise 03.2 takes this "
                "out.",
                right=True,
            ),
        ),
    ),
    Question(
        "Why does DARK not need to know sigma?",
        (
            Choice(
                "It assumes sigma 2, which is usual.",
                "It assumes nothing: try the numbers of section 4, where sigma is 1.",
            ),
            Choice(
                "Sigma cancels.",
                r"Slope and curvature of the logarithm both carry the factor "
                r"$1 / \sigma^2$, and the offset is their ratio. (Its blur does use "
                "sigma, to know how much to smooth.)",
                right=True,
            ),
            Choice(
                "It measures sigma first.",
                "It could, from the curvature, but the offset is a ratio in which "
                "sigma cancels.",
            ),
        ),
    ),
    Question(
        "The input grows from 256 to 384 pixels across, the maps from 64 to 96 "
        "cells. The bumps should cover the same part of the body as before. What "
        "happens to sigma?",
        (
            Choice(
                "It stays 2 cells.",
                "A cell now covers less of the body, so a bump of 2 cells would be "
                "smaller on the body.",
            ),
            Choice(
                "It shrinks to 1.33 cells.",
                "The other way round: more cells lie on the same body.",
            ),
            Choice(
                "It grows to 3 cells.",
                "By the factor 1.5: sigma counts cells, and there are 1.5 times as "
                "many on the same body.",
                right=True,
            ),
        ),
    ),
    Question(
        "A decoder is off by exactly 1.5 pixels, right and down, on every picture. "
        "What do you suspect first?",
        (
            Choice(
                "A network that needs more training.",
                "A network's errors differ from joint to joint. One and the same "
                "shift everywhere is arithmetic.",
            ),
            Choice(
                "Half a pixel, forgotten in one direction at stride 4.",
                "$(s - 1) / 2 = 1.5$ pixels, in x and in y.",
                right=True,
            ),
            Choice(
                "x and y exchanged.",
                "That would mirror the skeleton at the diagonal, not shift it.",
            ),
        ),
    ),
    Question(
        "You report `PCKh@0.5` only, on 64 x 64 maps. Is it worth the effort to "
        "replace argmax by DARK?",
        (
            Choice(
                "Hardly.",
                "With perfect maps both have 100 %. At tight thresholds, on coarser "
                "maps and for smooth motion in video it is.",
                right=True,
            ),
            Choice(
                "Yes, it is exact.",
                "It is, but a threshold of half a head does not notice two pixels.",
            ),
        ),
    ),
)
