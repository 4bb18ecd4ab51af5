"""The way somebody went through a round, and the way a strong candidate goes, to be laid side by side."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from grader.events import Candidate, Hint, Marked, Shown
from grader.material import Material
from grader.scorecard import Point
from grader.technical import supporting
from grader.topics import topics
from grader.transcript import Transcript, name, quote

_MOVES = (("diagnosis", "claims"), ("fix", "proposes"), ("verify", "says how to verify"), ("hypothesis", "suspects"))
SUCH_AS = 3
"""Supporting diagnostics that are named."""


class Stop(msgspec.Struct, frozen=True):
    """One thing that was done: at what time of the interview's clock, in seconds, what, and what it was worth knowing
    for (empty where there is nothing to say)."""

    at: float
    what: str
    remark: str = ""


class Wanted(msgspec.Struct, frozen=True):
    """One thing that a strong candidate does, and when it was done here; None where it never was."""

    what: str
    at: float | None = None


def taken(transcript: Transcript, material: Material) -> tuple[Stop, ...]:
    """What the candidate did, in order: ideas, claims, remedies, evidence seen, hints, lines marked, answers."""
    judged = {claim.event.seq: claim.cause.verdict for claim in transcript.claims}
    found: list[Stop] = []
    seen: set[object] = set()
    for event in transcript.events:
        match event:
            case Candidate(follow_up=str()):
                found.append(Stop(event.at, f"answers: “{quote(event).text}”", judged.get(event.seq, "")))
            case Candidate():
                doing = next((verb for act, verb in _MOVES if act in event.acts), None)
                # Not all that sounds like a suspicion names a suspect.
                if doing is not None and (event.seq in judged or doing != "suspects" or topics(event.text)):
                    found.append(Stop(event.at, f"{doing}: “{quote(event).text}”", judged.get(event.seq, "")))
            case Shown(recorded=True):
                remark = "again" if event.request in seen else _remark(event, material)
                seen.add(event.request)
                found.append(Stop(event.at, f"sees {name(event.request).replace('_', ' ')}", remark))
            case Hint():
                found.append(Stop(event.at, f"takes hint {event.rung}"))
            case Marked() if event is transcript.marked:
                found.append(Stop(event.at, f"marks {len(event.lines)} line{'s' * (len(event.lines) != 1)}"))
            case _:
                pass
    return tuple(found)


def strong(transcript: Transcript, material: Material, points: Sequence[Point]) -> tuple[Wanted, ...]:
    """What a strong candidate does, in order, and when the candidate of `transcript` did, by the points of the card."""
    solution = material.solution
    earned = {point.name: point.quotes[0].at for point in points if point.points and point.quotes}
    found = [Wanted("say what you suspect", earned.get("two hypotheses first"))]
    if transcript.review:
        if material.changed_lines:
            found.append(Wanted("point at the lines", earned.get("right lines", _marked(transcript, points))))
    else:
        # The loss and the learning rate are on the table from the beginning.
        seen = {"loss": 0.0, "lr": 0.0} | {
            piece.request.diagnostic: piece.at for piece in reversed(transcript.evidence)
        }
        support = [id for id in solution.supporting if id not in solution.decisive]
        if support:
            such = ", ".join(id.replace("_", " ") for id in support[:SUCH_AS])
            first = min((seen[id] for id in support if id in seen), default=None)
            found.append(Wanted(f"look at something that narrows it down, such as {such}", first))
        for id in solution.decisive:
            found.append(Wanted(f"look at {id.replace('_', ' ')}, which settles it", seen.get(id)))
    found.append(Wanted("name the cause", earned.get("root cause")))
    found.append(Wanted("say how it does its damage", earned.get("mechanism")))
    if not material.healthy:
        found.append(Wanted("name the smallest fix", earned.get("fix")))
    found.append(Wanted("say how you would verify it", earned.get("verification")))
    return tuple(found)


def _marked(transcript: Transcript, points: Sequence[Point]) -> float | None:
    """When lines were named in words, where that earned points and nothing was marked."""
    named = any(point.name == "right lines" and point.points for point in points)
    return transcript.claim.event.at if named and transcript.claim else None


def _remark(shown: Shown, material: Material) -> str:
    id = shown.request.diagnostic
    if id in material.solution.decisive:
        return "settles it"
    if id in supporting(material):
        return "speaks for the cause"
    return "" if material.bears(id) else "no bearing on this run"
