"""Which lines of code a candidate points at: marked, named by number, or quoted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from grader.material import Material
from grader.transcript import Transcript

NEAR = 2
"""Lines around a change that count as the place: a missing call has no line of its own."""
FREE = 3
"""Distance up to which a marked line is context, not an accusation of innocent code."""
SHORTEST_QUOTE = 12

_NUMBERS = re.compile(
    r"(?:(?P<file>[\w/]+\.(?:py|ya?ml))\s*(?::|,?\s*(?:at\s+|on\s+)?lines?\s*|#L))\s*(?P<first>\d{1,5})(?:\s*(?:-|–|to)\s*(?P<last>\d{1,5}))?"
    r"|\b(?:lines?|l)\s*\.?\s*(?P<first2>\d{1,5})(?:\s*(?:-|–|to|and)\s*(?P<last2>\d{1,5}))?",
    re.IGNORECASE,
)


class Places(NamedTuple):
    """Lines pointed at, as (file, line): those at the change, and those that have nothing to do with it."""

    right: frozenset[tuple[str, int]]
    innocent: frozenset[tuple[str, int]]


def pointed(transcript: Transcript, material: Material) -> Places:
    lines = set(transcript.marked.lines) if transcript.marked else set()
    meant = set(lines)
    for message in transcript.said:
        if {"diagnosis", "fix", "answer"} & set(message.acts):
            found = named(message.text, material) | quoted(message.text, material.source, material.changed_lines)
            lines |= found
            if message.seq not in transcript.astray:
                meant |= found
    right = frozenset(line for line in meant if _distance(line, material.changed_lines) <= NEAR)
    innocent = frozenset(line for line in lines if _distance(line, material.changed_lines) > FREE)
    return Places(right, innocent)


def named(text: str, material: Material) -> set[tuple[str, int]]:
    """Lines named by number; without a file's name the one of the snippet's files that fits best is meant."""
    found: set[tuple[str, int]] = set()
    for match in _NUMBERS.finditer(text[:20_000]):
        first = int(match["first"] or match["first2"])
        last = int(match["last"] or match["last2"] or first)
        file = _file(match["file"], material) if match["file"] else _meant(first, last, material)
        if file is not None and 0 < first <= last < first + 40:
            found |= {(file, line) for line in range(first, last + 1)}
    return found


def quoted(
    text: str, source: Mapping[str, tuple[str, ...]], changed: Mapping[str, tuple[int, ...]]
) -> set[tuple[str, int]]:
    """The changed lines whose code a text quotes, spaces aside. Only these: other code may be quoted in passing."""
    said = _squeezed(text[:20_000])
    found = set()
    for file, numbers in changed.items():
        for number in numbers:
            lines = source.get(file, ())
            line = _squeezed(lines[number - 1].split("#")[0]) if 0 < number <= len(lines) else ""
            if len(line) >= SHORTEST_QUOTE and line in said:
                found.add((file, number))
    return found


def _file(name: str, material: Material) -> str | None:
    return next(
        (file for file in material.source if file == name or file.rsplit("/", 1)[-1] == name.rsplit("/", 1)[-1]), None
    )


def _meant(first: int, last: int, material: Material) -> str | None:
    files = list(dict.fromkeys([*(region.file for region in material.scenario.snippet), *material.changed_lines]))
    near = [file for file in files if min(_distance((file, n), material.changed_lines) for n in (first, last)) <= NEAR]
    return near[0] if near else files[0] if files else None


def _distance(line: tuple[str, int], changed: Mapping[str, tuple[int, ...]]) -> int:
    return min((abs(line[1] - number) for number in changed.get(line[0], ())), default=10_000)


def _squeezed(text: str) -> str:
    return re.sub(r"[\s`]+", "", text).lower()
