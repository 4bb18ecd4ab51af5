"""Takes a message apart into spans, each of which does one thing: asks for one quantity, suspects, greets ...

The message is cut at every place where a new thought may begin; neighbouring pieces are put together again where that
makes what they say more probable (`classifier`), by dynamic programming over all ways to do so.
"""

from __future__ import annotations

import math
import re
from collections.abc import Set
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simulator.interviewer import grams
from simulator.interviewer.phrases import Index

if TYPE_CHECKING:
    from simulator.interviewer.classifier import Classifier

MOST_PIECES = 12
FILLER = "filler"
REQUEST = "request"
# A span that is sure of itself may stand alone; otherwise the fewest spans win.
SURE, BONUS = 0.75, 0.1

_CUT = re.compile(
    r"(?<=[.!?;:])\s+|\n+|\s+(?:—|–|-{1,2})\s+(?!\d)|(?<=[a-z)])[!?](?=[a-z])|\s*\.{3,}\s*|;\s*|,\s*(?!\d{3}\b)"
    r"|\s+(?=(?:and|plus|but|then|also|because|since|as well as|or|so|while|&|\+|n|with|along with|together with"
    r"|instead of|rather than|thus|therefore|hence|which)\s)"
    r"|\s*/\s*(?=[a-z])(?<=[a-z]{3}/)|\s*\+\s*(?=[a-z])"
)


class Span(NamedTuple):
    """`act` is an act or mark of the classifier; `topic` the likeliest quantity, if the act is a request or not.

    `sure` is the probability of the act, `clear` that of the topic.
    """

    start: int
    end: int
    act: str
    topic: str
    sure: float
    clear: float


def pieces(text: str) -> list[tuple[int, int]]:
    """Where `text` may be cut: the smallest pieces, as (start, end)."""
    found: list[tuple[int, int]] = []
    start = 0
    for match in _CUT.finditer(text):
        if text[start : match.end()].strip():
            found.append((start, match.end()))
        start = match.end()
    if text[start:].strip():
        found.append((start, len(text)))
    if len(found) > MOST_PIECES:
        found[MOST_PIECES - 1 :] = [(found[MOST_PIECES - 1][0], found[-1][1])]
    return found


def read(text: str, index: Index, classifier: Classifier, around: Set[str] = frozenset()) -> tuple[list[Span], float]:
    """The spans of lower-case `text`, in order, and the probability that all of it as one span is a request.

    Fillers, which say nothing alone, are left out. `around` are the features of the whole message (`grams.around`).
    """
    cut = pieces(text)
    if not cut:
        return [], 0.0
    ranges = [(i, j) for i in range(len(cut)) for j in range(i + 1, len(cut) + 1)]
    texts = [text[cut[i][0] : cut[j - 1][1]] for i, j in ranges]
    moods = classifier.mood.log_probabilities([grams.mood(one, index) | around for one in texts])
    topics = classifier.topic.log_probabilities([grams.topic(one, index) for one in texts])
    # A pack's vocabulary may know less than the classifier.
    topics = np.where([index.has(name) for name in classifier.topic.classes], topics, -np.inf)
    request = classifier.mood.classes.index(REQUEST)
    best: dict[tuple[int, int], tuple[float, Span]] = {}
    for (i, j), mood, topic in zip(ranges, moods, topics, strict=True):
        act, what = int(mood.argmax()), int(topic.argmax())
        value = float(mood[act] + topic[what]) if act == request else float(mood[act])
        span = Span(
            cut[i][0], cut[j - 1][1], classifier.mood.classes[act], classifier.topic.classes[what],
            math.exp(mood[act]), math.exp(topic[what]),
        )  # fmt: skip
        best[i, j] = (value + (BONUS if math.exp(value) >= SURE else 0.0), span)
    ways: list[tuple[float, list[Span]]] = [(0.0, [])]
    for j in range(1, len(cut) + 1):
        ways.append(
            max(((ways[i][0] + best[i, j][0], [*ways[i][1], best[i, j][1]]) for i in range(j)), key=lambda way: way[0])
        )
    chosen = ways[-1][1]
    whole = math.exp(moods[ranges.index((0, len(cut))), request])
    return [span for span in chosen if span.act != FILLER] or chosen, whole
