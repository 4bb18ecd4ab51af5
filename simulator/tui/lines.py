"""A pane of lines that are not wrapped: tables, texts and code, however long."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from simulator.tui.keys import bindings


class Lines(ScrollView, can_focus=True):
    """Shows lines, scrolled by keyboard or mouse; the first `head` of them stay at the top."""

    key_places = ("lines",)
    DEFAULT_CSS = """
    Lines { height: 1fr; scrollbar-size: 1 1; background: $background; }
    Lines:focus { background-tint: $foreground 4%; }
    Lines:ansi { background: ansi_default; }
    """
    BINDINGS = bindings("lines")

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.head = 0
        self._lines: list[Text] = []
        self._strips: dict[int, Strip] = {}

    def show(self, lines: Sequence[Text], head: int = 0) -> None:
        """Replace the lines and go to the top."""
        self._lines = list(lines)
        self.head = min(head, len(self._lines))
        self._strips.clear()
        width = max((cell_len(line.plain) for line in self._lines), default=0)
        self.virtual_size = Size(width + self.margin_cells, len(self._lines))
        self.scroll_to(0, 0, animate=False)
        self.refresh()

    @property
    def margin_cells(self) -> int:
        """Cells to the left of every line that do not scroll sideways."""
        return 0

    def margin_segments(self, index: int) -> list[Segment]:
        """Return the segments to the left of a line, `margin_cells` cells in all."""
        return []

    def line_style(self, index: int) -> Style | None:
        """Return a style to lay over a whole line."""
        return None

    def line_at(self, y: int) -> int:
        """Return the index of the line in row `y` of the view; it may lie beyond the last."""
        return y if y < self.head else y + int(self.scroll_offset.y)

    def render_line(self, y: int) -> Strip:
        index = self.line_at(y)
        width = self.size.width
        base = self.rich_style
        if index >= len(self._lines):
            return Strip.blank(width, base)
        strip = self._strips.get(index)
        if strip is None:
            strip = self._strips[index] = Strip(self._lines[index].render(self.app.console))
        gutter = self.margin_segments(index)
        used = self.margin_cells
        left = int(self.scroll_offset.x)
        text = strip.crop_extend(left, left + width - used, None)
        over = self.line_style(index)
        selection = self.text_selection
        if selection is not None and (spot := selection.get_span(index)) is not None:
            text = self._selected(index, spot, left, width - used)
        segments = [Segment(part, base + style if style else base) for part, style, _ in (*gutter, *text)]
        if over is not None:
            segments = [Segment(part, (style or base) + over) for part, style, _ in segments]
        return Strip(segments).adjust_cell_length(width, base + over if over else base).apply_offsets(left, index)

    def _selected(self, index: int, spot: tuple[int, int], left: int, width: int) -> Strip:
        start, end = spot
        line = self._lines[index].copy()
        style = self.screen.get_component_rich_style("screen--selection")
        line.stylize(style, start, len(line.plain) if end == -1 else end)
        return Strip(line.render(self.app.console)).crop_extend(left, left + width, None)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        return selection.extract("\n".join(line.plain for line in self._lines)), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._strips.clear()

    def action_up(self) -> None:
        self.scroll_relative(y=-1, animate=False)

    def action_down(self) -> None:
        self.scroll_relative(y=1, animate=False)

    def action_page(self, direction: int) -> None:
        self.scroll_relative(y=direction * max(1, self.size.height - self.head - 1), animate=False)

    def action_top(self) -> None:
        self.scroll_to(y=0, animate=False)

    def action_bottom(self) -> None:
        self.scroll_to(y=len(self._lines), animate=False)

    def action_sideways(self, cells: int) -> None:
        self.scroll_relative(x=cells, animate=False)


class Cursor(Lines):
    """Lines with one of them current."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.current = 0

    def show(self, lines: Sequence[Text], head: int = 0) -> None:
        self.current = 0
        super().show(lines, head)

    def go(self, index: int) -> None:
        """Make a line the current one and bring it into view."""
        self.current = max(0, min(index, len(self._lines) - 1))
        self.scroll_to_region(
            Region(int(self.scroll_offset.x), self.current, 1, 1), animate=False, x_axis=False, force=True
        )
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        self.go(self.line_at(event.y))

    def action_up(self) -> None:
        self.go(self.current - 1)

    def action_down(self) -> None:
        self.go(self.current + 1)

    def action_page(self, direction: int) -> None:
        self.go(self.current + direction * max(1, self.size.height - 1))

    def action_top(self) -> None:
        self.go(0)

    def action_bottom(self) -> None:
        self.go(len(self._lines) - 1)
