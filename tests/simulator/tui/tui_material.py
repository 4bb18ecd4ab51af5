"""A scenario pack and recorded runs small enough for tests, written through the project's own writers."""

from __future__ import annotations

import difflib
import math
from pathlib import Path

from scenarios.source import reference_source
from traces.format import Artifact, Manifest
from traces.library import healthy_name, run_path
from traces.writer import write_run

SLUG = "small-sample"
STEPS = 60
NAN_FROM = 45

SCENARIO = """
workload: lm_pretraining
config: configs/base.yaml
rounds: [debug, review]
level: mid
difficulty: easy
headline: "The loss is not a number from step {first_nonfinite_step} on."
opening: It is a small model on one device.
review_context: How the optimizer is built and driven.
snippet:
  - {file: optim.py}
"""
GUIDE = """
hints: [When does it begin?, Look at how the weights are changed., Look at the size of the gradient.]
follow_ups:
  - {id: why_then, question: Why at that step and not at the first?}
  - {id: verify, question: How would you verify the fix?}
"""
SOLUTION = """
title: The momentum was turned upside down
catalogue: [bad_init]
category: optimisation
priority: 1
root_cause: The second moment decays with the wrong constant.
mechanism: Updates become far too large once the gradient is small.
wordings: [the second moment of adam decays with the wrong constant, beta2 is wrong]
concepts: [[beta2, second moment], [wrong, constant, too small]]
fixes: [put beta2 back]
fix_concepts: [[beta2], [back, restore, "0.95"]]
decisive: [grad_norm]
supporting: [update_ratio]
follow_ups:
  why_then: {good: [[gradient, small]], model_answer: The gradient has to become small first.}
  verify: {good: [[rerun, run again]], model_answer: Run it again and look at the update ratio.}
"""


def write_pack(folder: Path) -> None:
    """Write the scenario; its patch changes one line of the reference's `optim.py`."""
    here = folder / SLUG
    here.mkdir(parents=True)
    for name, text in (("scenario", SCENARIO), ("guide", GUIDE), ("solution", SOLUTION)):
        (here / f"{name}.yaml").write_text(text, encoding="utf-8")
    before = reference_source()["optim.py"].splitlines(keepends=True)
    at = next(index for index, line in enumerate(before) if "beta2" in line)
    after = [*before[:at], before[at].replace("beta2", "beta1"), *before[at + 1 :]]
    diff = "".join(difflib.unified_diff(before, after, "a/optim.py", "b/optim.py"))
    (here / "bug.patch").write_text(diff, encoding="utf-8")


def write_traces(root: Path) -> None:
    """Write the bugged run, whose loss is NaN from `NAN_FROM`, and its healthy twin."""
    for name, bugged in ((SLUG, True), (healthy_name("base"), False)):
        steps = list(range(STEPS))
        loss = [5.5 * math.exp(-step / 30) + 0.05 * math.sin(step) for step in steps]
        norm = [0.5 + 0.1 * math.cos(step) for step in steps]
        if bugged:
            loss = [math.nan if step >= NAN_FROM else value for step, value in zip(steps, loss, strict=True)]
            norm = [value * (1 if step < 30 else 4.0 ** (step - 30)) for step, value in zip(steps, norm, strict=True)]
            norm = [math.inf if step == NAN_FROM else math.nan if step > NAN_FROM else value
                    for step, value in zip(steps, norm, strict=True)]  # fmt: skip
        signals: dict[str, list[float | None]] = {
            "loss": [*loss],
            "lr": [0.003 * min(1.0, (step + 1) / 20) for step in steps],
            "grad_norm": [*norm],
            **{f"activations/layer.{layer}": [1.0 + 0.1 * layer + 0.01 * step for step in steps] for layer in range(4)},
        }
        artifacts = {
            "hardware": Artifact(text="cpu, float32, 1 process"),
            "config": Artifact(text="lr: 0.003\nbatch size: 16\noptimizer: adamw"),
            "log": Artifact(text="\n".join(f"step {step} loss {value:.4f}" for step, value in enumerate(loss))),
        }
        manifest = Manifest(
            scenario=SLUG if bugged else None, config_name="base", profile="smoke", seed=0, device="cpu",
            device_name="cpu", versions={}, code_sha256="0" * 64, patch_sha256="0" * 64, corpus_sha256="0" * 64,
            config={"lr": 0.003}, started="2025-01-01T00:00:00Z", wall_seconds=1.0, steps=STEPS, status="finished",
            columns=dict.fromkeys(signals, 1), artifacts=tuple(artifacts), facts={"first_nonfinite_step": NAN_FROM},
        )  # fmt: skip
        write_run(run_path(root, "smoke", name, 0), manifest, steps, signals, artifacts)
