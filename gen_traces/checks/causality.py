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
    models = {"fresh": job.fresh_model(context)}
    if context.model is not None:
        models["trained"] = context.model
    data = {name: measure(model, tokens, context.config.vocab_size) for name, model in models.items()}
    lines = [
        f"tokens changed one at a time at positions {', '.join(map(str, places(tokens)))} of rows of {tokens.size(1)};",
        "largest |difference| of the logits at positions before the changed token",
    ]
    for name, found in data.items():
        lines.append(
            f"{'model at initialisation' if name == 'fresh' else 'trained model'}: {found['difference']:.1e} "
            f"(largest |logit|: {found['scale']:.1e})"
        )
    return Artifact("\n".join(lines), data)


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
