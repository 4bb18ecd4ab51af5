"""Code with its line numbers, and in a review the marks a candidate puts on lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.message import Message

from simulator.evidence import CodeBlock
from simulator.tui.keys import bindings
from simulator.tui.lines import Cursor
from simulator.tui.literal import visible

Place = tuple[str, int]


class Row(NamedTuple):
    """A line of the pane: a line of code at a `place`, or the name of a file."""

    place: Place | None
    text: Text


class Code(Cursor):
    """Blocks of code. With `marking` lines can be marked by keyboard."""

    DEFAULT_CSS = """
    Code { scrollbar-gutter: stable; }
    """
    BINDINGS = bindings("code")

    class Changed(Message):
        """The marks are others now; `lines` are all of them, sorted."""

        def __init__(self, lines: tuple[Place, ...]) -> None:
            super().__init__()
            self.lines = lines

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.marking = False
        self.marks: set[Place] = set()
        self._blocks: tuple[CodeBlock, ...] = ()
        self._rows: list[Row] = []
        self._digits = 1

    @property
    def key_places(self) -> tuple[str, ...]:  # type: ignore[override]
        return ("code", "lines") if self.marking else ("lines",)

    def show_code(self, blocks: Sequence[CodeBlock], marks: Iterable[Place] = (), marking: bool = False) -> None:
        """Show `blocks`; the same blocks again keep the place in them."""
        self.marking, self.marks = marking, set(marks)
        if tuple(blocks) == self._blocks:
            self.refresh()
            return
        self._blocks = tuple(blocks)
        self._rows = rows(self._blocks, self._pygments_theme())
        self._digits = max((len(str(row.place[1])) for row in self._rows if row.place), default=1)
        self.show([row.text for row in self._rows])
        self.current = next((index for index, row in enumerate(self._rows) if row.place), 0)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        if self._blocks and self.is_mounted:
            self._rows = rows(self._blocks, self._pygments_theme())
            self._lines = [row.text for row in self._rows]

    def _pygments_theme(self) -> str:
        dark = self.app.current_theme.dark
        if self.app.native_ansi_color:
            return "ansi_dark" if dark else "ansi_light"
        return "github-dark" if dark else "xcode"

    @property
    def margin_cells(self) -> int:
        return self._digits + 4

    def margin_segments(self, index: int) -> list[Segment]:
        place = self._rows[index].place
        if place is None:
            return [Segment(" " * self.margin_cells)]
        pointer = "›" if index == self.current and self.has_focus else " "
        if place in self.marks:
            return [
                Segment(pointer),
                Segment("●", Style(bold=True, color="red" if self.app.native_ansi_color else "#e08080")),
                Segment(f" {place[1]:>{self._digits}} ", Style(bold=True)),
            ]
        return [Segment(pointer), Segment("  "), Segment(f"{place[1]:>{self._digits}} ", Style(dim=True))]

    def line_style(self, index: int) -> Style | None:
        if index == self.current and self.has_focus:
            return Style(reverse=True) if self.app.native_ansi_color else Style(bgcolor="#2b343b")
        return None

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def action_mark(self) -> None:
        if not self.marking or not self._rows:
            return
        place = self._rows[self.current].place
        if place is None:
            return
        self.marks ^= {place}
        self._marked()

    def action_unmark_all(self) -> None:
        if self.marks:
            self.marks.clear()
            self._marked()

    def action_next_mark(self) -> None:
        marked = [index for index, row in enumerate(self._rows) if row.place in self.marks]
        if marked:
            self.go(next((index for index in marked if index > self.current), marked[0]))

    def _marked(self) -> None:
        self.refresh()
        self.post_message(self.Changed(tuple(sorted(self.marks))))


def rows(blocks: Sequence[CodeBlock], theme: str) -> list[Row]:
    """Lay blocks out as lines, coloured by Pygments, each block under its file's name."""
    from rich.syntax import Syntax

    found: list[Row] = []
    for block in blocks:
        if found:
            found.append(Row(None, Text()))
        found.append(Row(None, Text(visible(block.file), style="bold")))
        source = "\n".join(visible(line) for line in block.lines)
        syntax = Syntax("", "python", theme=theme, background_color="default")
        coloured = _without_background(syntax.highlight(source)).split("\n", allow_blank=True)
        for offset, line in enumerate(block.lines):
            text = coloured[offset] if offset < len(coloured) else Text(visible(line))
            text.rstrip()
            found.append(Row((block.file, block.first_line + offset), text))
    return found


def _without_background(text: Text) -> Text:
    """Keep the colours of the letters only; the theme's own ground would show as patches on the screen's."""
    found = Text(text.plain)
    for start, end, style in text.spans:
        if isinstance(style, Style):
            found.stylize(Style(color=style.color, bold=style.bold, italic=style.italic), start, end)
    return found
