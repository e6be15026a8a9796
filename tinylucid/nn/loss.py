"""Losses as layers."""

from __future__ import annotations

from typing import Any

from .. import ops
from ..creation import tensor
from ..tensor import Tensor
from .module import Module


class _Loss(Module):
    """What the losses share: how they reduce, and weights as buffers."""

    def __init__(self, reduction: str, **weights: Any) -> None:
        super().__init__()
        self.reduction = reduction
        for name, w in weights.items():
            self.register_buffer(name, w if w is None or isinstance(w, Tensor) else tensor(w))


class CrossEntropyLoss(_Loss):
    """−log softmax(input)[target]; arguments as F.cross_entropy."""

    def __init__(
        self,
        weight: Any = None,
        *,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(reduction, weight=weight)
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing

    def forward(self, input: Any, target: Any) -> Any:
        """See F.cross_entropy."""
        return ops.cross_entropy(
            input,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class NLLLoss(_Loss):
    """−input[target] of log-probabilities; arguments as F.nll_loss."""

    def __init__(self, weight: Any = None, *, ignore_index: int = -100, reduction: str = "mean") -> None:
        super().__init__(reduction, weight=weight)
        self.ignore_index = ignore_index

    def forward(self, input: Any, target: Any) -> Any:
        """See F.nll_loss."""
        return ops.nll_loss(input, target, self.weight, ignore_index=self.ignore_index, reduction=self.reduction)


class BCEWithLogitsLoss(_Loss):
    """−target·log σ(input) − (1 − target)·log(1 − σ(input)); arguments as F.binary_cross_entropy_with_logits."""

    def __init__(self, weight: Any = None, *, reduction: str = "mean", pos_weight: Any = None) -> None:
        super().__init__(reduction, weight=weight, pos_weight=pos_weight)

    def forward(self, input: Any, target: Any) -> Any:
        """See F.binary_cross_entropy_with_logits."""
        return ops.binary_cross_entropy_with_logits(
            input, target, self.weight, reduction=self.reduction, pos_weight=self.pos_weight
        )


class MSELoss(_Loss):
    """(input − target)²; arguments as F.mse_loss."""

    def __init__(self, *, reduction: str = "mean") -> None:
        super().__init__(reduction)

    def forward(self, input: Any, target: Any) -> Any:
        """See F.mse_loss."""
        return ops.mse_loss(input, target, reduction=self.reduction)


class L1Loss(_Loss):
    """|input − target|; arguments as F.l1_loss."""

    def __init__(self, *, reduction: str = "mean") -> None:
        super().__init__(reduction)

    def forward(self, input: Any, target: Any) -> Any:
        """See F.l1_loss."""
        return ops.l1_loss(input, target, reduction=self.reduction)


class SmoothL1Loss(_Loss):
    """(input − target)² near 0, |input − target| beyond; arguments as F.smooth_l1_loss."""

    def __init__(self, *, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction)
        self.beta = beta

    def forward(self, input: Any, target: Any) -> Any:
        """See F.smooth_l1_loss."""
        return ops.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class KLDivLoss(_Loss):
    """target·(log target − input) of log-probabilities; arguments as F.kl_div."""

    def __init__(self, *, reduction: str = "mean", log_target: bool = False) -> None:
        super().__init__(reduction)
        self.log_target = log_target

    def forward(self, input: Any, target: Any) -> Any:
        """See F.kl_div."""
        return ops.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)
