"""A scenario pack with one scenario, and runs of it written by the real writer. The values are plain functions."""

from __future__ import annotations

import difflib
import math
from pathlib import Path

from scenarios.source import reference_source
from traces.format import Artifact, Manifest
from traces.library import run_path
from traces.writer import write_run

SLUG = "quiet-otter"
STEPS = tuple(range(60))
TITLE = "Gradients pile up over steps"
SCENARIO = """\
workload: lm_pretraining
config: configs/base.yaml
rounds: [debug, review]
level: mid
difficulty: easy
headline: The loss ends at {final_loss:.2f}.
opening: "{parameters} parameters, one device. The gradient norm is not finite from step {first_nonfinite_step} on."
review_context: One optimizer step of a language model.
snippet:
  - {file: train.py, symbol: train_step}
"""
GUIDE = """\
hints: [What changes from step to step?, Look at the loop., Look at the gradient norm.]
review_hints: [What changes from step to step?, Look at the end of the function., What is kept between calls?]
follow_ups:
  - {id: when, question: Why does it not show at the first step?}
  - {id: verify, question: How would you verify the fix?}
"""
SOLUTION = f"""\
title: {TITLE}
catalogue: [901, odd_test_name]
category: loop
priority: 1
root_cause: The gradients are never set to zero, so each step adds to all earlier ones.
mechanism: backward() adds into .grad; without zero_grad the sum over all steps is applied.
wordings: [zero_grad is never called, gradients are never reset between steps, gradients accumulate across steps]
concepts: [[zero_grad, gradients, grads], [never, missing, not called, accumulate, pile up, not reset]]
fixes: [call optimizer.zero_grad() after the step]
fix_concepts: [[zero_grad, reset]]
decisive: [grad_norm]
supporting: [loss]
follow_ups:
  when: {{good: [[first, earlier]], model_answer: At the first step there is nothing yet to add to.}}
  verify: {{good: [[norm, rerun]], model_answer: Rerun and compare the gradient norm with a fresh batch's.}}
references: [https://docs.pytorch.org]
"""


def patch() -> str:
    """A diff on the reference's training step."""
    before = reference_source()["train.py"]
    after = before.replace("    optimizer.zero_grad(set_to_none=True)\n", "")
    assert before != after
    lines = difflib.unified_diff(before.splitlines(True), after.splitlines(True), "a/train.py", "b/train.py")
    return "".join(lines)


def write_pack(root: Path) -> Path:
    folder = root / SLUG
    folder.mkdir(parents=True)
    for name, text in (
        ("scenario.yaml", SCENARIO), ("guide.yaml", GUIDE), ("solution.yaml", SOLUTION), ("bug.patch", patch()),
    ):  # fmt: skip
        (folder / name).write_text(text, encoding="utf-8")
    return root


def grad_norm(step: int) -> float:
    return {37: math.nan, 38: math.inf, 21: 900.0, 22: 0.001}.get(step, 1.0 + step / 100)


def write_traces(root: Path) -> Path:
    for name, seed, variant in (
        (SLUG, 0, None), (SLUG, 1, None), (SLUG, 0, "lower_lr"), ("healthy.base", 0, None),
    ):  # fmt: skip
        _write(root, name, seed, variant)
    return root


def _write(root: Path, name: str, seed: int, variant: str | None) -> None:
    healthy = name.startswith("healthy.")
    offset = seed + 10 * healthy + 100 * bool(variant)
    signals: dict[str, list[float | None]] = {
        "loss": [6.0 - step / 20 + offset for step in STEPS],
        "val_loss": [6.5 + offset if step % 10 == 0 else None for step in STEPS],
        "lr/group.0": [0.003 for _ in STEPS],
        "lr/group.1": [0.001 for _ in STEPS],
        "grad_norm": [1.0 if healthy else grad_norm(step) for step in STEPS],
        "param_norm": [10.0 for _ in STEPS],
    }
    for layer in range(2):
        signals[f"param_norm/layer.{layer}"] = [float(layer) for _ in STEPS]
        signals[f"attention_entropy/layer.{layer}"] = [2.0 + layer for _ in STEPS]
        for head in range(2):
            signals[f"attention_entropy/layer.{layer}.head.{head}"] = [2.0 + layer + head / 10 for _ in STEPS]
    artifacts = {
        "batch": Artifact("in:  the cat\nout: he cat "),
        "check_causality": Artifact("largest change of an earlier logit: 0"),
        "log": Artifact("step 0 \x1b[31mloss 6.00\x1b[0m"),
    }
    manifest = Manifest(
        scenario=None if healthy else name, config_name="base", profile="smoke", seed=seed, variant=variant,
        device="cpu", device_name="a test's CPU", versions={"torch": "2"}, code_sha256="0" * 64, patch_sha256="0" * 64,
        corpus_sha256="0" * 64, config={"lr": 0.0003 if variant else 0.003, "micro_batch": 4},
        started="2026-01-01T00:00:00Z", wall_seconds=1.0, steps=len(STEPS), status="finished",
        columns={column: 10 if column == "val_loss" else 1 for column in signals}, artifacts=tuple(artifacts),
        facts={"final_loss": 3.05, "parameters": 461000, "first_nonfinite_step": 37},
    )  # fmt: skip
    write_run(run_path(root, "smoke", name, seed, variant), manifest, STEPS, signals, artifacts)
