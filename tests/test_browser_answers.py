"""Answers, hints, quiz and progress as a learner sees them in JupyterLab."""

import json
import re

import nbformat
import pytest
from sample import make_checkout
from test_lab import running_lab

from posecourse.authoring import preview

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WAIT = 120_000  # milliseconds; a busy machine is slow

CODE = [
    "from posecourse.exercises import check, show_progress\n"
    "from posecourse.exercises.quiz import Choice, Question, Quiz",
    "check('03.1', lambda heatmap, stride: (0, 0))",
    "def decode(heatmap, stride):\n"
    "    row, column = divmod(int(heatmap.argmax()), heatmap.shape[1])\n"
    "    return (column + 0.5) * stride - 0.5, (row + 0.5) * stride - 0.5\n"
    "check('03.1', decode)",
    "show_progress('03')",
    "Quiz([Question('Is $a < b$?', (Choice('No.', 'It is the other way.'),\n"
    "    Choice('Yes.', 'Because $1 < 2$.', right=True)))])",
    "from posecourse.authoring.overview import course_map\ncourse_map()",
]


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A small course with a glossary, and a chapter that checks answers."""
    pytest.importorskip("playwright.sync_api")
    try:
        preview.find_browser()
    except preview.BrowserError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("a course")
    chapters = make_checkout(folder)
    new = nbformat.v4
    for name, code in (("03_heatmaps", CODE), ("04_losses", ["1 + 1"])):
        cells = [new.new_code_cell(c, id=f"c{i}") for i, c in enumerate(code)]
        cells.append(new.new_markdown_cell("[Glossary](glossary.md)", id="end"))
        notebook = new.new_notebook(cells=cells)
        notebook.metadata["kernelspec"] = {
            "name": "python3",
            "language": "python",
            "display_name": "Python 3",
        }
        nbformat.write(notebook, chapters / f"{name}.ipynb")
    (chapters / "glossary.md").write_text("# Glossary\n\n- **pose**: all joints\n")
    return folder


@pytest.fixture(scope="module")
def page(course, tmp_path_factory):
    """The chapter, opened and run; what goes wrong in the page is collected."""
    own = preview.own_environment(tmp_path_factory.mktemp("own"))
    environment = {k: v for k, v in own.items() if k.startswith(("JUPYTER", "IPY"))}
    with (
        running_lab(course, **environment) as (process, base, path, token),
        preview.browser_page(1440, 900) as page,
    ):
        page.set_default_timeout(WAIT)
        page.wrong, page.server = [], process
        page.on("pageerror", lambda error: page.wrong.append(str(error)))
        page.address = f"{base}{path}?token={token}"
        preview.open_notebook(page, page.address, WAIT / 1000)
        page.get_by_text(re.compile(r"\| Idle$")).wait_for()
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.locator(".lm-Menu-itemLabel").get_by_text(
            "Run All Cells", exact=True
        ).click()
        page.get_by_text("Next: exercise").wait_for()
        yield page


def cell(page, number):
    return page.locator(".jp-Notebook .jp-Cell").nth(number)


def look_at_the_wrong_answer(page):
    """The panel, its picture, and the hints one by one."""
    panel = cell(page, 1).locator(".pc-panel.wrong")
    panel.get_by_text("✗ not right yet").wait_for()
    assert "expected:" in panel.inner_text()
    picture = panel.locator("img")
    assert picture.evaluate("p => p.decode().then(() => p.naturalWidth > 200)")
    assert picture.bounding_box()["width"] < panel.bounding_box()["width"]
    first, second = panel.locator("summary").nth(0), panel.locator("summary").nth(1)
    assert not second.is_visible()
    first.click()
    panel.get_by_text("np.unravel_index").wait_for()
    assert second.is_visible()
    second.click()
    panel.get_by_text("The row is y").wait_for()


def test_answers_hints_and_progress(page, course):
    look_at_the_wrong_answer(page)
    passed = cell(page, 2).locator(".pc-panel.right")
    passed.get_by_text("✓ passed").wait_for()
    assert passed.locator("img, summary").count() == 0
    noted = json.loads((course / "work" / ".progress.json").read_text("utf-8"))
    assert list(noted) == ["03.1"]
    cell(page, 3).get_by_text("03.1 ✓").wait_for()
    assert "Next: exercise 03.2" in cell(page, 5).inner_text()
    assert page.wrong == []


def test_a_click_on_a_choice_says_why(page):
    quiz = cell(page, 4).locator(".pc-quiz")
    quiz.locator("mjx-container").first.wait_for()
    wrong, right = quiz.locator("details.wrong"), quiz.locator("details.right")
    assert not quiz.get_by_text("It is the other way.").is_visible()
    wrong.locator("summary").click()
    assert quiz.get_by_text("Not quite.").is_visible()
    assert quiz.get_by_text("It is the other way.").is_visible()
    assert not quiz.get_by_text("Right.").is_visible()
    right.locator("summary").click()
    assert quiz.get_by_text("Right.").is_visible()


def test_all_of_it_works_when_the_notebook_is_opened_again(page):
    """Saved, its kernel ended; nothing is run."""
    page.keyboard.press("Escape")
    with page.expect_response(
        lambda answer: "/api/contents/" in answer.url and answer.request.method == "PUT"
    ):
        page.get_by_role("menuitem", name="File", exact=True).click()
        page.locator(".lm-Menu-itemLabel").get_by_text(
            "Save Notebook", exact=True
        ).click()
    host, token = re.fullmatch(r"(http://[^/]+)/.*token=(\w+)", page.address).groups()
    login = {"Authorization": f"token {token}"}
    for session in page.request.get(f"{host}/api/sessions", headers=login).json():
        page.request.delete(f"{host}/api/sessions/{session['id']}", headers=login)
    preview.open_notebook(page, page.address, WAIT / 1000)
    look_at_the_wrong_answer(page)
    cell(page, 4).locator("details.right summary").click()
    assert cell(page, 4).get_by_text("Right.").is_visible()
    assert page.get_by_text("Error displaying widget").count() == 0


def test_links_open_chapters_and_the_glossary_in_the_lab(page):
    cell(page, 5).get_by_role("link", name="4. Losses").click()
    page.locator(".lm-TabBar-tabLabel", has_text="04_losses.ipynb").wait_for()
    page.locator(".lm-TabBar-tabLabel", has_text="03_heatmaps.ipynb").click()
    page.get_by_role("link", name="Glossary").locator("visible=true").click()
    shown = page.locator(".jp-MarkdownViewer")
    shown.get_by_text("all joints").wait_for()  # as a page, not as source
    assert shown.locator("strong").inner_text() == "pose"


def test_the_terminal_stays_quiet(page):
    """Last: a newcomer cannot judge warnings, so there are none."""
    page.server.terminate()
    said = page.server.communicate(timeout=60)[0]
    assert not re.search(r"trusted|encryption|websocket|\[W ", said), said
