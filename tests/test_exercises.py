"""Checkers: fair to right answers, helpful to wrong ones, never fatal."""

import contextlib
import functools
import re
import sys

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


def raising(error):
    """An answer that fails."""

    def answer(heatmap):
        raise error

    return answer


@pytest.mark.parametrize(
    "answer", [None, ..., lambda heatmap: None, lambda heatmap: ...]
)
def test_an_empty_cell_is_not_yet(peak, answer):
    result = check(peak, answer)
    assert result.status == "not yet" and not result
    assert "Write your code" in result.message


def test_not_implemented_is_not_yet(peak):
    """Some learners say so themselves in a cell that they leave for now."""
    assert check(peak, raising(NotImplementedError())).status == "not yet"


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


def test_an_error_of_the_checker_is_shown_not_raised(peak):
    @exercise("99.9")
    def checker(attempt):
        attempt(np.zeros((2, 2)))
        raise ZeroDivisionError("of the checker")

    result = check(peak, functools.partial(right))
    assert result.status == "not right yet"
    for part in (
        "your answer:  [0, 0]",
        "ZeroDivisionError: of the checker",
        "tell us",
    ):
        assert part in result.message


class Own(BaseException):
    """A learner's own kind, which no ``except Exception`` holds up."""


class Silent(Exception):
    def __str__(self):
        raise RuntimeError


@pytest.mark.parametrize(
    "error, says",
    [
        (SystemExit("bye"), "SystemExit: bye .* a function ends with return"),
        (SystemExit(), "SystemExit: .*a function ends with return"),
        (GeneratorExit(), "GeneratorExit"),
        (Own("mine"), "Own: mine"),
        (Silent(), "Silent: .its message cannot be shown"),
        (RecursionError("deep"), "RecursionError"),
        (MemoryError(), "MemoryError"),
        (ExceptionGroup("two", [ValueError(1), ValueError(2)]), "ExceptionGroup: two"),
        (ValueError("x" * 10**6), "ValueError: xxx"),
        (
            NotImplementedError("Could not run 'aten::add'"),
            "NotImplementedError: Could",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_whatever_an_answer_raises_is_shown(peak, error, says):
    answer = raising(error)
    result = check(peak, answer)
    assert result.status == "not right yet" and len(repr(result)) < 3000
    assert re.search(f"error: +{says}", repr(result))


def test_errors_where_the_checker_calls_the_answer_itself(peak):
    @exercise("99.9")
    def checker(attempt):
        attempt.answer(np.zeros((2, 2)))

    def answer(heatmap):
        raise SystemExit

    result = check(peak, answer)
    assert "Your function stopped with an error" in result.message
    assert "in your line: " in result.message


def test_ctrl_c_gets_through(peak):
    def answer(heatmap):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check(peak, answer)


class Broken:
    """Every way to look at it fails."""

    def __init__(self, error=RuntimeError):
        self.error = error

    def fail(self, *args):
        raise self.error

    __repr__ = __str__ = __eq__ = __len__ = __iter__ = __getitem__ = __bool__ = fail
    __hash__ = None


class BrokenList(list):
    def __repr__(self):
        raise SystemExit

    __iter__ = __len__ = __repr__


def looped(copies=1):
    found = []
    found += [found] * copies
    return found


def deep(times, width=1):
    found = [1]
    for _ in range(times):
        found = [found] * width
    return found


def endless():
    while True:
        yield 1


async def later():
    return 1


def odd_answers():
    """Name, and what makes a value that a checker did not expect."""
    import torch

    yield from {
        "broken": Broken,
        "broken, exits": lambda: Broken(SystemExit),
        "broken list": lambda: BrokenList([1, 2]),
        "broken in a list": lambda: [Broken(), 1],
        "nameless": type("", (), {}),
        "itself": looped,
        "itself ten times": lambda: looped(10),
        "itself in a dict": lambda: {"a": looped()},
        "deep": lambda: deep(100_000),
        "deep and wide": lambda: deep(60, 2),
        "long": lambda: [0.5] * 2_000_000,
        "long text": lambda: "x" * 10**7,
        "endless": endless,
        "map": lambda: map(str, range(3)),
        "coroutine": later,
        "range": lambda: range(10**12),
        "stdout": lambda: sys.stdout,
        "large number": lambda: 10**5000,
        "large negative number": lambda: -(10**30),
        "sparse": lambda: torch.zeros(2).to_sparse(),
        "sparse and huge": lambda: torch.sparse_coo_tensor(size=(10**9, 10**9)),
        "compressed": lambda: torch.eye(2).to_sparse_csr(),
        "meta": lambda: torch.zeros(2, device="meta"),
        "quantised": lambda: torch.quantize_per_tensor(
            torch.ones(2), 0.1, 0, torch.qint8
        ),
        "nested": lambda: torch.nested.nested_tensor([torch.ones(1), torch.ones(2)]),
        "conjugate": lambda: torch.conj(torch.ones(2, dtype=torch.complex64)),
        "eight bits": lambda: torch.ones(2).to(torch.float8_e4m3fn),
        "huge view": lambda: torch.ones(1, dtype=torch.bfloat16).expand(10**12),
        "gradient": lambda: torch.ones(2, requires_grad=True),
        "masked": lambda: np.ma.masked_all(2),
        "objects": lambda: np.array([Broken(), None]),
        "structured": lambda: np.zeros(2, dtype=[("x", float)]),
        "dates": lambda: np.array(["2020-01-01"], dtype="datetime64[D]"),
        "huge broadcast": lambda: np.broadcast_to(1.0, (10**6, 10**6)),
        "no numbers": lambda: np.zeros((0, 2)),
        "a class": lambda: Broken,
        "a module": lambda: np,
    }.items()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name, make", list(odd_answers()))
@pytest.mark.parametrize("form", ["peak", "value", "text", "dict", "03.1", "01.1"])
def test_odd_answers_are_refused_in_words(peak, name, make, form):
    """Whatever comes back, and whatever a checker does with it."""
    if form in ("value", "text", "dict"):
        expected = {
            "value": np.array([0.25, 0.75]),
            "text": "left_knee",
            "dict": {"a": 1.5, "b": (1, 2)},
        }[form]

        @exercise("99.9")
        def checker(attempt):
            attempt.gives(expected, 3, mistakes={"halved": np.array([0.1, 0.3])})

    value = make()
    result = check(form if form[0] == "0" else peak, lambda *a, **k: value)
    assert result.status == "not right yet"
    assert 20 < len(repr(result)) < 5000
    assert not sys.stdout.closed


@pytest.mark.filterwarnings("ignore")
def test_right_numbers_are_right_in_whatever_they_come():
    torch = pytest.importorskip("torch")
    right = torch.tensor([0.0, 0.5, 1.0])
    for value in (
        right.to_sparse(),
        torch.quantize_per_tensor(right, 0.5, 0, torch.quint8),
        right.clone().requires_grad_(),
        right.to(torch.float8_e4m3fn),
        right.to(torch.bfloat16),
        torch.conj(right.to(torch.complex64)),
        [right[0], 0.5, np.float16(1)],
        np.ma.array([0, 0.5, 1.0]),
    ):
        assert same(value, right) == "", value
    assert "differ" in same(np.ma.array([0, 0.5, 1.0], mask=[0, 0, 1]), right)
    assert "1 of 2 numbers differ" in same([True, False], np.array([True, True]))
    assert "sparse" not in same(torch.zeros(3).to_sparse(), right)
    assert "on meta" in same(torch.zeros(3, device="meta"), right)


def test_what_an_answer_prints_has_an_end(peak, capsys):
    def answer(heatmap):
        print("looking at", heatmap.shape)
        return right(heatmap)

    assert check(peak, answer)
    assert capsys.readouterr().out.count("looking at") == 6

    def chatty(heatmap):
        print("x" * 100_000)
        return right(heatmap)

    assert check(peak, chatty)
    out = capsys.readouterr().out
    assert len(out) < 6000 and "printed further is not shown" in out

    def endless(heatmap):
        while True:
            with contextlib.suppress(Exception):
                print("on and on")

    result = check(peak, endless)
    assert "it prints without end" in result.message
    assert len(capsys.readouterr().out) < 6000


def test_the_exercise_comes_first(peak):
    with pytest.raises(ExerciseError, match="comes first"):
        check(right, peak)
    for id in (99.8, 3, "9" * 5000, "²", "-1.2"):
        with pytest.raises(ExerciseError, match="no exercise"):
            check(id, right)
    for number in (0, 3, -1, 1.5, "x", [1]):
        with pytest.raises(ExerciseError, match="hints 1 to 2"):
            hint(peak, number)


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
        if {"setup", "project", kind} & set(tags(cell)):
            exec(compile(cell.source, f"<{chapter.name}>", "exec"), space)
            yield None, space
        elif "check" in tags(cell):
            yield eval(cell.source, space), space


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["solution", "exercise"])
@pytest.mark.parametrize("chapter", READY, ids=lambda c: c.name)
def test_solutions_pass_and_empty_cells_do_not(chapter, kind, monkeypatch):
    monkeypatch.chdir(folder())
    results = [r for r, _ in _cells_run(chapter, folder(), kind) if r is not None]
    assert [r.exercise for r in results] == names(chapter.number)
    # a project that is tagged so is the learner's own
    cells = read_source(chapter.source(folder())).cells
    own = any("project" in tags(cell) for cell in cells)
    for result in results:
        unsolved = own and result.exercise.endswith("project")
        assert result.passed == (kind == "solution" and not unsolved), result


@pytest.mark.slow
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
