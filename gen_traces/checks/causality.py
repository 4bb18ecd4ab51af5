"""Change a later token: do the logits of earlier positions move?"""

from __future__ import annotations

from typing import Any

import torch

from gen_traces.checks import job
from gen_traces.checks.context import Context
from traces.format import Artifact

ID = "check_causality"


def run(context: Context) -> Artifact:
    tokens = job.rows(context, 2, context.config.seq_len)
    data = job.by_state(context, lambda model: measure(model, tokens, context.config.vocab_size))
    lines = [
        f"tokens changed one at a time at positions {', '.join(map(str, places(tokens)))} of rows of {tokens.size(1)};",
        "largest |difference| of the logits at positions before the changed token",
    ]
    return Artifact("\n".join([*lines, *job.lines_by_state(data, "logit")]), data)


def places(tokens: torch.Tensor) -> list[int]:
    T = tokens.size(1)
    return sorted({T // 4, T // 2, T - 1})


@torch.no_grad()
def measure(model: Any, tokens: torch.Tensor, vocab_size: int) -> dict[str, float]:
    model.eval()
    before = model(tokens).float()
    worst = torch.zeros((), device=before.device)
    for place in places(tokens):
        other = tokens.clone()
        other[:, place] = (other[:, place] + 1) % vocab_size
        moved = (model(other).float() - before)[:, :place].abs().max()
        worst = torch.maximum(worst, moved)  # keeps NaN
    return {"difference": worst.item(), "scale": before.abs().max().item()}
