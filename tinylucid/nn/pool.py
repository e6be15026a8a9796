"""Pooling layers."""

from __future__ import annotations

from typing import Any

from .. import ops
from .module import Module


class _Pool2d(Module):
    """What pools with a window share."""

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0) -> None:
        super().__init__()
        self.kernel_size, self.padding = kernel_size, padding
        self.stride = kernel_size if stride is None else stride

    def extra_repr(self) -> str:
        """The arguments."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxPool2d(_Pool2d):
    """The largest pixel of each window; arguments as F.max_pool2d, but the last two change places, as in PyTorch."""

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__(kernel_size, stride, padding)
        self.dilation, self.return_indices, self.ceil_mode = dilation, return_indices, ceil_mode

    def forward(self, input: Any) -> Any:
        """See F.max_pool2d."""
        window = self.kernel_size, self.stride, self.padding, self.dilation
        return ops.max_pool2d(input, *window, self.ceil_mode, self.return_indices)


class MaxUnpool2d(_Pool2d):
    """Zeros with each pixel at the place it came from; arguments as F.max_unpool2d."""

    def forward(self, input: Any, indices: Any, output_size: Any = None) -> Any:
        """See F.max_unpool2d."""
        return ops.max_unpool2d(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class AvgPool2d(_Pool2d):
    """The mean of each window; arguments as F.avg_pool2d."""

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__(kernel_size, stride, padding)
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad
        self.divisor_override = divisor_override

    def forward(self, input: Any) -> Any:
        """See F.avg_pool2d."""
        window = self.kernel_size, self.stride, self.padding
        return ops.avg_pool2d(input, *window, self.ceil_mode, self.count_include_pad, self.divisor_override)


class _AdaptivePool2d(Module):
    """What the adaptive pools share: the size of their result."""

    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size

    def extra_repr(self) -> str:
        """The arguments."""
        return f"output_size={self.output_size}"


class AdaptiveAvgPool2d(_AdaptivePool2d):
    """Averages to a picture of ``output_size``; 1 averages each channel whole. See F.adaptive_avg_pool2d."""

    def forward(self, input: Any) -> Any:
        """See F.adaptive_avg_pool2d."""
        return ops.adaptive_avg_pool2d(input, self.output_size)


class AdaptiveMaxPool2d(_AdaptivePool2d):
    """The largest pixels, in a picture of ``output_size``. See F.adaptive_max_pool2d."""

    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__(output_size)
        self.return_indices = return_indices

    def forward(self, input: Any) -> Any:
        """See F.adaptive_max_pool2d."""
        return ops.adaptive_max_pool2d(input, self.output_size, self.return_indices)
