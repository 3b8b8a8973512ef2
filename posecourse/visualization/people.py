"""Figures of chapter 12: boxes, poses of several people, maps, fields."""

from __future__ import annotations

import cv2
import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ..drawing import draw_pose
from ..skeletons import MPII
from .figures import _COLORS, STYLE, _enlarged, _finish, heatmap_overlay

__all__ = ["draw_people", "person_color", "show_boxes", "show_field", "show_scenes"]

_BARE = STYLE | {"axes.grid": False}
_DASHES = ("solid", (0, (5, 2)), (0, (1, 1.5)), "dashdot")


def person_color(number: int) -> tuple[int, int, int]:
    """RGB of a person's number: eight, then again from the first."""
    code = _COLORS[number % len(_COLORS)].lstrip("#")
    red, green, blue = bytes.fromhex(code)
    return red, green, blue


def draw_people(image, poses, width: int = 384, boxes: bool = True) -> np.ndarray:
    """Poses with a box in a colour of its own for each, and its number.

    Parameters
    ----------
    image:
        RGB uint8; enlarged to `width` pixels, if it has fewer.
    poses:
        `inference.Pose`; the number is ``track``, else the place in the list.
    """
    image, factor = _enlarged(np.asarray(image), width)
    factor = np.broadcast_to(factor, 2)
    points = np.array([pose.keypoints for pose in poses]).reshape(-1, len(MPII), 2)
    image = draw_pose(image, (points + 0.5) * factor - 0.5)
    for place, pose in enumerate(poses if boxes else ()):
        number = place if pose.track is None else pose.track
        x, y, w, h = np.array(pose.keypoint_box(0.0)) * np.tile(factor, 2)
        corner, end = (int(x), int(y)), (int(x + w), int(y + h))
        color = person_color(number)
        cv2.rectangle(image, corner, end, color, 2, cv2.LINE_AA)
        at = (max(corner[0], 0), max(corner[1], 20))
        cv2.rectangle(image, (at[0], at[1] - 20), (at[0] + 20, at[1]), color, -1)
        cv2.putText(
            image, str(number), (at[0] + 3, at[1] - 4), 0, 0.55, (255, 255, 255), 2, 16
        )
    return image


def show_scenes(images, titles, alt: str | None = None, columns: int = 3, size=3.1):
    """Pictures in rows, each with a title."""
    rows = -(-len(images) // columns)
    height = size * images[0].shape[0] / images[0].shape[1] + 0.3
    with matplotlib.rc_context(_BARE):
        made = Figure(figsize=(size * columns, height * rows), layout="constrained")
        grid = made.subplots(rows, columns, squeeze=False).ravel()
        for axes in grid:
            axes.set_axis_off()
        for axes, image, title in zip(grid, images, titles):
            axes.imshow(image)
            axes.set_title(title)
    return _finish(made, alt)


def show_boxes(
    image, boxes, labels=None, title: str = "", alt: str | None = None, heat=None
):
    """A picture, or an empty plane, with boxes in different dashes.

    Parameters
    ----------
    image:
        RGB uint8; or ``(width, height)`` of an empty plane.
    heat:
        A map ``(h, w)`` that is laid over the picture.
    """
    with matplotlib.rc_context(_BARE):
        made = Figure(figsize=(5.2, 3.9))
        axes = made.subplots()
        if isinstance(image, tuple):
            axes.set(xlim=(0, image[0]), ylim=(image[1], 0), aspect="equal")
        else:
            shown = image if heat is None else heatmap_overlay(image, heat, 0.85)
            height, width = image.shape[:2]
            axes.imshow(shown, extent=(0, width, height, 0))
            axes.set_axis_off()
        for i, (x, y, w, h) in enumerate(boxes):
            color = _COLORS[i % len(_COLORS)]
            dash = _DASHES[i % len(_DASHES)]
            for edge, thick in (("white", 3.6), (color, 2.0)):
                axes.add_patch(
                    Rectangle((x, y), w, h, fill=False, ec=edge, lw=thick, ls=dash)
                )
            if labels is not None:
                below = 9 * i if isinstance(image, tuple) else 0  # side by side
                axes.text(
                    x + 2,
                    y + 2 + below,
                    labels[i],
                    va="top",
                    fontsize=10,
                    color="white",
                    bbox={"fc": color, "ec": "none", "pad": 1.5},
                )
        axes.set_title(title)
    return _finish(made, alt)


def show_field(field, points, lines=(), title: str = "", alt: str | None = None):
    """Arrows of a field, peaks with names, and lines between them.

    Parameters
    ----------
    field:
        ``(2, h, w)``: x and y.
    points:
        Name -> ``(x, y)``, cells.
    lines:
        ``(name, name, agrees)``: drawn whole where true, else dotted.
    """
    height, width = field.shape[1:]
    y, x = np.nonzero(np.hypot(*field) > 0.05)
    with matplotlib.rc_context(_BARE):
        made = Figure(figsize=(5.4, 5.4 * height / width))
        axes = made.subplots()
        axes.quiver(
            x,
            y,
            *field[:, y, x],
            angles="xy",
            scale_units="xy",
            scale=1.1,
            color="#56B4E9",
            width=0.006,
        )
        for a, b, agrees in lines:
            axes.plot(
                *zip(points[a], points[b]),
                color=_COLORS[1] if agrees else "#777777",
                ls="-" if agrees else ":",
                lw=2.2 if agrees else 1.6,
            )
        for name, place in points.items():
            axes.plot(*place, "o", ms=9, mfc="white", mec="#222222", mew=2)
            axes.annotate(name, place, (7, 7), textcoords="offset points", fontsize=12)
        axes.set(xlim=(-1, width), ylim=(height, -1), aspect="equal", title=title)
        axes.set_axis_off()
    return _finish(made, alt)
