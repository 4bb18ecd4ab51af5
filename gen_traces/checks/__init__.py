"""Experiments on a job's own code, run after the job in the job's own process.

    from gen_traces.checks import Context, run_all

    artifacts = run_all(Context(modules={"train": train, "model": model, ...}, config=config,
                                corpus=Path("corpus.jsonl"), model=trained_or_none, device="cpu"))

`run_all(context, checks=...)` gives one artifact per check, by diagnostic id; without `checks` those of a language
model. It never raises: what
goes wrong inside a check is that check's outcome. Some checks start the job's own `train()` again in a folder of
their own, so hooks that write to the recorded run must be off by then.

`gen_traces.checks.outcome` compares what came out and needs no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from gen_traces.checks.context import Context

if TYPE_CHECKING:
    from traces.format import Artifact

__all__ = ["Context", "run_all"]


def run_all(context: Context, checks: Mapping[str, Callable[[Context], Artifact]] | None = None) -> dict[str, Artifact]:
    """Artifacts of the checks by diagnostic id. Imports torch."""
    from gen_traces.checks import runner

    return runner.run_all(context, runner.CHECKS if checks is None else checks)
