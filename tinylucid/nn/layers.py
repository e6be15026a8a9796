"""Layers: a Module that holds the parameters of one operation. Formulas and shapes stand with the operations."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import dtypes, ops
from ..ops.conv import pair
from ..scopes import here
from ..tensor import Tensor
from . import init
from .module import Module, Parameter


def _empty(*shape: int) -> Parameter:
    return Parameter(np.empty(shape, dtypes.default))


def _positive(layer: str, **sizes: Any) -> None:
    for name, value in sizes.items():
        if not isinstance(value, (int, np.integer)) or value < 1:
            raise ValueError(f"{layer}: {name} must be an integer ≥ 1, got {value!r}")


class _Weighted(Module):
    """What Linear and Conv2d share: a weight, perhaps a bias, and PyTorch's default initialisation."""

    weight: Parameter
    bias: Parameter | None

    def _make(self, shape: tuple[int, ...], bias: bool) -> None:
        self.weight = _empty(*shape)
        self.register_parameter("bias", _empty(shape[0]) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias uniformly in ±1/√fan_in (He's rule with a = √5), from the generator of manual_seed."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(init.fans(self.weight)[0])
            init.uniform_(self.bias, -bound, bound)


class Linear(_Weighted):
    """y = x Wᵀ + b: (…, in_features) → (…, out_features)."""

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        super().__init__()
        _positive("Linear", in_features=in_features, out_features=out_features)
        self.in_features, self.out_features = in_features, out_features
        self._make((out_features, in_features), bias)

    def forward(self, input: Any) -> Any:
        """See F.linear."""
        return ops.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        """The arguments."""
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Conv2d(_Weighted):
    """Convolution of (N, in_channels, H, W) pictures with learned kernels; arguments as F.conv2d."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__()
        _positive("Conv2d", in_channels=in_channels, out_channels=out_channels, groups=groups)
        if in_channels % groups or out_channels % groups:
            raise ValueError(
                f"Conv2d: groups={groups} must divide in_channels={in_channels} and out_channels={out_channels}"
            )
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = pair(kernel_size, "kernel_size", 1, "Conv2d")
        self.stride, self.dilation = pair(stride, "stride", 1, "Conv2d"), pair(dilation, "dilation", 1, "Conv2d")
        if padding == "same" and self.stride != (1, 1):
            raise ValueError(f"Conv2d: padding='same' needs stride 1, got {self.stride}")
        self.padding = padding if padding in ("same", "valid") else pair(padding, "padding", 0, "Conv2d")
        self._make((out_channels, in_channels // groups, *self.kernel_size), bias)

    def forward(self, input: Any) -> Any:
        """See F.conv2d."""
        return ops.conv2d(input, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)

    def extra_repr(self) -> str:
        """The arguments that differ from the defaults."""
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        plain = {"padding": (0, 0), "dilation": (1, 1), "groups": 1}
        text += "".join(
            f", {name}={getattr(self, name)}" for name, value in plain.items() if getattr(self, name) != value
        )
        return text + ("" if self.bias is not None else ", bias=False")


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
        _positive("BatchNorm2d", num_features=num_features)
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


class _Pool2d(Module):
    """What MaxPool2d and AvgPool2d share: the window."""

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0) -> None:
        super().__init__()
        self.kernel_size, self.padding = kernel_size, padding
        self.stride = kernel_size if stride is None else stride

    def extra_repr(self) -> str:
        """The arguments."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxPool2d(_Pool2d):
    """The largest pixel of each window; arguments as F.max_pool2d."""

    def __init__(
        self, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, return_indices: bool = False
    ) -> None:
        super().__init__(kernel_size, stride, padding)
        self.dilation, self.return_indices = dilation, return_indices

    def forward(self, input: Any) -> Any:
        """See F.max_pool2d."""
        return ops.max_pool2d(input, self.kernel_size, self.stride, self.padding, self.dilation, self.return_indices)


class AvgPool2d(_Pool2d):
    """The mean of each window; arguments as F.avg_pool2d."""

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0, count_include_pad: bool = True) -> None:
        super().__init__(kernel_size, stride, padding)
        self.count_include_pad = count_include_pad

    def forward(self, input: Any) -> Any:
        """See F.avg_pool2d."""
        return ops.avg_pool2d(input, self.kernel_size, self.stride, self.padding, self.count_include_pad)


class AdaptiveAvgPool2d(Module):
    """Averages to a picture of ``output_size``; 1 averages each channel whole. See F.adaptive_avg_pool2d."""

    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Any) -> Any:
        """See F.adaptive_avg_pool2d."""
        return ops.adaptive_avg_pool2d(input, self.output_size)

    def extra_repr(self) -> str:
        """The arguments."""
        return f"output_size={self.output_size}"


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


class ReLU(Module):
    """max(x, 0)."""

    def forward(self, input: Any) -> Any:
        """See F.relu."""
        return ops.relu(input)


class LeakyReLU(Module):
    """x where x > 0, else negative_slope·x."""

    def __init__(self, negative_slope: float = 0.01) -> None:
        super().__init__()
        self.negative_slope = negative_slope

    def forward(self, input: Any) -> Any:
        """See F.leaky_relu."""
        return ops.leaky_relu(input, self.negative_slope)

    def extra_repr(self) -> str:
        """The arguments."""
        return f"negative_slope={self.negative_slope}"


class GELU(Module):
    """x·Φ(x)."""

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Any) -> Any:
        """See F.gelu."""
        return ops.gelu(input, self.approximate)


class Sigmoid(Module):
    """1 / (1 + e⁻ˣ)."""

    def forward(self, input: Any) -> Any:
        """See tl.sigmoid."""
        return ops.sigmoid(input)


class Tanh(Module):
    """tanh x."""

    def forward(self, input: Any) -> Any:
        """See tl.tanh."""
        return ops.tanh(input)


class Softmax(Module):
    """eˣ / Σ eˣ along ``dim``."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Any) -> Any:
        """See F.softmax."""
        return ops.softmax(input, self.dim)

    def extra_repr(self) -> str:
        """The arguments."""
        return f"dim={self.dim}"


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
