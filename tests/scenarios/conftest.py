from collections.abc import Callable
from pathlib import Path

import pytest

SCENARIO = """\
workload: lm_pretraining
config: configs/base.yaml
rounds: [debug, review]
level: mid
difficulty: easy
headline: The loss stops at {final_loss}.
opening: A small language model is being pretrained.
snippet:
  - {file: train.py, symbol: train_step}
"""
GUIDE = """\
hints: [Think about it., Look at the loop., Look at the norm.]
follow_ups:
  - {id: why, question: Why at that step?}
"""
SOLUTION = """\
title: An odd test title
catalogue: [901, odd_test_name]
category: loop
priority: 1
root_cause: gradients are never zeroed
mechanism: each backward adds
wordings: [zero_grad is never called]
concepts: [[zero_grad]]
fixes: [call zero_grad]
fix_concepts: [[zero_grad]]
"""

MakePack = Callable[..., Path]


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """A pack of its own with two sound scenarios, one of them a healthy control."""
    root = tmp_path / "pack"
    for slug, title, catalogue in (
        ("amber-fox", "An odd test title", "[901, odd_test_name]"),
        ("blue-elk", "Sound", "[healthy]"),
    ):
        place = root / slug
        place.mkdir(parents=True)
        (place / "scenario.yaml").write_text(SCENARIO)
        (place / "guide.yaml").write_text(GUIDE)
        solution = SOLUTION.replace("An odd test title", title).replace("[901, odd_test_name]", catalogue)
        (place / "solution.yaml").write_text(solution)
        (place / "bug.patch").write_text("")
    return root
