"""What an image classifier was given, what it said, and what its loading cost."""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
import torch.nn as nn
from torch import Tensor
from torch.utils.data.dataloader import _BaseDataLoaderIter

from gen_traces.checks.state import undisturbed
from gen_traces.observe.jobhooks import Timed, TimedHooks
from gen_traces.observe.resources import Memory, Throughput, resident_bytes
from gen_traces.observe.text import fields, number, table
from gen_traces.observe.watch import Observer, Watch, first_tensor
from traces.format import Artifact

INK = " .:-=+*#@"
DARKEST = 16
KEEP = 4
SPLITS = ("train", "val", "test")
NAMED = {"train": "training", "val": "validation", "test": "test"}


class Parts(Observer):
    """Parameters before the blocks are a part of their own. Comes before all observers that measure by part."""

    def model_found(self) -> None:
        structure, model = self.watch.structure, self.watch.model
        assert model is not None
        first = {id(parameter) for parameter in getattr(model, "stem", nn.Module()).parameters()}
        head = structure.parts.pop("head", [])
        split = {"stem": [p for p in head if id(p) in first], **structure.parts}
        split["head"] = [p for p in head if id(p) not in first]
        structure.parts = {part: held for part, held in split.items() if held}


class ImageThroughput(Throughput):
    """`throughput` counts images per second."""

    def forward_ended(self, tokens: Any, logits: Any) -> None:
        if isinstance(tokens, Tensor):
            self._tokens += tokens.size(0)


class ProcessMemory(Memory):
    """`memory/rss_mb` over the job's process and those it started, shared pages counted once; `memory/processes`."""

    EVERY = 20

    def step_ended(self) -> None:
        super().step_ended()
        if self.watch.due(self.EVERY):
            others = children()
            if others is None:
                return
            shares = [share for pid in (os.getpid(), *others) if (share := proportional_bytes(pid)) is not None]
            if others and len(shares) == 1 + len(others):
                self.watch.put("memory/rss_mb", sum(shares) / 2**20, self.EVERY)
            self.watch.put("memory/processes", 1 + len(others), self.EVERY)


def children() -> list[int] | None:
    """Processes that this one started and that still run; None where the system does not tell."""
    files = list(Path("/proc/self/task").glob("*/children"))
    if not files:
        return None
    found: list[int] = []
    for file in files:
        try:
            found += [int(pid) for pid in file.read_text().split()]
        except OSError:
            continue
    return found


def proportional_bytes(pid: int) -> int | None:
    """A process's own pages and its share of those it shares with others."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return resident_bytes() if pid == os.getpid() else None


class DeadChannels(Observer):
    """`dead_units/layer.I`: fraction of a block's feature maps that are zero everywhere in a batch."""

    EVERY = 5

    def model_found(self) -> None:
        for i, block in enumerate(self.watch.structure.blocks):
            self.watch.on_output(self.watch.structure.inside(block, "act"), partial(self._act, i))

    def _act(self, i: int, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        tensor = first_tensor(output)
        if tensor is not None and tensor.dim() == 4 and self.watch.due(self.EVERY):
            silent = (tensor.detach() == 0).all(dim=0).all(dim=-1).all(dim=-1)
            self.watch.put(f"dead_units/layer.{i}", float(silent.float().mean()), self.EVERY)


class Batches(Observer):
    """The batches that reached the model: some of them whole, of every one the numbers of its items."""

    def __init__(self, watch: Watch) -> None:
        super().__init__(watch)
        self.pairs: dict[int, dict[str, Any]] = {}
        self.order: dict[int, list[int]] = {}
        self.epochs: list[int] = []
        self.latest: list[int] | None = None
        self._images: Tensor | None = None

    def forward_ended(self, tokens: Any, logits: Any) -> None:
        if isinstance(tokens, Tensor) and tokens.dim() == 4:
            self._images = tokens.detach()
            if self.latest is not None:
                self.order[self.watch.step], self.latest = self.latest, None

    def loss_computed(self, logits: Any, targets: Any, loss: Any) -> None:
        if self._images is None or not isinstance(targets, Tensor):
            return
        images, self._images = self._images, None
        self.pairs[self.watch.step] = {
            "images": images[:KEEP, 0].cpu().numpy(),
            "labels": targets[:KEEP].tolist(),
            "shapes": [list(images.shape), list(targets.shape)],
        }
        # Only the first, the middle and the last step's pairs are wanted; which step is in the middle shows later.
        if len(self.pairs) > 64:
            for step in sorted(self.pairs)[1:-1:2]:
                del self.pairs[step]

    def chosen(self) -> dict[int, dict[str, Any]]:
        steps = sorted(self.pairs)
        return {step: self.pairs[step] for step in sorted({steps[0], steps[len(steps) // 2], steps[-1]})}


class VisionHooks(TimedHooks):
    """Wraps `vision`, `scores` and `digits` of a job, and the loading of batches.

    `splits` are the data sets the job made, `epochs` and `last` what it reported about them.
    """

    def __init__(self, watch: Watch, batches: Batches, waited: Timed, paused: Timed) -> None:
        super().__init__(watch, waited, paused)
        self.seen = batches
        self.splits: Any = None
        self.epochs: list[dict[str, float]] = []
        self.confusion: list[list[int]] = []
        self.test: dict[str, float] = {}
        self.weights: list[float] | None = None
        self._asked: dict[int, list[list[int]]] = {}

    def install(self, modules: Mapping[str, ModuleType]) -> None:
        watch = self.watch
        watch.wrap(_BaseDataLoaderIter, "__next__", self._served)
        watch.wrap(_BaseDataLoaderIter, "_next_index", self._indexed)
        if "vision" in modules:
            watch.wrap(modules["vision"], "classification_loss", self._loss)
        if "digits" in modules:
            watch.wrap(modules["digits"], "load_splits", self._split)
        if scores := modules.get("scores"):
            watch.wrap(scores, "evaluate", self.aside)
            if log := getattr(scores, "VisionLog", None):
                watch.wrap(log, "epoch", self._epoch)
                watch.wrap(log, "final", self._final)

    def _loss(self, original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if torch.is_grad_enabled() and not self.watch.evaluating:
            given = args[2] if len(args) > 2 else kwargs.get("weights")
            self.weights = given.detach().tolist() if isinstance(given, Tensor) else None
        return self.watch.around_loss(original, *args, **kwargs)

    def _split(self, original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        self.splits = original(*args, **kwargs)
        return self.splits

    def _indexed(self, original: Callable[..., Any], iterator: Any) -> Any:
        # A worker is asked for batches ahead of their use, and they come back in the order they were asked for.
        result = original(iterator)
        self._asked.setdefault(id(iterator), []).append(list(result))
        return result

    def _served(self, original: Callable[..., Any], iterator: Any) -> Any:
        start = time.perf_counter()
        try:
            result = original(iterator)
        except StopIteration:
            self._asked.pop(id(iterator), None)
            raise
        asked = self._asked.get(id(iterator))
        indices = asked.pop(0) if asked else None
        if not self.watch.evaluating:
            self._waited(time.perf_counter() - start)
            self.seen.latest = indices
        return result

    def _epoch(self, original: Callable[..., Any], log: Any, step: int, epoch: int, train: Any, val: Any) -> Any:
        result = original(log, step, epoch, train, val)
        values = {
            "eval_metrics/accuracy": float(val.accuracy),
            "eval_metrics/train_accuracy": float(train.accuracy()),
            "eval_metrics/train_loss": float(train.mean_loss()),
        }
        self.epochs.append({name.partition("/")[2]: value for name, value in values.items()})
        self.confusion = val.confusion.tolist()
        counts = np.array(self.confusion)
        recall = counts.diagonal() / np.maximum(1, counts.sum(axis=1))
        values |= {f"class_breakdown/class.{label}": float(share) for label, share in enumerate(recall)}
        self.watch.note(step, values)
        self.seen.epochs.append(step)
        return result

    def _final(self, original: Callable[..., Any], log: Any, step: int, test: Any) -> Any:
        result = original(log, step, test)
        # One value at the end of the run is no curve.
        self.test = {"test_accuracy": float(test.accuracy), "test_loss": float(test.loss)}
        return result


def batch_artifact(chosen: dict[int, dict[str, Any]], mean: float, std: float) -> Artifact:
    """Images as they reached the model, drawn with characters, above the labels that reached the loss."""
    blocks, data = [], {}
    for step, pair in chosen.items():
        images, labels = pair["shapes"]
        lines = [f"step {step}: images {tuple(images)}, labels {tuple(labels)}, the first {len(pair['labels'])}:"]
        drawn = [drawing(image * std + mean) for image in pair["images"]]
        lines += ["  " + " | ".join(row).rstrip() for row in zip(*drawn, strict=True)]
        lines.append("  " + " | ".join(f"label {label}".ljust(len(drawn[0][0])) for label in pair["labels"]).rstrip())
        blocks.append("\n".join(lines))
        data[str(step)] = {"labels": pair["labels"], "shapes": pair["shapes"]}
    return Artifact("\n\n".join(blocks), data)


def drawing(pixels: np.ndarray) -> list[str]:
    """Rows of two characters a pixel (H, W), from background to the darkest ink."""
    levels = np.clip(np.rint(pixels / DARKEST * (len(INK) - 1)), 0, len(INK) - 1).astype(int)
    return ["".join(2 * INK[level] for level in row) for row in levels]


def data_order_artifact(batches: Batches, train: Any) -> Artifact:
    steps = sorted(batches.order)
    labels = np.asarray(train.labels)
    show = [step for step in steps if step < 3] + [steps[len(steps) // 2]] + steps[-1:]
    lines = ["numbers of the training images in the order they were used, and their labels:"]
    for step in dict.fromkeys(show):
        ids = batches.order[step]
        lines.append(f"  step {step:<5d} {' '.join(f'{i:4d}' for i in ids[:12])}{' ...' if len(ids) > 12 else ''}")
        lines.append(f"  {'':10s} {' '.join(f'{labels[i]:4d}' for i in ids[:12])}")
    used = [i for step in steps for i in batches.order[step]]
    orders = _orders(batches)
    again = [len(order) - len(set(order)) for order in orders]
    facts = {
        "images a step": number(len(used) / len(steps)),
        "classes a step": number(sum(len(set(labels[batches.order[step]].tolist())) for step in steps) / len(steps)),
        "epochs": len(batches.epochs),
        "images used more than once in an epoch": max(again, default=0),
        "first epoch's order repeated later": "yes" if orders and orders[0] in orders[1:] else "no",
    }
    lines += ["", fields(facts.items())]
    data = {
        "documents": {str(step): batches.order[step][:4] for step in steps},
        "epochs": len(batches.epochs),
        "images_used": len(used),
    }
    return Artifact("\n".join(lines), data)


def _orders(batches: Batches) -> list[list[int]]:
    """Numbers of the images used in each epoch that came to its end."""
    return [
        [i for step in range(first, end) for i in batches.order.get(step, [])]
        for first, end in pairwise([0, *batches.epochs])
    ]


def data_stats_artifact(splits: Any, batches: Batches) -> Artifact:
    rows: list[tuple[str, object]] = []
    data: dict[str, Any] = {}
    for name, split in _splits(splits):
        stored = {item.image for item in split.items}
        rows.append((f"{NAMED[name]} images", f"{len(split):,}, made from {len(stored):,} stored images"))
        data[f"{name}_images"], data[f"{name}_stored"] = len(split), len(stored)
    shape = tuple(splits.train[0][0].shape)
    seen = sum(len(ids) for ids in batches.order.values())
    data |= {"images_trained": seen, "epochs": len(batches.epochs)}
    rows += [
        ("an image", f"{shape}, values served as {str(splits.train[0][0].dtype).removeprefix('torch.')}"),
        ("images trained on", f"{seen:,} ({seen / max(1, len(splits.train)):.1f} times the training images)"),
        ("epochs reported", len(batches.epochs)),
    ]
    return Artifact(fields(rows), data)


def class_balance_artifact(splits: Any, classes: int, weights: list[float] | None) -> Artifact:
    """Labels in each split, and the weight that the training loss was given for each class (1 if it was given none)."""
    counts = {
        name: np.bincount(np.asarray(split.labels), minlength=classes).tolist() for name, split in _splits(splits)
    }
    rows = [
        [
            label,
            *(f"{counts[name][label]}" for name in counts),
            f"{counts['train'][label] / len(splits.train):.1%}",
            f"{weights[label] if weights and len(weights) == classes else 1:.2f}",
        ]
        for label in range(classes)
    ]
    header = ["class", *(NAMED[name] for name in counts), "of training", "weight in the loss"]
    return Artifact("labels in each split\n\n" + table(header, rows), {**counts, "weights": weights})


def preprocessing_artifact(splits: Any) -> Artifact:
    """What each split does to a stored image, by asking it for the same images twice."""
    rows: list[list[object]] = []
    data = {}
    with undisturbed():
        for name, split in _splits(splits):
            chosen = sorted({round(i * (len(split) - 1) / 63) for i in range(64)})
            first = torch.stack([split[i][0] for i in chosen])
            again = torch.stack([split[i][0] for i in chosen])
            changed = int((first != again).flatten(1).any(dim=1).sum())
            # Over many images a random move of each changes the mean of all pixels a little.
            rows.append([NAMED[name], f"({split.mean:.3f}, {split.std:.3f})", f"{changed} of {len(chosen)}"])
            data[name] = {"mean": split.mean, "std": split.std, "changed": changed, "asked": len(chosen)}
    text = table(["split", "normalised with (mean, std)", "images that differ when served twice"], rows)
    return Artifact(text, data)


def split_overlap_artifact(splits: Any) -> Artifact:
    """Images of the held-out splits that training holds too: as stored, and pixel by pixel."""
    with undisturbed():
        stored = {item.image for item in splits.train.items}
        pixels = {_pixels(splits.train, item) for item in splits.train.items}
        rows: list[list[object]] = []
        data = {}
        for name, split in _splits(splits):
            if name == "train":
                continue
            same = sum(item.image in stored for item in split.items)
            equal = sum(_pixels(split, item) in pixels for item in split.items)
            rows.append([NAMED[name], len(split), same, equal])
            data[name] = {"images": len(split), "same_stored_image": same, "same_pixels": equal}
    header = ["split", "images", "same stored image in training", "same pixels in training"]
    return Artifact(table(header, rows), data)


def _pixels(split: Any, item: Any) -> bytes:
    """The stored image of an item, moved as the item says, as bytes."""
    image = np.asarray(split.data["images"][item.image])
    H, W = image.shape
    framed = np.pad(image, ((max(0, item.down), max(0, -item.down)), (max(0, item.right), max(0, -item.right))))
    top, left = max(0, -item.down), max(0, -item.right)
    return framed[top : top + H, left : left + W].tobytes()


def with_norms(summary: Artifact, model: nn.Module) -> Artifact:
    """The summary of a model with the settings of its batch norms, as the modules hold them."""
    norms = [module for module in model.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    if not norms:
        return summary
    held = sorted({f"momentum {norm.momentum}, eps {norm.eps:g}, affine {norm.affine}" for norm in norms})
    text = summary.text + "\n" + fields([("batch norm", "; ".join(held))])
    return Artifact(text, {**summary.data, "batch_norm": held})


def predictions_artifact(model: nn.Module, splits: Any, device: str) -> Artifact:
    """The trained model on held-out images: the likeliest classes of ten of them, and how many of all are right."""
    counted: list[tuple[str, object]] = []
    outputs: dict[str, Tensor] = {}
    with undisturbed(model), torch.no_grad():
        model.eval()
        for name, split in _splits(splits):
            if name == "train":
                continue
            labels = torch.as_tensor(split.labels)
            images = torch.stack([split[i][0] for i in range(len(split))]).to(device)
            outputs[name] = torch.cat([model(part) for part in images.split(100)]).cpu()
            own = _with_batch_statistics(model, images).cpu()
            shapes = f"{tuple(images.shape)}, logits {tuple(outputs[name].shape)}, labels {tuple(labels.shape)}"
            right, alike = (int((each.argmax(dim=-1) == labels).sum()) for each in (outputs[name], own))
            counted += [
                (NAMED[name], shapes),
                ("  likeliest class right", f"{right} of {len(labels)}"),
                ("  with own batch statistics", f"{alike} of {len(labels)}"),
            ]
    labels, probabilities = splits.val.labels, torch.softmax(outputs["val"].float(), dim=-1)
    rows, data = [], []
    for i in [round(i * (len(labels) - 1) / 9) for i in range(10)]:
        top, likely = probabilities[i].topk(3)
        best = "  ".join(f"{label} {p:.2f}" for label, p in zip(likely.tolist(), top.tolist(), strict=True))
        rows.append([i, int(labels[i]), best])
        data.append({"image": i, "label": int(labels[i]), "top": likely.tolist(), "p": top.tolist()})
    text = f"the model after training, in evaluation mode\n{fields(counted)}\n\nof the validation images:\n"
    return Artifact(text + table(["image", "label", "three likeliest classes"], rows), data)


def _with_batch_statistics(model: nn.Module, images: Tensor) -> Tensor:
    """Outputs for all images at once with batch norm on their own statistics, all else in evaluation mode."""
    probe = copy.deepcopy(model).eval()
    for module in probe.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.train()
    return probe(images)


def class_breakdown_artifact(confusion: list[list[int]], epochs: int) -> Artifact:
    """The confusion matrix that the job counted last, with the recall of each class."""
    rows: list[list[object]] = []
    for label, counts in enumerate(confusion):
        total = sum(counts)
        recall = f"{counts[label] / total:.2f}" if total else "-"
        rows.append([label, *(str(count) if count else "." for count in counts), recall])
    header = ["true", *(str(label) for label in range(len(confusion))), "recall"]
    text = f"validation images after epoch {epochs - 1}, counted by the job; columns: predicted class"
    return Artifact(f"{text}\n\n" + _aligned(header, rows), {"confusion": confusion})


def _aligned(header: list[str], rows: list[list[object]]) -> str:
    """Classes in columns of one width, the last column apart."""
    lines = [header, *([str(cell) for cell in row] for row in rows)]
    return "\n".join("".join(cell.rjust(5) for cell in line[:-1]) + line[-1].rjust(8) for line in lines)


def _splits(splits: Any) -> list[tuple[str, Any]]:
    return [(name, getattr(splits, name)) for name in SPLITS if getattr(splits, name, None) is not None]
