"""Using a job's own parts: a fresh model, rows of its corpus, its whole `train()` on a corpus of our choice."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import io
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from gen_traces.checks.context import Context


def changed(config: Any, **values: Any) -> Any:
    """The configuration with some values replaced."""
    return dataclasses.replace(config, **values)


def shortened(config: Any, steps: int, **values: Any) -> Any:
    """The configuration of a job of so many steps, all in one leg, that neither validates nor saves before its end."""
    if hasattr(config, "stop_after"):
        values["stop_after"] = 0
    return changed(config, steps=steps, eval_every=10 * steps, eval_batches=1, checkpoint_every=10 * steps, **values)


def fresh_model(context: Context, config: Any = None) -> Any:
    """A model as the job's code builds it, from the job's seed."""
    config = config or context.config
    torch.manual_seed(config.seed)
    return context.modules["model"].GPT(config).to(context.device)


def by_state(context: Context, measure: Callable[[Any], dict[str, float]]) -> dict[str, dict[str, float]]:
    """What `measure` finds in a `fresh` model and, where training left one, in the `trained` one."""
    models = {"fresh": fresh_model(context)} | ({} if context.model is None else {"trained": context.model})
    return {name: measure(model) for name, model in models.items()}


def lines_by_state(data: dict[str, dict[str, float]], scale: str) -> list[str]:
    """A line for each of `by_state`, which measured a `difference` beside the `scale` of what it is one of."""
    named = {"fresh": "model at initialisation", "trained": "trained model"}
    return [
        f"{named[n]}: {found['difference']:.1e} (largest |{scale}|: {found['scale']:.1e})" for n, found in data.items()
    ]


def text(context: Context, length: int) -> bytes:
    """`length` bytes of the job's training documents, in the order they are stored, without binary ones."""
    data = context.modules["data"]
    documents, _ = data.split(data.load_corpus(context.corpus, True), context.config.val_fraction)
    result = b""
    for document in documents:
        result += document.tokens.tobytes()
        if len(result) >= length:
            break
    return (result * (length // len(result) + 1))[:length]


def rows(context: Context, n: int, length: int) -> torch.Tensor:
    """(n, length) int64: pieces of the training text."""
    return torch.tensor(list(text(context, n * length)), device=context.device).view(n, length)


def train(context: Context, config: Any, corpus: Path | None = None) -> tuple[Any, list[float]]:
    """Run the job's own `train()` silently in a folder of its own; the model it returns and the losses it logged."""
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        model = context.modules["train"].train(config, str(corpus or context.corpus), folder, context.device)
        lines = (Path(folder) / "metrics.jsonl").read_text().splitlines()
    return model, [record["loss"] for record in map(json.loads, lines) if "loss" in record]


def one_batch_corpus(context: Context, path: Path) -> None:
    """Write a corpus whose training split is one document of exactly one micro-batch of rows.

    The job's loader can then serve nothing but that batch, whatever order it makes. The first document goes to
    validation, as the job's split has it.
    """
    config = context.config
    length = config.micro_batch * config.seq_len + 1
    both = text(context, 2 * length)
    with path.open("w") as file:
        # Two texts: of the same one the job would keep only the first.
        for name, part in (("held out", both[length:]), ("batch", both[:length])):
            file.write(json.dumps({"name": name, "data": base64.b64encode(part).decode()}) + "\n")
