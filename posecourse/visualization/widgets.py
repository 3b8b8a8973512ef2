"""Live pictures: a drawing, controls that redraw it, and points to drag in it.

The picture for the start values is stored with the notebook, with alt text,
so it is there without a kernel, on GitHub and on paper; with a kernel a
widget takes its place.
"""

from __future__ import annotations

import html
import math
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import anywidget
import cv2
import ipywidgets
import numpy as np
import traitlets

from .live import display_live
from .pictures import DPI, SHOWN, checked_alt, draw_pixels, image_html, pack, shown_size

__all__ = ["Explorer", "Point", "explore"]

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Point:
    """A place that is dragged in the picture: where it starts.

    `x` and `y` are data coordinates of the figure's first axes; the drawing
    gets the present place as a tuple of them. It stays within these axes.
    """

    x: float
    y: float


class Explorer:
    """A drawing with controls.

    Parameters
    ----------
    draw:
        ``draw(**values)`` returns a Matplotlib figure. It must be quick
        (0.2 s or less) for a slider to feel alive.
    alt:
        What the picture shows, as a format string over the values,
        ``"A Gaussian of sigma {sigma:.1f} cells at {joint[0]:.0f}"``.
    parameters:
        One control each: ``(low, high, start)`` of floats or ints is a
        slider, with a fourth number the step; a list a choice (the first
        is the start); a bool a check box; a `Point` a handle in the
        picture, moved with the mouse or, once it has the focus, with the
        arrow keys. Write a name as in Python; the control shows it with
        spaces for underscores.
    """

    def __init__(self, draw, alt, **parameters):
        if not parameters:
            raise ValueError(
                "explore: give at least one parameter, such as sigma=(0.5, 5.0, 2.0)"
            )
        self.draw, self.alt = draw, alt
        self.points = {
            name: (float(p.x), float(p.y))
            for name, p in parameters.items()
            if isinstance(p, Point)
        }
        rest = {n: p for n, p in parameters.items() if n not in self.points}
        # one column of labels, as wide as the longest; a check box has
        # its label behind it
        longest = max(
            (len(name) for name, c in rest.items() if not isinstance(c, bool)),
            default=0,
        )
        width = f"{0.6 * longest + 1:.1f}em"
        self.controls = {name: _control(name, c, width) for name, c in rest.items()}
        self._names = list(parameters)
        self._axes: _Axes | None = None
        self._picture = _Picture()
        self._message = ipywidgets.HTML()

    @property
    def values(self) -> dict:
        """The parameters' present values."""
        return {
            name: self.points[name]
            if name in self.points
            else self.controls[name].value
            for name in self._names
        }

    def show(self) -> None:
        """Display the picture and, under it, the controls."""
        pixels, alt = self.render(DPI)
        size = shown_size(pixels.shape)
        still = image_html(pack(pixels), "webp", size, alt)
        self._picture.set_trait("size", size)
        for name, value in self._state(pixels, alt).items():
            self._picture.set_trait(name, value)
        self._picture.observe(self._move, names="wish")
        self._picture.observe(self._redraw, names="density")
        for control in self.controls.values():
            control.observe(self._redraw, names="value")
        parts = [self._picture, *self.controls.values(), self._message]
        if self.points:
            parts.insert(1, ipywidgets.HTML(f"<em>{_grab(self.points)}</em>"))
        display_live(ipywidgets.VBox(parts), still, alt)

    def render(self, dpi: float) -> tuple[np.ndarray, str]:
        """The picture for the present values, RGB pixels, and its alt text."""
        import matplotlib.pyplot as plt

        values = self.values
        figure = self.draw(**values)
        if not hasattr(figure, "savefig"):
            raise ValueError(
                "explore: draw(...) must return the figure it "
                f"drew, not a {type(figure).__name__}"
            )
        try:
            pixels = draw_pixels(figure, dpi)
            if self.points:
                self._axes = _Axes(figure)
        finally:
            plt.close(figure)
        return pixels, self._described(values)

    def _described(self, values) -> str:
        """The alt text for these values."""
        try:
            return checked_alt((self.alt or "").format(**values))
        except LookupError as error:
            raise ValueError(
                f"explore: the alt text asks for a value that is not there ({error}); "
                f"there are {', '.join(values)}"
            ) from None

    def _state(self, pixels, alt) -> dict:
        """What the picture in the page has to know."""
        state = {"picture": _quick_png(pixels), "alt": alt}
        if self._axes is not None:
            state["area"] = self._axes.area
            state["handles"] = [
                {
                    "name": name.replace("_", " "),
                    "place": self._axes.place(point),
                    "text": f"{point[0]:g}, {point[1]:g}",
                }
                for name, point in self.points.items()
            ]
        return state

    def _move(self, change) -> None:
        """A handle was moved in the page."""
        wish = change["new"]
        name = wish["name"].replace(" ", "_")
        if self._axes is not None:
            self.points[name] = self._axes.point(wish["place"])
        self._redraw(change)

    def _redraw(self, _change) -> None:
        # An error here has no cell to appear under: it is shown as text.
        try:
            state = self._state(*self.render(SHOWN * self._picture.density))
            self._message.value = ""
        except Exception as error:
            self._message.value = html.escape(f"{type(error).__name__}: {error}")
            state = {}
        with self._picture.hold_sync():
            self._picture.answered = self._picture.wish["count"]
            for name, value in state.items():
                setattr(self._picture, name, value)


def explore(draw, alt, **parameters) -> None:
    """Show a drawing with controls; see `Explorer` for the parameters."""
    Explorer(draw, alt, **parameters).show()


class _Picture(anywidget.AnyWidget):
    """The picture in the page; ``explorer.js`` is its other half.

    Places are parts of the picture, ``(right, down)`` from 0 to 1.
    """

    _esm = (_HERE / "explorer.js").read_text("utf-8")
    _css = (_HERE / "explorer.css").read_text("utf-8")
    picture = traitlets.Bytes().tag(sync=True)
    alt = traitlets.Unicode().tag(sync=True)
    size = traitlets.Tuple().tag(sync=True)  # pixels of the page
    area = traitlets.List([0.0, 0.0, 1.0, 1.0]).tag(sync=True)  # of the first axes
    handles: traitlets.List = traitlets.List().tag(sync=True)
    density = traitlets.Float(2.0).tag(sync=True)  # pixels per pixel of the page
    # where the page wants which handle, and the last such wish drawn
    wish = traitlets.Dict({"name": "", "place": [], "count": 0}).tag(sync=True)
    answered = traitlets.Int(0).tag(sync=True)


class _Axes:
    """How a figure's first axes lie in its picture."""

    def __init__(self, figure):
        if not figure.axes:
            raise ValueError("explore: a Point needs a figure with axes")
        axes = figure.axes[0]
        self._size = np.array(figure.bbox.size)
        # as they are now: the figure will be closed
        self._to_display = axes.transData.frozen()
        (left, bottom), (right, top) = (axes.bbox.min, axes.bbox.max) / self._size
        self.area = [float(v) for v in (left, 1 - top, right, 1 - bottom)]
        # so many decimals that a pixel of the picture can be told from the next
        step = abs(np.diff(self._data([[0.0, 0.0], [0.001, 0.001]]), axis=0)).min()
        self._digits = max(0, math.ceil(-math.log10(step))) if step > 0 else 6

    def _data(self, places) -> np.ndarray:
        right, down = np.asarray(places, dtype=float).T
        display = np.stack([right, 1 - down], -1) * self._size
        return self._to_display.inverted().transform(display)

    def place(self, point) -> list[float]:
        """Where in the picture a point is."""
        right, up = self._to_display.transform(point) / self._size
        return [float(right), float(1 - up)]

    def point(self, place) -> tuple[float, float]:
        """The point at a place, within the axes."""
        left, top, right, bottom = self.area
        inside = np.clip(place, [left, top], [right, bottom])
        x, y = self._data([inside])[0]
        return round(float(x), self._digits), round(float(y), self._digits)


def _grab(points) -> str:
    """What to do with the handles."""
    ring = "a ring" if len(points) > 1 else "the ring"
    return f"Drag {ring}, or click it and use the arrow keys (Shift: large steps)."


def _quick_png(pixels) -> bytes:
    """Pixels as PNG: exact, and packed in a hundredth of a second."""
    options = [cv2.IMWRITE_PNG_COMPRESSION, 1]
    _, data = cv2.imencode(".png", np.ascontiguousarray(pixels[..., ::-1]), options)
    return data.tobytes()


def _control(name, choice, label_width):
    """The control that fits a parameter's choice of values."""
    look = {
        "description": name.replace("_", " "),
        "style": {"description_width": label_width},
        "layout": {"width": "30em", "max_width": "100%"},
    }
    if isinstance(choice, bool):
        return ipywidgets.Checkbox(value=choice, **look)
    if isinstance(choice, list) and choice:
        return ipywidgets.Dropdown(options=choice, value=choice[0], **look)
    if isinstance(choice, tuple) and len(choice) in (3, 4):
        low, high, start, *step = choice
        whole = all(isinstance(v, int) for v in choice)
        if low <= start <= high and low < high:
            step = step[0] if step else 1 if whole else _step(low, high, start)
            # The browser moves a start between two steps to the nearest
            # one; the picture stored before would show other values.
            if step > 0 and _fits(low, start, step):
                if whole:
                    return ipywidgets.IntSlider(
                        start, min=low, max=high, step=step, **look
                    )
                digits = max(_digits(low), _digits(step))
                return ipywidgets.FloatSlider(
                    start,
                    min=low,
                    max=high,
                    step=step,
                    readout_format=f".{digits}f",
                    **look,
                )
    raise ValueError(
        f"explore: {name}={choice!r} is not (low, high, start), a list, a bool "
        "or a Point; a slider starts a whole number of steps above its low end"
    )


def _fits(low, start, step) -> bool:
    """Whether a slider with this step can stand at its start."""
    steps = (start - low) / step
    return abs(steps - round(steps)) < 1e-6


def _step(low, high, start) -> float:
    """A round step: about 50 in all, more if the start asks for it."""
    power = math.floor(math.log10((high - low) / 25))
    round_steps = [
        digit * 10.0 ** (power - down) for down in range(3) for digit in (5, 2, 1)
    ]
    return next(
        (s for s in round_steps if s <= (high - low) / 25 and _fits(low, start, s)),
        round_steps[-1],
    )


def _digits(value) -> int:
    """Decimals that a number is written with."""
    return max(0, -Decimal(f"{value:.6g}").normalize().as_tuple().exponent)
