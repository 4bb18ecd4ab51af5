"""The loss before the first step against the loss of a uniform guess."""

from __future__ import annotations

import math

import torch

from gen_traces.checks import job
from gen_traces.checks.context import Context
from traces.format import Artifact

ID = "check_init_loss"
BATCHES = 4


def run(context: Context) -> Artifact:
    data, config = context.modules["data"], context.config
    documents, _ = data.split(data.load_corpus(context.corpus, config.skip_binary), config.val_fraction)
    batches = data.Batches(documents, config, context.device)
    model = job.fresh_model(context)
    with torch.no_grad():
        losses = [context.modules["loss"].language_model_loss(model(x), y).item()
                  for x, y in (next(batches) for _ in range(BATCHES))]  # fmt: skip
    loss, uniform = sum(losses) / BATCHES, math.log(config.vocab_size)
    return Artifact(
        text=(
            f"loss of the model at initialisation over {BATCHES} batches: {loss:.4f}\n"
            f"ln({config.vocab_size}) = {uniform:.4f}; difference {loss - uniform:+.4f}"
        ),
        data={"loss": loss, "uniform": uniform, "difference": loss - uniform},
    )
