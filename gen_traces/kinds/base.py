"""What is watched in every job, whatever it trains."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

from gen_traces.checks.context import Context
from gen_traces.observe import activations, gradients, resources, setup, weights
from gen_traces.observe.jobhooks import JobHooks
from gen_traces.observe.watch import Observer, Watch
from traces.format import Artifact

if TYPE_CHECKING:
    from gen_traces.child import Child

Makers = dict[str, Callable[[], Artifact]]


class BaseKind:
    """Observers, wrapped functions, artifacts and checks of a job.

    `wrapped` are the job's modules whose functions are wrapped, in the order they are to be imported: what others
    import by name must be wrapped before they do. `experimented` are those the checks work with.
    """

    wrapped: tuple[str, ...] = ("config", "runlog", "checkpoint")
    experimented: tuple[str, ...] = ()
    checks: Mapping[str, Callable[[Context], Artifact]] = {}

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.throughput = resources.Throughput(watch)
        self.setup = setup.Setup(watch)
        self.hooks = JobHooks(watch, self.throughput.pause)

    def observers(self) -> list[Observer]:
        watch = self.watch
        return [
            gradients.Gradients(watch),
            gradients.Optimizers(watch),
            gradients.LossScale(watch),
            weights.Weights(watch),
            weights.Spectra(watch),
            activations.Activations(watch),
            activations.Logits(watch),
            activations.DeadUnits(watch),
            activations.NonFinite(watch),
            self.setup,
            self.throughput,
            resources.Memory(watch),
        ]

    def install(self, modules: Mapping[str, ModuleType]) -> None:
        """Wrap what the job's modules offer; `modules` holds those of `wrapped` that could be imported."""
        self.hooks.install(modules)

    def artifacts(self, child: Child, error: str | None) -> Makers:
        """Makers of all artifacts that what was seen allows, by diagnostic id; `error` is what the job died of."""
        makers: Makers = {
            "hardware": lambda: child.hardware,
            "nonfinite": lambda: setup.nonfinite_artifact(self.watch.first_nonfinite),
            "checkpoint": lambda: setup.checkpoint_artifact(self.hooks.checkpoints, self.hooks.loaded),
        }
        if child.config is not None:
            makers["config"] = lambda: setup.config_artifact(child.config)
        if self.setup.parameters:
            makers["precision"] = lambda: setup.precision_artifact(self.setup, self.watch.scaler)
            makers["model_summary"] = lambda: setup.model_summary_artifact(self.setup, child.model)
            makers["train_mode"] = lambda: setup.train_mode_artifact(self.setup, child.model)
        return makers

    def facts(self) -> dict[str, Any]:
        """Figures of this kind of job for its manifest."""
        return {}
