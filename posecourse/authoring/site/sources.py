"""The pages of the course as Sphinx reads them: fitted to be read, not run."""

from __future__ import annotations

import ast
import base64
import hashlib
import html
import posixpath
import re
from importlib import metadata
from pathlib import Path

from ..chapters import CHAPTERS, START, TABLE_MARKS, Chapter
from ..navigation import NAVIGATION
from ..notebooks import read, tags, write

__all__ = ["PICTURES", "Sources", "names_in", "put", "toctree", "write_sources"]

# Where pictures lie that come from no file of their own, seen from the first page.
PICTURES = "pictures"

# The texts of the side bar, and where those lie that stand below each.
_TOP = {
    "README.md": "",
    "chapters/teaching/README.md": "chapters/teaching/",
    "data/README.md": "data/",
    "CONTRIBUTING.md": "chapters/source/",
}
_TEXTS = (
    "CONTRIBUTING.md",
    "chapters/glossary.md",
    "chapters/source/README.md",
    "chapters/teaching/**/*.md",
    "data/**/README.md",
)

_READING = """

```{note}
You are reading the course as web pages. All of it is here; to run it, change it and
have your answers checked, [install it](../README.md).
```
"""


class Sources:
    """The folder that Sphinx reads.

    Attributes
    ----------
    course, out:
        The course's folder, and the one to write.
    chapters:
        The first page and the chapters that are there.
    texts:
        The other pages: name below the course's folder, and Markdown.
    """

    def __init__(self, chapters: list[Chapter], course: Path, out: Path):
        self.course, self.out = course, out
        self.chapters = [
            c for c in [START, *chapters] if c.notebook(course / "chapters").is_file()
        ]
        self.texts = {"README.md": _readme(course)}
        for pattern in _TEXTS:
            for path in sorted(course.glob(pattern)):
                name = path.relative_to(course).as_posix()
                self.texts[name] = path.read_text("utf-8")
        self._names = {_page(c) for c in self.chapters} | {*self.texts, "index.md"}

    def on_top(self) -> list[str]:
        """The texts that stand below no other."""
        return [name for name in _TOP if name in self.texts]

    def below(self, name: str) -> list[str]:
        """The texts that stand below one in the list of pages."""
        start = _TOP.get(name)
        return [n for n in self.texts if start and n.startswith(start) and n != name]

    def markdown(self, text: str, name: str) -> str:
        """Markdown whose links lead to pages and files that are there.

        What is linked or shown is copied beside it; of a link to something
        that is not part of the site only its words stay.
        """
        parts = re.split(r"(^```.*?^```$)", text, flags=re.M | re.S)
        for i in range(0, len(parts), 2):
            parts[i] = re.sub(
                r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)",
                lambda m: m[0] if self._has(m[3], name) else m[2],
                parts[i],
            )
            for target in re.findall(r'<img\b[^>]*?\bsrc="([^"]+)"', parts[i]):
                self._has(target, name)
        return "".join(parts)

    def _has(self, target: str, name: str) -> bool:
        if re.match(r"[a-z]+:|#", target):
            return True
        path = posixpath.normpath(
            posixpath.join(posixpath.dirname(name), target.partition("#")[0])
        )
        if path in self._names:
            return True
        if path.startswith("..") or not (self.course / path).is_file():
            return False
        if path.endswith(".ipynb"):  # a chapter that is left out, a solution
            return False
        content = (self.course / path).read_bytes()
        if path.endswith(".md"):  # a page of its own, in no list of pages
            self._names.add(path)
            text = self.markdown(content.decode("utf-8"), path)
            content = f"---\norphan: true\n---\n\n{text}".encode()
        put(self.out / path, content)
        return True

    def html(self, text: str, stem: str) -> str:
        """HTML of an output: pictures in files, links to pages."""
        text = re.sub(
            r"data:image/([a-z+]+);base64,([A-Za-z0-9+/=]+)",
            lambda m: f"../{PICTURES}/{self._picture(m[1], m[2], stem)}",
            text,
        )
        text = text.replace("<img ", '<img loading="lazy" ')
        return re.sub(
            r'<a href="(\w+)\.ipynb([^"]*)">(.*?)</a>',
            lambda m: (
                f'<a href="{m[1]}.html{m[2]}">{m[3]}</a>'
                if f"chapters/{m[1]}.ipynb" in self._names
                else m[3]
            ),
            text,
        )

    def _picture(self, kind: str, content: str, stem: str) -> str:
        data = base64.b64decode(content)
        digest = hashlib.sha256(data).hexdigest()[:10]
        name = f"{stem}-{digest}.{kind.replace('svg+xml', 'svg')}"
        put(self.out / "_extra" / PICTURES / name, data)
        return name


def write_sources(sources: Sources) -> dict[str, str]:
    """Write all pages but the first and the reference.

    Returns
    -------
    dict
        The words of the glossary and what each means, without markup.
    """
    out = sources.out
    (out / "_extra" / PICTURES).mkdir(parents=True)
    for chapter in sources.chapters:
        write(_notebook(chapter, sources), out / _page(chapter))
    for name, text in sources.texts.items():
        if name == "README.md":
            text = _put_table(text, sources)
        elif name == "chapters/glossary.md":
            text, glossary = _glossary(text)
        text = sources.markdown(text, name)
        if sources.below(name):
            text += "\n\n" + toctree(sources.below(name), name)
        put(out / name, text.encode())
    return glossary


def toctree(names, page: str, caption: str = "") -> str:
    """A list of pages for the side bar.

    Parameters
    ----------
    names:
        Of the pages, from the course's folder; ``"words <name>"`` names one
        differently.
    page:
        The page that it stands in.
    """
    start = posixpath.dirname(page)
    lines = [
        re.sub(
            r"[^<>]+(?=>$)|^[^<>]+$", lambda m: posixpath.relpath(m[0], start or "."), n
        )
        for n in names
    ]
    return "\n".join(
        ["```{toctree}", ":hidden:", *([f":caption: {caption}"] * bool(caption)), ""]
        + lines
        + ["```", ""]
    )


def put(path: Path, content: bytes) -> None:
    """Write a file, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _page(chapter: Chapter) -> str:
    return f"chapters/{chapter.name}.ipynb"


# ------------------------------------------------------------------ notebooks


def _notebook(chapter: Chapter, sources: Sources):
    """A chapter without what only a running notebook can do."""
    notebook = read(chapter.notebook(sources.course / "chapters"))
    notebook.cells = [c for c in notebook.cells if NAVIGATION not in tags(c)]
    if chapter == START:
        notebook.cells[0].source += _READING
    notebook.cells[0].source += _preface(notebook.cells)
    how = f"posecourse lab {chapter.number}" if chapter.number else "posecourse lab"
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = sources.markdown(cell.source, _page(chapter))
            continue
        if cell.metadata.get("jupyter", {}).get("source_hidden"):
            cell.metadata["tags"] = sorted({*tags(cell), "hide-input"})
        if cell.source.startswith("quiz("):
            cell.metadata["tags"] = [*tags(cell), "remove-input"]
        for output in cell.outputs:
            text = output.get("data", {}).get("text/html")
            if text is not None:
                if "check" in tags(cell):
                    text = _hints(text, how)
                text = text.replace(
                    "<em>Run this cell to move the picture.</em>",
                    f"<em>In the notebook this picture moves: <code>{how}</code></em>",
                )
                output.data["text/html"] = sources.html(text, chapter.name)
    return notebook


def _preface(cells) -> str:
    """What the names in the code of all cells stand for, hidden."""
    imported, own = names_in(c.source for c in cells if c.cell_type == "code")
    lines = []
    for name, full in imported.items():
        module, _, origin = full.rpartition(".")
        if name not in own:
            lines.append(f"from {module} import {origin} as {name}")
    directive = ["", "", "```{autolink-preface}", ":level: file", *lines, "```", ""]
    return "\n".join(directive) if lines else ""


def names_in(code) -> tuple[dict[str, str], set[str]]:
    """What pieces of code import from the package, and what they name themselves.

    Returns
    -------
    dict, set
        The full name of each name that is imported; the names that are defined
        or assigned, which mean something else from there on.
    """
    imported, own = {}, set()
    for piece in code:
        try:
            tree = ast.parse(piece)
        except SyntaxError:  # a fragment, to be read only
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and _is_ours(node.module):
                for name in node.names:
                    imported[name.asname or name.name] = f"{node.module}.{name.name}"
            elif isinstance(node, ast.FunctionDef | ast.ClassDef):
                own.add(node.name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                own.add(node.id)
    return imported, own


def _is_ours(module: str | None) -> bool:
    return (module or "").partition(".")[0] == "posecourse"


def _hints(panel: str, how: str) -> str:
    """Of what a check said, its hints: nothing was handed in here."""
    style, _, _ = panel.partition('<div class="pc-panel')
    hints = re.search(r"<details>.*</details>", panel, re.S)
    return (
        f'{style}<div class="pc-panel empty"><p>Write your answer in the notebook '
        f"(<code>{how}</code>); this cell checks it there.</p>"
        f"{hints[0] if hints else ''}</div>"
    )


# ---------------------------------------------------------------------- texts


def _readme(course: Path) -> str:
    """The README of the checkout, or what the installed package says of itself."""
    path = course / "README.md"
    if path.is_file():
        return path.read_text("utf-8")
    return str(metadata.metadata("posecourse").json["description"])


def _put_table(readme: str, sources: Sources) -> str:
    """The README with a table of chapters that leads to the site's pages."""
    before, _, rest = readme.partition(TABLE_MARKS[0])
    lines = ["| chapter | what you do | document |", "|---|---|---|"]
    for c in CHAPTERS:
        title = f"[{c.number}. {c.title}]({_page(c)})"
        lines.append(f"| {title} | {c.promise} | {c.sections} |")
    return before + "\n".join(lines) + rest.partition(TABLE_MARKS[1])[2]


def _glossary(text: str) -> tuple[str, dict[str, str]]:
    """The glossary with a definition list, and its words with their meaning."""
    entries = re.findall(
        r"^- \*\*(.+?)\*\*(?: \(([^()]*)\))?: (.+(?:\n  .+)*)$", text, re.M
    )
    lines, glossary = [text.partition("\n- **")[0], "", "```{glossary}"], {}
    for term, chinese, meaning in entries:
        meaning = " ".join(meaning.split())
        word = html.escape(chinese)
        if re.search("[\u4e00-\u9fff]", chinese):
            word = f'<span lang="zh-Hans">{word}</span>'
        lines += [term, f"  {word + ' · ' if word else ''}{meaning}", ""]
        glossary[term.strip("`")] = re.sub(r"[*`]", "", meaning)
    return "\n".join([*lines, "```", ""]), glossary
