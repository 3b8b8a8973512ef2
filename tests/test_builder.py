"""From source to notebooks: what is generated, and what the rules catch."""

import copy
import re
import sys

import nbformat
import pytest
from sample import SAMPLE, SOURCE, copy_of, register_sample_exercises, sample_root

from posecourse.authoring import build as building
from posecourse.authoring import chapters, rules
from posecourse.authoring.build import build
from posecourse.authoring.notebooks import (
    BuildError,
    generate,
    in_step,
    read,
    read_source,
    relink,
    tags,
)


@pytest.fixture(scope="module", autouse=True)
def checkers():
    register_sample_exercises()


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The sample, executed and stored."""
    root = sample_root(tmp_path_factory.mktemp("sample"))
    assert build([SAMPLE], root) == 0
    return root


# --- generating ---------------------------------------------------------


@pytest.mark.slow
def test_the_sample_keeps_all_rules(built):
    assert rules.problems_of_files(SAMPLE, built) == []


def test_solutions_take_the_place_of_stubs(tmp_path):
    student, solved = generate(SAMPLE, sample_root(tmp_path))
    assert len(student.cells) == len(solved.cells)
    assert not any("solution" in tags(c) for c in student.cells)
    assert not any("exercise" in tags(c) for c in solved.cells)
    assert "return 2 * x" not in "".join(
        c.source for c in student.cells if "@exercise" not in c.source
    )
    assert "def twice(x):\n" in "".join(c.source for c in solved.cells)
    assert [c.id for c in student.cells] == [c.id for c in solved.cells]


def test_a_solution_without_exercise_is_refused(tmp_path):
    root = sample_root(tmp_path, lambda text: text.replace('tags=["exercise"]', "", 1))
    with pytest.raises(BuildError, match="right after its exercise"):
        generate(SAMPLE, root)


def _ids(path):
    return {c.source: c.id for c in read_source(path).cells}


def test_an_edit_changes_the_id_of_that_cell_only(tmp_path):
    before = _ids(SOURCE)
    root = sample_root(
        tmp_path,
        lambda text: text.replace("arange(5).sum()", "arange(5).sum() + 0").replace(
            "# ## Quiz", "# An insertion.\n\n# %% [markdown]\n# ## Quiz"
        ),
    )
    after = _ids(SAMPLE.source(root))
    shared = set(before) & set(after)
    assert {s: before[s] for s in shared} == {s: after[s] for s in shared}
    assert len(set(after) - shared) == 2  # one edited, one new
    assert len(set(after.values())) == len(after)


def test_equal_cells_have_different_ids(tmp_path):
    twice = "\n# %%\nprint(1)\n\n# %%\nprint(1)\n"
    root = sample_root(tmp_path, lambda text: text + twice)
    ids = [c.id for c in read_source(SAMPLE.source(root)).cells]
    assert len(set(ids)) == len(ids)


def test_a_comment_that_starts_with_percent_stays_a_comment(tmp_path):
    root = sample_root(
        tmp_path, lambda text: text + "\n# %%\n# %matplotlib inline\nx = 1\n"
    )
    assert read_source(SAMPLE.source(root)).cells[-1].source.startswith("# %")


def test_code_and_formulas_hold_no_links(tmp_path):
    root = sample_root(
        tmp_path,
        lambda text: text.replace("# - none", "# - `stages[-1](features)`, $w[k](x)$"),
    )
    assert not [p for p in rules.source_problems(SAMPLE, root) if "link" in p]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("![a](figures/a.svg)", "![a](../figures/a.svg)"),
        ("[b](04_losses.ipynb#top)", "[b](../04_losses.ipynb#top)"),
        ('<img src="figures/a.svg">', '<img src="../figures/a.svg">'),
        ("[c](https://example.org/x)", "[c](https://example.org/x)"),
        ("[d](#quiz)", "[d](#quiz)"),
        ("[e](mailto:me@example.org)", "[e](mailto:me@example.org)"),
    ],
)
def test_relative_links_are_led_one_folder_up(before, after):
    assert relink(before, lambda target: "../" + target) == after


# --- executing ----------------------------------------------------------


@pytest.mark.slow
def test_a_second_build_changes_nothing(built, tmp_path, capsys):
    root = copy_of(built, tmp_path)
    assert build([SAMPLE], root) == 0
    assert capsys.readouterr().out.count("unchanged") == 2
    assert build([SAMPLE], root, unchanged_too=True) == 0
    for name in ("99_sample.ipynb", "solutions/99_sample.ipynb"):
        assert (root / name).read_bytes() == (built / name).read_bytes()


def test_edited_text_needs_no_run(built, tmp_path, capsys, monkeypatch):
    root = copy_of(built, tmp_path)
    monkeypatch.setattr(building, "execute", lambda *_: pytest.fail("it was run"))
    source = SAMPLE.source(root)
    text = source.read_text("utf-8")
    assert "## Summary" in text
    source.write_text(text.replace("## Summary\n", "## Summary\n#\n# More.\n"), "utf-8")
    build([SAMPLE], root)
    assert capsys.readouterr().out.count("only text changed") == 2
    for name in ("99_sample.ipynb", "solutions/99_sample.ipynb"):
        old, new = nbformat.read(built / name, 4), nbformat.read(root / name, 4)
        assert any("More." in cell.source for cell in new.cells)
        outputs = [
            [c.outputs for c in some.cells if c.cell_type == "code"]
            for some in (old, new)
        ]
        assert outputs[0] == outputs[1]
        assert not in_step(generate(SAMPLE, root)["solutions" in name], root / name)


def test_edited_code_is_run(built, tmp_path, monkeypatch):
    root = copy_of(built, tmp_path)
    ran = []
    monkeypatch.setattr(building, "execute", lambda *given: ran.append(given))
    source = SAMPLE.source(root)
    text = source.read_text("utf-8")
    source.write_text(text.replace("np.arange(5).sum()", "np.arange(6).sum()"), "utf-8")
    build([SAMPLE], root, draft=True)
    assert len(ran) == 1


@pytest.mark.slow
def test_a_chapter_that_fails_is_not_stored(tmp_path, capsys):
    root = sample_root(
        tmp_path, lambda text: text.replace("np.arange(5).sum()", "undefined_name")
    )
    assert build([SAMPLE], root, draft=True) == 1
    assert "undefined_name" in capsys.readouterr().err
    assert not SAMPLE.notebook(root).exists()


@pytest.mark.slow
def test_a_stuck_cell_is_reported(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(building, "CELL_TIMEOUT", 3)
    root = sample_root(
        tmp_path,
        lambda text: text.replace("np.arange(5).sum()", "[None for _ in iter(int, 1)]"),
    )
    assert build([SAMPLE], root, draft=True) == 1
    assert "timed out" in capsys.readouterr().err


def test_a_stale_notebook_is_noticed(built, tmp_path):
    root = copy_of(built, tmp_path)
    path = SAMPLE.source(root)
    path.write_text(path.read_text("utf-8").replace("first five", "five"), "utf-8")
    generated = generate(SAMPLE, root)[0]
    (message,) = in_step(generated, SAMPLE.notebook(root))
    assert "out of step" in message and "chapters build 99" in message
    assert any("out of step" in p for p in rules.problems_of_files(SAMPLE, root))


def test_a_missing_notebook_is_noticed(tmp_path):
    found = rules.problems_of_files(SAMPLE, sample_root(tmp_path))
    assert [p for p in found if "does not exist" in p]


# --- the rules: each must notice a chapter that breaks it ----------------


def _replace(old, new):
    def edit(text):
        assert old in text
        return text.replace(old, new, 1)

    return edit


def _append(code):
    return lambda text: text + f"\n# %%\n{code}\n"


@pytest.mark.parametrize(
    ("edit", "complaint"),
    [
        (_replace("# # 99. A sample", "# # A sample"), "first line must be"),
        (_replace("every part", "some parts"), "the promise"),
        (_replace("**Runs in**", "**Speed**"), "no row 'runs in'"),
        (_replace("# ## 2. A", "# ## 3. A"), "must be numbered"),
        (_replace("# ## Summary", "# ## Sum"), "after the numbered sections"),
        (_replace("# ## Quiz", "# # Quiz"), "one heading of level 1"),
        (_replace("# - A chapter has parts.", "# - a\n" * 8), "8 bullets"),
        (lambda text: text + "\n# %% [markdown]\n# Text.\n" * 30, "more than 48"),
        (_replace('tags=["check"]', 'tags=["check", "nbval-skip"]'), "unknown tags"),
        (
            _replace('tags=["check"]', 'tags=["check"] editable=false'),
            "metadata other than tags",
        ),
        (_append(""), "empty cell"),
        (_replace("# - none", "# <script>x</script>"), "active HTML"),
        (_replace("# The sum.\n# </details>", "# The sum."), "not closed"),
        (
            _replace("# <details><summary>Answer</summary>\n#\n", "#\n"),
            "no folded answer for '**Predict first.** What does",
        ),
        (
            _replace(
                "# ## 2. A picture",
                "# **Predict first.** And now?\n#\n# ## 2. A picture",
            ),
            "no folded answer for '**Predict first.** And now?",
        ),
        (_append("x = 1\n" * 26), "26 lines"),
        (_append("x = '" + 80 * "a" + "'"), "columns"),
        (_append("%time x = 1"), "magics"),
        (_append("!ls"), "magics"),
        (_append("cv2.imshow('a', b)"), "OpenCV windows"),
        (_append("fetch('https://example.org')"), "no network"),
        (_append("name = input('?')"), "wait for typing"),
        (_append("time.sleep(1)"), "may not sleep"),
        (_append("plt.show()"), "alt text"),
        (_append("import ipywidgets"), "which stores a still one"),
        (_append("rng = np.random.default_rng()"), "seed the generator"),
        (_append("x = np.random.rand(3)"), "default_rng"),
        (_append("DataLoader(data, num_workers=2)"), "num_workers"),
        (_append("open('/data/x.png')"), "absolute"),
        (_append("open('C:\\\\x.png')"), "absolute"),
        (_append("x = = 1"), "not Python"),
        (_append("from posecourse.metrics import (\n    _private)"), "is private"),
        (_append("import posecourse._private as x"), "is private"),
        (_append("table([(1, 2)], 'ab')\nprint('seen')"), "a table that nobody sees"),
        (_append("x = torch.rand(3)"), "torch is used at random"),
        (_replace('tags=["setup"]', ""), "tagged setup"),
        (_replace('require("0.1")', "pass"), "call require"),
        (_replace("np.random.default_rng(0)", "0"), "set the seed"),
        (_replace("Exercise 99.2", "Exercise 99.4"), "numbered in order"),
        (_replace("★☆☆", "★"), "needs its stars"),
        (
            _replace('\n\n# %% tags=["solution"]\npeak', "\npeak"),
            "next code cell is its solution",
        ),
        (
            _replace('# %% tags=["check"]', '# %%\nx = 1\n\n# %% tags=["check"]'),
            "next code cell is its check",
        ),
        (_replace('check("99.2", peak)', "peak"), "cells tagged check"),
        (_replace('quiz("99")', 'print("quiz")'), "after '## Quiz' must be quiz"),
        (_replace("# - none", "# ![](figures/x.svg)"), "needs an alt text"),
        (
            _replace("# - none", "# ![Four words say it](figures/x.svg)"),
            "leads nowhere",
        ),
        (
            _replace("# - none", "# ![Four words say it](https://x.org/a.png)"),
            "is not local",
        ),
        (_replace("# - none", "# [x](#nowhere)"), "no heading for"),
        (_replace("# - none", "# [x](98_missing.ipynb)"), "leads nowhere"),
        (_replace("# - none", '# [x](98_missing.ipynb "title")'), "leads nowhere"),
        (_replace("# - none", "# [x](/etc)"), "is absolute"),
    ],
)
def test_a_rule_for_sources(tmp_path, edit, complaint):
    root = sample_root(tmp_path, edit)
    found = rules.source_problems(SAMPLE, root)
    assert any(complaint in p for p in found), found


@pytest.mark.parametrize(
    ("name", "size", "fine"),
    [
        ("x.gif", 290_000, True),
        ("x.gif", 310_000, False),
        ("x.png", 190_000, True),
        ("x.png", 210_000, False),
    ],
)
def test_a_picture_in_the_text_is_small(tmp_path, name, size, fine):
    link = f"# ![Four words say it](figures/{name})"
    root = sample_root(tmp_path, _replace("# - none", link))
    (root / "figures").mkdir(exist_ok=True)
    (root / "figures" / name).write_bytes(bytes(size))
    found = [p for p in rules.source_problems(SAMPLE, root) if "larger than" in p]
    assert (not found) == fine


@pytest.mark.parametrize("count, complaint", [(3, "3 questions"), (0, "no quiz")])
def test_a_rule_for_quizzes(tmp_path, monkeypatch, count, complaint):
    from posecourse.exercises.quiz import quiz

    module = sys.modules["posecourse.exercises.chapter_99"]
    monkeypatch.setattr(module, "QUIZ", quiz("99").questions[:count])
    found = rules.source_problems(SAMPLE, sample_root(tmp_path))
    assert any(complaint in p for p in found), found


def test_an_exercise_that_is_not_registered(tmp_path, monkeypatch):
    from posecourse import exercises

    monkeypatch.delitem(exercises._EXERCISES, "99.2")
    found = rules.source_problems(SAMPLE, sample_root(tmp_path))
    assert any("chapter_99.py has" in p for p in found)


# --- the way around ------------------------------------------------------


def _written(tmp_path, *names):
    """A folder in which these chapters (by number) are written."""
    root = tmp_path / "chapters"
    (root / "source").mkdir(parents=True)
    for chapter in (chapters.get_chapter(n) for n in names):
        chapter.source(root).write_text(SOURCE.read_text("utf-8"), "utf-8")
    return root


def _links(cell):
    return re.findall(r"\]\(([^)]+)\)", cell.source)


def test_links_lead_to_the_chapters_that_are_written(tmp_path):
    root = _written(tmp_path, 1, 3, 5)
    (root / "glossary.md").touch()
    home = ["glossary.md"]
    around = {
        n: (_links(nb.cells[0]), _links(nb.cells[-1]))
        for n in (1, 3, 5)
        for nb in generate(chapters.get_chapter(n), root)[:1]
    }
    one, three, five = (f"{chapters.get_chapter(n).name}.ipynb" for n in (1, 3, 5))
    assert around == {
        1: ([*home, three], [three, *home]),
        3: ([one, *home, five], [five, one, *home]),
        5: ([three, *home], [three, *home]),
    }
    # a chapter and a first page come in between
    for page in (chapters.get_chapter(2), chapters.START):
        page.source(root).write_text(SOURCE.read_text("utf-8"), "utf-8")
    first, solved = generate(chapters.get_chapter(1), root)
    two = f"{chapters.get_chapter(2).name}.ipynb"
    assert _links(first.cells[0]) == ["START_HERE.ipynb", *home, two]
    assert _links(solved.cells[0]) == [
        f"../{to}" for to in ("START_HERE.ipynb", *home, two)
    ]
    assert chapters.get_chapter(2).promise in first.cells[-1].source
    assert solved.cells[1].source.startswith("# 99. A sample (solutions)")


def test_the_links_change_no_id_and_are_found_again(tmp_path):
    root = _written(tmp_path, 1)
    before = _ids(chapters.CHAPTERS[0].source(root))
    cells = generate(chapters.CHAPTERS[0], root)[0].cells
    written = {
        c.source.replace(' style="margin-bottom: 1em"', ""): c.id
        for c in cells
        if not _made(c)
    }
    assert before.items() >= written.items()
    made = [c.id for c in cells if _made(c)]
    assert len(set(made)) == 3 and not set(made) & set(before.values())
    chapters.get_chapter(3).source(root).write_text("# %%\n1\n", "utf-8")
    again = generate(chapters.CHAPTERS[0], root)[0].cells
    assert [c.id for c in again if _made(c)] == made


def _made(cell):
    return "navigation" in tags(cell)


def test_the_line_of_progress_comes_after_the_setup(tmp_path):
    root = _written(tmp_path, 3)
    code = _code(generate(chapters.get_chapter(3), root)[0])
    assert "setup" in tags(code[0]) and 'show_progress("03")' in code[1].source
    assert code[1].metadata.jupyter == {"source_hidden": True}


def test_the_rules_look_at_what_the_author_wrote(tmp_path):
    """Links and their heading count neither as cells nor as sections."""
    chapter = chapters.get_chapter(3)
    root = _written(tmp_path, 1, 3)
    found = rules.source_problems(chapter, root)
    assert not [p for p in found if "after the numbered" in p or "cells, more" in p]
    path = chapter.source(root)
    path.write_text(path.read_text("utf-8") + "#\n# ## Next\n#\n# Go on.\n", "utf-8")
    found = rules.source_problems(chapter, root)
    assert any("the builder adds Next" in p for p in found)


def test_setup_and_hide_input_are_folded(tmp_path):
    root = sample_root(
        tmp_path, lambda text: text + '\n# %% tags=["hide-input"]\nprint(7)\n'
    )
    student, solved = generate(SAMPLE, root)
    for notebook in (student, solved):
        folded = [c for c in notebook.cells if "jupyter" in c.metadata]
        assert [c.metadata.jupyter for c in folded] == [{"source_hidden": True}] * 2
        assert "setup" in tags(folded[0]) and folded[1].source == "print(7)"


@pytest.mark.slow
def test_printed_text_is_stored_in_one_piece(tmp_path):
    lines = (
        "import time",
        "for i in range(3):",
        "    print(i, flush=True)",
        "    time.sleep(0.5)",
    )
    cell = nbformat.v4.new_code_cell("\n".join(lines))
    building.execute(nbformat.v4.new_notebook(cells=[cell]), tmp_path)
    assert [o.text for o in cell.outputs] == ["0\n1\n2\n"]


PROJECT = """
# %% [markdown]
# ## Project
#
# Do more than was asked.
#
# | points | for |
# |---|---|
# | 3 | a picture |

# %% tags=["project"]
mine = None

# %% tags=["check"]
check("99.project", mine)

# %% [markdown]
# ## Quiz
"""


@pytest.mark.parametrize(
    "old, new, complaint",
    [
        ("", "", None),
        ("# | 3 | a picture |", "# no points", None),
        ("# | points | for |\n# |---|---|\n# | 3 | a picture |", "# none", "a rubric"),
        ('\n# %% tags=["check"]', "\n# %%\n1", "a project's next code cell"),
        ('"99.project"', '"99.4"', "cells tagged check"),
    ],
)
def test_a_rule_for_projects(tmp_path, monkeypatch, old, new, complaint):
    from posecourse import exercises

    def edit(text):
        before, after = text.split("# %% [markdown]\n# ## Quiz\n")
        assert old in PROJECT
        return before + PROJECT.lstrip().replace(old, new, 1) + after

    monkeypatch.setattr(exercises, "_EXERCISES", dict(exercises._EXERCISES))
    exercises.exercise("99.project", hints=("a", "b"))(lambda attempt: None)
    found = rules.source_problems(SAMPLE, sample_root(tmp_path, edit))
    assert not found if complaint is None else any(complaint in p for p in found), found


def _output(kind, **fields):
    return lambda nb: _code(nb)[0].outputs.append(
        nbformat.v4.new_output(kind, **fields)
    )


def _code(nb):
    return [c for c in nb.cells if c.cell_type == "code"]


def _picture(nb):
    return next(o for c in _code(nb) for o in c.outputs if "<img" in _html(o))


def _html(output):
    return output.get("data", {}).get("text/html", "")


def _change_html(change):
    def damage(nb):
        data = _picture(nb).data
        data["text/html"] = change(data["text/html"])

    return damage


def _larger(code):
    """Valid base64 and still a picture."""
    return re.sub(r"base64,[^\"]+", lambda m: m[0].rstrip("=") + "A" * 300_000, code)


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda nb: setattr(nb, "nbformat_minor", 4), "format must be 4.5"),
        (lambda nb: setattr(nb.cells[1], "id", nb.cells[0].id), "not unique"),
        (lambda nb: nb.metadata.kernelspec.update(name="mine"), "python3"),
        (lambda nb: nb.metadata.update(widgets={}), "notebook metadata"),
        (lambda nb: setattr(_code(nb)[0], "execution_count", 7), "in order"),
        (lambda nb: setattr(_code(nb)[0], "execution_count", None), "in order"),
        (_output("error", ename="E", evalue="e", traceback=[]), "an error at"),
        (lambda nb: _code(nb)[4].outputs.clear(), "no error at"),
        (
            lambda nb: _code(nb)[4].metadata.tags.remove("nbval-check-output"),
            "needs nbval-check-output",
        ),
        (
            _change_html(lambda code: re.sub('alt="[^"]+"', 'alt="A plot"', code)),
            "without alt text",
        ),
        (
            _change_html(lambda code: code.replace("image/webp", "image/jpeg")),
            "not stored as webp or gif",
        ),
        (_change_html(_larger), "a picture of"),
        (
            _change_html(lambda code: re.sub(r'width="\d+"', 'width="1200"', code)),
            "pixels wide",
        ),
        (
            _change_html(lambda code: re.sub(r'width="\d+"', 'width="900"', code)),
            "not sharp",
        ),
        (
            _output("display_data", data={"image/png": "iVBORw0KGgo="}),
            "without alt text (image/png",
        ),
        (_output("stream", text="line " * 300_000), "kB with its pictures"),
        (
            _output("stream", name="stderr", text="UserWarning: old"),
            "a warning or progress bar",
        ),
        (_output("stream", text="<Line2D at 0x7f00a1>"), "address"),
        (_output("stream", text="in /home/me/file.py"), "path of the machine"),
        (_output("stream", text="line\n" * 60), "more than 50 lines"),
        (
            lambda nb: [_output("stream", text="1\n")(nb) for _ in "ab"],
            "printed text in pieces",
        ),
        (
            _output(
                "display_data",
                data={"application/vnd.jupyter.widget-view+json": {"model_id": "1"}},
            ),
            "widget state",
        ),
        (lambda nb: _code(nb)[3].outputs.clear(), "no picture stored"),
        (lambda nb: _code(nb)[2].metadata.tags.clear(), "**10** is in no output"),
        (
            lambda nb: setattr(nb.cells[3], "source", "It is **11.5 px**."),
            "**11.5** is in no output",
        ),
        (
            lambda nb: (
                _code(nb)[6]
                .outputs[0]
                .data.update({"text/plain": "Exercise 99.1: passed."})
            ),
            "the empty exercise",
        ),
    ],
)
def test_a_rule_for_outputs(built, damage, complaint):
    notebook = copy.deepcopy(read(SAMPLE.notebook(built)))
    damage(notebook)
    found = rules.problems(notebook, SAMPLE, built)
    assert any(complaint in p for p in found), found


def test_a_solution_that_does_not_pass(built):
    notebook = read(SAMPLE.solutions(built))
    cell = next(c for c in notebook.cells if "check" in tags(c))
    cell.outputs[0].data["text/plain"] = "Exercise 99.1: not right yet."
    found = rules.problems(notebook, SAMPLE, built)
    assert any("the solution gives" in p for p in found)


def test_outputs_hold_nothing_of_the_machine(built):
    for path in (SAMPLE.notebook(built), SAMPLE.solutions(built)):
        text = path.read_text("utf-8")
        assert str(built) not in text
        assert "site-packages" not in text and 'execution"' not in text
        assert not re.search(r'"(iopub|shell)\.', text)


# --- the list of chapters ------------------------------------------------


def test_the_list_of_chapters_is_in_order():
    assert [c.number for c in chapters.CHAPTERS] == list(
        range(1, len(chapters.CHAPTERS) + 1)
    )
    assert chapters.get_chapter(3) is chapters.get_chapter("03")
    with pytest.raises(ValueError, match="1 to 16"):
        chapters.get_chapter("17")


def test_asking_for_a_planned_chapter(tmp_path):
    (tmp_path / "source").mkdir()
    assert chapters.find(root=tmp_path) == []
    with pytest.raises(FileNotFoundError, match="planned"):
        chapters.find(["3"], tmp_path)


def test_the_readme_table_is_put_between_its_marks(tmp_path):
    (tmp_path / "source").mkdir()
    first, last = chapters.TABLE_MARKS
    text = chapters.put_table(f"a\n{first}\nold\n{last}\nz\n", tmp_path)
    assert text.startswith(f"a\n{first}\n| chapter") and "old" not in text
    assert text.endswith(f"{last}\nz\n")
    assert chapters.put_table(text, tmp_path) == text
    with pytest.raises(ValueError, match="two lines"):
        chapters.put_table("no marks", tmp_path)


def test_an_older_package_is_refused(monkeypatch):
    import importlib.metadata

    monkeypatch.setattr(importlib.metadata, "version", lambda name: "0.9.1")
    chapters.require("0.9")
    chapters.require("0.9.1")
    for newer in ("0.10", "0.9.2", "1"):
        with pytest.raises(chapters.VersionError, match="needs posecourse"):
            chapters.require(newer)
