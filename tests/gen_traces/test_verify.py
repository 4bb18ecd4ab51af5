"""Judging recorded runs against their healthy twins, from bare curves and from run folders."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gen_traces import judge, listing, verify
from gen_traces.band import CAP, Curve, curve
from gen_traces.derived import derived
from gen_traces.judge import Observed
from traces import library
from traces.format import Artifact, Manifest
from traces.writer import write_run

N = 300
STEPS = np.arange(N)
KV = {"difference": 1e-6, "scale": 10.0}


def loss(seed: int, block: float = 0.0) -> Curve:
    """A healthy loss curve; `block` adds a sawtooth of that height with a period of 23 steps."""
    noise = np.random.default_rng(seed).standard_normal(N)
    return curve(STEPS, 2.1 + 3.4 * np.exp(-STEPS / 40) + 0.05 * noise + block * (1 - STEPS % 23 / 23))


def observed(seed: int, /, *, status: str = "finished", **changes: Any) -> Observed:
    rng = np.random.default_rng(1000 + seed)
    curves = {
        "loss": loss(seed),
        "grad_norm": curve(STEPS, rng.lognormal(-0.7, 0.2, N)),
        "update_ratio/layer.0": curve(STEPS[::10], rng.lognormal(-5, 0.1, N // 10)),
        "throughput": curve(STEPS, rng.uniform(5e3, 1e4, N)),
        "throughput/step_time": curve(STEPS, rng.uniform(0.1, 0.2, N)),
    }
    artifacts: dict[str, Any] = {"check_kv_cache": KV, "batch": [seed, 1], "samples": f"text {seed}"}
    artifacts |= changes.pop("artifacts", {})
    return Observed(seed, status, curves | changes, artifacts)


NORMAL = judge.healthy([observed(seed) for seed in range(3)])


def verdict(runs: list[Observed], decisive: tuple[str, ...] = ("grad_norm",), **more: Any) -> Any:
    return judge.judge("odd-fox", "cpu", runs, NORMAL, decisive=decisive, **more)


def test_a_decisive_column_far_off_on_every_seed_passes() -> None:
    runs = [observed(seed, grad_norm=curve(STEPS, np.where(STEPS < 50, 0.5, 40.0))) for seed in (0, 1, 2)]
    found = verdict(runs)
    assert found.passed and "grad_norm" in found.reason
    best = next(b for b in found.betrayals if b.column == "grad_norm")
    assert best.widths > 20 and best.direction == "above" and 49 <= best.first_step <= 51
    assert (found.seeds, found.band_seeds) == ((0, 1, 2), (0, 1, 2))


def test_one_quiet_seed_is_enough_to_fail() -> None:
    runs = [observed(seed, grad_norm=curve(STEPS, np.full(N, 40.0))) for seed in (0, 1)] + [observed(2)]
    found = verdict(runs)
    assert not found.passed and "no decisive diagnostic (grad_norm)" in found.reason
    assert not [b for b in found.betrayals if b.column == "grad_norm"]


def test_what_is_far_off_but_not_decisive_does_not_count() -> None:
    runs = [observed(seed, grad_norm=curve(STEPS, np.full(N, 40.0))) for seed in range(3)]
    assert not verdict(runs, ("update_ratio",)).passed


def test_the_figures_are_those_of_the_weakest_and_slowest_seed() -> None:
    early = observed(0, grad_norm=curve(STEPS, np.where(STEPS < 50, 0.5, 400.0)))
    late = observed(1, grad_norm=curve(STEPS, np.where(STEPS < 150, 0.5, 40.0)))
    both = next(b for b in verdict([early, late]).betrayals if b.column == "grad_norm")
    alone = next(b for b in verdict([late]).betrayals if b.column == "grad_norm")
    assert both.widths == alone.widths
    assert 149 <= both.first_step <= 151


def test_columns_below_a_diagnostic_count_for_it() -> None:
    still: dict[str, Any] = {"update_ratio/layer.0": curve(STEPS[::10], np.zeros(N // 10))}
    found = verdict([observed(seed, **still) for seed in range(3)], ("update_ratio",))
    assert found.passed
    assert found.betrayals[0].diagnostic == "update_ratio" and found.betrayals[0].direction == "below"


def test_a_run_of_nan_is_as_far_as_can_be() -> None:
    broken = np.where(STEPS < 200, 2.1 + 3.4 * np.exp(-STEPS / 40), np.nan)
    found = verdict([observed(seed, loss=curve(STEPS, broken)) for seed in range(3)], ("loss",))
    best = next(b for b in found.betrayals if b.column == "loss")
    assert found.passed
    assert (best.widths, best.direction) == (CAP, "nonfinite")


def test_a_slow_machine_is_no_finding_and_a_starved_job_is() -> None:
    slow: dict[str, Any] = {
        "throughput": curve(STEPS, np.full(N, 2e3)),
        "throughput/step_time": curve(STEPS, np.full(N, 1e9)),
    }
    found = verdict([observed(seed, **slow) for seed in range(3)], ("throughput",))
    assert not found.passed and all(betrayal.widths < 3 for betrayal in found.betrayals)
    starved: dict[str, Any] = {"throughput": curve(STEPS, np.full(N, 20.0))}
    assert verdict([observed(seed, **starved) for seed in range(3)], ("throughput",)).passed


def test_data_in_blocks_show_in_derived_columns_alone() -> None:
    runs = [observed(seed, loss=loss(seed, block=0.25)) for seed in range(3)]
    found = verdict(runs, ("loss",))
    far = {b.column for b in found.betrayals if b.widths >= judge.ENOUGH}
    assert found.passed and "loss" not in far and far & {"loss/roughness", "loss/persistence"}


def test_derived_columns_measure_what_they_say() -> None:
    plain, sawtooth = derived({"loss": loss(7)}), derived({"loss": loss(7, block=0.25)})
    assert abs(np.median(plain["loss/persistence"].values)) < 0.3 < np.median(sawtooth["loss/persistence"].values)
    assert np.median(plain["loss/roughness"].values) == pytest.approx(0.05, rel=0.2)
    assert np.median(sawtooth["loss/roughness"].values) > 0.075
    spike = np.zeros(N)
    spike[40] = 9.0
    peak = derived({"grad_norm": curve(STEPS, spike)})["grad_norm/peak"]
    assert list(np.flatnonzero(peak.values == 9.0)) == list(range(40, 65))
    spike[50] = np.inf
    mean = derived({"grad_norm": curve(STEPS, spike)})["grad_norm/mean"]
    assert mean.values[60] == pytest.approx(9 / 24), "what is not finite is left to the column itself"
    assert "loss/roughness" not in derived({"loss": curve(STEPS[:12], np.ones(12))})


def test_layers_and_heads_are_averaged() -> None:
    heads = {f"attention_entropy/layer.{i}.head.{j}": curve([0, 5], [i, 10.0 * j]) for i in (0, 1) for j in (0, 1)}
    found = derived(heads | {"lr/group.0": curve([0], [1.0]), "activations/layer.0": curve([0], [1.0])})
    assert set(found) == {"attention_entropy/layer.*.head.*"}
    assert found["attention_entropy/layer.*.head.*"].values.tolist() == [0.5, 5.0]


def test_a_layer_on_which_seeds_agree_by_chance_has_the_width_of_its_siblings() -> None:
    def layers(seed: int, last: float) -> Observed:
        level = {f"activations/layer.{i}": curve(STEPS, np.full(N, 5 + 0.5 * seed)) for i in range(3)}
        changed: dict[str, Any] = level | {"activations/layer.3": curve(STEPS, np.full(N, last))}
        return observed(seed, **changed)

    normal = judge.healthy([layers(seed, 5 + seed / 1000) for seed in range(3)])
    assert judge.departures([layers(1, 6.0)], normal)["activations/layer.3"][0].widths == pytest.approx(1.0, abs=0.1)
    assert judge.departures([layers(1, 50.0)], normal)["activations/layer.3"][0].widths > 20


def test_a_decisive_check_that_differs_on_every_seed_passes() -> None:
    leak = {"check_kv_cache": {"difference": 3.0, "scale": 10.0}}
    runs = [observed(seed, artifacts=leak) for seed in range(3)]
    found = verdict(runs, ("check_kv_cache",))
    assert found.passed and found.checks["check_kv_cache"] and not found.checks["batch"]
    assert not verdict([*runs[:2], observed(2)], ("check_kv_cache",)).passed
    assert not verdict(runs, ("loss",)).passed


def test_facts_are_compared_with_the_twin_of_the_same_seed() -> None:
    shifted = [observed(seed, artifacts={"batch": [seed, 2]}) for seed in range(3)]
    assert verdict(shifted, ("batch",)).passed
    assert not verdict([observed(seed) for seed in range(3)], ("batch",)).passed
    assert "batch" not in verdict([observed(7)]).checks, "a seed without a twin has other data"
    elsewhere = replace(observed(0, artifacts={"batch": [100, 1]}), job_seed=100)
    assert "batch" not in verdict([elsewhere]).checks, "kept as seed 0, but its job drew from another"
    assert "samples" not in verdict([observed(0)]).checks


def test_a_crash_counts_as_its_traceback() -> None:
    runs = [observed(seed, status="crashed") for seed in range(3)]
    assert verdict(runs, ("stack_trace",)).passed
    assert not verdict([observed(0)], ("stack_trace",)).passed


def test_a_healthy_control_passes_only_while_it_stays_quiet() -> None:
    assert verdict([observed(seed) for seed in (3, 4, 5)], (), control=True).passed
    loud = observed(4, grad_norm=curve(STEPS, np.full(N, 40.0)))
    found = verdict([observed(3), loud], (), control=True)
    assert not found.passed and "grad_norm" in found.reason
    leaky = [observed(seed, artifacts={"check_kv_cache": {"difference": 3.0, "scale": 1.0}}) for seed in (3, 4)]
    assert not verdict(leaky, (), control=True).passed


def test_review_only_scenarios_pass_and_say_so() -> None:
    found = verdict([observed(3)], shows_in_run=False)
    assert found.passed and "review only" in found.reason


def test_without_two_healthy_seeds_nothing_passes() -> None:
    found = judge.judge("odd-fox", "cpu", [observed(0)], judge.healthy([observed(1)]), decisive=("loss",))
    assert not found.passed and "band" in found.reason
    crashed = judge.healthy([observed(1), observed(2, status="crashed")])
    assert [run.seed for run in crashed.runs] == [1]


# From run folders


SOLUTION = """\
title: {title}
catalogue: [{catalogue}]
category: loop
priority: 1
root_cause: something
mechanism: something
wordings: [something]
concepts: [[something]]
fixes: [something]
fix_concepts: [[something]]
decisive: [grad_norm]
"""


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    for slug, catalogue in (("loud-elk", "901"), ("calm-elk", "healthy")):
        place = tmp_path / "pack" / slug
        place.mkdir(parents=True)
        (place / "solution.yaml").write_text(SOLUTION.format(title=slug, catalogue=catalogue))
    return tmp_path / "pack"


def record(root: Path, name: str, run: Observed, scenario: str | None = None, variant: str | None = None) -> Path:
    signals: dict[str, list[float | None]] = {}
    for column, one in run.curves.items():
        at = dict(zip(one.steps.tolist(), one.values.tolist(), strict=True))
        signals[column] = [at.get(step) for step in range(N)]
    artifacts = {id: Artifact("text", data) for id, data in run.artifacts.items()}
    manifest = Manifest(
        scenario=scenario, config_name="base", profile="cpu", seed=run.seed, variant=variant, device="cpu",
        device_name="a processor", versions={}, code_sha256="0", patch_sha256="0", corpus_sha256="0",
        config={"steps": N}, started="2026-01-02T03:04:05+00:00", wall_seconds=30.0, steps=N, status="finished",
        columns=dict.fromkeys(signals, 1), artifacts=tuple(artifacts), facts={},
    )  # fmt: skip
    path = library.run_path(root, "cpu", name, run.seed, variant)
    write_run(path, manifest, list(range(N)), signals, artifacts)
    return path


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    root = tmp_path / "traces"
    for seed in range(3):
        record(root, "healthy.base", observed(seed))
        record(root, "loud-elk", observed(seed, grad_norm=curve(STEPS, np.full(N, 40.0))), "loud-elk")
        record(root, "calm-elk", observed(seed + 5), "calm-elk")
    return root


def test_verdicts_are_written_and_figures_printed(
    recorded: Path, pack: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify.run([], "cpu", recorded, pack) == 0
    out = capsys.readouterr().out
    assert "loud-elk" in out and "calm-elk" in out and "grad_norm" in out and "2 of 2 pass" in out
    found = library.verdict("loud-elk", "cpu", recorded)
    assert found.passed and found.betrayals[0].diagnostic == "grad_norm" and found.seeds == (0, 1, 2)
    assert not list(recorded.rglob(".*unfinished*"))


def test_a_bug_that_does_not_show_is_a_finding(recorded: Path, pack: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record(recorded, "loud-elk", observed(1), "loud-elk")
    assert verify.run(["loud-elk"], "cpu", recorded, pack) == 1
    assert "FAIL" in capsys.readouterr().out
    assert not library.verdict("loud-elk", "cpu", recorded).passed


def test_scenarios_are_found_by_number_and_reruns_are_left_alone(recorded: Path, pack: Path) -> None:
    record(recorded, "loud-elk", observed(0), "loud-elk", variant="lower_lr")
    assert verify.run(["901"], "cpu", recorded, pack) == 0
    assert library.verdict("loud-elk", "cpu", recorded).seeds == (0, 1, 2)


def test_bad_input_is_one_line(recorded: Path, pack: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, said in (
        ((["no-such-thing"], "cpu", recorded, pack), "no-such-thing"),
        ((["loud-elk"], "gpu", recorded, pack), "gen-traces record loud-elk --profile gpu"),
        (([], "cpu", recorded / "nothing", pack), "gen-traces record --profile cpu"),
    ):
        assert verify.run(*arguments) == 2
        error = capsys.readouterr().err
        assert said in error and error.count("\n") == 1


def test_a_damaged_run_is_bad_input(recorded: Path, pack: Path, capsys: pytest.CaptureFixture[str]) -> None:
    signals = recorded / "cpu" / "loud-elk" / "seed1" / "signals.parquet"
    signals.write_bytes(signals.read_bytes()[:200])
    assert verify.run([], "cpu", recorded, pack) == 2
    assert "signals.parquet" in capsys.readouterr().err


def test_the_list_of_runs(recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = recorded / "cpu" / "calm-elk" / "seed5" / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"seed": "five"}))
    assert listing.run(recorded) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + 9
    assert lines[0].split()[:3] == ["profile", "run", "seed"]
    assert [line for line in lines if "calm-elk" in line and "damaged" in line]
    assert [line for line in lines if line.split()[:3] == ["cpu", "loud-elk", "2"] and "finished" in line]
    assert listing.run(tmp_path / "nowhere") == 2
    assert "gen-traces record" in capsys.readouterr().err


def test_judging_and_exporting_need_no_torch() -> None:
    code = "import sys; from gen_traces import verify, listing, export; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(judge.__file__).parents[1]).returncode == 0
