"""Runs written and read back: what comes out is what went in, and what is damaged is said to be."""

from __future__ import annotations

import math
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from traces import library
from traces.errors import TraceError
from traces.format import Artifact, Manifest, Verdict
from traces.library import open_run
from traces.writer import write_json, write_run

SIGNALS: dict[str, list[float | None]] = {
    "loss": [5.5, 2.0, math.nan, math.inf],
    "grad_norm": [1.0, None, 3.0, None],
    "grad_norm/logged": [1.0, 2.0, 3.0, 4.0],
    "grad_norm_by_layer/head": [0.5, 0.5, 0.5, 0.5],
    "activations/layer.1": [None, None, None, None],
    "activations/layer.1.head.0": [1.0, 1.5, 2.0, -math.inf],
}


def manifest(**changes: Any) -> Manifest:
    values: dict[str, Any] = {
        "scenario": "some_bug",
        "config_name": "base",
        "profile": "smoke",
        "seed": 0,
        "device": "cpu",
        "device_name": "a processor",
        "versions": {"torch": "2.4"},
        "code_sha256": "c",
        "patch_sha256": "p",
        "corpus_sha256": "d",
        "config": {"lr": 0.003},
        "started": "2026-01-01T00:00:00+00:00",
        "wall_seconds": 1.5,
        "steps": 4,
        "status": "finished",
        "columns": dict.fromkeys(SIGNALS, 1),
        "artifacts": ("config",),
        "facts": {"final_loss": math.nan, "peak_grad_norm": math.inf, "steps": 4, "first_nonfinite_step": None},
    }
    return Manifest(**(values | changes))


def write(path: Path, **changes: Any) -> Path:
    write_run(path, manifest(**changes), range(4), SIGNALS, {"config": Artifact("lr  0.003", {"lr": math.inf})})
    return path


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    return write(tmp_path / "smoke" / "some_bug" / "seed0")


def same(left: float, right: float) -> bool:
    return left == right or (math.isnan(left) and math.isnan(right))


def test_a_run_comes_back_as_it_was(run_folder: Path) -> None:
    run = open_run(run_folder)
    assert run.columns() == list(SIGNALS)
    assert run.columns("grad_norm") == ["grad_norm", "grad_norm/logged"]
    assert run.columns("activations") == ["activations/layer.1", "activations/layer.1.head.0"]
    assert run.columns("activations/layer.1") == ["activations/layer.1"]
    assert run.read("grad_norm") == ((0, 2), (1.0, 3.0))
    assert run.steps("grad_norm") == (0, 2)
    assert run.read("activations/layer.1") == ((), ())
    steps, values = run.read("loss", first=1, last=2)
    assert steps == (1, 2) and values[0] == 2.0 and math.isnan(values[1])
    assert run.read("activations/layer.1.head.0")[1][3] == -math.inf


def test_facts_are_numbers_again_even_when_not_finite(run_folder: Path) -> None:
    facts = open_run(run_folder).manifest.facts
    assert f"{facts['final_loss']:.2f} {facts['peak_grad_norm']:.1f}" == "nan inf"
    assert facts["first_nonfinite_step"] is None


def test_artifacts(run_folder: Path) -> None:
    run = open_run(run_folder)
    assert run.artifact("config") == Artifact("lr  0.003", {"lr": "Infinity"})
    assert run.artifact("samples") is None
    (run_folder / "artifacts" / "config.json").write_text('{"text": "cut o')
    with pytest.raises(TraceError, match=r"config\.json cannot be read"):
        run.artifact("config")
    (run_folder / "artifacts" / "config.json").unlink()
    with pytest.raises(TraceError, match="missing"):
        run.artifact("config")


float32 = st.floats(width=32, allow_nan=True, allow_infinity=True)


@settings(max_examples=40, deadline=None)
@given(
    columns=st.integers(0, 12).flatmap(
        lambda n: st.dictionaries(
            st.from_regex(r"[a-z_]{1,8}(/[a-z]{1,5}(\.[0-9]){0,3})?", fullmatch=True).filter(lambda c: c != "step"),
            st.lists(st.none() | float32, min_size=n, max_size=n),
            max_size=6,
        ).map(lambda found: (n, found))
    )
)
def test_values_survive_through_pandas_and_through_the_reader(
    columns: tuple[int, dict[str, list[float | None]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    pandas = pytest.importorskip("pandas")
    n, signals = columns
    path = tmp_path_factory.mktemp("runs") / "smoke" / "some_bug" / "seed0"
    write_run(path, manifest(columns=dict.fromkeys(signals, 1), artifacts=()), range(n), signals, {})
    run = open_run(path)
    frame = pandas.read_parquet(path / "signals.parquet")
    assert list(frame.columns) == ["step", *signals]
    for column, values in signals.items():
        steps, read = run.read(column)
        assert steps == tuple(i for i, value in enumerate(values) if value is not None)
        kept = [value for value in values if value is not None]
        assert all(same(a, b) for a, b in zip(read, kept, strict=True))
        assert str(frame[column].dtype) == "float32"
        assert all(same(float(a), math.nan if b is None else b) for a, b in zip(frame[column], values, strict=True))


def test_reading_a_column_touches_no_other(tmp_path: Path) -> None:
    """With all other columns' bytes destroyed, the one asked for still reads."""
    import pyarrow.parquet as pq

    path = write(tmp_path / "smoke" / "some_bug" / "seed0")
    file = path / "signals.parquet"
    layout = pq.ParquetFile(file).metadata.row_group(0)
    data = bytearray(file.read_bytes())
    for i in range(layout.num_columns):
        column = layout.column(i)
        if column.path_in_schema not in ("step", "loss"):
            start = column.data_page_offset
            data[start : start + column.total_compressed_size] = bytes(column.total_compressed_size)
    file.write_bytes(data)
    run = open_run(path)
    assert run.read("loss")[1][:2] == (5.5, 2.0)
    with pytest.raises(TraceError, match="cannot be read"):
        run.read("grad_norm_by_layer/head")


@pytest.mark.parametrize("keep", [0, 3, 40, -1, -20])
def test_a_truncated_file_is_said_to_be_so(run_folder: Path, keep: int) -> None:
    file = run_folder / "signals.parquet"
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(TraceError) as caught:
        open_run(run_folder).read("loss")
    assert "signals.parquet" in str(caught.value) and "\n" not in str(caught.value)


def test_a_missing_file_or_column_is_said_to_be_missing(run_folder: Path) -> None:
    with pytest.raises(TraceError, match="no column 'grad'"):
        open_run(run_folder).read("grad")
    (run_folder / "signals.parquet").unlink()
    with pytest.raises(TraceError, match=r"signals\.parquet is missing"):
        open_run(run_folder).columns()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 99}, "is of format 99"),
        ({"colour": "red"}, "unknown field `colour`"),
        ({"status": "asleep"}, "status"),
        ({"seed": None}, "seed"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(run_folder: Path, change: dict[str, Any], said: str) -> None:
    file = run_folder / "manifest.json"
    file.write_bytes(msgspec.json.encode(msgspec.json.decode(file.read_bytes()) | change))
    with pytest.raises(TraceError, match=said) as caught:
        open_run(run_folder)
    assert "\n" not in str(caught.value)


def test_no_manifest_no_run(run_folder: Path, tmp_path: Path) -> None:
    (run_folder / "manifest.json").write_bytes(b"\xff\xfe")
    with pytest.raises(TraceError, match="cannot be read"):
        open_run(run_folder)
    (run_folder / "manifest.json").unlink()
    with pytest.raises(TraceError, match="is missing"):
        open_run(run_folder)
    with pytest.raises(TraceError, match="no recorded run at"):
        open_run(tmp_path / "nowhere")


def test_an_artifact_id_cannot_lead_out_of_the_run(run_folder: Path) -> None:
    file = run_folder / "manifest.json"
    raw = msgspec.json.decode(file.read_bytes())
    file.write_bytes(msgspec.json.encode(raw | {"artifacts": ["../../secret"]}))
    with pytest.raises(TraceError, match="no id"):
        open_run(run_folder).artifact("../../secret")


def test_finding_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert library.runs(tmp_path / "nowhere") == []
    for name in ("smoke/some_bug/seed1", "smoke/some_bug/seed0-lower_lr", "cpu/healthy.base/seed0", "cpu/x/notes"):
        write(tmp_path / name)
    (tmp_path / "cpu" / "x" / "seed3").mkdir()
    found = [(ref.profile, ref.name, ref.seed, ref.variant) for ref in library.runs(tmp_path)]
    assert found == [
        ("cpu", "healthy.base", 0, None),
        ("smoke", "some_bug", 0, "lower_lr"),
        ("smoke", "some_bug", 1, None),
    ]
    monkeypatch.setenv("FLATLINE_TRACES", str(tmp_path))
    assert library.root() == tmp_path and len(library.runs()) == 3
    for ref in library.runs():
        assert library.run_path(tmp_path, ref.profile, ref.name, ref.seed, ref.variant) == ref.path


def test_the_baseline_is_the_healthy_run_of_the_same_configuration_and_seed(tmp_path: Path) -> None:
    bugged = open_run(write(tmp_path / "smoke/some_bug/seed0"))
    assert library.baseline_of(bugged) is None
    healthy = write(tmp_path / "smoke/healthy.base/seed0", scenario=None)
    write(tmp_path / "smoke/healthy.base/seed1", scenario=None, seed=1)
    rerun = open_run(write(tmp_path / "smoke/some_bug/seed0-lower_lr", variant="lower_lr"))
    for run in (bugged, rerun):
        baseline = library.baseline_of(run)
        assert baseline is not None and baseline.path == healthy
    assert library.baseline_of(open_run(healthy)) is None
    write(tmp_path / "smoke/healthy.base/seed0", scenario=None, corpus_sha256="another text")
    assert library.baseline_of(bugged) is None


def test_verdict(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="gen-traces verify"):
        library.verdict("some_bug", "smoke", tmp_path)
    stored = Verdict(
        scenario="some_bug",
        profile="smoke",
        seeds=(0,),
        band_seeds=(0, 1),
        betrayals=(),
        checks={"check_causality": True},
        passed=True,
        reason="a check differs",
    )
    write_json(tmp_path / "smoke" / "some_bug" / "verdict.json", stored)
    assert library.verdict("some_bug", "smoke", tmp_path) == stored


def test_a_run_that_cannot_be_written_leaves_the_old_one(run_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: Any, **kwargs: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pyarrow.parquet.write_table", full)
    with pytest.raises(TraceError, match="No space left"):
        write(run_folder)
    assert open_run(run_folder).read("loss", last=1)[1] == (5.5, 2.0)
    assert [path.name for path in run_folder.parent.iterdir()] == ["seed0"]


def test_writing_again_replaces(run_folder: Path) -> None:
    write_run(run_folder, manifest(columns={}, artifacts=()), [], {}, {})
    assert open_run(run_folder).columns() == []
    assert [path.name for path in run_folder.parent.iterdir()] == ["seed0"]


@pytest.mark.parametrize(
    ("signals", "artifacts", "said"),
    [
        (SIGNALS | {"loss": [1.0]}, {"config": Artifact("")}, "1 values for 4 steps"),
        (SIGNALS | {"more": [1.0] * 4}, {"config": Artifact("")}, "disagree about 'more'"),
        (SIGNALS, {}, "disagree about 'config'"),
        (SIGNALS | {"step": [1.0] * 4}, {"config": Artifact("")}, "`step`"),
    ],
)
def test_a_run_that_contradicts_its_manifest_is_not_written(
    tmp_path: Path, signals: dict[str, list[float | None]], artifacts: dict[str, Artifact], said: str
) -> None:
    with pytest.raises(TraceError, match=said):
        write_run(tmp_path / "run", manifest(), range(4), signals, artifacts)
    assert not (tmp_path / "run").exists()


def test_reading_needs_neither_torch_nor_pandas(run_folder: Path) -> None:
    code = (
        "import sys; from traces.library import open_run, runs; "
        "assert 'pyarrow' not in sys.modules; "
        f"run = open_run({str(run_folder)!r}); run.artifact('config'); assert 'pyarrow' not in sys.modules; "
        "run.read('loss'); assert not {'torch', 'pandas'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_bundled_size_run_stays_small(tmp_path: Path) -> None:
    """300 steps and 140 columns of noise, a third of them at every step: float32 and little else."""
    import random

    rng = random.Random(0)
    columns = {
        f"c/layer.{i}": [rng.random() if not i % 3 or not s % 5 else None for s in range(300)] for i in range(140)
    }
    write_run(tmp_path / "r", manifest(columns=dict.fromkeys(columns, 1), artifacts=()), range(300), columns, {})
    held = sum(value is not None for values in columns.values() for value in values) * struct.calcsize("f")
    assert (tmp_path / "r" / "signals.parquet").stat().st_size < held + 140 * 300
