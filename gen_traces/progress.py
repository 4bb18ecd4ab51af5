"""How far a recording is: a bar with the time left on a terminal, a line a run elsewhere."""

from __future__ import annotations

import sys
import time
from collections import Counter
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gen_traces.jobs import Outcome
    from gen_traces.record import Plan


class Progress:
    """`steps` and `runs` are totals, runs that are recorded already included."""

    def __init__(self, steps: int, runs: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
        from rich.progress import Progress as Bars

        self.runs, self.finished, self.counts = runs, 0, Counter[str]()
        self._console = Console(file=sys.stderr)
        self._bars = Bars(
            TextColumn("{task.fields[runs]}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("steps"),
            TimeElapsedColumn(),
            TimeRemainingColumn(elapsed_when_finished=True),
            TextColumn("{task.fields[now]}"),
            console=self._console,
            disable=not self._console.is_terminal,
            # Steps come in bursts, validation and checks between them: a long memory gives a steadier estimate.
            speed_estimate_period=300,
        )
        self._task = self._bars.add_task("", total=steps, runs=f"0/{runs} runs", now="")
        self._started = time.monotonic()

    def __enter__(self) -> Progress:
        self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bars.stop()

    def said(self, plan: Plan, what: str, outcome: Outcome | None) -> None:
        self.finished += 1
        self.counts[what] += 1
        line = f"[{self.finished}/{self.runs}] {plan.label}: {what}"
        if outcome is not None:
            line += f" after {len(outcome.rows.series('loss'))} steps, {outcome.wall_seconds:.0f} s"
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)
        for note in outcome.report.notes if outcome is not None and outcome.report is not None else ():
            self._console.print(f"    {note}", markup=False, highlight=False, soft_wrap=True)
        self._bars.update(self._task, runs=f"{self.finished}/{self.runs} runs")

    def ticked(self, steps: int, running: list[Plan]) -> None:
        now = ", ".join(plan.label for plan in running[:2]) + (" ..." if len(running) > 2 else "")
        self._bars.update(self._task, completed=steps, now=now)

    def summary(self) -> str:
        parts = [f"{count} {what}" for what, count in sorted(self.counts.items())]
        return f"{', '.join(parts)}; {time.monotonic() - self._started:.0f} s"
