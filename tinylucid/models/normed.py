"""What the nets of this folder are made of: a convolution with batch norm and ReLU behind it."""

from __future__ import annotations

from .. import nn


def normed(conv: nn.Conv2d) -> nn.Sequential:
    """The convolution, batch norm and ReLU."""
    return nn.Sequential({"conv": conv, "norm": nn.BatchNorm2d(conv.out_channels), "relu": nn.ReLU()})
