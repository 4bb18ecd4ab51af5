"""`gen-traces`: record runs, verify that their bugs show, list them, take them to other tools.

Exit codes: 0 done, 1 a finding (a failed verification), 2 wrong use, bad input or interrupted.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from gen_traces.errors import RecordingError
from scenarios.errors import ScenarioError
from traces.errors import TraceError


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="gen-traces", description="Record training runs that go wrong, and judge them.")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)

    record = commands.add_parser(
        "record",
        help="train bugged jobs and their healthy twins and record what they show",
        description="Train every chosen scenario's job at every seed, its healthy twins and its reruns. "
        "Runs that are recorded already are left as they are, so an interrupted recording goes on where it stopped.",
    )
    record.add_argument("slugs", nargs="*", metavar="SLUG", help="scenarios by slug, number or name (default: all)")
    _profile(record)
    record.add_argument("--device", default="auto", help="auto (the profile's), cpu, cuda, cuda:1, ...")
    record.add_argument("--seeds", type=_seeds, default=(), metavar="0,1,2", help="default: the profile's")
    record.add_argument("--jobs", type=_count, default=0, metavar="N", help="runs at a time (default: one a core)")
    record.add_argument("--out", type=Path, metavar="DIR", help="where runs are kept (default: with the program)")
    record.add_argument("--pack", type=Path, metavar="DIR", help="a further folder of scenarios")
    record.add_argument("--again", action="store_true", help="record also what is recorded already")
    record.add_argument("--no-checks", action="store_true", help="leave out the experiments after each run")

    verify = commands.add_parser("verify", help="compare bugged runs with the healthy band")
    verify.add_argument("slugs", nargs="*", metavar="SLUG", help="scenarios (default: all that are recorded)")
    _profile(verify)
    _root(verify)
    verify.add_argument("--pack", type=Path, metavar="DIR", help="a further folder of scenarios")

    listing = commands.add_parser("list", help="show what is recorded")
    listing.add_argument("--profile", help="only this profile's runs")
    _root(listing)

    export = commands.add_parser("export", help="write TensorBoard events and trainer_state.json")
    export.add_argument("slugs", nargs="*", metavar="NAME", help="scenarios or healthy.CONFIG (default: all)")
    _profile(export)
    _root(export)
    export.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the files go")
    export.add_argument("--format", action="append", metavar="FORM", help="tensorboard or trainer_state")
    export.add_argument("--seeds", type=_seeds, default=None, metavar="0,1,2", help="default: all")
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    args = parser().parse_args(argv)
    # A terminated recording ends as an interrupted one: no job survives it, and nothing half written is left.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return _run(args)
    except (RecordingError, ScenarioError, TraceError) as error:
        print(f"gen-traces: {error}", file=sys.stderr)
    except BrokenPipeError:
        # Whoever read the output has seen enough; what is still buffered must not fail at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        print(f"gen-traces: {error.filename or 'a file'} cannot be used: {error.strerror or error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("gen-traces: interrupted; the same command goes on", file=sys.stderr)
    return 2


def _run(args: argparse.Namespace) -> int:
    if args.command == "record":
        from gen_traces import record

        return record.run(
            args.slugs,
            profile=args.profile,
            device=args.device,
            seeds=args.seeds,
            workers=args.jobs,
            out=args.out,
            again=args.again,
            checks=not args.no_checks,
            pack=args.pack,
        )
    if args.command == "verify":
        from gen_traces import verify

        return verify.run(args.slugs, args.profile, args.root, args.pack)
    if args.command == "list":
        from gen_traces import listing

        return listing.run(args.root, args.profile)
    from gen_traces import export

    forms = args.format or export.FORMS
    return export.run(args.slugs, args.out, args.profile, forms, args.root, args.seeds)


def _profile(command: argparse.ArgumentParser) -> None:
    command.add_argument("--profile", default="cpu", help="smoke, cpu (default) or gpu")


def _root(command: argparse.ArgumentParser) -> None:
    command.add_argument("--root", type=Path, metavar="DIR", help="where the runs lie (default: with the program)")


def _seeds(text: str) -> tuple[int, ...]:
    try:
        seeds = tuple(int(part) for part in text.split(","))
    except ValueError:
        seeds = ()
    if not seeds or min(seeds) < 0 or len(set(seeds)) < len(seeds):
        raise argparse.ArgumentTypeError(f"{text!r} is no list of different seeds such as 0,1,2")
    return seeds


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of runs, from 1")
    return int(text)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
