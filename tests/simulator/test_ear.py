import subprocess
import sys
import time
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.events import Act, Form, Request
from scenarios import vocabulary
from simulator.interviewer.ear import EarContext, Understanding, resolve, understand

WORDS = vocabulary.load()
IDS = {diagnostic.id for diagnostic in WORDS.diagnostics}
AREAS = {area.id for area in WORDS.areas}
TERMS = {concept.term for concept in WORDS.concepts}
RUN = EarContext(total_steps=400, n_layers=4)


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    say: str
    acts: tuple[Act, ...]
    requests: tuple[Request, ...] = ()
    concept: str | None = None


CASES = msgspec.yaml.decode(Path(__file__).with_name("ear_cases.yaml").read_bytes(), type=list[Case])


def hear(text: str, context: EarContext = RUN) -> Understanding:
    return understand(text, WORDS, context)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.say[:60])
def test_messages(case: Case) -> None:
    heard = hear(case.say)
    assert heard.acts == case.acts
    assert set(heard.requests) == set(case.requests) and len(heard.requests) == len(case.requests)
    assert heard.concept == case.concept


def test_every_id_is_understood_as_itself() -> None:
    for name in IDS - {"code"}:
        for text in (f"/show {name}", name, f"show me {name.replace('_', ' ')} please"):
            assert [request.diagnostic for request in hear(text).requests] == [name], text
    for area in AREAS:
        assert hear(f"/code {area}").requests == (Request("code", area=area),)
        assert hear(f"show me the {area.replace('_', ' ')} code").requests == (Request("code", area=area),)


def test_every_phrase_leads_to_its_id_or_asks_back() -> None:
    phrases: dict[str, set[str]] = {}
    for diagnostic in WORDS.diagnostics:
        for phrase in diagnostic.phrases:
            phrases.setdefault(phrase, set()).add(diagnostic.id)
    lost = []
    for phrase, ids in phrases.items():
        heard = hear(f"/show {phrase}" if phrase != "fp32" else "rerun with fp32")
        got = {request.diagnostic for request in heard.requests}
        if not (got & ids if got else heard.question):
            lost.append((phrase, got))
    assert lost == []


def test_definitions_are_found_for_every_term() -> None:
    for concept in WORDS.concepts:
        for phrase in concept.phrases:
            assert hear(f"define {phrase}").concept is not None, phrase


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("show me the norms", ["grad norm", "param norm", "activations"]),
        (
            "show me the attention",
            ["attention logits", "attention entropy", "attention pattern", "code of the attention"],
        ),
        ("/show attention_sinks", ["attention"]),
        ("show me the code", ["train loop", "attention"]),
        ("/frobnicate", ["/show", "/hint"]),
        ("/diagnose", ["same message"]),
    ],
)
def test_what_is_not_clear_is_asked_back(text: str, offered: list[str]) -> None:
    heard = hear(text)
    assert heard.requests == () and heard.acts == ("unclear",) and heard.question
    assert all(name in heard.question for name in offered)


def test_an_unclear_part_does_not_hold_up_the_clear_one() -> None:
    heard = hear("the learning rate please. and show me the norms")
    assert heard.requests == (Request("lr"),)
    assert heard.question and "grad norm" in heard.question


def test_what_was_asked_for_last_can_be_pointed_at() -> None:
    context = EarContext(total_steps=400, n_layers=4, last=(Request("activations", steps=(0, 50)),))
    assert hear("and around step 200?", context).requests == (Request("activations", steps=(180, 220)),)
    assert hear("same for layer 3", context).requests == (Request("activations", steps=(0, 50), layers=(3,)),)
    compared = hear("how does that compare with the healthy run?", context).requests
    assert compared == (Request("activations", steps=(0, 50), compare=True),)
    assert hear("and around step 200?").acts == ("unclear",)
    assert hear("how does that compare with the healthy run?").requests == (Request("baseline"),)


def test_without_a_run_the_ends_stay_open() -> None:
    nothing = EarContext()
    (request,) = hear("grad norm from step 100 on", nothing).requests
    assert request.steps is not None and request.steps[0] == 100 and request.steps[1] > 10**6
    assert hear("grad norm for the last 100 steps", nothing).requests == (Request("grad_norm"),)
    assert hear("activations of the last layer", nothing).requests == (Request("activations"),)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "\n\n", "\0\x07\x1b[31m", "?", "!!!", "/", "//", "/ ", "/show", "/show " + "x" * 5000,
        "[bold]loss[/bold]", "🙂" * 300, "<script>alert(1)</script>", "\ud800", "loss\u202egrad", "ſ", "١٢٣",
        "step " * 3000, "layer 9" * 2000, "99999999999999999999", "grad norm at step 99999999999999999999999",
        "layers 0-99999999", "a" * 100_000, "grad norm " * 10_000, "(" * 5000, "the fix is " * 400, "what is " * 900,
        "because " * 900, ", and show " * 900, "-" * 5000, "how is the " * 500, "1-" * 3000, " " * 100_000, "w " * 2000,
    ],
)  # fmt: skip
def test_garbage_is_heard_out_quickly(text: str) -> None:
    hear("warm up the indexes and speling")
    begun = time.perf_counter()
    heard = hear(text)
    assert time.perf_counter() - begun < 2.0
    assert heard.acts


def test_normal_messages_take_no_noticeable_time() -> None:
    hear("warm up the indexes and speling")
    fastest = []
    for case in CASES:
        times = []
        for _ in range(3):
            begun = time.perf_counter()
            hear(case.say)
            times.append(time.perf_counter() - begun)
        fastest.append(min(times))
    assert max(fastest) < 0.05


def check(heard: Understanding) -> None:
    assert heard.acts and set(heard.acts) <= set(get_args(Act)) and len(set(heard.acts)) == len(heard.acts)
    assert bool(heard.requests) == ("request" in heard.acts)
    assert "unclear" not in heard.acts or heard.question
    assert heard.concept is None or heard.concept in TERMS
    for request in heard.requests:
        assert request.diagnostic in IDS
        assert (request.area in AREAS) == (request.diagnostic == "code")
        assert request.steps is None or 0 <= request.steps[0] <= request.steps[1] <= 10**9
        assert list(request.layers) == sorted(set(request.layers)) and len(request.layers) <= 300
        assert request.form is None or request.form in get_args(Form)
        msgspec.json.encode(request)


PIECES = """
show me the grad norm loss attention entropy layer layers head rank step steps around between and , . ? 200 0-2 3
180-220 last first 50 vs healthy baseline compare code mask is not don't need I suspect maybe the bug because fix verify
what hint QK-norm /show /code train val table plot norms everything it that how lr nan batch to from on - ; : why
"""
pieces = st.sampled_from(PIECES.split())


@settings(max_examples=400, deadline=None)
@given(st.lists(pieces, max_size=14).map(" ".join))
def test_any_words_give_sound_requests(text: str) -> None:
    check(hear(text))


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200), st.sampled_from(["", "/show ", "/code ", "show me ", "what is "]))
def test_any_text_gives_sound_requests(text: str, before: str) -> None:
    check(hear(before + text))


@settings(max_examples=200, deadline=None)
@given(
    st.integers(0, 5000),
    st.integers(0, 5000),
    st.sampled_from(["{}-{}", "between {} and {}", "from {} to {}", "steps {} to {}"]),
)
def test_step_ranges_are_read_in_any_wording(first: int, last: int, wording: str) -> None:
    (request,) = hear("grad norm " + wording.format(first, last)).requests
    assert request.steps == (min(first, last), max(first, last))


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(["gradient", "learning", "activations", "validation", "throughput", "attention entropy"]), st.data()
)
def test_one_slip_of_the_keys_is_forgiven(phrase: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(1, len(phrase) - 3))
    slipped = phrase[:place] + phrase[place + 1] + phrase[place] + phrase[place + 2 :]
    wanted = {"learning": " rate", "validation": " loss"}.get(phrase, "")
    if " " in slipped[place - 1 : place + 3] and " " in phrase:
        return
    assert hear(f"show me the {slipped}{wanted}").requests == hear(f"show me the {phrase}{wanted}").requests


def test_resolve_has_the_keys_of_the_command() -> None:
    line = resolve("attention entropy of layers 1-2 around step 40 vs healthy, and the attention code")
    assert list(line) == ["text", "act", "requests"]
    assert line["act"] == "request"
    keys = ["diagnostic", "steps", "layers", "rank", "split", "area", "compare"]
    assert [list(request) for request in line["requests"]] == [keys, keys]
    by_id = {request["diagnostic"]: request for request in line["requests"]}
    assert by_id["attention_entropy"]["steps"] == [20, 60] and by_id["attention_entropy"]["layers"] == [1, 2]
    assert by_id["attention_entropy"]["compare"] is True and by_id["code"]["area"] == "attention"
    assert msgspec.json.decode(msgspec.json.encode(line)) == line
    assert resolve("hello")["requests"] == []


def test_the_spelling_aid_is_loaded_when_first_needed() -> None:
    code = (
        "import sys; from simulator.interviewer import ear; first = 'yaml' in sys.modules; "
        "ear.resolve('show me the grad norm'); second = 'rapidfuzz' in sys.modules; "
        "ear.resolve('show me the grda nrom'); third = 'rapidfuzz' in sys.modules; "
        "print(first, second, third, any(m in sys.modules for m in ('torch', 'pandas', 'textual')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False", "True", "False"]


def test_per_layer_means_all_layers_of_the_run():
    context = EarContext(total_steps=300, n_layers=4)
    (request,) = understand("update ratio per layer", vocabulary.load(), context).requests
    assert request == Request("update_ratio", layers=(0, 1, 2, 3))
