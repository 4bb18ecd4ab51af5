"""The page behind F1: every key, from the one table, and how a round goes."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.widgets import Static

from simulator.tui import keys
from simulator.tui.frame import Frame
from simulator.tui.keys import bindings
from simulator.tui.lines import Lines

WIDTH = 72
"""Cells of the widest line, so that the page fits the smallest common terminal."""
HOW = """\
A debugging round starts with a symptom. Ask for what you want to see, in your own words, and say what you suspect and
why. “I think …” is a hypothesis; when you know the cause, claim it: “My diagnosis: …, because …”. Then answer the
questions that follow.

A code review starts with the code. Mark the lines at fault, say what is wrong with them and how to mend it.

Short ways: “/show grad_norm 180-220” asks for a diagnostic by name; “what can I ask for?” lists them; “hint” gives one
of three hints, and costs; “/skip” passes over a question; “/finish” is the finish key. Nothing you said is lost if the
program ends.

Text is copied by selecting it with the mouse and ctrl+c; saving the transcript writes all of it to a file.
"""


class Help(Frame[None]):
    KEY_PLACES = ("app", "help")
    DEFAULT_CSS = """
    Help > #title { height: 1; margin: 1 2 0 2; text-style: bold; color: $accent; }
    Help > Lines { margin: 1 2 0 2; }
    """
    BINDINGS = bindings("help")

    def body(self) -> ComposeResult:
        yield Static("Keys", id="title", markup=False)
        yield Lines(id="keys")

    def on_mount(self) -> None:
        self.query_one("#keys", Lines).show(help_lines(getattr(self.app, "keymap_shown", {})))
        self.query_one("#keys", Lines).focus()

    def action_back(self) -> None:
        self.app.pop_screen()


def help_lines(keymap: dict[str, str]) -> list[Text]:
    """Return the page, made from the key table and a person's own keys."""
    shown = [(key, keys.spelled(key, keymap, alternatives=True)) for key in keys.TABLE]
    width = max(len(spelled) for _, spelled in shown)
    lines = [Text(line) for line in _wrapped(HOW)]
    for place, title in keys.PLACES.items():
        lines += [Text(), Text(title, style="bold")]
        for key, spelled in shown:
            if key.where == place:
                lines += _entry(spelled, key.help, width)
    lines += [
        Text(),
        Text(f"Your own keys go into {keys.KEYS_FILE} in the data folder, such as"),
        Text("  [round]"),
        Text('  finish = "f12"'),
        Text(),
        Text("The keys' own names:"),
        *(Text(f"  {key.id:<22} {key.keys}", style="dim") for key in keys.TABLE),
    ]
    return lines


def _entry(spelled: str, help: str, width: int) -> list[Text]:
    import textwrap

    first, *rest = textwrap.wrap(help, WIDTH - width - 4)
    indent = " " * (width + 4)
    return [Text.assemble((f"  {spelled:<{width}}  ", "bold"), first), *(Text(indent + line) for line in rest)]


def _wrapped(text: str, width: int = WIDTH) -> list[str]:
    import textwrap

    found: list[str] = []
    for paragraph in text.strip().split("\n\n"):
        found += [*textwrap.wrap(" ".join(paragraph.split()), width), ""]
    return found[:-1]
