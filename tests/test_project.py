"""The project's own files agree with each other."""

import re
import subprocess
import sys
import tomllib

import pytest
from packaging.requirements import Requirement

# What conda-forge calls things differently.
CONDA_NAMES = {"pytorch": "torch", "opencv": "opencv-python"}


@pytest.fixture(scope="module")
def project(root):
    return tomllib.loads((root / "pyproject.toml").read_text("utf-8"))


def _conda_requirements(text):
    """``{name: specifier}`` from the list items of environment.yml."""
    found = {}
    for line in text.splitlines():
        item = re.match(r"\s*- ([A-Za-z][\w-]*)\s*([<>=][^#]*)?(#.*)?$", line)
        if item and item[1] not in ("pip", "conda-forge", "nodefaults"):
            name = CONDA_NAMES.get(item[1], item[1])
            found[name] = (item[2] or "").strip()
    return found


def test_conda_and_pyproject_ask_for_the_same_ranges(root, project):
    wanted = [
        Requirement(r)
        for r in project["project"]["dependencies"]
        + project["project"]["optional-dependencies"]["test"]
    ]
    conda = _conda_requirements((root / "environment.yml").read_text("utf-8"))
    python = conda.pop("python")
    assert python == project["project"]["requires-python"]
    for requirement in wanted:
        assert requirement.name in conda, requirement.name
        assert (
            Requirement(requirement.name + conda[requirement.name]).specifier
            == requirement.specifier
        ), requirement.name
    assert set(conda) == {r.name for r in wanted}


def test_every_dependency_has_a_range_and_a_reason(root, project):
    for text in project["project"]["dependencies"]:
        requirement = Requirement(text)
        operators = {s.operator for s in requirement.specifier}
        assert operators == {">=", "<"}, f"{text}: a range, not a pin"
    for name in ("pyproject.toml", "environment.yml"):
        for line in (root / name).read_text("utf-8").splitlines():
            if re.search(r">=\d.*<\d", line) and "requires =" not in line:
                assert "#" in line, f"{name}: no reason beside {line!r}"


def test_nothing_generated_is_tracked(root):
    try:
        files = subprocess.run(
            ["git", "ls-files"], cwd=root, text=True, check=True, capture_output=True
        ).stdout.split()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    bad = [
        f
        for f in files
        if re.search(
            r"(^|/)(uv\.lock|__pycache__|runs|work|\.venv|\.ipynb_checkpoints)"
            r"(/|$)|\.pyc$",
            f,
        )
    ]
    assert not bad


def test_importing_is_quick_and_light(root):
    code = (
        "import sys, posecourse; heavy = {'torch', 'cv2', 'matplotlib', "
        "'scipy', 'IPython'} & set(sys.modules); print(sorted(heavy))"
    )
    out = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        text=True,
        check=True,
        capture_output=True,
    ).stdout
    assert out.strip() == "[]"
