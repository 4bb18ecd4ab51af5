"""What the job is: its configuration, precision, machine, modules and modes, as found and not as declared."""

from __future__ import annotations

import dataclasses
import os
import platform
import re
from typing import Any

import torch
import torch.nn as nn
from torch import Tensor
from torch.optim.optimizer import Optimizer

from gen_traces.observe.text import fields, number, ranges, table
from gen_traces.observe.watch import Observer, Watch, first_tensor
from traces.format import Artifact


class Setup(Observer):
    """Gathers what the first calls show: shapes and spread of the parameters, dtypes, modes over the run."""

    def __init__(self, watch: Watch) -> None:
        super().__init__(watch)
        self.parameters: list[dict[str, Any]] = []
        self.dtypes: dict[str, str] = {}
        self.optimizer: dict[str, Any] = {}
        self.modes: list[tuple[int, bool, int]] = []

    def model_found(self) -> None:
        model = self.watch.model
        assert model is not None
        self.parameters.clear()  # of a job in two legs the second model stands
        for name, parameter in model.named_parameters():
            wide = parameter.detach().float()
            self.parameters.append(
                {
                    "name": name,
                    "shape": list(parameter.shape),
                    "dtype": _dtype(parameter),
                    "requires_grad": parameter.requires_grad,
                    "mean": float(f"{float(wide.mean()):.4g}"),
                    "std": float(f"{float(wide.std(correction=0)):.4g}"),
                }
            )
        for block in self.watch.structure.blocks[:1]:
            self.watch.on_output(block, self._block)

    def _block(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        if "residual stream" in self.dtypes:
            return
        stream = first_tensor(output)
        if stream is not None:
            self.dtypes["residual stream"] = _dtype(stream)
            kind = stream.device.type
            on = torch.is_autocast_enabled(kind)
            name = str(torch.get_autocast_dtype(kind)).removeprefix("torch.")
            self.dtypes["autocast"] = name if on else "off"

    def forward_ended(self, tokens: Any, logits: Any) -> None:
        if isinstance(logits, Tensor):
            self.dtypes.setdefault("logits", _dtype(logits))
        model = self.watch.model
        if self.watch.micro == 0 and model is not None:
            off = sum(not module.training for module in model.modules())
            self.modes.append((self.watch.step, model.training, off))

    def after_update(self, optimizer: Optimizer) -> None:
        if self.optimizer:
            return
        states = [value for state in optimizer.state.values() for value in state.values() if isinstance(value, Tensor)]
        moments = sorted({_dtype(value) for value in states if value.dim()})
        self.optimizer = {
            "name": type(optimizer).__name__,
            "groups": [
                {
                    "tensors": len(group["params"]),
                    "values": sum(tensor.numel() for tensor in group["params"]),
                    **{key: value for key, value in group.items() if isinstance(value, int | float | tuple)},
                }
                for group in optimizer.param_groups
            ],
            "state_dtypes": moments,
        }
        self.dtypes["optimizer state"] = ", ".join(moments) or "none"


def config_artifact(config: Any) -> Artifact:
    values = dataclasses.asdict(config)
    # The seed stays in the manifest: a control draws from seeds of its own, and the number would tell it.
    values.pop("seed", None)
    return Artifact(fields(values.items()), values)


def precision_artifact(setup: Setup, scaler: Any) -> Artifact:
    parameters = sorted({entry["dtype"] for entry in setup.parameters})
    scaling = "off"
    if scaler is not None and scaler.is_enabled():
        scaling = f"GradScaler, scale at the end {scaler.get_scale():g}"
    rows = [("parameters", ", ".join(parameters)), *setup.dtypes.items(), ("loss scaling", scaling)]
    return Artifact(fields(rows), dict(rows))


def hardware_artifact(device: str) -> tuple[Artifact, str, dict[str, str]]:
    """The artifact, the device's name and the versions of what ran."""
    name = device_name(device)
    versions = {"python": platform.python_version(), "torch": str(torch.__version__), "system": platform.system()}
    if torch.version.cuda and device != "cpu":
        versions["cuda"] = torch.version.cuda
    rows: list[tuple[str, object]] = [
        ("device", f"{device} ({name})"),
        ("processes", "1 (world size 1, no parallelism)"),
        ("threads", torch.get_num_threads()),
        ("logical cores", os.cpu_count()),
        *versions.items(),
    ]
    return Artifact(fields(rows), dict(rows)), name, versions


def device_name(device: str) -> str:
    if device.startswith("cuda") and torch.cuda.is_available():
        return torch.cuda.get_device_name(device)
    try:
        with open("/proc/cpuinfo") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def model_summary_artifact(setup: Setup, model: nn.Module) -> Artifact:
    """Parameters at the first forward pass, alike ones of all blocks in one line."""
    grouped: dict[tuple[str, str, bool], list[dict[str, Any]]] = {}
    for entry in setup.parameters:
        pattern = re.sub(r"\.\d+\.", ".*.", entry["name"])
        grouped.setdefault((pattern, str(tuple(entry["shape"])), entry["requires_grad"]), []).append(entry)
    rows, alike = [], []
    for (pattern, shape, wants), entries in grouped.items():
        spread = sorted({number(entry["std"]) for entry in entries}, key=float)
        std = spread[0] if len(spread) == 1 else f"{spread[0]} .. {spread[-1]}"
        rows.append([pattern, len(entries), shape, std, "yes" if wants else "no"])
        alike.append({"name": pattern, "shape": entries[0]["shape"], "std": [entry["std"] for entry in entries]})
    total = sum(parameter.numel() for parameter in model.parameters())
    trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    kinds: dict[str, int] = {}
    for module in model.modules():
        kinds[type(module).__name__] = kinds.get(type(module).__name__, 0) + 1
    facts: list[tuple[str, object]] = [
        ("parameters", f"{total:,}, {trained:,} of them with requires_grad"),
        ("modules", ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))),
    ]
    if setup.optimizer:
        groups = [f"{group['tensors']} tensors, {group['values']:,} values" for group in setup.optimizer["groups"]]
        facts.append(("optimizer", f"{setup.optimizer['name']}; " + "; ".join(groups)))
    text = table(["parameter", "count", "shape", "std at start", "grad"], rows) + "\n\n" + fields(facts)
    data = {"parameters": alike, "total": total, "trained": trained, "modules": kinds}
    return Artifact(text, data | {"optimizer": setup.optimizer})


def train_mode_artifact(setup: Setup, model: nn.Module) -> Artifact:
    in_train = [step for step, training, _ in setup.modes if training]
    in_eval = [step for step, training, _ in setup.modes if not training]
    mixed = [step for step, training, off in setup.modes if training and off]
    switching = [module for module in model.modules() if isinstance(module, nn.modules.dropout._DropoutNd)]
    norms = [module for module in model.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    dropout = ", ".join(sorted({f"p={module.p:g}" for module in switching}))
    rows = [
        ("training passes in train mode", ranges(in_train) or "none"),
        ("training passes in eval mode", ranges(in_eval) or "none"),
        ("with some modules in eval mode", ranges(mixed) or "none"),
        ("dropout modules", f"{len(switching)} ({dropout})" if switching else "0"),
        ("batch norm modules", len(norms)),
    ]
    data = {"train": in_train and [in_train[0], in_train[-1]], "eval": in_eval, "mixed": mixed}
    return Artifact(fields(rows), data | {"dropout": len(switching), "batch_norm": len(norms)})


def checkpoint_artifact(saved: list[dict[str, Any]], loaded: list[dict[str, Any]]) -> Artifact:
    """What was written when, what the last file holds, and what was read back."""
    steps = [entry["after_step"] + 1 for entry in saved]
    rows: list[tuple[str, object]] = [("written after", f"{_listed(steps)} steps" if steps else "never")]
    holds: dict[str, str] = {}
    if saved:
        holds = saved[-1]["holds"]
        files = len({entry["file"] for entry in saved})
        rows.append(("files", f"{files}, the last of {saved[-1]['bytes'] / 2**20:.2f} MiB"))
    rows += [(f"holds `{key}`", value) for key, value in holds.items() if key != "config"]
    if "config" in holds:
        rows.append(("holds `config`", "the job's configuration"))
    for entry in loaded:
        rows.append(("loaded", f"{entry['file']}, going on at step {entry['returned']}"))
    if not loaded:
        rows.append(("loaded", "never, the run started from nothing"))
    return Artifact(fields(rows), {"saved": _few(saved), "loaded": loaded, "holds": holds})


def _few(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of many the first and the last; the curves below `disk` have them all."""
    return entries if len(entries) <= 12 else [*entries[:5], *entries[-3:]]


def _listed(steps: list[int]) -> str:
    shown = [str(step) for step in steps]
    return ", ".join(shown if len(shown) <= 12 else [*shown[:5], "...", *shown[-3:]])


def nonfinite_artifact(first: dict[str, Any] | None) -> Artifact:
    if first is None:
        return Artifact("No NaN and no infinity was seen in activations, loss, gradients or parameters.", None)
    rows = [
        ("first seen", f"step {first['step']}, micro-batch {first['micro_batch']}, {first['when']} pass"),
        ("in", f"{first['name']} ({first['kind']})"),
        ("tensor", f"{tuple(first['shape'])} {first['dtype']}"),
        ("elements", f"{first['nan']:,} NaN, {first['inf']:,} infinite of {first['elements']:,}"),
    ]
    if first["when"] == "forward":
        rows.append(("its inputs", "finite" if first["inputs_finite"] else "not finite"))
    return Artifact(fields(rows), first)


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
