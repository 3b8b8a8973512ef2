"""Live pictures: a drawing and controls that redraw it.

The picture is an ordinary notebook output with alt text, drawn for the
default values. It is stored with the notebook, so it is there without a
kernel, on GitHub and on paper; with a kernel the controls redraw it in
place.
"""

from __future__ import annotations

import base64
import html
import math
import struct
from decimal import Decimal

__all__ = ["Explorer", "explore"]


class Explorer:
    """A drawing with controls.

    Parameters
    ----------
    draw:
        ``draw(**values)`` returns a Matplotlib figure. It must be quick
        (0.2 s or less) for a slider to feel alive.
    alt:
        What the picture shows, as a format string over the values,
        ``"A Gaussian of sigma {sigma:.1f} cells"``.
    parameters:
        One control each: ``(low, high, start)`` of floats or ints is a
        slider, with a fourth number the step; a list a choice (the first
        is the start); a bool a check box. Write a name as in Python; the
        control shows it with spaces for underscores.
    """

    def __init__(self, draw, alt, **parameters):
        if not parameters:
            raise ValueError(
                "explore: give at least one parameter, such as sigma=(0.5, 5.0, 2.0)"
            )
        self.draw, self.alt = draw, alt
        # one column of labels, as wide as the longest; a check box has
        # its label behind it
        longest = max(
            (
                len(name)
                for name, choice in parameters.items()
                if not isinstance(choice, bool)
            ),
            default=0,
        )
        width = f"{0.6 * longest + 1:.1f}em"
        self.controls = {
            name: _control(name, choice, width) for name, choice in parameters.items()
        }
        self._picture = None
        self._message = None

    @property
    def values(self) -> dict:
        """The controls' present values."""
        return {name: c.value for name, c in self.controls.items()}

    def show(self) -> None:
        """Display the picture and, under it, the controls."""
        import ipywidgets
        from IPython.display import display

        data, metadata = self.render()
        self._picture = display(data, raw=True, metadata=metadata, display_id=True)
        self._message = ipywidgets.HTML()
        for control in self.controls.values():
            control.observe(self._redraw, names="value")
        display(ipywidgets.VBox([*self.controls.values(), self._message]))

    def render(self):
        """The picture for the present values: display data and metadata."""
        import matplotlib.pyplot as plt

        from .figures import to_png

        figure = self.draw(**self.values)
        if not hasattr(figure, "savefig"):
            raise ValueError(
                "explore: draw(...) must return the figure it "
                f"drew, not a {type(figure).__name__}"
            )
        try:
            # small where it is stored, quick where it is live
            png = to_png(figure, small=self._picture is None)
        finally:
            plt.close(figure)
        alt = self.alt.format(**self.values)
        text = base64.b64encode(png).decode("ascii")
        # With its size told beforehand, a new picture does not make the
        # controls below it jump while it loads.
        width, height = struct.unpack(">II", png[16:24])
        return (
            {"image/png": text, "text/plain": alt},
            {"image/png": {"alt": alt, "width": width, "height": height}},
        )

    def _redraw(self, _change) -> None:
        # An error here has no cell to appear under: it is shown as text.
        try:
            data, metadata = self.render()
            self._message.value = ""
            self._picture.update(data, raw=True, metadata=metadata)
        except Exception as error:
            self._message.value = html.escape(f"{type(error).__name__}: {error}")


def explore(draw, alt, **parameters) -> None:
    """Show a drawing with controls; see `Explorer` for the parameters."""
    Explorer(draw, alt, **parameters).show()


def _control(name, choice, label_width):
    """The control that fits a parameter's choice of values."""
    import ipywidgets

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
        f"explore: {name}={choice!r} is not (low, high, start), a list or a "
        "bool; a slider starts a whole number of steps above its low end"
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
