"""A question about a setting or two is answered with these."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from playing import Play, candidate

from grader.events import Act, Request, Shown
from simulator.interviewer import turns
from simulator.interviewer.settings import named, only

CONFIG = "optimizer     adamw\ngrad_clip     0.0\nmicro_batch   4\naccumulation  4"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("is gradient clipping on?", ("grad_clip",)),
        ("what batch size do you use, and which optimizer?", ("micro_batch", "accumulation", "optimizer")),
        ("what were the peak learning rate and the warmup", ("lr", "warmup_steps")),
        ("how many layers does it have", ("n_layer",)),
        ("how many steps in all?", ("steps",)),
        ("show me the config", ()),
        ("the hyperparameters please, above all the batch size", ()),
        ("what is the seed?", ()),
    ],
)
def test_settings_named_in_a_question(text: str, names: tuple[str, ...]) -> None:
    assert named(text)[: len(names)] == names and bool(named(text)) == bool(names)


def test_only_the_lines_asked_for_and_all_where_one_is_not_there() -> None:
    assert only(CONFIG, ("grad_clip", "optimizer")) == "grad_clip  0.0\noptimizer  adamw"
    assert only(CONFIG, ()) == CONFIG
    assert only(CONFIG, ("grad_clip", "momentum")) == CONFIG
    assert only("lr: 0.003\nbatch size: 16", ("lr",)) == "lr: 0.003"


def hearing(play: Play, act: Act, *requests: Request) -> None:
    """From now on every message is taken for that."""
    heard = SimpleNamespace(acts=(act,), requests=requests, concept=None, question=None)
    play.session._ear = lambda text, state: heard


def test_a_second_question_about_the_config_is_not_the_same_again(play: Play) -> None:
    hearing(play, "request", Request("config"))
    asked = [
        event.request
        for text in ("show me the config", "is clipping on?")
        for event in play.say(text)
        if isinstance(event, Shown)
    ]
    assert asked == [Request("config"), Request("config", settings=("grad_clip",))]


@pytest.mark.parametrize(
    "text",
    ["actually no, I was wrong. Show me the gradient norm", "I was wrong", "I must have been mistaken, next: the loss",
     "forget that, show me the config"],
)  # fmt: skip
def test_taking_an_idea_back_is_no_diagnosis(play: Play, text: str) -> None:
    hearing(play, "diagnosis")
    assert turns.withdraws(text)
    assert "diagnosis" not in candidate(play.say(text)).acts
    assert play.session.state.diagnoses == 0


@pytest.mark.parametrize(
    "text",
    ["I was wrong: it's the missing zero_grad", "I was wrong, the root cause is the mask", "the mask is wrong",
     "my diagnosis: the labels are wrong"],
)  # fmt: skip
def test_putting_another_in_its_place_is_one(text: str) -> None:
    assert not turns.withdraws(text)
