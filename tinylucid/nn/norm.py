"""Normalisation layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes, ops
from ..creation import full
from ..ops.shape import sizes
from ..scopes import here
from . import init
from .linear import positive
from .module import Module, Parameter


def affine_parameters(module: Module, shape: tuple[int, ...], weight: bool, bias: bool) -> None:
    """Give the module a weight of ones and a bias of zeros, each None if not wanted."""
    for name, value, wanted in (("weight", 1, weight), ("bias", 0, bias)):
        module.register_parameter(name, Parameter(np.full(shape, value, dtypes.default)) if wanted else None)


def start_again(module: Module) -> None:
    """Weight 1 and bias 0; running mean 0 and variance 1, as before the first batch."""
    start = {"weight": 1, "bias": 0, "running_mean": 0, "running_var": 1, "num_batches_tracked": 0}
    for name, value in start.items():
        if getattr(module, name, None) is not None:
            init.constant_(getattr(module, name), value)


class _ChannelNorm(Module):
    """What batch and instance norm share: weight and bias and running statistics of each channel; which inputs they take."""

    takes: tuple[str, ...]  # the shapes, in letters

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
    ) -> None:
        super().__init__()
        positive(type(self).__name__, num_features=num_features)
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        affine_parameters(self, (num_features,), affine, affine)
        for name, value in (("running_mean", 0), ("running_var", 1)):
            buffer = full((num_features,), float(value)) if track_running_stats else None
            self.register_buffer(name, buffer)
        self.register_buffer("num_batches_tracked", full((), 0) if track_running_stats else None)

    reset_parameters = start_again

    def _check(self, input: Any) -> None:
        name = type(self).__name__
        if input.ndim not in [shape.count(",") + 1 for shape in self.takes]:
            raise ValueError(
                f"{here(name)}: expected input {' or '.join(self.takes)}, got {input.shape}; reshape it, or use another norm"
            )

    def extra_repr(self) -> str:
        """The arguments."""
        text = f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}"
        return f"{text}, track_running_stats={self.track_running_stats}"


class _BatchNorm(_ChannelNorm):
    def forward(self, input: Any) -> Any:
        """See F.batch_norm; without running statistics the batch's own are used in eval mode too."""
        self._check(input)
        momentum = self.momentum
        if self.training and self.track_running_stats:
            self.num_batches_tracked += 1
            momentum = 1 / self.num_batches_tracked.item() if momentum is None else momentum  # None: a plain average
        training = self.training or not self.track_running_stats
        return ops.batch_norm(
            input, self.running_mean, self.running_var, self.weight, self.bias, training, momentum, self.eps
        )


class BatchNorm1d(_BatchNorm):
    """Each channel of (N, C) or (N, C, L) to mean 0, variance 1, then weight·x + bias; arguments as F.batch_norm."""

    takes = ("(N, C)", "(N, C, L)")


class BatchNorm2d(_BatchNorm):
    """Each channel of (N, C, H, W) to mean 0, variance 1, then weight·x + bias; arguments as F.batch_norm."""

    takes = ("(N, C, H, W)",)


class InstanceNorm2d(_ChannelNorm):
    """Each channel of each picture (N, C, H, W) to mean 0, variance 1, then weight·x + bias; see F.instance_norm."""

    takes = ("(N, C, H, W)",)

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats)

    def forward(self, input: Any) -> Any:
        """See F.instance_norm; with running statistics, eval mode uses them."""
        self._check(input)
        own = self.training or not self.track_running_stats
        momentum = 0.0 if self.momentum is None else self.momentum
        return ops.instance_norm(
            input, self.running_mean, self.running_var, self.weight, self.bias, own, momentum, self.eps
        )


class LayerNorm(Module):
    """The last axes, of ``normalized_shape``, to mean 0, variance 1, then weight·x + bias; see F.layer_norm."""

    def __init__(
        self, normalized_shape: Any, eps: float = 1e-5, elementwise_affine: bool = True, bias: bool = True
    ) -> None:
        super().__init__()
        self.normalized_shape = sizes((normalized_shape,))
        positive("LayerNorm", **{f"normalized_shape[{k}]": n for k, n in enumerate(self.normalized_shape)})
        self.eps, self.elementwise_affine = eps, elementwise_affine
        affine_parameters(self, self.normalized_shape, elementwise_affine, elementwise_affine and bias)

    reset_parameters = start_again

    def forward(self, input: Any) -> Any:
        """See F.layer_norm."""
        return ops.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """The arguments."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(Module):
    """Each picture's groups of channels (N, C, …) to mean 0, variance 1, then weight·x + bias; see F.group_norm."""

    def __init__(self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True) -> None:
        super().__init__()
        positive("GroupNorm", num_groups=num_groups, num_channels=num_channels)
        if num_channels % num_groups:
            raise ValueError(
                f"GroupNorm: num_groups={num_groups} must divide num_channels={num_channels}; 1 always does"
            )
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine
        affine_parameters(self, (num_channels,), affine, affine)

    reset_parameters = start_again

    def forward(self, input: Any) -> Any:
        """See F.group_norm."""
        return ops.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """The arguments."""
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}"
