"""All that the interviewer says, worded. The words are data (`lines.yaml`); no line depends on what is wrong."""

from __future__ import annotations

import functools
import re
import zlib
from collections.abc import Mapping
from importlib import resources

from simulator.errors import FlatlineError


@functools.cache
def lines() -> dict[str, tuple[str, ...]]:
    """The wordings by key."""
    import yaml

    text = resources.files("simulator.interviewer").joinpath("lines.yaml").read_text(encoding="utf-8")
    return {key: tuple(wordings) for key, wordings in yaml.safe_load(text).items()}


def say(key: str, seq: int, last: str = "", **fields: object) -> str:
    """The line `key`, in the wording that the event's number picks, with `{fields}` filled in.

    `last` is what was said before, which is not said again in the same words. Raises FlatlineError when a field of the
    line is missing.
    """
    return _pick([fill(wording, fields) for wording in lines()[key]], key, seq, last)


def say_again(text: str, seq: int, last: str) -> str:
    """`text`, which has one wording, in other words than `last` if it was said just before."""
    return _pick([text], "again", seq, last)


def _pick(wordings: list[str], key: str, seq: int, last: str) -> str:
    fresh = [text for text in wordings if text != last]
    fresh = fresh or [text for line in lines()["again"] if (text := fill(line, {"text": wordings[0]})) != last]
    # A hash, because replies are often two events apart and a plain remainder would pick the same wording each time.
    return fresh[zlib.crc32(f"{key} {seq}".encode()) % len(fresh)]


def fill(text: str, fields: Mapping[str, object]) -> str:
    """`text` with its `{name}` and `{name:format}` placeholders filled; a brace that names no field stands as it is.

    Raises FlatlineError when a placeholder has no value or a format does not fit its value.
    """

    def replace(match: re.Match[str]) -> str:
        name, spec = match["name"], match["spec"] or ""
        if name not in fields or fields[name] is None:
            raise FlatlineError(f"the text needs {{{name}}}, which the recorded run does not state: {_short(text)}")
        value = fields[name]
        if isinstance(value, float) and not spec:
            spec = ".4g"
        try:
            return format(value, spec)
        except (ValueError, TypeError) as error:
            raise FlatlineError(f"{{{name}:{spec}}} does not fit the value {value!r}: {_short(text)}") from error

    return re.sub(r"\{(?P<name>[A-Za-z_]\w*)(?::(?P<spec>[^{}]*))?\}", replace, text)


def duration(seconds: float) -> str:
    """A length of time in words: `7 minutes`, `1 minute 30 seconds`, `45 seconds`."""
    whole = max(0, round(seconds))
    minutes, rest = divmod(whole, 60)
    parts = []
    if minutes:
        parts.append(f"{minutes} minute{'s' * (minutes != 1)}")
    if (rest and minutes < 10) or not minutes:
        parts.append(f"{rest} second{'s' * (rest != 1)}")
    return " ".join(parts)


def enumerate_titles(titles: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`; with semicolons where a title has commas of its own."""
    if len(titles) > 1 and any("," in title for title in titles):
        return f"{'; '.join(titles[:-1])}; and {titles[-1]}"
    return titles[0] if len(titles) == 1 else f"{', '.join(titles[:-1])} and {titles[-1]}"


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 60 else flat[:57] + "..."
