"""What teachers use: a glossary to look things up in, plans that can be kept."""

import re

import pytest

from posecourse.authoring.chapters import CHAPTERS


def test_the_glossary_is_in_order_and_one_line_each(root):
    text = (root / "chapters" / "glossary.md").read_text("utf-8")
    terms = re.findall(r"^- \*\*(.+?)\*\*", text, re.M)
    entries = re.findall(r"^- ", text, re.M)
    assert len(terms) == len(entries) >= 40
    assert terms == sorted(terms, key=lambda term: term.strip("`").casefold())
    assert len(set(terms)) == len(terms)


# ------------------------------------------------------------ lesson plans


@pytest.fixture(scope="module")
def known(root):
    """What there is: ``{chapter: (sections, exercises)}``, as far as written."""
    found = {}
    for chapter in CHAPTERS:
        path = chapter.source(root / "chapters")
        if path.is_file():
            text = path.read_text("utf-8")
            found[chapter.number] = (
                {int(n) for n in re.findall(r"^# ## (\d+)\. ", text, re.M)},
                {
                    int(n)
                    for n in re.findall(r"^# ### Exercise \d+\.(\d+) ", text, re.M)
                },
            )
    assert all(sections and exercises for sections, exercises in found.values())
    return found


# "Chapter 3", "sections 1, 2 and 5", "section 4", "exercises 03.1, 03.2"
_NAMED = re.compile(
    r"[Cc]hapters? (\d+(?:(?:, | and | to )\d+)*)"
    r"|[Ss]ections? (\d+(?:(?:, | and | to )\d+)*)(?: of chapter (\d+))?"
    r"|\b(\d\d?)\.(\d)\b"
    r"|release (\d+)\s+--from-section (\d+)"
)


def numbers(text):
    """``"1, 3 to 5"`` is 1, 3, 4, 5."""
    found = []
    for first, last in re.findall(r"(\d+)(?: to (\d+))?", text):
        found += range(int(first), int(last or first) + 1)
    return found


def named(plan):
    """``(chapter, section, exercise)`` of all that a plan names; one of the last
    two is None, or both. A section is of the chapter that the table named last; a
    chapter that a text names counts for that text alone."""
    goes_on = None
    for part in re.split(r"\n(?:\n|(?=\|))", plan):
        chapter = goes_on
        for match in _NAMED.finditer(part):
            chapters, sections, its, of, exercise, released, start = match.groups()
            if chapters:
                for chapter in numbers(chapters):
                    yield chapter, None, None
            elif sections:
                for section in numbers(sections):
                    yield int(its or chapter), section, None
            elif exercise:
                yield int(of), None, int(exercise)
            else:
                yield int(released), int(start), None
        if goes_on is None or part.startswith("|"):
            goes_on = chapter


def plans(root):
    text = (root / "chapters" / "teaching" / "plans.md").read_text("utf-8")
    return re.split(r"^## ", text, flags=re.M)[1:]


def test_how_a_plan_is_read():
    plan = """A class (chapter 3)

They know chapter 2.

| 0 | Sections 1, 4 to 5 |
| 9 | Chapter 6, section 2; 06.2 |

See section 7, section 8 of chapter 9, `release 4
--from-section 3`."""
    assert list(named(plan)) == [
        *[(3, None, None), (2, None, None), (3, 1, None), (3, 4, None), (3, 5, None)],
        *[(6, None, None), (6, 2, None), (6, None, 2)],
        *[(6, 7, None), (9, 8, None), (4, 3, None)],
    ]


def test_plans_name_what_there_is(root, known):
    count = 0
    for plan in plans(root):
        for chapter, section, exercise in named(plan):
            where = f"{plan.splitlines()[0]}: {chapter} {section} {exercise}"
            assert 1 <= chapter <= len(CHAPTERS), where
            sections, exercises = known.get(chapter, ((), ()))
            if chapter in known:
                assert section is None or section in sections, where
                assert exercise is None or exercise in exercises, where
            count += 1
    assert count > 150
    in_plans = {chapter for plan in plans(root) for chapter, _, _ in named(plan)}
    assert in_plans == set(range(1, len(CHAPTERS) + 1))


def test_plans_pass_the_time_that_they_promise(root):
    """Minutes and hours only go on; a checkpoint lies within its class."""
    for plan in plans(root)[:-1]:
        title = plan.splitlines()[0]
        rows = re.findall(r"^\| (\d+):?(\d\d)? \| (.*)", plan, re.M)
        times = [60 * int(a) + int(b) if b else int(a) for a, b, _ in rows]
        assert len(times) >= 6 and times == sorted(set(times)), title
        promised = re.search(r"of (\d+) minutes", title)
        ends = re.search(r"end at (\d+):?(\d\d)?", plan)
        if promised:
            assert times[-1] < int(promised[1]), title
        if ends:
            end = 60 * int(ends[1]) + int(ends[2]) if ends[2] else int(ends[1])
            assert times[-1] < end, title
        if "end at" not in plan:
            assert promised, title
        (said,) = re.findall(r"\*\*Checkpoints\.\*\*(.*?)\n\n", plan, re.DOTALL)
        for minute in re.findall(r"[Mm]inute (\d+)", said):
            assert int(minute) in times, f"{title}: minute {minute}"
        for hour, minute in re.findall(r"(\d+):(\d\d)", said):
            assert 60 * int(hour) + int(minute) in times, f"{title}: {hour}:{minute}"


# ------------------------------------------------------------- the glossary

# Bold in a chapter, and no terms of the field: what is stressed. A new bold word
# goes here or, with its Chinese, into the glossary.
_STRESSED = """\
all; any order; at the peak; average; begin anywhere; block; body sizes;
body-centred; bones; box; calibrated; center pose; centre of pixel; columns;
coordinates; correction; difference between pictures; directions; distance; empty
maps; end anywhere; exchange; far; few labels; five minutes of training; framing;
gross; height; in pixels; intensity; is; jerks; joints are swapped; labels; labels
and teacher; learns; mirrored; near; nearest; never; not; not square; once; one
batch; one range a layer; one thing; orientation; percentage of correct keypoints;
personal data; photograph; play; position; quotients; regression; several people;
share; sit; size; slots; sort; sport; spring; step; store; take turns; tells; the
box; the people; the pixels; the unit; torso; trembles; twice; types; unverified;
unweighted; weighted; width"""


def glossary(root):
    """``{term: line}``."""
    text = (root / "chapters" / "glossary.md").read_text("utf-8")
    return {
        m[1].strip("`"): m[0] for m in re.finditer(r"^- \*\*(.+?)\*\*.*$", text, re.M)
    }


def plain(words):
    """One spelling: ``"Support vectors"`` is ``"support vector"``."""
    words = re.sub(r" \(.*\)", "", words.casefold()).replace("argmax", "arg max")
    words = words.strip(" `.,:").replace("-", " ")
    return re.sub(r"(?<=tch)es$|(?<=[^s])s$", "", words)


def names_of(term):
    """``"mean squared error"`` and ``"MSE"`` of ``"MSE, mean squared error"``."""
    return {plain(name) for name in term.split(", ")}


def test_every_term_has_its_chinese(root):
    for term, line in glossary(root).items():
        assert re.match(r"- \*\*.+?\*\* \([^)]*[\u4e00-\u9fff]", line), term


def test_every_term_that_a_chapter_sets_in_bold_is_explained(root):
    known = {name for term in glossary(root) for name in names_of(term)}
    known |= {plain(" ".join(words.split())) for words in _STRESSED.split(";")}
    missing = {}
    for chapter in CHAPTERS:
        path = chapter.source(root / "chapters")
        if not path.is_file():
            continue
        lines = path.read_text("utf-8").splitlines()
        # in a table, bold is the name of a row
        texts = [line for line in lines if re.match(r"#(?! \|)", line)]
        text = " ".join(line.lstrip("# ") for line in texts)
        for words in re.findall(r"\*\*([a-z][^*|]*?)\*\*", text):
            is_sentence = len(words.split()) > 4 or re.search(r"[\d`$?.:,]", words)
            short = any(name.startswith(f"{plain(words)} ") for name in known)
            if not is_sentence and not short and plain(words) not in known:
                missing.setdefault(chapter.name, set()).add(words)
    assert not missing, "explain them in chapters/glossary.md, with their Chinese"
