"""Check your answers to the chapters' exercises, and get hints.

>>> from posecourse.exercises import check, hint
>>> check("03.1", my_function)        # doctest: +SKIP
>>> hint("03.1")                      # doctest: +SKIP

`check` says what is right and what is not, in a notebook with the hints beside
it and a picture of the first wrong case; `hint` gives a small push, and a
bigger one when it is called again. `quiz` asks the questions at a chapter's
end.

A checker calls your function on cases with known answers and on many random
ones. It never stops the notebook: a wrong answer, an error inside your
function or an empty cell all become a short message.

The checkers of chapter 3 live in ``posecourse/exercises/chapter_03.py``::

    @exercise("03.1", hints=("What is the largest value?", "np.argmax"))
    def _(attempt):
        attempt.gives((2, 1), small_heatmap)
        for heatmap, peak in random_cases():
            attempt.gives(peak, heatmap,
                          mistakes={"x and y are swapped": peak[::-1]})
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from .. import places
from . import panel, pictures, progress
from .attempt import FILL_IN, Attempt, NotRight, NotYet, empty, limited_output
from .by_chapter import chapter_module, hidden_module
from .quiz import quiz

__all__ = [
    "Attempt",
    "Exercise",
    "ExerciseError",
    "Result",
    "check",
    "examine",
    "exercise",
    "get_exercise",
    "hidden_test",
    "hint",
    "names",
    "quiz",
    "require_passed",
    "show_progress",
]


class ExerciseError(ValueError):
    """There is no such exercise."""


@dataclass(frozen=True)
class Exercise:
    """One exercise: its id ``"03.2"``, its checker and its hints."""

    id: str
    checker: Callable[[Attempt], None]
    hints: tuple[str, ...]


@dataclass(frozen=True)
class Result:
    """What a check found; prints itself.

    Attributes
    ----------
    status:
        ``"passed"``, ``"not right yet"`` or ``"not yet"`` (nothing to check).
    message:
        What was asked, expected and answered in the first wrong case.
    cases:
        How many cases were right.
    draw:
        Draws the first wrong case: gives a figure and its alt text, or None.
    """

    exercise: str
    status: str
    message: str
    cases: int
    draw: Callable | None = field(default=None, repr=False, compare=False)

    @property
    def passed(self) -> bool:
        return self.status == "passed"

    def __bool__(self) -> bool:
        return self.passed

    def __repr__(self) -> str:
        end = " " if self.passed else "\n  "
        text = f"{panel.title_of(self.exercise)}: {self.status}.{end}{self.message}"
        if self.status == "not right yet":
            text += f'\n  Stuck? hint("{self.exercise}")'
        return text

    def _repr_html_(self) -> str | None:
        """The panel that a notebook shows; whatever fails, the text remains."""
        try:
            hints = get_exercise(self.exercise).hints
            return panel.panel(
                self.exercise, self.status, self.message, hints, self._picture()
            )
        except Exception:
            return None

    def _picture(self) -> str | None:
        """The first wrong case as HTML, if it can be drawn."""
        try:
            drawn = self.draw() if self.draw else None
            return drawn and panel.picture_of(*drawn)
        except KeyboardInterrupt:
            raise
        except BaseException:  # an answer may be whatever it likes
            return None


_EXERCISES: dict[str, Exercise] = {}
_HIDDEN: dict[str, Callable[[Attempt], None]] = {}
_ID = r"(?:\d\d|H[1-9])\.(?:\d|project)"
_HINTS_GIVEN: Counter[str] = Counter()


def exercise(id: str, hints=()):
    """Register a checker: ``checker(attempt)``, see `Attempt`.

    Parameters
    ----------
    id:
        Chapter and number, ``"03.2"``, or ``"04.project"``; of a homework
        ``"H1.2"``.
    hints:
        From a small push to almost the answer.
    """
    if not re.fullmatch(_ID, id):
        raise ExerciseError(f"an exercise's id looks like '03.2', not {id!r}")

    def register(checker):
        _EXERCISES[id] = Exercise(id, checker, tuple(hints))
        return checker

    return register


def hidden_test(id: str):
    """Register what a grade asks beyond an exercise's own checker.

    Such tests live in ``posecourse/exercises/hidden``, which students' packages
    lack; they run after the checker has passed.
    """

    def register(checker):
        _HIDDEN[id] = checker
        return checker

    return register


def names(chapter: int | str) -> list[str]:
    """The ids of the exercises of a chapter (``3``) or a homework (``"H1"``), in
    order; none is fine."""
    chapter_module(chapter)  # registers them
    start = chapter if isinstance(chapter, str) else f"{chapter:02d}"
    return sorted(i for i in _EXERCISES if i.startswith(f"{start}."))


def get_exercise(id: str) -> Exercise:
    """The exercise ``"03.2"``.

    Raises
    ------
    ExerciseError
        If there is none; the message lists those of the chapter.
    """
    if not isinstance(id, (str, int, float)):
        raise ExerciseError(
            "the exercise comes first, then your answer: check('03.1', my_function)"
        )
    id = str(id)
    chapter = id.split(".")[0]
    there = []
    if re.fullmatch(r"[0-9]{1,2}|H[1-9]", chapter):
        there = names(int(chapter) if chapter.isdecimal() else chapter)
    if id not in there:
        raise ExerciseError(
            f"there is no exercise {id!r:.50}; "
            + (
                f"chapter {chapter} has {', '.join(there)}"
                if there
                else "an exercise's id is chapter and number, such as '03.2'"
            )
        )
    return _EXERCISES[id]


def check(id: str, answer) -> Result:
    """Check an answer (a function, or a value); never raises for a wrong one.

    Only the Ctrl-C that ends an answer which runs for ever gets through. Of
    what the answer prints, the first lines are shown.

    Parameters
    ----------
    id:
        The exercise, ``"03.2"``.
    answer:
        What the exercise asked for.
    """
    result = examine(id, answer)
    if result.passed:
        progress.note(result.exercise)
    return result


def examine(id: str, answer, graded: bool = False) -> Result:
    """As `check`, and nothing is noted.

    Parameters
    ----------
    graded:
        Whether the hidden tests of a homework are run, too.

    Raises
    ------
    ExerciseError
        If they are asked for and are not here, as in students' packages.
    """
    found = get_exercise(id)
    attempt = Attempt(answer)
    more = _find_hidden(found.id) if graded else None
    try:
        if empty(answer):
            raise NotYet("There is no answer here. " + FILL_IN)
        with limited_output():
            if more is not None:  # first: of the two it says more of mistakes
                more(attempt)
            found.checker(attempt)
    except NotYet as stopped:
        return Result(found.id, "not yet", str(stopped), attempt.right)
    except KeyboardInterrupt:
        raise
    except BaseException as wrong:
        if not isinstance(wrong, NotRight):
            wrong = NotRight(attempt.explain(wrong))
        draw = wrong.picture or (pictures.compare if wrong.case else None)
        return Result(
            found.id,
            "not right yet",
            str(wrong),
            attempt.right,
            draw and partial(draw, *wrong.case),
        )
    cases = f"{attempt.right} case{'s' * (attempt.right != 1)}"
    return Result(found.id, "passed", f"{cases} right.", attempt.right)


def require_passed(id: str, answer) -> None:
    """As a grade judges, hidden tests and all; for graders that want an error.

    Raises
    ------
    AssertionError
        If the answer has not passed; says what `check` would.
    """
    result = examine(id, answer, graded=True)
    if not result:
        raise AssertionError(str(result))


def _find_hidden(id: str):
    if not id.startswith("H"):
        return None
    if hidden_module(id.partition(".")[0]) is None:
        raise ExerciseError(
            f"the hidden tests of {id} are not here: this posecourse was made for "
            "students; grade with the whole one"
        )
    return _HIDDEN.get(id)


def hint(id: str, number: int | None = None) -> None:
    """Print the next hint of an exercise; ``number`` picks one.

    The first hint is a small push, the last almost the answer.
    """
    found = get_exercise(id)
    total = len(found.hints)
    if number is None:
        number = min(_HINTS_GIVEN[found.id] + 1, total)
    if number not in range(1, total + 1):
        raise ExerciseError(
            f"exercise {found.id} has hints 1 to {total}, not {number!r:.50}"
        )
    _HINTS_GIVEN[found.id] = number
    last = " (the last)" if number == total else ""
    print(f"Hint {number} of {total}{last}: {found.hints[number - 1]}")


def show_progress(chapter) -> None:
    """Show which exercises of a chapter are solved, in a line.

    Only in a learner's own folder of copies, where that is kept.

    Parameters
    ----------
    chapter:
        Its number, ``"03"``.
    """
    work = places.copies_folder()
    ids = names(int(chapter))
    if work is None or not ids:
        return
    line = progress.Line(ids, progress.solved(work))
    if "IPython" in sys.modules:
        from IPython.display import display

        display(line)
    else:
        print(line)
