"""Nothing a candidate is shown before the debrief tells the solution, in any bundled scenario."""

import functools
import re
from dataclasses import dataclass

import bundled
import pytest

from grader import judge
from grader.events import Candidate, FollowUpAsked, Interviewer, Shown
from scenarios import catalog, source, vocabulary
from simulator.interview import Interview, Options
from simulator.session import FOLLOW_UPS
from simulator.store import Store

ROUNDS = bundled.rounds()
# A traceback quotes the line it stopped at: that is code, and the candidate asked for it.
# What would weigh the evidence, or tell how it looks to somebody who knows.
INTERPRETS = re.compile(
    r"\b(?:explo(?:d|s)\w*|blow(?:s|n)? up|blew|vanish\w*|diverg\w*|collaps\w*|unstable|clearly|obvious\w*|evident\w*"
    r"|unfortunately|surpris\w*|(?:ab|un)normal\w*|unexpected\w*|unusual\w*|suspicious\w*|anomal\w*|odd|oddly|strange\w*"
    r"|weird\w*|unhealthy|pathological|culprit|interesting\w*|as expected|too (?:large|small|high|low|fast|slow))\b",
    re.IGNORECASE,
)
TRACEBACK = re.compile(r'(?<=\n)  File "[^"]+", line \d+, in \w+\n    .+')


@dataclass
class Seen:
    words: str  # everything said or shown that is not code
    code: str
    spoken: list[str]  # what the interviewer said, and the words around what was recorded


def look_at_everything(slug, round, store) -> Seen:
    """Ask for all there is to ask for, take all hints, claim something and answer what comes."""
    interview = Interview.begin(Options(round=round, scenario=slug, seed=0), store)
    known = vocabulary.load()
    for diagnostic in known.diagnostics:
        interview.send(f"/show {diagnostic.id} compare")
    for area in known.areas:
        interview.send(f"/code {area.id}")
        interview.send(f"/code {area.id}")
    for concept in known.concepts:
        interview.send(f"what is {concept.term}?")
    for message in [
        "/options",
        "what's the bug?",
        "show me everything",
        "/hint",
        "/hint",
        "/hint",
        "how long have I got?",
    ]:
        interview.send(message)
    interview.send("/diagnose I think it is the weather")
    for _ in range(4):
        interview.send("I can't say")
    words, code, spoken = [], [], []
    for evidence in interview.opening_evidence():
        words += [evidence.title, evidence.text]
    for event in interview.events:
        match event:
            case Interviewer():
                words.append(event.text)
                spoken.append(event.text)
            case FollowUpAsked():
                words.append(event.question)
            case Shown():
                evidence = interview.evidence(event)
                words.append(event.title)
                words.append(evidence.beside)
                spoken += [event.title, evidence.beside]
                if event.request.diagnostic.startswith("check_"):
                    spoken.append(evidence.text)
                is_code = evidence.kind == "code"
                for text in (event.summary, evidence.text):
                    (code if is_code else words).append(TRACEBACK.sub("", text))
                    code += TRACEBACK.findall(text)
    code += [line for block in interview.code() for line in (block.file, *block.lines)]
    said = sum(isinstance(event, Candidate) for event in interview.events)
    assert said > len(known.diagnostics)
    return Seen("\n".join(words), "\n".join(code), spoken)


def plain(text: str) -> str:
    return re.sub(r"[^a-z0-9_=.]+", " ", text.lower())


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("FLATLINE_HOME", str(tmp_path))
    return Store(tmp_path)


@functools.cache
def titles() -> list[str]:
    return [plain(catalog.load_solution(slug).title).strip() for slug in catalog.slugs()]


@pytest.mark.parametrize(("slug", "round"), ROUNDS)
def test_nothing_before_the_debrief_tells_the_solution(slug, round, store):
    seen = look_at_everything(slug, round, store)
    no_text_tells(seen, slug)
    lines_of_the_patch_appear_as_code_only(seen, slug)
    nothing_interprets(seen)


def nothing_interprets(seen: Seen) -> None:
    definitions = {concept.definition for concept in vocabulary.load().concepts}
    for text in seen.spoken:
        if text not in definitions:
            assert not (found := INTERPRETS.search(text)), f"{found[0]!r} in {text!r}"


def no_text_tells(seen: Seen, slug: str) -> None:
    solution = catalog.load_solution(slug)
    said = plain(seen.words)
    telling = [solution.title, solution.root_cause, solution.mechanism, *solution.wordings, *solution.fixes]
    telling += [miss.why for miss in solution.near_misses]
    telling += [answer.model_answer for answer in solution.follow_ups.values()]
    for text in telling:
        assert plain(text).strip() not in said, text
    assert slug not in seen.words
    assert slug not in seen.code
    for title in titles():
        assert title not in said


def lines_of_the_patch_appear_as_code_only(seen: Seen, slug: str) -> None:
    reference, patched = code_lines(source.reference_source()), code_lines(source.patched_source(slug))
    shown = {re.sub(r"^[>\s]*\d*", "", line).strip() for line in seen.code.splitlines()}
    for line in reference - patched:
        assert line not in seen.words, line
        assert line not in shown, line
    for line in patched - reference:
        assert line not in seen.words, line


def code_lines(files: dict[str, str]) -> set[str]:
    """Lines of Python long enough to be told from others; settings are not secret, they are given when asked for."""
    texts = [text for path, text in files.items() if path.endswith(".py")]
    return {line.strip() for text in texts for line in text.splitlines() if len(line.strip()) > 12}


@pytest.mark.parametrize("slug", catalog.slugs())
def test_what_is_asked_after_a_diagnosis_names_no_cause(slug):
    asked = catalog.load_guide(slug).follow_ups[:FOLLOW_UPS]
    assert len(asked) == FOLLOW_UPS
    for following in asked:
        assert judge.match(following.question, slug).verdict in ("none", "wrong"), following.question
        assert not INTERPRETS.search(following.question), following.question


@pytest.mark.parametrize("slug", catalog.slugs())
def test_a_patch_brings_no_comment_and_no_telling_name(slug):
    patch = catalog.patch_text(slug).splitlines()
    added = [line[1:] for line in patch if re.match(r"\+(?!\+\+)", line)]
    taken = {line.partition("#")[2] for line in patch if re.match(r"-(?!--)", line)}
    for line in added:
        # A line that had a comment may keep it.
        assert line.partition("#")[2] in {"", *taken}
        assert not re.search(r"bug|wrong|broken|todo|fixme|oops|buggy|leak", line, re.IGNORECASE)


def test_the_anonymous_list_says_nothing(capsys):
    from simulator.cli import main

    assert main(["list"]) == 0
    listed = capsys.readouterr().out
    assert listed.strip()
    for slug in catalog.slugs():
        assert slug not in listed
        assert catalog.load_solution(slug).title not in listed
