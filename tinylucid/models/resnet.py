"""Residual nets: the small ones for 32×32 pictures, and ResNet-18 with torchvision's names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import nn


class BasicBlock(nn.Module):
    """y = relu(x + f(x)) with f = two 3×3 convolutions, each with batch norm (He et al., 2016, figure 2).

    (N, into, H, W) → (N, out, H/stride, W/stride); where the shapes differ, x goes through a 1×1 convolution, with batch norm.
    """

    def __init__(self, into: int, out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(into, out, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.relu = nn.ReLU()
        self.conv2 = nn.Conv2d(out, out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.downsample = None
        if stride > 1 or into != out:
            self.downsample = nn.Sequential(nn.Conv2d(into, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x: Any) -> Any:
        """relu(x + f(x))."""
        f = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(f + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    """A stem, layers of ``blocks`` residual blocks each, every layer after the first with twice the channels and half the side.

    The stem is a 3×3 convolution, or for ``large`` pictures a 7×7 one with stride 2 and a max-pooling.
    """

    def __init__(self, blocks: Sequence[int], width: int, classes: int, channels: int, large: bool) -> None:
        super().__init__()
        kernel, stride = (7, 2) if large else (3, 1)
        self.conv1 = nn.Conv2d(channels, width, kernel, stride, padding=kernel // 2, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1) if large else nn.Identity()
        self.layers = len(blocks)
        for k, count in enumerate(blocks):
            out = width * 2**k
            first = BasicBlock(width if k == 0 else out // 2, out, 1 if k == 0 else 2)
            self.add_module(f"layer{k + 1}", nn.Sequential(first, *(BasicBlock(out, out, 1) for _ in range(count - 1))))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(out, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Any) -> Any:
        """Logits (N, classes)."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for k in range(self.layers):
            x = getattr(self, f"layer{k + 1}")(x)
        return self.fc(self.flatten(self.avgpool(x)))


def resnet(classes: int = 10, channels: int = 3, depth: int = 20, width: int = 16) -> ResNet:
    """The residual net for 32×32 pictures (He et al., 2016, section 4.2), of 6n + 2 = ``depth`` layers with weights.

    (N, channels, S, S) → n blocks w × S² → n blocks 2w × (S/2)² → n blocks 4w × (S/4)² → each channel's mean → logits
    (N, classes), for w = ``width``. Where channels double, x goes through 1×1 convolutions (the paper's option B), so depth
    20 has 272,474 parameters; with zeros for them (option A) it has 269,722. Raises ValueError for another depth.
    """
    n, rest = divmod(depth - 2, 6)
    if n < 1 or rest:
        raise ValueError(f"resnet: depth must be 6n + 2 (8, 14, 20, 26, 32, …), got {depth}")
    return ResNet([n] * 3, width, classes, channels, large=False)


def resnet18(classes: int = 10, channels: int = 3, width: int = 64) -> ResNet:
    """ResNet-18 for pictures of about 224×224 (He et al., 2016, table 1), with the keys of torchvision's ``resnet18``.

    (N, channels, S, S) → w × (S/2)² → pooled to (S/4)² → 2 blocks w × (S/4)² → 2 blocks 2w × (S/8)² → 2 blocks
    4w × (S/16)² → 2 blocks 8w × (S/32)² → each channel's mean → logits (N, classes), for w = ``width``.
    11,689,512 parameters with 1,000 classes.
    """
    return ResNet([2, 2, 2, 2], width, classes, channels, large=True)
