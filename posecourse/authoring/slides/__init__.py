"""A chapter as slides: one HTML file that needs nothing else.

Each section starts a column, each cell a slide. What does not fit is laid out
anew in the browser, which alone knows how large things are (``slides.js``): code
beside its output, or on a slide of its own; long text on several. reveal.js and
MathJax, both from the npm registry with their licences, lie in ``vendor``.
"""

from __future__ import annotations

import base64
import html
import json
import mimetypes
import re
from pathlib import Path

from ...files import atomic_path
from ..chapters import Chapter
from ..notebooks import read, tags

__all__ = ["MATHJAX", "write_pdf", "write_slides"]

_HERE = Path(__file__).parent
MATHJAX = _HERE / "vendor" / "mathjax-3.2.2-tex-svg.js"
_SKIPPED = {"navigation", "check"}
_FOLDED = {"hide-input", "setup"}
_PATIENCE = 300_000  # milliseconds, for the layout on a slow machine


def write_slides(chapter: Chapter, root: Path, path) -> Path:
    """Write a chapter's slides to an HTML file.

    Parameters
    ----------
    chapter, root:
        The chapter, and the folder that its notebook lies in.
    """
    cells = [_cell(c, root) for c in read(chapter.notebook(root)).cells]
    title = html.escape(f"{chapter.number}. {chapter.title}")
    math = {
        "tex": {"inlineMath": [["$", "$"], ["\\(", "\\)"]]},
        "startup": {"typeset": False},
        "options": {"enableMenu": False},
    }
    text = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{_part("vendor/reveal-5.2.1.css")}
{_part("slides.css")}
{_pygments()}
</style>
<script>MathJax = {json.dumps(math)}</script>
<script>{_script(MATHJAX)}</script>
</head>
<body>
<div class="reveal"><div class="slides"></div></div>
<div id="cells">
{"".join(cells)}
</div>
<script>{_script("vendor/reveal-5.2.1.js")}</script>
<script>{_script("slides.js")}</script>
</body>
</html>
"""
    with atomic_path(path) as temporary:
        Path(temporary).write_text(text, "utf-8", errors="replace")
    return Path(path)


def write_pdf(slides: Path, path) -> Path:
    """Print slides into a PDF file, a page for each, with an installed browser.

    Raises
    ------
    BrowserError
        If there is none, or Playwright, which drives it, is missing.
    """
    from ..preview import BrowserError, browser_page

    try:
        with browser_page(1280, 720) as page, atomic_path(path) as temporary:
            page.unroute_all()  # nothing but the file is asked for
            page.goto(f"{slides.resolve().as_uri()}?print-pdf", timeout=_PATIENCE)
            page.wait_for_selector("body[data-ready]", timeout=_PATIENCE)
            page.pdf(path=temporary, prefer_css_page_size=True, print_background=True)
    except ImportError:
        raise BrowserError(
            "a PDF needs Playwright (python -m pip install playwright) and an "
            f"installed Chromium; or open {slides} with ?print-pdf after its "
            "address in any browser, and print it there"
        ) from None
    return Path(path)


def _part(name: str | Path) -> str:
    return (_HERE / name).read_text("utf-8")


def _script(name: str | Path) -> str:
    """A script that may stand inside of <script>."""
    return _part(name).replace("</script", "<\\/script")


def _pygments() -> str:
    from pygments.formatters import HtmlFormatter

    return HtmlFormatter(style="friendly").get_style_defs(".highlight")


# --------------------------------------------------------------------- a cell


def _cell(cell, root: Path) -> str:
    kinds = set(tags(cell))
    if _SKIPPED & kinds:
        return ""
    if cell.cell_type == "markdown":
        return f'<article class="text">{_markdown(cell.source, root)}</article>\n'
    outputs = "".join(map(_output, cell.outputs))
    if re.match(r'quiz\("', cell.source):  # its questions are cut apart, as text is
        inner = re.sub(r'^<div class="html">(.*)</div>$', r"\1", outputs, flags=re.S)
        return f'<article class="text">{inner}</article>\n'
    code = f'<div class="code">{_highlighted(cell.source)}</div>'
    if _FOLDED & kinds:
        code = f'<details class="code"><summary>Code</summary>{code}</details>'
    outputs = outputs and f'<div class="outputs">{outputs}</div>'
    return f'<article class="cell">{code}{outputs}</article>\n'


def _markdown(source: str, root: Path) -> str:
    from nbconvert.filters.markdown_mistune import markdown2html_mistune

    text = markdown2html_mistune(source)
    text = re.sub(r'<a class="anchor-link"[^>]*>.*?</a>', "", text)
    return re.sub(
        r'(<img\b[^>]*?\bsrc=")(?!data:|https?:)([^"]+)(")',
        lambda m: m[1] + _embedded(root / m[2]) + m[3],
        text,
    )


def _embedded(path: Path) -> str:
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def _highlighted(source: str) -> str:
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    return highlight(source, PythonLexer(), HtmlFormatter())


def _output(output) -> str:
    """An output as HTML; of several forms the richest that is no script."""
    if output.output_type == "stream":
        return f"<pre>{html.escape(output.text)}</pre>"
    if output.output_type == "error":
        text = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(output.traceback))
        return f"<pre>{html.escape(text)}</pre>"
    data = output.get("data", {})
    if "text/html" in data:
        return f'<div class="html">{data["text/html"]}</div>'
    for kind in ("image/png", "image/jpeg"):
        if kind in data:
            return f'<img alt="" src="data:{kind};base64,{data[kind]}">'
    return f"<pre>{html.escape(data.get('text/plain', ''))}</pre>"
