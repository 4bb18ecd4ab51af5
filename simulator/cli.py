"""The `flatline` command. Each subcommand imports what it needs, so that the first screen comes fast."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from simulator.errors import FlatlineError

if TYPE_CHECKING:
    from simulator.interview import Options
    from simulator.store import Store

DONE, FINDING, WRONG = 0, 1, 2


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        print(f"{self.prog.split()[0]}: {message} (see `{self.prog} --help`)", file=sys.stderr)
        raise SystemExit(WRONG)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line `argv` (default: the program's own); the exit code: 0 done, 1 a finding, 2 wrong use."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        options = _parser().parse_args(argv)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else WRONG
    try:
        code = _run(options)
        sys.stdout.flush()
        return code
    except FlatlineError as error:
        _complain(str(error))
    except BrokenPipeError:
        # The reader has gone; what is still in the buffer must not be written at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        _complain("interrupted")
    except Exception as error:
        from simulator.mishap import line_on

        _complain(line_on(error))
    return WRONG


def _complain(message: str) -> None:
    print(f"flatline: {' '.join(message.split())}", file=sys.stderr)


def _run(options: argparse.Namespace) -> int:
    match options.command:
        case None:
            return _screens(None, None)
        case "play":
            return _play(options)
        case "resume":
            return _resume(options)
    from simulator import commands

    return commands.COMMANDS[options.command](options)


def _play(options: argparse.Namespace) -> int:
    from simulator.interview import Interview, Options, check

    wanted = Options(
        round=options.round, scenario=options.scenario, seed=options.seed, minutes=options.minutes,
        level=options.level, pack=options.pack,
    )  # fmt: skip
    check(wanted)
    if not options.plain:
        return _screens(wanted, None)
    from simulator import plain

    with _store() as store:
        return plain.play(Interview.begin(wanted, store, skipped=_complain))


def _resume(options: argparse.Namespace) -> int:
    from simulator.interview import Interview

    if not options.plain:
        with _store() as store:
            entry = store.entry(options.id) if options.id else store.unfinished()
        if entry is None:
            raise FlatlineError("there is no unfinished interview: start one with `flatline play`")
        return _screens(None, entry.id)
    from simulator import plain

    with _store() as store:
        return plain.play(Interview.resume(store, options.id))


def _screens(options: Options | None, session_id: str | None) -> int:
    if not all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout)):
        raise FlatlineError("the screens need a terminal: use `flatline play --plain` in pipes and scripts")
    from simulator.tui.app import run

    return run(_store, options, session_id)


def _store() -> Store:
    from simulator.store import Store

    return Store()


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="flatline",
        description="A mock interviewer for people who debug training runs. Without a command: the screens.",
        epilog="Data lies in the user's data folder, or where FLATLINE_HOME says. NO_COLOR is respected.",
    )
    parser.add_argument("--version", action="version", version=f"flatline {_Version()}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)

    play = commands.add_parser("play", help="start an interview")
    play.add_argument("--round", choices=("debug", "review", "loop"), default="debug", help="kind of round")
    play.add_argument(
        "--scenario", metavar="NAME", help="a number of `flatline list`, a slug, a catalogue name or #number"
    )
    play.add_argument("--seed", type=int, metavar="N", help="makes the choice repeatable; prefers the run of that seed")
    play.add_argument("--minutes", type=float, metavar="M", help="length; 20 (debug) or 10 (review) by default")
    play.add_argument("--level", choices=("junior", "mid", "senior"), help="only scenarios of this level")
    play.add_argument("--pack", metavar="DIR", help="a folder of further scenarios")
    play.add_argument("--plain", action="store_true", help="line by line on stdin and stdout")

    listing = commands.add_parser("list", help="what can be played")
    listing.add_argument("--spoilers", action="store_true", help="with names, which tell what is wrong")
    listing.add_argument("--pack", metavar="DIR", help="a folder of further scenarios")

    resume = commands.add_parser("resume", help="go on with an interview")
    resume.add_argument("id", nargs="?", metavar="ID", help="the one worked on last by default")
    resume.add_argument("--plain", action="store_true", help="line by line on stdin and stdout")

    commands.add_parser("history", help="earlier interviews")
    show = commands.add_parser("show", help="transcript and score of an interview")
    show.add_argument("id", metavar="ID")

    export = commands.add_parser("export", help="an interview as a file, on stdout")
    export.add_argument("id", metavar="ID")
    export.add_argument("--format", choices=("md", "json", "html"), default="md")

    score = commands.add_parser("score", help="score an interview again")
    score.add_argument("what", metavar="FILE|ID", help="a JSON export, or an interview's id")
    score.add_argument("--json", action="store_true", help="the scorecard as JSON")
    score.add_argument("--second-opinion", action="store_true", help="with the points that the configured model gives")

    commands.add_parser("resolve", help="messages on stdin, a line each: how each is understood, as JSON lines")
    grade = commands.add_parser("grade", help="JSON lines {id, scenario, text} on stdin: is the cause right?")
    grade.add_argument("--pack", metavar="DIR", help="a folder of further scenarios")
    doctor = commands.add_parser("doctor", help="what is installed, and whether scenarios and traces are whole")
    doctor.add_argument("--pack", metavar="DIR", help="a folder of further scenarios")
    return parser


class _Version:
    """Looked up only when it is printed."""

    def __str__(self) -> str:
        from importlib import metadata

        try:
            return metadata.version("flatline")
        except metadata.PackageNotFoundError:
            return "(not installed)"


if __name__ == "__main__":
    raise SystemExit(main())
