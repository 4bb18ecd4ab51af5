"""Looks over an installation: libraries, the store, scenarios, recorded runs. Names no cause of anything."""

from __future__ import annotations

import importlib.util
import platform
import time
from importlib import metadata

import msgspec

from simulator.errors import FlatlineError

NEEDED = ("msgspec", "numpy", "platformdirs", "pyarrow", "pyyaml", "rapidfuzz", "textual", "textual-plot", "unidiff")


class Finding(msgspec.Struct, frozen=True):
    well: bool
    text: str


def examine(pack: str | None = None) -> list[Finding]:
    """Everything looked at, the bad along with the good. Raises nothing: what fails is a finding."""
    return [*_libraries(), _store(), _weights(), *_vocabulary(), *_scenarios(pack), *_traces(), _model()]


def _libraries() -> list[Finding]:
    found = [Finding(True, f"Python {platform.python_version()}")]
    for name in NEEDED:
        try:
            found.append(Finding(True, f"{name} {metadata.version(name)}"))
        except metadata.PackageNotFoundError:
            found.append(Finding(False, f"{name} is not installed: `pip install {name}`"))
    torch = (
        "is installed"
        if importlib.util.find_spec("torch")
        else "is not installed, and needed for `gen-traces record` only"
    )
    found.append(Finding(True, f"torch {torch}"))
    return found


def _store() -> Finding:
    from simulator.store import Store

    try:
        with Store() as store:
            kept = store.history()
            for entry in kept:
                store.events(entry.id)
            return Finding(True, f"interviews: {len(kept)} in {store.path}")
    except FlatlineError as error:
        return Finding(False, str(error))


def _weights() -> Finding:
    """Whether what ear and judge have learned is there, and is read."""
    from grader import choice
    from simulator.interviewer import classifier

    for name, load in (("ear", classifier.load), ("judge", choice.load)):
        try:
            load()
        except (OSError, ValueError, KeyError, TypeError) as error:
            return Finding(False, f"what the {name} has learned cannot be read ({error}): install Flatline again")
    return Finding(True, "what ear and judge have learned is there")


def _model() -> Finding:
    """Asks the configured model to understand a message; it has as long as in a round."""
    from scenarios import vocabulary
    from scenarios.errors import ScenarioError
    from simulator.model import prompt, schema
    from simulator.model.endpoint import TROUBLE, Unreached, configured

    try:
        endpoint = configured()
        if endpoint is None:
            return Finding(True, "model: none is configured, and none is needed")
        known = vocabulary.load()
    except (FlatlineError, ScenarioError) as error:
        return Finding(False, str(error))
    name = f"model: {endpoint.settings.model} at {endpoint.settings.place}"
    asked = prompt.messages("debug", "", known, (), "hello there"), schema.json_schema(known)
    began = time.monotonic()
    try:
        try:
            text = endpoint.ask(*asked)
        except Unreached as error:
            if error.why != "failed":
                raise
            text = endpoint.ask(*asked)
    except Unreached as error:
        return Finding(False, f"{name} {TROUBLE[error.why]}")
    seconds = time.monotonic() - began
    if schema.read(text, known) is None:
        return Finding(False, f"{name} answers, but not in the form that is needed")
    return Finding(True, f"{name} answers in {seconds:.1f} s")


def _vocabulary() -> list[Finding]:
    from scenarios import source, vocabulary
    from scenarios.errors import ScenarioError

    try:
        known = vocabulary.load()
        files = source.reference_source()
        for area in known.areas:
            source.regions(files, area.regions)
    except ScenarioError as error:
        return [Finding(False, str(error))]
    return [Finding(True, f"vocabulary: {len(known.diagnostics)} diagnostics, {len(known.areas)} areas of code")]


def _scenarios(pack: str | None) -> list[Finding]:
    from scenarios import catalog, source
    from scenarios.errors import ScenarioError
    from simulator.interviewer import mouth
    from traces import library
    from traces.errors import TraceError

    try:
        known = catalog.anonymous_order(pack)
    except ScenarioError as error:
        return [Finding(False, str(error))]
    recorded = [ref for ref in library.runs() if ref.variant is None]
    names = {ref.name for ref in recorded}
    unrecorded: list[int] = []
    bad: list[Finding] = []
    for number, slug in enumerate(known, 1):
        try:
            scenario = catalog.load_scenario(slug, pack)
            if "debug" in scenario.rounds and slug not in names:
                unrecorded.append(number)
            guide = catalog.load_guide(slug, pack)
            solution = catalog.load_solution(slug, pack)
            files = source.patched_source(slug, pack)
            source.regions(files, scenario.snippet)
            unanswered = {asked.id for asked in guide.follow_ups} - set(solution.follow_ups)
            if unanswered:
                bad.append(
                    Finding(False, f"scenario {number}: no model answer to follow-up {', '.join(sorted(unanswered))}")
                )
            for ref in recorded:
                if ref.name == slug:
                    facts = library.open_run(ref.path).manifest.facts
                    for text in (scenario.headline, scenario.opening):
                        mouth.fill(text, facts)
        except TraceError:
            continue  # reported with the runs
        except (ScenarioError, FlatlineError) as error:
            bad.append(Finding(False, f"scenario {number}: {error}"))
    if unrecorded and names:
        which = f"scenario{'s' * (len(unrecorded) > 1)} {', '.join(map(str, unrecorded))}"
        bad.append(Finding(False, f"no run is recorded for the debugging round of {which}: `gen-traces record`"))
    if not known:
        bad.append(Finding(False, "there are no scenarios: install Flatline again, or set FLATLINE_SCENARIOS"))
    return [*bad, Finding(True, f"scenarios: {len(known)}")]


def _traces() -> list[Finding]:
    from traces import library
    from traces.errors import TraceError

    root, refs = library.root(), library.runs()
    if not refs:
        return [
            Finding(False, f"no recorded runs in {root}: set FLATLINE_TRACES, or make them with `gen-traces record`")
        ]
    bad = []
    for ref in refs:
        try:
            run = library.open_run(ref.path)
            for column in run.columns():
                run.steps(column)
            for id in run.manifest.artifacts:
                if run.artifact(id) is None:
                    bad.append(Finding(False, f"{ref.path} lacks the artifact {id}: record it again"))
        except TraceError as error:
            bad.append(Finding(False, str(error)))
    profiles = sorted({ref.profile for ref in refs})
    return [*bad, Finding(True, f"recorded runs: {len(refs)} ({', '.join(profiles)}) in {root}")]
