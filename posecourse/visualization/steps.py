"""Curves over the steps of a training run, as chapter 8 draws them."""

from __future__ import annotations

import numpy as np

from .figures import figure

__all__ = ["show_range_test", "show_steps"]

# Many points: a thin line. Few: one that shows each of them.
_MANY = 40


def show_steps(panels: dict, alt: str, sharey: bool = False) -> None:
    """Curves over the steps, in panels side by side.

    Parameters
    ----------
    panels:
        ``{title: (curves, options)}``. ``curves`` is ``{name: values}``, one
        value per step, or pairs ``(step, value)``; a single number is a
        dotted line at that height. ``options`` are those of
        ``Axes.set``, such as ``ylim``.
    alt:
        What there is to see.
    """
    size = (4.5 * len(panels) + 2 * (len(panels) == 1), 3.3)
    with figure(alt, 1, len(panels), size=size, squeeze=False, sharey=sharey) as axes:
        for axis, (title, (curves, options)) in zip(axes[0], panels.items()):
            for name, values in curves.items():
                _curve(axis, name, np.asarray(values, dtype=float))
            axis.set(**{"title": title, "xlabel": "step", **options})
            axis.legend(ncols=1 + (len(curves) > 4))


def _curve(axis, name, values):
    if values.ndim == 0:
        axis.axhline(
            float(values), color="black", linewidth=1, linestyle=":", label=name
        )
    elif values.ndim == 2:
        axis.plot(*values.T, marker="o", label=name)
    elif len(values) > _MANY:
        axis.plot(values, linewidth=1.2, label=name)
    else:
        axis.plot(values, marker="o", label=name)


def show_range_test(rates, losses, empty: float, good, alt: str) -> None:
    """The loss while the rate grows, both on logarithmic axes.

    Parameters
    ----------
    empty:
        The loss of empty maps, a dotted line.
    good:
        Lowest and highest rate of the band that is marked.
    """
    with figure(alt, size=(7, 3.2)) as axis:
        axis.plot(rates, losses)
        axis.axhline(empty, color="black", linewidth=1, linestyle=":")
        axis.axvspan(*good, color="#009E73", alpha=0.15)
        axis.set(
            xscale="log",
            yscale="log",
            ylim=(4, 200),
            xlabel="learning rate",
            ylabel="loss, mean of 5 steps",
        )
        places = ((rates[0] * 3, "too small"), (np.sqrt(good[0] * good[1]), "good"))
        for rate, text in (*places, (rates[-1] / 3, "diverges")):
            axis.text(rate, 12, text, ha="center")
