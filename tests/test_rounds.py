"""A scripted candidate plays every bundled scenario, in both rounds, through the real interview on the real runs."""

from pathlib import Path

import bundled
import pytest
import yaml

from grader.events import FollowUpAsked
from scenarios import catalog
from simulator.interview import Interview, Options
from simulator.store import Store

# candidates/SLUG.yaml: `debug` and `review` are what a scripted candidate says, the right cause last; `answers` reply
# to the follow-ups by id; `mark` are the lines marked in a review, each by a part of its text.
FOLDER = Path(__file__).parent / "candidates"
SCRIPTS = {path.stem: yaml.safe_load(path.read_text()) for path in sorted(FOLDER.glob("*.yaml"))}
ROUNDS = bundled.rounds()
SECONDS_A_MESSAGE = 45.0
# A claim that is wrong for every scenario, and the manners of somebody who does everything else well.
WRONG = (
    "My diagnosis: the tokenizer drops every second document because its vocabulary file was truncated. "
    "Fix: download the vocabulary again. I would verify by rerunning with the same seed and add a test for it."
)


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class Candidate:
    """Plays a round of the bundled scenarios at a steady pace."""

    def __init__(self, slug, round, store):
        self.clock = Clock()
        self.interview = Interview.begin(
            Options(round=round, scenario=slug, seed=0, minutes=20), store, monotonic=self.clock
        )

    def says(self, text):
        self.clock.now += SECONDS_A_MESSAGE
        self.interview.tick()
        return self.interview.send(text)

    def marks(self, texts):
        lines = [
            (block.file, block.first_line + i)
            for block in self.interview.code()
            for i, line in enumerate(block.lines)
            for text in texts
            if text in line
        ]
        assert len(lines) == len(texts), f"{texts} should name one line each"
        self.interview.mark(lines)

    def answers(self, events, answers):
        """Answers follow-ups as they are asked, until none is."""
        while asked := [event for event in events if isinstance(event, FollowUpAsked)]:
            events = self.says(answers[asked[-1].id])

    def score(self):
        if not self.interview.closed:
            self.interview.finish()
        return self.interview.scorecard()


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("FLATLINE_HOME", str(tmp_path))
    return Store(tmp_path)


def explain(card):
    lines = [f"{card.total:g} {card.recommendation} {card.cause}"]
    lines += [f"  {p.dimension} {p.name}: {p.points}/{p.out_of} {p.reason}" for p in card.points]
    return "\n".join([*lines, *(f"  gate {gate.name}: {gate.reason}" for gate in card.gates)])


def play(slug, round, store, last=None):
    """The script of a scenario; `last` replaces its final message, the claim."""
    script = SCRIPTS[slug]
    candidate = Candidate(slug, round, store)
    messages = script[round] if last is None else [*script[round][:-1], last]
    for message in messages:
        events = candidate.says(message)
    if round == "review" and last is None:
        candidate.marks(script["mark"])
    candidate.answers(events, script["answers"])
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
    card = play(slug, round, store, last=SCRIPTS[other]["review"][-1])
    assert card.cause.verdict != "correct", f"{other}'s cause\n{explain(card)}"
    assert card.total < 50, f"{other}'s cause\n{explain(card)}"


@pytest.mark.parametrize(("slug", "round"), ROUNDS)
def test_nothing_said_scores_less_than_20(slug, round, store):
    assert Candidate(slug, round, store).score().total < 20
