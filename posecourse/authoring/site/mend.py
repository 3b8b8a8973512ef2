"""A Sphinx extension: what keeps a screen reader from a page is mended.

Sphinx, the theme and the extensions leave a few things that axe-core, which the
tests run, calls serious.
"""

from __future__ import annotations

import re

__all__ = ["setup"]


def setup(app):
    """What Sphinx calls to take part."""
    app.connect("html-page-context", _mend, priority=900)  # the last to touch it
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _mend(app, page, template, context, doctree) -> None:
    # a heading has a level
    context["furo_navigation_tree"] = context["furo_navigation_tree"].replace(
        'role="heading"', 'role="heading" aria-level="2"'
    )
    body = context.get("body", "")
    # what is read out is what stands there
    body = body.replace('<summary aria-label="Toggle hidden content">', "<summary>")
    # a link inside of what unfolds cannot be reached
    body = re.sub(
        r"<summary>Expand for references to .*?</summary>",
        "<summary>Where it is used</summary>",
        body,
    )
    # parameters on lines of their own are no list of definitions
    context["body"] = re.sub(
        r"<dl>\n((?:<dd>.*</dd>\n)+)</dl>",
        lambda m: re.sub(r"<dd>(.*)</dd>", r'<span class="parameter">\1</span>', m[1]),
        body,
    )
