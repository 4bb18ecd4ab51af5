"""Messages as candidates write them, with what they mean: the data that the ear is trained and measured on.

`scenarios/messages` holds a file for each persona, in `train` or in `test`; one message a line, tab-separated: the
text, its acts joined by `+` (the main one first), its requests joined by `;`. Requests are written as

    grad_norm steps=180-220 layers=2,3 heads=1 rank=0 split=val compare form=plot; code area=attention

The third column of an unclear message may say `out_of_scope` (nobody's diagnostic) or `ask` (several could be meant).
All messages are about a run of 400 steps and 4 layers. The files are not needed at run time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec

from grader.events import Act, Request

MESSAGES = Path(__file__).resolve().parents[2] / "scenarios" / "messages"
STEPS, LAYERS = 400, 4
MARKS = ("out_of_scope", "ask")
ACTS = frozenset(get_args(Act))
_PARAMETER = re.compile(r"(steps|layers|heads|rank|split|area|form)=(\S+)")


class Labelled(msgspec.Struct, frozen=True, kw_only=True):
    """`where` names the persona's file and the line. `mark` is one of MARKS or empty."""

    text: str
    acts: tuple[Act, ...]
    requests: tuple[Request, ...] = ()
    mark: str = ""
    persona: str
    where: str

    @property
    def ids(self) -> frozenset[str]:
        return frozenset(key(request) for request in self.requests)


def key(request: Request) -> str:
    """What is asked for, without its parameters; parts of the code are told apart."""
    return f"code:{request.area}" if request.diagnostic == "code" else request.diagnostic


def read(part: Literal["train", "test"], folder: Path = MESSAGES) -> Iterator[Labelled]:
    """The messages of one part, by persona in the order of their names. Raises ValueError for a malformed line."""
    for path in sorted((folder / part).glob("*.tsv")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if line.strip() and not line.startswith("#"):
                yield _labelled(line, path.stem, f"{path.name}:{number}")


def _labelled(line: str, persona: str, where: str) -> Labelled:
    fields = line.split("\t")
    if len(fields) == 2:
        fields.append("")
    if len(fields) != 3:
        raise ValueError(f"{where}: three columns are needed")
    text, acts, rest = (field.strip() for field in fields)
    said: list[Any] = acts.split("+")
    if not text or not ACTS.issuperset(said):
        raise ValueError(f"{where}: there is no act {acts!r}")
    if rest in MARKS:
        return Labelled(text=text, acts=tuple(said), mark=rest, persona=persona, where=where)
    requests = tuple(request(part, where) for part in rest.split(";") if part.strip())
    if bool(requests) != ("request" in said):
        raise ValueError(f"{where}: a request needs something that is asked for, and nothing else does")
    return Labelled(text=text, acts=tuple(said), requests=requests, persona=persona, where=where)


def request(text: str, where: str = "label") -> Request:
    """`grad_norm steps=180-220 compare` as a request. Raises ValueError."""
    name, *others = text.split()
    values: dict[str, Any] = {}
    for other in others:
        if other == "compare":
            values["compare"] = True
        elif match := _PARAMETER.fullmatch(other):
            values[match[1]] = _value(match[1], match[2])
        else:
            raise ValueError(f"{where}: {other!r} is no parameter")
    return Request(name, **values)


def _value(name: str, text: str) -> Any:
    if name == "steps":
        first, _, last = text.partition("-")
        return int(first), int(last or first)
    if name in ("layers", "heads"):
        return tuple(int(number) for number in text.split(","))
    return int(text) if name == "rank" else text
