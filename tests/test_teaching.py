"""What teachers use: a glossary that can be looked things up in."""

import re


def test_the_glossary_is_in_order_and_one_line_each(root):
    text = (root / "chapters" / "glossary.md").read_text("utf-8")
    terms = re.findall(r"^- \*\*(.+?)\*\*", text, re.M)
    entries = re.findall(r"^- ", text, re.M)
    assert len(terms) == len(entries) >= 40
    assert terms == sorted(terms, key=lambda term: term.strip("`").casefold())
    assert len(set(terms)) == len(terms)
