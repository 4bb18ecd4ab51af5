"""After a round: the score with its reasons, what was wrong and how it could be seen, and the whole conversation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from grader.scorecard import MAXIMUM, Point, Scorecard
from simulator import report
from simulator.debrief import Debrief
from simulator.errors import FlatlineError
from simulator.interview import Interview
from simulator.report import shortened
from simulator.tui.chatlog import clock, told
from simulator.tui.frame import Frame
from simulator.tui.keys import bindings
from simulator.tui.literal import visible

if TYPE_CHECKING:
    from simulator.tui.app import FlatlineApp

BAR = 24
LONGEST_QUOTE = 200
PAGES = ("score", "answer", "way", "talk")
TITLES = {"score": "Score", "answer": "What was wrong", "way": "The way there", "talk": "Conversation"}


class Page(VerticalScroll, can_focus=True):
    DEFAULT_CSS = """
    Page { height: 1fr; padding: 0 2; scrollbar-size: 1 1; }
    Page > Static { height: auto; margin: 0 0 1 0; }
    Page > .-close { margin: 0; }
    Page > .-block { padding: 0 0 0 2; }
    """


class Row(Horizontal):
    """A short mark and, beside it, a text that wraps within its own column."""

    DEFAULT_CSS = """
    Row { height: auto; }
    Row.-last { margin: 0 0 1 0; }
    Row > .mark { width: 13; padding: 0 2 0 0; text-align: right; color: $foreground 85%; }
    Row.-bullet > .mark { width: 4; padding: 0 1 0 0; }
    Row > .text { width: 1fr; height: auto; }
    """

    def __init__(self, mark: str, text: Content) -> None:
        super().__init__(Static(mark, classes="mark", markup=False), Static(text, classes="text", markup=False))
        self.set_class(len(mark) == 1, "-bullet")


class DebriefScreen(Frame[None]):
    KEY_PLACES = ("debrief", "app")
    DEFAULT_CSS = """
    DebriefScreen > #top { height: 1; background: $panel; padding: 0 2; text-wrap: nowrap; }
    DebriefScreen > #top { link-style: none; link-color: $foreground; link-background: $panel; }
    DebriefScreen > #gap { height: 1; }
    DebriefScreen > .-off { display: none; }
    DebriefScreen:ansi > #top { background: ansi_default; }
    """
    BINDINGS = bindings("debrief")
    app: FlatlineApp

    def __init__(self, interview: Interview, debrief: Debrief) -> None:
        super().__init__()
        self.interview = interview
        self.debrief = debrief
        self.page = PAGES[0]
        self._asking = False

    def body(self) -> ComposeResult:
        yield Static(id="top")
        yield Static(id="gap")
        with Page(id="score"):
            yield from _laid_out(score_page(self.debrief.scorecard, self.interview.round))
        with Page(id="answer"):
            yield from _laid_out(answer_page(self.debrief))
        with Page(id="way"):
            yield from _laid_out(way_page(self.debrief))
        with Page(id="talk"):
            for event in self.interview.events:
                said = told(event)
                if said is not None:
                    yield said

    def on_mount(self) -> None:
        super().on_mount()
        self.action_page(PAGES[0])

    def action_page(self, name: str) -> None:
        self.page = name
        for page in PAGES:
            self.query_one(f"#{page}").set_class(page != name, "-off")
        self.query_one(f"#{name}").focus()
        tabs = [
            Content.assemble(
                (str(number), "dim"), (f" {TITLES[page]} ", "bold reverse" if page == name else "")
            ).stylize(f"@click=screen.page('{page}')")
            for number, page in enumerate(PAGES, 1)
        ]
        self.query_one("#top", Static).update(Content("  ").join(tabs))

    def action_turn(self, by: int) -> None:
        self.action_page(PAGES[(PAGES.index(self.page) + by) % len(PAGES)])

    def action_scroll(self, lines: int) -> None:
        self.query_one(f"#{self.page}").scroll_relative(y=lines, animate=False)

    def action_export(self) -> None:
        self.app.save_transcript(self.interview)

    def action_opinion(self) -> None:
        """Asks the configured model, while the debrief goes on; its answer comes to stand at the end of the score."""
        if self._asking:
            return
        self._asking = True
        self.notify("Asking the model for a second opinion …")
        self.run_worker(self._opinion, thread=True, exit_on_error=False)

    def _opinion(self) -> None:
        try:
            opinion, model = self.interview.second_opinion()
        except FlatlineError as error:
            self.app.call_from_thread(self._without_opinion, str(error))
        else:
            found = report.second_opinion(self.debrief.scorecard, opinion, self.interview.round, model)
            self.app.call_from_thread(self._with_opinion, found)

    def _without_opinion(self, why: str) -> None:
        self._asking = False
        self.notify(visible(why), severity="warning", markup=False)

    def _with_opinion(self, found: report.Section) -> None:
        parts: list[Part] = [Content.styled(found.title, "bold $primary")]
        for part in found.parts:
            text = Content(visible(part.text))
            parts.append(Item("·", text) if part.kind == "item" else text)
        self.query_one("#score").mount(*_laid_out(parts))
        self.action_page("score")
        self.call_after_refresh(self.query_one("#score").scroll_end, animate=False)

    def action_home(self) -> None:
        self.app.go_home()


def bar(points: float, out_of: float, width: int = BAR) -> Content:
    """Draw points as a bar, told apart without colour too."""
    full = round(width * max(0.0, min(1.0, points / out_of))) if out_of else 0
    return Content.assemble(("█" * full, "$accent"), ("·" * (width - full), "dim"))


class Item(NamedTuple):
    """A line of a list: a mark in a narrow column, a text beside it."""

    mark: str
    text: Content


class Block(NamedTuple):
    """A text that stands as it is, set in from the edge."""

    text: Content


Part = Content | Item | Block


def score_page(card: Scorecard, round: str) -> list[Part]:
    """Lay out the scorecard, part by part."""
    rows = [
        Content.assemble(f"{dimension:<14}", bar(card.dimensions.get(dimension, 0.0), out_of),
                         f"  {card.dimensions.get(dimension, 0.0):>4.1f} / {out_of}")
        for dimension, out_of in MAXIMUM[round].items()
    ]  # fmt: skip
    cause = Content.assemble(("Your cause: ", "bold"), (card.cause.verdict, "bold"), ". ", visible(card.cause.why))
    parts: list[Part] = [
        Content.assemble((f"{card.total:.0f}", "bold $accent"), " of 100   ", (card.recommendation, "bold")),
        Content("\n").join(rows),
        cause,
    ]
    if card.gates:
        parts.append(Content.styled("Limits on the score", "bold $warning"))
    for gate in card.gates:
        head = Content.assemble((visible(gate.name), "bold $warning"), f" — {visible(gate.effect)}")
        parts.append(Item("▲", head + Content(f"\n{visible(gate.reason)}")))
    quoted: set[int] = set()
    if card.red_flags:
        flags = [point_line(point, quoted) for point in card.red_flags]
        parts += [Content.styled("Red flags", "bold $error"), *flags]
    for title, lines in (("Went well", card.went_well), ("To work on", card.work_on)):
        if lines:
            parts += [Content.styled(title, "bold"), *(Item("·", Content(visible(line))) for line in lines)]
    for dimension in MAXIMUM[round]:
        mine = [point for point in card.points if point.dimension == dimension]
        if mine:
            laid_out = [point_line(point, quoted) for point in mine]
            parts += [Content.styled(dimension.capitalize(), "bold $primary"), *laid_out]
    return parts


def point_line(point: Point, quoted: set[int]) -> Item:
    """Lay out one point: what it gave, why, and the words it rests on, by their time alone once they were `quoted`."""
    if point.points is None:
        worth = "not scored"
    elif point.out_of:
        worth = f"{point.points:g} / {point.out_of:g}"
    else:
        worth = f"{point.points:+g}"
    text = Content.assemble((visible(point.name), "bold"), f"  {visible(point.reason)}")
    for quote in point.quotes:
        if quote.seq in quoted:
            text = text + Content.assemble((f"\n{clock(quote.at)}", "dim italic"))
            continue
        quoted.add(quote.seq)
        words = " ".join(visible(quote.text).split())
        words = words if len(words) <= LONGEST_QUOTE else words[: LONGEST_QUOTE - 1] + "…"
        text = text + Content.assemble((f"\n{clock(quote.at)}  “{words}”", "dim italic"))
    return Item(worth, text)


def way_page(debrief: Debrief) -> list[Part]:
    """Lay out what a strong candidate does, and what was done."""
    parts: list[Part] = [Content.styled("A strong candidate's way, and when you did it", "bold")]
    for wanted in debrief.strong:
        if wanted.at is None:
            parts.append(Item("not done", Content.styled(visible(wanted.what), "bold")))
        else:
            parts.append(Item(clock(wanted.at), Content(visible(wanted.what))))
    if debrief.taken:
        parts.append(Content.styled("Your way", "bold"))
    for stop in debrief.taken:
        remark = (f"\n{stop.remark}", "dim") if stop.remark else ""
        parts.append(Item(clock(stop.at), Content.assemble(visible(stop.what), remark)))
    return parts


def answer_page(debrief: Debrief) -> list[Part]:
    """Lay out what was wrong."""
    numbers = [f"#{number}" for number in debrief.catalogue if isinstance(number, int)]
    where = " · ".join([debrief.category, debrief.slug, *numbers])
    parts: list[Part] = [
        Content.assemble((visible(debrief.title), "bold $accent"), (f"\n{where}", "dim")),
        _section("Cause", debrief.root_cause),
        _section("Mechanism", debrief.mechanism),
    ]
    if debrief.diff.strip():
        parts += [Content.styled("The change that did it", "bold"), Block(coloured_diff(debrief.diff))]
    if debrief.fixes:
        parts += [
            Content.styled("Fixes that count", "bold"),
            *(Item("·", Content(visible(fix))) for fix in debrief.fixes),
        ]
    if debrief.decisive:
        parts.append(Content.styled("What shows it", "bold"))
        for found in debrief.decisive:
            figures = f": {visible(found.figures)}" if found.figures else ""
            parts.append(Item("·", Content.assemble((visible(found.name), "bold"), figures)))
    for piece in debrief.beside:
        parts += [Content.styled(visible(piece.title), "bold"), Block(Content(visible(shortened(piece.text))))]
    for question in debrief.follow_ups:
        parts.append(_section(question.question, question.model_answer))
    if debrief.references:
        parts.append(_section("To read on", "\n".join(debrief.references)))
    if debrief.device:
        run = f"Recorded on {debrief.device}, profile {debrief.profile}, seed {debrief.seed}."
        parts.append(Content.styled(visible(run), "dim"))
    return parts


def _laid_out(parts: Sequence[Part]) -> Iterator[Widget]:
    """Make widgets of parts: lists stand close together and right under their title."""
    for part, following in zip_longest(parts, parts[1:]):
        if isinstance(part, Item):
            row = Row(part.mark, part.text)
            row.set_class(not isinstance(following, Item), "-last")
            yield row
        else:
            text = part.text if isinstance(part, Block) else part
            close = "-close" if isinstance(following, Item | Block) else ""
            yield Static(text, classes=f"-block {close}" if isinstance(part, Block) else close, markup=False)


def coloured_diff(diff: str) -> Content:
    """Colour a unified diff; its own signs tell the lines apart without colour."""
    styles = {"+": "$success", "-": "$error", "@": "$primary"}
    lines = []
    for line in visible(diff).rstrip().split("\n"):
        heading = line.startswith(("+++", "---", "diff ", "index "))
        lines.append(Content.styled(line, "dim" if heading else styles.get(line[:1], "")))
    return Content("\n").join(lines)


def _section(title: str, text: str) -> Content:
    return Content.assemble((title, "bold"), f"\n{visible(text).strip()}")
