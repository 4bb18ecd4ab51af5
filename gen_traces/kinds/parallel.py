"""Pretraining on several ranks: rank 0 is watched as a language model is, the others tell what they did themselves."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any

import msgspec

from gen_traces import ranks
from gen_traces.checks.context import Context
from gen_traces.checks.runner import CHECKS
from gen_traces.kinds import language
from gen_traces.kinds.base import Makers
from gen_traces.observe import batches, gradients, parallel
from gen_traces.observe.watch import Observer, Watch
from gen_traces.results import ARTIFACTS, REPORT
from traces.format import Artifact

if TYPE_CHECKING:
    from gen_traces.child import Child

# The others end with rank 0; what they have to write is little.
PATIENCE = 20.0


def alone(check: Callable[[Context], Artifact]) -> Callable[[Context], Artifact]:
    """The check with the job's own `train()` on a single rank, in this process."""

    def run(context: Context) -> Artifact:
        import torch.distributed as dist

        if dist.is_initialized():
            dist.destroy_process_group()
        os.environ |= ranks.environment(0, 1, ranks.free_port())
        modules = {**context.modules, "train": context.modules["train_ddp"]}
        return check(replace(context, modules=modules, config=replace(context.config, ranks=1)))

    return run


class Kind(language.Kind):
    wrapped = ("config", "loss", "runlog", "data", "engine", "checkpoint", "evaluate", "distributed")
    experimented = ("model", "data", "optim", "loss", "engine", "evaluate", "checkpoint", "config", "train_ddp")
    checks = MappingProxyType({id: alone(check) for id, check in CHECKS.items()})

    def __init__(self, watch: Watch) -> None:
        super().__init__(watch)
        self.rank = int(os.environ.get("RANK", "0"))
        self.ranks = self.throughput.ranks = int(os.environ.get("WORLD_SIZE", "1"))
        self.own = parallel.OwnRank(watch, self.rank)
        self.gradients = parallel.SyncedGradients(watch)
        self.backend: str | None = None

    def observers(self) -> list[Observer]:
        if self.rank:
            return [self.batches, self.own]
        usual = [one for one in super().observers() if type(one) is not gradients.Gradients]
        return [self.gradients, *usual, self.own]

    def install(self, modules: Mapping[str, ModuleType]) -> None:
        super().install(modules)
        if "distributed" in modules:
            self.watch.wrap(modules["distributed"], "start", self._started)
            self.watch.wrap(modules["distributed"], "sync_gradients", self.own.around_sync)
            if not self.rank:
                self.watch.wrap(modules["distributed"], "sync_gradients", self.gradients.around_sync)

    def _started(self, original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        import torch.distributed as dist

        result = original(*args, **kwargs)
        self.backend = str(dist.get_backend())
        return result

    def artifacts(self, child: Child, error: str | None) -> Makers:
        import torch.distributed as dist

        if dist.is_initialized():  # an error left the group as it was, and the others wait in it
            dist.destroy_process_group()
        makers: Makers = {}
        seen = self.text.batches is not None and bool(self.batches.served)
        if seen:
            mine = batches.Served(self.text.batches, self.batches.served)
            makers[ranks.SERVED] = lambda: Artifact("", {str(step): ids for step, ids in mine.row_ids.items()})
        if self.rank:
            return makers
        makers |= super().artifacts(child, error)
        makers["hardware"] = lambda: parallel.hardware_artifact(child.hardware, self.ranks, self.backend)
        if seen:
            by_rank = functools.cache(lambda: {0: mine.row_ids} | self._others(child))
            everything = functools.cache(
                lambda: parallel.together(batches.Served(self.text.batches, self.batches.served), by_rank())
            )
            documents = self.text.validation_documents
            makers["data_order"] = lambda: parallel.data_order_artifact(everything(), by_rank())
            makers["data_stats"] = lambda: batches.data_stats_artifact(everything(), documents)
        return makers

    def _others(self, child: Child) -> dict[int, dict[int, list[int]]]:
        """The row numbers the other ranks had, by step; of those that come to their end in time."""
        found: dict[int, dict[int, list[int]]] = {}
        until = time.monotonic() + PATIENCE
        for rank in range(1, self.ranks):
            out = ranks.out_of(child.out, rank)
            while not (out / REPORT).exists() and time.monotonic() < until:
                time.sleep(0.1)
            file = out / ARTIFACTS / f"{ranks.SERVED}.json"
            if file.exists():
                served = msgspec.json.decode(file.read_bytes(), type=Artifact).data
                found[rank] = {int(step): ids for step, ids in served.items()}
        return found

    def facts(self) -> dict[str, Any]:
        facts = super().facts()
        for key in ("rows_per_step", "tokens_per_step", "tokens_seen"):
            if key in facts:
                facts[key] *= self.ranks
        return facts
