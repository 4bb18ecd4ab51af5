"""What flows through the model: residual stream, logits, silent MLP units, values that are not finite."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import torch
import torch.nn as nn
from torch import Tensor

from gen_traces.observe.measure import nonfinite, rms
from gen_traces.observe.watch import Observer, Watch, first_tensor


class Activations(Observer):
    """`activations/embed`, `activations/layer.I`: RMS of the residual stream as it leaves the embedding and block I.

    Measured in the first micro-batch of every step. `activations/embed` is what the first block is given, so that a
    norm after the embedding is in it.
    """

    def model_found(self) -> None:
        for i, block in enumerate(self.watch.structure.blocks):
            self.watch.on_output(block, partial(self._block, i))

    def _block(self, i: int, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        if self.watch.micro:
            return
        if i == 0 and args and isinstance(args[0], Tensor):
            self.watch.put("activations/embed", rms(args[0]))
        stream = first_tensor(output)
        if stream is not None:
            self.watch.put(f"activations/layer.{i}", rms(stream))


class Logits(Observer):
    """`logits/max`, `logits/mean`, `logits/std` over the first micro-batch of every step."""

    def forward_ended(self, tokens: Any, logits: Any) -> None:
        if self.watch.micro or not isinstance(logits, Tensor):
            return
        wide = logits.detach().float()
        std, mean = torch.std_mean(wide)
        for name, value in zip(("max", "mean", "std"), torch.stack([wide.amax(), mean, std]).tolist(), strict=True):
            self.watch.put(f"logits/{name}", value)


class DeadUnits(Observer):
    """`dead_units/mlp`, `dead_units/mlp.layer.I`: fraction of hidden MLP units that are zero at every position of the
    first micro-batch (the usual notion of a dead ReLU unit, on one batch)."""

    EVERY = 5

    def __init__(self, watch: Watch) -> None:
        super().__init__(watch)
        self._found: dict[int, float] = {}

    def model_found(self) -> None:
        for i, block in enumerate(self.watch.structure.blocks):
            self.watch.on_output(self.watch.structure.inside(block, "act"), partial(self._act, i))

    def _act(self, i: int, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        if self.watch.micro or not self.watch.due(self.EVERY) or not isinstance(output, Tensor):
            return
        silent = (output.detach() == 0).flatten(0, -2).all(dim=0)
        self._found[i] = float(silent.float().mean())
        self.watch.put(f"dead_units/mlp.layer.{i}", self._found[i], self.EVERY)

    def forward_ended(self, tokens: Any, logits: Any) -> None:
        if self._found and not self.watch.micro:
            self.watch.put("dead_units/mlp", sum(self._found.values()) / len(self._found), self.EVERY)
            self._found = {}


class NonFinite(Observer):
    """`nonfinite/activations`, and the first place a value stopped being finite (`Watch.first_nonfinite`).

    The count is over the residual stream after every block and over the logits, all micro-batches of a step. Outputs
    are kept in the order of their calls until the forward pass ends; only when logits or residual stream are broken
    they are searched. A mask's -inf is its job and does not count.
    """

    def __init__(self, watch: Watch) -> None:
        super().__init__(watch)
        self._calls: list[tuple[nn.Module, tuple[Any, ...], Tensor]] = []
        self._stream: list[Tensor] = []

    def model_found(self) -> None:
        structure, model = self.watch.structure, self.watch.model
        assert model is not None
        for module in model.modules():
            if module is not model:
                self.watch.on_output(module, self._called)
        for block in structure.blocks:
            self.watch.on_output(block, self._streamed)

    def _called(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        tensor = first_tensor(output)
        if self.watch.first_nonfinite is None and tensor is not None:
            self._calls.append((module, args, tensor.detach()))

    def _streamed(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        tensor = first_tensor(output)
        if tensor is not None:
            self._stream.append(tensor.detach())

    def forward_ended(self, tokens: Any, logits: Any) -> None:
        watched = [*self._stream, logits.detach()] if isinstance(logits, Tensor) else self._stream
        count = sum(nonfinite(tensor) for tensor in watched)
        self.watch.put("nonfinite/activations", (self.watch.peek("nonfinite/activations") or 0.0) + count)
        if count and self.watch.first_nonfinite is None:
            self._search()
        self._calls.clear()
        self._stream.clear()

    def _search(self) -> None:
        names = self.watch.structure.names
        for module, args, output in self._calls:
            masks = names.get(id(module), "").rpartition(".")[2] == "mask"
            broken = nonfinite(output) - (int((output == -math.inf).sum()) if masks else 0)
            if broken:
                given = [tensor for tensor in args if isinstance(tensor, Tensor) and tensor.is_floating_point()]
                sound = all(not (torch.isnan(tensor) | (tensor == math.inf)).any() for tensor in given)
                self._note(
                    "forward",
                    names.get(id(module), type(module).__name__),
                    type(module).__name__,
                    output,
                    inputs_finite=sound,
                )
                return

    def loss_computed(self, logits: Any, targets: Any, loss: Any) -> None:
        if self.watch.first_nonfinite is None and isinstance(loss, Tensor) and nonfinite(loss):
            self._note("forward", "loss", "loss function", loss, inputs_finite=nonfinite(logits) == 0)

    def backward_ended(self) -> None:
        if self.watch.first_nonfinite is not None or not self.watch.peek("nonfinite/grads"):
            return
        assert self.watch.model is not None
        for name, parameter in reversed(list(self.watch.model.named_parameters())):
            if parameter.grad is not None and nonfinite(parameter.grad):
                self._note("backward", name, "gradient", parameter.grad, inputs_finite=True)
                return

    def step_ended(self) -> None:
        if self.watch.first_nonfinite is not None or not self.watch.peek("nonfinite/params"):
            return
        assert self.watch.model is not None
        for name, parameter in self.watch.model.named_parameters():
            if nonfinite(parameter):
                self._note("update", name, "parameter", parameter, inputs_finite=True)
                return

    def _note(self, when: str, name: str, kind: str, tensor: Tensor, *, inputs_finite: bool) -> None:
        tensor = tensor.detach()
        self.watch.first_nonfinite = {
            "step": self.watch.step,
            "micro_batch": self.watch.micro,
            "when": when,
            "name": name,
            "kind": kind,
            "shape": list(tensor.shape),
            "dtype": str(tensor.dtype).removeprefix("torch."),
            "nan": int(torch.isnan(tensor).sum()),
            "inf": int(torch.isinf(tensor).sum()),
            "elements": tensor.numel(),
            "inputs_finite": inputs_finite,
        }
