"""Boosted trees: numpy says what scikit-learn does."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier

from grader import trees

TOOL = Path(__file__).parents[2] / "tools" / "boosting.py"


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("depth", [1, 4])
def test_numpy_says_what_scikit_learn_does(depth: int, several: bool, tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("boosting", TOOL)
    assert spec and spec.loader
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    random = np.random.default_rng(0)
    figures = random.normal(size=(400, 5)).astype(np.float32)
    right = np.digitize(figures[:, 0] * figures[:, 1], [-0.2, 0.1]) if several else figures[:, 0] > 0.1
    model = GradientBoostingClassifier(init="zero", n_estimators=20, max_depth=depth, random_state=0).fit(
        figures, right
    )
    wanted = model.decision_function(figures).reshape(len(figures), -1).T
    assert len(wanted) == (3 if several else 1)
    for fitted, logits in zip(tool.as_arrays(model), wanted, strict=True):
        trees.save(fitted, tmp_path / "trees.npz")
        found = trees.load(tmp_path / "trees.npz").total(figures)
        assert np.allclose(found, logits, atol=1e-4) and np.ptp(found) > 0.2
