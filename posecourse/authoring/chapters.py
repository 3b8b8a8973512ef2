"""The course's chapters: the one list that everything else is made from.

A chapter's number, title and promise stand here and nowhere else: the
README's table is written from this list, and a notebook whose heading says
something different breaks a rule. See ``posecourse chapters --help``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..places import course_folder
from .badges import badges, repository

__all__ = [
    "CHAPTERS",
    "START",
    "Chapter",
    "VersionError",
    "find",
    "folder",
    "get_chapter",
    "pages",
    "require",
    "table",
]


@dataclass(frozen=True)
class Chapter:
    """One chapter.

    Attributes
    ----------
    name:
        The file's stem, ``"03_heatmaps"``: two digits and a word.
    title, promise:
        The notebook's heading and the sentence under it.
    sections:
        The sections of the source document that the chapter follows.
    """

    name: str
    title: str
    promise: str
    sections: str

    @property
    def number(self) -> int:
        """The chapter's number; 0 for the page before them."""
        return 0 if self == START else int(self.name[:2])

    @property
    def short(self) -> str:
        """What commands call it."""
        return str(self.number)

    @property
    def heading(self) -> str:
        """Number and title, ``"3. Heatmaps"``."""
        return f"{self.number}. {self.title}"

    @property
    def exercises(self) -> int | str:
        """What its exercises are found by: the number, of a homework ``"H1"``."""
        return self.number

    def source(self, root: Path) -> Path:
        """Where the chapter is written and edited."""
        return root / "source" / f"{self.name}.py"

    def notebook(self, root: Path) -> Path:
        """The generated notebook that learners open."""
        return root / f"{self.name}.ipynb"

    def solutions(self, root: Path) -> Path:
        """The generated notebook with the exercises solved."""
        return root / "solutions" / f"{self.name}.ipynb"


# The page that the course opens with; it is made like a chapter, but it has
# neither exercises nor a solved edition.
START = Chapter(
    "START_HERE",
    "Human pose estimation",
    "What you will build, the way there, and how far you are.",
    "",
)

CHAPTERS = (
    Chapter(
        "01_concepts",
        "Keypoints, skeletons, poses",
        "Draw a skeleton on a picture, see a network find one, and know "
        "the words for everything in between.",
        "1, 2",
    ),
    Chapter(
        "02_classical",
        "Pose before deep learning",
        "Find a body with gradients, linear classifiers and springs, "
        "and measure how far that gets.",
        "2",
    ),
    Chapter(
        "03_heatmaps",
        "Heatmaps",
        "Turn a joint into a picture of where it is, turn the picture "
        "back into a joint, and know what is lost on the way.",
        "4.1, 4.3",
    ),
    Chapter(
        "04_losses",
        "Losses",
        "Write the three losses of pose estimation by hand, look at "
        "their gradients, and train with them.",
        "4.2",
    ),
    Chapter(
        "05_heatmap_or_regression",
        "Heatmap or regression?",
        "Put the two ways to predict a joint to the test under the same budget.",
        "4.4",
    ),
    Chapter(
        "06_data",
        "From MPII to tensors",
        "Take a person from an annotation file to a training batch, "
        "pixel-exact at every step.",
        "3.2, 5.2",
    ),
    Chapter(
        "07_posenet",
        "PoseNet",
        "Build the document's network layer by layer, see why it first "
        "learns the mean pose, and cure it.",
        "3.2, 5.2",
    ),
    Chapter(
        "08_training",
        "Training",
        "Train a pose network for real: the loop, its speed, its curves "
        "and how to pick it up again.",
        "3.2, 5.2",
    ),
    Chapter(
        "09_evaluation",
        "Evaluation",
        "Measure poses so that the number means what the field means, "
        "and know how sure it is.",
        "3.2",
    ),
    Chapter(
        "10_inference",
        "From a photo to a pose",
        "Run a trained network on your own picture, step by step.",
        "3.2",
    ),
    Chapter(
        "11_architectures",
        "Five architectures",
        "Meet Hourglass, CPM, CPN, SimpleBaseline and HRNet in code, and "
        "train them side by side.",
        "1.2, 3.2",
    ),
    Chapter(
        "12_multi_person",
        "Several people",
        "Find everybody in a picture, from the box down and from the joints up.",
        "3.2, 4.4",
    ),
    Chapter(
        "13_lifting_3d",
        "Lifting to 3D",
        "Recover depth from a flat skeleton, and see when that cannot work.",
        "4.4",
    ),
    Chapter(
        "14_applications",
        "Applications",
        "Turn poses into gestures, actions, angles, counts and overlays.",
        "3.4, 6",
    ),
    Chapter(
        "15_deployment",
        "Deployment",
        "Count what a network costs, export it, and make it run in real "
        "time without a GPU.",
        "3.3",
    ),
    Chapter(
        "16_outlook",
        "Outlook",
        "Know what came after, what is still hard, and what a pose tells "
        "about a person who did not ask.",
        "7, 8",
    ),
)


class VersionError(ValueError):
    """The installed package is older than the chapter."""


def require(version: str) -> None:
    """Stop a chapter that is newer than the installed package.

    Parameters
    ----------
    version:
        The oldest posecourse the chapter works with, ``"0.1"``.
    """
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    cure = "in the course's folder run: python -m pip install -e ."
    try:
        have = installed("posecourse")
    except PackageNotFoundError:
        raise VersionError(f"posecourse is not installed; {cure}") from None
    if _release(have) < _release(version):
        raise VersionError(
            f"this chapter needs posecourse {version} or newer, {have} is "
            f"installed; {cure}"
        )


def _release(version: str) -> tuple[int, ...]:
    """``"1.2.3"`` -> ``(1, 2, 3)``; a suffix such as ``rc1`` is ignored."""
    import re

    return tuple(int(n) for n in re.match(r"\d+(\.\d+)*", version)[0].split("."))


def folder() -> Path:
    """The course's ``chapters`` folder.

    Raises
    ------
    FileNotFoundError
        If the package was installed without the course.
    """
    return course_folder() / "chapters"


def get_chapter(which) -> Chapter:
    """A chapter by number (``3``, ``"03"``) or name (``"03_heatmaps"``)."""
    text = str(which)
    if text == START.name:
        return START
    for chapter in CHAPTERS:
        if text == chapter.name or (text.isdecimal() and int(text) == chapter.number):
            return chapter
    raise ValueError(
        f"no chapter {text!r}; there are 1 to {len(CHAPTERS)}: "
        + ", ".join(c.name for c in CHAPTERS)
    )


def find(which=(), root: Path | None = None) -> list[Chapter]:
    """The chapters asked for, or all pages that are written.

    Raises
    ------
    FileNotFoundError
        If a chapter that was asked for is only planned, or if there are no
        sources at all, as in an installed package.
    """
    root = folder() if root is None else root
    if not (root / "source").is_dir():
        raise FileNotFoundError(
            f"{root} has no folder source/: chapters are made in a checkout of "
            "the course's repository, not from the installed package"
        )
    if not which:
        return pages(root)
    chosen = [get_chapter(w) for w in which]
    for chapter in chosen:
        if not chapter.source(root).exists():
            raise FileNotFoundError(
                f"{chapter.name} is planned but not written: "
                f"{chapter.source(root)} does not exist"
            )
    return chosen


def pages(root: Path) -> list[Chapter]:
    """The first page and the chapters, as far as they are written."""
    return [c for c in (START, *CHAPTERS) if c.source(root).exists()]


def table(root: Path | None = None) -> str:
    """The README's table of chapters, as Markdown."""
    root = folder() if root is None else root
    address = repository(root.parent)
    run = " run |" if address else ""
    lines = [f"| chapter | what you do | document | solutions |{run}"]
    lines.append("|---|---|---|---|" + "---|" * bool(address))
    for c in CHAPTERS:
        title, solutions, run = f"{c.number}. {c.title}", "planned", ""
        if c.source(root).exists():
            title = f"[{title}](chapters/{c.name}.ipynb)"
            solutions = f"[solved](chapters/solutions/{c.name}.ipynb)"
            run = badges(c.number, c.name, address) if address else ""
        line = f"| {title} | {c.promise} | {c.sections} | {solutions} |"
        lines.append(line + (f" {run} |" if address else ""))
    return "\n".join(lines)


TABLE_MARKS = ("<!-- chapters:begin -->", "<!-- chapters:end -->")


def put_table(readme: str, root: Path | None = None) -> str:
    """README text with the table between its two marks brought up to date.

    Raises
    ------
    ValueError
        If the marks are missing.
    """
    before, first, rest = readme.partition(TABLE_MARKS[0])
    _, last, after = rest.partition(TABLE_MARKS[1])
    if not last:
        raise ValueError(
            "README.md needs these two lines around the table "
            "of chapters:\n" + "\n".join(TABLE_MARKS)
        )
    return f"{before}{first}\n{table(root)}\n{last}{after}"
