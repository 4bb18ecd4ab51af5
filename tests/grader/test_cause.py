"""Is a claim the cause? Real wordings for every bundled scenario, and what must not pass."""

import time
from pathlib import Path

import pytest
import yaml

from grader.cause import Matcher, is_healthy
from grader.judge import match
from scenarios import catalog
from scenarios.errors import ScenarioError

CASES = [
    (slug, verdict, text)
    for slug, by_verdict in yaml.safe_load((Path(__file__).parent / "causes.yaml").read_text()).items()
    for verdict, texts in by_verdict.items()
    for text in texts
]
# What the judge does not get right, and the rules alone did.
BEYOND = {
    "The model is not causal: it uses future information",
    "the mask does not leak",
    "the epoch repeats the same data",
    "model can't tell positions apart",
    "model has too few layers",
    "the init is broken",
    "I believe the issue is that the .grad tensors aren't wiped at the beginning of each step, so momentum-like "
    "accumulation happens",
    "zero_grad is missing or the loss is not divided by the accumulation steps",
    "it's a data problem, probably corrupted shards",
}
SLUGS = sorted({slug for slug, _, _ in CASES})
KEYS = {slug: catalog.load_solution(slug) for slug in SLUGS}


@pytest.mark.parametrize(
    ("slug", "verdict", "text"),
    [
        pytest.param(
            *case, marks=pytest.mark.xfail(strict=True, reason="beyond the judge") if case[2] in BEYOND else ()
        )
        for case in CASES
    ],
)
def test_claims_as_candidates_put_them(slug, verdict, text):
    cause = match(text, slug)
    assert cause.verdict == verdict, cause
    assert cause.why


def test_the_cases_are_none_of_the_wordings():
    known = {wording.casefold() for key in KEYS.values() for wording in key.wordings}
    repeated = [text for _, verdict, text in CASES if verdict == "correct" and text.casefold() in known]
    # One mechanism without the function's name is asked for by everybody, so it is in both.
    assert len(repeated) <= 3, repeated


@pytest.mark.parametrize("slug", SLUGS)
def test_every_wording_and_the_key_itself_state_the_cause(slug):
    key = KEYS[slug]
    for text in (*key.wordings, key.root_cause, f"{key.root_cause} {key.mechanism}"):
        assert match(text, slug).verdict == "correct", text


@pytest.mark.parametrize("slug", SLUGS)
def test_the_causes_of_the_others_are_wrong(slug):
    for other, key in KEYS.items():
        if other != slug:
            for wording in key.wordings:
                cause = match(wording, slug)
                assert cause.verdict in ("wrong", "none"), (wording, cause)


@pytest.mark.parametrize("slug", SLUGS)
def test_near_misses_are_what_they_say(slug):
    for miss in KEYS[slug].near_misses:
        for saying in miss.says:
            assert match(saying, slug).verdict == ("partial" if miss.partial else "wrong"), saying


def test_the_closest_is_the_scenario_whose_cause_was_claimed():
    assert match("softmax is applied twice", "no_zero_grad").closest == "softmax_before_ce"
    control = match("the run is fine", "no_zero_grad").closest
    assert control and is_healthy(catalog.load_solution(control))
    assert catalog.load_scenario(control).workload == catalog.load_scenario("no_zero_grad").workload
    assert match("zero_grad is missing", "no_zero_grad").closest == "no_zero_grad"


def test_why_cites_the_words():
    said = "I looked at the loop. zero_grad is missing after the step."
    assert '"zero_grad is missing after the step"' in match(said, "no_zero_grad").why


def test_case_quotes_and_typos_do_not_matter():
    for text in (
        "ZERO_GRAD IS NEVER CALLED",
        "the gradients aren’t cleared",
        "`optimizer.zero_grad()` is missing!!!",
        "gradeints are never cleared",
    ):
        assert match(text, "no_zero_grad").verdict == "correct", text


def test_all_causes_at_once_are_no_diagnosis():
    everything = ". ".join(key.wordings[0] for slug, key in KEYS.items() if slug != "healthy_control")
    for slug in SLUGS:
        assert match(everything, slug).verdict in ("none", "wrong"), slug


@pytest.mark.parametrize(
    "text",
    [
        "zero_grad mask shuffle softmax init " * 100_000,
        "it is the mask. " * 50_000,
        "a" * 3_000_000,
        "no " * 500_000,
        "((((" * 200_000,
        "it is not the case that " * 50_000,
        "ruled " * 200_000,
        "\n" * 500_000,
    ],
)
def test_overlong_texts_are_judged_at_once(text):
    match("zero_grad is missing", "no_zero_grad")
    start = time.perf_counter()
    assert match(text, "no_zero_grad").verdict != "correct"
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize("text", ["", "   ", "?", "🙂", "\x00", "１２３", "....", "— — —"])
def test_texts_without_words_claim_nothing(text):
    assert match(text, "no_zero_grad").verdict == "none"


def test_an_unknown_scenario_is_named_in_one_line():
    with pytest.raises(ScenarioError) as error:
        match("zero_grad is missing", "no_such_thing")
    assert "no_such_thing" in str(error.value) and "\n" not in str(error.value)


def test_a_matcher_needs_no_catalogue():
    matcher = Matcher({"no_zero_grad": KEYS["no_zero_grad"]})
    assert matcher.judge("the gradients are never cleared", "no_zero_grad").verdict == "correct"
