"""Transcript, scorecard and debrief as sections, and sections as plain text, Markdown or HTML."""

from __future__ import annotations

import html
import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from grader.events import AnyEvent, Candidate, Closed, Interviewer, Marked, Noted, Notice, Resumed, Shown, Unaided
from grader.scorecard import MAXIMUM, Point, Scorecard
from simulator.interviewer.mouth import duration
from simulator.model.marks import words

if TYPE_CHECKING:
    from grader.opinion import Opinion
    from grader.path import Stop, Wanted
    from simulator.debrief import Debrief

WIDTH = 80
LONGEST_PIECE = 40
"""Lines of a piece of evidence that a debrief shows."""
REASONS = {"finished": "closed by the candidate", "given_up": "given up", "time_up": "closed when the time was up"}


@dataclass(frozen=True)
class Part:
    """A paragraph, an item of a list, a block to be shown as it stands, or somebody's speech (`label`)."""

    kind: Literal["text", "item", "block", "speech"]
    text: str
    label: str = ""


@dataclass(frozen=True)
class Section:
    title: str
    parts: tuple[Part, ...]


def clock(seconds: float) -> str:
    """The interview's clock as `m:ss`."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02}"


def transcript(events: Iterable[AnyEvent]) -> Section:
    """All that was said, shown, marked and noted, each with the interview's clock."""
    parts = []
    for event in events:
        at = clock(event.at)
        match event:
            case Interviewer():
                parts.append(Part("speech", event.text, f"{at} Interviewer"))
            case Candidate():
                parts.append(Part("speech", event.text, f"{at} Candidate"))
            case Shown(recorded=True):
                parts.append(Part("speech", event.title, f"{at} Evidence {event.n}"))
                parts.append(Part("block", event.summary))
            case Unaided():
                parts.append(Part("speech", words(event), f"{at} Model"))
            case Marked():
                parts.append(Part("speech", marks(event.lines) or "nothing", f"{at} Marked"))
            case Noted():
                parts.append(Part("speech", event.text, f"{at} Notes"))
            case Notice(mark="silence"):
                parts.append(Part("speech", "three minutes of silence", f"{at} Clock"))
            case Resumed():
                parts.append(Part("speech", f"away for {duration(event.gap)}, resumed", f"{at} Clock"))
            case Closed():
                parts.append(Part("speech", REASONS[event.reason], f"{at} Closed"))
    return Section("Transcript", tuple(parts))


def marks(lines: Sequence[tuple[str, int]]) -> str:
    """Marked lines in words: `train.py:12-14, 20`."""
    by_file: dict[str, list[int]] = {}
    for file, line in lines:
        by_file.setdefault(file, []).append(line)
    return "; ".join(f"{file}:{ranges(numbers)}" for file, numbers in by_file.items())


def ranges(numbers: Iterable[int]) -> str:
    """`1-3, 7` for 1, 2, 3 and 7."""
    spans: list[list[int]] = []
    for number in sorted(set(numbers)):
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ", ".join(f"{first}-{last}" if last > first else str(first) for first, last in spans)


def scorecard(card: Scorecard, round: str) -> list[Section]:
    """The scorecard; `round` gives the maximum of each dimension."""
    summary = [Part("text", f"{card.total:g} of 100: {card.recommendation}")]
    maximum = MAXIMUM[round]
    for name, points in card.dimensions.items():
        summary.append(Part("item", f"{name}: {points:g} of {maximum[name]}"))
    summary.append(Part("text", f"Root cause: {card.cause.verdict}. {card.cause.why}"))
    sections = [Section("Scorecard", tuple(summary))]
    for title, items in (("Done well", card.went_well), ("To work on", card.work_on)):
        if items:
            sections.append(Section(title, tuple(Part("item", item) for item in items)))
    quoted: set[int] = set()
    sections.append(Section("Points", tuple(Part("item", _point(point, quoted)) for point in card.points)))
    if card.gates:
        gates = tuple(Part("item", f"{gate.name}: {gate.effect}. {gate.reason}") for gate in card.gates)
        sections.append(Section("Rules over the whole card", gates))
    if card.red_flags:
        sections.append(Section("Red flags", tuple(Part("item", _point(point, quoted)) for point in card.red_flags)))
    return sections


def second_opinion(card: Scorecard, opinion: Opinion, round: str, model: str) -> Section:
    """A model's points beside the card's; where the totals are far apart, the reasons of both."""
    from grader.opinion import VOTES

    maximum = MAXIMUM[round]
    total = "no total" if opinion.total is None else f"{opinion.total:g} of 100"
    parts = [Part("text", f"{model}: {total}, from {opinion.votes} of {VOTES} votes. The card says {card.total:g}.")]
    apart = opinion.apart(card)
    for name, given in card.dimensions.items():
        theirs = opinion.dimensions.get(name)
        points = f"{theirs.points:g}" if theirs else "not scored"
        text = f"{name}: {given:g} by the card, {points} by the model, of {maximum[name]}"
        if apart and theirs and theirs.points != given:
            lost = [point.reason for point in card.points if point.dimension == name and _poor(point)]
            ours = "; ".join(lost) or "nothing was missing"
            text += f". The card: {ours}. The model: {theirs.reason}"
        parts.append(Part("item", text))
    return Section("A second opinion", tuple(parts))


def _poor(point: Point) -> bool:
    return point.points is not None and point.points < point.out_of


def debrief(of: Debrief) -> list[Section]:
    """What was wrong and how it could be seen; without the scorecard."""
    numbers = ", ".join(f"#{number}" for number in of.catalogue if isinstance(number, int))
    head = [Part("text", of.title + (f" (catalogue: {numbers}; {of.category})" if numbers else f" ({of.category})"))]
    head.append(Part("text", of.root_cause.strip()))
    sections = [
        Section("What was wrong", tuple(head)),
        Section("Why it does that", (Part("text", of.mechanism.strip()),)),
    ]
    if of.fixes:
        sections.append(Section("Fixes that are right", tuple(Part("item", fix) for fix in of.fixes)))
    where = "; ".join(f"{file}:{ranges(lines)}" for file, lines in of.bug_lines.items() if lines)
    if of.diff.strip():
        parts = [Part("block", of.diff.rstrip())]
        if where:
            parts.insert(0, Part("text", f"In the code as it ran: {where}"))
        sections.append(Section("The change that made the run go wrong", tuple(parts)))
    if of.decisive:
        items = [f"{found.name}: {found.figures}" if found.figures else found.name for found in of.decisive]
        sections.append(Section("What would have told", tuple(Part("item", item) for item in items)))
    if of.beside:
        parts = []
        for piece in of.beside:
            parts += [Part("text", piece.title), Part("block", shortened(piece.text))]
        sections.append(Section("The run beside the known-good one", tuple(parts)))
    sections.append(Section("A strong candidate's way", tuple(Part("item", wanted(one)) for one in of.strong)))
    if of.taken:
        sections.append(Section("Your way", tuple(Part("item", stop(one)) for one in of.taken)))
    if of.follow_ups:
        parts = [Part("item", f"{q.question} {q.model_answer.strip()}") for q in of.follow_ups]
        sections.append(Section("The questions, and what a good answer says", tuple(parts)))
    if of.references:
        sections.append(Section("To read", tuple(Part("item", reference) for reference in of.references)))
    if of.device:
        run = f"profile {of.profile}, seed {of.seed}, recorded on {of.device}"
        sections.append(Section("The run", (Part("text", run),)))
    return sections


def wanted(one: Wanted) -> str:
    """What a strong candidate does, and whether it was done here."""
    return f"{one.what} ({'not done' if one.at is None else f'at {clock(one.at)}'})"


def stop(one: Stop) -> str:
    """A thing that was done, in a line."""
    return f"{clock(one.at)} {one.what}" + (f" ({one.remark})" if one.remark else "")


def shortened(text: str) -> str:
    """At most so many lines of a piece of evidence as fit beside others."""
    lines = text.split("\n")
    if len(lines) <= LONGEST_PIECE:
        return text
    return "\n".join([*lines[: LONGEST_PIECE - 1], f"(… {len(lines) - LONGEST_PIECE + 1} more lines)"])


def _point(point: Point, quoted: set[int]) -> str:
    """A point with the words it rests on; those of messages already `quoted` are named by their time."""
    points = "not scored" if point.points is None else f"{point.points:+g} of {point.out_of:g}"
    if point.points is not None and point.out_of == 0:
        points = f"{point.points:+g}"
    words = []
    for quote in point.quotes:
        words.append(clock(quote.at) if quote.seq in quoted else f'{clock(quote.at)} "{_one_line(quote.text)}"')
        quoted.add(quote.seq)
    where = "".join(f" [{one}]" for one in words)
    return f"{point.dimension}, {point.name} ({points}): {point.reason}{where}"


def _one_line(text: str, limit: int = 160) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def as_text(sections: Iterable[Section]) -> str:
    """Plain text, for terminals and screen readers; paragraphs are wrapped, blocks stand as they are."""
    out = []
    for section in sections:
        out.append(f"{section.title}\n{'-' * len(section.title)}")
        for part in section.parts:
            match part.kind:
                case "block":
                    out.append(textwrap.indent(part.text, "    "))
                case "speech":
                    out.append(wrapped(f"{part.label}: {part.text}"))
                case "item":
                    out.append(wrapped(f"* {part.text}", "  "))
                case _:
                    out.append(wrapped(part.text))
        out.append("")
    return "\n".join(out)


def wrapped(text: str, indent: str = "") -> str:
    """Long lines of `text` broken at `WIDTH`; its own line breaks are kept."""
    return "\n".join(
        textwrap.fill(line, WIDTH, subsequent_indent=indent + " " * (len(line) - len(line.lstrip())),
                      break_long_words=False, break_on_hyphens=False)
        for line in text.splitlines()
    )  # fmt: skip


def fitted(text: str) -> str:
    """`text` with its long sentences broken at `WIDTH`; what is laid out in columns or indented stays as it is."""
    lines = text.split("\n")
    return "\n".join(
        wrapped(line, "  ") if len(line) > WIDTH and not re.search(r"^\s|\S\s{2,}\S|[⏎→]", line) else line
        for line in lines
    )


def as_markdown(title: str, sections: Iterable[Section]) -> str:
    out = [f"# {_md(title)}", ""]
    for section in sections:
        out += [f"## {_md(section.title)}", ""]
        for part in section.parts:
            match part.kind:
                case "block":
                    fence = "`" * max(3, *(len(run) + 1 for run in re.findall(r"`+", part.text)), 3)
                    out += [fence, part.text, fence, ""]
                case "speech":
                    out += [f"**{_md(part.label)}:** {_md(part.text)}", ""]
                case "item":
                    out.append(f"- {_md(part.text)}")
                case _:
                    out += [_md(part.text), ""]
        if out[-1]:
            out.append("")
    return "\n".join(out)


def _md(text: str) -> str:
    """`text` with nothing in it that Markdown or HTML would take for its own."""
    escaped = re.sub(r"([\\`*_{}\[\]#|~])", r"\\\1", text.replace("&", "&amp;").replace("<", "&lt;"))
    escaped = re.sub(r"(?m)^([ \t]*)([-+=>])", r"\1\\\2", escaped)
    escaped = re.sub(r"(?m)^([ \t]*\d+)([.)])(?=\s|$)", r"\1\\\2", escaped)
    escaped = re.sub(r"(?m)^[ \t]+", lambda indent: "&nbsp;" * len(indent[0].expandtabs(4)), escaped)
    escaped = re.sub(r"(?i)(?<=mailto):|:(?=//)|(?<=\bwww)\.|@", r"\\\g<0>", escaped)
    return escaped.replace("\n", "  \n")


_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;"
    "color-scheme:light dark;color:CanvasText;background:Canvas}"
    "pre{overflow-x:auto;padding:.6rem .8rem;border:1px solid GrayText;border-radius:4px;font-size:.85rem}"
    "p{white-space:pre-wrap}b{font-variant-numeric:tabular-nums}"
)


def as_html(title: str, sections: Iterable[Section]) -> str:
    """One page that needs no other file; every text is escaped."""
    body = [f"<h1>{html.escape(title)}</h1>"]
    for section in sections:
        body.append(f"<h2>{html.escape(section.title)}</h2>")
        listed = False
        for part in section.parts:
            if (part.kind == "item") != listed:
                body.append("</ul>" if listed else "<ul>")
                listed = not listed
            text = html.escape(part.text)
            match part.kind:
                case "block":
                    body.append(f"<pre>{text}</pre>")
                case "speech":
                    body.append(f"<p><b>{html.escape(part.label)}:</b> {text}</p>")
                case "item":
                    body.append(f"<li>{text}</li>")
                case _:
                    body.append(f"<p>{text}</p>")
        if listed:
            body.append("</ul>")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )
