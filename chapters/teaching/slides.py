"""A chapter as slides: ``python chapters/teaching/slides.py 3``.

Writes ``work/slides/NN_name.html``: a column of slides for each section, a
slide for each cell. README.md tells how to do without a network.
"""

import re
import sys

import nbformat
from nbconvert import SlidesExporter

from posecourse import places
from posecourse.authoring import chapters

# name of the setting: where it is once the four packages are installed
LOCAL = {
    "reveal_url_prefix": "node_modules/reveal.js",
    "mathjax_url": "node_modules/mathjax/MathJax.js"
                   "?config=TeX-AMS_CHTML-full,Safe",
    "require_js_url": "node_modules/requirejs/require.js",
    "jquery_url": "node_modules/jquery/dist/jquery.min.js",
}


def mark(notebook) -> None:
    """Say for each cell where it starts a slide."""
    for cell in notebook.cells:
        kind = "subslide"
        if {"check", "navigation"} & set(cell.metadata.get("tags", [])):
            kind = "skip"
        elif cell.cell_type == "markdown" and re.search(
                r"^##? ", cell.source, re.M):
            kind = "slide"
        cell.metadata["slideshow"] = {"slide_type": kind}


def main(which: str) -> None:
    root = chapters.folder()
    path = chapters.get_chapter(which).notebook(root)
    notebook = nbformat.read(path, as_version=4)
    mark(notebook)
    out = places.work_folder() / "slides"
    out.mkdir(parents=True, exist_ok=True)
    exporter = SlidesExporter(reveal_theme="white", reveal_scroll=True,
                              reveal_transition="none", embed_images=True)
    for name, place in LOCAL.items():
        if (out / place.partition("?")[0]).exists():
            setattr(exporter, name, place)
        else:
            print(f"{place} is not in {out}: the slides will ask the network")
    text, _ = exporter.from_notebook_node(
        notebook, {"metadata": {"path": str(root), "name": path.stem}})
    page = out / f"{path.stem}.html"
    page.write_text(text, "utf-8")
    print(page)


if __name__ == "__main__":
    main(sys.argv[1])
