"""How long until the first text of `flatline` is on the screen, against a minimal Textual program.

    python tests/benchmarks/startup.py [-n 15] [--ceiling 1.6]

Both run in a pseudo-terminal of 80x24, turn about, with an empty data folder; a run's time is from its start to the
first of its own words in the output. Prints both medians and their ratio; exit code 1 above the ceiling.
"""

from __future__ import annotations

import argparse
import os
import pty
import re
import select
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence

LIMIT = 20.0
"""Seconds after which a program that has shown nothing is given up."""
MINIMAL = """
from textual.app import App
from textual.widgets import Static

class Minimal(App):
    def compose(self):
        yield Static("minimal")

Minimal().run()
"""
FLATLINE = "import sys; from simulator.cli import main; sys.argv = ['flatline']; sys.exit(main())"
ESCAPES = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[PX^_].*?\x1b\\|[@-Z\\-_])", re.DOTALL)


def first_text(code: str, word: str, environment: dict[str, str]) -> float:
    """Run `code` in a pseudo-terminal and return the seconds until `word` appears.

    Raises RuntimeError when it ends or is silent for `LIMIT` seconds before that.
    """
    began = time.perf_counter()
    child, terminal = pty.fork()
    if child == 0:
        os.execve(sys.executable, [sys.executable, "-c", code], environment)
    seen = b""
    try:
        while time.perf_counter() - began < LIMIT:
            ready, _, _ = select.select([terminal], [], [], 0.5)
            if not ready:
                continue
            try:
                seen += os.read(terminal, 65536)
            except OSError:
                break
            if word.encode() in ESCAPES.sub(b"", seen):
                return time.perf_counter() - began
        raise RuntimeError(f"no {word!r} on the screen: {ESCAPES.sub(b'', seen)[-2000:].decode(errors='replace')}")
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(terminal)


def measure(times: int) -> tuple[list[float], list[float]]:
    """Return the seconds of `times` runs each of the minimal program and of `flatline`, after one of each to warm."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ, "FLATLINE_HOME": folder, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24",
        }  # fmt: skip
        minimal: list[float] = []
        own: list[float] = []
        for _ in range(times + 1):
            minimal.append(first_text(MINIMAL, "minimal", environment))
            own.append(first_text(FLATLINE, "Debugging round", environment))
        return minimal[1:], own[1:]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Time to the first text, against a minimal Textual program.")
    parser.add_argument("-n", type=int, default=15, help="runs of each (default 15)")
    parser.add_argument("--ceiling", type=float, default=1.6, help="highest allowed ratio (default 1.6)")
    options = parser.parse_args(arguments)
    minimal, own = measure(max(1, options.n))
    ratio = statistics.median(own) / statistics.median(minimal)
    print(f"minimal  median {statistics.median(minimal) * 1000:6.0f} ms  fastest {min(minimal) * 1000:6.0f} ms")
    print(f"flatline median {statistics.median(own) * 1000:6.0f} ms  fastest {min(own) * 1000:6.0f} ms")
    print(f"ratio    {ratio:.2f}  (ceiling {options.ceiling:g})")
    return 0 if ratio <= options.ceiling else 1


if __name__ == "__main__":
    raise SystemExit(main())
