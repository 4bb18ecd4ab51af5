"""How long it takes to score a long interview.

    python tests/benchmarks/scoring.py

One interview of 200 events or more is played: the looks of many candidates in one round, each with its idea, three
claims, a fix and the follow-ups. Prints the median time to score it anew, nothing remembered of its claims, after what
is loaded once is loaded; and the ratio to what reading the same events from JSON takes.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

import msgspec

sys.path.insert(0, str(Path(__file__).parents[1]))

from simulated import SCRIPTS, Candidate

from grader import score
from grader.events import AnyEvent
from grader.material import load_material
from scenarios import catalog
from simulator.store import Store

SLUG = "no_zero_grad"
EVENTS, TIMES = 200, 15
WRONG = ("My diagnosis: the learning rate is too high.", "I now think it is the data: it is not shuffled.")


def long_interview() -> list[AnyEvent]:
    with tempfile.TemporaryDirectory() as folder:
        candidate = Candidate(SLUG, "debug", Store(folder), pace=4.0)
        kind = catalog.load_scenario(SLUG).workload
        others = [script for slug, script in SCRIPTS.items() if catalog.load_scenario(slug).workload == kind]
        looks = [look for script in others for look in script.debug[:-1]]
        for i, look in enumerate(looks):
            if len(candidate.interview.events) >= EVENTS:
                break
            candidate.says(*([WRONG[i // 10 - 1]] if i in (10, 20) else []), look)
        candidate.says(candidate.claim)
        candidate.answers(candidate.script.answers.__getitem__)
        candidate.interview.finish()
        return list(candidate.interview.events)


def main() -> int:
    events = long_interview()
    material = load_material(SLUG)
    raw = msgspec.json.encode(events)
    score(events, SLUG, material=material)
    taken, read = [], []
    for _ in range(TIMES):
        material.judge.forget()
        started = time.perf_counter()
        card = score(events, SLUG, material=material)
        taken.append(time.perf_counter() - started)
        started = time.perf_counter()
        msgspec.json.decode(raw, type=list[AnyEvent])
        read.append(time.perf_counter() - started)
    median = statistics.median(taken)
    print(f"{len(events)} events, total {card.total:g}")
    times = median / max(statistics.median(read), 1e-9)
    print(f"scored in {1e3 * median:.1f} ms (median), {times:.0f} times what reading them takes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
