"""The conversation so far."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from grader.events import AnyEvent, Candidate, Closed, Hint, Interviewer, Notice, Resumed, Sent, Shown, Unaided
from simulator.model.marks import words
from simulator.tui.literal import visible

SHORT = 5
"""Lines up to which a text is told in the conversation itself; longer ones are for the evidence pane."""


def clock(seconds: float) -> str:
    """Write a time of the interview: 4:07, 1:02:07."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class Said(Static):
    """One message."""

    DEFAULT_CSS = """
    Said { height: auto; padding: 0 1; margin: 1 0 0 0; border-left: outer $primary 50%; }
    Said:first-child { margin: 0; }
    Said.-candidate { border-left: outer $accent; }
    Said.-time { border-left: outer $warning; }
    Said.-evidence { border-left: blank; color: $foreground 85%; margin: 0; }
    Said.-evidence:hover { background: $panel; }
    Said.-provisional { color: $foreground 75%; }
    Said.-quiet { border-left: blank; color: $foreground 60%; }
    Said:ansi { border-left: outer ansi_blue; }
    Said.-candidate:ansi { border-left: outer ansi_green; }
    Said.-time:ansi { border-left: outer ansi_yellow; }
    Said.-provisional:ansi { color: ansi_default; }
    Said.-quiet:ansi, Said.-evidence:ansi { border-left: blank; color: ansi_default; }
    """

    class Chosen(Message):
        """A piece of evidence in the conversation was clicked."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    def __init__(self, content: Content, classes: str, number: int | None = None) -> None:
        super().__init__(content, classes=classes, markup=False)
        self.number = number

    def on_click(self) -> None:
        if self.number is not None:
            self.post_message(self.Chosen(self.number))


class ChatLog(VerticalScroll):
    """Messages, oldest first. New ones scroll into view only for a reader who is at the end."""

    DEFAULT_CSS = """
    ChatLog { height: 1fr; scrollbar-size: 1 1; padding: 0 1 0 0; }
    """

    def __init__(self, *, id: str | None = None, can_focus: bool | None = None) -> None:
        super().__init__(id=id, can_focus=can_focus)
        self._provisional: Said | None = None

    @property
    def at_end(self) -> bool:
        return self.scroll_target_y >= self.max_scroll_y - 1

    async def tell(self, events: Iterable[AnyEvent], waiting: Sequence[str] = (), reply: str = "") -> bool:
        """Add what the events say; return whether something new lies below what the reader sees.

        `waiting` are messages that are still thought about; they stand below all else, the reply to the first of them
        as far as it has come.
        """
        widgets: list[Widget] = [said for event in events if (said := told(event)) is not None]
        before, self._provisional = self._provisional, provisional(waiting, reply)
        if before is None and self._provisional is None and not widgets:
            return False
        at_end = self.at_end
        with self.app.batch_update():
            if before is not None:
                await before.remove()
            await self.mount_all([*widgets, self._provisional] if self._provisional is not None else widgets)
        if at_end:
            self.call_after_refresh(self.scroll_end, animate=False)
        return bool(widgets) and not at_end

    def page(self, direction: int) -> None:
        self.scroll_relative(y=direction * max(1, self.size.height - 2), animate=False)


def told(event: AnyEvent) -> Said | None:
    """Return how an event appears in the conversation; None when it does not."""
    match event:
        case Candidate():
            return _said("you", event.at, event.text, "-candidate")
        case Interviewer(why="time" | "silence" | "check_in"):
            return _said("interviewer", event.at, event.text, "-time")
        case Interviewer():
            return _said("interviewer", event.at, event.text, "-interviewer")
        case Shown(recorded=True):
            lines = visible(event.summary).strip("\n").split("\n")
            content = Content.assemble((f"▸ {event.n} ", "bold $accent"), visible(event.title))
            if len(lines) <= SHORT and lines != [visible(event.title)]:
                content = content + Content("".join(f"\n  {line}" for line in lines))
            return Said(content, "-evidence", event.n)
        case Resumed():
            return Said(Content(f"– back after {clock(event.gap)}; the clock stood still –"), "-quiet")
        case Hint():
            return Said(Content(f"– hint {event.rung} of 3 –"), "-quiet")
        case Unaided():
            return Said(Content(f"– {words(event)} –"), "-quiet")
        case Notice() | Sent() | Closed():
            return None
    return None


def provisional(waiting: Sequence[str], reply: str) -> Said | None:
    """Return how messages appear that have no event yet, None when there are none."""
    if not waiting:
        return None
    first, *others = (Content(_words(text)) for text in waiting)
    parts = [_head("you", "…") + first, _head("interviewer", "…") + Content(_words(reply))]
    return Said(Content("\n\n").join([*parts, *(_head("you", "…") + text for text in others)]), "-provisional")


def _said(who: str, at: float, text: str, classes: str) -> Said:
    return Said(_head(who, clock(at)) + Content(_words(text)), classes)


def _head(who: str, when: str) -> Content:
    return Content.assemble((who, "bold"), (f"  {when}", "dim"), "\n")


def _words(text: str) -> str:
    return re.sub(r"\n{3,}", "\n\n", visible(text).strip("\n"))
