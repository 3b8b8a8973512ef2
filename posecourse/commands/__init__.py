"""The commands of ``posecourse``, one module each with ``main(argv)``.

Heavy imports stand inside `main`, after the options have been read, so
that ``--help`` and a mistyped option answer at once. What an option may be
is checked there too, by the kinds below: a number out of range, an input
that is not there or an output that cannot be written is said before
anything is measured, trained or drawn.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import textwrap
from argparse import ArgumentTypeError
from pathlib import Path

__all__ = [
    "add_camera",
    "add_device",
    "dataset",
    "existing",
    "existing_file",
    "fraction",
    "make_parser",
    "named",
    "number",
    "output_file",
    "output_folder",
    "print_json",
    "seed",
    "whole",
]

# More people, pixels, epochs or seconds than this are a slip of the finger.
_MOST = 10**9


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        """One sentence, not the list of all options above it."""
        self.exit(2, f"{self.prog}: {message} ({self.prog} --help says more)\n")


def make_parser(name: str, text: str, example: str):
    """An argument parser whose help ends with an example."""
    return _Parser(
        prog=f"posecourse {name}",
        description=textwrap.fill(text, 78),
        epilog="example:\n  " + example.replace("\n", "\n  "),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_device(parser):
    """The option ``--device``, the same for all commands."""
    parser.add_argument(
        "--device",
        default="auto",
        metavar="NAME",
        help="cpu, cuda, cuda:1, mps (default: a GPU if there is one)",
    )


def add_camera(parser):
    """The option ``--camera``: its number in place of a file."""
    parser.add_argument(
        "--camera",
        nargs="?",
        type=whole(0, 99),
        const=0,
        metavar="N",
        help="a camera instead (default: the first); Ctrl-C ends it",
    )


def print_json(value):
    """Print a value for a machine to read; NaN becomes null.

    Where the terminal lacks a letter, or a file's name is not UTF-8, it is
    written as ``\\uXXXX``, which every reader of JSON turns back.
    """
    from ..files import plain

    value = plain(value)
    text = json.dumps(value, indent=2, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(value, indent=2)
    print(text)


# ------------------------------------------------- what an option may be


class _Number:
    """The kind of an option that is a number within bounds."""

    def __init__(self, read, what: str, metavar: str, low, high):
        self.read, self.what, self.metavar = read, what, metavar
        self.low, self.high = low, high

    def __call__(self, text: str):
        try:
            value = self.read(text)
        except ValueError:
            value = math.nan  # within no bounds
        if self.low <= value <= self.high and math.isfinite(value):
            return value
        ends = [f"from {self.low:g}"] if math.isfinite(self.low) else []
        if math.isfinite(self.high) and self.high != _MOST:
            ends.append(f"to {self.high:g}")
        raise ArgumentTypeError(
            f"{' '.join([self.what, *ends])} is needed, not {_cut(text)}"
        )


def whole(low: int = 1, high: int = _MOST) -> _Number:
    """The kind of an option that is a whole number from `low` to `high`."""
    return _Number(int, "a whole number", "N", low, high)


def number(low: float = -math.inf, high: float = math.inf) -> _Number:
    """The kind of an option that is a finite number from `low` to `high`."""
    return _Number(float, "a number", "X", low, high)


seed = whole(0, 2**32 - 1)  # what NumPy and torch both take
fraction = number(0, 1)


def existing(text: str) -> Path:
    """The kind of an option that is a file or a folder."""
    path = named(text)
    if not path.exists():
        raise ArgumentTypeError(f"there is no file or folder {_cut(text)}")
    if not path.is_file() and not path.is_dir():
        raise ArgumentTypeError(f"{_cut(text)} is neither a file nor a folder")
    return path


def existing_file(text: str) -> Path:
    """The kind of an option that is a file."""
    path = named(text)
    if path.is_dir():
        raise ArgumentTypeError(f"{_cut(text)} is a folder; name a file in it")
    if not path.exists():
        raise ArgumentTypeError(f"there is no file {_cut(text)}")
    if not path.is_file():
        raise ArgumentTypeError(f"{_cut(text)} is no ordinary file")
    return path


def dataset(text: str) -> str:
    """The kind of an option that is ``synthetic``, or where a dataset is."""
    if text != "synthetic":
        try:
            existing(text)
        except ArgumentTypeError as error:
            raise ArgumentTypeError(
                f"{error}; a dataset is a folder or a file, or the word synthetic"
            ) from None
    return text


def output_file(*suffixes: str):
    """The kind of an option that is a file to write, with such an ending."""

    def read(text: str) -> Path:
        path = named(text)
        if path.is_dir():
            raise ArgumentTypeError(f"{_cut(text)} is a folder; name a file in it")
        if path.exists() and not path.is_file():
            raise ArgumentTypeError(f"{_cut(text)} is no ordinary file")
        if path.suffix.lower() not in suffixes:
            raise ArgumentTypeError(f"{_cut(text)} must end in {' or '.join(suffixes)}")
        _require_writable(path.parent, text)
        return path

    return read


def output_folder(text: str) -> Path:
    """The kind of an option that is a folder to make, or to write into."""
    path = named(text)
    if path.exists() and not path.is_dir():
        raise ArgumentTypeError(f"{_cut(text)} is not a folder")
    _require_writable(path, text)
    return path


def named(text: str) -> Path:
    """The kind of an option that is a name, of something there or not."""
    if not text.strip():
        raise ArgumentTypeError("the name is empty")
    return Path(text)


def _require_writable(folder: Path, text: str):
    """Try what will be done at the end, before the work, and undo it."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise ArgumentTypeError(
            f"{_cut(text)} cannot be written: nothing can be made in {folder} "
            f"({error.strerror})"
        ) from None


def _cut(text: str, most: int = 200) -> str:
    """An argument as a message shows it; 400 digits help nobody."""
    shown = text if len(text) <= most else f"{text[:most]}..."
    return f"'{shown}'" if shown.isprintable() else ascii(shown)
