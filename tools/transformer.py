"""Trains what `grader.encoder` reads with: the same network in PyTorch, and the loop around it."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from grader.encoder import HEADS, Encoder, is_pair, key

WIDTH, HIDDEN, LAYERS = 128, 256, 2
RATE, DECAY, BATCH = 2e-3, 0.03, 128
DROPPED, DROPPED_WORDS, DROPOUT = 0.3, 0.04, 0.2  # features, words, units
SELDOM, SELDOM_PAIR = 3, 5  # features of fewer words, or pairs of words, are left out

Features = tuple[str, ...]


class Example(NamedTuple):
    """The features of each word; the labels that hold; and those that say nothing, whether they hold or not."""

    line: Sequence[Features]
    labels: frozenset[str]
    unknown: frozenset[str] = frozenset()


class Dropout(nn.Module):
    """As `nn.Dropout`, with a random source that is five times as fast on a CPU."""

    def __init__(self, random: np.random.Generator) -> None:
        super().__init__()
        self.random = random

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return x
        drawn = torch.from_numpy(self.random.integers(0, 256, x.shape, dtype=np.uint8))
        return x * (drawn >= 256 * DROPOUT) / (1 - DROPOUT)


class Network(nn.Module):
    """`grader.encoder.Encoder` does the same without PyTorch."""

    def __init__(self, features: int, labels: int, longest: int, seed: int) -> None:
        super().__init__()
        self.dropout = Dropout(np.random.Generator(np.random.SFC64(seed)))
        self.rows = nn.EmbeddingBag(features, WIDTH, mode="sum", include_last_offset=True)
        nn.init.normal_(self.rows.weight, std=0.1)
        self.positions = nn.Parameter(0.02 * torch.randn(longest, WIDTH))
        self.conv = nn.Conv1d(WIDTH, WIDTH, 3, padding=1)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(WIDTH, HEADS, HIDDEN, DROPOUT, batch_first=True, norm_first=True)
            for _ in range(LAYERS)
        )
        for layer in self.layers:
            layer.dropout = layer.dropout1 = layer.dropout2 = self.dropout
        self.first_norm, self.last_norm = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.query, self.value = nn.Linear(WIDTH, labels), nn.Linear(WIDTH, labels)
        nn.init.constant_(self.value.bias, -3.0)

    def forward(self, features: torch.Tensor, offsets: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """(features,), (words + 1,), (B,) -> (B, labels)"""
        T = int(lengths.max())
        beyond = torch.arange(T) >= lengths[:, None]  # (B, T)
        x = torch.zeros(len(lengths), T, WIDTH).masked_scatter(~beyond[..., None], self.rows(features, offsets))
        x = self.first_norm(x).masked_fill(beyond[..., None], 0.0)
        near = F.relu(self.conv(x.transpose(1, 2)).transpose(1, 2))
        x = self.dropout(x + near + self.positions[:T])
        for layer in self.layers:
            x = layer(x, src_key_padding_mask=beyond)
        x = self.last_norm(x)
        weights = torch.softmax(self.query(x).masked_fill(beyond[..., None], -1e4), dim=1)
        return (weights * self.value(x)).sum(dim=1)


class Batcher:
    """Lines of features -> what the network takes, features and words dropped at random."""

    def __init__(self, known: dict[str, int], longest: int, seed: int) -> None:
        self.known, self.longest = known, longest
        self.random = np.random.default_rng(seed)
        self._seen: dict[Features, np.ndarray] = {}

    def __call__(self, lines: Sequence[Sequence[Features]]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        rows = [self._numbers(features) for line in lines for features in line[: self.longest]]
        word = np.repeat(np.arange(len(rows)), [row.size for row in rows])
        flat = np.concatenate(rows)
        kept = (self.random.random(flat.size) >= DROPPED) & (self.random.random(len(rows)) >= DROPPED_WORDS)[word]
        offsets = np.concatenate([[0], np.cumsum(np.bincount(word[kept], minlength=len(rows)))])
        lengths = torch.tensor([min(self.longest, len(line)) for line in lines])
        return torch.from_numpy(flat[kept]), torch.from_numpy(offsets), lengths

    def _numbers(self, features: Features) -> np.ndarray:
        if features not in self._seen:
            known = [self.known[one] for one in features if one in self.known]
            self._seen[features] = np.array(known, dtype=np.int64)
        return self._seen[features]


def fit(
    labels: Sequence[str],
    written: Sequence[Example],
    epoch: Callable[[], list[Example]],
    epochs: int,
    longest: int,
    seed: int = 0,
) -> Encoder:
    """An encoder of `labels`, in that order, that reads `longest` words. `epoch` makes the examples of an epoch;
    features are those of `written`.

    Deterministic on one machine.
    """
    torch.manual_seed(seed)
    shuffler = random.Random(seed)
    counts = Counter(one for example in written for features in example.line for one in features)
    kept = [one for one, count in counts.items() if count >= (SELDOM_PAIR if is_pair(one) else SELDOM)]
    known = {feature: i for i, feature in enumerate(sorted(kept, key=key))}
    place = {name: i for i, name in enumerate(labels)}
    network, batcher = Network(len(known), len(place), longest, seed), Batcher(known, longest, seed)
    matrices = [parameter for parameter in network.parameters() if parameter.dim() > 1]
    others = [parameter for parameter in network.parameters() if parameter.dim() <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": DECAY}, {"params": others, "weight_decay": 0.0}],
        betas=(0.9, 0.98),
        fused=True,
    )
    step, total = 0, 0
    for number in range(epochs):
        examples = epoch()
        total = total or epochs * math.ceil(len(examples) / BATCH)
        # Examples of about one length together: less padding.
        examples = sorted(shuffler.sample(examples, len(examples)), key=lambda example: len(example.line) // 4)
        batches = [examples[i : i + BATCH] for i in range(0, len(examples), BATCH)]
        shuffler.shuffle(batches)
        losses = 0.0
        for batch in batches:
            targets, counted = torch.zeros(len(batch), len(place)), torch.ones(len(batch), len(place))
            for i, example in enumerate(batch):
                targets[i, [place[name] for name in example.labels]] = 1.0
                counted[i, [place[name] for name in example.unknown]] = 0.0
            logits = network(*batcher([example.line for example in batch]))
            loss = (F.binary_cross_entropy_with_logits(logits, targets, reduction="none") * counted).sum(dim=1).mean()
            warm, done = min(1.0, step / min(200, total / 10)), min(1.0, step / total)
            for group in optimizer.param_groups:
                group["lr"] = RATE * warm * (0.51 + 0.49 * math.cos(math.pi * done))
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            step += 1
            losses += loss.item()
        print(f"  epoch {number + 1} of {epochs}: {losses / len(batches):.3f}", flush=True)
    return packed(network, known)


def packed(network: Network, known: dict[str, int]) -> Encoder:
    """The network as numpy's: the rows of features in bytes, all else in half precision."""
    parts = {name: value.numpy().astype(np.float16) for name, value in network.state_dict().items()}
    weights = parts.pop("rows.weight").astype(np.float32)
    steps = (np.abs(weights).max(axis=0) / 127 + 1e-12).astype(np.float32)
    return Encoder(
        np.array([key(feature) for feature in known], dtype=np.uint32), np.rint(weights / steps).astype(np.int8),
        steps, {name: value.astype(np.float32) for name, value in parts.items()},
    )  # fmt: skip
