"""The command line: ``posecourse COMMAND`` or ``python -m posecourse``.

This module knows the commands' names and what to do when one fails. Each
command is a module with a function ``main(argv) -> int``, imported only
when it is asked for, so that ``posecourse --help`` is quick.

Exit status: 0 done; 1 done, but (`doctor` found something missing, `data
check` something wrong, `predict` a broken picture among others); 2 could
not be done; 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import difflib
import os
import sys
import traceback
import warnings
from importlib import import_module

from .places import CACHE_VARIABLE

__all__ = ["COMMANDS", "main"]

# name: (module with main(argv), what it does)
COMMANDS = {
    "lab": ("posecourse.commands.lab", "read the course in JupyterLab"),
    "train": ("posecourse.commands.train", "train a network"),
    "evaluate": (
        "posecourse.commands.evaluate",
        "score a trained network on a dataset",
    ),
    "score": ("posecourse.commands.score", "score a file of published predictions"),
    "predict": (
        "posecourse.commands.predict",
        "find poses in pictures, videos or a camera",
    ),
    "data": ("posecourse.commands.data", "fetch, check, prepare or draw data"),
    "bench": (
        "posecourse.commands.bench",
        "measure how fast the parts are, and what bounds them",
    ),
    "doctor": (
        "posecourse.commands.doctor",
        "say what is installed, what is missing, what to do",
    ),
    "chapters": (
        "posecourse.commands.chapters",
        "for authors: make the notebooks from their sources",
    ),
}


def main(argv=None) -> int:
    """Run a command; returns the exit status."""
    argv = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in argv or bool(os.environ.get("POSECOURSE_DEBUG"))
    argv = [a for a in argv if a != "--debug"]
    for stream in (sys.stdout, sys.stderr):
        # a console that lacks a letter shows a ? instead of failing
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_, **__: _complain(str(message))
            status = _dispatch(_take_data_dir(argv))
        sys.stdout.flush()
        return status
    except SystemExit as stop:  # argparse: --help or a wrong option
        return stop.code if isinstance(stop.code, int) else 2
    except KeyboardInterrupt as stop:
        name = argv[0] if argv else ""
        _complain(str(stop) or f"stopped. {_AGAIN.get(name, '')}".strip())
        return 130
    except BrokenPipeError:  # e.g. posecourse ... | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except (ValueError, OSError, ImportError) as error:
        if debug:
            traceback.print_exc()
        else:
            _complain(_words(error))
        return 2


_AGAIN = {
    "train": "Runs that had finished an epoch go on with posecourse train --resume RUN",
    "data": "Run the same command again: it goes on where it stopped",
    "predict": "Pictures that were done are in the output folder",
}


def _take_data_dir(argv: list[str]) -> list[str]:
    """Take ``--data-dir FOLDER`` out of the arguments; the whole process, and
    what it starts, then keeps prepared data there."""
    rest, words = [], iter(argv)
    for word in words:
        name, equals, folder = word.partition("=")
        if name != "--data-dir":
            rest.append(word)
            continue
        folder = folder if equals else next(words, "")
        if not folder:
            raise ValueError("--data-dir needs a folder after it")
        os.environ[CACHE_VARIABLE] = os.path.abspath(os.path.expanduser(folder))
    return rest


def _dispatch(argv) -> int:
    if not argv or argv[0] in ("-h", "--help", "help"):
        if argv[:1] == ["help"] and argv[1:]:
            return _dispatch([argv[1], "--help"])
        print(_help())
        return 0 if argv else 2
    if argv[0] == "--version":
        from posecourse import __version__

        print(f"posecourse {__version__}")
        return 0
    if argv[0] not in COMMANDS:
        near = difflib.get_close_matches(argv[0], COMMANDS, 1)
        _complain(
            f"there is no command {argv[0]!r}"
            + (
                f"; did you mean {near[0]!r}?"
                if near
                else f"; there are {', '.join(COMMANDS)}"
            )
        )
        return 2
    module, _ = COMMANDS[argv[0]]
    return import_module(module).main(argv[1:]) or 0


def _help() -> str:
    width = max(map(len, COMMANDS))
    lines = "\n".join(
        f"  {name:{width}}  {text}" for name, (_, text) in COMMANDS.items()
    )
    return f"""usage: posecourse COMMAND ...

Human pose estimation: a course and its tools.

commands:
{lines}

options:
  --help     this text; after a command, that command's options
  --version  the installed version
  --debug    show where in the code an error arose
  --data-dir FOLDER  after a command: where prepared data is kept
             (or set POSECOURSE_DATA; default: the user's cache folder)

start here:
  posecourse doctor            is everything installed?
  posecourse lab               open chapter 1
  posecourse train             train a first network, in minutes
  posecourse predict me.jpg    find the pose in a picture"""


def _complain(text: str):
    print(f"posecourse: {text}", file=sys.stderr)


def _words(error: Exception) -> str:
    text = str(error) or type(error).__name__
    if isinstance(error, ImportError):
        return (
            f"{text}. Something is not installed as it should be; "
            "posecourse doctor says what to do"
        )
    return text
