"""Curves as a table: a row for every step, a column for every series."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.evidence import Series
from simulator.tui.curves import brief, short_names


def table(series: Sequence[Series]) -> tuple[list[str], int]:
    """Return the lines of the table and how many of them are its head. A step without a value has a dot there."""
    shared, names = short_names([one.name for one in series if not one.baseline])
    own = iter(names)
    titles = ["step", *(f"{one.name} (known-good)" if one.baseline else next(own) for one in series)]
    columns = [dict(zip(one.steps, one.values, strict=True)) for one in series]
    steps = sorted({step for one in series for step in one.steps})
    cells = [[str(step), *(brief(column[step]) if step in column else "·" for column in columns)] for step in steps]
    widths = [max(len(row[index]) for row in [titles, *cells]) for index in range(len(titles))]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in [titles, *cells]]
    head = [shared.rstrip("/.")] if shared else []
    return head + lines, len(head) + 1
