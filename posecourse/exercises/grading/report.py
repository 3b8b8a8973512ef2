"""A gradebook as a table and as a page, and a page for each student."""

from __future__ import annotations

import csv
import html
from datetime import datetime
from pathlib import Path

from ...files import atomic_path
from .assignment import Assignment
from .grader import Graded, safe_name

__all__ = ["write_feedback", "write_gradebook"]

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


def write_gradebook(graded: list[Graded], assignment: Assignment, out, note: str):
    """``gradebook.csv`` and ``gradebook.html``; gives their paths.

    Parameters
    ----------
    note:
        How submissions were shut in; stands below the page's table.
    """
    ids = [p.id for p in assignment.problems]
    head = ["student", "points", "of", "passed", *ids, "file", "seconds"]
    rows = [
        [
            each.student,
            each.points,
            assignment.points,
            each.passed,
            *(g.state for g in each.grades),
            each.path.name,
            round(each.seconds, 1),
        ]
        for each in graded
    ]
    table, page = Path(out, "gradebook.csv"), Path(out, "gradebook.html")
    with (
        atomic_path(table) as temporary,
        open(
            temporary, "w", newline="", encoding="utf-8-sig", errors="replace"
        ) as file,
    ):
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows([_cell(v) for v in row] for row in rows)
    _write_page(
        page, f"Gradebook: {assignment.chapter}", _body(graded, assignment, note)
    )
    return table, page


def _cell(value):
    """A value that no spreadsheet takes for a formula."""
    if isinstance(value, str):
        value = " ".join(value.split())
        if value.startswith(_FORMULA):
            return "'" + value
    return value


def _body(graded, assignment, note) -> str:
    heads = ["student", "points", *(p.id for p in assignment.problems)]
    rows = [
        f'<tr><td><a href="feedback/{_attribute(safe_name(each.student))}.html">'
        f"{html.escape(each.student)}</a></td>"
        f'<td class="number">{each.points} of {assignment.points}</td>'
        + "".join(
            f'<td class="{_KIND.get(g.state, "stopped")}">{g.state}</td>'
            for g in each.grades
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


def _attribute(text: str) -> str:
    from urllib.parse import quote

    return html.escape(quote(text), quote=True)


def write_feedback(graded: Graded, assignment: Assignment, out) -> Path:
    """A page for a student: each exercise, its state, and what to look at."""
    parts = [f"<p><b>{graded.points} of {assignment.points} points</b></p>"]
    for problem, found in zip(assignment.problems, graded.grades):
        stars = f" {problem.stars}" if problem.stars else ""
        parts.append(
            f"<h2>{found.id}{stars} {html.escape(problem.title)}</h2>\n"
            f"<p>{found.state}, {found.points} of {problem.points} points</p>\n"
            f"<pre>{html.escape(found.message)}</pre>"
        )
    path = Path(out, "feedback", f"{safe_name(graded.student)}.html")
    _write_page(path, f"{graded.student}: {assignment.chapter}", "\n".join(parts))
    return path


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
