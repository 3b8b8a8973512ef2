"""Figures of chapter 2: edges, detectors, springs, messages in a tree."""

from __future__ import annotations

import cv2
import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse, Rectangle

from ..classical.distance import distance_transform
from ..classical.parts import to_pixels
from ..classical.pictorial import Messages, Springs, backtrack
from ..drawing import as_rgb, draw_pose
from ..skeletons import Skeleton
from .figures import _COLORS, STYLE, _finish

__all__ = [
    "heat",
    "hog_picture",
    "message_steps",
    "over_picture",
    "show_envelope",
    "show_gradients",
    "show_maps",
    "show_messages",
    "show_offsets",
    "show_spring",
    "show_study",
    "show_windows",
]

_CELL = 8  # pixels of a HOG cell, where windows are searched
_UNIT = 8  # pixels that a cell of a score map is drawn on
_MARKS = {"right": "o", "left": "D", "middle": "s"}  # as in `drawing`
_DEPTH = 6.0  # log-odds below the best that can still be seen
_BARE = STYLE | {"axes.grid": False}


def hog_picture(cells, side: int = 24) -> np.ndarray:
    """Histograms as little stars: each stroke runs along an edge.

    Parameters
    ----------
    cells:
        ``(rows, columns, orientations)``, 0 or more.
    side:
        Pixels that a cell is drawn on.

    Returns
    -------
    ``(rows * side, columns * side)`` uint8, grey: the brighter, the more.
    """
    cells = np.asarray(cells, dtype=np.float64)
    rows, columns, orientations = cells.shape
    # an edge runs across its gradient
    along = np.deg2rad((np.arange(orientations) + 0.5) * 180 / orientations + 90)
    strokes = np.zeros((orientations, side, side))
    middle, reach = (side - 1) / 2, 0.45 * side
    for stroke, angle in zip(strokes, along):
        step = reach * np.array([np.cos(angle), np.sin(angle)])
        start, end = (np.rint(16 * (middle + s * step)).astype(int) for s in (-1, 1))
        cv2.line(stroke, start.tolist(), end.tolist(), 1.0, max(1, side // 8), 8, 4)
    top = np.quantile(cells, 0.99) or 1
    light = np.clip(cells / top, 0, 1)
    stars = (light[..., None, None] * strokes).max(2)
    picture = stars.swapaxes(1, 2).reshape(rows * side, columns * side)
    return np.rint(255 * picture).astype(np.uint8)


def show_gradients(patch, magnitude, angle, alt: str | None = None):
    """A small patch with its values, and with its gradients as arrows.

    Parameters
    ----------
    patch, magnitude, angle:
        ``(H, W)`` each, as from `posecourse.classical.hog.gradients`.
    """
    height, width = np.shape(patch)
    with matplotlib.rc_context(_BARE):
        made = Figure(figsize=(7.4, 3.6 * height / width + 0.3))
        left, right = made.subplots(1, 2)
        for axes, title in ((left, "the patch"), (right, "its gradients")):
            axes.imshow(patch, cmap="gray", vmin=0, vmax=255)
            axes.set(title=title, xticks=range(width), yticks=range(height))
        for (y, x), value in np.ndenumerate(patch):
            ink = "white" if value < 128 else "black"
            left.text(x, y, value, ha="center", va="center", color=ink, fontsize=13)
        y, x = np.nonzero(magnitude)
        turn = np.deg2rad(angle[y, x])
        length = 0.42 * magnitude[y, x] / magnitude.max()
        right.quiver(
            *(x - length * np.cos(turn), y - length * np.sin(turn)),
            *(2 * length * np.cos(turn), 2 * length * np.sin(turn)),
            angles="xy",
            scale_units="xy",
            scale=1,
            color="#D55E00",
            width=0.016,
            headaxislength=4,
        )
    return _finish(made, alt)


def show_maps(
    images,
    maps,
    places=None,
    depth: float = _DEPTH,
    alt: str | None = None,
):
    """Score maps laid over their pictures; a cross marks the best place.

    Parameters
    ----------
    images:
        N pictures ``(S, S, 3)`` uint8.
    maps:
        ``(N, H, W)`` scores.
    places:
        ``(N, 2)`` places of the maps, drawn as a ring: where the joint is.
    depth:
        How far below the best a score can still be seen.
    """
    with matplotlib.rc_context(_BARE):
        made = Figure(figsize=(2.4 * len(maps), 2.4))
        for n, axes in enumerate(made.subplots(1, len(maps), squeeze=False).flat):
            axes.set_axis_off()
            axes.imshow(over_picture(images[n], heat(maps[n], depth=depth)))
            best = np.unravel_index(maps[n].argmax(), maps[n].shape)[::-1]
            axes.plot(*to_pixels(best, _UNIT), "kx", ms=11, mew=5)
            axes.plot(*to_pixels(best, _UNIT), "wx", ms=10, mew=2.5)
            if places is not None:
                ring = dict(mfc="none", ms=15)
                axes.plot(*to_pixels(places[n], _UNIT), "o", mec="k", mew=4, **ring)
                axes.plot(
                    *to_pixels(places[n], _UNIT), "o", mec="#56B4E9", mew=2, **ring
                )
    return _finish(made, alt)


def heat(scores, top: float | None = None, depth: float = _DEPTH) -> np.ndarray:
    """Scores as something to draw: 1 at the top, 0 from `depth` below it on.

    Default: the top is the largest of them.
    """
    top = scores.max() if top is None else top
    return np.clip(1 + (scores - top) / depth, 0, 1)


def over_picture(image, values) -> np.ndarray:
    """A map from 0 to 1 in colours over a grey picture, 8 pixels a cell.

    Parameters
    ----------
    image:
        ``(S, S, 3)`` uint8, in any resolution.
    values:
        ``(H, W)``; a place of the map is where four cells meet, so half a cell
        is missing on every side.
    """
    height, width = values.shape
    shape = (width + 1) * _UNIT, (height + 1) * _UNIT
    grey = cv2.cvtColor(as_rgb(image), cv2.COLOR_RGB2GRAY)
    grey = cv2.resize(grey, shape, interpolation=cv2.INTER_AREA)[..., None]
    values = cv2.resize(values.astype(np.float32), (width * _UNIT, height * _UNIT))
    values = np.pad(values, _UNIT // 2)
    colors = 255 * matplotlib.colormaps["inferno"](0.3 + 0.7 * values)[..., :3]
    cover = 0.85 * values[..., None] ** 0.7
    mixed = (60 + 0.65 * grey) * (1 - cover) + colors * cover
    return np.rint(mixed.clip(0, 255)).astype(np.uint8)


def show_windows(image, scores, weights, boxes=(), alt=None):
    """What a window detector looks for, what it finds, and how sure it is.

    Parameters
    ----------
    image:
        ``(H, W, 3)`` uint8.
    scores:
        ``(rows, columns)``, one for each window; windows are 8 pixels, a cell,
        apart.
    weights:
        ``(h, w, 2, 2, orientations)`` of a window of h x w blocks.
    boxes:
        Places ``(column, row)`` of windows to draw, the best first.
    """
    height, width = (_CELL * (count + 1) for count in weights.shape[:2])
    cells = np.zeros((weights.shape[0] + 1, weights.shape[1] + 1, weights.shape[4]))
    for i, j in np.ndindex(2, 2):  # a cell is in up to four blocks
        cells[i : i + weights.shape[0], j : j + weights.shape[1]] += weights[:, :, i, j]
    with matplotlib.rc_context(_BARE):
        made = Figure(figsize=(9.0, 3.4))
        first, second, third = made.subplots(1, 3, width_ratios=[1, 2, 1.9])
        first.imshow(hog_picture(np.maximum(cells, 0)), cmap="gray")
        first.set_title("edges it likes")
        second.imshow(as_rgb(image))
        for rank, (column, row) in enumerate(boxes):
            style = {"ec": "#E69F00", "lw": 3} if rank == 0 else {"ec": "w", "ls": "--"}
            corner = column * _CELL - 0.5, row * _CELL - 0.5
            second.add_patch(Rectangle(corner, width, height, fill=False, **style))
        second.set_title("the best window" + ("s" if len(boxes) > 1 else ""))
        drawn = third.imshow(scores, cmap="inferno")
        third.contour(scores, [0], colors="w", linewidths=1.2)
        third.set_title("scores; inside the line: person")
        made.colorbar(drawn, ax=third, shrink=0.85)
        for axes in (first, second, third):
            axes.set_axis_off()
    return _finish(made, alt)


def show_offsets(offsets, titles, kinds=None, alt=None):
    """Where a part is, seen from its parent, for many people.

    Parameters
    ----------
    offsets:
        M arrays ``(N, 2)``, cells.
    kinds:
        M arrays ``(N,)`` of types; one ellipse of two deviations for each.
        Default: one type.
    """
    kinds = kinds or [np.zeros(len(some), int) for some in offsets]
    with matplotlib.rc_context(STYLE):
        made = Figure(figsize=(3.5 * len(offsets), 3.6))
        grid = made.subplots(1, len(offsets), squeeze=False, sharex=True, sharey=True)
        for axes, some, types, title in zip(grid[0], offsets, kinds, titles):
            for kind in range(types.max() + 1):
                own = some[types == kind]
                color, mark = _COLORS[kind % len(_COLORS)], "o^sDvP*"[kind % 7]
                axes.plot(*own.T, mark, ms=3, color=color, alpha=0.6, mew=0)
                middle, spread = own.mean(0), 2 * own.std(0)
                ring = {"fill": False, "lw": 2, "ec": "0.2"}
                axes.add_patch(Ellipse(middle, *(2 * spread), **ring))
                axes.plot(*middle, "+", color="0.2", ms=10, mew=2)
            axes.plot(0, 0, "kX", ms=9)
            axes.set(title=title, xlabel="cells to the right", aspect="equal")
        grid[0, 0].set_ylabel("cells down")
        grid[0, 0].invert_yaxis()
    return _finish(made, alt)


def show_spring(image, evidence, parent, rest, stiffness):
    """Evidence, the pull of a spring, their sum; a cross on the best place.

    Parameters
    ----------
    image:
        ``(S, S, 3)`` uint8.
    evidence:
        ``(H, W)`` log-odds of a part.
    parent, rest, stiffness:
        ``(2,)`` each: where the parent is, in cells; where the part rests
        from there; what a square cell costs, in x and in y.
    """
    rows, columns = np.indices(evidence.shape)
    wanted = np.add(parent, rest)
    pull = -stiffness[0] * (columns - wanted[0]) ** 2
    pull = pull - stiffness[1] * (rows - wanted[1]) ** 2
    panels = {"evidence": evidence, "+ spring": pull, "= both": evidence + pull}
    place = np.unravel_index(panels["= both"].argmax(), evidence.shape)
    with matplotlib.rc_context(_BARE):
        made = Figure(figsize=(9.0, 3.3))
        for axes, (title, values) in zip(made.subplots(1, 3), panels.items()):
            axes.imshow(over_picture(image, heat(values, max(values.max(), 0))))
            ends = to_pixels(np.stack([parent, wanted, place[::-1]]), _UNIT)
            axes.plot(*ends[[0, 1]].T, "-", c="#56B4E9", lw=2)
            axes.plot(*ends[0], "o", c="#56B4E9", mec="k", ms=9)
            best = np.unravel_index(values.argmax(), values.shape)[::-1]
            axes.plot(*to_pixels(best, _UNIT), "kx", ms=12, mew=5)
            axes.plot(*to_pixels(best, _UNIT), "wx", ms=11, mew=2.5)
            axes.set_title(f"{title}: {values[place]:+.1f} there")
            axes.set_axis_off()
    return made


# Who predicts: its colour and mark, and the names of those who are like it.
_KINDS = (
    ("0.45", "s", ("mean pose",)),
    ("#D55E00", "o", ("each joint alone", "one type", "six types")),
    ("#0072B2", "D", ("laptop", "photos")),
)


def show_study(people, alt=None):
    """Who finds how many joints of whom: a dot and its interval for each.

    Parameters
    ----------
    people:
        What ``data/studies/classical.json`` holds under that name.
    """
    order = [name for *_, names in _KINDS for name in names]
    with matplotlib.rc_context(STYLE):
        made = Figure(figsize=(9.0, 2.9))
        panels = made.subplots(1, len(people), sharey=True, squeeze=False)[0]
        for axes, (kind, about) in zip(panels, people.items()):
            for color, mark, names in _KINDS:
                for name in names:
                    if name not in about["rows"]:
                        continue
                    value, low, high = about["rows"][name]["pck"]
                    y = order.index(name)
                    axes.plot([low, high], [y, y], "-", color=color, lw=2)
                    axes.plot(value, y, mark, color=color, ms=7)
                    aside = {"xytext": (9, 0), "textcoords": "offset points"}
                    if value > 75:
                        aside = aside | {"xytext": (-9, 0), "ha": "right"}
                    axes.annotate(f"{value:.0f}", (value, y), va="center", **aside)
            axes.set(title=kind, xlabel=f"{about['metric']}, %", xlim=(0, 100))
            axes.set_yticks(range(len(order)), order)
        panels[0].invert_yaxis()
    return _finish(made, alt)


def show_envelope(values, stiffness: float, alt: str | None = None):
    """A distance transform: one parabola for each place, and their envelope."""
    values = np.asarray(values, dtype=np.float64)
    n = len(values)
    fine = np.linspace(0, n - 1, 400)
    curves = [v - stiffness * (u - fine) ** 2 for u, v in enumerate(values)]
    low = values.min() - 1.5
    with matplotlib.rc_context(STYLE):
        made = Figure(figsize=(7.4, 3.4))
        axes = made.subplots()
        winner = np.argmax(curves, 0)
        for u, curve in enumerate(curves):
            axes.plot(fine, curve, "-", color="0.72", lw=1)
            best = np.where(winner == u, curve, np.nan)
            axes.plot(fine, best, "-", color="#D55E00", lw=3)
        whole, _ = distance_transform(values, stiffness)
        axes.plot(np.arange(n), whole, "D", color="#D55E00", ms=8, label="D(x)")
        axes.vlines(np.arange(n), low, values, color="#0072B2", lw=5, alpha=0.5)
        axes.plot(np.arange(n), values, "o", color="#0072B2", label="f(u)")
        axes.set(ylim=(low, values.max() + 0.6), xticks=range(n), xlabel="place")
        axes.legend(loc="upper left", ncols=2)
    return _finish(made, alt)


def message_steps(springs: Springs, skeleton: Skeleton) -> list[tuple[str, list[int]]]:
    """What happens in which order: ``(what, parts)``.

    First the leaves look and tell, the two sides together, level by level;
    then the root chooses, and the levels follow. `what` is ``"look"``,
    ``"tell"``, ``"choose"`` or ``"follow"``.
    """
    steps = []
    for level in springs.levels[:0:-1]:
        groups: dict[str, list[int]] = {}
        for part in level:
            groups.setdefault(_bare(skeleton.joints[part]), []).append(part)
        for group in groups.values():
            steps += [("look", group), ("tell", group)]
    return [
        *steps,
        ("choose", springs.levels[0]),
        *(("follow", level) for level in springs.levels[1:]),
    ]


def show_messages(
    image,
    messages: Messages,
    springs: Springs,
    skeleton: Skeleton,
    step: int,
):
    """One step of `message_steps`: on the picture, and in the tree.

    Parameters
    ----------
    image:
        ``(S, S, 3)`` uint8, in any resolution.
    messages:
        For this picture alone (N is 1), from `pass_messages`.
    """
    steps = message_steps(springs, skeleton)[: step + 1]
    what, group = steps[-1]
    maps = messages.told if what == "tell" else messages.totals
    values = np.max([heat(maps[0, part].max(0)) for part in group], 0)
    picture = over_picture(image, values * (what != "follow"))
    placed = [p for w, parts in steps for p in parts if w in ("choose", "follow")]
    if len(placed) == len(skeleton):  # the end: the picture as it is
        picture = cv2.resize(as_rgb(image), picture.shape[1::-1])
    if placed:
        points = np.full((len(skeleton), 2), np.nan)
        points[placed] = to_pixels(backtrack(messages, springs)[0][0, placed], _UNIT)
        picture = draw_pose(picture, points, skeleton=skeleton, thickness=4)
    with matplotlib.rc_context(_BARE):
        made = Figure(figsize=(6.0, 3.3))
        left, right = made.subplots(1, 2, width_ratios=[1.1, 1])
        left.imshow(picture)
        left.set_axis_off()
        left.set_title(_sentence(what, group, springs, skeleton))
        _draw_tree(right, steps, springs, skeleton)
    return made


def _bare(joint: str) -> str:
    """A joint's name without its side."""
    return joint.removeprefix("right_").removeprefix("left_").replace("_", " ")


def _named(parts, skeleton) -> str:
    """``"wrists"``, ``"hips and thorax"``."""
    names: dict[str, int] = {}
    for part in parts:
        name = _bare(skeleton.joints[part])
        names[name] = names.get(name, 0) + 1
    *rest, last = (f"{n}s" if count > 1 else n for n, count in names.items())
    return f"{', '.join(rest)} and {last}" if rest else last


def _sentence(what, group, springs, skeleton) -> str:
    own = _named(group, skeleton)
    parents = _named(sorted({springs.parents[part] for part in group}), skeleton)
    s = "s" if len(group) == 1 else ""
    return {
        "look": f"where the {own} may be",
        "tell": f"what the {own} tell{s} the {parents}",
        "choose": f"the {own} choose{s}",
        "follow": f"{own} follow{s}",
    }[what]


# A body as a tree is drawn: apart enough to see every joint.
_AT_REST = {
    "pelvis": (0, 0),
    "thorax": (0, -3),
    "upper_neck": (0, -4),
    "head_top": (0, -5.2),
    "shoulder": (1.3, -3),
    "elbow": (2.3, -1.9),
    "wrist": (3.0, -0.6),
    "hip": (0.9, 0.3),
    "knee": (1.2, 2.4),
    "ankle": (1.4, 4.5),
}


def _draw_tree(axes, steps, springs, skeleton):
    """The parts at rest: who has told, who is placed, what happens now."""
    sides = {"right": -1, "left": 1, "middle": 1}
    places = np.array(
        [
            _AT_REST[_bare(joint).replace(" ", "_")] * np.array([sides[side], 1])
            for joint in skeleton.joints
            for side in [skeleton.side(joint)]
        ]
    )
    what, now = steps[-1]
    told = {p for w, group in steps for p in group if w == "tell"}
    placed = {p for w, group in steps for p in group if w in ("choose", "follow")}
    for part, parent in enumerate(springs.parents):
        ends = places[[part, parent]]
        moving = part in now and what in ("tell", "follow")
        done = part in (placed or told)
        axes.plot(*ends.T, "-", color="0.35" if done else "0.8", zorder=1)
        if moving:
            arrow = {"arrowstyle": "-|>", "lw": 3, "color": "#D55E00"}
            spare = {"shrinkA": 7, "shrinkB": 7, "mutation_scale": 18}
            start, end = ends if what == "follow" else ends[::-1]
            axes.annotate("", start, end, arrowprops=arrow | spare)
        color = skeleton.colors[part]
        axes.plot(
            *places[part],
            _MARKS[skeleton.side(skeleton.joints[part])],
            ms=13 if part in now else 8,
            mfc=color if part in placed | told | set(now) else "white",
            mec=color,
            zorder=2,
        )
    axes.set_aspect("equal")
    axes.margins(0.1)
    axes.invert_yaxis()
    axes.set_axis_off()
    up = what in ("look", "tell")
    axes.set_title("up the tree" if up else "down the tree", color="0.35")
