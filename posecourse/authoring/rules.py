"""What every chapter keeps to, beyond running without errors.

Each rule is a function that yields sentences about what is wrong; a chapter
in order yields none. The builder prints them, the tests demand silence, and
``chapters/source/README.md`` explains them to authors.
"""

from __future__ import annotations

import ast
import base64
import copy
import io
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import nbformat
from PIL import Image

from .chapters import START, Chapter
from .navigation import NAVIGATION
from .notebooks import MARKER, generate, in_step, read, tags

__all__ = ["drawing_problems", "problems", "problems_of_files", "source_problems"]

MAX_CELLS = 48
MAX_LINES, MAX_COLUMNS = 25, 79
MAX_DRAWING_BYTES = 200_000
# of a stored picture: its file, and its width on the page in pixels
MAX_IMAGE_BYTES, MAX_IMAGE_WIDTH = {"webp": 200_000, "gif": 300_000}, 1000
MIN_DENSITY = {"webp": 2, "gif": 0.75}  # pixels per pixel of the page
MAX_NOTEBOOK_BYTES = 1_000_000
MAX_TEXT_LINES = 50
TAGS = {
    "setup",
    "exercise",
    "solution",
    "check",
    "nbval-check-output",
    "raises-exception",
    "hide-input",
    "project",
}
HEADER_LABELS = ("you will learn", "you need", "time", "runs in")
CLOSING = ("Quiz", "Summary", "Common mistakes", "Further reading")
EXERCISES, QUESTIONS = range(3, 6), range(4, 7)
MAX_SUMMARY = 7
STARS = ("★☆☆", "★★☆", "★★★")
SVG = "{http://www.w3.org/2000/svg}"

# What a code cell may not contain, and what to do instead.
FORBIDDEN_CODE = {
    r"^\s*[%!]": "magics and shell commands fail silently under test",
    r"\bcv2\.(imshow|waitKey|namedWindow)\b": "OpenCV windows hang notebooks; show pictures with posecourse",
    r"https?://": "no network in code",
    r"\binput\(": "cells may not wait for typing",
    r"\bsleep\(": "cells may not sleep",
    r"\bplt\.show\(": "plt.show() leaves a figure without alt text; use "
    "posecourse.visualization.display_figure(figure, alt)",
    r"\b(ipywidgets|anywidget)\b": "live pictures come from posecourse.visualization, "
    "which stores a still one",
    r"default_rng\(\)": "seed the generator: default_rng(0)",
    r"np\.random\.(?!default_rng\b|Generator\b|SeedSequence\b)\w+": "use np.random.default_rng(seed)",
    r"num_workers\s*=\s*(?!0\b)": "num_workers is 0 in notebooks",
    r"""["'](/[A-Za-z]|[A-Za-z]:\\|~/)""": "no absolute paths",
}
# What stored outputs may not show.
PRIVATE_OUTPUT = {
    r" at 0x[0-9a-fA-F]+": "an object's address differs from run to run; "
    "end the line with a semicolon or assign the result",
    r"site-packages|/(home|Users|root|tmp)/|[A-Z]:\\\\": "a path of the "
    "machine it was built on",
}


def problems_of_files(chapter: Chapter, root: Path) -> list[str]:
    """What is wrong with a chapter as it is stored; runs nothing."""
    found = source_problems(chapter, root)
    notebooks = zip(
        generate(chapter, root), (chapter.notebook(root), chapter.solutions(root))
    )
    for generated, path in notebooks:
        if generated is None:
            continue
        stale = in_step(generated, path)
        found += stale
        if not stale:
            found += problems(read(path), chapter, root)
    return list(dict.fromkeys(found))


def source_problems(chapter: Chapter, root: Path) -> list[str]:
    """What is wrong with a chapter's source."""
    student, solved = generate(chapter, root)
    own = _without_navigation(student)
    rules = [_cells, _code, _pictures]
    if chapter != START:
        rules += [_frame, _setup, _exercises, _quiz, _predictions]
    found = [text for rule in rules for text in rule(own, chapter, root)]
    found += _links(student, root, root)
    if solved is not None:
        found += _code(solved, chapter, root)
        found += _links(solved, root / "solutions", root)
    return [f"{chapter.name}: {text}" for text in dict.fromkeys(found)]


def problems(notebook, chapter: Chapter, root: Path) -> list[str]:
    """What is wrong with an executed notebook's outputs."""
    rules = [_stored_form, _counts, _errors, _images, _texts, _streams, _live]
    if chapter != START:
        rules += [_measured_numbers, _checked]
    solved = not any("exercise" in tags(c) for c in notebook.cells)
    which = chapter.name + (" (solutions)" if solved else "")
    found = [text for rule in rules for text in rule(notebook)]
    return [f"{which}: {text}" for text in dict.fromkeys(found)]


# --- the source ---------------------------------------------------------


def _without_navigation(notebook):
    """What the author wrote, without the builder's links."""
    own = copy.copy(notebook)
    own.cells = [c for c in notebook.cells if NAVIGATION not in tags(c)]
    return own


def _code_cells(notebook):
    return [c for c in notebook.cells if c.cell_type == "code"]


def _text(notebook) -> str:
    return "\n\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")


def _prose(notebook) -> str:
    """The Markdown without code blocks and formulas."""
    return re.sub(r"```.*?```|\$\$.*?\$\$", "", _text(notebook), flags=re.S)


def _name(cell) -> str:
    """A cell as its author finds it: its first telling line."""
    lines = cell.source.strip().splitlines() or ["(empty)"]
    return repr(lines[0][:60])


def headings(notebook) -> list[tuple[int, str]]:
    """``(level, text)`` of every Markdown heading."""
    return [
        (len(m[1]), m[2].strip())
        for m in re.finditer(r"^(#{1,6}) (.+)$", _prose(notebook), re.M)
    ]


def _frame(notebook, chapter, root):
    """Title, promise, table; numbered sections; the closing headings."""
    first = notebook.cells[0].source
    title = f"# {chapter.number}. {chapter.title}"
    if first.splitlines()[0] != title:
        yield f"the first line must be {title!r} (see posecourse/authoring/chapters.py)"
    if chapter.promise not in " ".join(first.split()):
        yield f"the promise must stand under the title: {chapter.promise!r}"
    for label in HEADER_LABELS:
        if not re.search(rf"^\| *\**{label}\** *\|", first, re.M | re.I):
            yield f"the first cell's table has no row {label!r}"
    levels = headings(notebook)
    if [t for n, t in levels if n == 1] != [title[2:]]:
        yield "there must be one heading of level 1, the title"
    sections = [t for n, t in levels if n == 2]
    numbered = [t for t in sections if re.match(r"\d+\. ", t)]
    wanted = [f"{i}." for i in range(1, len(numbered) + 1)]
    if len(numbered) < 2 or [t.split()[0] for t in numbered] != wanted:
        yield f"sections must be numbered 1., 2., ...: {numbered}"
    rest = [t for t in sections[len(numbered) :] if t != "Project"]
    if sections[: len(numbered)] != numbered or rest not in (
        list(CLOSING),
        ["Exercises", *CLOSING],
    ):
        yield (
            "after the numbered sections come [Exercises,] "
            f"{', '.join(CLOSING)} (the builder adds Next); here: {', '.join(rest)}"
        )
    bullets = re.findall(r"^[-*] ", _section(notebook, "Summary"), re.M)
    if not 1 <= len(bullets) <= MAX_SUMMARY:
        yield f"the summary has {len(bullets)} bullets, not 1 to {MAX_SUMMARY}"


def _section(notebook, title: str) -> str:
    """The Markdown of one section of level 2."""
    match = re.search(
        rf"^## {title}\n(.*?)(?=^## |\Z)", _text(notebook) + "\n", re.M | re.S
    )
    return match[1] if match else ""


def _cells(notebook, chapter, root):
    """How many cells, which tags and metadata."""
    if len(notebook.cells) > MAX_CELLS:
        yield f"{len(notebook.cells)} cells, more than {MAX_CELLS}"
    for cell in _source_cells(chapter, root):
        if set(cell.metadata) - {"tags", MARKER}:
            yield f"metadata other than tags and {MARKER} at {_name(cell)}"
    for cell in notebook.cells:
        unknown = set(tags(cell)) - TAGS
        if unknown:
            yield f"unknown tags {sorted(unknown)} at {_name(cell)}"
        if not cell.source.strip():
            yield "an empty cell"
        if cell.cell_type == "markdown" and re.search(
            r"<(script|style|iframe)\b", cell.source
        ):
            yield f"active HTML at {_name(cell)}"
        if cell.cell_type == "markdown" and (
            cell.source.count("<details") != cell.source.count("</details>")
        ):
            yield f"<details> not closed at {_name(cell)}"


def _code(notebook, chapter, root):
    """Size and contents of code cells."""
    for cell in _code_cells(notebook):
        lines = cell.source.splitlines()
        if len(lines) > MAX_LINES:
            yield f"{len(lines)} lines of code at {_name(cell)}"
        for line in lines:
            if len(line) > MAX_COLUMNS:
                yield f"{len(line)} columns: {line.strip()!r}"
        for pattern, why in FORBIDDEN_CODE.items():
            if re.search(pattern, cell.source, re.M):
                yield f"{why}: {_name(cell)}"
        try:
            tree = ast.parse(cell.source)
        except SyntaxError as error:
            yield f"not Python ({error}) at {_name(cell)}"
            continue
        for name in _imported(tree):
            if re.search(r"(^|\.)_(?!_)", name):
                yield f"{name} is private, learners cannot rely on it"
        if _lost_tables(tree):
            yield f"a table that nobody sees, not the last line of {_name(cell)}"


def _lost_tables(tree) -> list:
    """Calls of `table` whose value goes nowhere: a cell shows its last value."""
    return [
        line
        for line in tree.body[:-1]
        if isinstance(line, ast.Expr)
        and isinstance(line.value, ast.Call)
        and getattr(line.value.func, "id", "") == "table"
    ]


def _imported(tree) -> list[str]:
    """The full names that code imports."""
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


def _setup(notebook, chapter, root):
    """The first code cell: imports, version guard, seed."""
    code = _code_cells(notebook)
    first = code[0] if code else None
    if first is None or "setup" not in tags(first):
        yield "the first code cell must be tagged setup"
        return
    if not re.search(r"^require\(", first.source, re.M):
        yield "the first code cell must call require(version)"
    if not re.search(r"manual_seed\(|default_rng\(", first.source):
        yield "the first code cell must set the seed"
    if (
        any(re.search(r"\btorch\.(rand|nn\.)", c.source) for c in code)
        and "torch.manual_seed(" not in first.source
    ):
        yield "torch is used at random but not seeded in the first code cell"


def _exercises(notebook, chapter, root):
    """Exercise, solution, check: in this order, all registered."""
    from ..exercises import get_exercise, names

    prefix = f"{chapter.number:02d}"
    source = _source_cells(chapter, root)
    told = re.findall(r"^### Exercise (\S+) (\S+) \S", _text(notebook), re.M)
    ids = [i for i, _ in told]
    if (
        ids != [f"{prefix}.{n}" for n in range(1, len(ids) + 1)]
        or len(ids) not in EXERCISES
    ):
        yield (
            "there must be 3 to 5 headings '### Exercise "
            f"{prefix}.1 ★☆☆ Title', numbered in order; found {ids}"
        )
    for number, stars in told:
        if stars not in STARS:
            yield f"exercise {number} needs its stars, one of {STARS}"
    project = _section(notebook, "Project")
    if project and not re.search(r"^\|.*\|$", project, re.M):
        yield "the project needs a rubric, as a table"
    ids += [f"{prefix}.project"] if project else []
    if names(chapter.number) != ids:
        yield (
            f"posecourse/exercises/chapter_{prefix}.py has "
            f"{names(chapter.number)}, the chapter has {ids}"
        )
    for number in set(ids) & set(names(chapter.number)):
        if len(get_exercise(number).hints) < 2:
            yield f"exercise {number} needs at least two hints"
    checks = []
    code = [c for c in source if c.cell_type == "code"]
    for before, cell in zip([None, *code], code):
        before = tags(before) if before is not None else []
        if ("solution" in tags(cell)) != ("exercise" in before):
            yield (f"an exercise's next code cell is its solution: {_name(cell)}")
        if "solution" in before and "check" not in tags(cell):
            yield f"a solution's next code cell is its check: {_name(cell)}"
        if "project" in before and "check" not in tags(cell):
            yield f"a project's next code cell is its check: {_name(cell)}"
        if "check" in tags(cell):
            call = re.fullmatch(r'check\("([\w.]+)", [^\n]+\)', cell.source.strip())
            checks.append(call[1] if call else cell.source)
    if checks != ids:
        yield (
            f'cells tagged check are one line, check("{prefix}.1", '
            f"answer), in order; found {checks}"
        )


def _source_cells(chapter, root):
    from .notebooks import read_source

    return read_source(chapter.source(root)).cells


def _quiz(notebook, chapter, root):
    """4 to 6 questions, shown by ``quiz("03")`` under their heading."""
    from ..exercises.quiz import QuizError, quiz

    call = f'quiz("{chapter.number:02d}")'
    cells = notebook.cells
    heading = next(
        (
            i
            for i, c in enumerate(cells)
            if c.cell_type == "markdown" and re.search(r"^## Quiz$", c.source, re.M)
        ),
        len(cells),
    )
    asked = [c.source.strip() for c in cells[heading:] if c.cell_type == "code"]
    if call not in asked[:1]:
        yield f"the next code cell after '## Quiz' must be {call}"
    try:
        count = len(quiz(chapter.number).questions)
    except QuizError as error:
        yield f"{error}; see QUIZ in chapters/source/README.md"
    else:
        if count not in QUESTIONS:
            yield f"the quiz has {count} questions, not 4 to 6"


def _predictions(notebook, chapter, root):
    """A prediction has its folded answer before the next one or section."""
    pieces = re.split(r"(?=\*\*Predict first)|^(?=## )", _text(notebook), flags=re.M)
    for piece in pieces:
        if piece.startswith("**Predict first") and "<details" not in piece:
            yield f"no folded answer for {' '.join(piece.split())[:70]!r}"


def _pictures(notebook, chapter, root):
    """Pictures in the text: local, with a real alt text, not too large."""
    text = _prose(notebook)
    found = re.findall(r"!\[([^\]]*)\]\(([^)\s]+)\)", text)
    for tag in re.findall(r"<img\b[^>]*>", text):
        alt = re.search(r'\balt="([^"]*)"', tag)
        src = re.search(r'\bsrc="([^"]*)"', tag)
        found.append((alt[1] if alt else "", src[1] if src else ""))
    for alt, target in found:
        if not _tells(alt):
            yield f"picture {target} needs an alt text that says what it shows"
        if re.match(r"[a-z]+:|/", target):
            yield f"picture {target} is not local"
        elif not (root / target).exists():
            continue  # said by _links
        elif target.endswith(".svg"):
            yield from drawing_problems(root / target)
        else:
            limit = MAX_IMAGE_BYTES.get(Path(target).suffix[1:], MAX_DRAWING_BYTES)
            if (root / target).stat().st_size > limit:
                yield f"picture {target} is larger than {limit} bytes"


def drawing_problems(path: Path) -> list[str]:
    """What is wrong with an SVG; ``chapters/figures/README.md`` says why."""
    text = path.read_text("utf-8")
    try:
        svg = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        return [f"{path.name}: not XML ({error})"]
    title = svg.findtext(f"{SVG}title") or ""
    # names of XML's own vocabularies look like addresses
    rest = re.sub(r"""\sxmlns(:\w+)?=["'][^"']*["']""", "", text)
    tests = {
        "no <svg> of the SVG vocabulary": svg.tag == f"{SVG}svg",
        "no viewBox": svg.get("viewBox"),
        'no role="img"': svg.get("role") == "img",
        "no <title> that says what it shows": _tells(title),
        f"larger than {MAX_DRAWING_BYTES} bytes": len(text.encode())
        <= MAX_DRAWING_BYTES,
        "it refers to something outside": not re.search(
            r"""//|@import|\b(href|src)\s*=\s*["'](?!\#|data:)"""
            r"""|url\(\s*["']?(?!\#|["'])""",
            rest,
        ),
        "active content": not re.search(
            r"<(script|foreignObject|animate)|\son\w+\s*=", rest
        ),
    }
    return [f"{path.name}: {what}" for what, fine in tests.items() if not fine]


def _tells(alt: str) -> bool:
    """Whether an alt text could say what a picture shows."""
    return len(alt.split()) >= 4


def _links(notebook, folder, root):
    """Relative links lead to a file, #links to a heading."""
    # x[i](j) in code or in a formula is no link
    text = re.sub(r"`[^`]*`|\$[^$]*\$", "", _prose(notebook))
    targets = re.findall(r"\]\(([^)\s]+)(?: [^)]*)?\)", text)
    targets += re.findall(r"""(?:src|href)=["']([^"']+)["']""", text)
    anchors = {t.replace(" ", "-") for _, t in headings(notebook)}
    for target in targets:
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        if path.startswith("/"):
            yield f"the link to {target} is absolute"
        elif (
            path
            and not (folder / path).exists()
            and not _to_be_made(folder / path, root)
        ):
            yield f"the link to {target} leads nowhere"
        if not path and anchor not in anchors:
            yield f"no heading for the link #{anchor}"


def _to_be_made(path: Path, root: Path) -> bool:
    """A notebook that the next build makes."""
    return path.suffix == ".ipynb" and (root / "source" / f"{path.stem}.py").exists()


# --- stored outputs -----------------------------------------------------


def _stored_form(notebook):
    """Format 4.5, unique ids, metadata without noise."""
    if (notebook.nbformat, notebook.nbformat_minor) != (4, 5):
        yield "the format must be 4.5"
    ids = [c.id for c in notebook.cells]
    if len(set(ids)) != len(ids):
        yield "cell ids are not unique"
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        yield "the kernel must be python3"
    extra = set(notebook.metadata) - {"kernelspec", "language_info"}
    if extra:
        yield f"notebook metadata {sorted(extra)}"


def _counts(notebook):
    """Run once, from top to bottom."""
    counts = [c.execution_count for c in _code_cells(notebook)]
    if counts != list(range(1, len(counts) + 1)):
        yield "cells were not run once each, in order"


def _errors(notebook):
    """Errors only where announced, and then there must be one."""
    for cell in _code_cells(notebook):
        raised = any(o.output_type == "error" for o in cell.outputs)
        wanted = "raises-exception" in tags(cell)
        if raised != wanted:
            yield (
                f"{'an' if raised else 'no'} error at {_name(cell)}, "
                f"{'not ' if raised else ''}tagged raises-exception"
            )
        if wanted and "nbval-check-output" not in tags(cell):
            yield f"raises-exception needs nbval-check-output: {_name(cell)}"


class _Images(HTMLParser):
    """The attributes of the <img> in a piece of HTML."""

    def __init__(self, code: str):
        super().__init__()
        self.found: list[dict] = []
        self.feed(code)

    def handle_starttag(self, tag, attrs):
        if tag == "img":
            self.found.append(dict(attrs))


def _stored_images(output) -> list[dict]:
    return _Images(output.get("data", {}).get("text/html", "")).found


def _images(notebook):
    """Pictures made by code: alt text, size, sharpness; and all together."""
    for cell in _code_cells(notebook):
        for output in cell.outputs:
            for kind in output.get("data", {}):
                if kind.startswith("image/"):
                    yield (
                        f"a picture without alt text ({kind}; display_figure gives "
                        f"it one) at {_name(cell)}"
                    )
            for image in _stored_images(output):
                for wrong in _image(image):
                    yield f"{wrong} at {_name(cell)}"
    size = len(nbformat.writes(notebook).encode())
    if size > MAX_NOTEBOOK_BYTES:
        yield (
            f"{size // 1000} kB with its pictures, more than "
            f"{MAX_NOTEBOOK_BYTES // 1000}"
        )


def _image(image: dict):
    """What is wrong with one stored picture."""
    found = re.match(r"data:image/(\w+);base64,", image.get("src", ""))
    if not found or found[1] not in MAX_IMAGE_BYTES:
        yield f"a picture that is not stored as {' or '.join(MAX_IMAGE_BYTES)}"
        return
    kind = found[1]
    data = base64.b64decode(image["src"][found.end() :])
    if not _tells(image.get("alt") or ""):
        yield "a picture without alt text"
    if len(data) > MAX_IMAGE_BYTES[kind]:
        yield (
            f"a picture of {len(data) // 1000} kB, more than "
            f"{MAX_IMAGE_BYTES[kind] // 1000},"
        )
    width, shown = Image.open(io.BytesIO(data)).width, int(image.get("width", 0))
    if shown > MAX_IMAGE_WIDTH:
        yield f"a picture {shown} pixels wide, more than {MAX_IMAGE_WIDTH},"
    if not shown or width < MIN_DENSITY[kind] * shown - 1:
        yield f"a picture of {width} pixels shown {shown} wide: not sharp,"


def _output_text(output) -> str:
    data = output.get("data", {})
    parts = [
        output.get("text", ""),
        data.get("text/plain", ""),
        re.sub(r"<(img|source)\b[^>]*>", "", data.get("text/html", "")),
        data.get("text/markdown", ""),
        "\n".join(output.get("traceback", ())),
    ]
    return "\n".join(p for p in parts if p)


def _texts(notebook):
    """Printed text: no warnings, no addresses, no paths, not too long."""
    private = dict(PRIVATE_OUTPUT)
    private[re.escape(sys.prefix)] = "a path of this machine"
    for cell in _code_cells(notebook):
        for output in cell.outputs:
            text = _output_text(output)
            if output.get("name") == "stderr":
                yield (
                    f"a warning or progress bar at {_name(cell)}: "
                    f"{text.strip().splitlines()[0][:80]}"
                )
            for pattern, why in private.items():
                if re.search(pattern, text):
                    yield f"{why}: output of {_name(cell)}"
            folded = "text/html" in output.get("data", {})
            if len(text.splitlines()) > MAX_TEXT_LINES and not folded:
                yield f"more than {MAX_TEXT_LINES} lines at {_name(cell)}"
            if "widget-view" in " ".join(output.get("data", {})):
                yield f"widget state at {_name(cell)}"


def _streams(notebook):
    """What is printed is stored in one piece, or lines of a table part."""
    for cell in _code_cells(notebook):
        for one, other in zip(cell.outputs, cell.outputs[1:]):
            if one.output_type == other.output_type == "stream" and (
                one.name == other.name
            ):
                yield f"printed text in pieces at {_name(cell)}"


def _live(notebook):
    """A live picture leaves a still one."""
    for cell in _code_cells(notebook):
        if re.search(r"^explore\(", cell.source, re.M) and not any(
            _stored_images(o) for o in cell.outputs
        ):
            yield f"no picture stored for {_name(cell)}"


def _measured_numbers(notebook):
    """A number in bold was measured here, in a cell that is checked."""
    checked = [c for c in _code_cells(notebook) if "nbval-check-output" in tags(c)]
    if not checked:
        yield "no cell is tagged nbval-check-output"
    printed = set(
        re.findall(
            r"\d+(?:[.,]\d+)*",
            " ".join(_output_text(o) for c in checked for o in c.outputs),
        )
    )
    for quoted in re.findall(
        r"\*\*[~-]?(\d+(?:[.,]\d+)*)(?:[ %][^*]*)?\*\*", _prose(notebook)
    ):
        if quoted not in printed:
            yield (f"**{quoted}** is in no output of a cell tagged nbval-check-output")


def _checked(notebook):
    """Stubs are "not yet", solutions pass."""
    solved = any("solution" in tags(c) for c in notebook.cells)
    code = _code_cells(notebook)
    for before, cell in zip([None, *code], code):
        if "check" in tags(cell):
            text = " ".join(_output_text(o) for o in cell.outputs)
            # a project that is tagged so is the learner's own
            wanted = solved and "project" not in tags(before)
            if wanted != ("passed." in text):
                yield (
                    f"{'the solution' if solved else 'the empty exercise'} "
                    f"gives {text.strip()[:200]!r} at {_name(cell)}"
                )
