"""Saving an interview as a Markdown file."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from simulator.errors import FlatlineError
from simulator.export import export
from simulator.interview import Interview
from simulator.store import home


def save(interview: Interview) -> Path:
    """Write `flatline-ID.md` to the current folder, or to the data folder if that cannot be written; return its path.

    A file saved earlier is replaced whole. Raises FlatlineError when neither folder can be written.
    """
    text = export(interview, "md")
    why = ""
    for folder in (Path.cwd(), home()):
        path = folder / f"flatline-{interview.session_id}.md"
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            beside.write_text(text, encoding="utf-8")
            os.replace(beside, path)
            return path
        except OSError as error:
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)
            why = f"{path}: {error.strerror}"
    raise FlatlineError(f"the transcript cannot be written ({why}): set FLATLINE_HOME to a folder you can write")
