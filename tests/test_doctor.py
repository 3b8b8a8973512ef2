"""The doctor sees what is wrong, and says what to do."""

import getpass
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import webbrowser
from importlib import metadata

import nbformat
import pytest
from sample import make_checkout

from posecourse import places
from posecourse.cli import main
from posecourse.commands import doctor, preflight


def only(monkeypatch, *packages):
    """Look at a few packages: importing all takes a while."""
    monkeypatch.setattr(doctor, "_requirements", lambda: list(packages))


def test_nothing_needed_is_missing_here(capsys):
    """The one test that imports everything."""
    assert main(["doctor", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    found = {f["what"]: f for f in content["findings"]}
    assert content["ok"]
    assert all(f["state"] in ("ok", "note") for f in found.values())
    assert found["numpy"]["found"] == metadata.version("numpy")
    asked = {name for name, _, extra in doctor._requirements() if not extra}
    assert {"torch", "numpy", "matplotlib", "jupyterlab"} <= asked
    assert asked | {"Python", "GPU", "machine", "disk", "cache"} <= set(found)
    assert found["chapters"]["state"] == found["networks"]["state"] == "ok"


def test_lines_for_people(monkeypatch, capsys):
    only(
        monkeypatch,
        ("numpy", ">=1", ""),
        ("pytest", ">=99", "test"),
        ("nbval", ">=0", "test"),
    )
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert f"ok       numpy: {metadata.version('numpy')}\n" in out
    assert "note     extra test: without pytest; the course itself does not" in out
    assert "MISSING" not in out and "posecourse lab" in out


@pytest.fixture
def broken(monkeypatch):
    """Break the import of one module, or hide it."""
    real, version = importlib.import_module, metadata.version

    def break_it(module, error, hide=None):
        def import_module(name, package=None):
            if name == module:
                raise error
            return real(name, package)

        def installed(name):
            if name == hide:
                raise metadata.PackageNotFoundError(name)
            return version(name)

        monkeypatch.setattr(doctor.importlib, "import_module", import_module)
        monkeypatch.setattr(doctor.metadata, "version", installed)

    return break_it


def test_a_missing_package(broken, monkeypatch, capsys):
    only(monkeypatch, ("h5py", ">=3.11,<4", ""))
    broken(
        "h5py", ModuleNotFoundError("No module named 'h5py'", name="h5py"), hide="h5py"
    )
    found = doctor._package("h5py", ">=3.11,<4")
    assert found.state == "missing"
    assert sys.executable in found.advice
    assert found.advice.endswith(' "h5py>=3.11,<4"')
    assert main(["doctor"]) == 1
    assert "MISSING  h5py: not installed" in capsys.readouterr().out


@pytest.mark.parametrize(
    "name, module, error, advice",
    [
        (
            "opencv-python",
            "cv2",
            ImportError("libGL.so.1: cannot open shared object file"),
            "headless",
        ),
        (
            "torchvision",
            "torchvision",
            RuntimeError("operator torchvision::nms does not exist"),
            "one command",
        ),
        ("torch", "torch", OSError("DLL load failed while importing _C"), "Visual C++"),
        ("h5py", "h5py", ValueError("something new"), "reinstall"),
    ],
)
def test_broken_packages_get_advice(broken, name, module, error, advice):
    broken(module, error)
    found = doctor._package(name, ">=0")
    assert found.state == "missing" and "cannot be imported" in found.found
    assert advice in found.advice


def test_a_package_that_misses_a_part_of_its_own(broken):
    broken(
        "jupyterlab", ModuleNotFoundError("No module named 'tornado'", name="tornado")
    )
    found = doctor._package("jupyterlab", ">=4")
    assert "tornado" in found.found and found.advice


def test_versions_out_of_range():
    found = doctor._package("numpy", ">=99")
    assert found.state == "missing"
    assert ">=99" in found.found and ">=99" in found.advice
    assert doctor._within("2.11.0+cpu", ">=2.11,<3")


def test_torch_for_the_cpu_wants_its_like(broken, monkeypatch):
    """What happens when only one of the two is taken from the CPU's index."""
    broken("torchvision", RuntimeError("operator torchvision::nms does not exist"))
    have = {"torch": "2.11.0+cpu", "torchvision": "0.26.0"}
    monkeypatch.setattr(doctor.metadata, "version", have.get)
    found = doctor._package("torchvision", ">=0.26,<1")
    assert "torch 2.11.0+cpu and torchvision 0.26.0 do not belong" in found.advice
    assert "--torch-backend cpu torch torchvision" in found.advice


@pytest.mark.parametrize("pip", [True, False])
def test_the_advice_can_be_followed(monkeypatch, pip):
    """Environments that uv makes have no pip."""
    monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda name: pip or None)
    monkeypatch.setattr(doctor.sys, "executable", "/a place/python")
    assert doctor._reinstall("x") == (
        '"/a place/python" -m pip install --force-reinstall x'
        if pip
        else 'uv pip install --python "/a place/python" --reinstall x'
    )


def test_an_environment_of_an_earlier_edition(tmp_path, monkeypatch):
    """In a checkout the ranges count that stand there now, not those that
    were noted when it was installed."""
    monkeypatch.setattr(doctor, "_PACKAGE", tmp_path / "posecourse")
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "posecourse"\nversion = "9"\nrequires-python = ">=3.11"\n'
        'dependencies = ["brand-new>=1,<2"]\n[project.optional-dependencies]\n'
        'test = ["pytest>=8"]\n'
    )
    assert doctor._requirements() == [
        ("brand-new", ">=1,<2", ""),
        ("pytest", ">=8", "test"),
    ]
    assert doctor._package(*doctor._requirements()[0][:2]).found == "not installed"
    assert "posecourse 9 in" in doctor._python().found
    (tmp_path / "pyproject.toml").unlink()
    monkeypatch.setattr(
        doctor.metadata,
        "requires",
        lambda name: ["numpy<3,>=1.26", "pytest>=8; extra == 'test'"],
    )
    assert doctor._requirements() == [("numpy", "<3,>=1.26", "")]


# ---------------------------------------------------------- is the course here


@pytest.fixture
def course(root, tmp_path, monkeypatch):
    """A course of its own that is whole; one stands in it."""
    folder = make_checkout(tmp_path / "course").parent
    (folder / "chapters" / "01_concepts.ipynb").write_text('{"cells": []}')
    for name in doctor._NETWORKS:
        (folder / "data" / "weights" / name).mkdir(parents=True)
        shutil.copy(
            root / "data" / "weights" / name / "weights.safetensors",
            folder / "data" / "weights" / name,
        )
    monkeypatch.chdir(folder)
    return folder


def states(findings):
    return {f.what: f.state for f in findings}


def test_the_networks_it_asks_for_are_those_there_are(root):
    weights = (root / "data" / "weights").glob("*/weights.safetensors")
    assert sorted(path.parent.name for path in weights) == sorted(doctor._NETWORKS)


def test_a_whole_course(course):
    found = states(doctor._course())
    # the course of one checkout, the package of another: that is said
    assert found.pop("course") == "note"
    assert set(found.values()) == {"ok"} and {"chapters", "networks"} <= set(found)


def test_a_course_without_chapters_or_networks(course):
    (course / "chapters" / "01_concepts.ipynb").write_text("")
    (course / "data" / "weights" / "laptop" / "weights.safetensors").unlink()
    cut = course / "data" / "weights" / "photos" / "weights.safetensors"
    cut.write_bytes(cut.read_bytes()[:-100])
    found = {f.what: f for f in doctor._course()}
    assert found["chapters"].state == found["networks"].state == "missing"
    assert "damaged: 01_concepts" in found["chapters"].found
    assert "not here: laptop; damaged: photos" in found["networks"].found
    assert found["networks"].advice == "install the course again"
    (course / ".git").mkdir()
    assert "git checkout" in list(doctor._course())[2].advice
    (course / "chapters" / "01_concepts.ipynb").unlink()
    assert list(doctor._course())[1].found == f"none in {course / 'chapters'}"


def test_a_package_without_the_course(tmp_path, monkeypatch, capsys):
    """It used to say that everything needed was there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(places, "_PACKAGE", tmp_path / "site-packages" / "posecourse")
    only(monkeypatch)
    assert main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "MISSING  course" in out and "Everything needed" not in out


def test_data_sets_and_what_is_left_of_old_times(course):
    (found,) = doctor._data()
    assert found.state == "note"  # weights are no data set
    (course / "data" / "mpii").mkdir()
    (course / "data" / "prepared").mkdir()
    (course / "data" / "prepared" / "crops.npy").write_bytes(bytes(3 * 10**8))
    found = list(doctor._data())
    assert (found[0].state, found[0].found) == ("ok", str(course / "data" / "mpii"))
    assert "0.3 GB" in found[1].found and found[1].advice == "delete it"


def test_where_the_cache_is_and_how_large(tmp_path, monkeypatch):
    monkeypatch.setenv("POSECOURSE_DATA", str(tmp_path / "kept"))
    assert doctor._cache().state == "ok"
    assert not (tmp_path / "kept").exists()  # a doctor only looks
    (tmp_path / "kept" / "prepared").mkdir(parents=True)
    (tmp_path / "kept" / "prepared" / "crops.npy").write_bytes(bytes(2 * 10**8))
    assert doctor._cache().found.startswith(f"0.2 GB of prepared data in {tmp_path}")
    (tmp_path / "file").touch()
    monkeypatch.setenv("POSECOURSE_DATA", str(tmp_path / "file" / "kept"))
    assert doctor._cache().state == "missing"
    assert "--data-dir" in doctor._cache().advice


# ----------------------------------------------------------------- the machine


def test_a_folder_that_cannot_be_written_to(monkeypatch):
    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(doctor.tempfile, "TemporaryFile", refuse)
    assert doctor._writable().state == "missing"


def test_a_gpu_that_torch_cannot_use(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(doctor.shutil, "which", lambda name: "/usr/bin/x")
    monkeypatch.setattr(torch.version, "cuda", None)
    (found,) = doctor._torch_devices()
    assert "without CUDA" in found.found and "--torch-backend auto" in found.advice
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    (found,) = doctor._torch_devices()
    assert "driver" in found.advice


def test_it_runs_where_nothing_is_installed(root):
    """Only the standard library is imported before packages are checked."""
    code = (
        "import sys; sys.modules['numpy'] = None; sys.modules['cv2'] = None; "
        "sys.modules['platformdirs'] = None; "
        "from posecourse.commands import doctor; "
        "print(next(doctor.examine()), doctor._cache(), *doctor._course(), "
        "*doctor._data(), sep='\\n')"
    )
    out = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        env={**os.environ, "POSECOURSE_DATA": ""},
        text=True,
        capture_output=True,
        check=True,
    ).stdout
    assert out.startswith("ok       Python")
    assert "note     cache: not known" in out and "ok       networks" in out


# ------------------------------------------------------------- before a class


def a_chapter(course, *sources):
    """A chapter of a few cells in the place of chapter 3."""
    new = nbformat.v4
    cells = [new.new_code_cell(source) for source in sources]
    notebook = new.new_notebook(cells=cells)
    nbformat.write(notebook, course / "chapters" / "03_heatmaps.ipynb")
    (course / "chapters" / "glossary.md").touch()


@pytest.fixture
def before_class(course, monkeypatch):
    """The doctor with few packages to look at; returns the lines of its last part."""
    only(monkeypatch, ("numpy", ">=1", ""))
    monkeypatch.setattr(preflight.webbrowser, "get", lambda: None)

    def run(capsys):
        status = main(["doctor", "--chapter"])
        out = capsys.readouterr().out
        assert "For your teacher, this line:" in out.splitlines()[-2]
        return status, out, out.splitlines()[-1]

    return run


@pytest.mark.slow
def test_a_chapter_is_really_run_and_a_line_says_so(before_class, course, capsys):
    a_chapter(course, "import os; here = os.getcwd()", "assert here != ''; 1 / 1")
    before = sorted(course.rglob("*"))
    status, out, line = before_class(capsys)
    assert status == 0 and re.search(r"ok       a chapter: 3 ran in \d+ s\n", out)
    parts = line.split("; ")
    assert parts[0] == f"posecourse {metadata.version('posecourse')}"
    assert parts[1] == "ready" and re.fullmatch(r"chapter 3 ran in \d+ s", parts[-1])
    assert re.search(r"; [\d.]+ GB free; browser; chapter", line)
    for private in (str(course), os.sep + "home", getpass.getuser() + "/"):
        assert private not in line
    assert sorted(course.rglob("*")) == before  # nothing of it stays


@pytest.mark.slow
def test_a_chapter_that_does_not_run(before_class, course, capsys):
    a_chapter(course, "1 / 0")
    status, out, line = before_class(capsys)
    assert status == 1 and "NOT READY: a chapter" in line
    assert line.endswith("; chapter did not run")
    assert "MISSING  a chapter: 3: a cell failed with ZeroDivisionError: div" in out
    a_chapter(course, "import os; os._exit(1)")
    status, out, _ = before_class(capsys)
    assert status == 1 and "3: the kernel died" in out and "too little memory" in out


def test_no_browser_no_kernel_no_chapter(before_class, course, monkeypatch, capsys):
    def none():
        raise webbrowser.Error

    def blocked(*_, **__):
        raise RuntimeError("Kernel didn't respond in 60 seconds")

    monkeypatch.setattr(preflight.webbrowser, "get", none)
    monkeypatch.setattr("nbclient.NotebookClient.execute", blocked)
    a_chapter(course, "1")
    status, out, line = before_class(capsys)
    assert status == 1 and "firewall" in out
    assert "note     browser" in out and "; no browser; " in line
    (course / "chapters" / "03_heatmaps.ipynb").unlink()
    assert "3 cannot be run: 03_heatmaps is not in" in before_class(capsys)[1]
    assert main(["doctor", "--chapter", "99"]) == 2
    assert "no chapter '99'" in capsys.readouterr().err
