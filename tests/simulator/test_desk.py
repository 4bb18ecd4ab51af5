"""Requests against a written run: what is shown is what lies in its columns and artifacts."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pytest
import world

from grader.events import Request
from scenarios import catalog, vocabulary
from scenarios.source import job_source
from simulator.columns import label, select
from simulator.desk import TraceDesk, name_of
from simulator.errors import FlatlineError
from traces import library


@pytest.fixture
def desk(small_world: Path) -> TraceDesk:
    run = library.open_run(library.run_path(small_world / "traces", "smoke", world.SLUG, 0))
    return TraceDesk(run, vocabulary.load(), lambda: job_source(world.SLUG))


def test_a_curve_is_its_column(desk: TraceDesk) -> None:
    evidence = desk.fetch(Request(diagnostic="grad_norm", steps=(36, 39)))
    (series,) = evidence.series
    assert series.steps == (36, 37, 38, 39) and series.name == "grad_norm"
    assert series.values[0] == pytest.approx(1.36) and math.isnan(series.values[1]) and series.values[2] == math.inf
    assert evidence.kind == "curves" and "NaN" in evidence.text and "inf" in evidence.text


def test_the_whole_curve_when_no_steps_are_asked_for(desk: TraceDesk) -> None:
    assert desk.fetch(Request(diagnostic="loss")).series[0].steps == world.STEPS


@pytest.mark.parametrize(
    ("request_", "names"),
    [
        (Request(diagnostic="lr"), ["group 0", "group 1"]),
        (Request(diagnostic="param_norm"), ["param_norm"]),
        (Request(diagnostic="param_norm", layers=(1,)), ["layer 1"]),
        (Request(diagnostic="attention_entropy"), ["layer 0", "layer 1"]),
        (Request(diagnostic="attention_entropy", layers=(0, 1)), ["layer 0", "layer 1"]),
        (Request(diagnostic="attention_entropy", layers=(1,)), ["layer 1", "layer 1 head 0", "layer 1 head 1"]),
        (Request(diagnostic="attention_entropy", heads=(1,)), ["layer 0 head 1", "layer 1 head 1"]),
        (Request(diagnostic="attention_entropy", layers=(0,), heads=(1,)), ["layer 0 head 1"]),
        (Request(diagnostic="loss", split="val"), ["val_loss"]),
    ],
)
def test_layers_and_heads_choose_the_columns(desk: TraceDesk, request_: Request, names: list[str]) -> None:
    assert [series.name for series in desk.fetch(request_).series] == names


@pytest.mark.parametrize(
    "request_",
    [
        Request(diagnostic="utilization"),
        Request(diagnostic="attention_entropy", layers=(7,)),
        Request(diagnostic="loss", steps=(500, 600)),
        Request(diagnostic="rerun_fp32"),
        Request(diagnostic="rerun_single_gpu"),
        Request(diagnostic="code", area="distributed"),
        Request(diagnostic="code", area="nowhere"),
    ],
)
def test_what_the_run_does_not_hold_is_not_recorded(desk: TraceDesk, request_: Request) -> None:
    evidence = desk.fetch(request_)
    assert not evidence.recorded and not evidence.series and "not recorded" in evidence.text


def test_steps_outside_of_the_recording_are_told_its_extent(desk: TraceDesk) -> None:
    assert "from step 0 to step 50, every 10 steps" in desk.fetch(Request(diagnostic="val_loss", steps=(90, 99))).text


def test_between_two_measurements_both_neighbours_are_shown(desk: TraceDesk) -> None:
    assert desk.fetch(Request(diagnostic="val_loss", steps=(23, 24))).series[0].steps == (20, 30)


def test_compare_puts_the_known_good_runs_text_below_this_ones(desk: TraceDesk) -> None:
    both = desk.fetch(Request(diagnostic="batch", compare=True)).text
    assert both.endswith("(The same in the known-good run.)")
    assert desk.fetch(Request(diagnostic="batch")).text in both
    settings = desk.fetch(Request(diagnostic="config", compare=True)).text
    assert settings.endswith("(The known-good run has no recording of this.)")


def test_compare_lays_the_known_good_run_beside_this_one(desk: TraceDesk) -> None:
    this, twin = desk.fetch(Request(diagnostic="loss", compare=True)).series
    assert not this.baseline and twin.baseline
    assert twin.values[0] == pytest.approx(16.0) and this.values[0] == pytest.approx(6.0)


def test_baseline_shows_both_losses_of_both_runs(desk: TraceDesk) -> None:
    series = desk.fetch(Request(diagnostic="baseline")).series
    assert [(one.name, one.baseline) for one in series] == [
        ("loss", False), ("loss", True), ("val_loss", False), ("val_loss", True),
    ]  # fmt: skip


def test_reruns_show_the_loss_of_both_runs_and_what_was_changed(desk: TraceDesk) -> None:
    evidence = desk.fetch(Request(diagnostic="rerun_lower_lr"))
    assert [one.values[0] for one in evidence.series] == pytest.approx([6.0, 106.0])
    assert "lr: 0.003 → 0.0003" in evidence.text
    other = desk.fetch(Request(diagnostic="rerun_other_seed"))
    assert other.series[1].name == "loss, seed 1" and other.series[1].values[0] == pytest.approx(7.0)


def test_artifacts_are_shown_as_they_stand(desk: TraceDesk) -> None:
    assert desk.fetch(Request(diagnostic="batch")).text == "in:  the cat\nout: he cat "


def test_settings_come_from_the_run(desk: TraceDesk) -> None:
    assert desk.fetch(Request(diagnostic="config")).text.splitlines() == ["lr           0.003", "micro_batch  4"]


def test_code_is_the_code_that_ran(desk: TraceDesk) -> None:
    evidence = desk.fetch(Request(diagnostic="code", area="train_loop"))
    source = job_source(world.SLUG)
    assert evidence.kind == "code" and evidence.blocks
    for block in evidence.blocks:
        lines = source[block.file].split("\n")
        assert list(block.lines) == lines[block.first_line - 1 : block.first_line - 1 + len(block.lines)]
    assert "backward" in evidence.text and "zero_grad" not in evidence.text


def test_the_opening_is_loss_and_learning_rate(desk: TraceDesk) -> None:
    assert [piece.title for piece in desk.opening()] == ["loss", "lr"]


def test_wide_ranges_are_drawn_on_a_logarithmic_axis(desk: TraceDesk) -> None:
    assert desk.fetch(Request(diagnostic="grad_norm")).log_y
    assert not desk.fetch(Request(diagnostic="loss")).log_y


def test_a_truncated_recording_is_one_clear_line(small_world: Path, tmp_path: Path) -> None:
    source = library.run_path(small_world / "traces", "smoke", world.SLUG, 0)
    copy = tmp_path / "smoke" / world.SLUG / "seed0"
    shutil.copytree(source, copy)
    signals = copy / "signals.parquet"
    signals.write_bytes(signals.read_bytes()[:200])
    desk = TraceDesk(library.open_run(copy), vocabulary.load(), dict)
    with pytest.raises(FlatlineError) as caught:
        desk.fetch(Request(diagnostic="loss"))
    assert "\n" not in str(caught.value) and "flatline doctor" in str(caught.value)
    assert world.SLUG not in str(caught.value)


def test_nothing_shown_names_the_scenario(desk: TraceDesk) -> None:
    solution = catalog.load_solution(world.SLUG)
    for diagnostic in vocabulary.load().diagnostics:
        for area in [None, "train_loop", "optimizer"] if diagnostic.id == "code" else [None]:
            evidence = desk.fetch(Request(diagnostic=diagnostic.id, area=area, compare=True))
            for secret in (world.SLUG, solution.title, *solution.wordings):
                assert secret not in evidence.text and secret not in evidence.title


def test_ranks_and_splits_choose_columns_by_name() -> None:
    columns = ["per_rank/rank.0", "per_rank/rank.1"]
    assert select(columns, Request(diagnostic="per_rank", rank=1)) == ["per_rank/rank.1"]
    assert select(["eval/train", "eval/val"], Request(diagnostic="eval", split="val")) == ["eval/val"]


@pytest.mark.parametrize(
    ("id", "columns", "chosen"),
    [
        ("activations", ["embed", "layer.0", "layer.1"], ["embed", "layer.0", "layer.1"]),
        ("update_ratio", ["", "embed", "layer.0", "head"], [""]),
        ("grad_norm", ["", "logged"], ["", "logged"]),
        ("logits", ["max", "mean"], ["max", "mean"]),
        ("attention_logits", ["layer.0", "layer.0.std", "layer.0.head.0"], ["layer.0", "layer.0.std"]),
    ],
)
def test_without_layers_one_level_is_chosen(id: str, columns: list[str], chosen: list[str]) -> None:
    names = [f"{id}/{below}".rstrip("/") for below in columns]
    assert select(names, Request(diagnostic=id)) == [f"{id}/{below}".rstrip("/") for below in chosen]


@pytest.mark.parametrize(
    ("column", "words"),
    [("loss", "loss"), ("a/layer.3.head.1", "layer 3 head 1"), ("logits/max", "max"), ("a/layer.3/max", "layer 3 max")],
)
def test_labels(column: str, words: str) -> None:
    assert label(column) == words


def test_requests_in_words() -> None:
    request = Request(diagnostic="grad_norm", layers=(3,), steps=(180, 220), compare=True)
    assert name_of(request) == "grad norm, layer 3, steps 180 to 220, beside the known-good run"
