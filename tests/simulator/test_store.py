"""Interviews on disk: nothing lost, nothing overwritten, and a clear line when the file cannot be used."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from playing import Play

from grader.events import Interviewer, Started
from simulator import store as stores
from simulator.errors import FlatlineError
from simulator.store import Store


def _filled(store: Store, id: str = "abcd1234") -> list[object]:
    play = Play()
    play.setup = msgspec.structs.replace(play.setup, session=id)
    session = play.again([])
    events = session.start()
    assert isinstance(events[0], Started)
    store.create(events[0])
    events += session.hear("request ?loss") + session.mark([("a.py", 3)]) + session.hear("diagnosis x")
    store.append(id, events, 12.5)
    return events


def test_no_folder_is_made_by_importing(data_home: Path) -> None:
    subprocess.run([sys.executable, "-c", "import simulator.store, simulator.interview, simulator.cli"], check=True)
    assert not data_home.exists()


def test_events_come_back_as_they_were(data_home: Path) -> None:
    with Store() as store:
        events = _filled(store)
    with Store() as store:
        assert store.events("abcd1234") == events
        (entry,) = store.history()
        assert (entry.id, entry.elapsed, entry.closed, entry.total) == ("abcd1234", 12.5, None, None)
    assert data_home.is_dir()


def test_append_is_all_or_nothing_and_never_overwrites(data_home: Path) -> None:
    with Store() as store:
        events = _filled(store)
        extra = Interviewer(seq=len(events) + 1, at=13, wall="", text="new", why="reply")
        twice = Interviewer(seq=1, at=13, wall="", text="again", why="reply")
        with pytest.raises(FlatlineError, match="another program"):
            store.append("abcd1234", [extra, twice], 13)
        assert store.events("abcd1234") == events


def test_a_sign_of_life_only_moves_the_clock_on(data_home: Path) -> None:
    with Store() as store:
        _filled(store)
        store.beat("abcd1234", 90.0)
        store.beat("abcd1234", 20.0)
        assert store.entry("abcd1234").elapsed == 90.0


def test_an_id_may_be_shortened_while_it_is_clear(data_home: Path) -> None:
    with Store() as store:
        _filled(store, "abcd1234")
        _filled(store, "abff0000")
        assert store.entry("ABC").id == "abcd1234"
        for wrong in ("ab", "zz", "", "%"):
            with pytest.raises(FlatlineError):
                store.entry(wrong)


def test_the_unfinished_one_worked_on_last_is_found(data_home: Path) -> None:
    with Store() as store:
        assert store.unfinished() is None
        _filled(store, "abcd1234")
        _filled(store, "abff0000")
        store.beat("abcd1234", 99.0)
        found = store.unfinished()
        assert found and found.id == "abcd1234"


def _broken(path: Path) -> None:
    path.write_bytes(b"this is no database at all, just text\n" * 100)


def _newer(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version = {stores.SCHEMA + 1}")


@pytest.mark.parametrize(("spoil", "says"), [(_broken, "move it away"), (_newer, "newer version")])
def test_an_unusable_file_is_one_clear_line(data_home: Path, spoil: object, says: str) -> None:
    data_home.mkdir()
    spoil(data_home / stores.FILE)  # type: ignore[operator]
    with pytest.raises(FlatlineError, match=says) as caught:
        Store()
    assert "\n" not in str(caught.value)


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file" / "below", tmp_path / "file"):
        with pytest.raises(FlatlineError, match="FLATLINE_HOME"):
            Store(folder)


def test_a_file_that_may_only_be_read_is_one_clear_line(data_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store() as store:
        store._db.execute("PRAGMA query_only = ON")
        with pytest.raises(FlatlineError, match="cannot be written"):
            _filled(store)


def test_a_locked_file_is_one_clear_line(data_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "WAIT_SECONDS", 0.05)
    with Store() as store:
        _filled(store)
    other = sqlite3.connect(data_home / stores.FILE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with Store() as store, pytest.raises(FlatlineError, match="locked by another program"):
            store.beat("abcd1234", 1.0)
    finally:
        other.close()


def test_damaged_events_are_one_clear_line(data_home: Path) -> None:
    with Store() as store:
        _filled(store)
        store._db.execute("UPDATE events SET body = x'ff00' WHERE seq = 2")
        with pytest.raises(FlatlineError, match="damaged"):
            store.events("abcd1234")
