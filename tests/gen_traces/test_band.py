"""The noise band: what lies inside, what is found outside, and from when."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gen_traces import band as bands
from gen_traces.band import CAP, build, curve, departure, distances

STEPS = np.arange(200)


def healthy(seed: int, n: int = 200, level: float = 2.0, noise: float = 0.05, cadence: int = 1) -> bands.Curve:
    rng = np.random.default_rng(seed)
    steps = np.arange(0, n, cadence)
    return curve(steps, level + 3 * np.exp(-steps / 30) + noise * rng.standard_normal(steps.size))


SEEDS = [healthy(seed) for seed in range(3)]


@settings(max_examples=60, deadline=None)
@given(
    data=st.data(),
    relative=st.sampled_from([0.02, 1.0]),
    runs=st.integers(1, 4),
    n=st.integers(1, 60),
    cadence=st.integers(1, 7),
    resolution=st.sampled_from([1e-9, 0.02, 1.0]),
)
def test_a_band_contains_its_own_seeds(
    data: st.DataObject, relative: float, runs: int, n: int, cadence: int, resolution: float
) -> None:
    value = st.floats(-1e6, 1e6, width=32) | st.sampled_from([math.nan, math.inf, -math.inf])
    steps = np.arange(n) * cadence
    curves = [curve(steps, data.draw(st.lists(value, min_size=n, max_size=n))) for _ in range(runs)]
    band = build(curves, resolution, relative)
    for one in curves:
        assert np.all(np.nan_to_num(distances(band, one)) == 0)
        assert departure(band, one).widths == 0


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(10, 10_000),
    at=st.integers(0, 150),
    sign=st.sampled_from([-1, 1]),
    cadence=st.sampled_from([1, 10]),
)
def test_a_shift_by_ten_widths_is_found_where_it_begins(seed: int, at: int, sign: int, cadence: int) -> None:
    normal = [healthy(k, level=20.0, cadence=cadence) for k in range(3)]
    band = build(normal)
    run = healthy(seed, level=20.0, cadence=cadence)
    edge = np.where(sign > 0, band.high, band.low)
    moved = curve(run.steps, np.where(run.steps >= at, edge + sign * 10.5 * band.width, run.values))
    found = departure(band, moved)
    assert found.widths >= 9
    assert found.direction == ("above" if sign > 0 else "below")
    assert found.first_step is not None and at - cadence <= found.first_step <= at + cadence


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(10, 100_000))
def test_another_healthy_seed_stays(seed: int) -> None:
    assert departure(build(SEEDS), healthy(seed)).widths < 2


def test_single_bad_steps_are_not_sustained() -> None:
    run = healthy(50)
    values = run.values.copy()
    values[[30, 31, 90, 150]] = 1e4
    assert departure(build(SEEDS), curve(run.steps, values)).widths < 2


def test_a_run_that_turns_nan_and_stops_is_as_far_as_can_be() -> None:
    values = np.append(healthy(50).values[:120], [math.nan])
    found = departure(build(SEEDS), curve(STEPS[:121], values))
    assert (found.widths, found.first_step, found.direction) == (CAP, 120, "nonfinite")


def test_infinities_between_healthy_steps_are_not_sustained() -> None:
    values = healthy(50).values.copy()
    values[[5, 6, 7]] = math.inf
    assert departure(build(SEEDS), curve(STEPS, values)).widths < 2


def test_nan_where_a_healthy_run_has_it_too_is_no_finding() -> None:
    values = np.full(200, math.nan)
    assert departure(build([healthy(0), curve(STEPS, values)]), curve(STEPS, values)).widths == 0


def test_a_norm_that_collapses_is_far_in_ratio() -> None:
    """0.003 is less than one linear width below a band from 0.3 to 0.9."""
    rng = np.random.default_rng(0)
    normal = [curve(STEPS, rng.uniform(0.3, 0.9, 200)) for _ in range(3)]
    run = curve(STEPS, np.full(200, 0.0003))
    assert departure(build(normal), run).widths > 5
    assert departure(build(normal), run).direction == "below"


def test_a_schedule_that_all_seeds_share_has_a_width_of_two_per_cent() -> None:
    schedule = curve(STEPS, np.full(200, 3e-3))
    band = build([schedule] * 3)
    assert departure(band, curve(STEPS, np.full(200, 3.03e-3))).widths == pytest.approx(0.5, rel=0.02)
    assert departure(band, curve(STEPS, np.full(200, 3.6e-3))).widths > 9


def test_what_all_seeds_share_is_compared_step_by_step() -> None:
    """A warmup that is two steps early is inside a window of steps, but no noise of any kind."""
    schedule = np.minimum(STEPS + 1, 50) / 50
    early = np.minimum(STEPS + 3, 50) / 50
    assert departure(build([curve(STEPS, schedule)] * 3), curve(STEPS, early)).widths > 5
    noisy = [curve(STEPS, schedule * (1 + 0.01 * k)) for k in range(3)]
    assert departure(build(noisy), curve(STEPS, early)).widths < 1


def test_seeds_that_cross_do_not_make_the_band_narrow_there() -> None:
    up, down = np.linspace(1, 3, 200), np.linspace(3, 1, 200)
    band = build([curve(STEPS, up), curve(STEPS, down)])
    assert departure(band, curve(STEPS, np.full(200, 2.5))).widths < 1


def test_a_peak_of_twice_the_height_is_one_width() -> None:
    column = "grad_norm/peak"
    band = build([curve(STEPS, np.full(200, 1.0))] * 3, bands.resolution_of(column), bands.relative_of(column))
    assert departure(band, curve(STEPS, np.full(200, 2.0))).widths == pytest.approx(1.0)


def test_resolution_keeps_a_grain_of_noise_from_counting() -> None:
    zero, one_unit = curve(STEPS, np.zeros(200)), curve(STEPS, np.full(200, 1 / 256))
    assert departure(build([zero] * 3, bands.resolution_of("dead_units/layer.0")), one_unit).widths < 1
    assert departure(build([zero] * 3), one_unit).widths > 1000


def test_sparse_columns_need_three_points() -> None:
    normal = [healthy(k, cadence=25) for k in range(3)]
    run = healthy(50, cadence=25)
    once, thrice = run.values.copy(), run.values.copy()
    once[4] += 40
    thrice[3:6] += 40
    assert departure(build(normal), curve(run.steps, once)).widths < 2
    assert departure(build(normal), curve(run.steps, thrice)).widths > 5


def test_steps_beyond_the_healthy_runs_are_not_judged() -> None:
    run = curve(np.arange(260), np.append(healthy(50).values, np.full(60, 1e5)))
    assert departure(build(SEEDS), run).widths < 2


def test_an_empty_curve_is_nowhere_and_a_band_needs_runs() -> None:
    assert departure(build(SEEDS), curve([], [])) == bands.NOWHERE
    with pytest.raises(ValueError, match="at least one"):
        build([])
    with pytest.raises(ValueError, match="same length"):
        curve([1, 2], [1.0])
