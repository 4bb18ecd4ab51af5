"""What a chart needs to know about a curve, without a screen: splitting, thinning, extents, ticks.

A curve is a pair of equally long sequences, steps and values; values may be NaN or infinite. Points are
(step, height) pairs, where a height is a value, or its log10 on a logarithmic axis.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

Point = tuple[float, float]
Lost = Literal["nan", "+inf", "-inf", "low"]
"""Why a value has no place on the chart; `low` is zero or below on a logarithmic axis."""

SAYS: dict[Lost, str] = {"nan": "NaN", "+inf": "+inf", "-inf": "-inf", "low": "≤ 0"}


class Gap(NamedTuple):
    """Consecutive values that cannot be drawn, all for the same reason; `first` and `last` are steps, inclusive."""

    why: Lost
    first: int
    last: int
    times: int


class Pieces(NamedTuple):
    """A curve cut at the values that cannot be drawn."""

    segments: tuple[tuple[Point, ...], ...]
    gaps: tuple[Gap, ...]


class Tick(NamedTuple):
    at: float
    label: str


def lost(value: float, log: bool) -> Lost | None:
    """Return why `value` cannot be drawn, or None when it can."""
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "+inf" if value > 0 else "-inf"
    return "low" if log and value <= 0 else None


def split(steps: Sequence[int], values: Sequence[float], log: bool = False) -> Pieces:
    """Cut a curve into runs of drawable points; with `log` the heights are log10 of the values."""
    segments: list[tuple[Point, ...]] = []
    gaps: list[Gap] = []
    run: list[Point] = []
    previous: Lost | None = None
    for step, value in zip(steps, values, strict=True):
        why = lost(value, log)
        if why is None:
            run.append((float(step), math.log10(value) if log else float(value)))
        else:
            if run:
                segments.append(tuple(run))
                run = []
            if gaps and previous == why:
                gaps[-1] = gaps[-1]._replace(last=step, times=gaps[-1].times + 1)
            else:
                gaps.append(Gap(why, step, step, 1))
        previous = why
    if run:
        segments.append(tuple(run))
    return Pieces(tuple(segments), tuple(gaps))


def thin(points: Sequence[Point], low: float, high: float, columns: int) -> list[Point]:
    """Keep what `columns` columns between steps `low` and `high` can show of `points` (sorted by step).

    Every column keeps its first, last, lowest and highest point, so no spike is lost. One point on either side of the
    view stays, for the line to run to the edge.
    """
    steps = [point[0] for point in points]
    begin = max(0, bisect_left(steps, low) - 1)
    end = min(len(points), bisect_right(steps, high) + 1)
    inside = list(points[begin:end])
    if columns < 1 or high <= low or len(inside) <= 4 * columns:
        return inside
    width = (high - low) / columns
    buckets: dict[int, list[int]] = {}
    for index, (step, _) in enumerate(inside):
        buckets.setdefault(min(columns, max(-1, math.floor((step - low) / width))), []).append(index)
    kept: list[Point] = []
    for bucket in buckets.values():
        lowest = min(bucket, key=lambda index: inside[index][1])
        highest = max(bucket, key=lambda index: inside[index][1])
        kept += [inside[index] for index in sorted({bucket[0], lowest, highest, bucket[-1]})]
    return kept


def dashes(points: Sequence[Point], low: float, high: float, columns: int, length: int = 3) -> list[list[Point]]:
    """Cut a line into dashes of `length` columns with gaps as long, of `columns` columns between `low` and `high`."""
    if columns < 1 or high <= low:
        return []
    width = (high - low) / columns * length
    pieces: list[list[Point]] = []
    for (x0, y0), (x1, y1) in pairwise(points):
        at, end = max(x0, low), min(x1, high)
        while at < end:
            index = math.floor((at - low) / width + 1e-9)
            until = min(end, low + (index + 1) * width)
            if until <= at:
                break
            if index % 2 == 0:
                piece = [(x, y0 + (y1 - y0) * (x - x0) / (x1 - x0)) for x in (at, until)]
                if pieces and pieces[-1][-1][0] == at:
                    pieces[-1].append(piece[1])
                else:
                    pieces.append(piece)
            at = until
    return pieces


def span(numbers: Sequence[float], margin: float = 0.0) -> tuple[float, float]:
    """Return limits that hold all `numbers` with a `margin` (a fraction of the range) around them.

    The limits always differ: a constant gets room on both sides, nothing at all gets (0, 1).
    """
    if not numbers:
        return 0.0, 1.0
    low, high = min(numbers), max(numbers)
    if high - low <= abs(high) * 1e-12:
        room = abs(high) * 0.1 or 0.5
        return low - room, high + room
    room = (high - low) * margin
    return low - room, high + room


def ticks(low: float, high: float, most: int) -> list[Tick]:
    """Return up to `most` round positions between `low` and `high`, labelled alike."""
    if not low < high or most < 1:
        return []
    interval = _round_up((high - low) / most)
    while True:
        first, last = math.ceil(low / interval - 1e-9), math.floor(high / interval + 1e-9)
        if last - first < most:
            break
        interval = _round_up(interval * 1.5)
    positions = [index * interval for index in range(first, last + 1)]
    if max((abs(at) for at in positions), default=0.0) >= 1e5 or interval < 1e-4:
        return [Tick(at, brief(at)) for at in positions]
    decimals = max(0, -math.floor(math.log10(interval) + 1e-9))
    return [Tick(at, f"{at:.{decimals}f}") for at in positions]


def log_ticks(low: float, high: float, most: int) -> list[Tick]:
    """Return up to `most` ticks of an axis in log10 units: powers of ten, or round values on less than two decades."""
    if not low < high or most < 1:
        return []
    first, last = math.ceil(low - 1e-9), math.floor(high + 1e-9)
    decades = last - first + 1
    if decades >= 2:
        stride = max(1, math.ceil(decades / most))
        return [Tick(float(power), power_of_ten(power)) for power in range(first, last + 1, stride)][:most]
    if not -300 < low < high < 300:
        return [Tick(at, brief_power(at)) for at, _ in ticks(low, high, most)]
    return [Tick(math.log10(at), label) for at, label in ticks(10.0**low, 10.0**high, most) if at > 0]


def brief(value: float) -> str:
    """Write a number in at most about eight characters: 0.0213, 3.2e-5, 12400, NaN."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    text = f"{value:.4g}"
    if "e" not in text:
        return text
    mantissa, power = text.split("e")
    return f"{mantissa}e{int(power)}"


def power_of_ten(power: int) -> str:
    return brief(10.0**power) if -3 <= power <= 4 else f"1e{power}"


def brief_power(log10: float) -> str:
    power = math.floor(log10)
    return f"{10 ** (log10 - power):.3g}e{power}"


def gap_notes(gaps: Sequence[Gap], last_step: int) -> list[str]:
    """Say in words where values are missing: "NaN from step 214", "+inf at step 9", "NaN at 12 steps from 30"."""
    notes: list[str] = []
    for why in ("nan", "+inf", "-inf", "low"):
        mine = [gap for gap in gaps if gap.why == why]
        if not mine:
            continue
        count = sum(gap.times for gap in mine)
        first = mine[0].first
        if count == 1:
            where = f"at step {first}"
        elif len(mine) == 1:
            where = f"from step {first}" if mine[0].last >= last_step else f"steps {first}-{mine[0].last}"
        else:
            where = f"at {count} steps from {first}"
        notes.append(f"{SAYS[why]} {where}")
    return notes


def short_names(names: Sequence[str]) -> tuple[str, list[str]]:
    """Split off what all names share up to a `/` or `.`: ("activations/layer.", ["0", "1"])."""
    if len(names) < 2:
        return "", list(names)
    low, high = min(names), max(names)
    same = next(
        (index for index, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), min(len(low), len(high))
    )
    shared = low[:same]
    cut = max(shared.rfind("/"), shared.rfind(".")) + 1
    if any(len(name) == cut for name in names):
        cut = 0
    return shared[:cut], [name[cut:] for name in names]


def _round_up(interval: float) -> float:
    """Return the smallest of 1, 2, 5 times a power of ten that is not below `interval`."""
    power = 10.0 ** math.floor(math.log10(interval))
    for factor in (1.0, 2.0, 5.0, 10.0):
        if factor * power >= interval * (1 - 1e-9):
            return factor * power
    return 10.0 * power
