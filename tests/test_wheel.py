"""The wheel is the whole course: in an empty folder, with nothing else.

A wheel is built and installed into a fresh environment. That environment
borrows the heavy packages of this one, but neither this checkout nor
anything else that knows of it.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import urllib.request
import venv
import zipfile
from importlib.util import find_spec
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from submissions import small_assignment, solutions
from test_lab import get, run_in_new_kernel

from posecourse.authoring.chapters import CHAPTERS
from posecourse.authoring.homework import SHEETS

pytestmark = pytest.mark.slow

LARGEST = 80e6


def package_tool():
    """uv, or pip where only that is here: the start of its commands."""
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv is None and find_spec("pip") is None:
        pytest.skip("neither uv nor pip is here to build a wheel with")
    return uv


@pytest.fixture(scope="module")
def wheel(root, tmp_path_factory):
    out, uv = tmp_path_factory.mktemp("dist"), package_tool()
    command = (
        [uv, "build", "--wheel", "--out-dir", out, root]
        if uv
        else [sys.executable, "-m", "pip", "wheel", "--no-deps", "-w", out, root]
    )
    subprocess.run(command, check=True)
    (path,) = out.glob("*.whl")
    return path


def install(wheel, python):
    uv = package_tool()
    command = (
        [uv, "pip", "install", "--python", python]
        if uv
        else [sys.executable, "-m", "pip", "--python", python, "install"]
    )
    subprocess.run([*command, "--no-deps", wheel], check=True)


class Place:
    """A fresh environment, an empty folder and a new home."""

    def __init__(self, folder, wheel):
        self.here, self.home = folder / "empty", folder / "home"
        self.here.mkdir()
        self.home.mkdir()
        environment = folder / "environment"
        venv.create(environment, with_pip=False)
        scripts = environment / ("Scripts" if sys.platform == "win32" else "bin")
        install(wheel, scripts / "python")
        self.command = scripts / "posecourse"
        names = {"base": str(environment), "platbase": str(environment)}
        self.packages = Path(sysconfig.get_path("purelib", "venv", names))
        # A path in a .pth file is searched, but its own .pth files are not
        # read: this checkout's stays unknown.
        borrowed = {sysconfig.get_path(kind) for kind in ("purelib", "platlib")}
        (self.packages / "borrowed.pth").write_text("\n".join(borrowed))
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if name not in ("PYTHONPATH", "POSECOURSE_DATA", "XDG_CACHE_HOME")
        } | {
            "HOME": str(self.home),
            "USERPROFILE": str(self.home),
            "MPLCONFIGDIR": mpl.get_configdir(),
            "OMP_NUM_THREADS": "1",
            # JupyterLab's pages lie outside of its package
            "JUPYTERLAB_DIR": str(Path(sys.prefix, "share", "jupyter", "lab")),
        }

    def start(self, *arguments):
        return subprocess.Popen(
            [self.command, *arguments],
            cwd=self.here,
            env=self.environment,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def run(self, *arguments):
        """What a command says, if it ends well."""
        with self.start(*arguments) as process:
            said, _ = process.communicate(timeout=300)
        assert process.returncode == 0, said
        return said

    def installed(self):
        """Every file of the package, and when it was written."""
        return {
            path: path.stat().st_mtime_ns
            for path in (self.packages / "posecourse").rglob("*")
            if path.is_file() and path.suffix != ".pyc"
        }


@pytest.fixture(scope="module")
def place(wheel, tmp_path_factory):
    place = Place(tmp_path_factory.mktemp("elsewhere"), wheel)
    before = place.installed()
    yield place
    # whatever was done: the course may as well have been read-only
    assert place.installed() == before


def test_what_the_wheel_carries(root, wheel):
    with zipfile.ZipFile(wheel) as file:
        names = file.namelist()
    assert "posecourse/commands/lab_settings/overrides.json" in names
    start = "posecourse/course/"
    course = {name.removeprefix(start) for name in names if name.startswith(start)}
    for chapter in CHAPTERS:
        if chapter.notebook(root / "chapters").is_file():
            assert f"chapters/{chapter.name}.ipynb" in course
            assert f"chapters/solutions/{chapter.name}.ipynb" in course
    assert "chapters/START_HERE.ipynb" in course
    for sheet in SHEETS:
        assert f"chapters/homework/{sheet.name}.ipynb" in course
    for pattern in (
        "chapters/figures/*.svg",
        "chapters/*.md",
        "chapters/figures/*.gif",
        "chapters/teaching/*.md",
        "chapters/capstones/*",
        "data/weights/*/*",
        "data/studies/*.npz",
        "data/studies/*.safetensors",
        "data/README.md",
    ):
        there = {path.relative_to(root).as_posix() for path in root.glob(pattern)}
        assert there and there <= course
    made_with = r"source/|samples/|prepared|mpii/|figures/.*\.(py|md)"
    assert not [n for n in course if re.search(made_with, n)]
    assert wheel.stat().st_size < LARGEST
    readme = (root / "README.md").read_text("utf-8")
    (said,) = re.findall(r"a wheel of (\d+) MB", readme)
    assert wheel.stat().st_size / 1e6 == pytest.approx(int(said), rel=0.15)


def test_doctor_tells_the_truth(place):
    found = json.loads(place.run("doctor", "--json"))
    assert found["ok"]
    found = {f["what"]: f for f in found["findings"]}
    assert found["course"]["found"] == str(place.packages / "posecourse" / "course")
    assert found["chapters"]["state"] == found["networks"]["state"] == "ok"
    assert str(place.here / "posecourse-work") in found["copies"]["found"]
    assert str(place.home) in found["cache"]["found"]


def test_lab_opens_copies_that_run(place):
    with place.start("lab", "3", "--no-browser") as process:
        try:
            said = ""
            while not (
                found := re.search(r"(http://[^/\s]+)(/\S*)\?token=(\w+)", said)
            ):
                line = process.stdout.readline()
                assert line, said
                said += line
            base, page, token = found.groups()
            assert f"in {place.here / 'posecourse-work'}" in said
            assert page == "/lab/tree/posecourse-work/03_heatmaps.ipynb"
            with urllib.request.urlopen(f"{base}{page}?token={token}") as answer:
                assert b"jupyter-config-data" in answer.read()
            work = place.here / "posecourse-work"
            _, content = get(
                f"{base}/api/contents/posecourse-work/03_heatmaps.ipynb", token
            )
            cells = json.loads(content)["content"]["cells"]
            assert not any(cell.get("outputs") for cell in cells)
            assert not (work / "solutions").exists()
            assert (work / "figures" / "03_stride.svg").is_file()
            package = run_in_new_kernel(
                base, token, "import posecourse; print(posecourse.__file__)"
            )
            assert package.startswith(str(place.packages))
        finally:
            process.terminate()
    assert sys.platform == "win32" or process.returncode == 0


def test_a_handout_opens_and_its_checks_work(place, root):
    place.run("exercise", "release", "3", "--out", "handout", "--wheel")
    handout = place.here / "handout"
    (package,) = handout.glob("*.whl")
    with zipfile.ZipFile(package) as file:
        assert not [n for n in file.namelist() if "solutions/" in n]
    with place.start("lab", "3", "--work", "handout", "--no-browser") as process:
        try:
            said = ""
            while "/lab/tree/" not in said:
                line = process.stdout.readline()
                assert line, said
                said += line
            assert "/lab/tree/handout/03_heatmaps.ipynb" in said
        finally:
            process.terminate()
    path = handout / "03_heatmaps.ipynb"
    notebook = json.loads(path.read_text("utf-8"))
    answers = solutions(root)
    for problem in small_assignment(root).problems:
        (cell,) = [c for c in notebook["cells"] if c["id"] == problem.cell_id]
        cell["source"] = answers[problem.id]
    path.write_text(json.dumps(notebook), "utf-8")
    said = place.run(
        *["exercise", "check", "3", "--work", "handout", "--seconds", "300"]
    )
    assert "3 of 3 passed" in said
    listed = place.run("exercise", "list", "3", "--work", "handout")
    assert "3 of 3 solved" in listed


def test_data_train_evaluate_predict_score(place):
    place.run("data", "synth", "--count", "4", "--size", "96", "--out", "people")
    place.run("data", "check", "people")
    picture = str(next((place.here / "people" / "images").iterdir()))
    # the network that comes with the course
    assert "photos" in place.run("predict", picture, "--out", "first")
    poses = json.loads((place.here / "first" / "poses.json").read_text("utf-8"))
    assert poses

    place.run(
        *["train", "--epochs", "1", "--train-people", "16", "--valid-people", "8"],
        *[
            "--batch-size",
            "8",
            "--input-size",
            "32",
            "--option",
            "width=8",
            "--device",
            "cpu",
        ],
    )
    (run,) = (place.here / "runs").iterdir()
    assert (run / "weights.safetensors").is_file()
    prepared = list(place.home.rglob("prepared/*/crops.npy"))
    assert prepared and not (place.here / "data").exists()
    assert "mean pose" in place.run("evaluate", f"runs/{run.name}", "--device", "cpu")
    place.run("predict", picture, "--run", f"runs/{run.name}", "--out", "second")

    labels = json.loads((place.here / "people/annot/valid.json").read_text("utf-8"))
    truth = np.array([person["joints"] for person in labels], float)
    np.savez(place.here / "mine.npz", preds=truth - 1)  # MPII counts from 1
    said = json.loads(place.run("score", "mine.npz", "--truth", "people", "--json"))
    assert said["table"]["rows"][0]["means"]["weighted"] == 100
