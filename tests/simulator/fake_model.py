"""A chat completions endpoint on this machine that does what each test needs, good or bad."""

from __future__ import annotations

import contextlib
import http.server
import json
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

Behaviour = Callable[["Handler"], None]


def answer(act: str = "smalltalk", *requests: dict[str, Any], reply: str = "", concept: str | None = None) -> str:
    """An answer in the form that is asked for."""
    return json.dumps({"act": act, "requests": list(requests), "concept": concept, "reply": reply})


def wanted(diagnostic: str, **parameters: Any) -> dict[str, Any]:
    blank = {"steps": None, "layers": [], "heads": [], "rank": None, "split": None, "area": None, "compare": False}
    return {"diagnostic": diagnostic, **blank, **parameters}


def chunk(content: str | None = None, finish: str | None = None, **delta: Any) -> bytes:
    """One server-sent event of a stream."""
    delta |= {"content": content} if content is not None else {}
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    body = {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": "fake", "choices": [choice]}
    return f"data: {json.dumps(body)}\n\n".encode()


# -- what an endpoint may do


def says(text: str, gate: threading.Event | None = None) -> Behaviour:
    """Streams `text` in pieces; the last third waits for `gate`."""

    def act(handler: Handler) -> None:
        handler.begin()
        handler.send(chunk(role="assistant"))
        for start in range(0, len(text), 7):
            if gate is not None and start > 0.7 * len(text):
                gate.wait(20)
            handler.send(chunk(text[start : start + 7]))
        handler.send(chunk(finish="stop") + b"data: [DONE]\n\n")

    return act


def refuses_with(status: int, body: str = '{"error": {"message": "no"}}') -> Behaviour:
    def act(handler: Handler) -> None:
        handler.begin(status, "application/json")
        handler.send(body.encode())

    return act


def sends(*pieces: bytes) -> Behaviour:
    """Streams bytes as they are and ends the connection."""

    def act(handler: Handler) -> None:
        handler.begin()
        for piece in pieces:
            handler.send(piece)

    return act


def hangs(handler: Handler) -> None:
    handler.fake.released.wait(60)


def hangs_after_headers(handler: Handler) -> None:
    handler.begin()
    handler.fake.released.wait(60)


def trickles(handler: Handler) -> None:
    handler.begin()
    while not handler.fake.released.wait(0.02):
        handler.send(b": still here\n\n")


def trickles_words(handler: Handler) -> None:
    handler.begin()
    while not handler.fake.released.wait(0.02):
        handler.send(chunk(" "))


def trickles_headers(handler: Handler) -> None:
    handler.send(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not handler.fake.released.wait(0.02):
        handler.send(b"x")


def hangs_up(handler: Handler) -> None:
    """Ends the connection without a word."""


def breaks_off(text: str) -> Behaviour:
    """Ends the connection in the middle of an answer, in a way that the client can see."""

    def act(handler: Handler) -> None:
        handler.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        piece = chunk(text[: len(text) // 2])
        handler.send(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")

    return act


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    @property
    def fake(self) -> FakeModel:
        return self.server.fake

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.close_connection = True
        with contextlib.suppress(OSError):
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.fake.next(self.path, headers, body)(self)

    def begin(self, status: int = 200, kind: str = "text/event-stream", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Connection": "close", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def send(self, data: bytes) -> None:
        self.wfile.write(data)
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    fake: FakeModel

    def handle_error(self, request: object, client_address: object) -> None:
        pass


class FakeModel:
    """Does `then` in order and the last of it again and again; keeps what it was sent."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.released = threading.Event()
        self._behaviours: deque[Behaviour] = deque([says(answer())])
        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.fake = self

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    @property
    def asked(self) -> int:
        return len(self.requests)

    @property
    def sent(self) -> list[dict[str, Any]]:
        """The bodies it was sent."""
        return [json.loads(body) for _, _, body in self.requests]

    def data(self, at: int = -1) -> dict[str, Any]:
        """What was sent about the interview, as data."""
        return json.loads(self.sent[at]["messages"][1]["content"].splitlines()[1])

    def then(self, *behaviours: Behaviour) -> None:
        self._behaviours = deque(behaviours)

    def next(self, path: str, headers: dict[str, str], body: bytes) -> Behaviour:
        self.requests.append((path, headers, body))
        return self._behaviours.popleft() if len(self._behaviours) > 1 else self._behaviours[0]

    @contextlib.contextmanager
    def serving(self) -> Iterator[FakeModel]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.released.set()
            self._server.shutdown()
            self._server.server_close()


def closed_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
