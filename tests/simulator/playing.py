"""A candidate's world made small: a session with a fake desk, a fake ear and a clock moved by hand."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import SimpleNamespace

from grader.events import AnyEvent, Candidate, Interviewer, Request
from scenarios.schema import Area, Concept, Diagnostic, FollowUp, Guide, Region, Vocabulary
from simulator.errors import FlatlineError
from simulator.evidence import Evidence
from simulator.session import Session, Setup
from simulator.state import State

VOCABULARY = Vocabulary(
    diagnostics=(
        Diagnostic("loss", "curve", "training loss"),
        Diagnostic("grad_norm", "curve", "global gradient norm"),
        Diagnostic("attention_entropy", "curve", "entropy"),
        Diagnostic("config", "fact", "hyperparameters"),
        Diagnostic("code", "code", "code of an area"),
    ),
    areas=(
        Area("attention", ("attention", "mask"), (Region("model.py"),)),
        Area("optimizer", ("optimizer", "adamw"), (Region("optim.py"),)),
    ),
    concepts=(Concept("QK-norm", ("qk-norm",), "Normalising queries and keys before their product."),),
)
GUIDE = Guide(
    hints=("think again", "look at an area", "look at a quantity"),
    review_hints=("read again", "look at a function", "look at a line"),
    follow_ups=(FollowUp("when", "Why then?"), FollowUp("verify", "How to verify?"), FollowUp("third", "And?")),
)
RECORDED = {"loss", "grad_norm", "attention_entropy", "config", "code"}


@dataclass
class FakeDesk:
    recorded: set[str] = field(default_factory=lambda: set(RECORDED))
    broken: set[str] = field(default_factory=set)

    def fetch(self, request: Request) -> Evidence:
        if request.diagnostic in self.broken:
            raise FlatlineError("signals.parquet cannot be read")
        if request.diagnostic not in self.recorded:
            return Evidence(title=request.diagnostic, kind="text", text="not recorded.", recorded=False)
        return Evidence(title=request.diagnostic, kind="text", text=f"<{request.diagnostic}>")


def fake_ear(text: str, state: State) -> SimpleNamespace:
    """`act[+act] word…`: the acts, `?id` requests an id, `?code` all the code, `?code:area` an area's.

    `stuck` is a hint that is not asked for in so many words.
    """
    head, _, rest = text.partition(" ")
    known = {
        "request", "hypothesis", "diagnosis", "fix", "verify", "hint", "options", "fishing", "concept", "meta",
        "smalltalk", "unclear",
    }  # fmt: skip
    acts = tuple(word for word in head.split("+") if word in known) or ("unclear",)
    acts = ("hint",) if head == "stuck" else acts
    requests = []
    for word in rest.split():
        if word.startswith("?"):
            id, _, area = word[1:].partition(":")
            requests.append(Request(diagnostic=id, area=area or None))
    concept = rest.strip() if "concept" in acts else None
    return SimpleNamespace(acts=acts, requests=tuple(requests), concept=concept, question=None)


class Play:
    """A session under test: `clock` is moved by hand, `guides` counts how often the guide was opened."""

    def __init__(self, round: str = "debug", minutes: float = 20.0, events: Iterable[AnyEvent] = ()) -> None:
        self.clock = 0.0
        self.guides = 0
        self.desk = FakeDesk()
        self.setup = Setup(
            session="s", round=round, scenario="slug", profile="cpu", seed=0, minutes=minutes, level="mid",
            opening="A run went wrong.",
        )  # type: ignore[arg-type]  # fmt: skip
        self.session = self.again(events)
        if not self.session.events:
            self.session.start()

    def again(self, events: Iterable[AnyEvent]) -> Session:
        return Session(
            self.setup, self.desk, lambda: self.clock, events, ear=fake_ear, guide=self._guide, vocabulary=VOCABULARY,
            wall=lambda: "2026-01-01T00:00:00Z",
        )  # fmt: skip

    def _guide(self) -> Guide:
        self.guides += 1
        return GUIDE

    def say(self, text: str, after: float = 5.0) -> list[AnyEvent]:
        self.clock += after
        return self.session.hear(text)

    def wait(self, seconds: float) -> list[AnyEvent]:
        """Time passes, a tick a second; all that came of it."""
        found: list[AnyEvent] = []
        for _ in range(math.ceil(seconds)):
            self.clock += 1
            found += self.session.tick()
        return found


def kinds(events: Iterable[AnyEvent]) -> list[str]:
    return [type(event).__name__ for event in events]


def whys(events: Iterable[AnyEvent]) -> list[str]:
    return [event.why for event in events if isinstance(event, Interviewer)]


def texts(events: Iterable[AnyEvent]) -> str:
    return "\n".join(event.text for event in events if isinstance(event, Interviewer))


def candidate(events: Iterable[AnyEvent]) -> Candidate:
    return next(event for event in events if isinstance(event, Candidate))
