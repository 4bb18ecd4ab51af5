"""JSON for measured values: JSON has no NaN and no infinity, so they are written as the words below."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

_WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def to_plain(value: Any) -> Any:
    """`value` with every non-finite float inside replaced by its word; tuples become lists."""
    if isinstance(value, float):
        if math.isnan(value):
            return "NaN"
        if math.isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
        return value
    if isinstance(value, Mapping):
        return {str(key): to_plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(inner) for inner in value]
    return value


def numbers_back(facts: Mapping[str, Any]) -> dict[str, Any]:
    """A flat mapping with the words turned back into floats, so that a fact can be formatted as a number."""
    return {key: _WORDS.get(value, value) if isinstance(value, str) else value for key, value in facts.items()}
