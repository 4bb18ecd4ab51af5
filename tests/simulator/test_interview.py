"""The façade on a small recorded world: choosing, keeping, resuming, debriefing."""

from __future__ import annotations

from pathlib import Path

import pytest
import world
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playing import fake_ear, kinds, texts

from grader.events import Closed, Resumed, Shown, Started
from simulator.errors import FlatlineError
from simulator.interview import Interview, Options
from simulator.store import Store
from simulator.table import Table

_real_ear = Table.ear


@pytest.fixture(autouse=True)
def _ear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Table, "ear", lambda self, text, state: fake_ear(text, state))


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def begin(store: Store, clock: Clock | None = None, **options: object) -> Interview:
    given = Options(**{"scenario": world.SLUG, "seed": 0} | options)  # type: ignore[arg-type]
    return Interview.begin(given, store, monotonic=clock or Clock())


def test_every_event_is_on_disk_before_it_is_returned(small_world: Path, clock: Clock) -> None:
    with Store() as store:
        interview = begin(store, clock)
        for act in (
            lambda: interview.send("request ?loss"),
            lambda: interview.note("hm"),
            lambda: interview.send("diagnosis the loop"),
            lambda: interview.finish(),
        ):
            events = act()
            assert events and store.events(interview.session_id)[-len(events) :] == events
        assert store.events(interview.session_id) == interview.events


def test_the_opening_is_filled_from_the_run(small_world: Path) -> None:
    with Store() as store:
        text = texts(begin(store).events)
    assert "The loss ends at 3.05." in text and "461000 parameters" in text and "from step 37 on" in text
    assert "20 minutes" in text


def test_a_fact_that_was_not_recorded_is_a_clear_error(
    small_world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = world.write_pack(tmp_path / "pack")
    path = pack / world.SLUG / "scenario.yaml"
    path.write_text(path.read_text().replace("{parameters}", "{no_such_fact}"))
    monkeypatch.setenv("FLATLINE_SCENARIOS", str(pack))
    with Store() as store, pytest.raises(FlatlineError, match="no_such_fact"):
        begin(store)


def test_resumed_it_stands_where_it_stood_and_the_clock_stood_still(small_world: Path, clock: Clock) -> None:
    with Store() as store:
        interview = begin(store, clock)
        clock.now += 100
        interview.send("request ?grad_norm")
        clock.now += 50
        interview.tick()
        before = interview.events
        left = interview.remaining()
        beat = store.entry(interview.session_id).beat
    del interview
    later = Clock()
    later.now = 5.0
    with Store() as store:
        again = Interview.resume(store, monotonic=later, now=lambda: beat + 3600)
        assert again.events[:-1] == before
        assert isinstance(again.events[-1], Resumed) and again.events[-1].gap == pytest.approx(3600)
        assert again.remaining() == pytest.approx(left) == pytest.approx(20 * 60 - 150)
        later.now += 10
        assert again.elapsed() == pytest.approx(160)
        shown = next(event for event in again.events if isinstance(event, Shown))
        assert again.evidence(shown).series[0].name == "grad_norm"
        assert store.events(again.session_id) == again.events


def test_resuming_the_closed_or_the_missing(small_world: Path) -> None:
    with Store() as store:
        with pytest.raises(FlatlineError, match="flatline play"):
            Interview.resume(store)
        interview = begin(store)
        interview.finish()
        assert Interview.resume(store, interview.session_id).closed
        with pytest.raises(FlatlineError, match="flatline play"):
            Interview.resume(store)


def test_a_failing_store_loses_nothing(small_world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store() as store:
        interview = begin(store)
        store._db.execute("PRAGMA query_only = ON")
        with pytest.raises(FlatlineError):
            interview.send("request ?loss")
        store._db.execute("PRAGMA query_only = OFF")
        events = interview.send("request ?grad_norm")
        assert kinds(events).count("Candidate") == 2
        assert store.events(interview.session_id) == interview.events


def test_two_programs_on_one_interview_do_not_mix(small_world: Path) -> None:
    with Store() as store:
        one = begin(store)
        other = Interview.look(store, one.session_id)
        one.send("request ?loss")
        with pytest.raises(FlatlineError, match="another program"):
            other.send("request ?grad_norm")


def test_the_clock_stops_at_the_end(small_world: Path, clock: Clock) -> None:
    with Store() as store:
        interview = begin(store, clock)
        clock.now += 60
        interview.finish()
        clock.now += 600
        assert interview.elapsed() == 60


def test_signs_of_life_keep_the_clock_honest(small_world: Path, clock: Clock) -> None:
    with Store() as store:
        interview = begin(store, clock)
        clock.now += 77
        interview.tick()
        assert store.entry(interview.session_id).elapsed == 77


def test_opening_evidence_and_code_by_round(small_world: Path) -> None:
    with Store() as store:
        debug, review = begin(store), begin(store, round="review")
        assert [piece.title for piece in debug.opening_evidence()] == ["loss", "lr"] and debug.code() == []
        (block,) = review.code()
        assert (
            review.opening_evidence() == [] and block.file == "train.py" and block.lines[0].startswith("def train_step")
        )
        assert review.minutes == 10 and "One optimizer step" in texts(review.events)


def test_only_lines_on_the_screen_can_be_marked(small_world: Path) -> None:
    with Store() as store:
        review = begin(store, round="review")
        block = review.code()[0]
        review.mark([(block.file, block.first_line)])
        assert review.marked == ((block.file, block.first_line),)
        with pytest.raises(FlatlineError, match="not on the screen"):
            review.mark([(block.file, block.first_line - 1)])


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"round": "loop"}, "not there yet"),
        ({"round": "x"}, "no round"),
        ({"level": "chief"}, "no level"),
        ({"level": "senior"}, "leave one"),
        ({"minutes": 0}, "--minutes"),
        ({"minutes": float("nan")}, "--minutes"),
        ({"scenario": "no-such"}, "no scenario"),
        ({"scenario": "0"}, "no scenario"),
        ({"scenario": "../../etc"}, "scenario"),
        ({"pack": "/nonexistent"}, "scenario pack"),
    ],
)
def test_wrong_options_are_one_clear_line(small_world: Path, options: dict[str, object], says: str) -> None:
    with Store() as store, pytest.raises(FlatlineError, match=says) as caught:
        begin(store, **options)
    assert "\n" not in str(caught.value)
    with Store() as store:
        assert store.history() == []


def test_a_scenario_is_found_by_its_number_its_names_and_by_chance(small_world: Path) -> None:
    from simulator.table import numbered

    number = str(numbered().index(world.SLUG) + 1)
    with Store() as store:
        for name in (number, world.SLUG, "901", "#901", "odd_test_name"):
            started = begin(store, scenario=name).events[0]
            assert isinstance(started, Started) and started.scenario == world.SLUG
        started = begin(store, scenario=None).events[0]
        assert isinstance(started, Started) and started.scenario == world.SLUG  # the only one with a run
        assert started.seed == 0
        assert begin(store, seed=1).events[0].seed == 1  # type: ignore[union-attr]


def test_unplayed_scenarios_come_before_played_ones(small_world: Path) -> None:
    from simulator.table import numbered

    with Store() as store:
        seen = []
        for seed in range(3):
            started = begin(store, round="review", scenario=None, seed=seed).events[0]
            assert isinstance(started, Started)
            seen.append(started.scenario)
    assert len(set(seen)) == min(3, len(numbered()))


def test_chance_seldom_takes_a_job_in_which_nothing_is_wrong() -> None:
    import random

    from scenarios import catalog
    from simulator.interview import Options
    from simulator.table import choose

    rng = random.Random(0)
    drawn = [choose(Options(round="review"), [], rng).slug for _ in range(300)]
    healthy = sum(not catalog.patch_text(slug).strip() for slug in drawn)
    assert 300 * 0.05 < healthy < 300 * 0.16


def test_the_recorded_run_may_be_gone(small_world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store() as store:
        id = begin(store).session_id
        monkeypatch.setenv("FLATLINE_TRACES", str(tmp_path / "nothing"))
        with pytest.raises(FlatlineError, match="no longer there"):
            Interview.resume(store, id)
        with pytest.raises(FlatlineError, match="gen-traces record"):
            begin(store)


def test_score_and_debrief_wait_for_the_end(small_world: Path) -> None:
    with Store() as store:
        interview = begin(store)
        for early in (interview.scorecard, interview.debrief):
            with pytest.raises(FlatlineError, match="/finish"):
                early()


def test_solution_and_verdict_are_opened_only_after_the_end(small_world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    read = Path.read_bytes

    def watched(path: Path) -> bytes:
        opened.append(path.name)
        return read(path)

    import io

    real_open = io.open
    monkeypatch.setattr(io, "open", lambda *a, **k: (opened.append(Path(str(a[0])).name), real_open(*a, **k))[1])
    monkeypatch.setattr(Path, "read_bytes", watched)
    with Store() as store:
        interview = begin(store)
        interview.opening_evidence()
        for text in ("request ?loss", "request ?code:train_loop", "request ?code:train_loop", "hint", "options"):
            interview.send(text)
        interview.send("diagnosis the gradients are never zeroed")
        assert "guide.yaml" in opened and "scenario.yaml" in opened
        assert not {"solution.yaml", "verdict.json"} & set(opened)
        interview.finish()
        interview.debrief()
        assert "solution.yaml" in opened


def test_the_debrief_tells_everything(small_world: Path) -> None:
    with Store() as store:
        interview = begin(store)
        interview.send("request ?grad_norm")
        interview.send("diagnosis zero_grad is never called, so gradients accumulate across steps")
        interview.finish()
        debrief = interview.debrief()
        assert debrief.title == world.TITLE and debrief.diff == world.patch() and debrief.bug_lines["train.py"]
        assert debrief.follow_ups[0].question.startswith("Why does it not show")
        assert debrief.seed == 0 and debrief.device == "a test's CPU" and debrief.catalogue == (901, "odd_test_name")
        assert debrief.scorecard == interview.scorecard()
        entry = store.entry(interview.session_id)
        assert entry.total == debrief.scorecard.total and isinstance(interview.events[-1], Closed)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(max_size=80), max_size=6), st.sampled_from(["debug", "review"]))
def test_no_text_breaks_an_interview(small_world: Path, texts: list[str], round: str) -> None:
    with pytest.MonkeyPatch.context() as patched, Store() as store:
        patched.setattr(Table, "ear", _real_ear)
        interview = begin(store, round=round)
        for text in [*texts, "I think it is the loop", "show me grad_norm 10-20", *texts]:
            interview.send(text)
        assert store.events(interview.session_id) == interview.events
