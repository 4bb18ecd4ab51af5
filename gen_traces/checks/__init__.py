"""Experiments on a job's own code, run after the job in the job's own process.

    from gen_traces.checks import Context, run_all

    artifacts = run_all(Context(modules={"model": model, "data": data, ...}, config=config,
                                corpus=Path("corpus.jsonl"), model=trained_or_none, device="cpu"))

`run_all(context: Context) -> dict[str, Artifact]` gives one artifact per check, by diagnostic id. It never raises: what
goes wrong inside a check is that check's outcome. `gen_traces.checks.outcome` compares outcomes and needs no torch.
"""

from __future__ import annotations

from gen_traces.checks.context import Context

__all__ = ["Context", "run_all"]


def run_all(context: Context) -> dict:
    """Artifacts of all checks by diagnostic id. Imports torch."""
    from gen_traces.checks import runner

    return runner.run_all(context)
