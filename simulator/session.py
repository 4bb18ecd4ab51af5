"""The interview as a pure event machine: a message goes in, events come out. It neither reads nor writes anything.

Everything from outside (evidence, clock, ear, guide) is handed in, and the state is a fold over the events, so that a
session made from the events of another one goes on exactly where that one stood.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, NamedTuple, Protocol

import msgspec

from grader.events import (
    Act,
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
    Unaided,
)
from scenarios.schema import Guide, Vocabulary
from simulator.errors import FlatlineError
from simulator.evidence import Evidence
from simulator.interviewer import mouth, settings, turns
from simulator.interviewer.reasons import areas_with_reason
from simulator.state import MARKS, State

SILENCE_SECONDS = 180.0
STUCK_SECONDS = 300.0
LAST_STATEMENT_SECONDS = 120.0
FOLLOW_UPS = 2
HINTS = 3
# What a reply to an open follow-up may be instead of an answer.
NOT_AN_ANSWER = {"request", "hint", "options", "concept", "meta", "fishing"}
SHORT = 3  # words of a message that can only be the name of something, such as "loss curve"
SKIPS = {"/skip", "/pass"}
KINDS = {"curve": "Curves", "fact": "Facts", "data": "Data", "output": "Outputs", "check": "Checks", "code": "Code"}


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What an interview is about. `opening` is the interviewer's whole first speech."""

    session: str
    round: Literal["debug", "review"]
    scenario: str
    profile: str
    seed: int
    minutes: float
    level: str
    opening: str


class Understood(Protocol):
    """What the ear made of a message: all acts (the main one first), requests, a concept's term, a question back."""

    @property
    def acts(self) -> Sequence[Act]: ...
    @property
    def requests(self) -> Sequence[Request]: ...
    @property
    def concept(self) -> str | None: ...
    @property
    def question(self) -> str | None: ...


class _Heard(NamedTuple):
    acts: tuple[Act, ...]
    requests: tuple[Request, ...]
    concept: str | None
    question: str | None


class Fetcher(Protocol):
    """Gets evidence. `fetch` gives a piece with `recorded=False` for what the run does not hold."""

    def fetch(self, request: Request) -> Evidence: ...


Ear = Callable[[str, State], Understood]


class Session:
    """One interview.

    `clock` gives the interview's seconds, `wall` the time of day (ISO 8601, UTC), `ear` understands a message in the
    light of the state and never raises, `guide` opens the guide, which happens only for a hint or after a diagnosis.
    Every method returns the events it added, oldest first; after the interview is closed nothing adds any.
    """

    def __init__(
        self,
        setup: Setup,
        desk: Fetcher,
        clock: Callable[[], float],
        events: Iterable[AnyEvent] = (),
        *,
        ear: Ear,
        guide: Callable[[], Guide],
        vocabulary: Vocabulary,
        wall: Callable[[], str] | None = None,
    ) -> None:
        self.setup = setup
        self.events: list[AnyEvent] = list(events)
        self.state = State.of(self.events)
        self._desk = desk
        self._clock = clock
        self._ear = ear
        self._guide = guide
        self._vocabulary = vocabulary
        # Another wording for a line, by its key and the words it would have; None leaves it as it is.
        self.reworded: Callable[[str, str], str | None] = lambda key, text: None
        self._wall = wall or (lambda: datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"))

    def start(self) -> list[AnyEvent]:
        """Opens the interview. Raises FlatlineError when it has been opened before."""
        if self.events:
            raise FlatlineError("this interview has been started before; resume it instead")
        s = self.setup
        self._add(
            Started, session=s.session, round=s.round, scenario=s.scenario, profile=s.profile, seed=s.seed,
            minutes=s.minutes, level=s.level,
        )  # fmt: skip
        self._add(Interviewer, text=s.opening, why="opening")
        return self.events[:]

    def hear(self, text: str, heard: Understood | None = None) -> list[AnyEvent]:
        """The candidate says something; `heard` is what another ear than the session's own made of it.

        Blank text adds nothing.
        """
        text = clean(text).strip()
        if not self._running or not text:
            return []
        mark = len(self.events)
        heard = self._understood(text, heard)
        if self.state.time_up_at is not None:
            self._last_statement(text, heard)
        else:
            self._message(text, heard)
            self._due()
        return self.events[mark:]

    def mark(self, lines: Iterable[tuple[str, int]]) -> list[AnyEvent]:
        """The candidate marks lines of the code: all of them, as (file, line number). The same again adds nothing."""
        marked = tuple(sorted(set(lines)))
        if not self._running or marked == self.state.lines:
            return []
        return [self._add(Marked, lines=marked)]

    def note(self, text: str) -> list[AnyEvent]:
        """The whole of the private note pad. The same again adds nothing."""
        text = clean(text)
        if not self._running or text == self.state.notes:
            return []
        return [self._add(Noted, text=text)]

    def tick(self) -> list[AnyEvent]:
        """Time has passed; to be called about once a second."""
        if not self._running:
            return []
        mark = len(self.events)
        self._due()
        return self.events[mark:]

    def resumed(self, gap: float) -> list[AnyEvent]:
        """The program comes back after `gap` seconds of wall time."""
        return [self._add(Resumed, gap=max(0.0, gap))] if self._running else []

    def sent(self, text: str) -> list[AnyEvent]:
        """The candidate says something that is to be heard later. What waits already adds nothing."""
        text = clean(text).strip()
        return [self._add(Sent, text=text)] if self._running and text and text not in self.state.waiting else []

    def unaided(self, why: str, off: bool) -> list[AnyEvent]:
        """The last message was understood without the model that was asked about it."""
        return [self._add(Unaided, why=why, off=off)] if self._running else []

    def finish(self, reason: Literal["finished", "given_up", "time_up"] = "finished") -> list[AnyEvent]:
        if not self._running:
            return []
        mark = len(self.events)
        self._say("closing", "closing")
        self._add(Closed, reason=reason)
        return self.events[mark:]

    def understood(self, text: str) -> Understood:
        """What the session's own ear takes a message for; nothing is added."""
        return self._understood(clean(text).strip(), None)

    # -- what the candidate says

    def _understood(self, text: str, heard: Understood | None) -> Understood:
        """What the ear heard; in a review, where all is on the screen, to name a thing is seldom to ask for it."""
        heard = heard or self._ear(text, self.state)
        if text.startswith("/"):
            return heard
        acts: list[Act] = list(heard.acts)
        requests = tuple(_precise(request, text) for request in heard.requests)
        if turns.withdraws(text) and "diagnosis" in acts:
            acts = [act for act in acts if act != "diagnosis"] or ["hypothesis"]
        if self.setup.round == "debug":
            return _Heard(tuple(acts), requests, heard.concept, heard.question)
        if not turns.asks(text) and len(text.split()) > SHORT:
            requests = ()
            acts = [act for act in acts if act != "request"] or ["hypothesis"]
        if acts[0] == "hypothesis" and turns.claims(text):
            acts.insert(0, "diagnosis")
        return _Heard(tuple(acts), requests, heard.concept, heard.question)

    def _message(self, text: str, heard: Understood) -> None:
        acts = tuple(heard.acts) or ("unclear",)
        accepted = self.state.offered and turns.accepts(text)
        if accepted:
            acts = ("hint",)
        question = self.state.open_question
        if question is not None and turns.takes_back(text) and {"hypothesis", "fix"} & set(acts):
            acts = ("diagnosis", *(act for act in acts if act not in ("diagnosis", "hypothesis")))
        if question is not None and self._answers(text, acts):
            self._answer(text, _as_answer(acts), tuple(heard.requests), question)
            return
        acts = tuple(act for act in acts if act != "answer") or ("unclear",)
        again = self.state.diagnoses > 0
        closes = self._wrapping_up and turns.closes(text)
        self._add(Candidate, text=text, acts=acts, requests=tuple(heard.requests))
        if closes:
            self.finish()
            return
        if question is not None and turns.thinks(text):
            self._say("patience", "follow_up", question=question.question)
            return
        if "diagnosis" in acts:
            self._say("diagnosis_again" if again else "diagnosis", "reply")
            self._requests(tuple(heard.requests))
            if question is None:
                self._next_question("follow_up")
        elif "hint" in acts:
            if accepted or turns.begs(text):
                self._hint()
            else:
                self._say("stuck", "check_in")
            self._requests(tuple(heard.requests))
        elif heard.requests:
            self._requests(tuple(heard.requests))
            if heard.question and self.setup.round == "debug":
                self._tell(heard.question, "ask_back")
        else:
            self._reply(acts[0], text, heard)
        if question is not None:
            self._say("question_stands", "follow_up", question=question.question)

    def _answers(self, text: str, acts: Sequence[Act]) -> bool:
        """Whether a message answers the open question, rather than asking for something or taking a claim back."""
        if text.lower() in SKIPS:
            return True
        if turns.thinks(text):
            return False
        asks = text.startswith("/") or (acts[0] in NOT_AN_ANSWER and (acts[0] != "request" or turns.asks(text)))
        return not asks and not ("diagnosis" in acts and turns.takes_back(text))

    def _answer(self, text: str, acts: tuple[Act, ...], requests: tuple[Request, ...], question: FollowUpAsked) -> None:
        # An answer that only speaks of evidence does not ask for it.
        asked = requests if "request" in acts and turns.asks(text) else ()
        self._add(Candidate, text=text, acts=acts, requests=asked, follow_up=question.id)
        self._requests(asked)
        self._next_question("answered")

    def _reply(self, act: Act, text: str, heard: Understood) -> None:
        review = self.setup.round == "review"
        wrapping_up = self._wrapping_up
        match act:
            case "concept":
                definition = self._definition(heard.concept)
                if definition:
                    self._tell(definition, "reply")
                else:
                    self._say("concept_unknown", "reply")
            case "options":
                self._options()
            case "meta":
                self._meta(text)
            case "fishing":
                self._say("gives_up" if turns.gives_up(text) else "fishing", "push_back")
            case "hypothesis" | "fix" | "verify" if wrapping_up:
                self._say("added", "reply")
            case "hypothesis":
                self._say("hypothesis_review" if review else "hypothesis", "reply")
            case "fix" | "verify":
                self._say(act, "reply")
            case "smalltalk":
                self._say("added" if wrapping_up else "smalltalk", "reply")
            case _ if wrapping_up:
                self._say("added", "reply")
            case _ if heard.question and not review:
                self._tell(heard.question, "ask_back")
            case _:
                self._say("ask_back_review" if review else "ask_back", "ask_back")

    def _requests(self, requests: tuple[Request, ...]) -> None:
        if not requests:
            return
        if self.setup.round == "review":
            self._say("only_on_screen", "reply")
            return
        reasons = areas_with_reason(self.state, self._vocabulary)
        give: list[Request] = []
        asked_back: list[str] = []
        everything = False
        for request in dict.fromkeys(requests):
            if request.diagnostic != "code":
                give.append(request)
            elif request.area is None:
                everything = True
            elif request.area in reasons or request.area in self.state.pushed_back:
                give.append(request)
            else:
                asked_back.append(request.area)
        self._show(give)
        if asked_back:
            names = mouth.enumerate_titles([area.replace("_", " ") for area in asked_back])
            self._say("push_back_code", "push_back", area=names)
        if everything and not asked_back:
            if "code" in self.state.pushed_back:
                areas = ", ".join(area.id.replace("_", " ") for area in self._vocabulary.areas)
                self._say("push_back_again", "push_back", areas=areas)
            else:
                self._say("push_back_all", "push_back")

    def _show(self, requests: list[Request]) -> None:
        seen = self.state.seen
        there: list[tuple[Request, Evidence]] = []
        missing: list[tuple[Request, Evidence]] = []
        unreadable: list[tuple[Request, Evidence]] = []
        for request in requests:
            try:
                evidence = self._desk.fetch(request)
                (there if evidence.recorded else missing).append((request, evidence))
            except FlatlineError as error:
                evidence = Evidence(title=_name(request), kind="text", text=str(error), recorded=False)
                unreadable.append((request, evidence))
        if there:
            again = all(request in seen for request, _ in there)
            titles = mouth.enumerate_titles([evidence.title for _, evidence in there])
            self._say("evidence_again" if again else "evidence", "evidence", titles=titles)
        for request, evidence in [*there, *missing, *unreadable]:
            self._add(
                Shown, n=len(self.state.shown) + 1, request=request, title=evidence.title, summary=evidence.text,
                recorded=evidence.recorded,
            )  # fmt: skip
        if missing:
            what = " ".join(evidence.text[:1].upper() + evidence.text[1:] for _, evidence in missing)
            self._say("not_recorded", "not_recorded", what=what)
        if unreadable:
            titles = mouth.enumerate_titles([evidence.title for _, evidence in unreadable])
            self._say("unreadable", "not_recorded", titles=titles)

    def _definition(self, term: str | None) -> str | None:
        if term is None:
            return None
        for concept in self._vocabulary.concepts:
            if concept.term.lower() == term.lower():
                return concept.definition
        return None

    def _options(self) -> None:
        if self.setup.round == "review":
            self._say("options_review", "reply")
            return
        groups = []
        for kind, title in KINDS.items():
            ids = [diagnostic.id for diagnostic in self._vocabulary.diagnostics if diagnostic.kind == kind]
            if kind == "code" and ids:
                groups.append(f"  {title}: {', '.join(area.id for area in self._vocabulary.areas)}")
            elif ids:
                groups.append(f"  {title}: {', '.join(ids)}")
        self._say("options_debug", "reply", groups="\n".join(groups))

    def _meta(self, text: str) -> None:
        question = self.state.open_question
        if re.search(r"\b(time|clock|minutes?|how long|remaining|left)\b", text, re.IGNORECASE):
            left = self.setup.minutes * 60 - self._now()
            if left > 0:
                self._say("time_left", "time", left=mouth.duration(left))
            else:
                self._say("time_none", "time")
        elif re.search(r"\b(repeat|again|remind|what was|restate|symptoms?)\b", text, re.IGNORECASE) and not question:
            opening = next(e.text for e in self.events if isinstance(e, Interviewer) and e.why == "opening")
            self._tell(opening, "reply")
        elif not question:
            self._say(f"rules_{self.setup.round}", "reply")

    # -- hints and follow-ups

    def _hint(self) -> None:
        rung = self.state.hints + 1
        if rung > HINTS:
            self._say("no_more_hints", "hint")
            return
        guide = self._guide()
        hints = guide.review_hints if self.setup.round == "review" and guide.review_hints else guide.hints
        self._add(Hint, rung=rung)
        self._say("hint", "hint", rung=rung, hint=hints[rung - 1])

    def _next_question(self, key: str) -> None:
        """Asks the next follow-up, or closes the list of them, unless one still waits for its answer."""
        if self.state.open_question is not None:
            return
        planned = self._guide().follow_ups[:FOLLOW_UPS]
        done = {asked.id for asked in self.state.asked}
        following = next((f for f in planned if f.id not in done), None)
        if following is None:
            self._say("wrap_up", "reply")
            return
        self._add(FollowUpAsked, id=following.id, question=following.question)
        self._say(key, "follow_up", question=following.question)

    @property
    def _wrapping_up(self) -> bool:
        return self.state.diagnoses > 0 and bool(self.state.asked) and self.state.open_question is None

    # -- time

    def _due(self) -> None:
        """Says what the clock has made due."""
        now, state = self._now(), self.state
        if state.time_up_at is not None:
            if now - max(state.time_up_at, state.last_active) >= LAST_STATEMENT_SECONDS:
                self.finish("time_up")
            return
        total = self.setup.minutes * 60
        reached: str | None = None
        for mark, at in (("half", total / 2), ("two_minutes", total - 120), ("time_up", total)):
            # In a very short interview the two-minute mark would come before or right at the half.
            if now >= at and (mark != "two_minutes" or at > total / 2 + 30):
                reached = mark
        if reached is not None and (state.mark is None or MARKS.index(reached) > MARKS.index(state.mark)):
            self._add(Notice, mark=reached)
            self._say(reached, "time")
            return
        if self._wrapping_up:
            return
        if now - state.last_active >= SILENCE_SECONDS and not state.silence_noticed:
            self._add(Notice, mark="silence")
            self._say("silence", "silence")
        elif (
            now - state.last_progress >= STUCK_SECONDS
            and not state.hint_offered
            and state.hints < HINTS
            and state.diagnoses == 0
        ):
            self._say("hint_offer", "check_in")

    def _last_statement(self, text: str, heard: Understood) -> None:
        """After the time is up nothing is shown any more; anything but a question is the last statement."""
        acts = tuple(heard.acts) or ("unclear",)
        question = self.state.open_question
        if heard.requests or acts[0] in NOT_AN_ANSWER:
            self._add(Candidate, text=text, acts=acts, requests=tuple(heard.requests))
            self._say("last_only", "time")
            if self._now() - (self.state.time_up_at or 0.0) >= LAST_STATEMENT_SECONDS:
                self.finish("time_up")
            return
        if question is not None:
            acts = _as_answer(acts)
        elif self.state.diagnoses == 0 and acts[0] != "smalltalk":
            acts = ("diagnosis", *(act for act in acts if act not in ("diagnosis", "unclear", "answer")))
        self._add(Candidate, text=text, acts=acts, follow_up=question.id if question is not None else None)
        self.finish("time_up")

    # -- adding events

    @property
    def _running(self) -> bool:
        return self.state.started is not None and self.state.closed is None

    def _now(self) -> float:
        """The clock never runs backwards, whatever the machine's does."""
        return max(self.state.at, self._clock())

    def _say(self, key: str, why: Any, **fields: object) -> None:
        text = mouth.say(key, self.state.seq + 1, self.state.last_line, **fields)
        self._add(Interviewer, text=self.reworded(key, text) or text, why=why)

    def _tell(self, text: str, why: Any) -> None:
        """Says something that is not one of the interviewer's own lines."""
        self._add(Interviewer, text=mouth.say_again(text, self.state.seq + 1, self.state.last_line), why=why)

    def _add(self, kind: Callable[..., AnyEvent], **fields: Any) -> AnyEvent:
        event = kind(seq=self.state.seq + 1, at=round(self._now(), 3), wall=self._wall(), **fields)
        self.state.apply(event)
        self.events.append(event)
        return event


def _precise(request: Request, text: str) -> Request:
    """A question about a setting or two is answered with these, and the whole config only where it is asked for."""
    if request.diagnostic != "config":
        return request
    return msgspec.structs.replace(request, settings=settings.named(text))


def _as_answer(acts: Sequence[Act]) -> tuple[Act, ...]:
    """The acts of a reply to a follow-up. What it says about the cause explains the diagnosis and replaces it not."""
    others: list[Act] = ["hypothesis" if act == "diagnosis" else act for act in acts]
    return ("answer", *dict.fromkeys(act for act in others if act not in ("answer", "unclear", "smalltalk")))


def clean(text: str) -> str:
    """`text` without what no keyboard types: control characters but newline and tab, and halves of characters."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text if c in "\n\t" or not _control(c))


def _control(character: str) -> bool:
    return character < " " or "\x7f" <= character <= "\x9f"


def _name(request: Request) -> str:
    return request.area.replace("_", " ") + " code" if request.area else request.diagnostic
