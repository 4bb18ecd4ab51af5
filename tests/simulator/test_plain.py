"""Plain mode as a program of its own: pipes, a kill in the middle, the end of the input."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import world
from hypothesis import given
from hypothesis import strategies as st

from grader.events import Candidate, Closed, Marked, Resumed, Shown
from scenarios import source
from simulator.errors import FlatlineError
from simulator.plain import parse_lines
from simulator.store import Store

PLAY = [sys.executable, "-m", "simulator.cli", "play", "--plain", "--scenario", world.SLUG, "--seed", "0"]
RESUME = [sys.executable, "-m", "simulator.cli", "resume", "--plain"]


def run(command: list[str], script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, input=script, capture_output=True, text=True, encoding="utf-8", timeout=60)


def test_a_piped_script_plays_a_whole_round(small_world: Path) -> None:
    done = run(
        PLAY,
        "show me the gradient norm around step 37\n"
        "/show grad_norm 30-40\n"
        "I think the root cause is that zero_grad is never called, so gradients accumulate across steps\n"
        "At the first step there is nothing earlier to add to.\n"
        "Rerun it and compare the gradient norm.\n",
    )
    assert done.returncode == 0 and done.stderr == ""
    for words in (
        "The loss ends at 3.05.",
        "Evidence 1",
        "NaN",
        "Why does it not show at the first step?",
        "Scorecard",
    ):
        assert words in done.stdout, words
    before, _, after = done.stdout.partition("What was wrong")
    assert world.TITLE not in before and world.SLUG not in before and world.TITLE in after
    assert "-    optimizer.zero_grad(set_to_none=True)" in after
    with Store() as store:
        events = store.events(store.history()[0].id)
    assert isinstance(events[-1], Closed) and sum(isinstance(event, Shown) for event in events) == 2


def test_everything_but_code_fits_80_columns(small_world: Path) -> None:
    asked = " ".join(["show me the attention entropy of layers 0 and 1 per head beside the known-good run, please"] * 2)
    done = run(PLAY, f"{asked}\nconfig\n/help\n/options\nshow the log\n/finish\n")
    table = re.search(r"(?m)^step .*known-good", done.stdout)
    assert done.returncode == 0 and table
    assert [line for line in done.stdout.splitlines() if len(line) > 80 and not line.startswith("    ")] == []


def test_a_review_by_pipe_with_marks(small_world: Path) -> None:
    (piece,) = source.snippet(world.SLUG)
    first, last = piece.first_line, piece.first_line + len(piece.lines) - 1
    done = run(
        [*PLAY, "--round", "review"],
        f"/mark train.py:{first}-{first + 2} {last}\n/unmark train.py:{first + 1}\n/mark\n"
        f"/mark {last + 1}\n/mark nowhere.py:{first}\n/mark x\n/finish\n",
    )
    assert done.returncode == 0 and done.stderr == ""
    for words in (
        f"{first}  {piece.lines[0]}",
        f"Marked: train.py:{first}, {first + 2}, {last}",
        f"train.py:{last + 1} is not on the screen",
        f"nowhere.py:{first} is not on the screen",
        "cannot read 'x'",
    ):
        assert words in done.stdout, words
    with Store() as store:
        marked = [event for event in store.events(store.history()[0].id) if isinstance(event, Marked)]
    assert marked[-1].lines == (("train.py", first), ("train.py", first + 2), ("train.py", last))


def test_commands(small_world: Path) -> None:
    done = run(PLAY, "/help\n/time\n/note a thought\n/note\n/mark 3\n\n   \n/giveup\n")
    assert done.returncode == 0
    for words in ("/show NAME", "minutes", "Notes:\na thought", "lines are marked in code reviews", "Scorecard"):
        assert words in done.stdout, words


def test_quit_keeps_the_interview(small_world: Path) -> None:
    done = run(PLAY, "/note remember\n/quit\nnever read\n")
    assert done.returncode == 0 and "flatline resume" in done.stdout and "Scorecard" not in done.stdout
    again = run(RESUME, "/note\n/finish\n")
    assert again.returncode == 0 and "remember" in again.stdout and "Scorecard" in again.stdout
    assert run(RESUME, "").returncode == 2


def test_nothing_a_terminal_obeys_comes_out(small_world: Path) -> None:
    done = run(
        PLAY,
        "show me the log \x1b]0;owned\x07\x1b[2J\n\x00\x01\n/note \x1b[31mred\n\udcff\n".encode(
            "utf-8", "replace"
        ).decode(),
    )
    assert done.returncode == 0 and "Evidence 1: log" in done.stdout
    assert not set(done.stdout) & {chr(i) for i in [*range(9), *range(11, 32), *range(127, 160)]}


def test_bytes_that_are_no_text_are_survived(small_world: Path) -> None:
    done = subprocess.run(PLAY, input=b"\xff\xfe\x00loss\n\xc3", capture_output=True, timeout=60)
    assert done.returncode == 0 and done.stderr == b""


def test_a_reader_that_goes_away_is_no_error(small_world: Path) -> None:
    program = subprocess.Popen(PLAY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert program.stdin and program.stdout and program.stderr
    program.stdout.close()
    program.stdin.write(b"options\n" * 50)
    program.stdin.close()
    assert program.wait(60) == 0 and program.stderr.read() == b""


def _playing(*scripts: str) -> subprocess.Popen[str]:
    program = subprocess.Popen(
        PLAY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    )
    assert program.stdin
    for script in scripts:
        program.stdin.write(script)
    program.stdin.flush()
    return program


def _wait_for(kind: type, count: int) -> list[object]:
    for _ in range(400):
        time.sleep(0.05)
        with Store() as store:
            history = store.history()
            events = store.events(history[0].id) if history else []
        if sum(isinstance(event, kind) for event in events) >= count:
            return list(events)
    raise AssertionError(f"never saw {count} {kind.__name__}")


def test_killed_in_the_middle_it_resumes_with_the_same_talk_evidence_and_clock(small_world: Path) -> None:
    program = _playing("show me the gradient norm\n/note half way\n", "could it be the optimizer?\n")
    before = _wait_for(Candidate, 2)
    time.sleep(3.5)  # long enough for a sign of life
    os.kill(program.pid, signal.SIGKILL)
    program.wait(30)
    with Store() as store:
        entry = store.unfinished()
        assert entry and entry.elapsed >= 2.0
    time.sleep(1.5)
    again = run(RESUME, "/quit\n")
    assert again.returncode == 0
    for words in ("show me the gradient norm", "Evidence 1: grad norm", "could it be the optimizer?"):
        assert words in again.stdout
    with Store() as store:
        events = store.events(entry.id)
        resumed = events[len(before)]
        assert events[: len(before)] == before
        assert isinstance(resumed, Resumed) and resumed.gap >= 1.5
        assert resumed.at == pytest.approx(entry.elapsed, abs=1.0)


def test_ctrl_c_keeps_the_interview_and_says_how_to_go_on(small_world: Path) -> None:
    program = _playing("show me the loss\n")
    _wait_for(Shown, 1)
    program.send_signal(signal.SIGINT)
    _, errors = program.communicate(timeout=30)
    assert program.returncode == 2
    assert errors.startswith("flatline: ") and errors.count("\n") == 1 and "flatline resume" in errors


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("3", [("a.py", 3)]),
        ("a.py:3-5", [("a.py", 3), ("a.py", 4), ("a.py", 5)]),
        ("a.py:3,7 a.py:9", [("a.py", 3), ("a.py", 7), ("a.py", 9)]),
        ("3, 4", [("a.py", 3), ("a.py", 4)]),
    ],
)
def test_lines_are_named_in_several_ways(text: str, lines: list[tuple[str, int]]) -> None:
    assert parse_lines(text, ["a.py"]) == lines


@given(st.text(alphabet="a.py:-,0123456789 /²", max_size=20))
def test_any_text_is_lines_or_a_clear_error(text: str) -> None:
    try:
        for file, number in parse_lines(text, ["a.py", "b.py"]):
            assert file and number >= 0
    except FlatlineError as error:
        assert str(error)
