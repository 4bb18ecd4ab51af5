"""Is what a candidate claims the cause? The rules (`cause`) and what was learned from people's claims (`choice`)
together; for scenarios that nothing was learned of, such as those of another pack, the rules alone."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Mapping
from pathlib import Path

from grader import choice, stance
from grader.cause import LONGEST_QUOTE, Matcher, is_healthy
from grader.choice import Evidence, Learned, Verdict
from grader.claim_reader import HEALTHY, Reader, Reading
from grader.phrases import plain, sentences, words
from grader.scorecard import Cause
from scenarios.schema import Solution

FORGED, FORGERY = ("flattery", "injection"), 0.5
"""What asks for the verdict instead of naming a cause, from this probability on."""
MOST_WORDS = 60
"""The choice has seen few claims that are longer, so it takes longer ones for as long as this."""
READ, PARTLY_READ = 0.92, 0.2
"""Where the rules do not find a cause, it is credited in full, or in part, from this probability on."""
STATED = 0.3
"""Another cause is named as the one that was claimed from this probability on."""


class Judge:
    """Judges claims against a set of answer keys, by slug. `workloads` maps slugs to kinds of job."""

    def __init__(
        self, solutions: Mapping[str, Solution], workloads: Mapping[str, str], learned: Learned | None = None
    ) -> None:
        self.solutions, self.workloads, self.learned = solutions, workloads, learned
        self.rules = Matcher(solutions, workloads)
        self._known = {slug for slug, key in solutions.items() if learned and learned.knows(slug, key)}
        self._said = {plain(text) for solution in solutions.values() for text in _texts(solution)}
        self.judge = functools.lru_cache(maxsize=512)(self._judge)

    def forget(self) -> None:
        """Forgets what has been judged."""
        self.judge.cache_clear()
        self.rules.weigh.cache_clear()

    def _judge(self, text: str, slug: str) -> Cause:
        """What `text` claims, seen from the scenario `slug`. Raises KeyError for a slug without an answer key."""
        rules = self.rules.weigh(text, slug)
        # What an answer key says itself needs no second opinion.
        if self.learned is None or slug not in self._known or plain(text) in self._said:
            return rules.cause
        if rules.listed:
            return rules.cause
        whole, claimed = _readings(text, self.learned.reader)
        if rules.cause.verdict != "correct" and max(whole.does.get(kind, 0.0) for kind in FORGED) > FORGERY:
            return Cause("none", None, "the message names no cause")
        verdict = self.learned.choice.verdict(self._figures(text, whole, claimed, slug, rules))
        if verdict == rules.cause.verdict or not self._read(verdict, whole, claimed, slug):
            return rules.cause
        if verdict == "none" and rules.sound:
            return rules.cause
        return self._other(verdict, text, slug, whole)

    def _read(self, verdict: Verdict, whole: Reading, claimed: Reading, slug: str) -> bool:
        """Whether what a verdict credits was read at all: no weight of other figures makes up for that."""
        own = self._cause_of(slug)
        stated = max(reading.states.get(own, 0.0) for reading in (whole, claimed))
        part = max(reading.partly.get(own, 0.0) for reading in (whole, claimed))
        if verdict == "partial":
            return max(stated, part) > PARTLY_READ
        return verdict != "correct" or stated > READ

    def figures(self, text: str, slug: str, reader: Reader) -> list[float]:
        """What the choice goes by, with the readings of `reader`."""
        return self._figures(text, *_readings(text, reader), slug, self.rules.weigh(text, slug))

    def _figures(self, text: str, whole: Reading, claimed: Reading, slug: str, rules: Evidence) -> list[float]:
        equal = {self._cause_of(name) for name in self.solutions[slug].equivalents if name in self.solutions}
        rivals = {self._cause_of(name) for name, kind in self.workloads.items() if kind == self.workloads.get(slug)}
        return choice.figures(
            whole, claimed, self._cause_of(slug), equal, rivals, rules, min(MOST_WORDS, len(text.split()))
        )

    def _other(self, verdict: Verdict, text: str, slug: str, reading: Reading) -> Cause:
        """A verdict that the rules did not come to, and why."""
        if verdict == "none":
            return Cause("none", None, "the message names no cause")
        own = self._cause_of(slug)
        if verdict in ("correct", "partial"):
            how = "states the cause" if verdict == "correct" else "says part of it"
            return Cause(verdict, slug, f"{how}: {_quoted(text, reading, own)}")
        if reading.does.get("shotgun", 0.0) > 0.5:
            return Cause("wrong", None, "a list of guesses is no diagnosis")
        other = max((name for name in reading.states if name != own), key=lambda name: reading.states[name])
        if reading.states[other] >= STATED:
            closest = self._control(slug) if other == HEALTHY else other
            return Cause("wrong", closest, f"fits another cause: {_quoted(text, reading, other)}")
        return Cause("wrong", None, f"not what happened here: {_quoted(text, reading, own)}")

    def _control(self, slug: str) -> str:
        """A control, of the same kind of job if there is one."""
        controls = [name for name, key in self.solutions.items() if is_healthy(key)]
        return min(controls, key=lambda name: self.workloads.get(name) != self.workloads.get(slug))

    def _cause_of(self, slug: str) -> str:
        return HEALTHY if is_healthy(self.solutions[slug]) else slug


def match(text: str, slug: str, pack: Path | str | None = None) -> Cause:
    """What `text` claims, judged for the scenario `slug` against every scenario of the catalogue.

    Raises ScenarioError for an unknown slug or an answer key that cannot be read.
    """
    return judge(slug, pack).judge(text, slug)


def judge(slug: str, pack: Path | str | None = None) -> Judge:
    """A judge over all answer keys, the one of `slug` among them. Raises ScenarioError, as `match` does."""
    from scenarios import catalog

    found = _judge(str(pack) if pack else None, os.environ.get(catalog.PACK_VARIABLE))
    if slug not in found.solutions:
        # These say what is the matter with it.
        catalog.load_scenario(slug, pack)
        catalog.load_solution(slug, pack)
    return found


@functools.lru_cache(maxsize=4)
def _judge(pack: str | None, variable: str | None) -> Judge:
    from scenarios import catalog
    from scenarios.errors import ScenarioError

    solutions, workloads = {}, {}
    for slug in catalog.slugs(pack):
        # A broken neighbour must not keep a sound scenario from being graded; `flatline doctor` names it.
        with contextlib.suppress(ScenarioError):
            workloads[slug] = catalog.load_scenario(slug, pack).workload
            solutions[slug] = catalog.load_solution(slug, pack)
    return Judge(solutions, workloads, choice.load())


def _readings(text: str, reader: Reader) -> tuple[Reading, Reading]:
    """What is read in all of a text, and in what is left of it once the denied clauses are taken out."""
    claimed = ". ".join(said.claimed for said in stance.read(text) if said.claimed.strip(" ,;:."))
    whole = reader.read(text)
    return whole, whole if words(claimed) == words(plain(text)) else reader.read(claimed)


def _texts(solution: Solution) -> list[str]:
    sayings = [says for miss in solution.near_misses for says in miss.says]
    return [*solution.wordings, solution.title, solution.root_cause, *sayings]


def _quoted(text: str, reading: Reading, name: str) -> str:
    """The sentence in which a cause was read."""
    said = plain(text)
    at, _ = reading.places.get(name, (0, 0))
    passed = 0
    for sentence in sentences(said):
        passed = said.find(sentence, passed) + len(sentence)
        if at < passed:
            break
    else:
        sentence = said
    short = " ".join(sentence.split()).strip(" ,;:.")
    return f'"{short if len(short) <= LONGEST_QUOTE else short[: LONGEST_QUOTE - 1] + "…"}"'
