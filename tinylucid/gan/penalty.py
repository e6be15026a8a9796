"""Penalties on the discriminator's slope, which are differentiated once more to train it: second derivatives at work.

The slope is that of each picture's own logit, so there must be no batch norm in the discriminator.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .. import devices
from ..autograd import grad
from ..nn import Module
from ..ops import mean, reshape, sqrt, sum
from ..random import Generator
from ..tensor import Tensor

TINY = 1e-12  # under the root, whose own slope is infinite at 0


@dataclass(frozen=True)
class Penalty:
    """A number (a Tensor) to add to the discriminator's loss: ``of(discriminator, real, fake, y, rng)``, written as ``name``."""

    name: str
    of: Callable[[Module, Any, Any, Any, Generator], Any]


def gradient_penalty(weight: float = 10.0) -> Penalty:
    """weight · mean (|∂D(x̂)/∂x̂| − 1)², x̂ = εx + (1 − ε)x̃ between a real and a generated picture, ε uniform in [0, 1).

    With the Wasserstein loss: WGAN-GP (Gulrajani et al., 2017, equation 3). Raises ValueError unless weight > 0.
    """
    positive("gradient_penalty: weight", weight)

    def of(discriminator: Module, real: Any, fake: Any, y: Any, rng: Generator) -> Any:
        share = devices.beside(rng.uniform((len(real), *(1,) * (real.ndim - 1)), real.dtype), real)
        norm = sqrt(squared_slope(discriminator, share * real + (1 - share) * fake, y) + TINY)
        return weight * mean((norm - 1) ** 2)

    return Penalty(f"gradient_penalty({weight:g})", of)


def r1(gamma: float = 1.0) -> Penalty:
    """gamma/2 · mean |∂D(x)/∂x|² at real pictures x (Mescheder, Geiger and Nowozin, 2018, equation 9).

    Where the generator is right, a discriminator that is not flat is drawn back. Raises ValueError unless gamma > 0.
    """
    positive("r1: gamma", gamma)

    def of(discriminator: Module, real: Any, fake: Any, y: Any, rng: Generator) -> Any:
        return gamma / 2 * mean(squared_slope(discriminator, real, y))

    return Penalty(f"r1({gamma:g})", of)


def squared_slope(discriminator: Module, x: Any, y: Any) -> Any:
    """|∂D(x)/∂x|² of each of the pictures x (N, …), a Tensor (N,) that can be differentiated by the discriminator's weights."""
    x = Tensor(x, requires_grad=True)
    (slope,) = grad(sum(discriminator(x, y)), x, create_graph=True)
    return sum(reshape(slope, len(x), -1) ** 2, 1)


def positive(name: str, value: float) -> None:
    """ValueError unless the value is above 0."""
    if not value > 0:
        raise ValueError(f"{name} must be above 0, got {value!r}; leave the penalty out for none")
