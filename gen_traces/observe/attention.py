"""Attention as it was computed: scores, probabilities, what the heads put out."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
import torch.nn as nn
from torch import Tensor

from gen_traces.observe.watch import Observer, Watch

CORNER = 16
DEAD_RMS = 1e-4


class Attention(Observer):
    """Columns of `attention_logits`, `attention_entropy`, `attention_pattern` and `dead_units/heads`.

    All are measured on the first micro-batch (B, nh, T, S), every `EVERY` steps:

    - `attention_logits/layer.I.head.J` and `/layer.I`: the largest score before the softmax among those the mask let
      through; `/layer.I.std`: their standard deviation.
    - `attention_entropy/layer.I.head.J`, `/layer.I`: entropy of the distribution in nats, mean over queries.
    - `attention_pattern/future_mass.layer.I`: probability on positions after the query's own, mean over queries and
      heads; `/previous_token.layer.I`: probability on the position just before, mean over queries that have one.
    - `dead_units/heads`: fraction of heads whose output has an RMS below 1e-4, which adds nothing to a residual
      stream of RMS around 1.
    """

    EVERY = 5

    def __init__(self, watch: Watch) -> None:
        super().__init__(watch)
        self.corners: dict[int, dict[str, list[list[float]]]] = {}
        self._heads: list[Tensor] = []
        self._last = 0

    def model_found(self) -> None:
        structure = self.watch.structure
        self._last = len(structure.blocks) - 1
        for i, block in enumerate(structure.blocks):
            scores, mask = structure.inside(block, "scores"), structure.inside(block, "mask")
            self.watch.on_output(scores, partial(self._scores, i, mask is None))
            self.watch.on_output(mask, partial(self._masked, i))
            self.watch.on_output(structure.inside(block, "weights"), partial(self._weights, i))
            self.watch.on_output(structure.inside(block, "values"), self._values)

    def _wanted(self, output: Any) -> bool:
        return not self.watch.micro and self.watch.due(self.EVERY) and isinstance(output, Tensor) and output.dim() == 4

    def _scores(self, i: int, alone: bool, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        if self._wanted(output) and alone:
            self._put_scores(i, output.detach().float(), torch.ones_like(output, dtype=torch.bool))

    def _masked(self, i: int, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        if self._wanted(output):
            before = next(tensor for tensor in args if isinstance(tensor, Tensor)).detach()
            # A score the mask left as it was is one it let through, however the mask hides the others.
            self._put_scores(i, before.float(), (output.detach() == before) | torch.isnan(before))

    def _put_scores(self, i: int, scores: Tensor, seen: Tensor) -> None:
        seen = seen.expand_as(scores)
        highest = scores.masked_fill(~seen, -torch.inf).amax(dim=(0, 2, 3))
        for head, value in enumerate(highest.tolist()):
            self.watch.put(f"attention_logits/layer.{i}.head.{head}", value, self.EVERY)
        count = seen.sum()
        mean = scores.masked_fill(~seen, 0.0).sum() / count
        spread = ((scores - mean).masked_fill(~seen, 0.0).square().sum() / count).sqrt()
        self.watch.put(f"attention_logits/layer.{i}", float(highest.amax()), self.EVERY)
        self.watch.put(f"attention_logits/layer.{i}.std", float(spread), self.EVERY)

    def _weights(self, i: int, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        if not self._wanted(output):
            return
        p = output.detach().float()
        entropy = torch.special.entr(p).sum(dim=-1).mean(dim=(0, 2))  # (nh,)
        for head, value in enumerate(entropy.tolist()):
            self.watch.put(f"attention_entropy/layer.{i}.head.{head}", value, self.EVERY)
        self.watch.put(f"attention_entropy/layer.{i}", float(entropy.mean()), self.EVERY)
        future = p.triu(diagonal=p.size(-1) - p.size(-2) + 1).sum(dim=-1).mean()
        previous = p.diagonal(offset=-1, dim1=-2, dim2=-1).mean()
        self.watch.put(f"attention_pattern/future_mass.layer.{i}", float(future), self.EVERY)
        self.watch.put(f"attention_pattern/previous_token.layer.{i}", float(previous), self.EVERY)
        if i in (0, self._last):
            corner = p[0, 0, :CORNER, :CORNER].double().cpu()
            self.corners.setdefault(self.watch.step, {})[f"layer.{i}.head.0"] = corner.tolist()

    def _values(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        if self._wanted(output):
            self._heads.append(output.detach().float().square().mean(dim=(0, 2, 3)).sqrt())

    def forward_ended(self, tokens: Any, logits: Any) -> None:
        if self._heads:
            size = torch.cat(self._heads)
            self.watch.put("dead_units/heads", float((size < DEAD_RMS).float().mean()), self.EVERY)
            self._heads = []
