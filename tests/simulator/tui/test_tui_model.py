"""The screens with a model: they never wait for it, and show its words as they come."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import fake_model
import openai  # noqa: F401 - so that the time this takes is not the endpoint's
import pytest
import tui_material as material
from fake_model import FakeModel, answer, says, wanted
from playing import fake_ear
from textual.pilot import Pilot
from textual.widgets import TextArea
from tui_driving import conversation, press, running, say, screen_text, settle, told

from grader.events import Candidate, Closed, Sent
from grader.scorecard import MAXIMUM
from simulator.interview import Options
from simulator.store import Store
from simulator.table import Table
from simulator.tui.composer import Composer
from simulator.tui.debrief import DebriefScreen

DEBUG = Options(round="debug", scenario=material.SLUG)
WELCOME = "Thank you, it is a pleasure to have you here with us, so take all the time that you need for this."
SLOPES = "unclear could you put up that thing for the slopes?"


@pytest.fixture
def fake(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeModel]:
    monkeypatch.setattr(Table, "ear", lambda self, text, state: fake_ear(text, state))
    with FakeModel().serving() as serving:
        monkeypatch.setenv("FLATLINE_MODEL", "fake-1")
        monkeypatch.setenv("OPENAI_BASE_URL", serving.url)
        yield serving


async def until(pilot: Pilot[None], seen: Callable[[], bool]) -> None:
    """Wait for something to be on the screen while the model is still at work."""
    async with asyncio.timeout(10):
        while not seen():
            await asyncio.sleep(0.02)
            await pilot.pause()


async def send(pilot: Pilot[None], text: str) -> None:
    """Send a message and do not wait for what comes of it."""
    pilot.app.screen.query_one(Composer).insert(text)
    await pilot.press("enter")


def stored() -> list:
    with Store() as store:
        return store.events(store.history()[0].id)


async def test_a_reply_comes_word_by_word_while_all_else_goes_on(fake: FakeModel) -> None:
    gate = threading.Event()
    fake.then(says(answer(reply=WELCOME), gate))
    async with running(DEBUG) as pilot:
        assert "fake-1 at 127.0.0.1" in told(pilot)
        await send(pilot, "smalltalk hello")
        await until(pilot, lambda: "a pleasure" in conversation(pilot))
        assert "smalltalk hello" in conversation(pilot) and WELCOME not in conversation(pilot)
        assert [event.text for event in stored() if isinstance(event, Sent)] == ["smalltalk hello"]
        await pilot.press("f5")
        pilot.app.screen.query_one("#notes", TextArea).insert("mine")
        await pilot.press("f2")
        pilot.app.screen.query_one(Composer).insert("typing on")
        assert "left" in screen_text(pilot) and "typing on" in screen_text(pilot)
        gate.set()
        await settle(pilot)
        assert conversation(pilot).count(WELCOME) == 1 and conversation(pilot).count("smalltalk hello") == 1
        assert pilot.app.screen.query_one(Composer).text == "typing on"


async def test_messages_are_answered_in_order(fake: FakeModel) -> None:
    gate = threading.Event()
    fake.then(says(answer("request", wanted("grad_norm")), gate), says(answer(reply="Hello.")))
    async with running(DEBUG, size=(100, 60)) as pilot:
        await send(pilot, SLOPES)
        for text in ("request ?lr", "smalltalk hi", "request ?activations"):
            await send(pilot, text)
        await until(pilot, lambda: "?activations" in conversation(pilot))
        assert [event.text for event in stored() if isinstance(event, Candidate)] == []
        assert conversation(pilot).index(SLOPES) < conversation(pilot).index("?lr")
        gate.set()
        await settle(pilot)
        said = [event.text for event in stored() if isinstance(event, Candidate)]
        assert said == [SLOPES, "request ?lr", "smalltalk hi", "request ?activations"]
        assert all(conversation(pilot).count(text) == 1 for text in said) and "Hello." in conversation(pilot)
        assert "▸ 1 grad norm" in conversation(pilot) and "▸ 3 activations" in conversation(pilot)


async def test_a_model_that_fails_leaves_a_small_mark(fake: FakeModel) -> None:
    fake.then(fake_model.refuses_with(401))
    async with running(DEBUG, size=(100, 60)) as pilot:
        for n in range(4):
            await say(pilot, f"unclear {n}")
        assert conversation(pilot).count("understood without it") == 2
        assert conversation(pilot).count("not asked again") == 1
    assert fake.asked == 3


async def test_finishing_waits_for_nobody(fake: FakeModel) -> None:
    fake.then(fake_model.hangs)
    async with running(DEBUG) as pilot:
        await send(pilot, SLOPES)
        await send(pilot, "smalltalk still there?")
        await until(pilot, lambda: "still there" in conversation(pilot))
        await pilot.press("f9")
        await pilot.pause()
        await press(pilot, "y")
        assert isinstance(pilot.app.screen, DebriefScreen)
    events = stored()
    assert isinstance(events[-1], Closed) and fake.asked == 1
    assert [event.text for event in events if isinstance(event, Candidate)] == [SLOPES, "smalltalk still there?"]


async def test_leaving_waits_for_nobody_and_loses_nothing(fake: FakeModel) -> None:
    fake.then(fake_model.hangs)
    async with running(DEBUG) as pilot:
        await send(pilot, SLOPES)
        await send(pilot, "request ?lr")
        await until(pilot, lambda: "?lr" in conversation(pilot))
        async with asyncio.timeout(5):
            await pilot.app.run_action("leave")
    assert [event.text for event in stored() if isinstance(event, Candidate)] == [SLOPES, "request ?lr"]


async def test_a_model_without_an_endpoint_is_told_of(fake: FakeModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    async with running(DEBUG) as pilot:
        assert "OPENAI_API_KEY" in told(pilot)
        await say(pilot, SLOPES)
        assert "interviewer" in conversation(pilot)
    assert not fake.asked


async def test_a_second_opinion_comes_to_stand_below_the_score(fake: FakeModel) -> None:
    async with running(DEBUG) as pilot:
        await say(pilot, "hypothesis the loop, because it grows")
        await press(pilot, "f9", "y")
        assert isinstance(pilot.app.screen, DebriefScreen)
        fake.then(says("no verdict at all"))
        await press(pilot, "o")
        assert "gives no verdict in the form asked for" in told(pilot)
        mark = {"points": 1.0, "reason": "It is short.", "quotes": ["because it grows"]}
        fake.then(says(json.dumps({"cause": "none", **dict.fromkeys(MAXIMUM["debug"], mark)})))
        await press(pilot, "2", "o")
        assert "A second opinion" in screen_text(pilot) and "fake-1: 4 of 100" in screen_text(pilot)
