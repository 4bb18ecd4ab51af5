"""What a claim says, read as a whole by the encoder: which causes it states, in full or in part, and what else it does.

Fitted by `tools/fit_judge.py` on the claims in `scenarios/claims` and the wordings of the answer keys.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from grader.encoder import Encoder, before, chances, of_word
from grader.phrases import plain

LONGEST = 96  # words that are read at once
STRIDE = 2 * LONGEST // 3  # words from one window over a longer text to the next
HEALTHY = "healthy"
"""The cause of all controls: that nothing is wrong."""
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?|\d+(?:\.\d+)?|[^\w\s]|[^\W\d_]+")


class Reading(NamedTuple):
    """Probabilities: by cause that the text states it, or part of it; by kind (negated truth, salad ...) that it is
    one. `places` says which part of the `plain` text a cause was read from, as (start, end)."""

    states: Mapping[str, float]
    partly: Mapping[str, float]
    does: Mapping[str, float]
    places: Mapping[str, tuple[int, int]]


class Reader(NamedTuple):
    """Encoders that learned from different people, and are heard together: the mean of their logits. Their labels are
    the `causes` stated, the same in part, then `kinds`."""

    causes: Sequence[str]
    kinds: Sequence[str]
    encoders: Sequence[Encoder]

    def read(self, text: str) -> Reading:
        found = places(text)
        if not found:
            nothing = dict.fromkeys(self.causes, 0.0)
            return Reading(nothing, nothing, dict.fromkeys(self.kinds, 0.0), {})
        starts = range(0, max(1, len(found) - LONGEST + STRIDE), STRIDE)
        read = [self._read(found[start : start + LONGEST]) for start in starts]
        if len(read) == 1:
            return read[0]
        # A cause may be named anywhere in a long story.
        clearest = {name: max(read, key=lambda one: one.states[name]) for name in self.causes}
        return Reading(
            {name: one.states[name] for name, one in clearest.items()},
            {name: max(one.partly[name] for one in read) for name in self.causes},
            max(read, key=lambda one: max(one.states.values())).does,
            {name: one.places[name] for name, one in clearest.items()},
        )

    def _read(self, line: Sequence[tuple[str, int, int]]) -> Reading:
        seen = features([word for word, _, _ in line])
        given = np.mean([encoder.read(seen) for encoder in self.encoders], axis=0)
        n, values = len(self.causes), chances(given).tolist()
        strongest = given.argmax(axis=0).tolist()
        return Reading(
            dict(zip(self.causes, values[:n], strict=True)),
            dict(zip(self.causes, values[n : 2 * n], strict=True)),
            dict(zip(self.kinds, values[2 * n :], strict=True)),
            {name: line[at][1:] for name, at in zip(self.causes, strongest, strict=False)},
        )


def places(text: str) -> list[tuple[str, int, int]]:
    """The words, numbers and signs of a text, and where they stand in what `plain` makes of it."""
    said = plain(text).replace("_", " ")
    return [(match.group(), match.start(), match.end()) for match in _WORD.finditer(said)]


def features(line: Sequence[str]) -> list[tuple[str, ...]]:
    """What the encoder sees of each word. Numbers count for themselves, too: `diagonal=1` is not `diagonal=0`."""
    own = [of_word(word) + ((f"n{word}",) if word[0].isdigit() else ()) for word in line]
    return [word + pairs for word, pairs in zip(own, before(line), strict=True)]
