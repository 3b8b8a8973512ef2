"""Imports point down: the rooms of the package and their floors."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import posecourse

PACKAGE = Path(posecourse.__file__).parent

# The lowest floors first; CONTRIBUTING.md says what lives in each room.
FLOORS = [
    {"skeletons", "geometry", "images", "files", "device", "places"},
    {"codecs", "losses", "metrics", "drawing"},
    {"datasets", "transforms", "models"},
    {"training", "evaluation", "inference"},
    {"classical", "people", "lifting", "motion", "deploy", "benchmarks"},
    {"visualization", "exercises"},
    {"authoring", "commands", "cli", "__main__"},
]
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
# Needs no more than torch, torchvision, NumPy and OpenCV (and small helpers).
BARE = [room for room, floor in FLOOR.items() if floor <= 3]


def modules():
    """Name of each module, and its file."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts[-1] == "__init__":
            parts = parts[:-1]
        yield ".".join(parts), path


MODULES = dict(modules())


def imported(name, path):
    """The modules of the package that a module imports, wherever in it."""
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    package = [part for part in package if part]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.ImportFrom):
            continue
        if node.level:
            base = package[: len(package) - node.level + 1]
        elif node.module and node.module.split(".")[0] == "posecourse":
            base = []
        else:
            continue
        inner = (node.module or "").split(".") if node.module else []
        if not node.level:
            inner = inner[1:]
        target = ".".join([*base, *inner])
        for alias in node.names:
            inside = f"{target}.{alias.name}" if target else alias.name
            found = inside if inside in MODULES else target
            if found and found != name:
                yield found


GRAPH = {name: set(imported(name, path)) for name, path in MODULES.items() if name}


def room(module):
    return module.split(".")[0]


def test_every_room_has_a_floor():
    assert {room(name) for name in GRAPH} <= set(FLOOR)


def test_no_import_points_up():
    up = [
        f"{name} -> {other}"
        for name, others in GRAPH.items()
        for other in others
        if FLOOR[room(other)] > FLOOR[room(name)]
    ]
    assert not up, up


def circles(graph):
    """Modules that import each other, however far around."""

    def reached(start):
        seen, todo = set(), [start]
        while todo:
            for other in graph.get(todo.pop(), ()):
                if other not in seen:
                    seen.add(other)
                    todo.append(other)
        return seen

    return sorted(name for name in graph if name in reached(name))


def test_no_circles():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == list("abc")
    # a package's __init__ gathers what its modules define
    own = {
        name: {o for o in others if not name.startswith(f"{o}.")}
        for name, others in GRAPH.items()
    }
    assert circles(own) == []
    rooms = {}
    for name, others in GRAPH.items():
        rooms.setdefault(room(name), set()).update(
            room(o) for o in others if room(o) != room(name)
        )
    assert circles(rooms) == []


def test_the_floors_are_documented():
    text = (PACKAGE.parent / "CONTRIBUTING.md").read_text("utf-8")
    for floor, rooms in enumerate(FLOORS):
        (line,) = [x for x in text.splitlines() if x.startswith(f"| {floor} |")]
        for name in rooms - {"__main__"}:
            if (PACKAGE / name).exists() or (PACKAGE / f"{name}.py").exists():
                assert f"`{name}`" in line, (floor, name)


def run(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120
    )


@pytest.mark.slow
def test_the_low_floors_need_neither_matplotlib_nor_jupyter():
    """They run on a bare GPU server."""
    code = f"""
import sys, importlib
for name in ("matplotlib", "ipywidgets", "IPython", "jupyterlab", "nbformat"):
    sys.modules[name] = None
for room in {[r for r in BARE if r in {room(n) for n in GRAPH}]!r}:
    importlib.import_module("posecourse." + room)
"""
    done = run(code)
    assert done.returncode == 0, done.stderr


def test_the_public_face():
    for name in posecourse.__all__:
        assert getattr(posecourse, name) is not None
    assert set(posecourse.__all__) < set(dir(posecourse))
    with pytest.raises(AttributeError, match="nothing_like_this"):
        posecourse.nothing_like_this


def test_importing_is_quick():
    done = run(
        "import sys; before = set(sys.modules); import posecourse; "
        "print(len(set(sys.modules) - before), 'torch' in sys.modules)"
    )
    count, torch = done.stdout.split()
    assert int(count) < 10 and torch == "False"  # far below 0.3 s
