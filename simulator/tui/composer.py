"""Where the candidate types."""

from __future__ import annotations

from textual import events
from textual.message import Message
from textual.widgets import TextArea

from simulator.errors import FlatlineError
from simulator.tui.keys import bindings

# A text area would type these keys itself before a binding is asked.
TAKEN = {"chat.send", "chat.newline"}


class Composer(TextArea):
    """A message of one or more lines; remembers what was sent."""

    key_places = ("chat",)
    DEFAULT_CSS = """
    Composer {
        height: auto; min-height: 3; max-height: 8; border: round $foreground 30%; padding: 0 1;
        background: $background; scrollbar-size: 1 1;
        &:focus { border: round $accent; }
        &:ansi { background: ansi_default; border: round ansi_default; }
        &:ansi:focus { border: round ansi_green; }
    }
    """
    BINDINGS = bindings("chat")

    class Sent(Message):
        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class ScrollLog(Message):
        """The conversation is to be scrolled by a page, up (-1) or down (1)."""

        def __init__(self, direction: int) -> None:
            super().__init__()
            self.direction = direction

    class Trouble(Message):
        """Something did not work; `text` says what."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, *, id: str | None = None, placeholder: str = "") -> None:
        super().__init__(
            id=id, soft_wrap=True, show_line_numbers=False, compact=False, placeholder=placeholder,
            highlight_cursor_line=False, tab_behavior="focus",
        )  # fmt: skip
        self.sent: list[str] = []
        self._at = 0
        self._draft = ""

    async def _on_key(self, event: events.Key) -> None:
        # Not as priority bindings: those overtake what was typed right before them and is still waiting here.
        bound = self.screen.active_bindings.get(event.key)
        if bound is not None and bound.binding.id in TAKEN:
            event.stop()
            event.prevent_default()
            await self.run_action(bound.binding.action)
            return
        await super()._on_key(event)

    def remember(self, text: str) -> None:
        if text.strip() and (not self.sent or self.sent[-1] != text):
            self.sent.append(text)
        self._at = len(self.sent)

    def put_back(self, text: str) -> None:
        """Give back a text that could not be sent, before whatever has been typed since."""
        self._put(f"{text}\n{self.text}" if self.text.strip() else text)

    def action_send(self) -> None:
        text = self.text
        if text.strip():
            self.remember(text)
            self._put("")
            self.post_message(self.Sent(text))

    def action_newline(self) -> None:
        self.insert("\n")

    def action_earlier(self) -> None:
        if not self.cursor_at_first_line or not self._at:
            self.action_cursor_up()
            return
        if self._at == len(self.sent):
            self._draft = self.text
        self._at -= 1
        self._put(self.sent[self._at])

    def action_later(self) -> None:
        if not self.cursor_at_last_line or self._at >= len(self.sent):
            self.action_cursor_down()
            return
        self._at += 1
        self._put(self.sent[self._at] if self._at < len(self.sent) else self._draft)

    def action_scroll_log(self, direction: int) -> None:
        self.post_message(self.ScrollLog(direction))

    def action_editor(self) -> None:
        try:
            self._put(edited(self.text, self))
        except FlatlineError as error:
            self.post_message(self.Trouble(str(error)))

    def _put(self, text: str) -> None:
        self.text = text
        self.move_cursor(self.document.end)


def edited(text: str, widget: TextArea) -> str:
    """Return `text` as changed in the person's editor, the program being suspended meanwhile.

    Raises FlatlineError when there is no editor, it fails, or the terminal cannot be handed over.
    """
    import os
    import shlex
    import subprocess
    import tempfile
    from pathlib import Path

    from textual.app import SuspendNotSupported

    command = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not command:
        raise FlatlineError("no editor is named: set VISUAL or EDITOR")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "message.txt"
        path.write_text(text, encoding="utf-8")
        try:
            with widget.app.suspend():
                code = subprocess.call([*shlex.split(command), str(path)])
        except (OSError, ValueError) as error:
            raise FlatlineError(f"the editor {command!r} cannot be started ({error}): set VISUAL or EDITOR") from None
        except SuspendNotSupported:
            raise FlatlineError("this terminal cannot be handed to an editor") from None
        if code:
            raise FlatlineError(f"the editor {command!r} ended with {code}; the message is as it was")
        return path.read_text(encoding="utf-8", errors="replace").rstrip("\n")
