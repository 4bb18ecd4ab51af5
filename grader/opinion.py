"""A second opinion on an interview: what of a model's votes counts, and how they are put together.

A model is never believed: points outside a dimension's scale, or without words that were really said, stay unscored;
what remains of three votes is put together by the median. The card that counts is the rules'.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, NamedTuple

import msgspec

from grader.events import AnyEvent, Candidate, Interviewer, Shown
from grader.scorecard import MAXIMUM, WITHOUT_CAUSE, Dimension, Scorecard, Verdict

VOTES, NEEDED = 3, 2
"""So many votes are asked for, and so many have to be valid in a dimension to score it."""
APART = 10.0
"""Totals that differ by more than this are worth a word on both sides."""
SHORTEST_QUOTE, LONGEST_REASON = 8, 400


class Mark(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a vote gives for a dimension; `quotes` are the candidate's words that it rests on."""

    points: float
    reason: Annotated[str, msgspec.Meta(max_length=LONGEST_REASON)]
    quotes: Annotated[tuple[str, ...], msgspec.Meta(max_length=8)]


class Vote(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    cause: Verdict
    process: Mark
    technical: Mark
    communication: Mark
    economy: Mark


class Scored(NamedTuple):
    """A dimension's points by the median vote, and that vote's reason."""

    points: float
    reason: str


class Opinion(NamedTuple):
    """`dimensions` lacks those that stayed unscored; `votes` could be read, of `VOTES`; `cause` is the verdict of most,
    None where they are at odds."""

    dimensions: Mapping[Dimension, Scored]
    votes: int
    cause: Verdict | None = None

    @property
    def total(self) -> float | None:
        """The sum of all dimensions, None where one is unscored; without the cause it is limited as the card is."""
        if len(self.dimensions) < len(MAXIMUM["debug"]):
            return None
        total = sum(scored.points for scored in self.dimensions.values())
        return round(min(total, WITHOUT_CAUSE) if self.cause in ("wrong", "none") else total, 1)

    def apart(self, card: Scorecard) -> bool:
        """Whether it differs from a card by so much that both sides' reasons should be heard."""
        return self.total is not None and abs(self.total - card.total) > APART


def read(raw: str) -> Vote | None:
    """A vote, None where a text is not one in the form."""
    try:
        return msgspec.json.decode(raw.strip().encode("utf-8", "replace"), type=Vote)
    except (msgspec.DecodeError, RecursionError):
        return None


def combined(votes: Sequence[Vote], events: Sequence[AnyEvent], round: Literal["debug", "review"]) -> Opinion:
    """What counts of the votes on an interview."""
    said = [_flat(event.text) for event in events if isinstance(event, Candidate)]
    found: dict[Dimension, Scored] = {}
    for dimension, most in MAXIMUM[round].items():
        marks = [mark for vote in votes if _counts(mark := getattr(vote, dimension), most, said)]
        if len(marks) >= NEEDED:
            middle = sorted(marks, key=lambda mark: mark.points)[(len(marks) - 1) // 2]
            found[dimension] = Scored(middle.points, " ".join(middle.reason.split()))
    causes = Counter(vote.cause for vote in votes).most_common(1)
    return Opinion(found, len(votes), causes[0][0] if causes and causes[0][1] >= NEEDED else None)


def told(events: Sequence[AnyEvent]) -> list[Mapping[str, str | float]]:
    """An interview as turns to be judged: who, when, what; evidence by its title alone."""
    turns: list[Mapping[str, str | float]] = []
    for event in events:
        match event:
            case Candidate():
                turns.append({"at": round(event.at), "candidate": event.text})
            case Interviewer():
                turns.append({"at": round(event.at), "interviewer": event.text})
            case Shown(recorded=True):
                turns.append({"at": round(event.at), "shown": event.title})
            case _:
                pass
    return turns


def _counts(mark: Mark, most: float, said: Sequence[str]) -> bool:
    """Whether points are within the scale and every quote was really said; points need a quote."""
    quotes = [_flat(quote) for quote in mark.quotes]
    real = all(len(quote) >= SHORTEST_QUOTE and any(quote in text for text in said) for quote in quotes)
    return 0.0 <= mark.points <= most and real and bool(quotes or mark.points == 0)


def _flat(text: str) -> str:
    return " ".join(text.split()).casefold()
