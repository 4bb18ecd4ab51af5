"""Finding and reading recorded runs. Reading a column reads that column of the file and no other."""

from __future__ import annotations

import os
import re
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from traces.errors import TraceError
from traces.format import FORMAT_VERSION, Artifact, Manifest, Verdict
from traces.plain import numbers_back

if TYPE_CHECKING:
    import pyarrow.parquet as pq

MANIFEST, SIGNALS, ARTIFACTS, VERDICT = "manifest.json", "signals.parquet", "artifacts", "verdict.json"
HEALTHY = "healthy."
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_FOLDER = re.compile(r"seed(\d+)(?:-([A-Za-z0-9_.-]+))?")
_again = "record it again with `gen-traces record`"


class RunRef(msgspec.Struct, frozen=True):
    """Where a run lies, told from its path alone; nothing has been opened."""

    profile: str
    name: str
    seed: int
    variant: str | None
    path: Path


class Run:
    """One recorded run. Made by `open_run`; the signals are opened when first asked for."""

    def __init__(self, path: Path, manifest: Manifest) -> None:
        self.path = path
        self.manifest = manifest

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    @cached_property
    def _table(self) -> pq.ParquetFile:
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self.path / SIGNALS
        try:
            table = pq.ParquetFile(path)
        except FileNotFoundError:
            raise TraceError(f"{path} is missing: {_again}") from None
        except (OSError, pa.ArrowException) as error:
            raise TraceError(f"{path} cannot be read ({_first_line(error)}): {_again}") from None
        if "step" not in table.schema_arrow.names:
            raise TraceError(f"{path} has no column `step`: {_again}")
        return table

    def columns(self, prefix: str = "") -> list[str]:
        """Columns named `prefix` or lying below `prefix/`, in the file's order; all of them without a prefix."""
        names = [name for name in self._table.schema_arrow.names if name != "step"]
        return [name for name in names if not prefix or name == prefix or name.startswith(f"{prefix}/")]

    def steps(self, column: str) -> tuple[int, ...]:
        """The steps at which `column` was measured."""
        return self.read(column)[0]

    def read(
        self, column: str, first: int | None = None, last: int | None = None
    ) -> tuple[tuple[int, ...], tuple[float, ...]]:
        """Steps and values of one column, between the steps `first` and `last` (both inclusive).

        Steps without a measurement are left out; NaN and infinities are measurements and are kept.
        Raises TraceError when the run has no such column or the file is damaged.
        """
        import pyarrow as pa

        if column not in self._table.schema_arrow.names:
            raise TraceError(f"{self.path / SIGNALS} has no column {column!r}")
        try:
            table = self._table.read(columns=["step", column])
        except (OSError, pa.ArrowException) as error:
            raise TraceError(f"{self.path / SIGNALS} cannot be read ({_first_line(error)}): {_again}") from None
        steps: list[int] = table.column("step").to_pylist()
        values: list[float | None] = table.column(column).to_pylist()
        pairs = [
            (step, float(value))
            for step, value in zip(steps, values, strict=True)
            if value is not None and (first is None or step >= first) and (last is None or step <= last)
        ]
        return tuple(step for step, _ in pairs), tuple(value for _, value in pairs)

    def artifact(self, id: str) -> Artifact | None:
        """The artifact of that id, or None when none was recorded. Raises TraceError when it is damaged."""
        if id not in self.manifest.artifacts:
            return None
        if not NAME.fullmatch(id):
            raise TraceError(f"{self.path / MANIFEST} names an artifact {id!r}, which is no id")
        path = self.path / ARTIFACTS / f"{id}.json"
        return msgspec.convert(_fields(path, Artifact), Artifact)


def root() -> Path:
    """The folder the recorded runs lie in: FLATLINE_TRACES, or the runs that come with the program."""
    override = os.environ.get("FLATLINE_TRACES")
    return Path(override).expanduser() if override else Path(__file__).resolve().parent / "recorded"


_default_root = root  # `root` is also the name of a parameter below


def runs(root: Path | str | None = None) -> list[RunRef]:
    """All runs below `root` (default: `root()`), sorted; an empty list when the folder is not there."""
    base = Path(root) if root is not None else _default_root()
    if not base.is_dir():
        return []
    found = []
    for manifest in base.glob(f"*/*/*/{MANIFEST}"):
        path = manifest.parent
        match = _FOLDER.fullmatch(path.name)
        if match:
            found.append(RunRef(path.parent.parent.name, path.parent.name, int(match[1]), match[2], path))
    return sorted(found, key=lambda ref: (ref.profile, ref.name, ref.seed, ref.variant or ""))


def run_path(root: Path | str, profile: str, name: str, seed: int, variant: str | None = None) -> Path:
    """Where the run of that name lies (or would lie)."""
    return Path(root) / profile / name / (f"seed{seed}-{variant}" if variant else f"seed{seed}")


def healthy_name(config_name: str) -> str:
    """The name under which the healthy twins of a configuration (`base`, without folder or suffix) are kept."""
    return HEALTHY + config_name


def open_run(path: Path | str) -> Run:
    """The run in the folder `path`. Raises TraceError when there is none, or it is damaged, or of another format."""
    folder = Path(path)
    if not folder.is_dir():
        raise TraceError(f"no recorded run at {folder}: record it with `gen-traces record`, or set FLATLINE_TRACES")
    raw = _fields(folder / MANIFEST, Manifest)
    raw["facts"] = numbers_back(raw["facts"])
    return Run(folder, msgspec.convert(raw, Manifest))


def baseline_of(run: Run) -> Run | None:
    """The healthy twin of a run: same configuration, corpus, profile and seed. None when there is none but `run`."""
    path = run_path(
        run.path.parents[2], run.manifest.profile, healthy_name(run.manifest.config_name), run.manifest.seed
    )
    if path == run.path or not path.is_dir():
        return None
    twin = open_run(path)
    return twin if twin.manifest.corpus_sha256 == run.manifest.corpus_sha256 else None


def verdict(slug: str, profile: str, root: Path | str | None = None) -> Verdict:
    """What `gen-traces verify` found out about a scenario. Secret until the debrief. Raises TraceError."""
    base = Path(root) if root is not None else _default_root()
    path = base / profile / slug / VERDICT
    if not path.is_file():
        raise TraceError(f"{path} is missing: run `gen-traces verify` first")
    return msgspec.convert(_fields(path, Verdict), Verdict)


def _fields(path: Path, shape: type[msgspec.Struct]) -> dict[str, Any]:
    """The JSON object in `path`, checked against `shape`. Raises TraceError."""
    try:
        raw = msgspec.json.decode(path.read_bytes())
    except FileNotFoundError:
        raise TraceError(f"{path} is missing: {_again}") from None
    except (OSError, UnicodeDecodeError, msgspec.DecodeError) as error:
        raise TraceError(f"{path} cannot be read ({_first_line(error)}): {_again}") from None
    if not isinstance(raw, dict):
        raise TraceError(f"{path} holds no JSON object: {_again}")
    if shape is Manifest and raw.get("format") != FORMAT_VERSION:
        raise TraceError(
            f"{path} is of format {raw.get('format')!r}, this program reads format {FORMAT_VERSION}: {_again}"
        )
    unknown = sorted(set(raw) - set(shape.__struct_fields__))
    if unknown:
        raise TraceError(f"{path} has an unknown field `{unknown[0]}`: {_again}")
    try:
        msgspec.convert(raw, shape)
    except msgspec.ValidationError as error:
        raise TraceError(f"{path}: {_first_line(error)}: {_again}") from None
    return raw


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
