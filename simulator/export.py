"""An interview as a file: JSON to score again, Markdown and HTML to read. An open one does not name its scenario."""

from __future__ import annotations

from typing import Any, Literal, cast

import msgspec

from grader.events import AnyEvent, Started
from simulator import report
from simulator.errors import FlatlineError
from simulator.interview import Interview

Format = Literal["md", "json", "html"]
EXPORT_VERSION = 1
HIDDEN = "hidden"


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """The JSON export, as far as scoring it again needs it. Other fields are for readers."""

    format: int
    events: list[AnyEvent]
    pack: str | None = None


def export(interview: Interview, format: Format, pack: str | None = None) -> str:
    """The whole interview; with scorecard and debrief when it is closed. Raises FlatlineError."""
    if format == "json":
        return _json(interview, pack)
    title = (
        f"Flatline: {'code review' if interview.round == 'review' else 'debugging'}, interview {interview.session_id}"
    )
    sections = [report.transcript(interview.events)]
    if interview.code():
        from simulator.desk import code_text

        blocks = tuple(report.Part("block", code_text(block)) for block in interview.code())
        sections.insert(0, report.Section("The code", blocks))
    if interview.closed:
        debrief = interview.debrief()
        sections = [*report.scorecard(debrief.scorecard, interview.round), *report.debrief(debrief), *sections]
    return report.as_markdown(title, sections) if format == "md" else report.as_html(title, sections)


def read(data: bytes, name: str) -> tuple[list[AnyEvent], str | None]:
    """Events and scenario pack of a JSON export; `name` stands for it in messages. Raises FlatlineError."""
    try:
        exported = msgspec.json.decode(data, type=Exported)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FlatlineError(
            f"{name} is no export of an interview ({error}): make one with `flatline export ID`"
        ) from None
    if exported.format > EXPORT_VERSION:
        raise FlatlineError(f"{name} was exported by a newer version of Flatline: update it")
    if not exported.events or not isinstance(exported.events[0], Started):
        raise FlatlineError(f"{name} holds no beginning of an interview: export it again")
    return exported.events, exported.pack


def _json(interview: Interview, pack: str | None) -> str:
    events = [cast(dict[str, Any], msgspec.to_builtins(event)) for event in interview.events]
    content: dict[str, Any] = {
        "format": EXPORT_VERSION,
        "session": interview.session_id,
        "round": interview.round,
        "level": interview.level,
        "minutes": interview.minutes,
        "elapsed": round(interview.elapsed(), 3),
        "closed": interview.closed,
        "pack": pack,
        "events": events,
    }
    if interview.closed:
        content["debrief"] = msgspec.to_builtins(interview.debrief())
    else:
        events[0] |= {"scenario": HIDDEN, "profile": HIDDEN, "seed": 0}
    return msgspec.json.format(msgspec.json.encode(content), indent=2).decode() + "\n"
