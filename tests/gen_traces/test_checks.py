"""The checks on the reference's code, on code broken in ways they must tell apart, and on code that breaks them."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gen_traces.checks import Context, outcome, run_all
from scenarios.source import reference_source

pytest.importorskip("torch")
import torch

from gen_traces.checks import gradients, job, runner

SMALL = {
    "n_layer": 2, "n_head": 2, "n_embd": 32, "seq_len": 32, "lr": 1e-2, "warmup_steps": 5, "eval_batches": 1,
    "checkpoint_every": 10_000,
}  # fmt: skip
JobModules = Callable[[dict[str, str]], SimpleNamespace]


def context(modules: SimpleNamespace, corpus: Path, trained: bool = False, **settings: Any) -> Context:
    config = modules.config.Config(**(SMALL | settings))
    model = modules.model.GPT(config) if trained else None
    return Context(vars(modules), config, corpus, model)


@pytest.fixture(scope="module")
def normal(reference: SimpleNamespace, corpus: Path) -> list[dict[str, Any]]:
    """What the checks say of the healthy code, for two seeds."""
    return [
        {id: artifact.data for id, artifact in run_all(context(reference, corpus, seed=seed)).items()}
        for seed in (0, 1)
    ]


def broken(job_modules: JobModules, file: str, old: str, new: str) -> SimpleNamespace:
    source = reference_source()
    assert old in source[file], "the reference has changed: this test breaks a line that is not there"
    return job_modules(source | {file: source[file].replace(old, new)})


def test_the_reference_is_sound(normal: list[dict[str, Any]]) -> None:
    for data in normal:
        assert data["check_causality"]["fresh"]["difference"] == 0
        assert data["check_kv_cache"]["difference"] < 1e-4
        assert data["check_kv_cache"]["generation_disagreements"] == 0
        assert data["check_gradients"]["max_relative_error"] < 1e-4
        assert data["check_determinism"]["identical"]
        assert abs(data["check_init_loss"]["difference"]) < 0.1
        assert data["check_overfit_batch"]["start_loss"] == pytest.approx(5.55, abs=0.2)
        assert data["check_overfit_batch"]["final_loss"] < 0.5


def test_healthy_seeds_do_not_differ_from_each_other(normal: list[dict[str, Any]]) -> None:
    for id in normal[0]:
        assert not outcome.differs(id, normal[0][id], [normal[1][id]])


BREAKS = {
    "a token sees the next one": (
        "model.py", "tril(diagonal=S - T)", "tril(diagonal=S - T + 1)", {"check_causality", "check_kv_cache"},
    ),
    "positions that are never told": (
        "model.py", "q, k = apply_rotary(q, cos, sin), apply_rotary(k, cos, sin)", "q, k = q, k", {"check_token_order"},
    ),
    "positions start again at 0 after the prompt": (
        "model.py", "start = cache.length if cache is not None else 0", "start = 0", {"check_kv_cache"},
    ),
    "a large initialisation": ("model.py", "n_embd**-0.5", "n_embd**0.5", {"check_init_loss"}),
    "probabilities instead of logits": (
        "loss.py", "logits = logits.float()", "logits = logits.float().softmax(-1)", {"check_overfit_batch"},
    ),
    "an optimizer of copies": (
        "train.py", "build_optimizer(model, config)", "build_optimizer(GPT(config), config)", {"check_overfit_batch"},
    ),
    "a seed that is not set": (
        "train.py", "torch.manual_seed(config.seed)", "torch.seed()", {"check_determinism"},
    ),
    "a branch outside the graph": (
        "model.py", "self.out(y)", "self.out(y.detach())", {"check_gradients"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BREAKS)
def test_a_break_shows_in_its_check(
    job_modules: JobModules, corpus: Path, normal: list[dict[str, Any]], name: str
) -> None:
    file, old, new, expected = BREAKS[name]
    around = context(broken(job_modules, file, old, new), corpus)
    checks = {id: runner.run_one(runner.CHECKS[id], around) for id in expected}
    for id in expected:
        assert outcome.differs(id, checks[id].data, [data[id] for data in normal]), checks[id].text


def test_the_trained_model_is_measured_too(reference: SimpleNamespace, corpus: Path) -> None:
    around = context(reference, corpus, trained=True)
    found = run_all(around)
    assert set(found["check_causality"].data) == {"fresh", "trained"}
    assert "trained model" in found["check_kv_cache"].text


def test_a_trained_model_of_nan_is_an_outcome(
    reference: SimpleNamespace, corpus: Path, normal: list[dict[str, Any]]
) -> None:
    around = context(reference, corpus, trained=True)
    with torch.no_grad():
        around.model.head.weight.fill_(torch.nan)  # type: ignore[union-attr,operator]
    found = runner.run_one(runner.CHECKS["check_kv_cache"], around)
    assert "nan" in found.text
    assert outcome.differs("check_kv_cache", found.data, [data["check_kv_cache"] for data in normal])


def test_a_check_that_stops_says_why(job_modules: JobModules, corpus: Path, normal: list[dict[str, Any]]) -> None:
    modules = broken(job_modules, "model.py", "x = self.norm(self.embed(tokens))", "x = self.lost(tokens)")
    found = run_all(context(modules, corpus))
    assert set(found) == set(runner.CHECKS)
    for id, artifact in found.items():
        assert "AttributeError" in artifact.text and "'lost'" in artifact.data["error"]
        assert outcome.differs(id, artifact.data, [data[id] for data in normal])
        assert not outcome.differs(id, artifact.data, [artifact.data])


def test_nothing_outside_is_disturbed(
    reference: SimpleNamespace, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    around = context(reference, corpus, trained=True)
    model = around.model
    assert model is not None
    model.train()
    before = {name: value.clone() for name, value in model.state_dict().items()}

    def draw() -> tuple[float, float, float]:
        return random.random(), np.random.rand(), torch.rand(()).item()

    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    expected = draw()
    random.setstate(states[0])
    np.random.set_state(states[1])
    torch.set_rng_state(states[2])
    run_all(around)
    assert draw() == expected
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(module.training for module in model.modules())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert torch.get_default_dtype() == torch.float32 and torch.is_grad_enabled()
    assert capsys.readouterr().out == ""


def test_the_one_batch_corpus_holds_one_batch(reference: SimpleNamespace, corpus: Path, tmp_path: Path) -> None:
    around = context(reference, corpus)
    path = tmp_path / "corpus.jsonl"
    job.one_batch_corpus(around, path)
    documents, held_out = reference.data.split(reference.data.load_corpus(path), around.config.val_fraction)
    assert len(documents) == len(held_out) == 1
    batches = reference.data.Batches(documents, around.config)
    served = {frozenset(map(tuple, next(batches)[0].tolist())) for _ in range(5)}
    assert len(served) == 1 and len(served.pop()) == around.config.micro_batch


def test_casts_are_widened_for_finite_differences() -> None:
    x = torch.ones(2, dtype=torch.float64)
    with gradients.Float64():
        kept = [
            x.float(),
            x.half(),
            x.to(torch.bfloat16),
            torch.softmax(x, 0, dtype=torch.float32),
            x.to(dtype=torch.float16),
        ]
        assert {each.dtype for each in kept} == {torch.float64}
        assert x.long().dtype == torch.int64
    assert x.float().dtype == torch.float32


def test_texts_state_and_do_not_judge(reference: SimpleNamespace, corpus: Path) -> None:
    for artifact in run_all(context(reference, corpus)).values():
        lines = artifact.text.splitlines()
        assert 2 <= len(lines) <= 4 and max(map(len, lines)) <= 80
        words = set(artifact.text.lower().replace("|", " ").split())
        assert not words & {"leak", "bug", "wrong", "correct", "fail", "failed", "ok", "passed", "healthy", "broken"}


# Outcomes, from numbers alone


NO_LEAK = {"fresh": {"difference": 0.0, "scale": 0.4}}
TRAINED = {"trained": {"difference": 0.0, "scale": 9.0}}


@pytest.mark.parametrize(
    ("id", "data", "healthy", "differs"),
    [
        ("check_overfit_batch", {"final_loss": 4.4}, [{"final_loss": 0.04}, {"final_loss": 0.05}], True),
        ("check_overfit_batch", {"final_loss": 0.2}, [{"final_loss": 0.04}, {"final_loss": 0.05}], False),
        ("check_overfit_batch", {"final_loss": 0.02}, [{"final_loss": 3.0}], True),
        ("check_overfit_batch", {"final_loss": "NaN"}, [{"final_loss": 0.04}], True),
        ("check_init_loss", {"difference": -0.2}, [{"difference": 0.02}, {"difference": -0.01}], True),
        ("check_init_loss", {"difference": -0.2}, [{"difference": 0.02}, {"difference": -0.09}], False),
        ("check_causality", {"fresh": {"difference": 1e-3, "scale": 0.4}}, [NO_LEAK], True),
        ("check_causality", NO_LEAK, [NO_LEAK], False),
        ("check_causality", NO_LEAK | {"trained": {"difference": 2.0, "scale": 9.0}}, [NO_LEAK | TRAINED], True),
        ("check_kv_cache", {"difference": 1e-3, "scale": 1.0}, [{"difference": 1e-6, "scale": 1.0}], False),
        ("check_kv_cache", {"difference": 0.3, "scale": 30.0}, [{"difference": 1e-6, "scale": 30.0}], True),
        ("check_kv_cache", {"difference": "NaN", "scale": "NaN"}, [{"difference": 1e-6, "scale": 30.0}], True),
        ("check_determinism", {"identical": False}, [{"identical": True}], True),
        ("check_determinism", {"identical": False}, [{"identical": True}, {"identical": False}], False),
        ("check_gradients", {"max_relative_error": 0.5}, [{"max_relative_error": 1e-6}], True),
        ("check_gradients", {"error": "RuntimeError: x"}, [{"max_relative_error": 1e-6}], True),
        ("check_gradients", {"max_relative_error": 1e-6}, [{"error": "RuntimeError: x"}], True),
    ],
)  # fmt: skip
def test_outcomes(id: str, data: Any, healthy: list[Any], differs: bool) -> None:
    assert outcome.differs(id, data, healthy) is differs


def test_an_unknown_check_has_no_outcome() -> None:
    assert not outcome.known("check_luck")
    with pytest.raises(KeyError):
        outcome.outcome("check_luck", {})


def order(numbers: list[int]) -> dict[str, Any]:
    return {"documents": {str(i): numbers[4 * i : 4 * i + 4] for i in range(len(numbers) // 4)}}


def test_documents_in_stored_order_differ_from_shuffled_ones() -> None:
    shuffled = [order(np.random.default_rng(seed).integers(0, 300, 400).tolist()) for seed in range(4)]
    assert outcome.outcome("data_order", shuffled[0]) == {"jump": pytest.approx(1, abs=0.1)}
    assert not outcome.differs("data_order", shuffled[3], shuffled[:3])
    stored = order(np.arange(400).tolist())
    assert outcome.outcome("data_order", stored) == {"jump": pytest.approx(3 / 401)}
    assert outcome.differs("data_order", stored, shuffled)
    assert outcome.differs("data_order", order([7] * 400), shuffled)
    assert not outcome.differs("data_order", order([]), shuffled)
