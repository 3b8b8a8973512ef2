"""The pages of the package itself: what is public, room by room.

Which names are public the modules say themselves (``__all__``), and what each
does its docstring. Sphinx's autodoc reads both.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import posecourse

from ..notebooks import read
from .sources import Sources, put

__all__ = ["ROOMS", "write_reference"]

# In the order in which they build on each other, with what one looks for there.
ROOMS = {
    "Joints and pictures": ("skeletons", "geometry", "images", "drawing"),
    "Targets and scores": ("codecs", "losses", "metrics"),
    "Data": ("datasets", "transforms"),
    "Networks": ("models", "training", "evaluation", "inference"),
    "Subjects": ("classical", "people", "lifting", "motion", "deploy"),
    "In the notebooks": ("visualization", "exercises"),
    "Around it": ("files", "device", "places", "benchmarks"),
}

_START = """\
The package
===========

What homework needs is imported from ``posecourse`` itself::

    from posecourse import Predictor, pckh, train

The rest lives in rooms, a page each: everything of a room that is public, with
its shapes and units, and the paper that it comes from. Names in the chapters
lead here, and from here back to the chapters that use them. :ref:`genindex`
lists all names.

.. py:module:: posecourse

From posecourse itself
----------------------

"""


def write_reference(sources: Sources) -> None:
    """Write the pages of the reference into ``api``."""
    folder = sources.out / "api"
    extra = _imported(sources)
    text = [_START, *_table([("posecourse", name) for name in _names()])]
    for title, rooms in ROOMS.items():
        text += ["", title, "-" * len(title), ""]
        text += _rows((f":py:mod:`posecourse.{r}`", _summary(r)) for r in rooms)
    every = [room for group in ROOMS.values() for room in group]
    text += [
        "",
        ".. toctree::",
        "   :hidden:",
        "",
        *(f"   {r} <{r}>" for r in every),
        "",
    ]
    put(folder / "index.rst", "\n".join(text).encode())
    for room in every:
        inner = sorted(m for m in extra if m.startswith(f"posecourse.{room}."))
        put(folder / f"{room}.rst", _room(room, inner).encode())


def _names() -> list[str]:
    """What ``posecourse`` has besides its modules."""
    return [n for n in posecourse.__all__ if not _is_module(f"posecourse.{n}")]


def _is_module(name: str) -> bool:
    return find_spec(name) is not None


def _imported(sources: Sources) -> set[str]:
    """The modules that the chapters import something from."""
    found = set()
    for chapter in sources.chapters:
        path = chapter.notebook(sources.course / "chapters")
        code = [c.source for c in read(path).cells if c.cell_type == "code"]
        found |= set(
            re.findall(r"^from (posecourse\.\S+) import", "\n".join(code), re.M)
        )
    return found


def _room(room: str, inner: list[str]) -> str:
    """The page of a room: its own names, then those of modules within it."""
    name = f"posecourse.{room}"
    public = import_module(name).__all__
    text = [name, "=" * len(name), "", f".. automodule:: {name}", ""]
    text += _entries(name, public)
    known = {id(getattr(import_module(name), n)) for n in public}
    for module in inner:
        own = import_module(module)
        new = [n for n in own.__all__ if id(getattr(own, n)) not in known]
        if new:
            text += ["", module, "-" * len(module), "", f".. automodule:: {module}"]
            # where a function has the module's name, the function is meant
            text += ["   :no-index:"] * (module.rpartition(".")[2] in public) + [""]
            text += _entries(module, new)
    return "\n".join(text)


def _entries(module: str, names: list[str]) -> list[str]:
    """A table of the names, and what each does at length."""
    names = [
        n for n in names if not inspect.ismodule(getattr(import_module(module), n))
    ]
    text = _table([(module, name) for name in names])
    for name in names:
        text += ["", *_entry(module, name)]
    return text


def _entry(module: str, name: str) -> list[str]:
    value = getattr(import_module(module), name)
    full = f"{module}.{name}"
    examples = ["", f".. autolink-examples:: {full}", "   :collapse:", ""]
    if inspect.isclass(value):
        return [f".. autoclass:: {full}", "   :members:", *examples]
    if inspect.isroutine(value):
        return [f".. autofunction:: {full}", *examples]
    kind = type(value).__name__
    text = [f".. py:data:: {name}", f"   :module: {module}", f"   :type: {kind}", ""]
    words = _comment(module, name) or _summary_of(module, name)
    text += textwrap.indent(words, "   ").split("\n")
    if isinstance(value, dict):
        keys = ", ".join(f"``{key!r}``" for key in value)
        text += ["", f"   Has: {keys}."]
    elif isinstance(value, int | str | tuple):
        text += ["", f"   ``{value!r}``"]
    return text + examples


def _table(names: list[tuple[str, str]]) -> list[str]:
    return _rows((f":py:obj:`{n} <{m}.{n}>`", _summary_of(m, n)) for m, n in names)


def _rows(rows) -> list[str]:
    text = [".. list-table::", "   :class: names", "   :widths: 30 70", ""]
    for first, second in rows:
        text += [f"   * - {first}", f"     - {second}"]
    return text


def _summary(room: str) -> str:
    return _sentence(import_module(f"posecourse.{room}").__doc__)


def _summary_of(module: str, name: str) -> str:
    value = getattr(import_module(module), name)
    if inspect.isclass(value) or inspect.isroutine(value):
        return _sentence(inspect.getdoc(value))
    if isinstance(value, dict | tuple):
        keys = ", ".join(f"``{key}``" for key in value)
    else:
        keys = repr(value).strip("<>")
    return _sentence(_comment(module, name)) or keys


def _sentence(text: str | None) -> str:
    """The first sentence of a docstring."""
    paragraph = " ".join((text or "").strip().partition("\n\n")[0].split())
    return re.split(r"(?<=[.:;]) (?=[A-Z])", paragraph)[0].rstrip(":;")


def _comment(module: str, name: str) -> str:
    """The comment above the line that gives a value its name."""
    module = posecourse._FACE.get(name, module) if module == "posecourse" else module
    base = import_module(module if "." in module else f"posecourse.{module}")
    found = (_comments(path).get(name, "") for path in _files(base))
    return next(filter(None, found), "")


@cache
def _comments(path: Path) -> dict[str, str]:
    """The comments above the assignments of a module."""
    source = path.read_text("utf-8")
    lines, comments = source.split("\n"), {}
    for node in ast.parse(source).body:
        for target in getattr(node, "targets", [getattr(node, "target", None)]):
            if isinstance(target, ast.Name):
                above = node.lineno - 1
                while above and lines[above - 1].startswith("# "):
                    above -= 1
                text = [line[2:] for line in lines[above : node.lineno - 1]]
                comments[target.id] = "\n".join(text)
    return comments


def _files(module) -> list[Path]:
    path = Path(module.__file__)
    return sorted(path.parent.rglob("*.py")) if path.name == "__init__.py" else [path]
