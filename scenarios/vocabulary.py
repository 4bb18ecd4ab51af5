"""The diagnostics vocabulary: everything that can be asked for, and the words people use for it."""

from __future__ import annotations

import functools
from pathlib import Path

from scenarios.errors import ScenarioError
from scenarios.schema import Vocabulary
from scenarios.yamlfile import load as load_yaml

PATH = Path(__file__).parent / "vocabulary.yaml"


@functools.lru_cache(maxsize=1)
def load() -> Vocabulary:
    """The bundled vocabulary. Raises ScenarioError when the file is broken or an id stands in it twice."""
    vocabulary = load_yaml(PATH, Vocabulary)
    for what, ids in (
        ("diagnostic", [entry.id for entry in vocabulary.diagnostics]),
        ("area", [entry.id for entry in vocabulary.areas]),
        ("concept", [entry.term for entry in vocabulary.concepts]),
    ):
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise ScenarioError(f"{PATH}: the {what} {twice[0]!r} is given twice")
    return vocabulary
