"""Pooling layers."""

from __future__ import annotations

from typing import Any

from .. import ops
from .module import Module


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
