"""Everything a candidate was shown: a list of pieces, and one of them as a chart, table, text or code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from simulator.evidence import Evidence
from simulator.tui.code import Code
from simulator.tui.keys import bindings
from simulator.tui.lines import Lines
from simulator.tui.literal import visible
from simulator.tui.tabular import table

if TYPE_CHECKING:
    from simulator.tui.plot import Chart


@dataclass
class Piece:
    """`number` is the event's, 0 for what was there from the start; `evidence` is None until it was fetched."""

    number: int
    title: str
    evidence: Evidence | None = None
    as_table: bool = False
    log_y: bool = False


class EvidencePane(Vertical):
    """Asks for a piece with `Wanted` when it is first looked at; `fill` hands it over."""

    key_places = ("evidence",)
    DEFAULT_CSS = """
    EvidencePane { height: 1fr; }
    EvidencePane > #pieces {
        height: auto; max-height: 25%; border: none; padding: 0; background: $background; scrollbar-size: 1 1;
    }
    EvidencePane > #pieces > .option-list--option-highlighted { text-style: bold; }
    EvidencePane > #piece-title { height: 1; color: $primary; text-style: bold; text-wrap: nowrap; text-overflow: ellipsis; }
    EvidencePane > #legend { height: auto; max-height: 4; color: $foreground; }
    EvidencePane > #beside { height: 40%; border-top: solid $foreground 30%; }
    EvidencePane > #nothing { height: 1fr; color: $foreground 70%; padding: 1 2; }
    EvidencePane > .-off { display: none; }
    EvidencePane:ansi > #pieces { background: ansi_default; }
    EvidencePane:ansi > #pieces > .option-list--option-highlighted { text-style: reverse; }
    EvidencePane:ansi > #nothing { color: ansi_default; }
    """  # noqa: E501
    BINDINGS = bindings("evidence")

    class Wanted(Message):
        """The piece with that number has to be fetched."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.pieces: list[Piece] = []
        self.current: int | None = None

    def compose(self) -> ComposeResult:
        yield OptionList(id="pieces", markup=False, compact=True)
        yield Static(id="piece-title", markup=False)
        yield Lines(id="lines")
        yield Code(id="shown-code")
        yield Static(id="legend", markup=False)
        yield Lines(id="beside")
        yield Static(
            "Nothing on the table yet. Ask for what you want to see, in your own words:\n\n"
            "    show me the gradient norm around step 200\n"
            "    what were the learning rate and the batch size?\n"
            "    does an earlier logit move when a later token changes?",
            id="nothing",
            markup=False,
        )

    def on_mount(self) -> None:
        self._draw()

    @property
    def chart(self) -> Chart | None:
        from simulator.tui.plot import Chart

        return next(iter(self.query(Chart)), None)

    @property
    def piece(self) -> Piece | None:
        return None if self.current is None else self.pieces[self.current]

    def add(self, number: int, title: str, evidence: Evidence | None = None, look: bool = True) -> None:
        """Put a piece at the end of the list, and with `look` in front of the candidate."""
        self.pieces.append(Piece(number, title, evidence, log_y=evidence.log_y if evidence else False))
        label = f"{number or '–':>3}  {visible(title)}"
        self.query_one("#pieces", OptionList).add_option(Option(label.splitlines()[0]))
        if look or self.current is None:
            self.look_at(len(self.pieces) - 1)

    def fill(self, number: int, evidence: Evidence) -> None:
        for piece in self.pieces:
            if piece.number == number and piece.evidence is None:
                piece.evidence, piece.log_y = evidence, evidence.log_y
        self._draw()

    def look_at(self, index: int) -> None:
        if not self.pieces:
            return
        self.current = max(0, min(index, len(self.pieces) - 1))
        pieces = self.query_one("#pieces", OptionList)
        # An echo of this would arrive after later pieces, and turn back to an earlier one.
        with pieces.prevent(OptionList.OptionHighlighted):
            pieces.highlighted = self.current
        piece = self.pieces[self.current]
        if piece.evidence is None:
            self.post_message(self.Wanted(piece.number))
        self._draw()

    def look_at_number(self, number: int) -> None:
        self.look_at(next((index for index, piece in enumerate(self.pieces) if piece.number == number), 0))

    def focus_target(self) -> Widget:
        """Return the widget that should get the keys."""
        shown = [widget for widget in (self.chart, self.query_one("#lines"), self.query_one("#shown-code"))
                 if widget is not None and not widget.has_class("-off")]  # fmt: skip
        return shown[0] if shown else self.query_one("#pieces", OptionList)

    @on(OptionList.OptionHighlighted, "#pieces")
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        if event.option_index != self.current:
            self.look_at(event.option_index)

    @on(OptionList.OptionSelected, "#pieces")
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.look_at(event.option_index)
        self.focus_target().focus()

    def action_step(self, by: int) -> None:
        if self.current is not None:
            self.look_at(self.current + by)

    def action_toggle_form(self) -> None:
        piece = self.piece
        if piece and piece.evidence and piece.evidence.kind == "curves":
            piece.as_table = not piece.as_table
            self._draw(refocus=True)

    def action_toggle_log(self) -> None:
        piece = self.piece
        if piece and piece.evidence and piece.evidence.kind == "curves":
            piece.log_y = not piece.log_y
            self._draw()

    def _draw(self, refocus: bool = False) -> None:
        piece = self.piece
        had_focus = refocus or any(widget.has_focus for widget in self.query("Chart, Lines, Code"))
        evidence = piece.evidence if piece else None
        as_chart = bool(piece and evidence and evidence.kind == "curves" and not piece.as_table)
        as_code = bool(evidence and evidence.kind == "code" and evidence.blocks)
        self._switch("#nothing", piece is None)
        self._switch("#pieces", piece is not None)
        self._switch("#piece-title", piece is not None)
        self._switch("#legend", as_chart)
        self._switch("#beside", bool(as_chart and evidence and evidence.beside))
        self._switch("#shown-code", as_code)
        self._switch("#lines", piece is not None and not as_chart and not as_code)
        if piece:
            said = visible(piece.title).splitlines()[0]
            form = "" if not as_chart or not piece.log_y else "  · log y"
            self.query_one("#piece-title", Static).update(Content(said + form))
        if piece and evidence and as_chart:
            self._draw_chart(piece, evidence)
        else:
            for chart in self.query("Chart"):
                chart.add_class("-off")
        if evidence and as_code:
            self.query_one("#shown-code", Code).show_code(evidence.blocks)
        elif piece and not as_chart:
            self._draw_lines(piece, evidence)
        if had_focus and piece is not None and self.screen.focused in (None, *self.query("Chart, Lines, Code")):
            self.call_after_refresh(lambda: self.focus_target().focus())

    def _draw_chart(self, piece: Piece, evidence: Evidence) -> None:
        from simulator.tui.plot import Chart

        chart = self.chart
        if chart is None:
            chart = Chart(id="chart")
            self.mount(chart, before="#legend")
        chart.remove_class("-off")
        same = chart.of is evidence
        chart.of = evidence
        chart.show(evidence.series, piece.log_y, keep_view=same)
        self.query_one("#legend", Static).update(chart.legend())
        if evidence.beside:
            self.query_one("#beside", Lines).show(_texts(evidence.beside))

    def _draw_lines(self, piece: Piece, evidence: Evidence | None) -> None:
        lines = self.query_one("#lines", Lines)
        if evidence is None:
            lines.show([Text("fetching …", style="dim")])
        elif evidence.kind == "curves":
            rows, head = table(evidence.series)
            shown = [Text(row, style="bold" if index < head else "") for index, row in enumerate(rows)]
            lines.show(shown + (_texts(f"\n{evidence.beside}") if evidence.beside else []), head)
        else:
            lines.show(_texts(evidence.text))

    def _switch(self, selector: str, on: bool) -> None:
        self.query_one(selector).set_class(not on, "-off")


def _texts(text: str) -> list[Text]:
    return [Text(line) for line in visible(text).split("\n")]
