"""Exercises of chapter 5: heatmap or regression?"""

import math

import numpy as np
import torch

from ..codecs import argmax_decode, integral_decode
from ..geometry import resize_points
from . import exercise
from .quiz import Choice, Question


@exercise(
    "05.1",
    hints=(
        "In x and in y together the largest error is the diagonal: `reach * "
        "sqrt(2)` cells.",
        "The head is a tenth of the crop. So with `n` cells across, the "
        "threshold is `threshold * n / 10` cells.",
        "Solve `reach * sqrt(2) <= threshold * n / 10` for `n`, and round up "
        "with `math.ceil`.",
    ),
)
def _(attempt):
    cases = [(0.5, 0.5), (0.1, 0.5)]
    cases += [(t, reach) for reach in (0.5, 0.25, 0.1) for t in (0.05, 0.1, 0.2, 0.5)]
    for threshold, reach in cases:
        exact = 10 * reach * math.sqrt(2) / threshold
        attempt.gives(
            math.ceil(exact),
            threshold,
            reach,
            mistakes={
                "that is for arg max alone; use reach": math.ceil(
                    5 * math.sqrt(2) / threshold
                ),
                "with that many cells a joint near the corner of a cell is "
                "still missed: round up": math.floor(exact),
                "a number of cells is whole: round up": exact,
                "an error of reach in x and of reach in y is reach * sqrt(2) "
                "away": math.ceil(10 * reach / threshold),
                "the threshold counts heads, and ten heads make a crop": math.ceil(
                    exact / 10
                ),
                "reach is already the largest error, not the width of a cell": math.ceil(
                    exact / 2
                ),
                "the cell's diagonal is twice as long as the largest error, "
                "which runs from its middle to a corner": math.ceil(2 * exact),
            },
        )


@exercise(
    "05.2",
    hints=(
        "L2's answer is the mean, weighted with the shares: `(shares[:, None] "
        "* places).sum(0)`.",
        "L1's answer is a median, taken separately for x and for y. Sort the "
        "values, and add up their shares in that order.",
        "`order = values.argsort()`; the median is the first of "
        "`values[order]` at which `shares[order].cumsum()` reaches 0.5.",
    ),
)
def _(attempt):
    rng = np.random.default_rng(52)
    cases = [(np.array([[2.0, 2], [9, 3], [4, 9]]), np.array([0.4, 0.3, 0.3]))]
    for count in (2, 3, 5, 5, 8):
        cases.append(
            (
                rng.integers(0, 64, (count, 2)).astype(float),
                rng.dirichlet(np.ones(count)),
            )
        )
    # exactly one half: the shares add up without rounding
    cases.append((np.array([[10.0, 40], [30, 20]]), np.array([0.5, 0.5])))
    cases.append((np.array([[8.0, 1], [2, 7], [6, 3], [4, 5]]), np.full(4, 0.25)))
    for places, shares in cases:
        mean = shares @ places
        order = places.argsort(0, kind="stable")
        reached = shares[order].cumsum(0) >= 0.5
        median = np.array([places[order[reached[:, a].argmax(), a], a] for a in (0, 1)])
        likeliest = places[shares.argmax()]
        apart = np.linalg.norm(places[:, None] - places, axis=-1)
        medoid = places[(apart @ shares).argmin()]
        by_x = order[reached[:, 0].argmax(), 0]
        in_order = (shares.cumsum() >= 0.5).argmax()
        more = shares[order].cumsum(0) > 0.5 + 1e-9
        above = np.array([places[order[more[:, a].argmax(), a], a] for a in (0, 1)])
        ranked = np.sort(places, 0)
        attempt.gives(
            (mean, median),
            places,
            shares,
            mistakes={
                "one half is enough: the smallest value at which the shares reach it": (
                    mean,
                    above,
                ),
                "where the shares reach exactly one half, take that value, not "
                "the middle between it and the next": (mean, (median + above) / 2),
                "L2's answer comes first": (median, mean),
                "the mean has to be weighted with the shares": (places.mean(0), median),
                "the median has to be weighted with the shares, and so has the mean": (
                    places.mean(0),
                    np.median(places, 0),
                ),
                "the median has to be weighted with the shares": (
                    mean,
                    np.median(places, 0),
                ),
                "that is the likeliest place; L1 takes the median of x and that of y": (
                    mean,
                    likeliest,
                ),
                "x and y are apart: the median of y may belong to another place": (
                    mean,
                    places[by_x],
                ),
                "that is the place nearest to all others; L1 takes the median "
                "of x and that of y": (mean, medoid),
                "sort the values before you add up their shares": (
                    mean,
                    places[in_order],
                ),
                "the shares have to be sorted along with their values": (
                    mean,
                    ranked[in_order],
                ),
                "x and y are apart: sort y, and its shares, on its own": (
                    mean,
                    np.array([median[0], ranked[reached[:, 0].argmax(), 1]]),
                ),
                "x and y are swapped: x comes first": (mean[::-1], median[::-1]),
                "the shares add up to 1 already: add up, and divide by nothing": (
                    mean / len(places),
                    median,
                ),
            },
        )


@exercise(
    "05.3",
    hints=(
        "Take `torch.softmax` over all cells of a map: `flatten(-2)` first, "
        "and reshape back.",
        "Add up the probabilities of each column, `.sum(-2)`, and take the "
        "mean of the column numbers 0, 1, ... with these weights. Do the same "
        "for the rows.",
        "`x_pixel = (x_cell + 0.5) * stride - 0.5`, and `torch.stack([x, y], -1)`.",
    ),
)
def _(attempt):
    generator = torch.Generator().manual_seed(53)
    cases = [(torch.zeros(1, 1, 2, 4), 4)]
    for height, width, stride in ((4, 4, 4), (3, 6, 8), (5, 2, 2)):
        cases.append(
            (3 * torch.randn(2, 3, height, width, generator=generator), stride)
        )
    # any real numbers: exp alone would overflow, or vanish
    cases += [(cases[1][0] + far, 4) for far in (1000, -1000)]
    for maps, stride in cases:
        cells, _ = integral_decode(maps)
        x, y = (
            torch.arange(n, dtype=maps.dtype) for n in (maps.shape[-1], maps.shape[-2])
        )

        def mean(weights, x=x, y=y):
            return torch.stack(
                [(weights.sum(-2) * x).sum(-1), (weights.sum(-1) * y).sum(-1)], -1
            )

        right = resize_points(cells, stride)
        along = [torch.softmax(maps, axis) for axis in (-1, -2)]
        sums = torch.stack(
            [
                (torch.softmax(maps.sum(-2), -1) * x).sum(-1),
                (torch.softmax(maps.sum(-1), -1) * y).sum(-1),
            ],
            -1,
        )
        exp = maps.exp()
        overflown = mean(exp) / exp.sum((-2, -1))[..., None]
        shared = [
            torch.softmax(maps.flatten(start), -1).reshape(maps.shape)
            for start in (0, 1)
        ]
        beside = "the middle of cell c is at pixel (c + 0.5) * stride - 0.5, not at "
        attempt.gives(
            right,
            maps,
            stride,
            tolerance=1e-3,
            mistakes={
                "exp of a large number is infinite, of a very negative one 0: "
                "use torch.softmax, or subtract the map's maximum first": resize_points(
                    overflown, stride
                ),
                "x and y are swapped: rows are y": right.flip(-1),
                "the half pixels are missing on the way to pixels": cells * stride,
                "that is in cells; pixels are asked for": cells,
                "the weights must be a softmax over all cells of the map; here "
                "they are the map itself": resize_points(
                    mean(maps) / maps.sum((-2, -1))[..., None], stride
                ),
                "the softmax must run over all cells of a map, not over each "
                "row": resize_points(mean(along[0]), stride),
                "the softmax must run over all cells of a map, not over each "
                "column": resize_points(mean(along[1]), stride),
                "that is the largest cell, not the mean place": resize_points(
                    argmax_decode(maps)[0], stride
                ),
                beside + "(c + 0.5) * stride": (cells + 0.5) * stride,
                beside + "c * stride + 0.5": cells * stride + 0.5,
                beside + "c * stride - 0.5": cells * stride - 0.5,
                beside + "c * stride + (stride - 1) // 2": cells * stride
                + (stride - 1) // 2,
                "stride is given; it is not always 4": resize_points(cells, 4),
                "multiply by the stride": cells + 0.5,
                "first the softmax over all cells, then the sums over columns "
                "and rows": resize_points(sums, stride),
                "the weights of each map must add up to 1, over its cells and "
                "not over the joints": resize_points(mean(exp), stride),
                "each map has a softmax of its own, not one with all others": resize_points(
                    mean(shared[0]), stride
                ),
                "each map has a softmax of its own, not one with the other "
                "joints'": resize_points(mean(shared[1]), stride),
            },
        )


@exercise(
    "05.4",
    hints=(
        "`first[chosen]` has shape `(R, N, K)`: the people of every draw.",
        "The rate is the mean over people and joints at once, leaving out "
        "NaN: `np.nanmean(..., axis=(1, 2))`.",
        "`np.nanmean(first[chosen], axis=(1, 2))`, the same with `second` and "
        "the same `chosen`, and subtract.",
    ),
)
def _(attempt):
    nan = np.nan
    rng = np.random.default_rng(54)
    cases = [
        (
            np.array([[1, 1], [0, nan]]),
            np.array([[1, 0], [0, nan]]),
            np.array([[0, 0], [0, 1], [1, 1]]),
        )
    ]
    for persons, joints in ((6, 4), (9, 3)):
        first, second = (
            rng.integers(0, 2, (persons, joints)).astype(float) for _ in range(2)
        )
        hole = rng.random((persons, joints)) < 0.3
        hole[:, 0] = False
        first[hole] = second[hole] = nan
        cases.append((first, second, rng.integers(0, persons, (5, persons))))
    for first, second, chosen in cases:

        def pooled(hits, chosen=chosen):
            return np.nanmean(hits[chosen], axis=(1, 2))

        def of_persons(hits, chosen=chosen):
            return np.nanmean(hits, 1)[chosen].mean(1)

        def of_joints(hits, chosen=chosen):
            drawn = np.ma.masked_invalid(hits[chosen])
            return drawn.mean(1).mean(1).data

        right = pooled(first) - pooled(second)
        attempt.gives(
            right,
            first,
            second,
            chosen,
            mistakes={
                "the other way round: first minus second": -right,
                "that is the rate of the first alone": pooled(first),
                "NaN is no miss: leave it out of the count. And do not average "
                "the people's rates": (np.nan_to_num(first) - np.nan_to_num(second))[
                    chosen
                ].mean((1, 2)),
                "pooled means over all joints of all people; do not average "
                "the people's rates": of_persons(first) - of_persons(second),
                "add up to a rate: divide by the number of labelled joints": np.nansum(
                    (first - second)[chosen], axis=(1, 2)
                ),
                "pooled means over joints and people at once; do not average "
                "the joints' rates": of_joints(first) - of_joints(second),
                "a rate is from 0 to 1, not in percent": 100 * right,
                "second has to be drawn with chosen as well": pooled(first)
                - np.nanmean(second),
                "who is drawn twice counts twice": np.array(
                    [
                        np.nanmean((first - second)[np.unique(people)])
                        for people in chosen
                    ]
                ),
                "np.mean of NaN is NaN; use np.nanmean": (first - second)[chosen].mean(
                    (1, 2)
                ),
                "one number for each of the R draws is asked for": right.mean(),
            },
        )


QUIZ = (
    Question(
        "You halve the maps of a network from 64 to 32 cells and keep arg max. "
        "`PCKh@0.5` stays the same. What may you conclude?",
        (
            Choice(
                "Resolution does not matter.",
                "At 0.5 even 16 cells lose nothing, so this threshold cannot see it.",
            ),
            Choice(
                "Nothing about tight thresholds.",
                "At 0.1 the ceiling of arg max falls from 98 % to 32 %, and "
                "`PCKh@0.5` does not notice.",
                right=True,
            ),
            Choice(
                "The network has learned to answer between the cells.",
                "Arg max cannot answer between cells, whatever the network has learned.",
            ),
        ),
    ),
    Question(
        "A wrist is at (10, 20) for half of the people who look like this, and at "
        "(30, 20) for the other half. Who answers (20, 20)?",
        (
            Choice(
                "Regression trained with L2.",
                "The mean of the two places has the smallest squared error. "
                "Nobody's wrist is there.",
                right=True,
            ),
            Choice(
                "Soft-argmax.",
                "Its penalty makes the map draw both bumps, equally high, and the mean "
                "place of that map lies in the middle.",
                right=True,
            ),
            Choice(
                "Regression trained with L1, always.",
                "For L1 every x from 10 to 30 is equally good; it may end anywhere "
                "between the two.",
            ),
            Choice(
                "A heatmap.",
                "It draws two bumps of half the height and answers with one of them.",
            ),
        ),
    ),
    Question(
        "Network P has a `PCKh@0.5` of 58.0 (56.6 to 59.5), network Q of 55.7 (54.1 "
        "to 57.3). The intervals overlap. Can P still be clearly better?",
        (
            Choice(
                "No, the difference may be luck.",
                "Each interval holds the luck of who was drawn. If both answered for "
                "the same people, most of that luck is shared and cancels.",
            ),
            Choice(
                "Yes, because 58.0 is more than 55.7.",
                "Without an interval for the difference you cannot know whether other "
                "people would turn it round.",
            ),
            Choice(
                "Yes, if both answered for the same people.",
                "These are SimCC and soft-argmax. Their paired difference was 2.4 "
                "points, 1.5 to 3.3: what is hard for one is hard for the other.",
                right=True,
            ),
        ),
    ),
    Question(
        "Under noise, network R moves its answers half as far as network S. What else "
        "do you ask for before you call R the better one?",
        (
            Choice(
                "Its accuracy, with and without the noise.",
                "The mean pose does not move under noise at all, and it is hardly ever "
                "right.",
                right=True,
            ),
            Choice(
                "Its gain when the window moves.",
                "An answer that follows neither noise nor the person is stable and useless.",
                right=True,
            ),
            Choice(
                "Nothing: less noise in the answer is better.",
                "Then the mean pose would be the best network of all.",
            ),
        ),
    ),
    Question(
        "Someone compares heatmaps with a ResNet-50 to regression with a ResNet-18, "
        "each with the learning rate of its paper, and finds heatmaps ahead by 5 "
        "points. What has been shown?",
        (
            Choice(
                "Heatmaps are better by 5 points.",
                "Part of the 5 points, or all of them, may come from the larger backbone.",
            ),
            Choice(
                "Heatmaps are better, but by less than 5 points.",
                "Perhaps, but not even that follows: the learning rates differ as well.",
            ),
            Choice(
                "Nothing about representations.",
                "Backbone, head and training changed at once. Everything else has to be "
                "the same, or tuned with the same care.",
                right=True,
            ),
        ),
    ),
)
