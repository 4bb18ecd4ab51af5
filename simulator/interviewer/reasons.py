"""When a candidate has a reason to read the code of an area: a hypothesis about it, or evidence seen for it."""

from __future__ import annotations

import functools
import re
from importlib import resources

from scenarios.schema import Vocabulary
from simulator.state import State

REASONING = {"hypothesis", "diagnosis", "fix", "verify", "answer"}


@functools.cache
def evidence_of() -> dict[str, frozenset[str]]:
    """By area, the diagnostics that are evidence about it (`areas.yaml`)."""
    import yaml

    text = resources.files("simulator.interviewer").joinpath("areas.yaml").read_text(encoding="utf-8")
    return {area: frozenset(ids) for area, ids in yaml.safe_load(text).items()}


def areas_with_reason(state: State, vocabulary: Vocabulary) -> set[str]:
    """The areas whose code the candidate may see without being asked for the reasoning first."""
    seen = {shown.request.diagnostic for shown in state.shown if shown.recorded}
    reasoned = " \n ".join(said.text.lower() for said in state.said if REASONING & set(said.acts))
    return {
        area.id
        for area in vocabulary.areas
        if seen & evidence_of().get(area.id, frozenset())
        or any(_mentions(reasoned, phrase) for phrase in (area.id.replace("_", " "), *area.phrases))
    }


def _mentions(text: str, phrase: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(phrase.lower())}(?!\w)", text) is not None
