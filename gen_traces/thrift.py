"""Keeping a recorded run small.

Curves of a part (a layer, a head, a matrix) are kept to 12 bits of mantissa, a part in eight thousand; the bits left
out are zero and cost nothing once compressed. Global curves, counts and settings keep all of float32.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

MANTISSA = 12
EXACT = ("lr", "weight_decay", "nonfinite", "loss_scale", "optimizer_state/step", "grad_norm/logged")

Values = Sequence[float | None]


def thrifty(signals: Mapping[str, Values]) -> dict[str, Values]:
    """The columns as they are to be stored."""
    return {column: values if _exact(column) else rounded(values) for column, values in signals.items()}


def _exact(column: str) -> bool:
    return "/" not in column or any(column == name or column.startswith(f"{name}/") for name in EXACT)


def rounded(values: Values, mantissa: int = MANTISSA) -> list[float | None]:
    """Values rounded to the nearest float32 of that many mantissa bits; None, NaN and infinities stay."""
    with np.errstate(over="ignore"):
        numbers = np.array([np.nan if value is None else value for value in values], dtype=np.float32)
    spare = np.uint32(23 - mantissa)
    bits = numbers.view(np.uint32)
    # Adding half of the last kept bit carries into the exponent where it must, as rounding does.
    near = ((bits + (np.uint32(1) << (spare - np.uint32(1)))) >> spare << spare).view(np.float32)
    kept = np.where(np.isfinite(numbers), near, numbers)
    return [None if value is None else float(number) for value, number in zip(values, kept, strict=True)]
