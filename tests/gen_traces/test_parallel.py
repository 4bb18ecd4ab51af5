"""Jobs of several ranks through the real recorder: two real processes, a bug, a crash of one rank, a hang."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

from gen_traces import jobs, profiles, ranks, record
from gen_traces.jobs import Job, Outcome
from gen_traces.results import Rows
from grader.events import Request
from scenarios import workloads
from scenarios.source import reference_source
from simulator.columns import label, select
from traces.format import Artifact

SMALL = profiles.profile("smoke").set | {"steps": 4, "eval_every": 2, "checkpoint_every": 4, "eval_batches": 1}


def job(corpus: Path, *edits: tuple[str, str, str], **more: Any) -> Job:
    source = reference_source()
    for file, old, new in edits:
        assert source[file].count(old) == 1
        source[file] = source[file].replace(old, new)
    code = workloads.job_source(source, "data_parallel", "configs/ddp2.yaml")
    values: dict[str, Any] = {"overrides": SMALL | {"seed": 0}, "timeout": 300.0, "checks": False} | more
    return Job(source=code, workload="data_parallel", config_name="ddp2", corpus=corpus, **values)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return jobs.build_corpus(reference_source(), tmp_path_factory.mktemp("corpus"))[0]


@pytest.fixture(scope="module")
def healthy(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return jobs.run_job(job(corpus, checks=True), tmp_path_factory.mktemp("healthy") / "job")


def values(outcome: Outcome, what: str, rank: int) -> list[float]:
    return [value for _, value in outcome.rows.series(ranks.column(what, rank))]


def test_two_ranks_train_as_one(healthy: Outcome) -> None:
    assert healthy.status == "finished" and healthy.report is not None
    assert healthy.report.notes == ()
    assert healthy.rows.signals["per_rank/distinct_weights"][:4] == [1.0] * 4
    loss = [value for _, value in healthy.rows.series("loss")]
    own = [values(healthy, "loss", rank) for rank in (0, 1)]
    assert len(loss) == 4 and own[0] != own[1]
    assert [(a + b) / 2 for a, b in zip(*own, strict=True)] == pytest.approx(loss, rel=1e-5)
    assert values(healthy, "grad_norm", 0) != values(healthy, "grad_norm", 1)
    synced = values(healthy, "grad_norm_synced", 0)
    assert synced == pytest.approx(values(healthy, "grad_norm_synced", 1), rel=1e-5)
    assert synced == pytest.approx([value for _, value in healthy.rows.series("grad_norm")], rel=1e-5)


def test_each_rank_has_rows_of_its_own(healthy: Outcome) -> None:
    assert healthy.rows.signals["per_rank/shared_rows"][:4] == [0.0] * 4
    order = healthy.artifacts["data_order"]
    assert order.data["rows_used"] == 4 * 2 * SMALL["micro_batch"] * SMALL["accumulation"]
    assert order.data["rows_of_every_rank"] == 0 and "rank 1" in order.text


def test_the_ranks_are_in_the_console_and_in_the_facts(healthy: Outcome) -> None:
    for rank in (0, 1):
        assert f"[rank {rank}] training on" in healthy.console
    assert "[rank 1] step" not in healthy.console
    assert "2 (world size 2" in healthy.artifacts["hardware"].text and "gloo" in healthy.artifacts["hardware"].text
    assert "rank" in healthy.artifacts["per_rank"].text and ranks.SERVED not in healthy.artifacts
    assert not any("weights/rank" in name for name in healthy.rows.signals)


def test_the_checks_use_the_code_of_the_job_on_one_rank(healthy: Outcome) -> None:
    checks = {id: artifact.data for id, artifact in healthy.artifacts.items() if id.startswith("check_")}
    assert len(checks) >= 6 and not any("error" in data for data in checks.values() if isinstance(data, dict))
    assert checks["check_determinism"]["identical"]


def test_one_rank_is_a_job_as_well(corpus: Path, tmp_path: Path) -> None:
    alone = jobs.run_job(job(corpus, overrides=SMALL | {"seed": 0, "ranks": 1}), tmp_path / "job")
    assert alone.status == "finished" and "[rank" not in alone.console
    assert ranks.SERVED not in alone.artifacts and not any("weights" in name for name in alone.rows.signals)
    assert record.reruns({"lr": 1e-3, "warmup_steps": 20, "steps": 100, "ranks": 2})["single_gpu"] == {"ranks": 1}


def test_gradients_that_are_not_exchanged_part_the_ranks(corpus: Path, tmp_path: Path) -> None:
    apart = jobs.run_job(job(corpus, ("train_ddp.py", "    sync_gradients(model)\n", "")), tmp_path / "job")
    assert apart.status == "finished"
    assert apart.rows.signals["per_rank/distinct_weights"][:4] == [2.0] * 4


def test_the_rank_that_fails_first_is_named(corpus: Path, tmp_path: Path) -> None:
    at_once = "    assert rank == 0, 'not yet'\n    return read_tokens(path)"
    broken = ("distributed.py", "    dist.barrier()\n    return read_tokens(path)", at_once)
    crashed = jobs.run_job(job(corpus, broken), tmp_path / "job")
    assert crashed.status == "crashed" and crashed.wall_seconds < 290
    trace = crashed.artifacts["stack_trace"]
    assert trace.text.startswith("rank 1:\nTraceback") and "not yet" in trace.text and "rank 0, later:" in trace.text
    assert crashed.report is not None and crashed.report.error == "AssertionError: not yet"
    assert max(map(len, trace.text.splitlines())) <= 120
    assert "[rank 1] Traceback" in crashed.console


def test_ranks_that_wait_for_ever_are_stopped(corpus: Path, tmp_path: Path) -> None:
    waiting = ("train_ddp.py", "    sync_gradients(model)\n", "    import time\n\n    time.sleep(600)\n")
    stuck = jobs.run_job(job(corpus, waiting, timeout=20.0), tmp_path / "job")
    assert stuck.status == "timeout" and stuck.report is None and 20 <= stuck.wall_seconds < 60
    assert stuck.artifacts["log"].text


def test_rank_0_may_go_on_when_another_rank_is_done(tmp_path: Path) -> None:
    class Process:
        def __init__(self, code: int | None) -> None:
            self.code = code

        def poll(self) -> int | None:
            return self.code

    def over(*codes: int | None) -> bool:
        return jobs._over([Process(code) for code in codes], tmp_path)  # type: ignore[list-item]

    assert not over(None, 0) and not over(None, None)
    assert over(-9, None) and over(0, 0)
    trace = ranks.out_of(tmp_path, 1) / "artifacts" / "stack_trace.json"
    trace.parent.mkdir(parents=True)
    trace.write_text("{}")
    assert not over(None, 0)
    os.utime(trace, (0, 0))
    assert over(None, 0)
    (tmp_path / "report.json").write_text("{}")
    assert not over(None, 0) and not over(0, None)


def test_what_counts_as_the_first_failure(tmp_path: Path) -> None:
    found = {}
    for rank in (1, 0):
        folder = ranks.out_of(tmp_path, rank) / "artifacts"
        folder.mkdir(parents=True)
        (folder / "stack_trace.json").write_text("{}")
        found[rank] = {"stack_trace": Artifact(f"Traceback\nE{rank}", {"type": "E"})}
    trace = ranks.stack_trace({rank: ranks.out_of(tmp_path, rank) for rank in found}, found)
    assert trace is not None and trace.text == "rank 1:\nTraceback\nE1\n\nrank 0, later: E0" and trace.data["rank"] == 1


def test_rows_of_all_ranks_make_one_table() -> None:
    first = Rows((0, 1), {"loss": [2.0, 1.0], ranks.column("weights", 0): [5.0, 6.0]})
    second = Rows((0, 1), {ranks.column("weights", 1): [5.0, 7.0]})
    rows = ranks.summed_up(
        ranks.merged({0: first, 1: second}), 2, {0: {"0": [1, 2], "1": [3]}, 1: {"0": [2], "1": [4]}}
    )
    assert rows.signals == {
        "loss": [2.0, 1.0],
        "per_rank/distinct_weights": [1.0, 2.0],
        "per_rank/shared_rows": [1.0, 0.0],
    }


COLUMNS = [ranks.column(what, rank) for what in ("loss", "grad_norm", "grad_norm_synced") for rank in (0, 1)]


@pytest.mark.parametrize(
    ("request_", "shown"),
    [
        (Request("per_rank"), ["loss rank 0", "loss rank 1"]),
        (Request("per_rank", rank=1), ["loss rank 1", "grad_norm rank 1", "grad_norm_synced rank 1"]),
        (Request("per_rank", rank=7), []),
    ],
)
def test_which_curves_of_the_ranks_are_shown(request_: Request, shown: list[str]) -> None:
    found = select([*COLUMNS, "per_rank/distinct_weights", "per_rank/shared_rows"], request_)
    assert [label(name) for name in found] == shown
