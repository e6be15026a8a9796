"""Layers without parameters that are no activation: dropout and shapes."""

from __future__ import annotations

from typing import Any

from .. import ops
from ..ops.shape import axis_of
from .module import Module


class Dropout(Module):
    """Zeroes elements with probability p while training; see F.dropout."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(f"Dropout: p must be in [0, 1], got {p}; 0.5 drops half")
        self.p = p

    def forward(self, input: Any) -> Any:
        """See F.dropout."""
        return ops.dropout(input, self.p, self.training)

    def extra_repr(self) -> str:
        """The arguments."""
        return f"p={self.p}"


class Flatten(Module):
    """Axes start_dim … end_dim as one: (N, C, H, W) → (N, C·H·W)."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: Any) -> Any:
        """See F.flatten."""
        return ops.flatten(input, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        """The arguments."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """Axis ``dim`` as several, of sizes ``unflattened_size`` (one may be −1): (N, C·H·W) → (N, C, H, W)."""

    def __init__(self, dim: int, unflattened_size: Any) -> None:
        super().__init__()
        self.dim, self.unflattened_size = dim, tuple(unflattened_size)

    def forward(self, input: Any) -> Any:
        """See Tensor.reshape."""
        k = axis_of(self.dim, input.ndim, "Unflatten")
        return ops.reshape(input, (*input.shape[:k], *self.unflattened_size, *input.shape[k + 1 :]))

    def extra_repr(self) -> str:
        """The arguments."""
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"


class Identity(Module):
    """x itself, whatever arguments it is made with: it stands where another layer stood."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Any) -> Any:
        """x itself."""
        return input
