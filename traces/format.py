"""The on-disk form of a recorded run.

A run is a folder:

    manifest.json       `Manifest`
    signals.parquet     one row per optimizer step; column `step` (int32), all others float32
    artifacts/ID.json   `Artifact`, one per recorded fact, data view, output or check; ID is a diagnostic's id

A column is named after its diagnostic (`grad_norm`) or lies below it (`activations/layer.3`,
`attention_entropy/layer.2.head.1`, `lr/group.0`). NaN and infinities are values that the run really had. A step at
which a column was not measured holds null; `Manifest.columns` says at which cadence it was.

Runs lie below a root (`traces.library.root()`) as `PROFILE/NAME/seedK[-VARIANT]`, where NAME is a scenario's slug or
`healthy.CONFIG` for the healthy twins that all scenarios of a configuration share.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

FORMAT_VERSION = 1


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """Where a run comes from and what it holds. `facts` are measured values, by name, for texts with placeholders."""

    format: int = FORMAT_VERSION
    scenario: str | None
    workload: str = "lm_pretraining"
    config_name: str
    profile: str
    seed: int
    variant: str | None = None
    device: str
    device_name: str
    versions: dict[str, str]
    code_sha256: str
    patch_sha256: str
    corpus_sha256: str
    config: dict[str, Any]
    started: str
    wall_seconds: float
    steps: int
    status: Literal["finished", "crashed", "timeout"]
    columns: dict[str, int]
    artifacts: tuple[str, ...]
    facts: dict[str, float | int | str | None]


class Artifact(msgspec.Struct, frozen=True):
    """`text` is shown to the candidate as it stands, without interpretation; `data` is the same for programs."""

    text: str
    data: Any = None


class Betrayal(msgspec.Struct, frozen=True):
    """A column that leaves the healthy band on every bugged seed.

    `widths` is the largest sustained distance from the band in band widths (the smallest over the seeds; capped at
    1e6, also for a value that is not finite where the healthy one is), `first_step` the earliest step outside, taken
    from the slowest seed.
    """

    diagnostic: str
    column: str
    first_step: int
    widths: float
    direction: Literal["above", "below", "nonfinite"]


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """`PROFILE/SLUG/verdict.json`, written by `gen-traces verify`: which diagnostics betray the bug.

    `checks` tells for each check whether its outcome differs from the healthy one on every seed. Secret until the
    debrief, like the solution.
    """

    scenario: str
    profile: str
    seeds: tuple[int, ...]
    band_seeds: tuple[int, ...]
    betrayals: tuple[Betrayal, ...]
    checks: dict[str, bool]
    passed: bool
    reason: str
