"""What the studies share: numbers as the page beside them shows them."""

from posecourse.files import atomic_path

END = "<!-- its end -->"


def percent(interval):
    """Value and 95 % interval, in percent."""
    return [100 * v for v in interval[:3]]


def cell(interval, sign=""):
    """Value and interval; a gain in bold where chance alone is ruled out."""
    value, low, high = (f"{v:{sign}.1f}" for v in interval)
    if sign and not interval[1] <= 0 <= interval[2]:
        value = f"**{value}**"
    return f"{value} ({low} to {high})"


def write_table(path, script, table):
    """Put a script's table between its two marks, if the page has them."""
    if not path.is_file():
        return
    begin = f"<!-- {script} writes this table -->"
    before, _, rest = path.read_text("utf-8").partition(begin)
    _, marked, after = rest.partition(END)
    if marked:
        text = f"{before}{begin}\n\n{table}\n\n{END}{after}"
        with atomic_path(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
