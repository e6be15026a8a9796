"""An objective, and its arithmetic: what rendering climbs is one, or sums and products of several."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..tensor import Tensor
from .seen import Seen


@dataclass(frozen=True)
class Objective:
    """One number a picture, ``value(seen)`` (N,), with a name to be called by and the layers it looks at.

    ``a + 2 * b``, ``a - b``, ``-a`` and ``a * b`` are new objectives; a and b stay as they are.
    """

    name: str
    value: Callable[[Seen], Tensor]
    layers: frozenset[str] = frozenset()

    def __add__(self, other: Any) -> Objective:
        return combined(self, other, "+", operator.add)

    def __sub__(self, other: Any) -> Objective:
        return combined(self, other, "-", operator.sub)

    def __mul__(self, other: Any) -> Objective:
        return combined(self, other, "*", operator.mul)

    def __radd__(self, other: Any) -> Objective:
        return combined(other, self, "+", operator.add)

    def __rsub__(self, other: Any) -> Objective:
        return combined(other, self, "-", operator.sub)

    def __rmul__(self, other: Any) -> Objective:
        return combined(other, self, "*", operator.mul)

    def __neg__(self) -> Objective:
        return -1 * self

    def __str__(self) -> str:
        return self.name


def combined(a: Any, b: Any, sign: str, apply: Callable) -> Any:
    """The objective ``a sign b``, where one of them may be a number; NotImplemented for anything else."""
    for x in (a, b):
        if not isinstance(x, (Objective, int, float, np.number)):
            return NotImplemented
    value, names, layers = zip(*(parts(x) for x in (a, b)))
    name = f" {sign} ".join(names)
    return Objective(f"({name})", lambda seen: apply(*(v(seen) for v in value)), layers[0] | layers[1])


def parts(x: Any) -> tuple[Callable[[Seen], Any], str, frozenset[str]]:
    """Value, name and layers of an objective or a number."""
    if isinstance(x, Objective):
        return x.value, x.name, x.layers
    number = float(x)  # a NumPy number would make float32 float64
    return lambda seen: number, f"{x:g}", frozenset()
