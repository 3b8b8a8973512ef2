"""The first wrong case of an exercise as a picture: expected beside given.

A checker may hand one over, as ``picture=`` of `Attempt.gives`,
`Attempt.equals` and `Attempt.require`; where it does not, pictures and maps
that differ are drawn all the same. A picture is a function that returns
``(figure, alt text)``, or None where there is nothing to draw. It is called
only where somebody can see it, and what it raises is of no consequence.
"""

from __future__ import annotations

import numpy as np

from .attempt import as_numbers

__all__ = ["compare", "maps", "points"]

NAMES = ("expected", "your answer")
_MOST_NUMBERS = 5_000_000
_SMALLEST_MAP = 4  # cells; smaller ones can be read as numbers


def compare(expected, given):
    """Pictures, maps or points that differ, side by side; None for others."""
    expected, given = as_numbers(expected), as_numbers(given)
    if expected is None or given is None or expected.shape != given.shape:
        return None
    if expected.size > _MOST_NUMBERS or not expected.size:
        return None
    expected, given = (np.asarray(a, float) for a in (expected, given))
    if _is_picture(expected):
        return maps(expected, given)
    if expected.ndim >= 2 and min(expected.shape[-2:]) >= _SMALLEST_MAP:
        return maps(*_first_that_differs(expected, given))
    return None


def _is_picture(array) -> bool:
    return (
        array.ndim == 3
        and array.shape[-1] == 3
        and min(array.shape[:2]) >= _SMALLEST_MAP
        and np.nanmin(array) >= 0
        and np.nanmax(array) <= 255
    )


def _first_that_differs(expected, given):
    """Of ``(..., H, W)`` the first map that is not alike."""
    pairs = zip(
        expected.reshape(-1, *expected.shape[-2:]),
        given.reshape(-1, *given.shape[-2:]),
    )
    for right, mine in pairs:
        if not np.allclose(right, mine, atol=1e-5, equal_nan=True):
            break
    return right, mine


def maps(expected, given, names=NAMES):
    """Two maps ``(H, W)`` or pictures ``(H, W, 3)`` with one scale of colours.

    Returns
    -------
    The figure and its alt text.
    """
    expected, given = (np.asarray(as_numbers(a), float) for a in (expected, given))
    figure, axes = _figure(2)
    everything = np.concatenate([a[np.isfinite(a)] for a in (expected, given)])
    low, high = float(everything.min(initial=0)), float(everything.max(initial=1e-9))
    for axis, array, name in zip(axes, (expected, given), names):
        if array.ndim == 3:
            array = np.clip(array / (255 if high > 1 else 1), 0, 1)
        image = axis.imshow(array, vmin=low, vmax=high, cmap="viridis")
        axis.set_title(name)
    if expected.ndim == 2:
        figure.colorbar(image, ax=axes, shrink=0.8)
    return figure, f"Two pictures side by side: {names[0]} and {names[1]}."


def points(expected, given, image=None, names=NAMES):
    """Two sets of points ``(K, 2)`` (or one point each) in the same picture.

    Parameters
    ----------
    image:
        A map ``(H, W)`` or picture ``(H, W, 3)`` on which they lie, in its
        pixels.

    Returns
    -------
    The figure and its alt text.
    """
    expected, given = (
        np.asarray(as_numbers(a), float).reshape(-1, 2) for a in (expected, given)
    )
    figure, (axis,) = _figure(1)
    if image is not None:
        axis.imshow(as_numbers(image), cmap="gray")
    else:
        axis.invert_yaxis()
        axis.set_aspect("equal", "datalim")
    for ends in zip(expected, given):
        axis.plot(*np.transpose(ends), color="#D55E00", linewidth=1, zorder=1)
    axis.scatter(
        *expected.T, s=90, facecolors="none", edgecolors="#009E73", linewidths=2
    )
    axis.scatter(*given.T, s=70, marker="x", color="#D55E00", linewidths=2)
    axis.set_title(f"○ {names[0]}    × {names[1]}")
    axis.margins(0.1)
    return figure, f"Circles where the points are {names[0]}, crosses: {names[1]}."


def _figure(columns: int):
    """A figure that no notebook's pyplot knows of."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2.6 * columns + 0.4, 2.7), layout="constrained")
    axes = figure.subplots(1, columns, squeeze=False)[0]
    for axis in axes:
        axis.tick_params(labelsize=8)
        axis.title.set_fontsize(10)
    return figure, axes
