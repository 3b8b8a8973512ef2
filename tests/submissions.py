"""What might be handed in: good notebooks, broken ones, hostile ones."""

import json
import os

import nbformat

from posecourse.authoring.chapters import get_chapter
from posecourse.exercises.grading import Assignment, read_assignment
from posecourse.exercises.grading.assignment import code_cells


def small_assignment(root, chapter=3, setup="import numpy as np", ids=None):
    """A chapter's exercises with a setup of one line, which is quick."""
    real = read_assignment(get_chapter(chapter).notebook(root / "chapters"))
    problems = tuple(p for p in real.problems if not ids or p.id in ids)
    return Assignment(real.chapter, (setup,), problems, real.cells)


def solutions(root, chapter=3):
    """``{exercise: its solution}`` of a chapter."""
    assignment = small_assignment(root, chapter)
    path = get_chapter(chapter).solutions(root / "chapters")
    cells = {
        c["id"]: c["source"] for c in code_cells(json.loads(path.read_text("utf-8")))
    }
    return {p.id: cells[p.cell_id] for p in assignment.problems}


def notebook(*sources, assignment=None) -> bytes:
    """A notebook of code cells; a source may be ``(cell id, source)``."""
    cells = []
    for source in sources:
        id, text = source if isinstance(source, tuple) else (None, source)
        cell = nbformat.v4.new_code_cell(text)
        if id:
            cell["id"] = id
        cells.append(cell)
    return nbformat.writes(nbformat.v4.new_notebook(cells=cells)).encode()


def answered(assignment, answers: dict[str, str], *more, leave_out=()) -> bytes:
    """A notebook with an answer to each exercise, then its check."""
    cells = list(more)
    for problem in assignment.problems:
        if problem.id in leave_out:
            continue
        cells.append((problem.cell_id, answers.get(problem.id, problem.stub)))
        cells.append(f'check("{problem.id}", {problem.name})')
    return notebook(*cells)


# ``{name: (cell for 03.1, its state)}``; {other} is another student's notebook,
# {port} one on which somebody listens.
HOSTILE = {
    "loops": ("def decode(heatmap, stride):\n    while True:\n        pass", "timeout"),
    "loops at once": (
        "def decode(heatmap, stride):\n    return 0, 0\n\nwhile True:\n    pass",
        "timeout",
    ),
    "eats memory": (
        "def decode(heatmap, stride):\n    kept = []\n    while True:\n"
        "        kept.append(bytes(10**7))",
        "out of memory",
    ),
    "a huge array": (
        "def decode(heatmap, stride):\n    return np.ones((10**6, 10**6))",
        "out of memory",
    ),
    "ends the process": (
        "import os\n\ndef decode(heatmap, stride):\n    os._exit(0)",
        "error",
    ),
    "exits": ("def decode(heatmap, stride):\n    raise SystemExit(0)", "error"),
    "crashes": (
        "import ctypes\n\ndef decode(heatmap, stride):\n    ctypes.string_at(0)",
        "error",
    ),
    "raises": (
        "def decode(heatmap, stride):\n    raise ValueError('no idea')",
        "error",
    ),
    "calls itself": (
        "def decode(heatmap, stride):\n    return decode(heatmap, stride)",
        "error",
    ),
    "prints for ever": (
        "def decode(heatmap, stride):\n    while True:\n        print('on and on')",
        "error",
    ),
    "not Python": ("def decode(heatmap, stride)\n    return 0", "syntax error"),
    "wrong": ("def decode(heatmap, stride):\n    return 0.0, 0.0", "wrong"),
    "an odd answer": (
        "def decode(heatmap, stride):\n    return (i for i in range(2))",
        "wrong",
    ),
    "patches the check": (
        "import posecourse.exercises\n\nposecourse.exercises.check = print\n\n"
        "def decode(heatmap, stride):\n    pass",
        "tampering",
    ),
    "patches the comparison": (
        "def decode(heatmap, stride):\n    return 0, 0\n\n"
        "np.isclose = lambda *a, **k: np.True_",
        "tampering",
    ),
    "patches a module": (
        "import sys\n\ndef decode(heatmap, stride):\n"
        "    sys.modules['posecourse.exercises'] = None\n    return 0, 0",
        "tampering",
    ),
    "patches print": (
        "import builtins\nbuiltins.print = lambda *a: None\n\n"
        "def decode(heatmap, stride):\n    return 0, 0",
        "tampering",
    ),
    "looks at its caller": (
        "import sys\n\ndef decode(heatmap, stride):\n"
        "    return sys._getframe(2).f_locals['expected']",
        "tampering",
    ),
    "asks the checker": (
        "from posecourse.exercises.chapter_03 import *\n\n"
        "def decode(heatmap, stride):\n    return 0, 0",
        "tampering",
    ),
    "writes into all pipes": (
        "import os\n\ndef decode(heatmap, stride):\n"
        "    for number in range(1, 64):\n        try:\n"
        "            os.write(number, b'passed' * 100)\n"
        "        except OSError:\n            pass\n    return 0, 0",
        "tampering",
    ),
}

# What only namespaces keep from harm.
REACHING = {
    "fills the disk": (
        "def decode(heatmap, stride):\n    for i in range(30):\n"
        "        with open(f'{i}', 'wb') as file:\n"
        "            file.write(bytes(20 * 2**20))\n    return 0, 0",
        "error",
    ),
    "changes another's": (
        "def decode(heatmap, stride):\n    open({other!r}, 'w').write('')",
        "error",
    ),
    "reads another's": (
        "def decode(heatmap, stride):\n    return open({other!r}).read()",
        "error",
    ),
    "edits the course": (
        "import posecourse.skeletons\n\ndef decode(heatmap, stride):\n"
        "    open(posecourse.skeletons.__file__, 'a').write('# mine')",
        "error",
    ),
    "uses the network": (
        "import socket\n\ndef decode(heatmap, stride):\n"
        "    socket.create_connection(('127.0.0.1', {port}), 3)",
        "error",
    ),
}


def broken_files(folder, good: bytes) -> dict[str, str]:
    """Files that are no notebooks, written; ``{name: state}``."""
    folder.mkdir(exist_ok=True)
    contents = {
        "cut short": good[: len(good) // 2],
        "nothing": b"",
        "noise": bytes(range(256)) * 9,
        "a list": b"[1, 2]",
        "brackets": b"[" * 100_000,
        "cells of numbers": b'{"cells": [1, 2]}',
    }
    for name, content in contents.items():
        (folder / f"{name}.ipynb").write_bytes(content)
    (folder / "a folder").mkdir()
    names = [*contents, "a folder"]
    if hasattr(os, "mkfifo"):
        os.mkfifo(folder / "pipe.ipynb")
        names.append("pipe")
    return dict.fromkeys(names, "unreadable file")
