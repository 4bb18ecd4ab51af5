"""An interview's events sorted by what they are, with the claims among them judged. All of it is derived."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from grader.errors import GraderError
from grader.events import (
    AnyEvent,
    Candidate,
    Closed,
    Event,
    FollowUpAsked,
    Hint,
    Marked,
    Notice,
    Request,
    Shown,
    Started,
)
from grader.material import Material
from grader.pasted import without_code
from grader.scorecard import Cause, Quote

_SHORTEST = 5
REASON = re.compile(
    r"\b(?:because|since|so that|to see (?:if|whether|how)|"
    r"to (?:check|test|rule out|tell|find out|know|confirm|exclude|see)|would (?:show|tell|mean|expect|explain)|"
    r"if (?:it|the|that|this|they|there)\b[^.?!]{0,80}(?:,|\bthen|\bwould|\bshould|\bwill)|consistent with|means|"
    r"therefore|suggests?|points? to|rules? out|explains?|due to|caused by|otherwise|as the|"
    r"as a result|leads? to|so the|so it|so each|so every)\b",
    re.IGNORECASE,
)
_COMMITS = re.compile(
    r"\bi (?:really |do |strongly |now )?(?:think|believe|reckon|bet|guess|say)\b|\bi(?:'d| would) say\b"
    r"|\bi(?:'m| am) (?:fairly|pretty|quite|almost|rather) (?:sure|certain|confident)\b"
    r"|\bmy (?:best )?(?:guess|bet|answer)\b|\b(?:must|has to) be\b|\bmost likely\b",
    re.IGNORECASE,
)
_ANEW = re.compile(
    r"\b(?:actually|in fact|i was wrong|correction|on second thoughts?|(?:the )?(?:real|actual|true) "
    r"(?:bug|cause|root cause|problem|issue|culprit))\b|^\W*i (?:now )?(?:think|believe)\b",
    re.IGNORECASE,
)
_DOUBTS = re.compile(r"\b(?:maybe|perhaps|could|might|possibly|either|or)\b|\?", re.IGNORECASE)


@dataclass(frozen=True)
class Claim:
    """A message that claims a cause."""

    event: Candidate
    material: Material = field(repr=False, compare=False)

    @cached_property
    def cause(self) -> Cause:
        """What it was taken for. Judging is what takes time in scoring, so only what counts is judged."""
        text = without_code(self.event.text, self.material.source)
        return self.material.judge.judge(text, self.material.slug)


@dataclass(frozen=True)
class Transcript:
    started: Started
    said: tuple[Candidate, ...]
    shown: tuple[Shown, ...]
    hints: tuple[Hint, ...]
    asked: tuple[FollowUpAsked, ...]
    notices: tuple[Notice, ...]
    marked: Marked | None
    closed: Closed | None
    events: tuple[AnyEvent, ...]
    claims: tuple[Claim, ...]
    ideas: tuple[Claim, ...]

    @property
    def review(self) -> bool:
        return self.started.round == "review"

    @cached_property
    def evidence(self) -> tuple[Shown, ...]:
        """What was really seen: recorded pieces only."""
        return tuple(piece for piece in self.shown if piece.recorded)

    @cached_property
    def asking(self) -> tuple[Candidate, ...]:
        """The messages that ask for evidence."""
        return tuple(message for message in self.said if message.requests)

    def out_of_time(self, at: float) -> bool:
        """Whether the time was up by then, in seconds of the interview's clock."""
        ends = [notice.at for notice in self.notices if notice.mark == "time_up"]
        if self.closed is not None and self.closed.reason == "time_up":
            ends.append(self.closed.at)
        return bool(ends) and min(ends) <= at

    @cached_property
    def claim(self) -> Claim | None:
        """The claim that counts: the last one that names a cause."""
        return next((claim for claim in reversed(self.claims) if claim.cause.verdict != "none"), None)

    @cached_property
    def same_claims(self) -> tuple[Claim, ...]:
        """The claims of the cause that is claimed at the end, since it was last preferred to another, oldest first."""
        last, same = self.claim, []
        for claim in reversed(self.claims):
            if last and (claim.cause.verdict, claim.cause.closest) == (last.cause.verdict, last.cause.closest):
                same.append(claim)
            elif claim.cause.verdict != "none":
                break
        return tuple(reversed(same))

    def telling(self, material: Material) -> tuple[Shown, ...]:
        """The evidence with a bearing on the case, each piece where it was first shown."""
        first: dict[Request, Shown] = {}
        for piece in self.evidence:
            if material.bears(piece.request.diagnostic):
                first.setdefault(piece.request, piece)
        return tuple(first.values())

    def tells(self, message: Candidate, material: Material) -> bool:
        """Whether a message asks for something with a bearing on the case that was not asked for before."""
        before = {request for other in self.said if other.seq < message.seq for request in other.requests}
        return any(material.bears(request.diagnostic) and request not in before for request in message.requests)

    @cached_property
    def astray(self) -> frozenset[int]:
        """The numbers of the messages that claim a wrong cause."""
        return frozenset(claim.event.seq for claim in self.claims if claim.cause.verdict == "wrong")

    def seen_before(self, seq: int) -> frozenset[str]:
        """Ids of the diagnostics on the table before an event."""
        return frozenset(piece.request.diagnostic for piece in self.evidence if piece.seq < seq)

    def explained(self) -> list[str]:
        """What was said about causes and remedies: where a mechanism is told."""
        acts = {"diagnosis", "fix", "verify", "answer", "hypothesis"}
        return [message.text for message in self.said if acts & set(message.acts) and message.seq not in self.astray]


def read(events: Sequence[AnyEvent], material: Material) -> Transcript:
    """Raises GraderError when the events are not those of one interview about the material's scenario."""
    starts = [event for event in events if isinstance(event, Started)]
    if len(starts) != 1:
        raise GraderError(f"a transcript holds one start of an interview, this one holds {len(starts)}")
    if starts[0].scenario != material.slug:
        raise GraderError("the transcript is about another scenario than the one it is to be scored against")
    said = tuple(event for event in events if isinstance(event, Candidate))
    claims = tuple(Claim(message, material) for message in said if "diagnosis" in message.acts)
    ideas = tuple(
        Claim(message, material) for message in said if "hypothesis" in message.acts and "diagnosis" not in message.acts
    )
    if not claims:
        # Where nothing firmer comes, what somebody says he thinks it is, is his answer.
        claims = tuple(
            idea for idea in ideas if _COMMITS.search(idea.event.text) and not _DOUBTS.search(idea.event.text)
        )
        ideas = tuple(idea for idea in ideas if idea not in claims)
    claims = _with_answers(claims, said, material)
    return Transcript(
        started=starts[0],
        said=said,
        shown=tuple(event for event in events if isinstance(event, Shown)),
        hints=tuple(event for event in events if isinstance(event, Hint)),
        asked=tuple(event for event in events if isinstance(event, FollowUpAsked)),
        notices=tuple(event for event in events if isinstance(event, Notice)),
        marked=next((event for event in reversed(events) if isinstance(event, Marked)), None),
        closed=next((event for event in events if isinstance(event, Closed)), None),
        events=tuple(events),
        claims=claims,
        ideas=ideas,
    )


def _with_answers(claims: tuple[Claim, ...], said: Sequence[Candidate], material: Material) -> tuple[Claim, ...]:
    """With the answer to a follow-up that states the right cause anew, where the claim before it did not. What else an
    answer says explains the claim and replaces it not."""
    if not claims or claims[-1].cause.verdict == "correct":
        return claims
    told = (message for message in said if message.follow_up is not None and message.seq > claims[0].event.seq)
    answers = (Claim(message, material) for message in told)
    anew = (answer for answer in answers if _ANEW.search(answer.event.text))
    right = [answer for answer in anew if answer.cause.verdict == "correct"]
    return tuple(sorted((*claims, *right[:1]), key=lambda claim: claim.event.seq))


def reasoned(text: str) -> bool:
    """Whether a message gives a reason and is more than the reason's word."""
    return len(text.split()) >= _SHORTEST and REASON.search(text) is not None


def clock(seconds: float) -> str:
    """The interview's clock as mm:ss."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    return f"{minutes:02}:{rest:02}"


def quote(event: Event, text: str | None = None, length: int = 120) -> Quote:
    words = text if text is not None else getattr(event, "text", "") or getattr(event, "title", "")
    short = " ".join(words.split())
    return Quote(event.seq, event.at, short if len(short) <= length else short[: length - 1].rstrip() + "…")


def name(request: Request) -> str:
    """A request in a few words: `grad_norm, steps 180-220`."""
    parts = [request.diagnostic if request.area is None else f"code of {request.area}"]
    if request.steps:
        parts.append(f"steps {request.steps[0]}-{request.steps[1]}")
    if request.layers:
        parts.append("layers " + ", ".join(map(str, request.layers)))
    return ", ".join(parts)
