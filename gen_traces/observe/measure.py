"""Measurements on tensors: plain floats out, right for half precision and for values that are not finite."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor


def norms(tensors: Sequence[Tensor]) -> list[float]:
    """The 2-norm of every tensor, with one transfer from the device."""
    if not tensors:
        return []
    wide = [tensor.detach() if tensor.dtype == torch.float32 else tensor.detach().float() for tensor in tensors]
    values: list[float] = torch.stack(list(torch._foreach_norm(wide))).tolist()
    # Squares of float32 overflow at 1e19, long before the values do.
    return [
        value if not math.isinf(value) else float(torch.linalg.vector_norm(tensor, dtype=torch.float64))
        for value, tensor in zip(values, wide, strict=True)
    ]


def joined(parts: Iterable[float]) -> float:
    """The norm of a whole from the norms of its parts."""
    return math.sqrt(sum(part * part for part in parts)) if (parts := list(parts)) else 0.0


def rms(tensor: Tensor) -> float:
    """Root mean square over all elements."""
    tensor = tensor.detach()
    return norms([tensor])[0] / math.sqrt(max(1, tensor.numel()))


def nonfinite(tensor: Tensor) -> int:
    """How many elements are NaN or infinite."""
    tensor = tensor.detach()
    # One sum tells for nearly every tensor that there is nothing to count.
    if math.isfinite(float(tensor.sum(dtype=torch.float32))):
        return 0
    return int((~torch.isfinite(tensor)).sum())


def largest_singular_value(matrix: Tensor) -> float:
    """Of a matrix (m, n); NaN when the matrix holds a value that is not finite."""
    wide = matrix.detach().double()
    if not torch.isfinite(wide).all():
        return math.nan
    # The smaller Gram matrix has the same largest eigenvalue, and is far cheaper than a singular value decomposition.
    gram = wide @ wide.T if wide.size(0) <= wide.size(1) else wide.T @ wide
    return math.sqrt(max(0.0, float(torch.linalg.eigvalsh(gram)[-1])))
