"""`gen-traces export`: recorded runs for other tools, TensorBoard and whatever reads Trainer's state."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal, get_args

from gen_traces import tensorboard, trainer_state
from gen_traces.errors import RecordingError
from scenarios import catalog
from scenarios.errors import ScenarioError
from traces import library
from traces.errors import TraceError
from traces.library import Run

Form = Literal["tensorboard", "trainer_state"]
FORMS: tuple[Form, ...] = get_args(Form)


def run(
    names: Sequence[str],
    out: Path | str,
    profile: str = "cpu",
    forms: Sequence[str] = FORMS,
    root: Path | str | None = None,
    seeds: Sequence[int] | None = None,
) -> int:
    """Export the runs of the named scenarios and of healthy configurations (`healthy.base`); all without a name.

    Each run gets a folder PROFILE/NAME/seedK below `out`. Returns 0, or 2 for bad input (said in one line on stderr).
    """
    base = Path(root) if root is not None else library.root()
    try:
        unknown = [form for form in forms if form not in FORMS]
        if unknown:
            raise RecordingError(f"{unknown[0]!r} is no export format; there are {' and '.join(FORMS)}")
        wanted = {name if name.startswith(library.HEALTHY) else catalog.find(name) for name in names}
        refs = [
            ref
            for ref in library.runs(base)
            if ref.profile == profile and (not wanted or ref.name in wanted) and (seeds is None or ref.seed in seeds)
        ]
        absent = sorted(wanted - {ref.name for ref in refs})
        if absent or not refs:
            raise RecordingError(
                f"no recorded runs of {absent[0] if absent else 'anything'} in profile {profile} below {base}; "
                "`gen-traces list` shows what there is"
            )
        for ref in refs:
            folder = Path(out) / ref.path.relative_to(base)
            for path in export(library.open_run(ref.path), folder, forms):
                print(path)
    except (RecordingError, ScenarioError, TraceError) as error:
        print(f"gen-traces: {error}", file=sys.stderr)
        return 2
    return 0


def export(run: Run, folder: Path, forms: Sequence[str] = FORMS) -> list[Path]:
    """Write a run's files into `folder`, each complete or not at all. Raises TraceError."""
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if "tensorboard" in forms:
            # TensorBoard adds files of one folder up: an export that is repeated must replace its file.
            started = int(started_at(run))
            written.append(_write(folder / f"events.out.tfevents.{started}.flatline", b"".join(event_records(run))))
        if "trainer_state" in forms:
            text = trainer_state.to_json(trainer_state.trainer_state(run))
            written.append(_write(folder / "trainer_state.json", text.encode()))
    except OSError as error:
        raise TraceError(f"{folder} cannot be written: {error.strerror or error}") from None
    return written


def event_records(run: Run) -> Iterator[bytes]:
    """The records of a TensorBoard file: every column, one event per step; wall time runs evenly over the run."""
    started = started_at(run)
    yield tensorboard.record(tensorboard.version_event(started))
    by_step: dict[int, dict[str, float]] = {}
    for column in run.columns():
        for step, value in zip(*run.read(column), strict=True):
            by_step.setdefault(step, {})[column] = value
    pace = run.manifest.wall_seconds / max(len(by_step), 1)
    for i, step in enumerate(sorted(by_step)):
        yield tensorboard.record(tensorboard.scalar_event(started + i * pace, step, by_step[step]))


def started_at(run: Run) -> float:
    """Seconds since 1970. Raises TraceError when the manifest's start is no time."""
    try:
        return datetime.fromisoformat(run.manifest.started).timestamp()
    except ValueError:
        raise TraceError(f"{run.path}: `started` is no time: {run.manifest.started!r}") from None


def _write(path: Path, data: bytes) -> Path:
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_bytes(data)
    os.replace(unfinished, path)
    return path
