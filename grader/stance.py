"""Which parts of a message a candidate stands behind: "it is not the mask, it is the optimizer" claims one of two."""

from __future__ import annotations

import re
from typing import NamedTuple

from grader.phrases import clauses, plain, sentences

_SUBJECT = r"(?:it|this|that|problem|cause|issue|bug|culprit|reason|fault|diagnosis)"
_DENIED = re.compile(
    "|".join(
        (
            r"\brul(?:e|es|ed|ing)\s+(?:\S+\s+){0,6}?out\b",
            r"\b(?:excluded?|excludes|eliminated?|dismiss(?:ed)?|discard(?:ed)?|reject(?:ed)?)\b",
            rf"\b{_SUBJECT}\s+(?:is|was)\s+(?:\w+ly\s+|just\s+)?not\s+(?:\w+ly\s+|just\s+)?"
            r"(?:a|an|the|because|due|caused|about|missing|from|any|in|lack|wrong|bad|our|that)\b",
            rf"\b{_SUBJECT}\s+(?:can|could)\s*not\s+be\b",
            r"^(?:so\s+|and\s+)?not\s+(?:a|an|the|because|due|caused|about|missing|any|our)\b",
            r"\bnot\s+(?:missing|absent|forgotten|lacking|to blame|guilty)\b",
            r"\bnot\s+(?:the\s+)?(?:problem|cause|culprit|issue|reason|bug)\b",
            r"\bno\s+(?:evidence|sign|indication|trace)\s+(?:of|for|that)\b",
            r"\bnothing\s+to\s+do\s+with\b",
            r"\bnothing\s+(?:is\s+)?wrong\s+(?:with|in)\s+(?:the\s+|this\s+|our\s+)?(?!run|training|job|model|code|it\b|this\b)\w+",
            r"\b(?:is|are|was|were|looks?|seems?|being)\s+(?:all\s+|quite\s+|perfectly\s+|totally\s+|actually\s+)?"
            r"(?:fine|ok|okay|correct|healthy|innocent|intact|in place|as expected|normal|sane|innocuous)\b",
            r"\bdo\s+not\s+(?:think|believe|suspect)\s+(?:that\s+)?(?:it|this|that|the\s+(?:problem|cause|issue|bug))\s+(?:is|was)\b",
            r"\b(?:does|do|did)\s+not\s+(?:leak|matter|explain|contribute)\b",
            r"\bunlikely\b",
        )
    )
)
_PAST_IDEA = re.compile(
    r"\b(?:i|we)\s+(?:first\s+|initially\s+|originally\s+|had\s+)?(?:thought|suspected|assumed|believed|considered)\b"
    r"|\bmy\s+(?:first|initial|earlier|original)\s+(?:\w+\s+)?(?:idea|guess|hypothesis|thought|suspicion)\b"
    r"|\bat first\b"
)
_ASKS = re.compile(
    r"^(?:please\s+|ok,?\s+|and\s+|now\s+)*(?:show|give|plot|print|display|request|let me see|let us see|can i|could i|"
    r"may i|can you|could you|can we|what (?:is|was|are|were|does)|how (?:is|does|do|many|much)|"
    r"i (?:want|would like|need) to (?:see|check|look)|i would like)\b"
)


class Said(NamedTuple):
    """One sentence of a message: all of it, and what is left once the denied clauses are taken out."""

    whole: str
    claimed: str


def read(text: str) -> list[Said]:
    """The sentences of a message with what each one claims.

    An idea told as a former one ("I thought it was ...") is a claim only when nothing else is claimed.
    """
    firm, former = [], []
    for sentence in sentences(plain(text)):
        if _ASKS.search(sentence):
            continue
        parts = [part for part in clauses(sentence) if not _DENIED.search(part)]
        former.append(Said(sentence, ", ".join(parts)))
        firm.append(Said(sentence, ", ".join(part for part in parts if not _PAST_IDEA.search(part))))
    return firm if any(said.claimed for said in firm) else former


_SOUND_PARTS = re.compile(
    r"\b(?:nothing\s+(?:is\s+)?wrong|no\s+(?:real\s+)?(?:bug|problem|issue|fault)s?)\s+(?:with|in)\s+(?:the\s+|this\s+|our\s+|its\s+)?"
    r"(?!run|training|job|model|code|it\b|this\b)\w+"
)


WELL = re.compile(
    r"(?:^|\b(?:it|this|run|training|everything|all)\s+)(?:is|looks|seems)\s+(?:to be\s+)?"
    r"(?:perfectly\s+|quite\s+|all\s+|just\s+|totally\s+)?"
    r"(?:healthy|fine|normal|ok|okay|good|as expected)\b"
)
"""Words that call the whole run well."""


def sound(text: str) -> list[str]:
    """Sentences that may say that the whole run is well, without those that clear only a part of it."""
    return [sentence for sentence in sentences(plain(text)) if not _SOUND_PARTS.search(sentence)]
