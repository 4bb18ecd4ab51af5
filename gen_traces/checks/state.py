"""Keeping the process as it was: whatever job code does inside, the random generators and defaults come back."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def undisturbed(model: torch.nn.Module | None = None) -> Iterator[None]:
    """Restores the random states of Python, NumPy and torch, torch's default dtype and grad mode, `model`'s modes."""
    python, numpy, cpu = random.getstate(), np.random.get_state(), torch.get_rng_state()
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
    dtype, grad = torch.get_default_dtype(), torch.is_grad_enabled()
    modes = [(module, module.training) for module in model.modules()] if model is not None else []
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
        torch.set_rng_state(cpu)
        if cuda:
            torch.cuda.set_rng_state_all(cuda)
        torch.set_default_dtype(dtype)
        torch.set_grad_enabled(grad)
        for module, training in modes:
            module.training = training
