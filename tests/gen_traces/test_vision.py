"""Tiny runs of the image classifier through the real recorder: what is recorded, and whether bugs are to be seen."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")

from gen_traces import jobs, profiles
from gen_traces.jobs import Job, Outcome
from gen_traces.observe.vision import drawing
from scenarios import workloads
from scenarios.source import reference_source

WORKLOAD = "image_classification"
SMOKE = profiles.profile("smoke")


def source(config: str, edits: tuple[tuple[str, str, str], ...] = ()) -> dict[str, str]:
    code = workloads.job_source(reference_source(), WORKLOAD, f"configs/{config}.yaml")
    for file, old, new in edits:
        assert code[file].count(old) == 1
        code[file] = code[file].replace(old, new)
    return code


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    return jobs.build_corpus(source("digits"), folder, "prepare_digits.py", "digits.npz")[0]


def run(
    images: Path, folder: Path, config: str = "digits", *edits: tuple[str, str, str], checks: bool = True
) -> Outcome:
    code = source(config, edits)
    overrides = SMOKE.overrides(config, code) | {"seed": 0}
    job = Job(
        source=code,
        workload=WORKLOAD,
        config_name=config,
        overrides=overrides,
        corpus=images,
        timeout=120,
        checks=checks,
    )
    return jobs.run_job(job, folder)


@pytest.fixture(scope="module")
def healthy(images: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return run(images, tmp_path_factory.mktemp("healthy") / "job")


def values(outcome: Outcome, column: str) -> list[float]:
    return [value for _, value in outcome.rows.series(column)]


def test_a_healthy_run_has_its_curves_and_pictures(healthy: Outcome) -> None:
    assert healthy.status == "finished" and healthy.report is not None and not healthy.report.notes
    steps = len(values(healthy, "loss"))
    assert steps == healthy.report.facts["epochs"] * 6 > 0
    for column in ("lr", "grad_norm", "update_ratio", "activations/layer.1", "logits/max", "throughput/data_wait"):
        assert len(values(healthy, column)) == steps, column
    for column in ("val_loss", "eval_metrics/accuracy", "eval_metrics/train_accuracy", "class_breakdown/class.9"):
        assert len(values(healthy, column)) == healthy.report.facts["epochs"], column
    assert {"grad_norm_by_layer/stem", "grad_norm_by_layer/head"} <= set(healthy.rows.signals)
    wanted = ("batch", "class_balance", "class_breakdown", "preprocessing", "data_stats", "data_order",
              "split_overlap", "predictions", "train_mode", "model_summary", "checkpoint", "check_overfit_batch",
              "check_init_loss", "check_determinism", "config")  # fmt: skip
    for id in wanted:
        assert id in healthy.artifacts, id
        assert all(len(line) <= 80 for line in healthy.artifacts[id].text.splitlines()), id
        assert len(healthy.artifacts[id].text.splitlines()) <= 40, id


def test_checks_of_a_healthy_run_pass(healthy: Outcome) -> None:
    found = {id: healthy.artifacts[id].data for id in healthy.artifacts if id.startswith("check_")}
    assert (
        found["check_determinism"]["identical"] and len(set(map(tuple, found["check_determinism"]["evaluations"]))) == 1
    )
    assert abs(found["check_init_loss"]["difference"]) < 0.2
    assert found["check_overfit_batch"]["final_loss"] < 0.1 < found["check_overfit_batch"]["start_loss"]


def test_what_was_served_is_what_is_told(healthy: Outcome) -> None:
    order = healthy.artifacts["data_order"].data
    steps = len(values(healthy, "loss"))
    assert order["images_used"] == 16 * steps and len(order["documents"]) == steps
    overlap = healthy.artifacts["split_overlap"].data
    assert all(overlap[split]["same_stored_image"] == 0 for split in ("val", "test"))
    served = healthy.artifacts["preprocessing"].data
    assert served["train"]["changed"] > 0 == served["val"]["changed"]
    confusion = healthy.artifacts["class_breakdown"].data["confusion"]
    right = sum(confusion[label][label] for label in range(10))
    assert values(healthy, "eval_metrics/accuracy")[-1] == pytest.approx(right / 300)


def test_pictures_are_drawn_from_background_to_ink() -> None:
    import numpy as np

    assert drawing(np.array([[0.0, 16.0], [99.0, -3.0]])) == ["  @@", "@@  "]


def test_a_metric_over_the_wrong_dimension_is_to_be_seen(images: Path, tmp_path: Path, healthy: Outcome) -> None:
    edit = ("scores.py", "predicted = logits.argmax(dim=1)", "predicted = logits.argmax(dim=0)")
    bugged = run(images, tmp_path / "job", "digits", edit, checks=False)
    assert bugged.status == "finished"
    assert values(bugged, "loss") == values(healthy, "loss")
    assert values(bugged, "eval_metrics/accuracy") != values(healthy, "eval_metrics/accuracy")


def test_moved_validation_images_are_to_be_seen(images: Path, tmp_path: Path) -> None:
    edit = ("digits.py", "val=Digits(data, val, mean, std)", "val=Digits(data, val, mean, std, shift=config.shift)")
    bugged = run(images, tmp_path / "job", "digits", edit)
    assert bugged.artifacts["preprocessing"].data["val"]["changed"] > 0
    assert not bugged.artifacts["check_determinism"].data["identical"]


def test_worker_processes_are_counted_in_a_folder_with_a_long_name_too(images: Path, tmp_path: Path) -> None:
    outcome = run(images, tmp_path / ("job" * 30), "digits_workers", checks=False)
    assert outcome.status == "finished"
    assert set(values(outcome, "memory/processes")) == {3.0}
    assert outcome.artifacts["data_order"].data["images_used"] == 16 * len(values(outcome, "loss"))
