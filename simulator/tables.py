"""Curves as plain text: short tables that keep what matters when rows are left out."""

from __future__ import annotations

import math
from collections.abc import Sequence

from simulator.evidence import Series

ROWS = 24
SERIES_PER_TABLE = 4
WIDTH = 80
STEP_WIDTH, NUMBER_WIDTH = 6, 10


def number(value: float) -> str:
    """A value to four significant digits; `NaN`, `inf` and `-inf` by name."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return f"{value:.4g}"


def table(series: Sequence[Series]) -> str:
    """All series as tables of at most `ROWS` steps, `SERIES_PER_TABLE` series and `WIDTH` characters each.

    Every series' smallest and largest finite value, its first value that is not finite with its neighbours, and the
    first and last step are always among the rows; the others are spread evenly. Of constant series the first and the
    last step say all.
    """
    blocks: list[list[Series]] = []
    for one in series:
        if blocks and len(blocks[-1]) < SERIES_PER_TABLE and _width([*blocks[-1], one]) <= WIDTH:
            blocks[-1].append(one)
        else:
            blocks.append([one])
    return "\n\n".join(_block(block) for block in blocks)


def rows(series: Sequence[Series], limit: int = ROWS) -> list[int]:
    """The steps to show of the series together, ascending; see `table`."""
    steps = sorted({step for one in series for step in one.steps})
    if len(steps) <= limit:
        return steps
    if all(len(set(one.values)) == 1 for one in series):
        return [steps[0], steps[-1]]
    keep = {steps[0], steps[-1]}
    for one in series:
        keep |= _landmarks(one)
    wanted = limit - len(keep)
    if wanted > 0:
        rest = [step for step in steps if step not in keep]
        keep |= {rest[(2 * i + 1) * len(rest) // (2 * wanted)] for i in range(wanted)}
    return sorted(keep)


def _landmarks(series: Series) -> set[int]:
    finite = [(value, step) for step, value in zip(series.steps, series.values, strict=True) if math.isfinite(value)]
    found = set()
    if finite:
        found |= {min(finite)[1], max(finite, key=lambda pair: pair[0])[1]}
    first = next((i for i, value in enumerate(series.values) if not math.isfinite(value)), None)
    if first is not None:
        found |= set(series.steps[max(0, first - 1) : first + 2])
    return found


def _head(series: Series) -> str:
    return f"{series.name} (known-good)" if series.baseline else series.name


def _width(series: Sequence[Series]) -> int:
    """The most characters that a row of a table of these series can have."""
    return STEP_WIDTH + sum(2 + max(NUMBER_WIDTH, len(_head(one))) for one in series)


def _block(series: Sequence[Series]) -> str:
    heads = ["step", *map(_head, series)]
    values = [dict(zip(one.steps, one.values, strict=True)) for one in series]
    lines = [heads]
    for step in rows(series):
        lines.append([str(step), *(number(of[step]) if step in of else "–" for of in values)])
    widths = [max(len(line[i]) for line in lines) for i in range(len(heads))]
    text = "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
    total = len({step for one in series for step in one.steps})
    left_out = total - (len(lines) - 1)
    constant = " between, all with these values" if len(lines) == 3 else ""
    return f"{text}\n({left_out} of {total} steps left out{constant})" if left_out else text
