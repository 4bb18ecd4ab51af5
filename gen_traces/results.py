"""What a job's process leaves in its result folder, as the recorder reads it, whatever became of the process."""

from __future__ import annotations

import itertools
import json
import re
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from traces.format import Artifact

ROWS, REPORT, ARTIFACTS = "rows.jsonl", "report.json", "artifacts"
# Opens the part of a decoded batch that shows another step in every run and is not compared.
HIGHEST = "the batch whose loss was highest above the running average:"
CONSOLE, AFTERWARDS, FAILURE = "console.txt", "afterwards.txt", "failure.txt"


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Written by the child when it comes to its end. `error` is the exception the job died of, one line.

    `columns` maps each column to its cadence in steps, 0 where the job itself chose the occasions; `steps` counts
    optimizer steps that were logged.
    """

    error: str | None
    steps: int
    columns: dict[str, int]
    config: dict[str, Any]
    device_name: str
    versions: dict[str, str]
    facts: dict[str, Any]
    observer_seconds: float
    notes: tuple[str, ...] = ()


class Rows(msgspec.Struct, frozen=True):
    """`signals` holds for every column one value per entry of `steps`, None where it was not measured."""

    steps: tuple[int, ...]
    signals: dict[str, list[float | None]]

    def series(self, column: str) -> list[tuple[int, float]]:
        values = self.signals.get(column, [])
        return [(step, value) for step, value in zip(self.steps, values, strict=False) if value is not None]


def read_rows(path: Path) -> Rows:
    """Rows of a `rows.jsonl`, parts of the same step put together; a last line that was cut off is left out."""
    rows: dict[int, dict[str, float]] = {}
    if path.is_file():
        for line in path.read_text().splitlines():
            try:
                row = json.loads(line)
            except ValueError:
                break
            rows.setdefault(int(row["step"]), {}).update(row["values"])
    steps = tuple(sorted(rows))
    columns = sorted({column for row in rows.values() for column in row}, key=_natural)
    return Rows(steps, {column: [rows[step].get(column) for step in steps] for column in columns})


def read_report(path: Path) -> Report | None:
    """The child's report; None when the process was killed before it could write one."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Report)
    except (OSError, msgspec.DecodeError):
        return None


def read_artifacts(folder: Path) -> dict[str, Artifact]:
    """All artifacts that were written whole."""
    found = {}
    for path in sorted(folder.glob("*.json")):
        try:
            found[path.stem] = msgspec.json.decode(path.read_bytes(), type=Artifact)
        except (OSError, msgspec.DecodeError):
            continue
    return found


def cadences(rows: Rows, report: Report | None) -> dict[str, int]:
    """The cadence of every column: as reported, else the usual distance between its measurements."""
    known: Mapping[str, int] = report.columns if report else {}
    return {column: known.get(column) or _spacing([step for step, _ in rows.series(column)]) for column in rows.signals}


def _spacing(steps: Sequence[int]) -> int:
    return statistics.mode([b - a for a, b in itertools.pairwise(steps)] or [1])


def _natural(column: str) -> list[tuple[int, int | str]]:
    return [(0, int(part)) if part.isdigit() else (1, part) for part in re.split(r"(\d+)", column) if part]
