"""What is told after an interview: what was wrong, how it could be seen, what it was worth.

The only module of this room that opens a solution or a verdict; it refuses while the interview is open.
"""

from __future__ import annotations

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


class Finding(msgspec.Struct, frozen=True):
    """A decisive diagnostic and, where the run was verified, how far it leaves the band of healthy runs."""

    diagnostic: str
    figures: str


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
    from grader.errors import GraderError

    import grader
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
        decisive=tuple(Finding(id, figures(id, verdict)) for id in solution.decisive),
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


def figures(diagnostic: str, verdict: Verdict | None) -> str:
    """A diagnostic's distance from the healthy band, in words; empty when there is no figure."""
    if verdict is None:
        return ""
    found = [betrayal for betrayal in verdict.betrayals if betrayal.diagnostic == diagnostic]
    if found:
        most = max(found, key=lambda betrayal: betrayal.widths)
        if most.direction == "nonfinite":
            return f"{most.column} is not finite from step {most.first_step}"
        return (
            f"{most.column} goes {most.widths:.3g} band widths {most.direction} the healthy runs, "
            f"outside the band from step {most.first_step}"
        )
    if diagnostic in verdict.checks:
        return "comes out differently from the healthy runs" if verdict.checks[diagnostic] else ""
    return ""


def _device(table: Table) -> str:
    try:
        return table.run.manifest.device_name if table.run else ""
    except FlatlineError:
        return ""
