"""The source document's outline, and where the chapters teach each part.

``chapters/teaching/document_map.md`` is written from the chapters' sources by
``posecourse chapters table``. A place is found in two ways:

- the text names a section where it speaks of the document: "The document
  (4.2)", "document (3.2, step 5)", "the document's section 5.2";
- a cell's header carries a marker, for parts that no sentence names:
  ``# %% [markdown] document="3.3 labels; 2 pose"``. It speaks of the section in
  which the cell ends, and never reaches a notebook.

Of a section that has parts, every part has a place of its own.
"""

from __future__ import annotations

import re
from pathlib import Path

from .chapters import CHAPTERS, Chapter, folder, pages
from .notebooks import MARKER, read_source
from .rules import CLOSING

__all__ = ["OUTLINE", "PARTS", "document_map", "places"]

# The document's sections, and the points it makes in them, in short.
OUTLINE: dict[str, tuple[str, dict[str, str]]] = {
    "1": ("Background", {}),
    "1.1": ("The problem, and what it is good for", {}),
    "1.2": ("The state of research", {}),
    "1.3": ("Why it matters", {}),
    "1.4": ("How the document is built", {}),
    "2": (
        "Core concepts",
        {
            "keypoint": "keypoints",
            "skeleton": "the skeleton",
            "pose": "the pose",
            "single": "a single person",
            "several": "several people",
            "2D": "in the picture's plane",
            "3D": "in space",
            "traditional": "features by hand and a classifier: HOG and SVM, DPM",
            "deep": "networks, heatmaps, coordinates, post-processing",
        },
    ),
    "3": ("The algorithm", {}),
    "3.1": ("The principle", {}),
    "3.2": (
        "The steps",
        {
            "step 1": "data",
            "step 2": "network design",
            "step 3": "loss function",
            "step 4": "training",
            "step 5": "testing",
            "step 6": "evaluation",
            "several": "several people: a detector first",
        },
    ),
    "3.3": (
        "Strengths and limits",
        {
            "end to end": "learned from end to end",
            "general": "works in new scenes",
            "accurate": "accurate on standard data",
            "computation": "needs much computation",
            "labels": "needs many labels",
            "robust": "unusual poses, extreme views, missing parts",
        },
    ),
    "3.4": (
        "Fields of application",
        {
            "interaction": "human-computer interaction",
            "action": "action recognition",
            "sport": "sport and rehabilitation",
            "AR": "augmented reality",
        },
    ),
    "4": ("The mathematics", {}),
    "4.1": (
        "The model",
        {"coordinates": "regression of coordinates", "heatmaps": "heatmaps"},
    ),
    "4.2": (
        "The formulas",
        {
            "MSE": "mean squared error of heatmaps",
            "L2": "L2 of coordinates",
            "descent": "gradient descent",
        },
    ),
    "4.3": (
        "An example",
        {
            "upper body": "five joints, maps of 64 x 64",
            "Gaussian": "the true heatmap",
            "peak": "reading the peak",
        },
    ),
    "4.4": (
        "Questions and answers",
        {
            "heatmap": "heatmap or coordinates?",
            "overlap": "people who overlap",
            "3D": "from 2D to 3D",
        },
    ),
    "5": ("The project", {}),
    "5.1": ("The environment", {}),
    "5.2": (
        "The code",
        {
            "data": "data set and loader",
            "network": "PoseNet; the document breaks off here",
            "training": "training and testing on MPII (promised, not shown)",
        },
    ),
    "6": ("Applications (announced in 1.4, not written)", {}),
    "7": ("Resources (announced in 1.4, not written)", {}),
    "8": ("Summary and outlook (announced in 1.4, not written)", {}),
}
# Whose text is that of their sub-sections: they are taught where these are.
_HEADINGS = {"1", "3", "4", "5"}
# Everything that needs a place: "4.1", "4.1 heatmaps".
PARTS = [
    name
    for key, (_, points) in OUTLINE.items()
    if key not in _HEADINGS
    for name in (key, *(f"{key} {point}" for point in points))
]

# "(4.1)", "(3.2, step 5)", "(sections 7 and 8)"; "the document's section 5.2"; "in
# its section 4.4 the document asks"
_ONE = r"\d(?:\.\d)?(?:, step \d)?"
_SOME = rf"({_ONE}(?:(?:, | and ){_ONE})*)"
_NAMED = (
    re.compile(rf"\((?:sections? )?{_SOME}[,)]"),
    re.compile(rf"document's sections? {_SOME}"),
    re.compile(rf"its section {_SOME} the document"),
)


def places(root: Path | None = None) -> dict[str, list[tuple[Chapter, str]]]:
    """Part -> the chapters and sections that teach it, in order.

    Parameters
    ----------
    root:
        The folder ``chapters``.

    Returns
    -------
    For every one of `PARTS` a list, which may be empty. The section is
    ``""`` for what stands before the first.

    Raises
    ------
    ValueError
        For a marker that names no part.
    """
    root = folder() if root is None else root
    found: dict[str, list] = {name: [] for name in PARTS}
    for chapter in pages(root):
        section = ""
        for cell in read_source(chapter.source(root)).cells:
            if cell.cell_type != "markdown":
                continue
            for block in re.split(r"^(?=## )", cell.source, flags=re.M):
                heading = re.match(r"## (?:\d+\. )?(.+)", block)
                if heading and heading[1] not in CLOSING:
                    section = heading[1]
                for name in _named(block):
                    _add(found[name], chapter, section)
            for name in _marked(cell, chapter):
                _add(found[name], chapter, section)
    return found


def _add(places: list, chapter: Chapter, section: str) -> None:
    if (chapter, section) not in places:
        places.append((chapter, section))


def _named(text: str) -> list[str]:
    """The parts that a text names where it speaks of the document."""
    found = []
    for paragraph in re.split(r"\n\s*\n", text):
        words = " ".join(paragraph.split())
        if not re.search(r"\bdocument\b", words, re.I):
            continue
        for some in (m for pattern in _NAMED for m in pattern.findall(words)):
            for key, step in re.findall(r"(\d(?:\.\d)?)(?:, (step \d))?", some):
                found += [key, f"{key} {step}"]
    return [name for name in found if name in PARTS]


def _marked(cell, chapter: Chapter) -> list[str]:
    """The parts that a cell's marker names."""
    marker = cell.metadata.get(MARKER, "")
    names = [name.strip() for name in marker.split(";") if name.strip()]
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        raise ValueError(
            f"{chapter.name}: the marker {MARKER}={marker!r} names "
            f"{', '.join(map(repr, unknown))}, which is no part of the document; "
            "see OUTLINE in posecourse/authoring/document.py"
        )
    return names


_HEAD = """# Where the document is taught

Section by section of the article that the course follows (chapter 1 says what it
is), with the points it makes in each. Written by `posecourse chapters table` from
the chapters' sources; do not edit by hand.

| document | | taught in |
|---|---|---|
"""


def document_map(root: Path | None = None) -> str:
    """``chapters/teaching/document_map.md``: which part is taught where."""
    root = folder() if root is None else root
    found, lines = places(root), []
    for key, (title, points) in OUTLINE.items():
        if key in _HEADINGS:
            lines.append(f"| **{key}** | **{title}** | |")
            continue
        lines.append(f"| **{key}** | **{title}** | {_cell(found[key], key, root)} |")
        for point, text in points.items():
            lines.append(f"| | {text} | {_cell(found[f'{key} {point}'], '', root)} |")
    return _HEAD + "\n".join(lines) + "\n"


def _cell(places, key: str, root: Path) -> str:
    """Chapters with their sections; else those that are to follow the section."""
    chapters: dict[Chapter, list[str]] = {}
    for chapter, section in places:
        chapters.setdefault(chapter, []).append(section or "opening")
    if not chapters:
        chapters = {c: [] for c in CHAPTERS if key in c.sections.split(", ")}
    return "; ".join(
        _link(chapter, root) + (f": {', '.join(sections)}" if sections else "")
        for chapter, sections in chapters.items()
    )


def _link(chapter: Chapter, root: Path) -> str:
    title = f"{chapter.number}. {chapter.title}" if chapter.number else chapter.name
    if not chapter.source(root).exists():
        return f"{title} (planned)"
    return f"[{title}](../{chapter.name}.ipynb)"
