"""One try at an exercise: run the student's answer, compare, explain."""

from __future__ import annotations

import copy
import inspect
import traceback

import numpy as np

__all__ = ["Attempt", "NotRight", "NotYet", "same"]


FILL_IN = "Write your code in the cell above, run it, then run this one."


class NotYet(Exception):
    """There is nothing to check yet."""


class NotRight(Exception):
    """The answer is wrong; the message says where."""


class Attempt:
    """A student's answer as a checker sees it.

    Every method that finds something wrong ends the check with a message
    for the student. A function is called on copies of its arguments, so
    that changing them in place does no harm.

    Attributes
    ----------
    answer:
        What the student passed to `check`.
    right:
        Cases that were right so far.
    """

    def __init__(self, answer):
        self.answer = answer
        self.right = 0

    def __call__(self, *args, **kwargs):
        """The student's function's result; errors in it end the check.

        Returning None means that the cell is still empty.
        """
        if not callable(self.answer):
            raise NotRight(
                f"A function is asked for, this is "
                f"{_kind(self.answer)}. Pass the function itself: "
                "its name, without brackets."
            )
        given = copy.deepcopy((args, kwargs))
        try:
            result = self.answer(*given[0], **given[1])
        except NotImplementedError:
            result = None
        except Exception as error:  # whatever the student's code raises
            raise NotRight(
                "Your function stopped with an error.\n"
                f"{self._given(args, kwargs)}"
                f"  error:        {type(error).__name__}: {error}"
                f"{_line(error)}"
            ) from None
        if empty(result):
            raise NotYet("Your function returns nothing. " + FILL_IN)
        return result

    def gives(self, expected, *args, tolerance=1e-6, mistakes=None, **kwargs):
        """Call the student's function; its result must be ``expected``.

        Parameters
        ----------
        expected:
            Number, string, bool, array, tensor, or tuple, list or dict of
            those.
        tolerance:
            Largest allowed difference of a number.
        mistakes:
            ``{what went wrong: the value it leads to}``: a wrong result
            that equals one of the values gets that explanation.

        Returns
        -------
        What the student's function returned.
        """
        got = self(*args, **kwargs)
        self._compare(got, expected, tolerance, mistakes, self._given(args, kwargs))
        return got

    def equals(self, expected, tolerance=1e-6, mistakes=None):
        """The answer itself (not a function) must be ``expected``."""
        self._compare(self.answer, expected, tolerance, mistakes, "")

    def require(self, condition, message: str) -> None:
        """A property that must hold; ``message`` says what is not so."""
        if not condition:
            raise NotRight(message)
        self.right += 1

    def _compare(self, got, expected, tolerance, mistakes, given):
        difference = same(got, expected, tolerance)
        if difference:
            why = next(
                (
                    f"\n  look at:      {reason}"
                    for reason, wrong in (mistakes or {}).items()
                    if not same(got, wrong, tolerance)
                ),
                "",
            )
            raise NotRight(
                f"{difference}\n{given}"
                f"  expected:     {short(expected)}\n"
                f"  your answer:  {short(got)}{why}"
            )
        self.right += 1

    def _given(self, args, kwargs) -> str:
        """The arguments, named as the student named them."""
        try:
            bound = inspect.signature(self.answer).bind(*args, **kwargs)
            named = bound.arguments
        except (TypeError, ValueError):
            named = dict(enumerate(args)) | kwargs
        lines: list[str] = []
        for name, value in named.items():
            head = f"  {'' if lines else 'given:':13s} {name} = "
            lines.append(f"{head}{short(value, indent=len(head))}\n")
        return "".join(lines)


def empty(value) -> bool:
    """Whether an exercise was left as it was handed out."""
    return value is None or value is ...


def _line(error: Exception) -> str:
    """Where in the student's own code an error happened."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if "ipykernel" in f.filename or f.filename.startswith("<")]
    if not own:
        return ""
    text = f": {own[-1].line}" if own[-1].line else ""
    return f"\n  in your line: {own[-1].lineno}{text}"


def _array(value):
    """A tensor, list or number as a NumPy array, or None."""
    if hasattr(value, "detach"):  # a tensor, without importing torch
        value = value.detach().cpu()
        if str(value.dtype) == "torch.bfloat16":
            value = value.float()
        return value.numpy()
    if isinstance(value, (bool, int, float, complex, np.ndarray, np.generic)):
        return np.asarray(value)
    return None


def _sequence(value):
    """A (nested) tuple or list of numbers as an array, others as they are."""
    if isinstance(value, (tuple, list)):
        try:
            array = np.asarray([_array(_sequence(v)) for v in value])
        except ValueError:
            return value
        if array.dtype != object:
            return array
    return value


def same(got, expected, tolerance=1e-6) -> str:
    """Compare two values; "" if they agree, otherwise what differs.

    Numbers agree within ``tolerance``, NaN with NaN; of numbers of 32 or
    16 bits, which cannot say more, only the first digits count. Tensors,
    arrays and nested lists of numbers are compared by value whatever their
    type.
    """
    got, expected = _sequence(got), _sequence(expected)
    a, b = _array(got), _array(expected)
    if b is not None:
        return _same_array(a, b, got, tolerance)
    if isinstance(expected, dict):
        if not isinstance(got, dict):
            return f"A dict is asked for, not {_kind(got)}."
        if set(got) != set(expected):
            return (
                f"The keys should be {sorted(map(str, expected))}, they "
                f"are {sorted(map(str, got))}."
            )
        return next(
            (
                f"At key {k!r}: {d}"
                for k in expected
                if (d := same(got[k], expected[k], tolerance))
            ),
            "",
        )
    if isinstance(expected, (tuple, list)):
        if not isinstance(got, (tuple, list)) or len(got) != len(expected):
            size = f" of {len(got)}" if isinstance(got, (tuple, list)) else ""
            return f"{len(expected)} values are asked for, this is {_kind(got)}{size}."
        return next(
            (
                f"Value {i}: {d}"
                for i, (g, e) in enumerate(zip(got, expected))
                if (d := same(g, e, tolerance))
            ),
            "",
        )
    return "" if got == expected else "The values differ."


def _same_array(a, b, got, tolerance) -> str:
    if a is None or a.dtype.kind not in "biufc":
        return f"Numbers are asked for, not {_kind(got)}."
    if a.shape != b.shape:
        return f"The shape should be {b.shape}, it is {a.shape}."
    if b.dtype.kind == "b" and a.dtype.kind != "b":
        return "True or False is asked for, not a number."
    digits = max(np.finfo(x.dtype).eps if x.dtype.kind == "f" else 0 for x in (a, b))
    close = np.isclose(a, b, rtol=16 * digits, atol=tolerance, equal_nan=True)
    if close.all():
        return ""
    if not a.shape:
        return "The number differs."
    where = tuple(int(i) for i in np.argwhere(~close)[0])
    place = where[0] if len(where) == 1 else where
    mine, right = next(
        texts
        for digits in (6, 9, 17)
        if len(set(texts := [f"{x[place]:.{digits}g}" for x in (a, b)])) == 2
        or digits == 17
    )
    return (
        f"{int((~close).sum())} of {close.size} numbers differ, the "
        f"first at index {place}: {mine} instead of {right}."
    )


def _kind(value) -> str:
    """``"an ndarray"``, ``"a list"``."""
    name = type(value).__name__
    vowel = name[0] in "aeiouAEIOU" or name.startswith("nd")
    return f"{'an' if vowel else 'a'} {name}"


def short(value, limit=400, indent=16) -> str:
    """A value on few lines: small arrays whole, large ones by their shape."""
    array = _array(_sequence(value))
    if array is not None and array.size > 30:
        return f"{type(value).__name__} of shape {array.shape}"
    if array is not None:
        # no 1e-17 among ones, but no 0. for 0.00001 either
        large = array.dtype.kind != "f" or (np.abs(array) >= 0.01).any()
        text = np.array2string(
            array,
            precision=4,
            suppress_small=large,
            separator=", ",
            prefix=" " * indent,
        )
    else:
        text = repr(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."
