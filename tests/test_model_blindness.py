"""What a model would be sent tells nothing of the solution, the guide or the recorded run, in bundled scenarios."""

import json
import re

import bundled
import pytest
from test_blindness import look_at_everything

from grader.events import Candidate, Shown
from scenarios import catalog, vocabulary
from simulator.model import prompt
from simulator.store import Store

ROUNDS = bundled.rounds()[::9]
QUIET = 24  # characters from which on a text is told from words that anyone may use


@pytest.mark.parametrize(("slug", "round"), ROUNDS)
def test_nothing_secret_is_sent_at_any_time(slug, round, tmp_path, monkeypatch):
    monkeypatch.setenv("FLATLINE_HOME", str(tmp_path))
    with Store(tmp_path) as store:
        look_at_everything(slug, round, store)
        events = store.events(store.history()[0].id)
    opening = events[1].text
    monkeypatch.setattr(prompt, "TURNS", len(events))
    system, user = prompt.messages(round, opening, vocabulary.load(), events, "hello")
    data = json.loads(user["content"].splitlines()[1])
    assert set(data) == {"round", "opening", "conversation", "latest_message"}
    own = [turn["candidate"] for turn in data["conversation"] if "candidate" in turn]
    theirs = [turn["interviewer"] for turn in data["conversation"] if "interviewer" in turn]
    assert len(own) == sum(isinstance(event, Candidate) for event in events) and theirs

    # Of the run, only that something was shown: no figure but those of the opening and the candidate's own.
    assert not re.search(r"\b\d", "".join(theirs))
    sent = json.dumps([system, opening, theirs])
    for event in events:
        if isinstance(event, Shown) and len(event.summary) > QUIET:
            assert json.dumps(event.summary)[1:-1] not in sent

    solution, guide = catalog.load_solution(slug), catalog.load_guide(slug)
    secret = [solution.title, solution.root_cause, solution.mechanism, *solution.wordings, *solution.fixes]
    secret += [miss.why for miss in solution.near_misses]
    secret += [answer.model_answer for answer in solution.follow_ups.values()]
    secret += [*guide.hints, *(guide.review_hints or ()), *(asked.question for asked in guide.follow_ups)]
    said = plain(sent)
    assert [text for text in secret if len(text) > QUIET and plain(text) in said] == []
    assert slug not in json.dumps([system, user])


def plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", " ", text.lower()).strip()
