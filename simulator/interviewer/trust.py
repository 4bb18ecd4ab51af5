"""Whom to believe: of what the three readers of a message think it asks for, which is right, and how sure that is.

Boosted trees over a few figures of what the encoders, `spans` and the rules (`reading`) make of a message, and of how
they agree. Fitted by `tools/fit_ear.py` on people that none of them had been made for. A request is granted from
`ENOUGH` on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from grader.trees import Trees
from simulator.interviewer.impression import Impression
from simulator.interviewer.spans import REQUEST, Span

ENOUGH = 0.5
PRESENT = 0.5  # a label from this probability on
CLAIMS = {"hypothesis", "diagnosis", "fix", "verify"}
_MOODS = (
    "request", "hypothesis", "diagnosis", "fix", "verify", "concept", "fishing", "options", "hint", "meta", "smalltalk",
    "unclear", "ask", "out_of_scope",
)  # fmt: skip


class Heard(NamedTuple):
    """A message as all three heard it: `asked` and `acts` are the rules'; `whole` is how sure the mood of all of it is
    a request's; `plain` whether it is nothing but an order and names."""

    text: str
    spans: Sequence[Span]
    whole: float
    asked: frozenset[str]
    acts: Sequence[str]
    plain: bool
    impression: Impression

    @property
    def wanted(self) -> tuple[str, ...]:
        """What the spans ask for."""
        return tuple(dict.fromkeys(span.topic for span in self.spans if span.act == REQUEST))

    @property
    def read(self) -> frozenset[str]:
        """What the encoder takes for asked."""
        return frozenset(name for name, chance in self.impression.asked.items() if chance > PRESENT)


class Trust(NamedTuple):
    trees: Trees

    def probability(self, heard: Heard, asks: frozenset[str]) -> float:
        """That `asks` is just what was asked for."""
        return self._probabilities(heard, [asks])[0]

    def choose(self, heard: Heard) -> tuple[frozenset[str], float]:
        """What is likeliest to be asked for, possibly nothing, and the probability of that."""
        found = candidates(heard)
        chances = self._probabilities(heard, found)
        best = max(range(len(found)), key=chances.__getitem__)
        return found[best], chances[best]

    def _probabilities(self, heard: Heard, found: Sequence[frozenset[str]]) -> list[float]:
        rows = np.array([features(heard, asks) for asks in found], dtype=np.float32)
        return (1 / (1 + np.exp(-np.clip(self.trees.total(rows), -30, 30)))).tolist()


def candidates(heard: Heard) -> list[frozenset[str]]:
    """What each of the three takes for asked."""
    return list(dict.fromkeys((heard.read, frozenset(heard.wanted), heard.asked)))


def features(heard: Heard, asks: frozenset[str]) -> list[float]:
    """The figures of a message and one set of quantities that it may ask for."""
    chances, does = heard.impression.asked, heard.impression.does
    inside = [chances.get(name, 0.0) for name in asks]
    outside = [chance for name, chance in chances.items() if name not in asks]
    likelihood = sum(math.log(max(1e-5, one)) for one in inside) + sum(math.log(max(1e-5, 1 - one)) for one in outside)
    requests = [span for span in heard.spans if span.act == REQUEST]
    readers = (heard.read, frozenset(heard.wanted), heard.asked)
    found = [likelihood, _odds(min(inside, default=1.0)), _odds(max(outside, default=0.0))]
    found += [*(float(asks == reader) for reader in readers), float(len(asks)), float(not asks)]
    found += [float(one == other) for one, other in ((readers[0], readers[1]), readers[1:], (readers[0], readers[2]))]
    for reader in readers:
        found += [float(bool(asks) and asks < reader), float(bool(reader) and asks > reader), float(not reader)]
    found += [math.log(1 + len(heard.text)), float(heard.text.rstrip().endswith("?")), _odds(heard.whole)]
    found += [float(heard.acts[0] == REQUEST), float(heard.acts[0] in CLAIMS)]
    found += [_odds(min((span.sure for span in requests), default=0.5))]
    found += [_odds(min((span.clear for span in requests), default=0.5))]
    found += [float(len(requests)), float(len(heard.spans) - len(requests))]
    found += [_odds(does.get(mood, 0.0)) for mood in _MOODS]
    return [*found, float(heard.plain)]


def _odds(probability: float) -> float:
    bounded = min(max(probability, 1e-4), 1 - 1e-4)
    return math.log(bounded / (1 - bounded))
