"""Exports are read back by a reader of their own: records, checksums and protobuf fields from the specification."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gen_traces import export, tensorboard
from traces import library
from traces.format import Artifact, Manifest
from traces.writer import write_run

STARTED = 1767323045  # 2026-01-02T03:04:05Z


def crc_by_bits(data: bytes) -> int:
    """CRC-32C from its definition, a bit at a time."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 * (crc & 1))
    return ~crc & 0xFFFFFFFF


def unmask(value: int) -> int:
    rotated = (value - 0xA282EAD8) % 2**32
    return ((rotated >> 17) | (rotated << 15)) % 2**32


def records(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        (length,) = struct.unpack_from("<Q", data, at)
        (length_crc,) = struct.unpack_from("<I", data, at + 8)
        payload = data[at + 12 : at + 12 + length]
        (payload_crc,) = struct.unpack_from("<I", data, at + 12 + length)
        assert unmask(length_crc) == crc_by_bits(data[at : at + 8])
        assert unmask(payload_crc) == crc_by_bits(payload)
        yield payload
        at += 16 + length
    assert at == len(data)


def varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            return value, at


def fields(data: bytes) -> Iterator[tuple[int, Any]]:
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        number, kind = divmod(key, 8)
        if kind == 0:
            value, at = varint(data, at)
            yield number, value
        elif kind == 2:
            length, at = varint(data, at)
            yield number, data[at : at + length]
            at += length
        else:
            form, size = {1: ("<d", 8), 5: ("<f", 4)}[kind]
            yield number, struct.unpack_from(form, data, at)[0]
            at += size


def scalars(data: bytes) -> list[tuple[float, int, dict[str, float]]]:
    """(wall time, step, values by tag) of every event after the one that opens the file."""
    first, *rest = records(data)
    opening = dict(fields(first))
    assert opening[3] == b"brain.Event:2" and opening[1] == STARTED
    result = []
    for payload in rest:
        event = dict(fields(payload))
        values = [dict(fields(value)) for _, value in fields(event[5])]
        result.append((event[1], event[2], {value[1].decode(): value[2] for value in values}))
    return result


SIGNALS: dict[str, list[float | None]] = {
    "loss": [5.5, 4.0, math.nan, math.inf],
    "lr/group.0": [1e-3, 2e-3, 3e-3, 3e-3],
    "lr/group.1": [1.0, 1.0, 1.0, 1.0],
    "grad_norm": [1.5, 0.5, math.nan, math.nan],
    "val_loss": [5.6, None, 4.5, None],
    "activations/layer.3": [None, 2.0, None, -math.inf],
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, scenario in (("healthy.base", None), ("healthy.sgd", None)):
        manifest = Manifest(
            scenario=scenario, config_name="base", profile="cpu", seed=0, device="cpu", device_name="a processor",
            versions={}, code_sha256="0", patch_sha256="0", corpus_sha256="0",
            config={"steps": 8, "eval_every": 2, "micro_batch": 4, "checkpoint_every": 100},
            started="2026-01-02T03:04:05+00:00", wall_seconds=2.0, steps=4, status="crashed",
            columns=dict.fromkeys(SIGNALS, 1), artifacts=("log",), facts={},
        )  # fmt: skip
        path = library.run_path(tmp_path / "traces", "cpu", name, 0)
        write_run(path, manifest, [0, 1, 2, 3], SIGNALS, {"log": Artifact("text")})
    return tmp_path / "traces"


def test_crc32c_of_known_texts() -> None:
    assert tensorboard.crc32c(b"123456789") == 0xE3069283
    assert tensorboard.crc32c(bytes(32)) == 0x8A9136AA  # RFC 3720, B.4
    assert tensorboard.crc32c(b"") == 0


@given(
    step=st.integers(0, 2**40),
    values=st.dictionaries(st.text(max_size=200), st.floats(width=32, allow_nan=False), max_size=5),
)
def test_any_event_is_read_back(step: int, values: dict[str, float]) -> None:
    (payload,) = records(tensorboard.record(tensorboard.scalar_event(1.5, step, values)))
    event = dict(fields(payload))
    found = [dict(fields(value)) for _, value in fields(event[5])]
    assert (event[1], event[2]) == (1.5, step)
    assert {value[1].decode(): value[2] for value in found} == values


def test_a_run_in_tensorboards_form(root: Path, tmp_path: Path) -> None:
    assert export.run(["healthy.base"], tmp_path / "out", "cpu", ["tensorboard"], root) == 0
    (path,) = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert path.parent == tmp_path / "out" / "cpu" / "healthy.base" / "seed0" and "tfevents" in path.name
    events = scalars(path.read_bytes())
    assert [(wall, step) for wall, step, _ in events] == [(STARTED + 0.5 * i, i) for i in range(4)]
    for i, (_, _, values) in enumerate(events):
        expected = {name: column[i] for name, column in SIGNALS.items() if column[i] is not None}
        assert values == pytest.approx(expected, nan_ok=True)


def test_a_run_in_trainers_form(root: Path, tmp_path: Path) -> None:
    assert export.run([], tmp_path / "out", "cpu", ["trainer_state"], root) == 0
    text = (tmp_path / "out" / "cpu" / "healthy.sgd" / "seed0" / "trainer_state.json").read_text()
    assert '"loss": NaN' in text and '"loss": Infinity' in text
    state = json.loads(text)
    assert (state["global_step"], state["max_steps"], state["epoch"]) == (4, 8, 0.5)
    training = [entry for entry in state["log_history"] if "loss" in entry]
    assert [entry["step"] for entry in training] == [1, 2, 3, 4]
    assert training[1] == {
        "step": 2, "epoch": 0.25, "loss": 4.0, "learning_rate": pytest.approx(2e-3), "grad_norm": 0.5
    }  # fmt: skip
    assert math.isnan(training[2]["grad_norm"])
    evaluations = [entry for entry in state["log_history"] if "eval_loss" in entry]
    assert [(entry["step"], entry["eval_loss"]) for entry in evaluations] == [(0, pytest.approx(5.6)), (2, 4.5)]
    assert [entry["step"] for entry in state["log_history"]] == [0, 1, 2, 2, 3, 4]
    assert state["best_metric"] == 4.5


def test_exporting_again_replaces_the_files(root: Path, tmp_path: Path) -> None:
    for _ in range(2):
        assert export.run([], tmp_path / "out", "cpu", root=root) == 0
    assert len([path for path in (tmp_path / "out").rglob("*") if path.is_file()]) == 4


def test_bad_input_is_one_line(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    for arguments, said in (
        ((["healthy.base"], tmp_path / "out", "cpu", ["csv"], root), "csv"),
        ((["healthy.none"], tmp_path / "out", "cpu", export.FORMS, root), "healthy.none"),
        (([], tmp_path / "out", "gpu", export.FORMS, root), "gen-traces list"),
        (([], blocked, "cpu", export.FORMS, root), "cannot be written"),
    ):
        assert export.run(*arguments) == 2
        error = capsys.readouterr().err
        assert said in error and error.count("\n") == 1
