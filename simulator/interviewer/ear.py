"""Understands what a candidate says: text in, acts and requests out. No model, no network, no state of its own.

A message is cut into clauses. Each is taken for a claim (diagnosis, fix, verify, hypothesis), a request, or one of the
small acts; the vocabulary's phrases in it are the things asked for, the numbers beside them the parameters. Where it is
not clear what is asked for, the ear asks back and requests nothing.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any, NamedTuple

import msgspec

from grader.events import Act, Request
from scenarios import vocabulary as bundled
from scenarios.schema import Vocabulary
from simulator.interviewer import lexicon, params, slash
from simulator.interviewer.phrases import Index, Mention, Token, index_of, is_word, tokens, words

LONGEST_MESSAGE = 4000
MOST_REQUESTS = 12
WHAT_TO_SHOW = "What would you like to see: a measurement, a piece of the data, a check, or the code of one part?"
NOTHING_UNDERSTOOD = "I did not follow that. What would you like to see, or what do you suspect?"


class EarContext(msgspec.Struct, frozen=True, kw_only=True):
    """What the words may refer to: the run's length in steps, its layers, and the requests made last."""

    total_steps: int | None = None
    n_layers: int | None = None
    last: tuple[Request, ...] = ()


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
    plain = _plain(text)
    if not plain:
        return Understanding(acts=("unclear",), question=NOTHING_UNDERSTOOD)
    index = index_of(vocabulary)
    command = slash.parse(plain)
    if command is not None:
        return _command(command, index, context)
    return _Reading(plain, index, context).result()


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


def _plain(text: str) -> str:
    """Lower-case text for the ear: typographic signs made plain, control characters and excess cut, slang spelt out."""
    text = unicodedata.normalize("NFKC", text[:LONGEST_MESSAGE]).translate(_TYPOGRAPHIC).lower()
    text = "".join(" " if c != "\n" and unicodedata.category(c) in _INVISIBLE else c for c in text).strip()
    return text if text.startswith("/") else _spelled_out(text)


def _spelled_out(text: str) -> str:
    text = re.sub(r"[a-z]+(?:'[a-z]+)?", lambda match: lexicon.SPOKEN.get(match.group(), match.group()), text)
    for pattern, replacement in lexicon.SHARED_HEADS:
        text = pattern.sub(replacement, text)
    return text


_INVISIBLE = frozenset(("Cc", "Cf", "Cs", "Co"))
_TYPOGRAPHIC = str.maketrans(
    {"’": "'", "‘": "'", "“": '"', "”": '"', "`": " ", "_": " ", "*": " ", '"': " ", "\t": " "}
)


# -- slash commands


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
        return _unclear(_which_area(index) if command.name == "code" else WHAT_TO_SHOW)
    if command.name == "code":
        return _code_command(rest, index)
    clause = _Clause(f"show {rest}", False)
    reading = _Reading("", index, context)
    if _exactly_one(rest, index) is None and re.search(r"\bcode\b", rest):
        return _code_command(rest.replace("code", " "), index)
    reading.asked(clause, clause.text, literal=True)
    if reading.requests:
        return Understanding(acts=("request",), requests=tuple(reading.requests), question=reading.question)
    close = index.close(rest)
    return _unclear(reading.question or _did_you_mean(close, index))


def _exactly_one(rest: str, index: Index) -> str | None:
    ids = index.lookup(words(rest), "diagnostic")
    return ids[0] if len(ids) == 1 else None


def _code_command(rest: str, index: Index) -> Understanding:
    if re.search(r"\b(?:all|everything|whole|entire)\b", rest):
        return Understanding(acts=("fishing",))
    areas = [name for mention in index.mentions(tokens(rest), "area") for name in mention.ids[:1]]
    if not areas:
        return _unclear(_which_area(index))
    return Understanding(acts=("request",), requests=tuple(Request("code", area=area) for area in dict.fromkeys(areas)))


def _unclear(question: str) -> Understanding:
    return Understanding(acts=("unclear",), question=question)


def _which_area(index: Index) -> str:
    return f"The code of which part? There is {_choice([area.replace('_', ' ') for area in index.areas], 'and')}."


def _did_you_mean(ids: list[str] | tuple[str, ...], index: Index, areas: tuple[str, ...] = ()) -> str:
    named = [f"{name.replace('_', ' ')} ({index.shows[name]})" for name in ids[:3]]
    named += [f"the code of the {area.replace('_', ' ')}" for area in areas]
    if not named:
        return WHAT_TO_SHOW
    return f"Which do you mean: {_choice(named, 'or')}?" if len(named) > 1 else f"Do you mean {named[0]}?"


def _choice(items: list[str], word: str) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {word} {items[-1]}"


# -- sentences and clauses


class _Clause(NamedTuple):
    text: str
    asks: bool
    """Whether it stood before a question mark."""


_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n+|\s+(?:—|–|-{1,2})\s+(?!\d)|(?<=[a-z)])[!?](?=[a-z])|\s*\.{3,}\s*|;\s*")
_CLAUSE = re.compile(
    r"\s*(?:,\s*(?:and |but |so |then |or )?"
    r"|\b(?:and|but|so|then|because|since|as|however|although|though)\b,?\s+|:\s+)"
    r"(?=(?:also |then |please |now |maybe |perhaps |therefore |hence )*(?:"
    r"i (?:think|suspect|wonder|guess|believe|would|want|need|am|bet|assume|expect|don't|do not|can|could|will|have|"
    r"see|should|just|also|doubt|feel)\b|i'(?:d|m|ll|ve)\b|we (?:should|could|can|need|would|want)\b|let's|let me"
    r"|(?:can|could|may|would|will) (?:i|you|we|it|the|that|this)\b|please|show|give|plot|display|print"
    r"|what|what's|how|where|which|when|(?:is|are|was|were) (?:the|it|there|this|that|we|you|they)\b|do (?:we|you)"
    r"|don't\b"
    r"|does|did|maybe|perhaps|possibly|probably|my (?:hypothesis|guess|diagnosis|fix|theory|suspicion)"
    r"|the (?:fix|bug|problem|issue|root cause|cause|culprit|diagnosis)\b|to (?:fix|verify|confirm|prevent)\b"
    r"|(?:fix|verify|verification|prevention|hypothesis|diagnosis) ?:|it's (?:because|probably|likely|the|a)\b"
    r"|it (?:could|might|may|is|must)|this (?:is|could|might|means)|that (?:is|could|might|means|would)"
    r"|rerun|re-run|run |try |compare\b|skip |ignore |forget |not |without |verify |confirm |replace |change ))"
)


def _clauses(text: str) -> list[_Clause]:
    found: list[_Clause] = []
    for sentence in _SENTENCE.split(text):
        if not sentence or not sentence.strip():
            continue
        asks = sentence.rstrip(' )"').endswith("?")
        parts = [part.strip(" ,:") for part in _CLAUSE.split(sentence)]
        found += [_Clause(part, asks) for part in parts if part.strip(" .!?,")]
    return found


class _Reading:
    """One message being read: acts and requests are gathered clause by clause."""

    def __init__(self, text: str, index: Index, context: EarContext) -> None:
        self.index = index
        self.context = context
        self.run = params.Run(context.total_steps, context.n_layers)
        self.acts: list[Act] = []
        self.requests: list[Request] = []
        self.question: str | None = None
        self.concept: str | None = None
        self.compared = False
        self.text = text

    def result(self) -> Understanding:
        if self._small_talk(self.text):
            return Understanding(acts=("smalltalk",))
        self.text = self.index.correct(self.text)
        fishing = bool(lexicon.FISHING.search(self.text))
        clauses = _clauses(self.text)
        for clause in clauses:
            self._clause(clause)
        claims = {"diagnosis", "hypothesis", "fix", "verify"} & set(self.acts)
        if fishing and not self.requests and not claims and "hint" not in self.acts:
            return Understanding(acts=("fishing",))
        if self.requests:
            self._act("request")
            self.requests = self._merged()
        elif self.question and not self.acts:
            self._act("unclear")
        if not self.acts:
            return _unclear(self.question or self._ask_back())
        settled = set(self.acts)
        acts = [act for act in lexicon.PRIORITY if act in settled and (act != "unclear" or len(settled) == 1)]
        if len(acts) > 1 and "smalltalk" in acts:
            acts.remove("smalltalk")
        question = self.question if self.requests or acts == ["unclear"] else None
        if acts == ["unclear"] and question is None:
            question = self._ask_back()
        return Understanding(
            acts=tuple(acts),
            requests=tuple(self.requests),
            concept=self.concept,
            question=question,
        )

    def _act(self, act: Act) -> None:
        if act not in self.acts:
            self.acts.append(act)

    def _ask_back(self) -> str:
        close = self.index.close(self.text)
        return _did_you_mean(close, self.index) if close else NOTHING_UNDERSTOOD

    def _merged(self) -> list[Request]:
        """The requests without repetition: of two for the same thing the one that says more stays."""
        merged: list[Request] = []
        for request in self.requests:
            bare = Request(request.diagnostic, area=request.area)
            if request in merged or (request == bare and any(_same(request, other) for other in merged)):
                continue
            merged = [other for other in merged if not (_same(other, request) and other == bare)]
            merged.append(request)
        return merged[:MOST_REQUESTS]

    @staticmethod
    def _small_talk(text: str) -> bool:
        said = re.findall(r"[a-z']+", text)
        return 0 < len(said) <= 10 and all(word in lexicon.SMALLTALK for word in said) and text != "?"

    # -- one clause

    def _clause(self, clause: _Clause) -> None:
        text = clause.text
        if lexicon.HINT.search(text) and not lexicon.NO_HINT.search(text):
            return self._act("hint")
        if lexicon.NO_HINT.search(text):
            return self._act("smalltalk")
        if self._asks_concept(text):
            return self._act("concept")
        if lexicon.FISHING.search(text) and not _claims_something(text):
            # "What's the bug? Show me the loss": the second clause counts, the first is noted.
            return self._act("fishing")
        if lexicon.META.search(text):
            return self._act("meta")
        if lexicon.OPTIONS.search(text):
            return self._act("options")
        if self._small_talk(text):
            return self._act("smalltalk")
        kept = _without_negated(text)
        claim = self._claim(clause)
        asks = bool(lexicon.ASK.search(kept))
        if claim == "hypothesis" and lexicon.LOOKS.search(kept) and not re.search(r"\bi suspect\b", kept):
            claim = None
        if claim == "hypothesis" and clause.asks and self._exact_question(kept):
            claim = None
        if claim is not None and claim != "hypothesis" and re.search(r"^(?:can|could|would) (?:you|i|we)\b", kept):
            claim = None
        if claim is not None:
            return self._act(claim)
        if kept != text and not self._mentions(kept):
            return self._act("smalltalk")
        if asks or clause.asks or self._terse(kept):
            self.asked(clause, kept)
        elif self._mentions(kept) or _sensible(kept, self.index):
            # A plain statement about the run is thinking aloud.
            self._act("hypothesis")
        return None

    def _claim(self, clause: _Clause) -> Act | None:
        text = clause.text
        hedged = bool(lexicon.HEDGED.search(text))
        if lexicon.DIAGNOSIS.search(text):
            return "hypothesis" if hedged or clause.asks else "diagnosis"
        if lexicon.VERIFY.search(text) and not clause.asks and not self._looks_first(text):
            return "verify"
        if lexicon.FIX.search(text) and not clause.asks and not hedged and not self._is_rerun(text):
            return "fix"
        if lexicon.ASSERTED.search(text) and not lexicon.ASK.search(text):
            soft = hedged or clause.asks or bool(lexicon.HYPOTHESIS.search(text))
            return "hypothesis" if soft else "diagnosis"
        if lexicon.HYPOTHESIS.search(text) or (clause.asks and lexicon.JUDGED.search(text)):
            return "hypothesis"
        return None

    def _looks_first(self, text: str) -> bool:
        """ "To verify that I'd look at X" before anything was claimed asks for X."""
        claimed = {"diagnosis", "fix"} & set(self.acts)
        return (
            not claimed
            and not re.search(r"\bfix|\btest", text)
            and bool(self._mentions(text))
            and bool(lexicon.LOOKS.search(text))
        )

    def _is_rerun(self, text: str) -> bool:
        bare = re.match(
            r"(?:please |let'?s |can we |just )?(?:re-?run|try|run|repeat|lower|reduce|change the seed)\b", text
        )
        return bare is not None

    def _exact_question(self, text: str) -> bool:
        """Whether a question is one the vocabulary has word for word ("are the gradients correct?")."""
        return any(
            len(mention.words) > 1 and lexicon.JUDGED.search(" ".join(mention.words))
            for mention in self._mentions(text)
        )

    def _asks_concept(self, text: str) -> bool:
        match = lexicon.TERMS.match(text)
        if match is None:
            return False
        term = words(match["term"])
        concepts = self.index.lookup(term, "concept")
        defines = (
            bool(match["defines"])
            or (match["article"] or "").strip() in ("a", "an")
            or " mean" in (match["tail"] or "")
        )
        if concepts:
            named_here = (match["article"] or "").strip() in ("the", "our", "your", "this")
            if not defines and named_here and self.index.lookup(term, "diagnostic"):
                return False
            self.concept = concepts[0]
            return True
        explicit = re.search(r"\b(?:define|mean|means|meant|definition|explain|stands? for)\b", text) is not None
        return explicit and len(term) <= 4 and not self._mentions(text)

    def _mentions(self, text: str) -> list[Mention]:
        return _sorted_out(self.index.mentions(tokens(text), "diagnostic"), text)

    def _terse(self, text: str) -> bool:
        """Whether a clause is little more than the name of what is wanted ("grad norms layer 2, 180-220")."""
        line = [token for token in tokens(text) if token.word not in (",", "and")]
        if not line:
            return False
        covered = _spans(self._mentions(text)) + _spans(self.index.mentions(tokens(text), "area"))
        covered += [(param.start, param.end) for param in params.find(text, self.run)]
        covered += [match.span() for match in lexicon.HEALTHY.finditer(text)] + [
            match.span() for match in lexicon.CODE_WORD.finditer(text)
        ]
        hit = sum(any(start <= token.start < end for start, end in covered) for token in line)
        return hit / len(line) >= 0.6

    # -- requests

    def asked(self, clause: _Clause, text: str, literal: bool = False) -> None:
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
            if not any(start <= mention.start < end for start, end in coded)
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
            # Numbers and words that belong to a phrase ("step 0 loss", "per layer") are no parameters of it.
            if not any(start <= param.start and param.end <= end for start, end in _spans(found))
        ]
        areas = () if clear else self._areas(bare, line, found, code)
        for mention in code:
            self.requests += [Request("code", area=area) for area in mention.ids[:1]]
        for area in areas:
            self.requests.append(Request("code", area=area))
        made = [self._request(mention, i, clear, numbered, bare, literal) for i, mention in enumerate(clear)]
        if made and not compare and _COMPARE_WORD.search(text):
            made = [msgspec.structs.replace(request, compare=True) for request in made]
        if compare and (made or not (code or areas or unclear)):
            made = self._compared(made, clause, compare)
        self.requests += made
        if made or code or areas:
            return
        if unclear:
            mention = unclear[0]
            self.question = _did_you_mean(mention.ids, self.index, self.index.lookup(mention.words, "area")[:1])
        elif numbered and self._earlier():
            self._again(numbered, text)
        elif lexicon.CODE_WORD.search(text) and re.search(r"\b(?:code|source|implementation|script|snippet)\b", text):
            self.question = _which_area(self.index)
        elif not clear and not self.question:
            close = self.index.close(text)
            self.question = _did_you_mean(close, self.index)

    def _earlier(self) -> list[Request]:
        return self.requests or list(self.context.last)

    def _again(self, numbered: list[params.Param], text: str) -> None:
        """A clause of parameters only ("and around step 200?") is about what was asked for last."""
        if not lexicon.SAME.search(text) and not self.requests and len(words(text)) > 4:
            return
        for request in self._earlier()[-3:]:
            changed = _with(request, numbered)
            if request in self.requests:
                self.requests[self.requests.index(request)] = changed
            else:
                self.requests.append(changed)

    def _compared(self, made: list[Request], clause: _Clause, compare: re.Match[str]) -> list[Request]:
        if made:
            return [msgspec.structs.replace(request, compare=True) for request in made]
        earlier = self._earlier()
        points_back = lexicon.COMPARES.search(clause.text) or re.search(
            r"\b(?:it|that|this|those|them|same)\b", clause.text
        )
        if earlier and points_back:
            if self.requests:
                self.requests = [msgspec.structs.replace(request, compare=True) for request in self.requests]
                return []
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

    def _request(
        self,
        mention: Mention,
        place: int,
        all_mentions: list[Mention],
        numbered: list[params.Param],
        text: str,
        literal: bool,
    ) -> Request:
        name = mention.ids[0]
        values: dict[str, Any] = {}
        for param in numbered:
            if _belongs(param, place, all_mentions, text):
                if param.name in ("layers", "heads"):
                    values[param.name] = tuple(sorted({*values.get(param.name, ()), *param.value}))
                else:
                    values.setdefault(param.name, param.value)
        last = place == len(all_mentions) - 1
        if not literal:
            if name == "grad_norm" and (values.get("layers") or values.get("per_layer")) and last:
                name = "grad_norm_by_layer"
            if "rank" in values and name in lexicon.PER_RANK:
                name = "per_rank"
            if name == "loss" and values.get("split") == "val":
                name = "val_loss"
        keeps_layers = literal or name in lexicon.PER_LAYER
        return Request(
            name,
            steps=values.get("steps"),
            layers=values.get("layers", ()) if keeps_layers else (),
            heads=values.get("heads", ()) if literal or name in lexicon.PER_HEAD else (),
            rank=values.get("rank"),
            split=None if name in ("loss", "val_loss") and not literal else values.get("split"),
            form=values.get("form"),
        )


_COMPARE_WORD = re.compile(r"\bcompared?\s*(?:=\s*(?:true|yes|1))?$")


def _same(one: Request, other: Request) -> bool:
    return one.diagnostic == other.diagnostic and one.area == other.area


def _with(request: Request, numbered: list[params.Param]) -> Request:
    values: dict[str, Any] = {}
    for param in numbered:
        if param.name != "per_layer":
            values[param.name] = param.value
    name = request.diagnostic
    if values.get("layers") and name == "grad_norm":
        name = "grad_norm_by_layer"
    if "layers" in values and name not in lexicon.PER_LAYER:
        del values["layers"]
    if "heads" in values and name not in lexicon.PER_HEAD:
        del values["heads"]
    return msgspec.structs.replace(request, diagnostic=name, **values)


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
        "show", "see", "look", "at", "give", "get", "plot", "view", "what", "how", "let", "let's", "code", "in", "check",
        "source", "implementation", "request", "want", "need", "inspect", "read", "print", "with", "on", "then", "ok",
        "display", "open", "walk", "through", "section", "part", "file", "module", "class", "function", "first", "next",
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
    checks = [mention for mention in kept if len(mention.words) > 1 and all(_is_check(name) for name in mention.ids)]
    if checks:
        # "If you perturb a future token, do the logits move": the logits are part of the check.
        kept = [mention for mention in kept if mention in checks or len(mention.words) > 1 or "and" in text.split()]
    if any(mention.ids == ("nonfinite",) for mention in kept):
        # "When does the loss become NaN" asks for the NaN.
        kept = [mention for mention in kept if mention.ids != ("loss",) or "and" in text]
    return kept


def _is_check(name: str) -> bool:
    return name.startswith(("check_", "rerun_"))


_WEAK = frozenset(word for name in lexicon.WEAK for word in words(name))


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


def _without_negated(text: str) -> str:
    """The clause with what is not wanted blanked out."""
    for match in list(lexicon.NEGATED.finditer(text)):
        stop = lexicon.NEGATION_ENDS.search(text, match.end())
        end = stop.start() if stop else len(text)
        text = text[: match.start()] + " " * (end - match.start()) + text[end:]
    return text


def _claims_something(text: str) -> bool:
    return bool(
        re.search(
            r"\b(?:the|my) (?:bug|root cause|diagnosis|answer|fix|cause|problem|issue) is (?!\?|it\b|not\b)(?!$)\w+",
            text,
        )
    ) and not re.match(r"(?:so |ok |and |but )?(?:what|where|which|tell|just|is|am|can|could|please)\b", text)


def _sensible(text: str, index: Index) -> bool:
    """Whether a statement is made of words rather than of noise."""
    found = re.findall(r"[a-z']{2,}", text)
    return len(found) >= 4 and sum(is_word(word, index) for word in found) >= 0.6 * len(found)
