"""The verdict on a claim, from what the rules (`cause`) and the reader of claims (`claim_reader`) make of it.

Multinomial logistic regression over a few figures of both. Fitted by `tools/fit_judge.py` on people that the reader had
not been made for.
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
from collections.abc import Collection, Mapping, Sequence
from importlib import resources
from typing import NamedTuple, get_args

from grader import encoder
from grader.claim_reader import HEALTHY, Reader, Reading
from grader.scorecard import Cause, Verdict
from scenarios.schema import Solution

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


class Evidence(NamedTuple):
    """What the rules found: their verdict; of the scenario's own key the share of concept groups met and the likeness
    to a wording; the likeness to the nearest other key; whether it is a list of
    guesses, and whether it says that nothing is wrong."""

    cause: Cause
    met: float = 0.0
    similarity: float = 0.0
    rival: float = 0.0
    listed: bool = False
    sound: bool = False


class Choice(NamedTuple):
    """`weights` (verdicts, figures) and `bias` (verdicts,) for figures less `mean` over `scale`."""

    mean: Sequence[float]
    scale: Sequence[float]
    weights: Sequence[Sequence[float]]
    bias: Sequence[float]

    def verdict(self, figures: Sequence[float]) -> Verdict:
        known = [(value - mean) / scale for value, mean, scale in zip(figures, self.mean, self.scale, strict=True)]
        totals = [
            bias + sum(weight * value for weight, value in zip(row, known, strict=True))
            for row, bias in zip(self.weights, self.bias, strict=True)
        ]
        return VERDICTS[max(range(len(VERDICTS)), key=totals.__getitem__)]


class Learned(NamedTuple):
    """What was fitted, and to which answer keys: by slug the `fingerprint` of each. `data` is that of the claims."""

    reader: Reader
    choice: Choice
    keys: Mapping[str, str]
    data: str

    def knows(self, slug: str, solution: Solution) -> bool:
        return self.keys.get(slug) == fingerprint(solution)


def figures(
    whole: Reading,
    claimed: Reading,
    own: str,
    equal: Collection[str],
    rivals: Collection[str],
    rules: Evidence,
    words: int,
) -> list[float]:
    """The figures of a claim of so many `words` in a scenario with the cause `own`: what was read in all of it, and in
    what is left of it once the denied clauses are taken out. `rivals` are the causes of jobs of the same kind."""
    found = [float(own == HEALTHY)]
    odds = []
    for reading in (whole, claimed):
        states, partly = reading.states, reading.partly
        others = [name for name in states if name != own and name not in equal]
        near = [name for name in others if name in rivals]
        mine, part = _odds(states.get(own, 0.0)), _odds(partly.get(own, 0.0))
        best, nearest = _odds(_most(states, others)), _odds(_most(states, near))
        found += [mine, part, best, nearest, _odds(_most(states, equal)), _odds(_most(partly, near))]
        found += [mine - nearest, float(mine > max(best, 0.0)), _odds(states.get(HEALTHY, 0.0))]
        found += [_odds(chance) for chance in reading.does.values()]
        odds.append(mine)
    found += [min(odds), max(odds), odds[0] - odds[1]]
    verdicts = [float(rules.cause.verdict == name) for name in VERDICTS]
    found += [*verdicts, rules.met, rules.similarity, rules.rival, rules.similarity - rules.rival]
    # The fewer the words, the more the rules are to be believed.
    long = math.log(1 + words)
    found += [long, long * odds[0], *(one * weight for one in verdicts for weight in (*odds, long))]
    return found


def fingerprint(solution: Solution) -> str:
    """A hash of what of an answer key was learned from."""
    said = [*solution.wordings, solution.title, *solution.equivalents]
    said += [f"{miss.partial} {says}" for miss in solution.near_misses for says in miss.says]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:12]


@functools.lru_cache(maxsize=1)
def load() -> Learned:
    """What comes with the program."""
    folder = resources.files("grader").joinpath("weights")
    about = json.loads(folder.joinpath("judge.json").read_text(encoding="utf-8"))
    with resources.as_file(folder) as here:
        encoders = [encoder.load(path) for path in sorted(here.glob("encoder_*"))]
    reader = Reader(tuple(about["causes"]), tuple(about["kinds"]), encoders)
    return Learned(reader, Choice(**about["choice"]), about["keys"], about["data"])


def _most(chances: Mapping[str, float], names: Collection[str]) -> float:
    return max((chances.get(name, 0.0) for name in names), default=0.0)


def _odds(probability: float) -> float:
    bounded = min(max(probability, 1e-4), 1 - 1e-4)
    return math.log(bounded / (1 - bounded))
