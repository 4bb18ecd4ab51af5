"""Shapes of the files of a scenario. Loading and checking them is `scenarios.catalog`'s job."""

from __future__ import annotations

from typing import Literal

import msgspec

Round = Literal["debug", "review"]
Level = Literal["junior", "mid", "senior"]
Difficulty = Literal["easy", "medium", "hard"]


class Region(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A piece of the job's source to show: a whole top-level symbol (`Attention`, `Attention.forward`), or the file."""

    file: str
    symbol: str | None = None


class Minutes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Time a candidate of the scenario's level is expected to need, in minutes, by kind of round."""

    debug: float = 15.0
    review: float = 7.0


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`scenario.yaml`: all that the interview side may know before the debrief.

    `headline` and `opening` may hold `{placeholders}` that are filled from the recorded run's facts
    (`traces.format.Manifest.facts`), so the story cannot drift from its trace.
    """

    workload: str
    config: str
    rounds: tuple[Round, ...]
    level: Level
    difficulty: Difficulty
    headline: str
    opening: str
    review_context: str = ""
    snippet: tuple[Region, ...] = ()
    minutes: Minutes = Minutes()


class FollowUp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    question: str


class Guide(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`guide.yaml`: opened only when a hint is asked for or a diagnosis was claimed; it states no cause.

    `hints` are three rungs: redirect the thinking, name an area, name a quantity to look at.
    """

    hints: tuple[str, str, str]
    follow_ups: tuple[FollowUp, ...]
    review_hints: tuple[str, str, str] | None = None


class NearMiss(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A cause that is close to the right one and wrong (`partial=False`) or half of it (`partial=True`).

    With `overrides`, saying it counts even where the words of the right cause are said too ("no mask at all").
    """

    says: tuple[str, ...]
    why: str
    partial: bool = False
    overrides: bool = False


class FollowUpAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a good answer to a follow-up holds: from every inner list at least one phrase."""

    good: tuple[tuple[str, ...], ...]
    model_answer: str


class Solution(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`solution.yaml`: secret until the debrief.

    `concepts` are groups of phrases; a claim that states the cause has at least one phrase of *every* group.
    `wordings` are whole sentences candidates say for the cause. `fixes` are whole sentences for accepted remedies.
    `decisive` and `supporting` name diagnostics (ids of the vocabulary); `red_herrings` lead astray.
    `why_review_only` says what was measured where a debugging round would not be honest at this scale. `hits` are the
    lines of the snippet (whole, without indentation) that count as the place in a code review; `equivalents` name the
    scenarios that no diagnostic tells from this one: their cause counts as right.
    """

    title: str
    catalogue: tuple[int | str, ...]
    category: str
    priority: Literal[1, 2, 3]
    root_cause: str
    mechanism: str
    wordings: tuple[str, ...]
    concepts: tuple[tuple[str, ...], ...]
    fixes: tuple[str, ...]
    fix_concepts: tuple[tuple[str, ...], ...]
    near_misses: tuple[NearMiss, ...] = ()
    decisive: tuple[str, ...] = ()
    supporting: tuple[str, ...] = ()
    red_herrings: tuple[str, ...] = ()
    follow_ups: dict[str, FollowUpAnswer] = {}
    mechanism_concepts: tuple[tuple[str, ...], ...] = ()
    references: tuple[str, ...] = ()
    why_review_only: str = ""
    hits: tuple[str, ...] = ()
    equivalents: tuple[str, ...] = ()


class Diagnostic(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of `vocabulary.yaml`: something a candidate may ask for. `phrases` are how people ask for it."""

    id: str
    kind: Literal["curve", "fact", "data", "output", "check", "code"]
    shows: str
    phrases: tuple[str, ...] = ()


class Area(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the training code that can be asked for, how people name it, and where it lies in the reference."""

    id: str
    phrases: tuple[str, ...]
    regions: tuple[Region, ...]


class Concept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A textbook definition, the same in every round."""

    term: str
    phrases: tuple[str, ...]
    definition: str


class Vocabulary(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    diagnostics: tuple[Diagnostic, ...]
    areas: tuple[Area, ...]
    concepts: tuple[Concept, ...] = ()
