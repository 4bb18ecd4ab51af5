"""What a job on conversations reads and says: batches with their loss mask, the template, the answers."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from gen_traces.observe.jobhooks import Timed, TimedHooks
from gen_traces.observe.text import fields, number, table
from gen_traces.observe.watch import Observer, Watch
from traces.format import Artifact

PAD, USER, ASSISTANT, END = range(4)
FIRST_BYTE = 4
IGNORE = -100
NAMES = {PAD: "<pad>", USER: "<user>", ASSISTANT: "<assistant>", END: "<end>"}
SIGNS = {PAD: "░", USER: "«", ASSISTANT: "»", END: "¶", FIRST_BYTE + 9: "→", FIRST_BYTE + 10: "⏎"}
LEGEND = "One character a position: « <user>, » <assistant>, ¶ <end>, ░ <pad>,\n⏎ newline, _ not scored."
ACROSS = 60
KINDS = ("prompt", "answer", "end", "padding")
Pair = dict[str, Any]


def signs(tokens: Iterable[int]) -> str:
    """One character a token; `_` for a target that is left out, `·` for a byte that has no sign of its own."""
    return "".join(_sign(token) for token in tokens)


def _sign(token: int) -> str:
    byte = token - FIRST_BYTE
    return SIGNS.get(token) or (chr(byte) if 32 <= byte < 127 else "_" if token == IGNORE else "·")


def spelled(tokens: Iterable[int]) -> str:
    """Text with the special tokens by name."""
    return "".join(NAMES.get(token) or _sign(token) for token in tokens)


def kinds_of(tokens: Tensor, following: Tensor) -> Tensor:
    """(B, T) tokens and what comes after each -> (B, T) numbers of `KINDS`: what that is in its conversation."""
    rows = []
    for row, after in zip(tokens.tolist(), following.tolist(), strict=True):
        kinds, speaking = [], False
        for token, then in zip(row, after, strict=True):
            speaking = (speaking or token == ASSISTANT) and token not in (END, USER)
            kinds.append(3 if then == PAD else 2 if then == END else int(speaking))
        rows.append(kinds)
    return torch.tensor(rows)


class KindLoss(Observer):
    """`token_loss/prompt`, `/answer`, `/end`, `/padding`: mean cross-entropy in nats of the tokens of that kind.

    Of the first micro-batch, scored or not: where there is no target, the token that follows in the inputs counts.
    """

    EVERY = 5
    tokens: Tensor | None = None

    def forward_ended(self, tokens: Any, logits: Any) -> None:
        self.tokens = tokens.detach() if isinstance(tokens, Tensor) and tokens.dim() == 2 else None

    def loss_computed(self, logits: Any, targets: Any, loss: Any) -> None:
        if self.watch.micro or self.tokens is None or not self.watch.due(self.EVERY):
            return
        targets = targets.detach()
        following = torch.cat([self.tokens[:, 1:], targets[:, -1:]], dim=1)
        following = torch.where(targets == IGNORE, following, targets)
        counted = following >= 0
        each = F.cross_entropy(
            logits.detach().float().flatten(0, 1), following.clamp(min=0).flatten(), reduction="none"
        ).view(following.shape)
        kinds = kinds_of(self.tokens, following).to(counted.device)
        for i, kind in enumerate(KINDS):
            chosen = counted & (kinds == i)
            if chosen.any():
                self.watch.put(f"token_loss/{kind}", float(each[chosen].mean()), self.EVERY)


class Conversations(Observer):
    """What reached the model and the loss: counts over the run, the rows of every step, a few batches whole."""

    KEEP = 2

    def __init__(self, watch: Watch) -> None:
        super().__init__(watch)
        self.served: dict[int, list[tuple[int, ...]]] = {}
        self.pairs: dict[int, Pair] = {}
        self.counts = {"positions": 0, "padding": 0, "scored": 0, "scored_padding": 0, "rows": 0, "unscored_rows": 0}
        self._inputs: Tensor | None = None

    def forward_ended(self, tokens: Any, logits: Any) -> None:
        self._inputs = tokens.detach() if isinstance(tokens, Tensor) and tokens.dim() == 2 else None
        if self._inputs is not None:
            rows = [tuple(t for t in row if t != PAD) for row in self._inputs.tolist()]
            self.served.setdefault(self.watch.step, []).extend(rows)

    def loss_computed(self, logits: Any, targets: Any, loss: Any) -> None:
        inputs, self._inputs = self._inputs, None
        if inputs is None or not isinstance(targets, Tensor) or targets.shape != inputs.shape:
            return
        scored = targets != IGNORE
        self.counts["positions"] += inputs.numel()
        self.counts["padding"] += int((inputs == PAD).sum())
        self.counts["scored"] += int(scored.sum())
        self.counts["scored_padding"] += int((targets == PAD).sum())
        self.counts["rows"] += len(inputs)
        self.counts["unscored_rows"] += int((~scored.any(dim=1)).sum())
        if self.watch.micro == 0:
            self.pairs[self.watch.step] = {
                "inputs": inputs[: self.KEEP].tolist(),
                "targets": targets[: self.KEEP].tolist(),
                "shapes": [list(inputs.shape), list(targets.shape)],
            }
        if len(self.pairs) > 64:
            for step in sorted(self.pairs)[1:-1:2]:
                del self.pairs[step]

    def chosen(self) -> dict[int, Pair]:
        """The pairs of the first, a middle and the last step."""
        steps = sorted(self.pairs)
        return {i: self.pairs[i] for i in sorted({steps[0], steps[len(steps) // 2], steps[-1]})} if steps else {}


class ChatHooks(TimedHooks):
    """Wraps `loss`, `chat`, `engine`, `answers` and `chatlog`; keeps the objects that passed by.

    Columns at the job's own occasions: `eval_metrics/accuracy` as it logs it, and `eval_metrics/read`, the share of
    replies that the job could read an answer from.
    """

    def __init__(self, watch: Watch, waited: Timed, paused: Timed) -> None:
        super().__init__(watch, waited, paused)
        self.train: list[Any] = []
        self.held_out: list[Any] = []
        self.first_prompt: list[int] = []
        self.accuracies: list[float] = []
        self.replies: list[Any] = []

    def install(self, modules: Mapping[str, ModuleType]) -> None:
        watch = self.watch
        if "loss" in modules:
            watch.wrap(modules["loss"], "language_model_loss", watch.around_loss)
        if "chat" in modules:
            watch.wrap(modules["chat"], "split", self._split)
            watch.wrap(modules["chat"].ChatBatches, "__next__", self.served)
            watch.wrap(modules["chat"].ChatValidation, "loss", self.aside)
        if "engine" in modules:
            watch.wrap(modules["engine"], "generate", self._generated)
        if "chatlog" in modules:
            watch.wrap(modules["chatlog"].ChatLog, "accuracy", self._examined)
        # It takes `generate` by name, so it is imported only now; what it breaks on will break the job too.
        with contextlib.suppress(Exception):
            watch.wrap(importlib.import_module("answers").Examination, "replies", self._replied)

    def _split(self, original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        self.train, self.held_out = (list(part) for part in result)
        return result

    def _generated(self, original: Callable[..., Any], model: Any, given: Any, *args: Any, **kwargs: Any) -> Any:
        if not self.first_prompt and isinstance(given, Tensor):
            self.first_prompt = given[0].tolist()
        return self.aside(original, model, given, *args, **kwargs)

    def _replied(self, original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        self.replies = list(original(*args, **kwargs))
        return self.replies

    def _examined(self, original: Callable[..., Any], log: Any, step: int, accuracy: float) -> Any:
        result = original(log, step, accuracy)
        self.accuracies.append(float(accuracy))
        found = {"eval_metrics/accuracy": float(accuracy)}
        if self.replies:
            found["eval_metrics/read"] = sum(reply.said is not None for reply in self.replies) / len(self.replies)
        self.watch.note(step, found)
        return result


def batch_artifact(chosen: Mapping[int, Pair]) -> Artifact:
    """Inputs above the targets of the same positions, a line for each `ACROSS` of them."""
    lines = [LEGEND]
    for step, pair in chosen.items():
        inputs, targets = pair["shapes"]
        lines += ["", f"step {step}, first micro-batch: inputs {tuple(inputs)}, targets {tuple(targets)}"]
        for row, (x, y) in enumerate(zip(pair["inputs"], pair["targets"], strict=True)):
            for at in range(0, len(x), ACROSS):
                head = f"row {row}" if not at else ""
                lines.append(f"  {head:<6}inputs   {signs(x[at : at + ACROSS])}")
                lines.append(f"        targets  {signs(y[at : at + ACROSS])}")
    return Artifact("\n".join(lines), {str(step): pair for step, pair in chosen.items()})


def data_stats_artifact(hooks: ChatHooks, seen: Conversations) -> Artifact:
    rows = hooks.batches.rows
    lengths = np.array([len(row.inputs) for row in rows])
    spread = np.quantile(lengths, [0, 0.25, 0.5, 0.75, 1]).astype(int).tolist()
    longest = hooks.batches.config.seq_len
    endless = sum(END not in (*row.inputs[-1:], *row.targets[-1:]) for row in rows)
    texts = [c.question for c in hooks.train]
    counts = seen.counts
    positions = max(1, counts["positions"])
    data: dict[str, Any] = {
        "train_conversations": len(hooks.train),
        "validation_conversations": len(hooks.held_out),
        "train_rows": len(rows),
        "row_length_quantiles": spread,
        "duplicate_questions": len(texts) - len(set(texts)),
        "rows_without_end": endless,
        "epochs": counts["rows"] / len(rows),
        **counts,
    }
    facts = [
        ("training conversations", f"{len(hooks.train):,}"),
        ("validation conversations", f"{len(hooks.held_out):,}"),
        ("training rows", f"{len(rows):,}, {number(len(hooks.train) / len(rows))} conversations each"),
        ("row length", "min {}, quartiles {} / {} / {}, max {}".format(*spread) + f", limit {longest}"),
        ("rows not ending in target <end>", f"{endless:,}"),
        ("questions asked more than once", data["duplicate_questions"]),
        ("positions trained on", f"{counts['positions']:,} ({data['epochs']:.2f} epochs)"),
        ("of them padding", f"{100 * counts['padding'] / positions:.1f}%"),
        ("of them scored", f"{100 * counts['scored'] / positions:.1f}%"),
        ("rows without a scored position", f"{counts['unscored_rows']:,} of {counts['rows']:,}"),
    ]
    return Artifact(fields(facts), data)


def data_order_artifact(hooks: ChatHooks, seen: Conversations) -> Artifact:
    """Which conversations the rows of a step held, by their numbers in the training split."""
    batches = hooks.batches
    index = {tuple(t for t in row.inputs if t != PAD): i for i, row in enumerate(batches.rows)}
    ids = {
        step: [batches.members[i][0] if (i := index.get(row)) is not None else -1 for row in rows]
        for step, rows in seen.served.items()
    }
    steps = sorted(ids)
    lines = ["numbers of the conversations, in the order they were used (the first of each row):"]
    for step in dict.fromkeys([*steps[:4], steps[len(steps) // 2], *steps[-2:]]):
        lines.append(f"  step {step:<5d} {' '.join(map(str, ids[step][:12]))}{' ...' if len(ids[step]) > 12 else ''}")
    lengths = {step: np.array([len(row) for row in rows]) for step, rows in seen.served.items()}
    spread = [int(found.max() - found.min()) for found in lengths.values()]
    used = [i for step in steps for i in ids[step]]
    facts = [
        ("rows a step", number(len(used) / len(steps))),
        ("rows used", f"{len(used):,} of {len(batches.rows):,}, {len(used) - len(set(used)):,} of them more than once"),
        ("longest less shortest row of a step", f"median {int(np.median(spread))}, largest {max(spread)} tokens"),
        ("mean row length by step", f"{min(map(np.mean, lengths.values())):.0f} to "
                                    f"{max(map(np.mean, lengths.values())):.0f} tokens"),
        ("epoch boundaries passed", batches.epoch),
    ]  # fmt: skip
    data = {"documents": {str(step): ids[step][:4] for step in steps}, "epochs": batches.epoch}
    return Artifact("\n".join([*lines, "", fields(facts)]), data)


def split_overlap_artifact(hooks: ChatHooks) -> Artifact:
    asked = {c.question for c in hooks.train}
    whole = {(c.question, c.answer) for c in hooks.train}
    same = [c.question for c in hooks.held_out if c.question in asked]
    data = {
        "validation_conversations": len(hooks.held_out),
        "question_in_train": len(same),
        "conversation_in_train": sum((c.question, c.answer) in whole for c in hooks.held_out),
        "examples": same[:3],
    }
    rows: list[tuple[str, object]] = [
        ("validation conversations", f"{len(hooks.held_out):,}"),
        ("same question in training", f"{len(same):,}"),
        ("same question and answer in training", f"{data['conversation_in_train']:,}"),
        *(("for example", repr(question)) for question in same[:3]),
    ]
    return Artifact(fields(rows), data)


def tokenizer_artifact(chat: ModuleType, config: Any, seen: Conversations, hooks: ChatHooks) -> Artifact:
    """Round trips of some texts, the special tokens, a conversation as it was trained on and as it was asked."""
    texts = ["Is ast.parse public?", "It is public.\nAnswer: yes", "naïve café, π ≈ 3.14", ""]
    rows, data = [], []
    for text in texts:
        tokens = chat.encode(text)
        try:
            back = chat.decode(tokens)
        except ValueError as error:
            back = f"{type(error).__name__}: {error}"
        rows.append([ascii(text), len(tokens), "same" if back == text else ascii(back)[:32]])
        data.append({"text": text, "tokens": len(tokens), "back": back})
    special = ", ".join(f"{name} {token}" for token, name in NAMES.items())
    trained = next(iter(seen.pairs.values()))["inputs"][0] if seen.pairs else []
    facts = [
        ("vocabulary", f"{config.vocab_size}: {special}, bytes from {FIRST_BYTE}"),
        ("in training", spelled(t for t in trained if t != PAD) or "not seen"),
        ("in evaluation", spelled(hooks.first_prompt) or "not seen"),
    ]
    text = table(["text", "tokens", "decoded again"], rows) + "\n\n" + fields(facts)
    return Artifact(text, {"texts": data, "trained": trained, "asked": hooks.first_prompt})


def samples_artifact(
    answers: ModuleType, conversations: list[Any], model: Any, config: Any, steps: int, device: str
) -> Artifact:
    """Answers to held-out questions by the job's own code."""
    asked = [c.question for c in conversations]
    said = answers.answers(model, asked, config, device)
    lines = [f"from the model after {steps} steps, the most likely token each time,"]
    lines.append(f"at most {config.answer_tokens} tokens; ⏎ newline:")
    for question, text in zip(asked, said, strict=True):
        shown = "".join("⏎" if c == "\n" else c if c.isprintable() else "·" for c in text)
        lines += ["", f"{question}", f"  {shown or '(nothing)'}"]
    return Artifact("\n".join(lines), [{"question": q, "text": t} for q, t in zip(asked, said, strict=True)])


def predictions_artifact(
    answers: ModuleType, held_out: list[Any], model: Any, config: Any, shown: int, device: str
) -> Artifact:
    """The model's answers, what was read out of them, and the labels, of the questions of the evaluation."""
    replies = answers.Examination(held_out, config, device).replies(model)
    rows = [
        [c.question[:36], ascii(r.text)[1:-1][-26:], "none" if r.said is None else ascii(r.said)[1:-1][:10], r.label]
        for c, r in zip(held_out, replies[:shown], strict=False)
    ]
    right = sum(reply.said == reply.label for reply in replies)
    unread = sum(reply.said is None for reply in replies)
    head = f"{len(replies)} held-out questions: {right} right, {unread} answers from which nothing was read"
    data = {"right": right, "unread": unread, "questions": len(replies)}
    replied = [{"text": r.text, "said": r.said, "label": r.label} for r in replies[:shown]]
    text = f"{head}\n\n" + table(["question", "end of the model's answer", "read", "label"], rows)
    return Artifact(text, data | {"replies": replied})
