"""Tables of results: real ones in a notebook, aligned text elsewhere."""

from __future__ import annotations

import html
import math
import numbers

__all__ = ["Table", "table"]


def table(rows, columns, digits=1, caption: str = "") -> Table:
    """A table, shown when it is the last value of a cell (or by `display`).

    Parameters
    ----------
    rows:
        One sequence of cells for each row. Texts stand left; numbers right,
        with their decimal points below each other. None and NaN, which are
        not known, are a dash.
    columns:
        The columns' names.
    digits:
        Decimals of all floats, or ``{column: decimals}`` where they differ
        (the others have 1). Whole numbers (int) have none.
    caption:
        A line above the table.

    Raises
    ------
    ValueError
        If a row has more or fewer cells than there are columns.

    Examples
    --------
    >>> table([("laptop", 86.46, 1000), ("mean pose", 15.7, 1000)],
    ...       ("network", "PCKh@0.5", "people"))
    network    PCKh@0.5  people
    laptop         86.5    1000
    mean pose      15.7    1000
    """
    return Table(rows, columns, digits, caption)


class Table:
    """What `table` makes.

    Attributes
    ----------
    columns, cells:
        Names, and the rows' cells as text.
    """

    def __init__(self, rows, columns, digits=1, caption: str = ""):
        rows = [tuple(map(_plain, row)) for row in rows]
        self.columns = tuple(str(name) for name in columns)
        self.caption = caption
        for number, row in enumerate(rows, 1):
            if len(row) != len(self.columns):
                raise ValueError(
                    f"row {number} has {len(row)} cells, but there are "
                    f"{len(self.columns)} columns: {', '.join(self.columns)}"
                )
        if not isinstance(digits, dict):
            digits = dict.fromkeys(self.columns, digits)
        unknown = set(digits) - set(self.columns)
        if unknown:
            raise ValueError(
                f"digits are given for {', '.join(sorted(map(str, unknown)))}; there "
                f"are the columns {', '.join(self.columns)}"
            )
        self.cells = [
            tuple(
                _text(cell, digits.get(name, 1)) for name, cell in zip(self.columns, r)
            )
            for r in rows
        ]
        self._right = [
            any(map(_is_number, column))
            and all(_is_number(cell) or cell is None for cell in column)
            for column in (zip(*rows) if rows else [() for _ in self.columns])
        ]

    def __repr__(self) -> str:
        lines = [self.columns, *self.cells]
        widths = [max(map(len, column)) for column in zip(*lines)]
        text = [
            "  ".join(
                cell.rjust(width) if right else cell.ljust(width)
                for cell, width, right in zip(line, widths, self._right)
            ).rstrip()
            for line in lines
        ]
        return "\n".join([self.caption] * bool(self.caption) + text)

    def _repr_html_(self) -> str:
        def line(cells, tag):
            return "".join(
                f'<{tag} style="text-align: {"right" if right else "left"}">'
                f"{html.escape(cell, quote=False)}</{tag}>"
                for cell, right in zip(cells, self._right)
            )

        caption = (
            '<caption style="text-align: left; caption-side: top">'
            f"{html.escape(self.caption, quote=False)}</caption>"
            if self.caption
            else ""
        )
        body = "\n".join(f"<tr>{line(cells, 'td')}</tr>" for cells in self.cells)
        return (
            f'<table style="font-variant-numeric: tabular-nums">{caption}\n'
            f"<thead><tr>{line(self.columns, 'th')}</tr></thead>\n"
            f"<tbody>\n{body}\n</tbody></table>"
        )


def _is_number(cell) -> bool:
    return isinstance(cell, numbers.Real) and not isinstance(cell, bool)


def _plain(cell):
    """A tensor or array of one number as that number."""
    return cell.item() if getattr(cell, "shape", None) == () else cell


def _text(cell, digits: int) -> str:
    if cell is None or (_is_number(cell) and math.isnan(cell)):
        return "–"
    if _is_number(cell) and not isinstance(cell, numbers.Integral):
        return f"{cell:.{digits}f}"
    return str(cell)
