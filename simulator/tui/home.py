"""The first screen: choose a round, take up an unfinished one, look at past ones. Nothing here names a scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.events import Resize
from textual.message import Message
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from simulator.errors import FlatlineError
from simulator.tui.frame import Frame
from simulator.tui.keys import bindings
from simulator.tui.theme import logo

if TYPE_CHECKING:
    from simulator.store import Entry
    from simulator.tui.app import FlatlineApp

ROOMY = 22
"""Rows from which there is room for more than the lists."""
LEVELS: tuple[str | None, ...] = (None, "junior", "mid", "senior")
MINUTES: tuple[float | None, ...] = (None, 5, 10, 15, 20, 25, 45)
ROUNDS = {
    "debug": ("Debugging round", "a run went wrong: ask, look, find the cause", 20),
    "review": ("Code review", "the code is all there is: mark what is wrong", 10),
}
FIRST = (
    "Real training runs, some of them ruined by one small change. The interviewer answers what you ask and "
    "nothing else; afterwards you get a score with reasons. Pick a round and press enter."
)


class Past(NamedTuple):
    """What the store and the traces say: interviews, latest first, and a line on what is not in order."""

    entries: list[Entry]
    trouble: str


class Home(Frame[None]):
    KEY_PLACES = ("home", "app")
    DEFAULT_CSS = """
    Home > #logo { height: 2; padding: 0 2; color: $accent; text-wrap: nowrap; }
    Home > #name { height: 1; padding: 0 2; margin: 0 0 1 0; text-style: bold; }
    Home > #first { height: auto; max-height: 4; padding: 0 2; margin: 0 0 1 0; color: $foreground 75%; }
    Home > OptionList { text-wrap: nowrap; text-overflow: ellipsis; }
    Home > #rounds { height: auto; max-height: 8; margin: 0 1; border: none; background: $background; }
    Home > .-off { display: none; }
    Home.-low > #first { display: none; }
    Home > OptionList:focus { background-tint: $foreground 0%; }
    Home:ansi > OptionList:focus > .option-list--option-highlighted { text-style: reverse; }
    Home > #choice { height: 1; padding: 0 2; margin: 1 0 0 0; color: $foreground 75%; }
    Home > #trouble { height: auto; padding: 0 2; color: $warning; }
    Home > #past-title { height: 1; padding: 0 2; margin: 1 0 0 0; color: $foreground 60%; }
    Home > #past { height: 1fr; margin: 0 1; border: none; background: $background; scrollbar-size: 1 1; }
    Home:ansi > #first, Home:ansi > #choice, Home:ansi > #past-title { color: ansi_default; }
    Home:ansi > OptionList { background: ansi_default; }
    """
    BINDINGS = bindings("home")

    class Known(Message):
        def __init__(self, past: Past) -> None:
            super().__init__()
            self.past = past

    app: FlatlineApp

    def __init__(self) -> None:
        super().__init__()
        self.level: str | None = None
        self.minutes: float | None = None
        self._unfinished: list[Entry] = []
        self._looked = False

    def body(self) -> ComposeResult:
        yield Static(id="logo", markup=False)
        yield Static("f l a t l i n e", id="name", markup=False)
        yield Static(FIRST, id="first", markup=False)
        yield OptionList(*self._rounds(), id="rounds", markup=False)
        yield Static(id="choice", markup=False)
        yield Static(id="trouble", markup=False)
        yield Static(id="past-title", markup=False)
        yield OptionList(id="past", markup=False)

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#rounds", OptionList).focus()
        self._tell_choice()
        self.call_after_refresh(self.look_back)

    def on_screen_resume(self) -> None:
        if self.is_mounted and self.query("#past"):
            self.look_back()

    def on_resize(self, event: Resize) -> None:
        super().on_resize(event)
        self.query_one("#logo", Static).update("\n" + logo(max(0, event.size.width - 4)))
        self.set_class(event.size.height < ROOMY, "-low")

    def look_back(self) -> None:
        """Read history and state of the traces, off the screen's thread."""
        self.run_worker(self._look_back(), group="past", exclusive=True)

    async def _look_back(self) -> None:
        try:
            entries = await self.app.backstage.do(lambda: self.app.store().history())
        except FlatlineError as error:
            self.post_message(self.Known(Past([], str(error))))
            return
        self.post_message(self.Known(Past(entries, await self.app.backstage.do(_trouble))))

    @on(Known)
    def _known(self, message: Known) -> None:
        entries = message.past.entries
        self._unfinished = [entry for entry in entries if entry.closed is None]
        done = [entry for entry in entries if entry.closed is not None]
        trouble = self.query_one("#trouble", Static)
        trouble.update(message.past.trouble)
        trouble.set_class(not message.past.trouble, "-off")
        rounds = self.query_one("#rounds", OptionList)
        at = rounds.highlighted_option.id if rounds.highlighted_option and self._looked else None
        self._looked = True
        rounds.clear_options()
        # What was begun comes first, so that enter takes it up again.
        rounds.add_options(
            [*(Option(_resumable(entry), id=entry.id) for entry in self._unfinished[:3]), *self._rounds()]
        )
        known = [option.id for option in rounds.options]
        rounds.highlighted = known.index(at) if at in known else 0
        past = self.query_one("#past", OptionList)
        past.clear_options()
        past.add_options([Option(_line(entry), id=entry.id) for entry in done])
        past.set_class(not done, "-off")
        self.query_one("#past-title", Static).update(f"Finished rounds ({len(done)})" if done else "")
        self.query_one("#first", Static).set_class(bool(done), "-off")

    def _rounds(self) -> list[Option]:
        return [
            Option(Content.assemble((f"{name:<17}", "bold"), (what, "dim")), id=f"round-{key}")
            for key, (name, what, _) in ROUNDS.items()
        ]

    def _tell_choice(self) -> None:
        minutes = f"{self.minutes:g} minutes" if self.minutes else "20 minutes, a review 10"
        self.query_one("#choice", Static).update(
            Content.assemble("level ", (self.level or "any", "bold"), "   length ", (minutes, "bold"))
        )

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        chosen = event.option.id or ""
        if not chosen.startswith("round-"):
            self.app.open_session(chosen)
            return
        from simulator.interview import Options

        kind = chosen.removeprefix("round-")
        self.app.begin(Options(round=kind, level=self.level, minutes=self.minutes))

    def action_cycle_level(self) -> None:
        self.level = LEVELS[(LEVELS.index(self.level) + 1) % len(LEVELS)]
        self._tell_choice()

    def action_cycle_minutes(self) -> None:
        self.minutes = MINUTES[(MINUTES.index(self.minutes) + 1) % len(MINUTES)]
        self._tell_choice()

    def action_other_list(self) -> None:
        past, rounds = self.query_one("#past", OptionList), self.query_one("#rounds", OptionList)
        target = past if rounds.has_focus and not past.has_class("-off") else rounds
        target.focus()
        if target is past and past.highlighted is None:
            past.highlighted = 0


def _when(seconds: float) -> str:
    import datetime

    return datetime.datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M")


def _resumable(entry: Entry) -> Content:
    left = max(0.0, entry.minutes - entry.elapsed / 60)
    return Content.assemble(
        (f"{'Resume':<17}", "bold"),
        (f"{ROUNDS[entry.round][0].lower()} of {_when(entry.created)}, {left:.0f} minutes left", "dim"),
    )


def _line(entry: Entry) -> Content:
    score = f"{entry.total:>4.0f}  {entry.recommendation}" if entry.total is not None else "   –  not scored yet"
    return Content.assemble(
        (f"{_when(entry.created)}  {ROUNDS[entry.round][0]:<15}  {entry.level:<6} ", "dim"), (score, "bold")
    )


def _trouble() -> str:
    """Say in one line what is missing to play, nothing when all is there."""
    from simulator.table import playable
    from traces import library

    broken: list[str] = []
    try:
        if not list(playable(skipped=broken.append)) and not broken:
            return "No scenarios are installed: `flatline doctor` tells more."
    except FlatlineError as error:
        return str(error)
    if not library.runs():
        return f"No recorded runs in {library.root()}: only code reviews can be played. `flatline doctor` tells more."
    if broken:
        more = f" ({len(broken)} such)" if len(broken) > 1 else ""
        return f"{broken[0][:1].upper()}{broken[0][1:]}{more}"
    return ""
