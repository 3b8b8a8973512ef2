"""The points that a teacher gives by hand, in a table beside the gradebook.

``marks.csv`` has a line for each student and a column for each criterion of
the rubric. It is made empty, filled in with any spreadsheet, read when the
class is graded again, and never loses what stands in it.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from pathlib import Path

from ...files import FileError, read_bytes
from .assignment import Assignment
from .report import unplain, write_csv

__all__ = ["Marks", "read_marks", "write_marks"]


@dataclass(frozen=True)
class Marks:
    """What a teacher wrote about one student.

    Attributes
    ----------
    points:
        ``{criterion: points}``, of those that are filled in.
    note:
        A sentence for the student.
    """

    points: dict[str, float] = field(default_factory=dict)
    note: str = ""


def read_marks(out, assignment: Assignment) -> dict[str, Marks]:
    """``{student: marks}`` from ``out/marks.csv``; none where there is no file.

    Raises
    ------
    FileError
        If something in it is no number of points; names student and column.
    """
    path = Path(out, "marks.csv")
    if not path.exists():
        return {}
    text = read_bytes(path, "table of marks", 10**7).decode("utf-8-sig", "replace")
    mark = ";" if ";" in text.partition("\n")[0] else ","  # as spreadsheets like it
    rows = list(csv.DictReader(io.StringIO(text), delimiter=mark))
    lacking = {"student", *_columns(assignment)} - set(rows[0] if rows else ())
    if rows and lacking:
        raise FileError(
            f"{path} has no column {', '.join(sorted(lacking))}; rename it, and the "
            "next grading makes a new one"
        )
    return {unplain(row["student"]): _read_row(path, row, assignment) for row in rows}


def _columns(assignment: Assignment) -> dict[str, str]:
    """``{column: criterion}``"""
    return {f"{c.name} (of {c.points})": c.name for c in assignment.rubric}


def _read_row(path, row, assignment) -> Marks:
    most = {c.name: c.points for c in assignment.rubric}
    points = {}
    for column, name in _columns(assignment).items():
        text = (row[column] or "").strip()
        if not text:
            continue
        try:
            points[name] = float(text.replace(",", "."))
        except ValueError:
            points[name] = -1.0
        if not 0 <= points[name] <= most[name]:
            raise FileError(
                f"{path}: {row['student']} has {text!r} in {column!r}; write a number "
                f"from 0 to {most[name]}, or nothing"
            )
    return Marks(points, unplain((row.get("note") or "").strip()))


def write_marks(out, students, marks: dict[str, Marks], assignment: Assignment) -> Path:
    """Write ``out/marks.csv`` with a line for each student, old ones too."""
    path, columns = Path(out, "marks.csv"), _columns(assignment)
    rows = [["student", *columns, "note"]]
    for student in dict.fromkeys([*students, *marks]):
        found = marks.get(student, Marks())
        points = [
            f"{found.points[n]:g}" if n in found.points else ""
            for n in columns.values()
        ]
        rows.append([student, *points, found.note])
    write_csv(path, rows)
    return path
