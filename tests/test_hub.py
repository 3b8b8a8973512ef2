"""The course on other people's machines: a hub's settings, an image, badges."""

import json
import os
import re
import subprocess
import sys
import tomllib
from types import SimpleNamespace

import nbformat
import pytest
from sample import make_checkout

from posecourse.authoring import badges, chapters, colab
from posecourse.cli import main

sh = pytest.mark.skipif(sys.platform == "win32", reason="hubs run on Linux")


@pytest.fixture
def server(tmp_path, root):
    """Starts what a hub starts: with this package, a course of two pages, and a
    server that only says its words."""
    commands = tmp_path / "bin"
    commands.mkdir()
    for name, words in {
        "posecourse": f'exec "{sys.executable}" -m posecourse "$@"',
        "jupyterhub-singleuser": 'printf "%s\\n" served "$@"',
    }.items():
        (commands / name).write_text(f"#!/bin/sh\n{words}\n")
        (commands / name).chmod(0o755)
    pages = make_checkout(tmp_path / "course")
    for name in ("START_HERE", "03_heatmaps"):
        nbformat.write(nbformat.v4.new_notebook(), pages / f"{name}.ipynb")
    home = tmp_path / "course" / "home"
    home.mkdir()

    def start(*command):
        path = f"{commands}:{os.environ['PATH']}"
        more = {"HOME": str(home), "PATH": path, "PYTHONPATH": str(root)}
        done = subprocess.run(
            command,
            cwd=home,
            env={**os.environ, **more},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.splitlines(), home / "posecourse-work"

    return start


def spawner(root):
    settings = SimpleNamespace(Spawner=SimpleNamespace())
    path = root / "chapters" / "teaching" / "hub" / "jupyterhub_config.py"
    exec(path.read_text("utf-8"), {"get_config": lambda: settings})
    return settings.Spawner


@sh
@pytest.mark.slow
def test_a_hub_brings_copies_and_then_the_server(root, server):
    words = ["--port=1234", "two words", "$HOME"]
    said, copies = server(*spawner(root).cmd, *words)
    assert said[-4:] == ["served", *words]
    page = spawner(root).default_url.removeprefix("/lab/tree/posecourse-work/")
    assert (copies / page).is_file() and (copies / "03_heatmaps.ipynb").is_file()
    # what a learner wrote is there the next time
    (copies / "03_heatmaps.ipynb").write_text("mine")
    server(*spawner(root).cmd)
    assert (copies / "03_heatmaps.ipynb").read_text() == "mine"


@sh
@pytest.mark.slow
def test_an_image_does_the_same(root, server):
    said, copies = server(root / "binder" / "start", "jupyterhub-singleuser", "a")
    assert said[-2:] == ["served", "a"] and (copies / "START_HERE.ipynb").is_file()


def test_what_the_image_is_made_of(root):
    """Each file it copies is there; the course is installed before the user comes."""
    text = (root / "binder" / "Dockerfile").read_text("utf-8")
    lines = [line for line in text.splitlines() if line and line[0] != "#"]
    (base,) = [line.split()[1] for line in lines if line.startswith("FROM")]
    python = re.fullmatch(r"python:3\.(\d+)-slim", base)
    assert int(python[1]) >= 11
    for source in re.findall(r"^COPY (\S+)", text, re.M):
        assert (root / source).exists()
    assert text.index("/tmp/course[deploy]") < text.index("\nUSER jovyan")
    start = root / "binder" / "start"
    assert os.access(start, os.X_OK) and start.read_bytes().startswith(b"#!/bin/sh\n")


# ------------------------------------------------------------------ badges


def addressed(folder, address):
    """A checkout with an address, and a chapter in it."""
    root = make_checkout(folder)
    lines = (
        f'[project]\nname = "posecourse"\n[project.urls]\nRepository = "{address}"\n'
    )
    (folder / "pyproject.toml").write_text(lines, "utf-8")
    cells = [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": [_TEXT]},
        {
            "cell_type": "code",
            "execution_count": 1,
            "id": "b",
            "metadata": {},
            "outputs": [{"output_type": "stream", "name": "stdout", "text": "42"}],
            "source": ["print(42)"],
        },
    ]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (root / "03_heatmaps.ipynb").write_text(json.dumps(notebook))
    (root / "source").mkdir()
    (root / "source" / "03_heatmaps.py").touch()
    (folder / "README.md").write_text("\n".join(chapters.TABLE_MARKS) + "\n")
    return root


_TEXT = "![A](figures/a.svg) [4](04_losses.ipynb#quiz) [b](https://b.org/) [c](#c)"


def test_badges_follow_from_the_chapter_list(tmp_path, monkeypatch, capsys):
    root = addressed(tmp_path, "https://github.com/me/pose.git")
    monkeypatch.chdir(tmp_path)
    assert main(["chapters", "table"]) == 0
    head, line, *rows = (tmp_path / "README.md").read_text("utf-8").splitlines()[1:-1]
    assert head.endswith("| run |") and line == "|---|---|---|---|---|"
    assert len(rows) == len(chapters.CHAPTERS)
    assert all(row.count(" |") == head.count(" |") for row in rows)
    (badge,) = [row for row in rows if "mybinder" in row or "colab." in row]
    assert (
        "(https://mybinder.org/v2/gh/me/pose/main?urlpath=lab%2Ftree%2F"
        "posecourse-work%2F03_heatmaps.ipynb)" in badge
    )
    colab = "/github/me/pose/blob/main/colab/03_heatmaps.ipynb)"
    assert f"(https://colab.research.google.com{colab}" in badge
    assert "[![Open chapter 3 on Binder](" in badge
    # what Colab opens is there, and its own pictures and links lead somewhere
    path = tmp_path / "colab" / "03_heatmaps.ipynb"
    assert capsys.readouterr().out == f"{path}\n"
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    install, text, code = notebook.cells
    assert '"git+https://github.com/me/pose"' in install.source
    at = "https://raw.githubusercontent.com/me/pose/main/chapters/figures/a.svg"
    there = "https://github.com/me/pose/blob/main/chapters/04_losses.ipynb#quiz"
    assert text.source == f"![A]({at}) [4]({there}) [b](https://b.org/) [c](#c)"
    assert code.source == "print(42)" and not code.outputs
    assert chapters.table(root) == "\n".join([head, line, *rows])


def test_without_an_address_there_are_none(root, tmp_path):
    assert badges.repository(root) is None  # the course itself has none yet
    assert "run |" not in chapters.table() and not (root / "colab").exists()
    assert badges.repository(tmp_path) is None  # an installed course
    addressed(tmp_path / "a", "https://example.org/course")
    with pytest.raises(ValueError, match=r"github\.com/OWNER/NAME"):
        badges.repository(tmp_path / "a")


def test_colab_gets_the_packages_that_it_lacks(root):
    """What is installed there is asked for by the course, and in no other place."""
    words = re.findall(r"^%pip install --quiet ([\w ]+)$", colab._INSTALL, re.M)
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    asked = {re.match(r"[\w-]+", text)[0] for text in project["dependencies"]}
    assert set(" ".join(words).split()) == {"anywidget", "av", "simplejpeg"} <= asked
