"""Objectives: what a rendered picture should excite, to be added, subtracted and multiplied."""

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


def logit(k: int) -> Objective:
    """What the model answers for class k, before any softmax; of an answer (N, K, h, w) its mean over the places."""
    numbered(k, "class")

    def value(seen: Seen) -> Tensor:
        z = seen.logits
        if not isinstance(z, Tensor) or z.ndim < 2:
            kind = f"shape {z.shape}" if isinstance(z, Tensor) else type(z).__name__
            raise ValueError(f"visualize: the model gives {kind}, expected a Tensor of logits (N, K)")
        inside(k, z.shape[1], "class", f"the model gives {z.shape[1]} logits")
        return z[:, k] if z.ndim == 2 else z[:, k].mean(tuple(range(1, z.ndim - 1)))

    return Objective(f"logit({k})", value)


def channel(layer: str, k: int) -> Objective:
    """The mean over the plane of channel k of what a layer gives; the layer by its dotted name in model.named_modules()."""
    named(layer)
    numbered(k, "channel")

    def value(seen: Seen) -> Tensor:
        means = seen.channels(layer)
        inside(k, means.shape[1], "channel", f"layer {layer!r} gives {means.shape[1]} channels")
        return means[:, k]

    return Objective(f"channel({layer!r}, {k})", value, frozenset([layer]))


def neuron(layer: str, k: int, y: int, x: int) -> Objective:
    """Channel k of what a layer gives (N, K, h, w), at row y and column x."""
    named(layer)
    numbered(k, "channel")

    def value(seen: Seen) -> Tensor:
        out = seen.layer(layer)
        if out.ndim != 4:
            raise ValueError(f"visualize: layer {layer!r} gives {out.shape}, no planes; use channel({layer!r}, {k})")
        for number, size, kind in zip((k, y, x), out.shape[1:], ("channel", "row", "column")):
            inside(
                number, size, kind, f"layer {layer!r} gives {out.shape[1]} channels of {out.shape[2]} × {out.shape[3]}"
            )
        return out[:, k, y, x]

    return Objective(f"neuron({layer!r}, {k}, {y}, {x})", value, frozenset([layer]))


def numbered(k: Any, kind: str) -> None:
    """TypeError unless k is a whole number."""
    if not isinstance(k, (int, np.integer)):
        of_class = f", such as classes.index({k!r})" if kind == "class" and isinstance(k, str) else ""
        raise TypeError(f"visualize: a {kind} is given by its number{of_class}, got {k!r}")


def named(layer: Any) -> None:
    """TypeError unless a layer is given by its name."""
    if not isinstance(layer, str):
        raise TypeError(
            f"visualize: a layer is given by its dotted name in model.named_modules(), got a {type(layer).__name__}; write channel('0', 3)"
        )


def inside(k: int, n: int, kind: str, what_there_is: str) -> None:
    """ValueError unless k is one of 0 … n − 1."""
    if not isinstance(k, (int, np.integer)) or not 0 <= k < n:
        raise ValueError(f"visualize: {kind} {k!r} is not one of 0 … {n - 1}: {what_there_is}; count from 0")
