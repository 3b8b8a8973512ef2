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
    """What a learner needs; test tools come by the extra, as with pip."""
    wanted = [Requirement(r) for r in project["project"]["dependencies"]]
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


def test_learners_get_no_test_tools(project):
    extras = project["project"]["optional-dependencies"]
    tools = {Requirement(r).name for r in extras["test"]}
    needed = {Requirement(r).name for r in project["project"]["dependencies"]}
    assert {"pytest", "nbval", "jupytext"} <= tools and not tools & needed
    # nothing that `uv run` would install unasked
    assert "dependency-groups" not in project
    assert "default-groups" not in project["tool"].get("uv", {})


def readme_commands(root):
    """``(what stands before it, commands)`` of each block of the README's
    first section."""
    text = (root / "README.md").read_text("utf-8")
    start = text[text.index("## Start") : text.index("## The chapters")]
    blocks = re.split(r"^```\n", start, flags=re.MULTILINE)
    return [
        (before, commands.strip().splitlines())
        for before, commands in zip(blocks[::2], blocks[1::2])
    ]


def test_the_two_commands_of_the_readme(root):
    """One line each; the second is what the checks of the project run."""
    (_, learn), (_, check), *_ = readme_commands(root)
    assert learn == ["pip install uv && uv run posecourse lab"]
    assert check == ["pip install uv && uv run --extra test pytest"]
    assert (root / ".ci" / "run").read_text("utf-8").endswith(check[0] + "\n")


def test_ways_to_install_that_work_where_they_are_for(root):
    ways = readme_commands(root)
    windows = [c for before, c in ways if "Windows" in before.splitlines()[-2]]
    assert len(windows) == 2
    for command in (command for commands in windows for command in commands):
        assert "&&" not in command and "source" not in command
        assert command.startswith(("py -m ", ".venv\\Scripts\\"))
    for _, commands in ways:
        assert not any(c.startswith(("source ", "sudo ")) for c in commands)
    text = (root / "README.md").read_text("utf-8")
    assert "externally-managed-environment" in text
    assert "--torch-backend cpu" in text and "uvx --from" in text


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
