"""All that scoring needs to know of a scenario, as one value: the pure core reads no file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from grader.cause import is_healthy
from grader.judge import Judge, judge
from scenarios.schema import Scenario, Solution
from traces.format import Verdict

BASICS = frozenset({"loss", "val_loss", "config", "lr", "grad_norm", "log", "stack_trace", "hardware", "precision"})
"""What anyone looks at before having an idea: neither deep nor in need of a reason."""


@dataclass(frozen=True)
class Material:
    """`changed_lines` and `source` are of the patched code: line numbers from 1, and each file's lines. The lines are
    those that the patch touched and those of the snippet that the solution counts as the place too (`hits`).

    `curves` holds the ids of diagnostics that are curves, for which the verdict's silence means that they are like the
    healthy ones.
    """

    slug: str
    solution: Solution
    scenario: Scenario
    judge: Judge
    changed_lines: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    source: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    verdict: Verdict | None = None
    curves: frozenset[str] = frozenset()

    @property
    def healthy(self) -> bool:
        return is_healthy(self.solution)

    def bears(self, diagnostic: str) -> bool:
        """Whether a diagnostic has a bearing on the case: it speaks for the cause, or is what anyone looks at."""
        own = (*self.solution.decisive, *self.solution.supporting)
        return diagnostic in BASICS or diagnostic in own or diagnostic in self.betraying

    @property
    def betraying(self) -> frozenset[str]:
        """The diagnostics that are known to come out otherwise than in healthy runs."""
        if self.verdict is None:
            return frozenset()
        checks = (id for id, differs in self.verdict.checks.items() if differs)
        return frozenset((*checks, *(betrayal.diagnostic for betrayal in self.verdict.betrayals)))

    def is_normal(self, diagnostic: str) -> bool:
        """Whether a diagnostic came out as in healthy runs; False where that is not known."""
        if self.verdict is None:
            return False
        if diagnostic in self.verdict.checks:
            return not self.verdict.checks[diagnostic]
        return diagnostic in self.curves and all(b.diagnostic != diagnostic for b in self.verdict.betrayals)


def load_material(slug: str, *, verdict: Verdict | None = None, pack: Path | str | None = None) -> Material:
    """Reads the scenario and the answer keys of all others. Raises ScenarioError when one of its files is unusable."""
    from scenarios import catalog, source, vocabulary

    found = judge(slug, pack)
    files = {name: tuple(text.split("\n")) for name, text in source.patched_source(slug, pack).items()}
    return Material(
        slug=slug,
        solution=found.solutions[slug],
        scenario=catalog.load_scenario(slug, pack),
        judge=found,
        changed_lines=_place(slug, found.solutions[slug].hits, pack),
        source=files,
        verdict=verdict,
        curves=frozenset(one.id for one in vocabulary.load().diagnostics if one.kind == "curve"),
    )


def _place(slug: str, hits: tuple[str, ...], pack: Path | str | None) -> dict[str, tuple[int, ...]]:
    from scenarios import source

    found = {file: set(lines) for file, lines in source.changed_lines(slug, pack).items()}
    for piece in source.snippet(slug, pack) if hits else ():
        numbers = (number for number, line in enumerate(piece.lines, piece.first_line) if line.strip() in hits)
        found.setdefault(piece.file, set()).update(numbers)
    return {file: tuple(sorted(lines)) for file, lines in found.items()}
