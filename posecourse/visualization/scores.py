"""Figures of chapter 9: thresholds, intervals, kinds of errors."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from ..skeletons import MPII
from .figures import figure

__all__ = ["draw_threshold", "show_arrows", "show_intervals"]

_BLUE, _RED, _GREY = "#0072B2", "#D55E00", "#777777"


def draw_threshold(store, predicted, distances, curves, person, threshold):
    """One person's joints, right or wrong at a threshold, and everybody's curve.

    Parameters
    ----------
    store:
        A `CropDataset`; its crops show the standard window.
    predicted, distances:
        Keypoints ``(N, K, 2)`` and their errors ``(N, K)`` in head sizes.
    curves:
        ``{name: percent right}`` at equally spaced thresholds from 0 to 0.5;
        the first is the one of `predicted`.

    Returns
    -------
    The figure.
    """
    made, (left, axis) = plt.subplots(1, 2, figsize=(9, 4.4))
    head = 0.1 * store.crops.shape[1]  # of a standard window, for everybody
    left.imshow(store.crops[person])
    for at, found, off in zip(
        store.keypoints[person], predicted[person], distances[person]
    ):
        color, line, mark = (
            ("#56B4E9", "-", "o") if off <= threshold else ("yellow", "--", "X")
        )
        left.add_patch(
            plt.Circle(at, threshold * head, fill=False, lw=1.8, color=color, ls=line)
        )
        left.plot(*zip(at, found), mark, color=color, ls=line, markevery=[1])
    left.set_title(f"{(distances[person] <= threshold).sum()} right")
    left.set_axis_off()
    for number, (name, values) in enumerate(curves.items()):
        thresholds = np.linspace(0, 0.5, len(values))
        axis.plot(thresholds, values, label=name)
        if number == 0:
            here = np.interp(threshold, thresholds, values)
            axis.plot(threshold, here, "o", ms=9, color=_BLUE)
    axis.set(
        xlabel="threshold, head sizes",
        ylabel="right joints of all people, %",
        ylim=(0, 100),
    )
    axis.legend(loc="upper left")
    return made


def show_intervals(differences: dict, alt: str) -> None:
    """Differences with a paired interval and one that knows of no pairs.

    Parameters
    ----------
    differences:
        ``{name: (value, low, high, half)}``, ``half`` being half the length
        of the interval of two independent answers.
    """
    with figure(alt, size=(7.8, 2.8)) as axis:
        for row, (value, low, high, half) in enumerate(differences.values()):
            paired, apart = (
                ("on the same people", "if independent") if row == 0 else (None, None)
            )
            axis.plot([low, high], [row, row], "-", color=_BLUE, lw=5, label=paired)
            axis.plot(
                [value - half, value + half],
                [row + 0.25] * 2,
                "-",
                color=_GREY,
                lw=2,
                label=apart,
            )
            axis.plot(value, row, "ko")
        axis.axvline(0, color="black", lw=1, ls="-")
        axis.set(
            xlabel="difference, points of PCKh@0.5",
            ylim=(len(differences) - 0.4, -0.6),
        )
        axis.set_yticks(range(len(differences)), differences)
        axis.figure.legend(
            *axis.get_legend_handles_labels(), ncols=2, loc="outside upper center"
        )


def show_arrows(store, predicted, chosen: dict, alt: str) -> None:
    """From an answer to its label, for one joint of each of several people.

    Parameters
    ----------
    chosen:
        ``{title: (person, joint)}``, both as numbers.
    """
    with figure(alt, 1, len(chosen), size=(9, 2.8)) as axes:
        for axis, (title, (n, k)) in zip(axes, chosen.items()):
            label, found = store.keypoints[n, k], predicted[n, k]
            axis.imshow(store.crops[n])
            axis.annotate(
                "",
                label,
                found,
                arrowprops={
                    "arrowstyle": "->",
                    "lw": 2.5,
                    "shrinkA": 0,
                    "shrinkB": 0,
                    "color": "yellow",
                },
            )
            axis.plot(*found, "x", color=_RED, ms=9, mew=3)
            radius = 0.05 * store.crops.shape[1]  # half a head size
            axis.add_patch(plt.Circle(label, radius, fill=False, color="yellow", lw=2))
            axis.set_title(f"{title}: {MPII.joints[k].replace('_', ' ')}")
            axis.set_axis_off()
