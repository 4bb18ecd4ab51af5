"""Fits boosted trees with scikit-learn, for `grader.trees`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.ensemble import GradientBoostingClassifier

from grader.trees import Trees

TREES, STEP, LEAF, SHARE = 200, 0.06, 40, 0.5  # trees, learning rate, rows in a leaf, rows that a tree sees


def fit(figures: np.ndarray, classes: Sequence[object], depth: int) -> list[Trees]:
    """The logits of the classes in their order, or of the second of two. Deterministic."""
    model = GradientBoostingClassifier(
        init="zero", n_estimators=TREES, learning_rate=STEP, max_depth=depth, min_samples_leaf=LEAF, subsample=SHARE,
        random_state=0,
    )  # fmt: skip
    return as_arrays(model.fit(figures, classes))


def as_arrays(model: GradientBoostingClassifier) -> list[Trees]:
    """The trees of a fitted model that has no prior of its own, with leaves that lead to themselves."""
    return [_as_arrays([regressor.tree_ for regressor in own], model.learning_rate) for own in model.estimators_.T]


def _as_arrays(every: Sequence[object], step: float) -> Trees:
    parts: dict[str, list[np.ndarray]] = {name: [] for name in ("figure", "threshold", "left", "right", "value")}
    roots, first, depth = [], 0, 0
    for tree in every:
        own = np.arange(tree.node_count)
        leaf = tree.children_left < 0
        parts["figure"].append(np.where(leaf, 0, tree.feature))
        parts["threshold"].append(np.where(leaf, 0.0, tree.threshold))
        parts["left"].append(first + np.where(leaf, own, tree.children_left))
        parts["right"].append(first + np.where(leaf, own, tree.children_right))
        parts["value"].append(step * np.where(leaf, tree.value[:, 0, 0], 0.0))
        roots.append(first)
        first, depth = first + tree.node_count, max(depth, tree.max_depth)
    figure, threshold, left, right, value = (np.concatenate(part) for part in parts.values())
    return Trees(
        figure.astype(np.int16), threshold.astype(np.float32), left.astype(np.int32), right.astype(np.int32),
        value.astype(np.float32), np.array(roots, dtype=np.int32), depth,
    )  # fmt: skip
