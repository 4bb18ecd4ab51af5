"""What the job trained on: the batches as they reached the model and the loss, and the documents behind them."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
from torch import Tensor

from gen_traces import results
from gen_traces.observe.text import fields, glyphs, number, ranges, table
from gen_traces.observe.watch import Observer
from traces.format import Artifact

ROW = 64
Rows = list[bytes]


class Batches(Observer):
    """Keeps the inputs of every training forward pass, and inputs with targets of a few steps.

    `served[step]` holds the rows of inputs of that step as bytes, in the order they were used.
    """

    KEEP = 2
    SETTLED = 20
    DECAY = 0.98

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self.served: dict[int, Rows] = {}
        self.pairs: dict[int, dict[str, Any]] = {}
        self.worst: dict[str, Any] = {}
        self._average = math.nan
        self._excess = 0.0
        self.row_length = 0
        self._inputs: Tensor | None = None

    def forward_ended(self, tokens: Any, logits: Any) -> None:
        if isinstance(tokens, Tensor) and tokens.dim() == 2:
            array = tokens.detach().cpu().numpy()
            self.row_length = array.shape[1]
            self.served.setdefault(self.watch.step, []).extend(_row_bytes(array))
            self._inputs = tokens.detach()

    def loss_computed(self, logits: Any, targets: Any, loss: Any) -> None:
        if self._inputs is None or not isinstance(targets, Tensor):
            return
        inputs, self._inputs = self._inputs, None
        self._compare(inputs, targets, float(loss.detach()) if isinstance(loss, Tensor) else math.nan)
        if self.watch.micro == 0:
            self.pairs[self.watch.step] = self._pair(inputs, targets)
        # Only the first, the middle and the last step's pairs are wanted; which step is in the middle shows later.
        if len(self.pairs) > 64:
            for step in sorted(self.pairs)[1:-1:2]:
                del self.pairs[step]

    def _pair(self, inputs: Tensor, targets: Tensor) -> dict[str, Any]:
        return {
            "inputs": inputs[: self.KEEP].tolist(),
            "targets": targets[: self.KEEP].tolist(),
            "shapes": [list(inputs.shape), list(targets.shape)],
        }

    def _compare(self, inputs: Tensor, targets: Tensor, loss: float) -> None:
        """Keep the micro-batch whose loss was farthest above the running average of those before it."""
        excess = loss - self._average
        if self.watch.step >= self.SETTLED and excess > self._excess:
            self._excess = excess
            where = {"step": self.watch.step, "micro": self.watch.micro, "loss": loss, "average": self._average}
            self.worst = where | self._pair(inputs, targets)
        if math.isfinite(loss):
            kept = loss if math.isnan(self._average) else self._average
            self._average = self.DECAY * kept + (1 - self.DECAY) * loss

    def chosen(self) -> dict[int, dict[str, Any]]:
        """The pairs of the first, a middle and the last step."""
        steps = sorted(self.pairs)
        if not steps:
            return {}
        return {step: self.pairs[step] for step in sorted({steps[0], steps[len(steps) // 2], steps[-1]})}


def _row_bytes(array: np.ndarray) -> Rows:
    small = array.astype(np.int32 if array.max(initial=0) > 255 or array.min(initial=0) < 0 else np.uint8)
    return [row.tobytes() for row in small]


def batch_artifact(chosen: dict[int, dict[str, Any]], worst: dict[str, Any]) -> Artifact:
    """Inputs beside the targets of the same positions, row by row, one character a token.

    After those of the chosen steps comes the micro-batch with the highest loss for its time (`worst`, may be empty).
    """
    legend = "One character a position: ⏎ newline, → tab, · unprintable, _ ignored."
    blocks = [_shown(f"step {step}, first micro-batch", pair) for step, pair in chosen.items()]
    blocks.append(legend)
    data: dict[str, Any] = {str(step): pair for step, pair in chosen.items()}
    if worst:
        head = f"step {worst['step']}, micro-batch {worst['micro']}, loss {worst['loss']:.2f}"
        head += f" (average before {worst['average']:.2f})"
        blocks.append(f"{results.HIGHEST}\n{_shown(head, worst)}")
        data["highest"] = worst
    return Artifact("\n\n".join(blocks), data)


def _shown(head: str, pair: dict[str, Any]) -> str:
    inputs, targets = pair["shapes"]
    lines = [f"{head}: inputs {tuple(inputs)}, targets {tuple(targets)}"]
    for row, (x, y) in enumerate(zip(pair["inputs"], pair["targets"], strict=False)):
        lines.append(f"  row {row} inputs   {glyphs(x[:ROW])}")
        lines.append(f"        targets  {glyphs(y[:ROW])}")
    return "\n".join(lines)


class Served:
    """The rows served, traced back to the documents they were cut from by their content alone."""

    def __init__(self, batches: Any, served: dict[int, Rows]) -> None:
        self.documents = list(batches.documents)
        rows = np.asarray(batches.rows)
        self.rows = len(rows)
        self.source = np.asarray(batches.source)
        self.epoch = int(getattr(batches, "epoch", 0))
        self.tokens_per_row = rows.shape[1] - 1
        index: dict[bytes, int] = {}
        for i, row in enumerate(_row_bytes(rows[:, :-1])):
            index.setdefault(row, i)
        self.row_ids = {step: [index.get(row, -1) for row in rows] for step, rows in served.items()}
        self.document_ids = {
            step: [int(self.source[i]) if i >= 0 else -1 for i in ids] for step, ids in self.row_ids.items()
        }

    def kind(self, document: int) -> str:
        """The source a document came from, the first part of its name."""
        return str(self.documents[document].name).split("/")[0] if document >= 0 else "?"


def data_order_artifact(served: Served) -> Artifact:
    steps = sorted(served.document_ids)
    show = [step for step in steps if step < 4] + [steps[len(steps) // 2]] + steps[-2:]
    lines = ["document numbers of the rows, in the order they were used:"]
    for step in dict.fromkeys(show):
        ids = served.document_ids[step]
        lines += [f"  step {step:<5d} {' '.join(str(i) for i in ids[:16])}{' ...' if len(ids) > 16 else ''}"]
    distinct = [len(set(served.document_ids[step])) for step in steps]
    per_step = [len(served.document_ids[step]) for step in steps]
    kinds = sorted({served.kind(i) for ids in served.document_ids.values() for i in ids})
    blocks = [block.tolist() for block in np.array_split(np.array(steps), min(12, len(steps)))]
    shares = []
    for block in blocks:
        count = Counter(served.kind(i) for step in block for i in served.document_ids[step])
        total = sum(count.values())
        shares.append([ranges(block), *(f"{100 * count[kind] / total:.0f}%" for kind in kinds)])
    lines += ["", "share of rows by source of the document:", table(["steps", *kinds], shares), ""]
    used = [i for step in steps for i in served.row_ids[step]]
    repeated = len(used) - len(set(used))
    facts = {
        "rows a step": number(sum(per_step) / len(steps)),
        "distinct documents a step": number(sum(distinct) / len(steps)),
        "rows used": f"{len(used):,} of {served.rows:,}, {repeated:,} of them more than once",
        "epoch boundaries passed": served.epoch,
    }
    lines.append(fields(facts.items()))
    data = {
        "documents": {str(step): served.document_ids[step][:4] for step in steps},
        "distinct_documents": distinct,
        "kinds": kinds,
        "shares": shares,
        "rows_used": len(used),
        "rows_repeated": repeated,
        "epochs": served.epoch,
    }
    return Artifact("\n".join(lines), data)


def data_stats_artifact(served: Served, validation_documents: list[Any] | None) -> Artifact:
    lengths = np.array([len(document.tokens) for document in served.documents])
    quantiles = np.quantile(lengths, [0, 0.25, 0.5, 0.75, 1]).astype(int).tolist()
    contents = [document.tokens.tobytes() for document in served.documents]
    printable = np.isin(np.arange(256), [9, 10, 13, *range(32, 127)])
    odd = [1 - float(printable[document.tokens].mean()) for document in served.documents]
    used = sum(len(ids) for ids in served.row_ids.values())
    trained = used * served.tokens_per_row
    inside = served.rows * served.tokens_per_row
    kinds = Counter(served.kind(i) for i in range(len(served.documents)))
    data = {
        "train_documents": len(served.documents),
        "validation_documents": len(validation_documents) if validation_documents is not None else None,
        "train_bytes": int(lengths.sum()),
        "length_quantiles": quantiles,
        "train_rows": served.rows,
        "tokens_per_row": served.tokens_per_row,
        "bytes_cut_off": int(lengths.sum()) - inside,
        "duplicate_documents": len(contents) - len(set(contents)),
        "unprintable_fraction": float(np.average(odd, weights=lengths)),
        "mostly_unprintable_documents": sum(value > 0.3 for value in odd),
        "tokens_trained": trained,
        "epochs": trained / inside if inside else math.nan,
        "sources": dict(kinds),
    }
    rows = [
        ("training documents", f"{data['train_documents']:,}"),
        ("validation documents", "not known" if validation_documents is None else f"{len(validation_documents):,}"),
        ("by source", ", ".join(f"{kind} {count:,}" for kind, count in sorted(kinds.items()))),
        ("training bytes", f"{data['train_bytes']:,}"),
        (
            "document length",
            "min {:,}, quartiles {:,} / {:,} / {:,}, max {:,}".format(*quantiles),
        ),
        ("training rows", f"{served.rows:,} of {served.tokens_per_row} positions, no padding"),
        (
            "bytes cut off at row ends",
            f"{data['bytes_cut_off']:,} ({100 * data['bytes_cut_off'] / max(1, data['train_bytes']):.1f}%)",
        ),
        ("exact duplicate documents", data["duplicate_documents"]),
        ("unprintable bytes", f"{100 * data['unprintable_fraction']:.1f}%"),
        ("documents over 30% unprintable", data["mostly_unprintable_documents"]),
        ("tokens trained on", f"{trained:,} ({data['epochs']:.2f} epochs)"),
    ]
    return Artifact(fields(rows), data)


def split_overlap_artifact(served: Served, validation_tokens: Any, validation_documents: list[Any]) -> Artifact:
    train = {document.tokens.tobytes() for document in served.documents}
    names = {document.name for document in served.documents}
    same = [document.name for document in validation_documents if document.tokens.tobytes() in train]
    named = [document.name for document in validation_documents if document.name in names]
    data: dict[str, Any] = {
        "validation_documents": len(validation_documents),
        "in_train_by_content": len(same),
        "in_train_by_name": len(named),
        "examples": same[:5],
    }
    rows = [
        ("validation documents", f"{len(validation_documents):,}"),
        ("same content in training", len(same)),
        ("same name in training", len(named)),
    ]
    if isinstance(validation_tokens, Tensor):
        seen = {row for document in served.documents for row in _windows(document.tokens, validation_tokens.size(1))}
        found = sum(row in seen for row in _row_bytes(validation_tokens.cpu().numpy()))
        data |= {"validation_rows": len(validation_tokens), "rows_in_train": found}
        rows.append(("validation rows cut alike in training", f"{found} of {len(validation_tokens)}"))
    return Artifact(fields(rows), data)


def _windows(tokens: np.ndarray, width: int) -> Rows:
    return [tokens[i : i + width].tobytes() for i in range(0, len(tokens) - width + 1, width - 1)]


def tokenizer_artifact(data_module: Any, vocab_size: int, documents: list[Any]) -> Artifact:
    samples = ["The quick brown fox.", "  indented\n\ttabbed\r\n", "naïve café, π ≈ 3.14159, 東京, 🚀", ""]
    if documents:
        samples.append(documents[0].tokens[:200].tobytes().decode(errors="replace"))
    rows, data = [], []
    for text in samples:
        tokens = data_module.encode(text)
        back = data_module.decode(tokens)
        shown = ascii(text if len(text) <= 24 else text[:24] + "...")
        rows.append([shown, len(text), len(tokens), "same" if back == text else "different"])
        data.append({"text": text, "tokens": len(tokens), "same": back == text, "largest": max(tokens, default=0)})
    text = table(["text", "characters", "tokens", "decoded again"], rows)
    return Artifact(f"{text}\n\nvocabulary {vocab_size}, no special tokens, no chat template", data)
