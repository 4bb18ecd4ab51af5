"""Where a job's own functions are wrapped. All else is seen through PyTorch's hooks."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from gen_traces.observe.watch import Watch


class JobHooks:
    """Wraps `loss`, `runlog`, `evaluate`, `data` and `checkpoint` of a job; must come before `train` is imported.

    `seen` gathers what passed by: the `Batches` and `Validation` objects and the files written as checkpoints. A part
    that the job does not have (or whose import fails) is left out; the job itself will say what is wrong with it.
    """

    def __init__(self, watch: Watch, waited: Callable[[float], None], paused: Callable[[float], None]) -> None:
        self.watch = watch
        self.batches: Any = None
        self.validation: Any = None
        self.validation_documents: list[Any] | None = None
        self.checkpoints: list[dict[str, Any]] = []
        self.loaded: list[dict[str, Any]] = []
        self._waited, self._paused = waited, paused

    def install(self, modules: dict[str, ModuleType]) -> None:
        watch = self.watch
        if "loss" in modules:
            watch.wrap(modules["loss"], "language_model_loss", watch.around_loss)
        if log := getattr(modules.get("runlog"), "RunLog", None):
            watch.wrap(log, "step", self._logged)
            watch.wrap(log, "evaluation", self._evaluated)
        if validation := getattr(modules.get("evaluate"), "Validation", None):
            watch.wrap(validation, "__init__", self._held_out)
            watch.wrap(validation, "loss", self._validating)
        if batches := getattr(modules.get("data"), "Batches", None):
            watch.wrap(batches, "__next__", self._served)
        if "checkpoint" in modules:
            watch.wrap(modules["checkpoint"], "save", self._saved)
            watch.wrap(modules["checkpoint"], "load", self._loaded)

    def _logged(self, original: Callable[..., Any], log: Any, step: int, *args: Any, **values: Any) -> Any:
        result = original(log, step, *args, **values)
        self.watch.step_logged(step, values)
        return result

    def _evaluated(self, original: Callable[..., Any], log: Any, step: int, val_loss: Any, *args: Any) -> Any:
        result = original(log, step, val_loss, *args)
        self.watch.evaluated(step, val_loss)
        return result

    def _held_out(
        self, original: Callable[..., Any], validation: Any, documents: Any, *args: Any, **kwargs: Any
    ) -> None:
        self.validation, self.validation_documents = validation, list(documents)
        original(validation, documents, *args, **kwargs)

    def _validating(self, original: Callable[..., Any], validation: Any, *args: Any, **kwargs: Any) -> Any:
        self.validation = validation
        start = time.perf_counter()
        with self.watch.looking_away():
            result = original(validation, *args, **kwargs)
        self._paused(time.perf_counter() - start)
        return result

    def _served(self, original: Callable[..., Any], batches: Any) -> Any:
        self.batches = batches
        start = time.perf_counter()
        result = original(batches)
        self._waited(time.perf_counter() - start)
        return result

    def _saved(self, original: Callable[..., Any], path: Any, *args: Any, **kwargs: Any) -> Any:
        start = time.perf_counter()
        result = original(path, *args, **kwargs)
        taken = time.perf_counter() - start
        self._paused(taken)
        file = Path(path)
        if file.is_file():
            size = file.stat().st_size
            self.checkpoints.append({"after_step": self.watch.step - 1, "bytes": size, "seconds": taken})
            with self.watch.looking():
                # The step is logged already: what is put now opens the next row, so it is written beside it.
                self.watch.note(
                    self.watch.step - 1,
                    {
                        "disk/checkpoints_mb": sum(each.stat().st_size for each in file.parent.glob("*.pt")) / 2**20,
                        "disk/write_seconds": taken,
                    },
                )
        return result

    def _loaded(self, original: Callable[..., Any], path: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(path, *args, **kwargs)
        file = Path(path)
        self.loaded.append({"file": file.name, "returned": result, "holds": contents(file)})
        return result


def contents(path: Path) -> dict[str, str]:
    """What a checkpoint file holds, entry by entry. Raises what torch.load raises."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    return {str(key): _described(value) for key, value in state.items()} if isinstance(state, dict) else {}


def _described(value: Any) -> str:
    if isinstance(value, torch.Tensor):
        return f"tensor {tuple(value.shape)} {str(value.dtype).removeprefix('torch.')}"
    if isinstance(value, dict):
        tensors = [inner for inner in _leaves(value) if isinstance(inner, torch.Tensor)]
        if tensors:
            return f"{len(tensors)} tensors, {sum(tensor.numel() for tensor in tensors):,} values"
        return f"{len(value)} entries" if value else "empty"
    return str(value)


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for inner in value.values() for leaf in _leaves(inner)]
    if isinstance(value, list | tuple):
        return [leaf for inner in value for leaf in _leaves(inner)]
    return [value]
