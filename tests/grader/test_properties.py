"""What holds of every scorecard, whatever was said: nothing bad is worth points, nothing strange breaks it."""

from __future__ import annotations

import dataclasses
import functools
import html.parser
import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from transcripts import GOOD, SLUG, WALL, transcript

import grader
from grader import choice
from grader.cause import is_healthy
from grader.events import (
    Act,
    AnyEvent,
    Candidate,
    Closed,
    FollowUpAsked,
    Hint,
    Interviewer,
    Marked,
    Noted,
    Notice,
    Request,
    Resumed,
    Sent,
    Shown,
    Started,
    Unaided,
)
from grader.judge import Judge
from grader.material import Material, load_material
from grader.process import BASICS
from grader.scorecard import MAXIMUM, Scorecard
from grader.technical import supporting
from scenarios import catalog, vocabulary
from simulator.debrief import verdict_of
from simulator.export import export
from simulator.interview import Interview, Options, no_model
from simulator.session import clean
from simulator.state import State
from simulator.store import Store
from simulator.table import Table

DEBUG = {
    "good": GOOD,
    "average": """
0:30 request param_norm: the parameter norm
0:50 hypothesis: maybe the learning rate is too high
1:10 request loss: the loss curve
1:40 hint 1
2:10 request grad_norm: show me the gradient norm
6:00 diagnosis: the gradients are not cleared between steps
6:30 fix: call zero_grad
6:40 ask why_then: Why then?
7:20 answer why_then: the sum grows with each step
7:30 ask verify: How would you verify it?
8:00 answer verify: I would have to look that up
8:30 close
""",
    "poor": """
0:30 request loss: show me the loss
2:00 fishing: what is wrong with it?
3:00 hint 1
3:30 hint 2
6:00 diagnosis: the learning rate is too high
6:10 ask why_then: Why then?
7:00 answer why_then: no idea
7:30 close given_up
""",
    "guessed": """
0:50 diagnosis: zero_grad is missing
1:00 ask why_then: Why then?
1:30 answer why_then: it is only a feeling
2:00 close
""",
    "guessed thrice": """
0:40 hypothesis: something is wrong with the gradients
1:00 request grad_norm: show me the gradient norm, to see whether it grows
3:40 diagnosis: softmax is applied twice
3:50 diagnosis: the data is not shuffled
4:00 diagnosis: zero_grad is missing, so the gradients of earlier steps add up
5:00 close
""",
    "against the evidence": """
0:40 hypothesis: I suspect the causal mask, because the loss is odd
1:00 request check_causality: causality check please, to see whether it leaks
3:00 diagnosis: the causal mask lets tokens see the future
4:00 close
""",
}
REVIEW = {
    "good review": """
0:40 hypothesis: I suspect the state of the gradients at the start of the second iteration, because nothing resets it
2:00 diagnosis: zero_grad is missing, so backward adds to the gradients that earlier steps left.
2:01 mark train.py:50
2:01 fix+verify: Call zero_grad after the step and rerun with the same seed to confirm; a unit test would prevent it.
2:05 ask why_then: Why then?
2:50 answer why_then: at step 0 .grad is empty, later the sum grows with each step
3:00 close
""",
    "average review": """
1:00 hypothesis: maybe the loss is computed wrongly
2:00 hint 1
4:00 mark train.py:40 train.py:41 train.py:50
5:00 diagnosis: the gradients are not cleared between steps
5:10 ask why_then: Why then?
5:50 answer why_then: the sum grows
6:00 close
""",
    "poor review": """
1:00 fishing: just tell me
3:00 diagnosis: the learning rate is too high
3:10 mark model.py:10
4:00 close given_up
""",
}
ALL = {**DEBUG, **REVIEW}
ASKING = [name for name, lines in DEBUG.items() if " request " in lines]
REASONS = ("", ", to see whether it explains the loss")

MARKUP = (
    "[red]", "[/]", "<script>alert(1)</script>", "</p></li></ul></body>", "<a href='javascript:alert(1)'>x</a>",
    "<img src=x onerror=alert(1)>", '" onclick="alert(1)', "<!-- ", "-->", "<![CDATA[", "<?php ", "&lt;b&gt;",
    "&#60;b>", "\\<b>", "\n<div>\n", "\n\n    <b>", "[x](https://evil.example)", "![x](https://evil.example/x.png)",
    "\\[x](https://evil.example)", "<https://evil.example>", "<me@evil.example>", "[x]: https://evil.example\n\n[x]",
    "[`x`](y)", "`x`", "```\n", "\n\n```\n<b>\n", "~~~", "**x** __x__ ~~x~~", "| a | b |\n|---|---|\n| <b> | c |",
)  # fmt: skip
BLOCKS = (
    "\n# x", "x\n===", "x\n---", "\n\n---\n\n", "\n\n***\n\n", "\n> x", "\n>x", "\n- x", "\n\n-", "\n\n1) x", "\n+ x",
    "\n\n    x", "\n\n\tx", "\n```\nx", "\n~~~\nx", "\n\n* * *", "\n\n_ _ _",
)  # fmt: skip
ADDRESSES = ("https://evil.example", "http://evil.example/?a=b", "ftp://evil.example", "mailto:me@evil.example")
CODES = (
    "\x1b[31m", "\x1b[2J\x1b[H", "\x1b]8;;https://evil.example\x1b\\x\x1b]8;;\x1b\\", "\x1b]0;title\x07", "\x9b31m",
    "\x9d8;;https://evil.example\x9c", "\x1bP+q\x1b\\", "\x00", "\x07\x08\x0b\x0c\x7f", "\x85", "\r", "\r\n",
)  # fmt: skip
ODD = (
    "\u200f",
    "\u202e",
    "\u2066x\u2069",
    "\u2028",
    "\ufeff",
    "\U0001f642",
    "İıß",
    "１２３",
    "{0} %s {{x}}",
    "$x$",
    "",
)
SAYINGS = (
    "zero_grad is missing, so the gradients add up", "the learning rate is too high", "softmax is applied twice",
    "I suspect the mask, because the loss is odd", "nothing is wrong with the run", "train.py:50", "line 12",
    "call zero_grad and rerun with the same seed", "I give up", "it is a bug in CUDA",
)  # fmt: skip
strange = st.lists(
    st.sampled_from((*MARKUP, *CODES, *BLOCKS, *ODD)) | st.text(max_size=20), min_size=1, max_size=4
).map(" ".join)
said = st.one_of(
    strange,
    st.builds("{} {}".format, st.sampled_from(SAYINGS), strange),
    st.builds("{} {}".format, strange, st.sampled_from(SAYINGS)),
    st.builds(lambda text, times: text * times, st.sampled_from((*MARKUP, *CODES, *ODD, *SAYINGS)), st.just(4000)),
)


@functools.cache
def material() -> Material:
    return load_material(SLUG, verdict=verdict_of(SLUG, "cpu"))


@functools.cache
def no_bearing() -> list[str]:
    """Diagnostics that neither speak for the cause nor are what anyone would look at."""
    every = {diagnostic.id for diagnostic in vocabulary.load().diagnostics}
    return sorted(every - supporting(material()) - BASICS - {"code"})


@functools.cache
def wrong_causes() -> list[str]:
    """The causes of other scenarios, two wordings of each."""
    own, found = catalog.load_solution(SLUG), []
    for slug in catalog.slugs():
        key = catalog.load_solution(slug)
        if slug != SLUG and slug not in own.equivalents and not is_healthy(key):
            found += key.wordings[:2]
    return found


def events_of(name: str) -> list[AnyEvent]:
    return transcript(SLUG, "debug" if name in DEBUG else "review", ALL[name])


@functools.cache
def total(name: str) -> float:
    return grader.score(events_of(name), SLUG, material=material()).total


def score_with(name: str, line: str, at: int) -> Scorecard:
    """The card of a transcript with a line more, before its line number `at`."""
    lines = ALL[name].strip().splitlines()
    more = [*lines[:at], f"{lines[at].split()[0]} {line}", *lines[at:]]
    events = transcript(SLUG, "debug" if name in DEBUG else "review", "\n".join(more))
    return grader.score(events, SLUG, material=material())


def anywhere(name: str, first: int = 0) -> st.SearchStrategy[int]:
    return st.integers(first, len(ALL[name].strip().splitlines()) - 1)


def gained(name: str, card: Scorecard) -> str:
    """What was worth more than without the added line."""
    before = {point.name: point for point in grader.score(events_of(name), SLUG, material=material()).points}
    more = [p for p in card.points if (p.points or 0) > (before[p.name].points or 0 if p.name in before else 0)]
    points = [f"{p.name}: {before[p.name].points if p.name in before else None} -> {p.points}" for p in more]
    return "; ".join([f"{total(name)} -> {card.total}", *points])


# -- nothing bad is worth points


@pytest.mark.parametrize("name", ALL)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_a_request_that_leads_nowhere_never_raises_the_score(name: str, data: st.DataObject) -> None:
    wish, why = data.draw(st.sampled_from(no_bearing())), data.draw(st.sampled_from(REASONS))
    line = f"request {wish}: show me the {wish.replace('_', ' ')}{why}"
    card = score_with(name, line, data.draw(anywhere(name)))
    assert card.total <= total(name), gained(name, card)


@pytest.mark.parametrize("name", ASKING)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_asking_for_the_same_again_never_raises_the_score(name: str, data: st.DataObject) -> None:
    lines = ALL[name].strip().splitlines()
    first = data.draw(st.sampled_from([at for at, line in enumerate(lines) if " request " in line]))
    wish = lines[first].split()[2].rstrip(":")
    line = f"request {wish}: once more, please{data.draw(st.sampled_from(REASONS))}"
    card = score_with(name, line, data.draw(anywhere(name, first + 1)))
    assert card.total <= total(name), gained(name, card)


@pytest.mark.parametrize("name", ALL)
@settings(max_examples=15, deadline=None)
@given(data=st.data(), rung=st.integers(1, 3))
def test_a_hint_never_raises_the_score(name: str, data: st.DataObject, rung: int) -> None:
    card = score_with(name, f"hint {rung}", data.draw(anywhere(name)))
    assert card.total <= total(name), gained(name, card)


@pytest.mark.parametrize("name", ALL)
@settings(max_examples=15, deadline=None)
@given(
    data=st.data(),
    acts=st.sampled_from(["diagnosis", "diagnosis+fix"]),
    words=st.sampled_from(["{}", "I think {}, because the loss says so"]),
)
def test_a_wrong_claim_never_raises_the_score(name: str, data: st.DataObject, acts: str, words: str) -> None:
    line = f"{acts}: {words.format(data.draw(st.sampled_from(wrong_causes())))}"
    card = score_with(name, line, data.draw(anywhere(name)))
    assert card.total <= total(name), gained(name, card)


# -- nothing breaks it


def check(events: Sequence[AnyEvent]) -> None:
    card = grader.score(events, SLUG, material=material())
    started = events[0]
    assert isinstance(started, Started)
    assert 0 <= card.total <= 100
    assert all(0 <= value <= MAXIMUM[started.round][name] for name, value in card.dimensions.items())
    assert msgspec.json.decode(msgspec.json.encode(card), type=Scorecard) == card


@pytest.mark.parametrize("name", ALL)
def test_a_transcript_that_breaks_off_is_scored(name: str) -> None:
    events = events_of(name)
    for end in range(1, len(events) + 1):
        check(events[:end])


_ids = st.sampled_from(["loss", "grad_norm", "activations", "check_causality", "disk", "code", "no_such_thing"])
_requests = st.builds(
    Request,
    diagnostic=_ids,
    steps=st.none() | st.tuples(st.integers(0, 300), st.integers(0, 300)),
    layers=st.lists(st.integers(0, 8), max_size=2).map(tuple),
    area=st.sampled_from([None, "train_loop", "nowhere"]),
)
_follow_ups = st.sampled_from(["why_then", "verify", "no_such_question"])
_lines = st.tuples(st.sampled_from(["train.py", "model.py", "no/such.py"]), st.integers(-5, 10**6))
_happenings: st.SearchStrategy[Callable[..., AnyEvent]] = st.one_of(
    st.builds(
        lambda text, acts, requests, asked: functools.partial(
            Candidate, text=text, acts=acts, requests=requests, follow_up=asked
        ),
        said,
        st.lists(st.sampled_from(get_args(Act)), min_size=1, max_size=3).map(tuple),
        st.lists(_requests, max_size=2).map(tuple),
        st.none() | _follow_ups,
    ),
    st.builds(
        lambda request, text, recorded: functools.partial(
            Shown, n=1, request=request, title=text, summary=text, recorded=recorded
        ),
        _requests,
        said,
        st.booleans(),
    ),
    st.builds(lambda id, text: functools.partial(FollowUpAsked, id=id, question=text), _follow_ups, said),
    st.builds(lambda lines: functools.partial(Marked, lines=tuple(lines)), st.lists(_lines, max_size=12)),
    st.builds(lambda text: functools.partial(Noted, text=text), said),
    st.builds(lambda text: functools.partial(Sent, text=text), said),
    st.builds(lambda text: functools.partial(Interviewer, text=text, why="reply"), said),
    st.builds(lambda rung: functools.partial(Hint, rung=rung), st.integers(1, 3)),
    st.sampled_from(
        [
            functools.partial(Notice, mark="half"),
            functools.partial(Notice, mark="time_up"),
            functools.partial(Unaided, why="late"),
            functools.partial(Resumed, gap=1e6),
            functools.partial(Closed, reason="given_up"),
            functools.partial(Closed, reason="time_up"),
        ]
    ),
)


@settings(max_examples=60, deadline=None)
@given(
    happenings=st.lists(st.tuples(_happenings, st.floats(0, 600)), max_size=12),
    round=st.sampled_from(["debug", "review"]),
)
def test_whatever_is_typed_in_whatever_order_is_scored(
    happenings: list[tuple[Callable[..., AnyEvent], float]], round: str
) -> None:
    events, at = transcript(SLUG, round, ""), 0.0
    for make, seconds in happenings:
        at += seconds
        events.append(make(seq=len(events), at=at, wall=WALL))
    check(events)


@pytest.mark.parametrize("name", ["good", "good review"])
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_a_transcript_full_of_markup_is_scored_wherever_it_breaks_off(name: str, data: st.DataObject) -> None:
    events = [
        msgspec.structs.replace(event, text=f"{event.text} {data.draw(said)}")
        if isinstance(event, Candidate)
        else event
        for event in events_of(name)
    ]
    check(events[: data.draw(st.integers(1, len(events)))])


# -- nothing but what happened counts


@functools.cache
def panel() -> list[tuple[str, list[AnyEvent]]]:
    """The transcripts, and one for every third scenario; the claims in these are of several sorts."""
    found = [(SLUG, events_of(name)) for name in ALL]
    blame = "either the optimizer, the mask, the tokenizer or the scheduler is at fault; perhaps the GPU is broken"
    for i, slug in enumerate(catalog.slugs()[::3]):
        key = catalog.load_solution(slug)
        claim = (key.root_cause, key.wordings[0], key.near_misses[0].says[0], blame)[i % 4]
        line = " ".join(f"1:00 hypothesis+diagnosis+fix: {claim} I look at line 12.".split())
        found.append((slug, transcript(slug, "review", f"0:30 mark train.py:40 model.py:10\n{line}\n3:00 close")))
    return found


@functools.cache
def expected() -> list[Any]:
    return [json.loads(msgspec.json.encode(grader.score(events, slug))) for slug, events in panel()]


FRESH = """
import sys
import msgspec
import grader
from grader.events import AnyEvent
panel = msgspec.json.decode(sys.stdin.buffer.read(), type=list[tuple[str, list[AnyEvent]]])
sys.stdout.buffer.write(msgspec.json.encode([grader.score(events, slug) for slug, events in panel]))
"""
BACKWARDS = """
import os
class Entries(list):
    def __enter__(self): return self
    def __exit__(self, *about): pass
    def close(self): pass
listdir, scandir = os.listdir, os.scandir
def scanned(path="."):
    with scandir(path) as entries:
        return Entries(sorted(entries, key=lambda entry: entry.name, reverse=True))
os.listdir = lambda path=".": sorted(listdir(path), reverse=True)
os.scandir = scanned
"""


def scored_elsewhere(script: str = FRESH, flags: Sequence[str] = (), **environment: str) -> list[Any]:
    """The cards of the panel as another process makes them."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PYTHONUTF8", "PYTHONHASHSEED", "PYTHONIOENCODING", "LANG", "LANGUAGE")
        and not name.startswith("LC_")
    }
    done = subprocess.run(
        [sys.executable, *flags, "-c", script], input=msgspec.json.encode(panel()), capture_output=True,
        env=kept | environment, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("seed", "locale", "flags"), [("0", "tr_TR.UTF-8", ()), ("1", "C", ("-X", "utf8=0"))], ids=["Turkish", "C"]
)
def test_neither_the_locale_nor_the_seed_of_hashes_changes_a_card(
    seed: str, locale: str, flags: tuple[str, ...]
) -> None:
    """The C locale is C indeed: without the UTF-8 that Python puts in its place."""
    found = scored_elsewhere(flags=flags, PYTHONHASHSEED=seed, LC_ALL=locale, PYTHONCOERCECLOCALE="0")
    assert found == expected()


def test_folders_that_list_their_files_backwards_change_no_card() -> None:
    assert scored_elsewhere(BACKWARDS + FRESH) == expected()


def test_the_order_of_the_answer_keys_changes_no_card() -> None:
    keys = material().judge.solutions
    slugs = sorted(keys, reverse=True)
    solutions = {slug: keys[slug] for slug in slugs}
    other = Judge(solutions, {slug: catalog.load_scenario(slug).workload for slug in slugs}, choice.load())
    for (slug, events), card in zip(panel(), expected(), strict=True):
        moved = dataclasses.replace(load_material(slug), judge=other)
        assert json.loads(msgspec.json.encode(grader.score(events, slug, material=moved))) == card


@settings(max_examples=15, deadline=None)
@given(
    name=st.sampled_from(list(ALL)),
    walls=st.lists(st.datetimes().map(lambda moment: moment.isoformat()) | st.text(max_size=10), min_size=1),
)
def test_the_time_of_day_changes_no_card(name: str, walls: list[str]) -> None:
    events = events_of(name)
    moved = [msgspec.structs.replace(event, wall=walls[i % len(walls)]) for i, event in enumerate(events)]
    assert grader.score(moved, SLUG, material=material()) == grader.score(events, SLUG, material=material())


# -- nothing that was typed does anything in an export

MESSAGES = (
    "hypothesis I suspect that the learning rate is too high, because {}",
    "request Show me the gradient norm {}",
    "unclear {}",
    "hint {}",
    "diagnosis+fix The gradients are never cleared {} between steps. Call zero_grad {}",
)
HARMLESS = "it grows"


def hear(table: Table, text: str, state: State) -> SimpleNamespace:
    """Understands a message by its first word."""
    acts = tuple(text.split()[0].split("+"))
    requests = (Request(diagnostic="grad_norm"),) if acts[0] == "request" else ()
    return SimpleNamespace(acts=acts, requests=requests, concept=None, question=None)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch, Store(folder) as store:
        patch.setenv("FLATLINE_HOME", str(folder))
        patch.setattr(Table, "ear", hear)
        yield store


def played(store: Store, round: str, text: str) -> Interview:
    """A closed interview in which every message, answer and note holds the text."""
    clock = itertools.count()
    options = Options(round=round, scenario=SLUG, seed=0)
    interview = Interview.begin(options, store, monotonic=lambda: float(next(clock)), model=no_model)
    for message in MESSAGES:
        events = interview.send(message.format(text, text))
    while any(isinstance(event, FollowUpAsked) for event in events):
        events = interview.send(f"unclear {text}")
    interview.note(text)
    interview.finish()
    return interview


@functools.cache
def harmless(store: Store, round: str) -> Mapping[str, str]:
    interview = played(store, round, HARMLESS)
    return {"md": export(interview, "md"), "html": export(interview, "html")}


class Page(html.parser.HTMLParser):
    """What a browser would find: tags with their attributes, everything that is no text, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[tuple[str, tuple[str, ...]]] = set()
        self.others: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add((tag, tuple(f"{name}={value}" for name, value in attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.tags.add((f"/{tag}", ()))

    def handle_data(self, data: str) -> None:
        self.text += data

    def _other(self, data: str) -> None:
        self.others.append(data)

    handle_comment = handle_decl = handle_pi = unknown_decl = _other


def obeyed(text: str) -> list[str]:
    """The characters that a terminal takes for an order."""
    return [c for c in text if (c < " " and c not in "\n\t") or "\x7f" <= c <= "\x9f"]


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from strings([*value, *value.values()])
    elif isinstance(value, list):
        for one in value:
            yield from strings(one)


def squeezed(text: str) -> str:
    return "".join(text.split())


def spread(tokens: Sequence[Token]) -> list[Token]:
    """The tokens of a Markdown text, those within lines beside those of its blocks."""
    return [one for token in tokens for one in (token, *(token.children or ()))]


def headings(tokens: Sequence[Token]) -> list[tuple[str, str]]:
    return [(token.tag, tokens[i + 1].content) for i, token in enumerate(tokens) if token.type == "heading_open"]


def told(tokens: Sequence[Token]) -> Sequence[Token]:
    """The tokens of the transcript, which comes last."""
    return tokens[max(i for i, token in enumerate(tokens) if token.content == "Transcript") :]


ROUNDS = st.sampled_from(["debug", "review"])
FEW = settings(max_examples=10, deadline=None)


@FEW
@given(round=ROUNDS, text=strange)
def test_no_export_holds_what_a_terminal_obeys(store: Store, round: str, text: str) -> None:
    interview = played(store, round, text)
    for format in ("md", "json", "html"):
        assert not obeyed(export(interview, format))
    for value in strings(json.loads(export(interview, "json"))):
        assert not obeyed(value)


@FEW
@given(round=ROUNDS, text=strange)
def test_the_html_export_has_no_tag_that_was_typed(store: Store, round: str, text: str) -> None:
    usual, page = Page(harmless(store, round)["html"]), Page(export(played(store, round, text), "html"))
    assert page.tags == usual.tags
    assert page.others == usual.others == ["doctype html"]
    assert clean(f"unclear {text}").strip() in page.text


@FEW
@given(round=ROUNDS, text=strange)
def test_the_markdown_export_has_no_markup_that_was_typed(store: Store, round: str, text: str) -> None:
    found = MarkdownIt("commonmark").parse(export(played(store, round, text), "md"))
    for token in spread(found):
        assert not token.type.startswith(("link", "image", "html", "em_", "code_inline")), token
        assert token.type not in ("inline", "code_block") or not re.search(r"(?<!\\)<", token.content), token


ADVICE = {"Done well", "To work on", "Red flags", "Rules over the whole card"}


@FEW
@given(round=ROUNDS, text=st.lists(st.sampled_from((*BLOCKS, HARMLESS)), min_size=1, max_size=4).map(" ".join))
@example(round="debug", text="\n".join(BLOCKS))
def test_the_markdown_export_is_laid_out_as_ever(store: Store, round: str, text: str) -> None:
    parse = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse
    usual, found = parse(harmless(store, round)["md"]), parse(export(played(store, round, text), "md"))
    # The first has the interview's id, and whether there is something to praise depends on what was said.
    laid_out = [[one for one in headings(page)[1:] if one[1] not in ADVICE] for page in (found, usual)]
    assert laid_out[0] == laid_out[1] and laid_out[0]
    kinds = {token.type for token in spread(told(found))}
    assert kinds <= {token.type for token in spread(told(usual))} | {"hardbreak", "softbreak"}


@FEW
@given(round=ROUNDS, text=strange | st.lists(st.sampled_from(BLOCKS), min_size=1, max_size=4).map("".join))
@example(round="debug", text="\n".join(BLOCKS))
def test_the_markdown_export_reads_as_it_was_typed(store: Store, round: str, text: str) -> None:
    found = MarkdownIt("commonmark").parse(export(played(store, round, text), "md"))
    read = "".join(token.content for token in spread(told(found)) if not token.children)
    assert squeezed(clean(f"unclear {text}")) in squeezed(read)


@FEW
@given(round=ROUNDS, text=st.lists(st.sampled_from(ADDRESSES), min_size=1, max_size=2).map(" ".join))
def test_the_markdown_export_makes_no_link_of_an_address(store: Store, round: str, text: str) -> None:
    markdown = MarkdownIt("gfm-like")
    assert markdown.linkify is not None
    # `train.py` would be a place in Paraguay.
    markdown.linkify.set({"fuzzy_link": False})
    found = markdown.parse(export(played(store, round, text), "md"))
    assert not [token for token in spread(found) if token.type.startswith("link")]
