"""Sizes of the model's own parameters, and how far each step moved them."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import Parameter

from gen_traces.observe.measure import joined, largest_singular_value, nonfinite, norms
from gen_traces.observe.watch import Observer, Watch


class Weights(Observer):
    """`param_norm`, `param_norm/PART`, `update_ratio`, `update_ratio/PART`, `nonfinite/params`.

    The update is the difference between the parameters before and after the step, measured on the model and not on
    what the optimizer holds; the ratio is its norm over the norm of the weights before the step.
    """

    def __init__(self, watch: Watch) -> None:
        super().__init__(watch)
        self._params: list[Parameter] = []
        self._parts: list[str] = []
        self._before: list[Tensor] = []
        self._size: list[float] = []

    def model_found(self) -> None:
        for part, held in self.watch.structure.parts.items():
            self._params += held
            self._parts += [part] * len(held)
        self._before = [parameter.detach().clone() for parameter in self._params]
        self._size = norms(self._before)

    def step_ended(self) -> None:
        if self.watch.model is None:
            return
        after = [parameter.detach() for parameter in self._params]
        moved = norms(torch._foreach_sub(after, self._before))
        size = norms(after)
        for part in dict.fromkeys(self._parts):
            mine = [i for i, other in enumerate(self._parts) if other == part]
            self._put(f"/{part}", [moved[i] for i in mine], [self._size[i] for i in mine], [size[i] for i in mine])
        self._put("", moved, self._size, size)
        broken = [tensor for tensor, value in zip(after, size, strict=True) if not math.isfinite(value)]
        self.watch.put("nonfinite/params", sum(nonfinite(tensor) for tensor in broken))
        torch._foreach_copy_(self._before, after)
        self._size = size

    def _put(self, below: str, moved: list[float], before: list[float], after: list[float]) -> None:
        # A part that starts at zero has no ratio: infinity if it moved, zero if it did not.
        whole, step = joined(before), joined(moved)
        ratio = step / whole if whole else (math.inf if step else 0.0)
        self.watch.put(f"update_ratio{below}", ratio)
        self.watch.put(f"param_norm{below}", joined(after))


class Spectra(Observer):
    """`spectral_norm/MATRIX`: the largest singular value of every matrix, after the step."""

    EVERY = 25

    def __init__(self, watch: Watch) -> None:
        super().__init__(watch)
        self._matrices: dict[str, Parameter] = {}

    def model_found(self) -> None:
        assert self.watch.model is not None
        for name, parameter in self.watch.model.named_parameters():
            if parameter.dim() == 2:
                short = name.removesuffix(".weight")
                parts = short.split(".")
                if len(parts) > 2 and parts[1].isdigit():
                    short = f"layer.{parts[1]}." + ".".join(parts[2:])
                self._matrices[short] = parameter

    def step_ended(self) -> None:
        if self.watch.due(self.EVERY):
            for name, matrix in self._matrices.items():
                self.watch.put(f"spectral_norm/{name}", largest_singular_value(matrix), self.EVERY)
