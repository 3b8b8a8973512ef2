"""The quiz at the end of a chapter: a click on a choice says why.

Each choice opens to its explanation. That is HTML alone, so that it works in
a saved notebook, on a page and without a kernel; where there is no HTML, the
questions come as text and the answers below them.

The questions of chapter 3 are the tuple ``QUIZ`` of
``posecourse/exercises/chapter_03.py``::

    QUIZ = (
        Question(
            "Sigma is 2 and a peak is 0.95 high. Is the network *unsure*?",
            (
                Choice("Yes.", "No cell reaches 1 where a joint lies between cells."),
                Choice("Not necessarily.", "At a corner of four cells the largest "
                       r"value is $\\exp(-0.5 / 8) = 0.94$.", right=True),
            ),
        ),
        ...
    )
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from .by_chapter import chapter_module
from .markup import to_html

__all__ = ["Choice", "Question", "Quiz", "QuizError", "quiz"]


class QuizError(ValueError):
    """There is no such quiz, or a question that cannot be asked."""


@dataclass(frozen=True)
class Choice:
    """One answer to choose: what it says, and why it is right or wrong.

    Both are short Markdown: bold, italics, code, ``$formulas$``.
    """

    text: str
    why: str
    right: bool = False


@dataclass(frozen=True)
class Question:
    """A question and its choices, of which one or more are right."""

    text: str
    choices: tuple[Choice, ...]

    def __post_init__(self):
        if len(self.choices) < 2 or not any(c.right for c in self.choices):
            raise QuizError(
                f"{self.text!r:.60}: a question has two choices or more, and a right one"
            )
        for choice in self.choices:
            if not choice.text.strip() or not choice.why.strip():
                raise QuizError(
                    f"{self.text!r:.60}: each choice needs its text and why it is "
                    "right or wrong"
                )

    @property
    def asked(self) -> str:
        """The question, and how many choices are right where more than one is."""
        right = sum(choice.right for choice in self.choices)
        if right == 1 or "answers are right" in self.text:
            return self.text
        return f"{self.text} ({_NUMBERS.get(right, right)} answers are right.)"


_NUMBERS = {2: "Two", 3: "Three", 4: "Four"}
_STYLE = """<style>
.pc-quiz {max-width: 52em}
.pc-quiz details {border: 1px solid var(--jp-border-color2, #bbb);
  border-radius: 4px; margin: .3em 0}
.pc-quiz summary {cursor: pointer; padding: .35em .8em; list-style: none}
.pc-quiz summary::before {content: "○"; margin-right: .7em}
.pc-quiz summary::-webkit-details-marker {display: none}
.pc-quiz summary:hover {background: var(--jp-layout-color2, #eee)}
.pc-quiz details[open] {border-left-width: 5px}
.pc-quiz .right[open] {border-left-color: #1a7f37}
.pc-quiz .wrong[open] {border-left-color: #b35900}
.pc-quiz .right[open] > summary::before {content: "✓"}
.pc-quiz .wrong[open] > summary::before {content: "✗"}
.pc-quiz details > p {margin: 0; padding: .1em .8em .5em 2.4em}
</style>"""


class Quiz:
    """Questions that a notebook shows; `quiz` gives those of a chapter."""

    def __init__(self, questions):
        self.questions = tuple(questions)

    def _repr_html_(self) -> str:
        parts = [_STYLE, '<div class="pc-quiz">']
        for number, question in enumerate(self.questions, 1):
            # of a style sheet JupyterLab keeps nothing until the notebook is run
            parts.append(
                f'<p style="margin: 1.4em 0 0.5em"><b>{number}.</b> '
                f"{to_html(question.asked)}</p>"
            )
            for choice in question.choices:
                kind, verdict = (
                    ("right", "Right.") if choice.right else ("wrong", "Not quite.")
                )
                parts.append(
                    f'<details class="{kind}"><summary>{to_html(choice.text)}'
                    f"</summary><p><b>{verdict}</b> {to_html(choice.why)}</p></details>"
                )
        return "\n".join([*parts, "</div>"])

    def __repr__(self) -> str:
        """The questions, and below them all answers."""
        asked, answers = [], []
        for number, question in enumerate(self.questions, 1):
            asked.append(_wrapped(f"{number}. ", question.asked))
            for letter, choice in zip("abcdefgh", question.choices):
                asked.append(_wrapped(f"   {letter}) ", choice.text))
                verdict = "right" if choice.right else "wrong"
                answers.append(
                    _wrapped(f"{number}{letter} {verdict}: ", choice.why, indent=4)
                )
        return "\n".join([*asked, "", "Answers", *answers])


def _wrapped(head: str, text: str, indent: int | None = None) -> str:
    rest = " " * (len(head) if indent is None else indent)
    text = " ".join(text.split())
    return textwrap.fill(head + text, 78, subsequent_indent=rest)


def quiz(chapter) -> Quiz:
    """The quiz of a chapter, to be shown at the end of a cell.

    Parameters
    ----------
    chapter:
        Its number, ``"03"``.

    Raises
    ------
    QuizError
        If that chapter has none.
    """
    text = str(chapter)
    if not (text.isascii() and text.isdecimal() and len(text) <= 2):
        raise QuizError(f"a chapter is asked for, such as '03', not {chapter!r:.50}")
    questions = getattr(chapter_module(int(text)), "QUIZ", None)
    if not questions:
        raise QuizError(f"chapter {int(text)} has no quiz")
    return Quiz(questions)
