"""What it took: time, hints, requests that led nowhere."""

from __future__ import annotations

from grader.material import Material
from grader.scorecard import Cause, Point
from grader.technical import claimed_at
from grader.topics import topics
from grader.transcript import Transcript, clock, name, quote

FREE_LOOKS = 3
"""Requests beside the point that cost nothing: ruling something out is part of the work."""


def points(transcript: Transcript, material: Material, cause: Cause) -> list[Point]:
    return [_time(transcript, material, cause), _hints(transcript, cause), _aim(transcript, material, cause)]


def _time(transcript: Transcript, material: Material, cause: Cause) -> Point:
    label, out_of = "time", 4.0
    claim = claimed_at(transcript, material)
    if claim is None or cause.verdict not in ("correct", "partial"):
        return Point("economy", label, 0.0, out_of, "the cause was not found")
    minutes = material.scenario.minutes
    expected = 60.0 * (minutes.review if transcript.review else minutes.debug)
    took = claim.event.at
    share = 1.0 if took <= expected else max(0.0, 2.0 - took / expected)
    reason = f"cause claimed at {clock(took)}, expected within {clock(expected)}"
    return Point("economy", label, round(out_of * share, 1), out_of, reason, (quote(claim.event),))


def _hints(transcript: Transcript, cause: Cause) -> Point:
    label, out_of = "hints", 3.0
    if not _engaged(transcript, cause):
        return Point("economy", label, 0.0, out_of, "the cause was not found")
    if not transcript.hints:
        return Point("economy", label, out_of, out_of, "took no hint")
    rungs = len({hint.rung for hint in transcript.hints})
    quotes = tuple(quote(hint, f"hint {hint.rung}") for hint in transcript.hints)
    return Point("economy", label, max(0.0, out_of - rungs - 0.5), out_of, f"took {rungs} of 3 hints", quotes)


def _aim(transcript: Transcript, material: Material, cause: Cause) -> Point:
    label, out_of = "requests to the point", 3.0
    if not _engaged(transcript, cause):
        return Point("economy", label, 0.0, out_of, "the cause was not found")
    aside = [piece for piece in transcript.shown if not material.bears(piece.request.diagnostic)]
    taken = min(out_of, 0.5 * max(0, len(aside) - FREE_LOOKS))
    if not taken:
        return Point("economy", label, out_of, out_of, "few requests led nowhere")
    reason = f"{len(aside)} requests had no bearing: {', '.join(sorted({name(piece.request) for piece in aside})[:5])}"
    return Point("economy", label, out_of - taken, out_of, reason, tuple(quote(piece) for piece in aside[:3]))


def _engaged(transcript: Transcript, cause: Cause) -> bool:
    """Doing nothing is no economy."""
    if cause.verdict in ("correct", "partial"):
        return True
    said = (*transcript.claims, *transcript.ideas)
    return cause.verdict == "wrong" and cause.closest is not None and any(topics(claim.event.text) for claim in said)
