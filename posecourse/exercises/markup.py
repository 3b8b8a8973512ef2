"""Short texts of exercises as HTML: bold, italics, code, links and formulas."""

from __future__ import annotations

import html
import re

__all__ = ["to_html"]

# Code and formulas are taken as they are, so they come first. A star with a
# space behind it is a product, as in Markdown, and opens nothing.
_PIECES = re.compile(r"(`[^`]+`|\$[^$]+\$)")
_MARKS = (
    (re.compile(r"\*\*(?!\s)(.+?)(?<!\s)\*\*", re.S), r"<b>\1</b>"),
    (re.compile(r"(?<!\*)\*(?![\s*])(.+?)(?<![\s*])\*(?!\*)", re.S), r"<i>\1</i>"),
    (re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)"), r'<a href="\2">\1</a>'),
)


def to_html(text: str) -> str:
    """A few lines of Markdown as HTML; formulas stay for MathJax.

    >>> to_html("**Twice** `a * b`, $x < y$")
    '<b>Twice</b> <code>a * b</code>, $x &lt; y$'
    """
    return "".join(map(_piece, _PIECES.split(text)))


def _piece(text: str) -> str:
    if text[:1] == text[-1:] == "`" and len(text) > 2:
        return f"<code>{html.escape(text[1:-1], quote=False)}</code>"
    text = html.escape(text, quote=False)
    if text[:1] == text[-1:] == "$" and len(text) > 2:
        return text
    for pattern, replacement in _MARKS:
        text = pattern.sub(replacement, text)
    return text.replace("\n\n", "<br><br>")
