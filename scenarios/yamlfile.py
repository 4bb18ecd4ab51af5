"""Reads a YAML file into a checked shape; what is wrong with it is said in one line with file and line number."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from scenarios.errors import ScenarioError

T = TypeVar("T")

MAX_BYTES = 1_000_000
MAX_DEPTH = 40

_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\[\.\.\.\]")


def read_text(path: Path) -> str:
    """The file's text. Raises ScenarioError when it is missing, too large or not UTF-8."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ScenarioError(f"{path}: larger than {MAX_BYTES:,} bytes, which no file of a scenario needs")
        return path.read_bytes().decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise ScenarioError(f"{path}: not a UTF-8 text file") from None
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read ({error.strerror or error})") from None


def load(path: Path, shape: type[T]) -> T:
    """The file at `path` as a `shape`. Raises ScenarioError naming the file and, where known, the line."""
    return _parsed(read_text(path), shape, str(path))


@functools.lru_cache(maxsize=1024)
def _parsed(text: str, shape: type[T], name: str) -> T:
    # Shapes are frozen, and a file that has changed has another text.
    return parse(text, shape, name)


def parse(text: str, shape: type[T], name: str) -> T:
    """YAML `text` as a `shape`; `name` stands for it in messages. Raises ScenarioError."""
    import yaml

    loader_class: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        loader = loader_class(text)
        try:
            root = loader.get_single_node()
            if root is None:
                raise ScenarioError(f"{name}: empty")
            _check_nodes(root, name)
            value = loader.construct_document(root)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}:{mark.line + 1}" if mark else name
        raise ScenarioError(
            f"{where}: not valid YAML: {_one_line(error.problem or error.context or 'error')}"
        ) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        if isinstance(error, ScenarioError):
            raise
        raise ScenarioError(f"{name}: not valid YAML: {_one_line(str(error))}") from None
    try:
        return msgspec.convert(value, shape, strict=True)
    except msgspec.ValidationError as error:
        problem, _, location = str(error).partition(" - at ")
        line = _line_of(root, location.strip("`"), problem)
        raise ScenarioError(f"{name}:{line}: {_one_line(str(error))}") from None


def _check_nodes(root: Any, name: str) -> None:
    """Refuse what YAML allows and a scenario's author never means: a key given twice, aliases, bottomless nesting."""
    import yaml

    seen: set[int] = set()
    pending = [(root, 0)]
    while pending:
        node, depth = pending.pop()
        line = node.start_mark.line + 1
        if id(node) in seen:
            raise ScenarioError(f"{name}:{line}: YAML aliases (*name) are not used in these files; write it out")
        if depth > MAX_DEPTH:
            raise ScenarioError(f"{name}:{line}: nested deeper than {MAX_DEPTH} levels")
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            keys: set[str] = set()
            for key, value in node.value:
                if isinstance(key, yaml.ScalarNode) and key.value in keys:
                    raise ScenarioError(f"{name}:{key.start_mark.line + 1}: the key {key.value!r} is given twice")
                if isinstance(key, yaml.ScalarNode):
                    keys.add(key.value)
                pending.append((value, depth + 1))
        elif isinstance(node, yaml.SequenceNode):
            pending.extend((child, depth + 1) for child in node.value)


def _line_of(root: Any, location: str, problem: str) -> int:
    """Line (from 1) of a msgspec error path such as `$.hints[1]`, or of the nearest thing around it."""
    import yaml

    node = root
    line = node.start_mark.line + 1
    for step in _STEP.finditer(location.removeprefix("$")):
        key, index = step.group(1), step.group(2)
        child = None
        if key is not None and isinstance(node, yaml.MappingNode):
            child = next((value for name, value in node.value if name.value == key), None)
        elif index is not None and isinstance(node, yaml.SequenceNode) and int(index) < len(node.value):
            child = node.value[int(index)]
        if child is None:
            break
        node = child
        line = node.start_mark.line + 1
    unknown = re.search(r"unknown field `([^`]*)`", problem)
    if unknown and isinstance(node, yaml.MappingNode):
        line = next((key.start_mark.line + 1 for key, _ in node.value if key.value == unknown.group(1)), line)
    return line


def _one_line(text: str) -> str:
    return " ".join(text.split())
