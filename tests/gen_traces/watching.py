"""A small training loop inside the test, watched as a job is, so that what was recorded can be computed by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from gen_traces.observe.watch import Observer, Watch
from gen_traces.results import Rows, read_rows

ObserverType = Callable[[Watch], Observer]


class Watched:
    """`with Watched(...) as job: job.step(...)`; afterwards `job.rows`."""

    def __init__(self, folder: Path, observers: list[ObserverType]) -> None:
        self.folder = folder
        self.watch = Watch(folder)
        self.watch.observers = [make(self.watch) for make in observers]
        self.number = 0

    def __enter__(self) -> Watched:
        self.watch.attach()
        return self

    def __exit__(self, *error: object) -> None:
        self.watch.detach()

    def loss(self, function: Callable[..., Tensor], logits: Tensor, targets: Tensor) -> Tensor:
        return self.watch.around_loss(function, logits, targets)

    def log(self, **values: Any) -> None:
        self.watch.step_logged(self.number, values)
        self.number += 1

    @property
    def rows(self) -> Rows:
        return read_rows(self.folder / "rows.jsonl")

    def values(self, column: str) -> list[float | None]:
        return self.rows.signals[column]


def small_model(reference: SimpleNamespace, **changes: Any) -> Any:
    """A reference GPT of two layers, the same at every call."""
    torch.manual_seed(0)
    values: dict[str, Any] = {"n_layer": 2, "n_head": 2, "n_embd": 16, "seq_len": 8}
    return reference.model.GPT(reference.config.Config(**(values | changes)))


def batch(seed: int = 0) -> tuple[Tensor, Tensor]:
    tokens = torch.randint(0, 256, (2, 9), generator=torch.Generator().manual_seed(seed))
    return tokens[:, :-1], tokens[:, 1:]
