"""What a check's numbers amount to, and whether two outcomes differ. Needs no torch.

`data_order` is judged here too: every seed has an order of its own, so only a number can be compared.

Every rule compares with what the healthy runs gave, with a margin and its reason beside it. The data of a check are
those of its artifact as read back: a value that was not finite may be a word there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

# Half of the healthy seeds' worst loss again: after a fixed number of steps seeds differ by some tens of per cent.
OVERFIT_RATIO, OVERFIT_NATS = 1.5, 0.25
# A healthy initialisation is within some hundredths of a nat of a uniform guess.
INIT_RATIO, INIT_NATS = 3.0, 0.1
# Other tokens later are the same arithmetic for the earlier positions: nothing may move.
LEAK_RATIO, LEAK = 10.0, 1e-4
# What is left of a sum over the same terms in another order is rounding, 1e-6 of the outputs' size.
ORDER_RATIO = 1e-2
# One position at a time is another order of summation: 1e-6 of the logits' size in float32, 1e-3 in half precision.
CACHE_RATIO, CACHE = 10.0, 5e-3
# Central differences in float64 agree to about 1e-6.
GRADIENT_RATIO, GRADIENT_ERROR = 10.0, 1e-3
# Documents drawn at random are as far apart as any two of them (1); in stored order neighbours follow (0).
JUMP_RATIO = 2.0

Data = Mapping[str, Any]


def outcome(id: str, data: Any) -> dict[str, float] | str:
    """The numbers a check is judged by, non-finite ones as infinity; the error when it stopped with one.

    Raises KeyError for a check that is not known here.
    """
    measure = _MEASURES[id]
    if not isinstance(data, Mapping):
        return "no data"
    if "error" in data:
        return str(data["error"])
    return {name: _number(value) for name, value in measure(data).items()}


def known(id: str) -> bool:
    return id in _MEASURES


def differs(id: str, data: Any, healthy: Sequence[Any]) -> bool:
    """Does this outcome differ from those of all healthy runs? `healthy` must not be empty."""
    found, expected = outcome(id, data), [outcome(id, other) for other in healthy]
    numbers = [other for other in expected if isinstance(other, dict)]
    if isinstance(found, str) or not numbers:
        return found not in expected
    rule = _RULES[id]
    return any(rule(value, [other[name] for other in numbers if name in other]) for name, value in found.items())


def _number(value: Any) -> float:
    number = float(value)
    return number if math.isfinite(number) else math.inf


def _ratio(part: Data) -> float:
    difference, scale = _number(part["difference"]), _number(part["scale"])
    return difference / scale if 0 < scale < math.inf else difference


def _overfit(data: Data) -> dict[str, float]:
    return {"final_loss": data["final_loss"]}


def _init_loss(data: Data) -> dict[str, float]:
    return {"difference": data["difference"]}


def _token_order(data: Data) -> dict[str, float]:
    # A trained model that is no longer finite tells nothing; the one at initialisation always does.
    return {"fresh": _ratio(data["fresh"])}


def _causality(data: Data) -> dict[str, float]:
    return {name: _ratio(part) for name, part in data.items()}


def _kv_cache(data: Data) -> dict[str, float]:
    return {"difference": _ratio(data)}


def _determinism(data: Data) -> dict[str, float]:
    return {"identical": float(bool(data["identical"]))}


def _gradients(data: Data) -> dict[str, float]:
    return {"max_relative_error": data["max_relative_error"]}


def _data_order(data: Data) -> dict[str, float]:
    """Mean distance between the numbers of documents served one after the other, over that of any two of them."""
    steps = sorted(data["documents"], key=int)
    served = [float(number) for step in steps for number in data["documents"][step]]
    n = len(served)
    if n < 2:
        return {}
    following = sum(abs(b - a) for a, b in pairwise(served)) / (n - 1)
    # The sum over all pairs of |a - b|, from the sorted numbers.
    pairs = sum((2 * i - n + 1) * number for i, number in enumerate(sorted(served))) * 2 / (n * (n - 1))
    return {"jump": following / pairs if pairs else 0.0}


_MEASURES: dict[str, Callable[[Data], dict[str, float]]] = {
    "check_overfit_batch": _overfit,
    "check_init_loss": _init_loss,
    "check_causality": _causality,
    "check_token_order": _token_order,
    "check_kv_cache": _kv_cache,
    "check_determinism": _determinism,
    "check_gradients": _gradients,
    "data_order": _data_order,
}


def _larger(value: float, healthy: Sequence[float], ratio: float, least: float) -> bool:
    return bool(healthy) and abs(value) > max(ratio * max(map(abs, healthy)), least)


def _overfit_differs(value: float, healthy: Sequence[float]) -> bool:
    worse = bool(healthy) and value > max(healthy) * OVERFIT_RATIO + OVERFIT_NATS
    better = bool(healthy) and value < min(healthy) / OVERFIT_RATIO - OVERFIT_NATS
    return worse or better


def _jump_differs(value: float, healthy: Sequence[float]) -> bool:
    return bool(healthy) and not min(healthy) / JUMP_RATIO <= value <= max(healthy) * JUMP_RATIO


_RULES: dict[str, Callable[[float, Sequence[float]], bool]] = {
    "check_overfit_batch": _overfit_differs,
    "check_init_loss": lambda value, healthy: _larger(value, healthy, INIT_RATIO, INIT_NATS),
    "check_causality": lambda value, healthy: _larger(value, healthy, LEAK_RATIO, LEAK),
    "check_token_order": lambda value, healthy: bool(healthy) and value < ORDER_RATIO * min(healthy),
    "check_kv_cache": lambda value, healthy: _larger(value, healthy, CACHE_RATIO, CACHE),
    "check_determinism": lambda value, healthy: bool(healthy) and value not in healthy,
    "check_gradients": lambda value, healthy: _larger(value, healthy, GRADIENT_RATIO, GRADIENT_ERROR),
    "data_order": _jump_differs,
}
