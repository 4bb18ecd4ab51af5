"""Columns computed from recorded ones, to be judged like them; they are never written into a run.

    X.layer.*          the mean over all layers (and heads, `layer.*.head.*`): which layer takes on what is chance and
                       differs from seed to seed, their mean less so
    X/mean             the mean of the last 25 recorded points, without the noise of single batches
    X/peak             the largest value of the last 25 recorded points: single bad steps that a median would drop
    loss/roughness     spread (standard deviation) of the loss around its own running median, over a trailing window
    loss/persistence   how much of a step's deviation is there at the next two steps (mean autocorrelation at lags 1
                       and 2), over the same window: about 0 for independent batches, high for data that come in blocks

The running median spans a quarter of the run, so that blocks shorter than that stay visible, and the trailing window
half of it, so that the statistics of healthy seeds are close together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from gen_traces.band import Curve, Floats

PER_BATCH = ("loss", "grad_norm", "grad_norm_clipped")
POINTS = 25
LEAST_POINTS = 40

_NUMBER = re.compile(r"\b(layer|head)\.\d+")


def derived(curves: Mapping[str, Curve], span: int | None = None) -> dict[str, Curve]:
    """The derived columns of a run, by name. `span` is how many points the healthy run has, for a run cut short."""
    result = means(curves)
    for name in PER_BATCH:
        if name in curves and curves[name].steps.size:
            result[f"{name}/mean"] = trailing(curves[name], np.nanmean)
            result[f"{name}/peak"] = trailing(curves[name], np.nanmax)
    if "loss" in curves:
        loss = curves["loss"]
        points = span or loss.steps.size
        if points >= LEAST_POINTS and loss.steps.size > points // 2:
            result |= shape(loss, points // 4, points // 2)
    return result


def family(column: str) -> str:
    """The column's name with stars for the numbers of layer and head; itself when it has none."""
    return _NUMBER.sub(r"\1.*", column)


def means(curves: Mapping[str, Curve]) -> dict[str, Curve]:
    """The mean of every family with at least two members, all measured at the same steps."""
    families: dict[str, list[Curve]] = {}
    for name, one in curves.items():
        if (kind := family(name)) != name:
            families.setdefault(kind, []).append(one)
    return {
        kind: Curve(found[0].steps, np.mean([one.values for one in found], axis=0))
        for kind, found in families.items()
        if len(found) > 1 and all(np.array_equal(one.steps, found[0].steps) for one in found)
    }


def trailing(run: Curve, how: Callable[..., Floats]) -> Curve:
    """`how` over the last points that were finite; NaN where none was. A run that broke shows in its own column."""
    finite = np.where(np.isfinite(run.values), run.values, np.nan)
    windows = sliding_window_view(np.concatenate([np.full(POINTS - 1, np.nan), finite]), POINTS)
    known = np.isfinite(windows).any(axis=1)
    values = np.full(run.values.size, np.nan)
    values[known] = how(windows[known], axis=1)
    return Curve(run.steps, values)


def shape(loss: Curve, trend_points: int, window: int) -> dict[str, Curve]:
    """Roughness and persistence of the detrended loss at every point that has a whole window behind it."""
    half = trend_points // 2
    padded = np.pad(loss.values, half, mode="reflect")
    trend = np.median(sliding_window_view(padded, 2 * half + 1), axis=1)
    pieces = sliding_window_view(loss.values - trend, window)
    with np.errstate(invalid="ignore", over="ignore"):
        spread = pieces.std(axis=1)
        centred = pieces - pieces.mean(axis=1, keepdims=True)
        power = np.maximum((centred**2).sum(axis=1), 1e-12)
        lags = [(centred[:, lag:] * centred[:, :-lag]).sum(axis=1) / power for lag in (1, 2)]
    steps = loss.steps[window - 1 :]
    return {"loss/roughness": Curve(steps, spread), "loss/persistence": Curve(steps, np.mean(lags, axis=0))}
