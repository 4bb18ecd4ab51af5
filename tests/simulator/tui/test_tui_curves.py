import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.tui import curves

nan, inf = math.nan, math.inf
VALUES = st.lists(st.floats(width=32, allow_nan=True, allow_infinity=True), max_size=300)


@given(VALUES, st.booleans())
def test_split_keeps_every_value_once(values: list[float], log: bool) -> None:
    pieces = curves.split(range(len(values)), values, log)
    drawn = {int(step): height for segment in pieces.segments for step, height in segment}
    missing = sum(gap.times for gap in pieces.gaps)
    assert len(drawn) + missing == len(values)
    for step, height in drawn.items():
        assert math.isfinite(height)
        assert height == (math.log10(values[step]) if log else values[step])
    for gap in pieces.gaps:
        assert all(curves.lost(values[step], log) == gap.why for step in range(gap.first, gap.last + 1))


def test_split_never_bridges_a_gap() -> None:
    pieces = curves.split([0, 1, 2, 3, 4], [1.0, nan, 2.0, inf, -inf])
    assert pieces.segments == (((0.0, 1.0),), ((2.0, 2.0),))
    assert pieces.gaps == (
        curves.Gap("nan", 1, 1, 1),
        curves.Gap("+inf", 3, 3, 1),
        curves.Gap("-inf", 4, 4, 1),
    )


def test_split_refuses_unequal_lengths() -> None:
    with pytest.raises(ValueError):
        curves.split([0, 1], [1.0])


@given(st.lists(st.floats(-1e30, 1e30), min_size=1, max_size=2000), st.integers(1, 160))
def test_thin_keeps_extremes_of_every_column(heights: list[float], columns: int) -> None:
    points = [(float(step), height) for step, height in enumerate(heights)]
    high = float(max(1, len(points) - 1))
    kept = curves.thin(points, 0.0, high, columns)
    assert kept == sorted(kept, key=lambda point: point[0])
    assert set(kept) <= set(points)
    assert kept[0] == points[0] and kept[-1] == points[-1]
    assert len(kept) <= max(4 * columns, 4 * (columns + 2))
    column = [math.floor(step * columns / high) for step, _ in points]
    for index in set(column):
        mine = [height for at, (_, height) in zip(column, points, strict=True) if at == index]
        here = [height for step, height in kept if math.floor(step * columns / high) == index]
        assert max(here) == max(mine) and min(here) == min(mine)


def test_thin_keeps_a_single_spike_among_many() -> None:
    points = [(float(step), 0.0) for step in range(10_000)]
    points[6_789] = (6_789.0, 40.0)
    assert (6_789.0, 40.0) in curves.thin(points, 0.0, 9_999.0, 60)


def test_thin_keeps_one_neighbour_outside_the_view() -> None:
    points = [(float(step), float(step)) for step in range(100)]
    assert [step for step, _ in curves.thin(points, 40.5, 42.5, 10)] == [40.0, 41.0, 42.0, 43.0]


@given(st.lists(st.floats(-1e38, 1e38)), st.floats(0, 0.5))
def test_span_is_never_empty_and_holds_all(numbers: list[float], margin: float) -> None:
    low, high = curves.span(numbers, margin)
    assert low < high
    assert all(low <= number <= high for number in numbers)


@given(st.floats(-1e38, 1e38), st.floats(-1e38, 1e38), st.integers(1, 12))
def test_ticks_lie_inside_ascend_and_differ(one: float, other: float, most: int) -> None:
    low, high = curves.span([one, other])
    got = curves.ticks(low, high, most)
    assert len(got) <= most
    positions = [tick.at for tick in got]
    assert positions == sorted(positions)
    room = (high - low) * 1e-6
    assert all(low - room <= at <= high + room for at in positions)


@pytest.mark.parametrize(
    ("low", "high", "most", "labels"),
    [
        (0, 300, 6, ["0", "100", "200", "300"]),
        (0, 1, 6, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (2.05, 2.31, 3, ["2.1", "2.2", "2.3"]),
        (0, 3e-5, 3, ["0", "2e-5"]),
        (0, 2e9, 2, ["0", "2e9"]),
    ],
)
def test_tick_labels(low: float, high: float, most: int, labels: list[str]) -> None:
    assert [tick.label for tick in curves.ticks(low, high, most)] == labels


@pytest.mark.parametrize(
    ("low", "high", "most", "labels"),
    [
        (-3.2, 3.1, 10, ["0.001", "0.01", "0.1", "1", "10", "100", "1000"]),
        (-6, 6, 4, ["1e-6", "0.01", "100", "1e6"]),
        (0.301, 0.8, 4, ["2", "4", "6"]),
    ],
)
def test_log_tick_labels(low: float, high: float, most: int, labels: list[str]) -> None:
    got = curves.log_ticks(low, high, most)
    assert [tick.label for tick in got] == labels
    assert all(low - 1e-6 <= tick.at <= high + 1e-6 for tick in got)


@pytest.mark.parametrize(
    ("values", "notes"),
    [
        ([1.0, 2.0], []),
        ([1.0, nan, nan], ["NaN from step 1"]),
        ([1.0, inf, 1.0], ["+inf at step 1"]),
        ([nan, nan, 1.0], ["NaN steps 0-1"]),
        ([nan, 1.0, nan, -inf], ["NaN at 2 steps from 0", "-inf at step 3"]),
    ],
)
def test_gap_notes(values: list[float], notes: list[str]) -> None:
    assert curves.gap_notes(curves.split(range(len(values)), values).gaps, len(values) - 1) == notes


def test_log_axis_says_what_it_leaves_out() -> None:
    pieces = curves.split([0, 1, 2], [0.0, 10.0, -1.0], log=True)
    assert pieces.segments == (((1.0, 1.0),),)
    assert curves.gap_notes(pieces.gaps, 2) == ["≤ 0 at 2 steps from 0"]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["activations/layer.0", "activations/layer.1"], ("activations/layer.", ["0", "1"])),
        (["loss", "grad_norm"], ("", ["loss", "grad_norm"])),
        (["loss"], ("", ["loss"])),
        (["a/b", "a/b/c"], ("a/", ["b", "b/c"])),
    ],
)
def test_short_names(names: list[str], expected: tuple[str, list[str]]) -> None:
    assert curves.short_names(names) == expected


@pytest.mark.parametrize(
    ("value", "text"), [(0.02134, "0.02134"), (3.2e-5, "3.2e-5"), (12400.0, "1.24e4"), (nan, "NaN"), (-inf, "-inf")]
)
def test_brief(value: float, text: str) -> None:
    assert curves.brief(value) == text


def test_dashes_lie_on_the_line_and_cover_half_of_it() -> None:
    points = [(float(step), 2.0 * step) for step in range(0, 101, 10)]
    pieces = curves.dashes(points, 0.0, 100.0, 100, length=5)
    assert len(pieces) == 10
    assert all(y == pytest.approx(2 * x) for piece in pieces for x, y in piece)
    assert sum(piece[-1][0] - piece[0][0] for piece in pieces) == pytest.approx(50.0)
