"""What the first frame costs, and what the program leaves behind on the terminal."""

from __future__ import annotations

import subprocess
import sys

import pytest
import tui_material as material
from tui_driving import press, running, screen_text

from simulator.interview import Options
from simulator.store import Store
from simulator.tui import app as program
from simulator.tui.theme import NAME

HEAVY = ("numpy", "pyarrow", "yaml", "rapidfuzz", "textual_plot", "pygments", "msgspec", "sqlite3", "torch", "pandas",
         "simulator.interview", "simulator.tui.round", "simulator.tui.debrief", "grader")  # fmt: skip


def test_first_frame_imports_nothing_heavy() -> None:
    code = f"""
import sys
import textual.app, textual.widgets
from textual.widgets import OptionList, Static
before = set(sys.modules)
import simulator.cli, simulator.tui.app
print([name for name in {HEAVY} if name in set(sys.modules) - before])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(("wanted", "used"), [(None, NAME), ("no-such-theme", NAME), ("ansi-dark", "ansi-dark")])
async def test_theme_is_ours_unless_another_is_named(
    home: object, monkeypatch: pytest.MonkeyPatch, wanted: str | None, used: str
) -> None:
    if wanted:
        monkeypatch.setenv("TEXTUAL_THEME", wanted)
        # Textual reads the variable when it is imported, long before this test.
        monkeypatch.setattr(program.App.theme, "_default", wanted)
    async with running() as pilot:
        assert pilot.app.theme == used
        assert "Debugging round" in screen_text(pilot)


@pytest.mark.usefixtures("home")
def test_leaving_a_round_says_how_to_take_it_up_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def leave(pilot) -> None:
        while pilot.app.unfinished is None:
            await pilot.pause(0.05)
        await press(pilot, "ctrl+c")

    original = program.FlatlineApp.run
    monkeypatch.setattr(program.FlatlineApp, "run", lambda self: original(self, headless=True, auto_pilot=leave))
    assert program.run(Store, Options(round="debug", scenario=material.SLUG)) == 0
    assert "flatline resume" in capsys.readouterr().out


@pytest.mark.usefixtures("home")
def test_round_that_cannot_be_opened_is_one_line_and_exit_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    original = program.FlatlineApp.run
    monkeypatch.setattr(program.FlatlineApp, "run", lambda self: original(self, headless=True))
    assert program.run(Store, Options(round="debug", scenario="no-such-thing")) == 2
    error = capsys.readouterr().err
    assert error.startswith("flatline: ") and error.count("\n") == 1 and "no-such-thing" in error
