"""After a round: the score with its reasons, what was wrong and how it could be seen, and the whole conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from grader.scorecard import MAXIMUM, Point, Scorecard
from simulator.debrief import Debrief
from simulator.interview import Interview
from simulator.tui.chatlog import clock, told
from simulator.tui.frame import Frame
from simulator.tui.keys import bindings
from simulator.tui.literal import visible

if TYPE_CHECKING:
    from simulator.tui.app import FlatlineApp

BAR = 24
PAGES = ("score", "answer", "talk")
TITLES = {"score": "Score", "answer": "What was wrong", "talk": "Conversation"}


class Page(VerticalScroll, can_focus=True):
    DEFAULT_CSS = """
    Page { height: 1fr; padding: 0 2; scrollbar-size: 1 1; }
    Page > Static { height: auto; margin: 0 0 1 0; }
    """


class DebriefScreen(Frame[None]):
    KEY_PLACES = ("debrief", "app")
    DEFAULT_CSS = """
    DebriefScreen > #top { height: 1; background: $panel; padding: 0 2; text-wrap: nowrap; }
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

    def body(self) -> ComposeResult:
        yield Static(id="top")
        yield Static(id="gap")
        with Page(id="score"):
            for content in score_page(self.debrief.scorecard, self.interview.round):
                yield Static(content, markup=False)
        with Page(id="answer"):
            for content in answer_page(self.debrief):
                yield Static(content, markup=False)
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

    def action_home(self) -> None:
        self.app.go_home()


def bar(points: float, out_of: float, width: int = BAR) -> Content:
    """Draw points as a bar, told apart without colour too."""
    full = round(width * max(0.0, min(1.0, points / out_of))) if out_of else 0
    return Content.assemble(("█" * full, "$accent"), ("·" * (width - full), "dim"))


def score_page(card: Scorecard, round: str) -> list[Content]:
    """Lay out the scorecard, part by part."""
    parts = [Content.assemble((f"{card.total:.0f}", "bold $accent"), " of 100   ", (card.recommendation, "bold"))]
    rows = []
    for dimension, out_of in MAXIMUM[round].items():
        points = card.dimensions.get(dimension, 0.0)
        rows.append(Content.assemble(f"{dimension:<14}", bar(points, out_of), f"  {points:>4.1f} / {out_of}"))
    parts.append(Content("\n").join(rows))
    parts.append(
        Content.assemble(("Your cause: ", "bold"), (card.cause.verdict, "bold"), ". ", visible(card.cause.why))
    )
    for gate in card.gates:
        head = Content.assemble(("▲ ", "$warning"), (visible(gate.name), "bold $warning"))
        parts.append(Content.assemble(head, f" — {visible(gate.effect)}\n  {visible(gate.reason)}"))
    for title, flags in (("Red flags", card.red_flags),):
        if flags:
            parts.append(Content.styled(title, "bold $error"))
            parts += [point_line(point) for point in flags]
    for title, lines in (("Went well", card.went_well), ("To work on", card.work_on)):
        if lines:
            body = Content("\n").join(Content(f"  · {visible(line)}") for line in lines)
            parts.append(Content.assemble((title, "bold"), "\n", body))
    for dimension in MAXIMUM[round]:
        mine = [point for point in card.points if point.dimension == dimension]
        if mine:
            parts.append(Content.styled(dimension.capitalize(), "bold $primary"))
            parts += [point_line(point) for point in mine]
    parts.append(Content.styled(f"Judged by: {card.judge}", "dim"))
    return parts


def point_line(point: Point) -> Content:
    """Lay out one point: what it gave, why, and the words it rests on."""
    if point.points is None:
        worth = "not scored"
    elif point.out_of:
        worth = f"{point.points:g} / {point.out_of:g}"
    else:
        worth = f"{point.points:+g}"
    line = Content.assemble(f"  {worth:>10}  ", (visible(point.name), "bold"), f"  {visible(point.reason)}")
    for quote in point.quotes:
        words = " ".join(visible(quote.text).split())
        words = words if len(words) <= 200 else words[:199] + "…"
        line = line + Content.assemble((f"\n              {clock(quote.at)}  “{words}”", "dim italic"))
    return line


def answer_page(debrief: Debrief) -> list[Content]:
    """Lay out what was wrong."""
    numbers = ", ".join(str(number) for number in debrief.catalogue)
    where = f"{debrief.category} · {debrief.slug} · {numbers}"
    parts = [
        Content.assemble((visible(debrief.title), "bold $accent"), (f"\n{where}", "dim")),
        _section("Cause", debrief.root_cause),
        _section("Mechanism", debrief.mechanism),
    ]
    if debrief.diff.strip():
        parts.append(Content.assemble(("The change that did it", "bold"), "\n", coloured_diff(debrief.diff)))
    if debrief.fixes:
        fixes = "\n".join(f"  · {visible(fix)}" for fix in debrief.fixes)
        parts.append(Content.assemble(("Fixes that count", "bold"), f"\n{fixes}"))
    if debrief.decisive:
        lines = "\n".join(
            f"  · {finding.diagnostic}{f': {finding.figures}' if finding.figures else ''}"
            for finding in debrief.decisive
        )
        parts.append(Content.assemble(("What shows it", "bold"), f"\n{visible(lines)}"))
    for question in debrief.follow_ups:
        parts.append(
            Content.assemble((visible(question.question), "bold"), f"\n  {visible(question.model_answer).strip()}")
        )
    if debrief.references:
        parts.append(_section("To read on", "\n".join(debrief.references)))
    run = f"Recorded on {debrief.device}, profile {debrief.profile}, seed {debrief.seed}." if debrief.device else ""
    return [*parts, Content.styled(visible(run), "dim")] if run else parts


def coloured_diff(diff: str) -> Content:
    """Colour a unified diff; its own signs tell the lines apart without colour."""
    styles = {"+": "$success", "-": "$error", "@": "$primary"}
    lines = []
    for line in visible(diff).rstrip("\n").split("\n"):
        heading = line.startswith(("+++", "---", "diff ", "index "))
        lines.append(Content.styled("  " + line, "dim" if heading else styles.get(line[:1], "")))
    return Content("\n").join(lines)


def _section(title: str, text: str) -> Content:
    return Content.assemble((title, "bold"), f"\n{visible(text).strip()}")
