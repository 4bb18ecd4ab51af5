"""The command line: what it prints, its exit codes, and one clear line for whatever is wrong."""

from __future__ import annotations

import html.parser
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import world
from playing import fake_ear

from simulator import cli
from simulator.interview import Interview, Options
from simulator.store import Store
from simulator.table import Table, numbered

NASTY = "<script>alert(1)</script> **bold** `code` & | # [x](y)"


@pytest.fixture
def closed(small_world: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of a played interview in the store."""
    monkeypatch.setattr(Table, "ear", lambda self, text, state: fake_ear(text, state))
    with Store() as store:
        interview = Interview.begin(Options(scenario=world.SLUG, seed=0), store)
        for text in ("hypothesis it piles up", "request ?grad_norm", f"hypothesis {NASTY}"):
            interview.send(text)
        interview.send("diagnosis zero_grad is never called, so gradients accumulate across steps")
        interview.finish()
        return interview.session_id


@pytest.fixture
def unfinished(small_world: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(Table, "ear", lambda self, text, state: fake_ear(text, state))
    with Store() as store:
        interview = Interview.begin(Options(scenario=world.SLUG, seed=0), store)
        interview.send("request ?loss")
        return interview.session_id


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    code = cli.main(argv)
    out, err = capsys.readouterr()
    return code, out, err


def feed(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"))


@pytest.mark.parametrize(
    "argv",
    [
        ["nonsense"],
        ["play", "--round", "chess"],
        ["play", "--minutes", "soon"],
        ["play", "--minutes", "-3", "--plain"],
        ["play", "--round", "loop", "--plain"],
        ["play", "--scenario", "no_such_thing", "--plain"],
        ["play", "--scenario", "99", "--plain"],
        ["play", "--pack", "/nonexistent", "--plain"],
        ["play", "--level", "senior", "--scenario", world.SLUG, "--plain"],
        ["list", "--pack", "/nonexistent"],
        ["resume", "--plain"],
        ["resume", "zzzz", "--plain"],
        ["resume"],
        ["show", "zzzz"],
        ["show"],
        ["export", "zzzz"],
        ["score", "no/such/file.json"],
        ["score", "zzzz"],
    ],
)
def test_wrong_use_is_one_clear_line_and_exit_code_2(
    small_world: Path, capsys: pytest.CaptureFixture[str], argv: list[str]
) -> None:
    code, out, err = run(capsys, *argv)
    assert code == 2 and out == ""
    assert err.startswith("flatline: ") and err.count("\n") == 1 and "Traceback" not in err


def test_the_screens_need_a_terminal(small_world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for argv in ([], ["play"]):
        code, _, err = run(capsys, *argv)
        assert code == 2 and "--plain" in err


@pytest.mark.parametrize("command", ["", "play", "list", "resume", "history", "show", "export", "score", "resolve",
                                     "grade", "doctor"])  # fmt: skip
def test_help_everywhere(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, *command.split(), "--help")
    assert code == 0 and out.startswith("usage: flatline")


def test_the_list_is_anonymous_unless_spoilers_are_asked_for(
    small_world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, "list")
    assert code == 0
    for slug in numbered():
        assert slug not in out
    assert world.TITLE not in out
    number = numbered().index(world.SLUG) + 1
    assert re.search(rf"(?m)^{number} +mid +easy +debug, review$", out)
    code, out, _ = run(capsys, "list", "--spoilers")
    assert code == 0 and re.search(rf"(?m)^{number} .* {world.SLUG} +{world.TITLE}$", out)


def test_history_tells_results_and_no_scenario(
    closed: str, unfinished: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, "history")
    lines = {line.split()[0]: line for line in out.splitlines()}
    assert code == 0 and "not scored" in lines[closed] and "open, 20 min left" in lines[unfinished]
    assert world.SLUG not in out
    run(capsys, "show", closed)
    code, out, _ = run(capsys, "history")
    assert re.search(rf"(?m)^{closed} .* \d+(\.\d+)? (Strong hire|Hire|Lean no|No hire)$", out)


def test_no_history_yet(small_world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "history")[:2] == (0, "No interviews yet: `flatline play` starts one.\n")


def test_show_tells_the_end_only_of_a_closed_one(
    closed: str, unfinished: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, "show", closed[:5])
    assert code == 0 and world.TITLE in out and "Scorecard" in out and "Candidate: request ?grad_norm" in out
    code, out, _ = run(capsys, "show", unfinished)
    assert code == 0 and world.TITLE not in out and world.SLUG not in out and "Candidate: request ?loss" in out


@pytest.mark.parametrize("format", ["md", "json", "html"])
def test_an_unfinished_interviews_export_hides_the_scenario(
    unfinished: str, format: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, "export", unfinished, "--format", format)
    assert code == 0 and "request ?loss" in out
    for secret in (world.SLUG, world.TITLE, "zero_grad", "smoke"):
        assert secret not in out


def test_the_html_export_needs_nothing_and_escapes_everything(closed: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "export", closed, "--format", "html")
    tags: list[tuple[str, dict[str, str | None]]] = []

    class Reader(html.parser.HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            tags.append((tag, dict(attrs)))

    Reader().feed(out)
    assert "script" not in {tag for tag, _ in tags} and "&lt;script&gt;" in out
    assert not [attrs for _, attrs in tags if {"src", "href"} & set(attrs)]
    assert world.TITLE in out


def test_the_markdown_export_escapes_what_was_typed(closed: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "export", closed, "--format", "md")
    assert "<script>" not in out and r"\*\*bold\*\*" in out and "\n## Scorecard\n" in out


def test_an_export_can_be_scored_again_with_the_same_result(
    closed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, out, _ = run(capsys, "export", closed, "--format", "json")
    file = tmp_path / "interview.json"
    file.write_text(out)
    (code, from_file, _), (_, from_store, _) = run(capsys, "score", str(file)), run(capsys, "score", closed)
    assert code == 0 and from_file == from_store and "of 100" in from_file
    _, as_json, _ = run(capsys, "score", str(file), "--json")
    assert json.loads(as_json)["total"] == json.loads(out)["debrief"]["scorecard"]["total"]


def test_an_open_interview_is_not_scored(unfinished: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "score", unfinished)[0] == 2
    file = tmp_path / "open.json"
    file.write_text(run(capsys, "export", unfinished, "--format", "json")[1])
    code, out, err = run(capsys, "score", str(file))
    assert code == 2 and out == "" and world.SLUG not in err


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff\xfe", b'{"format": 99, "events": []}', b'{"format": 1, "events": []}',
                b'{"format": 1, "events": [{"kind": "closed", "seq": 1, "at": 0, "wall": "", "reason": "finished"}]}']
)  # fmt: skip
def test_a_file_that_is_no_export_is_one_clear_line(
    small_world: Path, tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "x.json"
    file.write_bytes(content)
    code, out, err = run(capsys, "score", str(file))
    assert (code, out) == (2, "") and err.startswith("flatline: ") and err.count("\n") == 1


def test_resolve_answers_every_line(
    small_world: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    feed(monkeypatch, b"show me the gradient norm around step 200\n\nwhat is QK-norm?\n" + b"\xff\n")
    code, out, _ = run(capsys, "resolve")
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 0 and len(lines) == 4
    assert lines[0]["act"] == "request" and lines[0]["requests"][0]["diagnostic"] == "grad_norm"
    first, last = lines[0]["requests"][0]["steps"]
    assert first < 200 < last
    assert set(lines[0]["requests"][0]) >= {"diagnostic", "steps", "layers", "rank", "split", "area", "compare"}
    assert lines[2]["act"] == "concept"


def test_grade_goes_on_after_a_bad_line(
    small_world: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    right = {
        "id": "a",
        "scenario": world.SLUG,
        "text": "zero_grad is never called so gradients accumulate across steps",
    }
    tasks = [
        json.dumps(right),
        "{broken",
        json.dumps({"id": 2, "scenario": "no_such", "text": "x"}),
        json.dumps({"id": 3}),
        "[" * 5000,
        "",
        json.dumps({"id": 4, "scenario": 901, "text": "I have no idea"}),
    ]
    feed(monkeypatch, "\n".join(tasks).encode())
    code, out, _ = run(capsys, "grade")
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 1 and len(lines) == 6
    assert lines[0] | {"why": ""} == {"id": "a", "root_cause": "correct", "closest": world.SLUG, "why": ""}
    assert ["error" in line for line in lines] == [False, True, True, True, True, False]
    assert lines[2]["id"] == 2 and lines[3]["id"] == 3
    assert lines[5]["id"] == 4 and lines[5]["root_cause"] in ("none", "wrong")


def test_doctor_finds_nothing_wrong_in_a_whole_world(small_world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from scenarios import catalog

    _, out, _ = run(capsys, "doctor")
    number = catalog.anonymous_order().index(world.SLUG) + 1
    assert f"scenario {number}:" not in out and "recorded runs: 4 (smoke)" in out
    # Only that one is recorded in this world.
    (missing,) = [line for line in out.splitlines() if "no run is recorded" in line]
    unrecorded = missing.partition("scenarios ")[2].partition(":")[0].split(", ")
    assert str(number) not in unrecorded and len(unrecorded) > 20


def test_doctor_names_what_is_broken(
    small_world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pack = world.write_pack(tmp_path / "pack")
    (pack / world.SLUG / "bug.patch").write_text(world.patch().replace("mean_loss", "no_such_line"))
    traces = world.write_traces(tmp_path / "traces")
    signals = next(traces.rglob("signals.parquet"))
    signals.write_bytes(signals.read_bytes()[:100])
    monkeypatch.setenv("FLATLINE_SCENARIOS", str(pack))
    monkeypatch.setenv("FLATLINE_TRACES", str(traces))
    code, out, _ = run(capsys, "doctor")
    bad = [line for line in out.splitlines() if line.startswith("BAD")]
    assert code == 1 and any(str(signals) in line for line in bad) and any("bug.patch" in line for line in bad)


def test_doctor_names_what_was_learned_and_is_gone(
    small_world: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from grader import choice

    def gone() -> None:
        raise FileNotFoundError("weights/judge.json")

    monkeypatch.setattr(choice, "load", gone)
    code, out, _ = run(capsys, "doctor")
    assert code == 1 and any("judge" in line for line in out.splitlines() if line.startswith("BAD"))


def test_a_reader_that_goes_away_is_no_error(small_world: Path) -> None:
    program = subprocess.Popen(
        [sys.executable, "-m", "simulator.cli", "resolve"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert program.stdout and program.stderr and program.stdin
    program.stdout.close()
    program.stdin.write(b"loss\n" * 200)
    program.stdin.close()
    assert program.wait(60) == 0 and program.stderr.read() == b""


def test_output_survives_a_terminal_without_unicode(small_world: Path) -> None:
    import os

    done = subprocess.run(
        [sys.executable, "-m", "simulator.cli", "play", "--plain", "--scenario", world.SLUG],
        input=b"show me the loss\n", capture_output=True, env=os.environ | {"PYTHONIOENCODING": "ascii"}, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0 and b"Traceback" not in done.stderr


def test_the_interview_side_imports_no_heavy_library() -> None:
    heavy = ["torch", "pandas", "pyarrow", "numpy", "yaml", "rapidfuzz", "textual", "scenarios.catalog", "openai"]
    script = (
        "import sys, simulator.cli, simulator.interview, simulator.session, simulator.store, simulator.plain;"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
