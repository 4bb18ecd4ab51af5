"""Cuts a message into clauses: one claim or one request each."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from simulator.interviewer import lexicon

LONGEST_MESSAGE = 4000
MORE_THAN_A_LABEL = 3  # words before a colon; "fix:" and "my diagnosis:" have fewer


def plain(text: str) -> str:
    """Lower-case text for the ear: typographic signs made plain, control characters and excess cut, slang spelt out."""
    text = unicodedata.normalize("NFKC", text[:LONGEST_MESSAGE]).translate(_TYPOGRAPHIC).lower()
    text = "".join(" " if c != "\n" and unicodedata.category(c) in _INVISIBLE else c for c in text).strip()
    return text if text.startswith("/") else _spelled_out(text)[:LONGEST_MESSAGE]


def _spelled_out(text: str) -> str:
    text = re.sub(r"[a-z]+(?:'[a-z]+)?", lambda match: lexicon.SPOKEN.get(match.group(), match.group()), text)
    for pattern, replacement in lexicon.SHARED_HEADS:
        text = pattern.sub(replacement, text)
    return text


_INVISIBLE = frozenset(("Cc", "Cf", "Cs", "Co"))
_TYPOGRAPHIC = str.maketrans(
    {"’": "'", "‘": "'", "“": '"', "”": '"', "`": " ", "_": " ", "*": " ", '"': " ", "\t": " "}
)


class Clause(NamedTuple):
    text: str
    asks: bool
    """Whether it stood before a question mark."""


_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n+|\s+(?:—|–|-{1,2})\s+(?!\d)|(?<=[a-z)])[!?](?=[a-z])|\s*\.{3,}\s*|;\s*")
_CLAUSE = re.compile(
    r"\s*(?:,\s*(?:and |but |so |then |or )?"
    r"|\b(?:and|but|so|then|because|since|as|however|although|though)\b,?\s+"
    # What follows a label is what the label says, whatever its first word.
    r"|(?<!fix)(?<!verify)(?<!verification)(?<!prevent)(?<!prevention)(?<!diagnosis)(?<!cause)(?<!bug):\s+)"
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
    r"|rerun|re-run|run |try |skip |ignore |forget |not |without |verify |confirm |replace |change ))"
)


def cut(text: str) -> list[Clause]:
    found: list[Clause] = []
    for sentence in (part for whole in _SENTENCE.split(text) for part in _at_colon(whole or "")):
        if not sentence.strip():
            continue
        asks = sentence.rstrip(' )"').endswith("?")
        parts = [part.strip(" ,:") for part in _CLAUSE.split(sentence)]
        found += [Clause(part, asks) for part in parts if part.strip(" .!?,")]
    return found


def _at_colon(sentence: str) -> list[str]:
    """A suspicion and, after a colon, what it leads to ("maybe the data: a decoded batch please"); a label stays."""
    head, colon, rest = sentence.partition(": ")
    leads = colon and len(head.split()) >= MORE_THAN_A_LABEL and lexicon.HYPOTHESIS.search(head)
    return [head, rest] if leads else [sentence]


def without_negated(text: str) -> str:
    """The clause with what is not wanted blanked out."""
    lacks = lexicon.LACKS.search(text)
    for match in list(lexicon.NEGATED.finditer(text)):
        if lacks and lacks.start() <= match.start() < lacks.end():
            continue
        stop = lexicon.NEGATION_ENDS.search(text, match.end())
        end = stop.start() if stop else len(text)
        text = text[: match.start()] + " " * (end - match.start()) + text[end:]
    return text
