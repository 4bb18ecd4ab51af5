"""Turns of phrase that decide where a message belongs in the conversation, whatever it is about."""

from __future__ import annotations

import re

_REVISED = re.compile(
    r"\b(?:new|another|different|revised?|change[sd]?|changing|instead of|take (?:that|it) back)\b.{0,40}"
    r"\b(?:diagnosis|mind|root cause|answer)\b|\bmy (?:final )?diagnosis\b|^\W*(?:final )?diagnosis\s*:"
    r"|^\W*the (?:bug|root cause)(?:\s*:|\s+is (?:that|the|in|an?)\b)"
    r"|^\W*(?:actually|correction|on second thoughts?|scratch that|no,? wait)\b"
    r"|\bthe (?:real|actual|true) (?:bug|cause|root cause|problem|issue|culprit)\b",
    re.IGNORECASE,
)
_WITHDRAWN = re.compile(
    r"\bi (?:was|am|may be|might be|could be|must be|must have been) (?:probably |clearly |obviously |maybe )?"
    r"(?:wrong|mistaken|off)\b|\bi'm (?:probably |clearly )?(?:wrong|mistaken)\b|\b(?:scrap|forget) (?:that|it)\b"
    r"|\bi take (?:that|it) back\b|\bmy (?:guess|idea|hypothesis|theory|diagnosis) (?:was|is) wrong\b",
    re.IGNORECASE,
)
_CLAIMED_ANEW = re.compile(
    r"\b(?:root cause|diagnosis|the (?:bug|cause|problem|issue|culprit))\b(?! (?:was|is) wrong)"
    r"|\bit(?:'s| is)\b|\b(?:missing|never|instead of)\b",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"\?\s*$"
    r"|^\W*(?:what(?:'?s| is| are| was| were| about)|how about|compare)\b"
    r"|(?:^|[.,;:!]\s)\s*(?:(?:and|also|but|then|ok|okay|now|first|please)\W+)*(?:show|plot|give|print|display|list|get)\b"
    r"|\b(?:can|could|may|might) (?:i|you|we)\b"
    r"|\b(?:let me|like to|want to|need to) (?:see|look)\b"
    r"|\b(?:show|give) me\b",
    re.IGNORECASE,
)
_CLOSES = re.compile(
    r"(?:no|nope)?\W*"
    r"(?:no|nope|nothing|(?:nothing|no) (?:more|else)|nothing to add|that(?:'?s| is) (?:all|it)"
    r"|(?:i(?:'m| am) )?(?:done|finished)|finish|close"
    r"|let(?:'s| us) (?:close|finish|stop)(?: it| here)?|we (?:can|may) close)"
    r"(?:,? (?:thanks|thank you))?\W*",
    re.IGNORECASE,
)
_BEGS = re.compile(
    r"\b(?:hints?|clues?|nudge|tips?|pointers?|help|suggestions?|advice|point me)\b"
    r"|\bgive me (?:something|a lead|a push)\b",
    re.IGNORECASE,
)
_GIVES_UP = re.compile(r"\bi(?:'ll| will)? (?:give|am giving) up\b|\bi'm giving up\b|\bi quit\b", re.IGNORECASE)
_ACCEPTS = re.compile(
    r"\W*(?:(?:ok|okay|alright|all right|well|hm+)\W*)*"
    r"(?:(?:yes|yeah|yep|yup|sure|please|go ahead|that would (?:help|be (?:nice|great))|i'?d like that|gladly|of course"
    r"|do|why not)\W*)+(?:thanks|thank you)?\W*",
    re.IGNORECASE,
)
_THINKS = re.compile(
    r"\W*(?:(?:h+m+|u+h*m*|er+m*|ok|okay|well|right|so|let me (?:think|see)|thinking|hold on"
    r"|(?:give me )?(?:a|one) (?:sec(?:ond)?|moment|minute)|wait|good question|interesting"
    r"|thanks|thank you|hi|hello)\W*)+",
    re.IGNORECASE,
)
_PLACES_BLAME = re.compile(
    r"\blines? ?\d|\bl\d+\b"
    r"|\b(?:wrong|bugs?|mistake|error|incorrect|missing|off[- ]by[- ]one|forgot\w*|never|broken|faulty|leaks?)\b"
    r"|\b(?:should|must|ought to|needs? to)\b|\binstead of\b",
    re.IGNORECASE,
)
_WONDERS = re.compile(
    r"\?\s*$|\b(?:maybe|perhaps|might|could|wonder\w*|not sure|possibly|let me|first|considered|checked)\b"
    r"|\b(?:is|are|looks?|seems?) (?:all |both )?(?:right|fine|correct|ok|okay|good)\b",
    re.IGNORECASE,
)


def takes_back(text: str) -> bool:
    """The candidate replaces an earlier claim: "I change my mind, ...", "my diagnosis is ..."."""
    return _REVISED.search(text) is not None


def withdraws(text: str) -> bool:
    """The candidate gives an idea up and puts no other in its place: "I was wrong. Show me ..."."""
    return _WITHDRAWN.search(text) is not None and _CLAIMED_ANEW.search(_WITHDRAWN.sub(" ", text)) is None


def asks(text: str) -> bool:
    """The candidate asks for something now. "Rerun it and compare the norms" only tells what one would do."""
    return _ASKS.search(text) is not None


def begs(text: str) -> bool:
    """The candidate asks for help in so many words. "No idea" does not: it may only be offered."""
    return _BEGS.search(text) is not None


def accepts(text: str) -> bool:
    """The whole message says yes; "ok" alone only says that one has heard."""
    return _ACCEPTS.fullmatch(text) is not None


def gives_up(text: str) -> bool:
    """The candidate wants no more: "I give up"."""
    return _GIVES_UP.search(text) is not None


def thinks(text: str) -> bool:
    """The whole message only passes the time: "hm, let me think"."""
    return _THINKS.fullmatch(text) is not None


def closes(text: str) -> bool:
    """The whole message says that there is nothing to add."""
    return _CLOSES.fullmatch(text.strip()) is not None


def claims(text: str) -> bool:
    """The candidate says, without wondering, that some part of the code is at fault."""
    return _PLACES_BLAME.search(text) is not None and _WONDERS.search(text) is None
