"""What happens from layer to layer of a network, as pictures (chapter 7).

As everywhere in this package: without ``alt`` a function returns its figure,
with it the figure is displayed.
"""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from .figures import STYLE, _finish

__all__ = [
    "convolution_step",
    "show_costs",
    "show_over_layers",
    "show_receptive_fields",
]

_BLUE, _ORANGE = "#0072B2", "#D55E00"


def convolution_step(picture, kernel, step: int) -> Figure:
    """A kernel on its way over a picture, after `step` of its places.

    Parameters
    ----------
    picture:
        ``(H, W)`` of whole numbers; zeros are put around it.
    kernel:
        ``(3, 3)`` of whole numbers.
    step:
        The place that is computed now, 0 to H * W - 1, row by row.

    Returns
    -------
    Three maps: the picture with the kernel's place, the nine products, and
    the result up to here.
    """
    picture, kernel = (np.asarray(a, float) for a in (picture, kernel))
    height, width = picture.shape
    padded = np.pad(picture, 1)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3))
    sums = (windows * kernel).sum((-2, -1))
    i, j = divmod(step, width)
    products = windows[i, j] * kernel
    so_far = np.where(
        np.arange(height * width).reshape(sums.shape) <= step, sums, np.nan
    )
    with matplotlib.rc_context(STYLE | {"axes.grid": False, "axes.titlesize": 10}):
        made = Figure(figsize=(6.0, 2.6))
        left, middle, right = made.subplots(1, 3, width_ratios=(8, 5, 6.5))
        _numbers(left, padded, 1, "gray")
        left.add_patch(
            Rectangle((0.5, 0.5), width, height, fill=False, ec="white", ls="--")
        )
        left.add_patch(
            Rectangle((j - 0.5, i - 0.5), 3, 3, fill=False, ec=_ORANGE, lw=3)
        )
        left.set_title("picture, zeros around it")
        weighted = [
            f"{pixel:.0f} · {weight:.0f}".replace("-", "−")
            for pixel, weight in zip(windows[i, j].flat, kernel.flat)
        ]
        _numbers(middle, products, 3, "RdBu_r", weighted)
        middle.set_title(f"products, sum {_whole(sums[i, j])}")
        _numbers(right, so_far, 3, "RdBu_r")
        right.add_patch(
            Rectangle((-0.5, -0.5), width, height, fill=False, ec="0.7", lw=1)
        )
        right.add_patch(
            Rectangle((j - 0.5, i - 0.5), 1, 1, fill=False, ec=_ORANGE, lw=3)
        )
        right.set_title("result")
    return made


def _numbers(axis, values, largest: float, colors: str, texts=None) -> None:
    """A small map with its numbers, or other texts, written in the cells."""
    low = -largest if colors == "RdBu_r" else -largest / 3
    axis.imshow(values, cmap=colors, vmin=low, vmax=largest)
    texts = texts or [_whole(v) for v in np.nan_to_num(values).flat]
    for ((y, x), value), text in zip(np.ndenumerate(values), texts):
        if np.isfinite(value):
            dark = value < 0.3 * largest if colors == "gray" else abs(value) > 2
            color = "white" if dark else "black"
            axis.text(x, y, text, ha="center", va="center", color=color, fontsize=9)
    axis.set_axis_off()


def _whole(value: float) -> str:
    return f"{value + 0.0:.0f}".replace("-", "−")


def show_costs(costs: dict, alt: str | None = None) -> Figure | None:
    """Bars of ``{layer: (parameters, multiply-adds)}``."""
    values = np.array(list(costs.values())).T / [[1e6], [1e9]]
    with matplotlib.rc_context(STYLE):
        made = Figure(figsize=(9, 3.8))
        axes = made.subplots(1, 2, sharey=True)
        titles = ("parameters, millions", "multiply-adds, billions")
        for axis, numbers, title in zip(axes, values, titles):
            bars = axis.barh(list(costs), numbers, color=_BLUE)
            axis.bar_label(bars, fmt="%.2f", padding=3, fontsize=9)
            axis.set(title=title, xlim=(0, 1.15 * numbers.max()))
        axes[0].invert_yaxis()
    return _finish(made, alt)


def show_receptive_fields(
    picture, sees: dict, cares, alt: str | None = None
) -> Figure | None:
    """What a cell in the middle can see after each layer, and what it uses.

    Parameters
    ----------
    picture:
        RGB uint8 ``(S, S, 3)``.
    sees:
        Layer -> pixels across that its cells see, smallest first.
    cares:
        ``(S, S)``, how much the last layer's cell changes with each pixel;
        drawn in blocks of 2 x 2.
    """
    middle = (len(picture) - 1) / 2
    with matplotlib.rc_context(STYLE | {"axes.grid": False}):
        made = Figure(figsize=(8.6, 4.2))
        left, right = made.subplots(1, 2)
        left.imshow(picture, interpolation="antialiased")
        for number, (layer, side) in enumerate(sees.items()):
            for color, width in (("white", 3.2), ("black", 1.4)):
                left.add_patch(_square(middle, side, color, width))
            row = middle + (number - (len(sees) - 1) / 2) * 0.085 * len(picture)
            left.annotate(
                f"{layer}: {side}",
                (middle + side / 2, row if abs(row - middle) < side / 2 else middle),
                (1.03 * len(picture), row),
                va="center",
                fontsize=10,
                annotation_clip=False,
                arrowprops={"arrowstyle": "-", "color": "black", "lw": 0.8},
            )
        left.set_title("a cell sees, pixels across", loc="left")
        fine = np.asarray(cares, float)
        half = fine.reshape(len(fine) // 2, 2, -1, 2).mean((1, 3))
        extent = (-0.5, len(fine) - 0.5, len(fine) - 0.5, -0.5)
        right.imshow(
            np.sqrt(half), cmap="inferno", extent=extent, interpolation="bilinear"
        )
        right.add_patch(_square(middle, side, "white", 1.4, ls="--"))
        right.set_title("what the middle cell uses")
        for axis in (left, right):
            axis.set_axis_off()
    return _finish(made, alt)


def _square(middle, side, color, width, ls="-"):
    corner = (middle - side / 2,) * 2
    return Rectangle(corner, side, side, fill=False, ec=color, lw=width, ls=ls)


def show_over_layers(
    layers,
    panels: dict,
    alt: str | None = None,
    ylim=None,
) -> Figure | None:
    """Numbers that each layer has, on a logarithmic scale.

    Parameters
    ----------
    layers:
        Names, in order.
    panels:
        Title -> ``{label: values}``. Values fewer than the layers belong to
        the last ones. Labels stand in the first panel.
    """
    with matplotlib.rc_context(STYLE):
        made = Figure(figsize=(8 if len(panels) == 1 else 9.6, 3.8))
        grid = made.subplots(1, len(panels), squeeze=False)[0]
        for axis, (title, curves) in zip(grid, panels.items()):
            for (label, values), mark in zip(curves.items(), "os^D"):
                names = list(layers)[-len(values) :]
                axis.plot(names, values, marker=mark, markersize=5, label=label)
            axis.set(yscale="log", ylim=ylim, title=title)
            axis.tick_params(axis="x", rotation=60, labelsize=9)
        grid[0].legend(loc="lower left")
    return _finish(made, alt)
