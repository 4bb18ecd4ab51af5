"""`gen-traces record`: bugged runs, their healthy twins and their reruns, several at a time, to be gone on with."""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from gen_traces import facts, jobs, profiles, results, thrift
from gen_traces.errors import RecordingError
from gen_traces.jobs import Interrupted, Job, Outcome
from gen_traces.profiles import Profile
from gen_traces.results import Rows
from scenarios import catalog, source, workloads
from traces import library
from traces.errors import TraceError
from traces.format import Manifest
from traces.writer import write_json, write_run

# A healthy control's twin at the same seed would be the same run twice; it is recorded at seeds of its own instead.
CONTROL_SEEDS = 100
# From this learning rate on (AdamW) it matters how long the warmup is; below, a rerun would show nothing.
HOT = 5e-3
OF_RERUNS = frozenset(("config", "log", "stack_trace"))
KNOWN_GOOD = "known_good_"
COMPARED = ("final_loss", "final_val_loss", "min_loss", "peak_grad_norm", "median_grad_norm", "loss_at_")


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One run to record. `overrides` are the profile's, then the variant's, then the seed."""

    name: str
    scenario: str | None
    workload: str
    config_name: str
    seed: int
    variant: str | None
    source: dict[str, str]
    patch: str
    overrides: dict[str, Any]
    steps: int

    @property
    def label(self) -> str:
        return f"{self.name} seed {self.seed}" + (f" {self.variant}" if self.variant else "")


def healthy_plan(workload: str, config_name: str, seed: int, profile: Profile) -> Plan:
    code = workloads.job_source(source.reference_source(), workload, f"configs/{config_name}.yaml")
    return _plan(library.healthy_name(config_name), None, workload, config_name, seed, None, code, "", profile)


def scenario_plans(slug: str, seeds: Sequence[int], profile: Profile, pack: Path | str | None = None) -> list[Plan]:
    """The bugged job at every seed, and its reruns at the first. Raises RecordingError and ScenarioError."""
    scenario = catalog.load_scenario(slug, pack)
    name = profiles.config_name(scenario.config)
    patch = catalog.patch_text(slug, pack)
    kind = scenario.workload
    code = source.job_source(slug, pack)
    healthy = workloads.job_source(source.reference_source(), kind, scenario.config)
    profiles.check_overrides(healthy, code, name, profile.overrides(name, code), f"{slug}/bug.patch")
    plans = [_plan(slug, slug, kind, name, seed, None, code, patch, profile) for seed in seeds]
    possible = reruns(profiles.effective(code, name, profile.overrides(name, code)))
    for variant in workloads.find(kind).reruns:
        if variant in possible:
            changed = possible[variant]
            plans.append(_plan(slug, slug, kind, name, seeds[0], variant, code, patch, profile, changed))
    return plans


def reruns(config: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The changes of each rerun that makes sense for a configuration; a change may override what a patch set."""
    found: dict[str, dict[str, Any]] = {"lower_lr": {"lr": float(config["lr"]) * 0.3}}
    warmup = max(80, 4 * int(config["warmup_steps"]))
    if warmup < int(config["steps"]) and float(config["lr"]) >= HOT and config.get("optimizer") == "adamw":
        found["longer_warmup"] = {"warmup_steps": warmup}
    halves = {key: "float32" for key in ("residual_dtype", "compute_dtype") if config.get(key, "float32") != "float32"}
    if halves:
        found["fp32"] = halves
    if int(config.get("ranks", 1)) > 1:
        found["single_gpu"] = {"ranks": 1}
    return found


def _plan(
    name: str,
    scenario: str | None,
    workload: str,
    config_name: str,
    seed: int,
    variant: str | None,
    code: dict[str, str],
    patch: str,
    profile: Profile,
    changed: Mapping[str, Any] | None = None,
) -> Plan:
    control = scenario is not None and not patch.strip()
    overrides = profile.overrides(config_name, code) | dict(changed or {})
    overrides["seed"] = seed + CONTROL_SEEDS if control else seed
    return Plan(
        name=name,
        scenario=scenario,
        workload=workload,
        config_name=config_name,
        seed=seed,
        variant=variant,
        source=code,
        patch=patch,
        overrides=overrides,
        steps=int(profiles.effective(code, config_name, overrides)["steps"]),
    )


def plan_all(
    slugs: Sequence[str], seeds: Sequence[int], profile: Profile, pack: Path | str | None = None
) -> list[Plan]:
    """Everything to record for the named scenarios, healthy twins first; without a name for all with a debug round."""
    chosen = [catalog.find(slug, pack) for slug in slugs] or [
        slug for slug in catalog.slugs(pack) if "debug" in catalog.load_scenario(slug, pack).rounds
    ]
    bugged = [plan for slug in dict.fromkeys(chosen) for plan in scenario_plans(slug, seeds, profile, pack)]
    configs = dict.fromkeys((plan.workload, plan.config_name) for plan in bugged)
    return [healthy_plan(*config, seed, profile) for config in configs for seed in seeds] + bugged


def is_recorded(plan: Plan, path: Path, corpus_sha256: str, device: str) -> bool:
    """Whether `path` holds a run of just this code, corpus, configuration and device that was not cut short.

    A healthy job that did not finish met trouble of the machine, and is no run to compare with.
    """
    try:
        run = library.open_run(path)
        manifest = run.manifest
        # Opened, not only named: what is damaged is to be recorded again.
        run.columns()
        if any(run.artifact(id) is None for id in manifest.artifacts):
            return False
    except TraceError:
        return False
    wanted = profiles.effective(plan.source, plan.config_name, plan.overrides)
    return (
        (
            manifest.status == "finished"
            or (bool(plan.patch.strip()) and (manifest.status == "crashed" or can_hang(plan)))
        )
        and manifest.code_sha256 == source.tree_sha256(plan.source)
        and manifest.corpus_sha256 == corpus_sha256
        and manifest.device == device
        and all(_same(manifest.config.get(key), value) for key, value in wanted.items())
    )


def can_hang(plan: Plan) -> bool:
    """Ranks that wait for one another end at the time limit: of a bugged job that is what there is to see."""
    ranks = profiles.effective(plan.source, plan.config_name, plan.overrides).get("ranks", 1)
    return int(ranks) > 1 and bool(plan.patch.strip())


def _same(recorded: Any, wanted: Any) -> bool:
    try:
        return float(recorded) == float(wanted)
    except (TypeError, ValueError):
        return str(recorded) == str(wanted)


def save(plan: Plan, outcome: Outcome, path: Path, profile: str, device: str, corpus_sha256: str, started: str) -> None:
    """Write a job's outcome as a run folder. Raises TraceError."""
    report, rows, artifacts = outcome.report, outcome.rows, outcome.artifacts
    if plan.variant is not None:
        # Of a rerun one is shown how its loss went and what was changed.
        rows = Rows(rows.steps, {column: values for column, values in rows.signals.items() if "/" not in column})
        artifacts = {id: artifact for id, artifact in artifacts.items() if id in OF_RERUNS}
    config = report.config if report else profiles.effective(plan.source, plan.config_name, plan.overrides)
    extra = dict(report.facts) if report else {"device": device}
    if report and report.error:
        extra["error"] = report.error
    manifest = Manifest(
        scenario=plan.scenario,
        workload=plan.workload,
        config_name=plan.config_name,
        profile=profile,
        seed=plan.seed,
        variant=plan.variant,
        device=device,
        device_name=report.device_name if report else "",
        versions=report.versions if report else {},
        code_sha256=source.tree_sha256(plan.source),
        patch_sha256=hashlib.sha256(plan.patch.encode()).hexdigest(),
        corpus_sha256=corpus_sha256,
        config=config,
        started=started,
        wall_seconds=round(outcome.wall_seconds, 2),
        steps=len(rows.series("loss")),
        status=outcome.status,
        columns=results.cadences(rows, report),
        artifacts=tuple(sorted(artifacts)),
        facts=facts.run_facts(rows, config, extra),
    )
    write_run(path, manifest, rows.steps, thrift.thrifty(rows.signals), artifacts)


def link(path: Path) -> None:
    """Add the healthy twin's figures to a run's facts as `known_good_...`, for openings that compare."""
    run = library.open_run(path)
    twin = library.baseline_of(run)
    if twin is None:
        return
    own = {key: value for key, value in run.manifest.facts.items() if not key.startswith(KNOWN_GOOD)}
    good = {KNOWN_GOOD + key: value for key, value in twin.manifest.facts.items() if key.startswith(COMPARED)}
    if own | good != run.manifest.facts:
        write_json(path / library.MANIFEST, msgspec.structs.replace(run.manifest, facts=own | good))


class Recorder:
    """Runs plans, `workers` at a time. `said` is told of every run that ends; `ticked` often, with steps done."""

    def __init__(
        self,
        root: Path,
        profile_name: str,
        profile: Profile,
        device: str,
        workers: int = 1,
        again: bool = False,
        checks: bool = True,
        said: Callable[[Plan, str, Outcome | None], None] = lambda plan, what, outcome: None,
        ticked: Callable[[int, list[Plan]], None] = lambda steps, running: None,
    ) -> None:
        self.root, self.profile_name, self.profile, self.device = root, profile_name, profile, device
        self.workers, self.again, self.checks = max(1, workers), again, checks
        self.said, self.ticked = said, ticked
        self.stop = threading.Event()
        self._corpora: dict[tuple[str, str], tuple[Path, str]] = {}

    def path(self, plan: Plan) -> Path:
        return library.run_path(self.root, self.profile_name, plan.name, plan.seed, plan.variant)

    def record(self, plans: Sequence[Plan]) -> None:
        """Record what is not recorded yet. Raises RecordingError, TraceError, KeyboardInterrupt."""
        self.root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="flatline-") as name:
            scratch = Path(name)
            for plan in plans:
                self._corpus(plan, scratch)
            waiting = [plan for plan in plans if self.again or not self._done(plan)]
            for plan in plans:
                if plan not in waiting:
                    self.said(plan, "already recorded", None)
            self._run(waiting, scratch, sum(plan.steps for plan in plans if plan not in waiting))
        for plan in plans:
            link(self.path(plan))

    def _corpus(self, plan: Plan, scratch: Path) -> tuple[Path, str]:
        """The file that a plan's own corpus script builds, and its hash; the same script is run once."""
        script = workloads.find(plan.workload).corpus
        key = (script, plan.source[script])
        if key not in self._corpora:
            self._corpora[key] = jobs.build_corpus(plan.source, scratch, script, f"corpus{len(self._corpora)}")
        return self._corpora[key]

    def _done(self, plan: Plan) -> bool:
        script = workloads.find(plan.workload).corpus
        return is_recorded(plan, self.path(plan), self._corpora[script, plan.source[script]][1], self.device)

    def _run(self, plans: Sequence[Plan], scratch: Path, steps_before: int) -> None:
        folders = {id(plan): scratch / f"job{i}" for i, plan in enumerate(plans)}
        finished_steps = steps_before
        pool = ThreadPoolExecutor(self.workers)
        pending: dict[Future[Outcome], Plan] = {
            pool.submit(self._one, plan, folders[id(plan)], scratch): plan for plan in plans
        }
        try:
            while pending:
                done, _ = wait(pending, timeout=0.3, return_when=FIRST_COMPLETED)
                for future in done:
                    plan = pending.pop(future)
                    outcome = future.result()
                    finished_steps += plan.steps
                    self.said(plan, outcome.status, outcome)
                running = [plan for future, plan in pending.items() if future.running()]
                partial = sum(min(plan.steps, jobs.rows_written(folders[id(plan)])) for plan in running)
                self.ticked(finished_steps + partial, running)
        finally:
            self.stop.set()
            pool.shutdown(wait=True, cancel_futures=True)

    def _one(self, plan: Plan, folder: Path, scratch: Path) -> Outcome:
        if self.stop.is_set():
            raise Interrupted
        corpus, corpus_sha256 = self._corpus(plan, scratch)
        started = datetime.now(UTC).isoformat(timespec="seconds")
        job = Job(
            source=plan.source,
            workload=plan.workload,
            config_name=plan.config_name,
            overrides=plan.overrides,
            corpus=corpus,
            device=self.device,
            timeout=self.profile.timeout,
            checks=self.checks and plan.variant is None,
        )
        try:
            outcome = jobs.run_job(job, folder, self.stop)
            save(plan, outcome, self.path(plan), self.profile_name, self.device, corpus_sha256, started)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return outcome


def choose_device(wanted: str, profile: Profile) -> str:
    """`auto` means the profile's own. Raises RecordingError when torch or the device is not there."""
    try:
        import torch
    except ImportError:
        raise RecordingError("recording needs PyTorch: pip install 'flatline[gen]'") from None
    device = profile.device if wanted == "auto" else wanted
    try:
        torch.zeros(1, device=device)
    except Exception:
        raise RecordingError(f"device {device!r} cannot be used here: choose another profile or --device") from None
    return device


def default_workers(device: str) -> int:
    import os

    if device != "cpu":
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run(
    slugs: Sequence[str] = (),
    profile: str = "cpu",
    device: str = "auto",
    seeds: Sequence[int] = (),
    workers: int = 0,
    out: Path | str | None = None,
    again: bool = False,
    checks: bool = True,
    pack: Path | str | None = None,
) -> int:
    """Record the named scenarios, or all. Returns 0, 1 when a healthy job did not finish, 2 when it was interrupted.

    Bad input and trouble are raised as RecordingError, ScenarioError or TraceError.
    """
    from gen_traces.progress import Progress

    chosen = profiles.profile(profile)
    at = choose_device(device, chosen)
    plans = plan_all(slugs, seeds or chosen.seeds, chosen, pack)
    root = Path(out) if out is not None else library.root()
    with Progress(sum(plan.steps for plan in plans), len(plans)) as progress:
        recorder = Recorder(
            root,
            profile,
            chosen,
            at,
            workers or default_workers(at),
            again,
            checks,
            said=progress.said,
            ticked=progress.ticked,
        )
        try:
            recorder.record(plans)
        except KeyboardInterrupt:
            print(
                f"stopped; {progress.finished} of {len(plans)} runs are recorded in {root}. "
                "The same command goes on from there.",
                file=sys.stderr,
            )
            return 2
    print(f"{len(plans)} runs in {root} ({progress.summary()})")
    failed = [plan for plan in plans if not plan.patch.strip() and not finished(recorder.path(plan))]
    if failed:
        print(f"{failed[0].label} is healthy and did not finish; the same command runs it again", file=sys.stderr)
    return 1 if failed else 0


def finished(path: Path) -> bool:
    return library.open_run(path).manifest.status == "finished"
