"""One interview with everything it needs: what both faces, the screens and the plain mode, are made on."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from grader.events import AnyEvent, Interviewer, Shown, Started
from simulator.errors import FlatlineError
from simulator.evidence import CodeBlock, Evidence
from simulator.model.endpoint import Endpoint, configured
from simulator.session import Session, Setup, clean
from simulator.store import Entry, Store

if TYPE_CHECKING:
    from grader.opinion import Opinion
    from grader.scorecard import Scorecard
    from simulator.debrief import Debrief
    from simulator.model.consultant import Consultant
    from simulator.model.enquiry import Enquiry
    from simulator.table import Table

MINUTES = {"debug": 20.0, "review": 10.0}
LEVELS = ("junior", "mid", "senior")
BEAT_SECONDS = 2.0
Model = Callable[[], Endpoint | None]


def no_model() -> None:
    """The model of an interview that is only looked at."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of a new interview; None leaves the choice to chance.

    `scenario` is a slug, a number of the anonymous list, or a catalogue number or name; `seed` makes the choices
    repeatable, and picks the recorded run of that seed when there is one; `pack` is a folder of further scenarios.
    """

    round: str = "debug"
    scenario: str | None = None
    seed: int | None = None
    minutes: float | None = None
    level: str | None = None
    pack: str | None = None


class Interview:
    """Made by `begin` or `resume`. Every event is in the store before a method returns it."""

    def __init__(
        self,
        store: Store,
        table: Table,
        setup: Setup,
        events: Iterable[AnyEvent] = (),
        *,
        elapsed: float = 0.0,
        monotonic: Callable[[], float] = time.monotonic,
        model: Model = no_model,
    ) -> None:
        self._store = store
        self._table = table
        self._monotonic = monotonic
        self._before, self._since = elapsed, monotonic()
        self._beaten = elapsed
        self._lock = threading.RLock()
        events = list(events)
        self._stored = self._returned = len(events)
        self._session = Session(
            setup, table, self.elapsed, events, ear=table.ear, guide=table.guide, vocabulary=table.vocabulary
        )
        self.about_model: str | None = None
        self._consultant: Consultant | None = None
        self._connect(model, events)

    @classmethod
    def begin(
        cls,
        options: Options,
        store: Store,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        skipped: Callable[[str], None] = lambda line: None,
        model: Model = configured,
    ) -> Interview:
        """A new interview, opened. `skipped` is told in a line what chance had to leave out.

        Raises FlatlineError when what is asked for cannot be had.
        """
        from simulator.table import choose

        check(options)
        table = choose(options, [entry.scenario for entry in store.history()], random.Random(options.seed), skipped)
        round: Literal["debug", "review"] = "review" if options.round == "review" else "debug"
        minutes = MINUTES[round] if options.minutes is None else float(options.minutes)
        setup = Setup(
            session=store.new_id(), round=round, scenario=table.slug, profile=table.profile, seed=table.seed,
            minutes=minutes, level=table.scenario.level, opening=table.opening(round, minutes),
        )  # fmt: skip
        interview = cls(store, table, setup, monotonic=monotonic, model=model)
        events = interview._session.start()
        assert isinstance(events[0], Started)
        store.create(events[0], str(options.pack) if options.pack else None)
        interview._keep()
        return interview

    @classmethod
    def resume(
        cls,
        store: Store,
        session_id: str | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        model: Model = configured,
    ) -> Interview:
        """The interview of that id (None: the one worked on last), where it stood; a closed one opens closed.

        Raises FlatlineError when there is none, or what it was about is no longer there.
        """
        entry = store.entry(session_id) if session_id is not None else store.unfinished()
        if entry is None:
            raise FlatlineError("there is no unfinished interview: start one with `flatline play`")
        interview = cls._opened(store, entry, monotonic, model)
        interview._session.resumed(now() - entry.beat)
        for text in [*interview._session.state.waiting]:
            interview._session.hear(text)
        interview._keep()
        return interview

    @classmethod
    def look(cls, store: Store, session_id: str) -> Interview:
        """The interview of that id to read in; nothing is added to it. Raises FlatlineError as `resume` does."""
        return cls._opened(store, store.entry(session_id), time.monotonic)

    @classmethod
    def _opened(cls, store: Store, entry: Entry, monotonic: Callable[[], float], model: Model = no_model) -> Interview:
        from simulator.table import Table

        events = store.events(entry.id)
        if not events or not isinstance(events[0], Started):
            raise FlatlineError(f"interview {entry.id} holds no events: start a new one with `flatline play`")
        first = events[0]
        opening = next((e.text for e in events if isinstance(e, Interviewer)), "")
        setup = Setup(
            session=entry.id, round=first.round, scenario=first.scenario, profile=first.profile, seed=first.seed,
            minutes=first.minutes, level=first.level, opening=opening,
        )  # fmt: skip
        table = Table.of(first, entry.pack)
        elapsed = max(entry.elapsed, events[-1].at)
        return cls(store, table, setup, events, elapsed=elapsed, monotonic=monotonic, model=model)

    def _connect(self, model: Model, events: list[AnyEvent]) -> None:
        """Sets `about_model`: which model hears what is said, or why the one that is configured does not."""
        try:
            endpoint = model()
        except FlatlineError as error:
            self.about_model = str(error)
            return
        if endpoint is not None:
            from simulator.model.consultant import Consultant

            settings = endpoint.settings
            self.about_model = f"A model hears what you say: {settings.model} at {settings.place}."
            self._consultant = Consultant(endpoint, self._session.setup, self._table.vocabulary, events)

    # -- what a face may ask

    @property
    def events(self) -> list[AnyEvent]:
        return list(self._session.events)

    @property
    def session_id(self) -> str:
        return self._session.setup.session

    @property
    def round(self) -> Literal["debug", "review"]:
        return self._session.setup.round

    @property
    def minutes(self) -> float:
        return self._session.setup.minutes

    @property
    def level(self) -> str:
        return self._session.setup.level

    @property
    def closed(self) -> bool:
        return self._session.state.closed is not None

    @property
    def marked(self) -> tuple[tuple[str, int], ...]:
        """The lines marked now, as (file, line number)."""
        return self._session.state.lines

    @property
    def diagnosed(self) -> bool:
        """Whether a cause has been claimed."""
        return self._session.state.diagnoses > 0

    @property
    def notes(self) -> str:
        return self._session.state.notes

    def elapsed(self) -> float:
        """Seconds on the interview's clock; it stands still while the program is away and after the end."""
        if self._session.state.closed is not None:
            return self._session.state.closed.at
        return self._before + self._monotonic() - self._since

    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.minutes * 60 - self.elapsed())

    # -- what a face may do; each returns the new events

    def send(self, text: str, enquiry: Enquiry | None = None) -> list[AnyEvent]:
        """The candidate says something. An enquiry about it that is not over yet is given up."""
        with self._lock:
            if enquiry is None or self._consultant is None:
                self._session.hear(text)
                return self._keep()
            from simulator.model.consultant import warmer

            session = self._session
            found = self._consultant.found(enquiry, text, session.state, session.events)
            own, session.reworded = session.reworded, warmer(found.reply, session.state)
            try:
                session.hear(text, found.heard)
            finally:
                session.reworded = own
            if found.why is not None:
                session.unaided(found.why, found.off)
            return self._keep()

    def enquire(self, text: str) -> Enquiry | None:
        """Asks the model, if there is one that can help, about a message that is then to be sent along with it.

        The message is on disk when this returns an enquiry, which takes its time elsewhere.
        """
        with self._lock:
            session, text = self._session, clean(text).strip()
            if self._consultant is None or self.closed or not text:
                return None
            heard = session.understood(text)
            enquiry = self._consultant.enquire(text, heard, session.state, session.events, self.remaining())
            if enquiry is not None:
                self.receive(text)
            return enquiry

    def receive(self, text: str) -> bool:
        """Puts a message on disk that is to be sent later, behind one that a model is asked about.

        False where there is no model, and so nothing to wait for.
        """
        with self._lock:
            if self._consultant is None:
                return False
            self._session.sent(text)
            self._put_away()
            return True

    def tick(self) -> list[AnyEvent]:
        """To be called about once a second: says what the clock makes due and leaves a sign of life."""
        with self._lock:
            self._session.tick()
            events = self._keep()
            now = self.elapsed()
            if not events and not self.closed and now - self._beaten >= BEAT_SECONDS:
                self._store.beat(self.session_id, now)
                self._beaten = now
            return events

    def mark(self, lines: Iterable[tuple[str, int]]) -> list[AnyEvent]:
        """Marks lines of the review's code (all of them at once). Raises FlatlineError for a line not on screen."""
        with self._lock:
            lines = list(lines)
            shown = {(block.file, block.first_line + i) for block in self.code() for i in range(len(block.lines))}
            for file, number in lines:
                if (file, number) not in shown:
                    raise FlatlineError(f"{file}:{number} is not on the screen")
            self._session.mark(lines)
            return self._keep()

    def note(self, text: str) -> list[AnyEvent]:
        with self._lock:
            self._session.note(text)
            return self._keep()

    def finish(self, reason: Literal["finished", "given_up", "time_up"] = "finished") -> list[AnyEvent]:
        with self._lock:
            self._session.finish(reason)
            return self._keep()

    # -- what is on the table

    def evidence(self, shown: Shown) -> Evidence:
        """The piece of evidence that an event put on the table; its plain form alone if it can be read no more."""
        plain = Evidence(title=shown.title, kind="text", text=shown.summary, recorded=shown.recorded)
        if not shown.recorded:
            return plain
        try:
            return self._table.fetch(shown.request)
        except FlatlineError:
            return plain

    def opening_evidence(self) -> list[Evidence]:
        """What is on the table from the start of a debugging round; nothing in a review."""
        return self._table.opening_evidence() if self.round == "debug" else []

    def code(self) -> list[CodeBlock]:
        """The code of a review, with the line numbers of its files; nothing in a debugging round."""
        return self._table.snippet() if self.round == "review" else []

    # -- afterwards

    def scorecard(self) -> Scorecard:
        """Raises FlatlineError while the interview is open."""
        return self._card

    def debrief(self) -> Debrief:
        """Raises FlatlineError while the interview is open."""
        from simulator.debrief import make

        return make(self._table, self.events, self.scorecard())

    def second_opinion(self) -> tuple[Opinion, str]:
        """What the configured model makes of it, and the model's name; this takes a while. Raises FlatlineError."""
        from simulator.debrief import second_opinion

        return second_opinion(self._table.slug, self.events, self._table.pack)

    @cached_property
    def _card(self) -> Scorecard:
        if not self.closed:
            raise FlatlineError("the score is made when the interview is closed: /finish closes it")
        from simulator.debrief import score

        card = score(self._table.slug, self.events, self._started.profile, self._table.pack)
        self._store.score(self.session_id, card.total, card.recommendation)
        return card

    @property
    def _started(self) -> Started:
        started = self._session.state.started
        assert started is not None
        return started

    def _keep(self) -> list[AnyEvent]:
        self._put_away()
        events = self._session.events[self._returned :]
        self._returned += len(events)
        return events

    def _put_away(self) -> None:
        # Whatever is not on disk yet: what could not be stored, or was said before something went wrong, is not lost.
        events = self._session.events[self._stored :]
        if events:
            self._store.append(self.session_id, events, events[-1].at)
            self._beaten = events[-1].at
            self._stored += len(events)


def check(options: Options) -> None:
    """Raises FlatlineError for options that make no sense, whatever scenarios there are."""
    if options.round == "loop":
        raise FlatlineError("`--round loop` is not there yet: play `--round debug` or `--round review`")
    if options.round not in MINUTES:
        raise FlatlineError(f"there is no round {options.round!r}: choose debug or review")
    if options.level is not None and options.level not in LEVELS:
        raise FlatlineError(f"there is no level {options.level!r}: choose {', '.join(LEVELS)}")
    if options.minutes is not None and not 1 <= options.minutes <= 240:
        raise FlatlineError("--minutes takes a number from 1 to 240")
    if options.pack is not None and not Path(options.pack).expanduser().is_dir():
        raise FlatlineError(f"there is no scenario pack at {options.pack}: --pack takes a folder")
