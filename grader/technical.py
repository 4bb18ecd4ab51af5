"""Whether it is right: the cause, its mechanism, the remedy, the evidence or the place."""

from __future__ import annotations

from grader.cause import is_healthy
from grader.material import Material
from grader.phrases import hit
from grader.places import Places, pointed
from grader.process import contradicted
from grader.scorecard import Cause, Point
from grader.transcript import Claim, Transcript, quote
from scenarios.schema import Solution

UNTOLD = frozenset({"loss", "val_loss", "config"})
"""Diagnostics that nearly every bug moves: seeing them supports a cause only where the answer key says so."""
PER_INNOCENT = 2.0
TOLERATED = 2
"""Innocent lines that may be marked for free: the frame of the guilty one."""
MIXED = 0.5


def verdict(transcript: Transcript, material: Material) -> Cause:
    """The cause that counts: the last one claimed; failing that, a right idea that was never claimed is half of it."""
    claim = transcript.claim
    if claim is not None:
        guesses = _guesses(transcript, material, claim)
        if guesses:
            return Cause("none", claim.cause.closest, guesses)
        return claim.cause
    idea = next((idea for idea in reversed(transcript.ideas) if idea.cause.verdict == "correct"), None)
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
        return next((claim for claim in same if support_before(transcript, material, claim.event.seq)), same[-1])
    return next((idea for idea in reversed(transcript.ideas) if idea.cause.verdict == "correct"), None)


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
    told = transcript.explanation()
    if cause.verdict not in ("correct", "partial"):
        # The mechanism of a bug that was not found, or its remedy by chance, is worth nothing.
        for name in ("mechanism", "fix"):
            found.append(Point("technical", name, 0.0, worth[name], "the cause was not found", quotes))
        return found
    groups = hit(solution.mechanism_concepts, told)
    said = [words for words in groups if words]
    part = len(said) / len(groups) if groups else share
    reason = f"says how it does its damage: {_words(said)}" if said else "does not say how the cause does its damage"
    found.append(
        Point("technical", "mechanism", round(worth["mechanism"] * part, 1), worth["mechanism"], reason, quotes)
    )
    found.append(_fix(transcript, solution, worth["fix"]))
    return found


def _fix(transcript: Transcript, solution: Solution, out_of: float) -> Point:
    best: tuple[int, Point] | None = None
    for message in transcript.said:
        if not {"fix", "diagnosis", "answer"} & set(message.acts) or message.seq in transcript.astray:
            continue
        groups = hit(solution.fix_concepts, message.text, affirmed=True)
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


def _guesses(transcript: Transcript, material: Material, last: Claim) -> str | None:
    """Why a row of claims is guessing: three causes in turn, nothing looked at between them."""
    row: dict[str, Claim] = {}
    for claim in reversed(transcript.claims):
        if claim.cause.verdict == "none":
            continue
        looked = any(claim.event.seq < piece.seq < last.event.seq for piece in transcript.telling(material))
        if looked:
            break
        row.setdefault(claim.cause.closest or claim.cause.why, claim)
    if len(row) < 3:
        return None
    return f"{len(row)} causes were claimed one after another without a look at anything in between"


def contradictions(transcript: Transcript, material: Material) -> list[tuple[Claim, str]]:
    """Claims made while evidence against them lay on the table, one per cause, with the evidence's id."""
    found: dict[str | None, tuple[Claim, str]] = {}
    for claim in transcript.claims:
        against = contradicted(transcript, material, claim)
        if against is not None:
            found.setdefault(claim.cause.closest, (claim, against))
    return list(found.values())


def _words(said: list[str]) -> str:
    return ", ".join(f'"{words}"' for words in said[:4])


def _listed(lines: object) -> str:
    return ", ".join(f"{file}:{number}" for file, number in list(lines)[:6])  # type: ignore[call-overload]
