"""Writing a run: complete or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from traces.errors import TraceError
from traces.format import Artifact, Manifest
from traces.library import ARTIFACTS, MANIFEST, NAME, SIGNALS
from traces.plain import to_plain


def write_run(
    path: Path | str,
    manifest: Manifest,
    steps: Sequence[int],
    signals: Mapping[str, Sequence[float | None]],
    artifacts: Mapping[str, Artifact],
) -> None:
    """Write a run folder at `path`, replacing a run that lies there already.

    `signals` holds for every column one value per entry of `steps`, None where it was not measured. The columns and
    artifacts must be those that `manifest` announces. The folder appears under its name only when it is whole.
    Raises TraceError.
    """
    folder = Path(path)
    _check(manifest, steps, signals, artifacts)
    unfinished = folder.parent / f".{folder.name}.unfinished"
    replaced = folder.parent / f".{folder.name}.replaced"
    try:
        for leftover in (unfinished, replaced):
            shutil.rmtree(leftover, ignore_errors=True)
        (unfinished / ARTIFACTS).mkdir(parents=True)
        _write_signals(unfinished / SIGNALS, steps, signals)
        for id, artifact in artifacts.items():
            _write_json(unfinished / ARTIFACTS / f"{id}.json", artifact)
        _write_json(unfinished / MANIFEST, manifest)
        if folder.exists():
            os.replace(folder, replaced)
        os.replace(unfinished, folder)
        shutil.rmtree(replaced, ignore_errors=True)
    except OSError as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise TraceError(f"{folder} cannot be written: {error.strerror or error}") from None


def write_json(path: Path | str, value: msgspec.Struct) -> None:
    """Write one value (a verdict, a manifest) as a JSON file, atomically. Raises TraceError."""
    target = Path(path)
    unfinished = target.with_name(f".{target.name}.unfinished")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _write_json(unfinished, value)
        os.replace(unfinished, target)
    except OSError as error:
        raise TraceError(f"{target} cannot be written: {error.strerror or error}") from None


def _check(
    manifest: Manifest,
    steps: Sequence[int],
    signals: Mapping[str, Sequence[float | None]],
    artifacts: Mapping[str, Artifact],
) -> None:
    if "step" in signals:
        raise TraceError("`step` is the name of the step column and cannot be a signal")
    uneven = [name for name, values in signals.items() if len(values) != len(steps)]
    if uneven:
        raise TraceError(f"signal {uneven[0]!r} has {len(signals[uneven[0]])} values for {len(steps)} steps")
    if set(signals) != set(manifest.columns):
        raise TraceError(f"manifest and signals disagree about {sorted(set(signals) ^ set(manifest.columns))[0]!r}")
    if set(artifacts) != set(manifest.artifacts):
        raise TraceError(
            f"manifest and artifacts disagree about {sorted(set(artifacts) ^ set(manifest.artifacts))[0]!r}"
        )
    bad = [id for id in artifacts if not NAME.fullmatch(id)]
    if bad:
        raise TraceError(f"{bad[0]!r} is no id for an artifact")


def _write_signals(path: Path, steps: Sequence[int], signals: Mapping[str, Sequence[float | None]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {"step": pa.array(steps, type=pa.int32())}
    # from_pandas=False keeps NaN a value; only None becomes null.
    columns |= {name: pa.array(values, type=pa.float32(), from_pandas=False) for name, values in signals.items()}
    # A run has more columns than rows are long: per-column statistics and dictionaries would outweigh the data.
    pq.write_table(
        pa.table(columns),
        path,
        compression="zstd",
        compression_level=9,
        use_dictionary=False,
        use_byte_stream_split=list(signals),
        write_statistics=False,
        store_schema=False,
    )


def _write_json(path: Path, value: msgspec.Struct) -> None:
    path.write_bytes(msgspec.json.encode(to_plain(msgspec.to_builtins(value))) + b"\n")
