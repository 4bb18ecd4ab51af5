"""`gen-traces list`: the recorded runs, one a line."""

from __future__ import annotations

import sys
from pathlib import Path

from gen_traces import tables
from traces import library
from traces.errors import TraceError

HEADINGS = ("profile", "run", "seed", "variant", "status", "steps", "device", "wall", "size", "recorded")


def run(root: Path | str | None = None, profile: str | None = None) -> int:
    """Print a table of the runs below `root`. Returns 0, or 2 when there are none; a damaged run is said to be so."""
    base = Path(root) if root is not None else library.root()
    refs = [ref for ref in library.runs(base) if profile is None or ref.profile == profile]
    if not refs:
        print(f"gen-traces: no recorded runs below {base}: make some with `gen-traces record`", file=sys.stderr)
        return 2
    rows = []
    for ref in refs:
        size = f"{sum(path.stat().st_size for path in ref.path.rglob('*') if path.is_file()) / 1000:.0f} kB"
        place = (ref.profile, ref.name, str(ref.seed), ref.variant or "–")
        try:
            manifest = library.open_run(ref.path).manifest
        except TraceError:
            rows.append((*place, "damaged", "–", "–", "–", size, "–"))
        else:
            wall = f"{manifest.wall_seconds:.0f} s"
            rows.append(
                (*place, manifest.status, str(manifest.steps), manifest.device, wall, size, manifest.started[:16])
            )
    tables.show(HEADINGS, rows)
    return 0
