"""The numbers of a run that a scenario's opening may quote."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from typing import Any

from gen_traces.results import Rows

Fact = float | int | str | None
LOSS_AT = (1, 10, 20, 25, 50, 75, 100, 150, 200, 250, 300, 500, 1000)
LAST = 20


def run_facts(rows: Rows, config: Mapping[str, Any], extra: Mapping[str, Fact]) -> dict[str, Fact]:
    """Facts of a run by name: the configuration's values, what `extra` says, and what the rows hold.

    `final_loss` and `final_grad_norm` are means over the last 20 steps (NaN if one of them is), `loss_at_N` is the
    loss logged at step N, `first_nonfinite_step` the first step with a NaN or infinity in loss, activations, gradients
    or parameters (None if there was none), `last_finite_loss` the last loss that was a number.
    """
    facts: dict[str, Fact] = {key: value for key, value in config.items() if not isinstance(value, bool)}
    facts |= extra
    loss, norm, val = rows.series("loss"), rows.series("grad_norm"), rows.series("val_loss")
    if "steps" in config:
        facts["planned_steps"] = config["steps"]
    facts["steps"] = len(loss)
    if loss:
        facts["initial_loss"] = loss[0][1]
        facts["final_loss"] = _mean([value for _, value in loss[-LAST:]])
        at = dict(loss)
        facts |= {f"loss_at_{step}": at[step] for step in LOSS_AT if step in at}
        finite = [(value, step) for step, value in loss if math.isfinite(value)]
        if finite:
            facts["min_loss"], facts["min_loss_step"] = min(finite)
            facts["max_loss"], facts["max_loss_step"] = max(finite, key=lambda pair: pair[0])
            facts["last_finite_loss"] = finite[-1][0]
    if val:
        facts["initial_val_loss"], facts["final_val_loss"] = val[0][1], val[-1][1]
        facts["best_val_loss"] = min((value for _, value in val if math.isfinite(value)), default=None)
    if norm:
        finite = [(value, step) for step, value in norm if math.isfinite(value)]
        facts["initial_grad_norm"] = norm[0][1]
        facts["final_grad_norm"] = _mean([value for _, value in norm[-LAST:]])
        if finite:
            facts["peak_grad_norm"], facts["peak_grad_norm_step"] = max(finite, key=lambda pair: pair[0])
            facts["median_grad_norm"] = statistics.median(value for value, _ in finite)
    speed = [value for _, value in rows.series("throughput")]
    if speed:
        facts["tokens_per_second"] = statistics.median(speed)
    facts["first_nonfinite_step"] = first_nonfinite(rows)
    return facts


def first_nonfinite(rows: Rows) -> int | None:
    """The first step with a value that is not finite."""
    steps = [step for step, value in rows.series("loss") if not math.isfinite(value)]
    for column in ("nonfinite/activations", "nonfinite/grads", "nonfinite/params"):
        steps += [step for step, value in rows.series(column) if value > 0]
    return min(steps, default=None)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
