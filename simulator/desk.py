"""Fetches evidence: recorded columns, artifacts, twin runs, reruns and code. It shows and does not interpret."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from grader.events import Request
from scenarios.schema import Vocabulary
from simulator.columns import label, select
from simulator.errors import FlatlineError
from simulator.evidence import KNOWN_GOOD, CodeBlock, Evidence, Series
from simulator.interviewer.settings import only
from simulator.tables import number, table
from traces.errors import TraceError

if TYPE_CHECKING:
    from scenarios.source import Piece
    from traces.library import Run

VARIANTS = {
    "rerun_lower_lr": "lower_lr",
    "rerun_longer_warmup": "longer_warmup",
    "rerun_fp32": "fp32",
    "rerun_single_gpu": "single_gpu",
}
LOG_DECADES = 2.0
SAME = 1e-3
OPEN_END = 10**9  # the last step of a range that was asked for without an end


class TraceDesk:
    """The desk for one recorded run.

    `source` gives the files of the job's own training code when code is first asked for.
    """

    def __init__(self, run: Run, vocabulary: Vocabulary, source: Callable[[], dict[str, str]]) -> None:
        self._run = run
        self._vocabulary = vocabulary
        self._source = source

    def fetch(self, request: Request) -> Evidence:
        """What the request asks for; `recorded=False`, with a plain sentence, for what the run does not hold.

        Raises FlatlineError when something recorded cannot be read.
        """
        try:
            return self._fetch(request)
        except TraceError:
            # The error names a path, and the path names what is wrong with the run.
            raise FlatlineError(
                f"the recording of {name_of(request)} cannot be read: `flatline doctor` tells which file is at fault"
            ) from None

    def opening(self) -> list[Evidence]:
        """What is on the table from the start: the loss and the learning rate over the whole run."""
        pieces = [self.fetch(Request(diagnostic=id)) for id in ("loss", "lr")]
        return [piece for piece in pieces if piece.recorded]

    def _fetch(self, request: Request) -> Evidence:
        id = request.diagnostic
        if id == "code":
            return self._code(request)
        if id == "baseline":
            return self._baseline(request)
        if id == "rerun_other_seed" or id in VARIANTS:
            rerun = self._rerun(request)
            if rerun.recorded:
                return rerun
        if id == "loss" and request.split == "val":
            id = "val_loss"
        columns = self._run.columns(id)
        artifact = self._run.artifact(id)
        if columns:
            return self._curves(request, id, columns, self._with_twins(request, id, artifact.text) if artifact else "")
        if id == "config":
            text = only(artifact.text if artifact else self._settings(), request.settings)
        elif artifact:
            text = artifact.text
        else:
            return _missing(request)
        return Evidence(title=name_of(request), kind="text", text=self._with_twins(request, id, text))

    def _with_twins(self, request: Request, id: str, text: str) -> str:
        """The text of an artifact, and that of the known-good run below it where the request compares."""
        if not request.compare:
            return text
        twin = _baseline_of(self._run)
        artifact = twin.artifact(id) if twin else None
        if artifact is None:
            return f"{text}\n\n(The known-good run has no recording of this.)"
        theirs = only(artifact.text, request.settings) if id == "config" else artifact.text
        if theirs == text:
            return f"{text}\n\n(The same in the known-good run.)"
        return f"{text}\n\n{KNOWN_GOOD}\n{theirs}"

    # -- curves

    def _curves(self, request: Request, id: str, columns: Sequence[str], beside: str = "") -> Evidence:
        chosen = select(columns, request)
        series = [one for one in (_read(self._run, column, request.steps) for column in chosen) if one.steps]
        if not series:
            return _missing(request, self._cadence(chosen or columns))
        series, note = _distinct(series)
        if request.compare:
            twin = _baseline_of(self._run)
            known = set(twin.columns(id)) if twin else set()
            if twin:
                twins = [_read(twin, column, request.steps, True) for column in chosen if column in known]
                series += _distinct(twins)[0]
            if not any(one.baseline for one in series):
                note += "\n(The known-good run has no recording of this.)"
        text = table(series) + note + (f"\n\n{beside}" if beside else "")
        return msgspec.structs.replace(_chart(name_of(request), series, text), beside=beside)

    def _cadence(self, columns: Sequence[str]) -> str | None:
        steps = self._run.steps(columns[0])
        if not steps:
            return None
        every = self._run.manifest.columns.get(columns[0], 1)
        cadence = f", every {every} steps" if every > 1 else ""
        return f"it was recorded from step {steps[0]} to step {steps[-1]}{cadence}"

    def _baseline(self, request: Request) -> Evidence:
        twin = _baseline_of(self._run)
        if twin is None:
            return _missing(request)
        series = []
        for column in ("loss", "val_loss"):
            for run, baseline in ((self._run, False), (twin, True)):
                if column in run.columns(column):
                    series.append(_read(run, column, request.steps, baseline))
        series = [one for one in series if one.steps]
        if not any(one.baseline for one in series):
            return _missing(request)
        return _chart(name_of(request), series, table(series))

    def _rerun(self, request: Request) -> Evidence:
        """The loss of this run beside that of a recorded rerun, the first other seed or the variant of this seed."""
        from traces import library

        manifest = self._run.manifest
        refs = [
            ref
            for ref in library.runs(self._run.path.parents[2])
            if ref.profile == manifest.profile and ref.name == self._run.path.parent.name
        ]
        if request.diagnostic == "rerun_other_seed":
            found = [ref for ref in refs if ref.variant is None and ref.seed != manifest.seed]
            found.sort(key=lambda ref: ((ref.seed < manifest.seed), ref.seed))
        else:
            found = [ref for ref in refs if ref.variant == VARIANTS[request.diagnostic]]
            found.sort(key=lambda ref: (ref.seed != manifest.seed, ref.seed))
        for ref in found:
            rerun = library.open_run(ref.path)
            if "loss" not in rerun.columns("loss"):
                continue
            other = _read(rerun, "loss", request.steps)
            word = f"seed {ref.seed}" if ref.variant is None else ref.variant.replace("_", " ")
            series = [
                _read(self._run, "loss", request.steps),
                Series(name=f"loss, {word}", steps=other.steps, values=other.values),
            ]
            if not other.steps:
                continue
            return _chart(name_of(request), series, f"{_changed(self._run, rerun)}{table(series)}")
        return _missing(request)

    # -- facts and code

    def _settings(self) -> str:
        config = {key: value for key, value in self._run.manifest.config.items() if key != "seed"}
        width = max((len(key) for key in config), default=0)
        return "\n".join(f"{key.ljust(width)}  {value}" for key, value in config.items())

    def _code(self, request: Request) -> Evidence:
        from scenarios.errors import ScenarioError
        from scenarios.source import regions

        area = next((area for area in self._vocabulary.areas if area.id == request.area), None)
        try:
            source = self._source()
            # An area lies in other files for every kind of job.
            there = [region for region in area.regions if region.file in source] if area else []
            if not there:
                return _missing(request, "this job has no code of that kind")
            return code_evidence(name_of(request), regions(source, there))
        except ScenarioError as error:
            raise FlatlineError(str(error)) from None


def code_evidence(title: str, pieces: Sequence[Piece]) -> Evidence:
    """Code with the line numbers of its files."""
    blocks = tuple(CodeBlock(file=p.file, first_line=p.first_line, lines=tuple(p.lines)) for p in pieces)
    return Evidence(title=title, kind="code", text="\n\n".join(code_text(block) for block in blocks), blocks=blocks)


def code_text(block: CodeBlock, marked: frozenset[int] = frozenset()) -> str:
    """A block with line numbers, for readers and pipes; marked lines carry a `>`."""
    width = len(str(block.first_line + len(block.lines)))
    lines = [f"{block.file}:"]
    for i, line in enumerate(block.lines, block.first_line):
        lines.append(f"{'>' if i in marked else ' '}{i:>{width}}  {line}".rstrip())
    return "\n".join(lines)


def name_of(request: Request) -> str:
    """What is asked for, in words: `grad norm, layer 3, steps 180 to 220, beside the known-good run`."""
    if request.diagnostic == "code":
        return f"the {(request.area or 'training').replace('_', ' ')} code"
    words = [", ".join(request.settings or (request.diagnostic,)).replace("_", " ")]
    if request.split:
        words.append("validation" if request.split == "val" else "training")
    for noun, numbers in (("layer", request.layers), ("head", request.heads)):
        if numbers:
            words.append(f"{noun}{'s' * (len(numbers) > 1)} {' '.join(map(str, numbers))}")
    if request.rank is not None:
        words.append(f"rank {request.rank}")
    if request.steps:
        first, last = request.steps
        if last >= OPEN_END:
            words.append(f"from step {first} on")
        else:
            words.append(f"step {first}" if first == last else f"steps {first} to {last}")
    if request.compare:
        words.append("beside the known-good run")
    return ", ".join(words)


def _distinct(series: Sequence[Series]) -> tuple[list[Series], str]:
    """The series without parameter groups, and values as the script logs them, that repeat another; a line says so."""
    kept: list[Series] = []
    same: list[str] = []
    for one in series:
        twin = next((other for other in kept if _agree(one, other)), None)
        if twin is None or not one.name.startswith(("group ", "logged")):
            kept.append(one)
        else:
            same.append(f"\n({one.name}: the same as {twin.name})")
    return kept, "".join(same)


def _agree(one: Series, other: Series) -> bool:
    """Whether two series have the same values, but for what rounding on the way to a log takes off."""
    pairs = zip(one.values, other.values, strict=False)
    return one.steps == other.steps and all(math.isclose(a, b, rel_tol=SAME) or repr(a) == repr(b) for a, b in pairs)


def _missing(request: Request, detail: str | None = None) -> Evidence:
    name = name_of(request)
    text = f"{name}: not recorded for this run" + (f"; {detail}" if detail else "") + "."
    return Evidence(title=name, kind="text", text=text, recorded=False)


def _read(run: Run, column: str, steps: tuple[int, int] | None, baseline: bool = False) -> Series:
    first, last = steps if steps else (None, None)
    at, values = run.read(column, first, last)
    if not at and first is not None and last is not None:
        at, values = _neighbours(run, column, first, last)
    return Series(name=label(column), steps=tuple(at), values=tuple(values), baseline=baseline)


def _neighbours(run: Run, column: str, first: int, last: int) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """The measurements just before and after a gap between two of them; none outside of the recording."""
    steps, values = run.read(column)
    before = [i for i, step in enumerate(steps) if step < first]
    after = [i for i, step in enumerate(steps) if step > last]
    if not before or not after:
        return (), ()
    picked = (before[-1], after[0])
    return tuple(steps[i] for i in picked), tuple(values[i] for i in picked)


def _chart(title: str, series: Sequence[Series], text: str) -> Evidence:
    finite = [value for one in series for value in one.values if math.isfinite(value)]
    log_y = bool(finite) and min(finite) > 0 and math.log10(max(finite) / min(finite)) > LOG_DECADES
    return Evidence(title=title, kind="curves", text=text, series=tuple(series), log_y=log_y)


def _changed(run: Run, rerun: Run) -> str:
    """The settings in which a rerun differs, as lines."""
    before, after = run.manifest.config, rerun.manifest.config
    keys = [key for key in after if key != "seed" and before.get(key) != after[key]]
    return "".join(f"{key}: {_setting(before.get(key))} → {_setting(after[key])}\n" for key in keys)


def _setting(value: object) -> str:
    return number(value) if isinstance(value, float) else str(value)


def _baseline_of(run: Run) -> Run | None:
    from traces import library

    return library.baseline_of(run)
