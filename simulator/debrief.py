"""What is told after an interview: what was wrong, how it could be seen, what it was worth.

The only module of this room that opens a solution or a verdict; it refuses while the interview is open.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from grader.events import AnyEvent, Closed, Started
from grader.scorecard import Scorecard
from simulator.errors import FlatlineError
from simulator.evidence import CodeBlock

if TYPE_CHECKING:
    from simulator.table import Table
    from traces.format import Verdict


# A band of next to no width makes any distance huge: beyond this, figures say no more.
MANY_WIDTHS = 1000


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

    `device` is empty when no recorded run was on the table.
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


def make(table: Table, started: Started, card: Scorecard) -> Debrief:
    """The debrief of a closed interview; `card` is the proof that it is. Raises FlatlineError."""
    from scenarios import catalog, source
    from scenarios.errors import ScenarioError

    slug, pack = table.slug, table.pack
    try:
        solution = catalog.load_solution(slug, pack)
        guide = catalog.load_guide(slug, pack)
        diff = catalog.patch_text(slug, pack)
        lines = source.changed_lines(slug, pack)
        snippet = tuple(table.snippet()) if table.scenario.snippet else ()
    except ScenarioError as error:
        raise FlatlineError(str(error)) from None
    verdict = verdict_of(slug, started.profile)
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
    found = [one for one in verdict.betrayals if one.diagnostic == diagnostic] if verdict else []
    if found:
        # Of those equally far off, the one that shows it first, and of these the plainest.
        most = max(found, key=lambda one: (min(one.widths, MANY_WIDTHS), -one.first_step, -len(one.column)))
        part = _part(most.column)
        if most.direction == "nonfinite":
            figures = f"outside healthy runs from step {most.first_step} on, in the end not finite"
        else:
            figures = f"{_widths(most.widths)} {most.direction} healthy runs, from step {most.first_step}"
        return Finding(diagnostic, figures, f"{name} ({part})" if part else name)
    differs = verdict is not None and verdict.checks.get(diagnostic, False)
    return Finding(diagnostic, "comes out otherwise than in healthy runs" if differs else "", name)


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
