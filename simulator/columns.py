"""Which columns of a run answer a request.

A column is `ID` or `ID/key.number.key.number…`, such as `attention_entropy/layer.2.head.1`. Parts that are not numbered
(`logits/max`) name a statistic.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from grader.events import Request

_KEYED = re.compile(r"(layer|head|rank|group)\.(\d+)")


def place(column: str) -> dict[str, int]:
    """The numbered parts of a column's name, such as `{"layer": 2, "head": 1}`."""
    _, _, below = column.partition("/")
    return {key: int(number) for key, number in _KEYED.findall(below)}


def select(columns: Sequence[str], request: Request) -> list[str]:
    """Those of a diagnostic's columns that the request is about.

    Without layers: the global column if there is one, otherwise one level of columns, layers before heads. Heads are
    shown when heads or one single layer are asked for.
    """
    chosen = list(columns)
    if request.rank is not None:
        chosen = [c for c in chosen if place(c).get("rank") == request.rank]
    elif request.diagnostic == "per_rank":
        # Every rank's loss; the rest of what the ranks measured would be lines without number.
        chosen = [c for c in chosen if c.startswith("per_rank/loss/")] or chosen
    if request.split is not None:
        of_split = [c for c in chosen if request.split in re.split(r"[/.]", c)[1:]]
        chosen = of_split or chosen
    if request.layers:
        chosen = [c for c in chosen if place(c).get("layer") in request.layers]
    if request.heads:
        return [c for c in chosen if place(c).get("head") in request.heads]
    if len(request.layers) == 1:
        return chosen
    if not request.layers and request.diagnostic in chosen:
        whole = [c for c in chosen if "layer" not in place(c) and "head" not in place(c)]
        # Where there are layers, the other columns below the name are parts of the model too.
        return whole if len(whole) == len(chosen) else [request.diagnostic]
    return [c for c in chosen if "head" not in place(c)] or chosen


def label(column: str) -> str:
    """A column's name for the legend: `grad_norm`, `layer 3`, `layer 3 head 1`, `max layer 3`."""
    name, _, below = column.partition("/")
    if not below:
        return name
    words = _KEYED.sub(lambda m: f" {m[1]} {m[2]} ", below)
    return " ".join(re.split(r"[\s/.]+", words.strip(" ./")))
