"""Values between two processes, one of which is not trusted.

A message is JSON and buffers of numbers, no pickles: reading one runs nothing.
What has no such form is handed to a function of the sender's, which writes a
JSON object for it, and one of the receiver's, which reads that.
"""

from __future__ import annotations

import json
import math
import re
import struct
from pathlib import PurePath

import numpy as np

from ..attempt import as_tensor_array, has_an_end, is_tensor

__all__ = ["LARGEST", "ProtocolError", "Reader", "Writer", "receive", "send"]

# Bytes of a message; an answer that is larger was not asked for.
LARGEST = 2**28
_DTYPE = re.compile(r"[<>|=]?[biufcSU]\d+")
_LARGE_INT = 2**512


class ProtocolError(ValueError):
    """What came is no message."""


class Writer:
    """Turns values into JSON and buffers.

    Attributes
    ----------
    leaves:
        The arrays and tensors that were written, in order.
    """

    def __init__(self, other):
        self.other = other
        self.buffers: list[bytes] = []
        self.leaves: list = []

    def write(self, value):
        """The form of a value in JSON; its numbers go into the buffers."""
        if isinstance(value, np.generic) and value.dtype.kind in "biufcSU":
            return self._numbers("scalar", np.asarray(value))
        if isinstance(value, np.ndarray):
            return self._array(value)
        if is_tensor(value):
            return self._tensor(value)
        if value is None or isinstance(value, (bool, str)):
            return value
        if isinstance(value, int) and abs(value) < _LARGE_INT:
            return int(value)
        if isinstance(value, float):
            return float(value)
        if isinstance(value, complex):
            return {"is": "complex", "value": [value.real, value.imag]}
        if isinstance(value, bytes):
            return {"is": "bytes", "at": self._buffer(value)}
        if isinstance(value, PurePath):
            return {"is": "path", "value": str(value)}
        return self._container(value)

    def _container(self, value):
        if isinstance(value, (list, tuple, dict, set, frozenset)) and has_an_end(value):
            if isinstance(value, list):
                return [self.write(v) for v in value]
            if isinstance(value, dict):
                items = [[self.write(k), self.write(v)] for k, v in value.items()]
                return {"is": "dict", "value": items}
            kind = "tuple" if isinstance(value, tuple) else "set"
            return {"is": kind, "value": [self.write(v) for v in value]}
        return self.other(value)

    def _array(self, value):
        if value.dtype.kind not in "biufcSU" or value.nbytes > LARGEST // 4:
            return self.other(value)
        self.leaves.append(value)
        if isinstance(value, np.ma.MaskedArray):
            value = value.filled(np.nan) if value.dtype.kind == "f" else value.data
        return self._numbers("array", np.asarray(value))

    def _tensor(self, value):
        if value.numel() * value.element_size() > LARGEST // 4:
            return self.other(value)
        numbers = as_tensor_array(value)
        if numbers is None:
            return self.other(value)
        self.leaves.append(value)
        return self._numbers("tensor", numbers) | {"grad": bool(value.requires_grad)}

    def _numbers(self, kind, array):
        array = np.asarray(array)
        at = self._buffer(np.ascontiguousarray(array).tobytes())
        return {"is": kind, "type": array.dtype.str, "shape": array.shape, "at": at}

    def _buffer(self, content: bytes) -> int:
        self.buffers.append(content)
        return len(self.buffers) - 1


class Reader:
    """Turns JSON and buffers into values.

    Attributes
    ----------
    leaves:
        The arrays and tensors that were read, in order.
    """

    def __init__(self, buffers, other):
        self.buffers, self.other = buffers, other
        self.leaves: list = []

    def read(self, form):
        """The value that a form in JSON stands for."""
        if isinstance(form, list):
            return [self.read(f) for f in form]
        if not isinstance(form, dict):
            return form
        kind = form["is"]
        if kind in ("array", "tensor", "scalar"):
            return self._numbers(kind, form)
        if kind == "complex":
            return complex(*form["value"])
        if kind == "bytes":
            return bytes(self.buffers[form["at"]])
        if kind == "path":
            return PurePath(form["value"])
        if kind in ("tuple", "set"):
            return {"tuple": tuple, "set": set}[kind](map(self.read, form["value"]))
        if kind == "dict":
            return {self.read(k): self.read(v) for k, v in form["value"]}
        return self.other(form)

    def _numbers(self, kind, form):
        shape = tuple(form["shape"])
        if not _DTYPE.fullmatch(form["type"]) or any(
            type(n) is not int or n < 0 for n in shape
        ):
            raise ProtocolError("numbers of an unknown kind")
        dtype, content = np.dtype(form["type"]), self.buffers[form["at"]]
        if dtype.itemsize * math.prod(shape) != len(content):
            raise ProtocolError("numbers are missing")
        array = np.frombuffer(content, dtype).reshape(shape).copy()
        if kind == "scalar":
            return array[()]
        if kind == "tensor":
            import torch

            array = torch.from_numpy(array)
            if form.get("grad") and array.is_floating_point():
                array.requires_grad_()
        self.leaves.append(array)
        return array


def send(file, message: dict, buffers=()) -> None:
    """Write a message to a binary file."""
    head = json.dumps({"message": message, "sizes": [len(b) for b in buffers]})
    encoded = head.encode("utf-8", "surrogatepass")
    file.write(struct.pack("<Q", len(encoded)) + encoded)
    for content in buffers:
        file.write(content)
    file.flush()


def receive(file) -> tuple[dict, list[bytes]] | None:
    """Read a message; None at the end of the file, also in the middle of one.

    Raises
    ------
    ProtocolError
        If it is none, or larger than `LARGEST`.
    """
    start = _read(file, 8)
    if start is None:
        return None
    (length,) = struct.unpack("<Q", start)
    if length > LARGEST:
        raise ProtocolError("a message that is too large")
    head = _read(file, length)
    if head is None:
        return None
    try:
        form = json.loads(head)
        message, sizes = form["message"], form["sizes"]
        if not all(type(n) is int and n >= 0 for n in sizes) or sum(sizes) > LARGEST:
            raise ProtocolError("a message that is too large")
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ProtocolError(f"no message: {error}") from None
    if not isinstance(message, dict):
        raise ProtocolError("no message")
    buffers = []
    for size in sizes:
        content = _read(file, size)
        if content is None:
            return None
        buffers.append(content)
    return message, buffers


def _read(file, count: int) -> bytes | None:
    content = file.read(count)
    return content if len(content) == count else None
