"""What docstrings and the README show can be run, and names what there is."""

import doctest
import importlib
import inspect
import re

import pytest
from test_floors import MODULES

from posecourse import models


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """An empty folder; networks that an example registers are forgotten."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(models, "_NETWORKS", dict(models._NETWORKS))


def with_examples():
    finder = doctest.DocTestFinder(exclude_empty=True)
    for name, path in MODULES.items():
        if ">>>" in path.read_text("utf-8"):
            module = importlib.import_module(f"posecourse.{name}".rstrip("."))
            for test in finder.find(module):
                if test.examples:
                    yield pytest.param(test, id=test.name.removeprefix("posecourse."))


@pytest.mark.parametrize("example", list(with_examples()))
def test_an_example_gives_what_it_shows(example, elsewhere):
    said = []
    doctest.DocTestRunner(verbose=False).run(example, out=said.append)
    assert not said, "".join(said)


def test_the_examples_of_the_readme_run(root, elsewhere):
    text = (root / "README.md").read_text("utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert blocks
    names = {}  # a block goes on where the one before it ended
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)


def public_things():
    """Everything that a module lists in `__all__`, and methods of classes."""
    seen = set()
    for name in MODULES:
        module = importlib.import_module(f"posecourse.{name}".rstrip("."))
        for listed in getattr(module, "__all__", ()):
            thing = getattr(module, listed)
            if not callable(thing) or is_error(thing) or id(thing) in seen:
                continue
            seen.add(id(thing))
            yield f"{name}.{listed}", thing
            for key, method in vars(thing).items() if inspect.isclass(thing) else ():
                if inspect.isfunction(method) and not key.startswith("_"):
                    yield f"{name}.{listed}.{key}", method


def is_error(thing):
    return inspect.isclass(thing) and issubclass(thing, BaseException)


def documented_parameters(text):
    """The names in a docstring's section "Parameters", as NumPy sets it."""
    found = re.search(r"^Parameters\n-+\n(.*?)(?=^\S.*\n-+$|\Z)", text, re.M | re.S)
    lines = found[1].splitlines() if found else []
    named = [line[:-1] for line in lines if re.fullmatch(r"\*{0,2}\w[\w, *]*:", line)]
    return [name.strip("* ") for line in named for name in line.split(",")]


def test_docstrings_name_parameters_that_there_are():
    wrong = []
    for name, thing in public_things():
        text = inspect.getdoc(thing)
        if not text:
            wrong.append(f"{name}: no docstring")
            continue
        known = set(inspect.signature(thing).parameters)
        ghosts = set(documented_parameters(text)) - known
        wrong += [f"{name}: no parameter {ghost}" for ghost in sorted(ghosts)]
    assert not wrong, "\n".join(wrong)
