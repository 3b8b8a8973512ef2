"""What somebody handed in: the definitions that answer each exercise.

A notebook is read, never run. For each exercise the cell that holds the answer
is found, and whatever else of the notebook that answer needs: a helper from
another cell, an import. All of it is text and its syntax tree; it runs
elsewhere (``agent``).
"""

from __future__ import annotations

import ast
import builtins
import json
import re
import symtable
import warnings
from dataclasses import dataclass, field

from .assignment import Assignment, Problem, code_cells

__all__ = ["Answer", "Step", "Unreadable", "find_answers", "read_cells"]


class Unreadable(ValueError):
    """What was handed in is not a notebook; says why."""


@dataclass
class Cell:
    """A code cell: its text, and its syntax tree if it has one."""

    id: str
    source: str
    number: int
    tree: ast.Module | None = None
    error: SyntaxError | None = None
    bound: list[set[str]] = field(default_factory=list)


@dataclass(frozen=True)
class Step:
    """A cell of which some statements are run.

    Attributes
    ----------
    number:
        The cell's place in the notebook, counted from 1.
    source:
        Its text, as Python.
    statements:
        Which of its statements, in order.
    """

    number: int
    source: str
    statements: tuple[int, ...]


@dataclass(frozen=True)
class Answer:
    """An exercise's answer as it was handed in.

    Attributes
    ----------
    steps:
        What defines it, in the notebook's order.
    state, message:
        Where it is known already: ``"empty"``, ``"missing cell"``,
        ``"syntax error"``; else "".
    """

    steps: tuple[Step, ...] = ()
    state: str = ""
    message: str = ""


def read_cells(content: bytes) -> list[Cell]:
    """The code cells of a notebook.

    Raises
    ------
    Unreadable
        If it is none.
    """
    try:
        cells = code_cells(json.loads(content))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        what = "is empty" if not content.strip() else "is not a whole notebook"
        raise Unreadable(
            f"The file {what}. Save the notebook in JupyterLab and hand it in again."
        ) from None
    return [_parse(Cell(c["id"], c["source"], c["number"])) for c in cells]


def _parse(cell: Cell) -> Cell:
    from IPython.core.inputtransformer2 import TransformerManager

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "\d" in a text
            source = cell.source
            if re.search(r"^\s*[%!?]|[?!]\s*$", source, re.M):  # magic, for IPython
                source = TransformerManager().transform_cell(source)
            cell.tree, cell.source = ast.parse(source), source
    except SyntaxError as error:
        cell.error = error
    except (ValueError, RecursionError, MemoryError) as error:
        cell.error = SyntaxError(str(error) or "too deeply nested")
    if cell.tree is not None:
        cell.bound = [_bound_names(s) for s in cell.tree.body]
    return cell


def _bound_names(statement: ast.stmt) -> set[str]:
    """The names that a statement of a cell binds in the notebook."""
    names = set()
    todo: list[ast.AST] = [statement]
    while todo:
        node = todo.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
            continue  # what is bound inside stays inside
        if isinstance(node, ast.Lambda):
            continue
        if isinstance(node, ast.alias):
            names.add(node.asname or node.name.partition(".")[0])
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.add(node.id)
        todo += ast.iter_child_nodes(node)
    return names


def _global_names(statement: ast.stmt) -> set[str]:
    """The names that a statement, or a function in it, looks up in the notebook."""
    try:
        table = symtable.symtable(ast.unparse(statement), "cell", "exec")
    except (SyntaxError, ValueError, RecursionError):  # "return" outside, and so on
        return set()
    names, todo = set(), [table]
    while todo:
        scope = todo.pop()
        top = scope.get_type() == "module"
        names |= {
            symbol.get_name()
            for symbol in scope.get_symbols()
            if symbol.is_referenced() and (top or symbol.is_global())
        }
        todo += scope.get_children()
    return names


def find_answers(cells: list[Cell], assignment: Assignment) -> dict[str, Answer]:
    """The answer to each exercise of an assignment."""
    given: set[str] = set(dir(builtins))
    for source in assignment.setup:
        for statement in ast.parse(source).body:
            given |= _bound_names(statement)
    return {
        problem.id: _find_answer(cells, problem, assignment, given)
        for problem in assignment.problems
    }


def _find_answer(cells, problem: Problem, assignment, given) -> Answer:
    index = _answer_cell(cells, problem, assignment)
    if index is None:
        return Answer(
            state="missing cell",
            message=f"No cell defines {problem.name}. It belongs into the cell "
            f"above check({problem.id!r}, {problem.name}).",
        )
    cell = cells[index]
    if cell.error is not None:
        line = cell.error.lineno or 0
        text = (cell.source.splitlines() or [""])[max(0, line - 1) :][:1]
        return Answer(
            state="syntax error",
            message=f"Cell {cell.number} is not Python: {cell.error.msg}\n"
            f"  in your line: {line}: {''.join(text).strip():.200}",
        )
    if _same_text(cell.source, problem.stub):
        return Answer(state="empty", message="There is no answer here.")
    return Answer(_needed(cells, index, problem.name, given))


def _answer_cell(cells, problem: Problem, assignment) -> int | None:
    """Where the answer is: the last cell above its check that binds it and was
    changed; else one below; else the cell as it was handed out."""
    call = re.compile(rf"""check\(\s*["']{re.escape(problem.id)}["']""")
    stop = max(
        (i for i, c in enumerate(cells) if call.search(c.source)), default=len(cells)
    )
    own, stubs = [], []
    for i, cell in enumerate(cells):
        if not _binds(cell, problem):
            continue
        if _same_text(cell.source, problem.stub):
            stubs.append(i)
        elif cell.source not in assignment.cells:
            own.append(i)
    above = [i for i in own if i <= stop]
    return next((found[-1] for found in (above, own, stubs) if found), None)


def _binds(cell: Cell, problem: Problem) -> bool:
    if cell.tree is not None:
        return any(problem.name in names for names in cell.bound)
    name = re.escape(problem.name)
    return cell.id == problem.cell_id or bool(
        re.search(rf"^(?:def\s+{name}\b|{name}\s*=)", cell.source, re.M)
    )


def _same_text(a: str, b: str) -> bool:
    return a.split() == b.split()


def _needed(cells: list[Cell], index: int, name: str, given: set[str]):
    """The steps that define a name: its cell, and what that needs of others.

    Other cells give definitions of names only; nothing else of them is run.
    """
    taken: dict[int, set[int]] = {index: set(range(len(cells[index].bound)))}
    todo, seen = {name}, set(given)
    while todo:
        wanted = todo.pop()
        seen.add(wanted)
        where = _binding(cells, index, wanted)
        if where is None:
            continue
        body = getattr(cells[where].tree, "body", [])
        for number, names in enumerate(cells[where].bound):
            if wanted in names:
                taken.setdefault(where, set()).add(number)
                todo |= _global_names(body[number]) - seen
    return tuple(
        Step(cells[i].number, cells[i].source, tuple(sorted(taken[i])))
        for i in sorted(taken, key=lambda i: (i == index, i))
    )


def _binding(cells: list[Cell], index: int, name: str) -> int | None:
    """The cell that gives a name to the answer: its own, the next above, or one
    below."""
    order = [index, *range(index - 1, -1, -1), *range(index + 1, len(cells))]
    return next((i for i in order if any(name in n for n in cells[i].bound)), None)
