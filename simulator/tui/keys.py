"""Every key of the screens in one table: bindings, footer and help are made from it.

A key's `id` is what a person's own key table names (`KEYS_FILE` in the data folder): `round.evidence = "f11"`.
No key of the table is ctrl+b, which tmux takes for itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from textual.binding import Binding, BindingType

from simulator.errors import FlatlineError

KEYS_FILE = "keys.toml"


class Key(NamedTuple):
    """`keys` are alternatives, separated by commas; `label` is the footer's word for it, none keeps it out of there."""

    id: str
    keys: str
    action: str
    label: str
    help: str

    @property
    def where(self) -> str:
        return self.id.split(".")[0]


TABLE = (
    Key("app.help", "f1", "help", "help", "This page; again or esc to go back"),
    Key("app.leave", "ctrl+q", "leave", "leave", "Leave; a round stays as it is and can be resumed"),
    Key("app.copy_or_leave", "ctrl+c", "copy_or_leave", "", "Copy the selected text; with nothing selected, leave"),
    Key("home.level", "l", "cycle_level", "level", "Next level: any, junior, mid, senior"),
    Key("home.minutes", "m", "cycle_minutes", "minutes", "Next length: as suggested, 5, 10, 15, 20, 25, 45"),
    Key("home.other_list", "tab,shift+tab", "other_list", "rounds/history", "Between the rounds and the history"),
    Key("round.chat", "f2", "pane('chat')", "", "The conversation, ready to type"),
    Key("round.evidence", "f3", "pane('evidence')", "", "Everything you were shown: charts, tables, texts"),
    Key("round.code", "f4", "pane('code')", "", "The code you were given"),
    Key("round.notes", "f5", "pane('notes')", "", "Your own note pad; only you read it"),
    Key("round.next_pane", "f6", "next_pane", "", "The next pane"),
    Key("round.save", "f7", "save_transcript", "save", "Save the transcript so far as Markdown, and say where"),
    Key("round.finish", "f9", "finish", "finish", "Finish the round and see the score (asks once)"),
    Key("aside.type", "escape", "type", "type", "Back to typing"),
    Key("chat.send", "enter", "send", "send", "Send what you typed"),
    Key("chat.newline", "ctrl+j,shift+enter", "newline", "", "A new line in your message"),
    Key("chat.earlier", "up", "earlier", "", "On the first line: what you sent before"),
    Key("chat.later", "down", "later", "", "On the last line: forward again"),
    Key("chat.scroll_up", "pageup", "scroll_log(-1)", "", "Scroll the conversation up"),
    Key("chat.scroll_down", "pagedown", "scroll_log(1)", "", "Scroll the conversation down"),
    Key("chat.editor", "f8", "editor", "", "Write the message in $VISUAL or $EDITOR"),
    Key("evidence.next", "right_square_bracket,n", "step(1)", "next", "Next piece of evidence"),
    Key("evidence.previous", "left_square_bracket,p", "step(-1)", "", "Previous piece of evidence"),
    Key("evidence.form", "t", "toggle_form", "table", "Between chart and table"),
    Key("evidence.log", "l", "toggle_log", "log", "Between linear and logarithmic y axis"),
    Key("chart.zoom_in", "plus,equals_sign", "zoom_x_in", "zoom", "Zoom in on the steps"),
    Key("chart.zoom_out", "minus", "zoom_x_out", "", "Zoom out"),
    Key("chart.zoom_y_in", "Y,shift+up", "zoom_y_in", "", "Zoom in on the values"),
    Key("chart.zoom_y_out", "y,shift+down", "zoom_y_out", "", "Zoom out of the values"),
    Key("chart.left", "left,h", "pan_left", "", "Move left"),
    Key("chart.right", "right", "pan_right", "", "Move right"),
    Key("chart.up", "up,k", "pan_up", "", "Move up"),
    Key("chart.down", "down,j", "pan_down", "", "Move down"),
    Key("chart.reset", "r,0", "reset_scales", "reset", "The whole curve again"),
    Key("lines.up", "up,k", "up", "", "One line up"),
    Key("lines.down", "down,j", "down", "", "One line down"),
    Key("lines.page_up", "pageup", "page(-1)", "", "One page up"),
    Key("lines.page_down", "pagedown", "page(1)", "", "One page down"),
    Key("lines.home", "home,g", "top", "", "First line"),
    Key("lines.end", "end,G", "bottom", "", "Last line"),
    Key("lines.left", "left", "sideways(-8)", "", "To the left of long lines"),
    Key("lines.right", "right", "sideways(8)", "", "To the right of long lines"),
    Key("code.mark", "space,x", "mark", "mark line", "Mark or unmark the line: this is where the fault is (reviews)"),
    Key("code.next_mark", "m", "next_mark", "next mark", "To the next marked line"),
    Key("code.unmark", "u", "unmark_all", "unmark all", "Take back all marks"),
    Key("debrief.score", "1", "page('score')", "score", "The score and its reasons"),
    Key("debrief.answer", "2", "page('answer')", "what was wrong", "What was wrong, and what shows it"),
    Key("debrief.way", "3", "page('way')", "way there", "Your way beside a strong candidate's"),
    Key("debrief.talk", "4", "page('talk')", "conversation", "The conversation again"),
    Key("debrief.opinion", "o", "opinion", "", "Ask the configured model for a second opinion"),
    Key("debrief.next", "right,tab", "turn(1)", "", "Next page"),
    Key("debrief.previous", "left,shift+tab", "turn(-1)", "", "Previous page"),
    Key("debrief.export", "e,f7", "export", "save", "Save transcript and score as Markdown"),
    Key("debrief.home", "escape,b", "home", "home", "Back to the home screen"),
    Key("debrief.up", "k", "scroll(-1)", "", "Scroll up; so do ↑ and PgUp"),
    Key("debrief.down", "j", "scroll(1)", "", "Scroll down; so do ↓ and PgDn"),
    Key("help.back", "escape", "back", "back", "Back to where you were"),
    Key("confirm.yes", "y,enter", "yes", "yes", "Yes"),
    Key("confirm.no", "n,escape", "no", "no", "No"),
)

PLACES = {
    "app": "Everywhere",
    "home": "Home",
    "round": "In a round",
    "aside": "Beside the conversation",
    "chat": "Typing",
    "evidence": "Evidence",
    "chart": "A chart",
    "lines": "Code, tables and texts",
    "code": "Code",
    "debrief": "Debrief",
    "help": "Help",
    "confirm": "A question",
}

HELP = "app.help"
# A text area has other uses for some of these keys and would take them before a binding is asked.
FIRST_PLACES = {"app", "round"}

SPELLED = {
    "escape": "esc",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "plus": "+",
    "minus": "-",
    "equals_sign": "=",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
}


def bindings(*places: str) -> list[BindingType]:
    """Return the bindings of some places, for a widget's or screen's `BINDINGS`."""
    return [
        Binding(
            key.keys,
            key.action,
            key.label,
            show=False,
            id=key.id,
            priority=key.where in FIRST_PLACES,
        )
        for key in TABLE
        if key.where in places
    ]


def spell(key: str) -> str:
    """Return a key the way people write it: `F3`, `^q`, `esc`."""
    if key in SPELLED:
        return SPELLED[key]
    if key.startswith("ctrl+"):
        return "^" + key.removeprefix("ctrl+")
    if key.startswith("shift+"):
        return "shift+" + spell(key.removeprefix("shift+"))
    return key.upper() if len(key) > 1 and key[0] == "f" and key[1:].isdigit() else key


def spelled(key: Key, keymap: Mapping[str, str], alternatives: bool = False) -> str:
    """Return the key, or all its alternatives, as spelled in the person's own `keymap` or the table."""
    names = [spell(name.strip()) for name in keymap.get(key.id, key.keys).split(",")]
    return " ".join(names) if alternatives else names[0]


def footer(places: Iterable[str], keymap: Mapping[str, str], room: int) -> list[tuple[str, str]]:
    """Return (key, label) of the places in their order, as many as fit into `room` cells.

    Each takes its two words, a space between and two after. The key to the help comes last and always has its place.
    """
    shown = [(spelled(key, keymap), key.label) for place in places for key in TABLE if key.where == place and key.label]
    help = next((spelled(key, keymap), key.label) for key in TABLE if key.id == HELP)
    room -= sum(map(len, help)) + 1
    fitting: list[tuple[str, str]] = []
    for key, label in shown:
        if (key, label) == help:
            continue
        room -= len(key) + len(label) + 3
        if room < 0:
            break
        fitting.append((key, label))
    return [*fitting, help]


def read_keymap(folder: Path) -> dict[str, str]:
    """Return the person's own keys, {} when there are none.

    Raises FlatlineError when the file cannot be read, is no TOML, or names a key that is not in the table.
    """
    import tomllib

    path = folder / KEYS_FILE
    if not path.is_file():
        return {}
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise FlatlineError(f"{path}: cannot be read as TOML ({error}); your own keys are not used") from None
    keymap = {f"{place}.{name}": keys for place, names in table.items() if isinstance(names, dict)
              for name, keys in names.items()}  # fmt: skip
    known = {key.id for key in TABLE}
    for name, keys in keymap.items():
        if name not in known:
            raise FlatlineError(f"{path}: there is no key called {name}; F1 lists what there is")
        if not isinstance(keys, str) or not keys.strip():
            raise FlatlineError(f'{path}: {name} must be a key in quotes, such as "f11" or "ctrl+t"')
    return keymap
