"""What is broken on this machine: one line says so, nothing else stops, and no path tells what is wrong with a run."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import world
from playing import fake_ear

from grader.events import Candidate, Interviewer
from simulator import cli, mishap
from simulator.errors import FlatlineError
from simulator.interview import Interview, Options
from simulator.store import Store
from simulator.table import Table

BROKEN = {
    "not YAML": "kind: [\n",
    "an unknown field": world.SCENARIO + "colour: blue\n",
}


@pytest.fixture
def pack(small_world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the small world's pack."""
    copy = tmp_path / "pack"
    shutil.copytree(small_world / "pack", copy)
    monkeypatch.setenv("FLATLINE_SCENARIOS", str(copy))
    return copy


@pytest.fixture
def traces(small_world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the small world's recorded runs."""
    copy = tmp_path / "traces"
    shutil.copytree(small_world / "traces", copy)
    monkeypatch.setenv("FLATLINE_TRACES", str(copy))
    return copy


def add(pack: Path, name: str, scenario: str) -> None:
    shutil.copytree(pack / world.SLUG, pack / name)
    (pack / name / "scenario.yaml").write_text(scenario, encoding="utf-8")


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_broken_scenario_is_left_out_of_the_list_with_one_line(
    pack: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    cli.main(["list"])
    before = capsys.readouterr().out.splitlines()
    add(pack, "broken", text)
    assert cli.main(["list"]) == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == len(before)
    assert err.startswith("flatline: scenario ") and err.count("\n") == 1 and "is left out" in err


def test_chance_leaves_out_what_is_broken(pack: Path) -> None:
    add(pack, "broken", BROKEN["not YAML"])
    add(pack, "unfillable", world.SCENARIO.replace("final_loss", "no_such_fact"))
    skipped: list[str] = []
    with Store() as store:
        for seed in range(8):
            Interview.begin(Options(seed=seed), store, skipped=skipped.append)
        assert {entry.scenario for entry in store.history()} == {world.SLUG}
    assert len([line for line in skipped if "YAML" in line]) == 8


def test_chance_leaves_out_what_cannot_be_opened(
    pack: Path, traces: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    add(pack, "unfillable", world.SCENARIO.replace("final_loss", "no_such_fact"))
    shutil.copytree(traces / "smoke" / world.SLUG, traces / "smoke" / "unfillable")
    skipped: list[str] = []
    with Store() as store:
        for seed in range(8):
            Interview.begin(Options(seed=seed), store, skipped=skipped.append)
        assert {entry.scenario for entry in store.history()} == {world.SLUG}
    assert skipped and all("no_such_fact" in line for line in skipped)


@pytest.mark.parametrize("file", ["manifest.json", "signals.parquet"])
def test_a_run_that_cannot_be_read_is_not_named(traces: Path, capsys: pytest.CaptureFixture[str], file: str) -> None:
    for path in (traces / "smoke" / world.SLUG).rglob(file):
        path.write_bytes(path.read_bytes()[:200])
    for argv in (["--scenario", world.SLUG], []):
        assert cli.main(["play", "--plain", *argv]) == 2
        out, err = capsys.readouterr()
        assert out == "" and world.SLUG not in err and "flatline doctor" in err
    with Store() as store:
        assert store.history() == []


def test_evidence_that_cannot_be_read_is_not_named_either(traces: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Table, "ear", lambda self, text, state: fake_ear(text, state))
    with Store() as store:
        interview = Interview.begin(Options(scenario=world.SLUG, seed=0), store)
        for path in (traces / "smoke" / world.SLUG).rglob("signals.parquet"):
            path.write_bytes(path.read_bytes()[:200])
        events = Interview.resume(store).send("request ?grad_norm")
        assert any(isinstance(event, Interviewer) and event.why == "not_recorded" for event in events)
        assert world.SLUG not in repr(events)
        assert interview.session_id


@pytest.mark.parametrize("argv", [[], ["play"], ["play", "--plain", "--scenario", world.SLUG]])
def test_a_closed_stdin_is_no_traceback(small_world: Path, argv: list[str]) -> None:
    command = [sys.executable, "-c", "import sys; sys.stdin = None; from simulator.cli import main; sys.exit(main())"]
    done = subprocess.run([*command, *argv], capture_output=True, text=True, timeout=60)
    assert "Traceback" not in done.stderr
    assert done.returncode == (0 if "--plain" in argv else 2)


def test_nothing_said_before_a_mishap_is_lost(small_world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Table, "ear", lambda self, text, state: fake_ear(text, state))
    with Store() as store:
        interview = Interview.begin(Options(scenario=world.SLUG, seed=0), store)
        with monkeypatch.context() as patched:
            patched.setattr(Table, "fetch", lambda self, request: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                interview.send("request ?loss")
        interview.send("hypothesis something else")
        assert store.events(interview.session_id) == interview.events
        assert sum(isinstance(event, Candidate) for event in interview.events) == 2


def test_a_mishap_is_one_line_and_a_file(
    small_world: Path, data_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Interview, "begin", lambda *args, **kwargs: {}["quiet-otter"])
    assert cli.main(["play", "--plain"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("flatline: ") and err.count("\n") == 1 and "KeyError" in err and world.SLUG not in err
    log = data_home / mishap.FILE
    assert str(log) in err and "Traceback" in log.read_text()


def test_the_same_mishap_is_written_down_once(data_home: Path) -> None:
    def fail() -> FlatlineError:
        try:
            raise ValueError("the same")
        except ValueError as error:
            return mishap.foreseen(error)

    assert str(fail()) == str(fail())
    assert (data_home / mishap.FILE).read_text().count("Traceback") == 1
