"""Slides: everything of the chapter, nothing to scroll, no answer, no network."""

import re

import pytest

from posecourse.authoring.chapters import CHAPTERS, get_chapter
from posecourse.authoring.notebooks import read, tags
from posecourse.authoring.preview import BrowserError, browser_page, find_browser
from posecourse.authoring.slides import write_pdf, write_slides
from posecourse.cli import main

MEASURE = """() => {
  const found = [];
  for (const slide of Reveal.getSlides()) {
    const at = Reveal.getIndices(slide);
    Reveal.slide(at.h, at.v);
    const body = slide.querySelector(".body");
    found.push({
      too_high: body.scrollHeight - body.clientHeight,
      too_wide: body.scrollWidth - body.clientWidth,
      cut: [...body.querySelectorAll("pre, table")].filter(
        e => !e.closest("details:not([open])") && e.scrollWidth > e.clientWidth + 1).length,
      zoom: Number(body.firstElementChild.style.zoom || 1),
      open: body.querySelectorAll("details[open]").length,
      first: at.v === 0,
      head: body.querySelector("h1, h2")?.textContent || "",
      shown: body.innerText.length + 50 * body.querySelectorAll("img, svg").length,
    });
  }
  return found;
}"""

written = [c for c in CHAPTERS if c.number <= 16]


@pytest.fixture(scope="module")
def browser():
    pytest.importorskip("playwright.sync_api")
    try:
        return find_browser()
    except BrowserError as error:
        pytest.skip(str(error))


def test_a_file_that_needs_nothing_else(root, tmp_path):
    chapter = get_chapter(3)
    page = write_slides(chapter, root / "chapters", tmp_path / "slides.html")
    text = page.read_text("utf-8")
    own = re.sub(r"<script>.*?</script>", "", text, flags=re.S)
    assert not re.search(r"""\b(src|srcset)=["'](?!data:)""", own)
    assert not re.search(r"<link\b|@import|url\((?!data:)", own)
    assert "check(" not in re.sub(r"<[^>]+>", "", own.split('id="cells"')[1])
    # a folded answer holds what stands in it, formulas and paragraphs too
    answers = re.findall(
        r"<details[^>]*><summary>Answer</summary>(.*?)</details>", own, re.S
    )
    cells = read(chapter.notebook(root / "chapters")).cells
    count = sum(c.source.count("<summary>Answer</summary>") for c in cells)
    assert len(answers) == count > 3
    assert all(len(re.sub(r"<[^>]+>", "", a).strip()) > 10 for a in answers)


@pytest.mark.browser
@pytest.mark.parametrize("chapter", written, ids=lambda c: c.name)
def test_nothing_to_scroll(root, tmp_path, browser, chapter):
    folder = root / "chapters"
    if not chapter.notebook(folder).is_file():
        pytest.skip(f"{chapter.name} is not written")
    page = write_slides(chapter, folder, tmp_path / "slides.html")
    asked = []
    with browser_page(1280, 720) as tab:
        tab.unroute_all()
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto(page.as_uri(), timeout=300_000)
        tab.wait_for_selector("body[data-ready]", timeout=300_000)
        slides = tab.evaluate(MEASURE)
        # a window of another size shows the same, only larger
        tab.set_viewport_size({"width": 1920, "height": 1080})
        tab.wait_for_function("Math.abs(Reveal.getScale() - 1.5) < 1e-6")
        tab.evaluate("Reveal.slide(0, 0)")
        opened = tab.evaluate(
            """() => { const found = [];
              for (const d of document.querySelectorAll(".body > * details")) {
                d.open = true; found.push(d); }
              return found.length; }"""
        )
    assert not [u for u in asked if not u.startswith(("file:", "data:", "blob:"))]
    assert opened > 3
    for number, slide in enumerate(slides, 1):
        assert max(slide["too_high"], slide["too_wide"]) <= 1, (number, slide)
        assert slide["cut"] == 0 and slide["open"] == 0, (number, slide)
        assert slide["zoom"] > 0.5, (number, slide)
        assert slide["shown"] > 5, (number, slide)  # "Answer"
        assert not slide["head"] or slide["first"], (number, slide)
    text = "\n".join(
        c.source
        for c in read(chapter.notebook(folder)).cells
        if c.cell_type == "markdown" and "navigation" not in tags(c)
    )
    sections = re.findall(r"^##? .+$", text, re.M)
    assert sum(bool(s["head"]) for s in slides) == len(sections)


@pytest.mark.browser
def test_slides_on_paper(root, tmp_path, browser):
    page = write_slides(get_chapter(3), root / "chapters", tmp_path / "slides.html")
    path = write_pdf(page, tmp_path / "slides.pdf")
    content = path.read_bytes()
    assert (
        content.startswith(b"%PDF")
        and len(re.findall(rb"/Type\s*/Page\b", content)) > 30
    )


def test_the_command(root, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["slides", "1", "--out", "shown"]) == 0
    assert "01_concepts.html" in capsys.readouterr().out
    assert (tmp_path / "shown" / "01_concepts.html").stat().st_size > 10**6
    assert main(["slides", "99"]) == 2
