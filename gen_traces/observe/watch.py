"""Watching a job from outside: its events, told to observers; their measurements, gathered into rows.

Nothing of the job is edited. Module calls are seen by PyTorch's global forward hooks, optimizer steps by its global
step hooks; the few plain functions of a job that mark its course (the loss, the log, a batch handed out, a checkpoint
written) are wrapped where they are defined, before the training script imports them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import torch.nn as nn
from torch import Tensor
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.optim.optimizer import Optimizer, register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from gen_traces.observe.structure import Structure, structure_of

Handler = Callable[[nn.Module, tuple[Any, ...], Any], None]


class Observer:
    """One family of measurements. Every method is an event of the job; the default is to look away."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch

    def model_found(self) -> None:
        """The model is about to be called for the first time."""

    def forward_ended(self, tokens: Any, logits: Any) -> None:
        """A training forward pass came to its end; not called for validation and sampling."""

    def loss_computed(self, logits: Any, targets: Any, loss: Any) -> None:
        """The loss of a training micro-batch."""

    def backward_ended(self) -> None:
        """Gradients of a micro-batch have been accumulated."""

    def before_update(self, optimizer: Optimizer) -> None:
        """`optimizer.step()` is about to change parameters."""

    def after_update(self, optimizer: Optimizer) -> None:
        """`optimizer.step()` has changed parameters."""

    def step_ended(self) -> None:
        """The job has logged the step; what is put now still belongs to it."""

    def row_closed(self) -> None:
        """The row is written; the job goes on with its next step."""


class Watch:
    """The state of the watched job, and the row that is being filled.

    `step` is the step being trained, `micro` the micro-batch within it (from 0). Rows are appended to `rows.jsonl`
    in `out` as they are finished, so that a killed process leaves what it had measured.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self.model: nn.Module | None = None
        self.structure = Structure(None, [], {})
        self.step = 0
        self.micro = 0
        self.in_step = False
        self.evaluating = False
        self.spent = 0.0
        self.logged = 0
        self.scaler: Any = None
        self.cadence: dict[str, int] = {}
        self.first_nonfinite: dict[str, Any] | None = None
        self.observers: list[Observer] = []
        self.errors: list[str] = []
        self._handlers: dict[int, list[Handler]] = {}
        self._row: dict[str, float] = {}
        self._tracing = False
        self._active = False
        self._file = (out / "rows.jsonl").open("w", buffering=1)
        self._undo: list[Callable[[], None]] = []

    # What observers use

    def put(self, column: str, value: float, every: int = 1) -> None:
        """Measure `column` for the current step; `every` is its cadence in steps."""
        self._row[column] = float(value)
        self.cadence.setdefault(column, every)

    def peek(self, column: str) -> float | None:
        """What has been put into the current row."""
        return self._row.get(column)

    def due(self, every: int) -> bool:
        """Whether a measurement of that cadence is to be made in this step."""
        return self.step % every == 0

    @property
    def device(self) -> torch.device:
        """Where the model's parameters lie; the CPU before there is a model."""
        first = next(self.model.parameters(), None) if self.model is not None else None
        return torch.device("cpu") if first is None else first.device

    def on_output(self, module: nn.Module | None, handler: Handler) -> None:
        """Call `handler(module, inputs, output)` after every training forward pass of `module`."""
        if module is not None:
            self._handlers.setdefault(id(module), []).append(handler)

    # What the wrapped job tells

    def step_logged(self, step: int, values: dict[str, Any]) -> None:
        """The job closed its step."""
        with self.looking():
            self.step = step
            for name, column in (("loss", "loss"), ("grad_norm", "grad_norm/logged")):
                value = _number(values.get(name))
                if value is not None:
                    self.put(column, value)
            self.tell("step_ended")
            self._write(step, self._row)
        self._row = {}
        self.logged += 1
        self.step, self.micro, self.in_step = step + 1, 0, False
        self.tell("row_closed")

    def evaluated(self, step: int, val_loss: Any) -> None:
        """The job reported a validation loss, before training the step of that number."""
        value = _number(val_loss)
        if value is not None:
            self.note(step, {"val_loss": value})

    def note(self, step: int, values: dict[str, float]) -> None:
        """Measurements of another step than the current one, made at the job's own occasions (cadence 0)."""
        for column in values:
            self.cadence.setdefault(column, 0)
        self._write(step, values)

    def tell(self, event: str, *args: Any) -> None:
        """Pass an event on. An observer that fails is noted and not asked again: the job goes on."""
        for observer in list(self.observers):
            try:
                getattr(observer, event)(*args)
            except Exception as error:
                self.give_up(observer, error)

    def give_up(self, observer: Observer | None, error: Exception) -> None:
        self.errors.append(f"{type(observer).__name__} stopped at step {self.step}: {type(error).__name__}: {error}")
        if observer in self.observers:
            self.observers.remove(observer)

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Time spent here is the observers', not the job's."""
        start = _now()
        try:
            with torch.no_grad():
                yield
        finally:
            self.spent += _now() - start

    @contextmanager
    def looking_away(self) -> Iterator[None]:
        """Forward passes in here are validation, whatever the gradient mode."""
        before, self.evaluating = self.evaluating, True
        try:
            yield
        finally:
            self.evaluating = before

    def next_leg(self) -> None:
        """The job is started again, to go on where it stopped: with a new model, found by its first call."""
        self.model = None
        self._handlers.clear()
        self.in_step = self._tracing = False
        self.micro = 0

    # Hooks

    def attach(self) -> None:
        """Install all hooks; `detach` takes them off again."""
        self._active = True
        handles = [
            register_module_forward_pre_hook(self._before_module),
            register_module_forward_hook(self._after_module),
            register_optimizer_step_pre_hook(self._before_optimizer),
            register_optimizer_step_post_hook(self._after_optimizer),
        ]
        self._undo += [handle.remove for handle in handles]
        self.wrap(torch.autograd, "backward", self._around_backward)
        self.wrap(torch.amp.GradScaler, "scale", self._around_scale)

    def detach(self) -> None:
        """Take all hooks off and write what the unfinished row holds."""
        self._active = False
        while self._undo:
            self._undo.pop()()
        if self._row:
            self._write(self.step, self._row)
            self._row = {}
        self._file.close()

    def wrap(self, owner: Any, name: str, around: Callable[..., Any]) -> None:
        """Replace `owner.name` by a function that calls `around(original, *args, **kwargs)` while watching."""
        original = getattr(owner, name, None)
        if original is None:
            return

        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return around(original, *args, **kwargs) if self._active else original(*args, **kwargs)

        setattr(owner, name, wrapper)
        self._undo.append(lambda: setattr(owner, name, original))

    def _before_module(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        if self.model is None and next(module.parameters(), None) is not None:
            self.model = module
            self.structure = structure_of(module)
            with self.looking():
                self.tell("model_found")
        if module is self.model:
            self._tracing = torch.is_grad_enabled() and not self.evaluating
            self.in_step = self.in_step or self._tracing

    def _after_module(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        if not self._tracing:
            return
        handlers = self._handlers.get(id(module))
        if handlers:
            # Called for every module of every pass: cheaper than `looking`, handlers detach what they compute with.
            start = _now()
            for handler in tuple(handlers):
                try:
                    handler(module, args, output)
                except Exception as error:
                    handlers.remove(handler)
                    self.give_up(_owner(handler), error)
            self.spent += _now() - start
        if module is self.model:
            self._tracing = False
            with self.looking():
                self.tell("forward_ended", args[0] if args else None, output)

    def around_loss(self, original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        if torch.is_grad_enabled() and not self.evaluating and len(args) >= 2:
            with self.looking():
                self.tell("loss_computed", args[0], args[1], result)
        return result

    def _around_backward(self, original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        if self.in_step:
            with self.looking():
                self.tell("backward_ended")
            self.micro += 1
        return result

    def _around_scale(self, original: Callable[..., Any], scaler: Any, *args: Any, **kwargs: Any) -> Any:
        self.scaler = scaler
        return original(scaler, *args, **kwargs)

    def _before_optimizer(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        with self.looking():
            self.tell("before_update", optimizer)

    def _after_optimizer(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        with self.looking():
            self.tell("after_update", optimizer)

    def _write(self, step: int, values: dict[str, float]) -> None:
        self._file.write(json.dumps({"step": step, "values": values}) + "\n")


def _now() -> float:
    """Seconds, once an accelerator has done what it was given: its work is nobody else's time."""
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
    return time.perf_counter()


def _owner(handler: Handler) -> Observer | None:
    """The observer whose method a handler is, also when it is a partial of one."""
    owner = getattr(getattr(handler, "func", handler), "__self__", None)
    return owner if isinstance(owner, Observer) else None


def first_tensor(value: Any) -> Tensor | None:
    """The tensor a module returned, or the first one of several."""
    if isinstance(value, Tensor):
        return value
    if isinstance(value, tuple | list):
        return next((inner for inner in value if isinstance(inner, Tensor)), None)
    return None


def _number(value: Any) -> float | None:
    if isinstance(value, Tensor) and value.numel() == 1:
        return float(value.detach())
    return float(value) if isinstance(value, int | float) else None
