"""Layers without parameters that are no activation: dropout and shapes."""

from __future__ import annotations

from typing import Any

from .. import ops
from .module import Module


class Dropout(Module):
    """Zeroes elements with probability p while training; see F.dropout."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(f"Dropout: p must be in [0, 1], got {p}")
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


class Identity(Module):
    """x itself."""

    def forward(self, input: Any) -> Any:
        """x itself."""
        return input
