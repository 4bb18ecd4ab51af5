"""Which part of a model a module or a parameter belongs to, told from names and types alone."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch.nn as nn
from torch.nn import Parameter


@dataclass
class Structure:
    """`blocks` in order; `parts` maps a part (`embed`, `layer.0`, ..., `head`) to the parameters it holds."""

    embed: nn.Module | None
    blocks: list[nn.Module]
    names: dict[int, str]
    parts: dict[str, list[Parameter]] = field(default_factory=dict)

    def inside(self, block: nn.Module, last: str) -> nn.Module | None:
        """The first module inside `block` whose own name is `last` (`scores`, `mask`, ...), None if there is none."""
        return next((module for name, module in block.named_modules() if name.rpartition(".")[2] == last), None)


def structure_of(model: nn.Module) -> Structure:
    """The longest ModuleList holds the blocks, the first Embedding is the input side, the rest is the head."""
    names = {id(module): name or type(model).__name__ for name, module in model.named_modules()}
    lists = [(name, module) for name, module in model.named_modules() if isinstance(module, nn.ModuleList)]
    stack_name, stack = max(lists, key=lambda pair: len(pair[1]), default=("", None))
    embed = next((module for module in model.modules() if isinstance(module, nn.Embedding)), None)
    found = Structure(embed=embed, blocks=list(stack) if stack is not None else [], names=names)
    inputs = {id(parameter) for parameter in embed.parameters()} if embed is not None else set()
    order = ["embed", *(f"layer.{i}" for i in range(len(found.blocks))), "head"]
    parts: dict[str, list[Parameter]] = {part: [] for part in order}
    for name, parameter in model.named_parameters():
        if id(parameter) in inputs:
            part = "embed"
        elif stack is not None and name.startswith(f"{stack_name}."):
            part = f"layer.{name[len(stack_name) + 1 :].split('.')[0]}"
        else:
            part = "head"
        parts.setdefault(part, []).append(parameter)
    found.parts = {part: parameters for part, parameters in parts.items() if parameters}
    return found
