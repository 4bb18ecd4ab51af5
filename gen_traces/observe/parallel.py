"""A job on several ranks: what each rank measures of itself, and which rows each of them had."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor
from torch.optim.optimizer import Optimizer

from gen_traces.observe import batches
from gen_traces.observe.gradients import Gradients
from gen_traces.observe.measure import joined, norms
from gen_traces.observe.text import fields
from gen_traces.observe.watch import Observer, Watch
from gen_traces.ranks import WEIGHTS, column
from traces.format import Artifact


class SyncedGradients(Gradients):
    """`grad_norm` and its parts are measured again once the ranks have exchanged their gradients."""

    def around_sync(self, original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        with self.watch.looking():
            self.backward_ended()
        return result


class OwnRank(Observer):
    """`per_rank/...` of this process: its loss, its gradient norm before and after the exchange, its weights.

    A rank without a log of its own ends its steps here.
    """

    def __init__(self, watch: Watch, rank: int) -> None:
        super().__init__(watch)
        self.rank = rank
        self._losses: list[float] = []

    def loss_computed(self, logits: Any, targets: Any, loss: Any) -> None:
        if isinstance(loss, Tensor):
            self._losses.append(float(loss.detach()))

    def backward_ended(self) -> None:
        self._put("grad_norm", self._norm())

    def around_sync(self, original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        with self.watch.looking():
            self._put("grad_norm_synced", self._norm())
        return result

    def after_update(self, optimizer: Optimizer) -> None:
        self._put("loss", sum(self._losses) / len(self._losses) if self._losses else math.nan)
        self._losses.clear()
        self._put(WEIGHTS, self._checksum())
        if self.rank:
            self.watch.step_logged(self.watch.step, {})

    def _put(self, what: str, value: float) -> None:
        self.watch.put(column(what, self.rank), value)

    def _norm(self) -> float:
        model = self.watch.model
        held = [p.grad for p in model.parameters() if p.grad is not None] if model is not None else []
        return joined(norms(held))

    def _checksum(self) -> int:
        total = 0
        model = self.watch.model
        for parameter in model.parameters() if model is not None else ():
            total = zlib.crc32(parameter.detach().cpu().contiguous().numpy().tobytes(), total)
        return total


def data_order_artifact(served: batches.Served, by_rank: Mapping[int, Mapping[int, list[int]]]) -> Artifact:
    """The order of the documents, all ranks together, then rank by rank; `by_rank` holds row numbers by step."""
    whole = batches.data_order_artifact(served)
    lines = ["rank by rank, document numbers of the rows:"]
    steps = sorted(served.row_ids)
    for step in dict.fromkeys([*steps[:2], *steps[-1:]]):
        for rank, rows in sorted(by_rank.items()):
            ids = [int(served.source[i]) if i >= 0 else -1 for i in rows.get(step, [])]
            shown = " ".join(map(str, ids[:10])) + (" ..." if len(ids) > 10 else "")
            lines.append(f"  step {step:<5d} rank {rank}  {shown}")
    used = {rank: {i for ids in rows.values() for i in ids} for rank, rows in by_rank.items()}
    everywhere = set.intersection(*used.values()) if used else set()
    counted = [(f"different rows of rank {rank}", f"{len(rows):,}") for rank, rows in sorted(used.items())]
    counted.append(("rows that every rank had", f"{len(everywhere):,}"))
    text = "\n".join([whole.text, "", *lines, "", fields(counted)])
    return Artifact(text, dict(whole.data) | {"rows_of_every_rank": len(everywhere)})


def together(mine: batches.Served, by_rank: Mapping[int, Mapping[int, list[int]]]) -> batches.Served:
    """`mine`, which saw one rank's rows, with the rows of all ranks, step by step in order of the ranks."""
    steps = sorted({step for rows in by_rank.values() for step in rows})
    mine.row_ids = {step: [i for _, rows in sorted(by_rank.items()) for i in rows.get(step, [])] for step in steps}
    mine.document_ids = {
        step: [int(mine.source[i]) if i >= 0 else -1 for i in ids] for step, ids in mine.row_ids.items()
    }
    return mine


def hardware_artifact(found: Artifact, ranks: int, backend: str | None) -> Artifact:
    """What one process told about its machine, and how many of them there are."""
    rows = dict(found.data)
    rows["processes"] = f"{ranks} (world size {ranks}{', data parallel' if ranks > 1 else ''})"
    if backend:
        rows["backend"] = backend
    return Artifact(fields(rows.items()), rows)
