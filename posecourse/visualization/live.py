"""Widgets with a static twin.

A widget lives as long as its kernel and its page. What a notebook stores of
it shows an error when the file is opened again. So each widget here has a
twin: HTML that stands before it, is stored, and gives way to the widget
while that lives. A few lines of style sheet decide which of the two is seen,
for they work where no program runs.
"""

from __future__ import annotations

__all__ = ["display_live"]

_RUN = "Run this cell to move the picture."

_WIDGET = "application/vnd.jupyter.widget-view+json"
# JupyterLab's outputs lie in .jp-OutputArea-child, one below the other; that of
# a widget is a panel, alive or dead.
_STYLE = """<style>
.jp-OutputArea-child:has(.posecourse-still):has(
  + .jp-OutputArea-child .posecourse-live),
.jp-OutputArea-child:has(.posecourse-still) + .jp-OutputArea-child:not(
  :has(.posecourse-live)) > .jp-OutputArea-output.lm-Panel { display: none; }
</style>"""


def display_live(widget, still: str, text: str) -> None:
    """Display a widget, and store its static twin.

    Parameters
    ----------
    widget:
        An ipywidget.
    still:
        HTML that stands in for it: on GitHub, in a notebook opened again
        without a kernel, on paper.
    text:
        The same for where there is no HTML.
    """
    from IPython import get_ipython
    from IPython.display import display

    if get_ipython() is None:
        print(f"[{text}]")
        return
    widget.add_class("posecourse-live")
    twin = (
        f'{_STYLE}\n<div class="posecourse-still">{still}\n<p><em>{_RUN}</em></p></div>'
    )
    display({"text/html": twin, "text/plain": text}, raw=True)
    # no text: there is one already, and nbval would count two
    display({_WIDGET: widget._repr_mimebundle_()[_WIDGET]}, raw=True)
