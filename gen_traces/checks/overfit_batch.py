"""Train on one fixed batch: the job's whole loop on a corpus that is one batch."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from gen_traces.checks import job
from gen_traces.checks.context import Context
from traces.format import Artifact

ID = "check_overfit_batch"
STEPS = 60


def run(context: Context) -> Artifact:
    config = job.shortened(
        context.config,
        STEPS,
        warmup_steps=min(context.config.warmup_steps, STEPS // 2),
        min_lr_ratio=1.0,
        accumulation=1,
    )
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus.jsonl"
        job.one_batch_corpus(context, corpus)
        _, losses = job.train(context, config, corpus)
    return told(losses, f"{config.micro_batch} rows", f"accumulation 1, {config.warmup_steps} warmup steps, no decay")


def told(losses: Sequence[float], batch: str, how: str) -> Artifact:
    """What `STEPS` steps on one fixed batch came to; `losses` are those of the steps."""
    start, final = losses[0], sum(losses[-5:]) / len(losses[-5:])
    return Artifact(
        text=(
            f"{STEPS} steps of the job's own loop on one fixed batch of {batch}\n"
            f"({how})\n"
            f"loss at the first step: {start:.4f}\n"
            f"loss at the end (mean of the last 5 steps): {final:.4f}"
        ),
        data={"start_loss": start, "final_loss": final, "steps": STEPS, "losses": losses[::4]},
    )
