"""The small mark beside a message that a model was asked about in vain."""

from __future__ import annotations

from grader.events import Unaided

_WHY = {
    "unreached": "the model could not be reached",
    "late": "the model took too long",
    "denied": "the model's endpoint refused the request",
    "void": "the model's answer was of no use",
    "absent": "the model needs `pip install 'flatline[model]'`",
}


def words(event: Unaided) -> str:
    """Why, and what that means for the interview."""
    off = "; it is not asked again in this round" if event.off else "; understood without it"
    return f"{_WHY[event.why]}{off}"
