"""Normalisation layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes, ops
from ..scopes import here
from ..tensor import Tensor
from .linear import positive
from .module import Module, Parameter


class BatchNorm2d(Module):
    """Each channel of (N, C, H, W) to mean 0, variance 1, then weight·x + bias; arguments as F.batch_norm."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
    ) -> None:
        super().__init__()
        positive("BatchNorm2d", num_features=num_features)
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        for name, value in (("weight", 1), ("bias", 0)):
            self.register_parameter(name, Parameter(np.full(num_features, value, dtypes.default)) if affine else None)
        for name, value in (("running_mean", 0), ("running_var", 1)):
            buffer = Tensor(np.full(num_features, value, dtypes.default)) if track_running_stats else None
            self.register_buffer(name, buffer)
        self.register_buffer("num_batches_tracked", Tensor(np.zeros((), np.int64)) if track_running_stats else None)

    def forward(self, input: Any) -> Any:
        """See F.batch_norm; without running statistics the batch's own are used in eval mode too."""
        if input.ndim != 4:
            raise ValueError(f"{here('BatchNorm2d')}: expected input (N, C, H, W), got {input.shape}")
        momentum = self.momentum
        if self.training and self.track_running_stats:
            self.num_batches_tracked += 1
            momentum = 1 / self.num_batches_tracked.item() if momentum is None else momentum  # None: a plain average
        training = self.training or not self.track_running_stats
        return ops.batch_norm(
            input, self.running_mean, self.running_var, self.weight, self.bias, training, momentum, self.eps
        )

    def extra_repr(self) -> str:
        """The arguments."""
        text = f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}"
        return f"{text}, track_running_stats={self.track_running_stats}"
