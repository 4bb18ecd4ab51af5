"""The scorecard as a pure function of events and material: no clock, no files, no network."""

from __future__ import annotations

from collections.abc import Sequence

from grader import communication, economy, process, red_flags, technical
from grader.events import AnyEvent
from grader.material import Material
from grader.scorecard import MAXIMUM, WITHOUT_CAUSE, Cause, Dimension, Gate, Point, Recommendation, Scorecard
from grader.transcript import Transcript, clock, quote, read

COMBED, LUCKY, SILENT = 69.0, 60.0, 19.0
COMBING = 15
"""More requests without a bearing than these are a search of everything for whatever it may show."""
CONTRADICTION, AFTERTHOUGHT = 5.0, 3.0
WELL, POOR = 0.8, 0.5
LINES = 5
"""At most so many sentences of praise, and of advice."""


def score_material(events: Sequence[AnyEvent], material: Material) -> Scorecard:
    """Raises GraderError when the events are not those of one interview about the material's scenario."""
    transcript = read(events, material)
    cause = technical.verdict(transcript, material)
    points = [
        *process.points(transcript, material),
        *technical.points(transcript, material, cause),
        *communication.points(transcript, material),
        *economy.points(transcript, material, cause),
    ]
    taken = _deductions(transcript, material)
    dimensions = {
        name: _dimension(name, maximum, points) for name, maximum in MAXIMUM[transcript.started.round].items()
    }
    total = sum(dimensions.values()) + sum(point.points or 0.0 for point in taken)
    gates = _gates(transcript, material, cause)
    total = round(max(0.0, min([total, 100.0, *(cap for cap, _ in gates)])), 1)
    every = [*points, *taken]
    return Scorecard(
        total=total,
        recommendation=recommendation(total),
        cause=cause,
        dimensions=dimensions,
        points=tuple(every),
        gates=tuple(gate for _, gate in gates),
        red_flags=tuple(red_flags.points(transcript, points)),
        went_well=_went_well(points),
        work_on=_work_on(every),
    )


def recommendation(total: float) -> Recommendation:
    if total >= 85:
        return "Strong hire"
    if total >= 70:
        return "Hire"
    return "Lean no" if total >= 50 else "No hire"


def _dimension(name: Dimension, maximum: int, points: Sequence[Point]) -> float:
    """Points of a dimension; what could not be scored is left out and the rest scaled up to the maximum."""
    scored = [(point.points, point.out_of) for point in points if point.dimension == name and point.points is not None]
    possible = sum(out_of for _, out_of in scored)
    return round(maximum * sum(given for given, _ in scored) / possible, 1) if possible else 0.0


def _deductions(transcript: Transcript, material: Material) -> list[Point]:
    """Points taken from the total: claims against the evidence on the table, remedies for what it has ruled out."""
    taken = []
    for claim, against in technical.contradictions(transcript, material):
        reason = f"{against} was on the table and speaks against this cause"
        taken.append(Point("technical", "against the evidence", -CONTRADICTION, 0.0, reason, (quote(claim.event),)))
    claimed = {claim.event.seq for claim in transcript.claims}
    for message in transcript.said:
        if "fix" not in message.acts or message.seq in claimed:
            continue
        cause = material.judge.judge(message.text, material.slug)
        ruled_out_by = process.contradicted(transcript, material, cause, message.seq)
        if ruled_out_by is not None:
            reason = f"a remedy for something that {ruled_out_by} had already ruled out"
            taken.append(Point("technical", "remedy after the fact", -AFTERTHOUGHT, 0.0, reason, (quote(message),)))
    return taken


def _gates(transcript: Transcript, material: Material, cause: Cause) -> list[tuple[float, Gate]]:
    gates = []
    said_something = any(
        message.requests or {"hypothesis", "diagnosis", "fix"} & set(message.acts) for message in transcript.said
    )
    if not said_something and transcript.marked is None:
        gates.append((SILENT, Gate("nothing said", f"at most {SILENT:g}", "no request, no hypothesis, no claim")))
    elif cause.verdict == "none":
        gates.append((WITHOUT_CAUSE, Gate("no diagnosis", f"at most {WITHOUT_CAUSE:g}", cause.why)))
    elif cause.verdict == "wrong":
        gates.append((WITHOUT_CAUSE, Gate("wrong cause", f"at most {WITHOUT_CAUSE:g}", cause.why)))
    elif not transcript.review and not technical.seen_support(transcript, material):
        reason = "the cause was claimed before any evidence for it was on the table"
        gates.append((LUCKY, Gate("lucky guess", f"at most {LUCKY:g}", reason)))
    elif transcript.review and not technical.accounted_for(transcript, material):
        reason = "the cause was named, with no place, and not both a reason and a remedy"
        if material.healthy:
            reason = "that nothing is wrong was said without a reason"
        gates.append((LUCKY, Gate("bare name", f"at most {LUCKY:g}", reason)))
    aside = {piece.request for piece in transcript.shown if not material.bears(piece.request.diagnostic)}
    if len(aside) > COMBING:
        reason = f"{len(aside)} things were asked for that have no bearing"
        gates.append((COMBED, Gate("combing through", f"at most {COMBED:g}", reason)))
    return gates


def _went_well(points: Sequence[Point]) -> tuple[str, ...]:
    good = [p for p in points if p.points is not None and p.out_of > 0 and p.points >= WELL * p.out_of and p.quotes]
    good.sort(key=lambda point: -point.out_of)
    return _sentences(good[:LINES])


def _work_on(points: Sequence[Point]) -> tuple[str, ...]:
    poor = [p for p in points if p.points is not None and (p.points < 0 or p.points <= POOR * p.out_of)]
    poor.sort(key=lambda point: point.points - point.out_of if point.points is not None else 0.0)
    return _sentences(poor[:LINES])


def _sentences(points: Sequence[Point]) -> tuple[str, ...]:
    """A sentence for each point; words that were quoted once are named by their time from then on."""
    found, quoted = [], set[int]()
    for point in points:
        sentence = f"{point.name[:1].upper()}{point.name[1:]}: {point.reason}"
        if point.quotes:
            first = point.quotes[0]
            known = first.seq in quoted or _says(point.reason, first.text)
            sentence += f" ({clock(first.at)})" if known else f' ({clock(first.at)}: "{first.text}")'
            quoted.add(first.seq)
        found.append(sentence)
    return tuple(found)


def _says(reason: str, words: str) -> bool:
    """Whether a reason holds the words, or most of their beginning, already."""
    return words[:40].casefold() in reason.casefold()
