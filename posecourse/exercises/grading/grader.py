"""Grade what a class handed in: jobs side by side, one result file for each.

Everything is read before anything runs, so that no submission can change
another. Results are kept in a folder, and what is there already is not graded
again.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import posecourse

from ...files import read_bytes, read_json, write_json
from .assignment import Assignment
from .isolation import Limits, Shell, absolute_path
from .judge import STATES, Grade
from .session import START_SECONDS
from .wire import ProtocolError, receive, send

__all__ = ["Graded", "GradingError", "Submission", "find_submissions", "grade_all"]

# Beyond the time of the submission's own code: the checkers of the projects
# evaluate a network.
_JUDGE_SECONDS = 900.0
_LARGEST = 100 * 10**6


class GradingError(ValueError):
    """Grading cannot go on; says why."""


@dataclass(frozen=True)
class Submission:
    """What one student handed in.

    Attributes
    ----------
    student:
        The name of the file or folder.
    path:
        The notebook, or where it should be.
    content:
        Its bytes; None if it cannot be read.
    problem:
        Why not.
    """

    student: str
    path: Path
    content: bytes | None
    problem: str = ""


@dataclass(frozen=True)
class Graded:
    """A submission and its grades, one for each exercise of the assignment."""

    student: str
    path: Path
    grades: tuple[Grade, ...]
    seconds: float = 0.0

    @property
    def points(self) -> int:
        return sum(g.points for g in self.grades)

    @property
    def passed(self) -> int:
        return sum(g.state == "passed" for g in self.grades)


# ------------------------------------------------------------- what is there


def find_submissions(paths, chapter: str) -> list[Submission]:
    """The submissions in files and folders, in the order of their names.

    A notebook is a student's, named by the file. In a folder, each notebook and
    each folder with one in it is a student's; of several notebooks in a
    student's folder the one named after the chapter counts.

    Raises
    ------
    FileNotFoundError
        If there is none at all.
    """
    found: dict[Path, str] = {}
    for path in map(Path, paths):
        if path.is_dir():
            for inner in sorted(path.iterdir()):
                if inner.name.startswith("."):
                    continue
                if inner.is_dir():
                    found[_notebook_in(inner, chapter)] = inner.name
                elif inner.suffix == ".ipynb":
                    found[inner] = inner.stem
        else:
            found[path] = path.stem
    if not any(path.exists() for path in map(Path, paths)) or not found:
        raise FileNotFoundError(
            f"there is no notebook in {', '.join(map(str, paths))}; give the files, "
            "or a folder with a notebook or a folder for each student"
        )
    return _numbered(_read(path, name) for path, name in found.items())


def _notebook_in(folder: Path, chapter: str) -> Path:
    there = sorted(folder.glob("*.ipynb"))
    number = chapter.partition("_")[0]
    named = [p for p in there if p.name.startswith(number)]
    if len(named) == 1 or len(there) == 1:
        return (named if len(named) == 1 else there)[0]
    return folder / f"{chapter}.ipynb"


def _read(path: Path, student: str) -> Submission:
    try:
        return Submission(student, path, read_bytes(path, "notebook", _LARGEST))
    except FileNotFoundError:
        problem = f"There is no notebook {path.name} here."
    except (OSError, ValueError) as error:
        problem = f"{error}."
    return Submission(student, path, None, problem)


def _numbered(submissions) -> list[Submission]:
    """Two of the same name are two students."""
    seen: dict[str, int] = {}
    result = []
    for each in submissions:
        seen[each.student] = count = seen.get(each.student, 0) + 1
        name = each.student if count == 1 else f"{each.student} ({count})"
        result.append(Submission(name, each.path, each.content, each.problem))
    return result


# ---------------------------------------------------------------- the grading


def grade_all(
    submissions: list[Submission],
    assignment: Assignment,
    out: Path,
    *,
    limits: Limits,
    isolated: bool,
    hidden=(),
    jobs: int = 2,
    again: bool = False,
    progress: Callable[[Graded, bool], None] = lambda graded, kept: None,
) -> list[Graded]:
    """Grade submissions; one that harms itself harms no other.

    Parameters
    ----------
    out:
        Results are kept in ``out/results``; one of the same content, checks and
        limits is taken from there unless `again`.
    isolated, hidden:
        As for `isolation.Shell`.
    jobs:
        How many at a time.
    progress:
        Called after each, with whether it was taken from the results.

    Raises
    ------
    GradingError
        If the course was changed by a submission (without namespaces it can), or
        cannot run here.
    """
    course = _course_digest()
    shell = Shell(isolated, [str(Path(p).resolve()) for p in hidden])
    graded: dict[str, Graded] = {}
    todo: list[tuple[Submission, str]] = []
    for each in submissions:
        key = _key(each, assignment, limits, course)
        kept = None if again else _kept(out, each, key, assignment)
        if kept:
            graded[each.student] = kept
            progress(kept, True)
        else:
            todo.append((each, key))

    judges = _Judges(assignment, limits, shell)
    with ThreadPoolExecutor(max(1, jobs)) as pool:
        running = {pool.submit(judges.grade, each): (each, key) for each, key in todo}
        try:
            while running:
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    each, key = running.pop(future)
                    found = future.result()
                    if _course_digest() != course:
                        raise GradingError(
                            f"the installed course was changed while {each.student} "
                            "(or one beside it) was graded. Install the course again, "
                            "look into that notebook, and grade in a container"
                        )
                    graded[each.student] = found
                    _keep(out, found, key)
                    progress(found, False)
        finally:
            for future in running:
                future.cancel()
            judges.end()
    return [graded[each.student] for each in submissions]


def _course_digest() -> str:
    """Of all code of the course: what checks, and what it compares with."""
    digest = hashlib.sha256()
    for path in sorted(Path(posecourse.__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _key(submission: Submission, assignment, limits, course: str) -> str:
    content = submission.content or submission.problem.encode()
    beside = [
        [str(p), p.stat().st_size, p.stat().st_mtime_ns]
        for p in sorted(_own_folder(submission).rglob("*"))
        if p.is_file()
    ]
    settings = json.dumps([assignment.chapter, asdict(limits), course, beside])
    return hashlib.sha256(settings.encode() + content).hexdigest()


def _own_folder(submission: Submission) -> Path:
    """The student's own folder, which a project's files lie in; else none."""
    folder = submission.path.parent
    return folder if folder.name == submission.student else Path(os.devnull)


def result_file(out: Path, student: str) -> Path:
    """Where a student's result is kept, whatever the name has in it."""
    return Path(out) / "results" / f"{safe_name(student)}.json"


def safe_name(student: str) -> str:
    """A student's name as the name of a file, each its own."""
    plain = "".join(c if c.isalnum() or c in " -_.()" else "_" for c in student)
    plain = plain.strip(" .")[:60]
    if plain == student:
        return plain
    return (
        f"{plain}-{hashlib.sha256(student.encode('utf-8', 'replace')).hexdigest()[:6]}"
    )


def _kept(out, submission, key, assignment) -> Graded | None:
    """A result from before, if it is of just this."""
    try:
        stored = read_json(result_file(out, submission.student), "result")
        if stored["key"] != key:
            return None
        grades = tuple(Grade(**g) for g in stored["grades"])
        seconds = float(stored["seconds"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    known = [p.id for p in assignment.problems]
    if [g.id for g in grades] != known or any(g.state not in STATES for g in grades):
        return None
    return Graded(submission.student, submission.path, grades, seconds)


def _keep(out, graded: Graded, key: str) -> None:
    write_json(
        result_file(out, graded.student),
        {
            "key": key,
            "student": graded.student,
            "seconds": round(graded.seconds, 2),
            "grades": [asdict(g) for g in graded.grades],
        },
    )


class _Judges:
    """Processes that judge, one for each thread that asks."""

    def __init__(self, assignment, limits, shell):
        self.assignment, self.limits, self.shell = assignment, limits, shell
        self.processes: dict[int, Any] = {}
        self.ended = False
        count = len(assignment.problems)
        self.seconds = START_SECONDS * count + limits.seconds * count + _JUDGE_SECONDS

    def grade(self, submission: Submission) -> Graded:
        """The grades of a submission; runs in a thread."""
        if submission.content is None:
            return self._all(submission, "unreadable file", submission.problem)
        with tempfile.TemporaryDirectory(prefix="posecourse-") as empty:
            own = _own_folder(submission)
            folder = own if own.is_dir() else Path(empty)
            reply = self._ask(submission.content, folder.resolve())
        if reply is None:
            return self._all(
                submission,
                "error",
                "The check itself came to no end with this notebook. Please show it "
                "to your teacher.",
            )
        if "failed" in reply:
            raise GradingError(
                f"{submission.student}'s notebook cannot be graded here: "
                f"{reply['failed']}"
            )
        grades = tuple(Grade(**g) for g in reply["grades"])
        return Graded(submission.student, submission.path, grades, reply["seconds"])

    def _all(self, submission, state: str, message: str) -> Graded:
        grades = (Grade(p.id, state, message) for p in self.assignment.problems)
        return Graded(submission.student, submission.path, tuple(grades))

    def _ask(self, content: bytes, folder: Path) -> dict | None:
        """What the judge says; None if it ends, or takes too long."""
        process = self._process()
        message = {
            "assignment": asdict(self.assignment)
            | {"cells": sorted(self.assignment.cells), "rubric": ()},
            "limits": asdict(self.limits),
            "shell": asdict(self.shell),
            "folder": str(folder),
            "only": [],
        }
        timer = threading.Timer(self.seconds, process.kill)
        timer.start()
        try:
            send(process.stdin, message, [content])
            received = receive(process.stdout)
        except (OSError, ValueError, ProtocolError):
            received = None
        finally:
            timer.cancel()
        if received is None and not self.ended:
            self._forget(process)
        return received and received[0]

    def _process(self) -> Any:
        me = threading.get_ident()
        if me not in self.processes:
            code = (
                f"import sys\nsys.path[:] = {absolute_path()!r}\n"
                f"from {__package__}.judge import serve\nserve()"
            )
            self.processes[me] = subprocess.Popen(
                [sys.executable, "-I", "-c", code],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        return self.processes[me]

    def _forget(self, process) -> None:
        process.kill()
        process.wait()
        self.processes.pop(threading.get_ident(), None)

    def end(self) -> None:
        """Let all go."""
        self.ended = True
        for process in list(self.processes.values()):
            with suppress(OSError):
                process.stdin.close()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
