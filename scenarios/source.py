"""The training code as text: the reference, a scenario's patched copy of it, and pieces of either.

A source is a dict from path (relative to `scenarios/reference`, with `/`) to the file's text.
"""

from __future__ import annotations

import ast
import functools
import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from scenarios import catalog, workloads
from scenarios.errors import ScenarioError
from scenarios.patching import SUFFIXES, apply_edits, parse_patch, split_lines, touched_lines
from scenarios.schema import Region
from scenarios.yamlfile import read_text

REFERENCE = Path(__file__).parent / "reference"


class Piece(NamedTuple):
    """Consecutive lines of one file; `first_line` is the number of the first in that file, from 1."""

    file: str
    first_line: int
    lines: tuple[str, ...]


@functools.lru_cache(maxsize=1)
def _reference() -> tuple[tuple[str, str], ...]:
    paths = (path for path in REFERENCE.rglob("*") if path.suffix in SUFFIXES and "__pycache__" not in path.parts)
    files = sorted((path.relative_to(REFERENCE).as_posix(), path) for path in paths)
    if not files:
        raise ScenarioError(f"the reference training code is missing (expected in {REFERENCE}); install Flatline again")
    return tuple((name, read_text(path)) for name, path in files)


def reference_source() -> dict[str, str]:
    """The healthy training code. Raises ScenarioError when it is not there."""
    return dict(_reference())


def apply_patch(source: dict[str, str], patch: str, name: str = "patch") -> dict[str, str]:
    """`source` with a unified diff applied, as a new dict; an empty patch changes nothing.

    Strict: context and positions must fit exactly, and every path must lie in the tree. `name` stands for the patch
    in messages. Raises ScenarioError naming file and hunk.
    """
    return apply_edits(source, parse_patch(patch, name), name)


def patched_source(slug: str, pack: Path | str | None = None) -> dict[str, str]:
    """The code a scenario's job runs. Raises ScenarioError when its patch does not apply."""
    return apply_patch(reference_source(), catalog.patch_text(slug, pack), f"{slug}/bug.patch")


def changed_lines(slug: str, pack: Path | str | None = None) -> dict[str, tuple[int, ...]]:
    """Per file the line numbers (from 1, in the *patched* file) that the scenario's patch touched.

    Where lines were only taken away: the line before and the line after the gap. A removed file has no lines.
    """
    patched = patched_source(slug, pack)
    changed = {}
    for edit in parse_patch(catalog.patch_text(slug, pack), f"{slug}/bug.patch"):
        length = len(split_lines(patched.get(edit.file, "")))
        changed[edit.file] = tuple(line for line in touched_lines(edit) if line <= length)
    return changed


def job_source(slug: str, pack: Path | str | None = None) -> dict[str, str]:
    """The files a scenario's job is made of, patched."""
    scenario = catalog.load_scenario(slug, pack)
    return workloads.job_source(patched_source(slug, pack), scenario.workload, scenario.config)


def regions(source: dict[str, str], wanted: Iterable[Region]) -> list[Piece]:
    """The pieces of `source` that the regions name, wherever a patch has moved them to.

    A symbol is a top-level function, class or assigned name, or `Class.method`; its decorators belong to it. Of a
    name defined twice the last counts, as in Python. Raises ScenarioError for a file or symbol that is not there.
    """
    pieces = []
    for region in wanted:
        if region.file not in source:
            raise ScenarioError(f"{region.file} is not a file of the training code")
        lines = tuple(source[region.file].split("\n"))
        if lines and not lines[-1]:
            lines = lines[:-1]
        if region.symbol is None:
            pieces.append(Piece(region.file, 1, lines))
            continue
        first, last = _extent(source[region.file], region.file, region.symbol)
        pieces.append(Piece(region.file, first, lines[first - 1 : last]))
    return pieces


def snippet(slug: str, pack: Path | str | None = None) -> list[Piece]:
    """The code a review round of the scenario shows, from the patched source."""
    return regions(patched_source(slug, pack), catalog.load_scenario(slug, pack).snippet)


def _extent(text: str, file: str, symbol: str) -> tuple[int, int]:
    if not file.endswith(".py"):
        raise ScenarioError(f"{file} has no symbol {symbol!r}: only Python files have symbols, show the whole file")
    try:
        body = _module(text).body
    except (SyntaxError, ValueError) as error:
        raise ScenarioError(f"{file} cannot be read as Python ({error}), so {symbol!r} cannot be found") from None
    node: ast.stmt | None = None
    for part in symbol.split("."):
        if node is not None:
            body = node.body if isinstance(node, ast.ClassDef) else []
        node = next((candidate for candidate in reversed(body) if part in _names(candidate)), None)
        if node is None:
            raise ScenarioError(f"{file} has no symbol {symbol!r}")
    if node is None or node.end_lineno is None:
        raise ScenarioError(f"{file} has no symbol {symbol!r}")
    decorators = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)]), node.end_lineno


@functools.lru_cache(maxsize=32)
def _module(text: str) -> ast.Module:
    return ast.parse(text)


def _names(node: ast.stmt) -> tuple[str, ...]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return (node.name,)
    if isinstance(node, ast.Assign):
        return tuple(target.id for target in node.targets if isinstance(target, ast.Name))
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return (node.target.id,)
    return ()


def tree_sha256(source: dict[str, str]) -> str:
    """A hash of paths and texts; the same for the same tree on every machine."""
    digest = hashlib.sha256()
    for name in sorted(source):
        for part in (name.encode(), source[name].encode()):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
    return digest.hexdigest()
