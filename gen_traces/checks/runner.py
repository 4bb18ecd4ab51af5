"""Running every check, whatever the job's code does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from gen_traces.checks import causality, determinism, gradients, init_loss, kv_cache, overfit_batch, token_order
from gen_traces.checks.context import Context
from gen_traces.checks.state import undisturbed
from traces.format import Artifact

Checks = Mapping[str, Callable[[Context], Artifact]]

ALL = (init_loss, causality, token_order, kv_cache, gradients, determinism, overfit_batch)
CHECKS: Checks = MappingProxyType({check.ID: check.run for check in ALL})


def run_all(context: Context, checks: Checks = CHECKS) -> dict[str, Artifact]:
    return {id: run_one(check, context) for id, check in checks.items()}


def run_one(check: Callable[[Context], Artifact], context: Context) -> Artifact:
    with undisturbed(context.model):
        try:
            return check(context)
        except Exception as error:
            first = (str(error).splitlines() or [""])[0]
            said = f"{type(error).__name__}: {first}" if first else type(error).__name__
            return Artifact(f"the check stopped with {said}", {"error": said})
