"""When the model is asked about a message, and what becomes of its answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from grader.events import AnyEvent, Interviewer, Unaided
from simulator.model import manners, prompt, schema
from simulator.model.enquiry import TRIES, Enquiry, Missed, Purpose
from simulator.session import FOLLOW_UPS, NOT_AN_ANSWER

if TYPE_CHECKING:
    from scenarios.schema import Vocabulary
    from simulator.interviewer.ear import Understanding
    from simulator.model.endpoint import Endpoint
    from simulator.session import Setup, Understood
    from simulator.state import State

FAILURES = 3
"""Failures in a row after which the model is left alone for the rest of the interview."""
LONGEST_MESSAGE = 2_000
MARGIN_SECONDS = 5.0
# Acts whose reply is said; for the others the interviewer has its own words.
_SPOKEN = re.compile(r'"act"\s*:\s*"(?:smalltalk|diagnosis)"')


class Found(NamedTuple):
    """What an enquiry brought: an understanding instead of the ear's, words instead of the mouth's, or a failure."""

    heard: Understanding | None = None
    reply: str = ""
    why: Literal["unreached", "late", "denied", "void", "absent"] | None = None
    off: bool = False


class Consultant:
    """The model of one interview; `events` are those of an interview that is resumed."""

    def __init__(
        self, endpoint: Endpoint, setup: Setup, vocabulary: Vocabulary, events: Sequence[AnyEvent] = ()
    ) -> None:
        self._endpoint = endpoint
        self._setup = setup
        self._vocabulary = vocabulary
        self._form = schema.json_schema(vocabulary)
        self._failures = 0
        self._off = any(isinstance(event, Unaided) and event.off for event in events)

    def enquire(
        self, text: str, heard: Understood, state: State, events: Sequence[AnyEvent], remaining: float
    ) -> Enquiry | None:
        """Asks about a message that the ear took for `heard`; None when it can do without.

        With little time left nothing is asked: an answer must not come after the time is up.
        """
        wanted = purpose(text, heard, state)
        if self._off or wanted is None or len(text) > LONGEST_MESSAGE:
            return None
        if remaining < TRIES * self._endpoint.timeout + MARGIN_SECONDS:
            return None
        setup, vocabulary = self._setup, self._vocabulary
        messages = prompt.messages(setup.round, setup.opening, vocabulary, events, text)
        allowed = self._allowed(text, state)
        return Enquiry(
            wanted,
            lambda told: self._endpoint.ask(messages, self._form, told),
            lambda raw: schema.read(raw, vocabulary),
            lambda raw: manners.so_far(raw, allowed, vocabulary) if wanted == "mouth" or _SPOKEN.search(raw) else "",
        )

    def found(self, enquiry: Enquiry, text: str, state: State, events: Sequence[AnyEvent]) -> Found:
        """What counts of the answer to an enquiry about that message."""
        match enquiry.outcome():
            case None:
                return Found()
            case Missed(why):
                self._failures += 1
                self._off = self._failures >= FAILURES
                return Found(why="unreached" if why == "failed" else why, off=self._off)
            case answer:
                self._failures = 0
                reply = answer.reply.strip()
                said = any(reply in event.text for event in events[-12:] if isinstance(event, Interviewer))
                if said or not manners.fit(reply, self._allowed(text, state), self._vocabulary):
                    reply = ""
                return Found(answer.understanding if enquiry.purpose == "ear" else None, reply)

    def _allowed(self, text: str, state: State) -> frozenset[str]:
        """The ids that have come up: what the candidate named, or was shown."""
        told = [*(said.text for said in state.said), text]
        asked = [id for shown in state.shown for id in (shown.request.diagnostic, shown.request.area) if id]
        return manners.ids_in(told, self._vocabulary) | frozenset(asked)


def purpose(text: str, heard: Understood, state: State) -> Purpose | None:
    """What a model could help with: a message not understood, or the words for small talk and before a question."""
    act = heard.acts[0] if heard.acts else "unclear"
    if text.startswith("/") or state.time_up_at is not None or heard.requests or act in NOT_AN_ANSWER:
        return None
    answers = state.open_question is not None
    if answers or "diagnosis" in heard.acts:
        # Another question follows, unless this answers the last one.
        return "mouth" if len(state.asked) < FOLLOW_UPS else None
    if act == "unclear":
        return "ear"
    return "mouth" if act == "smalltalk" else None


def warmer(reply: str, state: State) -> Callable[[str, str], str | None]:
    """Words the interviewer's small talk as `reply`, or puts it before a follow-up question, once."""
    left = [reply] if reply else []

    def reworded(key: str, text: str) -> str | None:
        if left and key == "smalltalk":
            return left.pop()
        if left and key in ("follow_up", "answered"):
            # The question itself stays as it is in the guide.
            return f"{left.pop()} {state.asked[-1].question}"
        return None

    return reworded
