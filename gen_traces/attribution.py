"""Told only by its evidence, whose bug is a run? The nearest of all scenarios, leave-one-seed-out.

A run's evidence is how far each column stays from the healthy band of its own configuration, and which checks and
facts come out otherwise than in healthy runs:

    column       sign * ln(1 + widths), + above and - below the band; 0 inside
    check, fact  `DIFFERENT` where the outcome differs, else 0

Columns of single layers and heads are left out, their means (`layer.*`) stand for them, so that models of other depth
compare. The distance of two runs is the Bray-Curtis dissimilarity over all keys,

    sum |a - b| / (NOISE + sum (|a| + |b|))

(Bray & Curtis, Ecological Monographs 27, 1957): 0 for equal evidence, near 1 where nothing is shared. `NOISE`, a column
at 5 widths, keeps two runs that show next to nothing near each other. A run belongs to the scenario with the smallest
mean distance to its runs of *other* seeds. Healthy controls of a workload are one scenario here: nothing tells one from
another but its story.

Only scenarios of the same workload compete: what kind of job it is, the candidate is told.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean

import msgspec

from gen_traces.band import Departure

DIFFERENT = math.log1p(100)
NOISE = math.log1p(5)
_SINGLE = re.compile(r"\b(layer|head)\.\d")

Evidence = Mapping[str, float]


class Told(msgspec.Struct, frozen=True):
    """A recorded run with what it shows. `decisive` are the diagnostics its solution calls so, empty for a control."""

    scenario: str
    workload: str
    seed: int
    evidence: dict[str, float]
    decisive: tuple[str, ...] = ()


class Attribution(msgspec.Struct, frozen=True, kw_only=True):
    """How many of `runs` are attributed to their own scenario, with all diagnostics and with the decisive ones only.

    `confused` holds (scenario, taken for, number of its runs) with all diagnostics, `confused_by_decisive` with the
    decisive ones; `inseparable` are the pairs of which each is taken for the other on every seed.
    """

    profile: str
    runs: int
    right: int
    right_by_decisive: int
    confused: tuple[tuple[str, str, int], ...]
    confused_by_decisive: tuple[tuple[str, str, int], ...]
    inseparable: tuple[tuple[str, str], ...]


def evidence(away: Mapping[str, Departure], different: Mapping[str, bool]) -> dict[str, float]:
    """What one run shows: its departures by column, and whether each check or fact differs."""
    found = {
        column: math.copysign(math.log1p(departure.widths), -1.0 if departure.direction == "below" else 1.0)
        for column, departure in away.items()
        if departure.widths >= 1.0 and not _SINGLE.search(column)
    }
    return found | {id: DIFFERENT for id, differs in different.items() if differs}


def distance(one: Evidence, other: Evidence) -> float:
    keys = one.keys() | other.keys()
    apart = sum(abs(one.get(key, 0.0) - other.get(key, 0.0)) for key in keys)
    total = sum(abs(value) for value in (*one.values(), *other.values()))
    return apart / (NOISE + total)


def nearest(run: Told, others: Iterable[Told], shown: Sequence[str] = ()) -> str:
    """The scenario of `others` whose runs of another seed are nearest to `run`, by the diagnostics `shown` (or all)."""

    def seen(key: str) -> bool:
        return not shown or key.partition("/")[0] in shown

    mine = {key: value for key, value in run.evidence.items() if seen(key)}
    distances: dict[str, list[float]] = {}
    for other in others:
        if other.seed != run.seed and other.workload == run.workload:
            theirs = {key: value for key, value in other.evidence.items() if seen(key)}
            distances.setdefault(other.scenario, []).append(distance(mine, theirs))
    # Of equally near ones its own is not preferred: a tie is a confusion.
    return min(distances, key=lambda slug: (fmean(distances[slug]), slug == run.scenario, slug), default="")


def attribute(profile: str, runs: Sequence[Told]) -> Attribution:
    """The confusion of the `runs` of all scenarios with two seeds or more: one run has no other to be likened to."""
    seeds = Counter(scenario for scenario, _ in {(run.scenario, run.seed) for run in runs})
    runs = [run for run in runs if seeds[run.scenario] > 1]
    by_all = [(run.scenario, nearest(run, runs)) for run in runs]
    by_decisive = [(run.scenario, nearest(run, runs, run.decisive)) for run in runs]
    confused, decisive = Counter(_wrong(by_all)), Counter(_wrong(by_decisive))
    number = Counter(run.scenario for run in runs)
    always = {pair for pair, count in confused.items() if count == number[pair[0]]}
    return Attribution(
        profile=profile,
        runs=len(runs),
        right=len(runs) - confused.total(),
        right_by_decisive=len(runs) - decisive.total(),
        confused=_listed(confused),
        confused_by_decisive=_listed(decisive),
        inseparable=tuple(sorted((a, b) for a, b in always if a < b and (b, a) in always)),
    )


def _wrong(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(own, found) for own, found in pairs if own != found]


def _listed(confused: Counter[tuple[str, str]]) -> tuple[tuple[str, str, int], ...]:
    return tuple((own, found, count) for (own, found), count in sorted(confused.items()))
