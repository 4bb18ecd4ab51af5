"""What the reader of claims (`grader.claim_reader`) is fitted on.

To the claims as they were written, and the wordings of the answer keys, come as many made of them, anew in every epoch:
others ruled out before a claim, evidence read aloud around it, a claim turned down, three causes in a row, and slips of
the fingers.

A claim judged in one scenario says little of the others: what it may also state, or not, is left open. What people type
that is no claim at all comes from the ear's messages.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import transformer
from transformer import Example

from grader import claim_reader
from grader.cause import is_healthy
from grader.claim_reader import HEALTHY, Reader
from grader.claims import TRAPS, Claim
from scenarios import catalog
from scenarios.schema import Solution
from simulator.interviewer import labelled

EPOCHS = 6
MADE = 0.8  # claims made for each that was written
MESSAGES = 5000  # of the ear's, that claim nothing
NO_CLAIM = {"request", "hint", "options", "fishing", "concept", "meta", "smalltalk"}
SLIPS, SLIPPED = 0.25, 0.12  # claims with slips, and words of these
KINDS = tuple(kind for kind in TRAPS if kind not in ("near_miss", "other_bug"))
SILENT = ("salad", "vague", "symptom_only", "question", "injection", "flattery")  # kinds that state no cause
_RULED_OUT = [
    turn.split()
    for turn in (
        "not the {} .", "it is not the {} ,", "the {} is fine ,", "ruled out the {} ,", "{} looks ok , so",
        "i first thought of the {} , but", "nothing wrong with the {} .", "could have been the {} but no :",
        "i suspected the {} at first , but", "i ruled out the {} ,", "i checked the {} and it is fine , it is that",
        "not the {} but", "i believe it is not the {} . it is that",
    )
]  # fmt: skip
_PARTS = (
    "learning rate", "lr", "data", "mask", "optimizer", "loss", "init", "batch", "schedule", "clipping", "precision",
    "val set", "tokenizer", "attention", "dropout", "seed", "warmup", "weight decay",
)  # fmt: skip
_DENIED = [
    turn.split()
    for turn in (
        "it is not that {}", "it is not true that {}", "i ruled out that {}", "it cannot be that {}",
        "i do not think {}", "i first thought {} , but that is not so", "we can exclude that {}",
        "{} ? no , that is not it", "{} would explain it , but that is not what happens here",
        "i checked whether {} and no", "no sign that {}", "one might think {} . that is wrong",
    )
]  # fmt: skip
_OR = [["or"], [",", "or"], [","], ["/"], [",", "or", "maybe"], [".", "or"], [";"]]


class Text(NamedTuple):
    words: tuple[str, ...]
    labels: frozenset[str]
    unknown: frozenset[str]


class Corpus:
    def __init__(self, claims: Sequence[Claim], solutions: Mapping[str, Solution], seed: int) -> None:
        self.random = random.Random(seed)
        self.causes = causes(solutions)
        self.texts = [self._text(claim, solutions) for claim in claims]
        self.texts += [self._text(claim, solutions) for claim in from_keys(solutions)]
        others = [message.text for message in labelled.read("train") if set(message.acts) <= NO_CLAIM]
        silent = self.random.sample(others, min(MESSAGES, len(others)))
        self.texts += [Text(_words(text), frozenset(), frozenset()) for text in silent]
        self.texts = [text for text in self.texts if text.words]
        named = list(zip(claims, self.texts, strict=False))
        self.right = [text for text in self.texts if any(label.startswith("states") for label in text.labels)]
        self.short = [text for text in self.right if len(text.words) <= 14]
        self.evidence = [text for claim, text in named if claim.kind == "symptom_only" and len(text.words) <= 20]

    def examples(self) -> list[Example]:
        """The examples of one epoch."""
        made = [self._made() for _ in range(int(MADE * len(self.texts)))]
        return [example(self._slipped(text)) for text in (*self.texts, *made)]

    def _text(self, claim: Claim, solutions: Mapping[str, Solution]) -> Text:
        words = _words(claim.text)
        cause = cause_of(claim.scenario, solutions)
        equal = {cause_of(name, solutions) for name in solutions[claim.scenario].equivalents if name in solutions}
        every = {f"{how} {name}" for how in ("states", "partly") for name in self.causes}
        own = {f"states {cause}", f"partly {cause}"}
        if claim.verdict == "correct":
            unknown = {f"partly {cause}", *(f"{how} {name}" for how in ("states", "partly") for name in equal)}
            return Text(words, frozenset((f"states {cause}",)), frozenset(unknown))
        if claim.verdict == "partial":
            vague = {label for label in every - own if label.startswith("partly")}
            return Text(words, frozenset((f"partly {cause}",)), frozenset(vague))
        kind = frozenset((claim.kind,)) & frozenset(KINDS)
        if claim.kind in SILENT:
            return Text(words, kind, frozenset())
        return Text(words, kind, frozenset(every if claim.kind == "shotgun" else every - own))

    def _made(self) -> Text:
        pick, chance = self.random.choice, self.random.random()
        text = pick(self.right)
        if chance < 0.3:
            before = [word for turn in pick(_RULED_OUT) for word in (pick(_PARTS).split() if turn == "{}" else [turn])]
            return text._replace(words=(*before, *text.words))
        if chance < 0.6:
            seen = pick(self.evidence).words
            words = (*seen, pick((".", ",", "->", "so")), *text.words)
            return text._replace(words=words if self.random.random() < 0.5 else (*text.words, ".", *seen))
        if chance < 0.66:
            turn = pick(_DENIED)
            at = turn.index("{}")
            return Text(
                (*turn[:at], *pick(self.short).words, *turn[at + 1 :]), frozenset(("negated_truth",)), frozenset()
            )
        if chance < 0.82:
            return text
        listed: list[str] = []
        for one in self.random.sample(self.short, 3):
            listed += [*(pick(_OR) if listed else ()), *one.words]
        states = {f"{how} {name}" for how in ("states", "partly") for name in self.causes}
        return Text(tuple(listed), frozenset(("shotgun",)), frozenset(states))

    def _slipped(self, text: Text) -> Text:
        if self.random.random() >= SLIPS:
            return text
        return text._replace(words=tuple(self._slip(word) for word in text.words))

    def _slip(self, word: str) -> str:
        if self.random.random() >= SLIPPED or len(word) < 4 or not word.isalpha():
            return word
        i, chance = self.random.randrange(1, len(word) - 1), self.random.random()
        if chance < 0.35:
            return word[:i] + word[i + 1] + word[i] + word[i + 2 :]
        return word[:i] + word[i + 1 :] if chance < 0.7 else word[:i] + word[i] + word[i:]


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word, _, _ in claim_reader.places(text))


def cause_of(slug: str, solutions: Mapping[str, Solution]) -> str:
    return HEALTHY if is_healthy(solutions[slug]) else slug


def causes(solutions: Mapping[str, Solution]) -> list[str]:
    return sorted({cause_of(slug, solutions) for slug in solutions})


def from_keys(solutions: Mapping[str, Solution]) -> list[Claim]:
    """The wordings of the answer keys as claims, what their near misses say, and the hints and questions, which claim
    nothing."""
    found = []
    for slug, solution in solutions.items():
        for wording in (*solution.wordings, solution.title):
            found.append(Claim(wording, slug, "correct", "plain", "keys", slug))
        for miss in solution.near_misses:
            verdict, kind = ("partial", "plain") if miss.partial else ("wrong", "near_miss")
            found += [Claim(says, slug, verdict, kind, "keys", slug) for says in miss.says]
        guide = catalog.load_guide(slug)
        said = (*guide.hints, *guide.review_hints, *(asked.question for asked in guide.follow_ups))
        found += [Claim(text, slug, "none", "question", "keys", slug) for text in said]
    return found


def fit(claims: Sequence[Claim], solutions: Mapping[str, Solution], seed: int = 0) -> Reader:
    """A reader of `claims`. Deterministic on one machine."""
    corpus = Corpus(claims, solutions, seed)
    labels = [f"{how} {name}" for how in ("states", "partly") for name in corpus.causes]
    written = [example(text) for text in corpus.texts]
    encoder = transformer.fit((*labels, *KINDS), written, corpus.examples, EPOCHS, claim_reader.LONGEST, seed)
    return Reader(corpus.causes, KINDS, [encoder])


def example(text: Text) -> Example:
    return Example(claim_reader.features(text.words), text.labels, text.unknown)
