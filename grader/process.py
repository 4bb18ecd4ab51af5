"""How the candidate went about it: hypotheses first, requests that follow from them, from the whole to the part."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

from grader.events import Candidate, Request
from grader.material import BASICS, Material
from grader.phrases import is_prose, plain
from grader.scorecard import Cause, Point, Quote
from grader.topics import topics
from grader.transcript import Claim, Transcript, name, quote, reasoned

WHOLE = BASICS | {
    "baseline",
    "throughput",
    "memory",
    "utilization",
    "samples",
    "eval_metrics",
    "data_stats",
    "model_summary",
}
"""Views of the run as a whole; everything else looks into a part of it."""
SUSPECTS = 5
"""Parts that one message may speak of and still be a hypothesis."""
_ALTERNATIVES = re.compile(r"\b(?:or|either|else|otherwise)\b|[,;:.?]\s", re.IGNORECASE)
WANDERING = 8
"""More marked lines than these are no accusation but a search with a net."""


def points(transcript: Transcript, material: Material) -> list[Point]:
    return _review(transcript, material) if transcript.review else _debug(transcript, material)


def _debug(transcript: Transcript, material: Material) -> list[Point]:
    return [
        _hypotheses(transcript, material, 10, "before the first deep dive"),
        _following(transcript, material),
        _narrowing(transcript, material),
        _dropped(transcript, material),
        _repeats(transcript, material),
        _fishing(transcript, material, 3),
    ]


def _review(transcript: Transcript, material: Material) -> list[Point]:
    return [
        _hypotheses(transcript, material, 5, "while reading"),
        _reading(transcript, material),
        _scatter(transcript),
        _fishing(transcript, material, 4),
    ]


def _hypotheses(transcript: Transcript, material: Material, out_of: float, when: str) -> Point:
    dive = next((piece for piece in transcript.evidence if _deep(piece.request)), None)
    before = [idea for idea in _ideas(transcript, material) if dive is None or idea.event.seq < dive.seq]
    distinct: dict[str, Claim] = {}
    for idea in before:
        for about in _about(idea):
            distinct.setdefault(about, idea)
    count = min(len(distinct), 2)
    quotes = tuple({idea.event.seq: quote(idea.event) for idea in list(distinct.values())[:3]}.values())
    label = "two hypotheses first"
    if count >= 2:
        named = ", ".join(list(distinct)[:3])
        return Point("process", label, out_of, out_of, f"several suspicions were voiced {when}: {named}", quotes)
    if count == 1:
        reason = f"only one suspicion was voiced {when}: {next(iter(distinct))}"
        return Point("process", label, out_of / 2, out_of, reason, quotes)
    said = (quote(dive),) if dive else ()
    return Point("process", label, 0.0, out_of, f"no hypothesis was voiced {when}", said)


def _ideas(transcript: Transcript, material: Material) -> list[Claim]:
    """Hypotheses and diagnoses that name something, in order: an early claim was a hypothesis as well, unless it was
    wrong."""
    claims = (c for c in transcript.claims if "hypothesis" in c.event.acts or c.event.seq not in transcript.astray)
    weighed = (message for message in transcript.asking if _weighs(message))
    asking = (Claim(message, material) for message in weighed)
    every = sorted((*transcript.ideas, *claims, *asking), key=lambda claim: claim.event.seq)
    return [idea for idea in every if _about(idea)]


def _weighs(message: Candidate) -> bool:
    """Whether a request says which of several suspects it is to tell apart."""
    told = {"hypothesis", "diagnosis"} & set(message.acts)
    return not told and re.search(r"\bor\b", message.text) is not None and len(_suspects(message.text)) > 1


def _about(idea: Claim) -> Sequence[str]:
    return () if "diagnosis" in idea.event.acts and idea.cause.verdict == "none" else _suspects(idea.event.text)


@functools.lru_cache(maxsize=1024)
def _suspects(text: str) -> tuple[str, ...]:
    """The parts that a message suspects."""
    if not is_prose(plain(text)):
        return ()
    # "The attention mask" is one suspicion, "the mask or the data" are two.
    about = sorted({min(named) for part in _ALTERNATIVES.split(text) if (named := topics(part))})
    # A message that suspects everything suspects nothing in particular.
    return tuple(about) if len(about) <= SUSPECTS else ()


def _deep(request: Request) -> bool:
    return request.diagnostic not in WHOLE or bool(request.layers or request.heads)


def _following(transcript: Transcript, material: Material) -> Point:
    label, out_of = "requests follow from a hypothesis", 10.0
    deep = [message for message in transcript.asking if any(r.diagnostic not in BASICS for r in message.requests)]
    if not transcript.telling(material):
        return Point("process", label, 0.0, out_of, "no evidence was asked for")
    ideas = [idea.event.seq for idea in _ideas(transcript, material)]
    led = [m for m in deep if reasoned(m.text) or any(seq <= m.seq for seq in ideas)]
    # A reason does not make a request useful, but spares it the blame.
    asking = [message for message in deep if message not in led or transcript.tells(message, material)]
    led = [message for message in led if message in asking]
    if not asking:
        reason = "nothing beyond the basic curves was asked for"
        return Point("process", label, out_of / 2, out_of, reason, (quote(transcript.evidence[0]),))
    loose = [message for message in asking if message not in led]
    reason = f"{len(led)} of {len(asking)} requests beyond the basics came with or after a hypothesis"
    quotes = tuple(quote(message) for message in (loose or led)[:3])
    return Point("process", label, round(out_of * len(led) / len(asking), 1), out_of, reason, quotes)


def _narrowing(transcript: Transcript, material: Material) -> Point:
    label, out_of = "from the whole to the part", 8.0
    seen = transcript.telling(material)
    if not seen:
        return Point("process", label, 0.0, out_of, "no evidence was asked for")
    whole = next((piece for piece in seen if not _deep(piece.request) and not piece.request.steps), None)
    part = next((piece for piece in seen if _deep(piece.request) or piece.request.steps), None)
    if whole and part and whole.seq < part.seq:
        reason = f"went from {name(whole.request)} to {name(part.request)}"
        return Point("process", label, out_of, out_of, reason, (quote(whole), quote(part)))
    only = whole or part
    assert only is not None
    if part and not whole:
        reason = f"began with a part, {name(part.request)}, without a look at the whole"
    elif part:
        reason = f"looked at a part, {name(part.request)}, before the whole"
    else:
        reason = f"never went further than the whole run: {name(only.request)}"
    return Point("process", label, out_of * 0.625, out_of, reason, (quote(only),))


def _dropped(transcript: Transcript, material: Material) -> Point:
    label, out_of = "drops what the evidence rules out", 6.0
    if not transcript.telling(material) or not _ideas(transcript, material):
        return Point("process", label, 0.0, out_of, "no idea was held against evidence")
    claim = transcript.claim
    held = contradicted(transcript, material, claim.cause, claim.event.seq) if claim else None
    if held is not None and claim is not None:
        reason = f"stayed with a cause that {held} speaks against"
        return Point("process", label, 0.0, out_of, reason, (quote(claim.event),))
    later = claim
    if later and later.cause.verdict in ("correct", "partial"):
        before = (idea for idea in _ideas(transcript, material) if idea.event.seq < later.event.seq)
        wrong = next((idea for idea in before if idea.cause.verdict == "wrong"), None)
        if wrong:
            quotes = (quote(wrong.event), quote(later.event))
            return Point("process", label, out_of, out_of, "gave up a wrong idea for a better one", quotes)
    return Point("process", label, out_of, out_of, "held on to nothing that the evidence ruled out")


def contradicted(transcript: Transcript, material: Material, cause: Cause, seq: int) -> str | None:
    """The evidence on the table before an event that speaks against a wrong cause, by its id, or None."""
    other = material.judge.solutions.get(cause.closest or "") if cause.verdict == "wrong" else None
    if other is None or cause.closest == material.slug:
        return None
    seen = [id for id in other.decisive if id in transcript.seen_before(seq)]
    normal = [id for id in seen if material.is_normal(id)]
    return normal[0] if normal and not material.betraying & set(seen) else None


def _repeats(transcript: Transcript, material: Material) -> Point:
    label, out_of = "nothing asked for twice", 3.0
    if not transcript.telling(material):
        return Point("process", label, 0.0, out_of, "no evidence was asked for")
    seen, twice = set(), []
    for piece in transcript.evidence:
        if piece.request in seen:
            twice.append(piece)
        seen.add(piece.request)
    if not twice:
        return Point("process", label, out_of, out_of, "every request asked for something new")
    reason = f"asked again for {', '.join(sorted({name(piece.request) for piece in twice}))}"
    return Point("process", label, max(0.0, out_of - len(twice)), out_of, reason, _some(twice))


def _fishing(transcript: Transcript, material: Material, out_of: float) -> Point:
    label = "does not fish for the answer"
    asked = any(transcript.tells(message, material) for message in transcript.asking)
    if not asked and not _ideas(transcript, material):
        return Point("process", label, 0.0, out_of, "nothing was asked and nothing suspected")
    fished = [message for message in transcript.said if "fishing" in message.acts]
    if not fished:
        return Point("process", label, out_of, out_of, "never asked for the answer or for everything at once")
    taken = min(out_of, 0.5 * out_of * len(fished))
    return Point(
        "process", label, out_of - taken, out_of, "asked for the answer or for everything at once", _some(fished)
    )


def _reading(transcript: Transcript, material: Material) -> Point:
    label, out_of = "reads with a reason", 7.0
    ideas = _ideas(transcript, material)
    if not ideas:
        return Point("process", label, 0.0, out_of, "no part of the code was suspected")
    told = [idea for idea in ideas if reasoned(idea.event.text)]
    if told:
        return Point(
            "process", label, out_of, out_of, "said why a part of the code is suspect", (quote(told[0].event),)
        )
    return Point(
        "process", label, out_of / 2, out_of, "suspected parts of the code without a reason", (quote(ideas[0].event),)
    )


def _scatter(transcript: Transcript) -> Point:
    label, out_of = "goes for a place", 4.0
    marked = len(transcript.marked.lines) if transcript.marked else 0
    if not marked and transcript.claim is None:
        return Point("process", label, 0.0, out_of, "nothing was marked or claimed")
    quotes = (
        (quote(transcript.marked, "1 line marked" if marked == 1 else f"{marked} lines marked"),)
        if transcript.marked
        else ()
    )
    if marked > WANDERING:
        return Point("process", label, 0.0, out_of, f"{marked} lines marked are a net, not a finding", quotes)
    return Point("process", label, out_of, out_of, "kept to few lines", quotes)


def _some(events: list) -> tuple[Quote, ...]:
    return tuple(quote(event) for event in events[:3])
