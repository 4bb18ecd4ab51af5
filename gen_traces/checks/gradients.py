"""Analytic gradients against central finite differences, all in float64, on a tiny model of the job's code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from gen_traces.checks import job
from gen_traces.checks.context import Context
from traces.format import Artifact

ID = "check_gradients"
PER_TENSOR = 4
STEP = 1e-5
# Below this share of the tensor's largest gradient an entry's own rounding noise would dominate the ratio.
SMALL = 1e-4
NARROW = {torch.float16, torch.bfloat16, torch.float32}


class Float64(TorchFunctionMode):
    """Turns every cast to a narrower float type into one to float64, since the job's code casts where it likes."""

    def __torch_function__(self, func: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        if func in (torch.Tensor.float, torch.Tensor.half, torch.Tensor.bfloat16):
            return args[0].double()
        args = tuple(_widened(x) for x in args)
        kwargs = {key: _widened(value) for key, value in (kwargs or {}).items()}
        return func(*args, **kwargs)


def run(context: Context) -> Artifact:
    config = job.changed(context.config, n_layer=2, n_head=2, n_embd=16, seq_len=8, compute_dtype="float32")
    tokens = job.rows(context, 2, config.seq_len + 1)
    loss_of = context.modules["loss"].language_model_loss
    with Float64():
        model = job.fresh_model(context, config).double()

        def loss() -> torch.Tensor:
            return loss_of(model(tokens[:, :-1]), tokens[:, 1:])

        loss().backward()
        errors = {name: _error(parameter, loss) for name, parameter in model.named_parameters()}
    worst = max(errors, key=lambda name: errors[name] if errors[name] == errors[name] else float("inf"))
    return Artifact(
        text=(
            f"2 layers, width 16, float64; up to {PER_TENSOR} entries of each of {len(errors)} tensors\n"
            f"largest relative error of the analytic gradient against central\n"
            f"differences: {errors[worst]:.1e} ({worst})"
        ),
        data={"max_relative_error": errors[worst], "parameter": worst, "by_parameter": errors},
    )


@torch.no_grad()
def _error(parameter: torch.nn.Parameter, loss: Callable[[], torch.Tensor]) -> float:
    """Largest relative error over the entries with the largest analytic gradients and some fixed other ones."""
    analytic = parameter.grad if parameter.grad is not None else torch.zeros_like(parameter)
    largest = analytic.abs().max().item()
    flat, gradient = parameter.view(-1), analytic.reshape(-1)
    spread = torch.linspace(0, flat.numel() - 1, PER_TENSOR // 2 + 2).long()[1:-1]
    picked = gradient.abs().topk(PER_TENSOR // 2).indices.tolist() + spread.tolist()
    worst = 0.0
    for i in picked:
        kept = flat[i].item()
        flat[i] = kept + STEP
        above = loss().item()
        flat[i] = kept - STEP
        below = loss().item()
        flat[i] = kept
        numeric = (above - below) / (2 * STEP)
        scale = max(abs(numeric), abs(gradient[i].item()), SMALL * largest, 1e-9)
        error = abs(numeric - gradient[i].item()) / scale
        if not error <= worst:  # also true for NaN
            worst = error
    return worst


def _widened(value: Any) -> Any:
    return torch.float64 if isinstance(value, torch.dtype) and value in NARROW else value
