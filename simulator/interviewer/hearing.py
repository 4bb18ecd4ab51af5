"""Puts together what the classifiers and the rules make of a message."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import cast

import msgspec

from grader.events import Act, Request
from simulator.interviewer import grams, lexicon, params, spans
from simulator.interviewer.ask_back import did_you_mean
from simulator.interviewer.classifier import Classifier, load
from simulator.interviewer.clauses import without_negated
from simulator.interviewer.labelled import key
from simulator.interviewer.phrases import Index, Mention, tokens
from simulator.interviewer.reading import CLAIMS, Reading
from simulator.interviewer.spans import FILLER, REQUEST
from simulator.interviewer.trust import ENOUGH, Heard

# Below this a topic is not even worth asking back about.
GUESSED = 0.15
_CODE = "code:"
FEW, SHORT = 3, 8  # words
COMMITTED = 0.9
# Above this it is likely enough that nothing is asked for.
NOTHING = 0.5
# What the spans' and the rules' voices count beside the encoder's, which is its probability.
SPANS_VOTE, RULES_VOTE = 0.6, 0.4
CERTAIN = {"verify", "concept"}
SMALL = {"hint", "options", "meta", "smalltalk", "fishing"}


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """As `ear.Understanding`."""

    acts: tuple[Act, ...]
    requests: tuple[Request, ...] = ()
    concept: str | None = None
    question: str | None = None


def both(text: str, rules: Reading, index: Index, classifier: Classifier | None = None) -> Heard:
    """A message as the classifiers and the rules heard it."""
    classifier = classifier or load()
    kept = without_negated(text)
    bare = _without_known_good(kept, index)
    around = grams.around(text, rules.acts, bool(rules.wants.requests))
    found, whole = spans.read(bare, index, classifier, around)
    impression = classifier.reader.read(text, index)
    if kept != text:
        # What is only spoken of to be turned down is not asked for.
        without = classifier.reader.read(kept, index).asked
        asked = {name: min(chance, without.get(name, 0.0)) for name, chance in impression.asked.items()}
        impression = impression._replace(asked=asked)
    named = frozenset(map(key, rules.wants.merged()))
    plain = bool(named) and rules.question is None and rules.wants.plainly(without_negated(rules.text))
    return Heard(bare, found, whole, named, rules.acts, plain, impression)


def decide(text: str, rules: Reading, index: Index) -> Verdict:
    """What a message means. Nothing is requested on a guess: where it is likely but not sure, it is asked back."""
    if _beyond_doubt(rules):
        return Verdict(acts=rules.acts, concept=rules.concept, question=rules.question)
    heard = both(text, rules, index)
    trust = load().trust
    asks, sure = trust.choose(heard)
    if heard.plain and not asks and rules.text != text:
        # A plain order to the rules, which put slips of the keys right first.
        text = rules.text
        heard = both(text, rules, index)
        asks, sure = trust.choose(heard)
    if (not asks or sure < ENOUGH) and _is_an_order(heard, rules):
        asks, sure = heard.asked, 1.0
    granted = bool(asks) and sure >= ENOUGH
    likely = _likely(heard, asks)
    unsure = not granted and bool(likely) and trust.probability(heard, frozenset()) < NOTHING
    acts = _acts(heard, rules, at_least=0 if granted or unsure else 1)
    if granted:
        acts = {*acts, cast(Act, "request")} - {"unclear"}
    if acts & CLAIMS or (granted and "request" in rules.acts):
        # What the rules take for a claim beside it is one, unless it would come to be the main act.
        main = lexicon.PRIORITY.index(_ordered(acts)[0])
        acts |= {act for act in rules.acts if act in CLAIMS and lexicon.PRIORITY.index(act) > main}
    if granted:
        return Verdict(
            acts=_ordered(acts),
            requests=_requests(text, heard, rules, asks),
            concept=_concept(acts, rules, index),
            question=rules.wants.question if asks == heard.asked else None,
        )
    if unsure:
        return Verdict(acts=_ordered({*acts, "unclear"}), question=rules.question or _question(likely, index))
    if len(acts) > 1:
        acts.discard("unclear")
    ordered = _ordered(acts)
    question = (rules.question or did_you_mean((), index)) if ordered == ("unclear",) else None
    return Verdict(acts=ordered, concept=_concept(acts, rules, index), question=question)


def _beyond_doubt(rules: Reading) -> bool:
    """Whether the rules alone will do: a turn of phrase of a few words that asks for nothing recorded."""
    if rules.wants.requests:
        return False
    if lexicon.SUSPECTS.match(rules.text) and not lexicon.ASK.search(rules.text):
        return rules.acts == ("hypothesis",)
    if rules.acts == ("hypothesis",) and lexicon.JUDGED.search(rules.text):
        # "Is the learning rate too high?" weighs an idea.
        return len(rules.text.split()) <= SHORT
    return rules.acts[0] in CERTAIN or (len(rules.text.split()) <= FEW and rules.acts[0] in SMALL)


def _is_an_order(heard: Heard, rules: Reading) -> bool:
    """Whether a message is an order to show what it names, and nothing else."""
    ordered = lexicon.ASK.match(rules.text) and rules.acts == ("request",) and rules.question is None
    return bool(ordered and heard.asked) and rules.wants.plainly(without_negated(rules.text), weak=True)


def _acts(heard: Heard, rules: Reading, at_least: int) -> set[Act]:
    """What the message does besides asking, by a vote of the three. A diagnosis changes the course of the round: unless
    the rules hear it too, it must be beyond doubt."""
    votes: dict[Act, float] = defaultdict(float)
    for name, chance in heard.impression.does.items():
        votes[_act(name)] = max(votes[_act(name)], chance)
    for span in heard.spans:
        if span.act != FILLER:
            votes[_act(span.act)] += SPANS_VOTE * span.sure
    for act in rules.acts:
        votes[act] += RULES_VOTE
    votes.pop("request", None)
    acts = {act for act, count in votes.items() if count > (1 + SPANS_VOTE + RULES_VOTE) / 2}
    acts = acts or set(sorted(votes, key=lambda act: -votes[act])[:at_least])
    if "diagnosis" in acts - set(rules.acts) and heard.impression.does.get("diagnosis", 0.0) < COMMITTED:
        acts = {*acts, cast(Act, "hypothesis")} - {"diagnosis"}
    return acts


def _act(name: str) -> Act:
    return "unclear" if name in ("out_of_scope", "ask") else cast(Act, name)


def _likely(heard: Heard, asks: frozenset[str]) -> list[str]:
    """What might be meant where it is not sure, the likeliest first."""
    chances = heard.impression.asked
    heard_of = sorted({*asks, *heard.read, *heard.wanted, *heard.asked}, key=lambda name: -chances.get(name, 0.0))
    return [name for name in heard_of if chances.get(name, 0.0) >= GUESSED or name in heard.asked]


def _question(likely: Sequence[str], index: Index) -> str:
    ids = [name for name in likely if not name.startswith(_CODE)]
    areas = [name.removeprefix(_CODE) for name in likely if name.startswith(_CODE)]
    return did_you_mean(ids, index, areas)


def _ordered(acts: set[Act]) -> tuple[Act, ...]:
    if len(acts) > 1:
        acts = acts - {"smalltalk"}
    return tuple(act for act in lexicon.PRIORITY if act in acts) or ("unclear",)


def _concept(acts: set[Act], rules: Reading, index: Index) -> str | None:
    if "concept" not in acts or rules.concept:
        return rules.concept
    named = index.mentions(tokens(rules.text), "concept")
    return named[0].ids[0] if named else None


def _requests(text: str, heard: Heard, rules: Reading, asks: frozenset[str]) -> tuple[Request, ...]:
    """The requests with their parameters: as the rules have them, or with what stands in or around their place."""
    known = {key(request): request for request in rules.wants.merged()}
    numbered = [param for param in params.find(heard.text, rules.wants.run) if param.value not in (None, ())]
    compare = lexicon.HEALTHY.search(text) is not None
    spans = {span.topic: (span.start, span.end) for span in reversed(heard.spans) if span.act == REQUEST}
    places: list[Mention] = []
    for name in asks:
        start, end = spans.get(name) or heard.impression.places.get(name) or (0, len(text))
        inside = [param.start for param in numbered if start < param.start < end]
        places.append(Mention((name,), start, min([end, *inside]), ()))
    places.sort(key=lambda place: (place.start, place.ids))
    found: list[Request] = []
    for i, place in enumerate(places):
        name = place.ids[0]
        if name in known:
            found.append(known[name])
        elif name.startswith(_CODE):
            found.append(Request("code", area=name.removeprefix(_CODE)))
        else:
            made = rules.wants.request(place, i, places, numbered, heard.text)
            found.append(msgspec.structs.replace(made, compare=True) if compare and name != "baseline" else made)
    return tuple(found)


def _without_known_good(text: str, index: Index) -> str:
    """Without the words for the known-good run, where something else is asked for that is to be seen beside it."""
    match = lexicon.HEALTHY.search(text)
    if match is None:
        return text
    rest = text[: match.start()] + " " * (match.end() - match.start()) + text[match.end() :]
    line = tokens(rest)
    return rest if index.mentions(line, "diagnostic") or index.mentions(line, "area") else text
