"""Training on conversations: what a language model shows, the loss mask, the template, answers and their accuracy."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType, ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gen_traces.checks import job, overfit_batch
from gen_traces.checks.context import Context
from gen_traces.checks.runner import CHECKS
from gen_traces.kinds.base import BaseKind, Makers
from gen_traces.observe import attention, chat, outputs
from gen_traces.observe.watch import Observer, Watch
from traces.format import Artifact

if TYPE_CHECKING:
    from gen_traces.child import Child

SHOWN = 12
SAMPLES = 6


class Document(NamedTuple):
    conversation: Any
    tokens: np.ndarray  # (length,) uint8


def as_language(context: Context) -> Context:
    """The same job under the names that the checks of a language model use."""
    module = context.modules["chat"]
    config = dataclasses.replace(context.config, grow_every=0, memory_limit=0, accuracy_questions=1)

    def documents(path: Any, *_: Any) -> list[Document]:
        kept = module.load_conversations(path, config.max_conversations)
        return [Document(c, np.array([*module.render(c), module.END], dtype=np.uint8)) for c in kept]

    def batches(documents: list[Document], config: Any, device: str) -> Any:
        return module.ChatBatches([document.conversation for document in documents], config, device)

    data = SimpleNamespace(load_corpus=documents, split=module.split, Batches=batches)
    modules = {**context.modules, "data": data, "train": context.modules["finetune"]}
    return dataclasses.replace(context, modules=modules, config=config)  # type: ignore[arg-type]


def adapted(check: Callable[[Context], Artifact]) -> Callable[[Context], Artifact]:
    return lambda context: check(as_language(context))


def overfit_one_batch(context: Context) -> Artifact:
    """The job's whole loop on a corpus whose training split is one micro-batch of conversations."""
    context = as_language(context)
    rows, steps = context.config.micro_batch, overfit_batch.STEPS
    config = job.shortened(
        context.config,
        steps,
        warmup_steps=min(context.config.warmup_steps, steps // 2),
        min_lr_ratio=1.0,
        accumulation=1,
        max_conversations=0,
        val_fraction=1 / (rows + 1),
        accuracy_every=10 * steps,
        accuracy_questions=1,
    )
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus.jsonl"
        lines = Path(context.corpus).read_text().splitlines()[: rows + 1]
        corpus.write_text("\n".join(lines) + "\n")
        _, losses = job.train(context, config, corpus)
    how = f"accumulation 1, {config.warmup_steps} warmup steps, no decay"
    return overfit_batch.told(losses, f"{rows} conversations", how)


class Kind(BaseKind):
    wrapped: tuple[str, ...] = ("config", "loss", "runlog", "engine", "checkpoint", "chat", "chatlog")
    experimented: tuple[str, ...] = ("model", "chat", "optim", "loss", "engine", "answers", "checkpoint", "config",
                                     "chat_config", "finetune")  # fmt: skip
    checks = MappingProxyType(
        {id: adapted(check) for id, check in CHECKS.items()} | {overfit_batch.ID: overfit_one_batch}
    )

    def __init__(self, watch: Watch) -> None:
        super().__init__(watch)
        self.chat = chat.ChatHooks(watch, self.throughput.waited, self.throughput.pause)
        self.seen = chat.Conversations(watch)
        self.attention = attention.Attention(watch)

    def observers(self) -> list[Observer]:
        return [*super().observers(), self.attention, chat.KindLoss(self.watch), self.seen]

    def install(self, modules: Mapping[str, ModuleType]) -> None:
        super().install(modules)
        self.chat.install(modules)

    def artifacts(self, child: Child, error: str | None) -> Makers:
        makers = super().artifacts(child, error)
        hooks, seen, config, modules = self.chat, self.seen, child.config, child.modules
        if chosen := seen.chosen():
            makers["batch"] = lambda: chat.batch_artifact(chosen)
        if hooks.batches is not None:
            makers["data_stats"] = lambda: chat.data_stats_artifact(hooks, seen)
        if hooks.batches is not None and seen.served:
            makers["data_order"] = lambda: chat.data_order_artifact(hooks, seen)
        if hooks.held_out:
            makers["split_overlap"] = lambda: chat.split_overlap_artifact(hooks)
        if "chat" in modules and config is not None:
            makers["tokenizer_roundtrip"] = lambda: chat.tokenizer_artifact(modules["chat"], config, seen, hooks)
        if self.attention.corners:
            makers["attention_pattern"] = lambda: outputs.attention_pattern_artifact(self.attention.corners)
        answers = child.module("answers") if error is None else None
        if child.model is not None and answers is not None and hooks.held_out:
            held_out, model = hooks.held_out, child.model
            makers["samples"] = lambda: chat.samples_artifact(
                answers, held_out[:SAMPLES], model, config, self.watch.step, child.spec.device
            )
            makers["predictions"] = lambda: chat.predictions_artifact(
                answers, held_out, model, config, SHOWN, child.spec.device
            )
        return makers

    def facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = {}
        if self.chat.train:
            facts["train_conversations"] = len(self.chat.train)
            facts["val_conversations"] = len(self.chat.held_out)
        if self.chat.accuracies:
            facts["final_accuracy"] = self.chat.accuracies[-1]
            facts["best_accuracy"] = max(self.chat.accuracies)
        if self.seen.served:
            facts["rows_per_step"] = len(next(iter(self.seen.served.values())))
            facts["tokens_seen"] = self.throughput.tokens_seen
        return facts
