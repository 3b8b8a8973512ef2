"""Starter notebooks of the capstone projects, generated without outputs."""

from __future__ import annotations

from pathlib import Path

from .notebooks import read_source, write

__all__ = ["build_capstones", "capstones"]


def capstones(root: Path) -> dict[Path, Path]:
    """``{source: notebook}`` of the projects in the folder of chapters."""
    sources = sorted((root / "source" / "capstones").glob("*.py"))
    return {path: root / "capstones" / f"{path.stem}.ipynb" for path in sources}


def build_capstones(root: Path) -> None:
    """Write the notebooks; those whose source did not change stay the same."""
    for source, notebook in capstones(root).items():
        write(read_source(source), notebook)
