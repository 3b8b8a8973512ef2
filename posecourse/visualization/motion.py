"""Signals over time, what filters cost, and who is taken for whom."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from ..motion.smoothing import jitter, lag
from .figures import STYLE, display_figure, figure

__all__ = ["draw_filtered", "show_confusion", "show_signals", "show_tradeoff"]

_GREY, _BLUE, _RED = "#777777", "#0072B2", "#D55E00"


def show_signals(panels: dict, alt: str, size=(8.6, 3.0), sharey: bool = False) -> None:
    """Curves over time, in panels side by side.

    Parameters
    ----------
    panels:
        ``{title: (times, curves, options)}``: ``times`` ``(T,)`` seconds,
        ``curves`` ``{name: values (T,)}``, a single number being a dotted line
        at that height; ``options`` are those of ``Axes.set``.
    """
    with figure(alt, 1, len(panels), size=size, squeeze=False, sharey=sharey) as axes:
        for axis, (title, (times, curves, options)) in zip(axes[0], panels.items()):
            for name, values in curves.items():
                if np.ndim(values) == 0:
                    axis.axhline(values, color="black", lw=1, ls=":", label=name)
                else:
                    axis.plot(times, values, label=name, lw=1.6)
            axis.set(**{"title": title, "xlabel": "seconds", **options})
            axis.legend()


def show_tradeoff(curves: dict, alt: str) -> None:
    """Jitter at rest over lag in motion, one curve per filter.

    `curves` is ``{name: (M, 2)}``, lag in milliseconds and jitter in pixels of
    M settings. Nearer to the lower left corner is better.
    """
    with figure(alt, size=(6, 3.6)) as axis:
        for (name, values), marker in zip(curves.items(), "os^Dv"):
            order = np.argsort([v[0] for v in values], kind="stable")
            axis.plot(*np.asarray(values)[order].T, marker=marker, label=name)
        axis.set(
            xlabel="lag in motion, ms", ylabel="jitter at rest, px", xlim=0, ylim=0
        )
        axis.legend()


def draw_filtered(times, truth, seen, calmed, rest) -> Figure:
    """A coordinate as it is, as it was seen and as it was calmed, with what
    the filter costs in the title.

    All ``(T,)``; `rest` says in which moments the truth is at rest.
    """
    from matplotlib import rc_context

    with rc_context(STYLE):
        made = Figure(figsize=(7.6, 3.2))
        axis = made.subplots()
        axis.plot(times, truth, color=_GREY, ls="-", lw=3, alpha=0.5, label="truth")
        axis.plot(times, seen, color=_RED, ls="-", lw=0.8, label="seen")
        axis.plot(times, calmed, color=_BLUE, ls="-", lw=1.8, label="filtered")
        axis.invert_yaxis()  # up is up
        axis.set(
            xlabel="seconds",
            ylabel="height in the picture, px",
            title=f"jitter at rest {jitter(calmed, truth, rest):.2f} px, "
            f"lag {1000 * lag(calmed, truth, times):.0f} ms",
        )
        axis.legend(loc="upper right")
    return made


def show_confusion(matrix, names, alt: str, title: str = "") -> None:
    """Counts of what is (rows) and what was said (columns).

    `matrix` is ``(C, C)``; 0 is left empty.
    """
    matrix = np.asarray(matrix)
    size = 1.6 + 0.42 * len(names)
    made = Figure(figsize=(size + 0.6, size))
    axis = made.subplots()
    axis.imshow(matrix, cmap="Blues", vmin=0, vmax=2.4 * matrix.max())
    for row, column in zip(*np.nonzero(matrix)):
        axis.text(column, row, matrix[row, column], ha="center", va="center")
    spoken = [name.replace("_", " ") for name in names]
    places = range(len(names))
    axis.set(xticks=places, yticks=places, yticklabels=spoken, title=title)
    axis.set_xticks(places, spoken, rotation=60, ha="right", rotation_mode="anchor")
    axis.set(xlabel="what was said", ylabel="what it was")
    axis.grid(False)
    display_figure(made, alt)
