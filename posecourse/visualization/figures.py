"""Figures of the chapters: Matplotlib in one style, each with alt text.

Functions that make a figure return it. Given ``alt``, a sentence that
says what the figure shows, they display it in the notebook instead and
return nothing. The sentence is stored beside the picture, for people who
listen to a page and for those whose pictures do not load.

>>> with figure("A rising line.") as axes:               # doctest: +SKIP
...     axes.plot([1, 2, 3])
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any

import cv2
import matplotlib
import numpy as np
from cycler import cycler
from matplotlib.figure import Figure

from ..drawing import as_rgb, draw_pose
from ..geometry import resize_points
from ..metrics import pck_over_thresholds
from ..skeletons import MPII, Skeleton
from ..training.curves import plot_curves, read_log
from .pictures import (
    DPI,
    checked_alt,
    display_html,
    draw_pixels,
    image_html,
    pack,
    shown_size,
)

__all__ = [
    "STYLE",
    "display_figure",
    "figure",
    "heatmap_overlay",
    "pck_curve",
    "show",
    "show_heatmaps",
    "show_people",
    "training_curves",
    "use_style",
]

# Okabe and Ito's colours. Lines also differ in their dashes.
_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))

STYLE: Any = {
    "figure.dpi": 100,
    "savefig.dpi": 100,
    "figure.figsize": (6.0, 3.6),
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "figure.constrained_layout.use": True,
    "font.size": 11,
    "axes.titlesize": 11,
    "axes.labelsize": 11,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "legend.fontsize": 10,
    "legend.frameon": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.8,
    "image.cmap": "viridis",
    "image.interpolation": "nearest",
    "axes.prop_cycle": (cycler(color=_COLORS) + cycler(linestyle=_DASHES)),
}


def use_style() -> None:
    """Draw everything that follows in the style of the course."""
    matplotlib.rcParams.update(STYLE)


def display_figure(figure, alt: str) -> None:
    """Display a figure in the notebook with alt text, and close it.

    Parameters
    ----------
    alt:
        What the figure shows, in a sentence: not "a plot", but what there
        is to see in it.
    """
    import matplotlib.pyplot as plt

    alt = checked_alt(alt)
    pixels = draw_pixels(figure)
    plt.close(figure)
    size = shown_size(pixels.shape)
    display_html(image_html(pack(pixels), "webp", size, alt), alt)


@contextmanager
def figure(alt: str | None, rows: int = 1, columns: int = 1, size=None, **options):
    """Draw in a block; the figure is displayed when the block ends.

    Parameters
    ----------
    alt:
        As in `display_figure`.
    rows, columns:
        Number of axes.
    size:
        ``(width, height)`` in inches.
    options:
        As for `matplotlib.figure.Figure.subplots`, e.g. ``sharex=True``.

    Yields
    ------
    The axes, or an array of them if there are several.
    """
    with matplotlib.rc_context(STYLE):
        made = Figure(figsize=size)
        yield made.subplots(rows, columns, **options)
        display_figure(made, alt or "")


def _finish(made: Figure, alt: str | None) -> Figure | None:
    if alt is None:
        return made
    display_figure(made, alt)
    return None


def show(
    image,
    title: str | None = None,
    axes: bool = False,
    alt: str | None = None,
    size: float = 4.0,
) -> Figure | None:
    """A picture: RGB, grey, or one heatmap (drawn in colours).

    Parameters
    ----------
    image:
        RGB uint8 ``(H, W, 3)``; or ``(H, W)``: uint8 is grey, floats are
        a map with a colour bar.
    axes:
        Show the pixel scale. The centre of the first pixel is 0.
    size:
        Longer side, inches.
    """
    image = np.asarray(image)
    is_map = image.ndim == 2 and image.dtype.kind == "f"
    height, width = image.shape[:2]
    unit = size / max(height, width)
    with matplotlib.rc_context(STYLE | {"axes.grid": False}):
        made = Figure(
            figsize=(width * unit + is_map * 0.8, height * unit + 0.3 * bool(title))
        )
        ax = made.subplots()
        drawn = ax.imshow(image if is_map else as_rgb(image))
        if is_map:
            made.colorbar(drawn)
        if title:
            ax.set_title(title)
        if not axes:
            ax.set_axis_off()
    return _finish(made, alt)


def show_people(
    images,
    keypoints=None,
    visible=None,
    scores=None,
    skeleton: Skeleton = MPII,
    titles=None,
    columns: int | None = None,
    alt: str | None = None,
    size: float = 2.2,
) -> Figure | None:
    """Pictures of people in rows, with their poses drawn on.

    Small pictures are enlarged first, so that the lines stay fine.

    Parameters
    ----------
    images:
        N pictures, RGB uint8 ``(H, W, 3)``, of any sizes.
    keypoints:
        ``(N, K, 2)`` or N arrays ``(K, 2)`` or ``(P, K, 2)``, pixels of
        the pictures; None draws the pictures alone.
    visible, scores:
        N arrays, as in `posecourse.drawing.draw_pose`.
    titles:
        N texts.
    columns:
        Pictures per row; default: up to 6.
    size:
        Width of a picture, inches.
    """
    images = [as_rgb(image) for image in images]
    if not images:
        raise ValueError("show_people needs at least one picture")
    for name, values in (
        ("keypoints", keypoints),
        ("visible", visible),
        ("scores", scores),
        ("titles", titles),
    ):
        if values is not None and len(values) != len(images):
            raise ValueError(f"{len(values)} {name} for {len(images)} pictures")
    columns = min(columns or 6, len(images))
    rows = -(-len(images) // columns)
    tallest = max(i.shape[0] / i.shape[1] for i in images)
    with matplotlib.rc_context(STYLE | {"axes.grid": False}):
        made = Figure(
            figsize=(
                columns * size,
                rows * (size * tallest + 0.3 * (titles is not None)),
            )
        )
        grid = made.subplots(rows, columns, squeeze=False).flat
        for i, ax in enumerate(grid):
            ax.set_axis_off()
            if i >= len(images):
                continue
            image, factor = _enlarged(images[i], round(DPI * size))
            if keypoints is not None:
                image = draw_pose(
                    image,
                    resize_points(np.asarray(keypoints[i], dtype=np.float64), factor),
                    None if visible is None else visible[i],
                    None if scores is None else scores[i],
                    skeleton,
                )
            ax.imshow(image, interpolation="antialiased")
            if titles is not None:
                ax.set_title(titles[i])
    return _finish(made, alt)


def _enlarged(image, width: int):
    """At least `width` pixels wide; and the ``(x, y)`` factors."""
    height = round(image.shape[0] * width / image.shape[1])
    if image.shape[1] >= width:
        return image, 1.0
    factor = (width / image.shape[1], height / image.shape[0])
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC), factor


def heatmap_overlay(
    image, heatmaps, strength: float = 0.75, top: float | None = None
) -> np.ndarray:
    """Heatmaps laid over the picture they belong to.

    Parameters
    ----------
    image:
        RGB uint8 ``(H, W, 3)``.
    heatmaps:
        ``(h, w)`` or ``(K, h, w)`` (their maximum is drawn), covering the
        whole picture; array or tensor.
    strength:
        How much a peak covers the picture, 0 to 1.
    top:
        The value drawn as a peak; default: the largest there is.

    Returns
    -------
    RGB uint8 ``(H, W, 3)``.
    """
    image = as_rgb(image)
    maps = _numpy(heatmaps)
    values = maps.max(0) if maps.ndim == 3 else maps
    top = float(values.max()) if top is None else top
    values = np.clip(values / (top if top > 0 else 1), 0, 1)
    values = cv2.resize(
        values.astype(np.float32), image.shape[1::-1], interpolation=cv2.INTER_LINEAR
    )
    colors = matplotlib.colormaps["inferno"](values)[..., :3] * 255
    cover = strength * np.sqrt(values)[..., None]
    return np.rint(image * (1 - cover) + colors * cover).astype(np.uint8)


def show_heatmaps(
    heatmaps,
    image=None,
    skeleton: Skeleton = MPII,
    joints=None,
    columns: int = 4,
    alt: str | None = None,
    size: float = 1.9,
) -> Figure | None:
    """Heatmaps, one per joint, on one colour scale.

    Parameters
    ----------
    heatmaps:
        ``(K, h, w)``, array or tensor.
    image:
        If given, each map is laid over this picture.
    joints:
        Names of the joints to show; default: all.
    """
    maps = _numpy(heatmaps)
    if maps.ndim != 3 or len(maps) != len(skeleton):
        raise ValueError(
            f"heatmaps {maps.shape} do not fit skeleton "
            f"{skeleton.name}: expected ({len(skeleton)}, "
            "height, width)"
        )
    joints = list(joints or skeleton.joints)
    columns = min(columns, len(joints))
    rows = -(-len(joints) // columns)
    top = max(float(maps.max()), 1e-9)
    shape = maps.shape[1:] if image is None else np.shape(image)[:2]
    with matplotlib.rc_context(STYLE | {"axes.grid": False}):
        made = Figure(
            figsize=(columns * size + 0.7, rows * (size * shape[0] / shape[1] + 0.3))
        )
        grid = made.subplots(rows, columns, squeeze=False)
        for ax in grid.flat:
            ax.set_axis_off()
        for ax, joint, k in zip(grid.flat, joints, skeleton.indices(joints)):
            if image is None:
                drawn = ax.imshow(maps[k], vmin=0, vmax=top, cmap="inferno")
            else:
                drawn = ax.imshow(heatmap_overlay(image, maps[k], top=top))
            ax.set_title(joint.replace("_", " "))
        if image is None:
            made.colorbar(drawn, ax=grid, shrink=0.8)
    return _finish(made, alt)


def _numpy(values) -> np.ndarray:
    if hasattr(values, "detach"):
        values = values.detach().float().cpu().numpy()
    return np.asarray(values, dtype=np.float64)


def pck_curve(
    distances: dict,
    limit: float = 0.5,
    unit: str = "head sizes",
    mark: float | None = None,
    alt: str | None = None,
    size=(6.0, 3.6),
    skeleton: Skeleton = MPII,
) -> Figure | None:
    """Percent of joints within a distance, over the distance.

    Parameters
    ----------
    distances:
        Name -> normalised distances, NaN where not labelled
        (`posecourse.metrics.normalized_distances`): ``(N, K)`` of the joints
        of `skeleton`, pooled as in a table's mean, without pelvis and
        thorax; or of any other shape, all pooled.
    limit:
        Largest threshold drawn.
    mark:
        A threshold to mark with a line.
    """
    thresholds = np.linspace(0, limit, 201)
    with matplotlib.rc_context(STYLE):
        made = Figure(figsize=size)
        ax = made.subplots()
        for name, values in distances.items():
            within = pck_over_thresholds(values, thresholds, skeleton)
            ax.plot(thresholds, 100 * within, label=name)
        if mark is not None:
            ax.axvline(mark, color="#777777", linewidth=1, linestyle="-")
        ax.set(
            xlabel=f"threshold, {unit}",
            ylabel="correct joints, %",
            xlim=(0, limit),
            ylim=(0, 100),
        )
        ax.legend(loc="upper left")
    return _finish(made, alt)


def training_curves(
    runs, metric: str = "score", alt: str | None = None, size=(9.0, 3.4)
) -> Figure | None:
    """Loss and score of training runs, over the epochs.

    Parameters
    ----------
    runs:
        A run folder or its ``log.csv``; or name -> such a path, to
        compare several.
    metric:
        Label of the score, e.g. ``"PCKh@0.5"``.
    """
    if not isinstance(runs, dict):
        runs = {"": runs}
    with matplotlib.rc_context(STYLE):
        made = Figure(figsize=size)
        logs = {name: read_log(path) for name, path in runs.items()}
        plot_curves(made.subplots(1, 2), logs, metric)
    return _finish(made, alt)
