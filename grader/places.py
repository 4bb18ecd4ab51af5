"""Which lines of code a candidate points at: marked, named by number, or quoted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from grader.material import Material
from grader.pasted import SHORTEST, pasted, squeezed
from grader.transcript import Transcript

NEAR = 2
"""Lines around a change that count as the place: a missing call has no line of its own."""
FREE = 3
"""Distance up to which a marked line is context, not an accusation of innocent code."""

_FILE = r"(?P<file>(?<![\w/])[\w/]{1,120}\.(?:py|ya?ml))"
_RANGE = r"\d{1,5}(?:\s*(?:-|–|to|through)\s*\d{1,5})?"
_NUMBERS = re.compile(
    rf"(?:{_FILE}\s*(?::|,?\s*(?:at\s+|on\s+)?lines?\s*|#L)|\blines?\b\s*|\b(?-i:L)(?=\d\d))\s*"
    rf"(?P<between>between\s+)?(?P<numbers>{_RANGE}(?:\s*(?:,|and|&)\s*(?:lines?\s*)?{_RANGE})*)",
    re.IGNORECASE,
)
_SPAN = re.compile(r"(?P<first>\d{1,5})(?:\s*(?:-|–|to|through)\s*(?P<last>\d{1,5}))?", re.IGNORECASE)
_BETWEEN = re.compile(r"(?P<first>\d{1,5})\s*and\s*(?P<last>\d{1,5})", re.IGNORECASE)
NET = 8
"""Lines of code in one message from which on it is a paste, not a quotation."""


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
    right = frozenset(line for line in meant if near(line, material))
    innocent = frozenset(line for line in lines if _distance(line, material.changed_lines) > FREE)
    return Places(right, innocent)


def near(line: tuple[str, int], material: Material) -> bool:
    """Whether a line, as (file, number), is at the change."""
    return _distance(line, material.changed_lines) <= NEAR


def named(text: str, material: Material) -> set[tuple[str, int]]:
    """Lines named by number; without a file's name the one of the snippet's files that fits best is meant."""
    found: set[tuple[str, int]] = set()
    for match in _NUMBERS.finditer(text[:20_000]):
        spans = (_BETWEEN if match["between"] else _SPAN).finditer(match["numbers"])
        for span in spans:
            first = int(span["first"])
            last = int(span["last"] or first)
            file = _file(match["file"], material) if match["file"] else _meant(first, last, material)
            if file is not None and 0 < first <= last < first + 40:
                found |= {(file, line) for line in range(first, last + 1)}
    return found


def quoted(
    text: str, source: Mapping[str, tuple[str, ...]], changed: Mapping[str, tuple[int, ...]]
) -> set[tuple[str, int]]:
    """The changed lines whose code a text quotes, spaces aside. Only these: other code may be quoted in passing; but a
    paste of all of it points at nothing."""
    if len(pasted(text, source)) > NET:
        return set()
    said = squeezed(text[:20_000])
    found = set()
    for file, numbers in changed.items():
        for number in numbers:
            lines = source.get(file, ())
            line = squeezed(lines[number - 1].split("#")[0]) if 0 < number <= len(lines) else ""
            if len(line) >= SHORTEST and line in said:
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
