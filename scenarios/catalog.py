"""Finds scenarios and reads their files.

A pack is a folder of scenario folders: the bundled `scenarios/catalog`, the folder that `FLATLINE_SCENARIOS` names,
and one handed in as `pack`. A pack is data and is checked when it is read.

`slugs`, `anonymous_order`, `load_scenario`, `patch_text` and `load_guide` never open a `solution.yaml`; `find` does so
only when the name is not a slug.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from scenarios import workloads
from scenarios.errors import ScenarioError
from scenarios.schema import Guide, Scenario, Solution
from scenarios.yamlfile import load, read_text

BUNDLED = Path(__file__).parent / "catalog"
PACK_VARIABLE = "FLATLINE_SCENARIOS"

_SLUG = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")


def packs(pack: Path | str | None = None) -> tuple[Path, ...]:
    """Folders to look in, the bundled one first. Raises ScenarioError when a named one is not a folder."""
    found = [BUNDLED]
    named = [(f"the folder in {PACK_VARIABLE}", os.environ.get(PACK_VARIABLE)), ("the scenario pack", pack)]
    for what, value in named:
        if not value:
            continue
        path = Path(value).expanduser()
        if not path.is_dir():
            raise ScenarioError(f"{what} is not a folder: {path}")
        if all(path.resolve() != known.resolve() for known in found):
            found.append(path)
    return tuple(found)


def _folders(pack: Path | str | None) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for root in packs(pack):
        try:
            entries = sorted(entry for entry in root.iterdir() if entry.is_dir())
        except OSError as error:
            raise ScenarioError(f"{root}: cannot be read ({error.strerror or error})") from None
        for entry in entries:
            if entry.name.startswith((".", "_")) or not any(entry.iterdir()):
                continue
            if not _SLUG.fullmatch(entry.name):
                raise ScenarioError(f"{entry}: a scenario's folder is named in lower-case letters, digits, - and _")
            if entry.name in found:
                raise ScenarioError(f"two scenarios are called {entry.name!r}: {found[entry.name]} and {entry}")
            found[entry.name] = entry
    return found


def slugs(pack: Path | str | None = None) -> tuple[str, ...]:
    """Every scenario's slug, sorted. Raises ScenarioError for a pack with unusable folder names."""
    return tuple(sorted(_folders(pack)))


def anonymous_order(pack: Path | str | None = None) -> tuple[str, ...]:
    """Slugs in a stable order that says nothing about them, to be numbered from 1."""
    return tuple(sorted(slugs(pack), key=lambda slug: hashlib.sha256(f"flatline:{slug}".encode()).digest()))


def folder(slug: str, pack: Path | str | None = None) -> Path:
    """The scenario's folder. Raises ScenarioError for an unknown slug, or for one that is no plain name."""
    if not _SLUG.fullmatch(slug):
        raise ScenarioError(f"{_shown(slug)} is no scenario's name; `flatline list` shows what there is")
    # Unlike Path.is_dir, isdir takes a name too long for the file system for one that is not there.
    there = [root / slug for root in packs(pack) if os.path.isdir(root / slug)]
    if len(there) == 1 and any(there[0].iterdir()):
        return there[0]
    known = _folders(pack)
    if slug not in known:
        raise ScenarioError(_unknown(slug, list(known)))
    return known[slug]


def _file(slug: str, name: str, pack: Path | str | None) -> Path:
    base = folder(slug, pack)
    path = base / name
    if not path.is_file():
        raise ScenarioError(f"the scenario {slug!r} lacks its {name} (expected at {path})")
    if not path.resolve().is_relative_to(base.resolve()):
        raise ScenarioError(f"{path}: leads out of its scenario's folder")
    return path


def load_scenario(slug: str, pack: Path | str | None = None) -> Scenario:
    """The public part of a scenario. Raises ScenarioError, as all loaders here do."""
    path = _file(slug, "scenario.yaml", pack)
    scenario = load(path, Scenario)
    if not scenario.rounds:
        raise ScenarioError(f"{path}: `rounds` is empty; a scenario serves `debug`, `review` or both")
    if scenario.workload not in workloads.load():
        known = ", ".join(workloads.load())
        raise ScenarioError(f"{path}: no workload {_shown(scenario.workload)}: choose one of {known}")
    if min(scenario.minutes.debug, scenario.minutes.review) <= 0:
        raise ScenarioError(f"{path}: `minutes` must be above 0")
    if "review" in scenario.rounds and not scenario.snippet:
        raise ScenarioError(f"{path}: a review round needs a `snippet` to show")
    return scenario


def load_guide(slug: str, pack: Path | str | None = None) -> Guide:
    """The interviewer's hints and follow-ups; for the moment a hint is asked for or a diagnosis was claimed."""
    return load(_file(slug, "guide.yaml", pack), Guide)


def load_solution(slug: str, pack: Path | str | None = None) -> Solution:
    """The secret part; for the debrief, the grader and the verifier, never for the interview."""
    return load(_file(slug, "solution.yaml", pack), Solution)


def patch_text(slug: str, pack: Path | str | None = None) -> str:
    """The scenario's `bug.patch`; empty for a healthy control."""
    return read_text(_file(slug, "bug.patch", pack))


def find(name: str, pack: Path | str | None = None) -> str:
    """The slug of a scenario given by slug, catalogue number (`31`, `#31`), catalogue name (`bad_init`) or title.

    Where several fit, the first in order of slugs. Raises ScenarioError with what comes close.
    """
    known = slugs(pack)
    wanted = _plain(name)
    for slug in known:
        if _plain(slug) == wanted:
            return slug
    if not wanted:
        raise ScenarioError("no scenario was named; `flatline list` shows what there is")
    names: list[str] = list(known)
    titled: str | None = None
    for slug in known:
        try:
            solution = load_solution(slug, pack)
        except ScenarioError:
            # A broken neighbour must not keep a sound scenario from being found; loading it says what is wrong.
            continue
        entries = [str(entry) for entry in solution.catalogue]
        if wanted in map(_plain, entries):
            return slug
        if titled is None and _plain(solution.title) == wanted:
            titled = slug
        names += [entry for entry in entries if not entry.isdigit()]
    if titled is not None:
        return titled
    raise ScenarioError(_unknown(name, names))


def _plain(name: str) -> str:
    return re.sub(r"[\s_\-#]+", "_", name.strip().casefold()).strip("_")


def _shown(name: str) -> str:
    return ascii(name if len(name) <= 60 else name[:57] + "...")


def _unknown(name: str, known: list[str]) -> str:
    import difflib

    close = list(dict.fromkeys(difflib.get_close_matches(_plain(name)[:60], known, n=3, cutoff=0.6)))
    if close:
        return f"no scenario {_shown(name)}; did you mean {' or '.join(close)}?"
    return f"no scenario {_shown(name)}; `flatline list` shows what there is"
