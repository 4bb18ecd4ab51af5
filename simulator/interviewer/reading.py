"""Reads a message for what it does: claims, requests, and the small acts of a conversation."""

from __future__ import annotations

import re

from grader.events import Act
from simulator.interviewer import lexicon
from simulator.interviewer.ask_back import NOTHING_UNDERSTOOD, WHAT_TO_SHOW, did_you_mean
from simulator.interviewer.clauses import Clause, cut, without_negated
from simulator.interviewer.phrases import Index, is_word, tokens, words
from simulator.interviewer.wants import Wants, is_check

CLAIMS = {"diagnosis", "hypothesis", "fix", "verify"}


class Reading:
    """One message, read clause by clause. `acts` come out in the order of their weight, the main one first."""

    def __init__(self, text: str, index: Index, wants: Wants) -> None:
        self.index = index
        self.wants = wants
        self.text = text if _small_talk(text) else index.correct(text)
        self.concept: str | None = None
        self._acts: list[Act] = []
        clauses = cut(self.text)
        for clause in clauses:
            self._clause(clause, alone=len(clauses) == 1)

    @property
    def acts(self) -> tuple[Act, ...]:
        found = set(self._acts)
        if self.wants.requests:
            found.add("request")
        elif lexicon.FISHING.search(self.text) and not found & (CLAIMS | {"hint"}):
            return ("fishing",)
        if len(found) > 1:
            found.discard("smalltalk")
        return tuple(act for act in lexicon.PRIORITY if act in found) or ("unclear",)

    @property
    def question(self) -> str | None:
        """What to ask back: about an unclear part beside requests, or about a message that is unclear as a whole."""
        if self.wants.requests:
            return self.wants.question
        if self.acts != ("unclear",):
            return None
        nothing = WHAT_TO_SHOW if self.wants.sought else NOTHING_UNDERSTOOD
        return self.wants.question or did_you_mean(self.index.close(self.text), self.index, nothing=nothing)

    def _act(self, act: Act) -> None:
        self._acts.append(act)

    def _clause(self, clause: Clause, alone: bool) -> None:
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
        if _small_talk(text):
            return self._act("smalltalk")
        kept = without_negated(text)
        claim = self._claim(clause)
        asks = bool(lexicon.ASK.search(kept)) or (self._is_rerun(kept) and not lexicon.STATES.search(kept))
        if claim == "hypothesis" and lexicon.LOOKS.search(kept) and not re.search(r"\bi suspect\b", kept):
            claim = None
        if claim == "hypothesis" and clause.asks and self._exact_question(kept):
            claim = None
        if claim is not None and claim != "hypothesis" and re.search(r"^(?:can|could|would) (?:you|i|we)\b", kept):
            claim = None
        if claim == "hypothesis" and clause.asks and self.wants.speaks_of_check(kept):
            claim = None
        if claim is not None:
            self.wants.speaks_of(kept)
            return self._act(claim)
        if kept != text and not self.wants.mentions(kept):
            return self._act("smalltalk")
        if clause.asks and not asks and not alone and re.search(r"\bor\b", kept):
            # "Overflow or a bad batch? Gradient norms please": weighing ideas, not asking for each.
            self.wants.speaks_of(kept)
            return self._act("hypothesis")
        if asks or clause.asks or self.wants.terse(kept):
            self.wants.asked(clause, kept)
        elif self.wants.mentions(kept) or _sensible(kept, self.index):
            # A plain statement about the run is thinking aloud.
            self.wants.speaks_of(kept)
            self._act("hypothesis")
        return None

    def _claim(self, clause: Clause) -> Act | None:
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
        claimed = {"diagnosis", "fix"} & set(self._acts)
        return (
            not claimed
            and not re.search(r"\bfix|\btest", text)
            and bool(self.wants.mentions(text))
            and bool(lexicon.LOOKS.search(text))
        )

    def _is_rerun(self, text: str) -> bool:
        """Whether an order to change something is one of the experiments the interviewer has run."""
        if lexicon.FIRM.search(text):
            return False
        if re.match(r"(?:please |let's |can we |just )?(?:re-?run|try|run|repeat)\b", text):
            return True
        return any(len(m.words) > 1 and all(is_check(name) for name in m.ids) for m in self.wants.mentions(text))

    def _exact_question(self, text: str) -> bool:
        """Whether a question is one the vocabulary has word for word ("are the gradients correct?")."""
        return any(
            len(mention.words) > 1 and lexicon.JUDGED.search(" ".join(mention.words))
            for mention in self.wants.mentions(text)
        )

    def _asks_concept(self, text: str) -> bool:
        match = lexicon.TERMS.match(text)
        if match is None:
            return False
        term = words(match["term"])
        concepts = self.index.lookup(term, "concept")
        if not concepts and re.match(r"differences? between\b", match["term"]):
            concepts = tuple(m.ids[0] for m in self.index.mentions(tokens(text), "concept"))[:1]
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
        found = self.wants.mentions(text)
        if match["asks"] and not match["article"] and found and all(len(m.ids) > 1 for m in found):
            # "What is flash attention": more was said than the vague word that was found in it.
            return len(found[0].words) < len(term) <= 4
        explicit = re.search(r"\b(?:define|mean|means|meant|definition|explain|stands? for)\b", text) is not None
        return explicit and len(term) <= 4 and not found and not self.index.mentions(tokens(text), "area")


def _small_talk(text: str) -> bool:
    said = re.findall(r"[a-z']+", text)
    return 0 < len(said) <= 10 and all(word in lexicon.SMALLTALK for word in said)


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
