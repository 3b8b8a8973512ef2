"""A Sphinx extension: words lead to the glossary, names to the reference."""

from __future__ import annotations

import json
import re
from pathlib import Path

from docutils import nodes
from sphinx import addnodes

import posecourse

from .sources import names_in

__all__ = ["setup"]

# Words that mean something else as often.
_AMBIGUOUS = {"cell", "label", "mask", "stage", "swap", "depth", "link"}
_NOT_WITHIN = (
    nodes.literal,
    nodes.literal_block,
    nodes.reference,
    nodes.title,
    nodes.math,
    nodes.raw,
    nodes.term,
    addnodes.pending_xref,
)


def setup(app):
    """What Sphinx calls to take part."""
    app.add_config_value("site_glossary", {}, "env", types=[dict])
    app.connect("doctree-read", _link_words)
    app.connect("doctree-read", _link_names)
    app.connect("autodoc-process-docstring", _hide_flags)
    app.connect("env-updated", _name_the_face)
    app.connect("missing-reference", _find_from_the_top)
    app.connect("build-finished", _write_glossary)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


# ----------------------------------------------------------------- glossary


def _link_words(app, doctree) -> None:
    """Let each word of the glossary lead there where a section first uses it."""
    if not app.env.docname.startswith(("chapters/0", "chapters/1")):
        return
    pattern, terms = _pattern(app.config.site_glossary)
    for page in doctree.findall(nodes.section):
        if page.parent is doctree:
            for section in page.children:
                if isinstance(section, nodes.section):
                    _link_in(section, pattern, terms)


def _pattern(glossary) -> tuple[re.Pattern, dict[str, str]]:
    """What to look for, and the term that each form belongs to."""
    terms = {}
    for term in glossary:
        for form in term.split(", "):
            if form not in _AMBIGUOUS and "@" not in form:
                terms[form] = term
    forms = sorted(terms, key=len, reverse=True)
    each = [
        f"[{f[0].upper()}{f[0]}]{re.escape(f[1:])}" if f.islower() else re.escape(f)
        for f in forms
    ]
    return re.compile(rf"(?<![\w-])({'|'.join(each)})(?:e?s)?(?![\w-])"), terms


def _link_in(section, pattern, terms) -> None:
    seen: set[str] = set()
    for text in list(section.findall(nodes.Text)):
        if _within(text):
            continue
        new, start = [], 0
        for found in pattern.finditer(text):
            form = found[1]
            term = terms.get(form) or terms[form[0].lower() + form[1:]]
            if term in seen:
                continue
            seen.add(term)
            new += [nodes.Text(text[start : found.start()]), _reference(term, found[0])]
            start = found.end()
        if new:
            text.parent.replace(text, [*new, nodes.Text(text[start:])])


def _within(node) -> bool:
    while node.parent is not None:
        node = node.parent
        if isinstance(node, _NOT_WITHIN):
            return True
    return False


def _reference(term: str, words: str):
    return addnodes.pending_xref(
        "",
        nodes.inline(words, words, classes=["word"]),
        refdomain="std",
        reftype="term",
        reftarget=term,
        refexplicit=True,
        refwarn=True,
    )


def _write_glossary(app, error) -> None:
    """What each word means, for the page to show under the pointer."""
    if error:
        return
    meanings = {term.lower(): m for term, m in app.config.site_glossary.items()}
    found = {}
    for name, _, kind, _, anchor, _ in app.env.get_domain("std").get_objects():
        if kind == "term":
            found[anchor] = meanings[name.strip("`").lower()]
    path = Path(app.outdir, "_static", "glossary.js")
    path.write_text(
        f"const GLOSSARY = {json.dumps(found, ensure_ascii=False)};\n", "utf-8"
    )


# -------------------------------------------------------------------- names


def _link_names(app, doctree) -> None:
    """Let a name of the package that stands in a sentence lead to its entry."""
    if app.env.docname.startswith("api/"):
        # a small word in a list of parameters is no name of some other class
        for node in list(doctree.findall(addnodes.pending_xref)):
            if node.get("refspecific") and node["reftarget"].islower():
                name = node["reftarget"]
                node.replace_self(nodes.emphasis(name, name))
        return
    code = doctree.findall(nodes.literal_block)
    imported, own = names_in(c.astext() for c in code if "python" in c["language"])
    for literal in list(doctree.findall(nodes.literal)):
        target = _resolve(literal.astext(), imported, own)
        if target and not _within(literal):
            literal.replace_self(
                addnodes.pending_xref(
                    "",
                    literal.deepcopy(),
                    refdomain="py",
                    reftype="obj",
                    reftarget=target,
                    refexplicit=True,
                    refwarn=False,
                )
            )


def _hide_flags(app, what, name, value, options, lines) -> None:
    """What an example tells the tests is not for readers."""
    lines[:] = [re.sub(r"\s*# doctest: .*", "", line) for line in lines]


def _resolve(text: str, imported: dict[str, str], own: set[str]) -> str:
    """The full name that a piece of code in a sentence stands for, or "" """
    found = re.fullmatch(r"([A-Za-z_]\w*)((?:\.\w+)*)(?:\(.*\))?", text, re.S)
    if found is None:
        return ""
    first, rest = found[1], found[2]
    if first == "posecourse":
        return first + rest
    if first in own:
        return ""
    if first in imported:
        return imported[first] + rest
    telling = re.search("[A-Z_]", first)
    return (
        f"posecourse.{first}{rest}" if telling and first in posecourse.__all__ else ""
    )


def _name_the_face(app, env) -> None:
    """`posecourse.train` is an entry too: that of the room it comes from."""
    objects = env.get_domain("py").objects
    for name, room in posecourse._FACE.items():
        entry = objects.get(f"posecourse.{room}.{name}")
        if entry is not None:
            objects[f"posecourse.{name}"] = entry._replace(aliased=True)


def _find_from_the_top(app, env, node, content):
    """A docstring's `losses.dsnt` is that of the package."""
    if node.get("reftype") != "obj" or "." not in node["reftarget"]:
        return None
    domain, name = env.get_domain("py"), f"posecourse.{node['reftarget']}"
    at = node.get("refdoc", env.docname)
    return domain.resolve_xref(env, at, app.builder, "obj", name, node, content)
