"""The doctor sees what is wrong, and says what to do."""

import importlib
import json
import sys
from importlib import metadata

import pytest

from posecourse.cli import main
from posecourse.commands import doctor


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
    asked = {name for name, _, needed in doctor._requirements() if needed}
    assert {"torch", "numpy", "matplotlib", "jupyterlab"} <= asked
    assert asked | {"Python", "GPU", "machine", "disk"} <= set(found)


def test_lines_for_people(monkeypatch, capsys):
    only(monkeypatch, ("numpy", ">=1", True), ("pytest", ">=99", False))
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert f"ok       numpy: {metadata.version('numpy')}\n" in out
    assert "note     pytest" in out and "->" in out
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
    only(monkeypatch, ("h5py", ">=3.11,<4", True))
    broken(
        "h5py", ModuleNotFoundError("No module named 'h5py'", name="h5py"), hide="h5py"
    )
    found = doctor._package("h5py", ">=3.11,<4", True)
    assert found.state == "missing"
    assert found.advice == 'python -m pip install "h5py>=3.11,<4"'
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
            "one index",
        ),
        ("torch", "torch", OSError("DLL load failed while importing _C"), "Visual C++"),
        ("h5py", "h5py", ValueError("something new"), "--force-reinstall"),
    ],
)
def test_broken_packages_get_advice(broken, name, module, error, advice):
    broken(module, error)
    found = doctor._package(name, ">=0", True)
    assert found.state == "missing" and "cannot be imported" in found.found
    assert advice in found.advice


def test_a_package_that_misses_a_part_of_its_own(broken):
    broken(
        "jupyterlab", ModuleNotFoundError("No module named 'tornado'", name="tornado")
    )
    found = doctor._package("jupyterlab", ">=4", True)
    assert "tornado" in found.found and found.advice


def test_versions_out_of_range():
    found = doctor._package("numpy", ">=99", True)
    assert found.state == "missing"
    assert ">=99" in found.found and ">=99" in found.advice
    assert doctor._package("pytest", ">=99", False).state == "note"
    assert doctor._within("2.11.0+cpu", ">=2.11,<3")


def test_packages_for_tests_only_are_no_must(broken):
    broken("none", ValueError(), hide="pytest")
    found = doctor._package("pytest", ">=8", False)
    assert found.state == "note" and "tests" in found.found


def test_a_folder_that_cannot_be_written_to(monkeypatch):
    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(doctor.tempfile, "NamedTemporaryFile", refuse)
    assert doctor._writable().state == "missing"


def test_a_gpu_that_torch_cannot_use(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(doctor.shutil, "which", lambda name: "/usr/bin/x")
    monkeypatch.setattr(torch.version, "cuda", None)
    (found,) = doctor._torch_devices()
    assert "without CUDA" in found.found and "pytorch.org" in found.advice
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    (found,) = doctor._torch_devices()
    assert "driver" in found.advice


def test_it_runs_where_nothing_is_installed(root):
    """Only the standard library is imported before packages are checked."""
    import subprocess

    code = (
        "import sys; sys.modules['numpy'] = None; "
        "sys.modules['cv2'] = None; "
        "from posecourse.doctor import main, examine; "
        "print(next(examine()))"
    )
    out = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        text=True,
        capture_output=True,
        check=True,
    ).stdout
    assert out.startswith("ok       Python")
