"""
Conversations: records -> tokens -> batches.

    <user> question <assistant> answer <end>

- byte-level: special tokens come first, a byte b is token FIRST_BYTE + b
- a target that is not scored is IGNORE, which the loss leaves out
- a row holds one conversation, or as many as fit when rows are packed
"""

import json
from typing import NamedTuple

import numpy as np
import torch

from loss import language_model_loss

PAD, USER, ASSISTANT, END = range(4)
FIRST_BYTE = 4
IGNORE = -100


class Conversation(NamedTuple):
    question: str
    answer: str
    label: str  # what the answer's last line should say


class Row(NamedTuple):
    inputs: list
    targets: list  # of the same positions


def encode(text):
    return [FIRST_BYTE + byte for byte in text.encode()]


def decode(tokens):
    """The text of tokens; special ones have none."""
    return bytes(token - FIRST_BYTE for token in tokens if token >= FIRST_BYTE).decode(errors="replace")


def load_conversations(path, most=0):
    with open(path) as f:
        records = [json.loads(line) for line in f]
    conversations = [Conversation(r["question"], r["answer"], r["label"]) for r in records]
    return conversations[:most] if most else conversations


def split(conversations, val_fraction):
    """Every n-th conversation is for validation."""
    every = round(1 / val_fraction)
    train = [c for i, c in enumerate(conversations) if i % every]
    val = [c for i, c in enumerate(conversations) if i % every == 0]
    return train, val


def prompt(question):
    """The conversation up to where the answer begins."""
    return [USER, *encode(question), ASSISTANT]


def render(conversation):
    return prompt(conversation.question) + encode(conversation.answer)


def scored(tokens):
    """Whether each token counts in the loss."""
    marks, speaking = [], False
    for token in tokens:
        marks.append(speaking)
        speaking = (speaking or token == ASSISTANT) and token != END
    return marks


def as_row(tokens, seq_len):
    """A row of at most seq_len positions, each predicting the token after it."""
    tokens = tokens[: seq_len + 1]
    targets = [IGNORE if not mark else token for token, mark in zip(tokens, scored(tokens), strict=True)]
    return Row(tokens[:-1], targets[1:])


def padded_rows(conversations, seq_len):
    """One conversation a row, and the conversations each row holds."""
    rows = [as_row([*render(c), END], seq_len) for c in conversations]
    return rows, [[i] for i in range(len(rows))]


def packed_rows(conversations, seq_len):
    """Whole conversations one after the other while they fit, and the conversations each row holds."""
    rows, members = [], []
    tokens, inside = [], []
    for i, conversation in enumerate(conversations):
        more = [*render(conversation), END]
        if tokens and len(tokens) + len(more) > seq_len + 1:
            rows.append(as_row(tokens, seq_len))
            members.append(inside)
            tokens, inside = [], []
        tokens, inside = tokens + more, [*inside, i]
    rows.append(as_row(tokens, seq_len))
    members.append(inside)
    return rows, members


def make_rows(conversations, config):
    return (packed_rows if config.pack else padded_rows)(conversations, config.seq_len)


def collate(rows, device="cpu"):
    """Rows -> inputs (B, T), targets (B, T), int64."""
    width = max(len(row.inputs) for row in rows)
    x = [row.inputs + [PAD] * (width - len(row.inputs)) for row in rows]
    y = [row.targets + [IGNORE] * (width - len(row.targets)) for row in rows]
    return torch.tensor(x, device=device), torch.tensor(y, device=device)


def batch_size(step, config):
    """Rows of a micro-batch at an optimizer step."""
    if not config.grow_every:
        return config.micro_batch
    return min(config.micro_batch * 2 ** (step // config.grow_every), config.most_rows)


class ChatBatches:
    """Endless iterator over batches of a split: inputs (B, T), targets (B, T), int64."""

    def __init__(self, conversations, config, device="cpu"):
        self.conversations = conversations
        self.rows, self.members = make_rows(conversations, config)
        self.config = config
        self.device = device
        self.rng = np.random.default_rng(config.seed)
        self.served = 0  # micro-batches
        self.epoch = 0
        self.order = self.new_order()
        self.position = 0

    def new_order(self):
        order = self.rng.permutation(len(self.rows))
        if not self.config.group_by_length:
            return order
        n = self.config.micro_batch
        order = sorted(order, key=lambda i: len(self.rows[i].inputs))
        groups = [order[i : i + n] for i in range(0, len(order) - n + 1, n)]
        return np.concatenate([groups[i] for i in self.rng.permutation(len(groups))])

    def skip(self, n):
        """Pass over n batches, to go on where an earlier run stopped."""
        for _ in range(n):
            next(self)

    def __iter__(self):
        return self

    def __next__(self):
        n = batch_size(self.served // self.config.accumulation, self.config)
        if self.position + n > len(self.order):
            self.epoch += 1
            self.order = self.new_order()
            self.position = 0
        picked = self.order[self.position : self.position + n]
        self.position += n
        self.served += 1
        return collate([self.rows[i] for i in picked], self.device)


class ChatValidation:
    """Mean loss of held-out answers, over the same conversations every time."""

    def __init__(self, conversations, config, device="cpu"):
        n = config.eval_batches * config.micro_batch * config.accumulation
        spread = np.linspace(0, len(conversations) - 1, min(n, len(conversations))).astype(int)
        self.conversations = [conversations[i] for i in spread]
        self.rows, _ = make_rows(self.conversations, config)
        self.batch_size = config.micro_batch * config.accumulation
        self.device = device

    @torch.no_grad()
    def loss(self, model):
        """Mean cross-entropy of a token of the answers, in nats. Leaves the model in the mode it was in."""
        was_training = model.training
        model.eval()
        total, count = 0.0, 0
        for i in range(0, len(self.rows), self.batch_size):
            x, y = collate(self.rows[i : i + self.batch_size], self.device)
            n = (y != IGNORE).sum().item()
            total += language_model_loss(model(x), y).item() * n
            count += n
        model.train(was_training)
        return total / max(1, count)
