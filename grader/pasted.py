"""Lines of code pasted into a message: they are nobody's words."""

from __future__ import annotations

import re
from collections.abc import Mapping

SHORTEST = 12
"""Characters from which on a line of code is one that nobody types by chance."""
LONGEST = 20_000

Source = Mapping[str, tuple[str, ...]]
"""The lines of each file."""


def pasted(text: str, source: Source) -> set[str]:
    """The lines of a text that are lines of the code, spaces aside."""
    if "\n" not in text.strip():
        return set()
    known = {squeezed(line) for lines in source.values() for line in lines}
    found = {line: squeezed(line) for line in text[:LONGEST].splitlines()}
    return {line for line, code in found.items() if len(code) >= SHORTEST and code in known}


def without_code(text: str, source: Source) -> str:
    """A text without the lines of code in it."""
    code = pasted(text, source)
    return "\n".join(line for line in text.splitlines() if line not in code) if code else text


def squeezed(text: str) -> str:
    """Text without spaces and backquotes, in lower case."""
    return re.sub(r"[\s`]+", "", text).lower()
