"""Losses as layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..tensor import Tensor
from .module import Module


class CrossEntropyLoss(Module):
    """−log softmax(input)[target]; arguments as F.cross_entropy."""

    def __init__(
        self,
        weight: Any = None,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        self.register_buffer(
            "weight", None if weight is None else weight if isinstance(weight, Tensor) else Tensor(np.asarray(weight))
        )
        self.ignore_index, self.reduction, self.label_smoothing = ignore_index, reduction, label_smoothing

    def forward(self, input: Any, target: Any) -> Any:
        """See F.cross_entropy."""
        return ops.cross_entropy(input, target, self.weight, self.ignore_index, self.reduction, self.label_smoothing)


class MSELoss(Module):
    """(input − target)²; arguments as F.mse_loss."""

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = reduction

    def forward(self, input: Any, target: Any) -> Any:
        """See F.mse_loss."""
        return ops.mse_loss(input, target, self.reduction)
