"""What the ear's transformer (`simulator.interviewer.impression`) is fitted on.

To the messages as they were written come as many made of them, anew in every epoch: two or three wishes in one message,
a statement with a wish behind or before it, small talk before a wish, a sentence about one quantity put to another, a
plain order for anything that has a name; and slips of the fingers.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

import transformer
from transformer import Example

from grader.encoder import of_word
from simulator.interviewer import impression
from simulator.interviewer.clauses import plain
from simulator.interviewer.impression import Reader, Word
from simulator.interviewer.labelled import Labelled
from simulator.interviewer.phrases import Index

EPOCHS, ENCODERS = 10, 2
MADE = 0.8  # messages made for each that was written
NO_PHRASES = 0.25  # messages of which the vocabulary's phrases are kept back
SLIPS, SLIPPED = 0.2, 0.15  # messages with slips, and words of these

_JOINTS = [
    joint.split()
    for joint in (
        ",", "and", "+", "/", "&", ".", ";", "-", "plus", "then", ", then", "and also", ", and", "as well as", "with",
        "also", ". also", "along with",
    )
]  # fmt: skip
_TURNS = [
    turn.split()
    for turn in (
        ".", ",", "-", ", so", ";", "...", ":", ". so", "?", "!", ", can i see", ". show me", "so", ". ok .",
    )
]  # fmt: skip
_ORDERS = [
    order.split()
    for order in (
        "", "bring up the", "can i see the", "could i have the", "could you show me the", "do we have the",
        "get me the", "give me", "give me the", "have you got the", "i need the", "i want the", "i'd like to see the",
        "let me see the", "let's look at the", "let's see the", "may i have the", "next ,", "now the", "ok ,",
        "take me to the", "please show the", "plot", "plot the", "print the", "pull up the",
        "see", "show", "show me", "show me the",
    )
]  # fmt: skip
_MANNERS = [
    manner.split() for manner in ("", "", "", "please", "?", ".", ", please", "now", "again", "for me", "thanks")
]
_REASONS = [reason.split() for reason in (".", ",", "-", "because", ";", "since", ",")]


class Text(NamedTuple):
    """A message as its words, with the labels that hold of it."""

    words: tuple[Word, ...]
    asked: frozenset[str]
    does: frozenset[str]


class Corpus:
    """The messages to learn from, and the ones that others can be made of."""

    def __init__(self, items: Sequence[Labelled], index: Index, seed: int) -> None:
        self.random = random.Random(seed)
        self.texts = [as_text(item, index) for item in items]
        self.singles, self.short, self.statements, self.small_talk, self.names = [], [], [], [], []
        for item, text in zip(items, self.texts, strict=True):
            if item.acts == ("request",) and len(item.ids) == 1:
                self.singles.append(text)
                if len(text.words) <= 7:
                    self.short.append(text)
                if item.persona == "vocabulary" and len(text.words) <= 4:
                    self.names.append(text)
            elif not item.ids and set(item.acts) <= {"hypothesis", "diagnosis", "fix", "verify"}:
                self.statements.append(text)
            elif item.acts == ("smalltalk",):
                self.small_talk.append(text)

    def examples(self) -> list[Example]:
        return [example(text, self.random.random() < NO_PHRASES) for text in self.epoch()]

    def epoch(self) -> list[Text]:
        """The messages of one epoch, none without words."""
        made = [self._made() for _ in range(int(MADE * len(self.texts)))]
        return [self._slipped(text) for text in (*self.texts, *made) if text.words]

    def _made(self) -> Text:
        pick, chance = self.random.choice, self.random.random()
        if chance < 0.35:
            return self._of_another_quantity()
        if chance < 0.41:
            name = pick(self.names)
            return Text((*_plain(pick(_ORDERS)), *name.words, *_plain(pick(_MANNERS))), name.asked, name.does)
        if chance < 0.7:
            wishes = [pick(self.singles if self.random.random() < 0.3 else self.short)]
            others = self.names if self.random.random() < 0.25 else self.short
            wishes += [pick(others) for _ in range(1 if self.random.random() < 0.75 else 2)]
            joint = pick(_JOINTS)
            return _joined(wishes, [joint if self.random.random() < 0.6 else pick(_JOINTS) for _ in wishes[1:]])
        if chance < 0.9:
            claim, wish = pick(self.statements), pick(self.singles)
            if self.random.random() < 0.35:
                return _joined([wish, claim], [pick(_REASONS)])
            return _joined([claim, wish], [pick(_TURNS)])
        return _joined([pick(self.small_talk), pick(self.singles)], [pick([["."], [","], ["!"], ["-"], []])])

    def _of_another_quantity(self) -> Text:
        """A sentence that speaks of one quantity by a name of the vocabulary's, with another's in its place."""
        while True:
            text = self.random.choice(self.statements if self.random.random() < 0.7 else self.singles)
            named = [_named(word) for word in text.words]
            found = {one for one in named if one}
            places = [i for i, one in enumerate(named) if one]
            if len(found) != 1 or places[-1] - places[0] >= len(places):
                continue
            (names,) = found
            if len(names) != 1 or (text.asked and text.asked != names):
                continue
            other = self.random.choice(self.names)
            words = (*text.words[: places[0]], *other.words, *text.words[places[-1] + 1 :])
            return Text(words, other.asked if text.asked else frozenset(), text.does)

    def _slipped(self, text: Text) -> Text:
        if self.random.random() >= SLIPS:
            return text
        return text._replace(words=tuple(self._slip(word) for word in text.words))

    def _slip(self, word: Word) -> Word:
        spelled = word.own[0][1:]
        if self.random.random() >= SLIPPED or len(spelled) < 4 or not spelled.isalpha():
            return word
        i, chance = self.random.randrange(1, len(spelled) - 1), self.random.random()
        if chance < 0.35:
            spelled = spelled[:i] + spelled[i + 1] + spelled[i] + spelled[i + 2 :]
        elif chance < 0.7:
            spelled = spelled[:i] + spelled[i + 1 :]
        else:
            spelled = spelled[:i] + spelled[i] + spelled[i:]
        # The vocabulary's phrases are seldom found in a word that is misspelt.
        return word._replace(own=of_word(spelled), phrases=word.phrases if chance < 0.3 else ())


def as_text(item: Labelled, index: Index) -> Text:
    does = frozenset(item.mark if act == "unclear" and item.mark else act for act in item.acts)
    return Text(tuple(impression.words(plain(item.text), index)), item.ids, does)


def _joined(texts: Sequence[Text], joints: Sequence[Sequence[str]]) -> Text:
    words: list[Word] = []
    for i, text in enumerate(texts):
        if i:
            while len(words) > 1 and words[-1].own[0] in ("w.", "w!", "w?", "w,", "w;"):
                words.pop()
            words += _plain(joints[i - 1])
        words += text.words
    does = frozenset().union(*(text.does for text in texts))
    return Text(tuple(words), frozenset().union(*(text.asked for text in texts)), does - {"smalltalk"} or does)


def _plain(words: Sequence[str]) -> list[Word]:
    return [Word(0, 0, of_word(word), ()) for word in words]


def _named(word: Word) -> frozenset[str]:
    return frozenset(phrase[3:] for phrase in word.phrases if phrase.startswith("Md:"))


def fit(items: Sequence[Labelled], index: Index, seed: int = 0) -> Reader:
    """A reader of `items`. Deterministic on one machine."""
    corpus = Corpus(items, index, seed)
    topics = sorted({name for text in corpus.texts for name in text.asked})
    moods = sorted({act for text in corpus.texts for act in text.does})
    written = [example(text, False) for text in corpus.texts]
    encoders = [
        transformer.fit((*topics, *moods), written, corpus.examples, EPOCHS, impression.LONGEST, seed + i)
        for i in range(ENCODERS)
    ]
    return Reader(topics, moods, encoders)


def example(text: Text, bare: bool) -> Example:
    """`text` to learn from, `bare` without the phrases that were found in it."""
    return Example(impression.features(text.words, bare), text.asked | text.does)
