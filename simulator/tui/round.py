"""A round: conversation, evidence, code, notes and the clock."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import Resize
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Static, TextArea

from grader.events import AnyEvent, Candidate, Closed, Shown
from simulator.errors import FlatlineError
from simulator.evidence import CodeBlock, Evidence
from simulator.interview import Interview
from simulator.session import clean
from simulator.tui import keys
from simulator.tui.chatlog import ChatLog, Said, clock
from simulator.tui.code import Code
from simulator.tui.composer import Composer
from simulator.tui.confirm import Confirm
from simulator.tui.evidencepane import EvidencePane
from simulator.tui.frame import Frame
from simulator.tui.keys import bindings

if TYPE_CHECKING:
    from simulator.model.enquiry import Enquiry
    from simulator.tui.app import FlatlineApp

WIDE = 110
"""Columns from which conversation and evidence stand side by side."""
PANES = {"debug": ("chat", "evidence", "code", "notes"), "review": ("chat", "code", "notes")}
"""The panes of each kind of round; a review has nothing but its code."""
PLACEHOLDERS = {
    "debug": "Ask, think aloud, claim a cause …  (enter sends, ctrl+j new line)",
    "review": "Say what is wrong, and why …  (enter sends; F4, then space marks a line)",
}
LAST_SECONDS = 120.0
POLL_SECONDS = 0.05
"""How often the answer of a model is looked for."""
NOTE_SECONDS = 0.8
"""Pause in typing after which the note pad is put on disk."""


class Side(Vertical):
    """Holds what is beside the conversation."""

    key_places = ("aside",)


class Round(Frame[None]):
    KEY_PLACES = ("round", "app")
    CSS_PATH = "round.tcss"
    BINDINGS = bindings("round", "aside")

    class Heard(Message):
        """Events of the session, on disk already, with the evidence among them."""

        def __init__(self, events: Sequence[AnyEvent], evidence: Sequence[tuple[Shown, Evidence]] = ()) -> None:
            super().__init__()
            self.events = events
            self.evidence = evidence

    class Laid(Message):
        """What lies on the table from the start."""

        def __init__(self, evidence: Sequence[Evidence], code: Sequence[CodeBlock]) -> None:
            super().__init__()
            self.evidence = evidence
            self.code = code

    class Waiting(Message):
        """A message is being thought about, and its reply has come as far as `reply`."""

        def __init__(self, text: str, reply: str) -> None:
            super().__init__()
            self.text = clean(text).strip()
            self.reply = reply

    class Fetched(Message):
        def __init__(self, number: int, evidence: Evidence) -> None:
            super().__init__()
            self.number = number
            self.evidence = evidence

    class Failed(Message):
        """Something was refused or could not be stored; `text` is what the candidate typed, if anything."""

        def __init__(self, why: str, text: str | None = None) -> None:
            super().__init__()
            self.why = why
            self.text = text

    app: FlatlineApp

    def __init__(self, interview: Interview) -> None:
        super().__init__()
        self.interview = interview
        self.pane = "chat"
        self.side = "code" if interview.round == "review" else "evidence"
        self._wide = False
        self._ticking = False
        self._unsent: deque[str | None] = deque()
        self._talking = False
        self._hurried = False
        self._waiting: list[str] = []
        self._reply = ""
        self._put_back: str | None = None
        self._trouble: str | None = None
        self._note_timer: Timer | None = None
        self._code: list[CodeBlock] = []
        self._ended = False

    def body(self) -> ComposeResult:
        with Horizontal(id="top"):
            yield Static(f"{self.interview.round} · {self.interview.level}", id="what", markup=False)
            yield Static(id="tabs")
            yield Static(id="clock", markup=False)
        with Horizontal(id="body"):
            yield ChatLog(id="chat", can_focus=False)
            with Side(id="side"):
                yield EvidencePane(id="evidence")
                yield Code(id="code")
                yield Static(id="no-code", markup=False)
                yield TextArea(id="notes", soft_wrap=True, placeholder="Your notes; nobody else reads them.")
        yield Composer(id="composer", placeholder=PLACEHOLDERS[self.interview.round])

    def on_mount(self) -> None:
        super().on_mount()
        composer = self.query_one(Composer)
        events = self.interview.events
        for event in events:
            if isinstance(event, Candidate):
                composer.remember(event.text)
        notes = self.query_one("#notes", TextArea)
        with notes.prevent(TextArea.Changed):
            notes.text = self.interview.notes
        composer.focus()
        self._show_code()
        self._arrange()
        self._tell_time()
        self.run_worker(self._lay(events), group="talk")
        self.set_interval(1.0, self._tick)

    # -- the session, off the screen's thread

    async def _lay(self, events: Sequence[AnyEvent]) -> None:
        """Fetch what a fresh or resumed round shows: the opening, code seen before, and the last piece of evidence."""
        interview, do = self.interview, self.app.backstage.do
        try:
            self.post_message(self.Laid(await do(interview.opening_evidence), await do(interview.code)))
            shown = [event for event in events if isinstance(event, Shown) and event.recorded]
            at_once = [event for event in shown if event.request.diagnostic == "code" or event is shown[-1]]
            evidence = [(event, await do(interview.evidence, event)) for event in at_once]
        except FlatlineError as error:
            evidence = []
            self.post_message(self.Failed(str(error)))
        self.post_message(self.Heard(events, evidence))

    def _say(self, text: str | None) -> None:
        """Send a message, or finish the round (None), after what has been said before."""
        self._unsent.append(text)
        if not self._talking:
            self._talking = True
            self.run_worker(self._talk(), group="talk")
        elif text is not None:
            self.run_worker(self._receive(text), group="talk")

    async def _talk(self) -> None:
        try:
            while self._unsent:
                text = self._unsent.popleft()
                await (self._quietly("finish", "finished") if text is None else self._send(text))
        finally:
            self._talking = False

    async def _receive(self, text: str) -> None:
        # Where this fails, sending the message will fail too and say so.
        with contextlib.suppress(FlatlineError):
            if await self.app.backstage.do(self.interview.receive, text):
                self.post_message(self.Waiting(text, ""))

    async def _send(self, text: str) -> None:
        do = self.app.backstage.do
        try:
            enquiry = None if self._hurried else await do(self.interview.enquire, text)
            if enquiry is not None:
                await self._think(text, enquiry)
            events = await do(self.interview.send, text, enquiry)
        except FlatlineError as error:
            self.post_message(self.Failed(str(error), text))
            return
        await self._pass_on(events)

    async def _think(self, text: str, enquiry: Enquiry) -> None:
        """Wait for the model's answer to a message, unless the round is being left."""
        reply = None
        while not enquiry.over and not self._hurried:
            if enquiry.reply != reply:
                reply = enquiry.reply
                self.post_message(self.Waiting(text, reply))
            await asyncio.sleep(POLL_SECONDS)

    async def _pass_on(self, events: Sequence[AnyEvent]) -> None:
        shown = [event for event in events if isinstance(event, Shown) and event.recorded]
        try:
            evidence = [(event, await self.app.backstage.do(self.interview.evidence, event)) for event in shown]
        except FlatlineError as error:
            evidence = []
            self.post_message(self.Failed(str(error)))
        if events:
            self.post_message(self.Heard(events, evidence))

    async def _quietly(self, call: str, *values: object) -> None:
        """Do a call of the interview whose events show nothing by themselves."""
        try:
            events = await self.app.backstage.do(getattr(self.interview, call), *values)
        except FlatlineError as error:
            self.post_message(self.Failed(str(error)))
            return
        self._trouble = None
        await self._pass_on(events)

    def _tick(self) -> None:
        self._tell_time()
        if not self._ticking and not self._ended:
            self._ticking = True
            self.run_worker(self._one_tick(), group="tick")

    async def _one_tick(self) -> None:
        try:
            await self._quietly("tick")
        finally:
            self._ticking = False

    async def _fetch(self, number: int) -> None:
        event = next(event for event in self.interview.events if isinstance(event, Shown) and event.n == number)
        try:
            evidence = await self.app.backstage.do(self.interview.evidence, event)
        except FlatlineError as error:
            self.post_message(self.Failed(str(error)))
            return
        self.post_message(self.Fetched(number, evidence))

    # -- what came back

    @on(Laid)
    def _laid(self, message: Laid) -> None:
        pane = self.query_one(EvidencePane)
        for evidence in message.evidence:
            pane.add(0, evidence.title, evidence, look=not pane.pieces)
        self._code += message.code
        self._show_code()

    @on(Heard)
    async def _heard(self, message: Heard) -> None:
        pane = self.query_one(EvidencePane)
        fetched = {shown.n: evidence for shown, evidence in message.evidence}
        last = max(fetched, default=None)
        for event in message.events:
            if isinstance(event, Shown) and event.recorded:
                pane.add(event.n, event.title, fetched.get(event.n), look=event.n == last)
        for _, evidence in message.evidence:
            self._code += [block for block in evidence.blocks if block not in self._code]
        self._show_code()
        self._tell_tabs()
        composer = self.query_one(Composer)
        if any(
            isinstance(e, Candidate) and self._put_back and e.text == self._put_back.strip() for e in message.events
        ):
            if composer.text == self._put_back:
                composer.text = ""
            self._put_back = None
        for event in message.events:
            if isinstance(event, Candidate):
                self._answered(event.text)
        if await self.query_one(ChatLog).tell(message.events, self._waiting, self._reply):
            composer.border_subtitle = "more below · PgDn"
        if any(isinstance(event, Closed) for event in message.events):
            self._ended = True
            await self._leave_notes()
            self.app.show_debrief(self.interview)

    @on(Waiting)
    async def _thinking(self, message: Waiting) -> None:
        if message.text not in self._waiting:
            self._waiting.append(message.text)
        if message.text == self._waiting[0]:
            self._reply = message.reply
        await self.query_one(ChatLog).tell((), self._waiting, self._reply)

    def _answered(self, text: str) -> None:
        if text in self._waiting:
            self._waiting.remove(text)
            self._reply = ""

    @on(Fetched)
    def _fetched(self, message: Fetched) -> None:
        self.query_one(EvidencePane).fill(message.number, message.evidence)

    @on(Failed)
    async def _failed(self, message: Failed) -> None:
        if message.text is not None:
            self._answered(clean(message.text).strip())
            await self.query_one(ChatLog).tell((), self._waiting, self._reply)
            composer = self.query_one(Composer)
            composer.put_back(message.text)
            self._put_back = composer.text
        if message.text is not None or message.why != self._trouble:
            self.notify(message.why, severity="error", timeout=12, markup=False)
        self._trouble = message.why

    # -- what the candidate does

    @on(Composer.Sent)
    def _sent(self, message: Composer.Sent) -> None:
        match message.text.strip().lower():
            case "/finish":
                self.action_finish()
            case "/help":
                self.app.action_help()
            case _:
                if not self._wide:
                    # Where one pane fills the screen, the reply would come unseen behind another.
                    self.action_pane("chat")
                self._say(message.text)

    @on(Composer.ScrollLog)
    def _scroll_log(self, message: Composer.ScrollLog) -> None:
        log = self.query_one(ChatLog)
        log.page(message.direction)
        if message.direction > 0:
            self.query_one(Composer).border_subtitle = ""

    @on(Composer.Trouble)
    def _composer_trouble(self, message: Composer.Trouble) -> None:
        self.notify(message.text, severity="warning", markup=False)

    @on(EvidencePane.Wanted)
    def _wanted(self, message: EvidencePane.Wanted) -> None:
        if message.number:
            self.run_worker(self._fetch(message.number), group="fetch")

    @on(Said.Chosen)
    def _chosen(self, message: Said.Chosen) -> None:
        self.query_one(EvidencePane).look_at_number(message.number)
        self.action_pane("evidence")

    @on(Code.Changed)
    def _marked(self, message: Code.Changed) -> None:
        self.run_worker(self._quietly("mark", message.lines), group="talk")
        self._tell_tabs()

    @on(TextArea.Changed, "#notes")
    def _noted(self) -> None:
        if self._note_timer is not None:
            self._note_timer.stop()
        self._note_timer = self.set_timer(NOTE_SECONDS, self._keep_notes)

    def _keep_notes(self) -> None:
        self.run_worker(self._leave_notes(), group="notes")

    async def _leave_notes(self) -> None:
        if self._note_timer is not None:
            self._note_timer.stop()
            self._note_timer = None
        text = self.query_one("#notes", TextArea).text
        if text != self.interview.notes and not self.interview.closed:
            await self._quietly("note", text)

    async def put_away(self) -> None:
        """Put on disk what is not there yet; to be called before the program ends."""
        await self._leave_notes()
        self._hurried = True
        while self._talking:
            await asyncio.sleep(POLL_SECONDS)

    @property
    def panes(self) -> tuple[str, ...]:
        return PANES[self.interview.round]

    def action_pane(self, name: str) -> None:
        if name not in self.panes:
            name = "code"
        self.pane = name
        if name != "chat":
            self.side = name
        self._arrange()
        match name:
            case "chat":
                self.query_one(Composer).focus()
            case "evidence":
                self.query_one(EvidencePane).focus_target().focus()
            case "code" if self._code:
                self.query_one("#code", Code).focus()
            case "notes":
                self.query_one("#notes", TextArea).focus()

    def action_next_pane(self) -> None:
        self.action_pane(self.panes[(self.panes.index(self.pane) + 1) % len(self.panes)])

    def action_type(self) -> None:
        self.query_one(Composer).focus()

    def action_save_transcript(self) -> None:
        self.app.save_transcript(self.interview)

    def action_finish(self) -> None:
        question = "Finish the round and see the score?\n\nIt cannot be taken up again afterwards."
        if not self.interview.diagnosed:
            question = f"You have not claimed a cause yet.\n\n{question}"
        self.app.push_screen(Confirm(question), self._finish)

    def _finish(self, yes: bool | None) -> None:
        if yes:
            self.run_worker(self._close(), group="talk")

    async def _close(self) -> None:
        self._hurried = True
        await self._leave_notes()
        self._say(None)

    # -- layout

    def on_resize(self, event: Resize) -> None:
        super().on_resize(event)
        self._arrange()

    def _arrange(self) -> None:
        """Show what the width has room for: one pane, or the conversation and one pane beside it."""
        self._wide = self.size.width >= WIDE
        self.set_class(self._wide, "-wide")
        self.query_one("#chat").set_class(not self._wide and self.pane != "chat", "-off")
        self.query_one("#side").set_class(not self._wide and self.pane == "chat", "-off")
        side = self.side if self._wide or self.pane == "chat" else self.pane
        self.query_one("#evidence").set_class(side != "evidence", "-off")
        self.query_one("#notes").set_class(side != "notes", "-off")
        self.query_one("#code").set_class(side != "code" or not self._code, "-off")
        self.query_one("#no-code").set_class(side != "code" or bool(self._code), "-off")
        self._tell_tabs()

    def _show_code(self) -> None:
        review = self.interview.round == "review"
        code = self.query_one("#code", Code)
        if self._code:
            code.show_code(self._code, code.marks or self.interview.marked, marking=review)
        self.query_one("#no-code", Static).update(
            "fetching …" if review else "No code yet.\n\nAsk for a part of it once you suspect it, and say why."
        )
        self._arrange()

    def _tell_tabs(self) -> None:
        keymap = self.app.keymap_shown
        counts = {
            "evidence": len(self.query_one(EvidencePane).pieces),
            "code": len(self.query_one("#code", Code).marks),
        }
        parts = []
        for name in self.panes:
            key = next(key for key in keys.TABLE if key.id == f"round.{name}")
            count = f"·{counts[name]}" if counts.get(name) else ""
            here = name == self.pane or (self._wide and name in ("chat", self.side))
            style = "bold reverse" if name == self.pane else ("bold underline" if here else "")
            label = Content.styled(f" {name}{count} ", style)
            spelled = keys.spelled(key, keymap)
            parts.append(Content.assemble((spelled, "dim"), label).stylize(f"@click=screen.pane('{name}')"))
        self.query_one("#tabs", Static).update(Content(" ").join(parts))

    def _tell_time(self) -> None:
        left = self.interview.remaining()
        widget = self.query_one("#clock", Static)
        widget.update(f"{clock(left)} left" if left > 0 else "time is up")
        widget.set_class(left < LAST_SECONDS, "-late")
