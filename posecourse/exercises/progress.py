"""What a learner has solved: noted when an exercise passes, and nowhere else.

It stands in one small file in the folder of the learner's copies, which is
theirs to read, move or delete. Elsewhere (in the course itself, in a folder
where somebody's answers are graded) nothing is noted.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from .. import places
from ..files import InUseError, locked, write_json

__all__ = ["Line", "note", "solved"]


def solved(work: Path) -> dict[str, str]:
    """``{exercise: when it passed first}``; what cannot be read is left out."""
    try:
        noted = json.loads(places.progress_file(work).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(noted, dict):
        return {}
    return {
        id: when
        for id, when in noted.items()
        if re.fullmatch(r"(\d\d|H\d)\.(\d|project)", id) and isinstance(when, str)
    }


def note(id: str, work: Path | None = None) -> None:
    """Note that an exercise passed, if it is the learner's own copy.

    Where that cannot be written, the exercise has passed all the same.

    Parameters
    ----------
    work:
        The folder of the copies (default: the one that this process is in).
    """
    with suppress(OSError, InUseError):
        work = work or places.copies_folder()
        if work is None or Path.cwd().name == "solutions" or id in solved(work):
            return
        with locked(work):  # another notebook may be noting, too
            when = datetime.now().astimezone().isoformat(timespec="seconds")
            write_json(places.progress_file(work), {**solved(work), id: when})


class Line:
    """Exercises and whether they are solved, in a line."""

    def __init__(self, ids, solved):
        self.marks = {id: "✓" if id in solved else "○" for id in ids}

    def __repr__(self) -> str:
        done = list(self.marks.values()).count("✓")
        marks = "   ".join(f"{id} {mark}" for id, mark in self.marks.items())
        return f"Solved: {done} of {len(self.marks)}   {marks}"

    def _repr_html_(self) -> str:
        done = list(self.marks.values()).count("✓")
        marks = " ".join(
            f'<span style="margin-left: 1em; opacity: {1 if mark == "✓" else 0.7}">'
            f"{id} {mark}</span>"
            for id, mark in self.marks.items()
        )
        return f"<div>Solved here: {done} of {len(self.marks)} {marks}</div>"
