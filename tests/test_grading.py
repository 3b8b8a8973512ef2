"""Grading: fair to the good, unharmed by the rest, the same whoever is beside."""

import csv
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from submissions import (
    HOSTILE,
    REACHING,
    answered,
    broken_files,
    notebook,
    small_assignment,
    solutions,
)

from posecourse.exercises import grading
from posecourse.exercises.grading import Grade, Graded, Limits, Shell, isolation
from posecourse.exercises.grading.session import Session, Stopped
from posecourse.exercises.grading.submission import Step, find_answers, read_cells

QUICK = Limits(seconds=20, megabytes=500, disk_megabytes=50)
PATIENT = Limits(seconds=300)  # where PyTorch has to get going on a busy machine
IDS = ("03.1", "03.2")


@pytest.fixture(scope="module")
def assignment(root):
    return small_assignment(root, ids=IDS)


@pytest.fixture(scope="module")
def right(root):
    return {id: text for id, text in solutions(root).items() if id in IDS}


@pytest.fixture(scope="module")
def isolated():
    return not grading.namespaces()


# ------------------------------------------------------------------ a class


def write_class(folder, assignment, right, reaching, port):
    """Ten good notebooks and more than twenty others; ``{student: states}``."""
    folder.mkdir()
    states = {}
    other = folder / "good 3.ipynb"
    hostile = HOSTILE | (REACHING if reaching else {})
    for name, (cell, state) in hostile.items():
        cell = cell.replace("{other!r}", repr(str(other)))
        cell = cell.replace("{port}", str(port))
        content = answered(assignment, right | {"03.1": cell})
        (folder / f"{name}.ipynb").write_bytes(content)
        both = state == "tampering" and name != "writes into all pipes"
        states[name] = [state, "tampering" if both else "passed"]
    for name, content in {
        "empty": answered(assignment, {}),
        "half": answered(assignment, {"03.2": right["03.2"]}),
        "deleted": answered(assignment, right, leave_out=["03.1"]),
    }.items():
        (folder / f"{name}.ipynb").write_bytes(content)
    states["empty"] = ["empty", "empty"]
    states["half"] = ["empty", "passed"]
    states["deleted"] = ["missing cell", "passed"]
    good = answered(assignment, right)
    for i in range(9):
        (folder / f"good {i}.ipynb").write_bytes(good)
        states[f"good {i}"] = ["passed", "passed"]
    (folder / '=HYPERLINK("x").ipynb').write_bytes(good)
    states['=HYPERLINK("x")'] = ["passed", "passed"]
    broken = broken_files(folder, good)
    return states | {name: [state] * 2 for name, state in broken.items()}


@pytest.mark.slow
def test_a_class_of_good_broken_and_hostile_notebooks(
    tmp_path, assignment, right, isolated
):
    handed_in, out = tmp_path / "handed in", tmp_path / "graded"
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        states = write_class(handed_in, assignment, right, isolated, port)
        before = {p: p.read_bytes() for p in handed_in.glob("*.ipynb") if p.is_file()}
        submissions = grading.find_submissions([handed_in], assignment.chapter)
        graded = grading.grade_all(
            submissions,
            assignment,
            out,
            limits=QUICK,
            isolated=isolated,
            hidden=[handed_in, out],
            jobs=2,
        )
        server.settimeout(0.1)
        with pytest.raises(TimeoutError):
            server.accept()
    found = {each.student: [g.state for g in each.grades] for each in graded}
    assert found == states
    seen = {state for states in found.values() for state in states}
    assert len(found) >= 30 and seen == set(grading.STATES)
    assert before == {p: p.read_bytes() for p in before}
    for each in graded:
        assert all(g.message for g in each.grades)
        assert each.points == sum(
            p.points
            for p, g in zip(assignment.problems, each.grades)
            if g.state == "passed"
        )


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="fork")
@pytest.mark.parametrize("apart", [False, True])
def test_what_is_left_running_is_ended(tmp_path, assignment, right, isolated, apart):
    if apart and not isolated:
        pytest.skip(grading.namespaces())
    mark = f"posecourse-stray-{os.getpid()}-{apart}"
    cell = (
        "import os, sys\n\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
        f"        os.execv(sys.executable, [{mark!r}, '-c', "
        "'import time; time.sleep(600)'])\n    os._exit(0)\n\n"
    )
    path = tmp_path / "stray.ipynb"
    path.write_bytes(answered(assignment, right | {"03.1": cell + right["03.1"]}))
    (found,) = grading.grade_all(
        grading.find_submissions([path], assignment.chapter),
        assignment,
        tmp_path / "out",
        limits=QUICK,
        isolated=apart,
    )
    assert [g.state for g in found.grades] == ["passed", "passed"]
    time.sleep(0.5)
    running = subprocess.run(
        ["ps", "axww", "-o", "args"], capture_output=True, text=True
    )
    assert mark not in running.stdout


@pytest.mark.slow
def test_what_is_graded_is_not_graded_again(tmp_path, assignment, right):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for name in "ab":
        (folder / f"{name}.ipynb").write_bytes(answered(assignment, right))

    def run():
        seen = []
        graded = grading.grade_all(
            grading.find_submissions([folder], assignment.chapter),
            assignment,
            out,
            limits=QUICK,
            isolated=False,
            jobs=1,
            progress=lambda graded, kept: seen.append((graded.student, kept)),
        )
        assert [g.student for g in graded] == ["a", "b"]
        return graded, sorted(seen)

    first, seen = run()
    assert seen == [("a", False), ("b", False)]
    (out / "results" / "b.json").write_text("{")
    again, seen = run()
    assert seen == [("a", True), ("b", False)]
    assert [g.grades for g in again] == [g.grades for g in first]
    (folder / "a.ipynb").write_bytes(answered(assignment, {}))
    changed, seen = run()
    assert seen == [("a", False), ("b", True)]
    assert [g.points for g in changed] == [0, first[1].points]


# ------------------------------------------- what goes between the processes


@pytest.fixture(scope="module")
def session():
    setup = ("import numpy as np", "import torch")
    with Session(setup, PATIENT, Shell(False)) as session:
        yield session


def far(session, source, name="f"):
    return session.define(
        (Step(1, source, tuple(range(source.count("\n\n") + 1))),), name
    )


@pytest.mark.slow
def test_a_function_elsewhere_answers_as_if_it_were_here(session):
    import torch

    f = far(session, "def f(*values):\n    return values")
    values = [
        *(None, True, -3, 2.5, float("inf"), 1 + 2j, "é\ud800", b"\0\xff", 10**100),
        *((1, [2.0, {"a": (3,)}]), {1: None, (2, 3): "x"}, {4, 5}, Path("a/b")),
        *(np.float32(0.1), np.bool_(True), np.int64(7), np.str_("s")),
        *(np.arange(6).reshape(2, 3)[:, ::-1], np.zeros((0, 2)), np.array(["a", "bc"])),
        *(np.array(1.5), torch.arange(4), torch.ones(2, 3).T, torch.tensor(2.0)),
    ]
    for value, back in zip(values, f(*values)):
        if isinstance(value, (np.ndarray, np.generic, torch.Tensor)):
            assert type(back) is type(value) and back.dtype == value.dtype
            assert back.shape == value.shape and bool(np.all(np.asarray(back == value)))
        elif isinstance(value, Path):
            assert str(back) == str(value)
        else:
            assert back == value and type(back) is type(value)
    assert np.isnan(f(float("nan"))[0])


@pytest.mark.slow
def test_a_gradient_flows_through(session):
    import torch

    f = far(session, "def f(x, y):\n    return (x**2 * y).sum()")
    x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    loss = f(x, torch.tensor(5.0))
    assert loss.item() == 70 and loss.requires_grad
    (slope,) = torch.autograd.grad(loss, x)
    assert slope.tolist() == [10, 20, 30]
    assert not f(x.detach(), torch.tensor(5.0)).requires_grad


def test_what_is_changed_in_place_is_seen(session):
    f = far(session, "def f(a, b):\n    a += 1\n    b[0] = 9\n    return 0")
    a, b, c = np.zeros(3), np.arange(3), np.ones(2)
    f(a, b)
    assert a.tolist() == [1, 1, 1] and b.tolist() == [9, 1, 2] and c.tolist() == [1, 1]


def test_our_functions_can_be_called_from_there(session):
    seen = []

    def ours(x, scale=1):
        seen.append(x)
        if scale == 0:
            raise ValueError("no scale")
        x += 1
        return x * scale

    f = far(
        session,
        "def f(g):\n    x = np.arange(2.0)\n    first = g(x, scale=3)\n"
        "    try:\n        g(x, 0)\n    except ValueError as error:\n"
        "        return first, x, str(error)",
    )
    first, x, error = f(ours)
    assert first.tolist() == [3, 6] and x.tolist() == [1, 2] and error == "no scale"
    assert len(seen) == 2


def test_errors_arrive_with_their_line(session):
    f = far(session, "def f(x):\n    y = x\n    return y / 0")
    with pytest.raises(Exception, match="division by zero") as caught:
        f(1)
    assert type(caught.value).__name__ == "ZeroDivisionError"
    (line,) = caught.value.own_lines
    assert (line.lineno, line.line) == (3, "return y / 0")
    assert session.failed["type"] == "ZeroDivisionError"


def test_what_is_no_number_is_shown(session):
    f = far(
        session, "class Odd:\n    pass\n\ndef f():\n    return Odd(), lambda a: a + 1"
    )
    odd, function = f()
    assert type(odd).__name__ == "Odd" and "Odd" in repr(odd)
    assert function(2) == 3


def test_a_cell_that_fails_says_so(session):
    with pytest.raises(Stopped, match="name 'nothing' is not defined") as caught:
        far(session, "f = nothing + 1")
    assert caught.value.state == "error" and "line: 1" in caught.value.message


@pytest.mark.slow
@pytest.mark.parametrize(
    "chapter, id", [(1, "01.3"), (4, "04.2"), (6, "06.2"), (7, "07.4"), (11, "11.4")]
)
def test_checkers_that_ask_for_more_than_numbers(root, chapter, id):
    """Functions that are handed over, gradients, arrays that must not change."""
    setup = (
        "import numpy as np\nimport torch\nimport torch.nn.functional as F\n"
        "from torch import nn"
    )
    assignment = small_assignment(root, chapter, setup, [id])
    content = answered(assignment, solutions(root, chapter))
    (found,) = grading.grade(content, assignment, PATIENT, Shell(False))
    assert found.state == "passed", found.message


@pytest.mark.slow
def test_side_effects_and_gradients_are_still_asked_for(root):
    in_place = (
        "def mirror(keypoints, visible, width, pairs):\n"
        "    keypoints[:, 0] = width - 1 - keypoints[:, 0]\n"
        "    for a, b in pairs:\n"
        "        keypoints[[a, b]] = keypoints[[b, a]]\n"
        "        visible[[a, b]] = visible[[b, a]]\n"
        "    return keypoints, visible"
    )
    assignment = small_assignment(root, 6, ids=["06.2"])
    content = answered(assignment, {"06.2": in_place})
    (found,) = grading.grade(content, assignment, PATIENT, Shell(False))
    assert found.state == "wrong" and "change" in found.message
    assignment = small_assignment(root, 4, "import torch", ["04.2"])
    text = solutions(root, 4)["04.2"]
    cut = text.replace("def hard_mse", "def inner") + (
        "\n\n\ndef hard_mse(*given):\n    return inner(*given).detach()"
    )
    content = answered(assignment, {"04.2": cut})
    (found,) = grading.grade(content, assignment, PATIENT, Shell(False))
    assert found.state == "wrong" and "no gradient" in found.message


# --------------------------------------------------------- finding the answers


def steps(assignment, *cells):
    """``{exercise: [(cell, statements)] or its state}``."""
    answers = find_answers(read_cells(notebook(*cells)), assignment)
    return {
        id: answer.state or [(s.number, s.statements) for s in answer.steps]
        for id, answer in answers.items()
    }


CHECK = 'check("03.1", decode)'


@pytest.mark.parametrize(
    "cells, found",
    [
        (["def decode(h, s): pass", CHECK], [(1, (0,))]),
        # written below the stub, or below the check
        (["STUB", "def decode(h, s): return 1", CHECK], [(2, (0,))]),
        (["STUB", CHECK, "def decode(h, s): return 1"], [(3, (0,))]),
        # two tries: the last above the check counts
        (["def decode(h, s): 1", "def decode(h, s): 2", CHECK], [(2, (0,))]),
        (["def decode(h, s): 1", CHECK, "def decode(h, s): 2"], [(1, (0,))]),
        # helpers and imports of other cells; nothing else of them
        (
            ["print(1)\nfrom math import pi\nx = 2", "def decode(h, s): return pi"],
            [(1, (1,)), (2, (0,))],
        ),
        (
            [
                "def a(): return b()",
                "c = 1\ndef b(): return c",
                "def decode(h, s): a()",
            ],
            [(1, (0,)), (2, (0, 1)), (3, (0,))],
        ),
        # a helper below, a local variable that is called like another cell's
        (
            ["def decode(h, s): return a()", CHECK, "def a(): pass"],
            [(3, (0,)), (1, (0,))],
        ),
        (["x = 1", "def decode(x, s):\n    y = x\n    return y"], [(2, (0,))]),
        (["decode = lambda h, s: 1"], [(1, (0,))]),
        (["%matplotlib inline\ndef decode(h, s): pass\n!ls"], [(1, (0, 1, 2))]),
        (["STUB"], "empty"),
        (["x = 1"], "missing cell"),
        (["def decode(h, s)\n    pass"], "syntax error"),
        ([("ID", "deff decode(h, s): pass")], "syntax error"),
        (["def decode(h, s)\n    pass", "def decode(h, s): pass"], [(2, (0,))]),
    ],
)
def test_where_an_answer_is_found(assignment, cells, found):
    problem = assignment.problems[0]
    cells = [
        (problem.cell_id, cell[1])
        if isinstance(cell, tuple)
        else problem.stub
        if cell == "STUB"
        else cell
        for cell in cells
    ]
    assert steps(assignment, *cells)["03.1"] == found


@pytest.mark.parametrize(
    "cell, reaches",
    [
        ("import numpy as n\nn.linalg.norm = 3", True),
        ("setattr(np, 'isclose', 3)", True),
        ("import posecourse.exercises as e\ne.check = 3", True),
        ("from posecourse import exercises\nexercises._EXERCISES.clear()", True),
        ("__builtins__.print = 3", True),
        (
            "import importlib\nimportlib.import_module('posecourse.exercises.chapter_03')",
            True,
        ),
        ("import gc\ngc.get_objects()", True),
        ("del np.isclose", True),
        ("torch.backends.cudnn.deterministic = True", False),
        ("np.random.seed(0)\nnp.set_printoptions(precision=3)", False),
        ("check = 3\ndef print(): pass\nnetwork.training = True\nx.shape = 3", False),
        ("'the checks are in posecourse.exercises.chapter_03, they say'", False),
        ("from posecourse.exercises import check, hint, quiz\nhint('03.1')", False),
        ("from posecourse.exercises.network_maps import network_maps", False),
        ("import sys\nsys.path.append('x')\nsys.modules['a']", False),
    ],
)
def test_what_counts_as_tampering(cell, reaches):
    from posecourse.exercises.grading.tampering import find_tampering

    assert bool(find_tampering(read_cells(notebook(cell)))) is reaches


@pytest.mark.slow
def test_no_course_notebook_tampers(root):
    from posecourse.exercises.grading.tampering import find_tampering

    for path in [
        *root.glob("chapters/*.ipynb"),
        *root.glob("chapters/solutions/*.ipynb"),
        *root.glob("chapters/homework/**/*.ipynb"),
    ]:
        assert find_tampering(read_cells(path.read_bytes())) == "", path


# ------------------------------------------------------------ what is written


def test_a_gradebook_that_no_spreadsheet_runs(tmp_path, assignment):
    names = ["=1+1", "+x", "-x", "@x", "\tx", "<b>Anna</b>", "Müller, Anna"]
    graded = [
        Graded(
            name,
            Path(f"{name}.ipynb"),
            (
                Grade("03.1", "passed", "10 cases right.", 1),
                Grade("03.2", "wrong", "<script>alert(1)</script> =1+1"),
            ),
        )
        for name in names
    ]
    table, page = grading.write_gradebook(graded, assignment, tmp_path, "A note.")
    pages = [grading.write_feedback(g, assignment, tmp_path) for g in graded]
    rows = list(csv.reader(table.read_text("utf-8-sig").splitlines()))
    assert rows[0][:4] == ["student", "points", "of", "passed"]
    assert [row[1:6] for row in rows[1:]] == [["1", "3", "1", "passed", "wrong"]] * 7
    assert not [c for row in rows for c in row if c[:1] in ("=", "+", "-", "@", "\t")]
    assert len(set(pages)) == 7 and all(p.is_file() for p in pages)
    for text in [p.read_text("utf-8") for p in [page, *pages]]:
        assert "<script>" not in text and "<b>Anna" not in text
    assert "A note." in page.read_text("utf-8")
    for link in pages:
        assert link.parent.name == "feedback"


def test_submissions_in_files_and_folders(tmp_path):
    for name in ("anna/03_mine.ipynb", "ben/x.ipynb", "ben/03_y.ipynb", "c.ipynb"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_text("{}")
    (tmp_path / "in" / "dora").mkdir()
    (tmp_path / "c.ipynb").write_text("{}")
    found = grading.find_submissions(
        [tmp_path / "in", tmp_path / "c.ipynb", tmp_path / "gone.ipynb"], "03_heatmaps"
    )
    assert [(s.student, s.path.name) for s in found] == [
        ("anna", "03_mine.ipynb"),
        ("ben", "03_y.ipynb"),
        ("c", "c.ipynb"),
        ("dora", "03_heatmaps.ipynb"),
        ("c (2)", "c.ipynb"),
        ("gone", "gone.ipynb"),
    ]
    assert [bool(s.problem) for s in found] == [False, False, False, True, False, True]
    with pytest.raises(FileNotFoundError, match="no notebook in"):
        grading.find_submissions([tmp_path / "gone.ipynb"], "03_heatmaps")
    (tmp_path / "nobody").mkdir()
    with pytest.raises(FileNotFoundError, match="no notebook in"):
        grading.find_submissions([tmp_path / "nobody"], "03_heatmaps")


def test_what_is_covered(tmp_path):
    """All but what is needed; of that, too, what is to be hidden."""
    for name in ("private", "course/package", "course/handed in", "home/own", "home/a"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "home" / "letter.txt").touch()
    course, own, hidden = (
        str(tmp_path / n) for n in ("course", "home/own", "course/handed in")
    )
    found = isolation._cover(str(tmp_path), [course, own], [hidden])
    names = {Path(p).relative_to(tmp_path).as_posix() for p in found}
    assert names == {"private", "home/a", "home/letter.txt"}
    assert isolation._cover(hidden, [course, own], [hidden]) == [hidden]
    assert isolation._cover(course, [course, own], []) == []


def test_limits_that_are_missing_are_said():
    assert "NOT cut off" in grading.describe("there is no unshare")
    assert "no network" in grading.describe("")
