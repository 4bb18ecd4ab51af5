"""Two linear models over `grams`, as arrays: which quantity a piece of text is about, and what is done with it.

Fitted by `tools/fit_ear.py` on the messages in `scenarios/messages`; numpy alone is needed here. A feature's
row is found by the CRC-32 of its string; what was never seen in training says nothing.
"""

from __future__ import annotations

import functools
import json
import zlib
from collections.abc import Collection, Sequence
from importlib import resources
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

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
        out = np.empty((len(texts), len(self.classes)), dtype=np.float32)
        for i, features in enumerate(texts):
            wanted = np.fromiter((key(one) for one in features), dtype=np.uint32, count=len(features))
            at = np.searchsorted(self.keys, wanted)
            at[at == self.keys.size] = 0
            found = at[self.keys[at] == wanted]
            total = self.rows[found].sum(axis=0, dtype=np.int32) * self.steps
            out[i] = self.bias + (SCALE / np.sqrt(max(1, found.size))) * total
        out -= out.max(axis=1, keepdims=True)
        return out - np.log(np.exp(out).sum(axis=1, keepdims=True))


class Classifier(NamedTuple):
    """`topic` has ids as classes, parts of the code as `code:AREA`; `mood` has acts and the marks of `labelled`.

    `data` is the hash of the messages it was fitted on.
    """

    topic: Linear
    mood: Linear
    trust: Trust
    data: str


def key(feature: str) -> int:
    return zlib.crc32(feature.encode())


@functools.lru_cache(maxsize=1)
def load() -> Classifier:
    """The classifier that comes with the program."""
    folder = resources.files("simulator.interviewer").joinpath("weights")
    about = json.loads(folder.joinpath("about.json").read_text(encoding="utf-8"))

    def linear(name: str) -> Linear:
        with resources.as_file(folder.joinpath(f"{name}.npz")) as path, np.load(path) as arrays:
            return Linear(tuple(about[name]), *(arrays[field] for field in ("keys", "rows", "steps", "bias")))

    return Classifier(linear("topic"), linear("mood"), Trust(**about["trust"]), about["data"])
