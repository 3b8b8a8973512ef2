"""A gradebook as a table and as a page, and a page for each student."""

from __future__ import annotations

import csv
import html
from datetime import datetime
from pathlib import Path

from ...files import atomic_path, write_json
from .assignment import Assignment
from .grader import Graded, safe_name

__all__ = [
    "plain_cell",
    "unplain",
    "write_feedback",
    "write_gradebook",
    "write_results",
]

# A spreadsheet takes what begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem;
       padding: 0 1rem; color: #1a1a1a; background: #fff }
table { border-collapse: collapse; width: 100% }
th, td { border: 1px solid #767676; padding: .3rem .6rem; text-align: left }
td.number { text-align: right }
td.passed { background: #d8f0d8 } td.open { background: #f2f2f2 }
td.wrong { background: #fde8d8 } td.stopped { background: #f8d8d8 }
pre { white-space: pre-wrap; background: #f2f2f2; padding: .6rem; overflow-x: auto }
a { color: #0b57a4 }
"""
_KIND = {"passed": "passed", "empty": "open", "missing cell": "open", "wrong": "wrong"}


def write_gradebook(
    graded: list[Graded], assignment: Assignment, out, note: str, marks=None
):
    """``gradebook.csv`` and ``gradebook.html``; gives their paths.

    Parameters
    ----------
    note:
        How submissions were shut in; stands below the page's table.
    marks:
        ``{student: Marks}``, what the teacher gave by hand; for a homework.
    """
    ids = [p.id for p in assignment.problems]
    by_hand = [c.name for c in assignment.rubric]
    total = ["total", "of all"] if by_hand else []
    head = ["student", "points", "of", "passed", *ids, *by_hand, *total]
    head += ["file", "seconds"]
    rows = [
        [
            each.student,
            each.points,
            assignment.points,
            each.passed,
            *(g.state for g in each.grades),
            *_by_hand(each, assignment, marks),
            each.path.name,
            round(each.seconds, 1),
        ]
        for each in graded
    ]
    table, page = Path(out, "gradebook.csv"), Path(out, "gradebook.html")
    write_csv(table, [head, *rows])
    body = _body(graded, assignment, note, marks)
    _write_page(page, f"Gradebook: {assignment.chapter}", body)
    return table, page


def _by_hand(graded: Graded, assignment: Assignment, marks) -> list:
    """The teacher's points, then the sum and how much it could be; nothing where
    there is no rubric. An open criterion is empty, and so is the sum."""
    if not assignment.rubric:
        return []
    given = _points_of(graded, marks)
    points = [given.get(c.name, "") for c in assignment.rubric]
    whole = graded.points + sum(given.values())
    most = assignment.points + sum(c.points for c in assignment.rubric)
    return [*points, "" if "" in points else whole, most]


def _points_of(graded: Graded, marks) -> dict[str, float]:
    found = (marks or {}).get(graded.student)
    return found.points if found else {}


def write_csv(path, rows) -> None:
    """A table as spreadsheets open it: letters of all languages, no formulas."""
    with (
        atomic_path(path) as temporary,
        open(
            temporary, "w", newline="", encoding="utf-8-sig", errors="replace"
        ) as file,
    ):
        csv.writer(file).writerows([plain_cell(v) for v in row] for row in rows)


def plain_cell(value):
    """A value that no spreadsheet takes for a formula."""
    if isinstance(value, str):
        value = " ".join(value.split())
        if value.startswith(_FORMULA):
            return "'" + value
    return value


def unplain(text: str) -> str:
    """What `plain_cell` was given."""
    return text[1:] if text[:1] == "'" and text[1:].startswith(_FORMULA) else text


def _body(graded, assignment, note, marks) -> str:
    heads = ["student", "points", *(p.id for p in assignment.problems)]
    heads += [html.escape(c.name) for c in assignment.rubric]
    heads += ["total"] * bool(assignment.rubric)
    rows = [
        f'<tr><td><a href="feedback/{_attribute(safe_name(each.student))}.html">'
        f"{html.escape(each.student)}</a></td>"
        f'<td class="number">{each.points} of {assignment.points}</td>'
        + "".join(
            f'<td class="{_KIND.get(g.state, "stopped")}">{g.state}</td>'
            for g in each.grades
        )
        + "".join(
            f'<td class="number">{_number(value)}</td>'
            for value in _by_hand(each, assignment, marks)[:-1]
        )
        + "</tr>"
        for each in graded
    ]
    passed = [
        f"{p.id} {sum(e.grades[i].state == 'passed' for e in graded)} of {len(graded)}"
        for i, p in enumerate(assignment.problems)
    ]
    return (
        f"<table><thead><tr>{''.join(f'<th>{h}</th>' for h in heads)}</tr></thead>\n"
        f"<tbody>\n{chr(10).join(rows)}\n</tbody></table>\n"
        f"<p>Passed: {', '.join(passed)}.</p>\n<p>{html.escape(note)}</p>"
    )


def _number(value) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _attribute(text: str) -> str:
    from urllib.parse import quote

    return html.escape(quote(text), quote=True)


def write_feedback(graded: Graded, assignment: Assignment, out, marks=None) -> Path:
    """A page for a student: each exercise, its state, and what to look at; of a
    homework also the rubric, with what the teacher gave."""
    parts = [f"<p><b>{graded.points} of {assignment.points} points</b></p>"]
    for problem, found in zip(assignment.problems, graded.grades):
        stars = f" {problem.stars}" if problem.stars else ""
        parts.append(
            f"<h2>{found.id}{stars} {html.escape(problem.title)}</h2>\n"
            f"<p>{found.state}, {found.points} of {problem.points} points</p>\n"
            f"<pre>{html.escape(found.message)}</pre>"
        )
    parts += _rubric(graded, assignment, marks)
    path = Path(out, "feedback", f"{safe_name(graded.student)}.html")
    _write_page(path, f"{graded.student}: {assignment.chapter}", "\n".join(parts))
    return path


def write_results(graded: list[Graded], assignment: Assignment, path) -> None:
    """One student's grades as Gradescope's ``results.json``.

    Raises
    ------
    ValueError
        If there is not just one submission.
    """
    if len(graded) != 1:
        raise ValueError(
            f"Gradescope's results are of one submission, here are {len(graded)}"
        )
    tests = [
        {
            "name": f"{problem.id} {problem.title}",
            "score": found.points,
            "max_score": problem.points,
            "status": "passed" if found.state == "passed" else "failed",
            "output": f"{found.state}\n{found.message}",
        }
        for problem, found in zip(assignment.problems, graded[0].grades)
    ]
    write_json(path, {"tests": tests})


def _rubric(graded, assignment, marks):
    given = _points_of(graded, marks)
    for criterion in assignment.rubric:
        points = given.get(criterion.name)
        said = "your teacher gives up to" if points is None else f"{points:g} of"
        yield (
            f"<h2>{html.escape(criterion.name.capitalize())}</h2>\n"
            f"<p>{said} {criterion.points} points: {html.escape(criterion.text)}</p>"
        )
    if assignment.rubric and len(given) == len(assignment.rubric):
        *_, total, most = _by_hand(graded, assignment, marks)
        yield f"<p><b>Together {total:g} of {most} points.</b></p>"
    if marks and graded.student in marks and marks[graded.student].note:
        yield f"<p>{html.escape(marks[graded.student].note)}</p>"


def _write_page(path: Path, title: str, body: str) -> None:
    title = html.escape(title)
    text = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{title}</h1>\n{body}\n"
        f"<p><small>{datetime.now():%Y-%m-%d %H:%M}</small></p>\n</body>\n</html>\n"
    )
    with atomic_path(path) as temporary:
        Path(temporary).write_text(text, "utf-8", errors="replace")
