"""Boosted decision trees (Friedman, 2001) as arrays: what scikit-learn fits, read by numpy alone."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Trees(NamedTuple):
    """All nodes of all trees: a figure's number and a threshold, the node for figures up to it and the one beyond, and
    a value that counts in leaves; a leaf leads to itself. `roots` are the trees' first nodes, `depth` the deepest."""

    figure: NDArray[np.int16]
    threshold: NDArray[np.float32]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: NDArray[np.float32]
    roots: NDArray[np.int32]
    depth: int

    def total(self, figures: NDArray[np.float32]) -> NDArray[np.float64]:
        """(n, figures) -> (n,): the sum over all trees of the leaf that each row comes to."""
        rows = np.arange(len(figures))[:, None]
        at = np.broadcast_to(self.roots, (len(figures), self.roots.size))
        for _ in range(self.depth):
            low = figures[rows, self.figure[at]] <= self.threshold[at]
            at = np.where(low, self.left[at], self.right[at])
        return self.value[at].sum(axis=1, dtype=np.float64)


def load(path: Path) -> Trees:
    with np.load(path) as stored:
        arrays = dict(stored)
    return Trees(depth=int(arrays.pop("depth")), **arrays)


def save(trees: Trees, path: Path) -> None:
    np.savez(path, **trees._asdict())
