"""A small transformer over the words of a text that says of each of its labels how likely it holds. Numpy alone.

Words are sums of the rows of their features, followed by a convolution over three words, pre-norm encoder layers
(Vaswani et al., 2017; pre-norm: Xiong et al., 2020) and, for each label, attention over the words. Fitted by
`tools/transformer.py`.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

HEADS = 4
EPSILON = 1e-5  # of layer normalisation, PyTorch's

Array = NDArray[np.float32]


class Encoder(NamedTuple):
    """`keys` (n,) uint32 ascending and `rows` (n, d) int8 with `steps` (d,) a unit hold the features; `parts` the
    other arrays by PyTorch's names."""

    keys: NDArray[np.uint32]
    rows: NDArray[np.int8]
    steps: Array
    parts: Mapping[str, Array]

    @property
    def longest(self) -> int:
        """So many words of a text are read."""
        return len(self.parts["positions"])

    def read(self, line: Sequence[Sequence[str]]) -> Array:
        """The features of each word, at least one a word, at least one word -> how much each word gives to the logit
        of each label (T, K)."""
        x = self._encoded(self._rows(line[: self.longest]))
        return _softmax(self._linear(x, "query"), axis=0) * self._linear(x, "value")

    def _rows(self, line: Sequence[Sequence[str]]) -> Array:
        """(T, d): the sums of the rows of each word's features; what was never seen in training says nothing."""
        wanted = np.array([key(one) for features in line for one in features], dtype=np.uint32)
        at = np.minimum(np.searchsorted(self.keys, wanted), self.keys.size - 1)
        rows = np.where((self.keys[at] == wanted)[:, None], self.rows[at], 0)
        starts = np.cumsum([0, *(len(features) for features in line[:-1])])
        return (np.add.reduceat(rows, starts, axis=0, dtype=np.int32) * self.steps).astype(np.float32)

    def _encoded(self, x: Array) -> Array:
        """(T, d) -> (T, d)"""
        x = self._normed(x, "first_norm")
        kernel = self.parts["conv.weight"]  # (d, d, 3)
        around = np.pad(x, ((1, 1), (0, 0)))
        near = sum(around[i : i + len(x)] @ kernel[:, :, i].T for i in range(3)) + self.parts["conv.bias"]
        x = x + np.maximum(near, 0) + self.parts["positions"][: len(x)]
        depth = sum(name.endswith("self_attn.in_proj_weight") for name in self.parts)
        for i in range(depth):
            name = f"layers.{i}"
            x = x + self._attention(self._normed(x, f"{name}.norm1"), f"{name}.self_attn")
            hidden = np.maximum(self._linear(self._normed(x, f"{name}.norm2"), f"{name}.linear1"), 0)
            x = x + self._linear(hidden, f"{name}.linear2")
        return self._normed(x, "last_norm")

    def _attention(self, x: Array, name: str) -> Array:
        T, d = x.shape
        joint = x @ self.parts[f"{name}.in_proj_weight"].T + self.parts[f"{name}.in_proj_bias"]
        q, k, v = joint.reshape(T, 3, HEADS, d // HEADS).transpose(1, 2, 0, 3)  # each (heads, T, d / heads)
        weights = _softmax(q @ k.transpose(0, 2, 1) / np.sqrt(d // HEADS), axis=-1)
        return self._linear((weights @ v).transpose(1, 0, 2).reshape(T, d), f"{name}.out_proj")

    def _linear(self, x: Array, name: str) -> Array:
        return x @ self.parts[f"{name}.weight"].T + self.parts[f"{name}.bias"]

    def _normed(self, x: Array, name: str) -> Array:
        centred = x - x.mean(axis=-1, keepdims=True)
        scale = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + EPSILON)
        return centred / scale * self.parts[f"{name}.weight"] + self.parts[f"{name}.bias"]


def key(feature: str) -> int:
    """The number that a feature is found by."""
    return zlib.crc32(feature.encode())


def letters(word: str, shortest: int, longest: int) -> set[str]:
    """The n-grams of a word's letters as features, its ends marked."""
    bounded = f"<{word}>"
    return {f"c{bounded[i : i + n]}" for n in range(shortest, longest + 1) for i in range(len(bounded) - n + 1)}


def of_word(word: str) -> tuple[str, ...]:
    """The features of a word: itself and its letter n-grams; all numbers are one."""
    if word.isdigit():
        return ("w#",)
    if len(word) < 3 or not word[0].isalpha():
        return (f"w{word}",)
    return (f"w{word}", *letters(word, 3, 5))


def before(words: Sequence[str]) -> list[tuple[str, ...]]:
    """For each word what it forms with the one before it, and with the one before that."""
    found = []
    for i, word in enumerate(words):
        pairs = [f"b{words[i - 1]} {word}"] if i else []
        found.append((*pairs, f"B{words[i - 2]} {word}") if i > 1 else tuple(pairs))
    return found


def is_pair(feature: str) -> bool:
    """Whether it is one of `before`."""
    return feature[0] in "bB"


def chances(given: Array) -> Array:
    """What `Encoder.read` makes of a text (T, K) -> the probability of each label (K,)."""
    return 1 / (1 + np.exp(-np.clip(given.sum(axis=0), -30, 30)))


def load(folder: Path) -> Encoder:
    """The encoder in `folder`. Rows are left on disk until a text has need of them."""
    keys, rows = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("keys", "rows"))
    with np.load(folder / "parts.npz") as stored:
        parts = dict(stored)
    steps = parts.pop("steps")
    return Encoder(keys, rows, steps, {name: part.astype(np.float32) for name, part in parts.items()})


def save(encoder: Encoder, folder: Path) -> None:
    """Rows of features are kept in bytes, all else in half precision."""
    folder.mkdir(exist_ok=True)
    np.save(folder / "keys.npy", encoder.keys)
    np.save(folder / "rows.npy", encoder.rows)
    parts: dict[str, Any] = {name: part.astype(np.float16) for name, part in encoder.parts.items()}
    np.savez(folder / "parts.npz", steps=encoder.steps, **parts)


def _softmax(x: Array, axis: int) -> Array:
    raised = np.exp(x - x.max(axis=axis, keepdims=True))
    return raised / raised.sum(axis=axis, keepdims=True)
