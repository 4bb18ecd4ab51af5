"""What lies on the table in one interview: the scenario's public part, the recorded run, the ear.

The guide is opened when it is first needed; solution and verdict are not opened here.
"""

from __future__ import annotations

import functools
import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from grader.events import Request, Started
from simulator.errors import FlatlineError
from simulator.evidence import CodeBlock, Evidence
from simulator.interviewer import mouth

if TYPE_CHECKING:
    from scenarios.schema import Guide, Scenario, Vocabulary
    from simulator.desk import TraceDesk
    from simulator.interview import Options
    from simulator.session import Understood
    from simulator.state import State
    from traces.library import Run, RunRef

UNREADABLE = "the recorded run cannot be read: `flatline doctor` tells which file is at fault"
NO_RUN = "none"  # the profile of a review whose scenario has no recorded run
# Of the rounds left to chance, those in which nothing is wrong: seldom, or "nothing" becomes a good guess.
HEALTHY_SHARE = 0.1
Skipped = Callable[[str], None]
# The largest recording first; smoke runs are for tests and serve when there is nothing else.
PROFILES = ("gpu", "cpu", "smoke")


def ignored(line: str) -> None:
    """Takes a line on what was left out, and says nothing."""


class Table:
    def __init__(self, slug: str, scenario: Scenario, ref: RunRef | None, pack: str | None = None) -> None:
        self.slug = slug
        self.scenario = scenario
        self.pack = pack
        self._ref = ref

    @classmethod
    def of(cls, started: Started, pack: str | None) -> Table:
        """The table of an interview that was begun before. Raises FlatlineError when its run is gone."""
        from traces import library

        scenario = load_scenario(started.scenario, pack)
        found = [
            ref
            for ref in library.runs()
            if ref.variant is None
            and (ref.profile, ref.name, ref.seed) == (started.profile, started.scenario, started.seed)
        ]
        if not found and started.profile != NO_RUN and started.round == "debug":
            raise FlatlineError(
                f"the recorded run of interview {started.session} is no longer there: `flatline doctor` tells more"
            )
        return cls(started.scenario, scenario, found[0] if found else None, pack)

    @property
    def profile(self) -> str:
        return self._ref.profile if self._ref else NO_RUN

    @property
    def seed(self) -> int:
        return self._ref.seed if self._ref else 0

    @cached_property
    def vocabulary(self) -> Vocabulary:
        from scenarios import vocabulary
        from scenarios.errors import ScenarioError

        try:
            return vocabulary.load()
        except ScenarioError as error:
            raise FlatlineError(str(error)) from None

    @cached_property
    def run(self) -> Run | None:
        """The recorded run, None for a review without one. Raises FlatlineError when it cannot be read."""
        from traces import library
        from traces.errors import TraceError

        if self._ref is None:
            return None
        try:
            return library.open_run(self._ref.path)
        except TraceError:
            # The error names a path, and the path names what is wrong with the run.
            raise FlatlineError(UNREADABLE) from None

    def opening(self, round: Literal["debug", "review"], minutes: float) -> str:
        """The interviewer's first speech. Raises FlatlineError when a fact it states was not recorded."""
        facts = dict(self.run.manifest.facts) if self.run else {}
        scenario = self.scenario
        told = {
            name: mouth.fill(getattr(scenario, attribute).strip(), facts) for name, attribute in _OPENING[round].items()
        }
        if round == "debug":
            told["setup"] = setup_line(facts)
        return mouth.say(f"opening_{round}", 2, minutes=mouth.duration(minutes * 60), **told)

    def opens(self, round: str) -> None:
        """Raises FlatlineError when such a round cannot be opened on this table."""
        if round == "review":
            self.opening("review", 1.0)
            self.snippet()
        else:
            self.opening("debug", 1.0)
            self.opening_evidence()

    def ear(self, text: str, state: State) -> Understood:
        from simulator.interviewer import ear

        manifest = self.run.manifest if self.run else None
        layers = manifest.config.get("n_layer") if manifest else None
        context = ear.EarContext(
            total_steps=manifest.steps if manifest else None,
            n_layers=layers if isinstance(layers, int) else None,
            last=next((said.requests for said in reversed(state.said) if said.requests), ()),
            named=ear.spoken_of(state.said[-1].text, self.vocabulary)
            if state.said and not state.said[-1].requests
            else (),
        )
        return ear.understand(text, self.vocabulary, context)

    def guide(self) -> Guide:
        from scenarios import catalog
        from scenarios.errors import ScenarioError

        try:
            return catalog.load_guide(self.slug, self.pack)
        except ScenarioError as error:
            raise FlatlineError(str(error)) from None

    def fetch(self, request: Request) -> Evidence:
        if self._desk is None:
            raise FlatlineError("no recorded run lies on the table")
        return self._desk.fetch(request)

    def opening_evidence(self) -> list[Evidence]:
        return self._desk.opening() if self._desk else []

    @functools.cache  # noqa: B019 - a table lives as long as its interview
    def snippet(self) -> list[CodeBlock]:
        from scenarios import source
        from scenarios.errors import ScenarioError

        try:
            pieces = source.snippet(self.slug, self.pack)
        except ScenarioError as error:
            raise FlatlineError(str(error)) from None
        return [CodeBlock(file=piece.file, first_line=piece.first_line, lines=piece.lines) for piece in pieces]

    @cached_property
    def _desk(self) -> TraceDesk | None:
        from scenarios import source
        from simulator.desk import TraceDesk

        if self.run is None:
            return None
        patched = functools.cache(lambda: source.job_source(self.slug, self.pack))
        return TraceDesk(self.run, self.vocabulary, patched)


# The environment that every debugging round opens with, in the same words for every run.
_SETUP = (
    "{parameters:,} parameters",
    "{n_layer} layers",
    "{tokens_per_step:,} tokens a step",
    "{optimizer} with a configured learning rate of {lr:g}",
    "matrix products in {compute_dtype}",
    "on {device_name}",
)


def setup_line(facts: Mapping[str, object]) -> str:
    """The environment of the job in one sentence, of what is recorded of it; empty when nothing is."""
    parts = [text for text in _SETUP if all(facts.get(name) for name in re.findall(r"{(\w+)", text))]
    return f"The job: {mouth.fill(', '.join(parts), facts)}." if parts else ""


_OPENING = {
    "debug": {"headline": "headline", "opening": "opening"},
    "review": {"context": "review_context"},
}


def load_scenario(slug: str, pack: str | None) -> Scenario:
    from scenarios import catalog
    from scenarios.errors import ScenarioError

    try:
        return catalog.load_scenario(slug, pack)
    except ScenarioError as error:
        raise FlatlineError(str(error)) from None


def numbered(pack: str | None = None) -> tuple[str, ...]:
    """The slugs in the order of the anonymous list, which counts from 1."""
    from scenarios import catalog
    from scenarios.errors import ScenarioError

    try:
        return catalog.anonymous_order(pack)
    except ScenarioError as error:
        raise FlatlineError(str(error)) from None


def playable(pack: str | None = None, skipped: Skipped = ignored) -> Iterator[tuple[int, str, Scenario]]:
    """The sound scenarios of the anonymous list with their numbers; `skipped` is told in a line what is broken."""
    for number, slug in enumerate(numbered(pack), 1):
        try:
            scenario = load_scenario(slug, pack)
        except FlatlineError as error:
            skipped(f"scenario {number} is left out: {error}")
        else:
            yield number, slug, scenario


def named(name: str, pack: str | None = None) -> str:
    """The slug of a scenario named by its number in the list, its slug, or its catalogue number or name.

    A bare number is one of the list where the list is that long; `#4` is always the catalogue's. Raises FlatlineError.
    """
    from scenarios import catalog
    from scenarios.errors import ScenarioError

    name = name.strip()
    if name.isascii() and name.isdigit() and len(name) < 6:
        known = numbered(pack)
        if 1 <= int(name) <= len(known):
            return known[int(name) - 1]
    try:
        return catalog.find(name, pack)
    except ScenarioError as error:
        raise FlatlineError(str(error)) from None


def choose(options: Options, played: Sequence[str], rng: random.Random, skipped: Skipped = ignored) -> Table:
    """The table for a new interview: what the options name, the rest by chance, the unplayed before the played.

    `played` are the scenarios of earlier interviews. Chance leaves out what is broken, and tells `skipped` why. Raises
    FlatlineError when nothing fits.
    """
    from traces import library

    recorded: dict[str, list[RunRef]] = {}
    for ref in library.runs():
        if ref.variant is None:
            recorded.setdefault(ref.name, []).append(ref)
    if options.scenario is not None:
        slug = named(options.scenario, options.pack)
        scenario = load_scenario(slug, options.pack)
        if options.round not in scenario.rounds:
            raise FlatlineError(f"that scenario has no {options.round} round: play its {scenario.rounds[0]} round")
        if options.level is not None and options.level != scenario.level:
            raise FlatlineError(f"that scenario is not of level {options.level}: leave one of the two out")
        if options.round == "debug" and slug not in recorded:
            raise FlatlineError(
                f"no run of that scenario is recorded in {library.root()}: `gen-traces record` makes one"
            )
    else:
        return _by_chance(options, played, rng, recorded, skipped)
    table = Table(slug, scenario, _run_of(recorded.get(slug, []), options.seed, rng), options.pack)
    table.opens(options.round)
    return table


def _by_chance(
    options: Options,
    played: Sequence[str],
    rng: random.Random,
    recorded: Mapping[str, Sequence[RunRef]],
    skipped: Skipped,
) -> Table:
    fitting: dict[str, tuple[int, Scenario]] = {}
    for number, slug, scenario in playable(options.pack, skipped):
        there = options.round == "review" or slug in recorded
        if there and options.round in scenario.rounds and options.level in (None, scenario.level):
            fitting[slug] = number, scenario
    while fitting:
        drawn = _kind(fitting, options.pack, rng)
        fewest = min(played.count(slug) for slug in drawn)
        slug = rng.choice([slug for slug in drawn if played.count(slug) == fewest])
        number, scenario = fitting.pop(slug)
        table = Table(slug, scenario, _run_of(recorded.get(slug, ()), options.seed, rng), options.pack)
        try:
            table.opens(options.round)
        except FlatlineError as error:
            skipped(f"scenario {number} is left out: {error}")
        else:
            return table
    of = f" of level {options.level}" if options.level else ""
    run = " with a recorded run" if options.round == "debug" else ""
    raise FlatlineError(f"there is no scenario{of} for a {options.round} round{run}: `flatline doctor` tells more")


def _kind(slugs: Iterable[str], pack: str | None, rng: random.Random) -> list[str]:
    """The healthy ones among the scenarios, seldom; otherwise those with a bug. A healthy job has no patch."""
    from scenarios import catalog

    healthy: list[str] = []
    bugged: list[str] = []
    for slug in slugs:
        (bugged if catalog.patch_text(slug, pack).strip() else healthy).append(slug)
    seldom = rng.random() < HEALTHY_SHARE
    return (healthy if seldom else bugged) or healthy or bugged


def _run_of(refs: Sequence[RunRef], seed: int | None, rng: random.Random) -> RunRef | None:
    if not refs:
        return None
    order = {profile: i for i, profile in enumerate(PROFILES)}
    best = min(order.get(ref.profile, len(order)) for ref in refs)
    candidates = [ref for ref in refs if order.get(ref.profile, len(order)) == best]
    wanted = [ref for ref in candidates if ref.seed == seed]
    return wanted[0] if wanted else rng.choice(candidates)
