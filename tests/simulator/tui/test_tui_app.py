"""The whole program on one small recorded run: its screens, its store, its interviewer and its grader."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import tui_material as material
from textual.events import Key
from textual.geometry import Region
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import OptionList, Static, TextArea
from tui_driving import conversation, press, running, say, screen_text, settle, told

from grader.events import Candidate, Closed, Marked, Noted, Shown
from simulator import mishap
from simulator.errors import FlatlineError
from simulator.interview import Options
from simulator.store import Store
from simulator.table import Table
from simulator.tui.app import FlatlineApp
from simulator.tui.chatlog import ChatLog
from simulator.tui.code import Code
from simulator.tui.composer import Composer
from simulator.tui.confirm import Confirm
from simulator.tui.debrief import DebriefScreen
from simulator.tui.evidencepane import EvidencePane
from simulator.tui.frame import SMALLEST
from simulator.tui.help import Help
from simulator.tui.home import Home
from simulator.tui.plot import Chart
from simulator.tui.round import Round

DEBUG = Options(round="debug", scenario=material.SLUG)
REVIEW = Options(round="review", scenario=material.SLUG)
pytestmark = pytest.mark.usefixtures("home")


def app_of(pilot: Pilot[None]) -> FlatlineApp:
    assert isinstance(pilot.app, FlatlineApp)
    return pilot.app


def round_of(pilot: Pilot[None]) -> Round:
    screen = pilot.app.screen
    assert isinstance(screen, Round)
    return screen


def evidence_of(pilot: Pilot[None]) -> EvidencePane:
    return pilot.app.screen.query_one(EvidencePane)


def stored(kind: type) -> list:
    with Store() as store:
        return [event for event in store.events(store.history()[0].id) if isinstance(event, kind)]


async def test_from_home_to_debrief_and_back() -> None:
    async with running(size=(80, 24)) as pilot:
        assert isinstance(pilot.app.screen, Home)
        assert "Debugging round" in screen_text(pilot)
        await press(pilot, "enter")
        assert "not a number from step 45" in conversation(pilot)
        await say(pilot, "show me the gradient norm")
        assert "▸ 1 grad norm" in conversation(pilot)
        await press(pilot, "f3")
        assert "✕" in screen_text(pilot) and "NaN from step 46" in screen_text(pilot)
        await press(pilot, "f2")
        await say(pilot, "My diagnosis: beta2 is wrong, the second moment of adam decays with the wrong constant.")
        assert "Why at that step and not at the first?" in conversation(pilot)
        await say(pilot, "because the gradient has to become small before it matters")
        assert "How would you verify the fix?" in conversation(pilot)
        await say(pilot, "rerun with beta2 put back and compare")
        await press(pilot, "f9")
        assert isinstance(pilot.app.screen, Confirm)
        await press(pilot, "n")
        assert isinstance(pilot.app.screen, Round)
        await press(pilot, "f9", "y")
        assert isinstance(pilot.app.screen, DebriefScreen)
        assert re.search(r"\d+ of 100", screen_text(pilot)) and "technical" in screen_text(pilot)
        await press(pilot, "2")
        assert "The momentum was turned upside down" in screen_text(pilot)
        await press(pilot, "3")
        assert "Your way" in screen_text(pilot) and "not done" in screen_text(pilot)
        await press(pilot, "4")
        assert "gradient norm" in screen_text(pilot)
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, Home)
        assert "Finished rounds (1)" in screen_text(pilot)
    assert len(stored(Closed)) == 1


async def test_nothing_before_the_debrief_names_the_scenario() -> None:
    async with running(DEBUG, size=(160, 48)) as pilot:
        await say(pilot, "show me the gradient norm, the config and the log")
        seen = screen_text(pilot)
        for key in ("f4", "f5", "f3", "f1"):
            await press(pilot, key)
            seen += screen_text(pilot)
        for word in (material.SLUG, "momentum was turned", "bad_init"):
            assert word not in seen


async def test_a_mishap_in_the_session_is_one_line_and_the_round_goes_on(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(DEBUG) as pilot:
        with monkeypatch.context() as patched:
            patched.setattr(Table, "fetch", lambda self, request: {}[material.SLUG])
            await say(pilot, "show me the gradient norm")
            (notice,) = pilot.app._notifications
            assert "KeyError" in notice.message and str(home / mishap.FILE) in notice.message
            assert material.SLUG not in notice.message
        assert "KeyError" in (home / mishap.FILE).read_text()
        await say(pilot, "show me the learning rate")
        assert "▸" in conversation(pilot) and "learning rate" in conversation(pilot)
    with Store() as store:
        seqs = [event.seq for event in store.events(store.history()[0].id)]
    assert seqs == list(range(1, len(seqs) + 1))


async def test_a_mishap_of_the_screens_is_one_line_too(home: Path) -> None:
    app = FlatlineApp(Store, DEBUG)
    with pytest.raises(ZeroDivisionError):
        async with app.run_test() as pilot:
            await settle(pilot)
            pilot.app.call_later(lambda: 1 // 0)
            await pilot.pause()
            await pilot.pause()
    app.close()
    assert app.mishap and "ZeroDivisionError" in app.mishap and app.unfinished
    assert "ZeroDivisionError" in (home / mishap.FILE).read_text()


async def test_finishing_without_a_claim_is_pointed_out() -> None:
    async with running(DEBUG) as pilot:
        await press(pilot, "f9")
        assert "not claimed a cause" in screen_text(pilot)
        await press(pilot, "n")
        await say(pilot, "My diagnosis: beta2 is wrong")
        await press(pilot, "f9")
        assert isinstance(pilot.app.screen, Confirm) and "not claimed a cause" not in screen_text(pilot)


async def test_a_review_says_how_lines_are_marked() -> None:
    async with running(REVIEW) as pilot:
        assert "space marks a line" in screen_text(pilot)


async def test_home_says_which_scenario_is_broken(tmp_path: Path) -> None:
    (tmp_path / "pack" / "broken").mkdir()
    (tmp_path / "pack" / "broken" / "scenario.yaml").write_text("kind: [")
    async with running() as pilot:
        assert "is left out" in screen_text(pilot)
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, Round)


async def test_a_past_debrief_opens_from_the_history() -> None:
    async with running(DEBUG) as pilot:
        await press(pilot, "f9", "y", "escape", "tab", "enter")
        assert isinstance(pilot.app.screen, DebriefScreen)


async def test_review_marks_lines_by_keyboard() -> None:
    async with running(REVIEW, size=(80, 24)) as pilot:
        await press(pilot, "f4")
        code = pilot.app.screen.query_one("#code", Code)
        assert code.has_focus and "optim.py" in screen_text(pilot)
        await press(pilot, "down", "down", "space", "down", "x")
        assert stored(Marked)[-1].lines == (("optim.py", 3), ("optim.py", 4))
        assert screen_text(pilot).count("●") == 2
        await press(pilot, "x", "home", "m")
        assert stored(Marked)[-1].lines == (("optim.py", 3),)
        assert code.current == 3  # the file's name stands above line 1
        await press(pilot, "u")
        assert stored(Marked)[-1].lines == ()
        await press(pilot, "f3")
        assert code.has_focus, "a review has no evidence"


async def test_code_of_a_debugging_round_cannot_be_marked() -> None:
    async with running(DEBUG, size=(160, 48)) as pilot:
        await press(pilot, "f4")
        assert "No code yet" in screen_text(pilot)
        await say(pilot, "I suspect the optimizer, because the gradient norm explodes. Show me the optimizer code.")
        await say(pilot, "show me the optimizer code")
        await press(pilot, "f4")
        assert "betas" in screen_text(pilot)
        await press(pilot, "space")
        assert not stored(Marked)


async def test_a_round_is_resumed_as_it_stood() -> None:
    async with running(DEBUG, size=(100, 30)) as pilot:
        await say(pilot, "show me the gradient norm and the config")
        await press(pilot, "f5")
        pilot.app.screen.query_one("#notes", TextArea).insert("check [bold]beta2[/]")
        session, said = round_of(pilot).interview.session_id, conversation(pilot)
        await press(pilot, "ctrl+q")
    assert app_of(pilot).unfinished == session
    async with running(session_id=session, size=(100, 30)) as pilot:
        assert conversation(pilot).startswith(said)
        assert [piece.number for piece in evidence_of(pilot).pieces] == [0, 0, 1, 2]
        assert pilot.app.screen.query_one("#notes", TextArea).text == "check [bold]beta2[/]"
        await press(pilot, "f3", "left_square_bracket")
        assert "+inf at step 45" in screen_text(pilot)
        await press(pilot, "f2", "up")
        assert pilot.app.screen.query_one(Composer).text == "show me the gradient norm and the config"
    assert [event.text for event in stored(Noted)] == ["check [bold]beta2[/]"]


async def test_an_unfinished_round_is_offered_at_home() -> None:
    async with running(DEBUG) as pilot:
        await press(pilot, "ctrl+c")
    async with running() as pilot:
        assert "Resume" in screen_text(pilot)
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, Round)
    with Store() as store:
        assert len(store.history()) == 1


async def test_markup_and_escape_codes_are_shown_as_typed() -> None:
    async with running(DEBUG, size=(100, 30)) as pilot:
        await say(pilot, "is it [red]x[/] or [/nonsense] or \x1b[31mthis?")
        assert "is it [red]x[/] or [/nonsense] or" in screen_text(pilot)
        assert "\x1b" not in conversation(pilot)


async def test_newline_history_and_draft() -> None:
    async with running(DEBUG) as pilot:
        composer = pilot.app.screen.query_one(Composer)
        await say(pilot, "first")
        await say(pilot, "second")
        composer.insert("draft")
        await press(pilot, "up")
        assert composer.text == "second"
        await press(pilot, "up", "up")
        assert composer.text == "first"
        await press(pilot, "down", "down")
        assert composer.text == "draft"
        await press(pilot, "ctrl+j", "x")
        assert composer.text == "draft\nx"
        await press(pilot, "up", "up")
        assert composer.text == "second", "from the first line of two, up goes back in time"
    assert [event.text for event in stored(Candidate)] == ["first", "second"]


async def test_text_is_put_back_when_sending_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(DEBUG) as pilot:

        def refuse(text: str, enquiry: object) -> list:
            raise FlatlineError("the disk is full: make room")

        monkeypatch.setattr(round_of(pilot).interview, "send", refuse)
        await say(pilot, "a long and [clever] thought")
        assert pilot.app.screen.query_one(Composer).text == "a long and [clever] thought"
        assert "the disk is full: make room" in told(pilot) and "the disk is full" in screen_text(pilot)
        assert "clever" not in conversation(pilot)


async def test_reader_away_from_the_end_is_not_moved() -> None:
    async with running(DEBUG, size=(80, 24)) as pilot:
        for number in range(8):
            await say(pilot, f"thought {number}")
        log = pilot.app.screen.query_one(ChatLog)
        assert log.max_scroll_y > 0 and log.scroll_y == log.max_scroll_y
        await press(pilot, "pageup")
        before = log.scroll_y
        await say(pilot, "one more")
        assert log.scroll_y == before < log.max_scroll_y
        assert "more below" in screen_text(pilot)


async def test_too_small_says_so_and_recovers() -> None:
    async with running(DEBUG, size=(80, 24)) as pilot:
        pilot.app.screen.query_one(Composer).insert("half a thou")
        await pilot.resize_terminal(50, 12)
        await settle(pilot)
        assert "This window is 50x12" in screen_text(pilot)
        assert f"{SMALLEST[0]}x{SMALLEST[1]}" in screen_text(pilot)
        await pilot.resize_terminal(80, 24)
        await settle(pilot)
        await press(pilot, "g", "h", "t")
        assert "half a thought" in screen_text(pilot)


@pytest.mark.parametrize("size", [SMALLEST, (80, 24), (109, 30), (110, 30), (160, 48)])
@pytest.mark.parametrize("options", [None, DEBUG, REVIEW], ids=["home", "debug", "review"])
async def test_nothing_lies_outside_the_screen(options: Options | None, size: tuple[int, int]) -> None:
    async with running(options, size=size) as pilot:
        if options is DEBUG:
            await say(pilot, "show me the gradient norm and the activations")
        for key in ("f2", "f3", "f4", "f5") if options else ("l", "m"):
            await press(pilot, key)
            screen = Region(0, 0, *size)
            for widget in pilot.app.screen.walk_children():
                assert isinstance(widget, Widget)
                if widget.is_on_screen and widget.region.area and not _scrolled(widget):
                    assert screen.contains_region(widget.region), f"{widget} at {widget.region}"
            rows = screen_text(pilot).split("\n")
            assert len(rows) == size[1] and "F1 help" in rows[-1]


def _scrolled(widget: object) -> bool:
    """Whether a widget lies in a pane that scrolls, in which it may reach beyond the view."""
    ancestors = getattr(widget, "ancestors", [])
    return any(isinstance(ancestor, ChatLog) for ancestor in ancestors)


async def test_wide_screens_show_conversation_and_evidence_side_by_side() -> None:
    async with running(DEBUG, size=(160, 48)) as pilot:
        await say(pilot, "show me the gradient norm")
        text = screen_text(pilot)
        assert "show me the gradient norm" in text and "✕" in text


async def test_chart_table_and_log_toggle() -> None:
    async with running(DEBUG, size=(80, 24)) as pilot:
        await say(pilot, "show me the loss")
        await press(pilot, "f3", "t")
        assert "step" in screen_text(pilot) and "┌" not in screen_text(pilot).split("╭")[0]
        await press(pilot, "end")
        assert "NaN" in screen_text(pilot)
        await press(pilot, "t", "l")
        assert "log y" in screen_text(pilot) and "┌" in screen_text(pilot)
        await press(pilot, "escape", "h", "i")
        assert pilot.app.screen.query_one(Composer).text == "hi"


async def test_help_is_there_everywhere_and_made_of_the_keys() -> None:
    async with running() as pilot:
        await press(pilot, "f1")
        assert isinstance(pilot.app.screen, Help) and "Everywhere" in screen_text(pilot)
        await press(pilot, "f1")
        assert isinstance(pilot.app.screen, Home)
        await press(pilot, "enter", "f1", "escape")
        assert isinstance(pilot.app.screen, Round)


async def test_own_keys_work_and_are_shown(home: Path) -> None:
    home.mkdir(parents=True)
    (home / "keys.toml").write_text('[round]\nfinish = "f12"\n')
    async with running(DEBUG) as pilot:
        assert "F12 finish" in screen_text(pilot)
        await press(pilot, "f12")
        assert isinstance(pilot.app.screen, Confirm)


async def test_own_keys_that_make_no_sense_are_told_and_not_used(home: Path) -> None:
    home.mkdir(parents=True)
    (home / "keys.toml").write_text('[round]\nfinnish = "f12"\n')
    async with running() as pilot:
        assert "no key called round.finnish" in told(pilot)


async def test_transcript_is_saved_and_named() -> None:
    async with running(DEBUG, size=(120, 30)) as pilot:
        await say(pilot, "show me the gradient norm")
        name = f"flatline-{round_of(pilot).interview.session_id}.md"
        await press(pilot, "f7")
        assert name in told(pilot)
    text = Path(name).read_text(encoding="utf-8")
    assert "show me the gradient norm" in text and material.SLUG not in text


async def test_missing_traces_are_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLATLINE_TRACES", str(tmp_path / "nowhere"))
    async with running(size=(120, 30)) as pilot:
        assert "No recorded runs in" in screen_text(pilot)
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, Home)
        assert "flatline doctor" in screen_text(pilot)


async def test_a_round_that_cannot_be_opened_ends_the_program_with_a_line() -> None:
    async with running(Options(round="debug", scenario="no-such-thing")) as pilot:
        pass
    assert app_of(pilot).return_code == 2 and "no-such-thing" in (app_of(pilot).refused or "")


async def test_store_that_cannot_be_written_is_told(home: Path) -> None:
    home.parent.joinpath(home.name).write_text("a file, not a folder")
    async with running(size=(120, 30)) as pilot:
        assert "FLATLINE_HOME" in screen_text(pilot)


async def test_level_and_minutes_are_chosen_by_key() -> None:
    async with running() as pilot:
        await press(pilot, "l", "l", "m", "m")
        assert "level mid" in screen_text(pilot) and "10 minutes" in screen_text(pilot)
        await press(pilot, "enter")
        assert round_of(pilot).interview.minutes == 10
        assert "left" in str(pilot.app.screen.query_one("#clock", Static).content)


async def test_time_that_is_up_is_said_and_closes_the_round(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(DEBUG) as pilot:
        screen = round_of(pilot)
        screen.interview._before += 19 * 60
        screen._tick()
        await settle(pilot)
        assert screen.query_one("#clock", Static).has_class("-late")
        screen.interview._before += 2 * 60
        screen._tick()
        await settle(pilot)
        assert "time is up" in screen_text(pilot)
        await say(pilot, "I think the second moment decays with the wrong constant")
        assert isinstance(pilot.app.screen, DebriefScreen)


async def test_evidence_list_can_be_walked_with_the_arrows() -> None:
    async with running(DEBUG) as pilot:
        await say(pilot, "show me the gradient norm and the activations")
        await press(pilot, "f3")
        pilot.app.screen.query_one("#pieces", OptionList).focus()
        await press(pilot, "up")
        assert evidence_of(pilot).piece is not None and evidence_of(pilot).current == 2
        assert "NaN from step 46" in screen_text(pilot)
    assert len(stored(Shown)) == 2


async def test_enter_does_not_overtake_what_was_typed_right_before_it() -> None:
    async with running(DEBUG) as pilot:
        for message in ("grad norm", "learning rate"):
            for character in message:
                pilot.app.post_message(Key(character, character))
            pilot.app.post_message(Key("enter", "\r"))
        await settle(pilot)
        assert [event.text for event in stored(Candidate)] == ["grad norm", "learning rate"]


async def test_a_narrow_screen_turns_to_the_conversation_when_something_is_said() -> None:
    async with running(REVIEW, size=(80, 24)) as pilot:
        await press(pilot, "f4", "escape")
        assert round_of(pilot).pane == "code"
        await say(pilot, "I suspect the last line")
        assert round_of(pilot).pane == "chat"


async def test_the_first_chart_of_a_wide_screen_shows_the_whole_run() -> None:
    async with running(DEBUG, size=(160, 48)) as pilot:
        chart = pilot.app.screen.query(Chart).first()
        steps = [step for one in chart._series for step in one.steps]
        assert (chart._x_min, chart._x_max) == (min(steps), max(steps))
