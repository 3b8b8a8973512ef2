"""The generalised distance transform: every place asks for its best partner.

A spring pulls a part to where it rests. For every place x of its neighbour,
which place u of the part is the best compromise between evidence and pull?

    D(x) = max over u of  f(u) - stiffness * (u - x - rest)^2

Asking all u for all x takes n * n steps. But as a function of ``x + rest``
each u contributes a parabola with its top at (u, f(u)), all of the same
width, and D is their upper envelope: it is built from left to right in steps
proportional to n.

Source: Felzenszwalb and Huttenlocher, *Distance Transforms of Sampled
Functions* (2004, 2012).
"""

from __future__ import annotations

import numpy as np

__all__ = ["distance_transform"]


def distance_transform(values, stiffness, rest=0.0):
    """The best compromise for every place, in linear time.

    Parameters
    ----------
    values:
        ``(..., n)`` float, f: how good each place of the part is. Finite.
    stiffness:
        More than 0, per square of a step; a number, or an array that
        broadcasts to ``(...)``: one spring for each row.
    rest:
        Where the part wants to be, relative to its neighbour; as
        `stiffness`. It need not be whole.

    Returns
    -------
    best, where:
        ``(..., n)`` each: D(x), and the place u that attains it.

    Notes
    -----
    All rows go through the envelope side by side, so that NumPy has something
    to do in each step. Where two places are equally good, either may be said.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim == 0 or values.shape[-1] == 0:
        raise ValueError(f"values must be (..., n), n at least 1, not {values.shape}")
    *outer, n = values.shape
    stiffness, rest = (np.asarray(x, dtype=np.float64) for x in (stiffness, rest))
    if not (stiffness > 0).all():
        raise ValueError(f"a spring's stiffness must be more than 0: {stiffness}")
    if not np.isfinite(values).all():
        raise ValueError("values must be finite; use a low number for 'impossible'")
    if not np.isfinite(rest).all():
        raise ValueError(f"a spring's rest must be finite: {rest}")
    rows = values.reshape(-1, n)
    a, b = (np.broadcast_to(x, outer).reshape(-1, 1) for x in (stiffness, rest))
    winners = _winners(*_envelope(rows, a), b)
    best = np.take_along_axis(rows, winners, 1)
    best = best - a * (winners - np.arange(n) - b) ** 2
    return best.reshape(values.shape), winners.reshape(values.shape)


def _envelope(rows, a):
    """The parabolas that are highest somewhere, from left to right.

    Returns
    -------
    tops, starts:
        ``(R, n)``: the k-th parabola on the envelope of a row has its top at
        ``tops`` and is the highest one from ``starts`` on. Behind the last
        one, starts is infinite.
    """
    count, n = rows.shape
    # f(u) - a (y - u)^2 = 2 a (g(u) + u y) - a y^2: where two parabolas meet
    # depends on g and u alone
    places = np.arange(n)
    g = (rows / (2 * a) - places**2 / 2).ravel()
    tops = np.zeros(count * n, np.intp)
    starts = np.full(count * n, -np.inf)
    first = np.arange(count) * n  # where each row begins in these
    last = first.copy()  # and where its envelope ends so far
    for u in range(1, n):
        asked = np.arange(count)  # the rows that have no place for u yet
        while asked.size:
            end, row = last[asked], first[asked]
            meet = (g[row + tops[end]] - g[row + u]) / (u - tops[end])
            hidden = meet <= starts[end]  # the last parabola is nowhere highest
            found = asked[~hidden]
            last[found] += 1
            tops[last[found]], starts[last[found]] = u, meet[~hidden]
            asked = asked[hidden]
            last[asked] -= 1
    starts[np.arange(count * n) > np.repeat(last, n)] = np.inf
    return tops.reshape(count, n), starts.reshape(count, n)


def _winners(tops, starts, b):
    """Whose parabola is the highest at x + b, for every whole x: ``(R, n)``."""
    count, n = tops.shape
    begins = np.clip(np.ceil(starts - b), 0, n).astype(np.intp)
    # of several that begin at one x the last one is assigned last, and stays
    number = np.zeros((count, n + 1), np.intp)
    np.put_along_axis(number, begins, np.broadcast_to(np.arange(n), begins.shape), 1)
    number = np.maximum.accumulate(number[:, :n], 1)
    return np.take_along_axis(tops, number, 1)
