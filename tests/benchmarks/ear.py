"""How well the ear understands people whose messages it has not learned from, and how fast.

    python tests/benchmarks/ear.py [--part test]

The personas of `scenarios/messages/test` are left out of all training. Prints, by persona and over all:

- exact: of the messages that ask for something, how many are answered with exactly the set of things asked for
- asked back: of the same, how many are answered with nothing but a question
- wrong: of all messages, how many are answered with something that was not asked for
- act: how often the main act is right; parameters: how often all parameters are, where the set is
- out of scope: of the messages about nobody's diagnostic, how many are recognised as such

The baseline is rapidfuzz on the ids' names alone. Times are medians over the messages, load time that of the weights.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from grader.events import Request
from scenarios import vocabulary
from simulator.interviewer import classifier, labelled
from simulator.interviewer.ear import EarContext, Understanding, understand
from simulator.interviewer.labelled import Labelled

VOCABULARY = vocabulary.load()
RUN = EarContext(total_steps=labelled.STEPS, n_layers=labelled.LAYERS)
COLUMNS = ("messages", "exact", "asked back", "wrong", "act", "parameters", "out of scope")
Ear = Callable[[str], Understanding]


def left_out() -> list[Labelled]:
    """The messages of the personas left out, but for what somebody in training typed word for word."""
    learned = {message.text.lower() for message in labelled.read("train")}
    return [message for message in labelled.read("test") if message.text.lower() not in learned]


def ours(text: str) -> Understanding:
    return understand(text, VOCABULARY, RUN)


def by_names_alone(text: str) -> Understanding:
    """The id whose name is likest to some part of the message."""
    from rapidfuzz import fuzz, process

    names = [diagnostic.id.replace("_", " ") for diagnostic in VOCABULARY.diagnostics]
    best = process.extractOne(text.lower(), names, scorer=fuzz.partial_ratio, score_cutoff=75)
    if best is None:
        return Understanding(acts=("unclear",))
    return Understanding(acts=("request",), requests=(Request(best[0].replace(" ", "_")),))


def count(messages: Iterable[Labelled], ear: Ear) -> Counter[str]:
    """Tallies of how `ear` does."""
    tally: Counter[str] = Counter()
    for message in messages:
        heard = ear(message.text)
        got = frozenset(labelled.key(request) for request in heard.requests)
        tally["messages"] += 1
        tally["act"] += heard.acts[0] == message.acts[0]
        tally["wrong"] += bool(got - message.ids)
        if message.ids:
            tally["requests"] += 1
            tally["exact"] += got == message.ids
            tally["asked back"] += not got
            if got == message.ids:
                tally["parameters"] += set(map(_told, heard.requests)) == set(map(_told, message.requests))
        if message.mark == "out_of_scope":
            tally["foreign"] += 1
            tally["out of scope"] += not got and heard.acts[0] in ("unclear", "smalltalk")
    return tally


def _told(request: Request) -> tuple[object, ...]:
    """A request by what `flatline resolve` prints of it."""
    return (
        request.diagnostic, request.steps, request.layers, request.rank, request.split, request.area, request.compare
    )  # fmt: skip


def row(name: str, tally: Counter[str]) -> str:
    of = {"exact": "requests", "asked back": "requests", "parameters": "exact", "out of scope": "foreign"}
    cells = [f"{tally['messages']:>9}"]
    for column in COLUMNS[1:]:
        whole = tally[of.get(column, "messages")]
        cells.append(f"{100 * tally[column] / whole:>12.1f}" if whole else f"{'–':>12}")
    return f"{name:<24}" + "".join(cells)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("train", "test"), default="test")
    args = parser.parse_args(argv)
    messages = left_out() if args.part == "test" else list(labelled.read("train"))
    started = time.perf_counter()
    classifier.load()
    load = time.perf_counter() - started
    ours("loss")
    print(f"{'':<24}{COLUMNS[0]:>9}" + "".join(f"{column:>12}" for column in COLUMNS[1:]) + "   (%)")
    total: Counter[str] = Counter()
    for persona in sorted({message.persona for message in messages}):
        tally = count((message for message in messages if message.persona == persona), ours)
        print(row(persona, tally))
        total += tally
    print(row("all", total))
    print(row("names alone (baseline)", count(messages, by_names_alone)))
    times = []
    for message in messages:
        started = time.perf_counter()
        ours(message.text)
        times.append(time.perf_counter() - started)
    median, late = statistics.median(times), sorted(times)[-(len(times) // 20)]
    print(f"\na message: median {1e6 * median:.0f} µs, 95 % within {1e6 * late:.0f} µs")
    print(f"loading the weights: {1e3 * load:.0f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
