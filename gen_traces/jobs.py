"""Running one job: its files in a work folder of its own, in a process of its own, for a limited time."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from threading import Event
from typing import Any, Literal

import msgspec

from gen_traces import results
from gen_traces.errors import RecordingError
from gen_traces.results import Report, Rows
from gen_traces.tracebacks import without_paths
from traces.format import Artifact

Status = Literal["finished", "crashed", "timeout"]
CONSOLE_LINES = 60
POLL = 0.1


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """`source` maps paths to texts, `config_name` names one of its configurations, `timeout` is in seconds."""

    source: dict[str, str]
    config_name: str
    overrides: dict[str, Any]
    corpus: Path
    device: str = "cpu"
    timeout: float = 600.0
    checks: bool = True


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a job. A crash is an outcome like any other; `report` is None when the process was killed."""

    status: Status
    wall_seconds: float
    rows: Rows
    artifacts: dict[str, Artifact]
    console: str
    report: Report | None


class Interrupted(Exception):
    """The recording was told to stop; the job's processes are gone and nothing of it is kept."""


def lay_out(source: Mapping[str, str], folder: Path) -> None:
    """Write a source into a fresh folder. Raises RecordingError for a path that leads out of it."""
    for name, text in source.items():
        pure = PurePosixPath(name)
        if pure.is_absolute() or ".." in pure.parts:
            raise RecordingError(f"{name!r} lies outside the job's folder")
        path = folder / pure
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def environment(**more: str) -> dict[str, str]:
    """The environment of every process a recording starts: one thread, fixed hashes, no leftovers of this one."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("FLATLINE_", "PYTHON"))}
    root = str(Path(__file__).resolve().parents[1])
    pinned = {
        "PYTHONPATH": root,
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "PYTHONIOENCODING": "utf-8",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
    }
    return kept | pinned | more


def build_corpus(source: Mapping[str, str], folder: Path, name: str = "corpus.jsonl") -> tuple[Path, str]:
    """Run the source's `prepare.py` -> the corpus file in `folder` and its SHA-256. Raises RecordingError."""
    work = folder / f"prepare-{name}"
    lay_out({path: text for path, text in source.items() if path.endswith(".py")}, work)
    corpus = folder / name
    command = [sys.executable, "prepare.py", str(corpus)]
    try:
        done = subprocess.run(command, cwd=work, env=environment(), capture_output=True, text=True, timeout=600)
    except subprocess.TimeoutExpired:
        raise RecordingError("prepare.py did not finish within ten minutes") from None
    if done.returncode or not corpus.is_file():
        said = (done.stderr.strip().splitlines() or ["it wrote nothing"])[-1]
        raise RecordingError(f"prepare.py could not build the corpus: {said}")
    return corpus, hashlib.sha256(corpus.read_bytes()).hexdigest()


def run_job(job: Job, folder: Path, stop: Event | None = None) -> Outcome:
    """Run `job` in `folder`, which must be empty or absent, and gather what it left.

    The process leads a group of its own; the whole group is killed at the time limit and when `stop` is set.
    Raises Interrupted when it was, RecordingError when the process cannot be started or the watching itself failed.
    """
    work, out = folder / "work", folder / "out"
    lay_out(job.source, work)
    out.mkdir(parents=True)
    spec = {
        "work": str(work),
        "out": str(out),
        "corpus": str(job.corpus),
        "config": f"configs/{job.config_name}.yaml",
        "device": job.device,
        "overrides": job.overrides,
        "checks": job.checks,
    }
    (folder / "spec.json").write_bytes(msgspec.json.encode(spec))
    command = [sys.executable, "-P", "-m", "gen_traces.child", str(folder / "spec.json")]
    started = time.monotonic()
    with (out / results.CONSOLE).open("wb") as console:
        try:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment(TMPDIR=str(folder)),
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise RecordingError(f"the job's process cannot be started: {error.strerror or error}") from None
        timed_out = False
        try:
            while process.poll() is None:
                if stop is not None and stop.is_set():
                    raise Interrupted
                if time.monotonic() - started > job.timeout:
                    timed_out = True
                    break
                time.sleep(POLL)
        finally:
            _kill_group(process)
    return _gather(out, work, process.returncode, timed_out, time.monotonic() - started)


def rows_written(folder: Path) -> int:
    """How many rows a running job has written so far."""
    try:
        return (folder / "out" / results.ROWS).read_bytes().count(b"\n")
    except OSError:
        return 0


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    import contextlib

    # The leader may be gone while a process it started lives on; the group keeps its number until the last one ends.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _gather(out: Path, work: Path, code: int, timed_out: bool, wall: float) -> Outcome:
    failure = out / results.FAILURE
    if failure.is_file():
        raise RecordingError(f"the recorder itself failed: {failure.read_text().strip().splitlines()[-1]}")
    report = results.read_report(out / results.REPORT)
    rows = results.read_rows(out / results.ROWS)
    console = without_paths((out / results.CONSOLE).read_text(errors="replace"), work)
    found = results.read_artifacts(out / results.ARTIFACTS)
    if report is not None:
        status: Status = "crashed" if report.error else "finished"
    elif timed_out:
        status = "timeout"
    else:
        status = "crashed"
        how = f"signal {-code} ({signal.Signals(-code).name})" if code < 0 else f"exit status {code}"
        text = f"the process ended with {how}\n\n" + "\n".join(console.splitlines()[-20:])
        found.setdefault("stack_trace", Artifact(text.rstrip(), {"exit": code}))
    found["log"] = log_artifact(console)
    return Outcome(status=status, wall_seconds=wall, rows=rows, artifacts=found, console=console, report=report)


def log_artifact(console: str) -> Artifact:
    """The console as it was; of a long one the beginning and the end. `data` holds every line."""
    lines = console.splitlines()
    shown = lines
    if len(lines) > CONSOLE_LINES:
        half = CONSOLE_LINES // 2
        shown = [*lines[:half], f"[{len(lines) - 2 * half} lines left out]", *lines[-half:]]
    return Artifact("\n".join(shown) or "(nothing was printed)", lines)
