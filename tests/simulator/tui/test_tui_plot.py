"""The chart, drawn for real from hand-made series."""

from __future__ import annotations

import math
import os

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from tui_driving import screen_text

from simulator.evidence import Series
from simulator.tui.plot import LETTERS, Chart
from simulator.tui.theme import THEME

nan, inf = math.nan, math.inf


class ChartApp(App[None]):
    def __init__(self, series: list[Series], log_y: bool = False, theme: str = "flatline") -> None:
        super().__init__()
        self.series, self.log_y, self.wanted = series, log_y, theme

    def compose(self) -> ComposeResult:
        yield Chart(id="chart")

    def on_mount(self) -> None:
        self.register_theme(THEME)
        self.theme = self.wanted
        chart = self.query_one(Chart)
        chart.show(self.series, self.log_y)
        chart.focus()


def curve(values: list[float], name: str = "loss", baseline: bool = False) -> Series:
    return Series(name=name, steps=tuple(range(len(values))), values=tuple(values), baseline=baseline)


async def drawn(pilot: Pilot[None]) -> str:
    await pilot.pause()
    await pilot.pause()
    return screen_text(pilot)


def braille(text: str) -> int:
    return sum("⠀" < character <= "⣿" for character in text)


def legend(pilot: Pilot[None]) -> str:
    return pilot.app.query_one(Chart).legend().plain


async def test_nan_is_marked_where_it_begins_and_never_bridged() -> None:
    values = [2.0] * 30 + [nan] * 30
    async with ChartApp([curve(values)]).run_test(size=(70, 16)) as pilot:
        text = await drawn(pilot)
        marked = next(row for row in text.split("\n") if "✕" in row)
        left = next(index for index, character in enumerate(marked) if character in "│┤")
        middle = (left + marked.rindex("│")) / 2
        assert abs(marked.index("✕") - middle) <= 2
        right_half = [row[int(middle) + 3 : -1] for row in text.split("\n")]
        assert not any(braille(row) for row in right_half)
        assert "NaN from step 30" in legend(pilot)


async def test_infinities_have_their_own_marks() -> None:
    async with ChartApp([curve([1.0, inf, 1.0, -inf, 1.0, 2.0])]).run_test(size=(70, 16)) as pilot:
        text = await drawn(pilot)
        assert "▲" in text and "▼" in text
        assert legend(pilot).endswith("(+inf at step 1, -inf at step 3)")


@pytest.mark.parametrize(
    "series",
    [
        [],
        [curve([])],
        [curve([nan, nan])],
        [curve([nan])],
        [curve([inf, -inf, nan])],
        [curve([3.0])],
        [curve([0.0])],
        [curve([3.0, 3.0, 3.0])],
        [curve([1e38, -1e38])],
        [curve([1e-40, 2e-40])],
        [curve([nan, 1.0, nan, 2.0, nan])],
        [curve([-1.0, 0.0])],
        [curve([float(step) for step in range(5000)])],
        [curve([1.0, 2.0]), curve([], "empty"), curve([nan, nan], "nan"), curve([5.0], "single")],
    ],
)
@pytest.mark.parametrize("log_y", [False, True])
@pytest.mark.parametrize("theme", ["flatline", "ansi-dark", "textual-light"])
async def test_odd_series_are_drawn_without_trouble(series: list[Series], log_y: bool, theme: str) -> None:
    async with ChartApp(series, log_y, theme).run_test(size=(60, 14)) as pilot:
        text = await drawn(pilot)
        assert "┌" in text and "└" in text
        if not any(math.isfinite(value) and (value > 0 or not log_y) for one in series for value in one.values):
            assert "no value" in text
        for key in ("plus", "minus", "Y", "y", "left", "up", "r"):
            await pilot.press(key)
        assert "┌" in await drawn(pilot)


async def test_no_colour_is_no_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "NO_COLOR", "1")
    async with ChartApp([curve([1.0, 5.0, nan]), curve([2.0, 1.0, 3.0], "b", True)]).run_test(size=(60, 14)) as pilot:
        assert pilot.app.no_color
        assert "✕" in await drawn(pilot)


async def test_a_spike_survives_thinning() -> None:
    values = [0.0] * 5000
    values[2345] = 9.0
    async with ChartApp([curve(values)]).run_test(size=(70, 16)) as pilot:
        rows = (await drawn(pilot)).split("\n")
        assert all(braille(row) for row in rows[2:13])


async def test_log_axis_has_powers_of_ten() -> None:
    async with ChartApp([curve([10.0**power for power in range(-3, 7)])], log_y=True).run_test(size=(70, 24)) as pilot:
        text = await drawn(pilot)
        assert "0.001 ┤" in text and "1e6 ┤" in text and "100 ┤" in text


async def test_series_are_lettered_and_a_baseline_is_broken_and_not() -> None:
    series = [curve([float(i)] * 40, f"activations/layer.{i}") for i in range(16)]
    series.append(curve([4.5] * 40, "activations/layer.0", baseline=True))
    async with ChartApp(series).run_test(size=(100, 40)) as pilot:
        text = await drawn(pilot)
        assert all(letter in text for letter in LETTERS[:16])
        assert "p━ 15" in legend(pilot) and "known-good run" in legend(pilot)
        assert legend(pilot).startswith("activations/layer.")
        assert len(legend(pilot)) < 4 * 78


async def test_zoom_pan_and_reset() -> None:
    async with ChartApp([curve([float(step % 7) for step in range(300)])]).run_test(size=(80, 20)) as pilot:
        chart = pilot.app.query_one(Chart)
        await drawn(pilot)
        home = (chart._x_min, chart._x_max, chart._y_min, chart._y_max)
        await pilot.press("plus", "plus")
        narrow = chart._x_max - chart._x_min
        assert narrow < home[1] - home[0] and (chart._y_min, chart._y_max) == home[2:]
        await pilot.press("right")
        assert chart._x_min > home[0] and chart._x_max - chart._x_min == pytest.approx(narrow)
        await pilot.press("r")
        assert (chart._x_min, chart._x_max, chart._y_min, chart._y_max) == home


async def test_zooming_and_panning_stop_before_nothing_is_left_to_see() -> None:
    async with ChartApp([curve([1.0, 2.0, 3.0])]).run_test(size=(60, 14)) as pilot:
        chart = pilot.app.query_one(Chart)
        await drawn(pilot)
        for key in ("plus", "Y", "left", "up"):
            await pilot.press(*[key] * 15)
        assert chart._x_max > 0 and chart._x_min < 2 and chart._x_max - chart._x_min >= 1
        assert "┌" in await drawn(pilot)


async def test_log_toggle_keeps_the_steps_in_view() -> None:
    async with ChartApp([curve([float(step + 1) for step in range(300)])]).run_test(size=(80, 20)) as pilot:
        chart = pilot.app.query_one(Chart)
        await drawn(pilot)
        await pilot.press("plus", "plus")
        view = (chart._x_min, chart._x_max)
        chart.toggle_log()
        await drawn(pilot)
        assert (chart._x_min, chart._x_max) == view and chart._y_max < 3
