"""Simulated candidates of every sort in a sample of scenarios; `benchmarks/scorecards.py` has them play all."""

import functools

import pytest
import simulated
from simulated import SCRIPTS, SORTS, Candidate, Claim, explain

from grader.events import Closed, Hint
from scenarios import catalog
from simulator.store import Store

# One or two of every kind of job, a crash, a control and one that is for reviews only among them.
SAMPLE = (
    "chat_pad_targets", "grads_summed", "healthy_control", "linear_biases", "no_zero_grad", "slow_dataloader",
    "temperature_zero",
)  # fmt: skip
ROUNDS = [(slug, round) for slug in SAMPLE for round in catalog.load_scenario(slug).rounds]
BOUNDED = [sort for sort, (_, bounds) in SORTS.items() if bounds != simulated.Bounds()]


@pytest.fixture(scope="module")
def score(tmp_path_factory):
    """(sort, slug, round) → the scorecard of such a candidate."""

    @functools.cache
    def played(sort, slug, round):
        return simulated.play(sort, slug, round, Store(tmp_path_factory.mktemp("store")))

    return played


@pytest.mark.parametrize(("slug", "round"), ROUNDS)
@pytest.mark.parametrize("sort", BOUNDED)
def test_a_sort_keeps_its_bounds(sort, slug, round, score):
    card = score(sort, slug, round)
    assert SORTS[sort][1].hold(card.total), explain(card)


@pytest.mark.parametrize(("slug", "round"), ROUNDS)
def test_the_slow_but_thorough_are_to_be_hired(slug, round, score):
    card = score("slow_but_thorough", slug, round)
    assert card.total >= 70, explain(card)


@pytest.mark.parametrize(("slug", "round"), ROUNDS)
def test_hints_are_not_free(slug, round, score):
    assert score("hint_taker", slug, round).total < score("strong", slug, round).total


@pytest.mark.parametrize(("slug", "round"), ROUNDS)
def test_a_claim_against_the_evidence_is_held_against_the_candidate(slug, round, score):
    card = score("contradictor", slug, round)
    assert card.total < 50, explain(card)
    assert round == "review" or any(point.name == "against the evidence" for point in card.points), explain(card)


@pytest.mark.parametrize(("slug", "round"), [(slug, round) for slug, round in ROUNDS if round == "debug"])
def test_who_combs_through_everything_is_not_to_be_hired_for_it(slug, round, score):
    card = score("comber", slug, round)
    assert card.total < 70, explain(card)


@pytest.mark.parametrize("sort", ["strong", "shotgun", "flatterer"])
def test_the_same_round_is_played_and_scored_the_same_way(sort, score, tmp_path):
    assert simulated.play(sort, "grads_summed", "debug", Store(tmp_path)) == score(sort, "grads_summed", "debug")


@pytest.mark.parametrize("slug", SCRIPTS)
def test_a_script_ends_with_a_cause_a_fix_and_a_verification(slug):
    for round in catalog.load_scenario(slug).rounds:
        assert all(Claim.of(SCRIPTS[slug].said(round)[-1]))


def test_the_silent_sit_until_the_time_is_up_and_the_hint_taker_takes_all_hints(tmp_path):
    events = {}
    for sort in ("silent", "hint_taker"):
        candidate = Candidate("no_zero_grad", "debug", Store(tmp_path))
        SORTS[sort][0](candidate)
        candidate.score()
        events[sort] = candidate.interview.events
    assert isinstance(events["silent"][-1], Closed) and events["silent"][-1].reason == "time_up"
    assert [event.rung for event in events["hint_taker"] if isinstance(event, Hint)] == [1, 2, 3]
