"""The subcommands of `flatline` that read and print: list, history, show, export, score, resolve, grade, doctor.

Each takes the parsed options and returns the exit code; FlatlineError is for the caller to show.
"""

from __future__ import annotations

import argparse
import functools
import io
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from traces.library import RunRef

from simulator.errors import FlatlineError
from simulator.session import clean


def listing(options: argparse.Namespace) -> int:
    from scenarios import catalog
    from simulator.table import playable
    from traces import library

    recorded = {ref.name: ref for ref in library.runs() if ref.variant is None}
    rows = []
    for number, slug, scenario in playable(options.pack, _warn):
        rounds = [round for round in scenario.rounds if round == "review" or slug in recorded]
        row = [str(number), scenario.level, scenario.difficulty, ", ".join(rounds) or "not recorded"]
        if options.spoilers:
            solution = catalog.load_solution(slug, options.pack)
            numbers = " ".join(str(entry) for entry in solution.catalogue)
            row += [str(solution.priority), _device(recorded.get(slug)), numbers, slug]
            row += [solution.title]
        rows.append(row)
    spoilers = ["priority", "device", "catalogue", "slug", "title"] if options.spoilers else []
    _print_table(["no", "level", "difficulty", "rounds", *spoilers], rows)
    return 0


def _device(ref: RunRef | None) -> str:
    from traces import library
    from traces.errors import TraceError

    try:
        return library.open_run(ref.path).manifest.device if ref else "–"
    except TraceError:
        return "damaged"


def history(options: argparse.Namespace) -> int:
    from simulator.store import Store

    rows = []
    with Store() as store:
        for entry in store.history():
            score = f"{entry.total:g} {entry.recommendation}" if entry.total is not None else "not scored"
            when = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.created))
            left = max(0.0, entry.minutes * 60 - entry.elapsed) / 60
            state = score if entry.closed else f"open, {left:.0f} min left"
            rows.append([entry.id, when, entry.round, entry.level, f"{entry.minutes:g} min", state])
    if rows:
        _print_table(["id", "begun", "round", "level", "length", "result"], rows)
    else:
        print("No interviews yet: `flatline play` starts one.")
    return 0


def show(options: argparse.Namespace) -> int:
    from simulator import report
    from simulator.interview import Interview
    from simulator.store import Store

    with Store() as store:
        interview = Interview.look(store, store.entry(options.id).id)
        sections = [report.transcript(interview.events)]
        if interview.closed:
            debrief = interview.debrief()
            sections += [*report.debrief(debrief), *report.scorecard(debrief.scorecard, interview.round)]
        print(clean(report.as_text(sections)))
    return 0


def export(options: argparse.Namespace) -> int:
    from simulator.export import export as exported
    from simulator.interview import Interview
    from simulator.store import Store

    with Store() as store:
        entry = store.entry(options.id)
        sys.stdout.write(exported(Interview.look(store, entry.id), options.format, entry.pack))
    return 0


def score(options: argparse.Namespace) -> int:
    from grader.events import Started
    from simulator import report
    from simulator.debrief import score as scored
    from simulator.debrief import second_opinion
    from simulator.export import HIDDEN, read
    from simulator.store import Store

    path = Path(options.what)
    if path.is_file():
        try:
            events, pack = read(path.read_bytes(), str(path))
        except OSError as error:
            raise FlatlineError(f"cannot read {path}: {error.strerror}") from None
    elif path.suffix or len(path.parts) > 1:
        raise FlatlineError(f"there is no file {path}: give a JSON export, or the id of an interview")
    else:
        with Store() as store:
            entry = store.entry(options.what)
            events, pack = store.events(entry.id), entry.pack
    started = events[0]
    assert isinstance(started, Started)
    if started.scenario == HIDDEN:
        raise FlatlineError("an open interview cannot be scored: finish it, then export it again")
    card = scored(started.scenario, events, started.profile, pack)
    opinion = model = None
    if options.second_opinion:
        opinion, model = second_opinion(started.scenario, events, pack)
    if options.json:
        found = msgspec.to_builtins(card)
        if opinion is not None:
            dimensions = {name: scored._asdict() for name, scored in opinion.dimensions.items()}
            found["second_opinion"] = {"model": model, "total": opinion.total, "dimensions": dimensions}
        _print_json(found)
        return 0
    sections = report.scorecard(card, started.round)
    if opinion is not None:
        sections.insert(1, report.second_opinion(card, opinion, started.round, str(model)))
    print(clean(report.as_text(sections)))
    return 0


def resolve(options: argparse.Namespace) -> int:
    from simulator.interviewer import ear

    for line in _lines():
        _print_json(ear.resolve(line))
    return 0


def grade(options: argparse.Namespace) -> int:
    from grader import judge
    from scenarios import catalog
    from scenarios.errors import ScenarioError

    find = functools.cache(lambda name: catalog.find(name, options.pack))
    code = 0
    for number, line in enumerate(_lines(), 1):
        if not line.strip():
            continue
        id: Any = None
        try:
            task = msgspec.json.decode(line.encode("utf-8", "replace"))
            id = task.get("id") if isinstance(task, dict) else None
            claim = msgspec.convert(task, _Claim)
            found = judge.match(claim.text, find(str(claim.scenario)), options.pack)
        except (msgspec.DecodeError, ScenarioError, RecursionError) as error:
            code = 1
            _print_json({"id": id, "error": f"line {number}: {' '.join(str(error).split())}"})
            continue
        _print_json({"id": claim.id, "root_cause": found.verdict, "closest": found.closest, "why": found.why})
    return code


def doctor(options: argparse.Namespace) -> int:
    from simulator import doctor as doctors

    findings = doctors.examine(options.pack)
    for finding in findings:
        print(f"{'ok ' if finding.well else 'BAD'}  {finding.text}")
    return 0 if all(finding.well for finding in findings) else 1


class _Claim(msgspec.Struct):
    scenario: str | int
    text: str
    id: Any = None


def _lines() -> Iterator[str]:
    """The lines of stdin as they come, without their ends; what is not UTF-8 is replaced."""
    raw = getattr(sys.stdin, "buffer", None)
    if raw is None:
        raw = io.BytesIO(sys.stdin.read().encode("utf-8", "replace"))
    for line in raw:
        yield line.decode("utf-8", "replace").rstrip("\r\n")


def _warn(line: str) -> None:
    print(f"flatline: {' '.join(line.split())}", file=sys.stderr)


def _print_json(value: Any) -> None:
    print(msgspec.json.encode(value).decode(), flush=True)


def _print_table(head: Any, rows: Any) -> None:
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    for row in [head, *rows]:
        print("  ".join(clean(cell).ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


COMMANDS = {
    "list": listing,
    "history": history,
    "show": show,
    "export": export,
    "score": score,
    "resolve": resolve,
    "grade": grade,
    "doctor": doctor,
}
