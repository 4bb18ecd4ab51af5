"""Gradient norms: as accumulated by the last backward pass of a step, and as `optimizer.step()` finds them."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor
from torch.optim.optimizer import Optimizer

from gen_traces.observe.measure import joined, nonfinite, norms
from gen_traces.observe.watch import Observer


class Gradients(Observer):
    """`grad_norm`, `grad_norm_by_layer/PART`, `grad_norm_clipped`, `nonfinite/grads`.

    Every backward pass of a step is measured and the last one stands, so that nothing the script does to the
    gradients afterwards (clipping, scaling) is in it. A GradScaler's scale is divided out, as it will be.
    `grad_norm_clipped` is over the tensors the optimizer holds, whatever they are; without a call of
    `optimizer.step()` (a step that the GradScaler skipped) it is not measured.
    """

    def backward_ended(self) -> None:
        if self.watch.model is None:
            return
        scale = self.watch.scaler.get_scale() if self.watch.scaler is not None else 1.0
        parts = self.watch.structure.parts
        owners = [(part, p.grad) for part, held in parts.items() for p in held if p.grad is not None]
        measured = norms([grad for _, grad in owners])
        by_part: dict[str, list[float]] = {part: [] for part in parts}
        for (part, _), value in zip(owners, measured, strict=True):
            by_part[part].append(value / scale)
        for part, values in by_part.items():
            self.watch.put(f"grad_norm_by_layer/{part}", joined(values))
        self.watch.put("grad_norm", joined(value / scale for value in measured))
        broken = [grad for (_, grad), value in zip(owners, measured, strict=True) if not math.isfinite(value)]
        self.watch.put("nonfinite/grads", sum(nonfinite(grad) for grad in broken))

    def before_update(self, optimizer: Optimizer) -> None:
        before = self.watch.peek("grad_norm_clipped") or 0.0
        held = [tensor.grad for group in optimizer.param_groups for tensor in group["params"]]
        present = [grad for grad in held if grad is not None]
        self.watch.put("grad_norm_clipped", joined([before, *norms(present)]))


class Optimizers(Observer):
    """`lr`, `lr/group.I`, `weight_decay/group.I` as the optimizer holds them when it steps; `optimizer_state/...`.

    `optimizer_state/exp_avg`, `/exp_avg_sq` and `/momentum` are norms over all state tensors of that name, `/step` is
    the largest step counter.
    """

    EVERY = 5
    STATE = (("exp_avg", "exp_avg"), ("exp_avg_sq", "exp_avg_sq"), ("momentum_buffer", "momentum"))

    def before_update(self, optimizer: Optimizer) -> None:
        for i, group in enumerate(optimizer.param_groups):
            self.watch.put(f"lr/group.{i}", float(group["lr"]))
            if "weight_decay" in group:
                self.watch.put(f"weight_decay/group.{i}", float(group["weight_decay"]))
        self.watch.put("lr", max(float(group["lr"]) for group in optimizer.param_groups))

    def after_update(self, optimizer: Optimizer) -> None:
        if not self.watch.due(self.EVERY):
            return
        states: list[dict[str, Any]] = list(optimizer.state.values())
        for key, name in self.STATE:
            tensors = [state[key] for state in states if isinstance(state.get(key), Tensor)]
            if tensors:
                self.watch.put(f"optimizer_state/{name}", joined(norms(tensors)), self.EVERY)
        steps = [float(state["step"]) for state in states if "step" in state]
        self.watch.put("optimizer_state/step", max(steps, default=0.0), self.EVERY)


class LossScale(Observer):
    """`loss_scale` and `loss_scale/skipped` (1 when the scaler kept the optimizer from stepping), with a GradScaler."""

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._used = 1.0
        self._stepped = False

    def backward_ended(self) -> None:
        if self.watch.scaler is not None:
            self._used = self.watch.scaler.get_scale()

    def after_update(self, optimizer: Optimizer) -> None:
        self._stepped = True

    def step_ended(self) -> None:
        if self.watch.scaler is not None and self.watch.scaler.is_enabled():
            self.watch.put("loss_scale", self._used)
            self.watch.put("loss_scale/skipped", 0.0 if self._stepped else 1.0)
        self._stepped = False
