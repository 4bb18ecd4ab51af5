"""The form of a model's answer, and what of it counts: ids of the vocabulary and numbers that can be meant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, get_args

import msgspec

from grader.events import Act, Request
from scenarios.schema import Vocabulary
from simulator.interviewer.ear import Understanding

_Act = Literal[
    "request", "hypothesis", "diagnosis", "fix", "verify", "hint", "options", "fishing", "concept", "meta", "smalltalk",
    "unclear",
]  # fmt: skip
MOST_REQUESTS = 6
_Step = Annotated[int, msgspec.Meta(ge=0, le=10**9)]
_Place = Annotated[int, msgspec.Meta(ge=0, le=999)]
_Places = Annotated[tuple[_Place, ...], msgspec.Meta(max_length=64)]


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that the message asks for, as `grader.events.Request` has it."""

    diagnostic: str
    steps: tuple[_Step, _Step] | None = None
    layers: _Places = ()
    heads: _Places = ()
    rank: _Place | None = None
    split: Literal["train", "val"] | None = None
    area: str | None = None
    compare: bool = False


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a model made of a message, and what it would say to it."""

    act: _Act
    requests: Annotated[tuple[Wanted, ...], msgspec.Meta(max_length=MOST_REQUESTS)]
    reply: str
    concept: str | None = None

    @property
    def understanding(self) -> Understanding | None:
        """What the message was taken for; None where the model is unsure too."""
        requests = tuple(dict.fromkeys(_request(wanted) for wanted in self.requests))
        if self.act == "unclear" or (self.act == "request" and not requests):
            return None
        acts: tuple[Act, ...] = (self.act,)
        if requests and self.act != "request":
            acts += ("request",)
        return Understanding(acts=acts, requests=requests, concept=self.concept)


def read(text: str, vocabulary: Vocabulary) -> Answer | None:
    """The answer, or None when it is not in the form or names anything that the vocabulary does not."""
    try:
        answer = _decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    known = {diagnostic.id for diagnostic in vocabulary.diagnostics}
    areas = {area.id for area in vocabulary.areas}
    terms = {concept.term for concept in vocabulary.concepts}
    for wanted in answer.requests:
        code = wanted.diagnostic == "code"
        if wanted.diagnostic not in known or (wanted.area is not None and not (code and wanted.area in areas)):
            return None
        if wanted.steps and wanted.steps[0] > wanted.steps[1]:
            return None
    return None if answer.concept is not None and answer.concept not in terms else answer


def json_schema(vocabulary: Vocabulary) -> dict[str, Any]:
    """The form for endpoints that hold a model to one: every field is there, and no others."""
    numbers = {"type": "array", "items": {"type": "integer"}}
    wanted = {
        "diagnostic": {"type": "string", "enum": [diagnostic.id for diagnostic in vocabulary.diagnostics]},
        "steps": {"anyOf": [numbers, {"type": "null"}]},
        "layers": numbers,
        "heads": numbers,
        "rank": {"type": ["integer", "null"]},
        "split": {"type": ["string", "null"], "enum": ["train", "val", None]},
        "area": {"type": ["string", "null"], "enum": [*(area.id for area in vocabulary.areas), None]},
        "compare": {"type": "boolean"},
    }
    answer = {
        "act": {"type": "string", "enum": list(get_args(_Act))},
        "requests": {"type": "array", "items": _object(wanted)},
        "concept": {"type": ["string", "null"], "enum": [*(concept.term for concept in vocabulary.concepts), None]},
        "reply": {"type": "string"},
    }
    return _object(answer)


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _request(wanted: Wanted) -> Request:
    return Request(**msgspec.structs.asdict(wanted))


_decode: Callable[[str], Answer] = msgspec.json.Decoder(Answer).decode
