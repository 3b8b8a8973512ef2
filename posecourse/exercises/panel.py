"""What `check` shows in a notebook: a small panel beside the plain text.

It is HTML alone, without a widget: it looks the same when the notebook is
opened again, on a page or in a slide, and the hints open without a kernel.
"""

from __future__ import annotations

import html

from .markup import to_html

__all__ = ["panel", "picture_of"]

# What is said where there is no colour, too.
_BADGES = {
    "passed": ("right", "✓ passed"),
    "not right yet": ("wrong", "✗ not right yet"),
    "not yet": ("empty", "○ not yet"),
}

_STYLE = """<style>
.pc-panel {border: 1px solid var(--jp-border-color2, #bbb); border-left-width: 5px;
  border-radius: 4px; padding: .5em .9em; margin: .2em 0; max-width: 52em}
.pc-panel.right {border-left-color: #1a7f37}
.pc-panel.wrong {border-left-color: #b35900}
.pc-panel.empty {border-left-color: #57606a}
.pc-panel .badge {color: #fff; border-radius: 3px; padding: .1em .5em;
  margin-right: .5em; font-weight: bold; white-space: nowrap}
.pc-panel.right .badge {background: #1a7f37}
.pc-panel.wrong .badge {background: #b35900}
.pc-panel.empty .badge {background: #57606a}
.pc-panel p {margin: .35em 0}
.pc-panel pre {margin: .35em 0; white-space: pre-wrap; background: none}
.pc-panel img {margin: .35em 0; max-width: 100%; border-radius: 3px}
.pc-panel details {margin: .35em 0 0}
.pc-panel summary {display: inline-block; cursor: pointer; padding: .15em .7em;
  border: 1px solid var(--jp-border-color1, #999); border-radius: 4px;
  background: var(--jp-layout-color2, #eee); user-select: none}
.pc-panel summary:hover {background: var(--jp-layout-color3, #ddd)}
</style>"""


def panel(exercise: str, status: str, message: str, hints=(), picture=None) -> str:
    """A result as HTML.

    Parameters
    ----------
    exercise, status, message:
        As in `Result`; of the message, lines that begin with two spaces stand
        in columns.
    hints:
        Opened one after the other.
    picture:
        The first wrong case as HTML (`picture_of`), or None.
    """
    kind, badge = _BADGES[status]
    parts = [
        f'{_STYLE}<div class="pc-panel {kind}">',
        f'<p><span class="badge">{badge}</span> <b>{title_of(exercise)}</b></p>',
        *_message(message),
    ]
    if picture is not None:
        parts.append(picture)
    if status != "passed" and hints:
        parts.append(_hints(hints))
    return "\n".join([*parts, "</div>"])


def title_of(exercise: str) -> str:
    """ "03.1" as it is called: "Exercise 03.1"; "04.project": "Project 04"."""
    chapter, _, name = exercise.partition(".")
    if chapter.startswith("H"):
        return f"Homework {exercise[1:]}"
    return f"Project {chapter}" if name == "project" else f"Exercise {exercise}"


def _message(message: str):
    """Sentences as paragraphs; columns as they are."""
    columns: list[str] = []
    for line in [*message.splitlines(), None]:
        if line is not None and line.startswith("  "):
            columns.append(line[2:])
            continue
        if columns:
            yield f"<pre>{html.escape(chr(10).join(columns), quote=False)}</pre>"
            columns = []
        if line:
            yield f"<p>{html.escape(line, quote=False)}</p>"


def _hints(hints) -> str:
    """Each hint holds the next."""
    inner, total = "", len(hints)
    for number in range(total, 0, -1):
        name = "Hint" if number == 1 else "Next hint"
        inner = (
            f"<details><summary>{name} ({number} of {total})</summary>"
            f"<p>{to_html(hints[number - 1])}</p>{inner}</details>"
        )
    return inner


def picture_of(figure, alt: str) -> str:
    """A Matplotlib figure as HTML that holds it."""
    from ..visualization import pictures  # slow to import

    pixels = pictures.draw_pixels(figure)
    size = pictures.shown_size(pixels.shape)
    return pictures.image_html(pictures.pack(pixels), "webp", size, alt)
