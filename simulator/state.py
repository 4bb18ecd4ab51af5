"""The state of an interview as a fold over its events: nothing in it that the events do not say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from grader.events import (
    AnyEvent,
    Candidate,
    Closed,
    FollowUpAsked,
    Hint,
    Interviewer,
    Marked,
    Noted,
    Notice,
    Request,
    Resumed,
    Sent,
    Shown,
    Started,
)

MARKS = ("half", "two_minutes", "time_up")  # in the order in which they are reached
PROGRESS_ACTS = {"hypothesis", "diagnosis", "fix", "verify", "answer"}


@dataclass
class State:
    """All times are seconds of the interview's clock."""

    started: Started | None = None
    closed: Closed | None = None
    seq: int = 0
    at: float = 0.0
    said: list[Candidate] = field(default_factory=list)
    # Messages that were sent and not yet heard.
    waiting: list[str] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)
    # Areas whose code was asked for and met with a question; "code" stands for all of it.
    pushed_back: set[str] = field(default_factory=set)
    hints: int = 0
    hint_offered: bool = False
    diagnoses: int = 0
    asked: list[FollowUpAsked] = field(default_factory=list)
    answered: set[str] = field(default_factory=set)
    lines: tuple[tuple[str, int], ...] = ()
    notes: str = ""
    mark: str | None = None
    time_up_at: float | None = None
    last_active: float = 0.0
    last_progress: float = 0.0
    silence_noticed: bool = False
    last_spoken: Interviewer | None = None

    @classmethod
    def of(cls, events: Iterable[AnyEvent]) -> State:
        state = cls()
        for event in events:
            state.apply(event)
        return state

    @property
    def open_question(self) -> FollowUpAsked | None:
        """The follow-up that waits for an answer."""
        return next((asked for asked in self.asked if asked.id not in self.answered), None)

    @property
    def last_line(self) -> str:
        """What the interviewer said last."""
        return self.last_spoken.text if self.last_spoken else ""

    @property
    def offered(self) -> bool:
        """Whether the interviewer's last words offered a hint."""
        return self.last_spoken is not None and self.last_spoken.why == "check_in"

    @property
    def seen(self) -> set[Request]:
        """What has been shown, recorded or not."""
        return {shown.request for shown in self.shown}

    def apply(self, event: AnyEvent) -> None:
        self.seq, self.at = event.seq, event.at
        if isinstance(event, Interviewer):
            self.last_spoken = event
        match event:
            case Started():
                self.started = event
            case Closed():
                self.closed = event
            case Sent():
                self.waiting.append(event.text)
                self.active(event.at)
            case Candidate():
                self._candidate(event)
            case Interviewer(why="push_back"):
                if self.said:
                    self.pushed_back |= {r.area or "code" for r in self.said[-1].requests if r.diagnostic == "code"}
            case Interviewer(why="check_in"):
                self.hint_offered = True
            case Shown():
                if event.request not in self.seen:
                    self.last_progress = event.at
                self.shown.append(event)
            case Marked():
                self.lines = event.lines
                self.active(event.at)
            case Noted():
                self.notes = event.text
                self.active(event.at)
            case Hint():
                self.hints = event.rung
                self.last_progress = event.at
            case FollowUpAsked():
                self.asked.append(event)
            case Notice(mark="silence"):
                self.silence_noticed = True
            case Notice():
                self.mark = event.mark
                if event.mark == "time_up":
                    self.time_up_at = event.at
            case Resumed():
                self.active(event.at)

    def active(self, at: float) -> None:
        self.last_active = at
        self.silence_noticed = False

    def _candidate(self, event: Candidate) -> None:
        self.said.append(event)
        if event.text in self.waiting:
            self.waiting.remove(event.text)
        self.active(event.at)
        if PROGRESS_ACTS & set(event.acts):
            self.last_progress = event.at
        if "diagnosis" in event.acts and event.follow_up is None:
            self.diagnoses += 1
        if event.follow_up is not None:
            self.answered.add(event.follow_up)
