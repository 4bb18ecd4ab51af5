"""Transcripts written as text, one line an event.

0:30 hypothesis: I suspect the learning rate
1:00 request grad_norm, activations@180-220: show me both       (the evidence follows by itself)
2:00 hint 1
3:00 diagnosis+fix: zero_grad is missing, call it
3:05 ask verify: How would you verify it?
3:40 answer verify: I would rerun it
4:00 mark train.py:12 train.py:14
4:10 notice time_up
5:00 close finished
"""

from __future__ import annotations

import re

from grader.events import AnyEvent, Candidate, Closed, FollowUpAsked, Hint, Marked, Notice, Request, Shown, Started
from traces.format import Betrayal, Verdict

LINE = re.compile(r"(?P<m>\d+):(?P<s>\d\d) (?P<what>[a-z_+]+)(?: (?P<rest>[^:]*?))?(?:: (?P<text>.*))?")
WALL = "2025-01-01T00:00:00+00:00"
SLUG = "no_zero_grad"
GOOD = """
0:40 hypothesis: either the learning rate is too high or something is wrong with the gradients
1:00 request grad_norm: show me the gradient norm, to see whether it grows
2:00 request grad_norm_by_layer@0-50: if old gradients are kept, every layer should show it, so per layer please
4:00 diagnosis: The gradients are never cleared: backward adds to what earlier steps left, so every update is the sum.
4:01 fix+verify: Call zero_grad after the step, rerun with the same seed to confirm, add a test that asserts it.
4:05 ask why_then: Why then?
4:50 answer why_then: at step 0 .grad is empty, later the sum grows with each step
4:55 ask clipping: Would clipping have helped?
5:40 answer clipping: it would bound the size and hide it, but the direction is still stale
6:00 close
"""
REVIEW = """
0:40 hypothesis: I suspect the state of the gradients at the start of the second iteration, because nothing resets it
2:00 diagnosis: zero_grad is missing, so backward adds to the gradients that earlier steps left.
2:01 fix+verify: Call zero_grad after the step and rerun with the same seed to confirm; a unit test would prevent it.
2:05 ask why_then: Why then?
2:50 answer why_then: at step 0 .grad is empty, later the sum grows with each step
3:00 close
"""
VERDICT = Verdict(
    scenario=SLUG, profile="cpu", seeds=(0, 1, 2), band_seeds=(0, 1, 2), passed=True, reason="",
    betrayals=(Betrayal("grad_norm", "grad_norm", 2, 20.0, "above"),),
    checks={"check_causality": False, "check_overfit_batch": False},
)  # fmt: skip


def transcript(slug: str, round: str, lines: str, minutes: float = 20.0) -> list[AnyEvent]:
    """Lines may stand in any order: the clock sorts them."""
    about = {"session": "s", "round": round, "scenario": slug, "profile": "cpu", "seed": 0, "level": "mid"}
    start = Started(seq=0, at=0.0, wall=WALL, minutes=minutes, **about)
    events: list[AnyEvent] = [start]
    for line in sorted(filter(None, map(str.strip, lines.splitlines())), key=_seconds):
        events += _events(line, events)
    return events


def without(lines: str, *starts: str) -> str:
    """The lines that do not begin so."""
    return "\n".join(line for line in lines.splitlines() if not line.startswith(starts))


def _seconds(line: str) -> int:
    minutes, seconds = line.split(" ", 1)[0].split(":")
    return int(minutes) * 60 + int(seconds)


def _events(line: str, before: list[AnyEvent]) -> list[AnyEvent]:
    if line.count(":") >= 2 and re.match(r"\d+:\d\d mark", line):
        head, _, rest = line.partition(" mark ")
        match, what, rest, text = re.match(r"(?P<m>\d+):(?P<s>\d\d)", head), "mark", rest, ""
    else:
        match = LINE.fullmatch(line)
        assert match, line
        what, rest, text = match["what"], match["rest"] or "", match["text"] or ""
    assert match
    base = {"seq": before[-1].seq + 1, "at": int(match["m"]) * 60.0 + int(match["s"]), "wall": WALL}
    match what:
        case "hint":
            return [Hint(rung=int(rest), **base)]
        case "ask":
            return [FollowUpAsked(id=rest, question=text, **base)]
        case "notice":
            return [Notice(mark=rest, **base)]
        case "close":
            return [Closed(reason=rest or "finished", **base)]
        case "mark":
            places = [place.rsplit(":", 1) for place in rest.split()]
            return [Marked(lines=tuple((file, int(number)) for file, number in places), **base)]
        case "answer":
            return [Candidate(text=text, acts=("answer",), follow_up=rest or None, **base)]
    requests = tuple(_request(word) for word in rest.split(",") if word.strip())
    said = Candidate(text=text, acts=tuple(what.split("+")), requests=requests, **base)
    shown = len([event for event in before if isinstance(event, Shown)])
    pieces = [
        Shown(
            seq=base["seq"] + i,
            at=base["at"],
            wall=WALL,
            n=shown + i,
            request=request,
            title=request.diagnostic,
            summary="",
        )
        for i, request in enumerate(requests, 1)
    ]
    return [said, *pieces]


def _request(word: str) -> Request:
    id, _, steps = word.strip().partition("@")
    id, _, area = id.partition("/")
    first, _, last = steps.partition("-")
    return Request(diagnostic=id, area=area or None, steps=(int(first), int(last or first)) if first else None)
