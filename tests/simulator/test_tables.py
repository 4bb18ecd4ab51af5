"""Tables keep what matters, however many rows are left out."""

from __future__ import annotations

import math

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from simulator.evidence import Series
from simulator.tables import ROWS, SERIES_PER_TABLE, WIDTH, number, rows, table

_values = st.lists(st.floats(width=32), min_size=1, max_size=300)


def _series(values: list[float], name: str = "x") -> Series:
    return Series(name=name, steps=tuple(range(0, 3 * len(values), 3)), values=tuple(values))


@given(st.lists(_values, min_size=1, max_size=SERIES_PER_TABLE))
def test_extremes_and_the_first_value_that_is_not_finite_are_always_in(columns: list[list[float]]) -> None:
    series = [_series(values, str(i)) for i, values in enumerate(columns)]
    kept = set(rows(series))
    assert len(kept) <= ROWS
    for one in series:
        at = dict(zip(one.steps, one.values, strict=True))
        shown = [at[step] for step in kept if step in at]
        finite = [value for value in one.values if math.isfinite(value)]
        if finite:
            assert min(finite) in shown and max(finite) in shown
        broken = [i for i, value in enumerate(one.values) if not math.isfinite(value)]
        if broken:
            assert {one.steps[i] for i in range(max(0, broken[0] - 1), min(len(one.steps), broken[0] + 2))} <= kept
    assert max(one.steps[-1] for one in series) in kept and 0 in kept


def test_a_short_curve_is_whole_and_a_long_one_says_what_is_left_out() -> None:
    assert table([_series([1.0, 2.0])]).splitlines() == ["step  x", "   0  1", "   3  2"]
    assert "left out" in table([_series([float(i) for i in range(100)])])


def test_many_series_are_split_into_tables() -> None:
    text = table([_series([1.0, 2.0], f"layer {i}") for i in range(6)])
    assert text.count("step") == 2 and "layer 5" in text


@given(st.lists(st.text("abcdefgh ", min_size=1, max_size=30), min_size=1, max_size=12), st.booleans())
def test_tables_fit_a_terminal(names: list[str], baseline: bool) -> None:
    series = [_series([-1.2345e-12, 2.0, math.nan], name) for name in names]
    if baseline:
        series += [msgspec.structs.replace(one, baseline=True) for one in series]
    assert max(map(len, table(series).splitlines())) <= WIDTH


def test_four_significant_digits_and_names_for_the_rest() -> None:
    shown = [number(value) for value in (1234.567, 0.00012345, math.nan, math.inf, -math.inf)]
    assert shown == ["1235", "0.0001234", "NaN", "inf", "-inf"]
