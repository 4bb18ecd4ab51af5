"""The text in a stream of chat completion chunks, from the bytes of its server-sent events."""

from __future__ import annotations

from typing import Any

import msgspec

MOST_BYTES = 1_000_000
LONGEST_ANSWER = 8_000


class Garbled(Exception):
    """The stream is too long, or is not one of chat completion chunks."""


class Stream:
    """`text` grows with what is fed; `finished` once the end was announced."""

    def __init__(self) -> None:
        self.text = ""
        self.finished = False
        self._size = 0
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Raises Garbled."""
        self._size += len(data)
        if self._size > MOST_BYTES:
            raise Garbled
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if line.startswith(b"data:") and not self.finished:
                self._chunk(line[5:].strip())

    def _chunk(self, data: bytes) -> None:
        if data == b"[DONE]":
            self.finished = True
            return
        try:
            chunk: Any = msgspec.json.decode(data)
            choices = chunk["choices"]
            if not choices:
                return
            content = choices[0]["delta"].get("content") or ""
            self.text += content
            self.finished = bool(choices[0].get("finish_reason"))
        except (msgspec.DecodeError, RecursionError, LookupError, TypeError, AttributeError):
            raise Garbled from None
        if len(self.text) > LONGEST_ANSWER:
            raise Garbled
