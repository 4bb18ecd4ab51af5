"""Where the functions of a job on text are wrapped: its loss, its batches, its validation, its sampling."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from gen_traces.observe.jobhooks import Timed, TimedHooks
from gen_traces.observe.watch import Watch


class TextHooks(TimedHooks):
    """Wraps `loss`, `data`, `evaluate` and `engine`; keeps the `Batches` and `Validation` objects that passed by."""

    def __init__(self, watch: Watch, waited: Timed, paused: Timed) -> None:
        super().__init__(watch, waited, paused)
        self.validation: Any = None
        self.validation_documents: list[Any] | None = None

    def install(self, modules: Mapping[str, ModuleType]) -> None:
        watch = self.watch
        if "loss" in modules:
            watch.wrap(modules["loss"], "language_model_loss", watch.around_loss)
        if validation := getattr(modules.get("evaluate"), "Validation", None):
            watch.wrap(validation, "__init__", self._held_out)
            watch.wrap(validation, "loss", self._validating)
        if batches := getattr(modules.get("data"), "Batches", None):
            watch.wrap(batches, "__next__", self.served)
        if "engine" in modules:
            watch.wrap(modules["engine"], "generate", self.aside)

    def _held_out(
        self, original: Callable[..., Any], validation: Any, documents: Any, *args: Any, **kwargs: Any
    ) -> None:
        self.validation, self.validation_documents = validation, list(documents)
        original(validation, documents, *args, **kwargs)

    def _validating(self, original: Callable[..., Any], validation: Any, *args: Any, **kwargs: Any) -> Any:
        self.validation = validation
        return self.aside(original, validation, *args, **kwargs)
