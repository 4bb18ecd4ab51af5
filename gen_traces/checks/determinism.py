"""The same seed twice: identical or not."""

from __future__ import annotations

import torch

from gen_traces.checks import job
from gen_traces.checks.context import Context
from traces.format import Artifact

ID = "check_determinism"
STEPS = 3


def run(context: Context) -> Artifact:
    config = job.shortened(context.config, STEPS, accumulation=1)
    (first, first_losses), (second, second_losses) = (job.train(context, config) for _ in range(2))
    pairs = list(zip(first.parameters(), second.parameters(), strict=True))
    # Bytes, not values: NaN equals itself here.
    same = [_bits(a).equal(_bits(b)) for a, b in pairs]
    apart = max((a - b).abs().max().item() for a, b in pairs)
    losses = max(abs(a - b) for a, b in zip(first_losses, second_losses, strict=True))
    return Artifact(
        text=(
            f"{STEPS} steps twice from the same seed\n"
            f"parameters: {sum(same)} of {len(same)} tensors identical to the bit, largest |difference| {apart:.1e}\n"
            f"losses: largest |difference| {losses:.1e}"
        ),
        data={"identical": all(same), "parameter_difference": apart, "loss_difference": losses, "steps": STEPS},
    )


def _bits(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().contiguous().view(torch.uint8)
