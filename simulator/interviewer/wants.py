"""Finds what a clause asks for: which diagnostics and parts of the code, with which parameters."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from grader.events import Request
from simulator.interviewer import lexicon, params, references
from simulator.interviewer.ask_back import did_you_mean, which_area
from simulator.interviewer.clauses import Clause
from simulator.interviewer.phrases import Index, Mention, Token, tokens, words

MOST_REQUESTS = 12

_CORRECTED = re.compile(r"\b(?:no|nope|wait|i mean|i meant|make (?:it|that)|scratch that|sorry|or rather)\b")
_NUMBERED = re.compile(rf"\d|{'|'.join(params.WORDS)}")
_COMPARE_WORD = re.compile(r"\bcompared?\s*(?:=\s*(?:true|yes|1))?$")


class Wants:
    """The requests of one message, gathered clause by clause.

    `named` are the diagnostics that claims spoke of, for a later "can I see both?"; `last` what was asked for before
    this message. `question` is what to ask back, `sought` whether something was asked for that could not be found,
    `refers_back` whether the message only makes sense after what was asked for before.
    """

    def __init__(self, index: Index, run: params.Run, last: tuple[Request, ...]) -> None:
        self.index = index
        self.run = run
        self.last = last
        self.requests: list[Request] = []
        self.named: list[Request] = []
        self.question: str | None = None
        self.sought = False
        self.refers_back = False

    def mentions(self, text: str) -> list[Mention]:
        """The diagnostics a text speaks of."""
        return _sorted_out(self.index.mentions(tokens(text), "diagnostic"), text)

    def speaks_of(self, text: str) -> None:
        """Keep what a claim spoke of."""
        self.named += [Request(mention.ids[0]) for mention in self.mentions(text) if len(mention.ids) == 1]

    def speaks_of_check(self, text: str) -> bool:
        """Whether the text names an experiment that the interviewer has run."""
        return any(is_check(name) for mention in self.mentions(text) for name in mention.ids)

    def plainly(self, text: str, weak: bool = False) -> bool:
        """Whether a text is nothing but an order to show, clear names of what is wanted, and parameters. A `weak` name
        is a word that people use for other things too."""
        found = self.mentions(text)
        parts = self.index.mentions(tokens(text), "area") if lexicon.CODE_WORD.search(text) else []
        named = [*found, *parts]
        if not named or any(len(mention.ids) > 1 or (_is_weak(mention) and not weak) for mention in named):
            return False
        covered = _spans(named) + [(param.start, param.end) for param in params.find(text, self.run)]
        covered += [match.span() for sign in (lexicon.HEALTHY, lexicon.COMPARES) for match in sign.finditer(text)]
        return all(
            _is_ask(token.word)
            or token.word in (",", "and", "one", "ones")
            or any(a <= token.start < b for a, b in covered)
            for token in tokens(text)
        )

    def terse(self, text: str) -> bool:
        """Whether a clause is little more than the name of what is wanted ("grad norms layer 2, 180-220")."""
        line = [token for token in tokens(text) if token.word not in (",", "and")]
        if not line or lexicon.STATES.search(text):
            return False
        covered = _spans(self.mentions(text)) + _spans(self.index.mentions(tokens(text), "area"))
        covered += [(param.start, param.end) for param in params.find(text, self.run)]
        covered += [match.span() for match in lexicon.HEALTHY.finditer(text)] + [
            match.span() for match in lexicon.CODE_WORD.finditer(text)
        ]
        hit = sum(any(start <= token.start < end for start, end in covered) for token in line)
        return hit / len(line) >= 0.6

    def merged(self) -> tuple[Request, ...]:
        """The requests without repetition: of two for the same thing the one that says more stays."""
        merged: list[Request] = []
        for request in self.requests:
            bare = Request(request.diagnostic, area=request.area)
            if request in merged or (request == bare and any(_same(request, other) for other in merged)):
                continue
            merged = [other for other in merged if not (_same(other, request) and other == bare)]
            merged.append(request)
        return tuple(merged[:MOST_REQUESTS])

    def asked(self, clause: Clause, text: str, literal: bool = False) -> None:
        """Gather what a clause asks for. `literal`: an id was typed and stays as it is."""
        compare = lexicon.HEALTHY.search(text)
        bare = _blanked(text, [compare.span()]) if compare else text
        line = tokens(bare)
        items = _items(line)
        code = [] if literal else self._code(bare, line, items)
        coded = _spans(code)
        found = [
            mention
            for mention in _sorted_out(self.index.mentions(line, "diagnostic"), bare)
            if not any(mention.start < end and start < mention.end for start, end in coded)
        ]
        parts = self.index.mentions(line, "area")
        # A longer name of a part of the code holds the shorter name of a measurement: "zero_grad", "data loader".
        found = [
            mention._replace(ids=_preferred(mention, bare))
            for mention in found
            if literal or not any(_overlap(mention, part) and len(part.words) > len(mention.words) for part in parts)
        ]
        clear = [mention for mention in found if len(mention.ids) == 1]
        unclear = [mention for mention in found if len(mention.ids) > 1]
        unclear = [m for m in unclear if not any(set(m.ids) & set(other.ids) for other in clear)]
        numbered = [
            param
            for param in params.find(bare, self.run)
            if param.value not in (None, ()) and not any(_part_of(param, mention) for mention in found)
        ]
        areas = () if clear else self._areas(bare, line, found, code)
        for mention in code:
            self.requests += [Request("code", area=area) for area in mention.ids[:1]]
        for area in areas:
            self.requests.append(Request("code", area=area))
        made = [self.request(mention, i, clear, numbered, bare, literal) for i, mention in enumerate(clear)]
        if made and not compare and _COMPARE_WORD.search(text):
            made = [msgspec.structs.replace(request, compare=True) for request in made]
        if compare and (made or not (code or areas or unclear)):
            made = self._compared(made, clause, compare)
        self.requests += made
        if made or code or areas:
            return
        if unclear:
            mention = unclear[0]
            self.question = did_you_mean(mention.ids, self.index, self.index.lookup(mention.words, "area")[:1])
        elif self._earlier() and (numbered or (self.named and lexicon.POINTS_BACK.search(text))):
            self._again(numbered, text)
        elif lexicon.CODE_WORD.search(text) and re.search(r"\b(?:code|source|implementation|script|snippet)\b", text):
            self.question = which_area(self.index)
        elif not clear and not self.question:
            close = self.index.close(text)
            self.question = did_you_mean(close, self.index) if close else None
            self.sought = True

    def _earlier(self) -> list[Request]:
        return self.requests or self.named or list(self.last)

    def _again(self, numbered: list[params.Param], text: str) -> None:
        """A clause of parameters only ("and around step 200?") is about what was asked for last."""
        if (
            not (self.requests or lexicon.SAME.search(text) or lexicon.POINTS_BACK.search(text))
            and len(words(text)) > 4
        ):
            return
        self.refers_back = not self.requests
        # "It" is what was named last, "both" are all of them.
        one = not self.requests and bool(self.named) and lexicon.POINTS_AT_ONE.search(text) is not None
        changes = {param.name: param.value for param in numbered if param.name != "per_layer"}
        for request in self._earlier()[-1 if one else -3 :]:
            changed = references.changed(request, changes)
            if request in self.requests:
                self.requests[self.requests.index(request)] = changed
            else:
                self.requests.append(changed)

    def _compared(self, made: list[Request], clause: Clause, compare: re.Match[str]) -> list[Request]:
        if made:
            return [msgspec.structs.replace(request, compare=True) for request in made]
        earlier = [request for request in self._earlier() if request.diagnostic != "baseline"]
        points_back = lexicon.COMPARES.search(clause.text) or re.search(
            r"\b(?:it|that|this|those|them|same)\b", clause.text
        )
        if earlier and points_back:
            if self.requests:
                self.requests = [msgspec.structs.replace(request, compare=True) for request in self.requests]
                return []
            self.refers_back = True
            return [msgspec.structs.replace(request, compare=True) for request in earlier]
        return [Request("baseline")]

    def _code(self, text: str, line: list[Token], items: list[list[Token]]) -> list[Mention]:
        """Areas whose code is asked for: those that stand in the same item of the list as a word for code."""
        word = lexicon.CODE_WORD.search(text)
        if word is None:
            return []
        areas = self.index.mentions(line, "area")
        if not areas:
            return []
        if len(items) == 1:
            return areas
        start, end = word.span()
        leads = all(end <= mention.start or start <= mention.start < end for mention in areas)
        chosen = []
        for mention in areas:
            item = next(item for item in items if any(token.start == mention.start for token in item))
            has_word = item[0].start <= start <= item[-1].end or start <= item[0].start < end
            only_area = all(mention.start <= token.start < mention.end or _is_ask(token.word) for token in item)
            ids = self.index.lookup(mention.words, "diagnostic")
            if has_word or (only_area and (leads or len(ids) != 1)):
                chosen.append(mention)
        return chosen

    def _areas(self, text: str, line: list[Token], found: list[Mention], code: list[Mention]) -> tuple[str, ...]:
        """Areas named without a word for code, where the words mean nothing else ("show me the training loop")."""
        if code:
            return ()
        taken = _spans(found)
        areas = [
            mention
            for mention in self.index.mentions(line, "area")
            if not any(start < mention.end and mention.start < end for start, end in taken)
        ]
        asks = [token for token in line if not _is_ask(token.word) and token.word not in (",", "and")]
        wide = sum(len(mention.words) for mention in areas)
        if not areas or wide < 0.5 * len(asks):
            return ()
        return tuple(dict.fromkeys(mention.ids[0] for mention in areas))

    def request(
        self,
        mention: Mention,
        place: int,
        all_mentions: list[Mention],
        numbered: list[params.Param],
        text: str,
        literal: bool = False,
    ) -> Request:
        """The mention at `place` of all with those of the parameters that are about it."""
        name = mention.ids[0]
        values: dict[str, Any] = {}
        about = [param for param in numbered if _belongs(param, place, all_mentions, text)]
        for param in _nearest_first(_uncorrected(about, text), mention, text):
            if param.name in ("layers", "heads"):
                values[param.name] = tuple(sorted({*values.get(param.name, ()), *param.value}))
            else:
                values.setdefault(param.name, param.value)
        if len({param.value for param in about if param.name == "split"}) > 1:
            values.pop("split")
        last = place == len(all_mentions) - 1
        if not literal:
            if name == "grad_norm" and (values.get("layers") or values.get("per_layer")) and last:
                name = "grad_norm_by_layer"
            if "rank" in values and name in lexicon.PER_RANK:
                name = "per_rank"
            if name == "loss" and values.get("split") == "val":
                name = "val_loss"
        keeps_layers = literal or name in lexicon.PER_LAYER
        if values.get("per_layer") and name in lexicon.WHOLE_MODEL and self.run.layers:
            values.setdefault("layers", tuple(range(self.run.layers)))
        return Request(
            name,
            steps=None if name in lexicon.NO_STEPS and not literal else values.get("steps"),
            layers=values.get("layers", ()) if keeps_layers else (),
            heads=values.get("heads", ()) if literal or name in lexicon.PER_HEAD else (),
            rank=values.get("rank"),
            split=None if name in lexicon.NO_SPLIT and not literal else values.get("split"),
            form=values.get("form"),
        )


def _uncorrected(about: list[params.Param], text: str) -> list[params.Param]:
    """Without those that are taken back for the next of their kind: "the last 20, no, make it the last 100"."""
    return [
        param
        for i, param in enumerate(about)
        if not any(
            other.name == param.name and _CORRECTED.search(text[param.end : other.start]) for other in about[i + 1 :]
        )
    ]


def _nearest_first(about: list[params.Param], mention: Mention, text: str) -> list[params.Param]:
    """Numbers before words such as "at the end"; then by distance, what stands in another sentence last."""

    def distance(param: params.Param) -> tuple[bool, bool, int]:
        between = text[mention.end : param.start] if param.start >= mention.end else text[param.end : mention.start]
        said = text[param.start : param.end]
        vague = param.name == "steps" and not _NUMBERED.search(said)
        return vague, re.search(r"[.?!;]\s", between) is not None, len(between)

    return sorted(about, key=distance)


def _part_of(param: params.Param, mention: Mention) -> bool:
    """Whether the words belong to a phrase ("step 0 loss", "per layer", "from val loss") and are no parameter."""
    if param.name == "split":
        return param.start < mention.end and mention.start < param.end
    return mention.start <= param.start and param.end <= mention.end


def _same(one: Request, other: Request) -> bool:
    return one.diagnostic == other.diagnostic and one.area == other.area


def _spans(mentions: list[Mention]) -> list[tuple[int, int]]:
    return [(mention.start, mention.end) for mention in mentions]


def _overlap(one: Mention, other: Mention) -> bool:
    return one.start < other.end and other.start < one.end


def _blanked(text: str, spans: list[tuple[int, int]]) -> str:
    for start, end in spans:
        text = text[:start] + "\x00" * (end - start) + text[end:]
    return text


def _items(line: list[Token]) -> list[list[Token]]:
    """The items of an enumeration."""
    items: list[list[Token]] = [[]]
    for token in line:
        if token.word in (",", "and", "plus"):
            items.append([])
        else:
            items[-1].append(token)
    return [item for item in items if item]


def _is_ask(word: str) -> bool:
    return word in {
        "show", "see", "look", "at", "give", "get", "plot", "view", "what", "how", "let", "let's", "code", "in",
        "check", "source", "implementation", "request", "want", "need", "inspect", "read", "print", "with", "on",
        "then", "ok", "display", "open", "walk", "through", "section", "part", "file", "module", "class",
        "function", "first", "next",
    }  # fmt: skip


def _sorted_out(mentions: list[Mention], text: str) -> list[Mention]:
    """Mentions without those weak single words that stand beside a clearer one in the same item."""
    line = tokens(text)
    items = _items(line)
    kept = []
    for mention in mentions:
        weak = len(mention.words) == 1 and (mention.words[0] in _WEAK or len(mention.ids) > 1)
        if weak:
            item = next((i for i in items if any(token.start == mention.start for token in i)), [])
            rivals = [
                other
                for other in mentions
                if other is not mention
                and not (len(other.words) == 1 and other.words[0] in _WEAK)
                and any(token.start == other.start for token in item)
            ]
            if rivals:
                continue
        kept.append(mention)
    checks = [mention for mention in kept if len(mention.words) > 1 and all(is_check(name) for name in mention.ids)]
    if checks:
        # "If you perturb a future token, do the logits move": the logits are part of the check.
        kept = [mention for mention in kept if mention in checks or len(mention.words) > 1 or "and" in text.split()]
    if any(mention.ids == ("nonfinite",) for mention in kept):
        # "When does the loss become NaN" asks for the NaN.
        kept = [mention for mention in kept if mention.ids != ("loss",) or "and" in text]
    return kept


def is_check(name: str) -> bool:
    return name.startswith(("check_", "rerun_"))


_WEAK = frozenset(word for name in lexicon.WEAK for word in words(name))


def _is_weak(mention: Mention) -> bool:
    """Whether it is a single word that people use for other things too."""
    return len(mention.words) == 1 and mention.words[0] in _WEAK


def _preferred(mention: Mention, text: str) -> tuple[str, ...]:
    """Of several meanings the one that the turn of the sentence asks for, if it does."""
    if len(mention.ids) < 2:
        return mention.ids
    reruns = tuple(name for name in mention.ids if name.startswith(("rerun_", "check_")))
    others = tuple(name for name in mention.ids if name not in reruns)
    if reruns and others:
        return reruns if lexicon.RERUN.search(text) else others
    if lexicon.SETTING.search(text):
        for name in ("config", "precision", "hardware"):
            if name in mention.ids:
                return (name,)
    return mention.ids


def _belongs(param: params.Param, place: int, mentions: list[Mention], text: str) -> bool:
    """Whether a parameter is about the mention at `place`: all of them, unless it stands between two."""
    before = [i for i, mention in enumerate(mentions) if mention.end <= param.start]
    after = [i for i, mention in enumerate(mentions) if mention.start >= param.end]
    if param.name == "form" or not before or not after:
        return True
    between = text[mentions[before[-1]].end : param.start]
    prefixed = re.search(r",|\band\b|&|\bplus\b", between) is not None
    return place in after[:1] if prefixed else place in before
