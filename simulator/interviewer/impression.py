"""What a message asks for and does, read as a whole by the encoder."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from grader.encoder import Encoder, before, chances, of_word
from simulator.interviewer import grams
from simulator.interviewer.phrases import Index

LONGEST = 48  # words that are read at once
MOST = 4 * LONGEST  # words that are looked at
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?|\d+|[^\w\s]|[^\W\d]+")


class Word(NamedTuple):
    """A word, number or sign of a text: the features of itself, and those of the phrases it stands in."""

    start: int
    end: int
    own: tuple[str, ...]
    phrases: tuple[str, ...]


class Impression(NamedTuple):
    """`asked` and `does` are probabilities by quantity and by act or mark; `places` says which part of the text a
    quantity was read from, as (start, end)."""

    asked: Mapping[str, float]
    does: Mapping[str, float]
    places: Mapping[str, tuple[int, int]]


class Reader(NamedTuple):
    """Encoders that were begun at different random weights, and are heard together: the mean of their logits. Their
    labels are `topics`, then `moods`."""

    topics: Sequence[str]
    moods: Sequence[str]
    encoders: Sequence[Encoder]

    def read(self, text: str, index: Index) -> Impression:
        """What lower-case `text` asks for and does; a quantity that `index` does not know is not asked for."""
        line = words(text, index)
        if not line:
            return Impression({}, {}, {})
        if len(line) <= LONGEST:
            return self._read(line, index)
        # A wish may stand at either end of a long story.
        first, last = self._read(line[:LONGEST], index), self._read(line[-LONGEST:], index)
        likelier = {name: max((first, last), key=lambda one: one.asked[name]) for name in first.asked}
        return Impression(
            {name: one.asked[name] for name, one in likelier.items()},
            {name: max(first.does[name], last.does[name]) for name in first.does},
            {name: one.places[name] for name, one in likelier.items()},
        )

    def _read(self, line: Sequence[Word], index: Index) -> Impression:
        seen = features(line)
        given = np.mean([encoder.read(seen) for encoder in self.encoders], axis=0)
        likely = chances(given).tolist()
        asked, does = likely[: len(self.topics)], likely[len(self.topics) :]
        places = [(line[i].start, line[i].end) for i in given.argmax(axis=0).tolist()]
        known = [name for name in self.topics if index.has(name)]
        by_name = dict(zip(self.topics, asked, strict=True))
        return Impression(
            {name: by_name[name] for name in known},
            dict(zip(self.moods, does, strict=True)),
            dict(zip(self.topics, places, strict=False)),
        )


def features(line: Sequence[Word], bare: bool = False) -> list[tuple[str, ...]]:
    """What the encoder sees of each word, pairs with the words before it included; `bare` leaves phrases out."""
    pairs = before([word.own[0] for word in line])
    return [word.own + pair + (() if bare else word.phrases) for word, pair in zip(line, pairs, strict=True)]


def words(text: str, index: Index) -> list[Word]:
    """The first MOST words, numbers and signs of lower-case `text`."""
    places = [(match.group(), match.start(), match.end()) for match in _WORD.finditer(text)][:MOST]
    phrases: list[list[str]] = [[] for _ in places]
    for kind, mentions in grams.looked_up(text, index)[1].items():
        for mention in mentions:
            for i, (_, start, end) in enumerate(places):
                if start < mention.end and mention.start < end:
                    phrases[i] += [f"M{kind[0]}:{name}" for name in mention.ids]
                    if len(mention.words) > 1:
                        phrases[i].append(f"M{kind[0]}2")
    return [
        Word(start, end, of_word(word), tuple(found)) for (word, start, end), found in zip(places, phrases, strict=True)
    ]
