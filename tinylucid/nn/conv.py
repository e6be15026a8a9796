"""Convolution layers."""

from __future__ import annotations

from typing import Any

from .. import ops
from ..ops.conv import pair
from ..scopes import here
from .linear import Weighted, positive


class _Conv2d(Weighted):
    """What convolution and its transpose share: channels, window and how both are printed."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any,
        padding: Any,
        dilation: Any,
        groups: int,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        positive(name, in_channels=in_channels, out_channels=out_channels, groups=groups)
        if in_channels % groups or out_channels % groups:
            raise ValueError(
                f"{name}: groups={groups} must divide in_channels={in_channels} and out_channels={out_channels}; groups=1 always does"
            )
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = pair(kernel_size, "kernel_size", 1, name)
        self.stride, self.dilation = pair(stride, "stride", 1, name), pair(dilation, "dilation", 1, name)
        self.padding = padding if padding in ("same", "valid") else pair(padding, "padding", 0, name)

    def extra_repr(self) -> str:
        """The arguments that differ from the defaults."""
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        plain = {"padding": (0, 0), "output_padding": (0, 0), "dilation": (1, 1), "groups": 1, "padding_mode": "zeros"}
        text += "".join(
            f", {name}={getattr(self, name)}" for name, value in plain.items() if getattr(self, name, value) != value
        )
        return text + ("" if self.bias is not None else ", bias=False")


class Conv2d(_Conv2d):
    """Convolution of (N, in_channels, H, W) pictures with learned kernels; arguments as F.conv2d.

    ``padding_mode`` says what the padding holds: "zeros", or as in F.pad "reflect", "replicate" or "circular".
    """

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
        padding_mode: str = "zeros",
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, groups)
        if padding == "same" and self.stride != (1, 1):
            raise ValueError(
                f"Conv2d: padding='same' needs stride 1, got {self.stride}; pad by a number, such as kernel_size // 2"
            )
        if padding_mode not in ("zeros", "reflect", "replicate", "circular"):
            raise ValueError(
                f"Conv2d: padding_mode must be 'zeros', 'reflect', 'replicate' or 'circular', got {padding_mode!r}"
            )
        self.padding_mode = padding_mode
        self._make((out_channels, in_channels // groups, *self.kernel_size), out_channels if bias else 0)

    def forward(self, input: Any) -> Any:
        """See F.conv2d."""
        padding = self.padding
        if self.padding_mode != "zeros" and padding != "valid":
            input, padding = ops.pad(input, self._frame(), self.padding_mode), "valid"
        return ops.conv2d(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)

    def _frame(self) -> list[int]:
        """The padding as F.pad takes it; "same" with an odd reach has one more at the right and bottom."""
        if self.padding != "same":
            return [p for p in self.padding[::-1] for _ in range(2)]
        reach = [d * (k - 1) for d, k in zip(self.dilation[::-1], self.kernel_size[::-1])]
        return [side for r in reach for side in (r // 2, r - r // 2)]


class ConvTranspose2d(_Conv2d):
    """The gradient of a convolution as a layer, which enlarges pictures; arguments as F.conv_transpose2d.

    (N, in_channels, H, W) → (N, out_channels, P, Q); weight (in_channels, out_channels/groups, kh, kw).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
    ) -> None:
        padding = pair(padding, "padding", 0, "ConvTranspose2d")
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, groups)
        self.output_padding = pair(output_padding, "output_padding", 0, "ConvTranspose2d")
        self._make((in_channels, out_channels // groups, *self.kernel_size), out_channels if bias else 0)

    def forward(self, input: Any, output_size: Any = None) -> Any:
        """See F.conv_transpose2d; ``output_size`` (P, Q) takes the place of output_padding."""
        more = self.output_padding if output_size is None else self._more(input.shape[2:], tuple(output_size)[-2:])
        how = self.stride, self.padding, more, self.groups, self.dilation
        return ops.conv_transpose2d(input, self.weight, self.bias, *how)

    def _more(self, before: tuple[int, ...], wanted: tuple[int, ...]) -> list[int]:
        """The output_padding that gives the wanted size."""
        window = zip(before, self.kernel_size, self.stride, self.padding, self.dilation)
        least = [(n - 1) * s - 2 * p + d * (k - 1) + 1 for n, k, s, p, d in window]
        more = [w - n for w, n in zip(wanted, least)]
        if len(more) != 2 or any(not 0 <= m < s for m, s in zip(more, self.stride)):
            most = [n + s - 1 for n, s in zip(least, self.stride)]
            raise ValueError(f"{here('ConvTranspose2d')}: output_size must be from {least} to {most}, got {wanted}")
        return more
