"""One try at an exercise: run the student's answer, compare, explain."""

from __future__ import annotations

import contextlib
import copy
import inspect
import io
import itertools
import reprlib
import sys
import traceback

import numpy as np

__all__ = [
    "Attempt",
    "NotRight",
    "NotYet",
    "as_numbers",
    "as_tensor_array",
    "has_an_end",
    "is_tensor",
    "limited_output",
    "safely",
    "same",
    "short",
    "unfinished",
    "words",
]


FILL_IN = "Write your code in the cell above, run it, then run this one."


class NotYet(Exception):
    """There is nothing to check yet."""


class NotRight(Exception):
    """The answer is wrong; the message says where.

    Attributes
    ----------
    picture:
        A function that draws the wrong case (see ``pictures``), or None.
    case:
        What it is called with: what was expected and what came, or nothing.
    """

    def __init__(self, message: str, picture=None, case=()):
        super().__init__(message)
        self.picture, self.case = picture, case


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
    got:
        What the student's function returned last.
    """

    def __init__(self, answer):
        self.answer = answer
        self.right = 0
        self.got = None if callable(answer) else answer

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
        except KeyboardInterrupt:  # the student's own
            raise
        except BaseException as error:  # whatever the student's code raises
            if not unfinished(error):
                raise NotRight(
                    "Your function stopped with an error.\n"
                    f"{self._given(args, kwargs)}{self._stopped(error)}"
                ) from None
            result = None
        if empty(result):
            raise NotYet("Your function returns nothing. " + FILL_IN)
        _require_finished(result)
        self.got = result
        return result

    def explain(self, error: BaseException) -> str:
        """What to say where a checker could not go on with an answer."""
        if self._own_lines(error):  # the checker called the function itself
            return "Your function stopped with an error.\n" + self._stopped(error)
        return (
            "The check cannot go on with your answer. Is it of the type and shape "
            "that are asked for?\n"
            f"  your answer:  {safely(short, self.got, 'one that cannot be shown')}\n"
            f"  error:        {words(error)}\n"
            "  (If you are sure that it is right, the check is wrong: tell us.)"
        )

    def gives(
        self, expected, *args, tolerance=1e-6, mistakes=None, picture=None, **kwargs
    ):
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
        picture:
            ``picture(expected, answer)`` draws a wrong case, see ``pictures``;
            pictures and maps are drawn without being asked.

        Returns
        -------
        What the student's function returned.
        """
        got = self(*args, **kwargs)
        given = self._given(args, kwargs)
        self._compare(got, expected, tolerance, mistakes, picture, given)
        return got

    def equals(self, expected, tolerance=1e-6, mistakes=None, picture=None):
        """The answer itself (not a function) must be ``expected``."""
        self._compare(self.answer, expected, tolerance, mistakes, picture, "")

    def require(self, condition, message: str, picture=None) -> None:
        """A property that must hold; ``message`` says what is not so.

        ``picture()`` draws the case in which it does not.
        """
        if not condition:
            raise NotRight(message, picture)
        self.right += 1

    def _compare(self, got, expected, tolerance, mistakes, picture, given):
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
                f"  your answer:  {short(got)}{why}",
                picture,
                (expected, got),
            )
        self.right += 1

    def _stopped(self, error: BaseException) -> str:
        """The error, and where in the student's own code it happened."""
        text = f"  error:        {words(error)}"
        own = self._own_lines(error)
        if own:
            line = f": {own[-1].line}" if own[-1].line else ""
            text += f"\n  in your line: {own[-1].lineno}{line:.200}"
        return text

    def _own_lines(self, error: BaseException) -> list:
        if hasattr(error, "own_lines"):  # it came from another process
            return error.own_lines
        code = getattr(self.answer, "__code__", None)
        return [
            frame
            for frame in traceback.extract_tb(error.__traceback__)
            if "ipykernel" in frame.filename
            or frame.filename == getattr(code, "co_filename", "")
            or (frame.filename[:1] == "<" and frame.filename[:3] not in ("<fr", "<__"))
        ]

    def _given(self, args, kwargs) -> str:
        """The arguments, named as the student named them."""
        try:
            bound = inspect.signature(self.answer).bind(*args, **kwargs)
            named = bound.arguments
        except Exception:  # no signature, or one that does not fit
            named = dict(enumerate(args)) | kwargs
        lines: list[str] = []
        for name, value in named.items():
            head = f"  {'' if lines else 'given:':13s} {name} = "
            lines.append(f"{head}{short(value, indent=len(head))}\n")
        return "".join(lines)


def empty(value) -> bool:
    """Whether an exercise was left as it was handed out."""
    return value is None or value is ...


def unfinished(error: BaseException) -> bool:
    """Whether a student left a cell for later with NotImplementedError.

    torch raises one, too, for what a kind of tensor cannot do.
    """
    if not isinstance(error, NotImplementedError):
        return False
    last = traceback.extract_tb(error.__traceback__)[-1:]
    return not str(error) or any(
        "NotImplementedError" in f.line for f in last if f.line
    )


def words(error: BaseException, most: int = 500) -> str:
    """An error in words, also where it has none."""
    text = safely(str, error, "(its message cannot be shown)")
    text = text if len(text) <= most else text[:most] + "..."
    if type(error).__name__ == "SystemExit":  # also one of another process
        text += " (exit and quit end the whole program; a function ends with return)"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _require_finished(result) -> None:
    """No values that are still to come, perhaps without an end."""
    if inspect.iscoroutine(result):
        result.close()
        raise NotRight("Your function begins with async; leave that out.")
    if hasattr(type(result), "__next__"):
        raise NotRight(
            f"Your function gives {_kind(result)}, which makes its values one by "
            "one when asked. Return the values themselves: list(...) collects them."
        )
    if isinstance(result, (tuple, list)) and not has_an_end(result):
        raise NotRight(
            f"Your function gives {_kind(result)} with more values than can be "
            "looked at, or one that contains itself."
        )


class _Endless(BaseException):
    """An answer prints without end; no ``except Exception`` holds it up."""


class _Limited(io.TextIOBase):
    """Passes on what is printed, up to a point."""

    def __init__(self, stream, shown: int = 5_000, most: int = 1_000_000):
        self.stream, self.shown, self.most, self.count = stream, shown, most, 0

    def write(self, text: str) -> int:
        left = self.shown - self.count
        self.count += len(text)
        if left > 0:
            self.stream.write(text[:left])
            if self.count >= self.shown:
                self.stream.write("\n... (what is printed further is not shown)\n")
        if self.count > self.most:
            raise _Endless("it prints without end")
        return len(text)

    def flush(self):
        self.stream.flush()

    def __getattr__(self, name):
        return getattr(self.stream, name)


def limited_output():
    """Within the block, little of what is printed is shown."""
    return contextlib.redirect_stdout(_Limited(sys.stdout))


def as_numbers(value):
    """Numbers in whatever form (nested lists too) as an array, or None."""
    array = _array(_sequence(value))
    return array if array is not None and array.dtype.kind in "biuf" else None


def _array(value):
    """A tensor, list or number as a NumPy array, or None."""
    if is_tensor(value):
        return as_tensor_array(value)
    if isinstance(value, np.ma.MaskedArray) and value.dtype.kind == "f":
        return value.filled(np.nan)
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return np.asarray(float("inf") if value > 0 else -float("inf"))
    if isinstance(value, (bool, int, float, complex, np.ndarray, np.generic)):
        return np.asarray(value)
    return None


def is_tensor(value) -> bool:
    """Whether a value is a tensor of PyTorch, which need not be imported."""
    torch = sys.modules.get("torch")  # without importing it
    return torch is not None and isinstance(value, torch.Tensor)


def as_tensor_array(value):
    """The numbers of a tensor of whatever kind, or None where it has none."""
    import torch

    try:
        value = value.detach()
        if value.is_quantized:
            value = value.dequantize()
        if value.layout != torch.strided:
            value = value.to_dense()
        value = value.cpu().resolve_conj().resolve_neg()
        if value.is_floating_point() and value.dtype.itemsize < 4:
            value = value.float()
        return value.numpy()
    except (RuntimeError, TypeError):  # "meta", nested, rare kinds of numbers
        return None


# Lists of more than so many values, or so deep, are not looked into.
_MOST_VALUES, _DEEPEST = 200_000, 32


def _sequence(value):
    """A (nested) tuple or list of numbers as an array, others as they are."""
    if not isinstance(value, (tuple, list)) or not has_an_end(value):
        return value
    return _numbers(value)


def _numbers(value):
    if not isinstance(value, (tuple, list)):
        return value
    try:
        array = np.asarray([_array(_numbers(v)) for v in value])
    except ValueError:
        return value
    return value if array.dtype == object else array


def has_an_end(value) -> bool:
    """A list may contain itself, or others again and again."""
    count, todo = 0, [(value, 0)]
    while todo and count <= _MOST_VALUES:
        inner, depth = todo.pop()
        count += len(inner)
        if depth > _DEEPEST:
            return False
        inner = inner.values() if isinstance(inner, dict) else inner
        lists = (
            v
            for v in itertools.islice(inner, _MOST_VALUES)
            if isinstance(v, (tuple, list, dict))
        )
        todo += [(v, depth + 1) for v in lists]
    return count <= _MOST_VALUES


def same(got, expected, tolerance=1e-6) -> str:
    """Compare two values; "" if they agree, otherwise what differs.

    Numbers agree within ``tolerance``, NaN with NaN; of numbers of 32 or
    16 bits, which cannot say more, only the first digits count. Tensors,
    arrays and nested lists of numbers are compared by value whatever their
    type.
    """
    got, expected = _sequence(got), _sequence(expected)
    b = _array(expected)
    if b is not None:
        shape = tuple(got.shape) if _has_shape(got) else b.shape
        if shape != b.shape:  # before large ones are made dense
            return f"The shape should be {b.shape}, it is {shape}."
        return _same_array(_array(got), b, got, tolerance)
    if isinstance(expected, dict):
        if not isinstance(got, dict):
            return f"A dict is asked for, not {_kind(got)}."
        if set(got) != set(expected):
            return (
                f"The keys should be {short(sorted(map(str, expected)))}, they "
                f"are {short(sorted(map(str, got)))}."
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
    equal = isinstance(got, type(expected)) and bool(got == expected)
    return "" if equal else "The values differ."


def _has_shape(value) -> bool:
    return isinstance(value, (np.ndarray, np.generic)) or is_tensor(value)


def _same_array(a, b, got, tolerance) -> str:
    if a is None or a.dtype.kind not in "biufc":
        size = f" of {len(got)}" if isinstance(got, (tuple, list)) else ""
        return f"Numbers are asked for, not {_kind(got)}{size}."
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
        if len(set(texts := [_digits(x[place], digits) for x in (a, b)])) == 2
        or digits == 17
    )
    return (
        f"{int((~close).sum())} of {close.size} numbers differ, the "
        f"first at index {place}: {mine} instead of {right}."
    )


def _digits(value, digits: int) -> str:
    return str(value) if value.dtype.kind == "b" else f"{value:.{digits}g}"


def _kind(value) -> str:
    """``"an ndarray"``, ``"a list"``."""
    name = type(value).__name__ or "nameless object"
    vowel = name[0] in "aeiouAEIOU" or name.startswith("nd")
    kind = f"{'an' if vowel else 'a'} {name}"
    if is_tensor(value):
        kind += f" ({value.layout}, {value.dtype}, on {value.device})"
    return kind


def short(value, limit=400, indent=16) -> str:
    """A value on few lines: small arrays whole, large ones by their shape."""
    if _has_shape(value) and np.prod(value.shape, dtype=float) > 30:
        return f"{type(value).__name__} of shape {tuple(value.shape)}"
    array = _array(_sequence(value))
    if array is not None and array.size > 30:
        return f"{type(value).__name__} of shape {array.shape}"
    if array is not None and array.dtype.kind in "biufc":
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
        text = _repr(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."


class _Repr(reprlib.Repr):
    """As `repr`, but with an end, and also where an object's own one fails."""

    def __init__(self):
        super().__init__()
        self.maxlist = self.maxtuple = self.maxdict = self.maxset = 40
        self.maxstring = self.maxother = 1000


def _repr(value) -> str:
    return safely(_Repr().repr, value, f"{_kind(value)} that cannot be shown")


def safely(function, value, otherwise: str) -> str:
    """A student's own object may fail in every way where it is shown."""
    try:
        return function(value)
    except KeyboardInterrupt:
        raise
    except BaseException:
        return otherwise
