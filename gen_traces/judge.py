"""Which diagnostics betray a bug: a pure function of the runs of a scenario and of its healthy twins.

A scenario passes when a diagnostic its solution calls decisive leaves the healthy band by `ENOUGH` widths on every
bugged seed, or a decisive check (or recorded fact) comes out differently on every one. A healthy control passes when
no column of any of its seeds is `ENOUGH` widths away and no check differs on every seed; its seeds are not the band's.
A scenario that by its own word shows nothing in a run is for review only and passes as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gen_traces import band as bands
from gen_traces.band import Band, Curve, Departure
from gen_traces.checks import outcome
from gen_traces.derived import derived, family
from traces.format import Betrayal, Verdict

ENOUGH = 5.0
BAND_SEEDS = 2
PER_DIAGNOSTIC = 6

# The machine's doing more than the job's: never judged.
NOISE = ("utilization", "throughput/step_time", "disk/write_seconds")
# Recorded facts that are equal, seed by seed, unless the job does something else.
FACTS = frozenset(
    {"batch", "class_balance", "config", "data_stats", "model_summary", "precision", "preprocessing",
     "split_overlap", "tokenizer_roundtrip", "train_mode"}
)  # fmt: skip
CRASH = "stack_trace"


@dataclass(frozen=True)
class Observed:
    """What judging needs of one run: its curves by column, and by id the `data` of checks and the `text` of facts.

    `seed` is the number the run is kept under, `job_seed` the one its job drew from, where that is another.
    """

    seed: int
    status: str
    curves: Mapping[str, Curve]
    artifacts: Mapping[str, Any] = field(default_factory=dict)
    job_seed: int | None = None

    @property
    def drawn_from(self) -> int:
        return self.seed if self.job_seed is None else self.job_seed


@dataclass(frozen=True)
class Healthy:
    """The healthy runs of a configuration with the band of every column, derived ones too."""

    runs: tuple[Observed, ...]
    bands: Mapping[str, Band]
    points: int


def healthy(runs: Sequence[Observed]) -> Healthy:
    """Bands over the runs that finished; a column must have been recorded in all of them."""
    finished = tuple(run for run in runs if run.status == "finished")
    if not finished:
        return Healthy((), {}, 0)
    points = max((run.curves["loss"].steps.size for run in finished if "loss" in run.curves), default=0)
    curves = [dict(run.curves) | derived(run.curves, points) for run in finished]
    shared = [name for name in curves[0] if all(name in other for other in curves) and not is_noise(name)]
    found = {
        name: bands.build([other[name] for other in curves], bands.resolution_of(name), bands.relative_of(name))
        for name in shared
        if all(other[name].steps.size for other in curves)
    }
    kinds: dict[str, list[str]] = {}
    for name in found:
        kinds.setdefault(family(name), []).append(name)
    for names in kinds.values():
        found |= zip(names, bands.pooled([found[name] for name in names]), strict=True)
    return Healthy(finished, found, points)


def is_noise(column: str) -> bool:
    return column.startswith(NOISE)


def judge(
    slug: str,
    profile: str,
    runs: Sequence[Observed],
    normal: Healthy,
    *,
    decisive: Sequence[str],
    shows_in_run: bool = True,
    control: bool = False,
) -> Verdict:
    """`runs` (at least one) are the scenario's own, one per seed."""
    away = departures(runs, normal)
    checks = {id: all(found) for id, found in sorted(differences(runs, normal).items())}
    betrayals = strongest(away)
    if not shows_in_run:
        passed, reason = True, "for review only: the solution says that the run shows nothing"
    elif len(normal.runs) < BAND_SEEDS:
        passed, reason = (
            False,
            f"{len(normal.runs)} finished healthy runs make no band, it takes {BAND_SEEDS}",
        )
    elif control:
        passed, reason = _judge_control(away, checks)
    else:
        passed, reason = _judge_bug(betrayals, checks, decisive)
    return Verdict(
        scenario=slug,
        profile=profile,
        seeds=tuple(run.seed for run in runs),
        band_seeds=tuple(run.seed for run in normal.runs),
        betrayals=betrayals,
        checks=checks,
        passed=passed,
        reason=reason,
    )


def departures(runs: Sequence[Observed], normal: Healthy) -> dict[str, list[Departure]]:
    """For each column recorded in all runs and in the healthy ones: how far each run stays away from the band."""
    curves = [dict(run.curves) | derived(run.curves, normal.points) for run in runs]
    return {
        column: [bands.departure(band, run[column]) for run in curves]
        for column, band in normal.bands.items()
        if all(column in run for run in curves)
    }


def strongest(away: Mapping[str, Sequence[Departure]]) -> tuple[Betrayal, ...]:
    """Columns outside on every seed, the farthest first; of each diagnostic the farthest ones and the earliest."""
    by_diagnostic: dict[str, list[Betrayal]] = {}
    for column, found in away.items():
        weakest = min(found, key=lambda departure: departure.widths)
        firsts = [departure.first_step for departure in found if departure.first_step is not None]
        if weakest.widths >= bands.OUTSIDE and len(firsts) == len(found):
            diagnostic = column.partition("/")[0]
            by_diagnostic.setdefault(diagnostic, []).append(
                Betrayal(diagnostic, column, max(firsts), round(weakest.widths, 2), weakest.direction)
            )
    kept: list[Betrayal] = []
    for found_here in by_diagnostic.values():
        found_here.sort(key=lambda betrayal: (-betrayal.widths, betrayal.first_step))
        top = found_here[:PER_DIAGNOSTIC]
        earliest = min(found_here, key=lambda betrayal: (betrayal.first_step, -betrayal.widths))
        kept += top if earliest in top else [*top, earliest]
    return tuple(sorted(kept, key=lambda betrayal: (-betrayal.widths, betrayal.first_step, betrayal.column)))


def differences(runs: Sequence[Observed], normal: Healthy) -> dict[str, list[bool]]:
    """For each check and fact: does it come out differently, run by run?

    Checks are compared with all healthy seeds; facts with the healthy run of the same seed, which had the same data
    in the same order. A fact without such a twin is left out.
    """
    found: dict[str, list[bool]] = {}
    twins = {run.drawn_from: run for run in normal.runs}
    for id in sorted(set.intersection(*(set(run.artifacts) for run in runs))) if runs else []:
        if outcome.known(id):
            others = [other.artifacts[id] for other in normal.runs if id in other.artifacts]
            if others:
                found[id] = [outcome.differs(id, run.artifacts[id], others) for run in runs]
        elif id in FACTS and all(run.drawn_from in twins and id in twins[run.drawn_from].artifacts for run in runs):
            found[id] = [run.artifacts[id] != twins[run.drawn_from].artifacts[id] for run in runs]
    if normal.runs:
        found[CRASH] = [run.status == "crashed" for run in runs]
    return found


def _judge_bug(betrayals: Sequence[Betrayal], checks: Mapping[str, bool], decisive: Sequence[str]) -> tuple[bool, str]:
    if not decisive:
        return False, "the solution names no decisive diagnostic"
    best = next((betrayal for betrayal in betrayals if betrayal.diagnostic in decisive), None)
    differing = [id for id in decisive if checks.get(id)]
    said = [f"{', '.join(differing)} differs on every seed"] if differing else []
    if best is not None and best.widths >= ENOUGH:
        said.insert(0, f"{best.column} is {best.widths:.3g} widths {_where(best)} from step {best.first_step}")
    if said:
        return True, "; ".join(said)
    if best is None:
        return False, f"no decisive diagnostic ({', '.join(decisive)}) leaves the band on every seed"
    return False, (
        f"the farthest decisive column, {best.column}, is only {best.widths:.3g} of {ENOUGH:g} widths {_where(best)}"
    )


def _judge_control(away: Mapping[str, Sequence[Departure]], checks: Mapping[str, bool]) -> tuple[bool, str]:
    farthest = {column: max(departure.widths for departure in found) for column, found in away.items()}
    worst = max(farthest, key=lambda column: farthest[column], default=None)
    differing = [id for id, differs in checks.items() if differs]
    if differing:
        return False, f"a healthy control, yet {', '.join(differing)} differs on every seed"
    if worst is None:
        return False, "a healthy control with no column that the healthy runs have too"
    if farthest[worst] >= ENOUGH:
        return False, f"a healthy control, yet {worst} is {farthest[worst]:.3g} widths off the band on some seed"
    return True, f"stays within {ENOUGH:g} widths: the farthest column, {worst}, is {farthest[worst]:.3g} widths off"


def _where(betrayal: Betrayal) -> str:
    return "off (not finite)" if betrayal.direction == "nonfinite" else f"{betrayal.direction} the band"
