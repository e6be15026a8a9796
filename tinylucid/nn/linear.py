"""The dense layer, rows by their numbers, and what layers with weights share."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import dtypes, ops
from ..ops.dense import row_number
from . import init
from .module import Module, Parameter


def empty(*shape: int) -> Parameter:
    """A parameter of the default dtype, not yet initialised."""
    return Parameter(np.empty(shape, dtypes.default))


def positive(layer: str, **sizes: Any) -> None:
    """ValueError unless each size is an integer ≥ 1."""
    for name, value in sizes.items():
        if not isinstance(value, (int, np.integer)) or value < 1:
            raise ValueError(f"{layer}: {name} must be an integer ≥ 1, got {value!r}; a // b divides to one")


class Weighted(Module):
    """What Linear and the convolutions share: a weight, perhaps a bias, and PyTorch's default initialisation."""

    weight: Parameter
    bias: Parameter | None

    def _make(self, shape: tuple[int, ...], bias: int) -> None:
        """A weight of that shape, and a bias of ``bias`` numbers (0: none)."""
        self.weight = empty(*shape)
        self.register_parameter("bias", empty(bias) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias uniformly in ±1/√fan_in (He's rule with a = √5), from the generator of manual_seed."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(init.fans(self.weight)[0])
            init.uniform_(self.bias, -bound, bound)


class Linear(Weighted):
    """y = x Wᵀ + b: (…, in_features) → (…, out_features)."""

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        super().__init__()
        positive("Linear", in_features=in_features, out_features=out_features)
        self.in_features, self.out_features = in_features, out_features
        self._make((out_features, in_features), out_features if bias else 0)

    def forward(self, input: Any) -> Any:
        """See F.linear."""
        return ops.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        """The arguments."""
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Embedding(Module):
    """A learned row for each of num_embeddings integers: (…) → (…, embedding_dim); see F.embedding.

    Drawn from the standard normal distribution; row ``padding_idx`` is zeros, and stays.
    """

    def __init__(self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None) -> None:
        super().__init__()
        positive("Embedding", num_embeddings=num_embeddings, embedding_dim=embedding_dim)
        if padding_idx is not None:
            padding_idx = row_number(padding_idx, num_embeddings)
        self.num_embeddings, self.embedding_dim, self.padding_idx = num_embeddings, embedding_dim, padding_idx
        self.weight = empty(num_embeddings, embedding_dim)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the rows from the standard normal distribution, but for the padding, which is zeros."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            self.weight.data[self.padding_idx] = 0

    def forward(self, input: Any) -> Any:
        """See F.embedding."""
        return ops.embedding(input, self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        """The arguments."""
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"
