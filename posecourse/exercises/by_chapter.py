"""Where the checkers of a chapter or a homework are, and a chapter's quiz."""

from __future__ import annotations

import importlib

__all__ = ["chapter_module", "hidden_module"]


def chapter_module(which: int | str):
    """The module of chapter ``3`` or of homework ``"H1"``, or None if there is
    none: ``posecourse.exercises.chapter_03``, ``posecourse.exercises.homework_1``.
    """
    return _module(_name(which))


def hidden_module(which: str):
    """The module with a homework's hidden tests, which students' packages lack."""
    return _module(f"hidden.{_name(which)}")


def _name(which: int | str) -> str:
    if isinstance(which, str) and which.startswith("H"):
        return f"homework_{which[1:]}"
    return f"chapter_{int(which):02d}"


def _module(inner: str):
    name = f"{__package__}.{inner}"
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if not name.startswith(error.name or "?"):  # it is there, and lacks something
            raise
        return None
