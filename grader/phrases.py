"""Candidate text and answer-key phrases on a common footing: tokens that ignore case, endings and spelling of terms.

Everything here is pure. A phrase of an answer key is found in a text when its tokens stand there in order with little
in between. Negations are tokens of their own, so "not shuffled" is never found in "shuffled".
"""

from __future__ import annotations

import functools
import re
import unicodedata

NOT = "<not>"
MISSING = "<missing>"
MAX_WORDS = 700
"""A longer text is judged by its beginning and its end: whatever is claimed in earnest stands there."""
MAX_GAP = 2
"""Tokens that may stand between two tokens of a phrase: room for "really ever", not for another statement."""

HEAP, SMALL_WORDS = 10, 0.08
"""From so many words on a sentence needs this share of small words. Even the tersest notes
of an engineer have one in ten, a heap of keywords has none."""

_SPELLINGS = [
    (r"\bwarm(?:ing|ed)?[-_ ]?up\b", " warmup "),
    (r"\bmicro[-_ ]?batch(?:es)?\b", " microbatch "),
    (r"\bpost[-_ ]?(?:layer)?norm\b", " postnorm "),
    (r"\bpre[-_ ]?(?:layer)?norm\b", " prenorm "),
    (r"\bcross[-_ ]?entrop(?:y|ies)(?:[-_ ]?loss)?\b", " crossentropy "),
    (r"\bstate[-_ ]?dict\b", " statedict "),
    (r"\bdata[-_ ]?loaders?\b", " dataloader "),
    (r"\b(?:float|fp|f)[-_ ]?16\b|\bhalf[-_ ]precision\b|\b16[-_ ]?bits?\b", " fp16 "),
    (r"\b(?:bfloat|bf)[-_ ]?16\b", " bf16 "),
    (r"\b(?:float|fp|f)[-_ ]?32\b", " fp32 "),
    (r"\bstandard[-_ ]deviations?\b|\bstd[-_]?devs?\b", " std "),
    (r"\bsquare[-_ ]roots?\b|√", " sqrt "),
    (r"\bleft out\b|\bfail(?:s|ed|ing)? to\b|\bw/o\b", " missing "),
    (r"\blrs?\b", " learning rate "),
    (r"\bce\b(?= loss| gets| expects| receives)", " crossentropy "),
]
_CONTRACTIONS = [
    (r"\bcan(?:no|')t\b", "can not"),
    (r"\bwon't\b", "will not"),
    (r"n't\b|\b(?<=do|is)nt\b", " not"),
    (r"\b(isnt|arent|wasnt|werent|doesnt|dont|didnt|hasnt|havent|couldnt)\b", " not "),
    (r"(?<=\bit)'s\b|(?<=\bthat)'s\b|(?<=\bthere)'s\b|(?<=\bproblem)'s\b|(?<=\bcause)'s\b", " is"),
    (r"'re\b", " are"),
    (r"'(?:s|m|ve|ll|d)\b", " "),
]
_CANONICAL = {
    "grad": "gradient", "grads": "gradient", "optim": "optimizer", "opt": "optimizer", "optimiser": "optimizer",
    "optimisers": "optimizer", "optimizers": "optimizer", "val": "validation", "rope": "rotary",
    "pos": "position", "params": "parameter", "param": "parameter", "docs": "document", "doc": "document",
    "infinity": "inf", "accum": "accumulate", "accumulation": "accumulate", "accumulations": "accumulate",
    "label": "target", "labels": "target", "division": "divide", "identical": "same", "equal": "same",
    "equals": "same", "equally": "same", "earlier": "previous", "prior": "previous", "preceding": "previous",
    "past": "previous", "iteration": "step", "iterations": "step", "iters": "step", "steps": "step",
    "enormous": "huge", "massive": "huge", "giant": "huge", "gigantic": "huge", "big": "large", "high": "large",
    "bigger": "larger", "higher": "larger", "initialization": "init", "initialisation": "init",
    "initialized": "init", "initialised": "init", "initialize": "init", "initialise": "init",
    "initializing": "init", "initialising": "init", "initializer": "init", "inits": "init", "begins": "start",
    "begin": "start", "beginning": "start", "stddev": "std", "nans": "nan", "permuted": "permute", "one": "1",
    "never": NOT, "not": NOT, "nobody": NOT, "neither": NOT, "nor": NOT, "noone": NOT, "without": MISSING,
    "no": MISSING, "none": "none", "nowhere": MISSING, "missing": MISSING, "misses": MISSING, "missed": MISSING,
    "lack": MISSING, "lacks": MISSING, "lacking": MISSING, "lacked": MISSING, "absent": MISSING,
    "absence": MISSING, "omit": MISSING, "omits": MISSING, "omitted": MISSING, "omission": MISSING,
    "forgot": MISSING, "forget": MISSING, "forgets": MISSING, "forgotten": MISSING, "forgetting": MISSING,
}  # fmt: skip
_STOP = frozenset((
    "a", "an", "the", "is", "are", "was", "were", "be", "been", "being", "am", "it", "its", "that", "this",
    "these", "those", "there", "which", "who", "we", "they", "he", "she", "you", "i", "my", "our", "your",
    "their", "do", "does", "did", "has", "have", "had", "will", "of", "to", "for", "with", "as", "really",
    "actually", "simply", "also", "get", "gets", "got", "getting", "very", "ever", "anywhere", "somewhere",
    "probably", "likely", "maybe", "perhaps", "clearly", "basically",
))  # fmt: skip
_SMALL = frozenset((
    "in", "on", "at", "by", "from", "and", "or", "not", "so", "if", "but", "because", "than", "then", "when", "while",
    "into", "over", "only", "no", "each", "every", "can", "all", "what", "same", "before", "after", "up", "out", "more",
    "too", "rather", "should", "never", "without", "instead", "must",
))  # fmt: skip
_TOKEN = re.compile(r"(?<![\w)\]])-\d+(?:\.\d+)?|\d+(?:\.\d+)?|[a-z]+\d+[a-z0-9]*|[a-z]+|\+")
_SENTENCE = re.compile(r"(?<=[.!?;])\s+|[;\n]+")
_CLAUSE = re.compile(r",\s|\s[-–—]+\s|[—–]|:\s|\b(?:but|however|although|though|whereas|while|yet)\b")


@functools.lru_cache(maxsize=256)
def plain(text: str) -> str:
    """Lower case, plain quotes and spaces, contractions written out; overlong texts keep beginning and end."""
    words = unicodedata.normalize("NFKC", text[:200_000]).casefold().replace("’", "'").replace("‘", "'").split(" ")
    if len(words) > MAX_WORDS:
        words = [*words[: MAX_WORDS // 2], "\n", *words[-MAX_WORDS // 2 :]]
    short = " ".join(word[:200] for word in words)
    for pattern, replacement in _CONTRACTIONS:
        short = re.sub(pattern, replacement, short)
    return re.sub(r"[ \t\r]+", " ", short).strip()


def sentences(text: str) -> list[str]:
    """The sentences of a `plain` text."""
    return [part.strip() for part in _SENTENCE.split(text) if part.strip()]


def clauses(sentence: str) -> list[str]:
    """The clauses of a sentence: what a "but", a comma or a dash holds apart."""
    return [part.strip() for part in _CLAUSE.split(sentence) if part.strip()]


@functools.lru_cache(maxsize=8192)
def _stem(word: str) -> str:
    if word in _CANONICAL:
        word = _CANONICAL[word]
        if word in (NOT, MISSING):
            return word
    if len(word) <= 3 or not word.isalpha():
        return word
    for ending, rest in (("ies", "y"), ("ied", "y"), ("ing", ""), ("ed", ""), ("ly", ""), ("s", "")):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith(("ss", "us")):
            word = word[: -len(ending)] + rest
            break
    word = _CANONICAL.get(word, word)
    if word.endswith("e"):
        word = word[:-1]
    if word.endswith("y"):
        word = word[:-1] + "i"
    if len(word) > 3 and word[-1] == word[-2]:
        word = word[:-1]
    return word


def words(text: str) -> list[str]:
    """The words of a `plain` text that carry meaning, terms in one spelling, endings still on them."""
    for pattern, replacement in _SPELLINGS:
        text = re.sub(pattern, replacement, text)
    return [word for word in _TOKEN.findall(text.replace("_", " ")) if word not in _STOP]


def tokens(text: str, correct: dict[str, str] | None = None) -> tuple[str, ...]:
    """Stems of a `plain` text in order; `correct` maps misspelt words to known ones."""
    found = words(text)
    if correct:
        found = [correct.get(word, word) for word in found]
    return tuple(_stem(word) for word in found)


@functools.lru_cache(maxsize=16384)
def phrase(text: str) -> tuple[str, ...]:
    """Tokens of an answer key's phrase."""
    return tokens(plain(text))


def find(wanted: tuple[str, ...], text: tuple[str, ...], *, affirmed: bool = False) -> tuple[int, ...] | None:
    """Positions of the phrase's tokens in the text, or None. With `affirmed`, not where a "not" stands before it."""
    if not wanted or len(wanted) > len(text):
        return None
    first, other = wanted[0], MISSING if wanted[0] == NOT else wanted[0]
    for start, token in enumerate(text):
        if token != first and token != other:
            continue
        if affirmed and NOT not in wanted and MISSING not in wanted and start and text[start - 1] == NOT:
            continue
        positions = _follow(wanted, text, start)
        if positions:
            return positions
    return None


def _follow(wanted: tuple[str, ...], text: tuple[str, ...], start: int) -> tuple[int, ...] | None:
    positions = [start]
    for token in wanted[1:]:
        last = positions[-1]
        for at in range(last + 1, min(last + 2 + MAX_GAP, len(text))):
            if _same(token, text[at]):
                positions.append(at)
                break
            # A negation in the gap turns the phrase into its opposite.
            if text[at] in (NOT, MISSING) or text[at].startswith("-"):
                return None
        else:
            return None
    return tuple(positions)


def _same(wanted: str, token: str) -> bool:
    return wanted == token or (wanted == NOT and token == MISSING)


def is_prose(sentence: str) -> bool:
    """Whether a sentence has the small words that a statement needs; a heap of keywords has not."""
    every = re.findall(r"[a-z_][a-z0-9_]*", sentence)
    return len(every) < HEAP or sum(word in _STOP or word in _SMALL for word in every) >= SMALL_WORDS * len(every)


def hit(groups: tuple[tuple[str, ...], ...], text: str, *, affirmed: bool = False) -> list[str | None]:
    """For each group the first of its phrases that the text holds, or None. With `affirmed`, not after a "not"."""
    said = tokens(". ".join(sentence for sentence in sentences(plain(text)) if is_prose(sentence)))
    return [
        next((option for option in group if find(phrase(option), said, affirmed=affirmed)), None) for group in groups
    ]
