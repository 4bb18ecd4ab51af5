"""How far a run left the healthy band, in words."""

from __future__ import annotations

import pytest

from simulator.debrief import Finding, finding
from traces.format import Betrayal, Verdict


def verdict(*betrayals: Betrayal, **checks: bool) -> Verdict:
    return Verdict(
        scenario="s", profile="cpu", seeds=(0,), band_seeds=(0, 1), betrayals=betrayals, checks=checks, passed=True,
        reason="",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("column", "widths", "direction", "name", "figures"),
    [
        ("grad_norm/mean", 35.7, "above", "grad norm (running mean)", "36 band widths above healthy runs, from step 0"),
        ("grad_norm/peak", 5680.0, "above", "grad norm (running peak)", "over 1,000 band widths above healthy runs, "
         "from step 0"),
        ("grad_norm", 1.0, "below", "grad norm", "1 band width below healthy runs, from step 0"),
        ("grad_norm", 1e6, "nonfinite", "grad norm", "outside healthy runs from step 0 on, in the end not finite"),
        ("activations/layer.*", 2.25, "above", "activations (mean over layers)", "2.2 band widths above healthy runs, "
         "from step 0"),
        ("activations/layer.3", 4.0, "above", "activations (layer 3)", "4 band widths above healthy runs, from step 0"),
        ("attention_pattern/future_mass.layer.*.head.*", 1e6, "above",
         "attention pattern (future mass, mean over layers and heads)",
         "over 1,000 band widths above healthy runs, from step 0"),
        ("spectral_norm/layer.1.mlp.down", 3.0, "above", "spectral norm (layer 1 mlp down)",
         "3 band widths above healthy runs, from step 0"),
        ("logits/mean", 3.0, "above", "logits (mean)", "3 band widths above healthy runs, from step 0"),
    ],
)  # fmt: skip
def test_figures_are_words(column: str, widths: float, direction: str, name: str, figures: str) -> None:
    diagnostic = column.partition("/")[0]
    betrayal = Betrayal(diagnostic, column, 0, widths, direction)  # type: ignore[arg-type]
    assert finding(diagnostic, verdict(betrayal)) == Finding(diagnostic, figures, name)


def test_of_the_very_far_the_first_and_plainest_is_told() -> None:
    found = finding(
        "loss",
        verdict(
            Betrayal("loss", "loss/mean", 9, 1e6, "above"),
            Betrayal("loss", "loss/roughness", 3, 4e5, "above"),
            Betrayal("loss", "loss", 3, 2e5, "above"),
        ),
    )
    assert found.name == "loss" and found.figures.endswith("from step 3")


def test_checks_and_what_was_not_verified() -> None:
    assert finding("check_kv_cache", verdict(check_kv_cache=True)).figures == "comes out otherwise than in healthy runs"
    assert finding("check_kv_cache", verdict(check_kv_cache=False)).figures == ""
    assert finding("grad_norm", None) == Finding("grad_norm", "", "grad norm")
