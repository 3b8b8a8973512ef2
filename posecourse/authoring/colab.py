"""Chapters as Colab can open them.

Colab has most packages already, but neither the course nor its pictures: it
gets notebooks of its own, in ``colab/``, and only where the course has an
address (see `badges`).
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from ..files import atomic_path, read_json
from .badges import BRANCH, COLAB_FOLDER
from .notebooks import relink

__all__ = ["colab_notebook", "write_colab"]

# What Colab lacks. Whatever else the course asks for is there, and is left alone:
# another version of ipykernel would stop the machine.
_INSTALL = """\
# Colab lacks the course and some small packages; this takes a minute
%pip install --quiet --no-deps "git+https://github.com/{repository}"
%pip install --quiet anywidget av simplejpeg"""


def write_colab(course: Path, chapters, repository: str) -> list[Path]:
    """Write the notebooks for Colab into ``colab/``; returns their paths."""
    paths = []
    for chapter in chapters:
        notebook = read_json(chapter.notebook(course / "chapters"), "notebook")
        text = json.dumps(
            colab_notebook(notebook, repository), indent=1, ensure_ascii=False
        )
        path = course / COLAB_FOLDER / f"{chapter.name}.ipynb"
        with atomic_path(path) as part:
            part.write_text(text + "\n", "utf-8", newline="\n")
        paths.append(path)
    return paths


def colab_notebook(notebook: dict, repository: str) -> dict:
    """A chapter without outputs, with the installation before it, and with links
    and pictures that lead to the repository."""
    places = {
        True: f"https://raw.githubusercontent.com/{repository}/{BRANCH}/chapters/",
        False: f"https://github.com/{repository}/blob/{BRANCH}/chapters/",
    }

    def lead(link: str) -> str:
        if re.match(r"\w+:|#", link):
            return link
        return places[link.startswith("figures/")] + link

    install: dict = {
        "cell_type": "code",
        "execution_count": None,
        "id": "install",
        "metadata": {},
        "outputs": [],
        "source": _INSTALL.format(repository=repository),
    }
    cells = [install]
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            cells.append({**cell, "source": relink(source, lead)})
        else:
            cells.append({**cell, "outputs": [], "execution_count": None})
    return {**notebook, "cells": cells}
