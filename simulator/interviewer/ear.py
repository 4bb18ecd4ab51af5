"""Understands what a candidate says: text in, acts and requests out. No model, no network, no state of its own.

Two read the message: rules (`reading`: clauses, the vocabulary's phrases, the numbers beside them) and a classifier
learned from people's messages (`spans`). `hearing` weighs one against the other; where it is not clear what is asked
for, the ear asks back and requests nothing.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from grader.events import Act, Request
from scenarios import vocabulary as bundled
from scenarios.schema import Vocabulary
from simulator.interviewer import hearing, params, references, slash
from simulator.interviewer.ask_back import NOTHING_UNDERSTOOD, OF_WHAT, WHAT_TO_SHOW, did_you_mean, which_area
from simulator.interviewer.clauses import Clause, plain
from simulator.interviewer.phrases import Index, index_of, tokens, words
from simulator.interviewer.reading import Reading
from simulator.interviewer.wants import Wants


class EarContext(msgspec.Struct, frozen=True, kw_only=True):
    """What the words may refer to: the run's length in steps, its layers, the requests made last, and the quantities
    that a claim has spoken of since then."""

    total_steps: int | None = None
    n_layers: int | None = None
    last: tuple[Request, ...] = ()
    named: tuple[Request, ...] = ()


class Understanding(msgspec.Struct, frozen=True, kw_only=True):
    """What a message was taken for.

    `acts` is never empty, the main act first. `concept` is the vocabulary's term that was asked about, None for one it
    does not know. `question` is what to ask back; it may stand beside requests when only a part was unclear.
    """

    acts: tuple[Act, ...]
    requests: tuple[Request, ...] = ()
    concept: str | None = None
    question: str | None = None


NO_CONTEXT = EarContext()


def understand(text: str, vocabulary: Vocabulary, context: EarContext = NO_CONTEXT) -> Understanding:
    """What `text` means, in the light of `context`. Never raises; a text without meaning is `unclear`."""
    said = plain(text)
    if not said:
        return Understanding(acts=("unclear",), question=NOTHING_UNDERSTOOD)
    index = index_of(vocabulary)
    command = slash.parse(said)
    if command is not None:
        return _command(command, index, context)
    run = params.Run(context.total_steps, context.n_layers)
    if back := references.read(said, index, context.last, run, context.named):
        return Understanding(acts=("request",), requests=back)
    if not context.last and references.lacks_quantity(said, index, run):
        return _unclear(OF_WHAT)
    rules = Reading(said, index, _wants(index, context))
    if rules.wants.refers_back:
        return Understanding(acts=rules.acts, requests=rules.wants.merged(), question=rules.question)
    verdict = hearing.decide(said, rules, index)
    return Understanding(
        acts=verdict.acts,
        requests=references.inherit(said, verdict.requests, context.last),
        concept=verdict.concept,
        question=verdict.question,
    )


def spoken_of(text: str, vocabulary: Vocabulary) -> tuple[Request, ...]:
    """The quantities that a message names, whether it asks for them or not."""
    mentions = Wants(index_of(vocabulary), params.UNKNOWN_RUN, ()).mentions(plain(text))
    return tuple(dict.fromkeys(Request(mention.ids[0]) for mention in mentions if len(mention.ids) == 1))


def _wants(index: Index, context: EarContext) -> Wants:
    return Wants(index, params.Run(context.total_steps, context.n_layers), context.last)


def resolve(text: str) -> dict[str, Any]:
    """A message as one line of `flatline resolve`: its main act and its requests, in JSON's types."""
    heard = understand(text, bundled.load())
    return {
        "text": text,
        "act": heard.acts[0],
        "requests": [
            {
                "diagnostic": request.diagnostic,
                "steps": list(request.steps) if request.steps else None,
                "layers": list(request.layers),
                "rank": request.rank,
                "split": request.split,
                "area": request.area,
                "compare": request.compare,
            }
            for request in heard.requests
        ],
    }


def _command(command: slash.Command, index: Index, context: EarContext) -> Understanding:
    if command.kind == "unknown":
        return _unclear(f"There is no such command. There are {', '.join('/' + name for name in slash.NAMES)}.")
    if command.kind == "bare":
        act = slash.BARE[command.name]
        return Understanding(acts=(act,))
    if command.kind == "says":
        if not command.rest:
            return _unclear(f"Say it in the same message: /{command.name}, then your words.")
        said = slash.SAYS[command.name]
        return Understanding(acts=(said,))
    rest = index.correct(slash.spoken(command.rest))
    if not rest:
        return _unclear(which_area(index) if command.name == "code" else WHAT_TO_SHOW)
    if command.name == "code":
        return _code_command(rest, index)
    wants = _wants(index, context)
    if _exactly_one(rest, index) is None and re.search(r"\bcode\b", rest):
        return _code_command(rest.replace("code", " "), index)
    wants.asked(Clause(f"show {rest}", False), f"show {rest}", literal=True)
    if wants.requests:
        return Understanding(acts=("request",), requests=wants.merged(), question=wants.question)
    return _unclear(wants.question or did_you_mean(index.close(rest), index))


def _exactly_one(rest: str, index: Index) -> str | None:
    ids = index.lookup(words(rest), "diagnostic")
    return ids[0] if len(ids) == 1 else None


def _code_command(rest: str, index: Index) -> Understanding:
    if re.search(r"\b(?:all|everything|whole|entire)\b", rest):
        return Understanding(acts=("fishing",))
    areas = [name for mention in index.mentions(tokens(rest), "area") for name in mention.ids[:1]]
    if not areas:
        return _unclear(which_area(index))
    return Understanding(acts=("request",), requests=tuple(Request("code", area=area) for area in dict.fromkeys(areas)))


def _unclear(question: str) -> Understanding:
    return Understanding(acts=("unclear",), question=question)
