"""Code that reaches for the checks instead of for the answer.

None of it can change a verdict, which is found in a process that the code
never enters. It is looked for so that a teacher sees it: in the text of the
whole notebook, also in cells that are not run.
"""

from __future__ import annotations

import ast
import importlib
import re

from .submission import Cell

__all__ = ["find_tampering"]

# Names in these belong to everybody; to put something else there is to change
# what others' code does.
_SHARED = ("builtins", "numpy", "torch", "posecourse")
# Where the checks are, and what they compare with.
_CHECKS = re.compile(
    r"posecourse[./\\]exercises[./\\]"
    r"(chapter_\d|homework_\d|hidden|attempt|grading|by_chapter|progress)"
)
_PRIVATE = {"_EXERCISES", "get_exercise"}
# What looks at the caller's values.
_SPIES = {
    ("sys", "_getframe"),
    ("gc", "get_objects"),
    ("gc", "get_referrers"),
    ("inspect", "stack"),
    ("inspect", "currentframe"),
}


def find_tampering(cells: list[Cell]) -> str:
    """What of a notebook reaches for the checks, with its place; "" if nothing."""
    for cell in cells:
        if cell.tree is None:
            continue
        modules = _imports(cells)
        for node in ast.walk(cell.tree):
            what = _reaches(node, modules)
            if what:
                line = getattr(node, "lineno", 1)
                text = cell.source.splitlines()[line - 1].strip()
                return f"Cell {cell.number}, line {line} {what}: {text:.200}"
    return ""


def _imports(cells: list[Cell]) -> dict[str, str]:
    """``{name in the notebook: what it was imported from}``."""
    found = {"__builtins__": "builtins", "np": "numpy", "torch": "torch"}
    for cell in cells:
        for node in ast.walk(cell.tree) if cell.tree else ():
            if isinstance(node, ast.Import):
                for alias in node.names:
                    first = alias.name.partition(".")[0]
                    found[alias.asname or first] = alias.name if alias.asname else first
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for alias in node.names:
                    found[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return found


def _reaches(node: ast.AST, modules: dict[str, str]) -> str:
    if isinstance(node, (ast.Attribute, ast.Name)) and not isinstance(
        node.ctx, ast.Load
    ):
        place = _place(node, modules) if isinstance(node, ast.Attribute) else ""
        return "changes what others' code uses" if _is_shared(place) else ""
    if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
        place = _place(node.value, modules)
        changed = place == "sys.modules" or place.endswith("__dict__")
        return "changes what others' code uses" if changed else ""
    if isinstance(node, ast.Call):
        return _call_reaches(node, modules)
    if isinstance(node, ast.ImportFrom):
        names = [f"{node.module}.{alias.name}" for alias in node.names]
        private = _PRIVATE & {alias.name for alias in node.names}
        found = bool(private) or any(map(_CHECKS.match, names))
        return "looks into the checks" if found else ""
    if isinstance(node, ast.Import):
        found = any(_CHECKS.match(alias.name) for alias in node.names)
        return "looks into the checks" if found else ""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        # a path or a name, not a sentence about them
        text = node.value
        found = bool(_CHECKS.search(text)) and not re.search(r"\s", text)
        return "looks into the checks" if found else ""
    if isinstance(node, ast.Attribute):
        place = _place(node, modules)
        found = bool(_CHECKS.match(place)) or place.endswith("exercises._EXERCISES")
        return "looks into the checks" if found else ""
    return ""


def _call_reaches(node: ast.Call, modules) -> str:
    place = _place(node.func, modules)
    if tuple(place.rpartition(".")[::2]) in _SPIES:
        return "looks at the values of whoever calls it"
    if place == "setattr" and len(node.args) == 3:
        name = node.args[1]
        inner = str(name.value) if isinstance(name, ast.Constant) else "*"
        target = f"{_place(node.args[0], modules)}.{inner}"
        return "changes what others' code uses" if _is_shared(target) else ""
    return ""


def _place(node: ast.AST, modules: dict[str, str]) -> str:
    """``np.linalg.norm`` -> ``"numpy.linalg.norm"``; "" if it is no such chain."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([modules.get(node.id, node.id), *reversed(parts)])


def _is_shared(place: str) -> bool:
    """Whether a place is a function, class or module that others use, and not
    a setting such as ``torch.backends.cudnn.deterministic``."""
    root, _, rest = place.partition(".")
    if place == "sys.modules":
        return True
    if root not in _SHARED or not rest:
        return False
    if root in ("builtins", "posecourse"):
        return True
    value: object = importlib.import_module(root)
    for part in rest.split("."):
        value = getattr(value, part, None)
    return callable(value)
