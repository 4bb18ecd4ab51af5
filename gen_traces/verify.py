"""`gen-traces verify`: does every recorded bug show, and does every healthy control stay quiet?

Reads recorded runs, has them judged (`gen_traces.judge`), prints the figures and writes PROFILE/SLUG/verdict.json.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from gen_traces import attribution, judge, results, tables
from gen_traces.attribution import Told
from gen_traces.band import curve
from gen_traces.checks import outcome
from gen_traces.errors import RecordingError
from gen_traces.judge import Healthy, Observed
from scenarios import catalog
from scenarios.errors import ScenarioError
from scenarios.schema import Solution
from traces import library
from traces.errors import TraceError
from traces.format import Verdict
from traces.library import Run, RunRef
from traces.writer import write_json

PASSED, FINDING, BAD_INPUT = 0, 1, 2
ATTRIBUTION = "attribution.json"
HEADINGS = ("scenario", "seeds", "farthest decisive", "checks that differ", "result", "why")


def run(
    slugs: Sequence[str] = (), profile: str = "cpu", root: Path | str | None = None, pack: Path | str | None = None
) -> int:
    """Verify the named scenarios, or all that were recorded in this profile. Returns the exit code:

    0 all pass, 1 some scenario does not, 2 bad input (said in one line on stderr).
    """
    base = Path(root) if root is not None else library.root()
    try:
        return _verify(slugs, profile, base, pack)
    except (RecordingError, ScenarioError, TraceError) as error:
        print(f"gen-traces: {error}", file=sys.stderr)
        return BAD_INPUT


def _verify(names: Sequence[str], profile: str, base: Path, pack: Path | str | None) -> int:
    recorded: dict[str, list[RunRef]] = {}
    for ref in library.runs(base):
        if ref.profile == profile and ref.variant is None:
            recorded.setdefault(ref.name, []).append(ref)
    wanted = [catalog.find(name, pack) for name in names] or [slug for slug in catalog.slugs(pack) if slug in recorded]
    missing = [slug for slug in wanted if slug not in recorded]
    if missing or not wanted:
        what = missing[0] if missing else "any scenario"
        named = f"{missing[0]} " if missing else ""
        raise RecordingError(
            f"no recorded runs of {what} in profile {profile} below {base}: "
            f"record them with `gen-traces record {named}--profile {profile}`"
        )
    normal: dict[str, Healthy] = {}
    rows, failed = [], []
    told: list[Told] = []
    for slug in wanted:
        solution = catalog.load_solution(slug, pack)
        runs = [library.open_run(ref.path) for ref in recorded[slug]]
        config_name = runs[0].manifest.config_name
        if config_name not in normal:
            twins = [library.open_run(ref.path) for ref in recorded.get(library.healthy_name(config_name), [])]
            other = [twin for twin in twins if twin.manifest.corpus_sha256 != runs[0].manifest.corpus_sha256]
            if other:
                raise RecordingError(f"{other[0].path} was trained on another corpus than {slug}: record them again")
            normal[config_name] = judge.healthy([observed(twin) for twin in twins])
        seen = [observed(one) for one in runs]
        verdict = judge.judge(
            slug,
            profile,
            seen,
            normal[config_name],
            decisive=solution.decisive,
            shows_in_run=not solution.why_review_only,
            control=is_control(solution),
        )
        write_json(base / profile / slug / library.VERDICT, verdict)
        rows.append(_row(verdict, solution))
        if not verdict.passed:
            failed.append(slug)
        told += _told(slug, runs[0].manifest.workload, seen, normal[config_name], solution)
    tables.show(HEADINGS, rows)
    if not names:
        found = attribution.attribute(profile, told)
        write_json(base / profile / ATTRIBUTION, found)
        print("\n" + "\n".join(_attributed(found)) + "\n")
    print(f"{len(wanted) - len(failed)} of {len(wanted)} pass")
    return FINDING if failed else PASSED


def _told(slug: str, workload: str, runs: Sequence[Observed], normal: Healthy, solution: Solution) -> list[Told]:
    away = judge.departures(runs, normal)
    differing = judge.differences(runs, normal)
    control = is_control(solution)
    return [
        Told(
            scenario=f"healthy ({workload})" if control else slug,
            workload=workload,
            seed=run.seed,
            evidence=attribution.evidence(
                {column: found[i] for column, found in away.items()},
                {_read(id, run): found[i] for id, found in differing.items()},
            ),
            decisive=() if control else solution.decisive,
        )
        for i, run in enumerate(runs)
    ]


def _read(id: str, run: Observed) -> str:
    """A crash is told from another by the last line of its traceback, numbers aside."""
    lines = str(run.artifacts.get(id, "")).strip().splitlines()
    return f"{id}/{re.sub(r'[0-9]+', 'n', lines[-1])}" if id == judge.CRASH and lines else id


def _attributed(found: attribution.Attribution) -> list[str]:
    def share(right: int) -> str:
        return f"{right} of {found.runs} runs ({100 * right / max(1, found.runs):.1f} %)"

    lines = [
        "told only by its evidence, leave-one-seed-out:",
        f"  all diagnostics            {share(found.right)} attributed to their own bug",
        f"  only the decisive ones     {share(found.right_by_decisive)}",
    ]
    lines += [f"  {own} taken for {other} on {count} seed{'s' * (count > 1)}" for own, other, count in found.confused]
    pairs = ", ".join(f"{one} and {other}" for one, other in found.inseparable)
    lines.append(f"  cannot be told apart: {pairs or 'none'}")
    return lines


def is_control(solution: Solution) -> bool:
    return "healthy" in solution.catalogue


def observed(run: Run) -> Observed:
    """All curves of a recorded run, and what judging needs of its artifacts. Raises TraceError when it is damaged."""
    curves = {name: curve(*run.read(name)) for name in run.columns() if not judge.is_noise(name)}
    found = {id: artifact for id in run.manifest.artifacts if (artifact := run.artifact(id)) is not None}
    # Only what a candidate can read betrays: a fact is its text.
    artifacts = {
        id: artifact.data if outcome.known(id) else artifact.text.partition(results.HIGHEST)[0]
        for id, artifact in found.items()
    }
    return Observed(run.manifest.seed, run.manifest.status, curves, artifacts, run.manifest.config.get("seed"))


def _row(verdict: Verdict, solution: Solution) -> tuple[str, ...]:
    decisive = []
    for id in solution.decisive:
        best = next((betrayal for betrayal in verdict.betrayals if betrayal.diagnostic == id), None)
        if best is not None:
            decisive.append(f"{best.column} {best.widths:.3g} widths {best.direction} @{best.first_step}")
    differing = [id for id, differs in verdict.checks.items() if differs]
    return (
        verdict.scenario,
        f"{_seeds(verdict.seeds)} / {_seeds(verdict.band_seeds)}",
        "; ".join(decisive) or "–",
        ", ".join(differing) or "–",
        "pass" if verdict.passed else "FAIL",
        verdict.reason,
    )


def _seeds(seeds: Sequence[int]) -> str:
    return ",".join(map(str, seeds)) or "none"
