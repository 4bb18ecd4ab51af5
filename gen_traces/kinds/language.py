"""Pretraining of a language model: attention, batches of text, samples, and every check."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

from gen_traces.checks.runner import CHECKS
from gen_traces.kinds.base import BaseKind, Makers
from gen_traces.observe import attention, batches, outputs, tokens
from gen_traces.observe.textjob import TextHooks
from gen_traces.observe.watch import Observer, Watch

if TYPE_CHECKING:
    from gen_traces.child import Child


class Kind(BaseKind):
    wrapped: tuple[str, ...] = ("config", "loss", "runlog", "data", "engine", "checkpoint", "evaluate")
    experimented: tuple[str, ...] = (
        "model",
        "data",
        "optim",
        "loss",
        "engine",
        "evaluate",
        "checkpoint",
        "config",
        "train",
    )
    checks = CHECKS

    def __init__(self, watch: Watch) -> None:
        super().__init__(watch)
        self.text = TextHooks(watch, self.throughput.waited, self.throughput.pause)
        self.batches = batches.Batches(watch)
        self.attention = attention.Attention(watch)

    def observers(self) -> list[Observer]:
        return [*super().observers(), self.attention, tokens.TokenLoss(self.watch), self.batches]

    def install(self, modules: Mapping[str, ModuleType]) -> None:
        super().install(modules)
        self.text.install(modules)

    def artifacts(self, child: Child, error: str | None) -> Makers:
        makers = super().artifacts(child, error)
        text, modules = self.text, child.modules
        if chosen := self.batches.chosen():
            makers["batch"] = lambda: batches.batch_artifact(chosen, self.batches.worst)
        held_out = getattr(text.validation, "tokens", None)
        val_documents = text.validation_documents
        if text.batches is not None and self.batches.served:
            served = functools.cache(lambda: batches.Served(text.batches, self.batches.served))
            makers["data_order"] = lambda: batches.data_order_artifact(served())
            makers["data_stats"] = lambda: batches.data_stats_artifact(served(), val_documents)
            if val_documents is not None:
                makers["split_overlap"] = lambda: batches.split_overlap_artifact(served(), held_out, val_documents)
            if "data" in modules and child.config is not None:
                vocabulary = child.config.vocab_size
                makers["tokenizer_roundtrip"] = lambda: batches.tokenizer_artifact(
                    modules["data"], vocabulary, served().documents
                )
        if self.attention.corners:
            makers["attention_pattern"] = lambda: outputs.attention_pattern_artifact(self.attention.corners)
        if child.model is not None and error is None:
            if (engine := child.module("engine")) and "data" in modules:
                makers["samples"] = lambda: outputs.samples_artifact(
                    engine.generate, modules["data"].encode, child.model, child.spec.device, self.watch.step
                )
            if held_out is not None:
                makers["predictions"] = lambda: outputs.predictions_artifact(child.model, held_out[0])
        return makers

    def facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = {}
        for fact, attribute in (("train_documents", "documents"), ("train_rows", "rows")):
            if hasattr(self.text.batches, attribute):
                facts[fact] = len(getattr(self.text.batches, attribute))
        if self.batches.served:
            facts["rows_per_step"] = len(next(iter(self.batches.served.values())))
            facts["tokens_per_step"] = facts["rows_per_step"] * self.batches.row_length
            facts["tokens_seen"] = self.throughput.tokens_seen
        return facts
