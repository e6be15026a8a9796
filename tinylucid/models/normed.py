"""What the nets of this folder are made of: a convolution with batch norm and ReLU behind it."""

from __future__ import annotations

from .. import nn


def normed(conv: nn.Conv2d) -> nn.Sequential:
    """The convolution, batch norm and ReLU."""
    return nn.Sequential({"conv": conv, "norm": nn.BatchNorm2d(conv.out_channels), "relu": nn.ReLU()})


def normed3x3(into: int, out: int) -> nn.Sequential:
    """(N, into, H, W) → (N, out, H, W): a 3×3 convolution, batch norm, which has a bias of its own, and ReLU."""
    return normed(nn.Conv2d(into, out, 3, padding=1, bias=False))
