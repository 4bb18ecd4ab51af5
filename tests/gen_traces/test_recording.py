"""Real recordings, tiny: jobs in processes of their own, what becomes of them, and going on after a stop."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

from gen_traces import cli, jobs, profiles, record, results
from gen_traces.errors import RecordingError
from gen_traces.jobs import Job, Outcome
from gen_traces.record import Plan, Recorder
from scenarios.source import reference_source
from traces import library
from traces.library import open_run

SMOKE = profiles.profile("smoke")
SMALL = SMOKE.set | {"steps": 4, "eval_every": 2, "checkpoint_every": 2, "eval_batches": 1, "seed": 0}

SCENARIO = """\
workload: lm_pretraining
config: configs/base.yaml
rounds: [debug]
level: mid
difficulty: easy
headline: "Something is odd."
opening: "The loss starts at {initial_loss:.2f}."
"""
SHIFT = """\
--- a/data.py
+++ b/data.py
@@ -102,5 +102,5 @@
         picked = self.order[self.position : self.position + self.batch_size]
         self.position += self.batch_size
         tokens = torch.from_numpy(self.rows[picked].astype(np.int64)).to(self.device)  # (B, T+1)
-        x, y = tokens[:, :-1], tokens[:, 1:]  # each position predicts the token after it
+        x, y = tokens[:, :-1], tokens[:, :-1]
         return x, y
"""
WARMUP = """\
--- a/configs/base.yaml
+++ b/configs/base.yaml
@@ -1,3 +1,4 @@
 # AdamW with clipping on a pre-norm model
 optimizer: adamw
 lr: 0.003
+steps: 77
"""


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    for slug, patch in (("odd_targets", SHIFT), ("odd_steps", WARMUP)):
        folder = tmp_path / "pack" / slug
        folder.mkdir(parents=True)
        (folder / "scenario.yaml").write_text(SCENARIO)
        (folder / "bug.patch").write_text(patch)
    return tmp_path / "pack"


def job(corpus: Path, changed: dict[str, str] | None = None, **more: Any) -> Job:
    values: dict[str, Any] = {"overrides": SMALL, "timeout": 120.0, "checks": False} | more
    return Job(source=reference_source() | (changed or {}), config_name="base", corpus=corpus, **values)


def edited(file: str, old: str, new: str) -> dict[str, str]:
    text = reference_source()[file]
    assert old in text
    return {file: text.replace(old, new)}


@pytest.fixture(scope="module")
def healthy(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return jobs.run_job(job(corpus, checks=True), tmp_path_factory.mktemp("job") / "healthy")


def test_a_healthy_job_is_recorded_whole(healthy: Outcome) -> None:
    assert healthy.status == "finished" and healthy.report is not None
    assert healthy.report.notes == () and healthy.report.error is None and healthy.report.steps == 4
    assert healthy.rows.steps == (0, 1, 2, 3, 4), "the last validation stands after the last step"
    expected = {
        "config", "precision", "hardware", "model_summary", "train_mode", "log", "checkpoint", "batch", "data_stats",
        "data_order", "split_overlap", "tokenizer_roundtrip", "samples", "predictions", "attention_pattern",
        "nonfinite", "check_causality", "check_init_loss", "check_kv_cache", "check_overfit_batch",
    }  # fmt: skip
    assert expected <= set(healthy.artifacts) and "stack_trace" not in healthy.artifacts
    diagnostics = {column.split("/")[0] for column in healthy.rows.signals}
    assert diagnostics >= {
        "loss", "val_loss", "lr", "weight_decay", "grad_norm", "grad_norm_clipped", "grad_norm_by_layer", "param_norm",
        "update_ratio", "activations", "attention_logits", "attention_entropy", "attention_pattern", "dead_units",
        "logits", "nonfinite", "spectral_norm", "optimizer_state", "throughput", "memory", "disk", "token_loss",
    }  # fmt: skip
    cadences = results.cadences(healthy.rows, healthy.report)
    assert cadences["val_loss"] == 2 and cadences["attention_entropy/layer.0"] == 5
    assert all(step_value[1] == 0 for step_value in healthy.rows.series("attention_pattern/future_mass.layer.0"))
    assert healthy.artifacts["split_overlap"].data["in_train_by_content"] == 0


def test_what_is_shown_fits_a_terminal_and_names_no_folder_of_this_machine(healthy: Outcome) -> None:
    for id, artifact in healthy.artifacts.items():
        assert artifact.text and str(Path.home()) not in artifact.text and "/tmp" not in artifact.text, id
        if not id.startswith("check_"):
            assert max(map(len, artifact.text.splitlines())) <= 80, id


def test_inputs_and_targets_are_those_the_job_used(healthy: Outcome) -> None:
    for pair in healthy.artifacts["batch"].data.values():
        for x, y in zip(pair["inputs"], pair["targets"], strict=True):
            assert x[1:] == y[:-1]


def test_watching_changes_nothing(healthy: Outcome, corpus: Path, tmp_path: Path) -> None:
    """The same job, run as a user would, logs the same to the last bit."""
    jobs.lay_out(reference_source(), tmp_path)
    command = [sys.executable, "train.py", "--config", "configs/base.yaml", "--data", str(corpus), "--out", "run"]
    command += [word for key, value in SMALL.items() for word in ("--set", f"{key}={value}")]
    subprocess.run(command, cwd=tmp_path, env=jobs.environment(), check=True, capture_output=True)
    logged = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [entry["loss"] for entry in logged if "loss" in entry] == [v for _, v in healthy.rows.series("loss")]
    assert [entry["val_loss"] for entry in logged if "val_loss" in entry] == [
        v for _, v in healthy.rows.series("val_loss")
    ]
    norms = [entry["grad_norm"] for entry in logged if "grad_norm" in entry]
    assert [v for _, v in healthy.rows.series("grad_norm")] == pytest.approx(norms, rel=1e-5)


def test_a_crash_is_a_result(corpus: Path, tmp_path: Path) -> None:
    changed = edited(
        "train.py",
        "    mean_loss = 0.0\n",
        "    mean_loss = 0.0\n    if lr > 4e-4:\n        raise RuntimeError(f'{lr:.2e} in ' + __file__)\n",
    )
    outcome = jobs.run_job(job(corpus, changed), tmp_path / "job")
    assert outcome.status == "crashed" and outcome.report is not None
    assert [step for step, _ in outcome.rows.series("loss")] == [0, 1]
    trace = outcome.artifacts["stack_trace"].text
    assert trace.startswith("Traceback (most recent call last):\n") and 'File "train.py", line' in trace
    assert "RuntimeError: 4.50e-04 in train.py" in trace
    assert "gen_traces" not in trace and str(tmp_path) not in trace
    assert trace.splitlines()[-1] in outcome.artifacts["log"].text


def test_a_crash_before_the_first_step_leaves_what_there_is(corpus: Path, tmp_path: Path) -> None:
    changed = edited("model.py", "return self.head(self.norm(x))", "return self.head(self.norm(x)).view(3, -1)")
    outcome = jobs.run_job(job(corpus, changed, checks=True), tmp_path / "job")
    assert outcome.status == "crashed" and outcome.rows.series("loss") == []
    assert "RuntimeError: shape" in outcome.artifacts["stack_trace"].text
    assert {"config", "model_summary", "check_causality"} <= set(outcome.artifacts)


def test_code_that_cannot_be_imported_is_a_crash(corpus: Path, tmp_path: Path) -> None:
    outcome = jobs.run_job(job(corpus, {"loss.py": "def language_model_loss(:\n"}), tmp_path / "job")
    assert outcome.status == "crashed" and "SyntaxError" in outcome.artifacts["stack_trace"].text


def test_a_process_that_is_killed_leaves_its_rows(corpus: Path, tmp_path: Path) -> None:
    changed = edited(
        "train.py",
        "    mean_loss = 0.0\n",
        "    mean_loss = 0.0\n    if lr > 4e-4:\n        import os\n        os.kill(os.getpid(), 9)\n",
    )
    outcome = jobs.run_job(job(corpus, changed), tmp_path / "job")
    assert outcome.status == "crashed" and outcome.report is None
    assert [step for step, _ in outcome.rows.series("loss")] == [0, 1]
    assert "SIGKILL" in outcome.artifacts["stack_trace"].text


def sleeper(pid_file: Path) -> dict[str, str]:
    """A job that starts another process, writes both numbers down and sleeps."""
    return edited(
        "train.py",
        "    random.seed(config.seed)\n",
        "    import os, subprocess, sys, time\n"
        "    other = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)'])\n"
        f"    Path({str(pid_file)!r}).write_text(f'{{os.getpid()}} {{other.pid}}')\n"
        "    time.sleep(300)\n",
    )


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def eventually(met: Any, seconds: float = 60.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if met():
            return True
        time.sleep(0.1)
    return bool(met())


def test_at_the_time_limit_the_whole_process_group_ends(corpus: Path, tmp_path: Path) -> None:
    outcome = jobs.run_job(job(corpus, sleeper(tmp_path / "pids"), timeout=12.0), tmp_path / "job")
    assert outcome.status == "timeout" and outcome.rows.steps == ()
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert eventually(lambda: not any(map(alive, pids)), 10)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc to see processes")
def test_a_job_does_not_outlive_a_recorder_that_was_killed(corpus: Path, tmp_path: Path) -> None:
    code = (
        "import sys, msgspec; from pathlib import Path; from gen_traces.jobs import Job, run_job\n"
        "run_job(msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Job), Path(sys.argv[2]))"
    )
    import msgspec

    (tmp_path / "job.json").write_bytes(
        msgspec.json.encode(msgspec.to_builtins(job(corpus, sleeper(tmp_path / "pids")), enc_hook=str))
    )
    code = code.replace("type=Job)", "type=Job, dec_hook=lambda kind, value: kind(value))")
    recorder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "job.json"), str(tmp_path / "job")], env=jobs.environment()
    )
    try:
        assert eventually((tmp_path / "pids").exists) and eventually(lambda: (tmp_path / "pids").read_text() != "")
        own, other = (int(pid) for pid in (tmp_path / "pids").read_text().split())
        recorder.kill()
        assert eventually(lambda: not alive(own), 15)
    finally:
        recorder.kill()
        recorder.wait()
    if alive(other):
        os.kill(other, signal.SIGKILL)


@pytest.fixture
def recorder(tmp_path: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    monkeypatch.setattr(jobs, "build_corpus", lambda *args: (corpus, "the corpus"))
    yield Recorder(tmp_path / "traces", "smoke", SMOKE, "cpu", checks=False)


def short(plan: Plan) -> Plan:
    import msgspec

    return msgspec.structs.replace(plan, overrides=plan.overrides | {"steps": 3, "eval_every": 2})


def test_an_interrupted_recording_goes_on_where_it_stopped(recorder: Recorder, pack: Path) -> None:
    plans = [short(plan) for plan in record.plan_all(["odd_targets"], [0], SMOKE, pack)]
    assert [plan.label for plan in plans] == [
        "healthy.base seed 0",
        "odd_targets seed 0",
        "odd_targets seed 0 lower_lr",
    ]
    said: list[tuple[str, str]] = []

    def stop_after_the_first(plan: Plan, what: str, outcome: Outcome | None) -> None:
        said.append((plan.label, what))
        raise KeyboardInterrupt

    recorder.said = stop_after_the_first
    with pytest.raises(KeyboardInterrupt):
        recorder.record(plans)
    assert said == [("healthy.base seed 0", "finished")]
    assert [ref.name for ref in library.runs(recorder.root)] == ["healthy.base"]
    assert not list(recorder.root.rglob(".*"))

    again = Recorder(recorder.root, "smoke", SMOKE, "cpu", checks=False)
    again.said = lambda plan, what, outcome: said.append((plan.label, what))
    again.record(plans)
    assert said[1:] == [
        ("healthy.base seed 0", "already recorded"),
        ("odd_targets seed 0", "finished"),
        ("odd_targets seed 0 lower_lr", "finished"),
    ]
    run = open_run(library.run_path(recorder.root, "smoke", "odd_targets", 0))
    twin = library.baseline_of(run)
    assert twin is not None and twin.manifest.config == run.manifest.config
    assert twin.manifest.code_sha256 != run.manifest.code_sha256
    assert twin.manifest.corpus_sha256 == run.manifest.corpus_sha256 == "the corpus"
    assert run.manifest.facts["known_good_final_loss"] == twin.manifest.facts["final_loss"]
    pair = next(iter((run.artifact("batch") or pytest.fail("no batch")).data.values()))
    assert pair["inputs"] == pair["targets"]
    rerun = open_run(library.run_path(recorder.root, "smoke", "odd_targets", 0, "lower_lr")).manifest
    assert rerun.config["lr"] == pytest.approx(0.3 * run.manifest.config["lr"])
    assert {key for key in rerun.config if rerun.config[key] != run.manifest.config[key]} == {"lr"}


def test_only_a_run_of_the_same_code_corpus_and_configuration_counts_as_recorded(
    recorder: Recorder, pack: Path, healthy: Outcome
) -> None:
    import msgspec

    plan = record.healthy_plan("lm_pretraining", "base", 0, SMOKE)
    plan = msgspec.structs.replace(plan, overrides=SMALL)
    path = recorder.path(plan)
    assert not record.is_recorded(plan, path, "the corpus", "cpu")
    record.save(plan, healthy, path, "smoke", "cpu", "the corpus", "2026-01-01T00:00:00+00:00")
    assert record.is_recorded(plan, path, "the corpus", "cpu")
    assert not record.is_recorded(plan, path, "another corpus", "cpu")
    assert not record.is_recorded(plan, path, "the corpus", "cuda")
    longer = msgspec.structs.replace(plan, overrides=SMALL | {"steps": 5})
    assert not record.is_recorded(longer, path, "the corpus", "cpu")
    other = msgspec.structs.replace(plan, source=plan.source | {"loss.py": "# another\n"})
    assert not record.is_recorded(other, path, "the corpus", "cpu")
    signals = path / library.SIGNALS
    whole = signals.read_bytes()
    signals.write_bytes(whole[:1000])
    assert not record.is_recorded(plan, path, "the corpus", "cpu")
    signals.write_bytes(whole)
    died = msgspec.structs.replace(healthy, status="crashed")
    record.save(plan, died, path, "smoke", "cpu", "the corpus", "2026-01-01T00:00:00+00:00")
    assert not record.is_recorded(plan, path, "the corpus", "cpu")
    patched = msgspec.structs.replace(plan, patch="--- a/train.py")
    assert record.is_recorded(patched, path, "the corpus", "cpu")
    manifest = open_run(path).manifest
    assert manifest.steps == 4 and manifest.facts["tokens_per_step"] == 2 * 2 * 32
    assert manifest.facts["parameters"] == int(healthy.artifacts["model_summary"].data["total"])


def test_a_profile_that_would_override_the_bug_is_refused(pack: Path) -> None:
    with pytest.raises(RecordingError, match=r"odd_steps/bug\.patch changes the configuration key `steps`"):
        record.plan_all(["odd_steps"], [0], SMOKE, pack)
    plans = record.plan_all(["odd_steps"], [0], profiles.profile("cpu"), pack)
    assert plans[-1].steps == 77


def test_every_bundled_scenario_can_be_planned_in_every_profile() -> None:
    for profile in profiles.load_profiles().values():
        plans = record.plan_all([], profile.seeds, profile)
        assert len({(plan.name, plan.seed, plan.variant) for plan in plans}) == len(plans)
        assert all(plan.steps > 0 for plan in plans)


def test_only_the_smoke_profile_overrides_what_a_configuration_says() -> None:
    reference = reference_source()
    for name, profile in profiles.load_profiles().items():
        for config in profile.configs if name != "smoke" else ():
            assert not profiles.config_values(reference, config).keys() & profile.overrides(config).keys()


def test_a_job_in_two_legs_is_checked_in_one() -> None:
    from gen_traces.checks import job

    @dataclasses.dataclass(frozen=True)
    class Config:
        steps: int = 300
        stop_after: int = 150
        eval_every: int = 25
        eval_batches: int = 8
        checkpoint_every: int = 100

    assert job.shortened(Config(), 3) == Config(3, 0, 30, 1, 30)


def test_reruns_leave_out_what_makes_no_sense() -> None:
    config = {"optimizer": "adamw", "lr": 0.01, "warmup_steps": 30, "steps": 300}
    config |= {"residual_dtype": "float32", "compute_dtype": "float32"}
    assert record.reruns(config) == {"lower_lr": {"lr": pytest.approx(0.003)}, "longer_warmup": {"warmup_steps": 120}}
    assert "longer_warmup" not in record.reruns(config | {"steps": 100})
    assert "longer_warmup" not in record.reruns(config | {"lr": 0.001})
    assert record.reruns(config | {"residual_dtype": "float16"})["fp32"] == {"residual_dtype": "float32"}


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["record", "--profile", "huge"], "choose one of smoke, cpu, gpu"),
        (["record", "nothing_like_this"], "no scenario"),
        (["record", "--device", "abacus"], "device 'abacus' cannot be used"),
        (["record", "--pack", "/nowhere/at/all"], "not a folder"),
        (["record", "healthy_control", "--out", "/dev/null/traces"], "/dev/null/traces cannot be used"),
        (["verify", "--root", "/nowhere/at/all"], "no recorded runs"),
        (["list", "--root", "/nowhere/at/all"], "no recorded runs"),
    ],
)
def test_bad_input_is_one_line(argv: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(argv) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1 and "Traceback" not in error


@pytest.mark.parametrize("argv", [[], ["record", "--seeds", "1,1"], ["record", "--jobs", "0"], ["bake"]])
def test_wrong_use(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(argv)
    assert caught.value.code == 2 and "usage" in capsys.readouterr().err


def test_ctrl_c_says_how_to_go_on(pack: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "gen_traces.cli", "record", "odd_targets", "--profile", "smoke", "--seeds", "0"]
    command += ["--pack", str(pack), "--out", str(tmp_path / "traces"), "--jobs", "1", "--no-checks"]
    recording = subprocess.Popen(command, env=jobs.environment(), stderr=subprocess.PIPE, text=True)
    assert recording.stderr is not None
    first = recording.stderr.readline()
    assert "healthy.base seed 0: finished" in first
    recording.send_signal(signal.SIGINT)
    rest = recording.stderr.read()
    assert recording.wait(30) == 2
    assert "The same command goes on" in rest and "Traceback" not in rest
    assert len(library.runs(tmp_path / "traces")) == 1
