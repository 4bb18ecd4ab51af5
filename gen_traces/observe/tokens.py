"""The loss broken down by where in the row a token stands."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from gen_traces.observe.watch import Observer


class TokenLoss(Observer):
    """`token_loss/quarter.I`: mean cross-entropy in nats of the targets in the I-th quarter of the positions.

    From the logits (B, T, V) and targets (B, T) that the loss was given, first micro-batch; targets outside the
    vocabulary (ignored ones) are left out. It is the plain cross-entropy, whatever the job's own loss does.
    """

    EVERY = 10

    def loss_computed(self, logits: Any, targets: Any, loss: Any) -> None:
        if self.watch.micro or not self.watch.due(self.EVERY):
            return
        if not (isinstance(logits, Tensor) and isinstance(targets, Tensor)) or logits.shape[:-1] != targets.shape:
            return
        counted = (targets >= 0) & (targets < logits.size(-1))
        flat = F.cross_entropy(
            logits.detach().float().flatten(0, -2), targets.masked_fill(~counted, 0).flatten(), reduction="none"
        ).view(targets.shape)
        for i, (part, mask) in enumerate(zip(flat.chunk(4, dim=-1), counted.chunk(4, dim=-1), strict=True)):
            value = part[mask].mean() if mask.any() else torch.tensor(torch.nan)
            self.watch.put(f"token_loss/quarter.{i}", float(value), self.EVERY)
