"""Slash commands: the terse way to say something, never guessed at."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from grader.events import Act

SAYS: dict[str, Act] = {
    "diagnose": "diagnosis",
    "diagnosis": "diagnosis",
    "fix": "fix",
    "verify": "verify",
    "think": "hypothesis",
}
ASKS = {"show": "show", "plot": "show", "get": "show", "request": "show", "code": "code"}
BARE: dict[str, Act] = {
    "hint": "hint",
    "options": "options",
    "help": "options",
    "time": "meta",
    "repeat": "meta",
    "rules": "meta",
}
NAMES = (
    "show", "code", "hint", "options", "think", "diagnose", "fix", "verify", "skip", "time", "repeat", "help", "finish",
)  # fmt: skip

Kind = Literal["says", "asks", "bare", "unknown"]

_COMMAND = re.compile(r"/\s?([A-Za-z_]+)\b[ \t:]*(.*)", re.DOTALL)
_PAIR = re.compile(r"\b(layers?|heads?|rank|steps?|split|form|area)\s*=\s*", re.IGNORECASE)


class Command(NamedTuple):
    """A message that begins with a slash: what it is, the name typed, the rest of the message."""

    kind: Kind
    name: str
    rest: str


def parse(text: str) -> Command | None:
    """The command in `text`, or None when it is no command."""
    match = _COMMAND.fullmatch(text.strip())
    if match is None:
        return Command("unknown", "", "") if text.strip().startswith("/") else None
    name, rest = match.group(1).lower(), match.group(2).strip()
    kind: Kind = "says" if name in SAYS else "asks" if name in ASKS else "bare" if name in BARE else "unknown"
    return Command(kind, name, rest)


def spoken(rest: str) -> str:
    """`layer=2 steps=180-220` as it would be said: `layer 2 steps 180-220`."""
    return _PAIR.sub(lambda match: f"{match.group(1)} ", rest.replace("area=", ""))
