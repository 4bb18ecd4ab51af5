"""Reaches the model: one question, one answer as text, within a time. The only place that uses the network."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable
from typing import Any, Literal

from simulator.model import settings, sse
from simulator.model.settings import Settings

TIMEOUT_SECONDS = 8.0
Messages = list[dict[str, str]]
Why = Literal["unreached", "failed", "late", "denied", "void", "absent"]


def configured() -> Endpoint | None:
    """The endpoint of the model that the settings name. Raises FlatlineError when they are of no use."""
    found = settings.read()
    return Endpoint(found) if found else None


# What to say of a model, without the words of endpoint or client: these may quote the key.
TROUBLE: dict[Why, str] = {
    "unreached": "cannot be reached: is OPENAI_BASE_URL right, and the endpoint running?",
    "failed": "answers with an error of its own",
    "late": "gives no whole answer in time",
    "denied": "refuses the request: are OPENAI_API_KEY and the model's name right?",
    "void": "sends no stream of a chat completion",
    "absent": "cannot be asked without the openai package: `pip install 'flatline[model]'`",
}


class Unreached(Exception):
    """No answer; `TROUBLE` says what each `why` means."""

    def __init__(self, why: Why) -> None:
        super().__init__(why)
        self.why: Why = why


class Endpoint:
    """An OpenAI-compatible endpoint. `timeout` is for a whole answer, from the first byte sent to the last received."""

    def __init__(self, settings: Settings, timeout: float | None = None) -> None:
        self.settings = settings
        self.timeout = TIMEOUT_SECONDS if timeout is None else timeout
        self._form = True
        self._client: Any = None

    def ask(
        self,
        messages: Messages,
        form: dict[str, Any],
        told: Callable[[str], None] = lambda text: None,
    ) -> str:
        """The answer's text; `told` gets what there is of it, from another thread. Raises Unreached within `timeout`.

        `form` is the JSON schema of the answer; an endpoint that refuses to be given one is asked without from then on.
        """
        attempt = _Attempt(self, messages, form if self._form else None, told)
        threading.Thread(target=attempt.run, name="model", daemon=True).start()
        if not attempt.ended.wait(self.timeout):
            attempt.left = True
            client, self._client = self._client, None
            with contextlib.suppress(Exception):
                client.close()
            raise Unreached("late")
        if attempt.why is not None:
            if attempt.formless:
                self._form = False
            raise Unreached(attempt.why)
        return attempt.stream.text

    def client(self) -> Any:
        """The client, made when first needed; importing it takes the better part of a second."""
        if self._client is None:
            import openai

            self._client = openai.OpenAI(
                # A local endpoint may want no key, but the client does.
                api_key=settings.key() or "none",
                base_url=self.settings.base_url or "https://api.openai.com/v1",
                timeout=self.timeout,
                max_retries=0,
            )
        return self._client


class _Attempt:
    """Runs in a thread that nobody joins: looking up a host name, for one, cannot be interrupted."""

    def __init__(
        self, endpoint: Endpoint, messages: Messages, form: dict[str, Any] | None, told: Callable[[str], None]
    ) -> None:
        self.ended = threading.Event()
        self.left = False
        self.why: Why | None = None
        self.formless = False
        self.stream = sse.Stream()
        self._endpoint = endpoint
        self._told = told
        self._asked: dict[str, Any] = {"model": endpoint.settings.model, "messages": messages, "stream": True}
        if form is not None:
            schema = {"name": "understanding", "strict": True, "schema": form}
            self._asked["response_format"] = {"type": "json_schema", "json_schema": schema}

    def run(self) -> None:
        try:
            self._run()
        except Exception as error:
            self.why = self._why(error)
        finally:
            self.ended.set()

    def _run(self) -> None:
        completions = self._endpoint.client().chat.completions.with_streaming_response
        with completions.create(**self._asked, extra_headers={"Accept-Encoding": "identity"}) as response:
            if response.headers.get("content-encoding", "identity") != "identity":
                # A few bytes may unpack to more than there is room for.
                raise sse.Garbled
            for data in response.iter_bytes():
                if self.left:
                    return
                self.stream.feed(data)
                self._told(self.stream.text)
                if self.stream.finished:
                    return
        raise ConnectionError("the answer broke off")

    def _why(self, error: Exception) -> Why:
        if isinstance(error, sse.Garbled):
            return "void"
        openai = sys.modules.get("openai")
        if openai is None:
            return "absent"
        if isinstance(error, openai.APITimeoutError):
            return "late"
        status = getattr(error, "status_code", None)
        if isinstance(status, int):
            self.formless = status in (400, 422) and "response_format" in self._asked
            return "failed" if self.formless or status >= 500 else "denied"
        # No connection, or one that was cut, in the words of the client or of the library below it.
        return "unreached"
