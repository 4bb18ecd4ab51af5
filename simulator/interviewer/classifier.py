"""What the ear has learned: the encoder, and two linear models over `grams`, as arrays, which tell of a piece of text
which quantity it is about, and what is done with it.

Fitted by `tools/fit_ear.py` on the messages in `scenarios/messages`; numpy alone is needed here. A feature's
row is found by the CRC-32 of its string; what was never seen in training says nothing.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Collection, Sequence
from importlib import resources
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from grader import encoder, trees
from grader.encoder import key
from simulator.interviewer.impression import Reader
from simulator.interviewer.trust import Trust

SCALE = 4.0
"""The logits' scale: a text of n known features has `SCALE / sqrt(n)` times the sum of their rows."""


class Linear(NamedTuple):
    """`keys` (n,) uint32 ascending, `rows` (n, K) int8 with `steps` (K,) float32 a unit, `bias` (K,) float32."""

    classes: tuple[str, ...]
    keys: NDArray[np.uint32]
    rows: NDArray[np.int8]
    steps: NDArray[np.float32]
    bias: NDArray[np.float32]

    def log_probabilities(self, texts: Sequence[Collection[str]]) -> NDArray[np.float32]:
        """(texts, K): the logarithm of each class's probability, from the features of each text."""
        # Pieces of one message share most of their features: each is looked up once.
        place: dict[str, int] = {}
        for features in texts:
            for one in features:
                place.setdefault(one, len(place))
        wanted = np.fromiter(map(key, place), dtype=np.uint32, count=len(place))
        at = np.minimum(np.searchsorted(self.keys, wanted), self.keys.size - 1)
        known = self.keys[at] == wanted
        holds = np.zeros((len(texts), len(place)), dtype=np.float32)
        for i, features in enumerate(texts):
            holds[i, [place[one] for one in features]] = 1.0
        holds = holds[:, known]
        totals = holds @ self.rows[at[known]].astype(np.float32) * self.steps
        out = self.bias + SCALE / np.sqrt(np.maximum(1.0, holds.sum(axis=1, keepdims=True))) * totals
        out -= out.max(axis=1, keepdims=True)
        return out - np.log(np.exp(out).sum(axis=1, keepdims=True))


class Classifier(NamedTuple):
    """`topic` has ids as classes, parts of the code as `code:AREA`; `mood` has acts and the marks of `labelled`.

    `data` is the hash of the messages it was fitted on.
    """

    topic: Linear
    mood: Linear
    reader: Reader
    trust: Trust
    data: str


@functools.lru_cache(maxsize=1)
def load() -> Classifier:
    """The classifier that comes with the program."""
    folder = resources.files("simulator.interviewer").joinpath("weights")
    about = json.loads(folder.joinpath("about.json").read_text(encoding="utf-8"))

    def arrays(name: str) -> dict[str, NDArray[Any]]:
        with resources.as_file(folder.joinpath(f"{name}.npz")) as path, np.load(path) as stored:
            return dict(stored)

    topic, mood = (Linear(tuple(about[name]), **arrays(name)) for name in ("topic", "mood"))
    with resources.as_file(folder) as here:
        encoders = [encoder.load(path) for path in sorted(here.glob("encoder_*"))]
    reader = Reader(tuple(about["topics"]), tuple(about["moods"]), encoders)
    with resources.as_file(folder.joinpath("trust.npz")) as path:
        trust = Trust(trees.load(path))
    return Classifier(topic, mood, reader, trust, about["data"])
