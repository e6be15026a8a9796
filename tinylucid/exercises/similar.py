"""Functions that a learner's may be similar to: right in its value, but with another slope."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..tensor import Tensor


def with_slope(function: Callable, slope: Callable[[Any], Any]) -> Callable:
    """A function of one array with ``slope(y)`` of its value y in the place of its own slope."""

    def similar(x: Any) -> Any:
        if not isinstance(x, Tensor):
            return function(x)
        y = function(x).detach()
        return y + (x - x.detach()) * slope(y)

    return similar


def one(y: Any) -> float:
    """The slope of a function whose own slope was left out."""
    return 1.0
