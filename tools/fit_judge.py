"""Fits the judge of causes and writes `grader/weights`: `python tools/fit_judge.py` (torch; half an hour on two cores).

The reader of claims, on all of them (`claims_corpus`), and once more without every third of the people: from these
comes the choice between what a reader says and what the rules say (`grader.choice`). Both are heard together.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from grader import choice, claims, encoder
from grader.choice import VERDICTS, Choice, Learned
from grader.claim_reader import Reader
from grader.claims import Claim
from grader.judge import Judge
from scenarios import catalog

WEIGHTS = Path(__file__).parents[1] / "grader" / "weights"
LEFT_OUT = 3  # every third persona is left out, for the choice


def fingerprint(items: Iterable[Claim]) -> str:
    digest = hashlib.sha256()
    for item in items:
        digest.update(f"{item.text}\t{item.scenario}\t{item.verdict}\t{item.kind}\n".encode())
    return digest.hexdigest()[:16]


def fit(items: Sequence[Claim]) -> Reader:
    import claims_corpus

    return claims_corpus.fit(items, untaught().solutions)


@functools.cache
def untaught() -> Judge:
    """The rules alone, over the catalogue."""
    slugs = catalog.slugs()
    return Judge(
        {slug: catalog.load_solution(slug) for slug in slugs},
        {slug: catalog.load_scenario(slug).workload for slug in slugs},
    )


def judged() -> tuple[Reader, list[tuple[list[float], str]]]:
    """A reader that every third of the people is left out of, and the figures of their claims with the verdicts."""
    items = list(claims.read("train"))
    people = sorted({item.persona for item in items})[::LEFT_OUT]
    reader, judge = fit([item for item in items if item.persona not in people]), untaught()
    left_out = [item for item in items if item.persona in people]
    return reader, [(judge.figures(item.text, item.scenario, reader), item.verdict) for item in left_out]


def fit_choice(people: Sequence[tuple[list[float], str]]) -> Choice:
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    seen, verdicts = [figures for figures, _ in people], [VERDICTS.index(verdict) for _, verdict in people]
    scaler = StandardScaler().fit(seen)
    model = LogisticRegression(C=0.3, max_iter=5000).fit(scaler.transform(seen), verdicts)
    rows = [[round(float(value), 5) for value in row] for row in (scaler.mean_, scaler.scale_, *model.coef_)]
    return Choice(rows[0], rows[1], rows[2:], [round(float(value), 5) for value in model.intercept_])


def save(learned: Learned, folder: Path = WEIGHTS) -> None:
    folder.mkdir(exist_ok=True)
    for i, one in enumerate(learned.reader.encoders):
        encoder.save(one, folder / f"encoder_{i}")
    about = {
        "data": learned.data,
        "keys": learned.keys,
        "causes": learned.reader.causes,
        "kinds": learned.reader.kinds,
        "choice": learned.choice._asdict(),
    }
    (folder / "judge.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


def alone() -> None:
    """One thread for each of several processes."""
    import torch

    torch.set_num_threads(1)


def main() -> int:
    items = list(claims.read("train"))
    solutions = untaught().solutions
    print(f"fitting on {len(items)} claims, and without every third of who wrote them ...", flush=True)
    with ProcessPoolExecutor(min(2, os.cpu_count() or 1), initializer=alone) as pool:
        whole, left_out = pool.submit(fit, items), pool.submit(judged)
        second, people = left_out.result()
        chosen = fit_choice(people)
        right = np.mean([chosen.verdict(figures) == verdict for figures, verdict in people])
        print(f"{right:.1%} of {len(people)} claims of people left out are judged right", flush=True)
        keys = {slug: choice.fingerprint(solution) for slug, solution in solutions.items()}
        reader = whole.result()
        reader = reader._replace(encoders=[*reader.encoders, *second.encoders])
        save(Learned(reader, chosen, keys, fingerprint(items)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
