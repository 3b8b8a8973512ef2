"""The command line: ``posecourse COMMAND`` or ``python -m posecourse``.

This module knows the commands' names and what to do when one fails. Each
command is a module with a function ``main(argv) -> int``, imported only
when it is asked for, so that ``posecourse --help`` is quick.

Exit status: 0 done; 1 done, but (`doctor` found something missing, `data
check` something wrong, `predict` a broken picture among others); 2 could
not be done, for the reason that is said; 130 stopped by Ctrl-C, 143 by
SIGTERM, 129 by a terminal that was closed; 141 nobody reads the output.
"""

from __future__ import annotations

import difflib
import errno
import linecache
import os
import shlex
import signal
import sys
import tempfile
import threading
import traceback
import warnings
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path

from .places import CACHE_VARIABLE

__all__ = ["COMMANDS", "main"]

# name: (module with main(argv), what it does)
COMMANDS = {
    "lab": ("posecourse.commands.lab", "read the course in JupyterLab"),
    "exercise": (
        "posecourse.commands.exercise",
        "your exercises: list, open, hint, check, reset; a class's: release, "
        "collect, grade",
    ),
    "slides": ("posecourse.commands.slides", "write a chapter as slides"),
    "site": ("posecourse.commands.site", "write the course as web pages"),
    "kit": (
        "posecourse.commands.kit",
        "for teachers: all that a room without a network needs, on a stick",
    ),
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
    "export": (
        "posecourse.commands.export",
        "write a network as one file that runs without PyTorch",
    ),
    "track": (
        "posecourse.commands.track",
        "follow one person through a video, poses calmed",
    ),
    "count": ("posecourse.commands.count", "count squats and the like in a video"),
    "data": ("posecourse.commands.data", "fetch, check, prepare or draw data"),
    "bench": (
        "posecourse.commands.bench",
        "measure how fast the parts are and what limits them",
    ),
    "doctor": (
        "posecourse.commands.doctor",
        "tell what is installed, what is missing and what to do",
    ),
    "chapters": (
        "posecourse.commands.chapters",
        "for authors: build the notebooks from their sources",
    ),
}


def main(argv=None) -> int:
    """Run a command; returns the exit status."""
    argv = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in argv or bool(os.environ.get("POSECOURSE_DEBUG"))
    argv = [a for a in argv if a != "--debug"]
    _prepare_streams()
    with _signals_stop():
        status = _run(argv, debug)
    return _flush(status)


def _run(argv, debug: bool) -> int:
    """The exit status of a command; what went wrong is said."""
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_, **__: _complain(str(message))
            return _dispatch(_take_data_dir(argv))
    except SystemExit as stop:  # argparse: --help or a wrong option
        if isinstance(stop.code, str):
            _complain(stop.code)
        return 0 if stop.code is None else stop.code if type(stop.code) is int else 2
    except KeyboardInterrupt as stop:
        name = argv[0] if argv else ""
        _complain(str(stop) or f"stopped. {_AGAIN.get(name, '')}".strip())
        return 128 + getattr(stop, "signal", signal.SIGINT)
    except BrokenPipeError:  # e.g. posecourse ... | head
        return 141
    except Exception as error:
        if isinstance(error, OSError) and _failure(sys.stdout):
            return 2  # `_flush` says it
        _complain(traceback.format_exc() if debug else _words(error, argv))
        return 2


_AGAIN = {
    "train": "A run that has finished an epoch continues with posecourse train --resume RUN",
    "data": "Run the same command again: it continues where it stopped",
    "kit": "Run the same command again: it continues where it stopped",
    "predict": "The pictures that were finished are in the output folder",
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
    try:
        os.getcwd()
    except FileNotFoundError:  # torch would end the process
        _complain("the folder that you are in is gone; change to another")
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
  posecourse lab               open the course
  posecourse train             train a first network, in minutes
  posecourse predict me.jpg    find the pose in a picture

exit status: 0 done, 1 done but something was wrong (it is said what),
2 could not be done, more than 128 stopped from outside"""


# ------------------------------------------------------------- the outside


def _prepare_streams():
    """Output that is closed, or lacks a letter, does not end the work.

    A closed stream is None, and the next file that is opened would get its
    number: what a library prints would land in that file.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is not None:
            continue
        nowhere = os.open(os.devnull, os.O_RDWR)
        if nowhere != number and not _is_open(number):
            os.dup2(nowhere, number)
            os.close(nowhere)
            nowhere = number
        mode = "r" if name == "stdin" else "w"
        stream = os.fdopen(nowhere, mode, encoding="utf-8", closefd=False)
        setattr(sys, name, stream)
    for stream in (sys.stdout, sys.stderr):
        # a console that lacks a letter shows a ? instead of failing
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def _flush(status: int) -> int:
    """Bring out what was printed; Python would complain about it at its end."""
    for stream in (sys.stdout, sys.stderr):
        error = _failure(stream)
        if error is None:
            continue
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        if isinstance(error, BrokenPipeError):
            status = status or 141
        elif stream is sys.stdout:
            _complain(f"what was printed could not be written: {error}")
            status = status or 2
    return status


def _failure(stream) -> Exception | None:
    """Why what was printed does not come out, if it does not."""
    try:
        stream.flush()
    except (OSError, ValueError) as error:
        return error
    return None


@contextmanager
def _signals_stop():
    """SIGTERM and a closed terminal stop like Ctrl-C, so that what is under
    way is put in order; they cannot interrupt that."""

    def stop(number, frame):
        for each in before:
            signal.signal(each, signal.SIG_IGN)
        stopped = KeyboardInterrupt()
        stopped.signal = number
        raise stopped

    before = {}
    if threading.current_thread() is threading.main_thread():
        for name in ("SIGTERM", "SIGHUP", "SIGBREAK"):
            number = getattr(signal, name, None)
            # one that is ignored stays so: nohup posecourse train
            if number and signal.getsignal(number) is signal.SIG_DFL:
                before[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


# ------------------------------------------------------------------- words


def _complain(text: str):
    with suppress(OSError, ValueError):  # nobody there to read it
        print(f"posecourse: {text.rstrip()}", file=sys.stderr, flush=True)


def _words(error: Exception, argv) -> str:
    """What went wrong, where, and what to do, in a sentence."""
    text = str(error) or type(error).__name__
    if isinstance(error, ImportError) and not _is_own(error.name):
        return (
            f"{text}. Something is not installed as it should be; "
            "posecourse doctor says what to do"
        )
    if _out_of_memory(error):
        return (
            f"there is not enough memory for posecourse {_command(argv)} "
            f"({text.partition(chr(10))[0]:.120}). Close other programs, or ask "
            "for less: a smaller --batch-size, --input-size, picture or file"
        )
    told = _was_told(error)
    if isinstance(error, OSError) and error.strerror:  # of the system
        place = error.filename or _file_in_hand(error) or f"posecourse {_command(argv)}"
        advice = _ADVICE.get(error.errno or 0, "")
        system = f"{place}: {error.strerror}{advice and '; ' + advice}"
        return error.strerror if told and not error.filename else system
    if told:
        return text
    return _unforeseen(error, text, argv)


_ADVICE = {
    errno.EACCES: "it belongs to somebody else: change its rights, or name another",
    errno.EPERM: "it belongs to somebody else: change its rights, or name another",
    errno.EROFS: "the disk cannot be written to: name a place on another",
    errno.ENOSPC: "the disk is full: make room, and run the same again",
    errno.ENAMETOOLONG: "take a shorter name",
    errno.EMFILE: "too many files are open: raise the limit (ulimit -n)",
}


def _was_told(error: Exception) -> bool:
    """Whether the message was written for people: raised by our own code.

    What a library raises, or Python itself while our code runs, may be a
    ValueError too ("invalid literal for int()"), but says neither where
    nor what to do. Its last line is not a ``raise`` of ours.
    """
    if not isinstance(error, (ValueError, OSError)):
        return False
    if _is_own(type(error).__module__):
        return True
    *_, (frame, number) = traceback.walk_tb(error.__traceback__)
    line = linecache.getline(frame.f_code.co_filename, number, frame.f_globals)
    return _is_own(frame.f_globals.get("__name__")) and line.split()[:1] == ["raise"]


def _is_own(module: str | None) -> bool:
    return (module or "").partition(".")[0] == "posecourse"


def _out_of_memory(error: Exception) -> bool:
    if isinstance(error, MemoryError) or "torch" not in sys.modules:
        return isinstance(error, MemoryError)
    from .device import is_out_of_memory

    return is_out_of_memory(error)


def _unforeseen(error: Exception, text: str, argv) -> str:
    """A sentence about an error that nobody wrote one for.

    It names the command with its files, the file that was in hand, and
    where the details were put.
    """
    place = _file_in_hand(error)
    where = f" at {place}" if place and place not in argv else ""
    what = f"{type(error).__name__}: {text.partition(chr(10))[0]:.200}"
    try:
        details = f"the details are in {_write_details(argv)}; please send us that file"
    except OSError as failed:
        details = (
            f"no details could be written ({failed.strerror}); add --debug for them"
        )
    return (
        f"posecourse {_command(argv)} failed{where} ({what}). If what you gave it "
        f"is whole and of the right kind, this is our mistake: {details}"
    )


def _command(argv, most: int = 300) -> str:
    text = shlex.join(argv)
    return text if len(text) <= most else f"{text[:most]} ..."


def _file_in_hand(error: Exception) -> str:
    """The file that our code was working on: the innermost path it held."""
    for frame, _ in reversed(list(traceback.walk_tb(error.__traceback__))):
        if _is_own(frame.f_globals.get("__name__")):
            for value in frame.f_locals.values():
                if isinstance(value, Path):
                    return str(value)
    return ""


def _write_details(argv) -> str:
    """Command, versions and traceback in a file of the temporary folder."""
    from platform import platform

    from posecourse import __version__

    versions = [f"posecourse {__version__}", f"Python {sys.version}", platform()]
    versions += [
        f"{name} {getattr(sys.modules[name], '__version__', '')}"
        for name in ("torch", "numpy", "cv2")
        if name in sys.modules
    ]
    handle, path = tempfile.mkstemp(prefix="posecourse-error-", suffix=".txt")
    with open(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(f"posecourse {shlex.join(argv)}\n" + "\n".join(versions) + "\n\n")
        file.write(traceback.format_exc())
    return path
