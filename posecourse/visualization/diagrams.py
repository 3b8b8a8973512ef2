"""Figures that explain one thing, ready to be called from a chapter."""

from __future__ import annotations

import matplotlib
import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import Normal, withStroke

from ..codecs import gaussian_heatmaps
from ..drawing import draw_pose
from ..geometry import resize_points
from ..skeletons import MPII, UPPER_BODY, Skeleton
from .figures import STYLE, _finish

__all__ = [
    "dragged_wrist",
    "four_losses",
    "gradient_maps",
    "label_and_answer",
    "map_and_row",
    "named_joints",
    "pixel_values",
    "two_descents",
]

# A joint's form tells its side, as in `posecourse.drawing`.
MARKERS = {"right": "o", "left": "D", "middle": "s"}
_AROUND = 18  # cells of a map that are shown to each side of a joint


def pixel_values(
    image, x: int, y: int, width: int = 8, height: int = 6, alt: str | None = None
) -> Figure | None:
    """A picture with a small frame, and the red values of the pixels in it.

    Parameters
    ----------
    image:
        RGB uint8 ``(H, W, 3)``.
    x, y:
        Column and row of the frame's first pixel.
    width, height:
        Pixels in the frame.
    """
    crop = image[y : y + height, x : x + width]
    with matplotlib.rc_context(STYLE | {"axes.grid": False}):
        made = Figure(figsize=(9.5, 4.4))
        whole, enlarged = made.subplots(1, 2)
        whole.imshow(image, interpolation="bicubic")
        whole.add_patch(
            Rectangle(
                (x - 0.5, y - 0.5),
                width,
                height,
                fill=False,
                color="white",
                linewidth=2,
                path_effects=[withStroke(linewidth=4, foreground="black")],
            )
        )
        edges = (x - 0.5, x + width - 0.5, y + height - 0.5, y - 0.5)
        enlarged.imshow(crop, extent=edges)
        for row, column in np.ndindex(crop.shape[:2]):
            enlarged.text(
                x + column,
                y + row,
                crop[row, column, 0],
                ha="center",
                va="center",
                color="white" if crop[row, column].mean() < 128 else "black",
            )
        whole.set(xlabel="x", ylabel="y", title="the picture")
        enlarged.set(
            xlabel="x", ylabel="y", title=f"the red values of {width} x {height} pixels"
        )
    return _finish(made, alt)


def named_joints(
    image, keypoints, skeleton: Skeleton = MPII, alt: str | None = None
) -> Figure | None:
    """A person's joints with their names beside the picture.

    The right side's names stand on the left, where the right side of
    somebody who faces the camera is; all others on the right.

    Parameters
    ----------
    image:
        RGB uint8 ``(H, W, 3)``.
    keypoints:
        ``(K, 2)``, pixels of the picture.
    """
    height, width = image.shape[:2]
    points = np.asarray(keypoints, dtype=np.float64)
    sides = np.array([skeleton.side(joint) for joint in skeleton.joints])
    with matplotlib.rc_context(STYLE | {"axes.grid": False}):
        made = Figure(figsize=(7.6, 4.6))
        ax = made.subplots()
        ax.imshow(image, interpolation="bicubic")
        for group, x, align, lean in (
            (sides == "right", -0.04 * width, "right", 0.5),
            (sides != "right", 1.04 * width, "left", -0.5),
        ):
            # In this order the lines do not cross.
            order = np.flatnonzero(group)
            order = order[np.argsort(points[order, 1] + lean * points[order, 0])]
            levels = np.linspace(0.04, 0.96, len(order)) * height
            for k, y in zip(order, levels):
                _leader(ax, skeleton.joints[k], points[k], (x, y), align)
                ax.plot(
                    *points[k],
                    MARKERS[sides[k]],
                    markersize=7,
                    color=skeleton.colors[k],
                    markeredgecolor="white",
                    zorder=3,
                )
        ax.set_axis_off()
    return _finish(made, alt)


def _leader(ax, name, joint, place, align):
    """A name and a line to its joint, dark with a light rim: it can be seen
    on the picture and on the page."""
    ax.annotate(
        name,
        joint,
        place,
        ha=align,
        va="center",
        annotation_clip=False,
        arrowprops={
            "arrowstyle": "-",
            "color": "#222222",
            "linewidth": 1,
            "shrinkB": 0,
            "path_effects": [withStroke(linewidth=2.6, foreground="white"), Normal()],
        },
    )


def map_and_row(heatmap, joint, title: str = "") -> Figure:
    """A heatmap with its joint and its largest cell, and the joint's row.

    Parameters
    ----------
    heatmap:
        ``(H, W)``, values about 0 to 1.
    joint:
        ``(x, y)``, cells.
    """
    x, y = joint
    row, column = np.unravel_index(heatmap.argmax(), heatmap.shape)
    with matplotlib.rc_context(STYLE):
        made = Figure(figsize=(6, 2.7))
        left, right = made.subplots(1, 2, width_ratios=(1, 1.1))
        # few colours: an animation of noise is stored in fewer bytes
        colors = matplotlib.colormaps["inferno"].resampled(10)
        left.imshow(heatmap, cmap=colors, vmin=0, vmax=1.2)
        left.set(xlim=(x - _AROUND, x + _AROUND), ylim=(y + _AROUND, y - _AROUND))
        left.plot(x, y, "+", color="white", markersize=15, markeredgewidth=2)
        _largest(left, column, row)
        left.set_title(title)
        left.set_axis_off()
        right.plot(heatmap[round(y)], linestyle="-")
        right.axvline(x, color="black", linestyle=":")
        if row == round(y):
            _largest(right, column, heatmap[row, column])
        off = np.hypot(column - x, row - y)
        right.set(
            xlabel="column",
            xlim=(x - _AROUND, x + _AROUND),
            ylim=(-0.35, 1.45),
            title=f"largest cell {off:.1f} cells off",
        )
    return made


def _largest(ax, x, y):
    ax.plot(x, y, "s", color="none", mec="#56B4E9", markersize=11, mew=2.5)


def label_and_answer(image, label, answer, alt: str | None = None) -> Figure | None:
    """A person with the label, with an answer, and an arrow for each error.

    Long arrows are arcs, so that those of two exchanged joints do not lie on
    each other.

    Parameters
    ----------
    image:
        RGB uint8 ``(H, W, 3)``.
    label, answer:
        ``(16, 2)`` of MPII, pixels.
    """
    far = np.linalg.norm(label - answer, axis=-1) > image.shape[1] / 8
    with matplotlib.rc_context(STYLE | {"axes.grid": False}):
        made = Figure(figsize=(9.4, 3.3))
        axes = made.subplots(1, 3)
        axes[0].imshow(draw_pose(image, label))
        axes[1].imshow(draw_pose(image, answer))
        axes[2].imshow(image, alpha=0.35)
        for start, end, long, color in zip(answer, label, far, MPII.colors):
            axes[2].annotate(
                "",
                end,
                start,
                arrowprops={
                    "arrowstyle": "->",
                    "color": color if long else "black",
                    "linewidth": 2.5 if long else 1.5,
                    "shrinkA": 0,
                    "shrinkB": 0,
                    "connectionstyle": f"arc3,rad={0.25 if long else 0}",
                },
            )
        for axis, title in zip(axes, ("the label", "an answer", "sixteen errors")):
            axis.set_title(title)
            axis.set_axis_off()
    return _finish(made, alt)


def gradient_maps(target, drawn, gradient, alt: str | None = None) -> Figure | None:
    """A target map, a drawn one, and minus the gradient, on one scale.

    Parameters
    ----------
    target, drawn, gradient:
        ``(H, W)``, arrays or tensors.
    """
    with matplotlib.rc_context(STYLE | {"axes.grid": False}):
        made = Figure(figsize=(9, 3))
        axes = made.subplots(1, 3)
        for axis, title, values in zip(
            axes,
            ("the target", "what was drawn", "minus the gradient"),
            (target, drawn, -gradient),
        ):
            shown = axis.imshow(np.asarray(values), cmap="PuOr", vmin=-2, vmax=2)
            axis.set_title(title)
            axis.set(xticks=[], yticks=[])
        made.colorbar(shown, ax=axes, shrink=0.8)
    return _finish(made, alt)


def four_losses(errors, losses, alt: str | None = None):
    """Losses over the error, and beside them how hard they pull.

    Parameters
    ----------
    errors:
        ``(N,)`` tensor that requires a gradient, pixels.
    losses:
        Name -> ``(N,)`` tensor computed from `errors`.
    """
    with matplotlib.rc_context(STYLE):
        made = Figure(figsize=(9, 3.4))
        left, right = made.subplots(1, 2)
        for name, loss in losses.items():
            (slope,) = torch.autograd.grad(loss.sum(), errors, retain_graph=True)
            left.plot(errors.detach(), loss.detach(), label=name)
            right.plot(errors.detach(), slope, label=name)
        left.set(title="the loss", xlabel="error, pixels", ylim=(0, 30))
        right.set(
            title="its gradient: how hard it pulls",
            xlabel="error, pixels",
            ylim=(-6, 6),
        )
        right.legend()
    return _finish(made, alt)


def two_descents(cells, place, home: float, title: str = ""):
    """Two maps, one above the other, and a dotted line at ``x = home``."""
    with matplotlib.rc_context(STYLE | {"axes.grid": False}):
        made = Figure(figsize=(4.6, 4.2))
        made.suptitle(title)
        for axis, values, name in zip(
            made.subplots(2, 1),
            (cells, place),
            ("the cells descend", "the coordinate descends"),
        ):
            axis.imshow(np.asarray(values), vmin=0, vmax=1, cmap="inferno")
            axis.axvline(home, color="white", linewidth=1.2, linestyle=":")
            axis.set(xticks=[], yticks=[], title=name)
    return made


def dragged_wrist(image, label, answer, height: float = 1.0):
    """An arm whose wrist is off its label, and what three losses make of it.

    Left the picture with the answer and the label's wrist as a cross; in the
    middle the wrist's map, the label's bump minus the answer's; right each
    loss over the distance, as a part of its value at 40 pixels, with a dot
    at the answer.

    Parameters
    ----------
    image:
        RGB uint8 ``(H, W, 3)``; the maps have a cell for 4 x 4 pixels.
    label, answer:
        ``(5, 2)`` of the upper body, pixels; the wrist is the last.
    height:
        Of the answer's bump.
    """
    label, answer = (np.asarray(points, np.float64) for points in (label, answer))
    wrists = torch.tensor(resize_points(np.stack([label[-1], answer[-1]]), 0.25))
    cells = (image.shape[1] // 4, image.shape[0] // 4)
    true_map, bump = gaussian_heatmaps(wrists, cells, 2.0)
    error = answer[-1] - label[-1]
    off = float(np.linalg.norm(error))
    with matplotlib.rc_context(STYLE | {"axes.grid": False}):
        made = Figure(figsize=(9.6, 3.5))
        person, maps, curves = made.subplots(1, 3, width_ratios=(1, 1, 1.25))
        person.imshow(draw_pose(image, answer, skeleton=UPPER_BODY, thickness=2))
        person.plot(*label[-1], "+", color="white", markersize=15, mew=3)
        person.plot(*label[-1], "+", color="black", markersize=13, mew=1.2)
        person.set_title(f"wrist {off:.0f} px off")
        maps.imshow((true_map - height * bump).numpy(), cmap="PuOr", vmin=-1, vmax=1)
        maps.set_title("label minus answer")
        for axis in (person, maps):
            axis.set_axis_off()
        _three_losses(curves, error, off, height)
    return made


def _three_losses(axis, error, off, height):
    """L1, L2 and heatmap MSE along the way from the label to the answer."""
    way = np.linspace(0, 70, 141)
    toward = error / off if off > 0 else np.array([1.0, 0.0])
    l1 = np.abs(toward).sum()
    losses = {
        "L1": lambda d: l1 * d,
        "L2": lambda d: d**2,
        "heatmap MSE": lambda d: _bump_mse(d, height),
    }
    full = {"L1": l1 * 40, "L2": 40**2, "heatmap MSE": 8 * np.pi}
    for (name, loss), marker in zip(losses.items(), "osD"):
        value = float(loss(np.float64(off)))
        (line,) = axis.plot(way, loss(way) / full[name])
        axis.plot(
            off,
            value / full[name],
            marker,
            color=line.get_color(),
            markersize=10,
            label=f"{name} {value:.1f}",
        )
    axis.set(
        xlim=(0, 70),
        ylim=(-0.05, 2.1),
        yticks=[0, 1],
        xlabel="pixels off",
        ylabel="1 = 40 pixels off",
    )
    axis.set_title("the wrist's loss")
    axis.legend(loc="upper left")


def _bump_mse(pixels, height):
    """Heatmap MSE of a bump of sigma 2 cells, `pixels` off at stride 4."""
    overlap = np.exp(-((np.asarray(pixels) / 4) ** 2) / (4 * 2**2))
    return 4 * np.pi * (1 + height**2 - 2 * height * overlap)
