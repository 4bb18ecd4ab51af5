"""Swap two earlier tokens: does what a later position computes from them move?

Attention without any position information is a sum over a set: with the same tokens in another order the first block
gives a later position the same output. (Deeper blocks see the order a little, through which positions see which.)
"""

from __future__ import annotations

from typing import Any

import torch

from gen_traces.checks import job
from gen_traces.checks.context import Context
from traces.format import Artifact

ID = "check_token_order"


def run(context: Context) -> Artifact:
    tokens = job.rows(context, 4, context.config.seq_len)
    data = job.by_state(context, lambda model: measure(model, tokens))
    lines = [
        "pairs of neighbouring tokens swapped in the first half of a row;",
        "largest |difference| of block 0's output at the last position",
    ]
    return Artifact("\n".join([*lines, *job.lines_by_state(data, "output")]), data)


@torch.no_grad()
def measure(model: Any, tokens: torch.Tensor) -> dict[str, float]:
    model.eval()
    before = first_block(model, tokens)
    worst = torch.zeros((), device=before.device)
    for place in range(0, tokens.size(1) // 2 - 1, 4):
        other = tokens.clone()
        other[:, place], other[:, place + 1] = tokens[:, place + 1], tokens[:, place]
        worst = torch.maximum(worst, (first_block(model, other) - before).abs().max())  # keeps NaN
    return {"difference": worst.item(), "scale": before.abs().max().item()}


def first_block(model: Any, tokens: torch.Tensor) -> torch.Tensor:
    """Output of the model's first block at the last position -> (B, C), float32."""
    found: list[torch.Tensor] = []
    handle = model.blocks[0].register_forward_hook(lambda module, args, output: found.append(output))
    try:
        model(tokens)
    finally:
        handle.remove()
    return found[0][:, -1].float()
