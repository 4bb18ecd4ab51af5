"""A run as Hugging Face's Trainer would have left it: `trainer_state.json`.

`log_history` has one entry per logged step (`loss`, `learning_rate`, `grad_norm`) and one per evaluation
(`eval_loss`). Trainer counts steps done, so our step 0 is its step 1; an evaluation is made before the step it carries
here, so it keeps its number. NaN and infinities are written as the bare words NaN and Infinity, as Python's json (and
so Trainer with `logging_nan_inf_filter=False`) writes them. Epochs are not part of a run's manifest; `epoch` is the
share of the planned steps.
"""

from __future__ import annotations

import json
from typing import Any

from traces.library import Run

TRAINING = {"loss": "loss", "lr": "learning_rate", "grad_norm": "grad_norm"}


def trainer_state(run: Run) -> dict[str, Any]:
    """The content of the file. Raises TraceError when the run is damaged."""
    planned = int(run.manifest.config.get("steps", run.manifest.steps)) or 1
    training: dict[int, dict[str, float]] = {}
    for column, key in TRAINING.items():
        # Groups of one run share a schedule; Trainer logs the first group's rate.
        name = next(iter(run.columns(column)), None)
        for step, value in zip(*run.read(name), strict=True) if name else ():
            training.setdefault(step + 1, {})[key] = value
    evaluations = dict(zip(*run.read("val_loss"), strict=True)) if run.columns("val_loss") else {}
    history = [{**values, "step": step} for step, values in training.items() if "loss" in values]
    history += [{"eval_loss": value, "step": step} for step, value in evaluations.items()]
    history.sort(key=lambda entry: (entry["step"], "eval_loss" in entry))
    for entry in history:
        entry["epoch"] = entry["step"] / planned
    finite = [value for value in evaluations.values() if value == value]
    return {
        "best_global_step": None,
        "best_metric": min(finite, default=None),
        "best_model_checkpoint": None,
        "epoch": run.manifest.steps / planned,
        "eval_steps": run.manifest.config.get("eval_every", 500),
        "global_step": run.manifest.steps,
        "is_hyper_param_search": False,
        "is_local_process_zero": True,
        "is_world_process_zero": True,
        "log_history": history,
        "logging_steps": 1,
        "max_steps": planned,
        "num_input_tokens_seen": 0,
        "num_train_epochs": 1,
        "save_steps": run.manifest.config.get("checkpoint_every", 500),
        "stateful_callbacks": {},
        "total_flos": 0,
        "train_batch_size": run.manifest.config.get("micro_batch"),
        "trial_name": None,
        "trial_params": None,
    }


def to_json(state: dict[str, Any]) -> str:
    return json.dumps(state, indent=2, sort_keys=True) + "\n"
