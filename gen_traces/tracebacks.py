"""Tracebacks of a job as its author would see them: without the frames that watched it, and without this machine's
paths."""

from __future__ import annotations

import linecache
import re
import sysconfig
import traceback
from pathlib import Path

_OURS = Path(__file__).resolve().parent


def one_line(error: BaseException) -> str:
    """`ValueError: what it said`."""
    said = (str(error).splitlines() or [""])[0]
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def shown(error: BaseException, work: Path) -> str:
    """The traceback as Python prints it, files named relative to the job's folder or to the installed packages."""
    lines = ["Traceback (most recent call last):"]
    for frame in traceback.extract_tb(error.__traceback__):
        path = Path(frame.filename)
        if path.is_absolute() and path.resolve().is_relative_to(_OURS):
            continue
        lines.append(f'  File "{relative(frame.filename, work)}", line {frame.lineno}, in {frame.name}')
        source = linecache.getline(frame.filename, frame.lineno or 0).strip()
        if source:
            lines.append(f"    {source}")
    lines += "".join(traceback.format_exception_only(error)).rstrip().splitlines()
    return without_paths("\n".join(lines), work)


def relative(filename: str, work: Path) -> str:
    path = Path(filename)
    roots = [work, work.resolve(), *(Path(sysconfig.get_path(key)) for key in ("purelib", "platlib", "stdlib"))]
    for root in roots:
        if path.is_absolute() and path.is_relative_to(root):
            return path.relative_to(root).as_posix()
    return filename


def without_paths(text: str, work: Path) -> str:
    """`text` with the job's folder, and the folders of installed packages, cut from the paths in it."""
    roots = [work, work.resolve(), *(Path(sysconfig.get_path(key)) for key in ("purelib", "platlib", "stdlib"))]
    for root in sorted({str(root) for root in roots}, key=len, reverse=True):
        text = re.sub(re.escape(root) + r"/?", "", text)
    return text
