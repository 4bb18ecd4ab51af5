"""Is what a candidate claims the cause? The rules' answer: words against the answer keys of all scenarios.

A claim states a cause when every concept group of its key is met in one or two neighbouring sentences, or when it is
close to one of the key's wordings. Other scenarios are asked the same question, so a claim that fits another bug better
is wrong rather than half right, and a list of guesses is no diagnosis.
"""

from __future__ import annotations

import functools
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from grader import stance
from grader.choice import Evidence, Verdict
from grader.phrases import MISSING, NOT, find, is_prose, phrase, plain, tokens, words
from grader.scorecard import Cause
from grader.topics import topics
from scenarios.schema import NearMiss, Solution

LIKE_A_WORDING = 0.78
"""Share of a wording's weight that makes a text a paraphrase of it. Below it, texts about a neighbouring bug that share
the everyday words ("the gradients are ... the optimizer step") begin to pass."""
LIKE_A_NEAR_MISS = 0.85
"""Higher than for a wording: near misses are short, so a few common words cover much of one."""
HALF_SAID = 0.5
"""Similarity from which some, but not all, concept groups count as half a diagnosis."""
UNNEGATED = 0.6
"""Factor on the similarity to a wording whose negation the text lacks: below `LIKE_A_WORDING` even for equal words."""
LONG, LONG_FACTOR = 3, 0.75
"""A sentence this many times as long as a wording holds its words by chance, so they count for less."""
SECOND_CLAIM = 0.5
"""Similarity that a further cause needs to count as claimed in its own right, not as a turn of phrase."""
LONGEST_QUOTE = 120
"""Characters of the candidate's sentence that a reason quotes."""
SOUND = "says that nothing is wrong"
LIST = "a list of guesses is no diagnosis"
SHOTGUN = 3
"""This many causes in one message are a list, not a diagnosis."""

_NEGATIONS = frozenset((NOT, MISSING))
_EITHER = re.compile(r"\bor\b|\beither\b|/")
_FAULTS = frozenset(("wrong", "broken", "too", "bug", "corrupt", MISSING))
_SHRUG = re.compile(r"\b(?:no idea|no clue|not know|not sure what|give up|stuck)\b")


class _Group(NamedTuple):
    """Phrases of which one is enough, in the answer key's order and as a set."""

    options: tuple[tuple[str, ...], ...]
    every: frozenset[tuple[str, ...]]


class _Window(NamedTuple):
    """Tokens of a text, and the phrases of all answer keys whose tokens are among them."""

    said: tuple[str, ...]
    possible: frozenset[tuple[str, ...]]


class _Key(NamedTuple):
    """A solution with its phrases tokenised."""

    slug: str
    groups: tuple[_Group, ...]
    wordings: tuple[frozenset[str], ...]
    misses: tuple[tuple[NearMiss, tuple[tuple[str, ...], ...]], ...]
    healthy: bool
    equivalents: frozenset[str]
    workload: str


class _Fit(NamedTuple):
    """How well a text fits one key: groups met, similarity to the nearest wording, the text's tokens it rests on, and
    the sentence they stand in."""

    key: _Key
    met: int
    similarity: float
    used: frozenset[int]
    words: tuple[str, ...]
    sentence: str = ""

    @property
    def full(self) -> bool:
        return self.met == len(self.key.groups) or (self.similarity >= LIKE_A_WORDING and self.met > 0)


class Matcher:
    """Judges claims against a set of answer keys, by slug. Making one reads every phrase once; judging is fast.

    `workloads` maps slugs to kinds of job: unless a cause of another kind fits better than all of the same kind, a
    claim is weighed against those of the same kind only.
    """

    def __init__(self, solutions: Mapping[str, Solution], workloads: Mapping[str, str] | None = None) -> None:
        kinds = workloads or {}
        self._keys = {slug: _key(slug, solution, kinds.get(slug, "")) for slug, solution in solutions.items()}
        self._likeness = _Likeness([key.wordings for key in self._keys.values()])
        self._by_token = _by_rarest(
            option for key in self._keys.values() for group in key.groups for option in group.every
        )
        self._known = _known_words(solutions.values())
        self.weigh = functools.lru_cache(maxsize=512)(self._weigh)

    def judge(self, text: str, slug: str) -> Cause:
        """What `text` claims, seen from the scenario `slug`. Raises KeyError for a slug without an answer key."""
        return self.weigh(text, slug).cause

    def _weigh(self, text: str, slug: str) -> Evidence:
        """What `text` claims, seen from the scenario `slug`. Raises KeyError for a slug without an answer key."""
        wanted = self._keys[slug]
        claimed = [said.claimed for said in stance.read(text) if is_prose(said.whole)]
        correct = self._corrections(" ".join(claimed))
        parts = [tokens(part, correct) for part in claimed]
        windows = [part + (parts[at + 1] if at + 1 < len(parts) else ()) for at, part in enumerate(parts)]
        near = [self._likeness.of(part) for part in parts]
        for at, window in enumerate(windows):
            if len(window) > len(parts[at]):
                # Two sentences hold more words by chance than one, so their likeness to a wording says less.
                near[at] = np.maximum(near[at], 0.9 * self._likeness.of(window))
        seen = [_Window(window, self._possible(window)) for window in windows]
        fits = {
            key.slug: _fit(key, parts, seen, [float(like[i]) for like in near], claimed)
            for i, key in enumerate(self._keys.values())
            if not key.healthy
        }
        rivals = {name: fit for name, fit in fits.items() if fit.key.workload == wanted.workload}
        own = fits.get(slug)
        cause = self._cause(text, wanted, claimed, parts, fits, rivals)
        return Evidence(
            cause,
            own.met / len(wanted.groups) if own and wanted.groups else 0.0,
            own.similarity if own else 0.0,
            max(
                (fit.similarity for name, fit in rivals.items() if name not in {slug, *wanted.equivalents}), default=0.0
            ),
            cause.why.startswith(LIST),
            cause.why.startswith(SOUND),
        )

    def _cause(
        self,
        text: str,
        wanted: _Key,
        claimed: list[str],
        parts: list[tuple[str, ...]],
        fits: dict[str, _Fit],
        rivals: dict[str, _Fit],
    ) -> Cause:
        slug = wanted.slug
        stated = self._stated(fits, slug)
        if not stated or stated[0].key.workload == wanted.workload:
            stated = self._stated(rivals, slug)
        whole = " ".join(claimed)
        if len(stated) >= SHOTGUN or any(_is_list(part) for part in claimed):
            listed = ", ".join(f'"{" ".join(fit.words[:2])}"' for fit in stated) or "many parts at once"
            return Cause("wrong", None, f"{LIST}: {listed}")
        if not stated and (well := self._healthy(text, wanted)):
            verdict: Verdict = "correct" if wanted.healthy else "wrong"
            return Cause(verdict, slug if wanted.healthy else well[0], f'{SOUND}: "{well[1]}"')
        if not whole.strip(", "):
            return Cause("none", None, "the message claims no cause")
        miss = _near_miss(wanted, parts)
        if any(fit.key.slug == slug for fit in stated):
            return self._right(fits[slug], stated, miss, whole)
        if stated:
            best = stated[0]
            if best.key.slug in wanted.equivalents:
                return Cause("correct", slug, f"states a cause with the same evidence: {_quoted(best)}")
            return Cause("wrong", best.key.slug, f"fits another bug: {_quoted(best)}")
        return self._less(wanted, fits, rivals, parts, miss, whole)

    def _right(self, fit: _Fit, stated: list[_Fit], miss: tuple[NearMiss, str] | None, whole: str) -> Cause:
        slug = fit.key.slug
        if miss is not None and miss[0].overrides:
            return Cause("partial" if miss[0].partial else "wrong", slug, f'"{miss[1]}": {miss[0].why}')
        if other := next((other for other in stated if other.key.slug not in {slug, *fit.key.equivalents}), None):
            hedged = "either of two" if _EITHER.search(whole) else "two causes at once"
            return Cause("partial", slug, f"names {hedged}: {_quoted(fit)} and {_quoted(other)}")
        return Cause("correct", slug, f"states the cause: {_quoted(fit)}")

    def _less(
        self,
        wanted: _Key,
        fits: dict[str, _Fit],
        rivals: dict[str, _Fit],
        parts: list[tuple[str, ...]],
        miss: tuple[NearMiss, str] | None,
        whole: str,
    ) -> Cause:
        near = _closest(rivals) or _closest(fits)
        if miss is not None:
            slug = wanted.slug if miss[0].partial else near if near != wanted.slug else None
            return Cause("partial" if miss[0].partial else "wrong", slug, f'"{miss[1]}": {miss[0].why}')
        own = fits.get(wanted.slug)
        if own and own.similarity >= HALF_SAID and 2 * own.met >= len(wanted.groups) and near == wanted.slug:
            return Cause("partial", wanted.slug, f"says part of it: {_quoted(own)}")
        if near is not None and near != wanted.slug:
            return Cause("wrong", near, f"comes closest to another bug: {_quoted(fits[near])}")
        for other in self._keys.values():
            if other.slug != wanted.slug and (found := _near_miss(other, parts)):
                return Cause("wrong", None, f'"{found[1]}" is not what happened here')
        if not _SHRUG.search(whole):
            if named := topics(whole):
                return Cause("wrong", None, f"blames {', '.join(sorted(named)[:3])}, which is not the cause as stated")
            if any(len(part) > 2 and _FAULTS & set(part) for part in parts):
                return Cause("wrong", None, "names a fault that is not the cause")
        return Cause("none", None, "the message names no cause")

    def _stated(self, fits: Mapping[str, _Fit], slug: str) -> list[_Fit]:
        """The causes a text states, best first; one that only borrows the words of a better one is left out."""
        full = [fit for fit in fits.values() if fit.full]
        full.sort(key=lambda fit: fit.similarity + (0.15 if fit.key.slug == slug else 0.0), reverse=True)
        stated: list[_Fit] = []
        for fit in full:
            own = fit.used.difference(*(other.used for other in stated))
            if not stated or (fit.similarity >= SECOND_CLAIM and 2 * len(own) > len(fit.used)):
                stated.append(fit)
        return stated

    def _healthy(self, text: str, wanted: _Key) -> tuple[str, str] | None:
        """Slug of a healthy control, of the same kind of job if there is one, and the words of a text that says that
        nothing is wrong."""
        controls = [key for key in self._keys.values() if key.healthy]
        for key in sorted(controls, key=lambda key: key.workload != wanted.workload):
            for sentence in stance.sound(text):
                said = tokens(sentence)
                found = _groups(key.groups, said, self._possible(said))
                if len(found) == len(key.groups) or stance.WELL.search(sentence):
                    return key.slug, sentence[:80]
        return None

    def _possible(self, said: tuple[str, ...]) -> frozenset[tuple[str, ...]]:
        """The phrases whose tokens a text holds, in whatever order."""
        present = _present(said)
        near = (option for token in present for option in self._by_token.get(token, ()))
        return frozenset(option for option in near if present.issuperset(option))

    def _corrections(self, text: str) -> dict[str, str]:
        """Misspelt words of a text and the known words they are one slip away from."""
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        fixed = {}
        for word in set(words(text)):
            # Shorter words are one slip away from too many others.
            if len(word) >= 6 and word.isalpha() and word not in self._known:
                found = process.extractOne(word, self._known, scorer=OSA.distance, score_cutoff=1)
                if found is not None:
                    fixed[word] = found[0]
        return fixed


class _Likeness:
    """Which share of a wording's weight a text holds. A token weighs the more the fewer wordings have it."""

    def __init__(self, keys: Sequence[Sequence[frozenset[str]]]) -> None:
        every = [wording for wordings in keys for wording in wordings]
        counts = Counter(token for wording in every for token in wording)
        self._column = {token: i for i, token in enumerate(counts)}
        self._shares = np.zeros((len(every), len(counts)))
        for row, wording in zip(self._shares, every, strict=True):
            for token in wording:
                row[self._column[token]] = math.log(1 + len(every) / counts[token])
        self._shares /= np.maximum(self._shares.sum(axis=1, keepdims=True), 1e-12)
        self._lengths = np.array([len(wording) for wording in every])
        self._negations = {word: np.array([word in wording for wording in every]) for word in (NOT, MISSING)}
        self._starts = np.cumsum([0, *map(len, keys[:-1])])

    def of(self, said: tuple[str, ...]) -> NDArray[np.float64]:
        """For each key, how like the likest of its wordings the text is. (keys,)"""
        present = _present(said)
        shares = self._shares[:, [self._column[token] for token in present if token in self._column]].sum(axis=1)
        shares = np.where(len(said) > LONG * self._lengths, LONG_FACTOR * shares, shares)
        # "the labels are shifted" holds all of "the labels are not shifted" but the point of it.
        lacking = [has for word, has in self._negations.items() if word not in present]
        if lacking:
            shares = np.where(np.logical_or.reduce(lacking), UNNEGATED * shares, shares)
        return np.maximum.reduceat(shares, self._starts)


def is_healthy(solution: Solution) -> bool:
    """Whether the scenario is a control, in which nothing is wrong."""
    return "healthy" in solution.catalogue


def _key(slug: str, solution: Solution, workload: str) -> _Key:
    return _Key(
        slug,
        tuple(_Group(options := tuple(map(phrase, group)), frozenset(options)) for group in solution.concepts),
        tuple(frozenset(phrase(wording)) for wording in (*solution.wordings, solution.title)),
        tuple((miss, tuple(phrase(saying) for saying in miss.says)) for miss in solution.near_misses),
        is_healthy(solution),
        frozenset(solution.equivalents),
        workload,
    )


def _fit(
    key: _Key,
    parts: Sequence[tuple[str, ...]],
    windows: Sequence[_Window],
    likeness: Sequence[float],
    sentences: Sequence[str],
) -> _Fit:
    """How a text fits `key` best: each of its parts, with the next in its window, has a `likeness` to a wording."""
    best = _Fit(key, 0, 0.0, frozenset(), ())
    offset = 0
    for part, (window, possible), similarity, sentence in zip(parts, windows, likeness, sentences, strict=True):
        found = _groups(key.groups, window, possible)
        used = frozenset(offset + position for positions in found for position in positions)
        said = tuple(" ".join(window[position] for position in positions) for positions in found)
        fit = _Fit(key, len(found), similarity, used, said, sentence)
        if (fit.met, fit.similarity) > (best.met, best.similarity):
            best = fit
        offset += len(part)
    return best


def _by_rarest(options: Iterable[tuple[str, ...]]) -> Mapping[str, Sequence[tuple[str, ...]]]:
    """Phrases by the one of their tokens that is in the fewest."""
    every = sorted({option for option in options if option})
    counts = Counter(token for option in every for token in set(option))
    found: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    for option in every:
        found[min(option, key=lambda token: (counts[token], token))].append(option)
    return found


def _closest(fits: Mapping[str, _Fit]) -> str | None:
    """The cause that a text resembles most, if it resembles any."""
    best = max(fits.values(), key=lambda fit: fit.similarity, default=None)
    return best.key.slug if best and best.similarity >= HALF_SAID else None


def _known_words(solutions: Iterable[Solution]) -> frozenset[str]:
    known: set[str] = set()
    for solution in solutions:
        texts = [solution.title, solution.root_cause, solution.mechanism, *solution.wordings, *solution.fixes]
        for groups in (solution.concepts, solution.mechanism_concepts, solution.fix_concepts):
            texts += [option for group in groups for option in group]
        for miss in solution.near_misses:
            texts += [*miss.says, miss.why]
        for text in texts:
            known.update(words(plain(text)))
    return frozenset(known)


def _groups(
    groups: tuple[_Group, ...], said: tuple[str, ...], possible: frozenset[tuple[str, ...]]
) -> list[tuple[int, ...]]:
    """For each group that is met the positions of its longest phrase. The first group names the subject, the others
    what is the matter with it, and those do not count where a "not" stands before them. `possible` are the phrases
    whose tokens are all there."""
    found = []
    for at, group in enumerate(groups):
        if group.every.isdisjoint(possible):
            continue
        there = (option for option in group.options if option in possible)
        options = [positions for option in there if (positions := find(option, said, affirmed=at > 0))]
        if options:
            found.append(max(options, key=len))
    return found


_as_set = functools.lru_cache(maxsize=8192)(frozenset[str])


@functools.lru_cache(maxsize=256)
def _present(said: tuple[str, ...]) -> frozenset[str]:
    """The tokens of a text; what is missing is not there."""
    return frozenset((*said, NOT)) if MISSING in said else frozenset(said)


def _near_miss(key: _Key, parts: list[tuple[str, ...]]) -> tuple[NearMiss, str] | None:
    """The near miss a text states best, and its words."""
    best: tuple[float, NearMiss, str] | None = None
    for miss, sayings in key.misses:
        for saying, words_ in zip(sayings, miss.says, strict=True):
            for part in parts:
                whole = _present(part) >= _as_set(saying) and find(saying, part, affirmed=True)
                score = 1.0 + len(saying) / 100 if whole else _overlap(saying, part)
                if score >= LIKE_A_NEAR_MISS and (best is None or score > best[0]):
                    best = (score, miss, words_)
    return (best[1], best[2]) if best else None


def _overlap(saying: tuple[str, ...], said: tuple[str, ...]) -> float:
    """Share of a saying's tokens in a sentence; a negation has to stand on both sides or on neither."""
    if len(saying) < 3 or not said:
        return 0.0
    wanted, present = _as_set(saying), _as_set(said)
    if wanted.isdisjoint(_NEGATIONS) != present.isdisjoint(_NEGATIONS):
        return 0.0
    wanted = wanted - _NEGATIONS
    return len(wanted & present) / len(wanted) if wanted else 0.0


def _is_list(text: str) -> bool:
    """Whether a sentence strings parts together with "or" without saying what is the matter with any."""
    items = [item for item in re.split(r"\bor\b|,|/", text) if len(item.split()) <= 7]
    strung = len(_EITHER.findall(text)) >= 2 or (_EITHER.search(text) and text.count(",") >= SHOTGUN - 1)
    return bool(strung) and len(frozenset().union(*map(topics, items))) > SHOTGUN


def _quoted(fit: _Fit) -> str:
    said = " ".join(fit.sentence.split()).strip(" ,;:.")
    return f'"{said if len(said) <= LONGEST_QUOTE else said[: LONGEST_QUOTE - 1] + "…"}"'
