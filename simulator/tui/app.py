"""The Textual program: which screen follows which, and the one thread behind them.

Only Textual and light modules are imported here; the store, the interview and every screen but the first are imported
when they are needed, after the first frame.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.app import App

from simulator.errors import FlatlineError
from simulator.tui.backstage import Backstage
from simulator.tui.home import Home
from simulator.tui.keys import bindings
from simulator.tui.theme import NAME, THEME

if TYPE_CHECKING:
    from simulator.interview import Interview, Options
    from simulator.store import Store


class FlatlineApp(App[None]):
    """Opens with the home screen, or with the round that `options` or `session_id` ask for."""

    TITLE = "flatline"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS = bindings("app")

    def __init__(
        self,
        store_factory: Callable[[], Store],
        options: Options | None = None,
        session_id: str | None = None,
    ) -> None:
        super().__init__()
        self.register_theme(THEME)
        if os.environ.get("TEXTUAL_THEME") not in self.available_themes:
            # Set as a value, before anything is styled: as a change it would style the first frame twice.
            self.set_reactive(App.theme, NAME)
            self.stylesheet.set_variables(self.get_css_variables())
        self._store_factory = store_factory
        self._store: Store | None = None
        self._options = options
        self._session_id = session_id
        self.backstage = Backstage()
        self.keymap_shown: dict[str, str] = {}
        self.unfinished: str | None = None
        self.refused: str | None = None
        self.mishap: str | None = None

    def get_default_screen(self) -> Home:
        return Home()

    def on_mount(self) -> None:
        self.call_after_refresh(self._after_first_frame)

    def _after_first_frame(self) -> None:
        self._own_keys()
        if self._session_id is not None:
            self.open_session(self._session_id, leave_on_error=True)
        elif self._options is not None:
            self.begin(self._options, leave_on_error=True)
        else:
            self.run_worker(self.backstage.do(_warm), group="warm")

    def _own_keys(self) -> None:
        from simulator.store import home
        from simulator.tui.keys import read_keymap

        try:
            self.keymap_shown = read_keymap(home())
        except FlatlineError as error:
            self.say(str(error))
        if self.keymap_shown:
            self.set_keymap(self.keymap_shown)
            for screen in self.screen_stack:
                getattr(screen, "show_keys", lambda: None)()

    def store(self) -> Store:
        """The store, opened when first asked for; to be called backstage. Raises FlatlineError."""
        if self._store is None:
            self._store = self._store_factory()
        return self._store

    def say(self, text: str, error: bool = True) -> None:
        self.notify(text, severity="error" if error else "information", timeout=12, markup=False)

    def _handle_exception(self, error: Exception) -> None:
        # Textual would print a traceback over the round; nothing of the round is lost, so a line is enough.
        from simulator.mishap import line_on

        self.mishap = self.mishap or line_on(error)
        self._return_code = 2
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        self._close_messages_no_wait()

    # -- from screen to screen

    def begin(self, options: Options, leave_on_error: bool = False) -> None:
        """Start a new round."""

        def make() -> Interview:
            from simulator.interview import Interview

            return Interview.begin(options, self.store())

        self._open(make, leave_on_error)

    def open_session(self, session_id: str, leave_on_error: bool = False) -> None:
        """Take up an unfinished round, or show the debrief of a finished one."""

        def make() -> Interview:
            from simulator.interview import Interview

            return Interview.resume(self.store(), session_id or None)

        self._open(make, leave_on_error)

    def _open(self, make: Callable[[], Interview], leave_on_error: bool) -> None:
        self.run_worker(self._opened(make, leave_on_error), group="open", exclusive=True)

    async def _opened(self, make: Callable[[], Interview], leave_on_error: bool) -> None:
        try:
            interview = await self.backstage.do(make)
        except FlatlineError as error:
            if leave_on_error:
                self.refused = str(error)
                self.exit(return_code=2)
            else:
                self.say(str(error))
            return
        if interview.closed:
            self.show_debrief(interview)
            return
        if interview.about_model:
            self.say(interview.about_model, error=False)
        from simulator.tui.round import Round

        self.unfinished = interview.session_id
        await self.push_screen(Round(interview))

    def show_debrief(self, interview: Interview) -> None:
        """Grade a closed round and show the result in place of the round."""
        self.unfinished = None
        self.run_worker(self._debrief(interview), group="open", exclusive=True)

    async def _debrief(self, interview: Interview) -> None:
        try:
            debrief = await self.backstage.do(interview.debrief)
        except FlatlineError as error:
            self.say(str(error))
            self.go_home()
            return
        from simulator.tui.debrief import DebriefScreen

        self.go_home()
        await self.push_screen(DebriefScreen(interview, debrief))

    def go_home(self) -> None:
        while len(self.screen_stack) > 1:
            self.pop_screen()

    def action_help(self) -> None:
        from simulator.tui.help import Help

        if isinstance(self.screen, Help):
            self.pop_screen()
        elif not self.screen.is_modal:
            self.push_screen(Help())

    def save_transcript(self, interview: Interview) -> None:
        self.run_worker(self._save(interview), group="save")

    async def _save(self, interview: Interview) -> None:
        from simulator.tui.transcript import save

        try:
            path = await self.backstage.do(save, interview)
        except FlatlineError as error:
            self.say(str(error))
        else:
            self.say(f"saved to {path}", error=False)

    # -- the end

    async def action_leave(self) -> None:
        for screen in self.screen_stack:
            put_away = getattr(screen, "put_away", None)
            if put_away is not None:
                await put_away()
        self.exit()

    async def action_copy_or_leave(self) -> None:
        focused = self.focused
        text = getattr(focused, "selected_text", "") or self.screen.get_selected_text()
        if text:
            self.copy_to_clipboard(text)
            self.say("copied", error=False)
        else:
            await self.action_leave()

    def close(self) -> None:
        """Wait for the thread behind the screens and close the store."""
        self.backstage.close()
        if self._store is not None:
            self._store.close()


def _warm() -> None:
    """Import what a round needs, so that it opens at once."""
    import simulator.interview
    import simulator.table
    import simulator.tui.round  # noqa: F401


def run(store_factory: Callable[[], Store], options: Options | None = None, session_id: str | None = None) -> int:
    """Run the program and return its exit code: 0, or 2 when the round asked for cannot be opened.

    An empty `session_id` means the round worked on last.
    """
    app = FlatlineApp(store_factory, options, session_id)
    try:
        app.run()
    finally:
        app.close()
    if app.refused:
        print(f"flatline: {app.refused}", file=sys.stderr)
        return 2
    if app.mishap:
        print(f"flatline: {app.mishap}", file=sys.stderr)
    if app.unfinished:
        print("Your round is kept as it stood; the clock waits. Take it up again with:\n\n    flatline resume\n")
    return app.return_code or 0
