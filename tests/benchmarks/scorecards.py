"""What simulated candidates score: every sort in every bundled scenario, in both rounds.

    python tests/benchmarks/scorecards.py [--only SORT] [--scenario SLUG]

Prints by sort and round the lowest, the middle and the highest total, and how many lie outside the sort's bounds; then
who these are, the worst first, with the verdict on the cause and the points that decided. Exit code 1 if there are any.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

import bundled
from simulated import SORTS, Bounds, decided, play

from grader.scorecard import Scorecard
from scenarios import catalog
from scenarios.schema import Round
from simulator.store import Store

PROCESSES = 2


class Played(NamedTuple):
    sort: str
    slug: str
    round: Round
    card: Scorecard

    @property
    def bounds(self) -> Bounds:
        return SORTS[self.sort][1]

    @property
    def missed_by(self) -> float:
        return self.bounds.missed_by(self.card.total)


def play_all(sorts: Iterable[str], slug: str, round: Round) -> list[Played]:
    with tempfile.TemporaryDirectory() as folder:
        return [Played(sort, slug, round, play(sort, slug, round, Store(folder))) for sort in sorts]


def played(sorts: Sequence[str], rounds: Sequence[tuple[str, Round]]) -> Iterator[Played]:
    """Plays all; says on a terminal how far it is."""
    slugs, kinds = zip(*rounds, strict=True)
    with ProcessPoolExecutor(min(PROCESSES, len(rounds))) as pool:
        for done, cards in enumerate(pool.map(play_all, [sorts] * len(rounds), slugs, kinds), 1):
            if sys.stderr.isatty():
                print(f"\r{done} of {len(rounds)} rounds", end="", file=sys.stderr, flush=True)
            yield from cards
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)


def row(sort: str, round: str, of: Sequence[Played]) -> str:
    totals = [one.card.total for one in of]
    lowest, highest = SORTS[sort][1]
    if lowest is not None and highest is not None:
        bounds = f"{lowest:g} to {highest:g}"
    else:
        bounds = f"from {lowest:g}" if lowest is not None else f"up to {highest:g}" if highest is not None else ""
    figures = "".join(f"{figure:>8.1f}" for figure in (min(totals), statistics.median(totals), max(totals)))
    outside = sum(one.missed_by > 0 for one in of)
    return f"{sort:<19}{round:<8}{len(of):>5}{figures}   {bounds:<11}{outside if bounds else '':>8}"


def reasons(one: Played) -> str:
    card = one.card
    low = one.bounds.lowest is not None and card.total < one.bounds.lowest
    lines = [f"{one.sort}  {one.slug}  {one.round}  {card.total:g}", f"    {card.cause.verdict}: {card.cause.why}"]
    lines += [f"    {gate.name}: {gate.effect}" for gate in card.gates]
    for point in decided(card, low):
        lines.append(f"    {point.name}: {point.points:g} of {point.out_of:g}, {point.reason}")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=SORTS, metavar="SORT", help=f"one of {', '.join(SORTS)}")
    parser.add_argument("--scenario", choices=catalog.slugs(), metavar="SLUG", help="the rounds of one scenario")
    options = parser.parse_args(argv)
    sorts = [options.only] if options.only else list(SORTS)
    rounds = [one for one in bundled.rounds() if options.scenario in (None, one[0])]
    every = list(played(sorts, rounds))
    print(f"{'':<19}{'':<8}{'plays':>5}{'min':>8}{'median':>8}{'max':>8}   {'bounds':<11}{'outside':>8}")
    for sort, round in product(sorts, ("debug", "review")):
        of = [one for one in every if (one.sort, one.round) == (sort, round)]
        if of:
            print(row(sort, round, of))
    outside = sorted((one for one in every if one.missed_by > 0), key=lambda one: -one.missed_by)
    for one in outside:
        print(f"\n{reasons(one)}")
    return 1 if outside else 0


if __name__ == "__main__":
    sys.exit(main())
