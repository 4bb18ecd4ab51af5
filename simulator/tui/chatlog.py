"""The conversation so far."""

from __future__ import annotations

import re
from collections.abc import Iterable

from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from grader.events import AnyEvent, Candidate, Closed, Hint, Interviewer, Notice, Resumed, Shown
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
    Said.-quiet { border-left: blank; color: $foreground 60%; }
    Said:ansi { border-left: outer ansi_blue; }
    Said.-candidate:ansi { border-left: outer ansi_green; }
    Said.-time:ansi { border-left: outer ansi_yellow; }
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

    @property
    def at_end(self) -> bool:
        return self.scroll_target_y >= self.max_scroll_y - 1

    async def tell(self, events: Iterable[AnyEvent]) -> bool:
        """Add what the events say; return whether something new lies below what the reader sees."""
        widgets: list[Widget] = [said for event in events if (said := told(event)) is not None]
        if not widgets:
            return False
        at_end = self.at_end
        await self.mount_all(widgets)
        if at_end:
            self.call_after_refresh(self.scroll_end, animate=False)
        return not at_end

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
        case Notice() | Closed():
            return None
    return None


def _said(who: str, at: float, text: str, classes: str) -> Said:
    head = Content.assemble((who, "bold"), (f"  {clock(at)}", "dim"), "\n")
    words = re.sub(r"\n{3,}", "\n\n", visible(text).strip("\n"))
    return Said(head + Content(words), classes)
