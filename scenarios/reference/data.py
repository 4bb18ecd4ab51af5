"""
Data: documents -> rows of T+1 bytes -> batches of inputs and targets.

- byte-level: a token is a byte, the vocabulary has 256
- split by document, so that no document is in both train and validation
- rows never cross a document's end
"""

import base64
import json
from typing import NamedTuple

import numpy as np
import torch

PRINTABLE = np.isin(np.arange(256), [9, 10, 13, *range(32, 127)])


class Document(NamedTuple):
    name: str
    tokens: np.ndarray  # (length,) uint8


def encode(text):
    return list(text.encode())


def decode(tokens):
    return bytes(tokens).decode(errors="replace")


def is_binary(document):
    return PRINTABLE[document.tokens].mean() < 0.7


def unique(documents):
    """The first of all documents with the same text: a crawl finds many pages more than once."""
    seen = set()
    return [d for d in documents if not ((text := d.tokens.tobytes()) in seen or seen.add(text))]


def load_corpus(path, skip_binary=True, max_documents=0):
    """Documents in the order they are stored, each text once."""
    documents = []
    with open(path) as f:
        for line in f:
            record = json.loads(line)
            tokens = np.frombuffer(base64.b64decode(record["data"]), dtype=np.uint8)
            documents.append(Document(record["name"], tokens))
    documents = [document for document in unique(documents) if not (skip_binary and is_binary(document))]
    return documents[:max_documents] if max_documents else documents


def split(documents, val_fraction):
    """Hold out every n-th document for validation."""
    every = round(1 / val_fraction)
    train = [document for i, document in enumerate(documents) if i % every]
    val = [document for i, document in enumerate(documents) if i % every == 0]
    return train, val


def rows(documents, seq_len):
    """Cut documents into rows of seq_len + 1 tokens -> (N, T+1) and the document each row is from (N,)."""
    cut, source = [], []
    for i, document in enumerate(documents):
        n = (len(document.tokens) - 1) // seq_len
        for j in range(n):
            cut.append(document.tokens[j * seq_len : (j + 1) * seq_len + 1])
            source.append(i)
    return np.stack(cut), np.array(source)


class Batches:
    """Endless iterator over batches of a split: inputs (B, T), targets (B, T), int64."""

    def __init__(self, documents, config, device="cpu"):
        self.documents = documents
        self.rows, self.source = rows(documents, config.seq_len)
        self.batch_size = config.micro_batch
        self.device = device
        self.rng = np.random.default_rng(config.seed)
        self.epoch = 0
        self.order = self.new_order()
        self.position = 0

    def new_order(self):
        return self.rng.permutation(len(self.rows))

    def skip(self, n):
        """Pass over n batches, to go on where an earlier run stopped."""
        for _ in range(n):
            next(self)

    def __iter__(self):
        return self

    def __next__(self):
        if self.position + self.batch_size > len(self.order):
            self.epoch += 1
            self.order = self.new_order()
            self.position = 0
        picked = self.order[self.position : self.position + self.batch_size]
        self.position += self.batch_size
        tokens = torch.from_numpy(self.rows[picked].astype(np.int64)).to(self.device)  # (B, T+1)
        x, y = tokens[:, :-1], tokens[:, 1:]  # each position predicts the token after it
        return x, y
