"""What the hooks record against the same quantity computed by hand."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("torch")
import torch
from watching import Watched, batch, small_model

from gen_traces.observe import measure
from gen_traces.observe.activations import Activations, DeadUnits, Logits, NonFinite
from gen_traces.observe.attention import Attention
from gen_traces.observe.gradients import Gradients, LossScale, Optimizers
from gen_traces.observe.tokens import TokenLoss
from gen_traces.observe.watch import Observer
from gen_traces.observe.weights import Spectra, Weights


def norm_by_hand(tensors: list[Any]) -> float:
    return math.sqrt(sum(float((tensor.double() ** 2).sum()) for tensor in tensors))


def forward_backward(job: Watched, reference: SimpleNamespace, model: Any, seed: int = 0, over: int = 1) -> Any:
    x, y = batch(seed)
    loss = job.loss(reference.loss.language_model_loss, model(x), y) / over
    loss.backward()
    return loss


def test_gradient_norms_before_and_after_clipping(reference: SimpleNamespace, tmp_path: Path) -> None:
    model = small_model(reference)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    before, after, first_layer = [], [], []
    with Watched(tmp_path, [Gradients]) as job:
        for step in range(3):
            for micro in range(2):
                forward_backward(job, reference, model, 2 * step + micro, over=2)
            grads = [parameter.grad for parameter in model.parameters()]
            before.append(norm_by_hand(grads))
            first_layer.append(norm_by_hand([parameter.grad for parameter in model.blocks[0].parameters()]))
            torch.nn.utils.clip_grad_norm_(model.parameters(), 0.05)
            after.append(norm_by_hand(grads))
            optimizer.step()
            optimizer.zero_grad()
            job.log(loss=1.0, grad_norm=123.0)
    assert job.values("grad_norm") == pytest.approx(before, rel=1e-5)
    assert job.values("grad_norm_clipped") == pytest.approx(after, rel=1e-5)
    assert job.values("grad_norm_by_layer/layer.0") == pytest.approx(first_layer, rel=1e-5)
    assert job.values("grad_norm/logged") == [123.0] * 3
    parts = [column for column in job.rows.signals if column.startswith("grad_norm_by_layer/")]
    whole = [math.sqrt(sum((job.values(part)[i] or 0) ** 2 for part in parts)) for i in range(3)]
    assert whole == pytest.approx(before, rel=1e-5)
    assert max(after) < 0.051 < min(before)


def test_a_grad_scalers_scale_is_divided_out_and_skipped_steps_are_seen(
    reference: SimpleNamespace, tmp_path: Path
) -> None:
    model = small_model(reference)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
    with Watched(tmp_path, [Gradients, LossScale, Optimizers, Weights]) as job:
        for step in range(2):
            x, y = batch()
            scaler.scale(job.loss(reference.loss.language_model_loss, model(x), y)).backward()
            if step == 0:
                plain = norm_by_hand([parameter.grad for parameter in model.parameters()]) / 2.0**10
            else:
                model.head.weight.grad[0, 0] = math.inf
            scaler.unscale_(optimizer)
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad()
            job.log(loss=1.0)
    assert job.values("grad_norm")[0] == pytest.approx(plain, rel=1e-5)
    assert job.values("grad_norm_clipped") == [pytest.approx(plain, rel=1e-5), None]
    assert job.values("loss_scale") == [1024.0, 1024.0]
    assert job.values("loss_scale/skipped") == [0.0, 1.0]


def test_update_ratio_and_settings_are_what_the_step_did(reference: SimpleNamespace, tmp_path: Path) -> None:
    model = small_model(reference)
    groups = [
        {"params": list(model.blocks.parameters()), "weight_decay": 0.0},
        {"params": [model.embed.weight, model.head.weight], "weight_decay": 0.1, "lr": 0.5},
    ]
    optimizer = torch.optim.SGD(groups, lr=0.25, momentum=0.9)
    start = [parameter.detach().clone() for parameter in model.blocks[1].parameters()]
    with Watched(tmp_path, [Weights, Optimizers]) as job:
        forward_backward(job, reference, model)
        optimizer.step()
        job.log(loss=1.0)
    moved = [parameter.detach() - old for parameter, old in zip(model.blocks[1].parameters(), start, strict=True)]
    assert job.values("update_ratio/layer.1") == [pytest.approx(norm_by_hand(moved) / norm_by_hand(start), rel=1e-4)]
    assert job.values("param_norm") == [pytest.approx(norm_by_hand(list(model.parameters())), rel=1e-5)]
    assert [job.values(f"lr/group.{i}") for i in (0, 1)] == [[0.25], [0.5]] and job.values("lr") == [0.5]
    assert [job.values(f"weight_decay/group.{i}") for i in (0, 1)] == [[0.0], [0.1]]
    buffers = [state["momentum_buffer"] for state in optimizer.state.values()]
    assert job.values("optimizer_state/momentum") == [pytest.approx(norm_by_hand(buffers), rel=1e-5)]


def test_an_optimizer_over_copies_moves_nothing_of_the_model(reference: SimpleNamespace, tmp_path: Path) -> None:
    model = small_model(reference)
    copies = [parameter.detach().clone().requires_grad_() for parameter in model.parameters()]
    optimizer = torch.optim.AdamW(copies, lr=0.1)
    with Watched(tmp_path, [Gradients, Weights, Optimizers]) as job:
        forward_backward(job, reference, model)
        optimizer.step()
        job.log(loss=1.0)
    assert job.values("update_ratio") == [0.0]
    assert job.values("grad_norm_clipped") == [0.0]
    assert (job.values("grad_norm")[0] or 0) > 0.1


class OpenMask(torch.nn.Module):
    """Lets every position see every other."""

    def forward(self, scores: Any) -> Any:
        return scores


@pytest.mark.parametrize("causal", [True, False])
def test_uniform_attention(reference: SimpleNamespace, tmp_path: Path, causal: bool) -> None:
    """With queries of zero every visible position gets the same weight: entropy ln(k) over k of them."""
    model = small_model(reference, qk_norm=False)
    T = 8
    for block in model.blocks:
        torch.nn.init.zeros_(block.attn.q.weight)
        if not causal:
            block.attn.mask = OpenMask()
    with Watched(tmp_path, [Attention]) as job:
        forward_backward(job, reference, model)
        job.log(loss=1.0)
    entropy = sum(math.log(k + 1) for k in range(T)) / T if causal else math.log(T)
    future = 0.0 if causal else sum((T - 1 - i) / T for i in range(T)) / T
    previous = sum(1 / (i + 1) for i in range(1, T)) / (T - 1) if causal else 1 / T
    for column, expected in (
        ("attention_entropy/layer.0", entropy),
        ("attention_entropy/layer.1.head.1", entropy),
        ("attention_pattern/future_mass.layer.1", future),
        ("attention_pattern/previous_token.layer.0", previous),
        ("attention_logits/layer.0", 0.0),
        ("attention_logits/layer.0.head.1", 0.0),
        ("attention_logits/layer.0.std", 0.0),
        ("dead_units/heads", 0.0),
    ):
        assert job.values(column) == [pytest.approx(expected, abs=1e-5)], column


def test_scores_are_those_the_mask_lets_through(reference: SimpleNamespace, tmp_path: Path) -> None:
    model = small_model(reference)
    seen: dict[str, Any] = {}
    model.blocks[0].attn.mask.register_forward_hook(lambda module, args, output: seen.update(given=args[0]))
    with Watched(tmp_path, [Attention]) as job:
        forward_backward(job, reference, model)
        job.log(loss=1.0)
    visible = torch.ones(8, 8, dtype=torch.bool).tril()
    scores = seen["given"].detach()[..., visible]  # (B, nh, visible)
    assert job.values("attention_logits/layer.0.head.1") == [pytest.approx(float(scores[:, 1].max()), rel=1e-5)]
    assert job.values("attention_logits/layer.0.std") == [pytest.approx(float(scores.std(correction=0)), rel=1e-4)]


def test_activations_logits_and_silent_units(reference: SimpleNamespace, tmp_path: Path) -> None:
    model = small_model(reference)
    with torch.no_grad():
        model.blocks[1].mlp.up.weight[:16] = 0.0  # 16 of 64 units never leave zero
        model.blocks[0].attn.v.weight[8:] = 0.0  # the second of two heads puts out nothing
    seen: dict[str, Any] = {}
    model.blocks[1].register_forward_hook(lambda module, args, output: seen.update(stream=output.detach()))
    with Watched(tmp_path, [Activations, Logits, DeadUnits, Attention]) as job:
        forward_backward(job, reference, model)
        job.log(loss=1.0)
    assert job.values("activations/layer.1") == [pytest.approx(float(seen["stream"].square().mean().sqrt()), rel=1e-5)]
    assert job.values("activations/embed") == [pytest.approx(1.0, abs=1e-3)]
    logits = model(batch()[0]).detach()
    assert job.values("logits/max") == [pytest.approx(float(logits.max()), rel=1e-5)]
    assert job.values("logits/std") == [pytest.approx(float(logits.std()), rel=1e-4)]
    assert (job.values("dead_units/mlp.layer.1")[0] or 0) >= 0.25
    assert job.values("dead_units/heads") == [0.25]


def test_only_training_passes_count(reference: SimpleNamespace, tmp_path: Path) -> None:
    model = small_model(reference)
    x, _ = batch()
    with Watched(tmp_path, [Logits, Activations, Attention, Gradients]) as job:
        with torch.no_grad():
            model(x)
        with job.watch.looking_away():
            model(x).sum().backward()
        assert job.watch.micro == 0
        job.log(loss=1.0)
    assert list(job.rows.signals) == ["loss"]


@pytest.mark.parametrize(
    ("name", "when"), [("blocks.1.mlp.up", "forward"), ("blocks.0.attn.q", "forward"), ("loss", "forward")]
)
def test_the_first_module_with_a_nan_is_named(reference: SimpleNamespace, tmp_path: Path, name: str, when: str) -> None:
    model = small_model(reference)
    with Watched(tmp_path, [NonFinite, Gradients, Weights]) as job:
        forward_backward(job, reference, model)
        job.log(loss=1.0)
        assert job.watch.first_nonfinite is None
        x, y = batch()
        if name == "loss":
            bad = job.loss(lambda logits, targets: logits.mean() * math.nan, model(x), y)
        else:
            with torch.no_grad():
                model.get_submodule(name).weight[0, 0] = math.nan
            bad = job.loss(reference.loss.language_model_loss, model(x), y)
        bad.backward()
        job.log(loss=float(bad))
    first = job.watch.first_nonfinite
    assert first is not None and (first["step"], first["name"], first["when"]) == (1, name, when)
    assert first["inputs_finite"] and first["nan"] > 0
    assert job.values("nonfinite/activations")[0] == 0.0 and job.values("nonfinite/grads")[0] == 0.0
    assert (job.values("nonfinite/grads")[1] or 0) > 0
    assert job.values("nonfinite/params") == [0.0, 0.0 if name == "loss" else 1.0]


def test_a_masks_minus_infinity_is_no_finding(reference: SimpleNamespace, tmp_path: Path) -> None:
    model = small_model(reference)
    with Watched(tmp_path, [NonFinite]) as job:
        forward_backward(job, reference, model)
        job.log(loss=1.0)
    assert job.watch.first_nonfinite is None and job.values("nonfinite/activations") == [0.0]


def test_loss_by_position(reference: SimpleNamespace, tmp_path: Path) -> None:
    model = small_model(reference)
    x, y = batch()
    y = y.clone()
    y[:, 2:4] = -100
    with Watched(tmp_path, [TokenLoss]) as job:
        logits = model(x)
        job.loss(lambda logits, targets: logits.sum() * 0, logits, y)
        job.log(loss=0.0)
    each = torch.nn.functional.cross_entropy(logits.detach().flatten(0, 1), y.clamp(min=0).flatten(), reduction="none")
    each = each.view(2, 8)
    assert job.values("token_loss/quarter.0") == [pytest.approx(float(each[:, :2].mean()), rel=1e-5)]
    assert math.isnan(job.values("token_loss/quarter.1")[0] or 0)
    assert job.values("token_loss/quarter.3") == [pytest.approx(float(each[:, 6:].mean()), rel=1e-5)]


def test_spectral_norm(reference: SimpleNamespace, tmp_path: Path) -> None:
    model = small_model(reference)
    with Watched(tmp_path, [Spectra]) as job:
        forward_backward(job, reference, model)
        job.log(loss=1.0)
    for column, matrix in (
        ("spectral_norm/layer.1.mlp.down", model.blocks[1].mlp.down.weight),
        ("spectral_norm/head", model.head.weight),
    ):
        assert job.values(column) == [pytest.approx(float(torch.linalg.matrix_norm(matrix, 2)), rel=1e-4)]


def test_an_observer_that_fails_does_not_stop_the_job(reference: SimpleNamespace, tmp_path: Path) -> None:
    class Clumsy(Observer):
        def backward_ended(self) -> None:
            raise ZeroDivisionError("oh")

    class Fumbling(Observer):
        def model_found(self) -> None:
            self.watch.on_output(self.watch.structure.blocks[0], self.on_block)

        def on_block(self, *args: Any) -> None:
            raise KeyError("block")

    model = small_model(reference)
    with Watched(tmp_path, [Clumsy, Fumbling, Gradients]) as job:
        for _ in range(2):
            forward_backward(job, reference, model)
            job.log(loss=1.0)
    assert len(job.watch.errors) == 2 and "ZeroDivisionError" in " ".join(job.watch.errors)
    assert len([value for value in job.values("grad_norm") if value]) == 2


def test_detached_hooks_are_gone(reference: SimpleNamespace, tmp_path: Path) -> None:
    backward, scale = torch.autograd.backward, torch.amp.GradScaler.scale
    model = small_model(reference)
    with Watched(tmp_path, [Gradients]) as job:
        forward_backward(job, reference, model)
    written = (tmp_path / "rows.jsonl").read_text()
    assert '"grad_norm"' in written, "the row of a step that was never logged is kept"
    assert torch.autograd.backward is backward and torch.amp.GradScaler.scale is scale
    model(batch()[0]).sum().backward()
    torch.optim.SGD(model.parameters(), lr=0.1).step()
    assert (tmp_path / "rows.jsonl").read_text() == written


def test_norms_of_large_and_half_precision_values() -> None:
    huge = torch.full((4,), 1e30)
    assert measure.norms([huge, torch.ones(9, dtype=torch.float16)]) == [pytest.approx(2e30), 3.0]
    assert measure.rms(torch.full((10,), 300.0, dtype=torch.float16)) == pytest.approx(300.0)
    assert math.isnan(measure.norms([torch.tensor([math.nan])])[0])
    assert measure.norms([torch.tensor([math.inf])]) == [math.inf]
    assert measure.norms([]) == []
    assert math.isnan(measure.largest_singular_value(torch.full((3, 2), math.nan)))
