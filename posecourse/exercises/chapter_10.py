"""Exercises of chapter 10: from a photo to a pose."""

import numpy as np

from ..geometry import Crop
from ..skeletons import MPII
from . import exercise
from .attempt import short


@exercise(
    "10.1",
    hints=(
        "Two things: the order of the joints, and the order of the columns.",
        "heatmaps[list(swap)] puts joint swap[k] in place k.",
        "The columns are the last axis: [..., ::-1].",
    ),
)
def _(attempt):
    rng = np.random.default_rng(101)
    cases = [
        (np.array([[[1, 2, 3]], [[4, 5, 6]]]), [1, 0]),
        (rng.random((3, 2, 4)), [2, 1, 0]),
        (rng.random((16, 3, 5)), list(MPII.flip_permutation)),
    ]
    for heatmaps, order in cases:
        attempt.gives(
            heatmaps[order][..., ::-1],
            heatmaps,
            order,
            mistakes={
                "the joints are not swapped: the left wrist's map is still "
                "called right": heatmaps[..., ::-1],
                "the joints are swapped, but the maps are not mirrored back: "
                "the columns, the last axis, run backwards": heatmaps[order],
                "the first axis counts joints; the columns are the last one": heatmaps[
                    order
                ][::-1],
                "that turns the maps by half; only the columns run backwards": heatmaps[
                    order
                ][:, ::-1, ::-1],
                "the joints are in reverse order; swap says which is which": heatmaps[
                    ::-1, :, ::-1
                ],
                "no shift is needed: cells that are mirrored back lie where "
                "they were": np.roll(heatmaps[order][..., ::-1], 1, -1),
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


@exercise(
    "10.3",
    hints=(
        "First u, the photo pixels that one input pixel shows: the longer side "
        "of the box times padding, divided by size.",
        "The centre of the input, (size - 1) / 2, shows the centre of the box, "
        "x + (width - 1) / 2.",
        "Solve x_in = (x - cx) / u + (size - 1) / 2 for x.",
        "points holds x and y: (points - (size - 1) / 2) * u + [cx, cy].",
    ),
)
def _(attempt):
    rng = np.random.default_rng(103)
    cases = [(np.array([[31.5, 31.5], [63.5, 31.5]]), (10, 20, 40, 80), 64, 1.25)]
    for width, height, size, padding in (
        (40, 80, 64, 1.0),
        (90, 30, 48, 1.25),
        (55, 200, 256, 1.5),
        (1200, 2400, 64, 1.25),
    ):
        corner = rng.uniform(-20, 300, 2).round(1)
        cases.append(
            (
                rng.uniform(-0.5, size - 0.5, (5, 2)).round(1),
                (*corner.tolist(), width, height),
                size,
                padding,
            )
        )
    for points, box, size, padding in cases:
        x, y, width, height = box
        crop = Crop.from_box(box, size, padding)
        unit = crop.size[0] / size
        center = np.array(crop.center)
        sides = np.array([width, height]) * padding / size
        middle = (size - 1) / 2
        attempt.gives(
            crop.invert(points),
            points,
            box,
            size,
            padding,
            tolerance=1e-3,
            mistakes={
                "that is the way from the photo to the input; the other way "
                "is asked for": crop.apply(points),
                "the half pixels are missing: the middle of `size` pixels is "
                "(size - 1) / 2, that of a box x + (width - 1) / 2": (points - size / 2)
                * unit
                + [x + width / 2, y + height / 2],
                "half an input pixel is missing: the middle of `size` pixels "
                "is (size - 1) / 2": (points - size / 2) * unit + center,
                "half a photo pixel is missing: the centre of a box is x + "
                "(width - 1) / 2": (points - middle) * unit
                + [x + width / 2, y + height / 2],
                "x and y of the centre are exchanged": (points - middle) * unit
                + center[::-1],
                "31.5 is the middle of 64 pixels; of `size` pixels it is "
                "(size - 1) / 2": (points - 31.5) * unit + center,
                "(size - 1) // 2 drops the half pixel; divide with /": (
                    points - (size - 1) // 2
                )
                * unit
                + center,
                "one input pixel shows several photo pixels: times u, not "
                "divided by it": (points - middle) / unit + center,
                "the input's middle lies on the centre of the box, not on its corner": (
                    points - middle
                )
                * unit
                + [x, y],
                "the padding is missing": (points - middle) * unit / padding + center,
                "the square is not squeezed: one unit for both, from the longer side": (
                    points - middle
                )
                * sides
                + center,
                "the unit comes from the longer side of the box": (points - middle)
                * min(sides)
                + center,
                "the square begins further left and higher than the box, by "
                "the padding": points * unit + [x, y],
                "the place of the square in the photo is missing": points * unit,
            },
        )
