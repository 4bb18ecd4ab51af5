"""The kinds of job: which script runs, and which files of the training code belong to it."""

from __future__ import annotations

import ast
import functools
from collections.abc import Mapping
from pathlib import Path

import msgspec

from scenarios.errors import ScenarioError
from scenarios.yamlfile import load as load_yaml

PATH = Path(__file__).parent / "workloads.yaml"


class Workload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`script` is what a job runs, `corpus` what builds its data; both are files of the reference.

    `reruns` names the variants that a scenario's job is recorded in besides.
    """

    about: str
    script: str
    corpus: str
    reruns: tuple[str, ...] = ()


@functools.lru_cache(maxsize=1)
def load() -> dict[str, Workload]:
    """All workloads by name."""
    return load_yaml(PATH, dict[str, Workload])


def find(name: str) -> Workload:
    """Raises ScenarioError naming those there are."""
    known = load()
    if name not in known:
        raise ScenarioError(f"no workload {name!r}: choose one of {', '.join(known)}")
    return known[name]


def job_source(source: Mapping[str, str], workload: str, config: str) -> dict[str, str]:
    """The part of a source that a job is made of: its scripts, what they import, and its one configuration.

    `config` is a path such as `configs/base.yaml`. Raises ScenarioError for a script or configuration not there.
    """
    kind = find(workload)
    wanted, waiting = {config}, [kind.script, kind.corpus]
    missing = [name for name in (config, *waiting) if name not in source]
    if missing:
        raise ScenarioError(f"{missing[0]} is not a file of the training code")
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted.add(name)
            waiting += [file for module in imported(source[name]) if (file := f"{module}.py") in source]
    return {name: text for name, text in source.items() if name in wanted}


@functools.lru_cache(maxsize=512)
def imported(text: str) -> frozenset[str]:
    """The top-level modules that Python source imports; none when it cannot be read as Python."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return frozenset()
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return frozenset(found)
