"""The noise band of healthy runs, and how far another run is from it.

At every recorded step the band reaches from the lowest to the highest value that any healthy seed had within a window
of steps around it: a curve that merely moves early or late by some steps is no finding. (What is the same in every
seed, such as a schedule, needs no window.) Distances are counted in band widths. A width has floors, since three seeds
can agree by chance:

    linear width       max(high - low, its median over the run, `relative` of the healthy level there,
                           0.1 % of the healthy level over the run, `resolution`)
    logarithmic width  max(ln high - ln low, its median over the run, ln(1 + `relative`))

A column whose healthy values are all positive is judged on both scales and the larger distance counts: a norm that
falls to a thousandth of itself cannot be further below the band than its own size, but it is far off in ratio. Values
enter the logarithm clamped from below at max(0.1 % of the healthy level over the run, `resolution`).

`relative` is 2 %, but 100 % for peaks, where one seed easily has a spike of twice the height of another's, and coarse
for what depends on more than the code (`COARSE`): twice as slow says nothing on a shared machine, and which layer comes
to look at the previous token is another one from seed to seed.
`resolution` is the smallest difference, in the column's own unit, that means anything (`RESOLUTION`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Direction = Literal["above", "below", "nonfinite"]
Floats = NDArray[np.float64]

CAP = 1e6
RELATIVE = 0.02
RELATIVE_OF_PEAKS = 1.0
COARSE = {"throughput": 1.0, "memory": 0.05, "attention_pattern/previous_token": 0.5}
OVERALL_FLOOR = 1e-3
# A run is outside once it has been a whole width away: with three seeds a fourth healthy one often grazes the edge.
OUTSIDE = 1.0

# By diagnostic. Fractions of units, counts, MiB and nats have a natural grain; the rest is left to the other floors.
RESOLUTION: dict[str, float] = {
    "memory": 20.0,
    "loss": 0.02,
    "val_loss": 0.02,
    "token_loss": 0.05,
    "dead_units": 0.02,
    "nonfinite": 0.5,
    "attention_pattern": 1e-3,
    "attention_entropy": 0.02,
    "eval_metrics": 0.05,
}
SMALLEST = 1e-9


@dataclass(frozen=True)
class Curve:
    """One column of one run where it was measured: `steps` ascending, `values` may hold NaN and infinities."""

    steps: NDArray[np.int64]
    values: Floats

    def __post_init__(self) -> None:
        if self.steps.shape != self.values.shape or self.steps.ndim != 1:
            raise ValueError("steps and values of a curve must be two vectors of the same length")


@dataclass(frozen=True)
class Band:
    """`low` and `high` at `steps`; NaN where no healthy run has a finite value near.

    `width` and `log_width` are what distances are counted in there, `log_width` None for a column with values that
    are not positive; `least` is where logarithms are clamped. `tolerant` marks steps near which a healthy run was not
    finite either (a skipped fp16 step, say). A run's values are smoothed by a running median of `smoothing` points.
    """

    steps: NDArray[np.int64]
    low: Floats
    high: Floats
    width: Floats
    log_width: Floats | None
    least: float
    tolerant: NDArray[np.bool_]
    smoothing: int


@dataclass(frozen=True)
class Departure:
    """`widths`: the largest distance, in band widths, that is kept up over the required number of recorded points."""

    widths: float
    first_step: int | None
    direction: Direction


NOWHERE = Departure(0.0, None, "above")


def curve(steps: Sequence[int] | NDArray, values: Sequence[float] | NDArray) -> Curve:
    return Curve(np.asarray(steps, dtype=np.int64), np.asarray(values, dtype=np.float64))


def resolution_of(column: str) -> float:
    return RESOLUTION.get(column.partition("/")[0], SMALLEST)


def relative_of(column: str) -> float:
    if column.endswith("/peak"):
        return RELATIVE_OF_PEAKS
    # `attention_pattern/previous_token.layer.2` is one of its diagnostic and one of the columns before the dot.
    return COARSE.get(column.partition(".")[0], COARSE.get(column.partition("/")[0], RELATIVE))


def default_window(curves: Sequence[Curve]) -> int:
    """Half-width in steps: 2 % of the run, at least three steps."""
    span = max((int(c.steps[-1] - c.steps[0]) for c in curves if c.steps.size), default=0)
    return max(3, round(0.02 * span))


def build(curves: Sequence[Curve], resolution: float = SMALLEST, relative: float = RELATIVE) -> Band:
    """The band of healthy `curves` at every step any of them was recorded at. `curves` must not be empty."""
    if not curves:
        raise ValueError("a band needs at least one healthy run")
    window = 0 if len(curves) > 1 and _all_equal(curves) else default_window(curves)
    steps = np.unique(np.concatenate([c.steps for c in curves]))
    low, high = np.full(steps.size, np.inf), np.full(steps.size, -np.inf)
    tolerant = np.zeros(steps.size, dtype=bool)
    for healthy in curves:
        first = np.searchsorted(healthy.steps, steps - window, side="left")
        last = np.searchsorted(healthy.steps, steps + window, side="right")
        finite = np.isfinite(healthy.values)
        low = np.minimum(low, _reduced(np.minimum, np.where(finite, healthy.values, np.inf), first, last, np.inf))
        high = np.maximum(high, _reduced(np.maximum, np.where(finite, healthy.values, -np.inf), first, last, -np.inf))
        tolerant |= _reduced(np.logical_or, ~finite, first, last, False)
    # Smoothing mixes neighbouring points, so the window has to reach them.
    smoothing = 3 if steps.size > 1 and np.diff(steps).max() <= window else 1
    unknown = low > high
    low[unknown] = high[unknown] = np.nan
    known = np.concatenate([c.values[np.isfinite(c.values)] for c in curves])
    level = float(np.median(np.abs(known))) if known.size else 0.0
    least = max(OVERALL_FLOOR * level, resolution, SMALLEST)
    width = _floored(high - low, np.maximum(relative * (np.abs(low) + np.abs(high)) / 2, least))
    log_width = None
    if known.size and known.min() > 0:
        log_width = _floored(_log(high, least) - _log(low, least), np.full(steps.size, np.log1p(relative)))
    return Band(steps, low, high, width, log_width, least, tolerant, smoothing)


def pooled(siblings: Sequence[Band]) -> list[Band]:
    """Bands of columns with the same noise (the layers of one kind): none narrower than their usual width there.

    What a few seeds say about the spread of one column, its siblings say again. Bands at other steps are left alone.
    """
    like = [band for band in siblings if np.array_equal(band.steps, siblings[0].steps)]
    if len(like) < 2 or len(like) < len(siblings):
        return list(siblings)
    width = np.median([band.width for band in like], axis=0)
    logs = [band.log_width for band in like if band.log_width is not None]
    log_width = np.median(logs, axis=0) if logs else 0.0
    return [
        replace(
            band,
            width=np.fmax(band.width, width),
            log_width=None if band.log_width is None else np.fmax(band.log_width, log_width),
        )
        for band in like
    ]


def points_needed(n: int) -> int:
    """How many recorded points in a row must be outside: 5, or 3 of a sparse column, or all of a handful."""
    return 5 if n >= 40 else min(n, 3)


def distances(band: Band, run: Curve) -> Floats:
    """Signed distance in widths at each of the run's recorded steps: positive above, negative below, 0 inside.

    A value that is not finite where the healthy ones are is `CAP` away; steps the band does not reach are NaN.
    """
    if not run.steps.size:
        return np.zeros(0)
    at = np.clip(np.searchsorted(band.steps, run.steps), 0, band.steps.size - 1)
    low, high, tolerant = band.low[at], band.high[at], band.tolerant[at]
    smooth = _rolling_median(run.values, band.smoothing)
    result = _signed(smooth, low, high, band.width[at])
    if band.log_width is not None:
        value, bottom, top = (_log(values, band.least) for values in (smooth, low, high))
        ratio = _signed(value, bottom, top, band.log_width[at])
        result = np.where(np.abs(ratio) > np.abs(result), ratio, result)
    result = np.clip(result, -CAP, CAP)
    broken = ~np.isfinite(run.values)
    result[broken] = np.where(tolerant[broken] | np.isnan(low[broken]), 0.0, CAP)
    result[run.steps > band.steps[-1]] = np.nan
    return result


def departure(band: Band, run: Curve, points: int | None = None) -> Departure:
    """How far `run` stays away from `band` over `points` recorded points in a row (`points_needed` by default)."""
    signed = distances(band, run)
    usable = np.isfinite(signed)
    signed, steps, broken = signed[usable], run.steps[usable], ~np.isfinite(run.values[usable])
    if not signed.size:
        return NOWHERE
    points = min(points or points_needed(band.steps.size), signed.size)
    # A run that ends in NaN may stop at once: what it never recovers from is sustained, however short.
    tail = points if not broken[-1] else min(points, int(np.argmin(broken[::-1])) or points)
    best = NOWHERE
    for sign, name in ((1.0, "above"), (-1.0, "below")):
        kept = sliding_window_view(sign * signed, points).min(axis=1)
        starts = np.arange(kept.size)
        if sign > 0 and tail < points:
            kept, starts = np.append(kept, sign * signed[-tail:].min()), np.append(starts, signed.size - tail)
        widths = float(kept.max())
        if widths > best.widths:
            outside = np.flatnonzero(kept >= min(OUTSIDE, widths))
            first = int(steps[starts[outside[0]]])
            lasting = slice(starts[kept.argmax()], starts[kept.argmax()] + points)
            best = Departure(widths, first, "nonfinite" if broken[lasting].all() else name)  # type: ignore[arg-type]
    return best


def _all_equal(curves: Sequence[Curve]) -> bool:
    first = curves[0]
    return all(
        np.array_equal(first.steps, other.steps) and np.array_equal(first.values, other.values, equal_nan=True)
        for other in curves[1:]
    )


def _floored(spread: Floats, floor: Floats) -> Floats:
    known = spread[np.isfinite(spread)]
    return np.fmax(np.fmax(spread, floor), np.median(known) if known.size else 0.0)


def _log(values: Floats, least: float) -> Floats:
    return np.log(np.maximum(values, least))


def _signed(value: Floats, low: Floats, high: Floats, width: Floats) -> Floats:
    """NaN limits (nothing healthy to compare with) give 0."""
    with np.errstate(invalid="ignore"):
        over, under = (value - high) / width, (low - value) / width
    return np.nan_to_num(np.where(over > 0, over, np.where(under > 0, -under, 0.0)), nan=0.0, posinf=CAP, neginf=-CAP)


def _reduced(how: np.ufunc, values: NDArray, first: NDArray, last: NDArray, empty: float | bool) -> NDArray:
    """`how` over values[first:last] for every pair of bounds; `empty` where there is nothing between them."""
    pairs = np.stack([first, last], axis=1).ravel()
    result = how.reduceat(np.append(values, np.asarray(empty, dtype=values.dtype)), pairs)[::2]
    return np.where(first < last, result, empty)


def _rolling_median(values: Floats, points: int) -> Floats:
    """Centred, over finite neighbours only and shorter at the ends; one odd step does not count."""
    half = points // 2
    if half == 0 or values.size <= half:
        return values
    padded = np.concatenate(
        [np.full(half, np.nan), np.where(np.isfinite(values), values, np.nan), np.full(half, np.nan)]
    )
    windows = sliding_window_view(padded, points)
    result = values.copy()
    some = np.isfinite(windows).any(axis=1)
    result[some] = np.nanmedian(windows[some], axis=1)
    return result
