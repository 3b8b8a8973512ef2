"""Pictorial structures: parts held together by springs, found exactly.

A part's detector says how much each place looks like it; springs say how
parts lie to one another. The best pose maximises the sum of both. Because
the springs form a tree, dynamic programming finds the best of all poses, not
merely a good one: every part tells its parent, for each place where the
parent could be, what the whole branch is worth; then the root chooses, and
its choice goes back up the branches.

Each part comes in a few **types**, such as a wrist above and a wrist below
its elbow. A type has its own detector, rest and stiffness, and goes better
or worse with the types of the parent.

Sources: Felzenszwalb and Huttenlocher, *Pictorial Structures for Object
Recognition* (2005); Yang and Ramanan, *Articulated Pose Estimation with
Flexible Mixtures-of-Parts* (2011), whose types these are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .distance import distance_transform

__all__ = ["Messages", "Springs", "backtrack", "best_pose", "pass_messages"]


@dataclass(frozen=True)
class Springs:
    """How P parts with K types each hang together.

    Attributes
    ----------
    parents:
        P indices: the part that each part hangs on; the root names itself.
    rest:
        ``(P, K, 2)``: where a part of a type rests, ``(x, y)`` cells from its
        parent.
    stiffness:
        ``(P, K, 2)``, more than 0: what a displacement costs, per square cell
        in x and in y.
    bias:
        ``(P, K, K)``: what is added if the part has one type (second index)
        and its parent another (third).
    """

    parents: tuple[int, ...]
    rest: np.ndarray
    stiffness: np.ndarray
    bias: np.ndarray

    def __post_init__(self):
        count = len(self.parents)
        if any(p not in range(count) for p in self.parents):
            raise ValueError(f"parents must be indices of {count} parts")
        if sum(p == k for k, p in enumerate(self.parents)) != 1:
            raise ValueError("exactly one part, the root, must be its own parent")
        if sum(map(len, self.levels)) != count:
            raise ValueError("the parts must form a tree: there is a circle in parents")
        types = np.shape(self.bias)[-1]
        for name, shape in (
            ("rest", (count, types, 2)),
            ("stiffness", (count, types, 2)),
            ("bias", (count, types, types)),
        ):
            if np.shape(getattr(self, name)) != shape:
                raise ValueError(
                    f"{name} has the shape {np.shape(getattr(self, name))} "
                    f"instead of {shape}"
                )

    @property
    def levels(self) -> list[list[int]]:
        """Parts by their distance from the root: ``[[root], children, ...]``."""
        levels = [[k for k, p in enumerate(self.parents) if p == k]]
        while children := [
            k for k, p in enumerate(self.parents) if p in levels[-1] and p != k
        ]:
            levels.append(children)
        return levels


@dataclass
class Messages:
    """What the parts have told their parents, for N pictures.

    Attributes
    ----------
    totals:
        ``(N, P, K, H, W)``: the best that a part with everything that hangs on
        it can be worth, if it is of this type and at this place.
    told:
        ``(N, P, K, H, W)``: what a part adds to its parent, by the parent's
        type and place. 0 for the root.
    types:
        ``(N, P, K, H, W)``: the type the part then has.
    rows, columns:
        ``(N, P, K, H, W)`` by the part's own type and the parent's place:
        where the part then is.
    """

    totals: np.ndarray
    told: np.ndarray
    types: np.ndarray
    rows: np.ndarray
    columns: np.ndarray


def pass_messages(scores, springs: Springs) -> Messages:
    """From the leaves to the root: what is every branch worth?

    Parameters
    ----------
    scores:
        ``(N, P, K, H, W)``: how much each cell looks like each type of part.
    """
    totals = np.array(scores, dtype=np.float64)
    if totals.ndim != 5 or totals.shape[1:3] != np.shape(springs.rest)[:2]:
        raise ValueError(
            f"scores {totals.shape} do not fit: expected (pictures, "
            f"{springs.rest.shape[0]} parts, {springs.rest.shape[1]} types, "
            "rows, columns)"
        )
    told = np.zeros_like(totals)
    types, rows, columns = np.zeros((3, *totals.shape), np.int16)
    for level in springs.levels[:0:-1]:
        stretched, rows[:, level], columns[:, level] = _stretch(
            totals[:, level], springs.rest[level], springs.stiffness[level]
        )
        # (N, parts, own type, parent's type, H, W)
        choices = stretched[:, :, :, None] + springs.bias[level][..., None, None]
        types[:, level] = choices.argmax(2)
        told[:, level] = choices.max(2)
        for part in level:
            totals[:, springs.parents[part]] += told[:, part]
    return Messages(totals, told, types, rows, columns)


def _stretch(values, rest, stiffness):
    """A distance transform along x, then one along y.

    Returns
    -------
    For every place of the parent: the best compromise, and the row and the
    column of the part in it, as `values` ``(N, L, K, H, W)``.
    """
    along_x, columns = distance_transform(
        values, stiffness[:, :, None, 0], rest[:, :, None, 0]
    )
    best, rows = distance_transform(
        along_x.swapaxes(-1, -2), stiffness[:, :, None, 1], rest[:, :, None, 1]
    )
    rows = rows.swapaxes(-1, -2)
    return best.swapaxes(-1, -2), rows, np.take_along_axis(columns, rows, -2)


def backtrack(messages: Messages, springs: Springs):
    """From the root to the leaves: the places of the best pose.

    Returns
    -------
    points, types, score:
        ``(N, P, 2)`` cells ``(x, y)``, ``(N, P)``, and ``(N,)`` what the whole
        pose is worth.
    """
    count, parts = messages.totals.shape[:2]
    points = np.zeros((count, parts, 2), np.intp)
    types = np.zeros((count, parts), np.intp)
    [[root], *levels] = springs.levels
    flat = messages.totals[:, root].reshape(count, -1)
    types[:, root], y, x = np.unravel_index(
        flat.argmax(1), messages.totals[:, root].shape[1:]
    )
    points[:, root] = np.stack([x, y], -1)
    picture = np.arange(count)
    for part in (part for level in levels for part in level):
        parent = springs.parents[part]
        x, y = points[:, parent].T
        own = messages.types[picture, part, types[:, parent], y, x]
        place = picture, part, own, y, x
        points[:, part] = np.stack([messages.columns[place], messages.rows[place]], -1)
        types[:, part] = own
    return points, types, flat.max(1)


def best_pose(scores, springs: Springs):
    """The best of all poses; see `pass_messages` and `backtrack`."""
    return backtrack(pass_messages(scores, springs), springs)
