"""The one door to textual-plot: `Chart` draws the series of a piece of evidence.

What the library leaves undone is done here: a series is cut at values that are not finite and the place is marked,
the y axis can be logarithmic, curves are thinned to the columns of the view, series carry letters as well as colours,
and every segment has a style, which Textual's `NO_COLOR` filter needs. Importing this module imports numpy and
textual-plot; do so when a chart is first wanted.
"""

from __future__ import annotations

import string
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from rich.segment import Segment
from textual.app import ComposeResult
from textual.containers import Grid
from textual.content import Content
from textual.events import Mount
from textual.strip import Strip
from textual.widgets import Static
from textual_hires_canvas import Canvas, HiResMode, TextAlign
from textual_plot import PlotWidget
from textual_plot.axis_formatter import AxisFormatter
from textual_plot.plot_widget import LinePlot, ScatterPlot

from simulator.evidence import Series
from simulator.tui import curves
from simulator.tui.keys import bindings

LETTERS = string.ascii_lowercase
MARKS: dict[curves.Lost, str] = {"nan": "✕", "+inf": "▲", "-inf": "▼", "low": "▽"}
DARK = ("#7fb8d6", "#e0b060", "#8fc48f", "#d68fb0", "#b3a1e6", "#e08f70", "#70c7bd", "#c8c87a")
LIGHT = ("#1f6f9c", "#946200", "#2f7a36", "#a03368", "#5a48b0", "#b04a20", "#12766c", "#6b6b10")
ANSI = ("cyan", "yellow", "green", "magenta", "blue", "red", "bright_cyan", "bright_yellow")
LETTER_EVERY = 22
"""Columns from one letter of a series to its next."""
LEFT_MARGIN = 9


class Line(NamedTuple):
    """One series as drawn: cut into pieces, with its letter and colour."""

    name: str
    letter: str
    style: str
    baseline: bool
    pieces: curves.Pieces


class _Canvas(Canvas):
    """The library's canvas with a style on every segment."""

    def render_line(self, y: int) -> Strip:
        strip = super().render_line(y)
        base = self.rich_style
        return Strip([Segment(text, style or base, control) for text, style, control in strip], strip.cell_length)


class _Axis(AxisFormatter):
    """Ticks from `curves`, at most `most` of them."""

    def __init__(self) -> None:
        self.most = 6
        self.log = False
        self.hidden = False

    def get_ticks_and_labels(self, min_: float, max_: float, max_ticks: int = 8) -> tuple[list[float], list[str]]:
        if self.hidden:
            return [], []
        found = (curves.log_ticks if self.log else curves.ticks)(min_, max_, self.most)
        return [tick.at for tick in found], [tick.label for tick in found]

    def get_ticks(self, min_: float, max_: float, max_ticks: int = 8) -> list[float]:
        return self.get_ticks_and_labels(min_, max_)[0]

    def get_labels_for_ticks(self, ticks: Sequence[float]) -> list[str]:
        return [curves.brief(tick) for tick in ticks]


class Chart(PlotWidget, inherit_bindings=False):
    """A chart of up to 26 lettered series over steps. Call `show` with the series, then again to replace them."""

    DEFAULT_CSS = """
    Chart { height: 1fr; min-height: 5; }
    Chart > .plot--axis { color: $foreground 40%; }
    Chart:focus > .plot--axis { color: $accent; }
    Chart > .plot--tick { color: $foreground 75%; text-style: none; }
    Chart #legend { display: none; }
    Chart:ansi > .plot--axis { color: ansi_default; text-style: dim; }
    Chart:ansi > .plot--tick { color: ansi_default; }
    """
    BINDINGS = bindings("chart")
    key_places = ("chart",)

    margin_top = 0
    margin_bottom = 1
    margin_left = LEFT_MARGIN

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.log_y = False
        self.of: object = None
        self.lines: tuple[Line, ...] = ()
        self._series: tuple[Series, ...] = ()
        # `is_mounted` is still false while the event of mounting is handled.
        self._ready = False
        self._x_formatter = self._x_axis = _Axis()
        self._y_formatter = self._y_axis = _Axis()

    def compose(self) -> ComposeResult:
        with Grid():
            for name in ("margin-top", "margin-left", "plot", "margin-bottom"):
                yield _Canvas(1, 1, id=name)
        yield Static(id="legend")

    def on_mount(self, event: Mount) -> None:  # type: ignore[override]
        # The library's own handler would come after this one and forget the limits.
        event.prevent_default()
        self._update_margin_sizes()
        self._ready = True
        self.show(self._series, self.log_y)

    def notify_style_update(self) -> None:
        if self._ready:
            self.show(self._series, self.log_y, keep_view=True)

    def show(self, series: Sequence[Series], log_y: bool = False, keep_view: bool = False) -> None:
        """Draw `series`; with `keep_view` the steps in view stay as they are."""
        self._series, self.log_y = tuple(series), log_y
        self.lines = self._lines()
        if not self._ready:
            return
        points = [point for line in self.lines for segment in line.pieces.segments for point in segment]
        steps = [float(step) for one in self._series for step in one.steps]
        gaps = any(line.pieces.gaps for line in self.lines)
        bottom, top = curves.span([height for _, height in points], 0.04)
        room = (top - bottom) * 0.08 if gaps else 0.0
        self._y_axis.log, self._y_axis.hidden = log_y, not points
        view = None if self._user_x_min is None else (self._x_min, self._x_max)
        low, high = curves.span(steps)
        self.set_xlimits(low, high)
        self.set_ylimits(bottom - room, top + room)
        if keep_view and view is not None:
            self._x_min, self._x_max = view
        self._rerender()

    def toggle_log(self) -> None:
        self.show(self._series, not self.log_y, keep_view=True)

    def legend(self) -> Content:
        """Return the key to the lines and, in words, where values are missing."""
        shared, names = curves.short_names([line.name for line in self.lines if not line.baseline])
        own = iter(names)
        entries: list[Content] = []
        baselines = [line for line in self.lines if line.baseline]
        lettered = len(self.lines) - len(baselines) > 1
        last_step = max((step for one in self._series for step in one.steps), default=0)
        for line in self.lines:
            if line.baseline:
                continue
            notes = curves.gap_notes(line.pieces.gaps, last_step)
            key = f"{line.letter}━" if lettered else "━━"
            entry = Content.assemble((key, _content_style(line.style)), f" {next(own)}")
            entries.append(entry + Content(f" ({', '.join(notes)})") if notes else entry)
        if baselines:
            notes = sorted({note for line in baselines for note in curves.gap_notes(line.pieces.gaps, last_step)})
            entry = Content.assemble(("╌╌", "dim"), " known-good run")
            entries.append(entry + Content(f" ({', '.join(notes)})") if notes else entry)
        head = Content.assemble((shared, "dim"), "  ") if shared else Content("")
        return head + Content("  ").join(entries)

    def _lines(self) -> tuple[Line, ...]:
        lines: list[Line] = []
        own = [one for one in self._series if not one.baseline]
        for one in sorted(self._series, key=lambda series: not series.baseline):
            index = 0 if one.baseline else own.index(one)
            lines.append(
                Line(
                    name=one.name,
                    letter=" " if one.baseline else LETTERS[index % len(LETTERS)],
                    style="dim" if one.baseline else self._palette()[index % len(DARK)],
                    baseline=one.baseline,
                    pieces=curves.split(one.steps, one.values, self.log_y),
                )
            )
        return tuple(lines)

    def _palette(self) -> tuple[str, ...]:
        theme = self.app.current_theme
        if self.app.native_ansi_color:
            return ANSI
        return DARK if theme.dark else LIGHT

    def _zoom(self, center_x: float, center_y: float, factor: float, zoom_x: bool, zoom_y: bool) -> None:
        before = (self._x_min, self._x_max, self._y_min, self._y_max)
        super()._zoom(center_x, center_y, factor, zoom_x, zoom_y)
        self._keep_sane(before)

    def _pan(self, factor_x: float, factor_y: float) -> None:
        before = (self._x_min, self._x_max, self._y_min, self._y_max)
        super()._pan(factor_x, factor_y)
        self._keep_sane(before)

    def _keep_sane(self, before: tuple[float, float, float, float]) -> None:
        """Go back to the view `before` when the new one shows nothing or is too narrow for its numbers."""
        left, right, bottom, top = (self._user_x_min, self._user_x_max, self._user_y_min, self._user_y_max)
        if left is None or right is None or bottom is None or top is None:
            return
        wide, tall = right - left, top - bottom
        if (
            self._x_max - self._x_min < min(2.0, wide)
            or self._y_max - self._y_min < tall * 1e-6
            or self._x_max - self._x_min > 4 * wide
            or self._y_max - self._y_min > 4 * tall
            or not (self._x_min < right and self._x_max > left and self._y_min < top and self._y_max > bottom)
        ):
            self._x_min, self._x_max, self._y_min, self._y_max = before

    def _render_plot(self) -> None:
        found = self.query("#plot").results(_Canvas)
        canvas = next(iter(found), None)
        if canvas is None or canvas._canvas_size.width < 6 or canvas._canvas_size.height < 3:
            return
        if self._user_x_min is None:
            # Before `show` has set the limits, the library would take them from what few points are in its own.
            return
        width = self._scale_rectangle.width
        self._x_axis.most = max(2, width // 10)
        self._y_axis.most = max(2, min(10, self._scale_rectangle.height // 2))
        self._datasets = []
        for line in self.lines:
            self._add(line, 2 * width)
        with canvas.batch_refresh():
            super()._render_plot()
            _thin_frame(canvas)
            if sum(not line.baseline for line in self.lines) > 1:
                self._draw_letters(canvas, width)
            self._draw_gaps(canvas)
            self._say_if_nothing(canvas)

    def _add(self, line: Line, columns: int) -> None:
        """Turn a line into the library's data sets; a point on its own becomes a dot."""
        from numpy import array

        dots: list[curves.Point] = []
        for segment in line.pieces.segments:
            points = curves.thin(segment, self._x_min, self._x_max, columns)
            if len(segment) == 1:
                dots += segment
            parts = curves.dashes(points, self._x_min, self._x_max, columns, 4) if line.baseline else [points]
            for part in parts:
                if len(part) > 1:
                    x, y = array(part).T
                    self._datasets.append(LinePlot(x=x, y=y, line_style=line.style, hires_mode=HiResMode.BRAILLE))
        if dots:
            x, y = array(dots).T
            self._datasets.append(ScatterPlot(x=x, y=y, marker="•", marker_style=line.style, hires_mode=None))

    def _draw_letters(self, canvas: Canvas, width: int) -> None:
        own = [line for line in self.lines if not line.baseline]
        for index, line in enumerate(own):
            column = round(LETTER_EVERY * (index + 0.5) / len(own))
            while column < width:
                low, high = (self._x_min + (self._x_max - self._x_min) * (column + side) / width for side in (0, 1))
                point = _point_near(line.pieces.segments, (low + high) / 2, (self._x_max - self._x_min) / width * 3)
                if point is not None and self._in_view(*point):
                    canvas.set_pixel(*self.get_pixel_from_coordinate(*point), char=line.letter, style=line.style)
                column += LETTER_EVERY

    def _draw_gaps(self, canvas: Canvas) -> None:
        """Put a mark on the top or bottom row of every column in which a value could not be drawn."""
        region = self._scale_rectangle
        for line in self.lines:
            for gap in line.pieces.gaps:
                first, last = max(gap.first, self._x_min), min(gap.last, self._x_max)
                if first > last:
                    continue
                left, _ = self.get_pixel_from_coordinate(first, self._y_min)
                right, _ = self.get_pixel_from_coordinate(last, self._y_min)
                row = region.y if gap.why in ("nan", "+inf") else region.bottom - 1
                for x in range(left, min(right, region.right - 1) + 1):
                    canvas.set_pixel(x, row, char=MARKS[gap.why], style=line.style)
                if left >= region.right:
                    canvas.set_pixel(region.right - 1, row, char=MARKS[gap.why], style=line.style)

    def _say_if_nothing(self, canvas: Canvas) -> None:
        if any(line.pieces.segments for line in self.lines):
            return
        said = "no value here can be drawn" if any(line.pieces.gaps for line in self.lines) else "no values"
        size = canvas._canvas_size
        canvas.write_text(size.width // 2, size.height // 2, said, TextAlign.CENTER)

    def _in_view(self, x: float, y: float) -> bool:
        return self._x_min <= x <= self._x_max and self._y_min <= y <= self._y_max


def _thin_frame(canvas: Canvas) -> None:
    """Draw the library's heavy frame with thin lines, and keep its ticks below and at the left only."""
    width, height = canvas._canvas_size
    style = canvas.get_pixel(0, 0)[1]

    def put(x: int, y: int, plain: str, tick: str = "", heavy_tick: str = "") -> None:
        canvas.set_pixel(x, y, tick if tick and canvas.get_pixel(x, y)[0] in heavy_tick else plain, style)

    for x in range(1, width - 1):
        put(x, 0, "─")
        put(x, height - 1, "─", "┬", "┳")
    for y in range(1, height - 1):
        put(0, y, "│", "┤", "┫")
        put(width - 1, y, "│")
    for x, y, corner in ((0, 0, "┌"), (width - 1, 0, "┐"), (0, height - 1, "└"), (width - 1, height - 1, "┘")):
        put(x, y, corner)


def _point_near(segments: Sequence[Sequence[curves.Point]], step: float, reach: float) -> curves.Point | None:
    """Return the point of the line nearest to `step`, if there is one within `reach` steps."""
    best: curves.Point | None = None
    for segment in segments:
        at = bisect_left(segment, (step, 0.0))
        for point in segment[max(0, at - 1) : at + 1]:
            if abs(point[0] - step) <= reach and (best is None or abs(point[0] - step) < abs(best[0] - step)):
                best = point
    return best


def _content_style(style: str) -> str:
    """Translate a Rich style to Textual's spelling of it: colours of the terminal's own set carry a prefix."""
    return f"ansi_{style}" if style in ANSI else style
