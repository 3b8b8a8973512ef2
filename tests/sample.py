"""A small complete chapter for the tests of what makes chapters."""

import shutil
import sys
import types
from pathlib import Path

from posecourse.authoring.chapters import Chapter
from posecourse.authoring.notebooks import read_source
from posecourse.exercises import exercise
from posecourse.exercises.quiz import Choice, Question

SAMPLE = Chapter("99_sample", "A sample", "Show every part of a chapter once.", "none")
SOURCE = Path(__file__).parent / "sample_chapter" / "99_sample.py"


def sample_root(folder: Path, edit=lambda text: text) -> Path:
    """A ``chapters`` folder with the sample in it, edited or as it is."""
    root = folder / "chapters"
    (root / "source").mkdir(parents=True)
    text = edit(SOURCE.read_text("utf-8"))
    SAMPLE.source(root).write_text(text, "utf-8")
    return root


def make_checkout(folder: Path) -> Path:
    """A folder that counts as a checkout of the course; gives its chapters."""
    (folder / "chapters").mkdir(parents=True)
    (folder / "pyproject.toml").write_text('[project]\nname = "posecourse"\n', "utf-8")
    return folder / "chapters"


def register_sample_exercises() -> None:
    """What the sample's kernel does for itself: its checkers and its quiz."""
    cell = next(c for c in read_source(SOURCE).cells if "@exercise" in c.source)
    known = {"exercise": exercise, "Question": Question, "Choice": Choice}
    exec(cell.source, known | {"sys": sys, "types": types})


def copy_of(root: Path, folder: Path) -> Path:
    """A copy of a built chapter folder that a test may change."""
    return Path(shutil.copytree(root, folder / "copy"))
