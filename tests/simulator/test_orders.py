"""The plainest way to ask for a thing, for every thing there is."""

import pytest

from scenarios import vocabulary
from scenarios.schema import Diagnostic
from simulator.interviewer.ear import EarContext, understand

WORDS = vocabulary.load()
RUN = EarContext(total_steps=400, n_layers=4)
ORDERS = ("show me the {}", "show {}", "{} please", "can i see the {}?", "let me see the {}", "give me the {}")


@pytest.mark.parametrize("diagnostic", [one for one in WORDS.diagnostics if one.kind != "code"], ids=lambda one: one.id)
def test_what_is_named_and_ordered_is_shown(diagnostic: Diagnostic) -> None:
    for name in (diagnostic.id.replace("_", " "), diagnostic.phrases[0]):
        for order in ORDERS:
            asked = understand(order.format(name.lower()), WORDS, RUN).requests
            assert [request.diagnostic for request in asked] == [diagnostic.id], order.format(name)
