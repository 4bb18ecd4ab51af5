"""The interview line by line on stdin and stdout: for screen readers, pipes and tests."""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import queue
import re
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TextIO

from grader.events import AnyEvent, Candidate, Interviewer, Notice, Shown, Unaided
from simulator import report
from simulator.desk import code_text
from simulator.errors import FlatlineError
from simulator.interview import Interview
from simulator.interviewer.mouth import duration
from simulator.model.marks import words
from simulator.session import clean

TICK_SECONDS = 1.0
PROMPT = "> "
HELP = """\
Say what you want to see, what you suspect, your diagnosis: one message a line.
/show NAME [STEPS]     ask for a diagnostic, such as /show grad_norm 180-220
/diagnose TEXT         claim the cause; "I think it is ..." is a hypothesis only
/mark FILE:LINES ...   mark lines of the code, such as /mark train.py:12-14;
                       /mark alone tells what is marked
/unmark [FILE:LINES]   take marks away, all of them without lines
/note TEXT             add a line to your notes; /note alone shows them
/hint                  ask for a hint
/skip                  leave the interviewer's question unanswered
/options               what can be asked for at all
/time                  how much time is left
/finish                close the interview and see how it went
/giveup                close it without a diagnosis
/quit                  leave; `flatline resume` goes on later"""

_SPAN = re.compile(r"(?:(?P<file>[\w./-]*[\w-]\.\w+):)?(?P<spans>\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*)")
Put = Callable[[str], None]


def play(interview: Interview, stdin: TextIO | None = None, stdout: TextIO | None = None) -> int:
    """Plays to the end of the interview or of the input; the exit code.

    At the end of a pipe the interview is finished and scored; at the end of a terminal's input, with `/quit` or
    Ctrl-C it is kept. Raises FlatlineError when the store fails, and BrokenPipeError.
    """
    source, sink = stdin or sys.stdin or io.StringIO(), stdout or sys.stdout
    face = _Face(interview, sink, typed=source.isatty())
    face.opening()
    if interview.closed:
        face.afterwards()
        return 0
    try:
        return face.run(source)
    except KeyboardInterrupt:
        face.line("")
        print(f"flatline: interrupted; {_kept(interview)}", file=sys.stderr)
        return 2


def _kept(interview: Interview) -> str:
    return f"interview {interview.session_id} is kept: go on with `flatline resume {interview.session_id}`"


class _Face:
    def __init__(self, interview: Interview, sink: TextIO, *, typed: bool) -> None:
        self._interview = interview
        self._sink = sink
        self._typed = typed

    def run(self, source: TextIO) -> int:
        incoming = lines_of(source)
        self._prompt()
        while True:
            try:
                line = incoming.get(timeout=TICK_SECONDS)
            except queue.Empty:
                line = ""
            if line is None:
                if self._typed:
                    return self._leave()
                self._show(self._interview.finish())
            elif line.strip():
                if not self._typed:
                    self.line(report.wrapped(f"You: {line.strip()}"))
                if self._heard(line.strip()):
                    return self._leave()
                self._show(self._interview.tick())
                if not self._interview.closed:
                    self._prompt()
            else:
                events = self._interview.tick()
                if events:
                    self.line("")
                    self._show(events)
                    if not self._interview.closed:
                        self._prompt()
            if self._interview.closed:
                self.afterwards()
                return 0

    def opening(self) -> None:
        """What is known at this point: the whole conversation so far, and what lies on the table."""
        interview = self._interview
        kind = "code review" if interview.round == "review" else "debugging"
        self.line(
            f"Flatline: {kind} round, {interview.minutes:g} minutes, interview {interview.session_id}. /help helps."
        )
        if interview.about_model:
            self.line(report.wrapped(interview.about_model))
        self.line("")
        events = interview.events
        first = next((i for i, event in enumerate(events) if isinstance(event, Interviewer)), 0) + 1
        self._show(events[:first])
        for piece in interview.opening_evidence():
            self.line(piece.title)
            self.line(report.fitted(piece.text))
            self.line("")
        for block in interview.code():
            self.line(code_text(block))
            self.line("")
        for event in events[first:]:
            if isinstance(event, Candidate):
                self.line(report.wrapped(f"You: {event.text}"))
            self._show([event])
        if len(events) > first:
            self.line(f"{duration(interview.remaining())} left.")

    def afterwards(self) -> None:
        debrief = self._interview.debrief()
        self.line("")
        self.line(
            report.as_text([*report.debrief(debrief), *report.scorecard(debrief.scorecard, self._interview.round)])
        )
        self.line(f"Kept as interview {self._interview.session_id}: `flatline show {self._interview.session_id}`")

    def line(self, text: str) -> None:
        """One piece of output. Nothing that a terminal would obey leaves this program."""
        print(clean(text), file=self._sink, flush=True)

    def _prompt(self) -> None:
        if self._typed:
            self._sink.write(PROMPT)
            self._sink.flush()

    def _leave(self) -> int:
        self._interview.tick()
        self.line("")
        self.line(f"{_kept(self._interview).capitalize()}")
        return 0

    def _show(self, events: Iterable[AnyEvent]) -> None:
        for event in events:
            match event:
                case Interviewer():
                    self.line(report.wrapped(f"Interviewer: {event.text}"))
                    self.line("")
                case Shown(recorded=True):
                    self.line(f"Evidence {event.n}: {event.title}")
                    self.line(event.summary if event.request.diagnostic == "code" else report.fitted(event.summary))
                    self.line("")
                case Unaided():
                    self.line(report.wrapped(f"({words(event)})"))
                    self.line("")
                case Notice() | Shown():
                    pass

    def _heard(self, line: str) -> bool:
        """Acts on one line; True when the candidate leaves."""
        word, _, rest = line.partition(" ")
        command, rest = word.lower(), rest.strip()
        match command:
            case "/quit" | "/exit":
                return True
            case "/help" | "/?":
                self.line(HELP)
            case "/time":
                self.line(f"{duration(self._interview.remaining())} left.")
            case "/finish":
                self._show(self._interview.finish())
            case "/giveup":
                self._show(self._interview.finish("given_up"))
            case "/note":
                self._note(rest)
            case "/mark" | "/unmark":
                with _said(self.line):
                    self._mark(rest, add=command == "/mark")
            case _:
                self._send(line)
        return False

    def _send(self, text: str) -> None:
        """Sends a message; while a model is asked about it the clock goes on."""
        enquiry = self._interview.enquire(text)
        while enquiry is not None and not enquiry.wait(TICK_SECONDS):
            self._show(self._interview.tick())
        self._show(self._interview.send(text, enquiry))

    def _note(self, text: str) -> None:
        if text:
            self._interview.note(f"{self._interview.notes}\n{text}".strip())
        self.line(f"Notes:\n{self._interview.notes}" if self._interview.notes else "No notes yet.")

    def _mark(self, text: str, *, add: bool) -> None:
        if self._interview.round != "review":
            raise FlatlineError("there is no code on the screen to mark; lines are marked in code reviews")
        now = set(self._interview.marked)
        if text or not add:
            files = [block.file for block in self._interview.code()]
            lines = set(parse_lines(text, files)) if text else now
            self._interview.mark(now | lines if add else now - lines)
        self.line(f"Marked: {report.marks(self._interview.marked) or 'nothing'}")


@contextlib.contextmanager
def _said(put: Put) -> Iterator[None]:
    """A wrong command is told and the interview goes on."""
    try:
        yield
    except FlatlineError as error:
        put(f"{error}")


def parse_lines(text: str, files: Iterable[str]) -> list[tuple[str, int]]:
    """`train.py:12-14 model.py:3,9` as (file, line) pairs; the file may be left out where there is one only.

    Raises FlatlineError for anything else.
    """
    known = list(dict.fromkeys(files))
    found: list[tuple[str, int]] = []
    for word in text.replace(", ", ",").split():
        match = _SPAN.fullmatch(word)
        if match is None:
            raise FlatlineError(f"cannot read {word!r}: name lines as in `/mark {known[0] if known else 'FILE'}:12-14`")
        file = match["file"] or (known[0] if len(known) == 1 else "")
        if not file:
            raise FlatlineError(f"say which file {word!r} is in: {', '.join(known)}")
        for span in match["spans"].split(","):
            first, _, last = span.partition("-")
            if len(span) > 12 or int(last or first) - int(first) > 10_000:
                raise FlatlineError(f"{span} is too long a range of lines")
            found += [(file, number) for number in range(int(first), int(last or first) + 1)]
    return found


def lines_of(source: TextIO) -> queue.Queue[str | None]:
    """The lines of `source` as they come, then None. They are read in a thread of their own, so time can be told."""
    lines: queue.Queue[str | None] = queue.Queue()
    try:
        # Past the buffer: a thread that waits in it could not be left behind when the program ends.
        number: int | None = source.fileno()
    except (OSError, ValueError, AttributeError):
        number = None

    def by_number(fd: int) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        pending = ""
        while True:
            try:
                chunk = os.read(fd, 65536)
            except OSError:
                chunk = b""
            pending += decoder.decode(chunk, not chunk)
            *whole, pending = pending.split("\n")
            yield from whole
            if not chunk:
                if pending:
                    yield pending
                return

    def pump() -> None:
        for line in source if number is None else by_number(number):
            lines.put(line)
        lines.put(None)

    threading.Thread(target=pump, name="stdin", daemon=True).start()
    return lines
