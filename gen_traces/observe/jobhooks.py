"""Where functions that every job has are wrapped: its log, its checkpoints, the loading of its configuration.

And how its batches, its validation and its sampling are timed, wherever a kind of job has them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from gen_traces.observe.watch import Watch

Timed = Callable[[float], None]


class JobHooks:
    """Wraps `config`, `runlog` and `checkpoint` of a job; must come before its script is imported.

    `config` is the configuration the job loaded, `checkpoints` and `loaded` describe the files it wrote and read. A
    part that the job does not have (or whose import fails) is left out; the job itself will say what is wrong with it.
    """

    def __init__(self, watch: Watch, paused: Timed) -> None:
        self.watch = watch
        self.config: Any = None
        self.checkpoints: list[dict[str, Any]] = []
        self.loaded: list[dict[str, Any]] = []
        self._paused = paused

    def install(self, modules: Mapping[str, ModuleType]) -> None:
        watch = self.watch
        if "config" in modules:
            watch.wrap(modules["config"], "load_config", self._configured)
        if log := getattr(modules.get("runlog"), "RunLog", None):
            watch.wrap(log, "step", self._logged)
            watch.wrap(log, "evaluation", self._evaluated)
        if "checkpoint" in modules:
            watch.wrap(modules["checkpoint"], "save", self._saved)
            watch.wrap(modules["checkpoint"], "load", self._loaded)

    def _configured(self, original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        self.config = original(*args, **kwargs)
        return self.config

    def _logged(self, original: Callable[..., Any], log: Any, step: int, *args: Any, **values: Any) -> Any:
        result = original(log, step, *args, **values)
        self.watch.step_logged(step, values)
        return result

    def _evaluated(self, original: Callable[..., Any], log: Any, step: int, val_loss: Any, *args: Any) -> Any:
        result = original(log, step, val_loss, *args)
        self.watch.evaluated(step, val_loss)
        return result

    def _saved(self, original: Callable[..., Any], path: Any, *args: Any, **kwargs: Any) -> Any:
        start = time.perf_counter()
        result = original(path, *args, **kwargs)
        taken = time.perf_counter() - start
        self._paused(taken)
        file = Path(path)
        if file.is_file():
            size = file.stat().st_size
            written: dict[str, Any] = {
                "after_step": self.watch.step - 1,
                "file": file.name,
                "bytes": size,
                "seconds": taken,
            }
            for earlier in self.checkpoints:
                earlier.pop("holds", None)  # what the last one holds is enough
            self.checkpoints.append(written)
            with self.watch.looking():
                written["holds"] = contents(file)
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


class TimedHooks:
    """Tells the clock how long a job waited for its batches, and what took time and is no part of a training step."""

    def __init__(self, watch: Watch, waited: Timed, paused: Timed) -> None:
        self.watch = watch
        self.batches: Any = None
        self._waited, self._paused = waited, paused

    def served(self, original: Callable[..., Any], batches: Any) -> Any:
        """Around `__next__` of the job's batches."""
        self.batches = batches
        start = time.perf_counter()
        result = original(batches)
        self._waited(time.perf_counter() - start)
        return result

    def aside(self, original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Around validation and sampling, whose forward passes are not looked at."""
        start = time.perf_counter()
        with self.watch.looking_away():
            result = original(*args, **kwargs)
        self._paused(time.perf_counter() - start)
        return result
