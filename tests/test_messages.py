"""What a text or a message tells the learner to type works in that notebook."""

import ast
import builtins
import importlib
import re

import pytest

from posecourse.authoring.chapters import CHAPTERS, folder
from posecourse.authoring.notebooks import read_source, tags
from posecourse.cli import COMMANDS
from posecourse.exercises import check, get_exercise, names

READY = [c for c in CHAPTERS if c.source(folder()).exists()]
# np.argmax(...), but not f(x), which may be mathematics
CALL = re.compile(r"(?<![\w.])([a-zA-Z_]\w*)(?:\.\w+)+\(")


def cells(chapter):
    return read_source(chapter.source(folder())).cells


def names_in(code):
    """Every name that code makes known: imported, assigned, defined, given."""
    found = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            found |= {(a.asname or a.name).split(".")[0] for a in node.names}
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
    return found


MODULES = set().union(
    *(names_in(cells(c)[1].source) for c in READY), ("np", "torch", "nn", "math")
)


def known(chapter):
    """Names of a learner's notebook (its solutions are not there)."""
    code = [c for c in cells(chapter) if c.cell_type == "code"]
    return set().union(
        *(names_in(c.source) for c in code if "solution" not in tags(c)),
        dir(builtins),
    )


def prose(chapter):
    return "\n".join(c.source for c in cells(chapter) if c.cell_type == "markdown")


@pytest.mark.parametrize("chapter", READY, ids=lambda c: c.name)
def test_checks_hints_and_quizzes_can_be_called(chapter):
    """Messages end with hint("01.1"): so both are always imported."""
    code = [c for c in cells(chapter) if c.cell_type == "code"]
    setup = names_in(code[0].source)
    assert {"check", "hint"} <= setup
    result = check(names(chapter.number)[0], "nonsense")
    typed = re.findall(r"^.*Stuck\? (\w+)\(", repr(result), re.M)
    assert typed and set(typed) <= setup
    called = re.findall(r"`(hint|check|quiz)\(", prose(chapter))
    assert set(called) <= setup


@pytest.mark.parametrize("chapter", READY, ids=lambda c: c.name)
def test_hints_name_what_the_notebook_knows(chapter):
    """np.argmax helps only where np is imported."""
    there = known(chapter)
    for id in names(chapter.number):
        text = "\n".join(get_exercise(id).hints)
        for name in set(CALL.findall(text)) & MODULES:
            assert name in there, f"hint of {id}: {name} is not known there"


@pytest.mark.parametrize("chapter", READY, ids=lambda c: c.name)
def test_exercises_that_texts_name_exist(chapter):
    for id in re.findall(r"`(?:hint|check)\(\"([^\"]+)\"", prose(chapter)):
        get_exercise(id)


def commands(text):
    """Command lines in code spans and code blocks."""
    text = re.sub(r"^#+ ?", "", text, flags=re.M)
    for span in re.findall(r"`(posecourse [^`]+)`", text):
        yield " ".join(span.split())
    for block in re.findall(r"```.*?\n(.*?)```", text, re.S):
        for line in block.splitlines():
            match = re.search(r"(?:^|run |-m )(posecourse .+)", line)
            if match:
                yield match[1].partition("#")[0].strip()


def texts(root):
    for chapter in READY:
        yield chapter.name, prose(chapter)
    for path in (root / "README.md", *(root / "chapters").rglob("*.md")):
        yield path.name, path.read_text("utf-8")


def test_commands_that_texts_name_exist(root, capsys):
    """Each with its options and, where there are any, its subcommands."""
    helps = {}

    def help_of(*words):
        if words not in helps:
            with pytest.raises(SystemExit):
                module = importlib.import_module(COMMANDS[words[0]][0])
                module.main([*words[1:], "--help"])
            helps[words] = capsys.readouterr().out
        return helps[words]

    seen = 0
    for where, text in texts(root):
        for command in commands(text):
            words = command.split()[1:]
            if words[0].startswith("-") or words[0].isupper():
                continue
            assert words[0] in COMMANDS, f"{where}: {command}"
            shown = help_of(words[0])
            inner = re.search(
                r"^positional arguments:\n  WHAT\n((?:    .*\n)+)", shown, re.M
            )
            if inner and words[1:] and words[1] != "...":
                subcommands = re.findall(r"^    (\w\S*)", inner[1], re.M)
                assert words[1] in subcommands, f"{where}: {command}"
                shown = help_of(*words[:2])
            for option in (w.partition("=")[0] for w in words if w.startswith("--")):
                assert option in shown + "--help --data-dir", f"{where}: {command}"
            seen += 1
    assert seen > 20
