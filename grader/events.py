"""Everything that happens in an interview, as values. A session is its list of events and nothing else.

Events are appended to the store before they are shown, and the whole state of a session can be rebuilt from them.
`at` is the interview's own clock in seconds since its start (the clock stands still while the program is not
running); `wall` is the time of day as ISO 8601 in UTC.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Act = Literal[
    "request", "hypothesis", "diagnosis", "fix", "verify", "hint", "options",
    "fishing", "concept", "meta", "smalltalk", "unclear", "answer",
]  # fmt: skip
Form = Literal["plot", "table", "values"]


class Request(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing asked for: a diagnostic's id with the parameters of the message. Steps are inclusive.

    `settings` are those of the config that were asked for, none for all of it.
    """

    diagnostic: str
    steps: tuple[int, int] | None = None
    layers: tuple[int, ...] = ()
    heads: tuple[int, ...] = ()
    rank: int | None = None
    split: Literal["train", "val"] | None = None
    area: str | None = None
    form: Form | None = None
    compare: bool = False
    settings: tuple[str, ...] = ()


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    seq: int
    at: float
    wall: str


class Started(Event, frozen=True, kw_only=True, tag="started"):
    """The recorded run on the table is `PROFILE/SCENARIO/seedSEED` of `traces`."""

    session: str
    round: Literal["debug", "review"]
    scenario: str
    profile: str
    seed: int
    minutes: float
    level: str


class Candidate(Event, frozen=True, kw_only=True, tag="candidate"):
    """What the candidate typed, as typed, and how it was understood.

    `acts` holds every act the message was taken for, the main one first. While a follow-up is open the main act of a
    reply is `answer`, and `follow_up` names the question.
    """

    text: str
    acts: tuple[Act, ...]
    requests: tuple[Request, ...] = ()
    follow_up: str | None = None


class Sent(Event, frozen=True, kw_only=True, tag="sent"):
    """A message that is not heard at once, because a model is asked about it or about one before it.

    A candidate's event with the same text follows; if the program ends before that, when the interview is resumed.
    """

    text: str


class Unaided(Event, frozen=True, kw_only=True, tag="unaided"):
    """A model was asked about the candidate's last message in vain; it was understood without one.

    `off`: the model is not asked again in this interview.
    """

    why: Literal["unreached", "late", "denied", "void", "absent"]
    off: bool = False


class Interviewer(Event, frozen=True, kw_only=True, tag="interviewer"):
    """What the interviewer said. `why` is the reason in the session's terms, never shown to the candidate."""

    text: str
    why: Literal[
        "opening", "reply", "evidence", "not_recorded", "ask_back", "push_back", "hint", "follow_up", "time",
        "check_in", "silence", "closing",
    ]  # fmt: skip


class Shown(Event, frozen=True, kw_only=True, tag="shown"):
    """A piece of evidence put on the table. `n` numbers the pieces from 1; `summary` is its plain-text form."""

    n: int
    request: Request
    title: str
    summary: str
    recorded: bool = True


class Marked(Event, frozen=True, kw_only=True, tag="marked"):
    """The candidate's marked lines in the code of a review, all of them, as (file, line number in that file)."""

    lines: tuple[tuple[str, int], ...]


class Noted(Event, frozen=True, kw_only=True, tag="noted"):
    """The candidate's private note pad, whole text."""

    text: str


class Hint(Event, frozen=True, kw_only=True, tag="hint"):
    """A hint was taken; `rung` is 1, 2 or 3. The words are in the interviewer's event that follows."""

    rung: int


class FollowUpAsked(Event, frozen=True, kw_only=True, tag="follow_up"):
    id: str
    question: str


class Notice(Event, frozen=True, kw_only=True, tag="notice"):
    """A mark on the clock that was reached; the words are in the interviewer's event that follows."""

    mark: Literal["half", "two_minutes", "time_up", "silence"]


class Resumed(Event, frozen=True, kw_only=True, tag="resumed"):
    """The program was away for `gap` seconds of wall time; the interview's clock stood still meanwhile."""

    gap: float


class Closed(Event, frozen=True, kw_only=True, tag="closed"):
    reason: Literal["finished", "given_up", "time_up"]


AnyEvent = (
    Started | Sent | Candidate | Unaided | Interviewer | Shown | Marked | Noted | Hint | FollowUpAsked | Notice
    | Resumed | Closed
)  # fmt: skip
