"""What the ear asks back when it is not clear what is wanted."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.interviewer.phrases import Index

WHAT_TO_SHOW = "What would you like to see: a measurement, a piece of the data, a check, or the code of one part?"
OF_WHAT = "Of which quantity?"
NOTHING_UNDERSTOOD = "I did not follow that. What would you like to see, or what do you suspect?"


def which_area(index: Index) -> str:
    """The question for code without an area."""
    return f"The code of which part? There is {_choice([area.replace('_', ' ') for area in index.areas], 'and')}."


def did_you_mean(ids: Sequence[str], index: Index, areas: Sequence[str] = (), *, nothing: str = WHAT_TO_SHOW) -> str:
    """The question for words that may mean several things; `nothing` is asked where no candidate is known."""
    named = [f"{name.replace('_', ' ')} ({index.shows[name]})" for name in ids[:3]]
    named += [f"the code of the {area.replace('_', ' ')}" for area in areas]
    if not named:
        return nothing
    return f"Which do you mean: {_choice(named, 'or')}?" if len(named) > 1 else f"Do you mean {named[0]}?"


def _choice(items: list[str], word: str) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {word} {items[-1]}"
