"""Pieces of evidence as values, ready for any face to draw."""

from __future__ import annotations

from typing import Literal

import msgspec

KNOWN_GOOD = "--- the known-good run ---"
"""Stands between a text and that of the known-good run."""


class Series(msgspec.Struct, frozen=True):
    """One line of a chart; `steps` and `values` have equal length, values may be NaN or infinite."""

    name: str
    steps: tuple[int, ...]
    values: tuple[float, ...]
    baseline: bool = False


class CodeBlock(msgspec.Struct, frozen=True):
    """Consecutive lines of one file; `first_line` is the number of the first in that file, from 1."""

    file: str
    first_line: int
    lines: tuple[str, ...]


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """`kind` says which of `series`, `text`, `blocks` holds the content; `text` is always a readable plain form.

    `beside` is what was recorded along with the curves as text, to be shown under them; `text` holds it too.
    """

    title: str
    kind: Literal["curves", "text", "code"]
    text: str
    series: tuple[Series, ...] = ()
    blocks: tuple[CodeBlock, ...] = ()
    log_y: bool = False
    recorded: bool = True
    beside: str = ""
