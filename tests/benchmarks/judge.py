"""How well the judge of causes agrees with an interviewer on claims of people it was not made with.

    python tests/benchmarks/judge.py [--part test]

The personas of `scenarios/claims/test` are left out of all fitting. Prints, by persona and over all:

- verdict: how often the verdict is the interviewer's (correct, partial, wrong, none)
- precision and recall of correct against the rest
- credited: of the claims of each kind that earns nothing, how many are taken for correct

The baseline is rapidfuzz's token_set_ratio on the wordings of all scenarios alone.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from grader import claims, judge
from grader.claims import Claim
from scenarios import catalog

LIKE = 75  # per cent
Judge = Callable[[str, str], str]


def left_out() -> list[Claim]:
    """The claims of the personas left out, but for what somebody else wrote word for word."""
    learned = {claim.text.lower() for claim in claims.read("train")}
    return [claim for claim in claims.read("test") if claim.text.lower() not in learned]


def ours(text: str, scenario: str) -> str:
    return judge.match(text, scenario).verdict


def by_likeness(text: str, scenario: str) -> str:
    """Correct if the wording it is likest to is the scenario's."""
    from rapidfuzz import fuzz, process

    found = process.extractOne(text.lower(), WORDINGS, scorer=fuzz.token_set_ratio, score_cutoff=LIKE)
    return "none" if found is None else "correct" if OWNERS[found[2]] == scenario else "wrong"


_PAIRS = [(wording.lower(), slug) for slug in catalog.slugs() for wording in catalog.load_solution(slug).wordings]
WORDINGS, OWNERS = [wording for wording, _ in _PAIRS], [slug for _, slug in _PAIRS]


def count(people: Iterable[Claim], judge: Judge) -> Counter[str]:
    """Tallies of how `judge` does."""
    tally: Counter[str] = Counter()
    for claim in people:
        found = judge(claim.text, claim.scenario)
        tally["claims"] += 1
        tally["verdict"] += found == claim.verdict
        tally["said correct"] += found == "correct"
        tally["correct"] += claim.verdict == "correct"
        tally["both"] += found == "correct" == claim.verdict
        if claim.kind in claims.TRAPS:
            tally[f"of {claim.kind}"] += 1
            tally[f"credited {claim.kind}"] += found == "correct"
    return tally


def share(part: int, whole: int) -> str:
    return f"{100 * part / whole:>11.1f}" if whole else f"{'–':>11}"


def row(name: str, tally: Counter[str]) -> str:
    cells = (
        share(tally["verdict"], tally["claims"]), share(tally["both"], tally["said correct"]),
        share(tally["both"], tally["correct"]),
    )  # fmt: skip
    return f"{name:<26}{tally['claims']:>7}" + "".join(cells)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("train", "test"), default="test")
    people = left_out() if parser.parse_args(argv).part == "test" else list(claims.read("train"))
    ours("warm up", people[0].scenario)
    print(f"{'':<26}{'claims':>7}{'verdict':>11}{'precision':>11}{'recall':>11}   (%)")
    total: Counter[str] = Counter()
    for persona in sorted({claim.persona for claim in people}):
        tally = count((claim for claim in people if claim.persona == persona), ours)
        print(row(persona, tally))
        total += tally
    baseline = count(people, by_likeness)
    print(row("all", total))
    print(row("likeness alone (baseline)", baseline))
    print(f"\n{'credited, %':<26}{'claims':>7}{'ours':>11}{'baseline':>11}")
    for kind in claims.TRAPS:
        print(f"{kind:<26}{total[f'of {kind}']:>7}" + "".join(
            share(tally[f"credited {kind}"], tally[f"of {kind}"]) for tally in (total, baseline)
        ))  # fmt: skip
    times = []
    for claim in people:
        started = time.perf_counter()
        ours(f"{claim.text} ", claim.scenario)  # not the text that was judged before: verdicts are remembered
        times.append(time.perf_counter() - started)
    print(f"\na claim: median {1e3 * statistics.median(times):.1f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
