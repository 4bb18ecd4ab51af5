"""What is told after an interview: what was wrong, how it could be seen, what it was worth.

The only module of this room that opens a solution or a verdict; it refuses while the interview is open.
"""

from __future__ import annotations

import contextlib
import difflib
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from grader.events import AnyEvent, Closed, Request, Started
from grader.opinion import Opinion
from grader.path import Stop, Wanted
from grader.scorecard import Scorecard
from simulator.errors import FlatlineError
from simulator.evidence import KNOWN_GOOD, CodeBlock, Evidence

if TYPE_CHECKING:
    from simulator.table import Table
    from traces.format import Betrayal, Verdict


# A band of next to no width makes any distance huge: beyond this, figures say no more.
MANY_WIDTHS = 1000
LONG = 12  # lines from which on only differences are told


class Finding(msgspec.Struct, frozen=True):
    """A decisive diagnostic and, where the run was verified, how far it leaves the band of healthy runs.

    `name` is for readers: `activations (mean over layers)`.
    """

    diagnostic: str
    figures: str
    name: str


class Question(msgspec.Struct, frozen=True):
    question: str
    model_answer: str


class Debrief(msgspec.Struct, frozen=True, kw_only=True):
    """`bug_lines` are line numbers of the code as it ran, by file; `bug_code` shows the functions around them.

    `taken` is the candidate's way and `strong` that of a strong one; `beside` the decisive diagnostics of the run with
    those of the known-good one. `device` is empty when no recorded run was on the table.
    """

    slug: str
    title: str
    catalogue: tuple[int | str, ...]
    category: str
    root_cause: str
    mechanism: str
    fixes: tuple[str, ...]
    diff: str
    bug_lines: dict[str, tuple[int, ...]]
    decisive: tuple[Finding, ...]
    beside: tuple[Evidence, ...]
    taken: tuple[Stop, ...]
    strong: tuple[Wanted, ...]
    follow_ups: tuple[Question, ...]
    references: tuple[str, ...]
    profile: str
    seed: int
    device: str
    snippet: tuple[CodeBlock, ...]
    scorecard: Scorecard


def score(slug: str, events: Sequence[AnyEvent], profile: str, pack: str | None = None) -> Scorecard:
    """The scorecard of a closed interview. Raises FlatlineError for an open one, or a scenario that is not there."""
    import grader
    from grader.errors import GraderError
    from scenarios.errors import ScenarioError

    if not any(isinstance(event, Closed) for event in events):
        raise FlatlineError("the score is made when the interview is closed: /finish closes it")
    try:
        return grader.score(events, slug, verdict=verdict_of(slug, profile), pack=pack)
    except (ScenarioError, GraderError) as error:
        raise FlatlineError(str(error)) from None


def second_opinion(slug: str, events: Sequence[AnyEvent], pack: str | None = None) -> tuple[Opinion, str]:
    """What the configured model makes of a closed interview, and the model's name. Raises FlatlineError."""
    from scenarios import catalog
    from scenarios.errors import ScenarioError
    from simulator.model import judge

    if not any(isinstance(event, Closed) for event in events):
        raise FlatlineError("a second opinion is for a closed interview: /finish closes it")
    try:
        solution = catalog.load_solution(slug, pack)
    except ScenarioError as error:
        raise FlatlineError(str(error)) from None
    endpoint = judge.configured()
    return judge.ask(endpoint, events, solution), endpoint.settings.model


def make(table: Table, events: Sequence[AnyEvent], card: Scorecard) -> Debrief:
    """The debrief of a closed interview; `card` is the proof that it is. Raises FlatlineError."""
    from grader import path, transcript
    from grader.material import load_material
    from scenarios import catalog, source
    from scenarios.errors import ScenarioError

    slug, pack = table.slug, table.pack
    try:
        solution = catalog.load_solution(slug, pack)
        guide = catalog.load_guide(slug, pack)
        diff = catalog.patch_text(slug, pack)
        lines = source.changed_lines(slug, pack)
        snippet = tuple(table.snippet()) if table.scenario.snippet else ()
        started = next(event for event in events if isinstance(event, Started))
        verdict = verdict_of(slug, started.profile)
        material = load_material(slug, verdict=verdict, pack=pack)
    except ScenarioError as error:
        raise FlatlineError(str(error)) from None
    told = transcript.read(events, material)
    return Debrief(
        slug=slug,
        title=solution.title,
        catalogue=solution.catalogue,
        category=solution.category,
        root_cause=solution.root_cause,
        mechanism=solution.mechanism,
        fixes=solution.fixes,
        diff=diff,
        bug_lines=lines,
        decisive=tuple(finding(id, verdict) for id in solution.decisive),
        beside=tuple(_beside(table, solution.decisive, verdict)),
        taken=path.taken(told, material),
        strong=path.strong(told, material, card.points),
        follow_ups=tuple(
            Question(asked.question, solution.follow_ups[asked.id].model_answer)
            for asked in guide.follow_ups
            if asked.id in solution.follow_ups
        ),
        references=solution.references,
        profile=started.profile,
        seed=started.seed,
        device=_device(table),
        snippet=snippet,
        scorecard=card,
    )


def verdict_of(slug: str, profile: str) -> Verdict | None:
    """What verification found, None when the scenario has not been verified on that profile."""
    from traces import library
    from traces.errors import TraceError

    try:
        return library.verdict(slug, profile)
    except TraceError:
        return None


def finding(diagnostic: str, verdict: Verdict | None) -> Finding:
    """A diagnostic and its distance from the healthy band, in words; `figures` is empty when there is no figure."""
    name = diagnostic.replace("_", " ")
    most = _furthest(diagnostic, verdict)
    if most:
        part = _part(most.column)
        if most.direction == "nonfinite":
            figures = f"outside healthy runs from step {most.first_step} on, in the end not finite"
        else:
            figures = f"{_widths(most.widths)} {most.direction} healthy runs, from step {most.first_step}"
        return Finding(diagnostic, figures, f"{name} ({part})" if part else name)
    differs = verdict is not None and verdict.checks.get(diagnostic, False)
    return Finding(diagnostic, "comes out otherwise than in healthy runs" if differs else "", name)


def _beside(table: Table, decisive: Sequence[str], verdict: Verdict | None) -> Iterator[Evidence]:
    """The decisive diagnostics of the run, each with the known-good run's, as far as they were recorded."""
    for id in decisive:
        with contextlib.suppress(FlatlineError):  # a review may have no run
            piece = table.fetch(Request(id, compare=True))
            if piece.recorded and id != "code":
                piece = _told_by(piece, _furthest(id, verdict))
                yield msgspec.structs.replace(piece, text=differing(piece.text))


def _told_by(piece: Evidence, most: Betrayal | None) -> Evidence:
    """Of many curves the one that is furthest off, beside the known-good one."""
    from simulator.tables import table

    if most is None:
        return piece
    name = re.sub(r"layer\.(\d+)", r"layer \1", most.column.partition("/")[2].replace("*", "0"))
    chosen = tuple(one for one in piece.series if one.name == name)
    if len(chosen) != 2 or len(piece.series) == 2:
        return piece
    return msgspec.structs.replace(piece, title=f"{piece.title}: {name}", series=chosen, text=table(chosen))


def differing(text: str) -> str:
    """A text and the known-good run's below it as the lines in which they differ, where both are long."""
    ours, _, theirs = text.partition(f"\n\n{KNOWN_GOOD}\n")
    if not theirs or max(ours.count("\n"), theirs.count("\n")) < LONG:
        return text
    marks = {"-": "known-good  ", "+": "this run    "}
    found = list(difflib.unified_diff(theirs.split("\n"), ours.split("\n"), n=0, lineterm=""))
    # The first two lines are the names of the sides.
    return "\n".join(marks[line[0]] + line[1:] for line in found[2:] if line[:1] in marks)


def _furthest(diagnostic: str, verdict: Verdict | None) -> Betrayal | None:
    """Of what betrays the run in a diagnostic, that which is furthest off; of those equally far, the one that shows it
    first, and of these the plainest."""
    found = [one for one in verdict.betrayals if one.diagnostic == diagnostic] if verdict else []
    return max(found, key=lambda one: (min(one.widths, MANY_WIDTHS), -one.first_step, -len(one.column)), default=None)


def _widths(widths: float) -> str:
    if widths > MANY_WIDTHS:
        return f"over {MANY_WIDTHS:,} band widths"
    shown = f"{widths:.0f}" if widths >= 10 else f"{widths:.2g}"
    return f"{shown} band width{'s' * (shown != '1')}"


def _part(column: str) -> str:
    """The part of a column's name below its diagnostic's, in words: `layer 3 head 1`, `mean over layers`."""
    diagnostic, _, below = column.partition("/")
    if diagnostic in ("loss", "grad_norm", "grad_norm_clipped") and below in ("mean", "peak"):
        return f"running {below}"
    stars = re.findall(r"(layer|head)\.\*", below)
    words = [word.replace("_", " ") for word in re.sub(r"(layer|head)\.\*", "", below).replace("/", ".").split(".")]
    over = [f"mean over {' and '.join(f'{star}s' for star in stars)}"] if stars else []
    return ", ".join([*filter(None, [" ".join(filter(None, words))]), *over])


def _device(table: Table) -> str:
    try:
        return table.run.manifest.device_name if table.run else ""
    except FlatlineError:
        return ""
