"""How far to trust what was heard: the probability that exactly what the spans ask for is what was asked for.

Logistic regression over a few figures of a reading by `spans`, by the rules (`reading`), and of how the two agree.
Fitted by `tools/fit_ear.py` on personas that neither had been made for. A request is granted from `ENOUGH` on.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import NamedTuple

from simulator.interviewer import lexicon
from simulator.interviewer.spans import REQUEST, Span

ENOUGH = 0.65
_SIGNS = (
    lexicon.HEDGED, lexicon.ASK, lexicon.FISHING, lexicon.STATES, lexicon.FIX, lexicon.HYPOTHESIS, lexicon.VERIFY,
)  # fmt: skip
_OTHERS = (*lexicon.PRIORITY, "out_of_scope", "ask", "filler")


class Heard(NamedTuple):
    """A message as both heard it: `asked` and `acts` are the rules'; `whole` is how sure the mood of all of it is a
    request's."""

    text: str
    spans: Sequence[Span]
    whole: float
    asked: frozenset[str]
    acts: Sequence[str]

    @property
    def wanted(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(span.topic for span in self.spans if span.act == REQUEST))


class Trust(NamedTuple):
    mean: Sequence[float]
    scale: Sequence[float]
    weights: Sequence[float]
    bias: float

    def probability(self, heard: Heard) -> float:
        found = features(heard)
        total = self.bias + sum(
            weight * (value - mean) / scale
            for weight, value, mean, scale in zip(self.weights, found, self.mean, self.scale, strict=True)
        )
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))


def features(heard: Heard) -> list[float]:
    """The figures; `heard` must hold a request."""
    requests = [span for span in heard.spans if span.act == REQUEST]
    others = {span.act for span in heard.spans if span.act != REQUEST}
    wanted, asked = frozenset(heard.wanted), heard.asked
    sure, clear, whole = (
        _odds(min(span.sure for span in requests)), _odds(min(span.clear for span in requests)), _odds(heard.whole)
    )  # fmt: skip
    agree, silent = float(wanted == asked), float(not asked)
    found = [
        sure, clear, whole, float(len(requests)), float(len(heard.spans) - len(requests)), agree,
        float(bool(asked) and wanted < asked), float(bool(asked) and wanted > asked),
        float(bool(wanted & asked) and not (wanted <= asked or wanted >= asked)),
        float(bool(asked) and not wanted & asked), silent, float(heard.text.rstrip().endswith("?")),
        math.log(1 + len(heard.text)),
        sure * agree, sure * silent, clear * agree, clear * silent, whole * silent,
    ]  # fmt: skip
    found += [float(sign.search(heard.text) is not None) for sign in _SIGNS]
    found += [float(bool(heard.acts) and heard.acts[0] == act) for act in lexicon.PRIORITY]
    return found + _present(heard.acts, lexicon.PRIORITY) + _present(others, _OTHERS)


def _present(acts: Collection[str], names: Sequence[str]) -> list[float]:
    return [float(name in acts) for name in names]


def _odds(probability: float) -> float:
    bounded = min(max(probability, 1e-4), 1 - 1e-4)
    return math.log(bounded / (1 - bounded))
