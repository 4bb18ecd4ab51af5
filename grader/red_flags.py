"""What an interviewer would remember with a frown; listed beside the score, without points of its own."""

from __future__ import annotations

import re
from itertools import pairwise

from grader.events import Candidate, Marked, Noted
from grader.scorecard import Point
from grader.transcript import Transcript, clock, quote

SILENCE_SECONDS = 180.0
_TOOL = r"(?:pytorch|torch|cuda|cudnn|nccl|driver|framework|hardware|gpu|compiler)"
_BLAME = re.compile(
    rf"\b{_TOOL}s?\s+(?:itself\s+)?(?:is|are|was|were|has|have|(?:must|may|might|could)\s+be|seems?)\s+(?:\w+\s+){{0,2}}"
    r"(?:bug|buggy|broken|faulty|flaky|to blame|defective|a fault|at fault|failing)\b"
    rf"|\b(?:bug|fault|problem|issue|defect)\s+(?:in|with|of)\s+(?:the\s+|our\s+)?{_TOOL}\b"
    rf"|\b{_TOOL}\s+(?:bug|fault|failure|defect|error)s?\b"
    r"|\bcosmic rays?\b",
    re.IGNORECASE,
)
_EVIDENCE_FOR_BLAME = frozenset(
    {"hardware", "check_determinism", "per_rank", "rerun_single_gpu", "stack_trace", "utilization"}
)
_GIVES_UP = re.compile(
    r"\b(?:i\s+)?(?:give up|i am lost|i'm lost|no clue|no idea what else|i quit|just tell me)\b", re.IGNORECASE
)


def points(transcript: Transcript, dimension_points: list[Point]) -> list[Point]:
    return [
        *_silences(transcript),
        *_blames(transcript),
        *_gives_up(transcript),
        *_cannot_say_why(transcript, dimension_points),
    ]


def _flag(name: str, reason: str, *events: object) -> Point:
    return Point("communication", name, None, 0.0, reason, tuple(quote(event) for event in events))  # type: ignore[arg-type]


def _silences(transcript: Transcript) -> list[Point]:
    own = [e for e in transcript.events if isinstance(e, Candidate | Marked | Noted)]
    ends = [transcript.started, *own, *((transcript.closed,) if transcript.closed else ())]
    return [
        _flag("silence", f"nothing was heard from {clock(before.at)} to {clock(after.at)}", before)
        for before, after in pairwise(ends)
        if after.at - before.at > SILENCE_SECONDS
    ]


def _blames(transcript: Transcript) -> list[Point]:
    found = []
    for message in transcript.said:
        blames = _BLAME.search(message.text[:5000]) and {"diagnosis", "hypothesis"} & set(message.acts)
        if blames and not transcript.seen_before(message.seq) & _EVIDENCE_FOR_BLAME:
            found.append(_flag("blames the tools", "blamed the framework or the hardware without evidence", message))
    return found[:1]


def _gives_up(transcript: Transcript) -> list[Point]:
    if transcript.closed is not None and transcript.closed.reason == "given_up":
        return [_flag("gives up", f"gave up at {clock(transcript.closed.at)}", transcript.closed)]
    said = next((message for message in transcript.said if _GIVES_UP.search(message.text[:5000])), None)
    return [_flag("gives up", "said so in words", said)] if said and transcript.claim is None else []


def _cannot_say_why(transcript: Transcript, dimension_points: list[Point]) -> list[Point]:
    """A fix was stated, the cause was right, and yet nothing was said of how the one removes the other."""
    by_name = {point.name: point for point in dimension_points if point.dimension == "technical"}
    fix, why = by_name.get("fix"), by_name.get("mechanism")
    if fix and why and fix.points and not why.points and fix.quotes:
        return [
            Point(
                "technical",
                "cannot say why the fix works",
                None,
                0.0,
                "a fix without a word on the mechanism",
                fix.quotes,
            )
        ]
    return []
