"""Grades one submission: finds its answers, has them run, judges what they give.

`grade` is called in a process that lives for many submissions and enters none
of their code (``python -c "...judge.serve()"``, see ``grader``), or by
`posecourse exercise check` for a learner's own notebook.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from .. import examine
from .assignment import Assignment, Problem
from .isolation import Limits, Shell
from .session import Session, Stopped
from .submission import Unreadable, find_answers, read_cells
from .tampering import find_tampering
from .wire import receive, send

__all__ = ["STATES", "Grade", "grade", "serve"]

# Of a graded exercise; only the first has points.
STATES = (
    "passed",
    "wrong",
    "empty",
    "syntax error",
    "error",
    "timeout",
    "out of memory",
    "missing cell",
    "unreadable file",
    "tampering",
)


@dataclass(frozen=True)
class Grade:
    """How one exercise of a submission was judged.

    Attributes
    ----------
    id:
        The exercise.
    state:
        One of `STATES`.
    message:
        What the student would have seen.
    points:
        Those of the exercise if it passed, else 0.
    """

    id: str
    state: str
    message: str
    points: int = 0


def grade(
    content: bytes,
    assignment: Assignment,
    limits: Limits,
    shell: Shell,
    only: tuple[str, ...] = (),
    graded: bool = True,
) -> list[Grade]:
    """The grade of each exercise of a notebook.

    Parameters
    ----------
    content:
        The file.
    only:
        Ids of the exercises to look at (default: all).
    graded:
        Whether a homework's hidden tests are run, too.

    Raises
    ------
    CannotStart
        If the machine cannot run the chapter's own setup.
    """
    problems = [p for p in assignment.problems if not only or p.id in only]
    try:
        cells = read_cells(content)
    except Unreadable as error:
        return [Grade(p.id, "unreadable file", str(error)) for p in problems]
    tampering = find_tampering(cells)
    answers = find_answers(cells, assignment)
    grades = _judge_all(problems, answers, assignment, limits, shell, graded)
    return [_with_tampering(g, tampering) for g in grades]


def _with_tampering(found: Grade, what: str) -> Grade:
    if not what:
        return found
    return Grade(
        found.id,
        "tampering",
        f"{what}\nThe answer alone would be: {found.state}. Please talk to your "
        "teacher.",
    )


def _judge_all(problems, answers, assignment, limits, shell, graded) -> list[Grade]:
    """One process for all answers, and a new one after each that ends it."""
    grades = []
    with contextlib.ExitStack() as stack:
        session = None
        for problem in problems:
            answer = answers[problem.id]
            if answer.state:
                grades.append(Grade(problem.id, answer.state, answer.message))
                continue
            if session is None:
                session = stack.enter_context(Session(assignment.setup, limits, shell))
            grades.append(_judge(problem, answer, session, graded))
            if session.stopped is not None:
                stack.close()
                session = None
    return grades


def _judge(problem: Problem, answer, session: Session, graded: bool) -> Grade:
    session.failed = None
    try:
        value = session.define(answer.steps, problem.name)
        outside = _outside(value)
        if outside:
            return Grade(problem.id, "wrong", outside)
        result = examine(problem.id, value, graded)
    except Stopped as stopped:
        return Grade(problem.id, stopped.state, stopped.message)
    if session.stopped is not None:  # the checker's way of calling it caught that
        return Grade(problem.id, session.stopped.state, session.stopped.message)
    if result.passed:
        return Grade(problem.id, "passed", result.message, problem.points)
    if result.status == "not yet":
        return Grade(problem.id, "empty", result.message)
    return Grade(problem.id, "error" if session.failed else "wrong", result.message)


def _outside(value) -> str:
    """An answer that is a path leads into the folder that was handed in."""
    if not isinstance(value, (str, os.PathLike)) or not os.fspath(value):
        return ""
    here = os.path.realpath(".")
    if os.path.commonpath([os.path.realpath(value), here]) == here:
        return ""
    return (
        f"{os.fspath(value)!r:.200} is a folder of your own machine. Hand in that "
        "folder beside the notebook, and name it as it is seen from there."
    )


# ------------------------------------------------------ a process of its own


def serve() -> None:
    """Grade what comes from standard input until it closes."""
    source, target = (os.fdopen(os.dup(n), mode) for n, mode in ((0, "rb"), (1, "wb")))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what checkers print
    _adopt_orphans()
    while (received := receive(source)) is not None:
        message, (content,) = received
        assignment = message["assignment"]
        problems = tuple(Problem(**p) for p in assignment.pop("problems"))
        assignment = Assignment(
            problems=problems,
            **assignment | {"cells": frozenset(assignment["cells"])},
        )
        os.chdir(message["folder"])
        started = time.monotonic()
        try:
            grades = grade(
                content,
                assignment,
                Limits(**message["limits"]),
                Shell(**message["shell"]),
                tuple(message["only"]),
            )
            reply: dict = {"grades": [asdict(g) for g in grades]}
        except Exception as error:
            reply = {"failed": f"{type(error).__name__}: {error}"}
        _end_orphans()
        send(target, reply | {"seconds": time.monotonic() - started})


_CHILD_SUBREAPER = 36


def _adopt_orphans() -> None:
    """What a submission leaves running becomes a child of this process."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_CHILD_SUBREAPER, 1, 0, 0, 0)


def _end_orphans() -> None:
    if sys.platform != "linux":
        return
    for _ in range(100):  # what they had started comes next
        found = [
            int(pid)
            for path in Path("/proc/self/task").glob("*/children")
            for pid in path.read_text().split()
        ]
        if not found:
            return
        for pid in found:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
