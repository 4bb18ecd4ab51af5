"""What to do about an exception that nobody foresaw: one line for the screen, the whole story for a file."""

from __future__ import annotations

import datetime
import traceback
from pathlib import Path

from simulator.errors import FlatlineError
from simulator.store import home

FILE = "errors.log"
LONGEST = 500_000
"""Bytes from which the file is begun anew."""

_last: list[str] = []


def line_on(error: BaseException) -> str:
    """Write the traceback to `FILE` in the data folder, and return one line that names the error and the file.

    The same traceback again is not written a second time. Raises nothing: without a file, the line says so.
    """
    # Only the type: a message may hold what the candidate is not to know yet, such as a path.
    said = f"something went wrong inside Flatline ({type(error).__name__})"
    story = "".join(traceback.format_exception(error))
    path = home() / FILE
    if _last != [story]:
        _last[:] = [story]
        try:
            _write(path, story)
        except OSError as failed:
            return f"{said}, and {path} cannot be written ({failed.strerror})"
    return f"{said}; {path} says where"


def foreseen(error: Exception) -> FlatlineError:
    """The error as one that can be shown: itself, or a line on it after it was written down."""
    return error if isinstance(error, FlatlineError) else FlatlineError(line_on(error))


def _write(path: Path, story: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    anew = path.exists() and path.stat().st_size > LONGEST
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    with path.open("w" if anew else "a", encoding="utf-8", errors="backslashreplace") as file:
        file.write(f"{now}\n{story}\n")
