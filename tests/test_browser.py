"""A chapter in a real JupyterLab in a real browser, as a learner sees it."""

import base64
import re
import shutil
import subprocess
import sys
import time

import cv2
import nbformat
import numpy as np
import pytest
from sample import SAMPLE, make_checkout, sample_root

from posecourse.authoring import preview
from posecourse.authoring.build import build
from posecourse.authoring.chapters import CHAPTERS
from posecourse.authoring.notebooks import tags

WAIT = 300  # seconds; a busy machine is slow, a hanging one never ends
# JupyterLab shows an error as it shows what goes to stderr; an error names its
# cell ("Cell In[3], line 1").
FAILED = """cell => [...cell.querySelectorAll("[data-mime-type$='jupyter.stderr']")]
    .some(output => output.innerText.includes("Cell In["))"""
ALL_RUN = f"""announced => {{
    const cells = [...document.querySelectorAll(".jp-Notebook .jp-Cell")];
    const failed = {FAILED};
    return cells.some((cell, i) => !announced.includes(i) && failed(cell))
        || cells.every(cell => !cell.classList.contains("jp-CodeCell") ||
            /\\[\\d+\\]/.test(cell.querySelector(".jp-InputPrompt").innerText));
}}"""
ERRORS = f"""() => [...document.querySelectorAll(".jp-Notebook .jp-Cell")]
    .map((cell, i) => [i, cell]).filter(([i, cell]) => ({FAILED})(cell))
    .map(([i, cell]) => [i, cell.innerText])"""
# the picture of a cell, once it is loaded and differs from an earlier one
PICTURE = """([index, before]) => {
    const cell = document.querySelectorAll(".jp-Notebook .jp-Cell")[index];
    const pictures = [...(cell?.querySelectorAll(".jp-OutputArea img") || [])];
    const there = pictures.length > 0
        && pictures.every(p => p.complete && p.naturalWidth > 0)
        && pictures[0].src !== before;
    return there ? pictures.map(p => p.src) : null;
}"""


def live_cell(notebook):
    """Index of the first live picture that has a slider, or None."""
    return next(
        (
            i
            for i, cell in enumerate(notebook.cells)
            if cell.cell_type == "code"
            and re.search(r"^explore\(.*=\(", cell.source, re.M | re.S)
        ),
        None,
    )


@pytest.fixture(scope="module")
def browser():
    """Skips where there is none."""
    pytest.importorskip("playwright.sync_api")
    try:
        preview.find_browser()
    except preview.BrowserError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def course(browser, root, tmp_path_factory):
    """A course of its own with one chapter: the first with a live picture,
    or the sample; and at its end a cell that announces an error. Gives its
    folder, the chapter and the stored notebook."""
    folder = tmp_path_factory.mktemp("a course")
    chapters = make_checkout(folder)
    for chapter in CHAPTERS:
        path = chapter.notebook(root / "chapters")
        if path.exists() and live_cell(nbformat.read(path, 4)) is not None:
            shutil.copy(path, chapters)
            shutil.copytree(root / "chapters" / "figures", chapters / "figures")
            break
    else:
        chapter = CHAPTERS[0]
        sample_root(folder)
        assert build([SAMPLE], chapters, draft=True) in (0, 1)
        SAMPLE.notebook(chapters).rename(chapter.notebook(chapters))
    notebook = nbformat.read(chapter.notebook(chapters), 4)
    failing = {"metadata": {"tags": ["raises-exception"]}}
    notebook.cells.append(nbformat.v4.new_code_cell("1 / 0", **failing))
    nbformat.write(notebook, chapter.notebook(chapters))
    return folder, chapter, notebook


@pytest.fixture
def address(course, tmp_path):
    """Where `posecourse lab` says that the chapter is."""
    folder, chapter, _ = course
    log = tmp_path / "log"
    with open(log, "wb") as file:
        server = subprocess.Popen(
            [sys.executable, "-m", "posecourse", "lab", chapter.name, "--no-browser"],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            env=preview.own_environment(tmp_path / "own"),
        )
    try:
        end, found = time.monotonic() + WAIT, None
        while not found and server.poll() is None and time.monotonic() < end:
            time.sleep(0.1)
            found = re.search(
                r"http://127\.0\.0\.1:\S+token=\w+", log.read_text("utf-8", "replace")
            )
        assert found, log.read_text("utf-8", "replace")
        yield found[0]
    finally:
        server.terminate()  # it ends its kernels, too
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def choose(page, menu, item):
    page.get_by_role("menuitem", name=menu, exact=True).click()
    page.locator(".lm-Menu-itemLabel").get_by_text(item, exact=True).click()


def picture(page, cell, before=""):
    """The source of a cell's one picture, once it is not that of before."""
    handle = page.wait_for_function(PICTURE, arg=[cell, before])
    sources = handle.json_value()
    assert len(sources) == 1, f"{len(sources)} pictures instead of one"
    return sources[0]


def pixels(source):
    png = base64.b64decode(source.partition("base64,")[2])
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)


def test_a_chapter_from_opening_to_coming_back(course, address):
    folder, chapter, stored = course
    live = live_cell(stored)
    with preview.browser_page() as page:
        page.set_default_timeout(WAIT * 1000)
        asked = []
        page.on("request", lambda request: asked.append(request.url))

        # opened: all text is there, and no answer before its question
        preview.open_notebook(page, address, WAIT)
        cells = page.locator(".jp-Notebook .jp-Cell")
        cells.nth(len(stored.cells) - 1).wait_for()
        assert cells.count() == len(stored.cells)
        assert page.locator(".jp-OutputArea-output").count() == 0
        prose = "".join(c.source for c in stored.cells if c.cell_type == "markdown")
        assert "$" in prose
        page.wait_for_selector("mjx-container svg, mjx-container mjx-math")
        assert page.locator("mjx-merror").count() == 0

        # run: no error but those that the chapter announces
        page.get_by_text(re.compile(r"\| Idle$")).wait_for()
        choose(page, "Run", "Run All Cells")
        announced = [
            i for i, cell in enumerate(stored.cells) if "raises-exception" in tags(cell)
        ]
        page.wait_for_function(ALL_RUN, arg=announced)
        errors = dict(page.evaluate(ERRORS))
        assert list(errors) == announced, errors

        # a slider is moved with the keyboard: the picture follows
        first = picture(page, live)
        handle = cells.nth(live).locator(".noUi-handle").first
        handle.wait_for()
        readout = cells.nth(live).locator(".widget-readout").first
        said = readout.inner_text()
        at_end = handle.get_attribute("aria-valuenow") == handle.get_attribute(
            "aria-valuemax"
        )
        handle.focus()
        page.keyboard.press("ArrowLeft" if at_end else "ArrowRight")
        moved = picture(page, live, before=first)
        assert readout.inner_text() != said
        assert pixels(moved).shape == pixels(first).shape, "it jumps"
        assert (pixels(moved) != pixels(first)).any()

        # saved
        with page.expect_response(
            lambda answer: (
                "/api/contents/" in answer.url and answer.request.method == "PUT"
            )
        ) as answer:
            choose(page, "File", "Save Notebook")
        assert answer.value.ok
        copy = nbformat.read(folder / "work" / f"{chapter.name}.ipynb", 4)
        (saved,) = [
            o.data["image/png"]
            for o in copy.cells[live].outputs
            if "image/png" in o.get("data", {})
        ]
        assert base64.b64decode(saved) == base64.b64decode(
            moved.partition("base64,")[2]
        )

        # opened again where no kernel starts: the picture stands there
        host, token = re.fullmatch(r"(http://[^/]+)/.*token=(\w+)", address).groups()
        login = {"Authorization": f"token {token}"}
        sessions = page.request.get(f"{host}/api/sessions", headers=login)
        for session in sessions.json():
            page.request.delete(f"{host}/api/sessions/{session['id']}", headers=login)
        page.route(
            re.compile("/api/(sessions|kernels)"),
            lambda route: (
                route.abort() if route.request.method == "POST" else route.continue_()
            ),
        )
        preview.open_notebook(page, address, WAIT)
        page.get_by_text("No Kernel", exact=True).wait_for()
        assert picture(page, live) == moved

        # nothing was asked of the network
        outside = [
            url
            for url in asked
            if not re.match(r"data:|blob:|(http|ws)://127\.0\.0\.1:", url)
        ]
        assert not outside
