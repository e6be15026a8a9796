"""Convolution layers."""

from __future__ import annotations

from typing import Any

from .. import ops
from ..ops.conv import pair
from .linear import Weighted, positive


class Conv2d(Weighted):
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
        positive("Conv2d", in_channels=in_channels, out_channels=out_channels, groups=groups)
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
