"""Whether others could follow and trust it: reasons, answers to the follow-ups, verification, prevention."""

from __future__ import annotations

from grader.events import Candidate, FollowUpAsked
from grader.material import Material
from grader.phrases import MISSING, NOT, find, hit, phrase, plain, tokens
from grader.scorecard import MAXIMUM, Point
from grader.topics import topics
from grader.transcript import Transcript, quote, reasoned

VERIFY = (
    "verify", "confirm", "rerun", "run again", "same seed", "make sure", "compare", "should drop", "should match",
    "should fall", "check that", "validate", "overfit one batch", "overfit a single batch", "ablation",
    "sanity check", "would expect", "reproduce", "retrain", "retest", "test it",
)  # fmt: skip
PREVENT = (
    "prevent", "unit test", "regression test", "assert", "in ci", "monitor", "alert", "add logging", "log every",
    "code review", "guard", "a test that", "add a test", "write a test", "dashboard", "smoke test",
    "check at start", "invariant", "lint", "tripwire", "log gradient norm", "always log",
)  # fmt: skip
LONGEST_ANSWER = 180.0
"""Seconds that an answer takes at most: a question that was asked earlier before the end was left unanswered."""
REACH = 5
"""Words before a phrase in which a "not" denies it."""
ENOUGH = 0.5
"""Share of requests and claims with a reason that earns full marks: nobody explains every plain look."""


def points(transcript: Transcript, material: Material) -> list[Point]:
    total = MAXIMUM[transcript.started.round]["communication"]
    worth = [total * share for share in (0.35, 0.4, 0.15, 0.1)]
    return [
        _reasons(transcript, material, worth[0]),
        *_answers(transcript, material, worth[1]),
        _named(transcript, "verification", VERIFY, worth[2]),
        _named(transcript, "prevention", PREVENT, worth[3]),
    ]


def _reasons(transcript: Transcript, material: Material, out_of: float) -> Point:
    label = "gives reasons"
    claims = {claim.event.seq for claim in transcript.claims if claim.cause.verdict != "none"}
    claims |= {idea.event.seq for idea in transcript.ideas if topics(idea.event.text)}
    said = [message for message in transcript.said if message.requests or message.seq in claims]
    useful = {
        message.seq
        for message in said
        if transcript.tells(message, material) or (message.seq in claims and message.seq not in transcript.astray)
    }
    # Reasons for what leads nowhere earn nothing and cost nothing.
    weighed = [message for message in said if message.seq in useful or not reasoned(message.text)]
    if not weighed:
        return Point("communication", label, 0.0, out_of, "nothing was asked for and nothing claimed")
    with_reason = [message for message in weighed if reasoned(message.text)]
    share = min(1.0, len(with_reason) / len(weighed) / ENOUGH)
    reason = f"{len(with_reason)} of {len(weighed)} requests and claims came with a reason"
    quotes = tuple(quote(message) for message in (with_reason or weighed)[:2])
    return Point("communication", label, round(out_of * share, 1), out_of, reason, quotes)


def _answers(transcript: Transcript, material: Material, out_of: float) -> list[Point]:
    if not transcript.asked:
        if transcript.claims:
            return [Point("communication", "follow-ups", None, out_of, "no follow-up was asked")]
        return [
            Point("communication", "follow-ups", 0.0, out_of, "nothing was claimed, so nothing could be followed up")
        ]
    each = out_of / len(transcript.asked)
    return [_answer(transcript, material, asked, each) for asked in transcript.asked]


def _answer(transcript: Transcript, material: Material, asked: FollowUpAsked, out_of: float) -> Point:
    label = f"follow-up: {asked.question}"
    replies: list[Candidate] = [message for message in transcript.said if message.follow_up == asked.id]
    if not replies:
        if transcript.out_of_time(asked.at + LONGEST_ANSWER):
            return Point(
                "communication",
                label,
                None,
                out_of,
                "time ran out before it was answered",
                (quote(asked, asked.question),),
            )
        return Point("communication", label, 0.0, out_of, "left unanswered", (quote(asked, asked.question),))
    wanted = material.solution.follow_ups.get(asked.id)
    quotes = tuple(quote(message) for message in replies[:2])
    if wanted is None:
        return Point("communication", label, None, out_of, "the answer key has nothing on this question", quotes)
    groups = hit(wanted.good, ". ".join(message.text for message in replies))
    said = [words for words in groups if words]
    reason = f"says {', '.join(said)}" if said else f"misses the point: {wanted.model_answer.strip()}"
    if said and len(said) < len(groups):
        reason += f"; a full answer: {wanted.model_answer.strip()}"
    share = len(said) / len(groups) if groups else 0.0
    return Point("communication", label, round(out_of * share, 1), out_of, reason, quotes)


def _named(transcript: Transcript, label: str, options: tuple[str, ...], out_of: float) -> Point:
    for message in transcript.said:
        if (
            transcript.claim is None
            or message.seq in transcript.astray
            or (message.requests and "verify" not in message.acts)
        ):
            continue
        if not {"verify", "fix", "diagnosis", "answer"} & set(message.acts):
            continue
        said = tokens(plain(message.text))
        words = next((option for option in options if _affirmed(phrase(option), said)), None)
        if words:
            return Point("communication", label, out_of, out_of, f"names it: {words}", (quote(message),))
    return Point("communication", label, 0.0, out_of, f"no {label} was named")


def _affirmed(wanted: tuple[str, ...], said: tuple[str, ...]) -> bool:
    """Whether a phrase is said without a "not" shortly before it."""
    at = find(wanted, said)
    return at is not None and not {NOT, MISSING} & set(said[max(0, at[0] - REACH) : at[0]])
