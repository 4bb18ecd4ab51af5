"""Whether it is right: the cause, its mechanism, the remedy, the evidence or the place."""

from __future__ import annotations

import re
from collections.abc import Sequence

from grader.cause import is_healthy
from grader.material import Material
from grader.pasted import without_code
from grader.phrases import hit
from grader.places import Places, named, near, pointed
from grader.process import contradicted
from grader.scorecard import Cause, Point
from grader.topics import topics
from grader.transcript import Claim, Transcript, quote, reasoned

UNTOLD = frozenset({"loss", "val_loss", "config"})
"""Diagnostics that nearly every bug moves: seeing them supports a cause only where the answer key says so."""
PER_INNOCENT = 3.0
TOLERATED = 2
"""Innocent lines that may be marked for free: the frame of the guilty one."""
MIXED = 0.5
PARTS = 2
"""So many parts that were looked at are a reason to call a run healthy."""
LAST_IDEAS = 2
GUESSES = 3
"""So many causes claimed in a row without a look at anything new are guesses."""
_TELLS = {"hypothesis", "diagnosis", "fix", "verify", "answer"}
_REMEDY = re.compile(
    r"\b(?:should|must|ought|needs? to|has to|have to|fix|instead|replace|change|move|add|remove|swap|use)\b",
    re.IGNORECASE,
)


def verdict(transcript: Transcript, material: Material) -> Cause:
    """The cause that counts: the last one claimed; failing that, a right idea that was never claimed is half of it."""
    claim = transcript.claim
    if claim is not None:
        guesses = _guesses(transcript, material)
        if guesses:
            return Cause("none", claim.cause.closest, guesses)
        return claim.cause
    idea = _suspected(transcript)
    if idea is not None:
        return Cause("partial", idea.cause.closest, f"suspected, never claimed: {idea.cause.why}")
    if transcript.claims:
        return transcript.claims[-1].cause
    return Cause("none", None, "no cause was claimed")


def claimed_at(transcript: Transcript, material: Material) -> Claim | None:
    """Where the cause that counts was first claimed with evidence for it on the table; failing that, last claimed.

    A guess that is repeated after its evidence was seen is a diagnosis from then on.
    """
    same = transcript.same_claims
    if same:
        founded = (claim for claim in same if support_before(transcript, material, claim.event.seq))
        return same[0] if transcript.review else next(founded, same[-1])
    return _suspected(transcript)


def _suspected(transcript: Transcript) -> Claim | None:
    """The right idea that was never claimed, where it is among the last: who suspects everything suspects that too."""
    last = reversed(transcript.ideas[-LAST_IDEAS:])
    return next((idea for idea in last if idea.cause.verdict == "correct"), None)


def points(transcript: Transcript, material: Material, cause: Cause) -> list[Point]:
    if transcript.review:
        worth = {"cause": 25.0, "mechanism": 8.0, "fix": 7.0}
        return [*_common(transcript, material, cause, worth), _lines(transcript, material, cause)]
    worth = {"cause": 15.0, "mechanism": 5.0, "fix": 5.0}
    return [*_common(transcript, material, cause, worth), _evidence(transcript, material, cause)]


def supporting(material: Material) -> frozenset[str]:
    """Diagnostics that speak for the cause: those of the answer key, and those that verification found to betray it."""
    solution = material.solution
    return frozenset((*solution.decisive, *solution.supporting)) | (material.betraying - UNTOLD)


def seen_support(transcript: Transcript, material: Material) -> frozenset[str]:
    """The supporting evidence on the table before the cause that counts was claimed."""
    claim = claimed_at(transcript, material)
    return support_before(transcript, material, claim.event.seq) if claim else frozenset()


def support_before(transcript: Transcript, material: Material, seq: int) -> frozenset[str]:
    """The supporting evidence on the table before an event; code counts when the changed lines were in it."""
    support = transcript.seen_before(seq) & supporting(material) - {"code"}
    return support | {"code"} if _seen_in_code(transcript, material, seq) else support


def accounted_for(transcript: Transcript, material: Material) -> bool:
    """Whether a review says more than what the cause is called: the place marked or named by its number, or
    a reason and a remedy in words. Where nothing is wrong, a reason or the parts that were looked at will do."""
    lines = set(transcript.marked.lines) if transcript.marked else set()
    meant = [message for message in transcript.said if message.seq not in transcript.astray]
    for message in meant:
        lines |= named(message.text, material) if "diagnosis" in message.acts else set()
    if any(near(line, material) for line in lines):
        return True
    told = [without_code(message.text, material.source) for message in meant if _TELLS & set(message.acts)]
    if material.healthy:
        looked_at = frozenset[str]().union(*map(topics, told)) - {"noise"}
        return len(looked_at) >= PARTS or any(map(reasoned, told))
    remedy = any(map(_REMEDY.search, told)) or any("fix" in message.acts for message in meant)
    return remedy and any(map(reasoned, told))


def _seen_in_code(transcript: Transcript, material: Material, seq: int) -> bool:
    lines = {
        material.source[file][number - 1].strip()
        for file, numbers in material.changed_lines.items()
        for number in numbers
        if file in material.source and number <= len(material.source[file])
    }
    lines = {line for line in lines if len(line) > 8}
    pieces = [piece for piece in transcript.evidence if piece.request.diagnostic == "code" and piece.seq < seq]
    return any(line in piece.summary for piece in pieces for line in lines)


def _common(transcript: Transcript, material: Material, cause: Cause, worth: dict[str, float]) -> list[Point]:
    solution = material.solution
    claim = transcript.claim or claimed_at(transcript, material)
    quotes = (quote(claim.event),) if claim else ()
    share = {"correct": 1.0, "partial": MIXED}.get(cause.verdict, 0.0)
    found = [Point("technical", "root cause", worth["cause"] * share, worth["cause"], cause.why, quotes)]
    if cause.verdict not in ("correct", "partial"):
        # The mechanism of a bug that was not found, or its remedy by chance, is worth nothing.
        for name in ("mechanism", "fix"):
            found.append(Point("technical", name, 0.0, worth[name], "the cause was not found", quotes))
        return found
    told = [hit(solution.mechanism_concepts, without_code(text, material.source)) for text in transcript.explained()]
    groups = [next(filter(None, words), None) for words in zip(*told, strict=True)] or [None] * len(
        solution.mechanism_concepts
    )
    said = [words for words in groups if words]
    part = len(said) / len(groups) if groups else share
    reason = f"says how it does its damage: {_words(said)}" if said else "does not say how the cause does its damage"
    found.append(
        Point("technical", "mechanism", round(worth["mechanism"] * part, 1), worth["mechanism"], reason, quotes)
    )
    found.append(_fix(transcript, material, worth["fix"]))
    return found


def _fix(transcript: Transcript, material: Material, out_of: float) -> Point:
    solution = material.solution
    best: tuple[int, Point] | None = None
    for message in transcript.said:
        if not {"fix", "diagnosis", "answer"} & set(message.acts) or message.seq in transcript.astray:
            continue
        groups = hit(solution.fix_concepts, without_code(message.text, material.source), affirmed=True)
        count = sum(words is not None for words in groups)
        if count and (best is None or count > best[0]):
            share = count / len(groups)
            how = "an accepted fix" if share == 1.0 else "half of the fix"
            reason = f"{how}: {_words([words for words in groups if words])}"
            best = (count, Point("technical", "fix", round(out_of * share, 1), out_of, reason, (quote(message),)))
    if best is not None:
        return best[1]
    if is_healthy(solution):
        return Point("technical", "fix", out_of, out_of, "changed nothing, as was right")
    return Point("technical", "fix", 0.0, out_of, "no accepted fix was stated")


def _evidence(transcript: Transcript, material: Material, cause: Cause) -> Point:
    label, out_of = "decisive evidence", 5.0
    if cause.verdict not in ("correct", "partial"):
        return Point("technical", label, 0.0, out_of, "the cause was not found")
    seen = seen_support(transcript, material)
    pieces = {piece.request.diagnostic: piece for piece in reversed(transcript.evidence)}
    decisive = [id for id in material.solution.decisive if id in seen]
    if decisive:
        quotes = tuple(quote(pieces[id]) for id in decisive)
        return Point("technical", label, out_of, out_of, f"saw what settles it: {', '.join(decisive)}", quotes)
    if seen:
        quotes = tuple(quote(pieces[id]) for id in sorted(seen)[:3])
        reason = f"saw what supports it ({', '.join(sorted(seen))}), not what settles it"
        return Point("technical", label, out_of * 0.6, out_of, reason, quotes)
    return Point("technical", label, 0.0, out_of, "claimed before any evidence for it was on the table")


def _lines(transcript: Transcript, material: Material, cause: Cause) -> Point:
    label, out_of = "right lines", 15.0
    places: Places = pointed(transcript, material)
    quotes = (quote(transcript.marked, _listed(transcript.marked.lines)),) if transcript.marked else ()
    if not material.changed_lines:
        points = max(0.0, out_of - PER_INNOCENT * len(places.innocent)) if cause.verdict == "correct" else 0.0
        return Point("technical", label, points, out_of, f"{len(places.innocent)} innocent lines accused", quotes)
    if not places.right:
        reason = "only innocent lines were accused" if places.innocent else "no line was marked, named or quoted"
        return Point("technical", label, 0.0, out_of, reason, quotes)
    extra = max(0, len(places.innocent) - TOLERATED)
    where = _listed(sorted(places.right))
    reason = f"points at {where}" + (f", and accuses {len(places.innocent)} innocent lines" if extra else "")
    # The right line under the wrong cause was hit by accident, or for the wrong reason.
    share = 1.0 if cause.verdict in ("correct", "partial") else MIXED
    points = max(0.0, out_of * share - PER_INNOCENT * extra)
    return Point("technical", label, points, out_of, reason, quotes)


def _guesses(transcript: Transcript, material: Material) -> str | None:
    """Why a number of claims is guessing: several causes claimed in a row with nothing new looked at between them, and
    no more looks than guesses since."""
    looks = [piece.seq for piece in transcript.telling(material)]
    row: dict[str, Claim] = {}
    last = 0
    for claim in transcript.claims:
        if claim.cause.verdict == "none":
            continue
        since = [seq for seq in looks if last < seq < claim.event.seq]
        if since and (len(row) < GUESSES or len(since) > len(row)):
            row = {}
        row.setdefault(claim.cause.closest or claim.cause.why, claim)
        last = claim.event.seq
    if len(row) < GUESSES:
        return None
    return f"{len(row)} causes were claimed one after another without a look at anything in between"


def contradictions(transcript: Transcript, material: Material) -> list[tuple[Claim, str]]:
    """Claims made while evidence against them lay on the table, one per cause, with the evidence's id."""
    found: dict[str | None, tuple[Claim, str]] = {}
    for claim in transcript.claims:
        against = contradicted(transcript, material, claim.cause, claim.event.seq)
        if against is not None:
            found.setdefault(claim.cause.closest, (claim, against))
    return list(found.values())


def _words(said: list[str]) -> str:
    return ", ".join(f'"{words}"' for words in said[:4])


def _listed(lines: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{file}:{number}" for file, number in lines[:6])
