"""What watching costs a job: the same job with and without the recorder's hooks, on the same machine.

    python tests/benchmarks/overhead.py [-n 5] [--profile cpu] [--workload lm_pretraining] [--config base] [--steps 60]

Bare and watched runs take turns. Starting up is taken out: the time of a run of `--steps` steps less that of a run of
one step. No checks are run. Prints the seconds of both, medians of n, and their ratio at the default cadence.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from gen_traces import jobs, profiles
from gen_traces.jobs import Job
from scenarios import source, workloads


def bare(job: Job, folder: Path) -> float:
    """Seconds of the job's own script, started as anyone would."""
    jobs.lay_out(job.source, folder)
    script = workloads.find(job.workload).script
    command = [sys.executable, script, "--config", f"configs/{job.config_name}.yaml", "--data", str(job.corpus)]
    command += ["--out", "run", "--device", job.device]
    for key, value in job.overrides.items():
        command += ["--set", f"{key}={value}"]
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, env=jobs.environment(), check=True, capture_output=True)
    return time.perf_counter() - start


def watched(job: Job, folder: Path) -> float:
    """Seconds of the same job under the recorder."""
    return jobs.run_job(job, folder).wall_seconds


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="What watching costs a job.")
    parser.add_argument("-n", type=int, default=5, help="runs of each kind")
    parser.add_argument("--profile", default="cpu")
    parser.add_argument("--workload", default="lm_pretraining")
    parser.add_argument("--config", default="base")
    parser.add_argument("--steps", type=int, default=60)
    options = parser.parse_args(argv)
    profile = profiles.profile(options.profile)
    code = workloads.job_source(source.reference_source(), options.workload, f"configs/{options.config}.yaml")
    times: dict[str, dict[int, list[float]]] = {kind: {1: [], options.steps: []} for kind in ("bare", "watched")}
    with tempfile.TemporaryDirectory(prefix="flatline-") as name:
        scratch = Path(name)
        corpus, _ = jobs.build_corpus(code, scratch, workloads.find(options.workload).corpus)
        for i in range(options.n):
            for steps in (1, options.steps):
                job = Job(
                    source=code,
                    workload=options.workload,
                    config_name=options.config,
                    overrides=profile.overrides(options.config) | {"steps": steps},
                    corpus=corpus,
                    device=profile.device,
                    checks=False,
                )
                for kind, run in (("bare", bare), ("watched", watched)):
                    times[kind][steps].append(run(job, scratch / f"{kind}{i}-{steps}"))
    taken = {
        kind: statistics.median(long - short for short, long in zip(found[1], found[options.steps], strict=True))
        for kind, found in times.items()
    }
    for kind, seconds in taken.items():
        print(f"{kind:8s} {seconds:7.2f} s for {options.steps - 1} steps (median of {options.n})")
    print(f"ratio    {taken['watched'] / taken['bare']:7.2f} ({options.workload}, {options.config}, {options.profile})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
