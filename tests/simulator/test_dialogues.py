"""Messages that refer to what was said before them."""

from pathlib import Path

import msgspec
import pytest

from grader.events import Request
from scenarios import vocabulary
from simulator.interviewer import labelled
from simulator.interviewer.ear import EarContext, spoken_of, understand

WORDS = vocabulary.load()


class Turn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    text: str
    reveals: tuple[str, ...]


class Dialogue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    say: tuple[Turn, ...]
    beyond: bool = False


DIALOGUES = msgspec.yaml.decode(Path(__file__).with_name("dialogues.yaml").read_bytes(), type=list[Dialogue])


def cases() -> list[object]:
    beyond = pytest.mark.xfail(strict=True, reason="the ear is not up to it yet")
    return [pytest.param(one, id=one.name, marks=[beyond] if one.beyond else []) for one in DIALOGUES]


@pytest.mark.parametrize("dialogue", cases())
def test_each_message_reveals_what_it_refers_to(dialogue: Dialogue) -> None:
    last: tuple[Request, ...] = ()
    named: tuple[Request, ...] = ()
    for turn in dialogue.say:
        context = EarContext(total_steps=400, n_layers=4, last=last, named=named)
        heard = understand(turn.text, WORDS, context)
        wanted = tuple(labelled.request(text) for text in turn.reveals)
        assert set(heard.requests) == set(wanted), turn.text
        last, named = (wanted, ()) if wanted else (last, spoken_of(turn.text, WORDS))


def test_there_are_enough_of_them() -> None:
    assert len([one for one in DIALOGUES if not one.beyond]) >= 60
    assert len({one.name for one in DIALOGUES}) == len(DIALOGUES)
