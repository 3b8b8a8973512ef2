"""Figures of chapter 13: bodies in space that can be turned, rays, noise."""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Ellipse

from ..geometry import as_array
from ..skeletons import MPII, Skeleton
from .animation import _fitting
from .figures import STYLE, _finish

__all__ = [
    "show_bodies",
    "show_bone",
    "show_loss_of",
    "show_rays",
    "show_spread",
    "turned",
    "turning_gif",
]

_MARKS = {"right": "o", "left": "D", "middle": "s"}  # as in `drawing`
_BARE = STYLE | {"axes.grid": False}
_BLUE, _RED, _GREY = "#0072B2", "#D55E00", "0.45"


def turned(points, turn: float, tilt: float = 0.0) -> np.ndarray:
    """Points ``(..., 3)`` after a turn about the upright and a look from above.

    `turn` and `tilt` in degrees, about the origin; x is right, y down, z away.
    """
    points = as_array(points)
    a, b = np.deg2rad([turn, tilt])
    about_y = np.array(
        [[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]]
    )
    about_x = np.array(
        [[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]]
    )
    return points @ (about_x @ about_y).T


def show_bodies(
    bodies,
    titles=None,
    turn=0.0,
    tilt: float = 8.0,
    others=None,
    reach: float | None = None,
    size: float = 2.6,
    columns: int | None = None,
    skeleton: Skeleton = MPII,
    alt: str | None = None,
):
    """Bodies in space as seen from anywhere.

    Parameters
    ----------
    bodies:
        B arrays ``(K, 3)``, metres from the pelvis, in the camera's axes.
    titles:
        B texts.
    turn, tilt:
        Degrees, turn also as one number for each body: 0 and 0 is what the
        camera sees, 90 a look from its right, 8
        a little from above. The arrow on the ground points to where the camera
        looks.
    others:
        B more bodies, drawn grey behind them: the truth, say.
    reach:
        Half of what is shown, metres; by default so much that all have room.
    """
    bodies = [as_array(body) for body in bodies]
    others = [None] * len(bodies) if others is None else [as_array(o) for o in others]
    both = [p for p in [*bodies, *others] if p is not None]
    reach = reach or 1.08 * max(np.linalg.norm(p, axis=-1).max() for p in both)
    columns = columns or len(bodies)
    turns = np.broadcast_to(turn, len(bodies))
    rows = -(-len(bodies) // columns)
    with matplotlib.rc_context(_BARE):
        made = Figure(figsize=(size * columns, rows * (size + 0.3 * bool(titles))))
        grid = list(made.subplots(rows, columns, squeeze=False).flat)
        for axes in grid:
            axes.set_axis_off()
        for n, (axes, body, other) in enumerate(zip(grid, bodies, others)):
            low = max(p[:, 1].max() for p in (body, other) if p is not None)
            _ground(axes, low + 0.05, turns[n], tilt)
            if other is not None:
                _draw_body(axes, turned(other, turns[n], tilt), skeleton, "0.6")
            _draw_body(axes, turned(body, turns[n], tilt), skeleton)
            axes.set(xlim=(-reach, reach), ylim=(reach, -reach), aspect="equal")
            if titles is not None:
                axes.set_title(titles[n])
    return _finish(made, alt)


def turning_gif(frames, fps: float = 12) -> bytes:
    """A GIF of bodies that turn around once while they move.

    Parameters
    ----------
    frames:
        One ``(B, K, 3)`` for each frame, metres from the pelvis, in the
        camera's axes; the same B in all of them. The first is seen from the
        camera.
    """
    frames = [as_array(bodies) for bodies in frames]
    if not frames:
        raise ValueError("a film needs at least one frame")
    reach = 1.08 * max(np.linalg.norm(bodies, axis=-1).max() for bodies in frames)
    drawings = [
        show_bodies(bodies, turn=360 * n / len(frames), reach=reach)
        for n, bodies in enumerate(frames)
    ]
    return _fitting(drawings, fps)[0]


def _draw_body(axes, points, skeleton: Skeleton, ink: str | None = None):
    """Bones from the farthest to the nearest, joints marked by their side."""
    bones = sorted(skeleton.bone_indices, key=lambda b: -points[list(b), 2].sum())
    for a, b in bones:
        joint = max(a, b, key=lambda k: skeleton.side(skeleton.joints[k]) != "middle")
        color = ink or skeleton.colors[joint]
        ends = points[[a, b]]
        axes.plot(*ends[:, :2].T, "-", color="white", lw=5, solid_capstyle="round")
        axes.plot(*ends[:, :2].T, "-", color=color, lw=3, solid_capstyle="round")
        for x, y, _ in ends:
            mark = _MARKS[skeleton.side(skeleton.joints[joint])]
            axes.plot(x, y, mark, color=color, ms=3.5, mec="white", mew=0.4)


def _ground(axes, height: float, turn: float, tilt: float):
    """A ring on the ground, and an arrow to where the camera looks."""
    angles = np.linspace(0, 2 * np.pi, 73)
    ring = 0.55 * np.stack([np.cos(angles), 0 * angles, np.sin(angles)], -1)
    arrow = np.array([[0, 0, -0.55], [0, 0, 0.45], [-0.1, 0, 0.3], [0.1, 0, 0.3]])
    down = np.array([0, height, 0])
    for points, order in ((ring, slice(None)), (arrow, [0, 1, 2, 1, 3])):
        seen = turned(points + down, turn, tilt)[order]
        axes.plot(*seen[:, :2].T, "-", color="0.8", lw=1.2, zorder=0)


def show_rays(points, flat, titles, width: float = 0.8, alt=None):
    """A pinhole from above: joints, their rays, and where they meet the picture.

    Parameters
    ----------
    points:
        ``(P, 3)`` in the camera's axes.
    flat:
        ``(P,)``: x of each on the plane at depth 1.
    titles:
        P texts.
    """
    points = as_array(points)
    with matplotlib.rc_context(_BARE):
        made = Figure(figsize=(7.4, 2.7))
        axes = made.subplots()
        axes.plot([1, 1], [-width, width], "-", color="0.3", lw=2)
        axes.annotate("picture", (1, width), ha="center", va="bottom")
        far = points[:, 2].max() + 0.6
        for n, ((x, _, z), seen, title) in enumerate(zip(points, flat, titles)):
            color, mark = ((_BLUE, "o"), (_RED, "D"), ("#009E73", "s"))[n % 3]
            axes.plot([0, far], [0, seen * far], "-", color="0.75", lw=1, zorder=0)
            axes.plot(z, x, mark, color=color, ms=9)
            axes.annotate(
                title, (z, x), (0, 9), textcoords="offset points", ha="center"
            )
            axes.plot(1, seen, mark, color=color, ms=6, mec="white")
        axes.plot(0, 0, "k>", ms=12)
        axes.set(xlabel="depth z, m", ylabel="x, m", xlim=(-0.15, far))
        axes.margins(y=0.2)
    return _finish(made, alt)


def show_bone(parent, flat, depths, length, names=("shoulder", "elbow"), alt=None):
    """From the side: the ball of a bone around a joint, and a ray through it.

    Parameters
    ----------
    parent:
        ``(3,)`` metres, in the camera's axes.
    flat:
        ``(2,)``: where the other end is seen on the plane at depth 1.
    depths:
        ``(2,)``, as of `posecourse.lifting.depths_along_ray`.
    """
    z, y = parent[2], parent[1]
    with matplotlib.rc_context(_BARE):
        made = Figure(figsize=(5.6, 3.0))
        axes = made.subplots()
        ring = {"fill": False, "ls": "--", "ec": "0.5", "lw": 1.5}
        axes.add_patch(Circle((z, y), length, **ring))
        ends = np.array([z - 2.2 * length, z + 2.2 * length])
        axes.plot(ends, flat[1] * ends, "-", color="0.6", lw=1.2)
        axes.annotate(
            f"the {names[1]}'s ray",
            (ends[1], flat[1] * ends[1]),
            (-4, 6),
            textcoords="offset points",
            ha="right",
        )
        looks = zip(depths, (_BLUE, _RED), "oD", ("right", "left"))
        for depth, color, mark, side in looks:
            axes.plot([z, depth], [y, flat[1] * depth], "-", color=color, lw=3)
            axes.plot(depth, flat[1] * depth, mark, color=color, ms=9)
            axes.annotate(
                f"{depth:.2f} m",
                (depth, flat[1] * depth),
                (-6 if side == "right" else 6, -18),
                textcoords="offset points",
                ha=side,
            )
        axes.plot(z, y, "ks", ms=8)
        axes.annotate(names[0], (z, y), (0, 9), textcoords="offset points", ha="center")
        axes.set(xlabel="depth z, m", ylabel="y (down), m", aspect="equal")
        axes.set(xlim=ends, ylim=(y + 1.35 * length, y - 1.35 * length))
    return _finish(made, alt)


def show_loss_of(test, alt=None):
    """What noise and gaps cost both lifters, with their intervals.

    `test` as in ``data/weights/lifter/evaluation.json``.
    """
    panels = {
        "noise": "noise of each joint, pixels of 256",
        "missing": "joints that are not known, of 16",
    }
    top = 0.0
    with matplotlib.rc_context(STYLE):
        made = Figure(figsize=(7.4, 3.2))
        for axes, (what, label) in zip(
            made.subplots(1, 2, sharey=True), panels.items()
        ):
            amounts = [float(amount) for amount in test[what]]
            for name, color, mark in (("single", _BLUE, "o"), ("temporal", _RED, "D")):
                values = np.array([row[name][:3] for row in test[what].values()])
                off = np.abs(values[:, 1:] - values[:, :1]).T
                axes.errorbar(
                    amounts, values[:, 0], off, fmt=f"{mark}-", color=color, label=name
                )
            axes.set(xlabel=label, xticks=amounts)
            axes.legend()
            top = max(axes.get_ylim()[1], top)
        made.axes[0].set(ylabel="MPJPE, mm", ylim=(0, top))
    return _finish(made, alt)


def show_spread(places, truth, titles, alt=None):
    """Where noise puts a triangulated point, from above: one cloud a panel.

    Parameters
    ----------
    places:
        P arrays ``(N, 3)`` metres.
    truth:
        ``(3,)``: where the point is.
    """
    with matplotlib.rc_context(STYLE):
        made = Figure(figsize=(2.4 * len(places), 2.8))
        for axes, cloud, title in zip(
            made.subplots(1, len(places), squeeze=False)[0], places, titles
        ):
            off = 1000 * (as_array(cloud) - truth)[:, [0, 2]]
            axes.plot(*off.T, ".", color=_BLUE, ms=3, alpha=0.5)
            spread = np.linalg.svd(off - off.mean(0))
            tilt = np.degrees(np.arctan2(spread[2][0, 1], spread[2][0, 0]))
            axes_of = 4 * spread[1] / np.sqrt(len(off))
            ring = {"fill": False, "ec": _RED, "lw": 2, "angle": tilt}
            axes.add_patch(Ellipse(off.mean(0), *axes_of, **ring))
            axes.plot(0, 0, "k+", ms=10, mew=2)
            axes.set(title=title, aspect="equal", xlim=(-160, 160), ylim=(-160, 160))
            axes.set_xlabel("to the right, mm")
        made.axes[0].set_ylabel("away, mm")
    return _finish(made, alt)
