"""A scripted candidate plays every bundled scenario, in both rounds, through the real interview on the real runs."""

import bundled
import pytest
from simulated import SCRIPTS, Candidate, explain

from scenarios import catalog
from simulator.store import Store

ROUNDS = bundled.rounds()
# A claim that is wrong for every scenario, and the manners of somebody who does everything else well.
WRONG = (
    "My diagnosis: the tokenizer drops every second document because its vocabulary file was truncated. "
    "Fix: download the vocabulary again. I would verify by rerunning with the same seed and add a test for it."
)


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("FLATLINE_HOME", str(tmp_path))
    return Store(tmp_path)


def play(slug, round, store, last=None):
    """The script of a scenario; `last` replaces its final message, the claim."""
    candidate = Candidate(slug, round, store)
    candidate.says(*candidate.looks, candidate.claim if last is None else last)
    if last is None:
        candidate.marks(candidate.script.mark)
    candidate.answers(candidate.script.answers.__getitem__)
    return candidate.score()


def test_every_bundled_scenario_has_a_script():
    assert set(SCRIPTS) == set(catalog.slugs())


@pytest.mark.parametrize(("slug", "round"), ROUNDS)
def test_the_right_cause_with_evidence_scores_80_or_more(slug, round, store):
    card = play(slug, round, store)
    assert card.cause.verdict == "correct", explain(card)
    assert card.total >= 80, explain(card)


@pytest.mark.parametrize(("slug", "round"), ROUNDS)
def test_a_wrong_cause_scores_less_than_50(slug, round, store):
    card = play(slug, round, store, last=WRONG)
    assert card.cause.verdict in ("wrong", "none"), explain(card)
    assert card.total < 50, explain(card)


@pytest.mark.parametrize(("slug", "round"), ROUNDS)
def test_the_cause_of_another_scenario_scores_less_than_50(slug, round, store):
    healthy = {name for name in SCRIPTS if not catalog.patch_text(name).strip()}
    others = sorted(set(SCRIPTS) - {slug} - healthy)
    other = others[sorted(SCRIPTS).index(slug) % len(others)]
    card = play(slug, round, store, last=SCRIPTS[other].review[-1])
    assert card.cause.verdict != "correct", f"{other}'s cause\n{explain(card)}"
    assert card.total < 50, f"{other}'s cause\n{explain(card)}"


@pytest.mark.parametrize(("slug", "round"), ROUNDS)
def test_nothing_said_scores_less_than_20(slug, round, store):
    assert Candidate(slug, round, store).score().total < 20
