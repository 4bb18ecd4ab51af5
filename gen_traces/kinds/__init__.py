"""What is watched in a job of each kind: one file a workload of `scenarios/workloads.yaml`."""

from __future__ import annotations

import importlib
from types import ModuleType

FILES = {
    "lm_pretraining": "language",
    "chat_finetuning": "chat",
    "data_parallel": "parallel",
    "image_classification": "vision",
}


def of(workload: str) -> ModuleType:
    """The module whose class `Kind` watches jobs of that workload. Imports torch."""
    return importlib.import_module(f"gen_traces.kinds.{FILES[workload]}")
