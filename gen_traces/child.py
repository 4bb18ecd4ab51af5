"""The process a job runs in: `python -P -m gen_traces.child SPEC.json`, started by `gen_traces.jobs`.

Hooks are put on, the job's own `train.main` is called, then artifacts are made of what was seen, and the checks are
run. Rows, artifacts and report are files in the result folder; whatever kills the process, what is there counts.
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from gen_traces.results import AFTERWARDS, ARTIFACTS, FAILURE, REPORT, Report
from traces.format import Artifact
from traces.plain import to_plain

# The order matters: what others import by name must be wrapped before they do.
WRAPPED = ("loss", "runlog", "data", "checkpoint", "evaluate")
CADENCE_KEYS = {"val_loss": "eval_every", "disk": "checkpoint_every"}


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """`work` holds the job's files, `out` is the result folder; both exist. `config` is relative to `work`."""

    work: str
    out: str
    corpus: str
    config: str
    device: str
    overrides: dict[str, Any]
    checks: bool = True


def main(argv: list[str]) -> int:
    spec = msgspec.json.decode(Path(argv[0]).read_bytes(), type=Spec)
    import torch

    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    torch.set_num_threads(1)
    os.chdir(spec.work)
    sys.path.insert(0, spec.work)
    try:
        Child(spec).run()
    except Exception:
        # The job's own exceptions are caught where it is called: this one is the recorder's, and no result.
        (Path(spec.out) / FAILURE).write_text(traceback.format_exc())
        return 1
    return 0


class Child:
    def __init__(self, spec: Spec) -> None:
        from gen_traces.observe import activations, attention, batches, gradients, resources, setup, tokens, weights
        from gen_traces.observe.jobhooks import JobHooks
        from gen_traces.observe.watch import Watch

        self.spec = spec
        self.out = Path(spec.out)
        (self.out / ARTIFACTS).mkdir(parents=True, exist_ok=True)
        self.watch = watch = Watch(self.out)
        self.throughput = resources.Throughput(watch)
        self.setup = setup.Setup(watch)
        self.batches = batches.Batches(watch)
        self.attention = attention.Attention(watch)
        watch.observers = [
            gradients.Gradients(watch),
            gradients.Optimizers(watch),
            gradients.LossScale(watch),
            weights.Weights(watch),
            weights.Spectra(watch),
            activations.Activations(watch),
            activations.Logits(watch),
            activations.DeadUnits(watch),
            activations.NonFinite(watch),
            self.attention,
            tokens.TokenLoss(watch),
            self.batches,
            self.setup,
            self.throughput,
            resources.Memory(watch),
        ]
        self.hooks = JobHooks(watch, self.throughput.waited, self.throughput.pause)
        self.modules: dict[str, ModuleType] = {}
        self.config: Any = None
        self.model: Any = None
        self.notes: list[str] = []
        self.columns: dict[str, int] = {}

    def run(self) -> None:
        error = self.train()
        self.close_console()
        self.modules = self.job_modules()
        self.make_artifacts(error)
        self.write_report(error)
        if self.spec.checks and self.config is not None:
            self.run_checks()
            self.write_report(error)

    def train(self) -> str | None:
        """Run the job to its end; the exception it died of in one line, None if it did not."""
        from gen_traces import tracebacks

        self.watch.attach()
        try:
            self.hooks.install({name: module for name in WRAPPED if (module := self._try_import(name))})
            self.config = self._load_config()
            train = importlib.import_module("train")
            self.model = train.main(self.arguments())
        except (Exception, SystemExit) as error:
            text = tracebacks.shown(error, Path(self.spec.work))
            print(text, file=sys.stderr, flush=True)
            self.save("stack_trace", Artifact(text, {"type": type(error).__name__, "message": str(error)}))
            return tracebacks.one_line(error)
        finally:
            self.watch.detach()
            self.model = self.model if self.model is not None else self.watch.model
        return None

    def close_console(self) -> None:
        """What is printed from here on is not the job's and goes to a file of its own."""
        sys.stdout.flush()
        sys.stderr.flush()
        file = os.open(self.out / AFTERWARDS, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(file, 1)
        os.dup2(file, 2)
        os.close(file)

    def arguments(self) -> list[str]:
        arguments = ["--config", self.spec.config, "--data", self.spec.corpus, "--out", "run"]
        arguments += ["--device", self.spec.device]
        for key, value in self.spec.overrides.items():
            arguments += ["--set", f"{key}={_as_text(value)}"]
        return arguments

    def job_modules(self) -> dict[str, ModuleType]:
        work = Path(self.spec.work).resolve()
        return {
            name: module
            for name, module in list(sys.modules.items())
            if (file := getattr(module, "__file__", None)) and Path(file).resolve().parent == work
        }

    def _try_import(self, name: str) -> ModuleType | None:
        try:
            return importlib.import_module(name)
        except Exception as error:
            # The job will meet the same error where it imports the module itself; there it is recorded.
            self.notes.append(f"{name} cannot be imported: {type(error).__name__}")
            return None

    def _load_config(self) -> Any:
        try:
            overrides = {key: _as_text(value) for key, value in self.spec.overrides.items()}
            return importlib.import_module("config").load_config(self.spec.config, overrides)
        except Exception as error:
            self.notes.append(f"the configuration cannot be loaded: {type(error).__name__}")
            return None

    def save(self, id: str, artifact: Artifact) -> None:
        plain = to_plain(msgspec.to_builtins(artifact))
        (self.out / ARTIFACTS / f"{id}.json").write_bytes(msgspec.json.encode(plain))

    def make_artifacts(self, error: str | None) -> None:
        """Every artifact that what was seen allows; one that fails is left out with a note."""
        from gen_traces.observe import batches, outputs, setup
        from gen_traces.observe.jobhooks import contents

        watch, hooks, modules = self.watch, self.hooks, self.modules
        hardware, self.device_name, self.versions = setup.hardware_artifact(self.spec.device)
        makers: dict[str, Callable[[], Artifact]] = {
            "hardware": lambda: hardware,
            "nonfinite": lambda: setup.nonfinite_artifact(watch.first_nonfinite),
        }
        if self.config is not None:
            makers["config"] = lambda: setup.config_artifact(self.config)
        if self.setup.parameters:
            makers["precision"] = lambda: setup.precision_artifact(self.setup, watch.scaler)
            makers["model_summary"] = lambda: setup.model_summary_artifact(self.setup, self.model)
            makers["train_mode"] = lambda: setup.train_mode_artifact(self.setup, self.model)
        file = Path(self.spec.work) / "run" / "checkpoint.pt"
        makers["checkpoint"] = lambda: setup.checkpoint_artifact(
            hooks.checkpoints, hooks.loaded, contents(file) if file.is_file() else {}
        )
        if chosen := self.batches.chosen():
            makers["batch"] = lambda: batches.batch_artifact(chosen)
        held_out = getattr(hooks.validation, "tokens", None)
        val_documents = hooks.validation_documents
        if hooks.batches is not None and self.batches.served:
            served = functools.cache(lambda: batches.Served(hooks.batches, self.batches.served))
            makers["data_order"] = lambda: batches.data_order_artifact(served())
            makers["data_stats"] = lambda: batches.data_stats_artifact(served(), val_documents)
            if val_documents is not None:
                makers["split_overlap"] = lambda: batches.split_overlap_artifact(served(), held_out, val_documents)
            if "data" in modules and self.config is not None:
                vocabulary = self.config.vocab_size
                makers["tokenizer_roundtrip"] = lambda: batches.tokenizer_artifact(
                    modules["data"], vocabulary, served().documents
                )
        if self.attention.corners:
            makers["attention_pattern"] = lambda: outputs.attention_pattern_artifact(self.attention.corners)
        if self.model is not None and error is None:
            if "engine" not in modules and (engine := self._try_import("engine")):
                modules["engine"] = engine
            if "engine" in modules and "data" in modules:
                makers["samples"] = lambda: outputs.samples_artifact(
                    modules["engine"].generate, modules["data"].encode, self.model, self.spec.device, watch.step
                )
            if held_out is not None:
                makers["predictions"] = lambda: outputs.predictions_artifact(self.model, held_out[0])
        for id, make in makers.items():
            try:
                self.save(id, make())
            except Exception as failure:
                self.notes.append(f"{id} could not be made: {type(failure).__name__}: {failure}")

    def run_checks(self) -> None:
        from gen_traces.checks import Context, run_all

        for name in ("model", "data", "optim", "loss", "engine", "evaluate", "checkpoint", "config", "train"):
            if name not in self.modules and (module := self._try_import(name)):
                self.modules[name] = module
        context = Context(
            modules=self.modules,
            config=self.config,
            corpus=Path(self.spec.corpus),
            model=self.model,
            device=self.spec.device,
        )
        for id, artifact in run_all(context).items():
            self.save(id, artifact)

    def write_report(self, error: str | None) -> None:
        import dataclasses

        config = dataclasses.asdict(self.config) if self.config is not None else dict(self.spec.overrides)
        cadence = {
            column: every or int(config.get(CADENCE_KEYS.get(column.split("/")[0], ""), 1))
            for column, every in self.watch.cadence.items()
        }
        facts: dict[str, Any] = {"device": self.spec.device, "device_name": self.device_name}
        if self.model is not None:
            facts["parameters"] = sum(parameter.numel() for parameter in self.model.parameters())
        for fact, attribute in (("train_documents", "documents"), ("train_rows", "rows")):
            if hasattr(self.hooks.batches, attribute):
                facts[fact] = len(getattr(self.hooks.batches, attribute))
        if self.batches.served:
            facts["rows_per_step"] = len(next(iter(self.batches.served.values())))
            facts["tokens_per_step"] = facts["rows_per_step"] * self.batches.row_length
            facts["tokens_seen"] = self.throughput.tokens_seen
        report = Report(
            error=error,
            steps=self.watch.logged,
            columns=cadence,
            config=config,
            device_name=self.device_name,
            versions=self.versions,
            facts=facts,
            observer_seconds=self.watch.spent,
            notes=(*self.notes, *self.watch.errors),
        )
        unfinished = self.out / f".{REPORT}"
        unfinished.write_bytes(msgspec.json.encode(report))
        os.replace(unfinished, self.out / REPORT)


def _end_with(parent: int) -> None:
    """A recorder that was killed outright cannot stop its jobs; they notice themselves."""
    while os.getppid() == parent:
        time.sleep(2)
    os._exit(1)


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
