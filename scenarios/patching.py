"""Applies a unified diff to a tree of files held in memory. Text in, text out: nothing is read or written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from scenarios.errors import ScenarioError

if TYPE_CHECKING:
    from unidiff import Hunk, PatchedFile

NOWHERE = "/dev/null"
SUFFIXES = (".py", ".yaml")

_UNWANTED = (
    (re.compile(r"^(?:rename|copy) (?:from|to) ", re.M), "it renames or copies a file"),
    (re.compile(r"^(?:GIT binary patch|Binary files? )", re.M), "it holds a binary change"),
    (re.compile(r"^(?:new|deleted|old) (?:file )?mode (?!100(?:644|755)\s*$)", re.M), "it makes a special file"),
)  # fmt: skip


class Edit(NamedTuple):
    """What a patch does to one file: hunks of lines as (sign, text without its line end), with their positions.

    `old` and `new` are line numbers from 1 of the hunk's first line before and after the patch.
    """

    file: str
    adds: bool
    removes: bool
    hunks: tuple[HunkEdit, ...]


class HunkEdit(NamedTuple):
    old: int
    new: int
    lines: tuple[tuple[str, str], ...]


def parse_patch(patch: str, name: str = "patch") -> tuple[Edit, ...]:
    """A unified diff as edits; `name` stands for it in messages. Empty for an empty patch.

    Raises ScenarioError for anything but plain text edits of `.py` and `.yaml` files inside the tree.
    """
    if not patch.strip():
        return ()
    if "\0" in patch:
        raise ScenarioError(f"{name}: not a text file")
    for pattern, what in _UNWANTED:
        if pattern.search(patch):
            raise ScenarioError(f"{name}: {what}; only plain edits of text files can be applied")
    from unidiff import PatchSet
    from unidiff.errors import UnidiffParseError

    try:
        parsed: Any = PatchSet(patch)
    except (UnidiffParseError, ValueError, OverflowError) as error:
        raise ScenarioError(f"{name}: not a unified diff: {' '.join(str(error).split())[:120]}") from None
    announced = len(re.findall(r"^@@", patch, re.M))
    if announced == 0:
        raise ScenarioError(f"{name}: not empty, yet it holds no hunk (a healthy control has an empty patch)")
    if announced != sum(len(file) for file in parsed):
        raise ScenarioError(f"{name}: not a unified diff: a hunk header (@@ ... @@) is malformed")
    edits = tuple(_edit(file, name) for file in parsed)
    files = [edit.file for edit in edits]
    for file in files:
        if files.count(file) > 1:
            raise ScenarioError(f"{name}: {file} is patched in two places; put its hunks under one header")
    return edits


def _edit(file: PatchedFile, name: str) -> Edit:
    source = _inside(file.source_file, "a/", name)
    target = _inside(file.target_file, "b/", name)
    if source is None and target is None:
        raise ScenarioError(f"{name}: a change from {NOWHERE} to {NOWHERE} names no file")
    if source and target and source != target:
        raise ScenarioError(f"{name}: it renames {source} to {target}; only edits in place can be applied")
    path = target or source
    assert path is not None  # one of the two is a path, checked above
    if not len(file):
        raise ScenarioError(f"{name}: {path} is named without a hunk")
    hunks = tuple(_hunk(hunk) for hunk in file)
    return Edit(path, adds=source is None, removes=target is None, hunks=hunks)


def _inside(path: str, prefix: str, name: str) -> str | None:
    if path.strip() == NOWHERE:
        return None
    plain = path.rstrip().removeprefix(prefix)
    parts = plain.split("/")
    sound = (
        re.fullmatch(r"[\w.\-/]+", plain, re.ASCII) is not None
        and all(part not in ("", ".", "..") for part in parts)
        and plain.endswith(SUFFIXES)
    )
    if not sound:
        shown = ascii(path if len(path) <= 80 else path[:77] + "...")
        raise ScenarioError(f"{name}: {shown} is no file of the tree (a relative path to a .py or .yaml file)")
    return plain


def _hunk(hunk: Hunk) -> HunkEdit:
    lines: list[tuple[str, str]] = []
    for line in hunk:
        if line.line_type == "\\" and lines:
            sign, text = lines[-1]
            lines[-1] = (sign, text.removesuffix("\n"))
        elif line.line_type in ("+", "-", " "):
            lines.append((line.line_type, line.value))
    # With length 0 a diff gives the line *before* the place.
    old = hunk.source_start + (hunk.source_length == 0)
    new = hunk.target_start + (hunk.target_length == 0)
    return HunkEdit(old, new, tuple(lines))


def apply_edits(source: dict[str, str], edits: tuple[Edit, ...], name: str = "patch") -> dict[str, str]:
    """`source` with the edits made, as a new dict. Context and positions must fit exactly.

    Raises ScenarioError naming the file and the hunk that does not fit.
    """
    result = dict(source)
    for edit in edits:
        if edit.adds and edit.file in source:
            raise ScenarioError(f"{name}: {edit.file} is to be added and is there already")
        if not edit.adds and edit.file not in source:
            raise ScenarioError(f"{name}: {edit.file} is not a file of the reference")
        text = _apply(edit, source.get(edit.file, ""), name)
        if edit.removes:
            if text:
                raise ScenarioError(f"{name}: {edit.file} is to be removed and the patch does not cover all of it")
            del result[edit.file]
        else:
            result[edit.file] = text
    return result


def _apply(edit: Edit, text: str, name: str) -> str:
    before = split_lines(text)
    after: list[str] = []
    done = 0
    for number, hunk in enumerate(edit.hunks, 1):
        where = f"{name}: {edit.file}, hunk {number} (line {hunk.old})"
        start = hunk.old - 1
        if start < done or start > len(before):
            raise ScenarioError(f"{where} does not fit: the file has {len(before)} lines and {done} are dealt with")
        after += before[done:start]
        if hunk.new - 1 != len(after):
            raise ScenarioError(f"{where} says line {hunk.new} for the result, which would be {len(after) + 1}")
        done = start
        for sign, line in hunk.lines:
            if sign == "+":
                after.append(line)
                continue
            if done >= len(before) or before[done] != line:
                found = ascii(before[done].strip()[:60]) if done < len(before) else "the end of the file"
                wanted = ascii(line.strip()[:60])
                raise ScenarioError(f"{where} does not fit at line {done + 1}: expected {wanted}, found {found}")
            if sign == " ":
                after.append(line)
            done += 1
    after += before[done:]
    if any(not line.endswith("\n") for line in after[:-1]):
        raise ScenarioError(f"{name}: {edit.file}: lines are added after a last line that has no line end")
    return "".join(after)


def split_lines(text: str) -> list[str]:
    """Lines with their ends, split at \\n only (unlike `str.splitlines`, which also splits at form feeds)."""
    lines = text.split("\n")
    return [line + "\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def touched_lines(edit: Edit) -> tuple[int, ...]:
    """Line numbers, in the patched file, of added lines; for a pure deletion, of the lines around the gap.

    A line number may lie one past the end of the file when the file's last lines were removed.
    """
    touched: set[int] = set()
    for hunk in edit.hunks:
        line = hunk.new
        removed = added = 0
        for sign, _ in (*hunk.lines, (" ", "")):
            if sign == "+":
                touched.add(line)
                added += 1
                line += 1
            elif sign == "-":
                removed += 1
            else:
                if removed and not added:
                    touched.update({max(line - 1, 1), line})
                removed = added = 0
                line += 1
    return tuple(sorted(touched))
