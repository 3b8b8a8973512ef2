"""Buttons that open a chapter on other people's machines: Binder and Colab.

There are none until the course has an address. One line in pyproject.toml gives
it one::

    [project.urls]
    Repository = "https://github.com/OWNER/NAME"

``posecourse chapters table`` then writes them beside each chapter.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

__all__ = ["BRANCH", "COLAB_FOLDER", "badges", "repository"]

BRANCH = "main"

# Of the notebooks that Colab opens, in the repository.
COLAB_FOLDER = "colab"


def repository(course: Path) -> str | None:
    """``"OWNER/NAME"`` of the course's address on GitHub, if it has one.

    Raises
    ------
    ValueError
        If the address leads elsewhere.
    """
    try:
        project = tomllib.loads((course / "pyproject.toml").read_text("utf-8"))
    except FileNotFoundError:
        return None
    address = project["project"].get("urls", {}).get("Repository")
    if address is None:
        return None
    found = re.fullmatch(r"https://github\.com/([\w.-]+/[\w.-]+?)(\.git)?/?", address)
    if not found:
        raise ValueError(
            f"pyproject.toml: Repository is {address!r}; Binder and Colab open "
            "https://github.com/OWNER/NAME"
        )
    return found[1]


def badges(number: int, name: str, repository: str) -> str:
    """Two buttons, as Markdown, for a chapter (``3``, ``"03_heatmaps"``)."""
    page = f"lab/tree/posecourse-work/{name}.ipynb".replace("/", "%2F")
    binder = f"https://mybinder.org/v2/gh/{repository}/{BRANCH}?urlpath={page}"
    host = "https://colab.research.google.com"
    colab = f"{host}/github/{repository}/blob/{BRANCH}/{COLAB_FOLDER}/{name}.ipynb"
    return (
        f"[![Open chapter {number} on Binder](https://mybinder.org/badge_logo.svg)]"
        f"({binder}) "
        f"[![Open chapter {number} in Colab]({host}/assets/colab-badge.svg)]({colab})"
    )
