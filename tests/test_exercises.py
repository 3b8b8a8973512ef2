"""Checkers: fair to right answers, helpful to wrong ones, never fatal."""

import numpy as np
import pytest

from posecourse import exercises
from posecourse.authoring.chapters import CHAPTERS, folder
from posecourse.authoring.notebooks import read_source, tags
from posecourse.exercises import (
    ExerciseError,
    check,
    exercise,
    get_exercise,
    hint,
    names,
)
from posecourse.exercises.attempt import same, short


@pytest.fixture
def peak():
    """An exercise that exists for one test."""

    @exercise("99.9", hints=("first", "second"))
    def checker(attempt):
        small = np.zeros((3, 4))
        small[1, 2] = 1.0
        attempt.gives((2, 1), small, mistakes={"x and y are swapped": (1, 2)})
        rng = np.random.default_rng(0)
        for _ in range(5):
            heatmap = rng.random((4, 6))
            got = attempt(heatmap)
            attempt.require(
                heatmap[got[1], got[0]] == heatmap.max(), "this cell is not the largest"
            )

    exercises._HINTS_GIVEN.pop("99.9", None)
    yield "99.9"
    del exercises._EXERCISES["99.9"]


def right(heatmap):
    row, column = np.unravel_index(heatmap.argmax(), heatmap.shape)
    return column, row


# --- the framework ------------------------------------------------------


def test_a_right_answer_passes(peak):
    result = check(peak, right)
    assert result and result.cases == 6
    assert repr(result) == "Exercise 99.9: passed. 6 cases right."


@pytest.mark.parametrize(
    "answer", [None, ..., lambda heatmap: None, lambda heatmap: ...]
)
def test_an_empty_cell_is_not_yet(peak, answer):
    result = check(peak, answer)
    assert result.status == "not yet" and not result
    assert "Write your code" in result.message


def test_not_implemented_is_not_yet(peak):
    """Some learners say so themselves in a cell that they leave for now."""

    def answer(heatmap):
        raise NotImplementedError

    assert check(peak, answer).status == "not yet"


def test_the_first_wrong_case_is_shown(peak):
    result = check(peak, lambda heatmap: right(heatmap)[::-1])
    text = repr(result)
    assert result.status == "not right yet" and result.cases == 0
    for part in (
        "heatmap = [[0., 0., 0., 0.]",
        "expected:     [2, 1]",
        "your answer:  [1, 2]",
        "x and y are swapped",
        'hint("99.9")',
    ):
        assert part in text


def test_a_broken_property_is_told(peak):
    result = check(peak, lambda heatmap: (2, 1))
    assert "not the largest" in result.message and result.cases == 1


def test_an_error_in_the_answer_is_shown_not_raised(peak):
    def answer(heatmap):
        return heatmap.nothing

    result = check(peak, answer)
    assert "AttributeError" in result.message
    assert "given:        heatmap" in result.message


def test_wrong_arguments_are_shown_not_raised(peak):
    assert "TypeError" in check(peak, lambda a, b: 1).message


def test_a_value_where_a_function_is_asked_for(peak):
    assert "without brackets" in check(peak, (2, 1)).message


def test_changing_the_argument_in_place_does_no_harm(peak):
    def answer(heatmap):
        found = right(heatmap)
        heatmap[:] = 0
        return found

    assert check(peak, answer)


def test_an_error_of_the_checker_is_raised(peak):
    @exercise("99.9")
    def checker(attempt):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        check(peak, right)


def test_hints_come_one_by_one(peak, capsys):
    for expected in (
        "Hint 1 of 2: first",
        "Hint 2 of 2 (the last): second",
        "Hint 2 of 2 (the last): second",
    ):
        hint(peak)
        assert capsys.readouterr().out.strip() == expected
    hint(peak, 1)
    assert "first" in capsys.readouterr().out
    with pytest.raises(ExerciseError, match="hints 1 to 2"):
        hint(peak, 3)


@pytest.mark.parametrize("id", ["99.8", "x", "", "3", "03"])
def test_an_unknown_exercise_says_which_there_are(id, peak):
    with pytest.raises(ExerciseError, match="no exercise"):
        check(id, 1)


@pytest.mark.parametrize("id", ["3.1", "03.10", "03", "a.b"])
def test_an_id_has_two_digits_and_one(id):
    with pytest.raises(ExerciseError, match="looks like"):
        exercise(id)


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (2, 2.0),
        (np.float32(0.1), 0.1),
        ([1, 2], (1, 2)),
        (np.nan, np.nan),
        (np.ones((2, 2)), [[1, 1], [1, 1]]),
        ("a", "a"),
        (True, True),
        ((np.zeros(2), "x"), [[0, 0], "x"]),
        ({"a": [1]}, {"a": (1,)}),
        (np.bool_(True), True),
        (np.float32([1164.3501]), [1164.35]),
    ],
)
def test_values_that_agree(got, expected):
    assert same(got, expected) == ""


def test_tensors_agree_with_arrays():
    torch = pytest.importorskip("torch")
    assert same(torch.ones(2, requires_grad=True), np.ones(2)) == ""
    assert same((torch.tensor(1), 2), (1, 2)) == ""
    assert same(torch.ones(2, dtype=torch.bfloat16), [1, 1]) == ""


@pytest.mark.parametrize(
    ("got", "expected", "message"),
    [
        (2, 2.1, "number differs"),
        (np.nan, 1, "differs"),
        ([1, 2, 3], [1, 2], r"shape should be \(2,\), it is \(3,\)"),
        (np.eye(2), np.ones((2, 2)), r"first at index \(0, 1\)"),
        ("2", 2, "Numbers are asked for"),
        (1, True, "True or False"),
        ([1, "a"], [1, "b"], "Value 1"),
        ((1,), (1, "b"), "2 values"),
        ([1], {"a": 1}, "A dict"),
        ({"b": 1}, {"a": 1}, "keys"),
        ({"a": 2}, {"a": 1}, "At key 'a'"),
        ("a", "b", "differ"),
        (object(), 1, "Numbers"),
        ([[1], [1, 2]], [1, 2], "Numbers"),
        ([1164.35001], [1164.35], "1164.35001 instead of 1164.35"),
        (np.array("x"), 1, "not an ndarray"),
    ],
)
def test_values_that_differ(got, expected, message):
    import re

    assert re.search(message, same(got, expected))


def test_small_numbers_are_shown():
    assert short(0.00001) == "1.e-05"
    assert short([1e-17, 1.0]) == "[0., 1.]"


# --- the chapters' checkers ---------------------------------------------

READY = [c for c in CHAPTERS if c.source(folder()).exists()]
WRITTEN = [(c, n) for c in READY for n in names(c.number)]


def _cells_run(chapter, folder, kind):
    """Names after the cells tagged setup and those tagged ``kind``."""
    space = {"__name__": "chapter"}
    for cell in read_source(chapter.source(folder)).cells:
        if {"setup", kind} & set(tags(cell)):
            exec(compile(cell.source, f"<{chapter.name}>", "exec"), space)
            yield None, space
        elif "check" in tags(cell):
            yield eval(cell.source, space), space


@pytest.mark.parametrize("kind", ["solution", "exercise"])
@pytest.mark.parametrize("chapter", READY, ids=lambda c: c.name)
def test_solutions_pass_and_empty_cells_do_not(chapter, kind, monkeypatch):
    monkeypatch.chdir(folder())
    results = [r for r, _ in _cells_run(chapter, folder(), kind) if r is not None]
    assert [r.exercise for r in results] == names(chapter.number)
    for result in results:
        assert result.passed == (kind == "solution"), result


@pytest.mark.parametrize("id", [n for _, n in WRITTEN])
def test_a_checker_refuses_nonsense(id):
    for nonsense in (
        "nonsense",
        12345.678,
        lambda *a, **k: "nonsense",
        lambda *a, **k: -12345.678,
        lambda: 0,
    ):
        assert not check(id, nonsense).passed, nonsense
    assert len(get_exercise(id).hints) >= 2
