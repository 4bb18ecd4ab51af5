"""Messages that point back at what was shown last: "zoom in on 180 to 220", "same for layer 3", "and per rank?".

A message points back when it names no quantity and is made of parameters and of words that only point; what it leaves
open stays as it was. A message that names a quantity takes over the steps, layers or heads that it points at ("the
activations there", "same layer, but the entropy").
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from grader.events import Request
from simulator.interviewer import lexicon, params
from simulator.interviewer.clauses import without_negated
from simulator.interviewer.params import Run
from simulator.interviewer.phrases import Index, Mention, tokens, words

_WHOLE = re.compile(
    r"\b(?:(?:the )?(?:whole|full|entire|complete) (?:run|range|job|thing|curve)|zoom(?:ed)? (?:back )?out"
    r"|all (?:the )?steps)\b"
)
_EVERY_LAYER = re.compile(r"\ball (?:the )?(?:layers|blocks)\b")
_ALONE = re.compile(
    r"\b(?:without|no|not|drop|remove|hide|take|minus|leave out)\b[^.?!]{0,25}"
    r"\b(?:baseline|(?:healthy|good|known-good|reference|normal) (?:run|one|curve)|reference)\b(?! (?:too|as well))"
)
_PER_LAYER = re.compile(r"\b(?:by|per|each|every|individual) (?:layer|block)\b|\blayer by layer\b|\blayer-?wise\b")
_PER_RANK = re.compile(r"\b(?:by|per|each|every) (?:rank|gpu)\b")
_PLACE = r"(?:windows?|stretch|range|part|span|steps?|place|region|section|interval|zone|spot|period)"
_SAME_STEPS = re.compile(rf"\bthere\b(?!'s)|\b(?:same|that|this|those|these) {_PLACE}\b|\bover the same\b")
_SAME_LAYERS = re.compile(r"\b(?:same|that|this|those|these) (?:layers?|blocks?)\b")
_SAME_HEADS = re.compile(r"\b(?:same|that|this|those|these) heads?\b")
_ALONE_NUMBER = re.compile(r"(?<![\w.,-])(\d{1,6})(?![\w.%-])")
_SAME = re.compile("|".join(one.pattern for one in (_SAME_STEPS, _SAME_LAYERS, _SAME_HEADS)))
_BOTH = re.compile(r"\b(?:both|them|all (?:three|two|of (?:them|those|these)))\b")
_WHICH = re.compile(r"\b(?:first|last|previous|second|other) ones?\b")
_OF_KIND = re.compile(
    r"(?:(?:no|nope|sorry|oops|wait|not that(?: one)?|i meant?|rather|actually)\W+)*(?:the )?"
    r"(?P<kind>[a-z]+(?:[ -][a-z]+)?) (?:one|version)(?: (?:please|i mean|instead))?\W*"
)
_SPLITS = re.compile(r"\b(?:(val(?:idation)?|held-?out)|train(?:ing)?)\b")
_WORD = re.compile(r"[a-z][a-z'/-]*")
_PER_RANK_OF = frozenset(("loss", "grad_norm", "param_norm"))


def read(
    text: str, index: Index, last: Sequence[Request], run: Run, named: Sequence[Request] = ()
) -> tuple[Request, ...]:
    """What is asked for by a message that only points back; nothing when it does not, or changes nothing.

    `last` was asked for last; `named` is what a claim has spoken of since, for "show me both".
    """
    if other := _of_another_kind(text, index, last):
        return other
    if _WHICH.search(text):
        return ()
    said = _ALONE.sub(" ", text)
    kept = without_negated(said)
    compare = lexicon.HEALTHY.search(kept)
    bare = (
        kept[: compare.start()] + " " * (compare.end() - compare.start()) + kept[compare.end() :] if compare else kept
    )
    if named and _BOTH.search(bare):
        last = named
    if not last:
        return ()
    others = _others(bare, index, run)
    if others and _SAME.search(bare):
        return inherit(text, [Request(mention.ids[0]) for mention in others], last)
    if others is None or others:
        return ()
    found = [param for param in params.find(bare, run) if param.value not in (None, ())]
    changes: dict[str, Any] = {}
    for param in found:
        if param.name != "per_layer":
            changes[param.name] = param.value
    if _WHOLE.search(bare):
        changes["steps"] = None
    if "steps" not in changes and not found and (number := _ALONE_NUMBER.search(bare)):
        changes["steps"] = (int(number[1]), int(number[1]))
    if "split" not in changes and (split := _SPLITS.search(bare)):
        changes["split"] = "val" if split[1] else "train"
    if _EVERY_LAYER.search(bare):
        changes["layers"] = ()
    if compare or _ALONE.search(text):
        changes["compare"] = compare is not None
    by_layer, by_rank = bool(_PER_LAYER.search(bare)), bool(_PER_RANK.search(bare))
    changed_all = tuple(changed(request, changes, by_layer, by_rank) for request in last)
    return changed_all if changed_all != tuple(last) or by_layer or last is named else ()


def lacks_quantity(text: str, index: Index, run: Run) -> bool:
    """Whether a message only says how something is to be shown: "by layer", "from 100 to 140"."""
    kept = without_negated(text)
    if index.mentions(tokens(kept), "diagnostic") or _others(kept, index, run) != []:
        return False
    return bool(params.find(kept, run) or _PER_LAYER.search(kept) or _PER_RANK.search(kept))


def _of_another_kind(text: str, index: Index, last: Sequence[Request]) -> tuple[Request, ...]:
    """ "No, the clipped one": what was asked for last with another word before its name."""
    match = _OF_KIND.fullmatch(text)
    for request in last if match else ():
        assert match is not None
        ids = index.lookup(words(f"{match['kind']} {request.diagnostic.replace('_', ' ')}"), "diagnostic")
        if len(ids) == 1 and ids[0] != request.diagnostic:
            return (msgspec.structs.replace(request, diagnostic=ids[0]),)
    return ()


def inherit(text: str, requests: Sequence[Request], last: Sequence[Request]) -> tuple[Request, ...]:
    """The requests with the steps, layers and heads of what was shown last, as far as the message points at them."""
    if not last:
        return tuple(requests)
    before = last[-1]
    taken: dict[str, Any] = {}
    if _SAME_STEPS.search(text) and before.steps:
        taken["steps"] = before.steps
    if _SAME_LAYERS.search(text) and before.layers:
        taken["layers"] = before.layers
    if _SAME_HEADS.search(text) and before.heads:
        taken["heads"] = before.heads
    return tuple(
        msgspec.structs.replace(request, **{name: value for name, value in taken.items() if not getattr(request, name)})
        if request.diagnostic not in ("code", "baseline")
        else request
        for request in requests
    )


def _others(text: str, index: Index, run: Run) -> list[Mention] | None:
    """The quantities named in a text that otherwise only points; None for one that says more than that."""
    spans = [(param.start, param.end) for param in params.find(text, run)]
    named = [
        mention
        for mention in index.mentions(tokens(text), "diagnostic")
        if not any(start <= mention.start and mention.end <= end for start, end in spans)
        and not all(word in lexicon.POINTING for word in mention.words)
    ]
    covered = [*spans, *((mention.start, mention.end) for mention in named)]
    for match in _WORD.finditer(text):
        if match.group() not in lexicon.POINTING and not any(start <= match.start() < end for start, end in covered):
            return None
    return None if any(len(mention.ids) > 1 for mention in named) else named


def changed(request: Request, changes: Mapping[Any, Any], by_layer: bool = False, by_rank: bool = False) -> Request:
    """A request with other parameters; those that its quantity does not have are left out."""
    values: dict[str, Any] = dict(changes)
    name = request.diagnostic
    if name == "grad_norm" and (by_layer or values.get("layers")):
        name = "grad_norm_by_layer"
    if name in _PER_RANK_OF and (by_rank or "rank" in values):
        name = "per_rank"
    if values.get("split") == "val" and name == "loss":
        name = "val_loss"
    if values.get("split") == "train" and name == "val_loss":
        name = "loss"
    if name in ("loss", "val_loss"):
        values.pop("split", None)
    if "layers" in values and name not in lexicon.PER_LAYER:
        del values["layers"]
    if "heads" in values and name not in lexicon.PER_HEAD:
        del values["heads"]
    return msgspec.structs.replace(request, diagnostic=name, **values)
