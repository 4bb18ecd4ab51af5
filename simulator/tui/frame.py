"""What all screens share: the line of keys at the bottom, and a plain word when the terminal is too small."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from textual import events
from textual.app import ComposeResult
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from simulator.tui import keys

SMALLEST = (60, 18)
"""Columns and rows below which a screen only says that it needs more."""

Result = TypeVar("Result")


class KeyBar(Static):
    """The keys that work now, on one line; those that do not fit are left to F1."""

    DEFAULT_CSS = """
    KeyBar { dock: bottom; height: 1; padding: 0 1; background: $panel; color: $foreground; text-wrap: nowrap; }
    KeyBar:ansi { background: ansi_default; }
    """

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._places: tuple[str, ...] = ()

    def show(self, places: Iterable[str]) -> None:
        self._places = tuple(places)
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        keymap: dict[str, str] = getattr(self.app, "keymap_shown", {})
        shown = keys.footer(self._places, keymap, self.size.width - 2)
        parts = [Content.assemble((key, "bold $accent"), f" {label}") for key, label in shown]
        self.update(Content("  ").join(parts))


class Frame(Screen[Result]):
    """A screen with a body, a line of keys, and a stand-in for terminals that are too small.

    `KEY_PLACES` are the parts of the key table that belong to the screen; a widget in focus adds its own by an
    attribute `key_places`.
    """

    KEY_PLACES: tuple[str, ...] = ("app",)
    DEFAULT_CSS = """
    Frame { overflow: hidden; }
    Frame > #too-small { display: none; width: 100%; height: 100%; content-align: center middle; text-align: center; }
    Frame.-too-small > * { display: none; }
    Frame.-too-small > #too-small { display: block; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._focused_before: Widget | None = None

    def body(self) -> ComposeResult:
        """Yield the screen's own widgets."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        yield from self.body()
        yield KeyBar()
        yield Static(id="too-small", markup=False)

    def on_mount(self) -> None:
        self.call_after_refresh(self.show_keys)

    def on_descendant_focus(self) -> None:
        self.show_keys()

    def on_descendant_blur(self) -> None:
        self.show_keys()

    def show_keys(self) -> None:
        """Make the line of keys fit what is in focus."""
        bar = next(iter(self.query(KeyBar)), None)
        if bar is None:
            return
        own: list[str] = []
        widget = self.focused
        while widget is not None and widget is not self:
            own += [place for place in getattr(widget, "key_places", ()) if place not in own]
            widget = widget.parent if isinstance(widget.parent, Widget) else None
        bar.show([*own, *(place for place in self.KEY_PLACES if place != "app"), "app"])

    def on_resize(self, event: events.Resize) -> None:
        width, height = event.size
        small = width < SMALLEST[0] or height < SMALLEST[1]
        if small == self.has_class("-too-small"):
            if small:
                self._say_too_small(width, height)
            return
        if small:
            self._focused_before = self.focused
            self._say_too_small(width, height)
        self.set_class(small, "-too-small")
        if not small and self._focused_before is not None and self._focused_before.is_attached:
            self.call_after_refresh(self._focused_before.focus)

    def _say_too_small(self, width: int, height: int) -> None:
        said = f"This window is {width}x{height}.\nFlatline needs {SMALLEST[0]}x{SMALLEST[1]}.\nNothing is lost."
        self.query_one("#too-small", Static).update(said)
