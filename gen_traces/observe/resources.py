"""Time and memory, the observers' own share of the time taken out."""

from __future__ import annotations

import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gen_traces.observe.watch import Observer, Watch


class Throughput(Observer):
    """`throughput` (tokens/s), `throughput/step_time` and `throughput/data_wait` (seconds), per optimizer step.

    A step's time runs from the end of the step before; validation and the observers' own work are not in it. The
    tokens are those of all `ranks`, which have the same number each.
    """

    def __init__(self, watch: Watch, ranks: int = 1) -> None:
        super().__init__(watch)
        self.ranks = ranks
        self._tokens = 0
        self.tokens_seen = 0
        self.data_wait = 0.0
        self.paused = 0.0
        self.row_closed()

    def waited(self, seconds: float) -> None:
        """The job waited for a batch."""
        self.data_wait += seconds

    def pause(self, seconds: float) -> None:
        """The job did something that is no part of a training step."""
        self.paused += seconds

    def row_closed(self) -> None:
        self._started, self._spent_before = time.perf_counter(), self.watch.spent
        self._tokens, self.data_wait, self.paused = 0, 0.0, 0.0

    def forward_ended(self, tokens: Any, logits: Any) -> None:
        if isinstance(tokens, Tensor):
            self._tokens += tokens.numel()

    def step_ended(self) -> None:
        observed = self.watch.spent - self._spent_before
        taken = max(1e-9, time.perf_counter() - self._started - observed - self.paused)
        self.watch.put("throughput", self.ranks * self._tokens / taken)
        self.watch.put("throughput/step_time", taken)
        self.watch.put("throughput/data_wait", self.data_wait)
        self.tokens_seen += self._tokens


class Memory(Observer):
    """`memory/rss_mb`: resident memory of the job's process; `memory/cuda_mb`: allocated on the accelerator. MiB."""

    EVERY = 5

    def step_ended(self) -> None:
        if not self.watch.due(self.EVERY):
            return
        self.watch.put("memory/rss_mb", resident_bytes() / 2**20, self.EVERY)
        device = self.watch.device
        if device.type == "cuda":
            self.watch.put("memory/cuda_mb", torch.cuda.memory_allocated(device) / 2**20, self.EVERY)


def resident_bytes() -> int:
    """Resident memory of this process; where the system does not tell, its peak so far."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
