"""Every chapter in a real JupyterLab in a real browser, as a learner sees it.

nbval runs all cells of all chapters. Here each chapter stands with all its
prose, but only with those cells that its live pictures need, so that it runs
in seconds, twice.
"""

import ast
import dis
import re
import shutil
from contextlib import contextmanager
from itertools import islice

import nbformat
import pytest
from sample import make_checkout
from test_lab import running_lab

from posecourse.authoring import preview
from posecourse.authoring.chapters import CHAPTERS, folder
from posecourse.authoring.notebooks import generate, tags
from posecourse.places import course_folder

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WAIT = 240_000  # milliseconds; a busy machine is slow, a hanging one never ends
REDRAWN = 20_000
WRITTEN = [c for c in CHAPTERS if c.source(folder()).exists()]

# JupyterLab shows an error as it shows what goes to stderr; an error names its
# cell ("Cell In[3], line 1").
FAILED = """cell => [...cell.querySelectorAll("[data-mime-type$='jupyter.stderr']")]
    .some(output => output.innerText.includes("Cell In["))"""
# Cells run in order, and the last one fails; or one fails that should not.
ALL_RUN = f"""announced => {{
    const cells = [...document.querySelectorAll(".jp-Notebook .jp-Cell")];
    const failed = {FAILED};
    return failed(cells.at(-1))
        || cells.some((cell, i) => !announced.includes(i) && failed(cell));
}}"""
ERRORS = f"""() => [...document.querySelectorAll(".jp-Notebook .jp-Cell")]
    .map((cell, i) => [i, cell]).filter(([i, cell]) => ({FAILED})(cell))
    .map(([i, cell]) => [i, cell.innerText])"""
# What an explorer shows: a digest of its picture's bytes, once it is another,
# and its width and height, once it is as wide and high as the page makes it.
PICTURE = """async ([number, before]) => {
    const live = document.querySelectorAll(".posecourse-live")[number];
    const picture = live?.querySelector(".posecourse-picture img");
    if (!picture?.complete || !picture.naturalWidth) return null;
    const { width, height } = picture.getBoundingClientRect();
    const shape = picture.naturalHeight / picture.naturalWidth;
    if (!(Math.abs(height / width - shape) < 0.01)) return null;
    const answer = await fetch(picture.src).catch(() => null); // just replaced
    const bytes = await answer?.arrayBuffer();
    if (!bytes) return null;
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    return digest.join() === before ? null : [digest.join(), width, height];
}"""
# All explorers are there, with all their parts; JupyterLab puts empty boxes
# first, and not in the order of the cells.
COMPLETE = """count => {
    const live = [...document.querySelectorAll(".posecourse-live")];
    return live.length === count && live.every(explorer => explorer.children.length > 1 &&
        [...explorer.children].every(part =>
            part.matches(".jupyter-widgets, :has(.posecourse-picture)")));
}"""


def names(code, *operations):
    """The global names on which a piece of code does one of these."""
    found = {i.argval for i in dis.get_instructions(code) if i.opname in operations}
    for inner in code.co_consts:
        if hasattr(inner, "co_code") and "STORE_NAME" not in operations:
            found |= names(inner, *operations)
    return found


def needs(source) -> set:
    """The global names that a cell does not make itself before it uses them."""
    needed, made = set(), set()
    for statement in ast.parse(source).body:
        code = compile(ast.Module([statement], []), "cell", "exec")
        needed |= names(code, "LOAD_NAME", "LOAD_GLOBAL") - made
        made |= names(code, "STORE_NAME")
    return needed


def is_live(cell) -> bool:
    return cell.cell_type == "code" and bool(
        re.search(r"^explore\(", cell.source, re.M)
    )


def with_what_is_live(notebook):
    """A notebook's prose, its live pictures, and the code these build on; at
    the end a cell that announces an error."""
    kept, wanted = [], set()
    for cell in reversed(notebook.cells):
        if cell.cell_type == "code":
            made = names(compile(cell.source, "cell", "exec"), "STORE_NAME")
            if not (is_live(cell) or made & wanted or "setup" in tags(cell)):
                continue
            wanted = wanted - made | needs(cell.source)
        kept.insert(0, cell)
    failing = {"metadata": {"tags": ["raises-exception"]}}
    notebook.cells = [*kept, nbformat.v4.new_code_cell("1 / 0", **failing)]
    return notebook


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course of all chapters in short, without outputs. Gives its folder and
    the notebooks."""
    pytest.importorskip("playwright.sync_api")
    try:
        preview.find_browser()
    except preview.BrowserError as error:
        pytest.skip(str(error))
    path = tmp_path_factory.mktemp("a course")
    chapters, notebooks = make_checkout(path), {}
    for chapter in WRITTEN:
        notebook = with_what_is_live(generate(chapter, folder())[0])
        nbformat.write(notebook, chapter.notebook(chapters))
        notebooks[chapter.name] = notebook
    figures = chapters / "figures"
    figures.mkdir()
    for drawing in (folder() / "figures").iterdir():
        if drawing.suffix not in (".md", ".py") and drawing.is_file():
            (figures / drawing.name).write_bytes(drawing.read_bytes())
    for results in ("weights", "studies"):
        shutil.copytree(course_folder() / "data" / results, path / "data" / results)
    return path, notebooks


@pytest.fixture(scope="module")
def lab(course, tmp_path_factory):
    """`posecourse lab` on this course, and a browser: a page, and the address
    of a chapter."""
    own = preview.own_environment(tmp_path_factory.mktemp("own"))
    environment = {k: v for k, v in own.items() if k.startswith(("JUPYTER", "IPY"))}
    with (
        running_lab(course[0], **environment) as (_, base, path, token),
        preview.browser_page(1440, 900) as page,
    ):
        page.set_default_timeout(WAIT)
        where = path.rpartition("/")[0]
        yield page, lambda name: f"{base}{where}/{name}.ipynb?token={token}&reset"


@pytest.fixture
def page(lab):
    """The page; at the end nothing has gone wrong in it, and nothing was asked
    of the network."""
    page, _ = lab
    wrong, asked = [], []
    handlers = {
        "pageerror": lambda error: wrong.append(str(error)),
        "console": lambda said: said.type == "error" and wrong.append(said.text),
        "request": lambda request: asked.append(request.url),
    }
    for event, handler in handlers.items():
        page.on(event, handler)
    page.wrong = wrong
    yield page
    for event, handler in handlers.items():
        page.remove_listener(event, handler)
    # ipywidgets says the first of each widget whose kernel has ended, and the
    # second where none could be started; both are hidden
    expected = (
        "Error: widget model not found",
        "Cannot read properties of null (reading 'kernel')",
    )
    assert [text for text in wrong if not text.startswith(expected)] == []
    ours = r"data:|blob:|(http|ws)://127\.0\.0\.1:"
    assert [url for url in asked if not re.match(ours, url)] == []


def choose(page, menu, item):
    page.get_by_role("menuitem", name=menu, exact=True).click()
    page.locator(".lm-Menu-itemLabel").get_by_text(item, exact=True).click()


def open_and_look(page, address, notebook):
    """All prose is there, and no answer before its question."""
    preview.open_notebook(page, address, WAIT / 1000)
    cells = page.locator(".jp-Notebook .jp-Cell")
    cells.nth(len(notebook.cells) - 1).wait_for()
    assert cells.count() == len(notebook.cells)
    assert page.locator(".jp-OutputArea-output").count() == 0
    if any("$" in c.source for c in notebook.cells if c.cell_type == "markdown"):
        formula = "mjx-container svg, mjx-container mjx-math"  # the first may be folded
        page.wait_for_selector(formula, state="attached")
    assert page.locator("mjx-merror").count() == 0
    assert (
        page.evaluate(
            "() => [...document.querySelectorAll('.jp-MarkdownOutput img')]"
            ".filter(i => i.complete && !i.naturalWidth).map(i => i.src)"
        )
        == []
    )


def run_all(page, notebook):
    """No error but those that the notebook announces."""
    page.get_by_text(re.compile(r"\| Idle$")).wait_for()
    choose(page, "Run", "Run All Cells")
    announced = [
        i for i, cell in enumerate(notebook.cells) if "raises-exception" in tags(cell)
    ]
    page.wait_for_function(ALL_RUN, arg=announced)
    errors = dict(page.evaluate(ERRORS))
    assert list(errors) == announced, errors


def explorers(page, count, twice=False):
    """The live pictures, and nothing in their place."""
    page.wait_for_function(COMPLETE, arg=count)
    if twice:
        # When a kernel is found alive, JupyterLab draws all widgets once more.
        page.wait_for_timeout(1500)
        page.wait_for_function(COMPLETE, arg=count)
    assert not page.locator(".posecourse-still").locator("visible=true").count()
    return page.locator(".posecourse-live").all()


def picture(page, number, before=""):
    """What an explorer shows, once it is not what it showed before, and in
    which size."""
    # not wait_for_function, which takes the promise of an answer for a yes
    for _ in range(REDRAWN // 50):
        if found := page.evaluate(PICTURE, [number, before]):
            return found[0], found[1:]
        page.wait_for_timeout(50)
    raise AssertionError("the picture stays as it is")


def moves(explorer):
    """``(what, function)`` that moves each control to one of its ends; the
    function says whether the control was moved at all."""

    def press(handle, key):
        def move():
            before = handle.get_attribute("aria-valuetext")
            handle.focus()
            handle.press(key)
            return handle.get_attribute("aria-valuetext") != before

        return move

    def press_both(handle, *keys):
        def move():
            for key in keys:
                handle.press(key)
            return True

        return move

    def pick(menu, index):
        def move():
            before = menu.input_value()
            menu.select_option(index=index)
            return menu.input_value() != before

        return move

    for handle in explorer.locator(".noUi-handle").all():
        for key in ("End", "Home"):
            yield f"slider {key}", press(handle, key)
    for handle in explorer.locator(".posecourse-handle").all():
        # into opposite corners: along one side a picture may stay as it is
        yield "point", press_both(handle, "End", "PageUp")
        yield "point", press_both(handle, "Home", "PageDown")
    for menu in explorer.locator("select").all():
        for index in (menu.locator("option").count() - 1, 0):
            yield "choice", pick(menu, index)
    for box in explorer.locator("input[type=checkbox]").all():
        for _ in range(2):
            yield "check box", lambda box=box: box.click() or True


def move_all(page, live, most=None):
    """Each control to both its ends (or only the first `most` moves): the
    pictures follow, in the same size, and no error is shown."""
    for number, explorer in enumerate(live):
        shown, size = picture(page, number)
        moved = set()
        for what, move in islice(moves(explorer), most):
            if move():
                moved.add(what)
                shown, after = picture(page, number, before=shown)
                assert after == size, what
        assert moved
        assert not re.search(r"\w+(Error|Exception|Warning): ", explorer.inner_text())


def save(page):
    with page.expect_response(
        lambda answer: "/api/contents/" in answer.url and answer.request.method == "PUT"
    ) as answer:
        choose(page, "File", "Save Notebook")
    assert answer.value.ok


def end_kernels(page, address):
    host, token = re.fullmatch(r"(http://[^/]+)/.*token=(\w+).*", address).groups()
    login = {"Authorization": f"token {token}"}
    for session in page.request.get(f"{host}/api/sessions", headers=login).json():
        page.request.delete(f"{host}/api/sessions/{session['id']}", headers=login)


@contextmanager
def no_kernel_starts(page):
    """As where none can be started. What the page says about it is expected."""
    starts = re.compile("/api/(sessions|kernels)")

    def refuse(route):
        if route.request.method == "POST":
            route.abort()
        else:
            route.fallback()

    page.route(starts, refuse)
    try:
        yield
    finally:
        page.unroute(starts)
        page.wrong.clear()


def look_without_kernel(page, address, count):
    """The still pictures stand there, and say what to do."""
    preview.open_notebook(page, address, WAIT / 1000)
    page.get_by_text("No Kernel", exact=True).wait_for()
    stills = page.locator(".posecourse-still")
    stills.nth(count - 1).wait_for(state="attached")
    assert stills.count() == count
    for still in stills.all():
        assert still.get_by_text("Run this cell to move the picture.").is_visible()
        image = still.locator("img")
        assert image.evaluate("i => i.decode().then(() => i.naturalWidth > 0)")
        assert len(image.get_attribute("alt").split()) >= 4
    for text in ("Error displaying widget", "Loading widget"):
        assert not page.get_by_text(text).locator("visible=true").count()


@pytest.mark.parametrize("chapter", WRITTEN, ids=lambda c: c.name)
def test_a_chapter_from_opening_to_coming_back(chapter, course, lab, page):
    notebook = course[1][chapter.name]
    address = lab[1](chapter.name)
    open_and_look(page, address, notebook)
    run_all(page, notebook)
    count = sum(is_live(cell) for cell in notebook.cells)
    if not count:
        return
    move_all(page, explorers(page, count))
    save(page)

    # another page, the same kernel: everything is live again
    preview.open_notebook(page, address, WAIT / 1000)
    move_all(page, explorers(page, count, twice=True), most=2)

    end_kernels(page, address)
    with no_kernel_starts(page):
        look_without_kernel(page, address, count)


def test_run_again_where_still_pictures_stood(course, lab, page):
    name = next(n for n, b in course[1].items() if any(map(is_live, b.cells)))
    notebook, address = course[1][name], lab[1](name)
    count = sum(is_live(cell) for cell in notebook.cells)
    preview.open_notebook(page, address, WAIT / 1000)
    page.locator(".posecourse-still").nth(count - 1).wait_for(state="attached")
    run_all(page, notebook)
    assert len(explorers(page, count)) == count
    end_kernels(page, address)
