"""Quizzes: every choice says why, with and without HTML."""

import sys
import types
import xml.etree.ElementTree as ElementTree

import pytest

from posecourse.authoring.chapters import CHAPTERS, folder
from posecourse.exercises import quiz
from posecourse.exercises.quiz import Choice, Question, Quiz, QuizError

ONE = Question(
    "Is $a < b$?",
    (
        Choice("No, `a > b`.", "It is the *other* way."),
        Choice("Yes.", "Because **1 < 2**.", right=True),
    ),
)


@pytest.fixture
def chapter(monkeypatch):
    module = types.ModuleType("posecourse.exercises.chapter_98")
    module.QUIZ = (ONE, ONE)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return 98


@pytest.mark.parametrize("which", ["98", 98])
def test_a_quiz_is_found_by_its_chapter(chapter, which):
    assert quiz(which).questions == (ONE, ONE)


def test_each_choice_opens_to_its_explanation(chapter):
    tree = ElementTree.fromstring(f"<all>{quiz(chapter)._repr_html_()}</all>")
    choices = tree.findall("div/details")
    assert [c.get("class") for c in choices] == ["wrong", "right"] * 2
    assert not any(c.get("open") for c in choices)
    wrong, right = ("".join(c.itertext()) for c in choices[:2])
    assert wrong == "No, a > b.Not quite. It is the other way."
    assert right == "Yes.Right. Because 1 < 2."
    assert "".join(tree.find("div/p").itertext()) == "1. Is $a < b$?"


def test_as_text_the_answers_stand_below_all_questions(chapter):
    lines = repr(quiz(chapter)).splitlines()
    assert lines[:3] == ["1. Is $a < b$?", "   a) No, `a > b`.", "   b) Yes."]
    answers = lines[lines.index("Answers") + 1 :]
    assert answers[:2] == [
        "1a wrong: It is the *other* way.",
        "1b right: Because **1 < 2**.",
    ]
    assert len(answers) == 4
    long = Quiz([Question("word " * 40, ONE.choices)])
    assert max(map(len, repr(long).splitlines())) <= 78


@pytest.mark.parametrize("which", ["97", 0, "x", None, "", "098", [3], "²"])
def test_a_quiz_that_is_not_there(which):
    with pytest.raises(QuizError, match="no quiz|is asked for"):
        quiz(which)


def test_questions_that_cannot_be_asked():
    for choices in (
        ONE.choices[:1],
        ONE.choices[1:],
        (Choice("a", "b"), Choice("c", "d")),
        (Choice("a", " "), Choice("c", "d", right=True)),
    ):
        with pytest.raises(QuizError, match="Why"):
            Question("Why?", choices)


READY = [c for c in CHAPTERS if c.source(folder()).exists()]


@pytest.mark.parametrize("chapter", READY, ids=lambda c: c.name)
def test_the_quizzes_of_the_chapters(chapter):
    """4 to 6 questions, no choice twice, some right and some wrong."""
    questions = quiz(chapter.number).questions
    assert 4 <= len(questions) <= 6
    assert len({q.text for q in questions}) == len(questions)
    for question in questions:
        assert len({c.text for c in question.choices}) == len(question.choices)
        assert len({c.why for c in question.choices}) == len(question.choices)
    # nobody passes by choosing the first, the second, or the last each time
    for place in (0, 1, -1):
        hits = sum(q.choices[place].right for q in questions)
        assert hits <= 2 / 3 * len(questions)


def test_a_question_says_how_many_answers_are_right():
    right, wrong = Choice("a", "b", right=True), Choice("c", "d")
    assert Question("Which?", (right, wrong)).asked == "Which?"
    two = Question("Which?", (right, wrong, right))
    assert two.asked == "Which? (Two answers are right.)"
    assert "(Two answers are right.)" in Quiz([two])._repr_html_()
    said = Question("Which? (Two answers are right.)", (right, wrong, right))
    assert said.asked == said.text
