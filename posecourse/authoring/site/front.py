"""The first page: the promise, the picture, and the chapters as cards."""

from __future__ import annotations

import html
import io
import re
from pathlib import Path

from ..chapters import START, Chapter
from ..notebooks import read
from .sources import PICTURES, Sources, put, toctree

__all__ = ["write_front"]

_WIDTH = 640  # pixels of a card's picture: a card is at most 320 wide
_FILE = r"[^)\s\"]+\.(?:gif|webp|png|jpg)"
_PICTURE = re.compile(
    rf"!\[(?P<alt>[^\]]*)\]\((?P<path>{_FILE})\)"
    rf'|<img src="(?P<path2>{_FILE})"[^>]* alt="(?P<alt2>[^"]*)"'
)

_DOORS = (
    ("chapters/START_HERE", "Start reading", "first"),
    ("README", "Run it yourself", ""),
    ("api/index", "The package", ""),
    ("chapters/teaching/README", "For teachers", ""),
)


def write_front(sources: Sources) -> None:
    """Write ``index.md``. What it says is the README's."""
    title, promise, picture, caption, needs = _face(sources.texts["README.md"])
    text = ["---", "hide-toc: true", "---", "", f"# {title}", ""]
    text += ["{.promise}", promise, "", _doors(), ""]
    if sources.markdown(picture, "README.md") == picture:  # the file is there
        text += ["{.poster}", picture, "", "{.caption}", caption.strip("*"), ""]
    else:  # an installed package has no samples
        text += [_html(_film(sources)), ""]
    text += ["## The chapters", "", needs, "", _html(_cards(sources)), ""]
    chapters = [f"chapters/{c.name}" for c in sources.chapters if c != START]
    chapters.insert(0, f"Start here <chapters/{START.name}>")
    front = [
        "Install and use <README>" if n == "README.md" else n[:-3]
        for n in sources.on_top()
    ]
    text += [
        toctree(chapters, "index.md", "The course"),
        toctree(["chapters/glossary", "api/index"], "index.md", "Look up"),
        toctree(front, "index.md", "Around it"),
    ]
    put(sources.out / "index.md", "\n".join(text).encode())


def _face(readme: str) -> list[str]:
    """Title, promise, picture, its caption, and what is needed."""
    face = readme.partition("\n## ")[0].removeprefix("# ")
    return [" ".join(part.split()) for part in face.split("\n\n")][:5]


def _html(text: str) -> str:
    return f"```{{raw}} html\n{text}\n```"


def _film(sources: Sources) -> str:
    """What moves on the course's first notebook."""
    for cell in read(START.notebook(sources.course / "chapters")).cells:
        for output in cell.get("outputs", []):
            text = output.get("data", {}).get("text/html", "")
            if "<picture>" in text:
                return sources.html(text, START.name).replace("../", "")
    return ""


def _doors() -> str:
    links = "".join(
        f'<a class="door {look}" href="{page}.html">{words}</a>'
        for page, words, look in _DOORS
    )
    return _html(f'<p class="doors">{links}</p>')


def _cards(sources: Sources) -> str:
    cards = "\n".join(_card(c, sources) for c in sources.chapters if c != START)
    return f'<div class="cards">\n{cards}\n</div>'


def _card(chapter: Chapter, sources: Sources) -> str:
    return (
        f'<article class="card">{_picture(chapter, sources)}'
        f'<div><p class="number">Chapter {chapter.number}</p>'
        f'<h3><a href="chapters/{chapter.name}.html">{html.escape(chapter.title)}</a>'
        f"</h3><p>{html.escape(chapter.promise)}</p></div></article>"
    )


def _picture(chapter: Chapter, sources: Sources) -> str:
    """The first picture of a chapter, at rest; it moves under the pointer."""
    root = sources.course / "chapters"
    for cell in read(chapter.notebook(root)).cells:
        found = _PICTURE.search(cell.source) if cell.cell_type == "markdown" else None
        if found:
            break
    else:
        return ""
    alt = " ".join((found["alt"] or found["alt2"]).split())
    path = root / (found["path"] or found["path2"])
    still, width, height = _still(path)
    name = f"{PICTURES}/{path.stem}-still.webp"
    put(sources.out / "_extra" / name, still)
    return (
        f'<img src="{name}" width="{width}" height="{height}" loading="lazy" '
        f'alt="{html.escape(alt)}" data-moving="_images/{path.name}">'
    )


def _still(path: Path) -> tuple[bytes, int, int]:
    """The first moment of a picture as WebP, and its size."""
    from PIL import Image

    with Image.open(path) as picture:
        still = picture.convert("RGB")
    still.thumbnail((_WIDTH, _WIDTH))
    content = io.BytesIO()
    still.save(content, "webp", quality=80)
    return content.getvalue(), *still.size
