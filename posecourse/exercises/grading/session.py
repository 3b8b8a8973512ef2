"""The trusted side of a submission's process: its answers as if they were here.

A checker calls a function and gets numbers; that the function runs in another
process, it does not notice. What comes from there is data and is never run.
"""

from __future__ import annotations

import contextlib
import inspect
import os
import pickle
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from ..attempt import is_tensor
from .agent import Watch, apply_changes, module_state
from .isolation import Limits, Shell, absolute_path
from .wire import ProtocolError, Reader, Writer, receive, send

__all__ = ["CannotStart", "Session", "Stopped"]

# For Python to start and the chapter's own setup to run, on a slow machine.
START_SECONDS = 300.0


class CannotStart(RuntimeError):
    """The process did not get as far as the submission; says why."""


class Stopped(BaseException):
    """The submission's process has ended, or was ended.

    Attributes
    ----------
    state, message:
        What to say about the exercise.
    """

    def __init__(self, state: str, message: str):
        super().__init__(message)
        self.state, self.message = state, message


class Session:
    """A process for the code of one submission.

    Use it as a context. After a `Stopped` it is of no use any more.

    Parameters
    ----------
    setup:
        The chapter's own cells.
    limits, shell:
        What the code may use, and how its process is started.
    """

    def __init__(self, setup, limits: Limits, shell: Shell):
        self.setup, self.limits, self.shell = setup, limits, shell
        self.failed: dict | None = None  # the last error of the code
        self._process: Any = None
        self._arrived: queue.Queue = queue.Queue(4)
        self.stopped: Stopped | None = None
        self._left = limits.seconds
        self._turn = 0
        self._objects: list = []  # ours, that the other side knows by number
        self._numbers: dict[int, int] = {}

    def __enter__(self) -> Session:
        self._folder = tempfile.TemporaryDirectory(
            prefix="posecourse-", ignore_cleanup_errors=True
        )
        home = Path(self._folder.name)
        arguments = (
            str(home),
            asdict(self.limits),
            self.shell.hidden,
            self.shell.isolated,
            _font_folder(),
        )
        code = (
            f"import sys\nsys.path[:] = {absolute_path()!r}\n"
            f"from {__package__}.agent import main\nmain(*{arguments!r})"
        )
        try:
            self._process = self.shell.start(code, home)
            self._listener = threading.Thread(target=self._listen, daemon=True)
            self._listener.start()
            self._begin()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error) -> None:
        if self._process is not None:
            _end(self._process)
            self._let_go()
        self._folder.cleanup()

    def _let_go(self) -> None:
        """Close the pipes, unless something that got away still holds them."""
        for _ in range(50):
            with contextlib.suppress(queue.Empty):
                self._arrived.get_nowait()  # the listener may wait to put
            self._listener.join(0.1)
            if not self._listener.is_alive():
                break
        else:
            return
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            with contextlib.suppress(OSError, ValueError):
                pipe.close()

    def _listen(self) -> None:
        """Take in what comes, so that it can be waited for with an end."""
        with contextlib.suppress(OSError, ValueError):
            while True:
                try:
                    received = receive(self._process.stdout)
                except ProtocolError as error:
                    self._arrived.put(error)
                    return
                self._arrived.put(received)
                if received is None:
                    return

    def _begin(self) -> None:
        self._left = START_SECONDS
        try:
            reply, _ = self._ask({"do": "setup", "cells": list(self.setup)})
        except Stopped as stopped:
            said = b""
            if self._process.poll() is not None and self._process.stderr:
                said = self._process.stderr.read()[-2000:]
            text = said.decode("utf-8", "replace").strip()
            raise CannotStart(f"{stopped.message} {text}".strip()) from None
        if "failed" in reply:
            raise CannotStart(
                f"the chapter's own setup fails here: {reply['failed']['words']}"
            )

    # -------------------------------------------------------------- the asking

    def define(self, steps, name: str):
        """Run what defines an answer; gives the answer.

        Raises
        ------
        Stopped
            If the process ends over it, or if the answer's own cell fails.
        """
        self._left = self.limits.seconds
        reply, buffers = self._ask(
            {
                "do": "define",
                "steps": [[s.number, s.source, s.statements] for s in steps],
                "name": name,
            }
        )
        if "failed" in reply:
            error = reply["failed"]
            where = f"\n  in your line: {error.get('line')}: {error.get('code')}"
            raise Stopped(
                "out of memory" if error.get("memory") else "error",
                f"Cell {error.get('cell')} stopped with an error.\n"
                f"  error:        {error['words']}{where if error.get('line') else ''}",
            )
        return self._reading(buffers, lambda reader: reader.read(reply["value"]))

    def call(self, number: int, args, kwargs):
        """Call one of the submission's functions; its errors are raised here."""
        writer = self._writer()
        message = {
            "do": "call",
            "function": number,
            "args": writer.write(list(args)),
            "kwargs": writer.write(kwargs),
        }
        reply, buffers = self._ask(message, writer.buffers)
        if "failed" in reply:
            self.failed = reply["failed"]
            return self._fail(reply["failed"])

        def read(reader):
            value = reader.read(reply["value"])
            apply_changes(writer.leaves, reply["changed"], reader)
            return value

        value = self._reading(buffers, read)
        if reply.get("gradient") is not None and is_tensor(value):
            inputs = [v for v in writer.leaves if is_tensor(v) and v.requires_grad]
            value = _with_gradient(self, reply["gradient"], value, inputs)
        return value

    def backward(self, number: int, gradient) -> list:
        """The gradients that the other side finds."""
        writer = self._writer()
        message = {"do": "backward", "result": number}
        message["gradient"] = writer.write(gradient)
        reply, buffers = self._ask(message, writer.buffers)
        if "failed" in reply:
            return self._fail(reply["failed"])
        return self._reading(buffers, lambda reader: reader.read(reply["value"]))

    def _fail(self, error: dict):
        if error.get("memory"):
            self._stop("out of memory", "It needs more memory than is allowed.")
        if error.get("unfinished"):
            return None  # as an empty cell
        raise _far_error(error)

    def _ask(self, message: dict, buffers=()):
        """Send a message; gives the reply, after all that it asks back."""
        if self.stopped is not None:
            raise self.stopped
        self._turn += 1
        message["turn"] = self._turn
        while True:
            self._send(message, buffers)
            reply, received = self._wait()
            if reply.get("turn") != self._turn:
                self._stop_tampering()
            if "callback" not in reply:
                return reply, received
            message, buffers = self._reading(
                received, partial(self._answer_callback, reply)
            )

    def _send(self, message, buffers):
        """The other side may be busy and not read: that, too, has an end."""

        def write():
            with contextlib.suppress(OSError, ValueError):
                send(self._process.stdin, message, buffers)

        writing = threading.Thread(target=write, daemon=True)
        started = time.monotonic()
        writing.start()
        writing.join(self._left)
        self._left -= time.monotonic() - started

    def _wait(self):
        started = time.monotonic()
        try:
            received = self._arrived.get(timeout=max(0.0, self._left))
        except queue.Empty:
            self._stop(
                "timeout",
                f"It takes longer than {self.limits.seconds:g} seconds. Does a loop "
                "never end?",
            )
        self._left -= time.monotonic() - started
        if isinstance(received, ProtocolError):
            self._stop_tampering()
        if received is None:
            self._stop(*self._how_it_ended())
        return received

    def _how_it_ended(self) -> tuple[str, str]:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        if self._process.returncode in (-9, 128 + 9):
            return "out of memory", "The system ended it: it took too much memory."
        return "error", (
            "It ended the whole program (exit, quit, a crash of a library); a "
            "function ends with return."
        )

    def _stop(self, state: str, message: str):
        self.stopped = Stopped(state, message)
        _end(self._process)
        raise self.stopped

    def _stop_tampering(self):
        self._stop("tampering", "It wrote into the channel by which it is asked.")

    def _reading(self, buffers, read):
        """Read what came; whatever is wrong with it, its sender made it so."""
        reader = Reader(buffers, None)
        reader.other = partial(self._read_other, reader)
        try:
            return read(reader)
        except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError):
            self._stop_tampering()
        except RecursionError:
            self._stop_tampering()

    # ------------------------------------------------------ what is no number

    def _writer(self):
        writer = Writer(None)
        writer.other = partial(self._write_other, writer)
        return writer

    def _write_other(self, writer, value):
        if isinstance(value, FarFunction):
            return {"is": "yours", "number": value.number}
        number = self._numbers.get(id(value))
        if number is not None:
            return {"is": "known", "number": number}
        self._objects.append(value)  # kept, so that its id stays its own
        number = self._numbers[id(value)] = len(self._objects) - 1
        if inspect.isroutine(value) or isinstance(value, partial):
            name = getattr(value, "__name__", "function")
            return {"is": "function", "number": number, "name": name}
        writer.buffers.append(pickle.dumps(value))
        return {"is": "object", "number": number, "at": len(writer.buffers) - 1}

    def _read_other(self, reader, form):
        number = form["number"] if form["is"] != "object" else 0
        if type(number) is not int or number < 0:
            raise ProtocolError("a number that nothing has")
        if form["is"] == "known":
            return self._read_known(reader, number, form["state"])
        if form["is"] == "function":
            return FarFunction(self, number, str(form["name"]), form["names"])
        return _far_object(form)

    def _read_known(self, reader, number, state):
        """One of our own objects, and what was done to it over there."""
        value, before = self._objects[number], len(reader.leaves)
        tensors = module_state(value)
        for tensor, form in zip(tensors, state, strict=True):
            tensor.data.copy_(reader.read(form))
        del reader.leaves[before:]
        reader.leaves += tensors
        return value

    def _answer_callback(self, message, reader):
        """Call a function of ours for the other side; gives the next message."""
        function = self._objects[message["callback"]]
        if not inspect.isroutine(function) and not isinstance(function, partial):
            raise ProtocolError("no function")
        args, kwargs = reader.read(message["args"]), reader.read(message["kwargs"])
        before, writer = Watch(reader.leaves), self._writer()
        reply: dict = {}
        try:
            reply["value"] = writer.write(function(*args, **kwargs))
        except Exception as error:  # it was called with something else
            plain = RuntimeError(f"{type(error).__name__}: {error}")
            same = type(error).__module__ == "builtins" and len(error.args) == 1
            writer.buffers.append(
                pickle.dumps(type(error)(str(error)) if same else plain)
            )
            reply["raised"] = len(writer.buffers) - 1
        reply["changed"] = before.changes(writer)
        return reply, writer.buffers


class FarFunction:
    """A function of a submission."""

    def __init__(self, session: Session, number: int, name: str, names):
        self.session, self.number, self.__name__ = session, number, name
        with contextlib.suppress(Exception):  # else without names
            parameters = [
                inspect.Parameter(
                    name,
                    inspect._ParameterKind(kind),
                    default=None if has_default else inspect.Parameter.empty,
                )
                for name, kind, has_default in names
            ]
            self.__signature__ = inspect.Signature(parameters)

    def __call__(self, *args, **kwargs):
        return self.session.call(self.number, args, kwargs)

    def __deepcopy__(self, memo):
        return self


def _far_object(form):
    """Something that is neither number nor text; shows as it does over there."""
    name, text = str(form["type"])[:100], str(form["text"])[:1000]
    methods = {"__repr__": lambda self: text}
    if form["next"]:
        methods["__next__"] = lambda self: None
    return type(name, (), methods)()


def _far_error(error: dict) -> Exception:
    """An error of a submission's code, with its line."""
    kind = type(str(error["type"])[:100], (_FarError,), {})
    raised = kind(str(error["text"])[:1000])
    if isinstance(error["line"], int):
        line = traceback.FrameSummary(
            "<your cell>", error["line"], "", line=str(error["code"])[:300]
        )
        raised.own_lines = [line]
    return raised


class _FarError(Exception):
    own_lines: list = []


def _with_gradient(session: Session, number: int, value, inputs):
    """A tensor whose gradient is asked for over there."""
    import torch

    class Far(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *inputs):
            return value.detach().clone()

        @staticmethod
        def backward(ctx, gradient):
            found = session.backward(number, gradient)
            return tuple(found)

    return Far.apply(*inputs)


def _end(process: subprocess.Popen) -> None:
    """End a process and what it started."""
    with contextlib.suppress(OSError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _font_folder() -> str:
    """Where Matplotlib keeps its list of fonts, made now if it is missing."""
    import matplotlib
    import matplotlib.font_manager  # writes the list

    return matplotlib.get_cachedir()
