"""What a model may say to the candidate: a short, neutral sentence that tells nothing and leads nowhere."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

import msgspec

from scenarios.schema import Vocabulary

LONGEST = 300
HELD_BACK = 4
"""Words at the end of an unfinished reply that are not shown yet: they may turn out to be part of an unfit phrase."""

# Whether the candidate is right is never said, nor what to do next; the interviewer has its own words for the rest.
_LEADS = re.compile(
    r"\b(?:(?<!all )right|correct\w*|incorrect\w*|wrong\w*|true|false|yes|yeah|yep|no(?! (?:worries|rush|hurry)\b)|nope"
    r"|not|exact\w*|indeed|agree\w*|nail\w*|spot|bingo|great|excellent|perfect\w*|brilliant|impressive|clever|smart"
    r"|sharp|nice\w*|well|good(?! luck\b)|better|best|solid|strong|close|closer|warm\w*|cold\w*|almost|nearly|track"
    r"|sense|plausible|reasonable|likely|unlikely|promising|interesting|sounds|convinc\w*|confirm\w*|conclu\w*"
    r"|look\w*|check\w*|consider\w*|try\w*|tries|focus\w*|hint\w*|clues?|inspect\w*|examin\w*|investigat\w*|compar\w*"
    r"|start with|begin with|should|must|bugs?|causes?d?|culprit|fix\w*|because|problem\w*|suspect\w*)\b"
    r"|n't\b",
    re.IGNORECASE,
)
_MARKUP = re.compile(r"[<>\[\]{}|\\`*_#~^$@=/]|\bhttp|\bwww\b", re.IGNORECASE)
_WORD = re.compile(r"[a-z]+(?:[-'.][a-z]+)*")


def fit(reply: str, allowed: frozenset[str], vocabulary: Vocabulary) -> bool:
    """Whether `reply` may be said as it stands, where `allowed` are the ids that have come up (see `ids_in`)."""
    return (
        0 < len(reply) <= LONGEST
        and reply == reply.strip()
        and reply.isprintable()
        and not any(character.isnumeric() for character in reply)
        and "?" not in reply
        and not _MARKUP.search(reply)
        and not _LEADS.search(reply.replace("’", "'"))
        and all(allowed & ids for ids in _found(reply, vocabulary))
    )


def ids_in(texts: Iterable[str], vocabulary: Vocabulary) -> frozenset[str]:
    """All that `texts` name or may mean: diagnostics, areas of code, terms."""
    return frozenset(id for text in texts for ids in _found(text, vocabulary) for id in ids)


def so_far(raw: str, allowed: frozenset[str], vocabulary: Vocabulary) -> str:
    """The reply in the beginning of an answer, as far as it can be shown; empty once it has shown itself unfit."""
    match = re.search(r'"reply"\s*:\s*"((?:[^"\\]|\\["/\\bfnrtu])*)("?)', raw)
    if match is None:
        return ""
    text, whole = match.groups()
    if not whole:
        text = text.rpartition(" ")[0]
    try:
        reply = msgspec.json.decode(f'"{text}"', type=str)
    except msgspec.DecodeError:
        return ""
    if not fit(reply.strip(), allowed, vocabulary):
        return ""
    return reply if whole else " ".join(reply.split(" ")[:-HELD_BACK])


def _found(text: str, vocabulary: Vocabulary) -> list[frozenset[str]]:
    """What each of the vocabulary's phrases in `text` may mean."""
    phrases, longest = _phrases(vocabulary)
    words = _words(text)
    return [
        phrases[phrase]
        for start in range(len(words))
        for end in range(start + 1, min(start + longest, len(words)) + 1)
        if (phrase := tuple(words[start:end])) in phrases
    ]


@functools.lru_cache(maxsize=2)
def _phrases(vocabulary: Vocabulary) -> tuple[dict[tuple[str, ...], frozenset[str]], int]:
    named: list[tuple[str, Iterable[str]]] = [
        *((d.id, (d.id.replace("_", " "), *d.phrases)) for d in vocabulary.diagnostics),
        *((area.id, (area.id.replace("_", " "), *area.phrases)) for area in vocabulary.areas),
        *((concept.term, (concept.term, *concept.phrases)) for concept in vocabulary.concepts),
    ]
    phrases: dict[tuple[str, ...], frozenset[str]] = {}
    for id, texts in named:
        for text in texts:
            words = tuple(_words(text))
            if words and words not in _EVERYDAY:
                phrases[words] = phrases.get(words, frozenset()) | {id}
    return phrases, max(map(len, phrases), default=0)


def _words(text: str) -> list[str]:
    """The words of `text` in lower case, plurals without their s."""
    return [re.sub(r"(?<=[a-z]{3})s$", "", word) for word in _WORD.findall(text.lower().replace("_", " "))]


# Phrases of the vocabulary that nobody takes for a quantity in a sentence about something else.
_EVERYDAY = {(word,) for word in ("speed", "error", "forward", "save", "saving", "model", "machine", "resume", "setup")}
