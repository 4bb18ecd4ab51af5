"""The parts of the optional model that need no network: settings, the form of an answer, manners, the stream."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from fake_model import answer, chunk, wanted
from hypothesis import given
from hypothesis import strategies as st
from playing import VOCABULARY

from grader.events import Candidate, Request, Unaided
from scenarios import vocabulary
from simulator.errors import FlatlineError
from simulator.interviewer import mouth
from simulator.model import manners, marks, prompt, schema, settings
from simulator.model.consultant import warmer
from simulator.model.sse import MOST_BYTES, Garbled, Stream
from simulator.state import State

FULL = vocabulary.load()


# -- settings


@pytest.fixture(autouse=True)
def _environment(data_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FLATLINE_MODEL", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


def test_there_is_no_model_unless_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost/v1")
    assert settings.read() is None


def test_the_environment_names_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLATLINE_MODEL", " m ")
    with pytest.raises(FlatlineError, match="OPENAI_API_KEY"):
        settings.read()
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    found = settings.read()
    assert found and (found.model, found.base_url, found.place) == ("m", None, "api.openai.com")
    assert "sk-1" not in repr(found)


def test_the_settings_file_names_the_model(data_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "https://me:secret@host.example:8000/v1?key=secret")
    data_home.mkdir()
    settings.path().write_text('[model]\nname = "m"\n', encoding="utf-8")
    found = settings.read()
    assert found and found.model == "m" and found.place == "host.example:8000"
    monkeypatch.setenv("FLATLINE_MODEL", "another")
    found = settings.read()
    assert found and found.model == "another"


@pytest.mark.parametrize("text", ["[model\n", "[model]\nname = 3\n", '[model]\napi_key = "sk-1"\n', b"\xff"])
def test_a_settings_file_that_cannot_be_used_is_one_line(data_home: Path, text: str | bytes) -> None:
    data_home.mkdir()
    settings.path().write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(FlatlineError) as error:
        settings.read()
    assert "\n" not in str(error.value) and "sk-1" not in str(error.value) and "settings.toml" in str(error.value)


def test_without_a_model_neither_the_client_nor_the_consultant_is_loaded(small_world: Path) -> None:
    code = (
        "import sys; from simulator.cli import main; main(['play', '--plain', '--seed', '0'])\n"
        "print([m for m in ('openai', 'simulator.model.consultant') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], input="hello there\n/finish\n", capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.splitlines()[-1] == "[]"


# -- the form of an answer


def test_an_answer_is_read() -> None:
    text = answer(
        "hypothesis", wanted("loss", steps=[3, 9], split="val"), wanted("code", area="attention"), wanted("grad_norm")
    )
    found = schema.read(text, VOCABULARY)
    assert found and found.understanding
    assert found.understanding.acts == ("hypothesis", "request")
    assert found.understanding.requests == (
        Request("loss", steps=(3, 9), split="val"), Request("code", area="attention"), Request("grad_norm"),
    )  # fmt: skip


@pytest.mark.parametrize(
    "changed",
    [
        {"act": "answer"}, {"act": None}, {"requests": None}, {"reply": 3}, {"extra": 1}, {"concept": "No such"},
        {"requests": [{}]}, {"requests": [wanted("Loss")]}, {"requests": [wanted("loss", steps=[1])]},
        {"requests": [wanted("loss", steps=[-1, 2])]}, {"requests": [wanted("loss", layers=[10**6])]},
        {"requests": [wanted("loss", layers=list(range(100)))]}, {"requests": [wanted("loss", rank=True)]},
        {"requests": [wanted("loss", split="test")]}, {"requests": [wanted("loss", tool="rm -rf")]},
        {"requests": [wanted("code", area="Attention")]}, {"requests": [wanted("loss", compare="yes")]},
        {"requests": [wanted("loss", steps=[1.5, 2])]}, {"requests": wanted("loss")},
    ],
)  # fmt: skip
def test_an_answer_in_another_form_is_void(changed: dict[str, object]) -> None:
    whole = json.loads(answer("request", wanted("loss")))
    assert schema.read(json.dumps(whole), VOCABULARY)
    assert schema.read(json.dumps(whole | changed), VOCABULARY) is None


@given(st.one_of(st.text(max_size=60), st.recursive(st.none() | st.text(), st.lists, max_leaves=9).map(json.dumps)))
def test_any_text_is_an_answer_or_void(text: str) -> None:
    assert schema.read(text, VOCABULARY) is None


def test_deep_nesting_is_void() -> None:
    assert schema.read("[" * 8000, VOCABULARY) is None
    assert schema.read('{"act":' * 1000, VOCABULARY) is None


def test_all_that_the_schema_allows_can_be_read() -> None:
    form = schema.json_schema(FULL)
    assert form["required"] == list(form["properties"]) == ["act", "requests", "concept", "reply"]
    assert set(form["properties"]) == set(schema.Answer.__struct_fields__)
    for act in form["properties"]["act"]["enum"]:
        assert schema.read(answer(act), FULL)
    properties = form["properties"]["requests"]["items"]["properties"]
    assert set(properties) == set(schema.Wanted.__struct_fields__)
    for id in properties["diagnostic"]["enum"]:
        assert schema.read(answer("request", wanted(id)), FULL)


# -- manners

FIT = [
    "Thanks, I have that down.", "Hello, and thanks for coming.", "Understood.", "Take all the time you need.",
    "No worries, take your time.", "I see what you mean.", "All right, noted.",
    "Thank you for walking me through that.", "Good luck, and welcome.", "Of course.",
]  # fmt: skip
UNFIT = [
    "Exactly.", "That’s right.", "That's not it.", "Good catch!", "You nailed it.", "You are on the right track.",
    "Have you looked at the data?", "Consider the optimizer.", "Maybe the learning rate?", "It is at step 40.",
    "Step ² is where", "Run /hint", "See http colon", "<b>hi</b>", "`hi`", "*hi*", "hi\nthere", "hi\x1b[0m", "hi\x07",
    "\u202ehi", "hi\u200b", " hi", "", "Noted. " * 60, "The gradient norm, of course.", "Let us talk about val_loss.",
    "Warmup is a fine thing.", "It makes sense.", "The weights tell.", "Attn maps are pretty.",
]  # fmt: skip


@pytest.mark.parametrize("reply", FIT)
def test_a_friendly_neutral_sentence_is_fit(reply: str) -> None:
    assert manners.fit(reply, frozenset(), FULL)


@pytest.mark.parametrize("reply", UNFIT)
def test_a_sentence_that_judges_leads_or_is_no_plain_text_is_unfit(reply: str) -> None:
    assert not manners.fit(reply, frozenset(), FULL)


def test_what_the_candidate_named_may_be_named() -> None:
    named = manners.ids_in(["could be the learning rates, or attention entropy"], FULL)
    assert {"lr", "attention_entropy"} <= named and "grad_norm" not in named
    assert manners.fit("Thanks for the thought on the learning rate.", named, FULL)
    assert not manners.fit("Thanks for the thought on the gradient norm.", named, FULL)


@given(st.text(max_size=400))
def test_a_fit_sentence_is_plain(reply: str) -> None:
    if manners.fit(reply, frozenset(), FULL):
        assert len(reply) <= 300 and reply.isprintable() and not any(c.isdigit() for c in reply)


def test_no_beginning_of_an_unfit_reply_shows_what_makes_it_unfit() -> None:
    for reply, secret in (
        ("Thank you so much for that, the attention entropy is what matters here.", "attention"),
        ("Thank you so much for that, and you are exactly there now.", "exactly"),
        ("Thank you so much for that, it happens at step 40 or so, I guess.", "40"),
    ):
        raw = answer(reply=reply)
        for end in range(len(raw) + 1):
            assert secret not in manners.so_far(raw[:end], frozenset(), FULL)


@pytest.mark.parametrize(
    "reply", ['He said "hi" \\ to us all in the room.', "Grüße, and thanks for coming along today."]
)
def test_a_fit_reply_grows_word_by_word(reply: str) -> None:
    raw = answer(reply=reply)
    seen = [manners.so_far(raw[:end], frozenset(), FULL) for end in range(len(raw) + 1)]
    if manners.fit(reply, frozenset(), FULL):
        assert seen[-1] == reply and len(set(seen)) > 3
    assert all(reply.startswith(text) for text in seen)


def test_the_model_words_one_line_only() -> None:
    reworded = warmer("Noted.", State())
    assert reworded("closing", "Bye.") is None
    assert reworded("smalltalk", "Hi.") == "Noted." and reworded("smalltalk", "Hi.") is None


def test_every_mark_is_plain_and_none_stands_for_an_error_of_the_endpoint() -> None:
    for why in ("unreached", "late", "denied", "void", "absent"):
        event = Unaided(seq=1, at=0.0, wall="", why=why)  # type: ignore[arg-type]
        assert marks.words(event).endswith("understood without it")
        assert "not asked again" in marks.words(msgspec.structs.replace(event, off=True))


# -- what is sent


def test_the_conversation_is_sent_in_part() -> None:
    events = [Candidate(seq=n, at=0.0, wall="", text=f"message {n} " * 200, acts=("unclear",)) for n in range(100)]
    sent = json.loads(prompt.messages("debug", "Hello.", VOCABULARY, events, "now")[1]["content"].splitlines()[1])
    turns = [turn["candidate"] for turn in sent["conversation"]]
    assert len(turns) == prompt.TURNS and turns[-1].startswith("message 99")
    assert max(map(len, turns)) == prompt.LONGEST_TURN


@given(st.text(max_size=200))
def test_any_message_stays_within_its_line(text: str) -> None:
    content = prompt.messages("debug", text, VOCABULARY, (), text)[1]["content"]
    assert content.count("\n") == 2
    assert json.loads(content.split("\n")[1])["latest_message"] == text


def test_the_lines_that_are_reworded_are_there() -> None:
    assert {"smalltalk", "follow_up", "answered"} <= set(mouth.lines())


# -- the stream


@pytest.mark.parametrize("size", [1, 3, 10_000])
def test_a_stream_is_read_however_it_is_cut(size: int) -> None:
    stream = Stream()
    data = chunk("Grüße, ") + b": a comment\r\n\r\nevent: x\n\n" + chunk("you") + b'data: {"choices": []}\n\n'
    data += chunk(finish="stop") + b"data: [DONE]\n\n" + b"data: what comes after the end\n"
    for start in range(0, len(data), size):
        stream.feed(data[start : start + size])
    assert stream.text == "Grüße, you" and stream.finished


@pytest.mark.parametrize(
    "data",
    [b"data: x\n", b"data: 1\n", b"data: {}\n", b'data: {"choices": [3]}\n', b'data: {"error": {"message": "no"}}\n',
     b'data: {"choices": [{"delta": {"content": 5}}]}\n', b'data: {"choices": [{"delta": null}]}\n',
     b"data: " + b"[" * 9999 + b"\n", b"x" * (MOST_BYTES + 1), chunk("x" * 9000)],
)  # fmt: skip
def test_a_stream_of_something_else_is_garbled(data: bytes) -> None:
    with pytest.raises(Garbled):
        Stream().feed(data)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_stream_or_garbled(data: bytes) -> None:
    stream = Stream()
    try:
        stream.feed(data + b"\n")
    except Garbled:
        return
    assert isinstance(stream.text, str)
