"""A question to the model that is under way, while the interview goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Literal

import msgspec

from simulator.model.endpoint import Unreached, Why
from simulator.model.schema import Answer

Purpose = Literal["ear", "mouth"]
TRIES = 2
AGAIN: frozenset[Why] = frozenset(("unreached", "failed", "late"))
"""What may be better a moment later."""


class Missed(msgspec.Struct, frozen=True):
    why: Why


class Enquiry:
    """Asks in a thread of its own, twice at most.

    `purpose` is what the answer is for: to understand a message, or to word the reply to it. `ask` puts the question,
    `read` judges the answer, `shown` makes of a part of it what may be on the screen.
    """

    def __init__(
        self,
        purpose: Purpose,
        ask: Callable[[Callable[[str], None]], str],
        read: Callable[[str], Answer | None],
        shown: Callable[[str], str] = lambda raw: "",
    ) -> None:
        self.purpose = purpose
        self._ask = ask
        self._read = read
        self._shown = shown
        self._raw = ""
        self._ended = threading.Event()
        self._outcome: Answer | Missed | None = None
        threading.Thread(target=self._run, name="enquiry", daemon=True).start()

    @property
    def over(self) -> bool:
        return self._ended.is_set()

    @property
    def reply(self) -> str:
        """The reply as far as it has come and may be shown."""
        return self._shown(self._raw)

    def wait(self, seconds: float) -> bool:
        """Whether it is over, after `seconds` at most."""
        return self._ended.wait(seconds)

    def outcome(self) -> Answer | Missed | None:
        """What came of it. One that is still under way is given up: None, which is nobody's failure."""
        if not self.over:
            self._ended.set()
            return None
        return self._outcome

    def _run(self) -> None:
        outcome = self._attempt()
        for _ in range(TRIES - 1):
            if not self.over and isinstance(outcome, Missed) and outcome.why in AGAIN:
                outcome = self._attempt()
        self._outcome = outcome
        self._ended.set()

    def _attempt(self) -> Answer | Missed:
        self._raw = ""
        try:
            return self._read(self._ask(self._told)) or Missed("void")
        except Unreached as error:
            return Missed(error.why)
        except Exception:
            # Somebody waits for the end of this; what it says might quote the key.
            return Missed("void")

    def _told(self, raw: str) -> None:
        self._raw = raw
