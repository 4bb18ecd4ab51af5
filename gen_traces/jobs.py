"""Running one job: its files in a work folder of its own, in a process of its own, for a limited time."""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from threading import Event
from typing import IO, Any, Literal

import msgspec

from gen_traces import profiles, ranks, results
from gen_traces.errors import RecordingError
from gen_traces.results import Report, Rows
from gen_traces.tracebacks import without_paths
from traces.format import Artifact

Status = Literal["finished", "crashed", "timeout"]
CONSOLE_LINES = 60
POLL = 0.1
# Seconds that the other ranks are given once one has ended.
LINGER = 20.0


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """`source` maps paths to texts, `config_name` names one of its configurations, `timeout` is in seconds."""

    source: dict[str, str]
    workload: str = "lm_pretraining"
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


def build_corpus(
    source: Mapping[str, str], folder: Path, script: str = "prepare.py", name: str = "corpus"
) -> tuple[Path, str]:
    """Run the source's corpus script -> the file it wrote in `folder` and its SHA-256. Raises RecordingError."""
    work = folder / f"prepare-{name}"
    lay_out({path: text for path, text in source.items() if path.endswith(".py")}, work)
    corpus = folder / name
    command = [sys.executable, script, str(corpus)]
    try:
        done = subprocess.run(command, cwd=work, env=environment(), capture_output=True, text=True, timeout=600)
    except subprocess.TimeoutExpired:
        raise RecordingError(f"{script} did not finish within ten minutes") from None
    if done.returncode or not corpus.is_file():
        said = (done.stderr.strip().splitlines() or ["it wrote nothing"])[-1]
        raise RecordingError(f"{script} could not build the corpus: {said}")
    return corpus, hashlib.sha256(corpus.read_bytes()).hexdigest()


def run_job(job: Job, folder: Path, stop: Event | None = None) -> Outcome:
    """Run `job` in `folder`, which must be empty or absent, and gather what it left.

    A job has as many processes as its configuration has `ranks`, all in one group; the whole group is killed at the
    time limit and when `stop` is set, and what is left of it once rank 0 or a failed rank has ended.
    Raises Interrupted when it was, RecordingError when a process cannot be started or the watching itself failed.
    """
    work, out = folder / "work", folder / "out"
    lay_out(job.source, work)
    asked = profiles.effective(job.source, job.config_name, job.overrides).get("ranks")
    size, port = int(asked or 1), ranks.free_port() if asked else 0
    started = time.monotonic()
    timed_out = False
    # Worker processes speak through sockets in this folder, whose paths must not exceed some hundred characters: a
    # folder below `folder` may.
    scratch = tempfile.TemporaryDirectory(prefix="job-", ignore_cleanup_errors=True)
    with scratch as short, (out_folder(out, 0) / results.CONSOLE).open("wb") as console:
        processes: list[subprocess.Popen[bytes]] = []
        readers: list[threading.Thread] = []
        try:
            for rank in range(size):
                place = environment(TMPDIR=short, **(ranks.environment(rank, size, port) if asked else {}))
                process = _start(job, folder, rank, processes[0].pid if processes else 0, place)
                processes.append(process)
                prefix = f"[rank {rank}] ".encode() if size > 1 else b""
                readers.append(threading.Thread(target=_copy, args=(process.stdout, console, prefix), daemon=True))
                readers[-1].start()
            while not _over(processes, out):
                if stop is not None and stop.is_set():
                    raise Interrupted
                if time.monotonic() - started > job.timeout:
                    timed_out = True
                    break
                time.sleep(POLL)
        finally:
            _kill_group(processes)
            for reader in readers:
                reader.join(timeout=5)
    wall = time.monotonic() - started
    return _gather(out, work, processes[0].returncode, size, bool(asked), timed_out, wall)


def out_folder(out: Path, rank: int) -> Path:
    folder = ranks.out_of(out, rank)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _start(job: Job, folder: Path, rank: int, group: int, place: dict[str, str]) -> subprocess.Popen[bytes]:
    spec = {
        "work": str(folder / "work"),
        "out": str(out_folder(folder / "out", rank)),
        "corpus": str(job.corpus),
        "workload": job.workload,
        "config": f"configs/{job.config_name}.yaml",
        "device": job.device,
        "overrides": job.overrides,
        "checks": job.checks and rank == 0,
        "parent": os.getpid(),
    }
    file = folder / f"spec{rank}.json"
    file.write_bytes(msgspec.json.encode(spec))
    try:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "gen_traces.child", str(file)],
            cwd=folder,
            env=place,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=group,
        )
    except OSError as error:
        raise RecordingError(f"the job's process cannot be started: {error.strerror or error}") from None


def _copy(pipe: IO[bytes] | None, console: IO[bytes], prefix: bytes) -> None:
    """Pass on what a process prints, line by line, until it closes its end."""
    for line in pipe or ():
        # A closed console wants nothing any more, and a full disk must not keep the job from printing.
        with contextlib.suppress(ValueError, OSError):
            console.write(prefix + line)
            console.flush()


def _over(processes: Sequence[subprocess.Popen[bytes]], out: Path) -> bool:
    """Whether rank 0 has ended, or another rank has failed and rank 0 did not notice."""
    if processes[0].poll() is not None:
        return (
            all(process.poll() is not None for process in processes) or _since(out / results.REPORT, math.inf) > LINGER
        )
    if (out / results.REPORT).exists():
        return False
    failed = [ranks.out_of(out, rank) for rank, one in enumerate(processes) if one.poll() is not None]
    return any(_since(other / results.ARTIFACTS / "stack_trace.json", 0.0) > LINGER for other in failed)


def _since(file: Path, otherwise: float) -> float:
    """Seconds since a file was written; `otherwise` for one that is not there."""
    try:
        return time.time() - file.stat().st_mtime
    except OSError:
        return otherwise


def rows_written(folder: Path) -> int:
    """How many rows a running job has written so far."""
    try:
        return (folder / "out" / results.ROWS).read_bytes().count(b"\n")
    except OSError:
        return 0


def _kill_group(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    if not processes:
        return
    # The leader may be gone while a process it started lives on; the group keeps its number until the last one ends.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(processes[0].pid, signal.SIGKILL)
    for process in processes:
        process.wait()


def _gather(out: Path, work: Path, code: int, size: int, ranked: bool, timed_out: bool, wall: float) -> Outcome:
    for rank in range(size):
        failure = ranks.out_of(out, rank) / results.FAILURE
        if failure.is_file():
            raise RecordingError(f"the recorder itself failed: {failure.read_text().strip().splitlines()[-1]}")
    if ranked:
        rows, found, report = msgspec.structs.astuple(ranks.gather(out, size))
    else:
        rows = results.read_rows(out / results.ROWS)
        found = results.read_artifacts(out / results.ARTIFACTS)
        report = results.read_report(out / results.REPORT)
    console = without_paths((out / results.CONSOLE).read_text(errors="replace"), work)
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
    """The console as it was; of a long one the beginning and the end. `data` says how many lines there were."""
    lines = console.splitlines()
    shown = lines
    if len(lines) > CONSOLE_LINES:
        half = CONSOLE_LINES // 2
        shown = [*lines[:half], f"[{len(lines) - 2 * half} lines left out]", *lines[-half:]]
    return Artifact("\n".join(shown) or "(nothing was printed)", {"lines": len(lines)})
