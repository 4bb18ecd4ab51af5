"""Finds the vocabulary's phrases in a text, whatever the inflection, order of words or spelling."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from importlib import resources
from typing import Literal, NamedTuple

from scenarios.schema import Vocabulary
from simulator.interviewer import lexicon

Kind = Literal["diagnostic", "area", "concept"]

LONGEST = 7
MAX_CORRECTIONS = 60

_WORD = re.compile(r"[a-z0-9²]+(?:'[a-z]+)?|[,;&+]")
_LETTERS = re.compile(r"[a-z]{4,}")
_KNOWN_SHAPE = re.compile(r"[a-z]+")


class Token(NamedTuple):
    """A word in its one form, and where it stands in the text."""

    word: str
    start: int
    end: int


class Mention(NamedTuple):
    """A phrase found: the ids it may mean (more than one: ambiguous) and the span of text it covers."""

    ids: tuple[str, ...]
    start: int
    end: int
    words: tuple[str, ...]


def tokens(text: str) -> list[Token]:
    """The words of lower-case `text` in their one form, small words left out; separators are words of their own."""
    return list(_tokens(text))


@functools.lru_cache(maxsize=512)
def _tokens(text: str) -> tuple[Token, ...]:
    found: list[Token] = []
    for match in _WORD.finditer(text):
        for word in _form(match.group()).split():
            found.append(Token(word, match.start(), match.end()))
    joined: list[Token] = []
    for token in found:
        if joined and (pair := lexicon.PAIRS.get((joined[-1].word, token.word))):
            start = joined.pop().start
            joined += [Token(word, start, token.end) for word in pair.split()]
        else:
            joined.append(token)
    return tuple(token for token in joined if token.word not in lexicon.SMALL_WORDS)


@functools.lru_cache(maxsize=8192)
def _form(word: str) -> str:
    if word in "&+":
        return "and"
    if word in ",;":
        return ","
    word = word.removesuffix("'s").removesuffix("'")
    if word in lexicon.SMALL_WORDS:
        return word
    if word in lexicon.FORMS:
        return lexicon.FORMS[word]
    if len(word) > 4 and word.endswith("ies"):
        word = word[:-3] + "y"
    elif len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    return lexicon.FORMS.get(word, word)


def words(text: str) -> tuple[str, ...]:
    return tuple(token.word for token in tokens(text.lower()))


class Index:
    """The phrases of one vocabulary, ready to be looked up. Making one takes some tens of milliseconds."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.shows = {diagnostic.id: diagnostic.shows for diagnostic in vocabulary.diagnostics}
        self.areas = tuple(area.id for area in vocabulary.areas)
        self._tables: dict[Kind, dict[tuple[str, ...], tuple[str, ...]]] = {"diagnostic": {}, "area": {}, "concept": {}}
        self._any_order: dict[Kind, dict[tuple[str, ...], tuple[str, ...]]] = {
            "diagnostic": {},
            "area": {},
            "concept": {},
        }
        # The same few texts are looked through again and again while one message is understood.
        self._mentions = functools.lru_cache(maxsize=512)(self._find)
        # The words of each table's phrases: no other can stand in one.
        self._parts: dict[Kind, set[str]] = {"diagnostic": set(), "area": set(), "concept": set()}
        self.known: set[str] = set()
        for diagnostic in vocabulary.diagnostics:
            if diagnostic.kind != "code":
                self._learn("diagnostic", diagnostic.id, (diagnostic.id, *diagnostic.phrases))
        for area in vocabulary.areas:
            self._learn("area", area.id, (area.id, *area.phrases))
        for concept in vocabulary.concepts:
            self._learn("concept", concept.term, (concept.term, *concept.phrases))
        self._joined = {
            "".join(key): " ".join(key)
            for key in self._tables["diagnostic"]
            if 1 < len(key) < 4 and len("".join(key)) > 5
        }

    def _learn(self, kind: Kind, name: str, phrases: Iterable[str]) -> None:
        table, any_order = self._tables[kind], self._any_order[kind]
        for phrase in phrases:
            spelled = phrase.replace("_", " ").lower()
            self.known.update(_KNOWN_SHAPE.findall(spelled))
            key = words(spelled)
            if not key or "," in key:
                continue
            self.known.update(key)
            self._parts[kind].update(key)
            if name not in table.get(key, ()):
                table[key] = (*table.get(key, ()), name)
            loose = tuple(sorted(key))
            if len(key) > 1 and name not in any_order.get(loose, ()):
                any_order[loose] = (*any_order.get(loose, ()), name)

    def has(self, name: str) -> bool:
        """Whether the vocabulary has a diagnostic of that id, or an area of the code (`code:AREA`)."""
        return name in self.shows or name.removeprefix("code:") in self.areas

    def lookup(self, key: tuple[str, ...], kind: Kind) -> tuple[str, ...]:
        """What exactly these words mean; empty when they are no phrase."""
        return self._tables[kind].get(key) or (
            self._any_order[kind].get(tuple(sorted(key)), ()) if len(key) > 1 else ()
        )

    def mentions(self, line: list[Token], kind: Kind) -> list[Mention]:
        """Phrases in `line`, longest first chosen, none overlapping; in the order of the text."""
        return list(self._mentions(tuple(line), kind))

    def _find(self, line: tuple[Token, ...], kind: Kind) -> tuple[Mention, ...]:
        found: list[tuple[int, int, int, int, tuple[str, ...]]] = []
        spelled, parts = [token.word for token in line], self._parts[kind]
        for start in range(len(line)):
            for length in range(1, min(LONGEST, len(line) - start) + 1):
                if spelled[start + length - 1] not in parts:
                    break
                key = tuple(spelled[start : start + length])
                exact = self._tables[kind].get(key)
                ids = exact or self.lookup(key, kind)
                if ids:
                    # Of two phrases of one length the later wins: what is asked for stands last in English.
                    found.append((-length, 0 if exact else 1, -start, start, ids))
        taken: set[int] = set()
        chosen: list[Mention] = []
        for negative, _, _, start, ids in sorted(found):
            span = range(start, start - negative)
            if taken.isdisjoint(span):
                taken.update(span)
                first, last = line[span[0]], line[span[-1]]
                chosen.append(Mention(ids, first.start, last.end, tuple(line[i].word for i in span)))
        return tuple(sorted(chosen, key=lambda mention: mention.start))

    def correct(self, text: str) -> str:
        """Lower-case `text` with misspelt words of ours put right, and words run together taken apart."""
        unknown: dict[str, None] = {}
        for match in _LETTERS.finditer(text):
            word = match.group()
            if word not in self.known and _form(word) not in self.known and word not in _ordinary():
                unknown[word] = None
        replaced: dict[str, str] = {}
        for word in list(unknown)[:MAX_CORRECTIONS]:
            better = self._joined.get(word) or self._joined.get(_form(word)) or self._nearest(word)
            if better:
                replaced[word] = better
        if not replaced:
            return text
        return _LETTERS.sub(lambda match: replaced.get(match.group(), match.group()), text)

    def _nearest(self, word: str) -> str | None:
        if len(word) > 24:
            return None
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        allowed = 1 if len(word) < 7 else 2
        best: tuple[int, int, str] | None = None
        for candidate, distance, _ in process.extract(
            word, self._targets, scorer=OSA.distance, score_cutoff=allowed, limit=8
        ):
            near_end = candidate[0] == word[0] or sorted(candidate) == sorted(word)
            if not near_end or (len(word) == 4 and len(candidate) == 4 and sorted(candidate) != sorted(word)):
                continue
            rank = (int(distance), abs(len(candidate) - len(word)), candidate)
            best = min(best, rank) if best else rank
        return best[2] if best else None

    @functools.cached_property
    def _targets(self) -> list[str]:
        """Words that a misspelling may be put right to."""
        ours = {word for word in self.known if len(word) > 3 and word.isalpha()}
        return sorted(ours | {word for word in _MORE_TARGETS if len(word) > 3})

    def close(self, text: str, limit: int = 3) -> list[str]:
        """Diagnostics whose phrases come closest to a text that names none, best first; possibly none."""
        from rapidfuzz import fuzz, process, utils

        best: dict[str, float] = {}
        flat = self._flat
        for _, score, place in process.extract(
            " ".join(words(text[:200])), [phrase for phrase, _ in flat], scorer=fuzz.token_sort_ratio, limit=12,
            processor=utils.default_process, score_cutoff=68,
        ):  # fmt: skip
            for name in flat[place][1]:
                best[name] = max(best.get(name, 0.0), score)
        return sorted(best, key=lambda name: -best[name])[:limit]

    @functools.cached_property
    def _flat(self) -> list[tuple[str, tuple[str, ...]]]:
        return [(" ".join(key), ids) for key, ids in self._tables["diagnostic"].items()]


# Words of the ear's own that are worth putting right; the vocabulary's own are, all of them.
_MORE_TARGETS = (
    "layer", "layers", "step", "steps", "around", "between", "compare", "compared", "comparison", "baseline",
    "healthy", "show", "plot", "table", "values", "what", "maybe", "suspect", "think", "hypothesis", "diagnosis",
    "because", "hint", "options", "explain", "mean", "verify", "confirm", "please", "request", "wonder", "problem",
    "everything", "code", "implementation", "function", "against", "versus", "rank", "head", "heads", "first",
    "last", "without", "need", "remaining", "repeat", "before", "after",
)  # fmt: skip


@functools.lru_cache(maxsize=1)
def _ordinary() -> frozenset[str]:
    """Words of ordinary English that a correction would take for one of ours."""
    text = resources.files("simulator.interviewer").joinpath("common_words.txt").read_text(encoding="utf-8")
    listed = text.split()
    inflected = [word + ending for word in listed if len(word) > 3 for ending in ("s", "d", "ed", "ing", "ly", "er")]
    return frozenset((*listed, *inflected, *_MORE_TARGETS)) | lexicon.cue_words()


_indexes: list[Index] = []


def index_of(vocabulary: Vocabulary) -> Index:
    """The index of a vocabulary; the one used last is kept."""
    for index in _indexes:
        if index.vocabulary is vocabulary:
            return index
    _indexes[:] = [Index(vocabulary)]
    return _indexes[0]


def is_word(word: str, index: Index) -> bool:
    """Whether it is a word of ours or of ordinary English."""
    return word in index.known or word in lexicon.SMALL_WORDS or word in _ordinary() or _form(word) in index.known
