"""What was learned from people's claims: from which, and where it has a say."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader import choice, claims
from grader.cause import Matcher
from grader.judge import Judge, judge, match
from scenarios import catalog

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fit_judge", ROOT / "tools" / "fit_judge.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_it_was_fitted_on_the_claims_and_keys_that_are_here(tool: ModuleType) -> None:
    learned = choice.load()
    assert learned.data == tool.fingerprint(claims.read("train")), "run `python tools/fit_judge.py`"
    assert all(learned.knows(slug, catalog.load_solution(slug)) for slug in catalog.slugs())


def test_a_key_that_nothing_was_learned_of_is_judged_by_the_rules() -> None:
    solutions = {slug: catalog.load_solution(slug) for slug in catalog.slugs()}
    kinds = {slug: catalog.load_scenario(slug).workload for slug in solutions}
    stranger = Judge(solutions, kinds, choice.load()._replace(keys={}))
    rules = Matcher(solutions, kinds)
    for claim in list(claims.read("test"))[::40]:
        assert stranger.judge(claim.text, claim.scenario) == rules.judge(claim.text, claim.scenario)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=600))
def test_any_text_is_judged_the_same_each_time(text: str) -> None:
    found = match(text, "no_zero_grad")
    assert found.why and "\n" not in found.why
    assert found == judge("no_zero_grad")._judge(text, "no_zero_grad")


def test_a_number_makes_the_difference() -> None:
    first, second = (choice.load().reader.read(f"tril(diagonal={n})").states for n in (0, 1))
    assert first != second
