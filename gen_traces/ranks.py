"""A job of several processes: how they find one another, and what their results make together. Needs no torch."""

from __future__ import annotations

import socket
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from gen_traces import results
from gen_traces.results import Report, Rows
from traces.format import Artifact

SERVED = "served"  # the rows a rank used, for the others; no diagnostic
WEIGHTS = "weights"  # a checksum of a rank's parameters, compared and then left out
SHOWN = ("loss", "grad_norm", "grad_norm_synced", WEIGHTS)
LINES, WIDTH = 28, 78


def column(what: str, rank: int) -> str:
    return f"per_rank/{what}/rank.{rank}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(rank: int, size: int, port: int) -> dict[str, str]:
    """What torchrun tells each of its processes."""
    return {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(size),
        "LOCAL_WORLD_SIZE": str(size),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }


def out_of(out: Path, rank: int) -> Path:
    """The result folder of a rank, given that of rank 0."""
    return out / f"rank.{rank}" if rank else out


class Gathered(msgspec.Struct, frozen=True):
    """The results of all ranks as those of one job."""

    rows: Rows
    artifacts: dict[str, Artifact]
    report: Report | None


def gather(out: Path, size: int) -> Gathered:
    """What all ranks left; a rank that was killed left less. The report is rank 0's, its error the first of all."""
    folders = {rank: out_of(out, rank) for rank in range(size)}
    reports = {rank: results.read_report(folder / results.REPORT) for rank, folder in folders.items()}
    found = {rank: results.read_artifacts(folder / results.ARTIFACTS) for rank, folder in folders.items()}
    served = {rank: artifacts.pop(SERVED).data for rank, artifacts in found.items() if SERVED in artifacts}
    rows = merged({rank: results.read_rows(folder / results.ROWS) for rank, folder in folders.items()})
    table = per_rank_artifact(rows, size)
    rows = summed_up(rows, size, served)
    artifacts, report = found[0], reports[0]
    if table is not None:
        artifacts["per_rank"] = table
    if trace := stack_trace(folders, found):
        artifacts["stack_trace"] = trace
        if report is not None:
            first = reports[trace.data["rank"]]
            report = msgspec.structs.replace(report, error=(first.error if first else None) or report.error)
    return Gathered(rows, artifacts, report)


def merged(by_rank: Mapping[int, Rows]) -> Rows:
    """The rows of rank 0 with the columns that the other ranks have of themselves."""
    steps = tuple(sorted({step for rows in by_rank.values() for step in rows.steps}))
    signals: dict[str, list[float | None]] = {}
    for rows in by_rank.values():
        for name in rows.signals:
            at = dict(rows.series(name))
            signals[name] = [at.get(step) for step in steps]
    return Rows(steps, signals)


def summed_up(rows: Rows, size: int, served: Mapping[int, Mapping[str, list[int]]]) -> Rows:
    """Checksums are counted: `per_rank/distinct_weights`; and rows on two ranks at once: `per_rank/shared_rows`."""
    signals = dict(rows.signals)
    sums = [signals.pop(name) for rank in range(size) if (name := column(WEIGHTS, rank)) in signals]
    if len(sums) == size > 1:
        signals["per_rank/distinct_weights"] = [
            float(len(set(held))) if None not in held else None for held in zip(*sums, strict=True)
        ]
    if len(served) == size > 1:
        signals["per_rank/shared_rows"] = [_shared(served, str(step)) for step in rows.steps]
    return Rows(rows.steps, signals)


def _shared(served: Mapping[int, Mapping[str, list[int]]], step: str) -> float | None:
    if not all(step in rows for rows in served.values()):
        return None
    held = [set(rows[step]) for rows in served.values()]
    return float(sum(map(len, held)) - len(set.union(*held)))


def per_rank_artifact(rows: Rows, size: int) -> Artifact | None:
    """A table of the ranks beside each other at some steps; None when no rank measured anything."""
    series = {(what, rank): dict(rows.series(column(what, rank))) for what in SHOWN for rank in range(size)}
    steps = sorted({step for at in series.values() for step in at})
    if not steps:
        return None
    count = max(2, LINES // size)
    wanted = [0, 1, 2, *(round(i * (len(steps) - 1) / (count - 3)) for i in range(1, count - 2))]
    shown = sorted({steps[i] for i in wanted if i < len(steps)})[:count]
    lines = ["of each rank: its own loss and gradient norm, the norm after the exchange,", "a checksum of its weights"]
    lines.append("\nstep  rank    loss  grad norm  after exchange  weights")
    data: list[list[Any]] = []
    for step in shown:
        for rank in range(size):
            values = [series[what, rank].get(step) for what in SHOWN]
            data.append([step, rank, *values])
            own, norm, synced = (f"{value:.4f}" if value is not None else "-" for value in values[:3])
            held = f"{int(values[3]):08x}" if values[3] is not None else "-"
            lines.append(f"{step:>4}  {rank:>4}  {own:>6}  {norm:>9}  {synced:>14}  {held}")
    return Artifact("\n".join(lines), data)


def stack_trace(folders: Mapping[int, Path], found: Mapping[int, Mapping[str, Artifact]]) -> Artifact | None:
    """The traceback of the rank that failed first, and how the others ended."""
    failed = [rank for rank, artifacts in found.items() if "stack_trace" in artifacts]
    if not failed:
        return None
    failed.sort(key=lambda rank: (folders[rank] / results.ARTIFACTS / "stack_trace.json").stat().st_mtime_ns)
    first = found[failed[0]]["stack_trace"]
    if len(folders) == 1:
        return Artifact(first.text, dict(first.data) | {"rank": 0})
    lines = [f"rank {failed[0]}:", first.text]
    if failed[1:]:
        lines.append("")
    for rank in failed[1:]:
        last = found[rank]["stack_trace"].text.strip().splitlines()[-1]
        lines += textwrap.wrap(f"rank {rank}, later: {last}", WIDTH, subsequent_indent="  ")
    return Artifact("\n".join(lines), dict(first.data) | {"rank": failed[0]})
