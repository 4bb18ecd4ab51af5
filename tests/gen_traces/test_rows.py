"""From rows to what is stored: merging, cadences, rounding, facts, profiles."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gen_traces import facts, profiles, results, thrift
from gen_traces.errors import RecordingError
from gen_traces.results import Report, Rows


def test_rows_of_a_step_are_put_together_and_a_cut_off_line_is_left_out(tmp_path: Path) -> None:
    lines = [
        {"step": 0, "values": {"val_loss": 5.0}},
        {"step": 0, "values": {"loss": 4.0}},
        {"step": 1, "values": {"loss": math.nan, "a/layer.10": 1.0, "a/layer.2": 2.0}},
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in lines) + '\n{"step": 2, "val')
    rows = results.read_rows(path)
    assert rows.steps == (0, 1)
    assert list(rows.signals) == ["a/layer.2", "a/layer.10", "loss", "val_loss"]
    assert rows.signals["val_loss"] == [5.0, None] and rows.series("a/layer.2") == [(1, 2.0)]
    assert rows.series("loss")[0] == (0, 4.0) and math.isnan(rows.series("loss")[1][1])
    assert results.read_rows(tmp_path / "none") == Rows((), {})


def test_without_a_report_the_cadence_is_seen_from_the_measurements() -> None:
    rows = Rows(tuple(range(11)), {"a": [1.0] * 11, "b": [1.0 if step % 5 == 0 else None for step in range(11)]})
    assert results.cadences(rows, None) == {"a": 1, "b": 5}


def test_what_the_job_measured_at_its_own_occasions_has_their_usual_distance() -> None:
    values = [1.0 if step in (3, 6, 9, 10) else None for step in range(11)]
    report = Report(
        error=None,
        steps=11,
        columns={"val_loss": 0},
        config={},
        device_name="",
        versions={},
        facts={},
        observer_seconds=0.0,
    )
    assert results.cadences(Rows(tuple(range(11)), {"val_loss": values}), report) == {"val_loss": 3}


@given(st.lists(st.none() | st.floats(width=32), max_size=20))
def test_rounding_keeps_a_part_in_eight_thousand_and_everything_that_is_not_a_number(
    values: list[float | None],
) -> None:
    for before, after in zip(values, thrift.rounded(values), strict=True):
        if before is None or math.isnan(before):
            assert after is before or (after is not None and math.isnan(after))
        elif math.isinf(before) or before == 0:
            assert after == before
        elif 1e-30 < abs(before) < 3e38:
            assert after == pytest.approx(before, rel=2**-13)


def test_only_curves_of_parts_are_rounded() -> None:
    value = 1 + 2**-20
    columns = ["loss", "grad_norm", "lr/group.0", "nonfinite/grads", "activations/layer.0"]
    kept = thrift.thrifty({column: [value] for column in columns})
    assert [kept[column][0] == value for column in columns] == [True, True, True, True, False]


def test_facts_are_taken_from_the_rows() -> None:
    n = 60
    loss: list[float | None] = [6.0 - 0.05 * step for step in range(n)]
    loss[3] = 9.0
    signals: dict[str, list[float | None]] = {
        "loss": loss,
        "val_loss": [5.0] + [None] * 58 + [3.5],
        "grad_norm": [*[1.0] * 30, 7.0, *[1.0] * 29],
        "nonfinite/grads": [0.0] * n,
    }
    rows = Rows(tuple(range(n)), signals)
    found = facts.run_facts(rows, {"lr": 0.003, "qk_norm": True}, {"parameters": 10})
    assert found["lr"] == 0.003 and found["parameters"] == 10 and "qk_norm" not in found
    assert found["initial_loss"] == 6.0 and found["loss_at_50"] == pytest.approx(3.5)
    assert found["final_loss"] == pytest.approx(sum(6.0 - 0.05 * step for step in range(40, 60)) / 20)
    assert (found["max_loss"], found["max_loss_step"]) == (9.0, 3) and found["min_loss_step"] == 59
    assert (found["initial_val_loss"], found["final_val_loss"]) == (5.0, 3.5)
    assert (found["peak_grad_norm"], found["peak_grad_norm_step"]) == (7.0, 30)
    assert found["first_nonfinite_step"] is None and "loss_at_100" not in found


def test_facts_of_a_run_that_broke() -> None:
    rows = Rows((0, 1, 2), {"loss": [5.0, math.nan, math.nan], "nonfinite/activations": [0.0, 12.0, 12.0]})
    found = facts.run_facts(rows, {}, {})
    assert found["first_nonfinite_step"] == 1 and found["last_finite_loss"] == 5.0
    final = found["final_loss"]
    assert isinstance(final, float) and math.isnan(final)
    assert facts.run_facts(Rows((), {}), {}, {})["steps"] == 0


def test_effective_configuration_is_defaults_then_file_then_overrides() -> None:
    code = {
        "config.py": "class Config:\n    a: int = 1\n    b: int = 2\n    c: int = 3\n",
        "configs/x.yaml": "b: 20\nc: 30\n",
    }
    assert profiles.effective(code, "x", {"c": 300}) == {"a": 1, "b": 20, "c": 300}
    patched = code | {"config.py": code["config.py"].replace("a: int = 1", "a: int = 9")}
    profiles.check_overrides(code, patched, "x", {"b": 0}, "the patch")
    with pytest.raises(RecordingError, match="the patch changes the configuration key `a`"):
        profiles.check_overrides(code, patched, "x", {"a": 0}, "the patch")
    with pytest.raises(RecordingError, match="no configuration 'y': the training code has x"):
        profiles.effective(code, "y", {})


def test_a_broken_file_of_profiles_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("smoke: {device: cpu, seeds: [0], timeout: 1, about: x, colour: red}")
    with pytest.raises(RecordingError, match="colour") as caught:
        profiles.load_profiles(tmp_path / "p.yaml")
    assert "\n" not in str(caught.value)
