"""Image classification: batches of pictures, scores by epoch and class, the workers that load them."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import math
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from gen_traces.checks import overfit_batch
from gen_traces.checks.context import Context
from gen_traces.kinds.base import BaseKind, Makers
from gen_traces.observe import activations, resources, vision
from gen_traces.observe.jobhooks import JobHooks
from gen_traces.observe.watch import Observer, Watch
from traces.format import Artifact

if TYPE_CHECKING:
    from gen_traces.child import Child

REPLACED = (activations.DeadUnits, resources.Memory)


class Kind(BaseKind):
    wrapped = ("config", "vision", "runlog", "checkpoint", "digits", "scores")
    experimented = ("vision", "digits", "scores", "classify")

    def __init__(self, watch: Watch) -> None:
        super().__init__(watch)
        self.throughput = vision.ImageThroughput(watch)
        self.hooks = JobHooks(watch, self.throughput.pause)
        self.batches = vision.Batches(watch)
        self.vision = vision.VisionHooks(watch, self.batches, self.throughput.waited, self.throughput.pause)

    def observers(self) -> list[Observer]:
        watch = self.watch
        usual = [one for one in super().observers() if not isinstance(one, REPLACED)]
        return [
            vision.Parts(watch),
            *usual,
            vision.DeadChannels(watch),
            vision.ProcessMemory(watch),
            self.batches,
        ]

    def install(self, modules: Mapping[str, ModuleType]) -> None:
        super().install(modules)
        self.vision.install(modules)

    def artifacts(self, child: Child, error: str | None) -> Makers:
        makers = super().artifacts(child, error)
        if summary := makers.get("model_summary"):
            makers["model_summary"] = lambda: vision.with_norms(summary(), child.model)
        splits = self.vision.splits
        if splits is not None:
            if self.batches.pairs:
                train = splits.train
                makers["batch"] = lambda: vision.batch_artifact(self.batches.chosen(), train.mean, train.std)
            makers["data_stats"] = lambda: vision.data_stats_artifact(splits, self.batches)
            makers["class_balance"] = lambda: vision.class_balance_artifact(
                splits, child.config.classes, self.vision.weights
            )
            makers["preprocessing"] = lambda: vision.preprocessing_artifact(splits)
            makers["split_overlap"] = lambda: vision.split_overlap_artifact(splits)
            if self.batches.order:
                makers["data_order"] = lambda: vision.data_order_artifact(self.batches, splits.train)
            if child.model is not None and self.watch.logged:
                makers["predictions"] = lambda: vision.predictions_artifact(child.model, splits, child.spec.device)
        if self.vision.confusion:
            epochs = len(self.vision.epochs)
            makers["class_breakdown"] = lambda: vision.class_breakdown_artifact(self.vision.confusion, epochs)
        return makers

    def facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = {}
        if (splits := self.vision.splits) is not None:
            facts |= {f"{name}_images": len(getattr(splits, name)) for name in vision.SPLITS}
        if epochs := self.vision.epochs:
            facts["epochs"] = len(epochs)
            for column, name in (("accuracy", "val_accuracy"), ("train_accuracy", "train_accuracy")):
                values = [epoch[column] for epoch in epochs]
                facts |= {f"first_{name}": values[0], f"final_{name}": values[-1], f"best_{name}": max(values)}
                facts[f"best_{name}_epoch"] = values.index(max(values))
            facts["first_train_loss"] = epochs[0]["train_loss"]
            facts["final_train_loss"] = epochs[-1]["train_loss"]
        if self.vision.confusion:
            counts = np.array(self.vision.confusion)
            recall = counts.diagonal() / np.maximum(1, counts.sum(axis=1))
            facts |= {"lowest_recall": float(recall.min()), "lowest_recall_class": int(recall.argmin())}
        return facts | self.vision.test


def check_init_loss(context: Context) -> Artifact:
    """The loss before the first step against that of a uniform guess."""
    batches, classes = 4, context.config.classes
    splits = context.modules["digits"].load_splits(context.corpus, context.config)
    torch.manual_seed(context.config.seed)
    model = context.modules["vision"].ConvNet(context.config).to(context.device)
    loader = torch.utils.data.DataLoader(
        splits.train, batch_size=context.config.batch_size, shuffle=True, generator=torch.Generator().manual_seed(0)
    )
    losses = []
    with torch.no_grad():
        for (x, y), _ in zip(loader, range(batches), strict=False):
            logits = model(x.to(context.device))
            losses.append(float(context.modules["vision"].classification_loss(logits, y.to(context.device))))
    loss, uniform = sum(losses) / len(losses), math.log(classes)
    return Artifact(
        text=(
            f"loss of the model at initialisation over {len(losses)} batches: {loss:.4f}\n"
            f"ln({classes}) = {uniform:.4f}; difference {loss - uniform:+.4f}"
        ),
        data={"loss": loss, "uniform": uniform, "difference": loss - uniform},
    )


def check_overfit_batch(context: Context) -> Artifact:
    """The job's whole loop on a file whose training images are one batch."""
    config = context.config
    config = dataclasses.replace(
        config,
        steps=overfit_batch.STEPS,
        warmup_steps=min(config.warmup_steps, overfit_batch.STEPS // 2),
        min_lr_ratio=1.0,
        val_per_class=1,
        max_images=0,
        copies=0,
        shift=0,
        rare_class=-1,
        label_noise=0.0,
        workers=0,
        patience=10 * overfit_batch.STEPS,
        log_every=10 * overfit_batch.STEPS,
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "one_batch.npz"
        _one_batch(context.corpus, file, config)
        losses = _train(context, config, file)[1]
    how = f"no augmentation, {config.warmup_steps} warmup steps, no decay"
    return overfit_batch.told(losses, f"{config.batch_size} images", how)


def _one_batch(corpus: Path, file: Path, config: Any) -> None:
    """A file of one batch of images besides what the split takes out, classes as even as they can be."""
    with np.load(corpus) as stored:
        images, labels, test = stored["images"], stored["labels"], stored["test"]
    by_class = [np.flatnonzero((labels == label) & ~test) for label in range(config.classes)]
    wanted = [
        config.val_per_class + (config.batch_size + config.classes - 1 - label) // config.classes
        for label in range(config.classes)
    ]
    chosen = np.concatenate([own[:count] for own, count in zip(by_class, wanted, strict=True)])
    held = np.flatnonzero(test)[: config.eval_batch]
    kept = np.concatenate([chosen, held])
    with file.open("wb") as out:
        np.savez_compressed(out, images=images[kept], labels=labels[kept], test=test[kept])


def check_determinism(context: Context) -> Artifact:
    """The same seed twice, and the same model evaluated twice."""
    config = context.config
    few = config.classes * config.val_per_class + 3 * config.batch_size
    steps = 3
    config = dataclasses.replace(config, steps=steps, max_images=few, copies=0, rare_class=-1, log_every=10 * steps)
    (first, first_losses), (second, second_losses) = (_train(context, config, context.corpus) for _ in range(2))
    pairs = list(zip(first.parameters(), second.parameters(), strict=True))
    same = [torch.equal(a.detach().view(torch.int32), b.detach().view(torch.int32)) for a, b in pairs]
    apart = max((a - b).abs().max().item() for a, b in pairs)
    losses = max(abs(a - b) for a, b in zip(first_losses, second_losses, strict=True))
    scores = _scores_twice(context)
    text = [
        f"{steps} steps twice from the same seed",
        f"parameters: {sum(same)} of {len(same)} tensors identical to the bit, largest |difference| {apart:.1e}",
        f"losses: largest |difference| {losses:.1e}",
    ]
    if scores:
        text.append("the job's own evaluation of the trained model on the validation images, twice:")
        text += [f"  loss {loss:.6f}, accuracy {accuracy:.4f}" for loss, accuracy in scores]
    identical = all(same) and len(set(scores)) <= 1
    return Artifact(
        "\n".join(text),
        {"identical": identical, "parameter_difference": apart, "loss_difference": losses, "evaluations": scores},
    )


def _scores_twice(context: Context) -> list[tuple[float, float]]:
    if context.model is None:
        return []
    config = context.config
    loaders = context.modules["digits"].Loaders(context.modules["digits"].load_splits(context.corpus, config), config)
    found = []
    for _ in range(2):
        scores = context.modules["scores"].evaluate(context.model, loaders.evaluation("val"), config)
        found.append((float(scores.loss), float(scores.accuracy)))
    return found


def _train(context: Context, config: Any, corpus: Path) -> tuple[Any, list[float]]:
    """Run the job's own `train()` silently in a folder of its own; the model it returns and the losses it logged."""
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        model = context.modules["classify"].train(config, str(corpus), folder, context.device)
        lines = (Path(folder) / "metrics.jsonl").read_text().splitlines()
    losses = [record["loss"] for record in map(json.loads, lines) if "loss" in record]
    return model, losses


Kind.checks = MappingProxyType(
    {
        "check_init_loss": check_init_loss,
        "check_overfit_batch": check_overfit_batch,
        "check_determinism": check_determinism,
    }
)
