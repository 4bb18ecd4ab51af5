"""Columns computed from recorded ones, to be judged like them; they are never written into a run.

    X/peak             the largest value of the last 25 recorded points: single bad steps that a median would drop
    loss/roughness     spread (standard deviation) of the loss around its own running median, over a trailing window
    loss/persistence   how much of a step's deviation is there at the next two steps (mean autocorrelation at lags 1
                       and 2), over the same window: about 0 for independent batches, high for data that come in blocks

The running median spans a quarter of the run, so that blocks shorter than that stay visible, and the trailing window
half of it, so that the statistics of healthy seeds are close together.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from gen_traces.band import Curve

PEAK_OF = ("loss", "grad_norm", "grad_norm_clipped")
PEAK_POINTS = 25
LEAST_POINTS = 40


def derived(curves: Mapping[str, Curve], span: int | None = None) -> dict[str, Curve]:
    """The derived columns of a run, by name. `span` is how many points the healthy run has, for a run cut short."""
    result = {f"{name}/peak": peak(curves[name]) for name in PEAK_OF if name in curves}
    if "loss" in curves:
        loss = curves["loss"]
        points = span or loss.steps.size
        if points >= LEAST_POINTS and loss.steps.size > points // 2:
            result |= shape(loss, points // 4, points // 2)
    return result


def peak(run: Curve) -> Curve:
    """NaN and infinities count as such: the largest value of a stretch with one is not finite."""
    padded = np.concatenate([np.full(PEAK_POINTS - 1, -np.inf), run.values])
    return Curve(run.steps, sliding_window_view(padded, PEAK_POINTS).max(axis=1)) if run.steps.size else run


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
