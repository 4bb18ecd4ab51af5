"""What a check may work with: a finished or crashed job, seen from inside its own process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Context:
    """`modules` are the job's own, imported from its work folder, by file name without suffix.

    The checks use `train`, `data`, `model`, `loss` and `engine`. `config` is the job's `Config` with all overrides
    applied, `corpus` the file it trained on, `model` the trained model as the job left it (None when there is none),
    `device` where the job ran. The checks leave `model`'s parameters and mode, the random generators and torch's
    defaults as they found them.
    """

    modules: Mapping[str, ModuleType]
    config: Any
    corpus: Path
    model: torch.nn.Module | None = None
    device: str = "cpu"
