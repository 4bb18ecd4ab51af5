"""`gen-traces verify`: does every recorded bug show, and does every healthy control stay quiet?

Reads recorded runs, has them judged (`gen_traces.judge`), prints the figures and writes PROFILE/SLUG/verdict.json.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from gen_traces import judge, tables
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
    for slug in wanted:
        solution = catalog.load_solution(slug, pack)
        runs = [library.open_run(ref.path) for ref in recorded[slug]]
        config_name = runs[0].manifest.config_name
        if config_name not in normal:
            twins = recorded.get(library.healthy_name(config_name), [])
            normal[config_name] = judge.healthy([observed(library.open_run(ref.path)) for ref in twins])
        verdict = judge.judge(
            slug,
            profile,
            [observed(one) for one in runs],
            normal[config_name],
            decisive=solution.decisive,
            shows_in_run=solution.shows_in_run,
            control=is_control(solution),
        )
        write_json(base / profile / slug / library.VERDICT, verdict)
        rows.append(_row(verdict, solution))
        if not verdict.passed:
            failed.append(slug)
    tables.show(HEADINGS, rows)
    print(f"{len(wanted) - len(failed)} of {len(wanted)} pass")
    return FINDING if failed else PASSED


def is_control(solution: Solution) -> bool:
    return "healthy" in solution.catalogue


def observed(run: Run) -> Observed:
    """All curves of a recorded run, and what judging needs of its artifacts. Raises TraceError when it is damaged."""
    curves = {name: curve(*run.read(name)) for name in run.columns() if not judge.is_noise(name)}
    found = {id: artifact for id in run.manifest.artifacts if (artifact := run.artifact(id)) is not None}
    # Only what a candidate can read betrays: a fact is its text.
    artifacts = {id: artifact.data if outcome.known(id) else artifact.text for id, artifact in found.items()}
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
