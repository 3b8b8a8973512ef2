"""The site: all of the course, every link leads somewhere, nothing is asked of a
network, nobody is shut out."""

import html.parser
import inspect
import itertools
import re
import shutil
from collections import defaultdict
from importlib import import_module
from urllib.parse import unquote

import pytest

import posecourse
from posecourse.authoring.chapters import CHAPTERS, START, get_chapter
from posecourse.authoring.notebooks import read, tags
from posecourse.authoring.preview import BrowserError, browser_page, find_browser
from posecourse.authoring.site import write_site
from posecourse.authoring.site.front import write_front
from posecourse.authoring.site.sources import Sources, names_in, write_sources
from posecourse.cli import main
from posecourse.files import FileError

PATIENCE = 120_000  # milliseconds, on a busy machine
SAMPLE = (
    "index.html",
    "chapters/03_heatmaps.html",
    "chapters/glossary.html",
    "chapters/teaching/README.html",
    "api/index.html",
    "api/codecs.html",
    "search.html?q=sigma",
)


@pytest.fixture(scope="module")
def built(root, tmp_path_factory):
    """The whole site, once for all tests."""
    pytest.importorskip("sphinx")
    out = tmp_path_factory.mktemp("site") / "pages"
    assert write_site(list(CHAPTERS), root, out) == []
    return out


class Page(html.parser.HTMLParser):
    """What a page points to, what can be pointed to, and its pictures."""

    def __init__(self, path):
        super().__init__()
        self.ids, self.links, self.asked, self.pictures = set(), [], [], []
        self.text = path.read_text("utf-8")
        self.feed(self.text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.ids.update(filter(None, (given.get("id"), given.get("name"))))
        if tag == "a":
            self.links.append(given.get("href", "#"))
        elif tag == "link" and given["rel"] not in ("next", "prev", "search", "index"):
            self.asked.append(given["href"])
        if tag == "img":
            self.pictures.append(given)
            self.asked.append(given.get("data-moving", given["src"]))
        if tag != "a" and "src" in given:
            self.asked.append(given["src"])
        if "srcset" in given:
            self.asked.append(given["srcset"].split()[0])


@pytest.fixture(scope="module")
def pages(built):
    return {path: Page(path) for path in built.rglob("*.html")}


# ------------------------------------------------- what Sphinx is given


@pytest.fixture
def sources(tmp_path):
    course = tmp_path / "course"
    (course / "chapters" / "figures").mkdir(parents=True)
    (course / "README.md").write_text("# A course\n")
    (course / "LICENSE").write_text("MIT")
    (course / "chapters" / "glossary.md").write_text("# Glossary\n")
    (course / "chapters" / "figures" / "a.svg").write_text("<svg/>")
    for name in ("03_heatmaps", "04_losses"):
        (course / "chapters" / f"{name}.ipynb").write_text("{}")
    return Sources([get_chapter(3)], course, tmp_path / "out")


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("[three](03_heatmaps.ipynb#quiz)", "[three](03_heatmaps.ipynb#quiz)"),
        ("[four](04_losses.ipynb), left out", "four, left out"),
        ("[words](glossary.md) [top](#top)", "[words](glossary.md) [top](#top)"),
        ("[MIT](../LICENSE)", "[MIT](../LICENSE)"),
        ("[gone](../GONE.md)", "gone"),
        ("[outside](../../../etc/passwd)", "outside"),
        ("[there](https://arxiv.org)", "[there](https://arxiv.org)"),
        ("![a [b]](figures/a.svg)", "![a [b]](figures/a.svg)"),
        ("```\nx[name](maps)\n```", "```\nx[name](maps)\n```"),
    ],
)
def test_links_that_lead_nowhere_become_words(sources, written, kept):
    assert sources.markdown(written, "chapters/03_heatmaps.ipynb") == kept


def test_what_is_shown_is_copied(sources):
    sources.markdown("![x](figures/a.svg) [l](../LICENSE)", "chapters/glossary.md")
    assert (sources.out / "chapters" / "figures" / "a.svg").is_file()
    assert (sources.out / "LICENSE").read_text() == "MIT"


def test_texts_that_are_linked_are_pages_too(sources):
    """Also where they lead to each other."""
    for name, other in ("ab", "ba"):
        (sources.course / f"{name}.md").write_text(f"# {name}\n\n[on]({other}.md)\n")
    linked = sources.markdown("[a](../a.md)", "chapters/glossary.md")
    assert linked == "[a](../a.md)"
    for name, other in ("ab", "ba"):
        text = (sources.out / f"{name}.md").read_text()
        assert "orphan: true" in text and text.endswith(f"[on]({other}.md)\n")


def test_pictures_inside_of_outputs_become_files(sources):
    given = (
        '<a href="03_heatmaps.ipynb#quiz">three</a> <a href="04_losses.ipynb">four</a>'
        '<img src="data:image/webp;base64,YWJj" alt="x">'
    )
    text = sources.html(given, "03")
    assert text.startswith('<a href="03_heatmaps.html#quiz">three</a> four<img ')
    (path,) = (sources.out / "_extra").rglob("*.webp")
    assert path.read_bytes() == b"abc" and f'src="../pictures/{path.name}"' in text


@pytest.mark.slow
def test_an_installed_course_has_neither_readme_nor_samples(root, tmp_path):
    """Its front is what the package says of itself, and the film of START_HERE."""
    course = tmp_path / "course"
    (course / "chapters" / "figures").mkdir(parents=True)
    for name in ("START_HERE.ipynb", "03_heatmaps.ipynb", "glossary.md"):
        shutil.copy(root / "chapters" / name, course / "chapters")
    shutil.copy(root / "chapters/figures/03_opening.gif", course / "chapters/figures")
    shutil.copy(root / "chapters/figures/03_stride.svg", course / "chapters/figures")
    sources = Sources(list(CHAPTERS), course, tmp_path / "out")
    write_sources(sources)
    write_front(sources)
    front = (sources.out / "index.md").read_text("utf-8")
    assert front.count('class="card"') == 1 and "{.poster}" not in front
    for path in re.findall(r'(?:src|srcset)="([^"]+)"', front):
        assert (sources.out / "_extra" / path).is_file(), path
    assert "<picture>" in front and "CONTRIBUTING" not in front


def test_names_that_a_page_gives_itself_are_not_the_packages():
    imported, own = names_in(
        [
            "from posecourse import codecs, pck as theirs\nimport numpy as np",
            "def decode(heatmap):\n    cells = 3\n    return cells",
            "from posecourse.losses import dsnt\nfor name in []: pass",
            "not python at all",
        ]
    )
    assert imported == {
        "codecs": "posecourse.codecs",
        "theirs": "posecourse.pck",
        "dsnt": "posecourse.losses.dsnt",
    }
    assert own == {"decode", "cells", "name"}


def test_nothing_of_somebody_else_is_replaced(root, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(FileError, match="no site"):
        write_site([], root, tmp_path)
    assert main(["site", "--out", str(tmp_path)]) == 2
    assert (tmp_path / "mine.txt").read_text() == "mine"


# --------------------------------------------------------------- the pages


def test_all_of_the_course_is_there(root, built, pages):
    notebooks = [
        c for c in (START, *CHAPTERS) if c.notebook(root / "chapters").exists()
    ]
    for chapter in notebooks:
        page = pages[built / "chapters" / f"{chapter.name}.html"]
        cells = read(chapter.notebook(root / "chapters")).cells
        headings = re.findall(
            r"^##? (.+)$",
            "\n".join(
                c.source
                for c in cells
                if "navigation" not in tags(c) and c.cell_type == "markdown"
            ),
            re.M,
        )
        assert page.text.count("<h1>") == 1
        assert page.text.count("<h2>") == len(headings) - 1
        # folded answers stay folded, and none is lost
        answers = sum(c.source.count("<summary>Answer</summary>") for c in cells)
        assert page.text.count("<summary>Answer</summary>") == answers
        assert not re.search(r"<details[^>]* open", page.text)
    assert pages[built / "index.html"].text.count('class="card"') == len(notebooks) - 1
    # the way on: every page of the course leads to the next one
    for here, after in itertools.pairwise(notebooks):
        text = pages[built / "chapters" / f"{here.name}.html"].text
        assert f'class="next-page" href="{after.name}.html"' in text


def test_every_link_and_anchor_leads_somewhere(built, pages):
    broken = []
    for path, page in pages.items():
        for target in [*page.links, *page.asked]:
            if re.match("https?:|mailto:|data:", target):
                continue
            file, _, anchor = unquote(target).partition("#")
            other = (path.parent / file.partition("?")[0]).resolve() if file else path
            there = other.is_file()
            if anchor and other in pages:
                there = anchor in pages[other].ids
            if not there:
                broken.append((path.name, target))
    assert len(pages) > 50 and broken == []


def test_pages_ask_for_nothing_from_elsewhere(built, pages):
    asked = [t for page in pages.values() for t in page.asked]
    assert len(asked) > 500
    assert not [t for t in asked if re.match("(https?:)?//", t)]
    for path in [*built.rglob("*.css"), *built.rglob("*.js")]:
        text = path.read_text("utf-8")
        assert not re.search(r"@import|url\(['\"]?(https?:)?//", text), path


def test_every_picture_says_what_it_shows(pages):
    pictures = [p for page in pages.values() for p in page.pictures]
    assert len(pictures) > 200
    assert not [p for p in pictures if not p.get("alt", "").strip()]


def test_no_solution_is_there(root, built, pages):
    assert not [t for page in pages.values() for t in page.links if "solutions/" in t]
    plain = re.compile(r"<[^>]+>")
    for chapter in CHAPTERS:
        path = built / "chapters" / f"{chapter.name}.html"
        if path not in pages:
            continue
        shown = html.unescape(plain.sub("", pages[path].text))
        solved = {c.id: c for c in read(chapter.solutions(root / "chapters")).cells}
        for cell in read(chapter.notebook(root / "chapters")).cells:
            if "exercise" in tags(cell):
                assert cell.source in shown
                assert solved[cell.id].source not in shown


# ----------------------------------------------------------- the reference


def test_everything_public_has_an_entry(built, pages):
    from posecourse.authoring.site.reference import ROOMS

    start = pages[built / "api" / "index.html"]
    rooms = [room for group in ROOMS.values() for room in group]
    for room in rooms:
        module = import_module(f"posecourse.{room}")
        ids = pages[built / "api" / f"{room}.html"].ids
        assert f"module-posecourse.{room}" in ids
        for name in module.__all__:
            if not inspect.ismodule(getattr(module, name)):
                assert f"posecourse.{room}.{name}" in ids, (room, name)
    for name in posecourse.__all__:
        home = posecourse._FACE.get(name)
        target = (
            f"{home}.html#posecourse.{home}.{name}"
            if home
            else f"{name}.html#module-posecourse.{name}"
        )
        assert target in start.links, name


def test_chapters_and_reference_lead_to_each_other(built, pages):
    chapter = pages[built / "chapters" / "03_heatmaps.html"]
    entry = "../api/codecs.html#posecourse.codecs.CoordinateCodec"
    prose = rf'href="{re.escape(entry)}"[^>]*><code'
    code = rf'class="sphinx-codeautolink-a" href="{re.escape(entry)}"'
    assert re.search(prose, chapter.text) and re.search(code, chapter.text)
    back = pages[built / "api" / "codecs.html"].links
    assert any(t.startswith("../chapters/03_heatmaps.html#") for t in back)
    assert "losses.html#posecourse.losses.dsnt" in back  # from room to room
    # a name that the package has in two places leads to its one entry
    readme = pages[built / "README.html"].text
    assert 'href="api/inference.html#posecourse.inference.Predictor"' in readme


def test_words_lead_to_the_glossary(built, pages):
    text = pages[built / "chapters" / "03_heatmaps.html"].text
    sections = re.split(r"<h2>", text)[1:]
    found = [re.findall(r'href="glossary\.html#(term-[^"]+)"', s) for s in sections]
    assert sum(map(len, found)) > 15
    for words in found:  # where a section first uses each, and not again
        assert len(words) == len(set(words))
    assert not re.search(r"<h\d>[^#]*glossary\.html#", text)


# -------------------------------------------------------------- in a browser


@pytest.fixture(scope="module")
def tab(built):
    """A page of a browser, and what it asks for and complains about."""
    pytest.importorskip("playwright.sync_api")
    try:
        find_browser()
    except BrowserError as error:
        pytest.skip(str(error))
    with browser_page(1280, 900) as tab:
        tab.unroute_all()
        tab.set_default_timeout(PATIENCE)
        tab.asked, tab.complaints = [], []
        tab.on("request", lambda request: tab.asked.append(request.url))
        tab.on("pageerror", lambda error: tab.complaints.append(str(error)))
        tab.see = lambda name: tab.goto(f"{built.as_uri()}/{name}", timeout=PATIENCE)
        yield tab


@pytest.mark.browser
def test_reading_a_chapter_without_a_network(built, tab):
    tab.asked.clear()
    tab.see("chapters/03_heatmaps.html")
    tab.wait_for_selector("h2 ~ p mjx-container svg", state="attached")
    tab.wait_for_selector(".pc-quiz mjx-container", state="attached")  # HTML alone
    assert "$" not in tab.locator(".pc-quiz").text_content()
    assert tab.locator("details[open]").count() == 0
    word = tab.locator("a.word-link").first
    word.hover()
    tip = tab.locator("#meaning")
    tip.wait_for(state="visible")
    assert len(tip.text_content()) > 20
    tab.keyboard.press("Escape")
    tip.wait_for(state="hidden")
    word.focus()  # without a mouse, too
    tip.wait_for(state="visible")
    assert tab.locator("button.copybtn").count() > 15
    tab.locator(".next-page").click()
    tab.wait_for_url("**/04_losses.html")
    tab.locator(".prev-page").click()
    tab.wait_for_url("**/03_heatmaps.html")
    tab.locator('input[name="q"]').fill("quantisation")
    tab.keyboard.press("Enter")
    tab.wait_for_selector('#search-results a[href*="15_deployment.html"]')
    assert not [u for u in tab.asked if not u.startswith(("file:", "data:", "blob:"))]
    assert tab.complaints == []


@pytest.mark.browser
def test_the_reference_is_found_by_its_names(tab):
    tab.see("search.html?q=HeatmapCodec")
    tab.wait_for_selector('#search-results a[href*="#posecourse.codecs.HeatmapCodec"]')


@pytest.mark.browser
def test_cards_move_while_one_looks_at_them(tab):
    tab.see("index.html")
    card = tab.locator(".card").nth(2)
    picture = card.locator("img")
    assert picture.get_attribute("src").endswith("-still.webp")
    card.hover()
    assert picture.get_attribute("src") == "_images/03_opening.gif"
    tab.locator("h1").hover()
    assert picture.get_attribute("src").endswith("-still.webp")


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 768, 1440])
def test_nothing_is_wider_than_the_window(tab, width):
    tab.set_viewport_size({"width": width, "height": 900})
    wide = defaultdict(int)
    for name in SAMPLE:
        tab.see(name)
        wide[name] = tab.evaluate(
            "document.scrollingElement.scrollWidth - document.documentElement.clientWidth"
        )
    tab.set_viewport_size({"width": 1280, "height": 900})
    assert not {name: w for name, w in wide.items() if w > 0}


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nobody_is_shut_out(root, tab, scheme):
    axe = (root / "tests" / "vendor" / "axe-core-4.14.1.min.js").read_text("utf-8")
    tab.emulate_media(color_scheme=scheme)
    found = []
    for name in SAMPLE:
        tab.see(name)
        if "search" in name:
            tab.wait_for_selector("#search-results li a")
        tab.evaluate(axe)
        result = tab.evaluate("axe.run(document, {resultTypes: ['violations']})")
        assert len(result["passes"]) > 15
        found += [
            (name, v["id"], v["nodes"][0]["html"][:200], len(v["nodes"]))
            for v in result["violations"]
            if v["impact"] in ("serious", "critical")
        ]
    background = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    levels = [int(n) for n in re.findall(r"\d+", background)[:3]]
    assert (sum(levels) < 200) == (scheme == "dark")
    tab.emulate_media(color_scheme="light")
    assert found == []
