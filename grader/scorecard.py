"""The scorecard: a value that carries, for every point given or taken, a reason that quotes the transcript."""

from __future__ import annotations

from typing import Literal

import msgspec

Dimension = Literal["process", "technical", "communication", "economy"]
MAXIMUM: dict[str, dict[Dimension, int]] = {
    "debug": {"process": 40, "technical": 30, "communication": 20, "economy": 10},
    "review": {"process": 20, "technical": 55, "communication": 15, "economy": 10},
}
Verdict = Literal["correct", "partial", "wrong", "none"]
WITHOUT_CAUSE = 49.0
"""The most that an interview is worth whose cause was not found."""
Recommendation = Literal["Strong hire", "Hire", "Lean no", "No hire"]


class Quote(msgspec.Struct, frozen=True):
    """A place in the transcript: the event's number, the interview's clock in seconds, and the words."""

    seq: int
    at: float
    text: str


class Point(msgspec.Struct, frozen=True):
    """`points` given (or, negative, taken) out of `out_of`; None when it could not be scored, which is not zero."""

    dimension: Dimension
    name: str
    points: float | None
    out_of: float
    reason: str
    quotes: tuple[Quote, ...] = ()


class Gate(msgspec.Struct, frozen=True):
    """A rule over the whole card, such as "a right cause without evidence is worth 60 at most"."""

    name: str
    effect: str
    reason: str


class Cause(msgspec.Struct, frozen=True):
    """What the candidate's claim was taken for; `closest` is the slug of the scenario it fits best, if any."""

    verdict: Verdict
    closest: str | None
    why: str


class Scorecard(msgspec.Struct, frozen=True, kw_only=True):
    total: float
    recommendation: Recommendation
    cause: Cause
    dimensions: dict[Dimension, float]
    points: tuple[Point, ...]
    gates: tuple[Gate, ...] = ()
    red_flags: tuple[Point, ...] = ()
    went_well: tuple[str, ...] = ()
    work_on: tuple[str, ...] = ()
