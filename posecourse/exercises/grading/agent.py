"""The process in which a submission's code runs.

It is told what to run and what to call, and sends back what that gave. It knows
neither what is expected nor what the verdict is; whatever it says is taken for
a student's answer and for nothing else.
"""

from __future__ import annotations

import ast
import contextlib
import inspect
import io
import linecache
import os
import pickle
import sys
import traceback
import warnings
from functools import partial
from pathlib import Path

from ..attempt import is_tensor, limited_output, safely, short, unfinished, words
from . import isolation
from .wire import Reader, Writer, receive, send

__all__ = ["main"]


class Agent:
    """Runs what it is asked to, until the pipe closes."""

    def __init__(self, source, target, megabytes: int):
        self.source, self.target, self.megabytes = source, target, megabytes
        self.setup: dict = {}
        self.known: dict[int, object] = {}  # what came from the other side
        self.numbers: dict[int, int] = {}  # id of such an object: its number
        self.functions: list = []  # the submission's own
        self.results: dict[int, tuple] = {}  # a tensor with a gradient, its inputs
        self.turn = 0

    def serve(self) -> None:
        while (received := receive(self.source)) is not None:
            message, buffers = received
            self.turn = message["turn"]
            answer = {
                "setup": self.run_setup,
                "define": self.define,
                "call": self.call,
                "backward": self.backward,
            }[message["do"]]
            with limited_output():
                try:
                    reply, buffers = answer(message, buffers)
                except BaseException as error:
                    reply, buffers = {"failed": _told(error)}, []
            self._send(reply, buffers)

    def _send(self, reply, buffers=()):
        send(self.target, {"turn": self.turn, **reply}, buffers)

    # ------------------------------------------------------------ what is asked

    def run_setup(self, message, buffers):
        """The chapter's own cells, and no more memory from then on."""
        self.setup = {"__name__": "__main__", "__builtins__": __builtins__}
        for number, source in enumerate(message["cells"], 1):
            exec(compile(source, f"<setup {number}>", "exec"), self.setup)
        isolation.limit_memory(self.megabytes)
        os.dup2(1, 2)  # nobody reads further complaints
        return {}, []

    def define(self, message, buffers):
        """Run the cells of an answer; gives the answer."""
        names, failed = dict(self.setup), None
        for number, source, statements in message["steps"]:
            failed = _run(number, source, statements, names) or failed
        if message["name"] not in names:
            raise failed or NameError(f"{message['name']} is not defined")
        writer = self._writer()
        return {"value": writer.write(names[message["name"]])}, writer.buffers

    def call(self, message, buffers):
        """Call one of the submission's functions."""
        reader = Reader(buffers, partial(self.read_other, buffers))
        args, kwargs = reader.read(message["args"]), reader.read(message["kwargs"])
        before = Watch(reader.leaves)
        result = self.functions[message["function"]](*args, **kwargs)
        writer = self._writer()
        reply = {"value": writer.write(result)}
        reply["changed"] = before.changes(writer)
        if is_tensor(result) and result.requires_grad:
            inputs = [v for v in reader.leaves if is_tensor(v) and v.requires_grad]
            self.results[len(self.results)] = result, inputs
            reply["gradient"] = len(self.results) - 1 if inputs else None
        return reply, writer.buffers

    def backward(self, message, buffers):
        """The gradient of a result with respect to the arguments it came from."""
        import torch

        result, inputs = self.results[message["result"]]
        towards = Reader(buffers, None).read(message["gradient"])
        found = torch.autograd.grad(
            result, inputs, towards, allow_unused=True, retain_graph=True
        )
        writer = self._writer()
        return {"value": [writer.write(g) for g in found]}, writer.buffers

    # ------------------------------------------------------ what is no number

    def read_other(self, buffers, form):
        if form["is"] == "yours":
            return self.functions[form["number"]]
        if form["is"] == "object":
            self._know(form["number"], pickle.loads(buffers[form["at"]]))
        elif form["is"] == "function":
            self._know(form["number"], self._callback(form["number"], form["name"]))
        return self.known[form["number"]]

    def _know(self, number, value):
        self.known[number] = value
        self.numbers[id(value)] = number

    def _callback(self, number, name):
        """A function of the other side's, such as one that is to be tested."""

        def function(*args, **kwargs):
            writer = self._writer()
            form = {
                "callback": number,
                "args": writer.write(list(args)),
                "kwargs": writer.write(kwargs),
            }
            self._send(form, writer.buffers)
            message, buffers = receive(self.source)
            reader = Reader(buffers, partial(self.read_other, buffers))
            apply_changes(writer.leaves, message["changed"], reader)
            if "raised" in message:
                raise pickle.loads(buffers[message["raised"]])
            return reader.read(message["value"])

        function.__name__ = name
        return function

    def _writer(self):
        writer = Writer(None)
        writer.other = partial(self.write_other, writer)
        return writer

    def write_other(self, writer, value):
        number = self._known_number(value)
        if number is not None:
            state = [writer.write(tensor) for tensor in module_state(value)]
            return {"is": "known", "number": number, "state": state}
        if callable(value):
            self.functions.append(value)
            return {
                "is": "function",
                "number": len(self.functions) - 1,
                "name": str(getattr(value, "__name__", type(value).__name__)),
                "names": _parameters(value),
            }
        return {
            "is": "object",
            "type": str(type(value).__name__),
            "text": short(value),
            "next": hasattr(type(value), "__next__"),
        }

    def _known_number(self, value) -> int | None:
        """Which of the other side's objects it is; a copy of a network counts
        as the network, with numbers of its own."""
        number = self.numbers.get(id(value))
        if number is not None and self.known.get(number) is value:
            return number
        shapes = [tensor.shape for tensor in module_state(value)]
        alike = (
            n
            for n, known in self.known.items()
            if type(known) is type(value)
            and [tensor.shape for tensor in module_state(known)] == shapes
        )
        return next(alike, None) if shapes else None


def _run(number, source, statements, names) -> BaseException | None:
    """Run some statements of a cell, one by one; gives the first error.

    A test below a definition may fail, where it needs what is not run here.
    """
    place = f"<your cell {number}>"
    linecache.cache[place] = (len(source), None, source.splitlines(True), place)
    body, failed = ast.parse(source).body, None
    for each in statements:
        code = compile(ast.Module([body[each]], []), place, "exec")
        try:
            exec(code, names)
        except BaseException as error:
            if isinstance(error, (MemoryError, SystemExit)):
                raise
            failed = failed or error
    return failed


def module_state(value) -> list:
    """The tensors of a network; none of anything else."""
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(value, torch.nn.Module):
        return []
    return [*value.parameters(), *value.buffers()]


class Watch:
    """Arrays and tensors, and what was in them before somebody had them."""

    def __init__(self, leaves):
        self.leaves = list(leaves)
        self.before = [_content(leaf) for leaf in self.leaves]

    def changes(self, writer) -> list:
        """What is not as it was: which, and what is there now."""
        return [
            [i, writer.write(_plain(leaf))]
            for i, (leaf, before) in enumerate(zip(self.leaves, self.before))
            if _content(leaf) != before
        ]


def _plain(leaf):
    return leaf.detach() if is_tensor(leaf) else leaf


def _content(leaf) -> bytes:
    leaf = _plain(leaf)
    return (leaf.numpy() if is_tensor(leaf) else leaf).tobytes()


def apply_changes(leaves, changes, reader) -> None:
    """Put what has changed on the other side into our own arrays."""
    for i, form in changes:
        value = reader.read(form)
        if is_tensor(leaves[i]):
            leaves[i].data.copy_(value.reshape(leaves[i].shape))
        elif leaves[i].flags.writeable:
            leaves[i][...] = value


def _parameters(function) -> list[list] | None:
    """Names of the parameters, to name what was given in a message."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except Exception:
        return None
    return [[p.name, int(p.kind), p.default is not p.empty] for p in parameters][:50]


def _told(error: BaseException) -> dict:
    """An error in plain words."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename.startswith("<your cell")
    ]
    last = frames[-1] if frames else None
    return {
        "type": type(error).__name__,
        "text": safely(str, error, "(its message cannot be shown)"),
        "words": words(error),
        "line": last and last.lineno,
        "code": last and (last.line or ""),
        "cell": last and last.filename.strip("<>").rpartition(" ")[2],
        "unfinished": unfinished(error),
        "memory": _is_memory(error),
    }


def _is_memory(error) -> bool:
    if "torch" not in sys.modules:
        return isinstance(error, MemoryError)
    from ...device import is_out_of_memory

    return is_out_of_memory(error)


def main(
    home: str, limits: dict, hidden: list[str], isolated: bool, fonts: str
) -> None:
    """Shut this process in, then serve.

    What the code prints goes nowhere: the pipes to the other side are not the
    ones that it knows.
    """
    source, target = (os.fdopen(os.dup(n), mode) for n, mode in ((0, "rb"), (1, "wb")))
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1):
        os.dup2(nowhere, number)
    sys.stdin, sys.stdout = io.StringIO(), os.fdopen(nowhere, "w")
    warnings.simplefilter("ignore")
    # or Matplotlib looks for all fonts of the system again
    known = {path.name: path.read_bytes() for path in Path(fonts).glob("*.json")}
    isolation.shut_in(home, limits, hidden, isolated)
    with contextlib.suppress(OSError):
        Path(home, "matplotlib").mkdir()
        for name, content in known.items():
            Path(home, "matplotlib", name).write_bytes(content)
    Agent(source, target, limits["megabytes"]).serve()
