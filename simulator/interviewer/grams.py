"""What the classifier sees of a piece of text: sets of short strings, each a feature.

Two views: `topic` for what is spoken of, `mood` for what is done with it (asked for, suspected, claimed ...). In the
mood's view the names of quantities stand masked beside the plain words, so that what is learned of one quantity's
sentences holds for all.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

from grader.encoder import letters
from simulator.interviewer.phrases import Index, Kind, Mention, Token, tokens

_PIECE = re.compile(r"[a-z]+(?:'[a-z]+)?|\d+|[?!.,:;/()=+²%-]")
_MASK = "qqq"
KINDS: tuple[Kind, ...] = ("diagnostic", "area", "concept")


def topic(text: str, index: Index) -> set[str]:
    """Features of lower-case `text` that tell what it is about."""
    pieces = _pieces(text)
    plain = [piece for piece in pieces if piece[0].isalpha() or piece == "#"]
    found = {f"w{gram}" for gram in _grams(pieces, 3)}
    line, mentions = looked_up(text, index)
    content = ["#" if token.word.isdigit() else token.word for token in line if token.word not in (",", "and")]
    found.update(f"t{word}" for word in content)
    for i, word in enumerate(content):
        found.update("p" + "|".join(sorted((word, other))) for other in content[i + 1 : i + 4])
    for word in plain:
        if len(word) >= 3:
            found.update(letters(word, 3, 5))
    if plain:
        found |= {f"^{plain[0]}", "^" + " ".join(plain[:2]), f"${plain[-1]}"}
    found.add(f"L{min(12, len(plain))}")
    for kind, found_here in mentions.items():
        for mention in found_here:
            for name in mention.ids:
                found |= {f"M{kind[0]}:{name}", f"M{kind[0]}:{name}:{min(2, len(mention.words))}"}
    return found


def mood(text: str, index: Index) -> set[str]:
    """Features of lower-case `text` that tell what is done with it."""
    masked = text
    _, mentions = looked_up(text, index)
    named = [*mentions["diagnostic"], *mentions["area"]]
    for mention in sorted(named, key=lambda mention: -mention.start):
        masked = f"{masked[: mention.start]} {_MASK} {masked[mention.end :]}"
    found: set[str] = set()
    for source, tag, longest in ((text, "w", 3), (masked, "m", 4)):
        pieces = ["<", *_once(_pieces(source)), ">"]
        found.update(f"{tag}{gram}" for gram in _grams(pieces, longest))
        if tag == "m":
            for n in range(1, 6):
                found |= {"^" + " ".join(pieces[:n]), "$" + " ".join(pieces[-n:])}
            found.update(f"s{pieces[i]}_{pieces[i + 2]}" for i in range(len(pieces) - 2))
    for piece in _PIECE.findall(text):
        if len(piece) > 3 and piece[0].isalpha():
            found.update(letters(piece, 3, 4))
    found.add(f"L{min(30, len(_PIECE.findall(text)) // 2)}")
    if text.rstrip().endswith("?"):
        found.add("Q")
    return found


def around(text: str, acts: Sequence[str], asks: bool) -> set[str]:
    """Features of a whole message that colour the mood of each of its parts: what the rules took it for."""
    found = {f"A{act}" for act in acts} | {f"A1{act}" for act in acts[:1]}
    found.add("Arequested" if asks else "Anothing")
    if text.rstrip().endswith("?"):
        found.add("AQ")
    return found


def _pieces(text: str) -> list[str]:
    return ["#" if piece.isdigit() else piece for piece in _PIECE.findall(text)]


def _once(pieces: list[str]) -> list[str]:
    """Without the second of two masks in a row."""
    return [piece for i, piece in enumerate(pieces) if piece != _MASK or not i or pieces[i - 1] != _MASK]


def _grams(pieces: list[str], longest: int) -> set[str]:
    return {" ".join(pieces[i : i + n]) for n in range(1, longest + 1) for i in range(len(pieces) - n + 1)}


@functools.lru_cache(maxsize=1024)
def looked_up(text: str, index: Index) -> tuple[list[Token], dict[Kind, list[Mention]]]:
    """The words of a text, and the vocabulary's own phrases in it. Both views of a span need them."""
    line = tokens(text)
    return line, {kind: index.mentions(line, kind) for kind in KINDS}
