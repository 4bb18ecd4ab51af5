from pathlib import Path

import pytest

from simulator.errors import FlatlineError
from simulator.tui import keys
from simulator.tui.help import WIDTH, help_lines


def test_ids_are_unique_and_every_place_has_a_title() -> None:
    ids = [key.id for key in keys.TABLE]
    assert len(set(ids)) == len(ids)
    assert {key.where for key in keys.TABLE} == set(keys.PLACES)


def test_no_key_is_taken_by_tmux() -> None:
    assert all("ctrl+b" not in key.keys.split(",") for key in keys.TABLE)


@pytest.mark.parametrize(
    "places",
    [
        ("app", "home"),
        ("app", "round", "chat"),
        ("app", "round", "evidence", "chart"),
        ("app", "round", "evidence", "lines"),
        ("app", "round", "code", "lines"),
        ("app", "debrief"),
    ],
)
def test_keys_that_work_at_the_same_time_do_not_clash(places: tuple[str, ...]) -> None:
    used = [name for key in keys.TABLE if key.where in places for name in key.keys.split(",")]
    assert sorted(set(used)) == sorted(used)


def test_footer_keeps_the_help_however_narrow() -> None:
    assert keys.footer(["round", "app"], {}, 8) == [("F1", "help")]
    wide = keys.footer(["chat", "round", "app"], {}, 200)
    assert wide[0] == ("enter", "send") and wide[-1] == ("F1", "help") and ("F9", "finish") in wide


def test_footer_shows_a_persons_own_key() -> None:
    assert ("F12", "finish") in keys.footer(["round", "app"], {"round.finish": "f12"}, 200)


def test_help_names_every_key_and_fits() -> None:
    lines = [line.plain for line in help_lines({"round.finish": "f12"})]
    page = "\n".join(lines)
    assert all(key.id in page for key in keys.TABLE)
    assert any(line.strip().startswith("F12") and "Finish" in line for line in lines)
    assert max(map(len, lines)) <= WIDTH


def test_own_keys_are_read(tmp_path: Path) -> None:
    assert keys.read_keymap(tmp_path) == {}
    (tmp_path / keys.KEYS_FILE).write_text('[round]\nfinish = "f12"\n')
    assert keys.read_keymap(tmp_path) == {"round.finish": "f12"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[round\n", "cannot be read as TOML"),
        ('[round]\nfinnish = "f12"\n', "no key called round.finnish"),
        ("[round]\nfinish = 12\n", "must be a key in quotes"),
    ],
)
def test_own_keys_that_make_no_sense_are_refused(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / keys.KEYS_FILE).write_text(text)
    with pytest.raises(FlatlineError, match=says):
        keys.read_keymap(tmp_path)
