"""Reads the parameters of a request: steps, layers, heads, rank, split, form."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

AROUND = 20
OPEN_END = 10**9
"""The last step of a range without an end, where the length of the run is not known."""
MOST_NUMBERS = 256

WORDS = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "twenty": 20, "fifty": 50, "hundred": 100, "thousand": 1000,
}  # fmt: skip
_ORDINALS = {
    "first": 0, "second": 1, "third": 2, "fourth": 3, "fifth": 4, "sixth": 5, "seventh": 6, "eighth": 7, "ninth": 8,
    "tenth": 9, "1st": 0, "2nd": 1, "3rd": 2, "4th": 3, "5th": 4, "6th": 5, "7th": 6, "8th": 7,
}  # fmt: skip

_DIGITS = r"\d{1,3}(?:,\d{3})+|\d{1,12}(?:\.\d)?k?"
_COUNT = rf"(?:{_DIGITS}|{'|'.join(WORDS)})(?![\w.]*\w)"
# "one" and its like are seldom a step's number: "on one token", "from one to the other".
_TALL = "|".join(word for word, value in WORDS.items() if value >= 10)
_SMALL = "|".join(word for word, value in WORDS.items() if value < 10)
N = rf"(?:{_DIGITS}|{_TALL}|(?<=step )(?:{_SMALL})|(?<=iteration )(?:{_SMALL}))(?![\w.]*\w)"
STEP = r"(?:(?:the )?(?:global |training |optimizer |train )?(?:steps?|stps?|iterations?|iters?|it|updates?)[ #:=]*)"
TO = r"\s*(?:-|–|—|to|through|thru|until|till|up to|and|\.\.+|:)\s*"
DASH = r"\s*(?:-|–|—|to|through|thru|until|till|up to|\.\.+|:)\s*"
UNIT = r"(?:\s*(?:steps?|stps?|iterations?|iters?|updates?)\b)?"
_AROUND = r"(?:around|near|about|close to|circa|approximately|roughly|in the vicinity of|in the neighbou?rhood of|~|≈)"
LAYER = r"(?:(?:transformer |decoder )?(?:layers?|blocks?)[ #:=]*|\bl(?=\d))"
_LIST = (
    r"(?:\s*(?:,(?!\s*\d{2,}\s*(?:-|–|—|to|through|thru|until|till|\.\.+)\s*\d)|&|and|or|,\s*and|-|–|—|to|through|thru|\.\.+|:)"
    r"\s*(?:layers?|blocks?|heads?|l(?=\d))?\s*\d{1,4}(?![\w%]|\.\d))*"
)


class Param(NamedTuple):
    """One parameter found, and where: `start` and `end` are positions in the text.

    `value` is None or empty for what the run leaves open, such as the last layer of an unknown number.
    """

    name: Literal["steps", "layers", "heads", "rank", "split", "form", "per_layer"]
    value: Any
    start: int
    end: int


class Run(NamedTuple):
    """What is known of the run: its length in steps, its number of layers."""

    steps: int | None = None
    layers: int | None = None

    @property
    def end(self) -> int:
        return OPEN_END if self.steps is None else max(0, self.steps - 1)


UNKNOWN_RUN = Run()


def find(text: str, run: Run = UNKNOWN_RUN) -> list[Param]:
    """All parameters in lower-case `text`, in the order of the text. Steps and layers count from 0."""
    found: list[Param] = []
    rest = text
    for rule in _RULES:
        for match in rule.pattern.finditer(rest):
            found.append(Param(rule.name, rule.read(match, run), match.start(), match.end()))
        # What one rule has taken no later one may read again.
        rest = rule.pattern.sub(_blank, rest)
    return sorted(found, key=lambda param: param.start)


def _blank(match: re.Match[str]) -> str:
    return "\x00" * len(match.group())


def number(text: str) -> int:
    """A number as people write it ("200", "1,000", "2k", "two"), at most OPEN_END."""
    text = text.replace(",", "").strip()
    if text in WORDS:
        return WORDS[text]
    scale = 1000 if text.endswith("k") else 1
    return int(min(float(text.removesuffix("k")) * scale, OPEN_END))


def numbers(text: str) -> tuple[int, ...]:
    """The numbers of a list such as "0-2", "1, 3 and 5"."""
    found: set[int] = set()
    for match in re.finditer(r"(\d{1,4})(?:\s*(?:-|–|—|to|through|thru|\.\.+|:)\s*(?:[a-z]+\s*)?(\d{1,4}))?", text):
        first = int(match.group(1))
        last = int(match.group(2)) if match.group(2) else first
        first, last = min(first, last), max(first, last)
        found.update(range(first, min(last, first + MOST_NUMBERS) + 1))
        if len(found) > MOST_NUMBERS:
            break
    return tuple(sorted(found))[:MOST_NUMBERS]


def _range(first: int, last: int) -> tuple[int, int]:
    first, last = min(first, last), max(first, last)
    return max(0, first), min(max(0, last), OPEN_END)


def _given(match: re.Match[str]) -> list[int]:
    """The numbers of a pattern's named groups, in order; alternatives of one pattern have names of their own."""
    return [number(value) for value in match.groupdict().values() if value is not None]


def _span_of(match: re.Match[str], run: Run) -> tuple[int, int]:
    found = [number(value) for value in re.findall(r"\d[\d,]*k?", match.group())]
    return _range(min(found), max(found))


def _between(match: re.Match[str], run: Run) -> tuple[int, int]:
    first, last = _given(match)
    return _range(first, last)


def _around(match: re.Match[str], run: Run) -> tuple[int, int]:
    (step,) = _given(match)
    return _range(step - AROUND, step + AROUND)


def _from(match: re.Match[str], run: Run) -> tuple[int, int]:
    (step,) = _given(match)
    return _range(step, max(run.end, step))


def _until(match: re.Match[str], run: Run) -> tuple[int, int]:
    (step,) = _given(match)
    return _range(0, step)


def _single(match: re.Match[str], run: Run) -> tuple[int, int]:
    (step,) = _given(match)
    return _range(step, step)


def _before(match: re.Match[str], run: Run) -> tuple[int, int]:
    (step,) = _given(match)
    return _range(step - AROUND, step)


def _after(match: re.Match[str], run: Run) -> tuple[int, int]:
    (step,) = _given(match)
    return _range(step, step + AROUND)


def _first_steps(match: re.Match[str], run: Run) -> tuple[int, int]:
    (count,) = _given(match)
    return _range(0, count - 1)


def _last_steps(match: re.Match[str], run: Run) -> tuple[int, int] | None:
    (count,) = _given(match)
    return None if run.steps is None else _range(run.steps - count, run.end)


def _last_layers(match: re.Match[str], run: Run) -> tuple[int, ...] | None:
    if not run.layers:
        return None
    count = min([1, *_given(match)][-1], run.layers)
    return tuple(range(run.layers - count, run.layers))


class _Rule(NamedTuple):
    name: Literal["steps", "layers", "heads", "rank", "split", "form", "per_layer"]
    pattern: re.Pattern[str]
    read: Callable[[re.Match[str], Run], Any]


def _rule(name: Any, pattern: str, read: Any) -> _Rule:
    return _Rule(name, re.compile(pattern), read if callable(read) else lambda match, run: read)


def _listed(match: re.Match[str], run: Run) -> tuple[int, ...]:
    return numbers(match["list"])


_DEEP = r"(?:transformer )?(?:layers?|blocks?)\b"
_NO_UNIT = r"(?! (?:layers?|blocks?|heads?|batch\w*|examples?|rows?|docs?|documents?|samples?|tokens?|gpus?|ranks?))"
_RUN = r"(?: of (?:the )?(?:training|run|job))?"
_VALIDATION = r"(?:val|validation|held-?out|dev)"
_PART = r"(?:set|split|side|loader|partition)"

# In this order: what is taken by a rule is gone for those after it.
_RULES = (
    _rule(
        "per_layer",
        r"\b(?:per|by|for each|each|every|for every|all|across|individual)[ -]+(?:the )?(?:layers?|blocks?|depth)\b"
        r"|\blayer[- ]?wise\b",
        True,
    ),
    _rule("layers", rf"\b(?:last|final|top|deepest|top-?most|uppermost)(?: (?P<n>{_COUNT}))? {_DEEP}", _last_layers),
    _rule(
        "layers",
        rf"\bfirst (?P<n>{_COUNT}) (?:transformer )?(?:layers|blocks)\b",
        lambda match, run: tuple(range(min(number(match["n"]), MOST_NUMBERS))),
    ),
    _rule(
        "layers",
        rf"\b(?P<nth>{'|'.join(_ORDINALS)}) (?:transformer )?(?:layer|block)\b",
        lambda match, run: (_ORDINALS[match["nth"]],),
    ),
    _rule("layers", rf"\b(?:bottom|lowest|earliest|initial) {_DEEP}", (0,)),
    _rule("layers", rf"(?<![a-z]){LAYER}\s*(?P<list>\d{{1,4}}(?![\w%]|\.\d){_LIST})", _listed),
    _rule("layers", rf"\b(?:layer|block) (?P<n>{'|'.join(WORDS)})\b", lambda match, run: (WORDS[match["n"]],)),
    _rule("heads", rf"\bheads?[ #:=]*(?P<list>\d{{1,4}}(?![\w%]|\.\d){_LIST})", _listed),
    _rule(
        "rank",
        r"\b(?:rank|gpu|device|worker|replica)[ #:=]*(?P<n>\d{1,5})\b",
        lambda match, run: int(match["n"]),
    ),
    _rule(
        "steps", rf"\b(?:first|1st|initial|opening) (?!one\b)(?P<n>{_COUNT})(?: or so)?{UNIT}{_NO_UNIT}", _first_steps
    ),
    _rule("steps", rf"\b(?:last|final) (?!one\b)(?P<n>{_COUNT})(?: or so)?{UNIT}{_NO_UNIT}", _last_steps),
    _rule("steps", rf"{_AROUND}\s*{STEP}?(?P<a>{N}){DASH}{STEP}?(?P<b>{N})", _between),
    _rule("steps", rf"{_AROUND}\s*{STEP}?(?P<n>{N}){UNIT}", _around),
    _rule(
        "steps",
        rf"\b(?:between|from|range)\s*{STEP}?(?P<a>{N}){TO}{STEP}?(?P<b>{N}){UNIT}"
        rf"|\b{STEP}\[?(?P<c>{N}){DASH}{STEP}?(?P<d>{N})\]?",
        _between,
    ),
    _rule(
        "steps",
        rf"\b(?:from|starting (?:at|from)|beginning (?:at|from))\s*(?:the )?{STEP}?(?P<a>{N}){UNIT}"
        r"(?:\s*(?:on\b|onwards?|up\b|forward|to the end|until the end|and (?:up|on|later|beyond)))?"
        rf"|\b{STEP}(?P<b>{N})\s*(?:on\b|onwards?|and (?:up|on|later|beyond|onwards?|after)\b|\+)"
        rf"|(?P<c>(?<![\w.,]){N}){UNIT}\s*(?:to|until|till|through) the end\b",
        _from,
    ),
    _rule(
        "steps",
        rf"\b(?:just|right|shortly|immediately|a few steps|a bit|some steps|the steps) before\s*{STEP}?(?P<n>{N})",
        _before,
    ),
    _rule(
        "steps",
        rf"\b(?:just|right|shortly|immediately|a few steps|a bit|some steps|the steps) after\s*{STEP}?(?P<n>{N})",
        _after,
    ),
    _rule(
        "steps",
        rf"\b(?:after|since|past|beyond|later than|following)\s*{STEP}?(?P<a>{N}){UNIT}|(?<!\w)>=?\s*(?P<b>{N})",
        _from,
    ),
    _rule(
        "steps",
        rf"(?:\b(?:from )?(?:the )?(?:very )?(?:start|beginning) )?"
        rf"(?<!\d )(?<!\dk )\b(?:before|until|till|up to|prior to|through|by)\s*{STEP}?(?P<a>{N}){UNIT}"
        rf"|(?<!\w)<=?\s*(?P<b>{N})",
        _until,
    ),
    _rule(
        "steps",
        r"\bsteps?[ #:=]*\d{1,9}k?(?:\s*(?:,\s*and|,|and|&|or)\s*(?:step )?\d{1,9}k?(?![\w%]|\.\d)(?! ?layers?))+",
        _span_of,
    ),
    _rule("steps", rf"\b{STEP}(?P<n>{N})", _single),
    _rule(
        "steps",
        r"(?<![\w.,-])\[?(?P<a>\d{1,9}k?)\s*(?:-|–|—|\.\.+|:|\b(?:to|till|until|through|thru)\b)\s*(?P<b>\d{1,9}k?)\]?(?![\w.%-]*\w)",
        _between,
    ),
    _rule(
        "steps",
        rf"(?:\b(?:at|on|to)\s+|@\s*|\bin (?=\d{{2,9}}(?:\W*$|[,;.?!])))(?P<n>{N})"
        r"(?! ?(?:layers?|heads?|gpus?|ranks?|%|percent|bits?|x\b|batch|seeds?))",
        _single,
    ),
    _rule(
        "steps",
        r"\bat (?:init(?:iali[sz]ation)?|step zero|the very (?:start|beginning)|the first step|time zero)\b"
        r"|\bbefore (?:any )?training\b|\b(?:the )?(?:very )?first step\b",
        (0, 0),
    ),
    _rule(
        "steps",
        rf"\b(?:at|in|near|from) the (?:start|beginning){_RUN}\b|\bearly (?:on|in training|in the run|steps|phase)\b"
        r"|\bin the early steps\b|\bfirst few steps\b",
        (0, AROUND),
    ),
    _rule(
        "steps",
        rf"\b(?:at|near|towards?) the (?:very )?end{_RUN}\b|\bthe last few steps\b|\blate in (?:training|the run)\b"
        r"|\bat the last step\b",
        lambda match, run: None if run.steps is None else _range(run.end - AROUND, run.end),
    ),
    _rule(
        "split",
        rf"\b(?:{_VALIDATION}|eval|test) (?:{_PART}|data|batch|examples?|documents?|docs|rows?)\b"
        r"|\bval (?:aug\w*|transforms?|labels?|images?|predictions?|preds?|ones)\b"
        rf"|\bsplit[ =:]+(?:val|validation|eval|test)\w*\b|\b(?:on|for|from|in|of) (?:the )?{_VALIDATION}\b"
        r"|\bval(?:idation)?$",
        "val",
    ),
    _rule(
        "split",
        rf"\b(?:train|training) {_PART}\b|\bsplit[ =:]+train\w*\b"
        r"|\b(?:on|for|from) (?:the )?train(?! (?:loop|step|code))(?:ing)?(?: data)?\b",
        "train",
    ),
    _rule(
        "form",
        r"\b(?:as|in) (?:a )?(?:table|tabular form|table form)\b|\btabulate\b|\btable\b|\bform[ =:]+table\b",
        "table",
    ),
    _rule(
        "form",
        r"\b(?:raw |exact |actual |precise )?(?:numbers|values)\b|\bnumerically\b|\bform[ =:]+values\b",
        "values",
    ),
    _rule("form", r"\b(?:plot|plotted|graph|chart|draw|visuali[sz]e)\b|\bform[ =:]+plot\b", "plot"),
)
