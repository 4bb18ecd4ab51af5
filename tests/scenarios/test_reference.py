"""The reference training code against trusted implementations and first principles."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from scenarios import catalog
from scenarios.source import REFERENCE

pytest.importorskip("torch")
import torch
import torch.nn.functional as F


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def tiny(reference: SimpleNamespace, **values: Any) -> Any:
    defaults: dict[str, Any] = {"seq_len": 32, "n_layer": 2, "n_head": 2, "n_embd": 32, "steps": 8, "warmup_steps": 2}
    defaults |= {"eval_every": 100, "eval_batches": 1, "checkpoint_every": 1000, "log_every": 1000}
    return reference.config.Config(**(defaults | values))


def tokens(rows: int = 2, length: int = 32, seed: int = 1) -> torch.Tensor:
    return torch.randint(0, 256, (rows, length), generator=torch.Generator().manual_seed(seed))


def sharpened(model: Any) -> Any:
    """Larger weights, so that attention and logits are far from uniform and a difference would show."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
    return model


def run_training(reference: SimpleNamespace, config: Any, corpus: Path, out: Path, **more: Any) -> Any:
    out.mkdir(exist_ok=True)
    return reference.train.train(config, str(corpus), str(out), "cpu", **more)


def logged(out: Path, key: str = "loss") -> list[float]:
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    return [line[key] for line in lines if key in line]


def repeat(x: torch.Tensor, y: torch.Tensor) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    while True:
        yield x, y


# Model


@pytest.mark.parametrize("norm_position", ["pre", "post"])
@pytest.mark.parametrize("qk_norm", [True, False])
def test_no_logit_depends_on_a_later_token(reference: SimpleNamespace, norm_position: str, qk_norm: bool) -> None:
    model = sharpened(reference.model.GPT(tiny(reference, norm_position=norm_position, qk_norm=qk_norm)))
    x = tokens()
    before = model(x)
    for place in range(1, x.size(1)):
        other = x.clone()
        other[:, place] = (other[:, place] + 1) % 256
        after = model(other)
        assert torch.equal(after[:, :place], before[:, :place])
        assert not torch.allclose(after[:, place], before[:, place])


def test_attention_is_torchs_attention(reference: SimpleNamespace) -> None:
    attention = sharpened(reference.model.Attention(tiny(reference)))
    x = torch.randn(2, 32, 32)
    cos, sin = reference.model.rotary_tables(32, 16)
    q, k, v = (attention.split_heads(linear(x)) for linear in (attention.q, attention.k, attention.v))
    q, k = (reference.model.apply_rotary(F.rms_norm(each, (16,), eps=1e-6), cos, sin) for each in (q, k))
    expected = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    expected = attention.out(expected.transpose(1, 2).reshape(2, 32, 32))
    torch.testing.assert_close(attention(x, cos, sin), expected, rtol=1e-5, atol=1e-6)


def test_the_norm_is_torchs_rms_norm(reference: SimpleNamespace) -> None:
    x = torch.randn(3, 5, 16) * 4
    torch.testing.assert_close(reference.model.RMSNorm()(x), F.rms_norm(x, (16,), eps=1e-6))


def test_rotary_keeps_lengths_and_depends_on_distance_only(reference: SimpleNamespace) -> None:
    cos, sin = reference.model.rotary_tables(32, 16)
    q, k = torch.randn(16), torch.randn(16)
    turned_q = reference.model.apply_rotary(q.expand(1, 1, 32, 16), cos, sin)[0, 0]
    turned_k = reference.model.apply_rotary(k.expand(1, 1, 32, 16), cos, sin)[0, 0]
    torch.testing.assert_close(turned_q.norm(dim=-1), q.norm().expand(32))
    scores = turned_q @ turned_k.T  # (32, 32)
    for distance in (1, 5, 20):
        diagonal = scores.diagonal(-distance)
        torch.testing.assert_close(diagonal, diagonal[0].expand_as(diagonal), rtol=1e-4, atol=1e-4)
    assert (scores[20, 0] - scores[20, 19]).abs() > 0.1


@pytest.mark.parametrize("norm_position", ["pre", "post"])
def test_cached_decoding_is_full_decoding(reference: SimpleNamespace, norm_position: str) -> None:
    model = sharpened(reference.model.GPT(tiny(reference, norm_position=norm_position)))
    x = tokens()
    for cuts in ([1] * 32, [20] + [1] * 12, [7, 9, 16]):
        cache = reference.engine.KVCache(2)
        pieces = [model(piece, cache) for piece in x.split(cuts, dim=1)]
        torch.testing.assert_close(torch.cat(pieces, dim=1), model(x), rtol=1e-4, atol=1e-5)
        assert cache.length == 32


def test_greedy_generation_is_the_argmax_of_full_passes(reference: SimpleNamespace) -> None:
    model = sharpened(reference.model.GPT(tiny(reference))).train()
    prompt = tokens(2, 5)
    generated = reference.engine.generate(model, prompt, 12)
    expected = prompt
    with torch.no_grad():
        for _ in range(12):
            expected = torch.cat([expected, model(expected)[:, -1].argmax(-1, keepdim=True)], dim=1)
    assert torch.equal(generated, expected)
    assert model.training, "generate() should leave the mode as it was"
    assert reference.engine.generate(model, prompt, 1000).size(1) == 32


def test_sampling_follows_the_temperature(reference: SimpleNamespace) -> None:
    logits = torch.tensor([[0.0, 1.0, 3.0]]).expand(4000, 3)
    drawn = reference.engine.sample(logits, 2.0, generator=torch.Generator().manual_seed(0))
    shares = torch.bincount(drawn[:, 0], minlength=3) / 4000
    torch.testing.assert_close(shares, torch.softmax(logits[0] / 2, dim=-1), atol=0.03, rtol=0)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("norm_position", ["pre", "post"])
def test_a_half_precision_residual_stream_stays_in_its_dtype(
    reference: SimpleNamespace, dtype: str, norm_position: str
) -> None:
    model = reference.model.GPT(tiny(reference, residual_dtype=dtype, norm_position=norm_position))
    seen = []
    for block in model.blocks:
        block.register_forward_hook(lambda module, inputs, output: seen.extend([inputs[0].dtype, output.dtype]))
    logits = model(tokens())
    assert set(seen) == {getattr(torch, dtype)}
    assert torch.isfinite(logits).all()


def test_gradients_match_finite_differences(reference: SimpleNamespace) -> None:
    """In float32, as the code computes it: directional derivatives, which are large enough to stand out of rounding."""
    model = sharpened(reference.model.GPT(tiny(reference, n_embd=16, seq_len=8)))
    x, y = tokens(4, 8), tokens(4, 8, seed=2)

    def loss() -> torch.Tensor:
        return reference.loss.language_model_loss(model(x), y)

    loss().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        direction = parameter.grad / parameter.grad.norm()
        with torch.no_grad():
            parameter.add_(direction, alpha=1e-2)
            above = loss().item()
            parameter.sub_(direction, alpha=2e-2)
            below = loss().item()
            parameter.add_(direction, alpha=1e-2)
        assert (above - below) / 2e-2 == pytest.approx(parameter.grad.norm().item(), rel=0.02), name


# Loss and initialisation


def test_the_loss_is_the_mean_negative_log_probability(reference: SimpleNamespace) -> None:
    logits, targets = torch.randn(2, 3, 256), tokens(2, 3)
    by_hand = [-torch.log_softmax(logits[b, t], dim=0)[targets[b, t]].item() for b in range(2) for t in range(3)]
    assert reference.loss.language_model_loss(logits, targets).item() == pytest.approx(sum(by_hand) / 6)


def pretraining_configs() -> list[str]:
    scenarios = (catalog.load_scenario(slug) for slug in catalog.slugs())
    return sorted({scenario.config for scenario in scenarios if scenario.workload == "lm_pretraining"})


@pytest.mark.parametrize("path", pretraining_configs())
def test_an_untrained_model_guesses_about_uniformly(reference: SimpleNamespace, path: str) -> None:
    config = reference.config.load_config(REFERENCE / path)
    model = reference.model.GPT(config)
    x, y = tokens(4, config.seq_len), tokens(4, config.seq_len, seed=2)
    assert reference.loss.language_model_loss(model(x), y).item() == pytest.approx(math.log(256), abs=0.15)


# Optimizer and schedule


def test_the_schedule_warms_up_linearly_and_falls_along_a_cosine(reference: SimpleNamespace) -> None:
    config = tiny(reference, lr=1.0, warmup_steps=10, steps=110, min_lr_ratio=0.1)
    rates = [reference.optim.learning_rate(step, config) for step in range(110)]
    assert rates[:10] == pytest.approx([(step + 1) / 10 for step in range(10)])
    assert max(rates) == rates[10] == pytest.approx(1.0)
    assert rates[60] == pytest.approx(0.55)
    assert all(a > b for a, b in pairwise(rates[10:]))
    assert rates[-1] == pytest.approx(0.1, abs=1e-3)
    assert reference.optim.learning_rate(0, tiny(reference, lr=1.0, warmup_steps=0)) == pytest.approx(1.0)


@pytest.mark.parametrize("kind", ["adamw", "sgd"])
def test_every_parameter_is_optimized_once_and_only_matrices_decay(reference: SimpleNamespace, kind: str) -> None:
    model = reference.model.GPT(tiny(reference))
    optimizer = reference.optim.build_optimizer(model, tiny(reference, optimizer=kind))
    grouped = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    assert {id(p) for p in grouped} == {id(p) for p in model.parameters()} and len(grouped) == len(set(grouped))
    decayed = {id(p) for group in optimizer.param_groups if group["weight_decay"] for p in group["params"]}
    assert decayed == {id(p) for p in model.blocks.parameters()}
    reference.optim.set_learning_rate(optimizer, 0.25)
    assert {group["lr"] for group in optimizer.param_groups} == {0.25}


# Training step


def make_step(reference: SimpleNamespace, config: Any, batches: Any, steps: int = 1) -> tuple[Any, list[float]]:
    torch.manual_seed(0)
    model = reference.model.GPT(config)
    optimizer = reference.optim.build_optimizer(model, config)
    scaler = torch.amp.GradScaler("cpu", enabled=config.compute_dtype == "float16")
    out = [reference.train.train_step(model, optimizer, scaler, batches, config, config.lr) for _ in range(steps)]
    return model, [loss for loss, _ in out]


def test_accumulation_is_one_big_batch(reference: SimpleNamespace) -> None:
    x, y = tokens(8), tokens(8, seed=2)
    pieces = iter(list(zip(x.split(2), y.split(2), strict=True)))
    settings = {"optimizer": "sgd", "lr": 0.1, "grad_clip": 0.0}
    split, split_loss = make_step(reference, tiny(reference, micro_batch=2, accumulation=4, **settings), pieces)
    whole, whole_loss = make_step(reference, tiny(reference, micro_batch=8, accumulation=1, **settings), repeat(x, y))
    assert split_loss == pytest.approx(whole_loss, rel=1e-6)
    for a, b in zip(split.parameters(), whole.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-7)


def test_clipping_bounds_the_norm_that_reaches_the_optimizer(reference: SimpleNamespace) -> None:
    config = tiny(reference, optimizer="sgd", momentum=0.0, weight_decay=0.0, lr=1.0, grad_clip=0.01, accumulation=1)
    torch.manual_seed(0)
    before = reference.model.GPT(config)
    after, _ = make_step(reference, config, repeat(tokens(), tokens(seed=2)))
    moved = torch.cat([(a - b).flatten() for a, b in zip(after.parameters(), before.parameters(), strict=True)])
    assert moved.norm().item() == pytest.approx(0.01, rel=1e-2)


def test_gradients_do_not_pile_up_between_steps(reference: SimpleNamespace) -> None:
    config = tiny(reference, optimizer="sgd", lr=0.0, grad_clip=0.0, accumulation=1)
    model = reference.model.GPT(config)
    optimizer = reference.optim.build_optimizer(model, config)
    scaler = torch.amp.GradScaler("cpu", enabled=False)
    batches = repeat(tokens(), tokens(seed=2))
    norms = [reference.train.train_step(model, optimizer, scaler, batches, config, 0.0)[1] for _ in range(3)]
    assert norms[1:] == pytest.approx([norms[0]] * 2)


@pytest.mark.parametrize(
    ("settings", "limit"),
    [({}, 0.3), ({"norm_position": "post"}, 0.3), ({"optimizer": "sgd", "lr": 0.2}, 1.0), ({"qk_norm": False}, 0.3),
     ({"residual_dtype": "bfloat16"}, 0.3), ({"compute_dtype": "bfloat16"}, 0.3)],
    ids=str,
)  # fmt: skip
def test_it_overfits_one_batch(reference: SimpleNamespace, settings: dict[str, Any], limit: float) -> None:
    config = tiny(reference, **({"accumulation": 1, "lr": 1e-2} | settings))
    x = tokens(4)
    _, losses = make_step(reference, config, repeat(x, x.roll(-1, 1)), steps=70)
    assert losses[0] == pytest.approx(math.log(256), abs=0.2)
    assert losses[-1] < limit


@pytest.mark.parametrize("norm_position", ["pre", "post"])
def test_both_norm_positions_learn_from_text(
    reference: SimpleNamespace, corpus: Path, tmp_path: Path, norm_position: str
) -> None:
    config = tiny(reference, norm_position=norm_position, steps=60, lr=1e-2, warmup_steps=10, eval_every=1000)
    run_training(reference, config, corpus, tmp_path)
    first, last = logged(tmp_path, "val_loss")
    assert first == pytest.approx(math.log(256), abs=0.2)
    assert last < 3.4, "should be well below the loss of a uniform guess, and near that of letter frequencies"


def test_float16_goes_through_a_gradient_scaler(reference: SimpleNamespace) -> None:
    """Where this torch can do float16 autocast on a CPU: the scaler must be invisible in loss and update."""
    try:
        with torch.autocast("cpu", dtype=torch.float16):
            (torch.ones(2, 2, requires_grad=True) @ torch.ones(2, 2)).sum().backward()
    except RuntimeError as error:
        pytest.skip(f"no float16 autocast on this machine's CPU: {error}")
    settings = {"accumulation": 2, "optimizer": "sgd", "lr": 0.1, "n_layer": 1}
    batches = repeat(tokens(), tokens(seed=2))
    half, half_losses = make_step(reference, tiny(reference, compute_dtype="float16", **settings), batches, steps=3)
    full, full_losses = make_step(reference, tiny(reference, **settings), batches, steps=3)
    assert half_losses == pytest.approx(full_losses, abs=0.02)
    for a, b in zip(half.parameters(), full.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0.05, atol=5e-3)


# Data


def test_inputs_and_targets_are_one_token_apart(reference: SimpleNamespace, corpus: Path) -> None:
    documents, _ = reference.data.split(reference.data.load_corpus(corpus), 0.1)
    x, y = next(reference.data.Batches(documents, tiny(reference)))
    assert x.shape == y.shape == (4, 32) and x.dtype == torch.int64
    assert torch.equal(x[:, 1:], y[:, :-1])
    text = [document.tokens.tobytes() for document in documents]
    for row, targets in zip(x.tolist(), y.tolist(), strict=True):
        assert any(bytes([row[0], *targets]) in document for document in text)


def test_no_document_is_in_both_splits(reference: SimpleNamespace, corpus: Path) -> None:
    documents = reference.data.load_corpus(corpus)
    train, val = reference.data.split(documents, 0.1)
    assert {d.name for d in train}.isdisjoint({d.name for d in val})
    assert len(train) + len(val) == len(documents)
    assert len(val) / len(documents) == pytest.approx(0.1, abs=0.02)
    rows = {bytes(row) for row in reference.data.rows(train, 64)[0]}
    assert not any(bytes(row) in rows for row in reference.data.rows(val, 64)[0])


def test_an_epoch_serves_every_row_once_and_then_in_another_order(reference: SimpleNamespace, corpus: Path) -> None:
    documents = reference.data.load_corpus(corpus)[:6]
    batches = reference.data.Batches(documents, tiny(reference))
    served = [bytes(row.tolist()) for _ in range(len(batches.rows) // 4) for row in next(batches)[0]]
    expected = sorted(bytes(row[:-1]) for row in batches.rows)
    missing = len(expected) - len(served)  # a last incomplete batch is left out
    assert 0 <= missing < 4
    assert not set(served) - set(expected)
    first = batches.order.copy()
    next(batches)
    assert batches.epoch == 1
    assert sorted(first) == sorted(batches.order) and list(first) != list(batches.order)


def test_binary_documents_are_skipped_when_asked(reference: SimpleNamespace, corpus: Path) -> None:
    names = [d.name for d in reference.data.load_corpus(corpus, skip_binary=False)]
    kept = [d.name for d in reference.data.load_corpus(corpus)]
    assert any(name.startswith("bytecode/") for name in names)
    assert kept == [name for name in names if not name.startswith("bytecode/")]


def test_text_survives_encoding(reference: SimpleNamespace) -> None:
    text = "naïve – λ\n\ttab"
    assert reference.data.decode(reference.data.encode(text)) == text


# Evaluation, checkpoints, configuration


def test_validation_is_the_mean_over_its_rows_and_leaves_the_model_alone(
    reference: SimpleNamespace, corpus: Path
) -> None:
    config = tiny(reference)
    _, val = reference.data.split(reference.data.load_corpus(corpus), 0.1)
    validation = reference.evaluate.Validation(val, config)
    model = reference.model.GPT(config).train()
    loss = validation.loss(model)
    rows = validation.tokens
    assert loss == validation.loss(model)
    assert loss == pytest.approx(F.cross_entropy(model(rows[:, :-1]).transpose(1, 2), rows[:, 1:]).item(), rel=1e-5)
    assert model.training and all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_a_resumed_run_is_the_uninterrupted_one_to_the_bit(
    reference: SimpleNamespace, corpus: Path, tmp_path: Path, optimizer: str
) -> None:
    config = tiny(reference, optimizer=optimizer, steps=8, checkpoint_every=5)
    whole = run_training(reference, config, corpus, tmp_path / "whole")
    # The second run finds the checkpoint of step 5 that the first one left, and only that.
    (tmp_path / "resumed").mkdir()
    (tmp_path / "whole" / "step_000005.pt").rename(tmp_path / "resumed" / "step_000005.pt")
    resumed = run_training(reference, config, corpus, tmp_path / "resumed", resume=True)
    for a, b in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(a, b)
    assert logged(tmp_path / "resumed") == logged(tmp_path / "whole")[5:]


def test_the_same_seed_gives_the_same_run_and_another_does_not(
    reference: SimpleNamespace, corpus: Path, tmp_path: Path
) -> None:
    config = tiny(reference, steps=3)
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        run_training(reference, dataclasses.replace(config, seed=seed), corpus, tmp_path / name)
    assert logged(tmp_path / "a") == logged(tmp_path / "b") != logged(tmp_path / "c")


def test_a_mistyped_configuration_is_refused(reference: SimpleNamespace, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("lr: 3e-4\nsteps: 5\n")
    assert reference.config.load_config(path, {"grad_clip": "0"}).grad_clip == 0.0
    assert reference.config.load_config(path).lr == 3e-4
    with pytest.raises(AssertionError, match="learning_rate"):
        reference.config.load_config(path, {"learning_rate": "1"})
    with pytest.raises(AssertionError, match="steps"):
        reference.config.load_config(path, {"steps": "many"})


def test_the_command_line_trains(reference: SimpleNamespace, corpus: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("n_layer: 1\nsteps: 2\neval_batches: 1\n")
    out = tmp_path / "out"
    arguments = ["--config", str(config), "--data", str(corpus), "--out", str(out), "--set", "lr=1e-3"]
    reference.train.main(arguments)
    assert len(logged(out)) == 2 and len(logged(out, "val_loss")) == 2
