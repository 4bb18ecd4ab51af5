"""The process a job runs in: `python -P -m gen_traces.child SPEC.json`, started by `gen_traces.jobs`.

Hooks are put on, the job's own `train.main` is called, then artifacts are made of what was seen, and the checks are
run. Rows, artifacts and report are files in the result folder; whatever kills the process, what is there counts.
"""

from __future__ import annotations

import importlib
import os
import resource
import sys
import threading
import time
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from gen_traces.results import AFTERWARDS, ARTIFACTS, FAILURE, REPORT, Report
from traces.format import Artifact
from traces.plain import to_plain


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """`work` holds the job's files, `out` is the result folder; both exist. `config` is relative to `work`.

    `parent` is the recorder's process.
    """

    work: str
    out: str
    corpus: str
    config: str
    device: str
    overrides: dict[str, Any]
    workload: str = "lm_pretraining"
    checks: bool = True
    parent: int


def main(argv: list[str]) -> int:
    spec = msgspec.json.decode(Path(argv[0]).read_bytes(), type=Spec)
    import torch

    threading.Thread(target=_end_with, args=(spec.parent,), daemon=True).start()
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
        from gen_traces import kinds
        from gen_traces.observe import setup
        from gen_traces.observe.watch import Watch
        from scenarios import workloads

        self.spec = spec
        self.script = workloads.find(spec.workload).script.removesuffix(".py")
        self.out = Path(spec.out)
        (self.out / ARTIFACTS).mkdir(parents=True, exist_ok=True)
        self.watch = Watch(self.out)
        self.kind = kinds.of(spec.workload).Kind(self.watch)
        self.watch.observers = self.kind.observers()
        self.hardware, self.device_name, self.versions = setup.hardware_artifact(spec.device)
        self.modules: dict[str, ModuleType] = {}
        self.config: Any = None
        self.model: Any = None
        self.notes: list[str] = []

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
        limit = resource.getrlimit(resource.RLIMIT_DATA)
        try:
            modules = {name: module for name in self.kind.wrapped if (module := self.module(name))}
            self.kind.install(modules)
            script = importlib.import_module(self.script)
            self.model = script.main(self.arguments())
            if self.stopped_early():
                self.watch.next_leg()
                self.model = script.main([*self.arguments(), "--resume"])
        except (Exception, SystemExit) as error:
            text = tracebacks.shown(error, Path(self.spec.work))
            print(text, file=sys.stderr, flush=True)
            self.save("stack_trace", Artifact(text, {"type": type(error).__name__, "message": str(error)}))
            return tracebacks.one_line(error)
        finally:
            # A job may have limited its own memory; what is measured afterwards is not the job's.
            resource.setrlimit(resource.RLIMIT_DATA, limit)
            self.watch.detach()
            self.config = self.kind.hooks.config
            self.model = self.model if self.model is not None else self.watch.model
        return None

    def stopped_early(self) -> bool:
        """Whether the job is one in two legs and has ended the first."""
        config = self.kind.hooks.config
        return 0 < getattr(config, "stop_after", 0) < config.steps

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

    def module(self, name: str) -> ModuleType | None:
        """A module of the job; None, with a note, when it cannot be imported or there is none."""
        try:
            self.modules[name] = importlib.import_module(name)
            return self.modules[name]
        except ModuleNotFoundError:
            return None
        except Exception as error:
            # The job will meet the same error where it imports the module itself; there it is recorded.
            self.notes.append(f"{name} cannot be imported: {type(error).__name__}")
            return None

    def save(self, id: str, artifact: Artifact) -> None:
        plain = to_plain(msgspec.to_builtins(artifact))
        (self.out / ARTIFACTS / f"{id}.json").write_bytes(msgspec.json.encode(plain))

    def make_artifacts(self, error: str | None) -> None:
        """Every artifact that what was seen allows; one that fails is left out with a note."""
        for id, make in self.kind.artifacts(self, error).items():
            try:
                self.save(id, make())
            except Exception as failure:
                self.notes.append(f"{id} could not be made: {type(failure).__name__}: {failure}")

    def run_checks(self) -> None:
        from gen_traces.checks import Context, run_all

        for name in self.kind.experimented:
            self.module(name)
        context = Context(
            modules=self.modules,
            config=self.config,
            corpus=Path(self.spec.corpus),
            model=self.model,
            device=self.spec.device,
        )
        for id, artifact in run_all(context, self.kind.checks).items():
            self.save(id, artifact)

    def write_report(self, error: str | None) -> None:
        import dataclasses

        config = dataclasses.asdict(self.config) if self.config is not None else dict(self.spec.overrides)
        facts: dict[str, Any] = {"device": self.spec.device, "device_name": self.device_name}
        if self.model is not None:
            facts["parameters"] = sum(parameter.numel() for parameter in self.model.parameters())
        facts |= self.kind.facts()
        report = Report(
            error=error,
            steps=self.watch.logged,
            columns=self.watch.cadence,
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
